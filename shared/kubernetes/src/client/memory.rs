//! What joiner remembers, in one ConfigMap: a key for each kind of change, so that they do not disturb each other. What a
//! sweep saw is compressed: of 5,000 nodes it is 700 KB, and a ConfigMap holds 1 MiB.

use super::Home;
use super::change::{ATTEMPTS_MAX, JSON, MERGE_PATCH, updated};
use super::outcome;
use super::wire::{Failure, Wire};
use crate::resource::CONFIG_MAPS;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{Method, StatusCode};
use model::memory::{Change, Learned, Memory, PodsSeen, Unavailable, Unproductive};
use model::name::{NodeName, Uid};
use model::outcome::Outcome;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// The ConfigMap's name.
const STATE: &str = "joiner-state";

const UNAVAILABLE: &str = "unavailable";
const UNPRODUCTIVE: &str = "unproductive";
const LEARNED: &str = "learned";
const SWEPT: &str = "swept";
const LAUNCHES: &str = "launches";

/// A ConfigMap, as far as it is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct State {
    metadata: StateMeta,
    data: BTreeMap<String, String>,
    binary_data: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StateMeta {
    resource_version: String,
}

/// What the last sweep saw.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Swept {
    pods_seen: BTreeMap<NodeName, PodsSeen>,
    candidates: BTreeMap<NodeName, jiff::Timestamp>,
    consolidated: Option<u64>,
    moved: BTreeMap<Uid, jiff::Timestamp>,
}

/// All that is remembered, and what of it cannot be read: that is forgotten.
pub(super) async fn read(wire: &Wire, home: &Home) -> Result<(Memory, Vec<String>), Failure> {
    match wire.get(&home.path(&CONFIG_MAPS, STATE)).await {
        Ok(body) => Ok(parse(&state(&body)?)),
        Err(failure) if failure.is(StatusCode::NOT_FOUND) => Ok((Memory::default(), Vec::new())),
        Err(failure) => Err(failure),
    }
}

/// Makes a change by compare-and-swap.
pub(super) async fn remember(wire: &Wire, home: &Home, change: &Change) -> Outcome {
    for _ in 0..ATTEMPTS_MAX {
        let path = home.path(&CONFIG_MAPS, STATE);
        let seen = match wire.get(&path).await.and_then(|body| state(&body)) {
            Ok(state) => Some(state),
            Err(failure) if failure.is(StatusCode::NOT_FOUND) => None,
            Err(failure) => return outcome::of_change(failure),
        };
        let present = seen.as_ref().map(|seen| &*seen.metadata.resource_version);
        let (mut memory, _) = seen.as_ref().map(parse).unwrap_or_default();
        if !memory.apply(change)
            && let Some(version) = present.and_then(|version| version.parse().ok())
        {
            return Outcome::Updated { resource_version: version };
        }
        let mut object = contents(&memory, change);
        let written = if let Some(version) = present {
            object["metadata"] = json!({"resourceVersion": version});
            wire.change(Method::PATCH, &path, (MERGE_PATCH, &object)).await
        } else {
            object["apiVersion"] = json!(CONFIG_MAPS.api_version);
            object["kind"] = json!(CONFIG_MAPS.kind);
            object["metadata"] = json!({"name": STATE});
            let path = CONFIG_MAPS.within(&home.namespace);
            wire.change(Method::POST, &path, (JSON, &object)).await
        };
        match written {
            Ok(body) => return updated(&body),
            Err(failure) if failure.is(StatusCode::CONFLICT) => {}
            Err(failure) => return outcome::of_change(failure),
        }
    }
    Outcome::Conflict
}

fn state(body: &[u8]) -> Result<State, Failure> {
    let state = serde_json::from_slice(body);
    state.map_err(|error| Failure::Lost(format!("ConfigMap {STATE}: {error}")))
}

fn parse(state: &State) -> (Memory, Vec<String>) {
    let mut unreadable = Vec::new();
    let mut note = |key: &str, error: String| {
        unreadable.push(format!("ConfigMap {STATE}: {key}: {error}"));
    };
    let unavailable: Vec<Unavailable> = text(state, UNAVAILABLE).unwrap_or_else(|error| {
        note(UNAVAILABLE, error);
        Vec::new()
    });
    let unproductive: BTreeMap<Uid, Unproductive> =
        text(state, UNPRODUCTIVE).unwrap_or_else(|error| {
            note(UNPRODUCTIVE, error);
            BTreeMap::new()
        });
    let learned: Learned = text(state, LEARNED).unwrap_or_else(|error| {
        note(LEARNED, error);
        Learned::new()
    });
    let launches = text(state, LAUNCHES).unwrap_or_else(|error| {
        note(LAUNCHES, error);
        BTreeMap::new()
    });
    let swept = state.binary_data.get(SWEPT).map_or_else(|| Ok(Swept::default()), |t| unpack(t));
    let Swept { pods_seen, candidates, consolidated, moved } = swept.unwrap_or_else(|error| {
        note(SWEPT, error);
        Swept::default()
    });
    let memory = Memory {
        unavailable,
        pods_seen,
        candidates,
        consolidated,
        moved,
        unproductive,
        launches,
        learned,
    };
    (memory, unreadable)
}

fn text<T: DeserializeOwned + Default>(state: &State, key: &str) -> Result<T, String> {
    let text = state.data.get(key).map(|text| serde_json::from_str(text));
    text.transpose().map(Option::unwrap_or_default).map_err(|error| error.to_string())
}

/// The keys that a change is about.
fn contents(memory: &Memory, change: &Change) -> Value {
    let Memory {
        unavailable,
        pods_seen,
        candidates,
        consolidated,
        moved,
        unproductive,
        launches,
        learned,
    } = memory;
    let text = |value: serde_json::Result<String>| value.expect("names of things are its keys");
    match change {
        Change::Unavailable { .. } => {
            json!({"data": {UNAVAILABLE: text(serde_json::to_string(unavailable))}})
        }
        Change::Unproductive(_) => {
            json!({"data": {UNPRODUCTIVE: text(serde_json::to_string(unproductive))}})
        }
        Change::Learned { .. } => {
            json!({"data": {LEARNED: text(serde_json::to_string(learned))}})
        }
        Change::Launched(_) => {
            json!({"data": {LAUNCHES: text(serde_json::to_string(launches))}})
        }
        Change::Swept { .. } => {
            let swept = Swept {
                pods_seen: pods_seen.clone(),
                candidates: candidates.clone(),
                consolidated: *consolidated,
                moved: moved.clone(),
            };
            json!({"binaryData": {SWEPT: pack(&text(serde_json::to_string(&swept)))}})
        }
    }
}

/// The longest text of a sweep: 100,000 nodes with their names. More is no sweep of ours.
const SWEPT_MAX: u64 = 64 << 20;

fn pack(text: &str) -> String {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    let packed = packed.write_all(text.as_bytes()).and_then(|()| packed.finish());
    STANDARD.encode(packed.expect("memory takes all that is written"))
}

fn unpack(packed: &str) -> Result<Swept, String> {
    let packed = STANDARD.decode(packed).map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    let read = GzDecoder::new(&*packed).take(SWEPT_MAX).read_to_end(&mut text);
    read.map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use model::instance_type::{CapacityType, OfferingKey};

    fn changes() -> Vec<Change> {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let offering = OfferingKey {
            instance_type: "m5.large".into(),
            zone: "us-east-1a".into(),
            capacity_type: CapacityType::Spot,
        };
        let seen = PodsSeen { fingerprint: u64::MAX, since: now };
        vec![
            Change::Unavailable { offerings: vec![Unavailable { offering, until: now }], now },
            Change::Unproductive([("u".into(), Unproductive { count: 2, last: now })].into()),
            Change::Learned {
                memory: [("m5.large".into(), [("ami-1".into(), 7)].into())].into(),
                in_use: ["ami-1".into()].into(),
            },
            Change::Launched([("default".into(), vec![true, false])].into()),
            Change::Swept {
                pods_seen: [("n".into(), seen)].into(),
                candidates: [("n".into(), now)].into(),
                consolidated: Some(7),
                moved: [("u".into(), now)].into(),
            },
        ]
    }

    fn merged(states: &[Value]) -> State {
        let mut all = json!({"metadata": {"resourceVersion": "5"}, "data": {}, "binaryData": {}});
        for state in states {
            for (part, keys) in state.as_object().unwrap() {
                all[part].as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
            }
        }
        state(all.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_change_is_kept_under_a_key_of_its_own_and_read_back() {
        let mut memory = Memory::default();
        let mut states = Vec::new();
        for change in changes() {
            memory.apply(&change);
            states.push(contents(&memory, &change));
        }
        assert_eq!(parse(&merged(&states)), (memory, vec![]));
        assert_eq!(parse(&merged(&[])), (Memory::default(), vec![]));
    }

    #[test]
    fn what_cannot_be_read_is_forgotten_and_named() {
        let bad = json!({
            "data": {UNAVAILABLE: "[", UNPRODUCTIVE: "{}"},
            "binaryData": {SWEPT: STANDARD.encode("not gzip")},
        });
        let (memory, unreadable) = parse(&merged(&[bad]));
        assert_eq!(memory, Memory::default());
        assert_eq!(
            unreadable,
            [
                "ConfigMap joiner-state: unavailable: EOF while parsing a list at line 1 column 1",
                "ConfigMap joiner-state: swept: unexpected end of file",
            ]
        );
    }
}

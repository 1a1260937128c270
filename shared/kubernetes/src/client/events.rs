//! Kubernetes Events under Karpenter's name, reasons and texts.
//!
//! No process lives long enough to remember what it has recorded, so the name of an event is made from all that it says:
//! the same said again finds the old one, which counts it.

use super::change::{JSON, MERGE_PATCH};
use super::format::seconds;
use super::outcome;
use super::wire::{Failure, Wire};
use crate::resource::{self, EVENTS, Resource};
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use model::action::Event;
use model::name::{Uid, stable_hash};
use model::outcome::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Who says it: dashboards select events by Karpenter's name.
const COMPONENT: &str = "karpenter";

/// The same is not said twice within this time (Karpenter's default).
const SAID_FOR: SignedDuration = SignedDuration::from_mins(2);

/// The longest message, in characters (API reference, `events.k8s.io/v1` Event, `note`).
const MESSAGE_MAX: usize = 1024;

/// The longest name of an object.
const NAME_MAX: usize = 253;

/// What this process has recorded of late, by the event's name.
#[derive(Debug, Default)]
pub(super) struct Recorded(Mutex<BTreeMap<String, Timestamp>>);

impl Recorded {
    /// Whether the same was recorded a moment ago; what was is forgotten after that.
    fn holds(&self, name: &str, now: Timestamp) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, at| now.duration_since(*at) < SAID_FOR);
        all.contains_key(name)
    }

    fn note(&self, name: String, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, now);
    }
}

/// Records an event about an object; its uid is looked up where it is not known.
pub(super) async fn record(
    (wire, recorded): (&Wire, &Recorded),
    event: &Event,
    uid: Option<&Uid>,
    now: Timestamp,
) -> Outcome {
    let Some(about) = about(event) else {
        let message = format!("events about {} are not known", event.kind);
        return Outcome::Denied { code: "Unknown".to_owned(), message };
    };
    let looked_up = match uid {
        Some(uid) => Ok(uid.clone()),
        None => uid_of(wire, about, event).await,
    };
    let uid = match looked_up {
        Ok(uid) => uid,
        Err(failure) => return outcome::of_change(failure),
    };
    let name = name(event, &uid);
    if recorded.holds(&name, now) {
        return Outcome::Done;
    }
    let outcome = write(wire, (event, about), (&name, &uid), now).await;
    if outcome == Outcome::Done {
        recorded.note(name, now);
    }
    outcome
}

fn about(event: &Event) -> Option<&'static Resource> {
    let known = [&resource::PODS, &resource::NODES, &resource::NODE_CLAIMS, &resource::NODE_POOLS];
    let known = known.into_iter().chain([&resource::NODE_CLASSES]);
    known.into_iter().find(|resource| resource.kind == &*event.kind)
}

async fn uid_of(wire: &Wire, about: &Resource, event: &Event) -> Result<Uid, Failure> {
    let path = match &*event.object.namespace {
        "" => about.named(&event.object.name),
        namespace => about.named_within(namespace, &event.object.name),
    };
    let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let body = wire.get_as(&path, accept).await?;
    let object: Value = serde_json::from_slice(&body).unwrap_or_default();
    let uid = object["metadata"]["uid"].as_str();
    uid.map(Uid::from).ok_or_else(|| Failure::Lost("an object without a uid".to_owned()))
}

/// Creates the event, or counts it where it has been said before.
async fn write(
    wire: &Wire,
    (event, about): (&Event, &Resource),
    (name, uid): (&str, &Uid),
    now: Timestamp,
) -> Outcome {
    let namespace = namespace(event);
    let object = object(event, about, (name, uid), now);
    let path = EVENTS.within(namespace);
    match wire.change(Method::POST, &path, (JSON, &object)).await {
        Ok(_) => return Outcome::Done,
        Err(failure) if failure.is(StatusCode::CONFLICT) => {}
        Err(failure) => return outcome::of_change(failure),
    }
    // The answer to a patch tells the count, so that no right to read events is needed.
    let path = EVENTS.named_within(namespace, name);
    let again = json!({"lastTimestamp": seconds(now)});
    let body = match wire.change(Method::PATCH, &path, (MERGE_PATCH, &again)).await {
        Ok(body) => body,
        // It has run out in this moment: what was said long enough ago need not be counted.
        Err(failure) => return outcome::of_change(failure),
    };
    let seen: Value = serde_json::from_slice(&body).unwrap_or_default();
    let count = seen["count"].as_i64().unwrap_or(1).saturating_add(1);
    let version = &seen["metadata"]["resourceVersion"];
    let counted = json!({"metadata": {"resourceVersion": version}, "count": count});
    match wire.change(Method::PATCH, &path, (MERGE_PATCH, &counted)).await {
        Ok(_) => Outcome::Done,
        // Somebody else counts at this moment.
        Err(failure) if failure.is(StatusCode::CONFLICT) => Outcome::Done,
        Err(failure) => outcome::of_change(failure),
    }
}

/// Events about what lives in no namespace are kept in `default`, as Kubernetes' own are.
fn namespace(event: &Event) -> &str {
    match &*event.object.namespace {
        "" => "default",
        namespace => namespace,
    }
}

fn name(event: &Event, uid: &Uid) -> String {
    let Event { kind, object, warning, reason, message } = event;
    let kind_of = if *warning { "Warning" } else { "Normal" };
    let parts = [&**kind, &**uid, kind_of, reason, message];
    let hash = stable_hash(parts.into_iter().map(str::as_bytes));
    let suffix = format!(".{hash:016x}");
    let stem: String = object.name.chars().take(NAME_MAX - suffix.len()).collect();
    format!("{}{suffix}", stem.trim_end_matches(['.', '-']))
}

fn object(event: &Event, about: &Resource, (name, uid): (&str, &Uid), now: Timestamp) -> Value {
    let Event { kind, object, warning, reason, message } = event;
    let message: String = message.chars().take(MESSAGE_MAX).collect();
    let mut involved = json!({
        "apiVersion": about.api_version,
        "kind": &**kind,
        "name": &*object.name,
        "uid": &**uid,
    });
    if !object.namespace.is_empty() {
        involved["namespace"] = json!(&*object.namespace);
    }
    json!({
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"name": name, "namespace": namespace(event)},
        "involvedObject": involved,
        "type": if *warning { "Warning" } else { "Normal" },
        "reason": &**reason,
        "message": message,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": seconds(now),
        "lastTimestamp": seconds(now),
        "count": 1,
    })
}

//! Pages of a list and lines of a watch, object by object: one that cannot be read spoils no other.

use super::pool::{PoolFigures, figures};
use super::trace::{hash, trace};
use kube::core::Status;
use model::hint::{Sighting, Subject, Trace};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;
use thiserror::Error;

/// A page.
#[derive(Deserialize)]
pub(super) struct Page<'a> {
    pub(super) metadata: PageMeta,
    /// The objects, unread. The API server writes an empty list as null.
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub(super) items: Vec<&'a RawValue>,
}

/// What a page says of the list.
#[derive(Deserialize)]
pub(super) struct PageMeta {
    /// Which version the list is of.
    #[serde(rename = "resourceVersion")]
    pub(super) version: String,
    /// Where the next page begins; none on the last.
    #[serde(rename = "continue", default, deserialize_with = "empty_is_none")]
    pub(super) next: Option<String>,
}

/// An object that cannot be read. Only names are told: a value may be a secret.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{kind} {name} cannot be read: {what}, at byte {at} of it")]
pub(super) struct Unreadable {
    kind: &'static str,
    name: String,
    what: &'static str,
    at: usize,
}

/// An object, as far as it is looked at.
#[derive(Debug)]
pub(super) struct Object {
    key: u64,
    trace: Option<Trace>,
    pool: Option<PoolFigures>,
}

/// A line of a watch.
#[derive(Debug)]
pub(super) enum Line {
    /// An object has come, changed or gone.
    Object { sighting: Sighting, pool: Option<PoolTold>, version: Option<String> },
    /// Nothing has changed up to a version.
    Bookmark { version: String },
    /// Nobody can read it.
    Unreadable { what: Unreadable, version: Option<String> },
    /// The watch is over.
    Error(Box<Status>),
}

#[derive(Deserialize)]
struct RawLine<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    metadata: Meta,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    uid: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    resource_version: Option<String>,
    deletion_timestamp: Option<IgnoredAny>,
}

/// What has been told of a NodePool.
#[derive(Debug)]
pub(super) enum PoolTold {
    /// Its figures.
    Has(PoolFigures),
    /// Its name, as it is gone.
    Gone(String),
}

impl Object {
    pub(super) const fn seen(&self) -> Sighting {
        Sighting::Seen { key: self.key, trace: self.trace }
    }

    /// Its figures, if it is a NodePool.
    pub(super) fn into_pool(self) -> Option<PoolFigures> {
        self.pool
    }
}

/// Reads an object.
pub(super) fn read(subject: Subject, raw: &RawValue) -> Result<Object, Unreadable> {
    object(subject, raw, &head(subject, raw)?)
}

/// Reads a line of a watch.
pub(super) fn read_line(subject: Subject, line: &[u8]) -> Line {
    let RawLine { kind, object: raw } = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(error) => {
            return Line::Unreadable { what: unreadable(subject, None, &error), version: None };
        }
    };
    if kind == "ERROR" {
        let status = serde_json::from_str(raw.get());
        return Line::Error(Box::new(
            status.unwrap_or_else(|_| Status::failure("an error that is not told", "Unknown")),
        ));
    }
    let head = match head(subject, raw) {
        Ok(head) => head,
        Err(what) => return Line::Unreadable { what, version: None },
    };
    let version = head.metadata.resource_version.clone();
    let told = match (&*kind, version.clone()) {
        ("BOOKMARK", Some(version)) => return Line::Bookmark { version },
        ("ADDED" | "MODIFIED", _) => object(subject, raw, &head)
            .map(|object| (object.seen(), object.into_pool().map(PoolTold::Has))),
        ("DELETED", _) => key(subject, &head).map(|key| {
            let pool = (subject == Subject::NodePool).then_some(head.metadata.name).flatten();
            (Sighting::Gone { key }, pool.map(PoolTold::Gone))
        }),
        _ => Err(nameless(subject, "it is not said what has happened to it")),
    };
    match told {
        Ok((sighting, pool)) => Line::Object { sighting, pool, version },
        Err(what) => Line::Unreadable { what, version },
    }
}

fn head(subject: Subject, raw: &RawValue) -> Result<Head, Unreadable> {
    serde_json::from_str(raw.get()).map_err(|error| unreadable(subject, None, &error))
}

fn object(subject: Subject, raw: &RawValue, head: &Head) -> Result<Object, Unreadable> {
    let key = key(subject, head)?;
    let trace = trace(subject, raw.get(), head.metadata.deletion_timestamp.is_some());
    let trace = trace.map_err(|error| unreadable(subject, Some(head), &error))?;
    let pool = (subject == Subject::NodePool).then(|| figures(raw.get())).flatten();
    Ok(Object { key, trace, pool })
}

fn key(subject: Subject, head: &Head) -> Result<u64, Unreadable> {
    let Some(uid) = &head.metadata.uid else {
        return Err(Unreadable { name: name(Some(head)), ..nameless(subject, "it has no uid") });
    };
    Ok(hash(uid))
}

fn nameless(subject: Subject, what: &'static str) -> Unreadable {
    Unreadable { kind: subject.as_str(), name: name(None), what, at: 0 }
}

fn unreadable(subject: Subject, head: Option<&Head>, error: &serde_json::Error) -> Unreadable {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field is not of its type",
        serde_json::error::Category::Syntax => "it is not JSON",
        serde_json::error::Category::Eof | serde_json::error::Category::Io => "it breaks off",
    };
    Unreadable { kind: subject.as_str(), name: name(head), what, at: error.column() }
}

fn name(head: Option<&Head>) -> String {
    let Some(Head { metadata }) = head else { return "without a name".into() };
    let name = metadata.name.as_deref().unwrap_or("without a name");
    metadata.namespace.as_ref().map_or_else(|| name.into(), |space| format!("{space}/{name}"))
}

fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn empty_is_none<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|token| !token.is_empty()))
}

#[cfg(test)]
mod tests;

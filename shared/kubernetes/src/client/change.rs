//! Changes to objects that are there: only to the one that is meant, and only if it is as it was seen.

use super::diff;
use super::outcome;
use super::wire::{Failure, Wire};
use http::{Method, StatusCode};
use model::name::{ResourceVersion, Uid};
use model::outcome::Outcome;
use serde_json::{Value, json};

/// A change that others keep overtaking is tried so often. Each attempt reads what the last one lost against; five lost
/// races within some 50 ms mean that somebody is writing in a loop.
pub(super) const ATTEMPTS_MAX: u32 = 5;

pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(super) const JSON_PATCH: &str = "application/json-patch+json";
pub(super) const JSON: &str = "application/json";

/// The object that is meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// Its path.
    pub(super) path: &'a str,
    /// Its uid: another object of the name is not meant.
    pub(super) uid: &'a Uid,
    /// The version that was seen, where the change is only for that.
    pub(super) version: Option<ResourceVersion>,
}

impl Target<'_> {
    /// `metadata` of a patch that makes the API server check what is meant.
    pub(super) fn conditions(&self) -> Value {
        let mut metadata = json!({"uid": &**self.uid});
        if let Some(version) = self.version {
            metadata["resourceVersion"] = json!(version.to_string());
        }
        metadata
    }
}

/// Changes an object by a patch that does not depend on what it holds. The patch's `metadata` has to name the conditions.
pub(super) async fn patch(wire: &Wire, path: &str, change: &Value) -> Outcome {
    match wire.change(Method::PATCH, path, (MERGE_PATCH, change)).await {
        Ok(body) => updated(&body),
        Err(failure) => outcome::of_change(failure),
    }
}

/// An object before and after a change.
pub(super) struct Changed {
    pub(super) before: Value,
    pub(super) after: Value,
}

impl Changed {
    /// What came of the change.
    pub(super) fn outcome(&self) -> Outcome {
        of_object(&self.after)
    }
}

/// Changes an object by what it holds: reads it, edits it, and writes the difference on the condition that it is still as
/// it was read. Where no version was asked for, somebody else's change in between leads to another attempt.
///
/// # Errors
/// The outcome, where nothing was changed.
pub(super) async fn edit(
    wire: &Wire,
    target: Target<'_>,
    edit: impl Fn(&mut Value) -> Result<(), String>,
) -> Result<Changed, Outcome> {
    for _ in 0..ATTEMPTS_MAX {
        let before = read(wire, target).await?;
        let mut wanted = before.clone();
        if let Err(message) = edit(&mut wanted) {
            return Err(Outcome::Denied { code: "Unreadable".to_owned(), message });
        }
        match write(wire, target.path, &before, &wanted).await {
            Ok(after) => return Ok(Changed { before, after }),
            Err(failure) if failure.is(StatusCode::CONFLICT) && target.version.is_none() => {}
            Err(failure) => return Err(outcome::of_change(failure)),
        }
    }
    Err(Outcome::Conflict)
}

/// The object, if it is the one that is meant.
async fn read(wire: &Wire, target: Target<'_>) -> Result<Value, Outcome> {
    let body = wire.get(target.path).await.map_err(outcome::of_change)?;
    let seen: Value = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
    let metadata = &seen["metadata"];
    let is_meant = metadata["uid"] == **target.uid;
    let version = target.version.map(|version| version.to_string());
    let is_as_seen = version.is_none_or(|version| metadata["resourceVersion"] == *version);
    if is_meant && is_as_seen { Ok(seen) } else { Err(Outcome::Conflict) }
}

/// Writes what differs, the status by its own path after the rest. Returns the object as the API server has it then.
async fn write(wire: &Wire, path: &str, seen: &Value, wanted: &Value) -> Result<Value, Failure> {
    let Some(Value::Object(mut rest)) = diff::between(seen, wanted) else {
        return Ok(seen.clone());
    };
    let status = rest.remove("status").map(|status| json!({"status": status}));
    let rest = (!rest.is_empty()).then_some(Value::Object(rest));
    let mut present = seen.clone();
    for (at, change) in [(path.to_owned(), rest), (format!("{path}/status"), status)] {
        let Some(mut change) = change else { continue };
        change["metadata"]["resourceVersion"] = present["metadata"]["resourceVersion"].clone();
        let body = wire.change(Method::PATCH, &at, (MERGE_PATCH, &change)).await?;
        present = serde_json::from_slice(&body)
            .map_err(|error| Failure::Lost(format!("an answer that is no object: {error}")))?;
    }
    Ok(present)
}

/// Takes a finalizer off an object. Others' are left alone, and nothing is done to an object that has it no more.
pub(super) async fn release(wire: &Wire, target: Target<'_>, finalizer: &str) -> Outcome {
    for _ in 0..ATTEMPTS_MAX {
        let seen = match read(wire, target).await {
            Ok(seen) => seen,
            Err(outcome) => return outcome,
        };
        let finalizers = seen["metadata"]["finalizers"].as_array().into_iter().flatten();
        let mut numbered = finalizers.enumerate();
        let Some((index, _)) = numbered.find(|(_, name)| **name == finalizer) else {
            return Outcome::Done;
        };
        let at = format!("/metadata/finalizers/{index}");
        let patch = json!([
            {"op": "test", "path": "/metadata/uid", "value": &**target.uid},
            {"op": "test", "path": at, "value": finalizer},
            {"op": "remove", "path": at},
        ]);
        match wire.change(Method::PATCH, target.path, (JSON_PATCH, &patch)).await {
            Ok(_) => return Outcome::Done,
            // A test that failed, or somebody else's change in the middle: the object is looked at again.
            Err(failure)
                if failure.is(StatusCode::UNPROCESSABLE_ENTITY)
                    || failure.is(StatusCode::CONFLICT) => {}
            Err(failure) => return outcome::of_change(failure),
        }
    }
    Outcome::Conflict
}

/// Asks for the deletion of the object of this uid.
pub(super) async fn delete(wire: &Wire, target: Target<'_>, grace_seconds: Option<i64>) -> Outcome {
    let mut options = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": &**target.uid},
    });
    if let Some(seconds) = grace_seconds {
        options["gracePeriodSeconds"] = json!(seconds);
    }
    match wire.change(Method::DELETE, target.path, (JSON, &options)).await {
        Ok(_) => Outcome::Done,
        Err(failure) => outcome::of_change(failure),
    }
}

/// The outcome of a change whose answer is the object.
pub(super) fn updated(body: &[u8]) -> Outcome {
    of_object(&serde_json::from_slice(body).unwrap_or_default())
}

/// `metadata.resourceVersion`.
pub(super) fn version_of(object: &Value) -> Option<ResourceVersion> {
    object["metadata"]["resourceVersion"].as_str()?.parse().ok()
}

fn of_object(object: &Value) -> Outcome {
    match version_of(object) {
        Some(resource_version) => Outcome::Updated { resource_version },
        None => Outcome::Unknown { message: "an answer without a version".to_owned() },
    }
}

fn unreadable(error: &serde_json::Error) -> Outcome {
    Outcome::Unknown { message: format!("an answer that is no object: {error}") }
}

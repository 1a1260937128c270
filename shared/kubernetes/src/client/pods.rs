//! Evicting and deleting pods.

use super::change::{self, JSON, Target};
use super::events::{self, Recorded};
use super::outcome;
use super::wire::Wire;
use crate::resource::PODS;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use model::action::Event;
use model::name::{ObjectName, Uid};
use model::outcome::Outcome;
use serde_json::json;

/// Evicts a pod, and records why.
pub(super) async fn evict(
    (wire, recorded): (&Wire, &Recorded),
    (pod, uid): (&ObjectName, &Uid),
    reason: &str,
    now: Timestamp,
) -> Outcome {
    let eviction = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": &*pod.namespace, "name": &*pod.name},
        "deleteOptions": {"preconditions": {"uid": &**uid}},
    });
    let path = format!("{}/eviction", PODS.named_within(&pod.namespace, &pod.name));
    match wire.change(Method::POST, &path, (JSON, &eviction)).await {
        Ok(_) => {
            let event = Event {
                kind: PODS.kind.into(),
                object: pod.clone(),
                warning: false,
                reason: "Evicted".into(),
                message: format!("Evicted pod: {reason}"),
            };
            // The pod is evicted whether or not that can be recorded.
            let _ = events::record((wire, recorded), &event, Some(uid), now).await;
            Outcome::Done
        }
        Err(failure) => outcome::of_eviction(failure),
    }
}

/// Deletes a pod, with this grace.
pub(super) async fn delete(
    wire: &Wire,
    (pod, uid): (&ObjectName, &Uid),
    grace: SignedDuration,
) -> Outcome {
    let path = PODS.named_within(&pod.namespace, &pod.name);
    // A grace of zero would take the pod out of the API before its containers have ended.
    let seconds = grace.as_secs().max(1);
    change::delete(wire, Target { path: &path, uid, version: None }, Some(seconds)).await
}

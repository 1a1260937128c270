//! NodeClaims: made as Karpenter makes them, and changed.

use super::change::{self, Changed, JSON, Target};
use super::conditions::{self, OF_CLAIMS, Wanted};
use super::events::{self, Recorded};
use super::format::{amounts, duration, seconds};
use super::outcome;
use super::wire::Wire;
use crate::resource::{NODE_CLAIMS, NODE_CLASSES, NODE_POOLS, Resource};
use futures_util::future::join_all;
use http::Method;
use jiff::Timestamp;
use model::action::{ClaimChange, Event, NewClaim};
use model::claim::NodeClaimSpec;
use model::condition::{ConditionType, Status};
use model::labels;
use model::name::{ClaimName, InstanceId, ObjectName, Text, Zone};
use model::outcome::Outcome;
use model::requirement::Requirements;
use model::resources::Resources;
use model::taint::Taint;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Creates a claim.
pub(super) async fn create(wire: &Wire, new: &NewClaim) -> Outcome {
    let object = object(new);
    let body = match wire.change(Method::POST, &NODE_CLAIMS.all(), (JSON, &object)).await {
        Ok(body) => body,
        Err(failure) => {
            return match outcome::of_change(failure) {
                // What cannot be found is the kind.
                Outcome::NotFound => Outcome::Denied {
                    code: "NotFound".to_owned(),
                    message: "the API server does not know NodeClaims".to_owned(),
                },
                outcome => outcome,
            };
        }
    };
    let created: Value = serde_json::from_slice(&body).unwrap_or_default();
    let version = change::version_of(&created);
    match (created["metadata"]["uid"].as_str(), version) {
        (Some(uid), Some(resource_version)) => {
            Outcome::Created { uid: uid.into(), resource_version }
        }
        (None, _) | (_, None) => {
            Outcome::Unknown { message: "a new NodeClaim without uid or version".to_owned() }
        }
    }
}

/// Changes a claim, and records which of its conditions that has turned.
pub(super) async fn update(
    (wire, recorded): (&Wire, &Recorded),
    target: Target<'_>,
    change: &ClaimChange,
    now: Timestamp,
) -> Outcome {
    if let Some(annotations) = annotations(change) {
        let mut patch = json!({"metadata": target.conditions()});
        patch["metadata"]["annotations"] = json!(annotations);
        return change::patch(wire, target.path, &patch).await;
    }
    let edited = change::edit(wire, target, |object| edit(object, change, now)).await;
    let changed = match edited {
        Ok(changed) => changed,
        Err(outcome) => return outcome,
    };
    let turned = turned(&NODE_CLAIMS, &changed);
    let records =
        turned.iter().map(|event| events::record((wire, recorded), event, Some(target.uid), now));
    // The claim is changed whether or not that can be recorded.
    join_all(records).await;
    changed.outcome()
}

/// An event for each condition whose status is another one now, under the texts of Karpenter's library (operatorpkg,
/// package status): one that was not there before was unknown.
pub(super) fn turned(resource: &Resource, changed: &Changed) -> Vec<Event> {
    let status_in = |object: &Value, kind: &Value| {
        let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        let mut of_kind = conditions.filter(|condition| condition["type"] == *kind);
        let status = of_kind.next().and_then(|condition| condition["status"].as_str());
        status.unwrap_or("Unknown").to_owned()
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let after = changed.after["status"]["conditions"].as_array().into_iter().flatten();
    let event = |condition: &Value| {
        let (kind, status) = (&condition["type"], text(&condition["status"]));
        let before = status_in(&changed.before, kind);
        if before == status {
            return None;
        }
        let (kind, reason) = (text(kind), text(&condition["reason"]));
        let mut message = format!(
            "Status condition transitioned, Type: {kind}, Status: {before} -> {status}, Reason: {reason}"
        );
        if condition["message"] != "" {
            message.push_str(", Message: ");
            message.push_str(&text(&condition["message"]));
        }
        let name = text(&changed.after["metadata"]["name"]);
        Some(Event {
            kind: resource.kind.into(),
            object: ObjectName::new("", name),
            warning: false,
            reason: kind.into(),
            message,
        })
    };
    after.filter_map(event).collect()
}

/// The object of a new claim.
fn object(new: &NewClaim) -> Value {
    let NewClaim { name, pool_uid, labels, annotations, spec } = new;
    let mut annotations = annotations.clone();
    if !spec.nominated.is_empty() {
        let ids: Vec<String> = spec.nominated.iter().map(|id| format!("{id:08x}")).collect();
        annotations.insert(labels::NOMINATED_PODS.into(), ids.join(",").into());
    }
    if !spec.replaces.is_empty() {
        annotations.insert(labels::REPLACES.into(), names(&spec.replaces).into());
    }
    let mut metadata = json!({
        "name": &**name,
        "labels": labels,
        "annotations": annotations,
        "finalizers": [labels::TERMINATION_FINALIZER],
    });
    if let (Some(pool), Some(uid)) = (&spec.pool, pool_uid) {
        metadata["ownerReferences"] = json!([{
            "apiVersion": NODE_POOLS.api_version,
            "kind": NODE_POOLS.kind,
            "name": &**pool,
            "uid": &**uid,
            "blockOwnerDeletion": true,
        }]);
    }
    json!({
        "apiVersion": NODE_CLAIMS.api_version,
        "kind": NODE_CLAIMS.kind,
        "metadata": metadata,
        "spec": spec_of(spec),
    })
}

fn spec_of(spec: &NodeClaimSpec) -> Value {
    let NodeClaimSpec {
        pool: _, node_class, requirements, requests, taints, startup_taints, ..
    } = spec;
    let NodeClaimSpec { expire_after, termination_grace_period, .. } = spec;
    let (group, _) = NODE_CLASSES.api_version.split_once('/').unwrap_or_default();
    let mut object = json!({
        "nodeClassRef": {"group": group, "kind": NODE_CLASSES.kind, "name": &**node_class},
        "requirements": requirements_of(requirements),
        "resources": {"requests": amounts(requests)},
        "expireAfter": expire_after.map_or_else(|| "Never".to_owned(), duration),
    });
    if !taints.is_empty() {
        object["taints"] = taints.iter().map(taint).collect();
    }
    if !startup_taints.is_empty() {
        object["startupTaints"] = startup_taints.iter().map(taint).collect();
    }
    if let Some(period) = termination_grace_period {
        object["terminationGracePeriod"] = json!(duration(*period));
    }
    object
}

/// Requirements by operators; `minValues` stands with the first of a key.
fn requirements_of(all: &Requirements) -> Value {
    let mut list = Vec::new();
    for (key, requirement) in all.iter() {
        let mut min_values = requirement.min_values();
        for (operator, values) in requirement.expressions() {
            let mut entry = json!({"key": &**key, "operator": operator});
            if !values.is_empty() {
                entry["values"] = json!(values);
            }
            if let Some(count) = min_values.take() {
                entry["minValues"] = json!(count);
            }
            list.push(entry);
        }
    }
    Value::Array(list)
}

/// A taint as objects have it.
pub(super) fn taint(taint: &Taint) -> Value {
    let Taint { key, value, effect } = taint;
    let mut object = json!({"key": &**key, "effect": effect});
    if !value.is_empty() {
        object["value"] = json!(&**value);
    }
    object
}

fn names(claims: &[ClaimName]) -> String {
    claims.iter().map(|claim| &**claim).collect::<Vec<_>>().join(",")
}

/// The annotations that a change is kept in, if it is kept in some; one without a value goes.
fn annotations(change: &ClaimChange) -> Option<BTreeMap<Text, Option<Text>>> {
    let one = |key: &str, value: Option<String>| Some([(key.into(), value.map(Text::from))].into());
    match change {
        ClaimChange::LaunchRecord(record) => {
            let text = serde_json::to_string(record).expect("a record has no map of foreign keys");
            one(labels::LAUNCH_RECORD, Some(text))
        }
        ClaimChange::Notice(notice) => {
            let text = format!("{}@{}", notice.kind.as_str(), notice.at);
            one(labels::INTERRUPTION_NOTICE, Some(text))
        }
        ClaimChange::ReplacedBy(claims) => {
            one(labels::REPLACED_BY, (!claims.is_empty()).then(|| names(claims)))
        }
        ClaimChange::TerminationDeadline(at) => {
            one(labels::TERMINATION_TIMESTAMP, Some(seconds(*at)))
        }
        ClaimChange::Stamped(stamps) => {
            Some(stamps.write().into_iter().map(|(key, value)| (key, Some(value))).collect())
        }
        ClaimChange::Launched { .. }
        | ClaimChange::Registered { .. }
        | ClaimChange::Initialized { .. }
        | ClaimChange::Condition { .. }
        | ClaimChange::LastPodEvent(_) => None,
    }
}

/// Makes a change in the object.
fn edit(object: &mut Value, change: &ClaimChange, now: Timestamp) -> Result<(), String> {
    let is_so = |kind: ConditionType| Some((kind, Some(Status::True), kind.as_str(), ""));
    let condition = match change {
        ClaimChange::Launched { instance, image, labels, capacity, allocatable } => {
            let all = labels.iter().map(|(key, value)| (key.to_string(), json!(&**value)));
            fields(&mut object["metadata"]["labels"]).extend(all);
            let zone = labels.get(labels::ZONE).cloned().map(Zone::from);
            let status = fields(&mut object["status"]);
            status.insert("providerID".to_owned(), json!(provider_id(zone.as_ref(), instance)));
            status.insert("imageID".to_owned(), json!(&**image));
            set_sizes(status, capacity, allocatable);
            is_so(ConditionType::Launched)
        }
        ClaimChange::Registered { node } => {
            fields(&mut object["status"]).insert("nodeName".to_owned(), json!(&**node));
            is_so(ConditionType::Registered)
        }
        ClaimChange::Initialized { capacity, allocatable } => {
            set_sizes(fields(&mut object["status"]), capacity, allocatable);
            is_so(ConditionType::Initialized)
        }
        ClaimChange::Condition { kind, status, reason, message } => {
            Some((*kind, *status, &**reason, &**message))
        }
        ClaimChange::LastPodEvent(at) => {
            fields(&mut object["status"])
                .insert("lastPodEventTime".to_owned(), json!(seconds(*at)));
            None
        }
        ClaimChange::LaunchRecord(_)
        | ClaimChange::Notice(_)
        | ClaimChange::ReplacedBy(_)
        | ClaimChange::Stamped(_)
        | ClaimChange::TerminationDeadline(_) => None,
    };
    match condition {
        Some(condition) => set_condition(object, condition, now),
        None => Ok(()),
    }
}

/// `aws:///zone/instance`, as Karpenter and the AWS cloud provider have it.
fn provider_id(zone: Option<&Zone>, instance: &InstanceId) -> String {
    format!("aws:///{}/{instance}", zone.map_or("", |zone| zone.as_str()))
}

fn set_sizes(status: &mut Map<String, Value>, capacity: &Resources, allocatable: &Resources) {
    status.insert("capacity".to_owned(), amounts(capacity));
    status.insert("allocatable".to_owned(), amounts(allocatable));
}

fn set_condition(
    object: &mut Value,
    (kind, status, reason, message): (ConditionType, Option<Status>, &str, &str),
    now: Timestamp,
) -> Result<(), String> {
    conditions::change(object, (&OF_CLAIMS, now), |set| {
        let kind = kind.as_str();
        match status {
            Some(status) => {
                set.set(Wanted { kind, status: conditions::name_of(status), reason, message });
            }
            None => set.clear(kind),
        }
    })
}

/// The fields of an object; one that is not there comes to be.
pub(super) fn fields(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was made one")
}

#[cfg(test)]
mod tests;

//! What matters of an object, as a hash. Heartbeats, counts, and what joiner itself notes down without having to act on it
//! are left out.

use model::hint::{Subject, Trace};
use model::labels::{INTERRUPTION_NOTICE, REPLACED_BY, TERMINATION_TIMESTAMP};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The condition of a Node that decides whether pods may run there, and of pools and classes whether they may be used.
const READY: &str = "Ready";
/// Conditions of a NodeClaim that only disruption looks at, which comes on its own schedule.
const FOR_DISRUPTION: [&str; 2] = ["Consolidatable", "Drifted"];
/// Annotations of a NodeClaim that lifecycle acts on.
const FOR_LIFECYCLE: [&str; 3] = [INTERRUPTION_NOTICE, REPLACED_BY, TERMINATION_TIMESTAMP];

type Texts = BTreeMap<String, String>;

#[derive(PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: Option<String>,
}

#[derive(Hash, Deserialize)]
struct Taint {
    key: String,
    value: Option<String>,
    effect: String,
}

#[derive(Deserialize)]
struct Pod {
    metadata: Generation,
    spec: Option<PodSpec>,
    status: Option<PodStatus>,
}

#[derive(Hash, Deserialize)]
struct Generation {
    generation: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    node_name: Option<String>,
}

#[derive(Deserialize)]
struct PodStatus {
    phase: Option<String>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Deserialize)]
struct Node {
    metadata: NodeMeta,
    spec: Option<NodeSpec>,
    status: Option<NodeStatus>,
}

#[derive(Hash, Deserialize)]
struct NodeMeta {
    labels: Option<Texts>,
}

#[derive(Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeSpec {
    #[serde(rename = "providerID")]
    provider_id: Option<String>,
    taints: Option<Vec<Taint>>,
    unschedulable: Option<bool>,
}

#[derive(Hash, Deserialize)]
struct NodeStatus {
    capacity: Option<Texts>,
    allocatable: Option<Texts>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Deserialize)]
struct Claim {
    metadata: ClaimMeta,
    status: Option<ClaimStatus>,
}

#[derive(Deserialize)]
struct ClaimMeta {
    annotations: Option<Texts>,
}

#[derive(Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimStatus {
    #[serde(rename = "providerID")]
    provider_id: Option<String>,
    node_name: Option<String>,
    conditions: Option<Vec<Condition>>,
}

/// A NodePool or an EC2NodeClass: its spec by its generation.
#[derive(Hash, Deserialize)]
struct Setting {
    metadata: Generation,
    status: Option<SettingStatus>,
}

#[derive(Hash, Deserialize)]
struct SettingStatus {
    conditions: Option<Vec<Condition>>,
}

/// The trace of an object; none where nothing about it matters.
pub(super) fn trace(
    subject: Subject,
    json: &str,
    going: bool,
) -> Result<Option<Trace>, serde_json::Error> {
    let print = match subject {
        Subject::Pod => parse(json).map(|pod| pod_print(pod, going))?,
        Subject::Node => parse(json).map(node_print).map(Some)?,
        Subject::NodeClaim => parse(json).map(claim_print).map(Some)?,
        Subject::NodePool | Subject::NodeClass => parse(json).map(setting_print).map(Some)?,
    };
    Ok(print.map(|print| Trace { print, going }))
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(json)
}

/// Only a pod that the scheduler has found no node for matters, and of it only that and whether its spec is the same.
fn pod_print(Pod { metadata, spec, status }: Pod, going: bool) -> Option<u64> {
    let status = status?;
    let has_node = spec.and_then(|spec| spec.node_name).is_some_and(|node| !node.is_empty());
    let is_pending = status.phase.as_deref() == Some("Pending");
    let is_refused = status.conditions.into_iter().flatten().any(|condition| {
        let Condition { kind, status, reason } = condition;
        kind == "PodScheduled" && status == "False" && reason.as_deref() == Some("Unschedulable")
    });
    (is_pending && is_refused && !has_node && !going).then(|| hash(&metadata))
}

fn node_print(Node { metadata, spec, mut status }: Node) -> u64 {
    if let Some(status) = &mut status {
        status.conditions = statuses(status.conditions.take(), |kind| kind == READY);
    }
    hash(&(metadata, spec, status))
}

fn claim_print(Claim { metadata, mut status }: Claim) -> u64 {
    if let Some(status) = &mut status {
        status.conditions =
            statuses(status.conditions.take(), |kind| !FOR_DISRUPTION.contains(&kind));
    }
    let mut annotations = metadata.annotations.unwrap_or_default();
    annotations.retain(|key, _| FOR_LIFECYCLE.contains(&key.as_str()));
    hash(&(annotations, status))
}

fn setting_print(mut setting: Setting) -> u64 {
    if let Some(status) = &mut setting.status {
        status.conditions = statuses(status.conditions.take(), |kind| kind == READY);
    }
    hash(&setting)
}

/// Some of the conditions, in an order of their own and without their reasons.
fn statuses(
    conditions: Option<Vec<Condition>>,
    matters: impl Fn(&str) -> bool,
) -> Option<Vec<Condition>> {
    let conditions = conditions?.into_iter().filter(|condition| matters(&condition.kind));
    let mut conditions: Vec<Condition> =
        conditions.map(|condition| Condition { reason: None, ..condition }).collect();
    conditions.sort();
    Some(conditions)
}

/// The same for the same in one process; nobody keeps it longer.
pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;

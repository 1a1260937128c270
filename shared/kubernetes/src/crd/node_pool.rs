//! NodePool `karpenter.sh/v1`: what nodes may be made, and when they may be taken away.

use super::amount::Amounts;
use super::condition::Condition;
use super::pattern;
use super::requirement::{NodeClassRef, Requirement, Taint};
use super::rules::{self, cel};
use kube::CustomResource;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What nodes may be made for pods that wait, how many, and when they may be taken away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, CustomResource, JsonSchema)]
#[expect(clippy::duplicated_attributes, reason = "several columns have the same type")]
#[kube(
    group = "karpenter.sh",
    version = "v1",
    kind = "NodePool",
    status = "NodePoolStatus",
    derive = "PartialEq",
    category = "karpenter",
    doc = "What nodes may be made, and when they may be taken away.",
    scale(spec_replicas_path = ".spec.replicas", status_replicas_path = ".status.nodes"),
    printcolumn(
        name = "NodeClass",
        type_ = "string",
        json_path = ".spec.template.spec.nodeClassRef.name"
    ),
    printcolumn(name = "Nodes", type_ = "string", json_path = ".status.nodes"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Weight", type_ = "integer", priority = 1, json_path = ".spec.weight"),
    printcolumn(name = "CPU", type_ = "string", priority = 1, json_path = ".status.resources.cpu"),
    printcolumn(
        name = "Memory",
        type_ = "string",
        priority = 1,
        json_path = ".status.resources.memory"
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel(rules::NODE_POOL)))]
pub struct NodePoolSpec {
    /// When nodes may be taken away although they work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Disruption", extend("default" = {"consolidateAfter": "0s"}))]
    pub disruption: Option<Disruption>,
    /// The most that the pool's nodes may have together, by resource; `nodes` is their number. With `replicas` only `nodes` may stand
    /// here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Amounts>,
    /// Keep this many nodes, whether pods wait or not. A pool that has this cannot have `weight`, and `consolidateAfter` and
    /// `consolidationPolicy` mean nothing in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub replicas: Option<i64>,
    /// What the NodeClaims of the pool look like; they may be narrower than this.
    pub template: Template,
    /// Pools with a larger weight are tried first; without it the weight is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub weight: Option<i32>,
}

/// When nodes may be taken away although they work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disruption {
    /// How many nodes may be on their way out at once. Of budgets that hold at the same time the strictest counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 50),
        extend("default" = [{"nodes": "10%"}]),
        extend("x-kubernetes-list-type" = "atomic"),
        extend("x-kubernetes-validations" = cel(rules::BUDGETS))
    )]
    pub budgets: Option<Vec<Budget>>,
    /// How long nothing must have happened on a node before it is taken away for being empty or too large; `Never` for never.
    #[schemars(regex(pattern = pattern::DURATION_OR_NEVER))]
    pub consolidate_after: String,
    /// Which nodes may be taken away to save money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ConsolidationPolicy", extend("default" = "WhenEmptyOrUnderutilized"))]
    pub consolidation_policy: Option<ConsolidationPolicy>,
}

/// Which nodes may be taken away to save money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConsolidationPolicy {
    /// Those without pods of their own.
    WhenEmpty,
    /// Those whose pods fit elsewhere, or onto a cheaper node, too.
    WhenEmptyOrUnderutilized,
    /// The same, where what is saved outweighs the pods that have to move.
    Balanced,
}

/// How many of the pool's nodes may be on their way out at once, and when that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Budget {
    /// How long the budget holds from each time of `schedule`, in hours and minutes. Only together with `schedule`; without both it
    /// always holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::HOURS_AND_MINUTES))]
    pub duration: Option<String>,
    /// A number of nodes, or a percentage of those that the pool has.
    #[schemars(regex(pattern = pattern::COUNT_OR_PERCENT), extend("default" = "10%"))]
    pub nodes: String,
    /// The reasons for taking nodes away that it holds for; without them, for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "set"))]
    pub reasons: Option<Vec<DisruptionReason>>,
    /// When the budget begins to hold: a cron expression in UTC. Only together with `duration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::SCHEDULE))]
    pub schedule: Option<String>,
}

/// Why a node that works is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DisruptionReason {
    /// Its pods fit elsewhere for less money.
    Underutilized,
    /// It has no pods of its own.
    Empty,
    /// It is not what its NodePool or node class asks for any more.
    Drifted,
}

/// What the NodeClaims of a pool look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Template {
    /// Labels and annotations of the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TemplateMeta")]
    pub metadata: Option<TemplateMeta>,
    /// What the nodes have to be.
    pub spec: TemplateSpec,
}

/// Labels and annotations of the nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateMeta {
    /// Annotations of the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-map-type" = "granular"))]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Labels of the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "additionalProperties" = {"type": "string", "maxLength": 63, "pattern": pattern::LABEL_VALUE},
        "maxProperties" = 100,
        "x-kubernetes-map-type" = "atomic",
        "x-kubernetes-validations" = rules::template_labels()
    ))]
    pub labels: Option<BTreeMap<String, String>>,
}

/// What the nodes of a pool have to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateSpec {
    /// How long a node lives, counted from its creation; `Never` for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::DURATION_OR_NEVER), extend("default" = "720h"))]
    pub expire_after: Option<String>,
    /// The object that says how the nodes are launched.
    #[schemars(extend("x-kubernetes-validations" = cel(rules::POOL_NODE_CLASS_REF)))]
    pub node_class_ref: NodeClassRef,
    /// What the nodes' labels have to be; together with those of the pods they say which instance types will do.
    #[schemars(
        length(max = 100),
        extend("x-kubernetes-list-type" = "atomic"),
        extend("x-kubernetes-validations" = cel(rules::REQUIREMENTS)),
        transform = with_keys_of_pools
    )]
    pub requirements: Vec<Requirement>,
    /// Taints that a node has at first and that somebody else, as a rule a DaemonSet, takes off. Pods need not tolerate them to have
    /// a node launched for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub startup_taints: Option<Vec<Taint>>,
    /// Taints of the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub taints: Option<Vec<Taint>>,
    /// How long a node may drain. When it is over its pods are deleted, whatever PodDisruptionBudgets and `karpenter.sh/do-not-disrupt`
    /// say; pods with a longer grace period of their own are deleted early enough to have it. Without it a drain waits for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::DURATION))]
    pub termination_grace_period: Option<String>,
}

/// What became of the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodePoolStatus {
    /// What is known of the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Option<Vec<Condition>>,
    /// The generation of the node class that launches were counted for; when it has another one, the count begins again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_class_observed_generation: Option<i64>,
    /// How many nodes the pool has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 0))]
    pub nodes: Option<i64>,
    /// What the pool's nodes have together, by resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Amounts>,
}

/// A pool may not ask for a pool, as a claim may.
fn with_keys_of_pools(requirements: &mut Schema) {
    let key = requirements.pointer_mut("/items/properties/key/x-kubernetes-validations");
    *key.expect("requirements have keys with rules") = rules::pool_key();
}

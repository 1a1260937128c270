//! NodeClaim `karpenter.sh/v1`: one node, from the wish for it to its end.

use super::amount::Amounts;
use super::condition::ClaimCondition;
use super::pattern;
use super::requirement::{NodeClassRef, Requirement, Taint};
use super::rules::{self, cel};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the node has to be. Never changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, CustomResource, JsonSchema)]
#[expect(clippy::duplicated_attributes, reason = "several columns have the same type")]
#[kube(
    group = "karpenter.sh",
    version = "v1",
    kind = "NodeClaim",
    status = "NodeClaimStatus",
    derive = "PartialEq",
    category = "karpenter",
    doc = "One node, from the wish for it to its end.",
    printcolumn(
        name = "Type",
        type_ = "string",
        json_path = r".metadata.labels.node\.kubernetes\.io/instance-type"
    ),
    printcolumn(
        name = "Capacity",
        type_ = "string",
        json_path = r".metadata.labels.karpenter\.sh/capacity-type"
    ),
    printcolumn(
        name = "Zone",
        type_ = "string",
        json_path = r".metadata.labels.topology\.kubernetes\.io/zone"
    ),
    printcolumn(name = "Node", type_ = "string", json_path = ".status.nodeName"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "ImageID", type_ = "string", priority = 1, json_path = ".status.imageID"),
    printcolumn(name = "ID", type_ = "string", priority = 1, json_path = ".status.providerID"),
    printcolumn(
        name = "NodePool",
        type_ = "string",
        priority = 1,
        json_path = r".metadata.labels.karpenter\.sh/nodepool"
    ),
    printcolumn(
        name = "NodeClass",
        type_ = "string",
        priority = 1,
        json_path = ".spec.nodeClassRef.name"
    ),
    printcolumn(
        name = "Drifted",
        type_ = "string",
        priority = 1,
        json_path = r#".status.conditions[?(@.type=="Drifted")].status"#
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel(rules::NODE_CLAIM)))]
pub struct NodeClaimSpec {
    /// How long the node lives, counted from its creation; `Never` for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::DURATION_OR_NEVER), extend("default" = "720h"))]
    pub expire_after: Option<String>,
    /// The object that says how the node is launched.
    pub node_class_ref: NodeClassRef,
    /// What the node's labels have to be; together with those of its NodePool and its pods they say which instance types will do.
    #[schemars(
        length(max = 100),
        extend("x-kubernetes-list-type" = "atomic"),
        extend("x-kubernetes-validations" = cel(rules::REQUIREMENTS))
    )]
    pub requirements: Vec<Requirement>,
    /// What the node has to have room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ClaimResources")]
    pub resources: Option<ClaimResources>,
    /// Taints that the node has at first and that somebody else, as a rule a DaemonSet, takes off. Pods need not tolerate them to have
    /// the node launched for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub startup_taints: Option<Vec<Taint>>,
    /// Taints of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub taints: Option<Vec<Taint>>,
    /// How long the node may drain. When it is over its pods are deleted, whatever PodDisruptionBudgets and `karpenter.sh/do-not-disrupt`
    /// say; pods with a longer grace period of their own are deleted early enough to have it. Without it a drain waits for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::DURATION))]
    pub termination_grace_period: Option<String>,
}

/// What a node has to have room for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimResources {
    /// The least amounts, by resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Amounts>,
}

/// What became of the claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeClaimStatus {
    /// What pods can have of the node's capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocatable: Option<Amounts>,
    /// What the node has in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Amounts>,
    /// What is known of the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Option<Vec<ClaimCondition>>,
    /// The image that the node was launched from.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "imageID")]
    pub image_id: Option<String>,
    /// When a pod was last put on the node or taken from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub last_pod_event_time: Option<Time>,
    /// The Node that the claim became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The instance: `aws:///ZONE/INSTANCE`.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "providerID")]
    pub provider_id: Option<String>,
}

//! CapacityBuffer `autoscaling.x-k8s.io/v1beta1`: room that is kept free for pods still to come.

use super::amount::Amounts;
use super::condition::Condition;
use super::rules::{self, cel};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much room to keep free, and for pods of what shape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, CustomResource, JsonSchema)]
#[expect(clippy::duplicated_attributes, reason = "several columns have the same type")]
#[kube(
    group = "autoscaling.x-k8s.io",
    version = "v1beta1",
    kind = "CapacityBuffer",
    namespaced,
    status = "CapacityBufferStatus",
    derive = "PartialEq",
    shortname = "cb",
    category = "autoscaling",
    doc = "Room in the cluster that is kept free for pods still to come.",
    printcolumn(name = "Strategy", type_ = "string", json_path = ".spec.provisioningStrategy"),
    printcolumn(name = "PodTemplate", type_ = "string", json_path = ".status.podTemplateRef.name"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".status.replicas"),
    printcolumn(
        name = "ConditionsType",
        type_ = "string",
        json_path = ".status.conditions[*].type"
    ),
    printcolumn(
        name = "ConditionsStatus",
        type_ = "string",
        json_path = ".status.conditions[*].status"
    ),
    printcolumn(
        name = "ConditionsReason",
        type_ = "string",
        json_path = ".status.conditions[*].reason"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel(rules::CAPACITY_BUFFER)))]
pub struct CapacityBufferSpec {
    /// The most that the buffer may request in all, by resource. Of what this and the other fields allow, the least counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Amounts>,
    /// How many pods to keep room for, as a percentage of the replicas that `scalableRef` has. Where `replicas` is set too, the
    /// larger number counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub percentage: Option<i32>,
    /// The PodTemplate, in the same namespace, whose pods to keep room for. Not together with `scalableRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PodTemplateRef")]
    pub pod_template_ref: Option<PodTemplateRef>,
    /// How the room comes about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "buffer.x-k8s.io/active-capacity"))]
    pub provisioning_strategy: Option<String>,
    /// How many pods to keep room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub replicas: Option<i32>,
    /// The object, in the same namespace, whose pods to keep room for. Not together with `podTemplateRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ScalableRef")]
    pub scalable_ref: Option<ScalableRef>,
}

/// A PodTemplate of the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PodTemplateRef {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
}

/// An object of the same namespace that has replicas: a Deployment, StatefulSet or ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalableRef {
    /// Its API group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_group: Option<String>,
    /// Its kind.
    #[schemars(length(min = 1))]
    pub kind: String,
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
}

/// What became of a buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapacityBufferStatus {
    /// What is known of the buffer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Option<Vec<Condition>>,
    /// The generation of the PodTemplate that the room was reckoned for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template_generation: Option<i64>,
    /// The PodTemplate that stands for the pods to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PodTemplateRef")]
    pub pod_template_ref: Option<PodTemplateRef>,
    /// How the room came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_strategy: Option<String>,
    /// How many pods there is to be room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
}

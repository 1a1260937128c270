//! Pods, as far as joiner looks at them.

use crate::objects::amounts::Amounts;
use crate::objects::meta::{Condition, ObjectMeta, Time};
use crate::objects::selector::{NodeSelector, NodeSelectorTerm, Selector};
use crate::objects::storage::PersistentVolumeClaimSpec;
use model::affinity::{NodeInclusionPolicy, WhenUnsatisfiable};
use model::labels::Labels;
use model::name::Text;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Pod {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: PodSpec,
    #[serde(default)]
    pub(crate) status: PodStatus,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodSpec {
    pub(crate) containers: Vec<Container>,
    #[serde(default)]
    pub(crate) init_containers: Vec<Container>,
    #[serde(default)]
    pub(crate) overhead: Amounts,
    #[serde(default)]
    pub(crate) resources: ResourceDemand,
    #[serde(default)]
    pub(crate) node_name: Option<Text>,
    #[serde(default)]
    pub(crate) node_selector: Labels,
    #[serde(default)]
    pub(crate) affinity: Affinity,
    #[serde(default)]
    pub(crate) tolerations: Vec<Toleration>,
    #[serde(default)]
    pub(crate) topology_spread_constraints: Vec<TopologySpread>,
    #[serde(default)]
    pub(crate) volumes: Vec<Volume>,
    #[serde(default)]
    pub(crate) resource_claims: Vec<Named>,
    #[serde(default)]
    pub(crate) scheduling_gates: Vec<Named>,
    #[serde(default)]
    pub(crate) host_network: bool,
    #[serde(default)]
    pub(crate) priority: i32,
    #[serde(default)]
    pub(crate) priority_class_name: Text,
    #[serde(default)]
    pub(crate) termination_grace_period_seconds: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Container {
    #[serde(default)]
    pub(crate) resources: ResourceDemand,
    #[serde(default)]
    pub(crate) ports: Vec<Port>,
    #[serde(default)]
    pub(crate) restart_policy: Text,
}

impl Container {
    /// Whether it is an init container that runs beside the others.
    pub(crate) fn is_sidecar(&self) -> bool {
        &*self.restart_policy == "Always"
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ResourceDemand {
    pub(crate) requests: Amounts,
    pub(crate) limits: Amounts,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Port {
    #[serde(default)]
    pub(crate) container_port: u16,
    #[serde(default)]
    pub(crate) host_port: u16,
    #[serde(default, rename = "hostIP")]
    pub(crate) host_ip: Text,
    #[serde(default)]
    pub(crate) protocol: Text,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: Text,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Volume {
    pub(crate) name: Text,
    #[serde(default)]
    pub(crate) persistent_volume_claim: Option<ClaimSource>,
    #[serde(default)]
    pub(crate) ephemeral: Option<EphemeralSource>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClaimSource {
    pub(crate) claim_name: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EphemeralSource {
    pub(crate) volume_claim_template: ClaimTemplate,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimTemplate {
    pub(crate) spec: PersistentVolumeClaimSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Affinity {
    pub(crate) node_affinity: NodeAffinity,
    pub(crate) pod_affinity: PodAffinity,
    pub(crate) pod_anti_affinity: PodAffinity,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub(crate) required: Option<NodeSelector>,
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    pub(crate) preferred: Vec<PreferredTerm>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PreferredTerm {
    pub(crate) weight: i32,
    pub(crate) preference: NodeSelectorTerm,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PodAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub(crate) required: Vec<PodAffinityTerm>,
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    pub(crate) preferred: Vec<WeightedTerm>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WeightedTerm {
    pub(crate) weight: i32,
    pub(crate) pod_affinity_term: PodAffinityTerm,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodAffinityTerm {
    pub(crate) topology_key: Text,
    #[serde(default)]
    pub(crate) label_selector: Option<Selector>,
    #[serde(default)]
    pub(crate) namespaces: Vec<Text>,
    #[serde(default)]
    pub(crate) namespace_selector: Option<Selector>,
    #[serde(default)]
    pub(crate) match_label_keys: Vec<Text>,
    #[serde(default)]
    pub(crate) mismatch_label_keys: Vec<Text>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TopologySpread {
    pub(crate) max_skew: i32,
    pub(crate) topology_key: Text,
    pub(crate) when_unsatisfiable: WhenUnsatisfiable,
    #[serde(default)]
    pub(crate) label_selector: Option<Selector>,
    #[serde(default)]
    pub(crate) min_domains: Option<i32>,
    #[serde(default)]
    pub(crate) node_affinity_policy: Option<NodeInclusionPolicy>,
    #[serde(default)]
    pub(crate) node_taints_policy: Option<NodeInclusionPolicy>,
    #[serde(default)]
    pub(crate) match_label_keys: Vec<Text>,
}

/// An empty operator or effect is an absent one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(crate) struct Toleration {
    pub(crate) key: Text,
    pub(crate) operator: TolerationOperator,
    pub(crate) value: Text,
    pub(crate) effect: TolerationEffect,
    pub(crate) toleration_seconds: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) enum TolerationOperator {
    #[default]
    #[serde(alias = "")]
    Equal,
    Exists,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) enum TolerationEffect {
    #[default]
    #[serde(rename = "")]
    Any,
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodStatus {
    pub(crate) phase: Phase,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) start_time: Option<Time>,
    pub(crate) nominated_node_name: Text,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Phase {
    #[default]
    Pending,
    Running,
    Succeeded,
    Failed,
    /// Its node has not been heard of: it may still run.
    Unknown,
}

//! NodePools, NodeClaims and EC2NodeClasses: of their fields, those that joiner looks at.

use crate::objects::amounts::Amounts;
use crate::objects::meta::{Condition, Duration, DurationOrNever, NodeTaint, ObjectMeta, Time};
use crate::objects::pod::ResourceDemand;
use crate::objects::selector::PoolExpression;
use model::labels::Labels;
use model::name::Text;
use model::node_class::AmiFamily;
use model::pool::{ConsolidationPolicy, DisruptionReason};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NodePool {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: NodePoolSpec,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NodePoolSpec {
    pub(crate) template: Template,
    #[serde(default)]
    pub(crate) disruption: Disruption,
    #[serde(default)]
    pub(crate) limits: Option<Amounts>,
    #[serde(default)]
    pub(crate) weight: Option<u32>,
    #[serde(default)]
    pub(crate) replicas: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Template {
    #[serde(default)]
    pub(crate) metadata: TemplateMeta,
    pub(crate) spec: NodeClaimSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TemplateMeta {
    pub(crate) labels: Labels,
    pub(crate) annotations: Labels,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeClaimSpec {
    pub(crate) node_class_ref: NodeClassRef,
    pub(crate) requirements: Vec<PoolExpression>,
    #[serde(default)]
    pub(crate) taints: Vec<NodeTaint>,
    #[serde(default)]
    pub(crate) startup_taints: Vec<NodeTaint>,
    #[serde(default)]
    pub(crate) expire_after: Option<DurationOrNever>,
    #[serde(default)]
    pub(crate) termination_grace_period: Option<Duration>,
    /// A NodeClaim's only.
    #[serde(default)]
    pub(crate) resources: ResourceDemand,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NodeClassRef {
    pub(crate) group: Text,
    pub(crate) kind: Text,
    pub(crate) name: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Disruption {
    pub(crate) budgets: Option<Vec<Budget>>,
    pub(crate) consolidate_after: Option<DurationOrNever>,
    pub(crate) consolidation_policy: ConsolidationPolicy,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Budget {
    #[serde(default)]
    pub(crate) nodes: Option<String>,
    #[serde(default)]
    pub(crate) reasons: Vec<DisruptionReason>,
    #[serde(default)]
    pub(crate) schedule: Option<Text>,
    #[serde(default)]
    pub(crate) duration: Option<Duration>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NodeClaim {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: NodeClaimSpec,
    #[serde(default)]
    pub(crate) status: NodeClaimStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NodeClaimStatus {
    #[serde(rename = "providerID")]
    pub(crate) provider_id: Option<String>,
    pub(crate) node_name: Option<Text>,
    #[serde(rename = "imageID")]
    pub(crate) image_id: Option<Text>,
    pub(crate) capacity: Amounts,
    pub(crate) allocatable: Amounts,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) last_pod_event_time: Option<Time>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NodeClass {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: NodeClassSpec,
    #[serde(default)]
    pub(crate) status: NodeClassStatus,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeClassSpec {
    #[serde(default)]
    pub(crate) ami_family: Option<AmiFamily>,
    pub(crate) ami_selector_terms: Vec<AmiTerm>,
    pub(crate) subnet_selector_terms: Vec<Term>,
    pub(crate) security_group_selector_terms: Vec<Term>,
    #[serde(default)]
    pub(crate) role: Option<Text>,
    #[serde(default)]
    pub(crate) instance_profile: Option<Text>,
    #[serde(default)]
    pub(crate) block_device_mappings: Vec<BlockDevice>,
    #[serde(default)]
    pub(crate) instance_store_policy: Option<Text>,
    #[serde(default)]
    pub(crate) ip_prefix_count: u32,
    #[serde(default)]
    pub(crate) kubelet: Kubelet,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AmiTerm {
    pub(crate) alias: Option<Text>,
    pub(crate) id: Option<Text>,
    pub(crate) name: Option<Text>,
    pub(crate) owner: Option<Text>,
    pub(crate) ssm_parameter: Option<Text>,
    pub(crate) tags: Labels,
}

/// What selects subnets or security groups; only the latter have names.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Term {
    pub(crate) id: Option<Text>,
    pub(crate) name: Option<Text>,
    pub(crate) tags: Labels,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BlockDevice {
    pub(crate) device_name: Text,
    pub(crate) root_volume: bool,
    pub(crate) ebs: Ebs,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Ebs {
    pub(crate) volume_size: Option<String>,
    #[serde(rename = "snapshotID")]
    pub(crate) snapshot_id: Option<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Kubelet {
    pub(crate) max_pods: Option<u32>,
    pub(crate) pods_per_core: Option<u32>,
    pub(crate) kube_reserved: Amounts,
    pub(crate) system_reserved: Amounts,
    pub(crate) eviction_hard: BTreeMap<Text, String>,
    pub(crate) eviction_soft: BTreeMap<Text, String>,
    pub(crate) eviction_soft_grace_period: BTreeMap<Text, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeClassStatus {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) amis: Vec<Ami>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Subnet {
    pub(crate) id: Text,
    pub(crate) zone: Text,
    #[serde(default, rename = "zoneID")]
    pub(crate) zone_id: Option<Text>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ami {
    pub(crate) id: Text,
    #[serde(default)]
    pub(crate) requirements: Vec<PoolExpression>,
}

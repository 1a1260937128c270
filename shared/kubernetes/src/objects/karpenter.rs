//! NodePools, NodeClaims and EC2NodeClasses: of their fields, those that joiner looks at.

use crate::objects::amounts::Amounts;
use crate::objects::meta::{Condition, Duration, DurationOrNever, NodeTaint, ObjectMeta, Time};
use crate::objects::pod::ResourceDemand;
use crate::objects::selector::PoolExpression;
use model::labels::Labels;
use model::name::Text;
use model::node_class::AmiFamily;
use model::node_class::status::{ClassCondition, ClassStatus};
use model::node_class::template::{
    BlockDevice, ConnectionTracking, CpuOptions, KubeletTexts, MetadataOptions, NetworkInterface,
};
use model::node_class::terms::{ImageTerm, PlacementGroupTerm, ReservationTerm, Term};
use model::pool::{ConsolidationPolicy, DisruptionReason};
use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NodePool {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: NodePoolSpec,
    /// Read apart, because a pool is good whatever stands here.
    #[serde(default)]
    pub(crate) status: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodePoolStatus {
    pub(crate) nodes: u32,
    pub(crate) resources: Amounts,
    pub(crate) conditions: Vec<ClassCondition>,
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
    pub(crate) status: ClassStatus,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeClassSpec {
    #[serde(default)]
    pub(crate) ami_family: Option<AmiFamily>,
    pub(crate) ami_selector_terms: Vec<ImageTerm>,
    pub(crate) subnet_selector_terms: Vec<Term>,
    pub(crate) security_group_selector_terms: Vec<Term>,
    #[serde(default)]
    pub(crate) capacity_reservation_selector_terms: Vec<ReservationTerm>,
    #[serde(default)]
    pub(crate) placement_group_selector: Option<PlacementGroupTerm>,
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
    pub(crate) kubelet: KubeletTexts,
    #[serde(default)]
    pub(crate) user_data: Option<Text>,
    #[serde(default)]
    pub(crate) tags: Labels,
    #[serde(default, rename = "associatePublicIPAddress")]
    pub(crate) associate_public_ip_address: Option<bool>,
    #[serde(default)]
    pub(crate) network_interfaces: Vec<NetworkInterface>,
    #[serde(default)]
    pub(crate) connection_tracking: Option<ConnectionTracking>,
    #[serde(default)]
    pub(crate) cpu_options: Option<CpuOptions>,
    #[serde(default)]
    pub(crate) detailed_monitoring: Option<bool>,
    #[serde(default)]
    pub(crate) metadata_options: MetadataOptions,
    #[serde(default)]
    pub(crate) context: Option<Text>,
}

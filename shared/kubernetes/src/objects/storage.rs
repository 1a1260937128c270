//! Volumes and priority classes: kinds that are taken and checked for their shape, but do not change a decision yet.
#![expect(dead_code, reason = "reading them is the check")]

use crate::objects::amounts::Amounts;
use crate::objects::selector::NodeSelector;
use model::name::Text;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PersistentVolumeClaim {
    spec: PersistentVolumeClaimSpec,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistentVolumeClaimSpec {
    #[serde(default)]
    storage_class_name: Option<Text>,
    #[serde(default)]
    volume_name: Option<Text>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PersistentVolume {
    spec: PersistentVolumeSpec,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistentVolumeSpec {
    #[serde(default)]
    capacity: Amounts,
    #[serde(default)]
    storage_class_name: Option<Text>,
    #[serde(default)]
    node_affinity: Option<VolumeNodeAffinity>,
}

#[derive(Clone, Debug, Deserialize)]
struct VolumeNodeAffinity {
    #[serde(default)]
    required: Option<NodeSelector>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StorageClass {
    provisioner: Text,
    #[serde(default)]
    volume_binding_mode: Option<Text>,
    #[serde(default)]
    allowed_topologies: Vec<TopologyTerm>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TopologyTerm {
    #[serde(default)]
    match_label_expressions: Vec<TopologyExpression>,
}

#[derive(Clone, Debug, Deserialize)]
struct TopologyExpression {
    key: Text,
    values: Vec<Text>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CsiNode {
    spec: CsiNodeSpec,
}

#[derive(Clone, Debug, Deserialize)]
struct CsiNodeSpec {
    drivers: Vec<CsiDriver>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CsiDriver {
    name: Text,
    #[serde(default)]
    allocatable: Option<CsiAllocatable>,
}

#[derive(Clone, Debug, Deserialize)]
struct CsiAllocatable {
    #[serde(default)]
    count: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PriorityClass {
    value: i32,
}

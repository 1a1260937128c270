//! Volumes, and priority classes, which are checked for their shape but change nothing: pods carry their priority.

use crate::objects::meta::ObjectMeta;
use crate::objects::selector::{NodeSelector, matches_nothing};
use model::name::Text;
use model::requirement::{Requirement, Requirements};
use model::volume::VolumeBindingMode;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PersistentVolumeClaim {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: PersistentVolumeClaimSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PersistentVolumeClaimSpec {
    pub(crate) storage_class_name: Option<Text>,
    pub(crate) volume_name: Text,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PersistentVolume {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: PersistentVolumeSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PersistentVolumeSpec {
    pub(crate) node_affinity: VolumeNodeAffinity,
    pub(crate) csi: Option<CsiSource>,
    pub(crate) aws_elastic_block_store: Option<IgnoredAny>,
    pub(crate) local: Option<IgnoredAny>,
    pub(crate) host_path: Option<IgnoredAny>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VolumeNodeAffinity {
    pub(crate) required: Option<NodeSelector>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CsiSource {
    pub(crate) driver: Text,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StorageClass {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) provisioner: Text,
    #[serde(default)]
    pub(crate) volume_binding_mode: VolumeBindingMode,
    #[serde(default)]
    pub(crate) allowed_topologies: Vec<TopologyTerm>,
}

/// All of it must hold, and an empty one never does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TopologyTerm {
    match_label_expressions: Vec<TopologyExpression>,
}

impl From<TopologyTerm> for Requirements {
    fn from(term: TopologyTerm) -> Self {
        if term.match_label_expressions.is_empty() {
            return matches_nothing();
        }
        let all = term.match_label_expressions.into_iter();
        all.map(|TopologyExpression { key, values }| (key, Requirement::one_of(values.0))).collect()
    }
}

#[derive(Clone, Debug, Deserialize)]
struct TopologyExpression {
    key: Text,
    values: AtLeastOne,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Vec<Text>")]
struct AtLeastOne(Vec<Text>);

impl TryFrom<Vec<Text>> for AtLeastOne {
    type Error = &'static str;
    fn try_from(values: Vec<Text>) -> Result<Self, &'static str> {
        if values.is_empty() { Err("expected at least one value") } else { Ok(Self(values)) }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CsiNode {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: CsiNodeSpec,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CsiNodeSpec {
    #[serde(default)]
    pub(crate) drivers: Vec<CsiDriver>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CsiDriver {
    pub(crate) name: Text,
    #[serde(default)]
    pub(crate) allocatable: CsiAllocatable,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CsiAllocatable {
    pub(crate) count: Option<u32>,
}

#[expect(dead_code, reason = "reading it is the check")]
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PriorityClass {
    value: i32,
}

//! Persistent volumes, slim: what says where a pod with volumes can run, and how many of them a node can attach.

use crate::name::{NodeName, ObjectName, Text};
use crate::requirement::Requirements;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The CSI driver of Amazon EBS. Volumes and classes of the plugin that was once built into Kubernetes count as its own,
/// because Kubernetes hands them to it (Kubernetes documentation, "CSI migration").
pub const EBS_DRIVER: &str = "ebs.csi.aws.com";

/// The provisioner name of the EBS plugin that was once built into Kubernetes.
pub const EBS_IN_TREE: &str = "kubernetes.io/aws-ebs";

/// What stands before a driver's name where the volumes that a node can attach are counted as a resource. Kubernetes once
/// reported attach limits in `status.allocatable` under it.
pub const ATTACHABLE_PREFIX: &str = "attachable-volumes-csi-";

/// The number that stands for a limit that nobody knows: more volumes than all pods of the largest node could mount
/// (some 1,000 pods with some 100 volumes each), and small enough to be added up over any number of nodes.
pub const UNLIMITED_ATTACHMENTS: i64 = 1 << 20;

/// The resource that counts a driver's attached volumes. It exists in joiner's sums only: no pod requests it and no
/// kubelet reports it.
pub fn attachable(driver: &str) -> Text {
    format!("{ATTACHABLE_PREFIX}{driver}").into()
}

/// Whether a resource counts attached volumes.
pub fn is_attachable(resource: &str) -> bool {
    resource.starts_with(ATTACHABLE_PREFIX)
}

/// The driver that serves volumes of a provisioner.
pub fn driver_of(provisioner: &str) -> &str {
    if provisioner == EBS_IN_TREE { EBS_DRIVER } else { provisioner }
}

/// A PersistentVolumeClaim that a pod mounts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeClaim {
    /// The claim's name, in the pod's namespace; that of a generic ephemeral volume is `pod-volume`.
    pub name: Text,
    /// How the claim of a generic ephemeral volume will be made; none where the claim has to be there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<ClaimTemplate>,
}

/// What a generic ephemeral volume says of its claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimTemplate {
    /// `spec.storageClassName`; absent means the default class.
    #[serde(default)]
    pub storage_class: Option<Text>,
}

impl From<&str> for VolumeClaim {
    fn from(name: &str) -> Self {
        Self { name: name.into(), template: None }
    }
}

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistentVolumeClaim {
    /// Namespace and name.
    pub name: ObjectName,
    /// `spec.storageClassName`; absent means the default class, an empty name none at all.
    #[serde(default)]
    pub storage_class: Option<Text>,
    /// `spec.volumeName`: the volume that it is bound to.
    #[serde(default)]
    pub volume: Option<Text>,
    /// Whether it is being deleted.
    #[serde(default)]
    pub deleting: bool,
}

/// A PersistentVolume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistentVolume {
    /// Its name.
    pub name: Text,
    /// Which nodes can reach it: one of these must hold; empty means all. Zones in its labels are among them.
    #[serde(default)]
    pub node_affinity: Vec<Requirements>,
    /// The CSI driver that attaches it; none where nothing is attached (`nfs`, `hostPath`, `local`).
    #[serde(default)]
    pub driver: Option<Text>,
    /// Whether it is a directory of one node (`local`, `hostPath`).
    #[serde(default)]
    pub is_on_node: bool,
    /// Whether it is being deleted.
    #[serde(default)]
    pub deleting: bool,
}

/// When a claim gets its volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeBindingMode {
    /// As soon as it exists.
    #[default]
    Immediate,
    /// Once a pod that mounts it has a node.
    WaitForFirstConsumer,
}

/// A StorageClass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageClass {
    /// Its name.
    pub name: Text,
    /// When it was created: among several default classes the newest counts.
    pub created: Timestamp,
    /// The CSI driver that makes its volumes.
    pub provisioner: Text,
    /// Where volumes can be made: one of these must hold; empty means anywhere.
    #[serde(default)]
    pub allowed_topologies: Vec<Requirements>,
    /// `volumeBindingMode`.
    #[serde(default)]
    pub binding: VolumeBindingMode,
    /// Whether claims that name no class get this one.
    #[serde(default)]
    pub is_default: bool,
}

/// A CSINode: which drivers run on a node, and how many volumes each can attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CsiNode {
    /// The node's name.
    pub name: NodeName,
    /// `allocatable.count` of each driver; none where the driver knows no limit.
    #[serde(default)]
    pub drivers: BTreeMap<Text, Option<u32>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_of_the_old_ebs_plugin_belong_to_the_driver() {
        assert_eq!(driver_of(EBS_IN_TREE), EBS_DRIVER);
        assert_eq!(driver_of("efs.csi.aws.com"), "efs.csi.aws.com");
    }

    #[test]
    fn attached_volumes_are_counted_under_a_name_that_says_so() {
        assert_eq!(&*attachable(EBS_DRIVER), "attachable-volumes-csi-ebs.csi.aws.com");
        assert!(is_attachable(&attachable(EBS_DRIVER)));
        assert!(!is_attachable("nvidia.com/gpu"));
    }
}

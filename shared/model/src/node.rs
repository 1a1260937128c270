//! Nodes.

use crate::condition::Status;
use crate::instance_type::CapacityType;
use crate::labels::{self, Labels};
use crate::name::{InstanceId, NodeName, PoolName, ResourceVersion, Text, Uid};
use crate::resources::Resources;
use crate::taint::Taint;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A Node, as far as joiner looks at it.
#[expect(clippy::struct_excessive_bools, reason = "the API has them")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.resourceVersion`.
    #[serde(default)]
    pub resource_version: ResourceVersion,
    /// When it was created.
    pub created: Timestamp,
    /// `metadata.deletionTimestamp`.
    #[serde(default)]
    pub deleting: Option<Timestamp>,
    /// Whether it carries the finalizer `karpenter.sh/termination`.
    #[serde(default)]
    pub finalizer: bool,
    /// Labels.
    #[serde(default)]
    pub labels: Labels,
    /// Whether `karpenter.sh/do-not-disrupt` is `"true"`.
    #[serde(default)]
    pub do_not_disrupt: bool,
    /// Taints.
    #[serde(default)]
    pub taints: Vec<Taint>,
    /// `spec.unschedulable`: cordoned by hand.
    #[serde(default)]
    pub cordoned: bool,
    /// The instance behind `spec.providerID`.
    #[serde(default)]
    pub instance: Option<InstanceId>,
    /// `status.capacity`.
    #[serde(default)]
    pub capacity: Resources,
    /// `status.allocatable`.
    #[serde(default)]
    pub allocatable: Resources,
    /// Whether its condition `Ready` is true.
    #[serde(default)]
    pub ready: bool,
    /// What of its health is not as it should be.
    #[serde(default)]
    pub ailments: Vec<Ailment>,
}

/// A condition by which a node's health is told: the kubelet's own, and those of EKS' node monitoring agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Health {
    /// The kubelet is well.
    Ready,
    /// GPUs and other accelerators are.
    AcceleratedHardwareReady,
    /// Disks and volumes are.
    StorageReady,
    /// The network is.
    NetworkingReady,
    /// The kernel is.
    KernelReady,
    /// What runs containers is.
    ContainerRuntimeReady,
}

impl Health {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Ready,
        Self::AcceleratedHardwareReady,
        Self::StorageReady,
        Self::NetworkingReady,
        Self::KernelReady,
        Self::ContainerRuntimeReady,
    ];

    /// The condition's type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::AcceleratedHardwareReady => "AcceleratedHardwareReady",
            Self::StorageReady => "StorageReady",
            Self::NetworkingReady => "NetworkingReady",
            Self::KernelReady => "KernelReady",
            Self::ContainerRuntimeReady => "ContainerRuntimeReady",
        }
    }
}

/// A condition of a node that is not true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ailment {
    /// Which.
    pub kind: Health,
    /// False or unknown.
    pub status: Status,
    /// Since when.
    pub since: Timestamp,
}

impl Node {
    /// The NodePool named by its label.
    pub fn pool(&self) -> Option<PoolName> {
        self.labels.get(labels::NODEPOOL).map(|pool| PoolName::from(Text::clone(pool)))
    }

    /// Whether it has the label of an initialized node.
    pub fn is_initialized(&self) -> bool {
        self.labels.get(labels::INITIALIZED).is_some_and(|value| &**value == "true")
    }

    /// Whether it carries the taint `karpenter.sh/disrupted`.
    pub fn is_disrupted(&self) -> bool {
        self.taints.iter().any(|taint| &*taint.key == labels::DISRUPTED_TAINT)
    }

    /// The capacity type named by its label.
    pub fn capacity_type(&self) -> Option<CapacityType> {
        self.labels.get(labels::CAPACITY_TYPE).and_then(|text| CapacityType::parse(text))
    }
}

//! The world as one invocation saw it. With a time, it is all that a decision may look at.

use crate::affinity::LabelSelector;
use crate::claim::NodeClaim;
use crate::instance_type::{CapacityType, InstanceType};
use crate::instance_types::InstanceTypes;
use crate::labels::Labels;
use crate::memory::Memory;
use crate::name::{
    ClaimName, ClientToken, ImageId, InstanceId, InstanceTypeName, NodeClassName, NodeName,
    ObjectName, PoolName, Text, Uid, Zone,
};
use crate::node::Node;
use crate::node_class::NodeClass;
use crate::pod::Pod;
use crate::pool::NodePool;
use crate::volume::{CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How much of the cluster an observation reads (D11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Nodes, claims, pools; pods that wait, pods of nodes that come up, have just joined or are going, and the bound pods
    /// that the spreads and affinities of these mean, or that keep these away (D11).
    Pending,
    /// Nodes, claims, pools; pods of nodes that are going; disruption budgets of pods.
    Going,
    /// All of it.
    Everything,
}

/// A DaemonSet: its pods come with every node that admits them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DaemonSet {
    /// Namespace and name.
    pub name: ObjectName,
    /// A pod as its template makes it.
    pub template: Pod,
}

/// A PodDisruptionBudget with its present allowance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodDisruptionBudget {
    /// Namespace and name.
    pub name: ObjectName,
    /// Which pods of its namespace it guards.
    pub selector: LabelSelector,
    /// `status.disruptionsAllowed`.
    pub disruptions_allowed: i64,
}

impl PodDisruptionBudget {
    /// Whether the pod is guarded by it.
    pub fn guards(&self, pod: &Pod) -> bool {
        self.name.namespace == pod.name.namespace && self.selector.selects(&pod.labels)
    }
}

/// What the Kubernetes API holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterState {
    /// How much was read.
    pub scope: Scope,
    /// The uid of the namespace `kube-system`: which cluster this is.
    pub cluster_uid: Uid,
    /// Nodes whose pods have all been read; looked at only where the scope is not everything.
    #[serde(default)]
    pub pods_known_on: BTreeSet<NodeName>,
    /// Pods, by namespace and name.
    #[serde(default)]
    pub pods: Vec<Arc<Pod>>,
    /// Nodes, by name.
    #[serde(default)]
    pub nodes: Vec<Arc<Node>>,
    /// NodeClaims, by name.
    #[serde(default)]
    pub claims: Vec<Arc<NodeClaim>>,
    /// NodePools, by name.
    #[serde(default)]
    pub pools: Vec<Arc<NodePool>>,
    /// EC2NodeClasses, by name.
    #[serde(default)]
    pub node_classes: Vec<Arc<NodeClass>>,
    /// DaemonSets, by namespace and name.
    #[serde(default)]
    pub daemon_sets: Vec<Arc<DaemonSet>>,
    /// PodDisruptionBudgets, by namespace and name.
    #[serde(default)]
    pub pod_disruption_budgets: Vec<Arc<PodDisruptionBudget>>,
    /// Namespaces and their labels, as far as they were read.
    #[serde(default)]
    pub namespaces: BTreeMap<Text, Labels>,
    /// PersistentVolumes, by name.
    #[serde(default)]
    pub persistent_volumes: Vec<Arc<PersistentVolume>>,
    /// PersistentVolumeClaims, by namespace and name.
    #[serde(default)]
    pub persistent_volume_claims: Vec<Arc<PersistentVolumeClaim>>,
    /// StorageClasses, by name.
    #[serde(default)]
    pub storage_classes: Vec<Arc<StorageClass>>,
    /// CSINodes, by name.
    #[serde(default)]
    pub csi_nodes: Vec<Arc<CsiNode>>,
    /// What joiner remembers.
    #[serde(default)]
    pub memory: Memory,
    /// Objects that could not be read, each in one line.
    #[serde(default)]
    pub unreadable: Vec<String>,
}

impl ClusterState {
    /// Whether all pods of a node are in `pods`.
    pub fn knows_pods_of(&self, node: &NodeName) -> bool {
        self.scope == Scope::Everything || self.pods_known_on.contains(node)
    }

    /// The NodePool of this name.
    pub fn pool(&self, name: &PoolName) -> Option<&Arc<NodePool>> {
        self.pools.iter().find(|pool| pool.name == *name)
    }

    /// The EC2NodeClass of this name.
    pub fn node_class(&self, name: &NodeClassName) -> Option<&Arc<NodeClass>> {
        self.node_classes.iter().find(|class| class.name == *name)
    }
}

/// The state of an EC2 instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// It is starting.
    Pending,
    /// It runs.
    Running,
    /// It is being terminated.
    ShuttingDown,
    /// It is gone; EC2 shows it for about an hour.
    Terminated,
    /// It is being stopped.
    Stopping,
    /// It is stopped.
    Stopped,
}

impl InstanceState {
    /// Whether it is gone or going for good.
    pub const fn is_gone(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

/// An EC2 instance that carries this cluster's tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Its state.
    pub state: InstanceState,
    /// Its type.
    pub instance_type: InstanceTypeName,
    /// Its zone.
    pub zone: Zone,
    /// How it is bought.
    pub capacity_type: CapacityType,
    /// Its image.
    pub image: ImageId,
    /// When it was launched, by EC2's clock.
    pub launched_at: Timestamp,
    /// The client token of the call that made it.
    pub token: ClientToken,
    /// The tag `karpenter.sh/nodepool`.
    #[serde(default)]
    pub pool: Option<PoolName>,
    /// The tag `karpenter.k8s.aws/ec2nodeclass`.
    #[serde(default)]
    pub node_class: Option<NodeClassName>,
    /// The tag `karpenter.sh/nodeclaim`; a call for several claims leaves it out.
    #[serde(default)]
    pub claim: Option<ClaimName>,
    /// Our tag with the cluster's uid (that of the namespace `kube-system`).
    pub cluster_uid: Uid,
}

/// What does not change from pass to pass: given at deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The cluster's name.
    pub cluster_name: String,
    /// The uid of the cluster's namespace `kube-system`, pinned at deployment: a view of another cluster is refused.
    pub cluster_uid: Uid,
    /// The most nodes, a ceiling outside the Kubernetes API (I8).
    pub nodes_max: u32,
    /// Whether a spot node may be replaced by a cheaper spot node (Karpenter's gate, off by default).
    pub spot_to_spot: bool,
    /// Whether nodes that are ill for long are given up (Karpenter's gate `NodeRepair`, off by default).
    #[serde(default)]
    pub node_repair: bool,
    /// What is done about preferences and `minValues`.
    #[serde(default)]
    pub policies: Policies,
}

/// Karpenter's settings of how strictly a plan is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Policies {
    /// `PREFERENCE_POLICY`.
    pub preferences: PreferencePolicy,
    /// `MIN_VALUES_POLICY`.
    pub min_values: MinValuesPolicy,
}

/// `PREFERENCE_POLICY`: what becomes of preferred affinity, `ScheduleAnyway` and `PreferNoSchedule`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PreferencePolicy {
    /// They are kept as long as the pod finds a place.
    #[default]
    Respect,
    /// They are not looked at.
    Ignore,
}

/// `MIN_VALUES_POLICY`: what becomes of a node of which too few instance types are possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MinValuesPolicy {
    /// It is not launched.
    #[default]
    Strict,
    /// It is launched all the same, with an annotation that says so.
    BestEffort,
}

/// All that a decision may look at, but for the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Given at deployment.
    pub settings: Settings,
    /// Instances of this cluster, by id, read before the cluster (D5); none where they were not read.
    #[serde(default)]
    pub instances: Option<Vec<Arc<Instance>>>,
    /// What the Kubernetes API holds.
    pub cluster: ClusterState,
    /// Instance types as each EC2NodeClass would run them, by name.
    #[serde(default)]
    pub instance_types: BTreeMap<NodeClassName, Arc<InstanceTypes>>,
}

impl Snapshot {
    /// The instance type of this name as a class would run it.
    pub fn instance_type(&self, class: &NodeClassName, name: &str) -> Option<&InstanceType> {
        self.instance_types.get(class)?.named(name)
    }
}

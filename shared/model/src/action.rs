//! What a plan may do to the world: one action, one object, one call.

mod display;
mod reasons;

use crate::claim::{LaunchRecord, NodeClaimSpec, Notice};
use crate::condition::{ConditionType, Status};
use crate::instance_type::OfferingKey;
use crate::labels::Labels;
use crate::memory;
use crate::name::{
    ClaimName, ClientToken, ImageId, InstanceId, NodeClassName, NodeName, ObjectName, PoolName,
    ResourceVersion, SubnetId, Text, Uid,
};
use crate::pool::PoolStatus;
use crate::price::Price;
use crate::resources::Resources;
use crate::stamp::Stamps;
use crate::taint::Taint;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// One change to the Kubernetes API.
    Cluster(ClusterAction),
    /// One call to EC2.
    Cloud(CloudAction),
    /// Claims to their instances, by the steps of the launch: claim, record, call, result.
    Launch(Launch),
}

/// A claim that does not exist yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewClaim {
    /// Its name, the same for whoever plans the same (I11).
    pub name: ClaimName,
    /// The uid of its NodePool: the pool owns it, so that it goes with the pool.
    #[serde(default)]
    pub pool_uid: Option<Uid>,
    /// Labels it is created with.
    pub labels: Labels,
    /// Annotations it is created with (the pool's).
    #[serde(default)]
    pub annotations: BTreeMap<Text, Text>,
    /// What it asks for.
    pub spec: NodeClaimSpec,
}

/// A claim that a launch is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClaimToLaunch {
    /// It is created first.
    New(NewClaim),
    /// It exists without an instance.
    Existing {
        /// Its name.
        name: ClaimName,
        /// Its uid.
        uid: Uid,
        /// Its version when it was seen.
        resource_version: ResourceVersion,
        /// Calls made for it so far.
        attempts: u32,
    },
}

impl ClaimToLaunch {
    /// The claim's name.
    pub fn name(&self) -> &ClaimName {
        match self {
            Self::New(claim) => &claim.name,
            Self::Existing { name, .. } => name,
        }
    }
}

/// One way to launch, complete to the last parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// What is bought.
    pub offering: OfferingKey,
    /// Per hour.
    pub price: Price,
    /// In which subnet.
    pub subnet: SubnetId,
    /// From which image.
    pub image: ImageId,
    /// Labels of the node: the claim's, the instance type's, zone and capacity type.
    pub labels: Labels,
    /// What the node is expected to have.
    pub capacity: Resources,
    /// What pods are expected to have on it.
    pub allocatable: Resources,
}

/// Claims that are alike, launched by one call, and the choices to try in turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Launch {
    /// The claims, at least one.
    pub claims: Vec<ClaimToLaunch>,
    /// Their NodePool.
    pub pool: Option<PoolName>,
    /// Their EC2NodeClass.
    pub node_class: NodeClassName,
    /// Taints the node starts with: the pool's, its startup taints and `karpenter.sh/unregistered`.
    pub taints: Vec<Taint>,
    /// The choices, best first.
    pub choices: Vec<Choice>,
    /// A call whose result is not known: it is made again, to the letter, before anything else (D4).
    #[serde(default)]
    pub replay: Option<LaunchRecord>,
}

/// A change to a NodeClaim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClaimChange {
    /// What is about to be asked of EC2.
    LaunchRecord(LaunchRecord),
    /// Its instance: `providerID`, labels, capacity, `Launched=True`.
    Launched {
        /// The instance.
        instance: InstanceId,
        /// Its image.
        image: ImageId,
        /// Labels to add.
        labels: Labels,
        /// What its node is expected to have.
        capacity: Resources,
        /// What pods are expected to have on it.
        allocatable: Resources,
    },
    /// Its node has registered: `nodeName`, `Registered=True`.
    Registered {
        /// The node.
        node: NodeName,
    },
    /// Its node is initialized: real capacity, `Initialized=True`.
    Initialized {
        /// What the node has.
        capacity: Resources,
        /// What pods have on it.
        allocatable: Resources,
    },
    /// A condition.
    Condition {
        /// Which.
        kind: ConditionType,
        /// Its status; none removes it.
        status: Option<Status>,
        /// A word for machines.
        reason: String,
        /// A sentence for people.
        message: String,
    },
    /// EC2's notice.
    Notice(Notice),
    /// The claims that will replace it; none takes the intent back.
    ReplacedBy(Vec<ClaimName>),
    /// When its drain's grace ends.
    TerminationDeadline(Timestamp),
    /// When a pod last came or went on its node.
    LastPodEvent(Timestamp),
    /// What it is compared with its pool and class by from now on.
    Stamped(Stamps),
}

/// Why a claim is deleted, under the names of Karpenter's `karpenter_nodeclaims_disrupted_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteReason {
    /// Its pods fit elsewhere for less.
    Underutilized,
    /// It has no pods but daemons.
    Empty,
    /// It is not what its pool asks for.
    Drifted,
    /// It has lived its time.
    Expired,
    /// No offering had capacity.
    InsufficientCapacity,
    /// Its EC2NodeClass is missing or not ready.
    NodeclassNotReady,
    /// It was not launched in time.
    LaunchTimeout,
    /// Its node did not register in time.
    RegistrationTimeout,
    /// Its instance is gone.
    GarbageCollected,
    /// Its NodePool is gone.
    PoolDeleted,
    /// Its Node was deleted.
    NodeDeleted,
    /// EC2 takes the spot instance back.
    SpotInterrupted,
    /// EC2 stops or has stopped the instance.
    InstanceStopped,
    /// EC2 ends or has ended the instance.
    InstanceTerminated,
    /// EC2 plans maintenance.
    ScheduledChange,
    /// The capacity reservation takes the instance back.
    CapacityReservationInterrupted,
    /// Its node has been ill for too long.
    Unhealthy,
    /// Its static pool asks for fewer nodes.
    ScaledDown,
}

/// A change to a Node. What is empty is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeChange {
    /// Labels to set.
    pub labels: Labels,
    /// Taints to add where they are not there.
    pub add_taints: Vec<Taint>,
    /// Taints to remove, by key.
    pub remove_taints: Vec<Text>,
    /// Whether to add the finalizer `karpenter.sh/termination` and the claim as owner.
    pub own: Option<(ClaimName, Uid)>,
}

/// One change to the Kubernetes API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClusterAction {
    /// Creates a NodeClaim; a taken name is a conflict.
    CreateClaim(NewClaim),
    /// Changes a NodeClaim of this uid; with a version, only if it is still the one seen.
    UpdateClaim {
        /// Its name.
        claim: ClaimName,
        /// Its uid.
        uid: Uid,
        /// The version that was seen, where that matters.
        resource_version: Option<ResourceVersion>,
        /// What changes.
        change: ClaimChange,
    },
    /// Asks for a NodeClaim's deletion; its finalizer holds it until its instance is gone.
    DeleteClaim {
        /// Its name.
        claim: ClaimName,
        /// Its uid.
        uid: Uid,
        /// Why.
        reason: DeleteReason,
    },
    /// Takes the finalizer off a NodeClaim that is being deleted.
    ReleaseClaim {
        /// Its name.
        claim: ClaimName,
        /// Its uid.
        uid: Uid,
    },
    /// Changes a Node of this uid; with a version, only if it is still the one seen.
    UpdateNode {
        /// Its name.
        node: NodeName,
        /// Its uid.
        uid: Uid,
        /// The version that was seen, where that matters.
        resource_version: Option<ResourceVersion>,
        /// What changes.
        change: NodeChange,
    },
    /// Asks for a Node's deletion; its finalizer holds it until it is drained.
    DeleteNode {
        /// Its name.
        node: NodeName,
        /// Its uid.
        uid: Uid,
    },
    /// Takes the finalizer off a Node that is being deleted.
    ReleaseNode {
        /// Its name.
        node: NodeName,
        /// Its uid.
        uid: Uid,
    },
    /// Writes what has become of a NodePool of this uid into its status.
    UpdatePool {
        /// Its name.
        pool: PoolName,
        /// Its uid.
        uid: Uid,
        /// What is to stand there.
        status: PoolStatus,
    },
    /// Evicts a pod: PodDisruptionBudgets may refuse.
    EvictPod {
        /// Namespace and name.
        pod: ObjectName,
        /// Its uid.
        uid: Uid,
        /// For the event.
        reason: String,
    },
    /// Deletes a pod whatever its PodDisruptionBudgets say: only at the end of the drain's grace.
    DeletePod {
        /// Namespace and name.
        pod: ObjectName,
        /// Its uid.
        uid: Uid,
        /// What is left for its own termination.
        grace: SignedDuration,
    },
    /// Changes what is remembered, by compare-and-swap.
    Remember(memory::Change),
    /// Takes the planner's lease if it is free, over or already this holder's. Otherwise a conflict, and the present
    /// holder is told to look once more.
    AcquireLease {
        /// Who wants it.
        holder: String,
        /// How long it holds at most, from when it is taken. An invocation may look several times, and its time is that of
        /// its beginning.
        lasts: SignedDuration,
    },
    /// Gives the lease back. A conflict says that another wanted it meanwhile: look once more.
    ReleaseLease {
        /// Who had it.
        holder: String,
    },
    /// Records a Kubernetes Event.
    RecordEvent(Event),
}

/// A Kubernetes Event under Karpenter's reasons and texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `Pod`, `Node`, `NodeClaim` or `NodePool`.
    pub kind: Text,
    /// The object; the namespace is empty for cluster-scoped ones.
    pub object: ObjectName,
    /// Whether it is a `Warning`; otherwise `Normal`.
    pub warning: bool,
    /// A word for machines.
    pub reason: Text,
    /// A sentence for people.
    pub message: String,
}

/// A call of EC2's `RunInstances` for so many like instances, all or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunInstances {
    /// Makes the call idempotent within its zone.
    pub token: ClientToken,
    /// How many (`MinCount` and `MaxCount`).
    pub count: u32,
    /// What is bought.
    pub offering: OfferingKey,
    /// In which subnet.
    pub subnet: SubnetId,
    /// From which image.
    pub image: ImageId,
    /// The tag `karpenter.sh/nodepool`.
    pub pool: Option<PoolName>,
    /// The tag `karpenter.k8s.aws/ec2nodeclass`, and where user data and all else come from.
    pub node_class: NodeClassName,
    /// The tag `karpenter.sh/nodeclaim` where the call is for one claim.
    pub claim: Option<ClaimName>,
    /// Labels that the kubelet registers with.
    pub labels: Labels,
    /// Taints that the kubelet registers with.
    pub taints: Vec<Taint>,
}

/// One call to EC2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CloudAction {
    /// Launches instances.
    RunInstances(RunInstances),
    /// Terminates instances, which this pass has seen to be ours (I3).
    TerminateInstances {
        /// Which.
        instances: Vec<InstanceId>,
    },
}

//! The two ports. Each has two implementations, the real one and the simulated one, and no others.
#![expect(async_fn_in_trait, reason = "an invocation runs on one thread; no future has to be Send")]

use model::action::{CloudAction, ClusterAction};
use model::instance_types::InstanceTypes;
use model::memory::Learned;
use model::name::{NodeClassName, SubnetId};
use model::node_class::NodeClass;
use model::outcome::Outcome;
use model::snapshot::{ClusterState, Instance, Scope};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why the world could not be read. Nothing is decided then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObserveError {
    /// The service did not answer, or not in time.
    #[error("{service} did not answer: {message}")]
    Unreachable {
        /// `Kubernetes` or `EC2`.
        service: &'static str,
        /// What was said.
        message: String,
    },
    /// The service asked to be called less often.
    #[error("{service} asked to be called less often")]
    Throttled {
        /// `Kubernetes` or `EC2`.
        service: &'static str,
    },
    /// Karpenter is at work in the cluster. Two that launch and terminate by the same objects undo each other (D14).
    #[error("Karpenter is at work in this cluster (leader {holder}): nothing is done beside it")]
    Karpenter {
        /// Who holds its leader election's lease.
        holder: String,
    },
    /// The service refuses.
    #[error("{service} refused: {message}")]
    Denied {
        /// `Kubernetes` or `EC2`.
        service: &'static str,
        /// What was said.
        message: String,
    },
}

/// What is asked of EC2.
#[derive(Clone, Copy, Debug)]
pub enum CloudQuery<'a> {
    /// The instances that carry this cluster's tags, consistently, all pages.
    Instances,
    /// Instance types with offerings and prices; may come from a cache.
    InstanceTypes {
        /// As these classes would run them.
        classes: &'a [Arc<NodeClass>],
        /// With this memory, where nodes have come up with it.
        learned: &'a Learned,
    },
}

/// What EC2 answered; what was not asked for is empty.
#[derive(Clone, Debug, Default)]
pub struct CloudState {
    /// Instances, by id.
    pub instances: Vec<Arc<Instance>>,
    /// Instance types, by name, for each class.
    pub instance_types: BTreeMap<NodeClassName, Arc<InstanceTypes>>,
    /// Free addresses of subnets, asked for together with instance types where a zone has several to choose from.
    pub free_addresses: BTreeMap<SubnetId, u32>,
}

/// The Kubernetes API.
pub trait Cluster {
    /// Reads as much as the scope says, consistently.
    async fn observe(&self, scope: Scope) -> Result<ClusterState, ObserveError>;
    /// Makes one change.
    async fn apply(&self, action: &ClusterAction) -> Outcome;
}

/// EC2.
pub trait Cloud {
    /// Reads what is asked for.
    async fn observe(&self, query: CloudQuery<'_>) -> Result<CloudState, ObserveError>;
    /// Makes one call.
    async fn apply(&self, action: &CloudAction) -> Outcome;
}

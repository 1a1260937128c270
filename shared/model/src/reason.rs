//! Why something was not done. Every decision that leaves something out says so with one of these.

use crate::name::{ClaimName, InstanceId, NodeName, ObjectName, PoolName, Text};
use crate::pool::DisruptionReason;
use crate::resources::{self, Resources};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a reason is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// A pod.
    Pod(ObjectName),
    /// A node.
    Node(NodeName),
    /// A claim.
    Claim(ClaimName),
    /// A NodePool.
    Pool(PoolName),
    /// An instance.
    Instance(InstanceId),
    /// The whole cluster.
    Cluster,
}

/// Why something was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// There is no NodePool that could take anything.
    NoPools,
    /// The NodePool takes no new nodes: it is being deleted, is static, or its EC2NodeClass is missing or not ready.
    PoolClosed {
        /// The pool.
        pool: PoolName,
        /// Why it is closed.
        why: Text,
    },
    /// The pod does not tolerate a taint of the pool.
    Untolerated {
        /// The pool.
        pool: PoolName,
        /// The taint.
        taint: Text,
    },
    /// What the pod asks of labels and what the pool offers have nothing in common.
    Incompatible {
        /// The pool.
        pool: PoolName,
        /// The label.
        key: Text,
        /// What the pod asks for.
        wanted: String,
        /// What the pool offers; empty where it does not define the label.
        offered: String,
    },
    /// No instance type that the pool and the pod admit is large enough.
    TooLarge {
        /// The pool.
        pool: PoolName,
        /// What the pod and the daemons of its node request.
        requests: Resources,
        /// The largest of the types that were looked at.
        largest: Resources,
    },
    /// Types that would do are not offered in an admitted zone and capacity type, or lately had no capacity.
    NoOffering {
        /// The pool.
        pool: PoolName,
        /// How many types would have done.
        types: usize,
    },
    /// The pool's instance types offer fewer distinct values than it demands.
    MinValues {
        /// The pool.
        pool: PoolName,
        /// The label.
        key: Text,
        /// How many it demands.
        wanted: u32,
        /// How many there are.
        found: u32,
    },
    /// No node, present or new, keeps what the pod asks of its neighbours or they of it.
    Neighbours {
        /// The constraint.
        constraint: Text,
    },
    /// A volume of the pod keeps it from every node.
    Volume {
        /// The PersistentVolumeClaim, or several of them separated by commas.
        claim: Text,
        /// What is the matter with it.
        why: Text,
    },
    /// A node would exceed the pool's limits.
    LimitReached {
        /// The pool.
        pool: PoolName,
        /// The resource, or `nodes`.
        resource: Text,
        /// The limit in base units.
        limit: i64,
        /// What the pool's nodes have already.
        used: i64,
        /// The instance type that would have been taken.
        instance_type: Text,
    },
    /// The cluster has as many nodes as the deployment allows.
    NodeCeiling {
        /// The most nodes.
        nodes_max: u32,
    },
    /// Of the pool's nodes that were launched lately too many have not come up, so that one at a time is tried.
    LaunchesFail {
        /// The pool.
        pool: PoolName,
        /// How many have not come up.
        failed: usize,
        /// Of how many.
        of: usize,
    },
    /// As much as one pass may start has been started; the next goes on.
    PassFull {
        /// What was counted.
        most: usize,
    },
    /// The pod asks for something that this version does not place.
    Unsupported {
        /// What it asks for.
        what: Text,
    },
    /// Nodes launched for this owner's pods did not help; more would not either.
    Unproductive {
        /// How many were launched.
        launched: u32,
    },
    /// The scheduler has had its chance on the node that was made for it.
    NotPlacedByScheduler {
        /// The claim.
        claim: ClaimName,
    },
    /// The pod opted out of nodes of any NodePool.
    OptedOut,
    /// Something it waits for has not come yet.
    Waiting {
        /// What it is.
        on: Text,
    },
    /// Its view of the world is partial or another cluster's, so nothing is taken away.
    ViewRefused {
        /// Why.
        why: Text,
    },
    /// More would go in one pass than is allowed.
    DeletionRate {
        /// How many may go.
        most: usize,
        /// How many would.
        wanted: usize,
    },
    /// A budget of the pool allows no more.
    BudgetUsed {
        /// The pool.
        pool: PoolName,
        /// For which kind of disruption.
        reason: DisruptionReason,
        /// How many nodes the budget allows.
        allowed: u32,
    },
    /// The node cannot be disrupted.
    Blocked {
        /// Karpenter's sentence for it.
        why: Text,
    },
    /// The node is as good as it gets.
    Unconsolidatable {
        /// Karpenter's sentence for it.
        why: Text,
    },
    /// It has not been still for long enough.
    TooFresh {
        /// What it waits for.
        why: Text,
    },
    /// A PodDisruptionBudget holds the pod.
    HeldByBudget {
        /// Its name.
        budget: ObjectName,
    },
    /// The pod must not be disrupted, and there is time.
    DoNotDisrupt,
}

impl Reason {
    /// The guard that this tells of, if any: a word for it, and what closes it again. Karpenter has none of these words.
    pub const fn guard(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::ViewRefused { .. } => Some((
                "ViewRefused",
                "it ends with the first whole view: the log names what could not be read; check that this is the right cluster, account and region",
            )),
            Self::DeletionRate { .. } => Some((
                "DeletionRateReached",
                "the next pass goes on; who wants less to go at once sets budgets or changes fewer nodes",
            )),
            Self::NodeCeiling { .. } => Some((
                "NodeCeilingReached",
                "raise NodesMax of joiner's stack if so many nodes are wanted",
            )),
            Self::LaunchesFail { .. } => Some((
                "LaunchesFail",
                "one node at a time is tried until two in a row come up: see user data, image, subnets and the nodes' access to the cluster",
            )),
            Self::Unproductive { .. } => Some((
                "LaunchesUnproductive",
                "it is forgotten an hour after the last launch; pods of a new owner are tried at once",
            )),
            Self::NoPools
            | Self::PoolClosed { .. }
            | Self::Untolerated { .. }
            | Self::Incompatible { .. }
            | Self::TooLarge { .. }
            | Self::NoOffering { .. }
            | Self::MinValues { .. }
            | Self::Neighbours { .. }
            | Self::Volume { .. }
            | Self::LimitReached { .. }
            | Self::PassFull { .. }
            | Self::Unsupported { .. }
            | Self::NotPlacedByScheduler { .. }
            | Self::OptedOut
            | Self::Waiting { .. }
            | Self::BudgetUsed { .. }
            | Self::Blocked { .. }
            | Self::Unconsolidatable { .. }
            | Self::TooFresh { .. }
            | Self::HeldByBudget { .. }
            | Self::DoNotDisrupt => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(name) => write!(f, "pod {name}"),
            Self::Node(name) => write!(f, "node {name}"),
            Self::Claim(name) => write!(f, "claim {name}"),
            Self::Pool(name) => write!(f, "pool {name}"),
            Self::Instance(id) => write!(f, "instance {id}"),
            Self::Cluster => f.write_str("cluster"),
        }
    }
}

/// What stands before the name of a PersistentVolumeClaim, or of several.
fn of_claims(names: &str) -> &'static str {
    if names.contains(',') { "PersistentVolumeClaims " } else { "PersistentVolumeClaim " }
}

/// What a pool offers of a label.
fn offer_of(pool: &PoolName, offered: &str) -> String {
    match offered {
        "" => format!("which NodePool {pool} does not define"),
        _ => format!("NodePool {pool} offers {offered}"),
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPools => f.write_str("there is no NodePool"),
            Self::PoolClosed { pool, why } => {
                write!(f, "NodePool {pool} takes no new nodes: {why}")
            }
            Self::Untolerated { pool, taint } => {
                write!(f, "does not tolerate taint {taint} of NodePool {pool}")
            }
            Self::Incompatible { pool, key, wanted, offered } => {
                write!(f, "asks for {key} {wanted}, {}", offer_of(pool, offered))
            }
            Self::TooLarge { pool, requests, largest } => write!(
                f,
                "needs {requests} with its daemons, more than any instance type of NodePool {pool} has (largest: {largest})"
            ),
            Self::NoOffering { pool, types } => write!(
                f,
                "{types} instance types of NodePool {pool} would do, but none has capacity in an admitted zone and capacity type"
            ),
            Self::MinValues { pool, key, wanted, found } => write!(
                f,
                "NodePool {pool} demands {wanted} values of {key}, its instance types have {found}"
            ),
            Self::Neighbours { constraint } => {
                write!(f, "no node, present or new, would keep its {constraint} or that of others")
            }
            Self::Volume { claim, why } => write!(f, "{}{claim} {why}", of_claims(claim)),
            Self::LimitReached { pool, resource, limit, used, instance_type } => write!(
                f,
                "would fit {instance_type}, but NodePool {pool} is limited to {} {resource} and has {}",
                resources::format_amount(resource, *limit),
                resources::format_amount(resource, *used)
            ),
            Self::NodeCeiling { nodes_max } => {
                write!(f, "the cluster is at its ceiling of {nodes_max} nodes")
            }
            Self::LaunchesFail { pool, failed, of } => {
                write!(f, "{failed} of the last {of} nodes of NodePool {pool} have not come up")
            }
            Self::PassFull { most } => {
                write!(f, "one pass starts at most {most}; the next goes on")
            }
            Self::Unsupported { what } => write!(f, "asks for {what}, which is not supported yet"),
            Self::Unproductive { launched } => write!(
                f,
                "{launched} nodes launched for its owner did not help; see why the scheduler refuses them"
            ),
            Self::NotPlacedByScheduler { claim } => {
                write!(f, "the scheduler did not place it on claim {claim}, which was made for it")
            }
            Self::OptedOut => f.write_str("is configured not to run on nodes of any NodePool"),
            Self::Waiting { on } => write!(f, "waits for {on}"),
            Self::ViewRefused { why } => write!(f, "nothing is taken away: {why}"),
            Self::DeletionRate { most, wanted } => {
                write!(f, "{wanted} nodes would go in one pass, {most} may")
            }
            Self::BudgetUsed { pool, reason, allowed } => write!(
                f,
                "no allowed disruptions for disruption reason {reason:?} in NodePool {pool} (budget: {allowed})"
            ),
            Self::Blocked { why } | Self::Unconsolidatable { why } | Self::TooFresh { why } => {
                f.write_str(why)
            }
            Self::HeldByBudget { budget } => {
                write!(f, "PodDisruptionBudget {budget} allows no eviction now")
            }
            Self::DoNotDisrupt => f.write_str("is annotated karpenter.sh/do-not-disrupt"),
        }
    }
}

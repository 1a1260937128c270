//! NodePools.

use crate::condition::Status;
use crate::labels::Labels;
use crate::name::{NodeClassName, PoolName, Text, Uid};
use crate::requirement::Requirements;
use crate::resources::Resources;
use crate::taint::Taint;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// When consolidation may act on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConsolidationPolicy {
    /// Only when it is empty.
    WhenEmpty,
    /// When it is empty, or when its pods fit elsewhere for less.
    #[default]
    WhenEmptyOrUnderutilized,
    /// As before, but only where the saving is worth the disruption.
    Balanced,
}

/// Why a node is disrupted of our own will, under Karpenter's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DisruptionReason {
    /// Its pods fit elsewhere for less.
    Underutilized,
    /// It has no pods but daemons.
    Empty,
    /// It no longer is what its NodePool or EC2NodeClass ask for.
    Drifted,
}

/// How many nodes a budget allows to be disrupted at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BudgetNodes {
    /// So many.
    Count(u32),
    /// So many per cent of the pool's nodes, rounded up.
    Percent(u32),
}

/// A disruption budget of a NodePool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// How many nodes.
    pub nodes: BudgetNodes,
    /// For which reasons; empty is for all.
    #[serde(default)]
    pub reasons: Vec<DisruptionReason>,
    /// A cron expression in UTC at whose times the budget starts to count; none is always.
    #[serde(default)]
    pub schedule: Option<Text>,
    /// How long it counts from each such time.
    #[serde(default)]
    pub duration: Option<SignedDuration>,
}

/// `spec.disruption` of a NodePool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disruption {
    /// How long nothing may have happened on a node before it is looked at; none is never.
    pub consolidate_after: Option<SignedDuration>,
    /// Which nodes are looked at.
    pub policy: ConsolidationPolicy,
    /// All must allow it; Karpenter's default is one of 10 %.
    pub budgets: Vec<Budget>,
}

impl Default for Disruption {
    /// Karpenter's defaults (NodePool v1): consolidate at once, empty or under-utilized, 10 % at a time.
    fn default() -> Self {
        let ten_percent = Budget {
            nodes: BudgetNodes::Percent(10),
            reasons: vec![],
            schedule: None,
            duration: None,
        };
        Self {
            consolidate_after: Some(SignedDuration::ZERO),
            policy: ConsolidationPolicy::default(),
            budgets: vec![ten_percent],
        }
    }
}

/// A NodePool, as far as joiner looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePool {
    /// Its name.
    pub name: PoolName,
    /// `metadata.uid`.
    pub uid: Uid,
    /// Whether it is being deleted.
    #[serde(default)]
    pub deleting: bool,
    /// `spec.weight`, 1 to 100; heavier pools are tried first. Absent counts as 0.
    #[serde(default)]
    pub weight: u32,
    /// `spec.replicas`: a static pool, which provisioning leaves alone.
    #[serde(default)]
    pub replicas: Option<u32>,
    /// Labels of its nodes.
    #[serde(default)]
    pub labels: Labels,
    /// Annotations of its nodes.
    #[serde(default)]
    pub annotations: BTreeMap<Text, Text>,
    /// What its instances must be.
    #[serde(default)]
    pub requirements: Requirements,
    /// Taints of its nodes.
    #[serde(default)]
    pub taints: Vec<Taint>,
    /// Taints that something else takes away once a node has come up.
    #[serde(default)]
    pub startup_taints: Vec<Taint>,
    /// The EC2NodeClass of its nodes.
    pub node_class: NodeClassName,
    /// How long its nodes may live; none is for ever.
    #[serde(default)]
    pub expire_after: Option<SignedDuration>,
    /// How long a drain may take; none is for ever.
    #[serde(default)]
    pub termination_grace_period: Option<SignedDuration>,
    /// `spec.limits` on the sum of its nodes' capacity: only the resources named here are limited.
    #[serde(default)]
    pub limits: Option<Limits>,
    /// `spec.disruption`.
    #[serde(default)]
    pub disruption: Disruption,
    /// `status`.
    #[serde(default)]
    pub status: PoolStatus,
}

/// `status` of a NodePool, as far as joiner writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PoolStatus {
    /// How many nodes it has.
    pub nodes: u32,
    /// What they have together; the resource `nodes`, which limits can name, is their number once more.
    pub resources: Resources,
    /// What is known, but for `Ready`, which follows from the others; by type.
    pub conditions: Vec<PoolCondition>,
}

impl PoolStatus {
    /// The conditions that joiner writes, beside `Ready`.
    pub const CONDITIONS: [&str; 3] =
        ["NodeClassReady", "NodeRegistrationHealthy", "ValidationSucceeded"];
}

/// A condition of a NodePool, under Karpenter's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolCondition {
    /// Its type.
    pub kind: Text,
    /// Whether it holds.
    pub status: Status,
    /// A word for machines.
    pub reason: Text,
    /// A sentence for people; may be empty.
    #[serde(default)]
    pub message: String,
}

/// `spec.limits` of a NodePool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The most of each named resource, in base units (milli for `cpu`).
    #[serde(default)]
    pub resources: BTreeMap<Text, i64>,
    /// The most nodes.
    #[serde(default)]
    pub nodes: Option<u32>,
}

impl Limits {
    /// The first limit that this use would exceed.
    pub fn exceeded_by(&self, used: &Resources, nodes: u32) -> Option<&str> {
        if self.nodes.is_some_and(|most| most < nodes) {
            return Some("nodes");
        }
        self.resources.iter().find(|(name, most)| **most < used.get(name)).map(|(name, _)| &**name)
    }
}

impl NodePool {
    /// Requirements and labels together: what every node of the pool satisfies.
    pub fn node_requirements(&self) -> Requirements {
        self.requirements.intersect(&Requirements::from_labels(&self.labels))
    }
}

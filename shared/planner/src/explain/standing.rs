//! How a NodePool stands: whether it takes new nodes, what is left of its limits, and how many of its nodes may be disrupted now.

use crate::disrupt::budgets::Budgets;
use crate::scheduling::amounts::Columns;
use crate::scheduling::limits::{Allowance, node_count};
use crate::scheduling::pools::stock_of;
use crate::scheduling::rooms::Index;
use crate::scheduling::stock::Survey;
use jiff::Timestamp;
use model::name::Text;
use model::pool::{DisruptionReason, NodePool};
use model::reason::Reason;
use model::snapshot::Snapshot;

/// How a NodePool stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Why it takes no new nodes, if so. That it is static is no such reason: replicas are new nodes too.
    pub closed: Option<Reason>,
    /// Its limits, in the order of their names, `nodes` last.
    pub limits: Vec<LimitUse>,
    /// What its budgets allow at this time, for each reason.
    pub budgets: Vec<BudgetNow>,
}

/// A limit of a NodePool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitUse {
    /// The resource, or `nodes`.
    pub resource: Text,
    /// The limit in base units.
    pub most: i64,
    /// What its nodes and claims have of it, in base units.
    pub used: i64,
}

/// What a NodePool's budgets allow for a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetNow {
    /// The reason.
    pub reason: DisruptionReason,
    /// How many more nodes may go now, of how many at once; none where no budget counts now.
    pub left: Option<(usize, u32)>,
}

/// Says how a pool of the snapshot stands. The same arguments give the same answer.
pub fn standing(snapshot: &Snapshot, pool: &NodePool, now: Timestamp) -> Standing {
    let survey = Survey::new(snapshot, Columns::default(), now);
    let closed = stock_of(&survey, pool).err().map(|reason| *reason);
    let ceiling = i64::from(snapshot.settings.nodes_max) - node_count(snapshot);
    let limits = Allowance::of(snapshot, pool, ceiling);
    let limits = limits.limits().map(|(resource, most, left)| LimitUse {
        resource,
        most,
        used: most - left,
    });
    let index = Index::of(&snapshot.cluster);
    let budgets = Budgets::of(snapshot, &index, now);
    let reasons =
        [DisruptionReason::Empty, DisruptionReason::Underutilized, DisruptionReason::Drifted];
    let budgets = reasons.map(|reason| BudgetNow { reason, left: budgets.left(pool, reason) });
    Standing { closed, limits: limits.collect(), budgets: budgets.into() }
}

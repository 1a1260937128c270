//! Disruption budgets: how many nodes of a pool may be disrupted at once, and for which reason.

use crate::scheduling::rooms::{Index, is_leaving};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::condition::ConditionType;
use model::name::PoolName;
use model::pool::{Budget, BudgetNodes, DisruptionReason, NodePool};
use model::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::str::FromStr;

/// How many nodes each pool has, and how many of them are disrupted already.
#[derive(Clone, Debug)]
pub(crate) struct Budgets {
    now: Timestamp,
    pools: BTreeMap<PoolName, Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    nodes: u32,
    disrupted: u32,
}

impl Budgets {
    /// Counts nodes. Budgets are used by nodes that are not ready or on their way out, whatever the reason.
    pub(crate) fn of(snapshot: &Snapshot, index: &Index<'_>, now: Timestamp) -> Self {
        let mut pools: BTreeMap<PoolName, Count> = BTreeMap::new();
        for node in &snapshot.cluster.nodes {
            let Some(claim) = index.claim_of(&node.name).filter(|c| c.is_initialized()) else {
                continue;
            };
            let is_gone = claim.conditions.is_true(ConditionType::InstanceTerminating);
            let Some(pool) = claim.spec.pool.clone().filter(|_| !is_gone) else { continue };
            let count = pools.entry(pool).or_default();
            count.nodes += 1;
            count.disrupted += u32::from(!node.ready || is_leaving(node, Some(claim)));
        }
        Self { now, pools }
    }

    /// How many more nodes of a pool may go, and how many at once are allowed; none where no budget counts.
    pub(crate) fn left(&self, pool: &NodePool, reason: DisruptionReason) -> Option<(usize, u32)> {
        let count = self.pools.get(&pool.name).copied().unwrap_or_default();
        let budgets = pool.disruption.budgets.iter();
        let counting = budgets.filter(|b| b.reasons.is_empty() || b.reasons.contains(&reason));
        let allowed = counting.filter_map(|budget| allowed_by(budget, count.nodes, self.now));
        let allowed = allowed.min()?;
        let left = allowed.saturating_sub(count.disrupted);
        Some((usize::try_from(left).unwrap_or(usize::MAX), allowed))
    }

    /// Uses the budget for one node, or says how many nodes it allows.
    pub(crate) fn take(&mut self, pool: &NodePool, reason: DisruptionReason) -> Result<(), u32> {
        if let Some((0, allowed)) = self.left(pool, reason) {
            return Err(allowed);
        }
        self.pools.entry(pool.name.clone()).or_default().disrupted += 1;
        Ok(())
    }

    /// Takes one use back.
    pub(crate) fn give_back(&mut self, pool: &NodePool) {
        self.pools.entry(pool.name.clone()).or_default().disrupted -= 1;
    }
}

/// How many of so many nodes a budget allows, if it counts now. One that cannot be understood allows none.
fn allowed_by(budget: &Budget, nodes: u32, now: Timestamp) -> Option<u32> {
    let allowed = match budget.nodes {
        BudgetNodes::Count(count) => count,
        BudgetNodes::Percent(percent) => {
            let of_all = u64::from(nodes) * u64::from(percent);
            u32::try_from(of_all.div_ceil(100)).unwrap_or(u32::MAX)
        }
    };
    match (&budget.schedule, budget.duration) {
        (None, None) => Some(allowed),
        (Some(schedule), Some(duration)) => match starts_between(schedule, now - duration, now) {
            Some(true) => Some(allowed),
            Some(false) => None,
            None => Some(0),
        },
        (Some(_), None) | (None, Some(_)) => Some(0),
    }
}

/// Whether a time of the schedule, in UTC, lies between the two; none where it is no schedule.
fn starts_between(schedule: &str, after: Timestamp, until: Timestamp) -> Option<bool> {
    let cron = croner::Cron::from_str(schedule).ok()?;
    let civil = |at: Timestamp| at.to_zoned(TimeZone::UTC).datetime();
    // A schedule without any further time has none in between either.
    Some(cron.find_next_occurrence(&civil(after), false).is_ok_and(|next| next <= civil(until)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn allowed(nodes: BudgetNodes, schedule: Option<&str>, hours: Option<i64>) -> Option<u32> {
        let budget = Budget {
            nodes,
            reasons: vec![],
            schedule: schedule.map(Into::into),
            duration: hours.map(SignedDuration::from_hours),
        };
        // A Thursday.
        allowed_by(&budget, 15, "2026-01-01T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_share_is_rounded_up() {
        assert_eq!(allowed(BudgetNodes::Percent(10), None, None), Some(2));
        assert_eq!(allowed(BudgetNodes::Percent(0), None, None), Some(0));
        assert_eq!(allowed(BudgetNodes::Count(4), None, None), Some(4));
    }

    #[test]
    fn a_budget_counts_from_its_schedule_for_its_duration() {
        let at_nine = Some("0 9 * * mon-fri");
        assert_eq!(allowed(BudgetNodes::Count(0), at_nine, Some(8)), Some(0));
        assert_eq!(allowed(BudgetNodes::Count(0), at_nine, Some(2)), None);
        assert_eq!(allowed(BudgetNodes::Count(0), Some("@daily"), Some(13)), Some(0));
        assert_eq!(allowed(BudgetNodes::Count(0), Some("0 9 * * sat"), Some(8)), None);
    }

    #[test]
    fn a_schedule_that_is_none_allows_nothing() {
        assert_eq!(allowed(BudgetNodes::Count(5), Some("at nine"), Some(8)), Some(0));
        assert_eq!(allowed(BudgetNodes::Count(5), Some("0 9 * * *"), None), Some(0));
    }
}

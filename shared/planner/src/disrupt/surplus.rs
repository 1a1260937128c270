//! Static pools give back what they have too many of. Budgets are not asked, as whoever scales a pool has said how many may go
//! (Karpenter 1.14); drains still keep to what pods have against it.

use super::Sweep;
use super::candidates::disruption_cost;
use crate::provision::replicas::standing;
use crate::scheduling::rooms::is_going;
use model::action::DeleteReason;
use model::claim::NodeClaim;
use model::pod::Pod;
use model::pool::NodePool;
use model::reason::{Reason, Subject};
use std::sync::Arc;

/// What a claim's end costs: whether somebody asked to leave it alone, whether there is a node, and what is on it.
type Worth = (bool, bool, i64);

/// Takes away surplus nodes: first those that are not up yet, then empty ones, then those whose end costs their pods least.
pub(super) fn give_back(sweep: &mut Sweep<'_, '_>) {
    for pool in sweep.snapshot.cluster.pools.iter().filter(|pool| !pool.deleting) {
        let Some(replicas) = pool.replicas else { continue };
        shrink(sweep, pool, usize::try_from(replicas).unwrap_or(usize::MAX));
    }
}

fn shrink(sweep: &mut Sweep<'_, '_>, pool: &NodePool, replicas: usize) {
    let standing: Vec<&Arc<NodeClaim>> = standing(sweep.snapshot, &pool.name).collect();
    let surplus = standing.len().saturating_sub(replicas);
    // One that is being replaced is left to that; what goes anyway is no surplus for long.
    let free = standing.into_iter().filter(|claim| claim.replaced_by.is_empty());
    let mut ranked: Vec<(Worth, &Arc<NodeClaim>)> =
        free.filter(|claim| !is_going(claim)).map(|claim| (worth(sweep, claim), claim)).collect();
    ranked.sort_by(|(a, one), (b, other)| (a, &one.name).cmp(&(b, &other.name)));
    for (_, claim) in ranked.into_iter().take(surplus) {
        let most = sweep.deletions_max();
        if most <= sweep.deletions {
            let reason = Reason::DeletionRate { most, wanted: sweep.deletions + 1 };
            sweep.plan.leave_out(Subject::Claim(claim.name.clone()), reason);
            continue;
        }
        sweep.delete_claim(claim, DeleteReason::ScaledDown);
        if let Some(node) = sweep.index.node_of(claim) {
            sweep.begun.insert(node.name.clone());
        }
    }
}

fn worth(sweep: &Sweep<'_, '_>, claim: &NodeClaim) -> Worth {
    let Some(node) = sweep.index.node_of(claim) else { return (claim.do_not_disrupt, false, 0) };
    let pods = sweep.index.pods_on(&node.name).iter().copied();
    let pods: Vec<&Arc<Pod>> = pods.filter(|pod| pod.is_reschedulable()).collect();
    let keeps = pods.iter().any(|pod| pod.forbids_disruption(sweep.now));
    let cost = if pods.is_empty() { 0 } else { disruption_cost(&pods, claim, sweep.now) };
    (claim.do_not_disrupt || node.do_not_disrupt || keeps, true, cost)
}

//! Static pools have as many nodes as they ask for, whether or not pods need them.

use super::launches::{LAUNCH_GROUP_MAX, LAUNCHES_PER_PLAN_MAX};
use crate::scheduling::amounts::Columns;
use crate::scheduling::claims::{launch_taints, name_for};
use crate::scheduling::limits::{Allowance, node_count};
use crate::scheduling::pools::in_order;
use crate::scheduling::replica::Mould;
use crate::scheduling::stock::Survey;
use jiff::Timestamp;
use model::action::{Action, ClaimToLaunch, Launch, NewClaim};
use model::claim::NodeClaim;
use model::name::{ClaimName, PoolName};
use model::plan::Plan;
use model::pool::NodePool;
use model::reason::{Reason, Subject};
use model::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The claims that count as a static pool's replicas: not those that go, nor those that are to take the place of one that is
/// still there.
pub(crate) fn standing<'a>(
    snapshot: &'a Snapshot,
    pool: &'a PoolName,
) -> impl Iterator<Item = &'a Arc<NodeClaim>> {
    let claims = &snapshot.cluster.claims;
    let stays = |name: &ClaimName| {
        claims.iter().any(|claim| claim.name == *name && claim.deleting.is_none())
    };
    claims.iter().filter(move |claim| {
        claim.spec.pool.as_ref() == Some(pool)
            && claim.deleting.is_none()
            && !claim.spec.replaces.iter().any(stays)
    })
}

/// Launches what static pools lack.
pub(super) fn fill_up(snapshot: &Snapshot, now: Timestamp, plan: &mut Plan) {
    let pools = in_order(snapshot).into_iter();
    let lacking: Vec<(&Arc<NodePool>, usize)> =
        pools.filter_map(|pool| Some((pool, lacks(snapshot, pool)?))).collect();
    if lacking.is_empty() {
        return;
    }
    let survey = Survey::new(snapshot, Columns::default(), now);
    let claims = snapshot.cluster.claims.iter();
    let mut taken: BTreeSet<ClaimName> = claims.map(|claim| claim.name.clone()).collect();
    let new = plan.launches().flat_map(|launch| &launch.claims);
    taken.extend(new.map(|claim| claim.name().clone()));
    for (pool, count) in lacking {
        let about = || Subject::Pool(pool.name.clone());
        let mould = match Mould::of(&survey, pool) {
            Ok(mould) => mould,
            Err(reason) => {
                plan.leave_out(about(), *reason);
                continue;
            }
        };
        // What this plan launches for pods counts too.
        let ceiling = i64::from(snapshot.settings.nodes_max) - node_count(snapshot) - begun(plan);
        let mut allowance = Allowance::of(snapshot, pool, ceiling);
        let mut new: Vec<NewClaim> = Vec::new();
        for _ in 0..count {
            if let Err(reason) = mould.admit(&mut allowance) {
                plan.leave_out(about(), *reason);
                break;
            }
            let name = name_for(&pool.name, &pool.uid, &taken);
            taken.insert(name.clone());
            new.push(mould.claim(name, Vec::new()));
        }
        launch(pool, &mould, &new, plan);
    }
}

/// How many nodes a static pool lacks; none of a pool that is not static or goes.
fn lacks(snapshot: &Snapshot, pool: &NodePool) -> Option<usize> {
    let wanted = usize::try_from(pool.replicas.filter(|_| !pool.deleting)?).unwrap_or(usize::MAX);
    let count = wanted.saturating_sub(standing(snapshot, &pool.name).count());
    (0 < count).then_some(count)
}

/// How many new claims there are in a plan.
fn begun(plan: &Plan) -> i64 {
    let claims = plan.launches().flat_map(|launch| &launch.claims);
    let new = claims.filter(|claim| matches!(claim, ClaimToLaunch::New(_)));
    i64::try_from(new.count()).unwrap_or(i64::MAX)
}

fn launch(pool: &NodePool, mould: &Mould<'_>, new: &[NewClaim], plan: &mut Plan) {
    let price = mould.ranking.choices[0].price;
    for claims in new.chunks(LAUNCH_GROUP_MAX) {
        if LAUNCHES_PER_PLAN_MAX <= plan.launches().count() {
            let most = LAUNCHES_PER_PLAN_MAX;
            plan.leave_out(Subject::Pool(pool.name.clone()), Reason::PassFull { most });
            return;
        }
        for _ in claims {
            plan.cost.per_hour += price;
            // There is nothing to choose: they cost at least that.
            if let Some(bound) = &mut plan.cost.lower_bound_per_hour {
                *bound += price;
            }
        }
        plan.actions.push(Action::Launch(Launch {
            claims: claims.iter().cloned().map(ClaimToLaunch::New).collect(),
            pool: Some(pool.name.clone()),
            node_class: pool.node_class.clone(),
            taints: launch_taints(&pool.taints, &pool.startup_taints),
            choices: mould.ranking.choices.clone(),
            replay: None,
        }));
    }
}

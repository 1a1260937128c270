//! How launches end: whether nodes come up is remembered by pool, so that a pool whose nodes do not is tried carefully.

use model::action::{Action, ClaimChange, ClusterAction, DeleteReason};
use model::claim::NodeClaim;
use model::memory::Change;
use model::name::{ClaimName, PoolName};
use model::plan::Plan;
use model::snapshot::Snapshot;
use std::collections::BTreeMap;

/// What this plan sees the end of. While nothing has failed there is nothing to remember, so that healthy pools cost no write.
pub(super) fn remember(snapshot: &Snapshot, plan: &Plan) -> Option<Action> {
    let mut ended: BTreeMap<PoolName, Vec<bool>> = BTreeMap::new();
    for action in &plan.actions {
        let Action::Cluster(action) = action else { continue };
        let Some((name, came_up)) = end_of(action) else { continue };
        let Some(pool) = pool_of(snapshot, name) else { continue };
        if !came_up || snapshot.cluster.memory.launches.contains_key(pool) {
            ended.entry(pool.clone()).or_default().push(came_up);
        }
    }
    let change = Change::Launched(ended);
    let is_some = matches!(&change, Change::Launched(ended) if !ended.is_empty());
    is_some.then_some(Action::Cluster(ClusterAction::Remember(change)))
}

/// The claim whose launch ends with this action, and whether its node came up.
fn end_of(action: &ClusterAction) -> Option<(&ClaimName, bool)> {
    match action {
        ClusterAction::UpdateClaim { claim, change: ClaimChange::Registered { .. }, .. } => {
            Some((claim, true))
        }
        ClusterAction::DeleteClaim { claim, reason: DeleteReason::RegistrationTimeout, .. } => {
            Some((claim, false))
        }
        ClusterAction::CreateClaim(_)
        | ClusterAction::UpdateClaim { .. }
        | ClusterAction::DeleteClaim { .. }
        | ClusterAction::ReleaseClaim { .. }
        | ClusterAction::UpdateNode { .. }
        | ClusterAction::DeleteNode { .. }
        | ClusterAction::ReleaseNode { .. }
        | ClusterAction::UpdatePool { .. }
        | ClusterAction::EvictPod { .. }
        | ClusterAction::DeletePod { .. }
        | ClusterAction::Remember(_)
        | ClusterAction::AcquireLease { .. }
        | ClusterAction::ReleaseLease { .. }
        | ClusterAction::RecordEvent(_) => None,
    }
}

fn pool_of<'a>(snapshot: &'a Snapshot, name: &ClaimName) -> Option<&'a PoolName> {
    let claims = &snapshot.cluster.claims;
    let is_it = |claim: &&std::sync::Arc<NodeClaim>| claim.name == *name;
    claims.iter().find(is_it).and_then(|claim| claim.spec.pool.as_ref())
}

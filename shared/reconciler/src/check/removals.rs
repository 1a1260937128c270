//! Only what is ours, known and spent is terminated (I1, I3), and never much at once (I9).

use super::Violation;
use super::facts::Facts;
use jiff::SignedDuration;
use model::action::{Action, CloudAction, DeleteReason};
use model::claim::NodeClaim;
use model::name::InstanceId;
use model::snapshot::{Instance, InstanceState};

/// An instance without a claim is left alone for so long (I1).
const ORPHAN_AGE: SignedDuration = SignedDuration::from_mins(2);

/// So many live instances may be condemned in one pass at least, and one in so many of all (I9: 5 %).
const DELETIONS_FLOOR: usize = 3;
const DELETIONS_ONE_IN: usize = 20;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut condemned = 0;
    for action in &facts.plan.actions {
        let Action::Cloud(CloudAction::TerminateInstances { instances }) = action else { continue };
        for id in instances {
            condemned += usize::from(check_termination(facts, id, found));
        }
    }
    for (name, reason) in &facts.deleted {
        let Some(claim) = facts.claim(name) else { continue };
        check_deletion(facts, claim, *reason, found);
        condemned += usize::from(condemns_the_living(facts, claim, *reason));
    }
    if condemned <= DELETIONS_FLOOR {
        return;
    }
    let instances = facts.snapshot.instances.iter().flatten();
    let live = instances.filter(|instance| !instance.state.is_gone()).count();
    let most = DELETIONS_FLOOR.max(live / DELETIONS_ONE_IN);
    if most < condemned {
        let what = format!("{condemned} live instances condemned in one pass, {most} may be");
        found.push(Violation::new("I9", what));
    }
}

/// Checks one termination. Says whether it ends an instance that nobody had condemned.
fn check_termination(facts: &Facts<'_>, id: &InstanceId, found: &mut Vec<Violation>) -> bool {
    let Some(instance) = facts.instance(id) else {
        found.push(Violation::new("I3", format!("instance {id} was not seen by this pass")));
        return true;
    };
    if instance.cluster_uid != facts.snapshot.settings.cluster_uid {
        let what = format!("instance {id} belongs to cluster {}", instance.cluster_uid);
        found.push(Violation::new("I3", what));
    }
    if instance.state.is_gone() {
        return false;
    }
    let Some(claim) = facts.claim_with(id) else {
        check_orphan(facts, instance, found);
        return true;
    };
    if claim.deleting.is_none() {
        let what = format!("instance {id} is of claim {}, which is not going", claim.name);
        found.push(Violation::new("I3", what));
        return true;
    }
    false
}

fn check_orphan(facts: &Facts<'_>, instance: &Instance, found: &mut Vec<Violation>) {
    let id = &instance.id;
    let age = facts.now.duration_since(instance.launched_at);
    if age < ORPHAN_AGE {
        let what = format!("instance {id} has no claim yet, but is {} s old", age.as_secs());
        found.push(Violation::new("I1", what));
    }
    let waiting = facts.claims().find(|claim| {
        let record = claim.launch.as_ref();
        claim.instance.is_none() && record.is_some_and(|record| record.token == instance.token)
    });
    if let Some(claim) = waiting {
        let what = format!("instance {id} was launched for claim {}", claim.name);
        found.push(Violation::new("I1", what));
    }
    let cluster = &facts.snapshot.cluster;
    let has_nodes = cluster.nodes.iter().any(|node| node.pool().is_some());
    if cluster.claims.is_empty() && has_nodes || !cluster.unreadable.is_empty() {
        let what = format!("instance {id} is called an orphan on an empty or partial view");
        found.push(Violation::new("I10", what));
    }
}

/// The reason that is given has to be true.
fn check_deletion(
    facts: &Facts<'_>,
    claim: &NodeClaim,
    reason: DeleteReason,
    found: &mut Vec<Violation>,
) {
    let name = &claim.name;
    let cluster = &facts.snapshot.cluster;
    let no_node_ready = || facts.nodes_of(claim).iter().all(|node| !node.ready);
    let wrong = match reason {
        DeleteReason::GarbageCollected => {
            let live = claim.instance.as_ref().is_some_and(|id| facts.is_live(id));
            (live || !no_node_ready()).then(|| format!("claim {name} is no garbage: it is alive"))
        }
        DeleteReason::PoolDeleted => {
            let there = claim.spec.pool.as_ref().is_none_or(|pool| cluster.pool(pool).is_some());
            (there || cluster.pools.is_empty() || !cluster.unreadable.is_empty())
                .then(|| format!("the NodePool of claim {name} is not known to be gone"))
        }
        DeleteReason::LaunchTimeout => {
            claim.is_launched().then(|| format!("claim {name} is launched, so not late"))
        }
        DeleteReason::RegistrationTimeout => {
            claim.is_registered().then(|| format!("claim {name} is registered, so not late"))
        }
        DeleteReason::Expired => {
            let age = facts.now.duration_since(claim.created);
            let expired = claim.spec.expire_after.is_some_and(|most| most <= age);
            (!expired).then(|| format!("claim {name} has not expired"))
        }
        DeleteReason::InstanceStopped | DeleteReason::InstanceTerminated => {
            let runs = claim.instance.as_ref().is_none_or(|id| runs(facts, id));
            (claim.notice.is_none() && runs).then(|| format!("nothing says that claim {name} ends"))
        }
        DeleteReason::SpotInterrupted
        | DeleteReason::ScheduledChange
        | DeleteReason::CapacityReservationInterrupted => {
            claim.notice.is_none().then(|| format!("claim {name} carries no notice"))
        }
        DeleteReason::Unhealthy => {
            let is_ill = facts.nodes_of(claim).iter().any(|node| !node.ailments.is_empty());
            (!is_ill).then(|| format!("the node of claim {name} is well"))
        }
        DeleteReason::ScaledDown => {
            let pool = claim.spec.pool.as_ref().and_then(|pool| cluster.pool(pool));
            let is_static = pool.is_some_and(|pool| pool.replicas.is_some());
            (!is_static).then(|| format!("claim {name} is of no static NodePool"))
        }
        DeleteReason::Underutilized
        | DeleteReason::Empty
        | DeleteReason::Drifted
        | DeleteReason::InsufficientCapacity
        | DeleteReason::NodeclassNotReady
        | DeleteReason::NodeDeleted => None,
    };
    found.extend(wrong.map(|what| Violation::new("I10", what)));
}

fn runs(facts: &Facts<'_>, id: &InstanceId) -> bool {
    let state = facts.instance(id).map(|instance| instance.state);
    state.is_none_or(|state| matches!(state, InstanceState::Pending | InstanceState::Running))
}

/// Whether this deletion takes a working instance away that was not lost or given up already. What disruption takes is
/// bounded by its budgets instead.
fn condemns_the_living(facts: &Facts<'_>, claim: &NodeClaim, reason: DeleteReason) -> bool {
    let of_its_own_will = matches!(
        reason,
        DeleteReason::Expired
            | DeleteReason::PoolDeleted
            | DeleteReason::RegistrationTimeout
            | DeleteReason::NodeDeleted
            | DeleteReason::Unhealthy
    );
    let node_goes = facts.nodes_of(claim).iter().any(|node| node.deleting.is_some());
    let live = claim.instance.as_ref().is_some_and(|id| facts.is_live(id));
    of_its_own_will && !node_goes && live && claim.deleting.is_none()
}

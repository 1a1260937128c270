//! Claims that have to go although nobody asked: their time is over, or what they stand for is.

use super::Steps;
use super::adopt;
use super::join::subject;
use super::world::{Presence, World};
use jiff::SignedDuration;
use model::action::{ClusterAction, DeleteReason};
use model::claim::NodeClaim;
use model::node::Node;
use model::reason::Reason;
use model::snapshot::InstanceState;

/// A claim without an instance is given up after this long (Karpenter 1.14, liveness).
const LAUNCH_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);

/// A claim whose node does not register is given up this long after its launch (Karpenter 1.14, liveness).
const REGISTRATION_TIMEOUT: SignedDuration = SignedDuration::from_mins(15);

/// Asks for the deletion of a claim that has to go. Says whether it has to, even where it may not in this pass.
pub(super) fn retire(world: &World<'_>, claim: &NodeClaim, steps: &mut Steps) -> bool {
    let Some(reason) = why(world, claim, steps) else { return false };
    let condemned = world.nodes_of(claim).iter().any(|node| node.deleting.is_some());
    if condemns_the_living(reason) && !condemned && !steps.may_condemn() {
        return true;
    }
    steps.change(ClusterAction::DeleteClaim {
        claim: claim.name.clone(),
        uid: claim.uid.clone(),
        reason,
    });
    true
}

fn why(world: &World<'_>, claim: &NodeClaim, steps: &mut Steps) -> Option<DeleteReason> {
    let nodes = world.nodes_of(claim);
    if nodes.iter().any(|node| node.deleting.is_some()) {
        return Some(DeleteReason::NodeDeleted);
    }
    if let Some(reason) = what_ec2_says(world, claim, nodes) {
        return Some(reason);
    }
    if nodes.is_empty() && has_lost_its_node(world, claim) {
        return Some(DeleteReason::NodeDeleted);
    }
    if has_lost_its_pool(world, claim) {
        if !world.snapshot.cluster.pools.is_empty() {
            return Some(DeleteReason::PoolDeleted);
        }
        let why = "there is no NodePool at all, which is no evidence".into();
        steps.leave_out(subject(claim), Reason::ViewRefused { why });
    }
    let age = world.now.duration_since(claim.created);
    if claim.spec.expire_after.is_some_and(|most| most <= age) {
        return Some(DeleteReason::Expired);
    }
    match claim.instance {
        None if LAUNCH_TIMEOUT < age && adopt::instance_for(world, claim).is_none() => {
            Some(DeleteReason::LaunchTimeout)
        }
        Some(_)
            if !claim.is_registered()
                && nodes.is_empty()
                && REGISTRATION_TIMEOUT < world.launched_for(claim) =>
        {
            Some(DeleteReason::RegistrationTimeout)
        }
        None | Some(_) => None,
    }
}

/// What the instance's state comes to. It is seen here as well as announced, since an announcement may be lost.
fn what_ec2_says(world: &World<'_>, claim: &NodeClaim, nodes: &[&Node]) -> Option<DeleteReason> {
    let instance = claim.instance.as_ref()?;
    let none_ready = nodes.iter().all(|node| !node.ready);
    if none_ready && world.presence(claim, instance) == Presence::Gone {
        return Some(DeleteReason::GarbageCollected);
    }
    match world.instance(instance)?.state {
        InstanceState::ShuttingDown | InstanceState::Terminated => {
            Some(DeleteReason::InstanceTerminated)
        }
        InstanceState::Stopping | InstanceState::Stopped => Some(DeleteReason::InstanceStopped),
        InstanceState::Pending | InstanceState::Running => None,
    }
}

/// Whether the node, which is not there, was there before. A cluster without any node is no evidence.
fn has_lost_its_node(world: &World<'_>, claim: &NodeClaim) -> bool {
    let cluster = &world.snapshot.cluster;
    claim.is_registered() && cluster.unreadable.is_empty() && !cluster.nodes.is_empty()
}

fn has_lost_its_pool(world: &World<'_>, claim: &NodeClaim) -> bool {
    let cluster = &world.snapshot.cluster;
    let pool = claim.spec.pool.as_ref();
    cluster.unreadable.is_empty() && pool.is_some_and(|pool| cluster.pool(pool).is_none())
}

/// Whether the deletion may take a working instance away that nobody else has condemned (I9).
fn condemns_the_living(reason: DeleteReason) -> bool {
    match reason {
        DeleteReason::Expired
        | DeleteReason::PoolDeleted
        | DeleteReason::RegistrationTimeout
        | DeleteReason::NodeDeleted
        | DeleteReason::Unhealthy
        | DeleteReason::ScaledDown
        | DeleteReason::Underutilized
        | DeleteReason::Empty
        | DeleteReason::Drifted => true,
        DeleteReason::InsufficientCapacity
        | DeleteReason::NodeclassNotReady
        | DeleteReason::LaunchTimeout
        | DeleteReason::GarbageCollected
        | DeleteReason::SpotInterrupted
        | DeleteReason::InstanceStopped
        | DeleteReason::InstanceTerminated
        | DeleteReason::ScheduledChange
        | DeleteReason::CapacityReservationInterrupted => false,
    }
}

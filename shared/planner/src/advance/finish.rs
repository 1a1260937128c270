//! The way out of a claim that is being deleted: drain its node, terminate its instance, let both objects go.

use super::Steps;
use super::adopt;
use super::drain::{self, Draining};
use super::join::{subject, update};
use super::world::{Presence, World};
use crate::interrupt;
use jiff::{SignedDuration, Timestamp};
use model::action::{ClaimChange, ClusterAction};
use model::claim::NodeClaim;
use model::condition::{ConditionType, Status};
use model::name::InstanceId;
use model::node::Node;
use model::reason::{Reason, Subject};

/// A call whose answer was lost may still make an instance appear for so long: EC2's list shows one within seconds, and
/// an invocation that made the call ends within a minute.
const LAUNCH_MAY_SURFACE: SignedDuration = SignedDuration::from_secs(60);

/// An instance that still shows as live so long after its termination was asked for is asked for again.
const TERMINATE_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// Takes a claim that is being deleted one step further.
pub(super) fn finish(world: &World<'_>, claim: &NodeClaim, steps: &mut Steps) {
    if !claim.finalizer {
        return;
    }
    let deadline = deadline(claim);
    if let (Some(at), None) = (deadline, claim.termination_deadline) {
        steps.change(update(claim, ClaimChange::TerminationDeadline(at)));
    }
    let Some(instance) = &claim.instance else {
        finish_launch(world, claim, steps);
        return;
    };
    let presence = world.presence(claim, instance);
    let nodes = world.nodes_of(claim);
    let lost = presence == Presence::Gone && nodes.iter().all(|node| !node.ready);
    let mut drained = true;
    if !lost {
        for node in nodes {
            drained &= empty(world, claim, (node, deadline), steps);
        }
    }
    if !drained {
        return;
    }
    match presence {
        Presence::Live => terminate(world, claim, (instance, !nodes.is_empty()), steps),
        Presence::Gone => release(claim, nodes, steps),
        Presence::Unclear => {
            let on = format!("EC2 to show instance {instance}, or not to");
            steps.leave_out(subject(claim), Reason::Waiting { on: on.into() });
        }
    }
}

/// Drains a node that is being deleted and that nobody claims any more, and lets it go.
pub(super) fn finish_node(world: &World<'_>, node: &Node, steps: &mut Steps) {
    let draining = Draining { node, deadline: None, lost: false, reason: drain::FORCEFUL.into() };
    let gone = !node.ready && is_instance_gone(world, node);
    if gone || drain::drain(world, &draining, steps) {
        steps.change(release_node(node));
    }
}

/// Whether the instance that a node names is gone.
pub(super) fn is_instance_gone(world: &World<'_>, node: &Node) -> bool {
    let Some(id) = &node.instance else { return false };
    match world.instance(id) {
        Some(instance) => instance.state.is_gone(),
        None => world.absence_refused.is_none(),
    }
}

fn deadline(claim: &NodeClaim) -> Option<Timestamp> {
    let grace_end = || Some(claim.deleting? + claim.spec.termination_grace_period?);
    claim.termination_deadline.or_else(grace_end)
}

/// The claim has no instance that it knows of: there may be one nevertheless.
fn finish_launch(world: &World<'_>, claim: &NodeClaim, steps: &mut Steps) {
    if let Some(instance) = adopt::instance_for(world, claim) {
        let change = adopt::launched(world, claim, instance)
            .unwrap_or_else(|| adopt::launched_to_go(claim, instance));
        steps.change(update(claim, change));
        return;
    }
    let fresh = |record: &model::claim::LaunchRecord| {
        world.now.duration_since(record.at) <= LAUNCH_MAY_SURFACE
    };
    if claim.launch.as_ref().is_some_and(fresh) {
        let on = "an instance that its last call may have launched".into();
        steps.leave_out(subject(claim), Reason::Waiting { on });
    } else {
        release(claim, world.nodes_of(claim), steps);
    }
}

/// Deletes and drains a node. Says whether nothing is left on it to wait for.
fn empty(
    world: &World<'_>,
    claim: &NodeClaim,
    (node, deadline): (&Node, Option<Timestamp>),
    steps: &mut Steps,
) -> bool {
    let draining = Draining {
        node,
        deadline,
        lost: interrupt::is_about_to_be_lost(claim) || world.is_stopped(claim),
        reason: drain::reason(claim),
    };
    if node.deleting.is_some() {
        return drain::drain(world, &draining, steps);
    }
    if !node.finalizer {
        // Without a finalizer the object goes at once, and there is nothing to taint any more.
        steps.change(delete_node(node));
        return drain::pods_left(world, &draining, steps).is_some_and(|left| left.is_empty());
    }
    let drained = drain::drain(world, &draining, steps);
    steps.change(delete_node(node));
    drained
}

fn terminate(
    world: &World<'_>,
    claim: &NodeClaim,
    (instance, had_node): (&InstanceId, bool),
    steps: &mut Steps,
) {
    if had_node && !claim.conditions.is_true(ConditionType::Drained) {
        steps.change(set_true(claim, ConditionType::Drained));
    }
    let asked = claim.conditions.true_since(ConditionType::InstanceTerminating);
    if asked.is_some_and(|at| world.now.duration_since(at) < TERMINATE_AGAIN_AFTER) {
        let on = format!("instance {instance} to end").into();
        steps.leave_out(subject(claim), Reason::Waiting { on });
        return;
    }
    steps.terminate.push(instance.clone());
    if asked.is_none() {
        steps.change_after_termination(set_true(claim, ConditionType::InstanceTerminating));
    }
}

fn set_true(claim: &NodeClaim, kind: ConditionType) -> ClusterAction {
    let change = ClaimChange::Condition {
        kind,
        status: Some(Status::True),
        reason: format!("{kind:?}"),
        message: String::new(),
    };
    update(claim, change)
}

/// The instance is no more: nothing holds the objects any longer.
fn release(claim: &NodeClaim, nodes: &[&Node], steps: &mut Steps) {
    for node in nodes {
        if node.deleting.is_none() {
            steps.change(delete_node(node));
        }
        if node.finalizer {
            steps.change(release_node(node));
        }
    }
    steps.change(ClusterAction::ReleaseClaim { claim: claim.name.clone(), uid: claim.uid.clone() });
}

/// Asks for a node's deletion.
pub(super) fn delete_node(node: &Node) -> ClusterAction {
    ClusterAction::DeleteNode { node: node.name.clone(), uid: node.uid.clone() }
}

fn release_node(node: &Node) -> ClusterAction {
    ClusterAction::ReleaseNode { node: node.name.clone(), uid: node.uid.clone() }
}

/// A node as what a reason is about.
pub(super) fn node_subject(node: &Node) -> Subject {
    Subject::Node(node.name.clone())
}

//! The way up of a claim: launched, registered, initialized.

use super::Steps;
use super::adopt;
use super::world::World;
use model::action::{ClaimChange, ClusterAction, Event, NodeChange};
use model::claim::NodeClaim;
use model::condition::{ConditionType, Status};
use model::labels::{self, Labels};
use model::name::{InstanceId, ObjectName, Text};
use model::node::Node;
use model::reason::{Reason, Subject};
use model::taint::Taint;

/// Takes a claim that is to stay one step further. In its steady state there is nothing to do (L6).
pub(super) fn join(world: &World<'_>, claim: &NodeClaim, steps: &mut Steps) {
    let Some(instance) = &claim.instance else {
        take_instance(world, claim, steps);
        return;
    };
    let nodes = world.nodes_of(claim);
    match nodes {
        [] if !claim.is_registered() => wait(claim, "its node to register", steps),
        [node] if !claim.is_registered() => register(claim, node, steps),
        [node] if !claim.is_initialized() => initialize(world, claim, node, steps),
        [] | [_] => {}
        [_, _, ..] => refuse_twins(claim, instance, nodes.len(), steps),
    }
}

fn take_instance(world: &World<'_>, claim: &NodeClaim, steps: &mut Steps) {
    let Some(instance) = adopt::instance_for(world, claim) else {
        wait(claim, "its launch", steps);
        return;
    };
    let Some(change) = adopt::launched(world, claim, instance) else {
        wait(claim, &format!("provisioning to take instance {} for it", instance.id), steps);
        return;
    };
    steps.change(update(claim, change));
}

fn register(claim: &NodeClaim, node: &Node, steps: &mut Steps) {
    let was_here = node.labels.get(labels::REGISTERED).is_some_and(|value| &**value == "true");
    let unregistered = node.taints.iter().any(|taint| &*taint.key == labels::UNREGISTERED_TAINT);
    if !unregistered && !was_here {
        steps.change(ClusterAction::RecordEvent(Event {
            kind: "NodeClaim".into(),
            object: ObjectName::new("", claim.name.text()),
            warning: true,
            reason: "UnregisteredTaintMissing".into(),
            message: format!(
                "Node {} came up without the taint {}: pods may have been placed on it too early",
                node.name,
                labels::UNREGISTERED_TAINT
            ),
        }));
    }
    let taints_are_its_own =
        node.labels.get(labels::DO_NOT_SYNC_TAINTS).is_some_and(|value| &**value == "true");
    let add_taints = if taints_are_its_own || was_here {
        Vec::new()
    } else {
        let wanted = claim.spec.taints.iter().chain(&claim.spec.startup_taints);
        wanted.filter(|taint| !has_taint(node, taint)).cloned().collect()
    };
    let remove_taints =
        if unregistered { vec![labels::UNREGISTERED_TAINT.into()] } else { Vec::new() };
    steps.change(ClusterAction::UpdateNode {
        node: node.name.clone(),
        uid: node.uid.clone(),
        // A startup taint that someone takes off in between must not come back.
        resource_version: Some(node.resource_version),
        change: NodeChange {
            labels: missing_labels(claim, node),
            add_taints,
            remove_taints,
            own: Some((claim.name.clone(), claim.uid.clone())),
        },
    });
    steps.change(update(claim, ClaimChange::Registered { node: node.name.clone() }));
}

/// The claim's labels, its NodePool and EC2NodeClass, and the mark of a registered node, where the node lacks them.
fn missing_labels(claim: &NodeClaim, node: &Node) -> Labels {
    let mut wanted = claim.labels.clone();
    wanted.insert(labels::EC2NODECLASS.into(), claim.spec.node_class.text());
    if let Some(pool) = &claim.spec.pool {
        wanted.insert(labels::NODEPOOL.into(), pool.text());
    }
    wanted.insert(labels::REGISTERED.into(), "true".into());
    wanted.retain(|key, value| node.labels.get(key) != Some(value));
    wanted
}

fn has_taint(node: &Node, taint: &Taint) -> bool {
    node.taints.iter().any(|present| same_place(present, taint))
}

/// Kubernetes holds one taint for a key and effect, whatever its value.
fn same_place(a: &Taint, b: &Taint) -> bool {
    a.key == b.key && a.effect == b.effect
}

fn refuse_twins(claim: &NodeClaim, instance: &InstanceId, count: usize, steps: &mut Steps) {
    if claim.is_registered() {
        return;
    }
    let message = format!("{count} nodes name instance {instance}");
    let found = (Status::False, "MultipleNodesFound", message);
    set_condition(claim, ConditionType::Registered, found, steps);
}

fn initialize(world: &World<'_>, claim: &NodeClaim, node: &Node, steps: &mut Steps) {
    if let Some((reason, message)) = not_yet_initialized(claim, node) {
        let found = (Status::Unknown, reason, message);
        set_condition(claim, ConditionType::Initialized, found, steps);
        return;
    }
    if !node.is_initialized() {
        steps.change(ClusterAction::UpdateNode {
            node: node.name.clone(),
            uid: node.uid.clone(),
            resource_version: None,
            change: NodeChange {
                labels: Labels::from([(labels::INITIALIZED.into(), "true".into())]),
                ..NodeChange::default()
            },
        });
    }
    learn(world, claim, node, steps);
    let change = ClaimChange::Initialized {
        capacity: node.capacity.clone(),
        allocatable: node.allocatable.clone(),
    };
    steps.change(update(claim, change));
}

/// Takes down a memory that is other than what the node was bought for: the next one of its type and image will have as
/// much. Where nodes differ, the least is kept, for what fits there fits on all.
fn learn(world: &World<'_>, claim: &NodeClaim, node: &Node, steps: &mut Steps) {
    let real = node.capacity.memory_bytes;
    if real <= 0 || real == claim.capacity.memory_bytes {
        return;
    }
    let (Some(name), Some(image)) = (claim.labels.get(labels::INSTANCE_TYPE), claim.runs()) else {
        return;
    };
    let known = world.snapshot.cluster.memory.learned.get(&**name);
    if known.and_then(|images| images.get(image)).is_some_and(|known| *known <= real) {
        return;
    }
    let images = steps.learned.entry(Text::clone(name).into()).or_default();
    let least = images.entry(image.clone()).or_insert(real);
    *least = (*least).min(real);
}

/// What a node still lacks, by Karpenter's reasons in Karpenter's order.
fn not_yet_initialized(claim: &NodeClaim, node: &Node) -> Option<(&'static str, String)> {
    if !node.ready {
        return Some(("NodeNotReady", "the node is not ready".to_owned()));
    }
    let startup = claim.spec.startup_taints.iter().find(|taint| has_taint(node, taint));
    if let Some(taint) = startup {
        return Some(("StartupTaintsExist", format!("startup taint {taint} is still there")));
    }
    if let Some(taint) = node.taints.iter().find(|taint| taint.is_ephemeral()) {
        return Some(("KnownEphemeralTaintsExist", format!("taint {taint} is still there")));
    }
    let requested = claim.spec.requests.extended.iter().filter(|(_, units)| 0 < **units);
    let mut missing = requested.filter(|(name, _)| node.allocatable.get(name) <= 0);
    missing.next().map(|(name, _)| {
        ("ResourceNotRegistered", format!("resource {name} is requested, the node has none yet"))
    })
}

/// Sets a condition where it says something new.
fn set_condition(
    claim: &NodeClaim,
    kind: ConditionType,
    (status, reason, message): (Status, &str, String),
    steps: &mut Steps,
) {
    let same = claim.conditions.get(kind).is_some_and(|present| {
        present.status == status && present.reason == reason && present.message == message
    });
    if !same {
        let reason = reason.to_owned();
        let change = ClaimChange::Condition { kind, status: Some(status), reason, message };
        steps.change(update(claim, change));
    }
}

fn wait(claim: &NodeClaim, on: &str, steps: &mut Steps) {
    steps.leave_out(subject(claim), Reason::Waiting { on: on.into() });
}

/// A change that does not depend on the version seen.
pub(super) fn update(claim: &NodeClaim, change: ClaimChange) -> ClusterAction {
    ClusterAction::UpdateClaim {
        claim: claim.name.clone(),
        uid: claim.uid.clone(),
        resource_version: None,
        change,
    }
}

/// A claim as what a reason is about.
pub(super) fn subject(claim: &NodeClaim) -> Subject {
    Subject::Claim(claim.name.clone())
}

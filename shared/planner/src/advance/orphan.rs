//! Instances and nodes that nobody claims: what a crash, a lost answer or a hand has left behind.

use super::Steps;
use super::finish::{delete_node, finish_node, is_instance_gone};
use super::world::{ORPHAN_AGE, World};
use model::name::{ClientToken, InstanceId};
use model::node::Node;
use model::reason::{Reason, Subject};
use model::snapshot::Instance;
use std::collections::BTreeSet;

/// Terminates instances and takes leave of nodes that have no claim.
pub(super) fn clear(world: &World<'_>, steps: &mut Steps) {
    let claimed = Claimed::new(world);
    let refused = why_refused(world);
    for instance in world.instances.values() {
        if instance.state.is_gone() || claimed.holds(instance) {
            continue;
        }
        match refused {
            Some(why) => {
                let subject = Subject::Instance(instance.id.clone());
                steps.leave_out(subject, Reason::ViewRefused { why: why.into() });
            }
            None => end_instance(world, instance, steps),
        }
    }
    let nodes = world.snapshot.cluster.nodes.iter();
    let ours = nodes.filter(|node| node.finalizer || node.pool().is_some());
    for node in ours.filter(|node| !claimed.has_claim(node)) {
        end_node(world, node, refused, steps);
    }
}

/// An empty or partial list of claims proves nothing, for it would condemn the whole cluster.
fn why_refused(world: &World<'_>) -> Option<&'static str> {
    let cluster = &world.snapshot.cluster;
    if !cluster.unreadable.is_empty() {
        return Some("some objects could not be read");
    }
    let no_claims = cluster.claims.is_empty();
    let has_nodes = cluster.nodes.iter().any(|node| node.pool().is_some());
    (no_claims && has_nodes).then_some("there is no NodeClaim at all, but there are nodes")
}

fn end_instance(world: &World<'_>, instance: &Instance, steps: &mut Steps) {
    let subject = || Subject::Instance(instance.id.clone());
    if instance.cluster_uid != world.snapshot.settings.cluster_uid {
        let why = "it belongs to another cluster".into();
        steps.leave_out(subject(), Reason::ViewRefused { why });
        return;
    }
    if world.now.duration_since(instance.launched_at) < ORPHAN_AGE {
        let on = "its claim to show, as it is young".into();
        steps.leave_out(subject(), Reason::Waiting { on });
        return;
    }
    if steps.may_condemn() {
        steps.terminate.push(instance.id.clone());
    }
}

/// A node whose claim is gone. While its instance runs, that is ended first, and the node follows. One that is deleted
/// by hand is drained.
fn end_node(world: &World<'_>, node: &Node, refused: Option<&str>, steps: &mut Steps) {
    if node.deleting.is_some() {
        if node.finalizer {
            finish_node(world, node, steps);
        }
        return;
    }
    if node.ready || !is_instance_gone(world, node) {
        return;
    }
    if let Some(why) = refused {
        let subject = Subject::Node(node.name.clone());
        steps.leave_out(subject, Reason::ViewRefused { why: why.into() });
        return;
    }
    if ORPHAN_AGE <= world.now.duration_since(node.created) {
        steps.change(delete_node(node));
    }
}

/// What claims lay claim to.
struct Claimed<'a> {
    instances: BTreeSet<&'a InstanceId>,
    /// Tokens of claims that have no instance yet: theirs are to be adopted.
    tokens: BTreeSet<&'a ClientToken>,
    nodes: BTreeSet<&'a str>,
}

impl<'a> Claimed<'a> {
    fn new(world: &World<'a>) -> Self {
        let claims = &world.snapshot.cluster.claims;
        let without = claims.iter().filter(|claim| claim.instance.is_none());
        Self {
            instances: claims.iter().filter_map(|claim| claim.instance.as_ref()).collect(),
            tokens: without
                .filter_map(|claim| claim.launch.as_ref())
                .map(|record| &record.token)
                .collect(),
            nodes: claims.iter().filter_map(|claim| claim.node.as_deref()).collect(),
        }
    }

    fn holds(&self, instance: &Instance) -> bool {
        self.instances.contains(&instance.id) || self.tokens.contains(&instance.token)
    }

    fn has_claim(&self, node: &Node) -> bool {
        let by_instance = node.instance.as_ref().is_some_and(|id| self.instances.contains(id));
        by_instance || self.nodes.contains(&*node.name)
    }
}

//! Instances and nodes that nobody claims: what a crash, a lost answer or a hand has left behind.

use super::Steps;
use super::finish::{delete_node, finish_node, is_instance_gone};
use super::world::{ORPHAN_AGE, World};
use model::by_name::ByName;
use model::node::Node;
use model::reason::{Reason, Subject};
use model::snapshot::Instance;
use std::cell::OnceCell;

/// Terminates instances and takes leave of nodes that have no claim.
pub(super) fn clear(world: &World<'_>, steps: &mut Steps) {
    let claimed = Claimed::new(world);
    let refused = why_refused(world);
    for instance in &world.instances {
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
struct Claimed<'w, 'a> {
    world: &'w World<'a>,
    instances: ByName<'a, ()>,
    /// Tokens of claims that have no instance yet: theirs are to be adopted.
    tokens: ByName<'a, ()>,
    nodes: OnceCell<ByName<'a, ()>>,
}

impl<'w, 'a> Claimed<'w, 'a> {
    fn new(world: &'w World<'a>) -> Self {
        let claims = || world.snapshot.cluster.claims.iter();
        let without = claims().filter(|claim| claim.instance.is_none());
        let records = without.filter_map(|claim| claim.launch.as_ref());
        Self {
            world,
            instances: ByName::new(claims().filter_map(|c| Some((c.instance.as_deref()?, ())))),
            tokens: ByName::new(records.map(|record| (&*record.token, ()))),
            nodes: OnceCell::new(),
        }
    }

    fn holds(&self, instance: &Instance) -> bool {
        self.instances.contains(&instance.id) || self.tokens.contains(&instance.token)
    }

    fn has_claim(&self, node: &Node) -> bool {
        let by_instance = node.instance.as_ref().is_some_and(|id| self.instances.contains(id));
        let claims = || self.world.snapshot.cluster.claims.iter();
        let named = || ByName::new(claims().filter_map(|c| Some((c.node.as_deref()?, ()))));
        by_instance || self.nodes.get_or_init(named).contains(&node.name)
    }
}

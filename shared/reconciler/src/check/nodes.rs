//! What nodes and claims that are there still have room for.

use super::Violation;
use super::facts::Facts;
use super::placements::{Place, check_place};
use model::claim::NodeClaim;
use model::labels::Labels;
use model::name::{NodeName, ObjectName};
use model::node::Node;
use model::pod::Pod;
use model::resources::Resources;
use model::taint::{Taint, first_untolerated};

/// Pods placed on a node that is there.
pub(super) fn check_node(
    facts: &Facts<'_>,
    name: &NodeName,
    pods: &[&Pod],
    found: &mut Vec<Violation>,
) {
    let Some(node) = facts.node(name) else {
        found.push(Violation::new("fit", format!("pods are placed on node {name}, which is gone")));
        return;
    };
    let claim = facts.claim_of(node);
    if node.deleting.is_some() || claim.is_some_and(|claim| claim.deleting.is_some()) {
        found.push(Violation::new("fit", format!("pods are placed on node {name}, which goes")));
    }
    if node.cordoned {
        let what = format!("pods are placed on node {name}, which is cordoned");
        found.push(Violation::new("taints", what));
    }
    if !facts.snapshot.cluster.knows_pods_of(name) {
        let what = format!("pods are placed on node {name}, whose pods were not all read");
        found.push(Violation::new("fit", what));
    }
    check_place(&place_on(facts, node, claim), pods, found);
}

/// Pods placed on a claim that is there.
pub(super) fn check_claim(
    facts: &Facts<'_>,
    claim: &NodeClaim,
    pods: &[&Pod],
    found: &mut Vec<Violation>,
) {
    let name = &claim.name;
    if claim.deleting.is_some() {
        found.push(Violation::new("fit", format!("pods are placed on claim {name}, which goes")));
    }
    if let [node, ..] = facts.nodes_of(claim).as_slice() {
        check_place(&place_on(facts, node, Some(claim)), pods, found);
        return;
    }
    let labels = claim.is_launched().then(|| claim.labels.clone());
    let room = labels.as_ref().map(|labels| {
        claim.allocatable.minus(&daemons_to_come(facts, labels, &claim.spec.taints, &[]))
    });
    let place = Place {
        name: format!("claim {name}"),
        room,
        labels,
        taints: claim.spec.taints.clone(),
        present: Vec::new(),
    };
    check_place(&place, pods, found);
}

fn place_on<'a>(facts: &Facts<'a>, node: &'a Node, claim: Option<&NodeClaim>) -> Place<'a> {
    let present = facts.bound_to(&node.name);
    let comes_up = claim.filter(|claim| !claim.is_initialized() && !node.is_initialized());
    let (mut room, labels, taints) = match comes_up {
        // Until a node is initialized, the kubelet may not have reported all that it has.
        Some(claim) => {
            let mut labels = claim.labels.clone();
            labels.extend(node.labels.iter().map(|(key, value)| (key.clone(), value.clone())));
            let taints = lasting_taints(node, claim);
            let daemons = daemons_to_come(facts, &labels, &taints, present);
            (claim.allocatable.minus(&daemons), labels, taints)
        }
        None => (node.allocatable.clone(), node.labels.clone(), node.taints.clone()),
    };
    for pod in present {
        room.subtract(&pod.requests);
    }
    Place {
        name: format!("node {}", node.name),
        room: Some(room),
        labels: Some(labels),
        taints,
        present: present.to_vec(),
    }
}

/// The taints that will not go away by themselves while the node comes up.
fn lasting_taints(node: &Node, claim: &NodeClaim) -> Vec<Taint> {
    let startup = |taint: &Taint| {
        claim.spec.startup_taints.iter().any(|s| s.key == taint.key && s.effect == taint.effect)
    };
    let lasting = node.taints.iter().filter(|taint| !taint.is_ephemeral() && !startup(taint));
    let mut all: Vec<Taint> = lasting.cloned().collect();
    all.extend(claim.spec.taints.iter().filter(|taint| !node.taints.contains(taint)).cloned());
    all
}

/// What the daemons request that a node with these labels and taints will get and does not have yet.
pub(super) fn daemons_to_come(
    facts: &Facts<'_>,
    labels: &Labels,
    taints: &[Taint],
    present: &[&Pod],
) -> Resources {
    let mut sum = Resources::default();
    for daemon_set in &facts.snapshot.cluster.daemon_sets {
        let template = &daemon_set.template;
        let comes = template.admits_node_labels(labels)
            && first_untolerated(taints, &template.tolerations).is_none();
        if comes && !present.iter().any(|pod| is_of(pod, &daemon_set.name)) {
            sum.add(&template.requests);
        }
    }
    sum
}

fn is_of(pod: &Pod, daemon_set: &ObjectName) -> bool {
    pod.is_daemon()
        && pod.name.namespace == daemon_set.namespace
        && pod.owner.as_ref().is_some_and(|owner| owner.name == daemon_set.name)
}

//! What nodes and claims that are there still have room for.

use super::Violation;
use super::facts::Facts;
use super::placements::{Guests, Name, Place, check_place};
use model::claim::NodeClaim;
use model::labels::Labels;
use model::name::{NodeName, ObjectName};
use model::node::Node;
use model::pod::{HostPort, Pod};
use model::resources::Resources;
use model::taint::{Taint, first_untolerated};
use std::borrow::Cow;

/// Pods placed on a node that is there.
pub(super) fn check_node(
    facts: &Facts<'_>,
    name: &NodeName,
    guests: &Guests<'_>,
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
    check_place(&place_on(facts, node, claim), guests, found);
}

/// Pods placed on a claim that is there.
pub(super) fn check_claim<'a>(
    facts: &Facts<'a>,
    claim: &'a NodeClaim,
    guests: &Guests<'_>,
    found: &mut Vec<Violation>,
) {
    let name = &claim.name;
    if claim.deleting.is_some() {
        found.push(Violation::new("fit", format!("pods are placed on claim {name}, which goes")));
    }
    if let [node, ..] = facts.nodes_of(claim).as_slice() {
        check_place(&place_on(facts, node, Some(claim)), guests, found);
        return;
    }
    let labels = claim.is_launched().then_some(&claim.labels);
    let to_come = labels.map(|labels| daemons_to_come(facts, labels, &claim.spec.taints, &[]));
    let room = to_come.as_ref().map(|to_come| claim.allocatable.minus(&to_come.requests));
    let place = Place {
        name: Name::Claim(name),
        room: room.map(Cow::Owned),
        labels: labels.map(Cow::Borrowed),
        taints: Cow::Borrowed(&claim.spec.taints),
        present: Vec::new(),
        ports: Cow::Owned(to_come.map(|to_come| to_come.ports).unwrap_or_default()),
    };
    check_place(&place, guests, found);
}

fn place_on<'p>(facts: &Facts<'p>, node: &'p Node, claim: Option<&'p NodeClaim>) -> Place<'p> {
    let present = facts.bound_to(&node.name);
    let (labels, taints) = appearance(node, claim);
    let (mut room, mut ports) = match coming_up(node, claim) {
        // Until a node is initialized, the kubelet may not have reported all that it has.
        Some(claim) => {
            let to_come = daemons_to_come(facts, &labels, &taints, present);
            (claim.allocatable.minus(&to_come.requests), to_come.ports)
        }
        None => (node.allocatable.clone(), Vec::new()),
    };
    for pod in present {
        room.subtract(&pod.requests);
        ports.extend(&pod.host_ports);
    }
    let (name, room) = (Name::Node(&node.name), Some(Cow::Owned(room)));
    let (present, ports) = (present.to_vec(), Cow::Owned(ports));
    Place { name, room, labels: Some(labels), taints, present, ports }
}

/// The claim of a node that has not come up yet.
fn coming_up<'p>(node: &Node, claim: Option<&'p NodeClaim>) -> Option<&'p NodeClaim> {
    claim.filter(|claim| !claim.is_initialized() && !node.is_initialized())
}

/// The labels and taints of a node, as they will be when it has come up.
pub(super) fn appearance<'p>(
    node: &'p Node,
    claim: Option<&'p NodeClaim>,
) -> (Cow<'p, Labels>, Cow<'p, [Taint]>) {
    let Some(claim) = coming_up(node, claim) else {
        return (Cow::Borrowed(&node.labels), Cow::Borrowed(&node.taints));
    };
    let mut labels = claim.labels.clone();
    labels.extend(node.labels.iter().map(|(key, value)| (key.clone(), value.clone())));
    (Cow::Owned(labels), Cow::Owned(lasting_taints(node, claim)))
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

/// What daemons will take that have not come yet.
#[derive(Default)]
pub(super) struct ToCome<'p> {
    pub(super) requests: Resources,
    pub(super) ports: Vec<&'p HostPort>,
}

/// The daemons that a node with these labels and taints will get and does not have yet.
pub(super) fn daemons_to_come<'p>(
    facts: &Facts<'p>,
    labels: &Labels,
    taints: &[Taint],
    present: &[&Pod],
) -> ToCome<'p> {
    let mut all = ToCome::default();
    for daemon_set in &facts.snapshot.cluster.daemon_sets {
        let template = &daemon_set.template;
        let comes = template.admits_node_labels(labels)
            && first_untolerated(taints, &template.tolerations).is_none();
        if comes && !present.iter().any(|pod| is_of(pod, &daemon_set.name)) {
            all.requests.add(&template.requests);
            all.ports.extend(&template.host_ports);
        }
    }
    all
}

fn is_of(pod: &Pod, daemon_set: &ObjectName) -> bool {
    pod.is_daemon()
        && pod.name.namespace == daemon_set.namespace
        && pod.owner.as_ref().is_some_and(|owner| owner.name == daemon_set.name)
}

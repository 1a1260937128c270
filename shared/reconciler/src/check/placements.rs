//! Each pod goes where the Kubernetes scheduler will let it go, and no pod is forgotten.

use super::Violation;
use super::facts::{Facts, ToLaunch};
use super::nodes;
use model::affinity::WhenUnsatisfiable;
use model::labels::Labels;
use model::name::{ClaimName, ObjectName};
use model::plan::Target;
use model::pod::{HostPort, Pod};
use model::reason::Subject;
use model::resources::Resources;
use model::snapshot::Scope;
use model::taint::{Taint, first_untolerated};
use std::collections::{BTreeMap, BTreeSet};

/// A place for pods, as far as it is known.
pub(super) struct Place<'a> {
    /// What to call it.
    pub(super) name: String,
    /// What is free there; none where it cannot be known.
    pub(super) room: Option<Resources>,
    /// Its labels; none where they are still open.
    pub(super) labels: Option<Labels>,
    /// The taints that count.
    pub(super) taints: Vec<Taint>,
    /// The pods that are there already.
    pub(super) present: Vec<&'a Pod>,
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut by_target: BTreeMap<&Target, Vec<&Pod>> = BTreeMap::new();
    let mut placed: BTreeSet<&ObjectName> = BTreeSet::new();
    for placement in &facts.plan.placements {
        let name = &placement.pod;
        if !placed.insert(name) {
            found.push(Violation::new("once", format!("pod {name} is placed twice")));
        }
        let Some(pod) = facts.pod(name) else {
            found.push(Violation::new("I10", format!("pod {name} is placed but not in the view")));
            continue;
        };
        if let Some(what) = not_placed_yet(pod) {
            let what = format!("pod {name} is placed although it asks for {what}");
            found.push(Violation::new("unsupported", what));
        }
        by_target.entry(&placement.on).or_default().push(pod);
    }
    for (target, pods) in by_target {
        match target {
            Target::Node(node) => nodes::check_node(facts, node, &pods, found),
            Target::Claim(claim) => check_claim(facts, claim, &pods, found),
        }
    }
    check_complete(facts, &placed, found);
}

/// Demands whose placement is not worked out yet: whoever makes them must wait.
fn not_placed_yet(pod: &Pod) -> Option<&'static str> {
    let spread = pod.topology_spread.iter();
    let hard = |when: WhenUnsatisfiable| when == WhenUnsatisfiable::DoNotSchedule;
    if spread.into_iter().any(|spread| hard(spread.when_unsatisfiable)) {
        return Some("a topology spread that must be kept");
    }
    let demands = [
        (!pod.affinity.required.is_empty(), "required pod affinity"),
        (!pod.anti_affinity.required.is_empty(), "required pod anti-affinity"),
        (!pod.volume_claims.is_empty(), "volumes"),
        (pod.resource_claims, "devices by resource claims"),
    ];
    demands.into_iter().find(|(asked, _)| *asked).map(|(_, what)| what)
}

/// Every pod that waits is placed, or it is said why not. Only provisioning speaks about pods that wait.
fn check_complete(facts: &Facts<'_>, placed: &BTreeSet<&ObjectName>, found: &mut Vec<Violation>) {
    let left_out: BTreeSet<&ObjectName> = facts
        .plan
        .left_out
        .iter()
        .filter(|left_out| !left_out.reasons.is_empty())
        .filter_map(|left_out| match &left_out.subject {
            Subject::Pod(name) => Some(name),
            Subject::Node(_)
            | Subject::Claim(_)
            | Subject::Pool(_)
            | Subject::Instance(_)
            | Subject::Cluster => None,
        })
        .collect();
    let speaks_of_pods = !facts.launched.is_empty() || !placed.is_empty() || !left_out.is_empty();
    if facts.snapshot.cluster.scope != Scope::Pending || !speaks_of_pods {
        return;
    }
    for pod in facts.snapshot.cluster.pods.iter().filter(|pod| pod.is_provisionable()) {
        if !placed.contains(&pod.name) && !left_out.contains(&pod.name) {
            let what = format!("pod {} is neither placed nor left out with a reason", pod.name);
            found.push(Violation::new("complete", what));
        }
    }
}

fn check_claim(facts: &Facts<'_>, name: &ClaimName, pods: &[&Pod], found: &mut Vec<Violation>) {
    if let Some(to_launch) = facts.launched.get(name) {
        check_launch(facts, name, (to_launch, pods), found);
    } else if let Some(new) = facts.new_claims.iter().find(|new| new.name == *name) {
        let place = Place {
            name: format!("claim {name}"),
            room: None,
            labels: None,
            taints: new.spec.taints.clone(),
            present: Vec::new(),
        };
        check_place(&place, pods, found);
    } else if let Some(claim) = facts.claim(name) {
        nodes::check_claim(facts, claim, pods, found);
    } else {
        let what = format!("pods are placed on claim {name}, which nobody makes");
        found.push(Violation::new("fit", what));
    }
}

/// Whichever choice is launched in the end has to do. A claim that was made earlier is launched for the pods it was made
/// for, even if they have come to need more since.
fn check_launch(
    facts: &Facts<'_>,
    name: &ClaimName,
    (to_launch, pods): (&ToLaunch<'_>, &[&Pod]),
    found: &mut Vec<Violation>,
) {
    for choice in to_launch.choices {
        let daemons = nodes::daemons_to_come(facts, &choice.labels, &to_launch.spec.taints, &[]);
        let place = Place {
            name: format!("claim {name} as {}", choice.offering),
            room: to_launch.is_new.then(|| choice.allocatable.minus(&daemons)),
            labels: Some(choice.labels.clone()),
            taints: to_launch.spec.taints.clone(),
            present: Vec::new(),
        };
        check_place(&place, pods, found);
    }
}

/// Whether all these pods can be in one place together.
pub(super) fn check_place(place: &Place<'_>, pods: &[&Pod], found: &mut Vec<Violation>) {
    let name = &place.name;
    if let Some(room) = &place.room {
        let mut requests = Resources::default();
        for pod in pods {
            requests.add(&pod.requests);
        }
        let missing = requests.shortfall(room);
        if !missing.is_zero() {
            let what = format!("{name} lacks {missing} for its {} pods", pods.len());
            found.push(Violation::new("fit", what));
        }
    }
    let mut ports: Vec<&HostPort> = place.present.iter().flat_map(|pod| &pod.host_ports).collect();
    for pod in pods {
        let taken = pod.host_ports.iter().find(|p| ports.iter().any(|q| p.conflicts_with(q)));
        if let Some(port) = taken {
            let what = format!("port {} of pod {} is taken on {name}", port.port, pod.name);
            found.push(Violation::new("ports", what));
        }
        ports.extend(&pod.host_ports);
        if let Some(taint) = first_untolerated(&place.taints, &pod.tolerations) {
            let what = format!("pod {} does not tolerate {taint} of {name}", pod.name);
            found.push(Violation::new("taints", what));
        }
        if place.labels.as_ref().is_some_and(|labels| !pod.admits_node_labels(labels)) {
            let what = format!("pod {} does not admit the labels of {name}", pod.name);
            found.push(Violation::new("labels", what));
        }
    }
}

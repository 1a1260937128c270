//! Each pod goes where the Kubernetes scheduler will let it go, and no pod is forgotten.

use super::facts::{Facts, ToLaunch};
use super::nodes::{self, ToCome};
use super::volumes::{self, Mount, Storage};
use super::{Violation, neighbours};
use model::action::Choice;
use model::instance_type::OfferingKey;
use model::labels::Labels;
use model::name::{ClaimName, NodeName, ObjectName};
use model::plan::Target;
use model::pod::{HostPort, Pod};
use model::reason::Subject;
use model::resources::Resources;
use model::snapshot::Scope;
use model::taint::{Taint, first_untolerated};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The pods that the plan puts in each place, in its order.
pub(super) type Placed<'a> = BTreeMap<&'a Target, Vec<&'a Pod>>;

/// What to call a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name<'p> {
    Node(&'p NodeName),
    Claim(&'p ClaimName),
    /// A claim in one of the ways in which it may be launched.
    Choice(&'p ClaimName, &'p OfferingKey),
}

/// A place for pods, as far as it is known.
pub(super) struct Place<'p> {
    pub(super) name: Name<'p>,
    /// What is free there; none where it cannot be known.
    pub(super) room: Option<Cow<'p, Resources>>,
    /// Its labels; none where they are still open.
    pub(super) labels: Option<Cow<'p, Labels>>,
    /// The taints that count.
    pub(super) taints: Cow<'p, [Taint]>,
    /// The pods that are there already.
    pub(super) present: Vec<&'p Pod>,
    /// Their ports, and those of daemons that will come.
    pub(super) ports: Cow<'p, [&'p HostPort]>,
}

/// Pods that go to one place.
pub(super) struct Guests<'p> {
    pods: &'p [&'p Pod],
    requests: Resources,
    /// Those that take ports.
    with_ports: Vec<&'p Pod>,
    /// Those that do not admit every node.
    choosy: Vec<&'p Pod>,
    /// Their volumes, and what is known about volumes; none where they have none.
    volumes: Option<(&'p Storage<'p>, Vec<Mount<'p>>)>,
}

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut by_target = Placed::new();
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
        if pod.resource_claims {
            let what =
                format!("pod {name} is placed although it asks for devices by resource claims");
            found.push(Violation::new("unsupported", what));
        }
        by_target.entry(&placement.on).or_default().push(pod);
    }
    let has_volumes = |pod: &&Pod| !pod.volume_claims.is_empty();
    let is_needed = by_target.values().flatten().any(has_volumes);
    let storage = is_needed.then(|| Storage::of(&facts.snapshot.cluster));
    let mut launches = Launches::default();
    for (target, pods) in &by_target {
        let guests = Guests::of(pods, storage.as_ref(), found);
        match target {
            Target::Node(node) => nodes::check_node(facts, node, &guests, found),
            Target::Claim(claim) => check_claim((facts, &mut launches), claim, &guests, found),
        }
    }
    neighbours::check(facts, &by_target, found);
    check_complete(facts, &placed, found);
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

/// What each choice of a launch leaves to pods, worked out once for all of its claims that have the same taints.
#[derive(Default)]
struct Launches<'a>(BTreeMap<(usize, &'a [Taint]), Vec<Left<'a>>>);

/// What a choice leaves when its daemons have come.
struct Left<'a> {
    room: Resources,
    ports: Vec<&'a HostPort>,
}

impl<'a> Launches<'a> {
    fn left(&mut self, facts: &Facts<'a>, to_launch: &ToLaunch<'a>) -> &[Left<'a>] {
        let taints = &to_launch.spec.taints;
        let left = |choice: &Choice| {
            let ToCome { requests, ports } =
                nodes::daemons_to_come(facts, &choice.labels, taints, &[]);
            Left { room: choice.allocatable.minus(&requests), ports }
        };
        let known = self.0.entry((to_launch.launch, taints));
        known.or_insert_with(|| to_launch.choices.iter().map(left).collect())
    }
}

fn check_claim<'a>(
    (facts, launches): (&Facts<'a>, &mut Launches<'a>),
    name: &'a ClaimName,
    guests: &Guests<'_>,
    found: &mut Vec<Violation>,
) {
    if let Some(to_launch) = facts.launched.get(name) {
        check_launch((name, to_launch), launches.left(facts, to_launch), guests, found);
    } else if let Some(new) = facts.new_claims.iter().find(|new| new.name == *name) {
        let place = Place {
            name: Name::Claim(name),
            room: None,
            labels: None,
            taints: Cow::Borrowed(&new.spec.taints),
            present: Vec::new(),
            ports: Cow::Borrowed(&[]),
        };
        check_place(&place, guests, found);
    } else if let Some(claim) = facts.claim(name) {
        nodes::check_claim(facts, claim, guests, found);
    } else {
        let what = format!("pods are placed on claim {name}, which nobody makes");
        found.push(Violation::new("fit", what));
    }
}

/// Whichever choice is launched in the end has to do. A claim that was made earlier is launched for the pods it was made
/// for, even if they have come to need more since.
fn check_launch(
    (name, to_launch): (&ClaimName, &ToLaunch<'_>),
    left: &[Left<'_>],
    guests: &Guests<'_>,
    found: &mut Vec<Violation>,
) {
    for (choice, left) in to_launch.choices.iter().zip(left) {
        let place = Place {
            name: Name::Choice(name, &choice.offering),
            room: to_launch.is_new.then_some(Cow::Borrowed(&left.room)),
            labels: Some(Cow::Borrowed(&choice.labels)),
            taints: Cow::Borrowed(&to_launch.spec.taints),
            present: Vec::new(),
            ports: Cow::Borrowed(&left.ports),
        };
        check_place(&place, guests, found);
    }
}

impl<'p> Guests<'p> {
    fn of(
        pods: &'p [&'p Pod],
        storage: Option<&'p Storage<'p>>,
        found: &mut Vec<Violation>,
    ) -> Self {
        let mut requests = Resources::default();
        for pod in pods {
            requests.add(&pod.requests);
        }
        let with_ports = pods.iter().filter(|pod| !pod.host_ports.is_empty());
        let is_choosy =
            |pod: &&&Pod| !pod.node_selector.is_empty() || !pod.node_affinity.is_empty();
        let choosy = pods.iter().filter(is_choosy).copied().collect();
        let with_ports = with_ports.copied().collect();
        let mounts = storage.map(|storage| (storage, storage.mounts(pods, found)));
        let volumes = mounts.filter(|(_, mounts)| !mounts.is_empty());
        Self { pods, requests, with_ports, choosy, volumes }
    }
}

/// Whether all these pods can be in one place together.
pub(super) fn check_place(place: &Place<'_>, guests: &Guests<'_>, found: &mut Vec<Violation>) {
    let (name, Guests { pods, requests, with_ports, choosy, volumes }) = (&place.name, guests);
    if let Some(room) = place.room.as_ref().filter(|room| !requests.fits(room)) {
        let missing = requests.shortfall(room);
        if !missing.is_zero() {
            let what = format!("{name} lacks {missing} for its {} pods", pods.len());
            found.push(Violation::new("fit", what));
        }
    }
    if !with_ports.is_empty() {
        check_ports(place, with_ports, found);
    }
    let pods = pods.iter().filter(|_| !place.taints.is_empty());
    for pod in pods {
        if let Some(taint) = first_untolerated(&place.taints, &pod.tolerations) {
            let what = format!("pod {} does not tolerate {taint} of {name}", pod.name);
            found.push(Violation::new("taints", what));
        }
    }
    for pod in choosy {
        if place.labels.as_ref().is_some_and(|labels| !pod.admits_node_labels(labels)) {
            let what = format!("pod {} does not admit the labels of {name}", pod.name);
            found.push(Violation::new("labels", what));
        }
    }
    if let Some((storage, mounts)) = volumes {
        volumes::check(storage, place, mounts, found);
    }
}

fn check_ports(place: &Place<'_>, pods: &[&Pod], found: &mut Vec<Violation>) {
    let mut ports = place.ports.to_vec();
    for pod in pods {
        let taken = pod.host_ports.iter().find(|p| ports.iter().any(|q| p.conflicts_with(q)));
        if let Some(port) = taken {
            let what = format!("port {} of pod {} is taken on {}", port.port, pod.name, place.name);
            found.push(Violation::new("ports", what));
        }
        ports.extend(&pod.host_ports);
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => write!(f, "node {name}"),
            Self::Claim(name) => write!(f, "claim {name}"),
            Self::Choice(name, offering) => write!(f, "claim {name} as {offering}"),
        }
    }
}

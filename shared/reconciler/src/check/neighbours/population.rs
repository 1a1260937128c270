//! Who is where at the end: pods that run, and pods that the plan places, those that are alike together.

use super::sites::Sites;
use crate::check::facts::Facts;
use crate::check::placements::Placed;
use model::affinity::{PodAffinityTerm, TopologySpread, WhenUnsatisfiable};
use model::labels::Labels;
use model::name::{ObjectName, Text};
use model::plan::Target;
use model::pod::Pod;
use model::requirement::Requirements;
use model::taint::Toleration;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What neighbours look at in a pod, and what it asks of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Traits<'a> {
    namespace: &'a Text,
    labels: &'a Labels,
    spread: &'a [TopologySpread],
    affinity: &'a [PodAffinityTerm],
    anti_affinity: &'a [PodAffinityTerm],
    node_selector: &'a Labels,
    node_affinity: &'a [Requirements],
    tolerations: &'a [Toleration],
}

/// What becomes of a pod that is counted.
#[derive(Clone, Copy)]
enum Role {
    /// The plan places it: it is judged.
    Judged,
    /// It runs and stays, or has the place that was promised to it.
    Kept,
    /// Its node goes.
    Going,
    /// It is being deleted.
    Ending,
}

/// Pods of one kind in one place.
pub(super) struct Group<'a> {
    pub(super) kind: usize,
    pub(super) site: usize,
    pub(super) judged: Vec<&'a Pod>,
    /// Pods that stay and are not judged.
    pub(super) kept: i64,
    /// Pods whose node goes.
    pub(super) going: i64,
    /// Pods that are being deleted.
    pub(super) ending: i64,
}

/// All pods that count.
pub(super) struct Population<'a> {
    /// A pod of each kind.
    pub(super) kinds: Vec<&'a Pod>,
    /// By kind, then place.
    groups: Vec<Group<'a>>,
    ranges: Vec<Range<usize>>,
}

/// Numbers for kinds. Pods come by name, so that most are of the kind of the one before.
#[derive(Default)]
struct Kinds<'a> {
    samples: Vec<&'a Pod>,
    numbers: BTreeMap<Traits<'a>, usize>,
    last: Option<(Traits<'a>, usize)>,
}

/// Whether a pod asks anything of its neighbours that must hold.
pub(super) fn asks(pod: &Pod) -> bool {
    !pod.affinity.required.is_empty()
        || !pod.anti_affinity.required.is_empty()
        || hard_spreads(pod).next().is_some()
}

/// The spreads of a pod that must hold.
pub(super) fn hard_spreads(pod: &Pod) -> impl Iterator<Item = &TopologySpread> {
    let spreads = pod.topology_spread.iter();
    spreads.filter(|spread| spread.when_unsatisfiable == WhenUnsatisfiable::DoNotSchedule)
}

impl<'a> Population<'a> {
    /// The pods that the plan places, and of those that run all, or only those that keep others away.
    pub(super) fn of(
        (facts, sites): (&Facts<'a>, &Sites<'_>),
        placed: &Placed<'a>,
        with_all: bool,
    ) -> Self {
        let mut kinds = Kinds::default();
        let mut all: Vec<(usize, usize, Role, &'a Pod)> = Vec::new();
        let mut moving: BTreeSet<&ObjectName> = BTreeSet::new();
        for (target, pods) in placed {
            let Some(site) = sites.at(target) else { continue };
            let promised = promised(facts, target);
            for pod in pods {
                let is_promised = promised.is_some_and(|ids| ids.contains(&pod.short_id()));
                let role = if is_promised { Role::Kept } else { Role::Judged };
                all.push((kinds.number(pod), site, role, pod));
                moving.extend(pod.node.as_ref().map(|_| &pod.name));
            }
        }
        for pod in facts.snapshot.cluster.pods.iter().filter(|pod| !pod.is_terminal()) {
            if !with_all && pod.anti_affinity.required.is_empty() {
                continue;
            }
            let Some(site) = pod.node.as_ref().and_then(|node| sites.node(node)) else { continue };
            if moving.contains(&pod.name) {
                continue;
            }
            let role = match (pod.deleting, sites.all[site].goes) {
                (Some(_), _) => Role::Ending,
                (None, true) => Role::Going,
                (None, false) => Role::Kept,
            };
            all.push((kinds.number(pod), site, role, pod));
        }
        all.sort_by_key(|(kind, site, ..)| (*kind, *site));
        Self::grouped(kinds.samples, all)
    }

    fn grouped(kinds: Vec<&'a Pod>, all: Vec<(usize, usize, Role, &'a Pod)>) -> Self {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut ranges = vec![0..0; kinds.len()];
        for (kind, site, role, pod) in all {
            let is_same = groups.last().is_some_and(|last| (last.kind, last.site) == (kind, site));
            if !is_same {
                let judged = Vec::new();
                groups.push(Group { kind, site, judged, kept: 0, going: 0, ending: 0 });
                if ranges[kind].is_empty() {
                    ranges[kind].start = groups.len() - 1;
                }
                ranges[kind].end = groups.len();
            }
            let group = groups.last_mut().expect("one was just made sure of");
            match role {
                Role::Judged => group.judged.push(pod),
                Role::Kept => group.kept += 1,
                Role::Going => group.going += 1,
                Role::Ending => group.ending += 1,
            }
        }
        Self { kinds, groups, ranges }
    }

    /// The pods of a kind, by place.
    pub(super) fn groups_of(&self, kind: usize) -> &[Group<'a>] {
        &self.groups[self.ranges[kind].clone()]
    }

    /// Whether the plan places pods of a kind.
    pub(super) fn is_judged(&self, kind: usize) -> bool {
        self.groups_of(kind).iter().any(|group| !group.judged.is_empty())
    }

    /// Whether pods of a kind stay somewhere that are not judged.
    pub(super) fn is_kept(&self, kind: usize) -> bool {
        self.groups_of(kind).iter().any(|group| 0 < group.kept)
    }
}

impl Group<'_> {
    /// The pods that are there at the end.
    pub(super) fn staying(&self) -> i64 {
        self.kept + i64::try_from(self.judged.len()).expect("pods can be counted")
    }
}

impl<'a> Kinds<'a> {
    fn number(&mut self, pod: &'a Pod) -> usize {
        let traits = Traits {
            namespace: &pod.name.namespace,
            labels: &pod.labels,
            spread: &pod.topology_spread,
            affinity: &pod.affinity.required,
            anti_affinity: &pod.anti_affinity.required,
            node_selector: &pod.node_selector,
            node_affinity: &pod.node_affinity,
            tolerations: &pod.tolerations,
        };
        if let Some((_, number)) = self.last.filter(|(last, _)| *last == traits) {
            return number;
        }
        let next = self.samples.len();
        let number = *self.numbers.entry(traits).or_insert(next);
        if number == next {
            self.samples.push(pod);
        }
        self.last = Some((traits, number));
        number
    }
}

/// The short ids of the pods that the claim of a target was made for, where it was made earlier.
fn promised<'a>(facts: &Facts<'a>, target: &Target) -> Option<&'a [u32]> {
    let claim = match target {
        Target::Node(node) => facts.node(node).and_then(|node| facts.claim_of(node)),
        Target::Claim(claim) => facts.claim(claim),
    };
    claim.map(|claim| &claim.spec.nominated[..])
}

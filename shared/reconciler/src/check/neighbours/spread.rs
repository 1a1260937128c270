//! Topology spread that must hold (`DoNotSchedule`): no domain has too many more of the pods than the emptiest one.
//!
//! The scheduler compares when it binds a pod, in an order that nobody knows here. So pods that do not carry the constraint
//! are taken to have come later than those that do, and the emptiest domain was never fuller than it is at the end. Pods that
//! carry it and may go to other nodes only are counted with the rest, although their own emptiest domain may be another one.

use super::population::{Group, Population, hard_spreads};
use super::selections::Selections;
use super::sites::Admission;
use super::{Domain, Numbers, World};
use crate::check::Violation;
use model::affinity::{LabelSelector, NodeInclusionPolicy, TopologySpread};
use model::labels::Labels;
use model::name::Text;
use model::pod::Pod;
use model::requirement::Requirements;
use model::taint::Toleration;
use std::collections::{BTreeMap, BTreeSet};

/// Which nodes count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Eligible<'p> {
    /// Selector and affinity, where they are honoured.
    affinity: Option<(&'p Labels, &'p [Requirements])>,
    /// Tolerations, where taints are honoured.
    tolerations: Option<&'p [Toleration]>,
    /// The labels that a node must have: those of all the pod's constraints.
    keys: Vec<&'p str>,
}

/// A constraint. Pods that differ in nothing that it looks at share it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Spread {
    selection: usize,
    key: usize,
    max_skew: i64,
    min_domains: Option<i64>,
    eligible: usize,
}

/// The pods that have a constraint.
struct Members<'p> {
    /// The constraint as the first of them has it.
    rule: &'p TopologySpread,
    /// The selector as it is for them.
    selector: LabelSelector,
    /// Their kinds, in order.
    kinds: Vec<usize>,
}

/// The constraints of pods that the plan places.
#[derive(Default)]
pub(super) struct Spreads<'p> {
    eligible: Numbers<Eligible<'p>>,
    /// A pod for each of these.
    samples: Vec<&'p Pod>,
    rules: Numbers<Spread>,
    members: Vec<Members<'p>>,
}

/// The pods that a constraint means, on nodes that count.
#[derive(Default)]
struct Counts {
    /// Those that carry it, by domain.
    carriers: BTreeMap<usize, i64>,
    /// All of them, those of nodes that go among them.
    all: BTreeMap<usize, i64>,
    /// The same for places that may be in another domain or not count.
    unsure: BTreeMap<usize, i64>,
}

/// The places and domains that count for a constraint.
struct Universe {
    /// The domain of each place that is in it and counts for sure.
    of_site: Vec<Option<usize>>,
    /// Domains that there will be for sure.
    sure: BTreeSet<usize>,
    /// Other domains that there may be, with the places that may be there.
    unsure: BTreeMap<usize, Vec<usize>>,
    /// How many domains there are, until what goes has gone.
    present: usize,
}

impl<'p> Spreads<'p> {
    pub(super) fn of(
        population: &'p Population<'p>,
        keys: &mut Numbers<&'p str>,
        selections: &mut Selections<'p>,
    ) -> Self {
        let mut all = Self::default();
        for (kind, pod) in population.kinds.iter().enumerate() {
            if hard_spreads(pod).next().is_none() || !population.is_judged(kind) {
                continue;
            }
            for rule in hard_spreads(pod) {
                let selector = rule.selector_for(&pod.labels);
                let spread = Spread {
                    selection: selections.own(pod, selector.clone()),
                    key: keys.number(&rule.topology_key),
                    max_skew: rule.max_skew.into(),
                    min_domains: rule.min_domains.map(i64::from),
                    eligible: all.eligible(pod, rule),
                };
                let number = all.rules.number(spread);
                if number == all.members.len() {
                    all.members.push(Members { rule, selector, kinds: Vec::new() });
                }
                let kinds = &mut all.members[number].kinds;
                if kinds.last() != Some(&kind) {
                    kinds.push(kind);
                }
            }
        }
        all
    }

    fn eligible(&mut self, pod: &'p Pod, rule: &TopologySpread) -> usize {
        let honors = |policy| policy == NodeInclusionPolicy::Honor;
        let mut keys: Vec<&str> = hard_spreads(pod).map(|spread| &*spread.topology_key).collect();
        keys.sort_unstable();
        keys.dedup();
        let affinity = (&pod.node_selector, &pod.node_affinity[..]);
        let number = self.eligible.number(Eligible {
            affinity: honors(rule.node_affinity_policy).then_some(affinity),
            tolerations: honors(rule.node_taints_policy).then_some(&pod.tolerations),
            keys,
        });
        if number == self.samples.len() {
            self.samples.push(pod);
        }
        number
    }
}

pub(super) fn check(world: &World<'_, '_>, spreads: &Spreads<'_>, found: &mut Vec<Violation>) {
    let admitted = spreads.eligible.all.iter().zip(&spreads.samples).map(|(eligible, pod)| {
        let admission = Admission {
            pod,
            by_affinity: eligible.affinity.is_some(),
            by_taints: eligible.tolerations.is_some(),
            keys: &eligible.keys,
        };
        world.sites.shapes.iter().map(|shape| shape.admitted(admission)).collect()
    });
    let admitted: Vec<Vec<Vec<bool>>> = admitted.collect();
    let mut universes: BTreeMap<(usize, usize), Universe> = BTreeMap::new();
    for (spread, members) in spreads.rules.all.iter().zip(&spreads.members) {
        let admitted = &admitted[spread.eligible];
        let universe = universes
            .entry((spread.eligible, spread.key))
            .or_insert_with(|| Universe::of(world, spread.key, admitted));
        let counts = Counts::of(world, spread, members, universe);
        let least = universe.least(&counts, spread.min_domains);
        let meant = &world.meant[spread.selection];
        for kind in &members.kinds {
            let is_meant = meant.binary_search(kind).is_ok();
            for group in world.population.groups_of(*kind) {
                if let Some(why) = why_not(world, spread, group, (is_meant, &counts, least)) {
                    report(world, (&members.rule.topology_key, group), &why, found);
                }
            }
        }
    }
}

impl Counts {
    fn of(
        world: &World<'_, '_>,
        spread: &Spread,
        members: &Members<'_>,
        universe: &Universe,
    ) -> Self {
        let mut counts = Self::default();
        for kind in &world.meant[spread.selection] {
            let carries = members.kinds.binary_search(kind).is_ok()
                || carries(world.population.kinds[*kind], members);
            for group in world.population.groups_of(*kind) {
                let now = group.staying() + group.going;
                let Some(domain) = universe.of_site[group.site] else {
                    *counts.unsure.entry(group.site).or_default() += now;
                    continue;
                };
                *counts.all.entry(domain).or_default() += now;
                if carries {
                    *counts.carriers.entry(domain).or_default() += group.staying();
                }
            }
        }
        counts
    }
}

/// Whether a pod that is meant has the same constraint, whatever nodes count for it.
fn carries(pod: &Pod, members: &Members<'_>) -> bool {
    let rule = members.rule;
    hard_spreads(pod).any(|own| {
        own.topology_key == rule.topology_key
            && own.max_skew == rule.max_skew
            && own.selector_for(&pod.labels) == members.selector
    })
}

impl Universe {
    fn of(world: &World<'_, '_>, key: usize, admitted: &[Vec<bool>]) -> Self {
        let (sites, domains) = (world.sites, &world.domains[key]);
        let mut of_site = vec![None; sites.all.len()];
        let (mut sure, mut present) = (BTreeSet::new(), BTreeSet::new());
        let mut unsure: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, site) in sites.all.iter().enumerate() {
            let views = &admitted[site.shape];
            match domains.of_site(sites, number) {
                Domain::Known(domain) if views.iter().all(|admitted| *admitted) => {
                    of_site[number] = Some(*domain);
                    present.extend(site.will_be.then_some(*domain));
                    sure.extend((site.will_be && !site.goes).then_some(*domain));
                }
                Domain::Lacking => {}
                Domain::Known(_) | Domain::Open { .. } if site.goes || !site.will_be => {}
                Domain::Known(_) | Domain::Open { .. } => {
                    for domain in domains.of_views(sites, number, views) {
                        unsure.entry(domain).or_default().push(number);
                    }
                }
            }
        }
        unsure.retain(|domain, _| !sure.contains(domain));
        Self { of_site, sure, unsure, present: present.len() }
    }

    /// The pods of the emptiest domain, if all turns out as badly as it may.
    fn least(&self, counts: &Counts, min_domains: Option<i64>) -> i64 {
        let domains = i64::try_from(self.present).expect("domains can be counted");
        let has_empty = counts.all.len() < self.sure.len();
        if has_empty || min_domains.is_some_and(|least| domains < least) {
            return 0;
        }
        let all = |domain| counts.all.get(domain).copied().unwrap_or(0);
        let unsure = self.unsure.iter().map(|(domain, sites)| {
            let there = sites.iter().map(|site| counts.unsure.get(site).copied().unwrap_or(0));
            all(domain) + there.min().unwrap_or(0)
        });
        self.sure.iter().map(all).chain(unsure).min().unwrap_or(0)
    }
}

/// Why the pods of a group cannot be where they are.
fn why_not(
    world: &World<'_, '_>,
    spread: &Spread,
    group: &Group<'_>,
    (is_meant, counts, least): (bool, &Counts, i64),
) -> Option<String> {
    if group.judged.is_empty() {
        return None;
    }
    let domain = world.domain(spread.key, group);
    let words = || world.domains[spread.key].words(domain);
    match domain {
        Domain::Lacking | Domain::Open { always: false, .. } => {
            Some("needs a node with that label".to_owned())
        }
        Domain::Open { .. } | Domain::Known(_) if !is_meant => None,
        Domain::Open { .. } => {
            Some(format!("needs one domain for sure, and its place may be in {}", words()))
        }
        Domain::Known(domain) => {
            let has = counts.carriers.get(domain).copied().unwrap_or(0);
            let most = spread.max_skew;
            (most < has - least).then(|| {
                format!(
                    "allows {most} more than the least, which is {least}; {} has {has}",
                    words()
                )
            })
        }
    }
}

fn report(
    world: &World<'_, '_>,
    (key, group): (&Text, &Group<'_>),
    why: &str,
    found: &mut Vec<Violation>,
) {
    let place = &world.sites.all[group.site].name;
    for pod in &group.judged {
        let what = format!("pod {} on {place}: its spread over {key} {why}", pod.name);
        found.push(Violation::new("spread", what));
    }
}

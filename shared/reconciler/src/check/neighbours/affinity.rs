//! Pod affinity and anti-affinity that must hold.
//!
//! A pod with several terms of affinity finds its company only in pods that all of them mean, as in the scheduler.

use super::population::{Group, Population};
use super::selections::Selections;
use super::{Domain, Numbers, World};
use crate::check::Violation;
use model::affinity::PodAffinityTerm;
use model::pod::Pod;
use std::collections::{BTreeMap, BTreeSet};

/// A term, as far as it concerns others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Term {
    selection: usize,
    key: usize,
}

/// The kinds of pods that have a term of anti-affinity.
#[derive(Default)]
struct Holders {
    /// Those that the plan places, in order.
    judged: Vec<usize>,
    /// Those of which some stay that are not judged.
    kept: Vec<usize>,
}

/// The terms of pods that the plan places, and of those that keep them away.
#[derive(Default)]
pub(super) struct Ties {
    /// Kinds with the same terms of affinity.
    together: BTreeMap<Vec<Term>, Vec<usize>>,
    /// Kinds by their terms of anti-affinity.
    apart: BTreeMap<Term, Holders>,
}

/// So many pods in one domain or place.
#[derive(Clone, Copy, Default)]
struct Count {
    /// At the end.
    staying: i64,
    /// At the end or now.
    ever: i64,
}

/// Where pods are.
#[derive(Default)]
struct Tally {
    /// In each domain for sure.
    known: BTreeMap<usize, Count>,
    /// In places that may be in several domains.
    open: BTreeMap<usize, Count>,
    /// In how many of these each domain may be, where pods stay.
    maybe: BTreeMap<usize, i64>,
    /// In any domain at the end.
    total: i64,
}

impl Ties {
    pub(super) fn of<'p>(
        population: &'p Population<'p>,
        keys: &mut Numbers<&'p str>,
        selections: &mut Selections<'p>,
    ) -> Self {
        let mut ties = Self::default();
        for (kind, pod) in population.kinds.iter().enumerate() {
            let mut term = |term: &'p PodAffinityTerm| Term {
                selection: selections.term(pod, term),
                key: keys.number(&term.topology_key),
            };
            let is_judged = population.is_judged(kind);
            if is_judged && !pod.affinity.required.is_empty() {
                let terms: BTreeSet<Term> = pod.affinity.required.iter().map(&mut term).collect();
                ties.together.entry(terms.into_iter().collect()).or_default().push(kind);
            }
            let apart: BTreeSet<Term> = pod.anti_affinity.required.iter().map(&mut term).collect();
            for term in apart {
                let holders = ties.apart.entry(term).or_default();
                holders.judged.extend(is_judged.then_some(kind));
                holders.kept.extend(population.is_kept(kind).then_some(kind));
            }
        }
        ties
    }
}

pub(super) fn check(world: &World<'_, '_>, ties: &Ties, found: &mut Vec<Violation>) {
    for (terms, kinds) in &ties.together {
        check_together(world, terms, kinds, found);
    }
    for (term, holders) in &ties.apart {
        if !holders.judged.is_empty() {
            check_apart(world, *term, holders, found);
        }
        if !holders.kept.is_empty() {
            check_kept_away(world, *term, holders, found);
        }
    }
}

/// Each pod has another one that is meant in its domains, or would be the first of its own.
fn check_together(
    world: &World<'_, '_>,
    terms: &[Term],
    kinds: &[usize],
    found: &mut Vec<Violation>,
) {
    let mut meant = world.meant[terms[0].selection].clone();
    for term in &terms[1..] {
        meant.retain(|kind| world.meant[term.selection].binary_search(kind).is_ok());
    }
    let everyone = |group: &Group<'_>| {
        let staying = group.staying();
        Count { staying, ever: staying + group.going + group.ending }
    };
    let tally = |term: &Term| (term.key, Tally::of(world, &meant, term.key, everyone));
    let tallies: BTreeMap<usize, Tally> = terms.iter().map(tally).collect();
    let judged = world.groups(kinds).filter(|group| !group.judged.is_empty());
    for group in judged {
        let own = i64::from(meant.binary_search(&group.kind).is_ok());
        let is_first = own == 1 && tallies.values().all(|tally| tally.total == own);
        for (key, tally) in &tallies {
            let (domain, domains) = (world.domain(*key, group), &world.domains[*key]);
            let why = match domain {
                Domain::Lacking | Domain::Open { always: false, .. } => {
                    "needs a node with that label".to_owned()
                }
                _ if is_first || tally.has_beside(group.site, domain, own) => continue,
                Domain::Known(_) | Domain::Open { .. } => {
                    format!("finds no pod in {}", domains.words(domain))
                }
            };
            let subject = format!("its affinity over {}", domains.key);
            report(world, ("affinity", group), &format!("{subject} {why}"), found);
        }
    }
}

/// No pod that is placed has one beside it that its anti-affinity means.
fn check_apart(world: &World<'_, '_>, term: Term, holders: &Holders, found: &mut Vec<Violation>) {
    let meant = &world.meant[term.selection];
    let tally = Tally::of(world, meant, term.key, |group| Count::of(group.staying()));
    let domains = &world.domains[term.key];
    for group in world.groups(&holders.judged).filter(|group| !group.judged.is_empty()) {
        let own = i64::from(meant.binary_search(&group.kind).is_ok());
        let domain = world.domain(term.key, group);
        let why = match domain {
            Domain::Open { values, .. } if values.is_empty() => "needs a known domain".to_owned(),
            _ if !tally.may_meet(group.site, domain, own) => continue,
            Domain::Known(_) => format!("means other pods in {}", domains.words(domain)),
            Domain::Open { .. } | Domain::Lacking => {
                format!("means pods that may be beside it in {}", domains.words(domain))
            }
        };
        let subject = format!("its anti-affinity over {}", domains.key);
        report(world, ("anti-affinity", group), &format!("{subject} {why}"), found);
    }
}

/// No pod is placed where one that stays keeps it away. Of pods that have the term themselves it is said once: those that it
/// means were found by their own.
fn check_kept_away(
    world: &World<'_, '_>,
    term: Term,
    holders: &Holders,
    found: &mut Vec<Violation>,
) {
    let meant = &world.meant[term.selection];
    let is_meant = |kind: &usize| meant.binary_search(kind).is_ok();
    let strangers: Vec<usize> = holders.kept.iter().copied().filter(|k| !is_meant(k)).collect();
    let tally = |kinds: &[usize]| Tally::of(world, kinds, term.key, |group| Count::of(group.kept));
    let (of_all, of_strangers) = (tally(&holders.kept), tally(&strangers));
    let domains = &world.domains[term.key];
    for kind in meant {
        let (kinds, tally) = match holders.judged.binary_search(kind) {
            Ok(_) => (&strangers, &of_strangers),
            Err(_) => (&holders.kept, &of_all),
        };
        for group in world.population.groups_of(*kind).iter().filter(|g| !g.judged.is_empty()) {
            let domain = world.domain(term.key, group);
            if tally.may_meet(group.site, domain, 0) {
                let holder = a_holder(world, term.key, kinds, group);
                let (key, words) = (&domains.key, domains.words(domain));
                let why =
                    format!("the anti-affinity of pod {holder} over {key} keeps {words} free");
                report(world, ("anti-affinity", group), &why, found);
            }
        }
    }
}

/// The name of a pod of the kinds that keep a group away, which may stand for others of its kind.
fn a_holder<'w>(
    world: &'w World<'_, '_>,
    key: usize,
    holders: &[usize],
    kept_away: &Group<'_>,
) -> &'w model::name::ObjectName {
    let own = world.domain(key, kept_away).possible();
    let meets = |group: &&Group<'_>| {
        let possible = world.domain(key, group).possible();
        0 < group.kept
            && (group.site == kept_away.site || possible.iter().any(|domain| own.contains(domain)))
    };
    let kind = world.groups(holders).find(meets).map_or(holders[0], |group| group.kind);
    let sample: &Pod = world.population.kinds[kind];
    &sample.name
}

impl Count {
    fn of(count: i64) -> Self {
        Self { staying: count, ever: count }
    }

    fn add(&mut self, other: Self) {
        self.staying += other.staying;
        self.ever += other.ever;
    }
}

impl Tally {
    fn of(
        world: &World<'_, '_>,
        kinds: &[usize],
        key: usize,
        count: impl Fn(&Group<'_>) -> Count,
    ) -> Self {
        let mut tally = Self::default();
        for group in world.groups(kinds) {
            let count = count(group);
            match world.domain(key, group) {
                Domain::Lacking => continue,
                Domain::Known(domain) => tally.known.entry(*domain).or_default().add(count),
                Domain::Open { values, .. } => {
                    let place = tally.open.entry(group.site).or_default();
                    if place.staying == 0 && 0 < count.staying {
                        for domain in values {
                            *tally.maybe.entry(*domain).or_default() += 1;
                        }
                    }
                    place.add(count);
                }
            }
            tally.total += count.staying;
        }
        tally
    }

    fn known(&self, domain: usize) -> Count {
        self.known.get(&domain).copied().unwrap_or_default()
    }

    fn on(&self, site: usize) -> Count {
        self.open.get(&site).copied().unwrap_or_default()
    }

    /// Whether beside so many of the place's own there is a pod for sure, in whichever domain the place will be.
    fn has_beside(&self, site: usize, domain: &Domain, own: i64) -> bool {
        match domain {
            Domain::Known(domain) => own < self.known(*domain).ever,
            Domain::Lacking => false,
            Domain::Open { values, .. } => {
                let everywhere = values.iter().all(|domain| 0 < self.known(*domain).ever);
                own < self.on(site).ever || (everywhere && !values.is_empty())
            }
        }
    }

    /// Whether beside so many of the place's own there is or may be a pod at the end.
    fn may_meet(&self, site: usize, domain: &Domain, own: i64) -> bool {
        let here = self.on(site).staying;
        let is_counted = i64::from(0 < here);
        let elsewhere = |domain: &usize| {
            let maybe = self.maybe.get(domain).copied().unwrap_or(0);
            (self.known(*domain).staying, is_counted < maybe)
        };
        match domain {
            Domain::Lacking => false,
            Domain::Known(domain) => {
                let (known, maybe) = elsewhere(domain);
                own < known || maybe
            }
            Domain::Open { values, .. } => {
                let others = values.iter().map(elsewhere);
                own < here || others.into_iter().any(|(known, maybe)| 0 < known || maybe)
            }
        }
    }
}

fn report(
    world: &World<'_, '_>,
    (rule, group): (&'static str, &Group<'_>),
    why: &str,
    found: &mut Vec<Violation>,
) {
    let place = &world.sites.all[group.site].name;
    for pod in &group.judged {
        found.push(Violation::new(rule, format!("pod {} on {place}: {why}", pod.name)));
    }
}

//! What pods ask of their neighbours holds once all of the plan has come true: topology spread, pod affinity and
//! anti-affinity, as the Kubernetes scheduler reads them.
//!
//! Who is where is counted at the end: pods that stay where they are, and pods that the plan places. Only these are
//! judged, and not those that go back to a claim that was made for them: that was judged when it was made. Pods of nodes
//! that go, and pods that end, are counted where that helps a pod, and not where it keeps one away: the scheduler
//! takes the pod today or when they are gone. A claim that may be launched in several ways is in no domain for sure, and
//! what is asked must hold wherever it may be.

mod affinity;
mod domains;
mod population;
mod selections;
mod sites;
mod spread;

use super::Violation;
use super::facts::Facts;
use super::placements::Placed;
use affinity::Ties;
use domains::{Domain, Domains};
use population::{Group, Population};
use selections::Selections;
use sites::Sites;
use spread::Spreads;
use std::collections::BTreeMap;

/// Where everybody is at the end, and all that is asked about.
struct World<'w, 'a> {
    sites: &'w Sites<'a>,
    population: &'w Population<'a>,
    /// The domains of each label that is asked about.
    domains: Vec<Domains>,
    /// The kinds of pods that each selection means, in order.
    meant: Vec<Vec<usize>>,
}

pub(super) fn check<'a>(facts: &Facts<'a>, placed: &Placed<'a>, found: &mut Vec<Violation>) {
    let running = || facts.snapshot.cluster.pods.iter().filter(|pod| pod.node.is_some());
    let asks_of_neighbours = placed.values().flatten().any(|pod| population::asks(pod));
    let is_asked = || running().any(|pod| !pod.anti_affinity.required.is_empty());
    if placed.is_empty() || !(asks_of_neighbours || is_asked()) {
        return;
    }
    let sites = Sites::of(facts);
    let population = Population::of((facts, &sites), placed, asks_of_neighbours);
    let mut keys = Numbers::default();
    let mut selections = Selections::of(&facts.snapshot.cluster.namespaces, &population);
    let spreads = Spreads::of(&population, &mut keys, &mut selections);
    let ties = Ties::of(&population, &mut keys, &mut selections);
    let world = World {
        sites: &sites,
        population: &population,
        domains: keys.all.iter().map(|key| Domains::of(key, &sites)).collect(),
        meant: selections.into_meant(),
    };
    spread::check(&world, &spreads, found);
    affinity::check(&world, &ties, found);
}

impl World<'_, '_> {
    /// The domain of a group's place.
    fn domain(&self, key: usize, group: &Group<'_>) -> &Domain {
        self.domains[key].of_site(self.sites, group.site)
    }

    /// The groups of several kinds.
    fn groups<'s>(&'s self, kinds: &'s [usize]) -> impl Iterator<Item = &'s Group<'s>> {
        kinds.iter().flat_map(|kind| self.population.groups_of(*kind))
    }
}

/// Things by number, equal ones once.
struct Numbers<T> {
    all: Vec<T>,
    numbers: BTreeMap<T, usize>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { all: Vec::new(), numbers: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Numbers<T> {
    fn number(&mut self, thing: T) -> usize {
        if let Some(known) = self.numbers.get(&thing) {
            return *known;
        }
        let next = self.all.len();
        self.all.push(thing.clone());
        self.numbers.insert(thing, next);
        next
    }
}

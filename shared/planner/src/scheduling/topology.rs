//! Who may be beside whom: topology spread, pod affinity and anti-affinity, counted over all places.
//!
//! Each constraint is a term. For terms over a label of nodes (zone, capacity type, …) the counts of each value are
//! kept here; for terms over nodes each place keeps its own ([`Local`]). Preferences are terms too: a pod's wishes are
//! kept like demands until they are given up one after another, in Karpenter's order.

mod assign;
mod domains;
mod nodes;
mod terms;
mod ties;

pub(crate) use assign::{Lot, Offers, Rank, assign};
pub(crate) use nodes::{Local, Role, beside};
pub(crate) use ties::{Asks, Ties, Wish};

use model::labels::Labels;
use model::name::Text;
use model::pod::Pod;
use model::requirement::Requirements;
use model::snapshot::ClusterState;
use model::taint::Taint;
use std::collections::{BTreeMap, BTreeSet};
use terms::{Numbered, Rule, Terms};

/// Where something is counted: the labels and taints of a place.
pub(crate) struct Place<'p> {
    /// The labels of the node, or those that are certain of a new one.
    pub(crate) labels: &'p Labels,
    /// Its taints; none of a new node, which has those that its pods tolerate.
    pub(crate) taints: &'p [&'p Taint],
    /// Whether it is a node that is there or on its way, whose labels are all known.
    pub(crate) is_known: bool,
}

/// The counts of one term.
#[derive(Clone, Debug, Default)]
struct Tally {
    meant: BTreeMap<Text, i64>,
    having: BTreeMap<Text, i64>,
    /// The domains of a spread.
    domains: BTreeSet<Text>,
    /// Pods that are meant, wherever they are.
    total: i64,
    /// Those of them that are only known to have a new node, for terms over nodes.
    noted: i64,
}

/// All terms with their counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topology {
    terms: Terms,
    ties: Numbered<Ties>,
    tallies: Vec<Tally>,
    /// The terms of each selection.
    of_selection: Vec<Vec<usize>>,
}

impl Topology {
    /// Notes a node's label values as domains of the spreads for which it counts.
    pub(crate) fn enter_node(&mut self, place: &Place<'_>) {
        for (number, term) in self.terms.numbered.all.iter().enumerate() {
            let Rule::Spread { eligible, .. } = &term.rule else { continue };
            let Some(domain) = place.labels.get(&term.key).filter(|_| !term.is_by_node()) else {
                continue;
            };
            if eligible.admits(place.labels, place.taints.iter().copied()) {
                self.tallies[number].domains.insert(domain.clone());
            }
        }
    }

    /// Counts a pod that runs, on a node with these labels and taints.
    pub(crate) fn count_running(
        &mut self,
        cluster: &ClusterState,
        pod: &Pod,
        place: &Place<'_>,
        local: &mut Local,
    ) {
        let counted = self.terms.that_mean(pod);
        let terms: Vec<usize> =
            counted.iter().flat_map(|selection| &self.of_selection[*selection]).copied().collect();
        for term in terms {
            // Pods that end fill no domain of a spread, as for the scheduler.
            let is_spread = matches!(self.terms.numbered.all[term].rule, Rule::Spread { .. });
            if !(is_spread && pod.deleting.is_some()) {
                self.add_meant(term, 1, place, local);
            }
        }
        for term in &pod.anti_affinity.required {
            if let Some(number) = self.terms.known_apart(cluster, pod, term) {
                self.add_having(number, 1, place, local);
            }
        }
    }

    /// Counts so many pods that go to a place; fewer than none takes them away.
    pub(crate) fn count(&mut self, asks: &Asks, count: i64, place: &Place<'_>, local: &mut Local) {
        let ties = &self.ties.all[asks.ties];
        let meaning = ties.counted.iter().flat_map(|selection| &self.of_selection[*selection]);
        let meaning: Vec<usize> = meaning.copied().collect();
        for term in meaning {
            self.add_meant(term, count, place, local);
        }
        for term in &asks.terms {
            if matches!(self.terms.numbered.all[*term].rule, Rule::Apart { .. }) {
                self.add_having(*term, count, place, local);
            }
        }
    }

    /// Counts pods that go onto a node in a domain for which they are counted already.
    pub(crate) fn count_beside(&mut self, asks: &Asks, count: i64, local: &mut Local) {
        // A place without labels is in no domain.
        let place = Place { labels: &Labels::new(), taints: &[], is_known: false };
        let before: Vec<i64> = self.tallies.iter().map(|tally| tally.total).collect();
        self.count(asks, count, &place, local);
        for (number, total) in before.into_iter().enumerate() {
            if !self.terms.numbered.all[number].is_by_node() {
                self.tallies[number].total = total;
            }
        }
    }

    fn add_meant(&mut self, number: usize, count: i64, place: &Place<'_>, local: &mut Local) {
        let term = &self.terms.numbered.all[number];
        let tally = &mut self.tallies[number];
        tally.total += count;
        if term.is_by_node() {
            local.0.entry(number).or_default().meant += count;
            return;
        }
        let Some(domain) = place.labels.get(&term.key) else { return };
        let counts = match &term.rule {
            Rule::Spread { eligible, .. } if place.is_known => {
                eligible.admits(place.labels, place.taints.iter().copied())
            }
            Rule::Spread { .. } | Rule::Together | Rule::Apart { .. } => true,
        };
        if counts {
            *tally.meant.entry(domain.clone()).or_default() += count;
        }
    }

    fn add_having(&mut self, number: usize, count: i64, place: &Place<'_>, local: &mut Local) {
        let term = &self.terms.numbered.all[number];
        if term.is_by_node() {
            local.0.entry(number).or_default().having += count;
        } else if let Some(domain) = place.labels.get(&term.key) {
            *self.tallies[number].having.entry(domain.clone()).or_default() += count;
        }
    }

    /// How many pods that ask this may go to a place now, at most `most`.
    pub(crate) fn most_at(&self, asks: &Asks, place: &Place<'_>, local: &Local, most: i64) -> i64 {
        let ties = &self.ties.all[asks.ties];
        let mut most = most;
        for number in &asks.terms {
            let term = &self.terms.numbered.all[*number];
            let by_term = if term.is_by_node() {
                self.most_on_node(ties, *number, local)
            } else {
                self.most_in(ties, *number, place.labels.get(&term.key).map(|d| &**d))
            };
            most = most.min(by_term);
        }
        let repels = |number: &usize| {
            let term = &self.terms.numbered.all[*number];
            if term.is_by_node() {
                return local.0.get(number).is_some_and(|beside| 0 < beside.having);
            }
            let domain = place.labels.get(&term.key);
            domain.is_some_and(|domain| self.is_kept_out(*number, domain))
        };
        if asks.repelled.iter().any(repels) { 0 } else { most.max(0) }
    }

    fn is_kept_out(&self, number: usize, domain: &str) -> bool {
        self.tallies[number].having.get(domain).is_some_and(|having| 0 < *having)
    }

    /// How many pods may go to a domain of a term over a label; without the label there is none.
    fn most_in(&self, ties: &Ties, number: usize, domain: Option<&str>) -> i64 {
        let term = &self.terms.numbered.all[number];
        let is_meant = ties.counted.contains(&term.selection);
        let tally = &self.tallies[number];
        let Some(domain) = domain else {
            return if matches!(term.rule, Rule::Apart { .. }) { i64::MAX } else { 0 };
        };
        let meant = self.meant_in(number, domain);
        match &term.rule {
            Rule::Spread { max_skew, min_domains, .. } => {
                let least = tally.least(*min_domains, domain);
                spare(least + max_skew - meant, is_meant)
            }
            Rule::Together => together(meant, is_meant, tally.total + tally.noted),
            Rule::Apart { .. } => apart(meant, is_meant),
        }
    }

    /// A term in words, for reasons.
    pub(crate) fn words(&self, number: usize) -> String {
        self.terms.words(number)
    }

    /// Whether a term means pods with these ties.
    pub(crate) fn means(&self, number: usize, ties: usize) -> bool {
        let selection = self.terms.numbered.all[number].selection;
        self.ties.all[ties].counted.contains(&selection)
    }

    /// How many pods a term means that have their place.
    pub(crate) fn total(&self, number: usize) -> i64 {
        self.tallies[number].total + self.tallies[number].noted
    }

    /// The same without pods of new nodes, for terms over nodes.
    pub(crate) fn total_in_rooms(&self, number: usize) -> i64 {
        self.tallies[number].total
    }

    /// How many pods a term means in a domain of its label.
    fn meant_in(&self, number: usize, domain: &str) -> i64 {
        self.tallies[number].meant.get(domain).copied().unwrap_or(0)
    }
}

impl Tally {
    /// The pods of the emptiest domain, that of the asked place being one.
    fn least(&self, min_domains: Option<i64>, own: &str) -> i64 {
        let is_new = !self.domains.contains(own);
        let count = super::amounts::whole(self.domains.len()) + i64::from(is_new);
        if min_domains.is_some_and(|least| count < least) {
            return 0;
        }
        let of = |domain: &str| self.meant.get(domain).copied().unwrap_or(0);
        let others = self.domains.iter().map(|domain| of(domain)).min();
        others.unwrap_or(i64::MAX).min(of(own))
    }
}

/// The most of a spread that has so many left; pods that it does not mean are not counted, but must find it kept.
fn spare(left: i64, is_meant: bool) -> i64 {
    match is_meant {
        true => left.max(0),
        false if left < 0 => 0,
        false => i64::MAX,
    }
}

/// With no pod meant anywhere, one that is meant itself may be the first.
fn together(meant: i64, is_meant: bool, total: i64) -> i64 {
    if 0 < meant || (is_meant && total == 0) { i64::MAX } else { 0 }
}

fn apart(meant: i64, is_meant: bool) -> i64 {
    match (meant, is_meant) {
        (0, true) => 1,
        (0, false) => i64::MAX,
        _ => 0,
    }
}

/// The requirement that a label has one of these values.
pub(crate) fn pinned<'d>(key: &str, domains: impl IntoIterator<Item = &'d Text>) -> Requirements {
    let values = model::requirement::Requirement::one_of(domains.into_iter().cloned());
    [(Text::from(key), values)].into_iter().collect()
}

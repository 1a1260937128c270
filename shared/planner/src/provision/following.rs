//! Who can be bound where they were planned: the scheduler takes one pod after another, and pods that ask for company
//! come only after it, but for the first of a group.

use super::opening::Opening;
use super::waiting::Waiting;
use crate::scheduling::amounts::whole;
use model::name::Text;
use model::pod::Pod;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Pods of one class and lot on one new node: they follow together.
struct Party<'a> {
    class: usize,
    lot: usize,
    bin: usize,
    pods: Vec<&'a Arc<Pod>>,
    is_bound: bool,
}

/// Where a term is counted: in a domain of its label, or on a new node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Domain(Text),
    Bin(usize),
}

/// Pods that are bound by now, by the terms of affinity that mean them.
struct Bound {
    at: BTreeMap<(usize, Spot), i64>,
    total: BTreeMap<usize, i64>,
}

/// Leaves out pods of new nodes whose company comes nowhere before them: those that wait for each other in a ring, or for
/// pods without a place.
pub(super) fn drop_unfollowed<'a>(opening: &mut Opening<'_, 'a>, waiting: &mut Waiting<'a>) {
    let asks_for_any = |asks| waiting.topology.company(asks).next().is_some();
    if !waiting.asks.iter().any(asks_for_any) {
        return;
    }
    let (mut parties, domains) = parties_of(opening);
    let mut bound = Bound::before(opening, waiting, &parties);
    let seeks = |party: &Party<'_>| asks_for_any(&waiting.asks[party.class]);
    // Those who may be the first of a group are, before others that are meant too come elsewhere.
    while bound.follow(waiting, &mut parties, &domains, seeks) {}
    while bound.follow(waiting, &mut parties, &domains, |_| true) {}
    for party in parties.iter().filter(|party| !party.is_bound) {
        let term = waiting.topology.company(&waiting.asks[party.class]).next();
        let (term, _) = term.expect("who asks for no company is bound");
        for pod in &party.pods {
            waiting.drop_placed(pod, party.class, (&opening.lots[party.lot], term));
            opening.dropped.insert(pod.name.clone());
        }
    }
}

/// The pods of new nodes, and for each node the domains that are certain.
fn parties_of<'a>(opening: &Opening<'_, 'a>) -> (Vec<Party<'a>>, Vec<BTreeMap<Text, Text>>) {
    let mut parties: Vec<Party<'a>> = Vec::new();
    let mut domains = Vec::new();
    for (bin, pods) in opening.on_bins().into_iter().enumerate() {
        let mut certain = BTreeMap::new();
        let mut here: BTreeMap<(usize, usize), Vec<&'a Arc<Pod>>> = BTreeMap::new();
        for (pod, class, lot) in pods {
            here.entry((*class, *lot)).or_default().push(pod);
        }
        for ((class, lot), pods) in here {
            let pinned = opening.lots[lot].domains();
            certain.extend(pinned.map(|(key, domain)| (Text::from(key), domain.clone())));
            parties.push(Party { class, lot, bin, pods, is_bound: false });
        }
        domains.push(certain);
    }
    (parties, domains)
}

impl Bound {
    /// Pods that run, or have found room on nodes that are there.
    fn before(opening: &Opening<'_, '_>, waiting: &Waiting<'_>, parties: &[Party<'_>]) -> Self {
        let topology = &waiting.topology;
        let mut bound = Self { at: BTreeMap::new(), total: BTreeMap::new() };
        let terms: BTreeSet<(usize, Option<&Text>)> =
            waiting.asks.iter().flat_map(|asks| topology.company(asks)).collect();
        for (term, key) in terms {
            let mut total = topology.total_in_rooms(term);
            let mut planned: BTreeMap<&Text, i64> = BTreeMap::new();
            let meant = parties.iter().filter(|party| waiting.means(term, party.class));
            for (party, key) in meant.filter_map(|party| Some((party, key?))) {
                let mut pinned = opening.lots[party.lot].domains();
                if let Some((_, domain)) = pinned.find(|(pinned, _)| *pinned == &**key) {
                    let count = whole(party.pods.len());
                    *planned.entry(domain).or_default() += count;
                    total -= count;
                }
            }
            for (domain, meant) in topology.meant(term) {
                let there = meant - planned.get(domain).copied().unwrap_or(0);
                bound.at.insert((term, Spot::Domain(domain.clone())), there);
            }
            bound.total.insert(term, total);
        }
        bound
    }

    /// Binds who can be bound now, of those asked for. Says whether there was anyone.
    fn follow(
        &mut self,
        waiting: &Waiting<'_>,
        parties: &mut [Party<'_>],
        domains: &[BTreeMap<Text, Text>],
        is_asked: impl Fn(&Party<'_>) -> bool,
    ) -> bool {
        let mut any = false;
        for party in parties.iter_mut().filter(|party| !party.is_bound) {
            let spot = |key: Option<&Text>| match key {
                Some(key) => domains[party.bin].get(key).cloned().map(Spot::Domain),
                None => Some(Spot::Bin(party.bin)),
            };
            let topology = &waiting.topology;
            let mut terms = topology.company(&waiting.asks[party.class]);
            let finds = |(term, key): (usize, Option<&Text>)| {
                let there = spot(key).and_then(|spot| self.at.get(&(term, spot)));
                let is_first = self.total[&term] == 0 && waiting.means(term, party.class);
                is_first || there.is_some_and(|count| 0 < *count)
            };
            if !is_asked(party) || !terms.all(finds) {
                continue;
            }
            drop(terms);
            (party.is_bound, any) = (true, true);
            let count = whole(party.pods.len());
            let meaning: Vec<usize> = self.total.keys().copied().collect();
            for term in meaning.into_iter().filter(|term| waiting.means(*term, party.class)) {
                *self.total.entry(term).or_default() += count;
                if let Some(spot) = spot(topology.label(term)) {
                    *self.at.entry((term, spot)).or_default() += count;
                }
            }
        }
        any
    }
}

//! Which domain each pod goes to, for terms over labels of nodes: before packing, so that packing knows of nodes only.
//!
//! One pod after another goes to the best domain in which all its terms hold at that moment, so that there is an order
//! in which the scheduler can follow. Pods that nothing counts are not bound to a domain more than they must be.

use super::terms::Rule;
use super::{Asks, Topology, pinned};
use model::name::Text;
use model::requirement::Requirements;
use std::collections::{BTreeMap, BTreeSet};

/// How good a domain is: the place of the pool that would launch there, then its price level.
pub(crate) type Rank = (usize, i64);

/// What new nodes can be.
pub(crate) trait Offers {
    /// The values of a label that nodes for a class can have within what is pinned, with their ranks; by value.
    fn domains(&mut self, class: usize, pins: &Requirements, key: &str) -> Vec<(Text, Rank)>;
}

/// Pods of a class with the same pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lot {
    /// The class.
    pub(crate) class: usize,
    /// The labels that its node must have for its terms.
    pub(crate) pins: Requirements,
    /// How many pods.
    pub(crate) count: i64,
}

impl Lot {
    /// The labels that are pinned to one value.
    pub(crate) fn domains(&self) -> impl Iterator<Item = (&str, &Text)> {
        self.pins.iter().filter_map(|(key, values)| {
            let listed = values.listed().filter(|listed| listed.len() == 1)?;
            Some((&**key, listed.first()?))
        })
    }
}

/// Pods that found no domain, and the term that kept them.
pub(crate) type Stuck = (usize, usize);

struct Assigner<'t, 'o> {
    topology: &'t mut Topology,
    asks: &'t [Asks],
    offers: &'o mut dyn Offers,
    lots: BTreeMap<(usize, Requirements), i64>,
}

/// Finds domains for so many pods of each class. Returns the lots and what keeps the rest away.
pub(crate) fn assign(
    topology: &mut Topology,
    asks: &[Asks],
    counts: &[i64],
    offers: &mut dyn Offers,
) -> (Vec<Lot>, Vec<Stuck>) {
    let mut left = counts.to_vec();
    let mut assigner = Assigner { topology, asks, offers, lots: BTreeMap::new() };
    // Who has terms goes before whom only the terms of others keep away.
    let waiting = (0..asks.len()).filter(|class| 0 < left[*class]);
    let (own, others): (Vec<usize>, Vec<usize>) =
        waiting.partition(|class| !assigner.keys_of(*class, false).is_empty());
    // Who has the least choice goes first.
    let mut own = own;
    own.sort_by_cached_key(|class| (assigner.choices(*class), *class));
    let mut stuck: BTreeMap<usize, usize> = BTreeMap::new();
    for class in &own {
        assigner.settle(*class, &mut left, &mut stuck);
    }
    for class in &others {
        assigner.settle(*class, &mut left, &mut stuck);
    }
    // A pod that came later may be the neighbour that an earlier one asks for.
    while !stuck.is_empty() {
        let before: i64 = left.iter().sum();
        for class in std::mem::take(&mut stuck).into_keys() {
            assigner.settle(class, &mut left, &mut stuck);
        }
        if left.iter().sum::<i64>() < before {
            continue;
        }
        let bound = stuck.iter().any(|(class, term)| assigner.bind_neighbour(*class, *term, None));
        if !bound {
            break;
        }
    }
    assigner.keep_company(&own);
    let lots = assigner.lots.into_iter().map(|((class, pins), count)| Lot { class, pins, count });
    (lots.filter(|lot| 0 < lot.count).collect(), stuck.into_iter().collect())
}

/// Where one pod goes.
struct Choice {
    pins: Requirements,
    /// Labels with one value.
    domains: Vec<(Text, Text)>,
    /// How many more may follow at once.
    most: i64,
}

impl Assigner<'_, '_> {
    /// The labels over which a class has terms, or else is kept away by those of others.
    fn keys_of(&self, class: usize, with_others: bool) -> BTreeSet<Text> {
        let asks = &self.asks[class];
        let others = asks.repelled.iter().filter(|_| with_others);
        let terms =
            asks.terms.iter().chain(others).map(|term| &self.topology.terms.numbered.all[*term]);
        terms.filter(|term| !term.is_by_node()).map(|term| term.key.clone()).collect()
    }

    fn settle(&mut self, class: usize, left: &mut [i64], stuck: &mut BTreeMap<usize, usize>) {
        let keys: Vec<Text> = self.keys_of(class, true).into_iter().collect();
        while 0 < left[class] {
            match self.choose(class, &keys, Requirements::none()) {
                Ok(choice) => {
                    let count = choice.most.min(left[class]);
                    self.take(class, choice, count);
                    left[class] -= count;
                }
                Err(term) => {
                    stuck.insert(class, term);
                    return;
                }
            }
        }
    }

    fn take(&mut self, class: usize, choice: Choice, count: i64) {
        for (key, domain) in &choice.domains {
            self.topology.count_in(&self.asks[class], count, key, domain);
        }
        *self.lots.entry((class, choice.pins)).or_default() += count;
    }

    /// The best domains for the next pod of a class, label by label; a label without a way on is tried elsewhere.
    fn choose(&mut self, class: usize, keys: &[Text], pins: Requirements) -> Result<Choice, usize> {
        let Some((key, rest)) = keys.split_first() else {
            return Ok(Choice { pins, domains: Vec::new(), most: i64::MAX });
        };
        let offered = self.offered(class, &pins, key);
        let is_apart = |term: usize| self.topology.is_apart(term);
        if offered.is_empty() && self.topology.over(&self.asks[class], key).all(is_apart) {
            // Nodes without the label are in no domain.
            return self.choose(class, rest, pins);
        }
        let must_be_known = self.topology.must_know_domain(&self.asks[class], key);
        let mut legal: Vec<((Rank, i64, Text), i64)> = Vec::new();
        let mut kept_by = None;
        for (domain, rank) in &offered {
            match self.topology.most_for(&self.asks[class], key, domain) {
                Ok(most) => {
                    let present = self.topology.present(&self.asks[class], key, domain);
                    legal.push(((*rank, present, domain.clone()), most));
                }
                Err(term) => kept_by = Some(term),
            }
        }
        legal.sort();
        if !must_be_known {
            if legal.is_empty() {
                return Err(kept_by.unwrap_or_else(|| self.first_term(class, key)));
            }
            let mut all = pins;
            if let [((_, _, domain), most)] = &legal[..] {
                all.require_all(&pinned(key, [domain]));
                let mut choice = self.choose(class, rest, all)?;
                choice.most = choice.most.min(*most);
                choice.domains.push((key.clone(), domain.clone()));
                return Ok(choice);
            }
            if legal.len() < offered.len() {
                all.require_all(&pinned(key, legal.iter().map(|((_, _, domain), _)| domain)));
            }
            return self.choose(class, rest, all);
        }
        // Where equally good domains stay, the pods alternate.
        let alternates = 1 < legal.len() && self.topology.spreads(&self.asks[class], key);
        for ((_, _, domain), most) in legal {
            let mut all = pins.clone();
            all.require_all(&pinned(key, [&domain]));
            match self.choose(class, rest, all) {
                Ok(mut choice) => {
                    choice.most = choice.most.min(if alternates { 1 } else { most });
                    choice.domains.push((key.clone(), domain));
                    return Ok(choice);
                }
                Err(term) => kept_by = Some(term),
            }
        }
        Err(kept_by.unwrap_or_else(|| self.first_term(class, key)))
    }

    /// The domains that new nodes for a class can have; for the first of a group that must be together, those that nodes
    /// for all of the group can have.
    fn offered(&mut self, class: usize, pins: &Requirements, key: &str) -> Vec<(Text, Rank)> {
        let mut offered = self.offers.domains(class, pins, key);
        let asks = &self.asks[class];
        let mut terms = self.topology.over(asks, key);
        let Some(term) = terms.find(|term| self.topology.begins(*term, asks)) else {
            return offered;
        };
        drop(terms);
        for other in (0..self.asks.len()).filter(|other| *other != class) {
            if !self.asks[other].terms.contains(&term) {
                continue;
            }
            let theirs = self.offers.domains(other, &Requirements::none(), key);
            let has =
                |(domain, _): &(Text, Rank)| theirs.iter().any(|(theirs, _)| theirs == domain);
            if offered.iter().any(has) {
                offered.retain(has);
            }
        }
        offered
    }

    fn first_term(&self, class: usize, key: &str) -> usize {
        let asks = &self.asks[class];
        let mut all = asks.terms.iter().chain(&asks.repelled).copied();
        let is_over = |term: &usize| &*self.topology.terms.numbered.all[*term].key == key;
        all.find(is_over).expect("a label is looked at for a term over it")
    }

    /// How many domains a class can choose from, over all its labels.
    fn choices(&mut self, class: usize) -> usize {
        let keys = self.keys_of(class, false);
        keys.iter().map(|key| self.offers.domains(class, &Requirements::none(), key).len()).sum()
    }

    /// Gives those who are alone in their domain, although others are meant, one of them as a neighbour: whoever comes
    /// first, both then stay together.
    fn keep_company(&mut self, classes: &[usize]) {
        for class in classes {
            for term in self.asks[*class].terms.clone() {
                let is_together = self.topology.terms.numbered.all[term].rule == Rule::Together;
                let meant = &self.topology.tallies[term].meant;
                let alone = meant.iter().find(|(_, count)| **count == 1).filter(|_| is_together);
                if let Some(domain) = alone.map(|(domain, _)| domain.clone()) {
                    self.bind_neighbour(*class, term, Some(&domain));
                }
            }
        }
    }

    /// Binds one pod that a stuck class asks for, and that could go anywhere, to a domain in which both can be.
    fn bind_neighbour(&mut self, class: usize, term: usize, domain: Option<&Text>) -> bool {
        let it = self.topology.terms.numbered.all[term].clone();
        if it.rule != Rule::Together || it.is_by_node() {
            return false;
        }
        let free = self.lots.iter().find_map(|((other, pins), count)| {
            let is_free = 0 < *count
                && pins.get(&it.key).is_none_or(|p| p.listed().is_none_or(|l| 1 < l.len()));
            let is_meant = *other != class && self.topology.means(term, self.asks[*other].ties);
            (is_free && is_meant).then(|| (*other, pins.clone()))
        });
        let Some((other, pins)) = free else { return false };
        let mine: BTreeSet<Text> = self
            .offers
            .domains(class, &Requirements::none(), &it.key)
            .into_iter()
            .map(|(domain, _)| domain)
            .collect();
        let theirs = self.offers.domains(other, &pins, &it.key);
        let both = theirs.into_iter().filter(|(theirs, _)| {
            mine.contains(theirs) && domain.is_none_or(|domain| domain == theirs)
        });
        let Some((domain, _)) = both.min_by(|(a, x), (b, y)| (x, a).cmp(&(y, b))) else {
            return false;
        };
        *self.lots.get_mut(&(other, pins.clone())).expect("it was just found") -= 1;
        let mut all = pins;
        all.require_all(&pinned(&it.key, [&domain]));
        self.topology.count_in(&self.asks[other], 1, &it.key, &domain);
        *self.lots.entry((other, all)).or_default() += 1;
        true
    }
}

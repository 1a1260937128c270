//! Terms over labels: what may go to a domain, and what is counted there.

use super::terms::Rule;
use super::{Asks, Topology};
use model::name::Text;
use std::collections::{BTreeMap, BTreeSet};

impl Topology {
    /// Adds domains that new nodes for these pods can have to those that their spreads count.
    pub(crate) fn enter_domains(&mut self, asks: &Asks, key: &str, domains: &[Text]) {
        for number in &asks.terms {
            let term = &self.terms.numbered.all[*number];
            if *term.key == *key && matches!(term.rule, Rule::Spread { .. }) {
                self.tallies[*number].domains.extend(domains.iter().cloned());
            }
        }
    }

    /// Whether all of these pods' spreads over a label count only nodes whose taints they tolerate.
    pub(crate) fn honors_taints(&self, asks: &Asks, key: &str) -> bool {
        self.over(asks, key).all(|term| match &self.terms.numbered.all[term].rule {
            Rule::Spread { eligible, .. } => eligible.honors_taints(),
            Rule::Together | Rule::Apart { .. } => true,
        })
    }

    /// Whether all of these pods' spreads over a label count only nodes whose labels they ask for.
    pub(crate) fn honors_affinity(&self, asks: &Asks, key: &str) -> bool {
        self.over(asks, key).all(|term| match &self.terms.numbered.all[term].rule {
            Rule::Spread { eligible, .. } => eligible.honors_affinity(),
            Rule::Together | Rule::Apart { .. } => true,
        })
    }

    /// The labels over which these pods are spread.
    pub(crate) fn spread_keys(&self, asks: &Asks) -> BTreeSet<Text> {
        let terms = asks.terms.iter().map(|term| &self.terms.numbered.all[*term]);
        let spreads = terms.filter(|t| !t.is_by_node() && matches!(t.rule, Rule::Spread { .. }));
        spreads.map(|term| term.key.clone()).collect()
    }

    pub(super) fn over<'s>(
        &'s self,
        asks: &'s Asks,
        key: &'s str,
    ) -> impl Iterator<Item = usize> + 's {
        asks.terms.iter().copied().filter(move |term| &*self.terms.numbered.all[*term].key == key)
    }

    /// A spread of these pods over a label that a domain breaks, as things are counted now.
    pub(crate) fn uneven(&self, asks: &Asks, key: &str, domain: &str) -> Option<usize> {
        self.over(asks, key).find(|term| match &self.terms.numbered.all[*term].rule {
            Rule::Spread { max_skew, min_domains, .. } => {
                let tally = &self.tallies[*term];
                let meant = self.meant_in(*term, domain);
                let least = tally.least(*min_domains, domain);
                self.means(*term, asks.ties) && least + max_skew < meant
            }
            Rule::Together | Rule::Apart { .. } => false,
        })
    }

    /// A term of these pods that asks for a neighbour in a domain that has none but one of themselves.
    pub(crate) fn lonely(&self, asks: &Asks, key: &str, domain: &str) -> Option<usize> {
        self.over(asks, key).find(|term| {
            let own = i64::from(self.means(*term, asks.ties));
            let meant = self.meant_in(*term, domain);
            self.terms.numbered.all[*term].rule == Rule::Together && meant - own <= 0
        })
    }

    /// These pods' terms that ask for company, each with its label; none where each node is a domain.
    pub(crate) fn company<'s>(
        &'s self,
        asks: &'s Asks,
    ) -> impl Iterator<Item = (usize, Option<&'s Text>)> + 's {
        asks.terms.iter().filter_map(|number| {
            let is_it = self.terms.numbered.all[*number].rule == Rule::Together;
            is_it.then(|| (*number, self.label(*number)))
        })
    }

    /// The label of a term; none where each node is a domain.
    pub(crate) fn label(&self, number: usize) -> Option<&Text> {
        let term = &self.terms.numbered.all[number];
        (!term.is_by_node()).then_some(&term.key)
    }

    /// How many pods a term means in each domain of its label.
    pub(crate) fn meant(&self, number: usize) -> &BTreeMap<Text, i64> {
        &self.tallies[number].meant
    }

    pub(super) fn is_apart(&self, term: usize) -> bool {
        matches!(self.terms.numbered.all[term].rule, Rule::Apart { .. })
    }

    /// Whether these pods would be the first of a group that must be together.
    pub(super) fn begins(&self, term: usize, asks: &Asks) -> bool {
        self.terms.numbered.all[term].rule == Rule::Together
            && self.total(term) == 0
            && self.means(term, asks.ties)
    }

    /// Whether what these pods do in a domain is counted by their own terms.
    pub(super) fn must_know_domain(&self, asks: &Asks, key: &str) -> bool {
        let is_over = |term: &usize| &*self.terms.numbered.all[*term].key == key;
        self.over(asks, key).any(|term| self.is_apart(term) || self.means(term, asks.ties))
            || asks.repelled.iter().any(is_over)
    }

    pub(super) fn spreads(&self, asks: &Asks, key: &str) -> bool {
        self.over(asks, key)
            .any(|term| matches!(self.terms.numbered.all[term].rule, Rule::Spread { .. }))
    }

    /// How many pods may go to a domain now, at least one, or the term that keeps them away.
    pub(super) fn most_for(&self, asks: &Asks, key: &str, domain: &str) -> Result<i64, usize> {
        let ties = self.ties(asks.ties);
        let mut most = i64::MAX;
        for term in self.over(asks, key) {
            match self.most_in(ties, term, Some(domain)) {
                0 => return Err(term),
                by_term => most = most.min(by_term),
            }
        }
        let is_over = |term: &&usize| &*self.terms.numbered.all[**term].key == key;
        let mut repelled = asks.repelled.iter().filter(is_over);
        match repelled.find(|term| self.is_kept_out(**term, domain)) {
            Some(term) => Err(*term),
            None => Ok(most),
        }
    }

    /// How many pods of these pods' spreads a domain has.
    pub(super) fn present(&self, asks: &Asks, key: &str, domain: &str) -> i64 {
        let counts = self.over(asks, key).filter_map(|term| {
            let is_spread = matches!(self.terms.numbered.all[term].rule, Rule::Spread { .. });
            self.tallies[term].meant.get(domain).filter(|_| is_spread)
        });
        counts.sum()
    }

    /// Counts pods that go to a domain of a label.
    pub(crate) fn count_in(&mut self, asks: &Asks, count: i64, key: &str, domain: &Text) {
        let ties = &self.ties.all[asks.ties];
        for selection in &ties.counted {
            for number in &self.of_selection[*selection] {
                if *self.terms.numbered.all[*number].key == *key {
                    let tally = &mut self.tallies[*number];
                    tally.total += count;
                    *tally.meant.entry(domain.clone()).or_default() += count;
                }
            }
        }
        for number in &asks.terms {
            let term = &self.terms.numbered.all[*number];
            if matches!(term.rule, Rule::Apart { .. }) && *term.key == *key {
                *self.tallies[*number].having.entry(domain.clone()).or_default() += count;
            }
        }
    }
}

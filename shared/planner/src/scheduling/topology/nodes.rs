//! Terms over nodes: what each node's pods are to those that may come.

use super::terms::Rule;
use super::{Asks, Topology};
use std::collections::BTreeMap;

/// The pods of one node, by the terms over nodes that mean them or that they have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Local(pub(super) BTreeMap<usize, Neighbours>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Neighbours {
    /// Pods that the term's selection means.
    pub(super) meant: i64,
    /// Pods that have the term.
    pub(super) having: i64,
}

/// What a class is to a term over nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Role {
    /// The term.
    pub(crate) term: usize,
    /// How many of those that the term means a node may have, if one has the term.
    pub(crate) most: i64,
    /// Whether it keeps apart, and does not merely spread.
    pub(crate) apart: bool,
    /// Whether the class has the term.
    pub(crate) has: bool,
    /// Whether the term means the class.
    pub(crate) is_meant: bool,
}

impl Topology {
    /// How many pods that ask this may go onto a node, at most `most`, as far as terms over nodes are concerned.
    pub(crate) fn most_beside(&self, asks: &Asks, local: &Local, most: i64) -> i64 {
        let ties = &self.ties.all[asks.ties];
        let over_nodes = |term: &&usize| self.terms.numbered.all[**term].is_by_node();
        let by_term = asks.terms.iter().filter(over_nodes);
        let most = by_term.fold(most, |most, term| most.min(self.most_on_node(ties, *term, local)));
        let mut repelled = asks.repelled.iter().filter(over_nodes);
        let repels = |term: &usize| local.0.get(term).is_some_and(|beside| 0 < beside.having);
        if repelled.any(repels) { 0 } else { most }
    }

    pub(super) fn most_on_node(&self, ties: &super::Ties, number: usize, local: &Local) -> i64 {
        let term = &self.terms.numbered.all[number];
        let is_meant = ties.counted.contains(&term.selection);
        let beside = local.0.get(&number).copied().unwrap_or_default();
        match &term.rule {
            // A node that is not there yet would be the emptiest one.
            Rule::Spread { max_skew, .. } => super::spare(max_skew - beside.meant, is_meant),
            Rule::Together => super::together(beside.meant, is_meant, self.total(number)),
            Rule::Apart { .. } => super::apart(beside.meant, is_meant),
        }
    }

    /// The pods that are on a node, as far as terms over nodes look at them.
    pub(crate) fn roles(&self, asks: &Asks) -> Vec<Role> {
        let ties = &self.ties.all[asks.ties];
        let mut roles = Vec::new();
        for number in &asks.terms {
            let term = &self.terms.numbered.all[*number];
            if !term.is_by_node() {
                continue;
            }
            let is_meant = ties.counted.contains(&term.selection);
            match &term.rule {
                Rule::Spread { max_skew, .. } if is_meant => {
                    roles.push(Role {
                        term: *number,
                        most: *max_skew,
                        apart: false,
                        has: true,
                        is_meant,
                    });
                }
                Rule::Apart { .. } => {
                    roles.push(Role { term: *number, most: 1, apart: true, has: true, is_meant });
                }
                Rule::Spread { .. } | Rule::Together => {}
            }
        }
        for number in &asks.repelled {
            let is_by_node = self.terms.numbered.all[*number].is_by_node();
            if is_by_node && !asks.terms.contains(number) {
                roles.push(Role {
                    term: *number,
                    most: 0,
                    apart: true,
                    has: false,
                    is_meant: true,
                });
            }
        }
        roles.sort_unstable();
        roles
    }

    /// The first term over nodes that asks for a neighbour on the same node.
    pub(crate) fn together_on_node(&self, asks: &Asks) -> Option<usize> {
        let of = |number: &usize| &self.terms.numbered.all[*number];
        let is_it = |number: &&usize| of(number).rule == Rule::Together && of(number).is_by_node();
        asks.terms.iter().find(is_it).copied()
    }

    /// Whether these pods ask for a neighbour on their node, and none is there anywhere.
    pub(crate) fn begins_on_node(&self, asks: &Asks) -> bool {
        self.together_on_node(asks).is_some_and(|term| self.total(term) == 0)
    }

    /// Says that pods that a term over nodes means have their place on a new node.
    pub(crate) fn note_together(&mut self, number: usize) {
        self.tallies[number].noted += 1;
    }
}

impl Local {
    /// How many pods with these roles may come, at most `most`.
    pub(crate) fn most(&self, roles: &[Role], most: i64) -> i64 {
        roles.iter().fold(most, |most, role| {
            let there = self.0.get(&role.term).copied().unwrap_or_default();
            most.min(beside(role, (there.meant, there.having)))
        })
    }

    /// Takes so many pods with these roles.
    pub(crate) fn add(&mut self, roles: &[Role], count: i64) {
        for role in roles {
            let beside = self.0.entry(role.term).or_default();
            beside.meant += if role.is_meant { count } else { 0 };
            beside.having += if role.has { count } else { 0 };
        }
    }
}

/// How many pods with a role may come onto a node, by its term alone: so many are there that the term means, and that have it.
///
/// Of a spread only pods that have it are counted: the others may come when those are there.
pub(crate) fn beside(role: &Role, (meant, having): (i64, i64)) -> i64 {
    let (some_meant, some_having) = (0 < meant, 0 < having);
    let most = match (role.apart, role.has, role.is_meant) {
        (false, ..) => role.most - meant,
        (true, true, true) if !some_meant && !some_having => 1,
        (true, true, false) if !some_meant => i64::MAX,
        (true, false, _) if !some_having => i64::MAX,
        (true, ..) => 0,
    };
    most.max(0)
}

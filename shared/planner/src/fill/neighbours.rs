//! Who is on one node, as far as terms over nodes look at them: `topology::Local` for one node at a time, without a map.

use crate::scheduling::topology::{Role, beside};

/// The pods of the node that is being filled.
pub(super) struct Neighbours {
    /// For each term, the pods that it means and those that have it.
    counts: Vec<(i64, i64)>,
    touched: Vec<usize>,
}

impl Neighbours {
    /// Nobody; so many terms.
    pub(super) fn new(terms: usize) -> Self {
        Self { counts: vec![(0, 0); terms], touched: Vec::new() }
    }

    /// Empties the node.
    pub(super) fn clear(&mut self) {
        for term in self.touched.drain(..) {
            self.counts[term] = (0, 0);
        }
    }

    /// How many pods with these roles may come, at most `most`.
    pub(super) fn most(&self, roles: &[Role], most: i64) -> i64 {
        roles.iter().fold(most, |most, role| most.min(beside(role, self.counts[role.term])))
    }

    /// Takes so many pods with these roles.
    pub(super) fn add(&mut self, roles: &[Role], count: i64) {
        for role in roles {
            let (meant, having) = &mut self.counts[role.term];
            *meant += if role.is_meant { count } else { 0 };
            *having += if role.has { count } else { 0 };
            self.touched.push(role.term);
        }
    }
}

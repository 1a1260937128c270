//! The linear programme, in the form that the solver takes.
//!
//! Each row is a number of pods that may be split among stalls at will, and counts as one. A node of a stall is full when
//! any of its measures is: a resource, or a group of which a node takes so many. The programme asks for the cheapest
//! nodes that take all rows; its dual for the most that the rows can be worth, if what a node holds by any
//! weighting of its measures is worth no more than the node costs.

/// What is to be solved.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    /// What leaving a row out costs, and so the most that it can be worth; above zero.
    pub(super) most: Vec<f64>,
    /// The kinds of nodes.
    pub(super) stalls: Vec<Stall>,
    /// How many limits there are. What all nodes use of one may come to 1.
    pub(super) limits: usize,
}

/// A kind of nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Stall {
    /// What one costs.
    pub(super) price: f64,
    /// The rows it takes, ascending.
    pub(super) rows: Vec<usize>,
    /// How many measures there are.
    pub(super) measures: usize,
    /// How many nodes the whole of a row fills by a measure: for one measure after the other, all rows.
    pub(super) weights: Vec<f64>,
    /// Limits, ascending, and how much one node uses of each.
    pub(super) uses: Vec<(usize, f64)>,
}

impl Stall {
    /// How many nodes the whole of each row fills by this measure.
    pub(super) fn weights(&self, measure: usize) -> &[f64] {
        &self.weights[measure * self.rows.len()..][..self.rows.len()]
    }
}

/// A solution, near enough.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    /// For each stall, what a whole node of it is worth by each measure.
    pub(super) values: Vec<Vec<f64>>,
    /// What each limit is worth.
    pub(super) limits: Vec<f64>,
    /// How many nodes of each stall.
    pub(super) nodes: Vec<f64>,
    /// For each stall, which part of each of its rows is on it.
    pub(super) parts: Vec<Vec<f64>>,
    /// What all rows are worth, less the limits.
    pub(super) value: f64,
}

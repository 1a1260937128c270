//! The linear programme, in the form that the solver takes.
//!
//! Each row is a number of pods that may be split among stalls at will, and counts as one. A node of a stall is full when
//! any of its measures is: a resource, or a group of which a node takes so many. The programme asks for the cheapest
//! nodes that take all rows; its dual for the most that the rows can be worth, if what a node holds by any
//! weighting of its measures is worth no more than the node costs.

use super::dense::{add, dot};
use std::ops::Range;

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
    /// What can be full.
    pub(super) measures: Vec<Measure>,
    /// Limits, ascending, and how much one node uses of each.
    pub(super) uses: Vec<(usize, f64)>,
}

/// How many nodes the whole of each of a stall's rows fills by a measure.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    /// The first row that fills any.
    first: usize,
    /// For it and those that follow, up to the last one that fills any.
    weights: Vec<f64>,
}

impl Measure {
    /// By these weights of all rows; none where no row fills any.
    pub(super) fn new(mut weights: Vec<f64>) -> Option<Self> {
        let first = weights.iter().position(|weight| *weight != 0.0)?;
        let last = weights.iter().rposition(|weight| *weight != 0.0)?;
        weights.truncate(last + 1);
        weights.drain(..first);
        Some(Self { first, weights })
    }

    /// Its row and weight, if it is one row's only.
    pub(super) fn lone(&self) -> Option<(usize, f64)> {
        match self.weights[..] {
            [weight] => Some((self.first, weight)),
            _ => None,
        }
    }

    /// The weight of a row.
    pub(super) fn of(&self, row: usize) -> f64 {
        let weight = row.checked_sub(self.first).and_then(|at| self.weights.get(at));
        weight.copied().unwrap_or(0.0)
    }

    /// The rows from the first to the last that fill some, and their weights.
    pub(super) fn reach(&self) -> (Range<usize>, &[f64]) {
        (self.first..self.first + self.weights.len(), &self.weights)
    }

    /// The sum over all rows of weight times number.
    pub(super) fn dot(&self, numbers: &[f64]) -> f64 {
        dot(&self.weights, &numbers[self.first..])
    }

    /// Adds so many times each row's weight.
    pub(super) fn add(&self, to: &mut [f64], times: f64) {
        add(&mut to[self.first..], times, &self.weights);
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

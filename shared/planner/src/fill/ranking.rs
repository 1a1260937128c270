//! Which kinds of nodes promise most worth for their cost.

use super::filler::Filler;
use super::float;
use crate::bound::cover;

/// Weights of a node of which every resource has one: none is quite nothing, so that room always counts.
const LEAST: f64 = 1e-4;

impl Filler<'_, '_> {
    /// The worth that a node of a kind could hold at most for its cost. Where pods are kept apart on nodes, what one way
    /// of filling it finds instead: fractions of pods know nothing of that.
    pub(super) fn promise(&mut self, kind: usize) -> f64 {
        let stand = &self.frame.kinds[kind];
        let waits = |row: &&usize| 0 < self.left[**row];
        let is_capped = stand.fits.iter().filter(waits).any(|row| self.frame.is_capped[*row]);
        let worth = if is_capped { self.free_fill(kind) } else { self.fluid(kind) };
        worth / self.frame.kinds[kind].cost
    }

    /// The most that fractions of pods on one node can be worth; sets the kind's weights to those that prove it.
    pub(super) fn fluid(&mut self, kind: usize) -> f64 {
        let stand = &self.frame.kinds[kind];
        let rows: Vec<usize> =
            stand.fits.iter().copied().filter(|row| 0 < self.left[*row]).collect();
        self.effort += rows.len() as u64;
        let mut measures = Vec::with_capacity(self.frame.measures);
        let mut shares = Vec::with_capacity(rows.len() * self.frame.measures);
        for (measure, room) in stand.room.iter().enumerate() {
            let asked = |row: &usize| self.frame.requests(*row)[measure];
            if rows.iter().any(|row| 0 < asked(row)) {
                measures.push(measure);
                shares.extend(rows.iter().map(|row| float(asked(row)) / float((*room).max(1))));
            }
        }
        let targets: Vec<f64> = rows.iter().map(|row| self.worths[*row]).collect();
        let values = cover(&shares, measures.len(), targets);
        let total: f64 = values.iter().sum();
        let weights = &mut self.weights[kind];
        for (weight, room) in weights.iter_mut().zip(&stand.room) {
            *weight = LEAST / float((*room).max(1));
        }
        for (measure, value) in measures.iter().zip(&values) {
            let room = float(stand.room[*measure].max(1));
            weights[*measure] = (value / total.max(f64::MIN_POSITIVE)).max(LEAST) / room;
        }
        total
    }
}

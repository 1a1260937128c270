//! The least that a node must be worth when its pods have given worths.
//!
//! What we look for is the dual of filling one node, in fractions of pods, with as much worth as fits. That has a handful
//! of inequalities (the measures) and a variable for each row, and is solved by the simplex method with the
//! inverse of the basis written out.

use super::gauge::Gauge;

/// What is gained in one step is at least this part of what there is.
const GAIN: f64 = 1e-6;
/// What is smaller than this is zero.
const ZERO: f64 = 1e-9;

/// Values of a whole node by each measure, so that every pod is worth its target by what it takes: nearly of
/// the least sum, but none too low. The targets are by row of the field.
pub(super) fn cover(gauge: &Gauge<'_>, targets: &[f64]) -> Vec<f64> {
    let mut tableau = Tableau::new(gauge, targets);
    // Each step brings in a row or throws out an unused part; a few for each measure are enough.
    for _ in 0..8 * tableau.size + 8 {
        if !tableau.step() {
            break;
        }
    }
    tableau.finish()
}

struct Tableau<'g, 'k> {
    gauge: &'g Gauge<'k>,
    /// What a pod is worth, by row of the gauge.
    targets: Vec<f64>,
    /// How many measures.
    size: usize,
    /// Of the basis: a row for each variable in it.
    inverse: Vec<f64>,
    /// How much of each variable in the basis there is.
    amounts: Vec<f64>,
    /// What one of it is worth.
    worths: Vec<f64>,
    values: Vec<f64>,
}

/// What comes into the basis.
enum Entering {
    /// Pods of a row.
    Row(usize),
    /// The unused part of a measure.
    Unused(usize),
}

impl<'g, 'k> Tableau<'g, 'k> {
    /// An empty node.
    fn new(gauge: &'g Gauge<'k>, targets: &[f64]) -> Self {
        let size = gauge.measures.len();
        let mut inverse = vec![0.0; size * size];
        for at in 0..size {
            inverse[at * size + at] = 1.0;
        }
        let targets = gauge.rows.iter().map(|row| targets[*row]).collect();
        let (amounts, nothing) = (vec![1.0; size], vec![0.0; size]);
        Self { gauge, targets, size, inverse, amounts, worths: nothing.clone(), values: nothing }
    }

    /// Brings what is worth most into the node. False if nothing gains.
    fn step(&mut self) -> bool {
        let Some(entering) = self.entering() else { return false };
        let size = self.size;
        let column: Vec<f64> = (self.inverse.chunks_exact(size))
            .map(|row| match entering {
                Entering::Row(n) => (0..size).map(|m| row[m] * self.gauge.share(m, n)).sum(),
                Entering::Unused(m) => row[m],
            })
            .collect();
        let until = |at: &usize| self.amounts[*at].max(0.0) / column[*at];
        let growing = (0..size).filter(|at| ZERO < column[*at]);
        let Some(leaving) = growing.min_by(|a, b| until(a).total_cmp(&until(b))) else {
            return false;
        };
        let amount = until(&leaving);
        let pivot: Vec<f64> =
            self.inverse[leaving * size..][..size].iter().map(|n| n / column[leaving]).collect();
        for (at, share) in column.iter().enumerate().take(size) {
            self.amounts[at] -= amount * share;
            for (number, by) in self.inverse[at * size..][..size].iter_mut().zip(&pivot) {
                *number -= share * by;
            }
        }
        self.inverse[leaving * size..][..size].copy_from_slice(&pivot);
        self.amounts[leaving] = amount;
        self.worths[leaving] = match entering {
            Entering::Row(n) => self.targets[n],
            Entering::Unused(_) => 0.0,
        };
        self.values.fill(0.0);
        for (worth, row) in self.worths.iter().zip(self.inverse.chunks_exact(size)) {
            super::dense::add(&mut self.values, *worth, row);
        }
        true
    }

    fn entering(&self) -> Option<Entering> {
        let least = (0..self.size).min_by(|a, b| self.values[*a].total_cmp(&self.values[*b]))?;
        if self.values[least] < -ZERO {
            return Some(Entering::Unused(least));
        }
        let len = self.targets.len();
        let mut missing = self.targets.clone();
        let mut fill = vec![0.0_f64; len];
        for (value, shares) in self.values.iter().zip(self.gauge.shares.chunks_exact(len)) {
            for ((missing, fill), share) in missing.iter_mut().zip(&mut fill).zip(shares) {
                *missing -= value * share;
                *fill = fill.max(*share);
            }
        }
        // A whole node of it would gain so much.
        let gain = |n: &usize| if 0.0 < fill[*n] { missing[*n] / fill[*n] } else { 0.0 };
        let best = (0..len).max_by(|a, b| gain(a).total_cmp(&gain(b)))?;
        let total: f64 = self.values.iter().sum();
        (GAIN * total < gain(&best)).then_some(Entering::Row(best))
    }

    /// Raises all values until no pod is short of its target.
    fn finish(mut self) -> Vec<f64> {
        for value in &mut self.values {
            *value = value.max(0.0);
        }
        let len = self.targets.len();
        let mut worths = vec![0.0; len];
        let mut sums = vec![0.0; len];
        for (value, shares) in self.values.iter().zip(self.gauge.shares.chunks_exact(len.max(1))) {
            super::dense::add(&mut worths, *value, shares);
            super::dense::add(&mut sums, 1.0, shares);
        }
        let positive = || self.targets.iter().enumerate().filter(|(_, target)| 0.0 < **target);
        let times = positive().map(|(n, target)| target / worths[n]).fold(1.0, f64::max);
        if times.is_finite() {
            return self.values.iter().map(|value| value * times).collect();
        }
        // The search went wrong somewhere: the same value for every measure covers all as well.
        let even = positive().map(|(n, target)| target / sums[n]).fold(0.0, f64::max);
        vec![even; self.size]
    }
}

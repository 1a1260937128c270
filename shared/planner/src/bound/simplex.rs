//! The least that a node must be worth when its pods have given worths.
//!
//! What we look for is the dual of filling one node, in fractions of pods, with as much worth as fits. That has a handful
//! of inequalities (the measures) and a variable for each row, and is solved by the simplex method with the
//! inverse of the basis written out.

/// What is gained in one step is at least this part of what there is.
const GAIN: f64 = 1e-6;
/// What is smaller than this is zero.
const ZERO: f64 = 1e-9;

/// Values of a whole node by each of `size` measures, so that every pod is worth its target by what it takes: nearly of
/// the least sum, but none too low. `shares` says which part of a node one pod takes: for one measure after the other,
/// all pods that have targets.
pub(crate) fn cover(shares: &[f64], size: usize, targets: Vec<f64>) -> Vec<f64> {
    let mut tableau = Tableau::new(shares, size, targets);
    // Each step brings in a row or throws out an unused part; a few for each measure are enough.
    for _ in 0..8 * tableau.size + 8 {
        if !tableau.step() {
            break;
        }
    }
    tableau.finish()
}

struct Tableau<'s> {
    shares: &'s [f64],
    /// How many measures.
    size: usize,
    /// What a pod is worth.
    targets: Vec<f64>,
    /// The largest share of each pod.
    fills: Vec<f64>,
    /// What each pod's target lacks at the present values.
    missing: Vec<f64>,
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

impl<'s> Tableau<'s> {
    /// An empty node.
    fn new(shares: &'s [f64], size: usize, targets: Vec<f64>) -> Self {
        let mut inverse = vec![0.0; size * size];
        for at in 0..size {
            inverse[at * size + at] = 1.0;
        }
        let mut fills = vec![0.0_f64; targets.len()];
        for measure in shares.chunks_exact(targets.len().max(1)) {
            for (fill, share) in fills.iter_mut().zip(measure) {
                *fill = fill.max(*share);
            }
        }
        let (amounts, nothing) = (vec![1.0; size], vec![0.0; size]);
        let (missing, worths) = (targets.clone(), nothing.clone());
        Self { shares, size, targets, fills, missing, inverse, amounts, worths, values: nothing }
    }

    fn share(&self, measure: usize, row: usize) -> f64 {
        self.shares[measure * self.targets.len() + row]
    }

    /// Brings what is worth most into the node. False if nothing gains.
    fn step(&mut self) -> bool {
        let Some(entering) = self.entering() else { return false };
        let size = self.size;
        let column: Vec<f64> = (self.inverse.chunks_exact(size))
            .map(|row| match entering {
                Entering::Row(n) => (0..size).map(|m| row[m] * self.share(m, n)).sum(),
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

    fn entering(&mut self) -> Option<Entering> {
        let least = (0..self.size).min_by(|a, b| self.values[*a].total_cmp(&self.values[*b]))?;
        if self.values[least] < -ZERO {
            return Some(Entering::Unused(least));
        }
        self.missing.copy_from_slice(&self.targets);
        for (value, shares) in self.values.iter().zip(self.shares.chunks_exact(self.targets.len()))
        {
            super::dense::add(&mut self.missing, -value, shares);
        }
        // A whole node of it would gain so much.
        let mut best = (GAIN * self.values.iter().sum::<f64>(), None);
        for (row, (missing, fill)) in self.missing.iter().zip(&self.fills).enumerate() {
            if 0.0 < *fill && best.0 * fill < *missing {
                best = (missing / fill, Some(row));
            }
        }
        best.1.map(Entering::Row)
    }

    /// Raises values until no pod is short of its target: those that the steps held for too little to be looked at.
    fn finish(mut self) -> Vec<f64> {
        for value in &mut self.values {
            *value = value.max(0.0);
        }
        for row in 0..self.targets.len() {
            let pairs = self.values.iter().enumerate();
            let worth: f64 = pairs.map(|(m, value)| value * self.share(m, row)).sum();
            let short = self.targets[row] - worth;
            let by_share =
                |a: &usize, b: &usize| self.share(*a, row).total_cmp(&self.share(*b, row));
            if 0.0 < short
                && let Some(most) = (0..self.size).max_by(by_share)
            {
                // Without a share nothing covers it, and so the value becomes infinite.
                self.values[most] += short / self.share(most, row);
            }
        }
        self.values
    }
}

//! Weights, and what rows and nodes come to by them.

use super::field::{Field, Kind};

/// What a unit of each resource of a node is worth, and its place for a pod of each active group; none is negative.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Weights {
    pub(super) resources: Vec<f64>,
    pub(super) groups: Vec<f64>,
}

/// The groups that weights are put on; other groups are not heeded.
#[derive(Clone, Default)]
pub(super) struct Active {
    /// Which of the field's.
    pub(super) groups: Vec<usize>,
    /// For each row its places among them.
    pub(super) of: Vec<Vec<usize>>,
}

/// What share of a kind of nodes a pod of each row takes, by each measure of which any of them takes some.
pub(super) struct Gauge<'k> {
    kind: &'k Kind,
    /// The rows that fit.
    pub(super) rows: Vec<usize>,
    /// Resources, and beyond their number active groups.
    pub(super) measures: Vec<usize>,
    /// For one measure after the other, all rows.
    pub(super) shares: Vec<f64>,
}

impl Active {
    /// These groups.
    pub(super) fn new(field: &Field, groups: Vec<usize>) -> Self {
        let place = |group: &usize| groups.iter().position(|active| active == group);
        let of = field.groups_of.iter().map(|all| all.iter().filter_map(place).collect()).collect();
        Self { groups, of }
    }
}

impl Weights {
    /// What a pod of a row comes to.
    pub(super) fn of_row(&self, field: &Field, active: &Active, row: usize) -> f64 {
        let resources: f64 =
            self.resources.iter().zip(field.requests_of(row)).map(|(w, each)| w * each).sum();
        resources + active.of[row].iter().map(|group| self.groups[*group]).sum::<f64>()
    }

    /// What a whole node comes to.
    pub(super) fn of_node(&self, field: &Field, active: &Active, kind: &Kind) -> f64 {
        let resources: f64 = self.resources.iter().zip(&kind.caps).map(|(w, cap)| w * cap).sum();
        let groups = self.groups.iter().zip(&active.groups);
        resources + groups.map(|(w, group)| w * field.groups[*group].most).sum::<f64>()
    }

    /// Takes them so many times. What is no number after that, or below nothing, becomes nothing.
    pub(super) fn scale(&mut self, times: f64) {
        for weight in self.resources.iter_mut().chain(&mut self.groups) {
            *weight *= times;
            if !weight.is_finite() || *weight < 0.0 {
                *weight = 0.0;
            }
        }
    }
}

impl<'k> Gauge<'k> {
    /// Measures a kind of nodes.
    pub(super) fn new(field: &Field, active: &Active, kind: &'k Kind) -> Self {
        let rows: Vec<usize> = kind.fits.iter().collect();
        let mut gauge = Self { kind, rows, measures: vec![], shares: vec![] };
        for (k, requests) in field.requests.iter().enumerate() {
            if gauge.rows.iter().any(|row| 0.0 < requests[*row]) {
                gauge.measures.push(k);
                let share = |row: &usize| requests[*row] / kind.caps[k];
                gauge.shares.extend(gauge.rows.iter().map(share));
            }
        }
        for (place, group) in active.groups.iter().enumerate() {
            let group = &field.groups[*group];
            if group.rows.iter().any(|row| kind.fits.contains(*row)) {
                gauge.measures.push(field.requests.len() + place);
                let is_in = |row: &usize| active.of[*row].contains(&place);
                let share = |row| if is_in(row) { 1.0 / group.most } else { 0.0 };
                gauge.shares.extend(gauge.rows.iter().map(share));
            }
        }
        gauge
    }

    /// What a whole node must be worth by each measure when its pods have these worths, by row of the field.
    pub(super) fn cover(&self, worths: &[f64]) -> Vec<f64> {
        let targets = self.rows.iter().map(|row| worths[*row]).collect();
        super::simplex::cover(&self.shares, self.measures.len(), targets)
    }

    /// Weights from what a whole node is worth by each measure.
    pub(super) fn weights(&self, field: &Field, active: &Active, values: &[f64]) -> Weights {
        let width = field.requests.len();
        let mut weights =
            Weights { resources: vec![0.0; width], groups: vec![0.0; active.groups.len()] };
        for (measure, value) in self.measures.iter().zip(values) {
            match measure.checked_sub(width) {
                None => weights.resources[*measure] = value / self.kind.caps[*measure],
                Some(place) => {
                    weights.groups[place] = value / field.groups[active.groups[place]].most;
                }
            }
        }
        weights
    }
}

//! The programme for some columns, groups and rooms.

use super::bundles::{Bundle, bundles};
use super::field::{Alone, Field, Kind};
use super::gauge::Active;
use super::halls::Hall;
use super::program::{Measure, Program, Stall};

/// So many bundles of rows keep one step of the solver within a millisecond, and more of them bring nothing: with twice as
/// many, bounds of measured problems with hundreds of rows rise by less than 0.1 %.
const BUNDLES: usize = 128;
/// What the programme is about.
pub(super) struct Choice {
    /// The kinds of nodes that can be opened; no more than [`KINDS_MAX`].
    pub(super) kinds: Vec<usize>,
    /// The groups that are heeded.
    pub(super) active: Active,
    /// The rooms.
    pub(super) halls: Vec<Hall>,
}

/// A programme, and what it stands for.
pub(super) struct Built {
    /// Its stalls are the chosen kinds, then the halls.
    pub(super) program: Program,
    /// Its rows.
    pub(super) bundles: Vec<Bundle>,
    /// How many micro-dollars its money is.
    pub(super) unit: f64,
}

/// One bit for each kind and each hall has to do.
pub(super) const KINDS_MAX: usize = 128 - super::halls::HALLS_MAX;
/// One bit for each group.
pub(super) const GROUPS_MAX: usize = 128;

impl Choice {
    /// Kinds, then halls: in the order of the programme's stalls.
    pub(super) fn stalls<'f>(&'f self, field: &'f Field) -> impl Iterator<Item = &'f Kind> {
        let kinds = self.kinds.iter().map(|kind| &field.kinds[*kind]);
        kinds.chain(self.halls.iter().map(|hall| &hall.kind))
    }

    /// More than a pod of a row is worth at the optimum, as a node of its own costs less. Where limits have a price, that may
    /// be any node.
    pub(super) fn most(field: &Field, row: usize) -> f64 {
        let dearest = || field.kinds.iter().map(|kind| kind.price).fold(0.0, f64::max);
        let node = |alone: Alone| if field.limits.is_empty() { alone.node } else { dearest() };
        2.0 * field.alone[row].map_or(0.0, node)
    }

    /// The programme.
    pub(super) fn build(&self, field: &Field) -> Built {
        let bundles = self.bundles(field);
        let rows = || bundles.iter().flat_map(|bundle| &bundle.rows);
        let unit = rows().map(|row| field.cost(*row)).sum::<f64>().max(1.0);
        let most = |bundle: &Bundle| -> f64 {
            let most = |row: &usize| field.counts[*row] * Self::most(field, *row) / unit;
            bundle.rows.iter().map(most).sum()
        };
        let mut program = Program {
            most: bundles.iter().map(most).collect(),
            stalls: Vec::with_capacity(self.kinds.len() + self.halls.len()),
            limits: field.limits.len() + self.halls.len(),
        };
        let amounts = self.amounts(field, &bundles);
        let groups = self.active.groups.iter().map(|group| field.groups[*group].most);
        let groups: Vec<f64> = groups.collect();
        for (bit, kind) in self.stalls(field).enumerate() {
            let is_in = |bundle: &usize| bundles[*bundle].key.0 >> bit & 1 == 1;
            let rows = (0..bundles.len()).filter(is_in).collect();
            let mut stall = Stall { price: kind.price / unit, rows, ..Stall::default() };
            for (amounts, cap) in amounts.iter().zip(kind.caps.iter().chain(&groups)) {
                // A kind may have nothing of what nobody on it asks for.
                let weight = |amount: f64| if 0.0 < amount { amount / cap } else { 0.0 };
                let weights = stall.rows.iter().map(|row| weight(amounts[*row]));
                stall.measures.extend(Measure::new(weights.collect()));
            }
            stall.uses = match bit.checked_sub(self.kinds.len()) {
                None => (kind.uses.iter())
                    .map(|(limit, each)| (*limit, each / field.limits[*limit].max(1.0)))
                    .collect(),
                Some(hall) => vec![(field.limits.len() + hall, 1.0 / self.halls[hall].rooms)],
            };
            program.stalls.push(stall);
        }
        Built { program, bundles, unit }
    }

    fn bundles(&self, field: &Field) -> Vec<Bundle> {
        let mut masks = vec![0_u128; field.counts.len()];
        for (bit, kind) in self.stalls(field).enumerate() {
            for row in kind.fits.iter() {
                masks[row] |= 1 << bit;
            }
        }
        let columns = (1_u128 << self.kinds.len()) - 1;
        let key = |row: usize| {
            let of = &self.active.of[row];
            let alone = field.alone[row]?;
            // A pod that asks for nothing, or has a node for nothing, is worth nothing.
            let is_worth = 0.0 < alone.node && (0.0 < alone.cost || !of.is_empty());
            let groups = of.iter().fold(0, |groups, place| groups | 1 << place);
            (is_worth && masks[row] & columns != 0).then_some((masks[row], groups))
        };
        bundles(field, key, BUNDLES)
    }

    /// For each resource and active group, how much each bundle takes.
    fn amounts(&self, field: &Field, bundles: &[Bundle]) -> Vec<Vec<f64>> {
        let sums = |each: &dyn Fn(usize) -> f64| -> Vec<f64> {
            let sum = |bundle: &Bundle| {
                bundle.rows.iter().map(|row| field.counts[*row] * each(*row)).sum()
            };
            bundles.iter().map(sum).collect()
        };
        let resources = field.requests.iter().map(|requests| sums(&|row| requests[row]));
        let groups = (0..self.active.groups.len())
            .map(|place| sums(&|row| if self.active.of[row].contains(&place) { 1.0 } else { 0.0 }));
        resources.chain(groups).collect()
    }
}

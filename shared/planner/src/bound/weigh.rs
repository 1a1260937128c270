//! From a solution of the programme to weights of all columns.

use super::build::{Built, Choice};
use super::field::{Field, Kind};
use super::gauge::{Active, Gauge, Weights};
use super::program::Solution;

/// How many other columns' weights are tried on one before its own are worked out.
const TRIED_MAX: usize = 8;
/// Nobody minds this much, relatively.
const ROUNDING: f64 = 1e-6;

/// Prices of everything, from which a bound follows.
pub(super) struct Found {
    /// For each kind of nodes.
    pub(super) weights: Vec<Weights>,
    /// The groups that the weights are about.
    pub(super) active: Active,
    /// Micro-dollars per unit of each limit.
    pub(super) limits: Vec<f64>,
    /// Micro-dollars per hour: worths that are not to be exceeded, since rooms would have to be worth more too.
    pub(super) most: Vec<f64>,
}

/// What was found, and what is wrong with it.
pub(super) struct Weighed {
    pub(super) found: Found,
    /// The part of the bound that was lost to columns which the programme did not know.
    pub(super) loss: f64,
    /// These columns, the worst first.
    pub(super) missing: Vec<usize>,
}

/// Weighs all columns: those of the programme as it says, others so that they lower the worths as little as may be.
pub(super) fn weigh(
    field: &Field,
    choice: &Choice,
    (solution, built): (&Solution, &Built),
) -> Weighed {
    let active = &choice.active;
    let worth_of = |(worth, most): (&f64, &f64)| worth.max(0.0) * built.unit / most.max(1.0);
    let limits: Vec<f64> = solution.limits.iter().zip(&field.limits).map(worth_of).collect();
    let mut weights = vec![Weights::default(); field.kinds.len()];
    let mut most: Vec<f64> = (0..field.counts.len()).map(|row| Choice::most(field, row)).collect();
    let (of_kinds, of_halls) = solution.values.split_at(choice.kinds.len());
    for (index, values) in choice.kinds.iter().zip(of_kinds) {
        let kind = &field.kinds[*index];
        let mut known = Gauge::new(field, active, kind).weights(field, active, values);
        known.scale(kind.budget(&limits) / known.of_node(field, active, kind));
        lower(&mut most, field, (active, kind, &known));
        weights[*index] = known;
    }
    let weighed = |values: &[f64], kind: &Kind| {
        let mut weights = Gauge::new(field, active, kind).weights(field, active, values);
        weights.scale(built.unit);
        weights
    };
    let of_halls: Vec<Weights> = choice
        .halls
        .iter()
        .zip(of_halls)
        .map(|(hall, values)| weighed(values, &hall.kind))
        .collect();
    for row in built.bundles.iter().flat_map(|bundle| bundle.rows.iter().copied()) {
        let holding = choice.halls.iter().zip(&of_halls);
        let worths = holding
            .filter(|(hall, _)| hall.kind.fits.contains(row))
            .map(|(_, weights)| weights.of_row(field, active, row));
        most[row] = worths.fold(most[row], f64::min);
    }
    let mut lowered = most.clone();
    let mut missing = Vec::new();
    for (index, kind) in field.kinds.iter().enumerate() {
        if choice.kinds.contains(&index) {
            continue;
        }
        let budget = kind.budget(&limits);
        let known = choice.kinds.iter().map(|known| &weights[*known]);
        if let Some(like) = like(field, (active, kind, budget), (&most, known)) {
            weights[index] = like;
            continue;
        }
        let gauge = Gauge::new(field, active, kind);
        let values = gauge.cover(&most);
        let excess = values.iter().sum::<f64>() / budget;
        let mut own = gauge.weights(field, active, &values);
        own.scale(1.0 / excess);
        if 1.0 < excess {
            missing.push((excess, index));
            lower(&mut lowered, field, (active, kind, &own));
        }
        weights[index] = own;
    }
    missing.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let sum = |worths: &[f64]| worths.iter().zip(&field.counts).map(|(w, n)| w * n).sum::<f64>();
    let total = sum(&most);
    let loss = if 0.0 < total { (total - sum(&lowered)) / total } else { 0.0 };
    let missing = missing.into_iter().map(|(_, kind)| kind).collect();
    Weighed { found: Found { weights, active: active.clone(), limits, most }, loss, missing }
}

/// Lowers worths to what a kind of nodes allows.
fn lower(worths: &mut [f64], field: &Field, (active, kind, weights): (&Active, &Kind, &Weights)) {
    for row in kind.fits.iter() {
        worths[row] = worths[row].min(weights.of_row(field, active, row));
    }
}

/// Weights of another kind of nodes by which this one is within its budget and lowers no worth.
fn like<'w>(
    field: &Field,
    (active, kind, budget): (&Active, &Kind, f64),
    (worths, known): (&[f64], impl Iterator<Item = &'w Weights>),
) -> Option<Weights> {
    let priced = known.map(|weights| (weights.of_node(field, active, kind), weights));
    let mut cheap: Vec<(f64, &Weights)> =
        priced.filter(|(cost, _)| *cost <= budget * (1.0 + ROUNDING)).collect();
    cheap.sort_by(|a, b| a.0.total_cmp(&b.0));
    let will_do = |(_, weights): &&(f64, &Weights)| {
        let is_enough = |row| worths[row] <= weights.of_row(field, active, row) * (1.0 + ROUNDING);
        kind.fits.iter().all(is_enough)
    };
    cheap.iter().take(TRIED_MAX).find(will_do).map(|(_, weights)| (*weights).clone())
}

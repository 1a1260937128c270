//! Prices per resource under which no instance is worth more than it costs, as dear as possible for a given demand.

use super::{Demand, Offer, Step};
use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, Variable};
use model::name::Text;
use model::price::Price;

/// At so many moments the best prices are sought. With sixteen times as many the built-in trace's bound is
/// higher by less than 0.01 %.
const SAMPLES_MAX: usize = 64;
/// Prices are lowered by so much after scaling: more than the rounding of a few sums of positive numbers.
const ROUNDING: f64 = 1e-9;

/// Dollars per hour and base unit of each resource.
pub(super) struct Prices {
    /// Of anything.
    any: Vec<f64>,
    /// On top of it, of what has to be on-demand.
    extra: Vec<f64>,
}

/// One instance: no prices may make it worth more than it costs.
struct Limit {
    /// How much it has of each resource, in units of `scales`.
    amounts: Vec<f64>,
    /// Dollars per hour.
    price: f64,
    /// Whether it holds what has to be on-demand.
    is_on_demand: bool,
}

impl Prices {
    /// What a demand is worth, in dollars per hour.
    pub(super) fn worth(&self, demand: &Demand) -> f64 {
        let any = self.any.iter().zip(&demand.all);
        let extra = self.extra.iter().zip(&demand.on_demand);
        any.chain(extra).map(|(price, units)| price * as_f64(*units)).sum()
    }
}

/// Prices for the moments that matter most, and the plain ones that rest on one resource each.
pub(super) fn candidates(timeline: &[Step], resources: &[Text], offers: &[Offer]) -> Vec<Prices> {
    let scales: Vec<f64> = resources.iter().map(|name| scale(name)).collect();
    let limits = limits(resources, &scales, offers);
    let mut found: Vec<Prices> =
        (0..resources.len()).map(|index| of_one(index, &scales, &limits)).collect();
    let mut last_sampled = None;
    for index in sampled(timeline, &found) {
        if last_sampled.replace(index) == Some(index) {
            continue;
        }
        found.extend(best(&timeline[index].demand, &scales, &limits));
    }
    found
}

/// Steps at equal distances of time weighted by rough cost.
fn sampled(timeline: &[Step], rough: &[Prices]) -> Vec<usize> {
    let weight = |step: &Step| {
        rough.iter().map(|prices| prices.worth(&step.demand)).fold(0.0, f64::max) * step.hours
    };
    let total: f64 = timeline.iter().map(weight).sum();
    let mut chosen = Vec::with_capacity(SAMPLES_MAX);
    let mut passed = 0.0;
    for (index, step) in timeline.iter().enumerate() {
        passed += weight(step);
        while chosen.len() < SAMPLES_MAX
            && (as_f64_count(chosen.len()) + 0.5) / as_f64_count(SAMPLES_MAX) * total < passed
        {
            chosen.push(index);
        }
    }
    chosen
}

/// Base units in a unit that keeps the numbers of the programme near each other: a core, a GiB, one piece.
fn scale(resource: &str) -> f64 {
    match resource {
        "cpu" => 1000.0,
        "memory" | "ephemeral-storage" => 1_073_741_824.0,
        _ => 1.0,
    }
}

/// All instances, without those that another one makes superfluous: no more of anything for no less.
fn limits(resources: &[Text], scales: &[f64], offers: &[Offer]) -> Vec<Limit> {
    let mut all = Vec::new();
    for offer in offers {
        let amounts: Vec<f64> = (resources.iter().zip(scales))
            .map(|(name, scale)| as_f64(offer.allocatable.get(name)).max(0.0) / scale)
            .collect();
        for (price, is_on_demand) in [(offer.on_demand, true), (offer.spot, false)] {
            if let Some(price) = price {
                all.push(Limit { amounts: amounts.clone(), price: dollars(price), is_on_demand });
            }
        }
    }
    let mut kept: Vec<Limit> = Vec::new();
    all.sort_by(|a, b| a.price.total_cmp(&b.price));
    for limit in all {
        let is_covered = kept.iter().any(|other| {
            other.is_on_demand == limit.is_on_demand
                && limit.amounts.iter().zip(&other.amounts).all(|(less, more)| less <= more)
        });
        if !is_covered {
            kept.push(limit);
        }
    }
    kept
}

/// The highest price of one resource while all others are free.
fn of_one(index: usize, scales: &[f64], limits: &[Limit]) -> Prices {
    let lowest = |only_on_demand: bool| {
        let of = limits.iter().filter(|limit| limit.is_on_demand || !only_on_demand);
        let per_unit = of.map(|limit| limit.price / limit.amounts[index]);
        per_unit.filter(|price| price.is_finite()).min_by(f64::total_cmp)
    };
    let mut any = vec![0.0; scales.len()];
    let mut extra = vec![0.0; scales.len()];
    if let Some(price) = lowest(false) {
        any[index] = price;
        extra[index] = lowest(true).map_or(0.0, |on_demand| (on_demand - price).max(0.0));
    }
    lowered(any, extra, scales, limits)
}

/// The prices that make this demand worth most; none where the solver gives up.
fn best(demand: &Demand, scales: &[f64], limits: &[Limit]) -> Option<Prices> {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let mut variables = |units: &[i64], holds: fn(&Limit) -> bool| -> Vec<Option<Variable>> {
        let amounts = units.iter().zip(scales).map(|(units, scale)| as_f64(*units) / scale);
        let with_index = amounts.enumerate().map(|(index, amount)| {
            // What no instance has cannot be priced: the programme would have no end.
            let is_sold = limits.iter().any(|limit| holds(limit) && 0.0 < limit.amounts[index]);
            is_sold.then(|| problem.add_var(amount, (0.0, f64::INFINITY)))
        });
        with_index.collect()
    };
    let any = variables(&demand.all, |_| true);
    let extra = variables(&demand.on_demand, |limit| limit.is_on_demand);
    for limit in limits {
        let terms = |of: &[Option<Variable>]| -> Vec<(Variable, f64)> {
            let pairs = of.iter().zip(&limit.amounts);
            pairs.filter_map(|(variable, amount)| Some(((*variable)?, *amount))).collect()
        };
        let mut sum = terms(&any);
        if limit.is_on_demand {
            sum.extend(terms(&extra));
        }
        sum.retain(|(_, amount)| 0.0 < *amount);
        if !sum.is_empty() {
            problem.add_constraint(sum.as_slice(), ComparisonOp::Le, limit.price);
        }
    }
    let mut options = SolveOptions::default();
    options.presolve = false;
    let outcome = problem.solve_with(options).ok()?;
    let solution = outcome.solution()?;
    let value = |variable: &Option<Variable>| variable.map_or(0.0, |v| solution.var_value(v));
    let any = any.iter().map(value).collect();
    let extra = extra.iter().map(value).collect();
    Some(lowered(any, extra, scales, limits))
}

/// Prices in base units, lowered until no instance is worth more than it costs, whatever the solver's tolerance was.
fn lowered(any: Vec<f64>, extra: Vec<f64>, scales: &[f64], limits: &[Limit]) -> Prices {
    let positive = |prices: Vec<f64>| -> Vec<f64> {
        prices.into_iter().map(|p| if p.is_finite() { p.max(0.0) } else { 0.0 }).collect()
    };
    let (any, extra) = (positive(any), positive(extra));
    let worth = |limit: &Limit| {
        let of = |prices: &[f64]| -> f64 {
            prices.iter().zip(&limit.amounts).map(|(price, amount)| price * amount).sum()
        };
        of(&any) + if limit.is_on_demand { of(&extra) } else { 0.0 }
    };
    let excess = limits.iter().map(|limit| worth(limit) / limit.price).filter(|e| e.is_finite());
    let divisor = excess.fold(1.0, f64::max) * (1.0 + ROUNDING);
    let per_base_unit = |prices: Vec<f64>| -> Vec<f64> {
        prices.iter().zip(scales).map(|(price, scale)| price / scale / divisor).collect()
    };
    Prices { any: per_base_unit(any), extra: per_base_unit(extra) }
}

fn dollars(price: Price) -> f64 {
    as_f64(price.micro_dollars()) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "amounts and prices here stay far below 2^53")]
fn as_f64(units: i64) -> f64 {
    units as f64
}

#[expect(clippy::cast_precision_loss, reason = "at most SAMPLES_MAX")]
fn as_f64_count(count: usize) -> f64 {
    count as f64
}

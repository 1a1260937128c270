//! Finds good weights: from a small programme, which is enlarged by what it turns out to lack.
//!
//! Of hundreds of columns a handful is bought at the optimum, and of many groups few are in the way. So we begin with
//! the columns that are best for some row by itself and without groups; solve; look which columns would sell room
//! below the worths found, and which groups have more pods than there are nodes for them; and add those.

use super::build::{Built, Choice, GROUPS_MAX, KINDS_MAX};
use super::bundles::Bundle;
use super::field::{Field, Group, Kind};
use super::gauge::Active;
use super::halls::halls;
use super::interior::Interior;
use super::program::Solution;
use super::weigh::{Found, Weighed, weigh};

/// Three or four are usual; what is still wrong after the last one is only a lower bound.
const ROUNDS_MAX: usize = 6;
/// Columns to begin with, and to add in one round. A solver's step takes time by their number.
const KINDS_FIRST: usize = 32;
const KINDS_MORE: usize = 12;
/// A column that is that near to the best one for a row will do for it at first.
const NEAR: f64 = 1.01;
/// How near the programme's value has to be known to see what it lacks, and at the end.
const COARSE: f64 = 3e-3;
const FINE: f64 = 5e-5;
/// What columns may take off the bound without another round being worth it.
const LOSS: f64 = 2e-4;
/// A column that is bought for less than this part of all is left out of the next round.
const UNUSED: f64 = 2e-4;
/// A group is heeded when this part of the nodes it needs is missing; or where it is crowded, if that matters to this
/// part of the bound.
const SHORT: f64 = 1e-3;
const CROWDED: f64 = 1e-3;
/// With so many groups there is enough to do: crowding costs little where others have opened nodes.
const CROWDED_MAX: usize = 12;
/// For nodes that are opened because of a group: parts of the average load of such a node to look for columns for.
const LOADS: [f64; 5] = [0.0, 0.25, 0.5, 1.0, 2.0];

/// Finds weights.
pub(super) fn search(field: &Field) -> Found {
    let mut choice =
        Choice { kinds: first(field), active: Active::new(field, vec![]), halls: halls(field) };
    let mut round = 1;
    loop {
        let built = choice.build(field);
        let mut interior = Interior::new(&built.program);
        interior.solve(COARSE);
        let mut solution = interior.solution();
        let mut weighed = weigh(field, &choice, (&solution, &built));
        let binding = binding(field, &choice, (&solution, &built));
        let is_last = round == ROUNDS_MAX;
        if is_last || binding.is_empty() && weighed.loss < LOSS {
            interior.solve(FINE);
            solution = interior.solution();
            weighed = weigh(field, &choice, (&solution, &built));
        }
        let Weighed { found, loss, missing } = weighed;
        let missing = if loss < LOSS { vec![] } else { missing };
        if is_last || binding.is_empty() && missing.is_empty() {
            return found;
        }
        enlarge(field, &mut choice, (&solution, &missing, binding));
        round += 1;
    }
}

/// Takes in what was missing, and drops what was not used.
fn enlarge(
    field: &Field,
    choice: &mut Choice,
    (solution, missing, binding): (&Solution, &[usize], Vec<usize>),
) {
    let total: f64 = choice
        .kinds
        .iter()
        .zip(&solution.nodes)
        .map(|(kind, nodes)| field.kinds[*kind].price * nodes)
        .sum();
    let kinds = choice.kinds.iter().zip(&solution.nodes);
    let is_used =
        |(kind, nodes): &(&usize, &f64)| UNUSED * total < field.kinds[**kind].price * **nodes;
    let mut kinds: Vec<usize> = kinds.filter(is_used).map(|(kind, _)| *kind).collect();
    let spares = spares(field, &kinds, &binding);
    for kind in missing.iter().take(KINDS_MORE).copied().chain(spares) {
        if kinds.len() < KINDS_MAX && !kinds.contains(&kind) && 0.0 < field.kinds[kind].price {
            kinds.push(kind);
        }
    }
    choice.kinds = kinds;
    if !binding.is_empty() {
        let groups = choice.active.groups.iter().copied().chain(binding);
        choice.active = Active::new(field, groups.collect());
    }
}

/// The columns that are best, or nearly, for some row by itself: those of the most important rows.
fn first(field: &Field) -> Vec<usize> {
    let mut importance = vec![0.0; field.kinds.len()];
    for (row, alone) in field.alone.iter().enumerate() {
        if let Some(alone) = alone {
            importance[alone.kind] += field.cost(row);
        }
    }
    let mut kinds: Vec<usize> = (0..importance.len()).filter(|k| 0.0 < importance[*k]).collect();
    kinds.sort_by(|a, b| importance[*b].total_cmp(&importance[*a]).then(a.cmp(b)));
    let mut is_open = vec![true; field.counts.len()];
    kinds.retain(|index| {
        let wants = |row: &usize| {
            is_open[*row] && field.alone[*row].is_some_and(|alone| alone.kind == *index)
        };
        let kind = &field.kinds[*index];
        if !kind.fits.iter().any(|row| wants(&row)) {
            return false;
        }
        for row in kind.fits.iter() {
            let cost = kind.share(field.requests_of(row)) * kind.price;
            is_open[row] &= field.alone[row].is_none_or(|alone| NEAR * alone.cost < cost);
        }
        true
    });
    kinds.truncate(KINDS_FIRST);
    kinds
}

/// The groups that the solution does not respect: all for which it has too few nodes, and if those are not many also the
/// worst of those which it crowds onto some of them.
fn binding(field: &Field, choice: &Choice, (solution, built): (&Solution, &Built)) -> Vec<usize> {
    let order = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    let (mut short, mut crowded) = (Vec::new(), Vec::new());
    let total = solution.value * built.unit;
    for group in (0..field.groups.len()).filter(|group| !choice.active.groups.contains(group)) {
        let nodes = field.groups[group].nodes();
        let missing = missing(field, choice, (solution, group));
        let excess = excess(field, choice, (solution, built, group));
        if SHORT * nodes < missing {
            short.push((missing, group));
        } else if CROWDED * total < excess {
            crowded.push((excess, group));
        }
    }
    short.sort_by(order);
    crowded.sort_by(order);
    let active = choice.active.groups.len();
    let few = CROWDED_MAX.saturating_sub(active + short.len());
    let binding = short.iter().chain(crowded.iter().take(few)).map(|(_, group)| *group);
    binding.take(GROUPS_MAX - active).collect()
}

/// How many more nodes a group would need, or one of its rows.
fn missing(field: &Field, choice: &Choice, (solution, group): (&Solution, usize)) -> f64 {
    let group = &field.groups[group];
    let kinds = || choice.stalls(field).zip(&solution.nodes);
    let open = |rows: &[usize]| -> f64 {
        let holds = |kind: &Kind| rows.iter().any(|row| kind.fits.contains(*row));
        kinds().filter(|(kind, _)| holds(kind)).map(|(_, nodes)| *nodes).sum()
    };
    let of_rows = group.rows.iter().map(|row| field.counts[*row] / group.most - open(&[*row]));
    of_rows.fold(group.nodes() - open(&group.rows), f64::max)
}

/// What the nodes would cost at least that a group needs more where the solution has its pods.
fn excess(
    field: &Field,
    choice: &Choice,
    (solution, built, group): (&Solution, &Built, usize),
) -> f64 {
    let Group { most, rows, .. } = &field.groups[group];
    let members = |bundle: &Bundle| -> f64 {
        let members = bundle.rows.iter().filter(|row| rows.contains(row));
        members.map(|row| field.counts[*row]).sum()
    };
    let pods: Vec<f64> = built.bundles.iter().map(members).collect();
    let excess = choice.stalls(field).enumerate().map(|(at, _)| {
        let parts = built.program.stalls[at].rows.iter().zip(&solution.parts[at]);
        let load: f64 = parts.map(|(bundle, part)| pods[*bundle] * part).sum();
        (load / most - solution.nodes[at]).max(0.0)
    });
    let node = |row: &usize| field.alone[*row].map(|alone| alone.node);
    excess.sum::<f64>() * rows.iter().filter_map(node).fold(f64::INFINITY, f64::min)
}

/// The columns for nodes that are opened because of a group: cheapest with one pod of it and a part of what else there is.
fn spares(field: &Field, kinds: &[usize], groups: &[usize]) -> Vec<usize> {
    let totals: Vec<f64> = (0..field.requests.len()).map(|k| field.total(k)).collect();
    let mut spares = Vec::new();
    for group in groups.iter().map(|group| &field.groups[*group]) {
        let best = |row: usize, part: f64| {
            let load = |(total, each): (&f64, f64)| each.max(total * part / group.nodes());
            let cost = |kind: &usize| {
                let loads = totals.iter().zip(field.requests_of(row)).map(load);
                field.kinds[*kind].price * field.kinds[*kind].share(loads).max(1.0)
            };
            let holding = (0..field.kinds.len()).filter(|k| field.kinds[*k].fits.contains(row));
            holding.min_by(|a, b| cost(a).total_cmp(&cost(b)))
        };
        let order = |a: &&usize, b: &&usize| field.counts[**a].total_cmp(&field.counts[**b]);
        if let Some(lead) = group.rows.iter().max_by(order) {
            spares.extend(LOADS.iter().filter_map(|part| best(*lead, *part)));
        }
        for row in &group.rows {
            let holds = |kind: &usize| field.kinds[*kind].fits.contains(*row);
            if !kinds.iter().chain(&spares).any(holds) {
                spares.extend(best(*row, 0.0));
            }
        }
    }
    spares
}

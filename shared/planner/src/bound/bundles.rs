//! Rows that are nearly alike, taken together so that the programme stays small.
//!
//! That makes the programme's value a little too high and its weights a little worse; what is claimed in the end is
//! worked out row by row.

use super::field::Field;
use std::collections::BTreeMap;

/// What must be the same for rows to be taken together: the nodes they fit on and the groups they are in, a bit each.
pub(super) type Key = (u128, u128);

/// Rows that the programme takes for one.
pub(super) struct Bundle {
    /// What they have in common.
    pub(super) key: Key,
    /// The rows.
    pub(super) rows: Vec<usize>,
    weight: f64,
    /// The resource in which they differ most, and the ends between which its share lies.
    widest: (usize, f64, f64),
}

/// Splits the rows that have a key into so many bundles, more if there are more keys; but of more than twice as many
/// keys the lightest are left out.
pub(super) fn bundles(
    field: &Field,
    key: impl Fn(usize) -> Option<Key>,
    enough: usize,
) -> Vec<Bundle> {
    let shares = shares(field);
    let mut by_key: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for row in 0..field.counts.len() {
        if let Some(key) = key(row) {
            by_key.entry(key).or_default().push(row);
        }
    }
    let bundle = |(key, rows)| Bundle::new(field, &shares, (key, rows));
    let mut bundles: Vec<Bundle> = by_key.into_iter().map(bundle).collect();
    bundles.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.key.cmp(&b.key)));
    bundles.truncate(2 * enough);
    while bundles.len() < enough {
        let order = |a: &&Bundle, b: &&Bundle| a.error().total_cmp(&b.error());
        let worst = bundles.iter().max_by(order).filter(|bundle| 0.0 < bundle.error());
        let Some(first) = worst.map(|bundle| bundle.rows[0]) else { break };
        let at = bundles.iter().position(|bundle| bundle.rows[0] == first);
        let Bundle { key, rows, widest: (resource, low, high), .. } =
            bundles.swap_remove(at.expect("it was found there"));
        // Between neighbours the middle is one of them.
        let middle = Some(f64::midpoint(low, high)).filter(|middle| *middle < high).unwrap_or(low);
        let halves: (Vec<usize>, Vec<usize>) =
            rows.into_iter().partition(|row| shares[resource][*row] <= middle);
        bundles.extend([halves.0, halves.1].map(|rows| bundle((key, rows))));
    }
    bundles.sort_by_key(|bundle| bundle.rows[0]);
    bundles
}

impl Bundle {
    fn new(field: &Field, shares: &[Vec<f64>], (key, rows): (Key, Vec<usize>)) -> Self {
        let ends = |of: &Vec<f64>| {
            let numbers = || rows.iter().map(|row| of[*row]);
            (numbers().fold(f64::INFINITY, f64::min), numbers().fold(0.0, f64::max))
        };
        let mut widest = (0, 0.0, 0.0);
        for (resource, (low, high)) in shares.iter().map(ends).enumerate() {
            if widest.2 - widest.1 < high - low {
                widest = (resource, low, high);
            }
        }
        let weight = rows.iter().map(|row| field.cost(*row)).sum();
        Self { key, rows, weight, widest }
    }

    /// Grows as what is lost by taking the rows for one: with the square of their difference.
    fn error(&self) -> f64 {
        let (_, low, high) = self.widest;
        self.weight * (high - low).powi(2)
    }
}

/// For each resource and row, how much of what a pod asks for is of that resource, if the total of each counts the same.
fn shares(field: &Field) -> Vec<Vec<f64>> {
    let mut shares: Vec<Vec<f64>> = (field.requests.iter().enumerate())
        .map(|(k, requests)| {
            let total = field.total(k);
            requests.iter().map(|each| each / total).collect()
        })
        .collect();
    for row in 0..field.counts.len() {
        let sum: f64 = shares.iter().map(|of| of[row]).sum();
        for of in &mut shares {
            of[row] = if 0.0 < sum { of[row] / sum } else { 0.0 };
        }
    }
    shares
}

//! The bound that follows from weights, rounded so that it holds.

use super::field::{Field, Kind};
use super::gauge::Gauge;
use super::weigh::Found;
use super::{Problem, Proof, float};
use model::price::Price;

/// What is claimed is smaller by this part, and what is taken off larger. A sum of a thousand products of numbers that are
/// not negative is off by 10⁻¹³ of itself at most.
const MARGIN: f64 = 1e-9;
/// Nano-dollars.
const PER_MICRO: f64 = 1e3;

/// The worths of all rows, and what they prove.
pub(super) fn proof(problem: &Problem<'_>, field: &Field, found: &Found) -> Proof {
    let worths = worths(field, found);
    let of_row =
        |(worth, row): (&i64, &super::Row<'_>)| i128::from(*worth) * i128::from(row.count.max(0));
    let pods: i128 = worths.iter().zip(&problem.rows).map(of_row).sum();
    let limits: f64 =
        found.limits.iter().zip(&field.limits).map(|(worth, most)| worth * most).sum();
    let targets: Vec<f64> = worths.iter().map(|worth| float(*worth)).collect();
    let rooms: i128 =
        field.rooms.iter().map(|room| room_worth(field, found, (room, &targets))).sum();
    let bound = (pods - rooms - up(limits * PER_MICRO)).max(0) / 1000;
    let bound = i64::try_from(bound).unwrap_or(i64::MAX);
    Proof { bound: Price::from_micro_dollars(bound), worths }
}

/// Nano-dollars per hour and pod: the least that the columns allow, when each is scaled to its budget.
fn worths(field: &Field, found: &Found) -> Vec<i64> {
    let mut worths = found.most.clone();
    for (kind, weights) in field.kinds.iter().zip(&found.weights) {
        let of_node = weights.of_node(field, &found.active, kind);
        let times = kind.budget(&found.limits) / of_node * (1.0 - MARGIN);
        for row in kind.fits.iter() {
            let worth = times * weights.of_row(field, &found.active, row);
            // Weights that come to nothing allow nothing.
            worths[row] = if worth.is_finite() { worths[row].min(worth) } else { 0.0 };
        }
    }
    worths.into_iter().map(|worth| down(worth * PER_MICRO)).collect()
}

/// No less than what the pods on a room can be worth, in nano-dollars per hour.
fn room_worth(field: &Field, found: &Found, (room, worths): (&Kind, &[f64])) -> i128 {
    if room.fits.is_empty() {
        return 0;
    }
    let values = Gauge::new(field, &found.active, room).cover(worths);
    let all: f64 = room.fits.iter().map(|row| field.counts[row] * worths[row]).sum();
    up(all.min(values.iter().sum()))
}

#[expect(clippy::cast_possible_truncation, reason = "a cast to an integer stops at its ends")]
fn up(number: f64) -> i128 {
    (number * (1.0 + MARGIN)).ceil() as i128
}

#[expect(clippy::cast_possible_truncation, reason = "a cast to an integer stops at its ends")]
fn down(number: f64) -> i64 {
    number.max(0.0).floor() as i64
}

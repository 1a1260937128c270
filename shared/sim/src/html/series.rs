//! From a record to the points and bars of the charts.

use super::chart::Rank;
use crate::bound::Bound;
use crate::record::Record;
use crate::summary::measure::{self, Curve, float, float_wide};
use jiff::Timestamp;
use model::instance_type::CapacityType;
use std::collections::BTreeMap;

/// A point on a chart over time: hours from the start, and a value.
pub(super) type Point = (f64, f64);

/// So many points a line has at most: about two for each pixel of a phone, one for two of a desk.
const COLUMNS: usize = 400;
/// So many kinds of instances the ranking names; the rest is one bar.
const RANKS_MAX: usize = 9;
/// Upper ends of the histogram's bars, in seconds, and how they read. The last bar has none.
pub(super) const BUCKETS: [(i64, &str); 10] = [
    (1, "1 s"),
    (5, "5 s"),
    (15, "15 s"),
    (30, "30 s"),
    (45, "45 s"),
    (60, "1 m"),
    (90, "90 s"),
    (300, "5 m"),
    (900, "15 m"),
    (3600, "1 h"),
];

pub(super) fn hours(record: &Record) -> f64 {
    measure::hours(record.start, record.end)
}

pub(super) fn nodes(record: &Record) -> Vec<Point> {
    highest(record, &measure::alive(&record.instances, record.end))
}

pub(super) fn running(record: &Record) -> Vec<Point> {
    highest(record, &measure::bound(record))
}

pub(super) fn waiting(record: &Record) -> Vec<Point> {
    highest(record, &measure::waiting(record))
}

pub(super) fn dollars_per_hour(record: &Record) -> Vec<Point> {
    let changes = record.instances.iter().flat_map(|instance| {
        let ended = instance.ended.unwrap_or(record.end).min(record.end);
        let price = instance.price.micro_dollars();
        [(instance.launched, price), (ended, -price)]
    });
    let steps: Vec<(Timestamp, f64)> = Curve::from_changes(changes)
        .0
        .into_iter()
        .map(|(at, micro_dollars)| (at, float_wide(i128::from(micro_dollars)) / 1e6))
        .collect();
    mean(record, &steps)
}

pub(super) fn bound_per_hour(record: &Record, bound: &Bound) -> Vec<Point> {
    mean(record, &bound.steps)
}

/// The column that a time lies in.
fn column(record: &Record, at: Timestamp) -> usize {
    let whole = measure::millis(record.start, record.end).max(1);
    let passed = measure::millis(record.start, at).min(whole - 1);
    let column = i128::from(passed) * COLUMNS as i128 / i128::from(whole);
    usize::try_from(column).unwrap_or(0).min(COLUMNS - 1)
}

fn middle(record: &Record, column: usize) -> f64 {
    hours(record) * (float(column as u64) + 0.5) / float(COLUMNS as u64)
}

/// The highest value in each column: a peak of a second stays to be seen.
fn highest(record: &Record, curve: &Curve) -> Vec<Point> {
    let mut columns = [0; COLUMNS];
    let ends = curve.0.iter().skip(1).map(|(at, _)| *at).chain([record.end]);
    for ((from, count), to) in curve.0.iter().zip(ends) {
        // What ends with a column's last moment is not yet in the next.
        let last = column(record, to - jiff::SignedDuration::from_millis(1));
        for highest in &mut columns[column(record, *from)..=last.max(column(record, *from))] {
            *highest = (*count).max(*highest);
        }
    }
    let points = columns.iter().enumerate();
    points.map(|(index, count)| (middle(record, index), float_wide(i128::from(*count)))).collect()
}

/// The mean in each column: the area under the line stays the sum over time.
fn mean(record: &Record, steps: &[(Timestamp, f64)]) -> Vec<Point> {
    let mut columns = [0.0; COLUMNS];
    let width = hours(record) / float(COLUMNS as u64);
    let ends = steps.iter().skip(1).map(|(at, _)| *at).chain([record.end]);
    for ((from, value), to) in steps.iter().zip(ends) {
        let (begin, end) = (measure::hours(record.start, *from), measure::hours(record.start, to));
        for (index, sum) in
            columns.iter_mut().enumerate().take(column(record, to) + 1).skip(column(record, *from))
        {
            let left = width * float(index as u64);
            let overlap = (end.min(left + width) - begin.max(left)).max(0.0);
            *sum += value * overlap / width;
        }
    }
    columns.iter().enumerate().map(|(index, value)| (middle(record, index), *value)).collect()
}

/// How many pods waited how long: a count for each of `BUCKETS`, and one for the rest.
pub(super) fn pending_buckets(record: &Record) -> [u64; BUCKETS.len() + 1] {
    let mut counts = [0; BUCKETS.len() + 1];
    for millis in measure::pending_millis(record) {
        counts[BUCKETS.partition_point(|(end, _)| end * 1000 < millis)] += 1;
    }
    counts
}

/// Node hours by instance type and capacity type, the most first.
pub(super) fn mix(record: &Record) -> Vec<Rank> {
    let mut hours: BTreeMap<(&str, CapacityType), f64> = BTreeMap::new();
    for instance in &record.instances {
        let ended = instance.ended.unwrap_or(record.end);
        let key = (instance.offering.instance_type.as_str(), instance.offering.capacity_type);
        *hours.entry(key).or_default() += measure::hours(instance.launched, ended);
    }
    let mut ranks: Vec<Rank> = hours
        .into_iter()
        .map(|((name, capacity_type), hours)| {
            let is_spot = capacity_type == CapacityType::Spot;
            Rank { name: format!("{name} {capacity_type}"), hours, is_spot }
        })
        .collect();
    ranks.sort_by(|a, b| b.hours.total_cmp(&a.hours).then_with(|| a.name.cmp(&b.name)));
    let rest = ranks.split_off(RANKS_MAX.min(ranks.len()));
    for is_spot in [false, true] {
        let of_kind: Vec<&Rank> = rest.iter().filter(|rank| rank.is_spot == is_spot).collect();
        if !of_kind.is_empty() {
            let kind = if is_spot { CapacityType::Spot } else { CapacityType::OnDemand };
            let hours = of_kind.iter().map(|rank| rank.hours).sum();
            ranks.push(Rank { name: format!("{kind}, {} more", of_kind.len()), hours, is_spot });
        }
    }
    ranks
}

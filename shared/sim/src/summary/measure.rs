//! Counting and summing over a record.

use crate::record::{InstanceRecord, PodRecord, Record};
use jiff::Timestamp;
use model::resources::Resources;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

const MILLIS_PER_HOUR: i128 = 3_600_000;
/// EC2 bills Linux instances by the second, one minute at least (EC2 pricing page).
const BILLED_MILLIS_MIN: i64 = 60_000;

/// How a duration is spread over pods, in seconds; zero everywhere when there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Half of the pods took no longer.
    pub p50: f64,
    /// 95 of a hundred took no longer.
    pub p95: f64,
    /// 99 of a hundred took no longer.
    pub p99: f64,
    /// None took longer.
    pub max: f64,
}

impl Spread {
    /// Percentiles by nearest rank.
    pub(super) fn of(mut millis: Vec<i64>) -> Self {
        millis.sort_unstable();
        let at = |percent: usize| {
            let rank = (millis.len() * percent).div_ceil(100).max(1);
            millis.get(rank - 1).map_or(0.0, |millis| seconds(*millis))
        };
        Self { p50: at(50), p95: at(95), p99: at(99), max: at(100) }
    }
}

/// A number of things over time: at each time where it changes, how many from then on.
pub(crate) struct Curve(pub(crate) Vec<(Timestamp, i64)>);

impl Curve {
    /// From times at which one comes (+1) or goes (-1), and so on.
    pub(crate) fn from_changes(changes: impl IntoIterator<Item = (Timestamp, i64)>) -> Self {
        let mut by_time: BTreeMap<Timestamp, i64> = BTreeMap::new();
        for (at, change) in changes {
            *by_time.entry(at).or_default() += change;
        }
        let mut sum = 0;
        Self(
            by_time
                .into_iter()
                .map(|(at, change)| {
                    sum += change;
                    (at, sum)
                })
                .collect(),
        )
    }

    pub(super) fn peak(&self) -> u64 {
        self.0.iter().map(|(_, count)| u64::try_from(*count).unwrap_or(0)).max().unwrap_or(0)
    }

    pub(super) fn mean(&self, start: Timestamp, end: Timestamp) -> f64 {
        let ends = self.0.iter().skip(1).map(|(at, _)| *at).chain([end]);
        let area: i128 = self
            .0
            .iter()
            .zip(ends)
            .map(|((from, count), to)| i128::from(*count) * i128::from(millis(*from, to.min(end))))
            .sum();
        let whole = millis(start, end);
        if whole == 0 { 0.0 } else { float_wide(area) / float_wide(i128::from(whole)) }
    }
}

/// How many instances there are.
pub(crate) fn alive(instances: &[InstanceRecord], end: Timestamp) -> Curve {
    Curve::from_changes(instances.iter().flat_map(|instance| {
        [(instance.launched, 1), (instance.ended.unwrap_or(end).min(end), -1)]
    }))
}

/// How many pods wait.
pub(crate) fn waiting(record: &Record) -> Curve {
    Curve::from_changes(
        record
            .pods
            .iter()
            .flat_map(|pod| [(pod.created, 1), (no_longer_pending(pod, record.end), -1)]),
    )
}

/// How many pods are bound.
pub(crate) fn bound(record: &Record) -> Curve {
    Curve::from_changes(record.pods.iter().filter_map(|pod| Some((pod, pod.bound?))).flat_map(
        |(pod, bound)| {
            let ended = pod.ended.map_or(record.end, |(at, _)| at).min(record.end);
            [(bound, 1), (ended.max(bound), -1)]
        },
    ))
}

fn no_longer_pending(pod: &PodRecord, end: Timestamp) -> Timestamp {
    pod.bound.or(pod.ended.map(|(at, _)| at)).unwrap_or(end).min(end).max(pod.created)
}

pub(crate) fn pending_millis(record: &Record) -> Vec<i64> {
    let of = |pod: &PodRecord| millis(pod.created, no_longer_pending(pod, record.end));
    record.pods.iter().map(of).collect()
}

pub(super) fn autoscaler_millis(pod: &PodRecord) -> Option<i64> {
    Some(millis(pod.created, pod.launch_called?))
}

pub(super) fn boot_millis(pod: &PodRecord) -> Option<i64> {
    Some(millis(pod.launch_called?, pod.bound?))
}

/// What all instances cost, by the second, one minute at least each.
pub(super) fn cost_dollars(record: &Record) -> f64 {
    let of = |instance: &InstanceRecord| {
        let ended = instance.ended.unwrap_or(record.end);
        let billed = millis(instance.launched, ended).max(BILLED_MILLIS_MIN);
        i128::from(instance.price.micro_dollars()) * i128::from(billed)
    };
    float_wide(record.instances.iter().map(of).sum()) / float_wide(MILLIS_PER_HOUR) / 1e6
}

/// What pods requested of what joined nodes had, over time.
pub(super) fn utilisation_percent(record: &Record) -> BTreeMap<String, f64> {
    let mut used = BTreeMap::new();
    let mut had = BTreeMap::new();
    for pod in &record.pods {
        let Some(bound) = pod.bound else { continue };
        let ended = pod.ended.map_or(record.end, |(at, _)| at);
        add(&mut used, &pod.requests, millis(bound, ended));
    }
    for instance in &record.instances {
        let Some(joined) = instance.joined else { continue };
        let ended = instance.ended.unwrap_or(record.end);
        add(&mut had, &instance.allocatable, millis(joined, ended));
    }
    // CPU and memory always; others, GPUs say, where a pod asked for them.
    let asked = used.keys().filter(|name| !["pods", "ephemeral-storage"].contains(&name.as_str()));
    let names: BTreeSet<&str> = asked.map(String::as_str).chain(["cpu", "memory"]).collect();
    let percent = |name: &str| {
        let sum = |of: &BTreeMap<String, i128>| float_wide(of.get(name).copied().unwrap_or(0));
        let whole = sum(&had);
        if whole <= 0.0 { 0.0 } else { rounded(100.0 * sum(&used) / whole) }
    };
    names.into_iter().map(|name| (name.to_owned(), percent(name))).collect()
}

fn add(sums: &mut BTreeMap<String, i128>, amounts: &Resources, millis: i64) {
    for (name, units) in amounts.iter() {
        let share = i128::from(units) * i128::from(millis);
        match sums.get_mut(name) {
            Some(sum) => *sum += share,
            None => drop(sums.insert(name.to_owned(), share)),
        }
    }
}

/// By how much a cost lies above its bound, in per cent of the bound.
pub(super) fn gap_percent(cost: f64, bound: f64) -> f64 {
    if bound <= 0.0 { 0.0 } else { rounded(100.0 * (cost - bound) / bound) }
}

/// From one time to a later one; zero when it is not later.
pub(crate) fn millis(from: Timestamp, to: Timestamp) -> i64 {
    (to.as_millisecond() - from.as_millisecond()).max(0)
}

pub(crate) fn hours(from: Timestamp, to: Timestamp) -> f64 {
    float_wide(i128::from(millis(from, to))) / float_wide(MILLIS_PER_HOUR)
}

fn seconds(millis: i64) -> f64 {
    float_wide(i128::from(millis)) / 1000.0
}

/// To six decimals: micro-dollars, or as good as any figure here needs.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// The same, but never upwards: a bound that is rounded up is none.
pub(super) fn rounded_down(number: f64) -> f64 {
    (number * 1e6).floor() / 1e6
}

pub(crate) fn float(count: u64) -> f64 {
    float_wide(i128::from(count))
}

#[expect(clippy::cast_precision_loss, reason = "figures are shown with six digits or fewer")]
pub(crate) fn float_wide(count: i128) -> f64 {
    count as f64
}

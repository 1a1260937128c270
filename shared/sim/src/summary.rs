//! From what the world wrote down to figures: for machines (JSON) and for people (a table).

mod bill;
pub(crate) mod measure;
mod table;

use crate::bound::Bound;
use crate::record::{PodEnd, PodRecord, Record};
use bill::Bill;
use measure::Spread;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a run came to. Serialized, it is what `joiner simulate -o json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The seed.
    pub seed: u64,
    /// How many seeds were run; this is the summary of one, the violations are of all.
    pub seeds_run: u32,
    /// How long the world lived.
    pub virtual_hours: f64,
    /// How long the run took; the only figure that differs between two runs.
    pub wall_seconds: f64,
    /// All pods but daemons. Those below, from `podsCompleted` to `podsLost`, add up to it.
    pub pods_created: u64,
    /// Ended after their work.
    pub pods_completed: u64,
    /// Bound at the end.
    pub pods_running: u64,
    /// Not bound at the end, just come: nobody has given a reason yet.
    pub pods_pending: u64,
    /// Not bound at the end, for a reason that was given.
    pub pods_unschedulable: u64,
    /// Let go by their owners before they were bound or ran.
    pub pods_withdrawn: u64,
    /// Evicted; their owners made new ones.
    pub pods_evicted: u64,
    /// Gone with their nodes; their owners made new ones.
    pub pods_lost: u64,
    /// From creation to binding, or to the end of those never bound.
    pub pending_seconds: Spread,
    /// Pods that were bound to a node launched after they had come.
    pub pods_that_waited_for_launch: u64,
    /// Of these: from creation to the launch call.
    pub pending_for_autoscaler_seconds: Spread,
    /// Of these: from the launch call to binding.
    pub pending_for_boot_seconds: Spread,
    /// Instances started.
    pub nodes_launched: u64,
    /// Instances that ended.
    pub nodes_terminated: u64,
    /// The most instances at once.
    pub peak_nodes: u64,
    /// Instances over the whole time, on average.
    pub mean_nodes: f64,
    /// What pods requested of what the nodes had, over time, in per cent by resource (daemons left out).
    pub utilisation_percent: BTreeMap<String, f64>,
    /// What the instances cost.
    pub cost_dollars: f64,
    /// What the pods that ran could not have cost less than.
    pub cost_lower_bound_dollars: f64,
    /// By how much the cost lies above the bound, in per cent of the bound.
    pub gap_percent: f64,
    /// Estimated price of the functions and queues for a month at this load.
    pub bill_dollars_per_month: Bill,
    /// Invocations by function.
    pub invocations: BTreeMap<&'static str, u64>,
    /// Hints sent by the forwarder.
    pub hints: u64,
    /// Messages that crossed a queue.
    pub messages: u64,
    /// Messages that nobody could use.
    pub dead_letters: u64,
    /// Calls by kind.
    pub calls: BTreeMap<String, u64>,
    /// Evictions.
    pub evictions: u64,
    /// Instances that got a notice from EC2.
    pub interruptions: u64,
    /// Faults, all kinds together.
    pub faults_injected: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Invariant checks made.
    pub invariant_checks: u64,
    /// Invariants that did not hold.
    pub violations: Vec<String>,
}

/// The functions that every summary names, invoked or not.
const FUNCTIONS: [&str; 4] = ["provisioning", "lifecycle", "interruption", "disruption"];

/// Makes the figures of a run.
pub fn summarize(record: &Record, bound: &Bound, seed: u64, wall_seconds: f64) -> Summary {
    let ended = |end| count(record, |pod| pod.ended.is_some_and(|(_, how)| how == end));
    let open = |is: fn(&PodRecord) -> bool| count(record, |pod| pod.ended.is_none() && is(pod));
    let launched: Vec<&PodRecord> = record
        .pods
        .iter()
        .filter(|pod| pod.bound.is_some() && pod.launch_called.is_some())
        .collect();
    let spread = |of: fn(&PodRecord) -> Option<i64>| {
        Spread::of(launched.iter().filter_map(|pod| of(pod)).collect())
    };
    let nodes = measure::alive(&record.instances, record.end);
    let cost = measure::rounded(measure::cost_dollars(record));
    let lower_bound = measure::rounded_down(bound.dollars);
    let mut invocations: BTreeMap<&'static str, u64> = FUNCTIONS.map(|name| (name, 0)).into();
    invocations.extend(&record.invocations);
    let notices = record.instances.iter().filter(|instance| instance.interrupted.is_some());
    Summary {
        seed,
        seeds_run: 1,
        virtual_hours: measure::rounded(measure::hours(record.start, record.end)),
        wall_seconds,
        pods_created: record.pods.len() as u64,
        pods_completed: ended(PodEnd::Completed),
        pods_running: open(|pod| pod.bound.is_some()),
        pods_pending: open(|pod| pod.bound.is_none() && pod.reason.is_none()),
        pods_unschedulable: open(|pod| pod.bound.is_none() && pod.reason.is_some()),
        pods_withdrawn: ended(PodEnd::Withdrawn),
        pods_evicted: ended(PodEnd::Evicted),
        pods_lost: ended(PodEnd::Lost),
        pending_seconds: Spread::of(measure::pending_millis(record)),
        pods_that_waited_for_launch: launched.len() as u64,
        pending_for_autoscaler_seconds: spread(measure::autoscaler_millis),
        pending_for_boot_seconds: spread(measure::boot_millis),
        nodes_launched: record.instances.len() as u64,
        nodes_terminated: record.instances.iter().filter(|i| i.ended.is_some()).count() as u64,
        peak_nodes: nodes.peak(),
        mean_nodes: measure::rounded(nodes.mean(record.start, record.end)),
        utilisation_percent: measure::utilisation_percent(record),
        cost_dollars: cost,
        cost_lower_bound_dollars: lower_bound,
        gap_percent: measure::gap_percent(cost, lower_bound),
        bill_dollars_per_month: bill::monthly(record),
        invocations,
        hints: record.hints,
        messages: record.messages,
        dead_letters: record.dead_letters,
        calls: record.calls.clone(),
        evictions: record.evictions,
        interruptions: notices.count() as u64,
        faults_injected: record.faults.values().sum(),
        faults: record.faults.clone(),
        invariant_checks: record.checks,
        violations: record.violations.clone(),
    }
}

fn count(record: &Record, is: impl Fn(&PodRecord) -> bool) -> u64 {
    record.pods.iter().filter(|pod| is(pod)).count() as u64
}

impl Summary {
    /// One JSON object on one line, without a line break behind it.
    ///
    /// # Panics
    /// Never: all keys are texts and all numbers finite.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data with text keys")
    }

    /// A table for people, with a line break at its end.
    pub fn to_table(&self) -> String {
        table::render(self)
    }

    /// The lines of the table: what, and how much.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        table::lines(self)
    }
}

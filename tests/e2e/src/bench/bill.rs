//! What a month costs in which nothing happens, at list prices of us-east-1 and with what every account has free for ever.
//!
//! Money is counted in nano-dollars.

use super::Row;
use std::time::Duration;

/// A function's schedule, and what one run of it takes while there is nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    pub(super) function: String,
    /// Runs in a month.
    pub(super) a_month: u64,
    pub(super) took: Duration,
    pub(super) memory_mb: u64,
}

/// Days of a month.
const DAYS: u64 = 30;
pub(super) const MINUTES: u64 = DAYS * 24 * 60;

// Lambda (AWS Lambda Pricing, arm64): for a GB-second, for a request; and what of them is free for ever.
const GB_SECOND: u64 = 13_333;
const INVOCATION: u64 = 200;
const FREE_GB_SECONDS: u64 = 400_000;
const FREE_INVOCATIONS: u64 = 1_000_000;

// Amazon SQS Pricing: for a request to a standard queue, and how many are free for ever.
const REQUEST: u64 = 400;
const FREE_REQUESTS: u64 = 1_000_000;
/// Queues that Lambda looks into.
const QUEUES: u64 = 2;
/// Pollers of a quiet standard queue (AWS Lambda developer guide, "Using Lambda with Amazon SQS"), and looks of each in a minute:
/// one takes twenty seconds.
const POLLS_A_MINUTE: u64 = 2 * 3;

/// The bill, each part at list price, then the whole at list price and less what is free.
pub(super) fn month(sweeps: &[Sweep]) -> Vec<Row> {
    let invocations: u64 = sweeps.iter().map(|sweep| sweep.a_month).sum();
    let used: u64 = sweeps.iter().map(micro_gb_seconds).sum();
    let polls = QUEUES * POLLS_A_MINUTE * MINUTES;
    let compute = |micro_gb_seconds: u64| micro_gb_seconds / 1_000 * GB_SECOND / 1_000;
    let list = compute(used) + invocations * INVOCATION + polls * REQUEST;
    let due = compute(used.saturating_sub(FREE_GB_SECONDS * 1_000_000))
        + invocations.saturating_sub(FREE_INVOCATIONS) * INVOCATION
        + polls.saturating_sub(FREE_REQUESTS) * REQUEST;
    let mut rows: Vec<Row> = sweeps
        .iter()
        .map(|sweep| {
            let cost = compute(micro_gb_seconds(sweep)) + sweep.a_month * INVOCATION;
            let Sweep { function, a_month, took, memory_mb } = sweep;
            let what = format!(
                "{function}, idle: {a_month} runs of {} ms with {memory_mb} MB",
                took.as_millis()
            );
            Row::new(what, dollars(cost), "")
        })
        .collect();
    rows.push(Row::new(format!("queues, idle: {polls} looks"), dollars(polls * REQUEST), ""));
    rows.push(Row::new("a month of an idle cluster, list price", dollars(list), "$0.300"));
    rows.push(Row::new("less what every account has free", dollars(due), ""));
    rows
}

/// Lambda counts whole milliseconds.
fn micro_gb_seconds(sweep: &Sweep) -> u64 {
    let millis = u64::try_from(sweep.took.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
    sweep.a_month * millis * sweep.memory_mb * 1_000 / 1_024
}

fn dollars(nano: u64) -> String {
    let milli = nano.div_ceil(1_000_000);
    format!("${}.{:03}", milli / 1_000, milli % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_month_of_nothing_is_counted_from_schedules_durations_and_list_prices() {
        let sweep = |function: &str, a_month, millis, memory_mb| Sweep {
            function: function.to_owned(),
            a_month,
            took: Duration::from_millis(millis),
            memory_mb,
        };
        let rows = month(&[
            sweep("provisioning", MINUTES, 100, 512),
            sweep("disruption", MINUTES, 200, 1_024),
            sweep("catalog", MINUTES / 5, 1_000, 512),
        ]);
        let line = |row: &Row| format!("{}: {}\n", row.what, row.measured);
        expect![[r#"
            provisioning, idle: 43200 runs of 100 ms with 512 MB: $0.038
            disruption, idle: 43200 runs of 200 ms with 1024 MB: $0.124
            catalog, idle: 8640 runs of 1000 ms with 512 MB: $0.060
            queues, idle: 518400 looks: $0.208
            a month of an idle cluster, list price: $0.428
            less what every account has free: $0.000
        "#]]
        .assert_eq(&rows.iter().map(line).collect::<String>());
    }
}

//! What a month costs in which nothing happens, at list prices of us-east-1 and with what every account has free for ever.
//!
//! Money is counted in nano-dollars.

use std::time::Duration;

/// A function's schedule, and what one run of it takes while there is nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The function's name.
    pub function: String,
    /// Runs in a month.
    pub a_month: u64,
    /// How long one of them takes.
    pub took: Duration,
    /// The function's memory.
    pub memory_mb: u64,
}

/// A part of the bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is for.
    pub what: String,
    /// At list price.
    pub nano_dollars: u64,
}

/// A month's bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Each part at list price.
    pub lines: Vec<Line>,
    /// All of it at list price, in nano-dollars.
    pub list: u64,
    /// That less what every account has free, in nano-dollars.
    pub due: u64,
}

/// Days of a month.
const DAYS: u64 = 30;
/// Minutes of a month.
const MINUTES: u64 = DAYS * 24 * 60;

// Lambda (AWS Lambda Pricing, arm64): for a GB-second, for a request; and what of them is free for ever.
const GB_SECOND: u64 = 13_333;
const INVOCATION: u64 = 200;
const FREE_GB_SECONDS: u64 = 400_000;
const FREE_INVOCATIONS: u64 = 1_000_000;

// Amazon SQS Pricing: for a request to a standard queue, and how many are free for ever.
const REQUEST: u64 = 400;
const FREE_REQUESTS: u64 = 1_000_000;
/// Pollers of a quiet standard queue (AWS Lambda developer guide, "Using Lambda with Amazon SQS"), and looks of each in a minute:
/// one takes twenty seconds.
const POLLS_A_MINUTE: u64 = 2 * 3;

/// How often a schedule such as `rate(5 minutes)` begins in a month; nothing where it is no rate.
pub fn runs_in_a_month(expression: &str) -> Option<u64> {
    let rate = expression.strip_prefix("rate(")?.strip_suffix(')')?;
    let (every, unit) = rate.split_once(' ')?;
    let minutes = match unit {
        "minute" | "minutes" => 1,
        "hour" | "hours" => 60,
        "day" | "days" => 24 * 60,
        _ => return None,
    };
    MINUTES.checked_div(every.parse::<u64>().ok()?.checked_mul(minutes)?)
}

/// The bill for these schedules, and for so many queues that Lambda looks into.
pub fn month(sweeps: &[Sweep], queues: u64) -> Bill {
    let invocations: u64 = sweeps.iter().map(|sweep| sweep.a_month).sum();
    let used: u64 = sweeps.iter().map(micro_gb_seconds).sum();
    let polls = queues * POLLS_A_MINUTE * MINUTES;
    let compute = |micro_gb_seconds: u64| micro_gb_seconds / 1_000 * GB_SECOND / 1_000;
    let list = compute(used) + invocations * INVOCATION + polls * REQUEST;
    let due = compute(used.saturating_sub(FREE_GB_SECONDS * 1_000_000))
        + invocations.saturating_sub(FREE_INVOCATIONS) * INVOCATION
        + polls.saturating_sub(FREE_REQUESTS) * REQUEST;
    let line = |sweep: &Sweep| {
        let Sweep { function, a_month, took, memory_mb } = sweep;
        let millis = took.as_millis();
        Line {
            what: format!("{function}, idle: {a_month} runs of {millis} ms with {memory_mb} MB"),
            nano_dollars: compute(micro_gb_seconds(sweep)) + a_month * INVOCATION,
        }
    };
    let mut lines: Vec<Line> = sweeps.iter().map(line).collect();
    let what = format!("queues, idle: {polls} looks");
    lines.push(Line { what, nano_dollars: polls * REQUEST });
    Bill { lines, list, due }
}

/// Lambda counts whole milliseconds.
fn micro_gb_seconds(sweep: &Sweep) -> u64 {
    let millis = u64::try_from(sweep.took.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
    sweep.a_month * millis * sweep.memory_mb * 1_000 / 1_024
}

/// Dollars to a tenth of a cent, rounded up.
pub fn dollars(nano: u64) -> String {
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
        let sweeps = [
            sweep("provisioning", MINUTES, 100, 512),
            sweep("disruption", MINUTES, 200, 1_024),
            sweep("catalog", MINUTES / 5, 1_000, 512),
        ];
        let Bill { lines, list, due } = month(&sweeps, 2);
        let line = |line: &Line| format!("{}: {}\n", line.what, dollars(line.nano_dollars));
        let mut text: String = lines.iter().map(line).collect();
        for (of, nano) in [("list price", list), ("due", due)] {
            text.extend([of, ": ", &dollars(nano), "\n"]);
        }
        expect![[r#"
            provisioning, idle: 43200 runs of 100 ms with 512 MB: $0.038
            disruption, idle: 43200 runs of 200 ms with 1024 MB: $0.124
            catalog, idle: 8640 runs of 1000 ms with 512 MB: $0.060
            queues, idle: 518400 looks: $0.208
            list price: $0.428
            due: $0.000
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn rates_are_counted_and_nothing_else_is() {
        let all = ["rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(1 day)"];
        assert_eq!(all.map(runs_in_a_month), [43_200, 8_640, 720, 30].map(Some));
        let others =
            ["rate(0 minutes)", "rate(1 week)", "cron(0 9 * * ? *)", "rate(1)", "1 minute"];
        assert_eq!(others.map(runs_in_a_month), [None; 5]);
    }
}

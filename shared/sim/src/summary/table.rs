//! The summary as lines that people read.

use super::Summary;
use super::measure::Spread;
use comfy_table::{ContentArrangement, Table, presets};
use std::collections::BTreeMap;

/// At most so many violations are shown: one is enough to look for, and the JSON has all.
const VIOLATIONS_SHOWN_MAX: usize = 10;

/// Columns of text: what a terminal on a laptop has. The same everywhere, so that the same run prints the same bytes.
const WIDTH: u16 = 110;

pub(super) fn render(summary: &Summary) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    for (what, how_much) in lines(summary) {
        table.add_row([what, &how_much]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 2));
    }
    let rows = table.to_string();
    let mut text = String::new();
    for row in rows.lines() {
        text.push_str(row.trim_end());
        text.push('\n');
    }
    for violation in summary.violations.iter().take(VIOLATIONS_SHOWN_MAX) {
        text.push_str("VIOLATION ");
        text.push_str(violation);
        text.push('\n');
    }
    text
}

pub(super) fn lines(summary: &Summary) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    lines.extend(pods(summary));
    lines.extend(nodes(summary));
    lines.extend(machinery(summary));
    lines
}

fn pods(summary: &Summary) -> Vec<(&'static str, String)> {
    let ends = [
        (summary.pods_completed, "completed"),
        (summary.pods_running, "running"),
        (summary.pods_pending, "just come"),
        (summary.pods_unschedulable, "unschedulable"),
        (summary.pods_withdrawn, "withdrawn"),
        (summary.pods_evicted, "evicted"),
        (summary.pods_lost, "lost"),
    ];
    let shown = ends.iter().filter(|(count, _)| 0 < *count);
    let shown: Vec<String> =
        shown.map(|(count, what)| format!("{} {what}", whole(*count))).collect();
    let launched = whole(summary.pods_that_waited_for_launch);
    let autoscaler = spread(&summary.pending_for_autoscaler_seconds);
    vec![
        (
            "virtual time",
            format!("{:.1} h in {:.1} s", summary.virtual_hours, summary.wall_seconds),
        ),
        ("seed", summary.seed.to_string()),
        ("pods created", whole(summary.pods_created)),
        ("  of these", joined_or_none(&shown)),
        ("pending", spread(&summary.pending_seconds)),
        ("  for the autoscaler", format!("{autoscaler}  ({launched} pods that needed a launch)")),
        ("  for the boot", spread(&summary.pending_for_boot_seconds)),
    ]
}

fn nodes(summary: &Summary) -> Vec<(&'static str, String)> {
    let used = summary.utilisation_percent.iter();
    let used: Vec<String> = used.map(|(name, percent)| format!("{name} {percent:.1} %")).collect();
    let removed = whole(summary.nodes_terminated);
    let bound = summary.cost_lower_bound_dollars;
    vec![
        ("nodes launched", format!("{}, removed {removed}", whole(summary.nodes_launched))),
        (
            "nodes at once",
            format!("peak {}, mean {:.1}", whole(summary.peak_nodes), summary.mean_nodes),
        ),
        ("utilisation", format!("{} (requested of allocatable, over time)", used.join(", "))),
        ("cost", dollars(summary.cost_dollars)),
        ("  lower bound", format!("{} (clairvoyant, fractional)", dollars(bound))),
        ("  gap", format!("{:.1} %", summary.gap_percent)),
        (
            "interruptions",
            format!("{}, pods lost {}", whole(summary.interruptions), whole(summary.pods_lost)),
        ),
        ("evictions", whole(summary.evictions)),
    ]
}

fn machinery(summary: &Summary) -> Vec<(&'static str, String)> {
    let bill = summary.bill_dollars_per_month;
    let messages = whole(summary.messages);
    let dead = whole(summary.dead_letters);
    vec![
        ("hints", format!("{}, messages {messages}, dead letters {dead}", whole(summary.hints))),
        ("invocations", by_name(&summary.invocations)),
        ("API calls", by_name(&summary.calls)),
        (
            "bill per month",
            format!(
                "{} (Lambda {}, SQS {}; estimated, no free tier)",
                dollars(bill.total),
                dollars(bill.lambda),
                dollars(bill.sqs)
            ),
        ),
        ("faults injected", with_total(summary.faults_injected, &by_name(&summary.faults))),
        ("invariant checks", whole(summary.invariant_checks)),
        ("violations", whole(summary.violations.len() as u64)),
    ]
}

fn with_total(total: u64, parts: &str) -> String {
    if total == 0 { "0".to_owned() } else { format!("{} ({parts})", whole(total)) }
}

fn by_name<K: AsRef<str>>(counts: &BTreeMap<K, u64>) -> String {
    let each: Vec<String> =
        counts.iter().map(|(name, count)| format!("{} {}", name.as_ref(), whole(*count))).collect();
    joined_or_none(&each)
}

fn joined_or_none(parts: &[String]) -> String {
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn spread(of: &Spread) -> String {
    let Spread { p50, p95, p99, max } = of;
    format!("p50 {p50:.1} s, p95 {p95:.1} s, p99 {p99:.1} s, max {max:.1} s")
}

fn dollars(amount: f64) -> String {
    format!("${amount:.2}")
}

/// `1234567` as `1,234,567`.
pub(crate) fn whole(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

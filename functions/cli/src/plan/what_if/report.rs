//! What a change comes to, as JSON and as text.

use super::{Drifting, Outcome};
use crate::columns::{count, render, table};
use crate::plan::report::{NodeClaim, dollars};
use crate::status::HOURS_A_MONTH;
use model::labels;
use model::reason::Reason;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Rows of a table, as a screen has; `-o json` has all.
const ROWS_MAX: usize = 40;

/// What `-o json` prints. Its keys never change their meaning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Nodes that drift by the change.
    drift: Vec<NodeReport>,
    /// Claims that had drifted before, and are not counted here.
    drifted_before: usize,
    /// What the pods of these nodes get.
    node_claims: Vec<NodeClaim>,
    /// Pods that find room on other nodes instead.
    moved_to_others: usize,
    /// Pods that would have no place, with the reasons.
    left_out: BTreeMap<String, Vec<String>>,
    /// Dollars an hour: of the nodes that drift, and of what comes in their place.
    drift_per_hour: f64,
    new_per_hour: f64,
    /// Dollars a month of 730 hours: of the whole cluster, as far as prices are known.
    before_per_month: f64,
    after_per_month: f64,
    /// How many nodes something keeps from being renewed.
    blocked: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeReport {
    node: String,
    node_pool: Option<String>,
    instance_type: Option<String>,
    price_per_hour: Option<f64>,
    pods: usize,
    /// Karpenter's reason.
    reason: &'static str,
    /// Whether a pod, its budget or an annotation forbids it now.
    blocked: bool,
    /// What the first pass has against its renewal; nothing where it begins it.
    first_pass: Vec<String>,
}

pub(super) fn of(outcome: &Outcome<'_>) -> Report {
    let Outcome { drifting, drifted_before, new, cost } = outcome;
    let nodes: Vec<NodeReport> = drifting.iter().map(node).collect();
    let going = drifting.iter().filter_map(|one| one.price).sum();
    let month = |hour| dollars(hour) * HOURS_A_MONTH;
    Report {
        blocked: nodes.iter().filter(|node| node.blocked).count(),
        drift: nodes,
        drifted_before: *drifted_before,
        node_claims: new.claims.clone(),
        moved_to_others: new.on_others,
        left_out: new.left_out.clone(),
        drift_per_hour: dollars(going),
        new_per_hour: dollars(new.price),
        before_per_month: month(*cost),
        after_per_month: month(*cost - going + new.price),
    }
}

fn node(one: &Drifting<'_>) -> NodeReport {
    let Drifting { node, reason, price, pods, first_pass } = one;
    let label = |key: &str| node.labels.get(key).map(ToString::to_string);
    NodeReport {
        node: node.name.to_string(),
        node_pool: label(labels::NODEPOOL),
        instance_type: label(labels::INSTANCE_TYPE),
        price_per_hour: price.map(dollars),
        pods: *pods,
        reason,
        blocked: first_pass.iter().any(|reason| matches!(reason, Reason::Blocked { .. })),
        first_pass: first_pass.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn text(report: &Report) -> String {
    let Report { drift, drifted_before, drift_per_hour, new_per_hour, .. } = report;
    let mut text = String::new();
    if drift.is_empty() {
        text.push_str("No node drifts.\n");
    } else {
        text.push_str(&nodes(drift));
    }
    text.push_str(&new_nodes(report));
    let month = |hour: f64| hour * HOURS_A_MONTH;
    let _ = writeln!(
        text,
        "\nnodes that drift: {}, held back: {}, drifted before: {drifted_before}",
        drift.len(),
        report.blocked
    );
    if !drift.is_empty() {
        let _ = writeln!(
            text,
            "they cost          ${drift_per_hour:.4}/h, ${:.0} a month",
            month(*drift_per_hour)
        );
        let _ = writeln!(
            text,
            "instead come       ${new_per_hour:.4}/h, ${:.0} a month ({}, {} moved to others)",
            month(*new_per_hour),
            count(report.node_claims.len(), "new node"),
            count(report.moved_to_others, "pod"),
        );
    }
    let _ = write!(
        text,
        "the cluster costs  ${:.0} a month, then ${:.0}",
        report.before_per_month, report.after_per_month
    );
    let _ = match report.left_out.len() {
        0 => writeln!(text),
        left_out => writeln!(text, ", without the {left_out} left out"),
    };
    text
}

fn nodes(drift: &[NodeReport]) -> String {
    let heads = ["NODE", "NODEPOOL", "TYPE", "$/HOUR", "PODS", "DRIFTS FOR", "FIRST PASS"];
    let mut rows = table(&heads, &[3, 4]);
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for node in drift.iter().take(ROWS_MAX) {
        let first = match &node.first_pass[..] {
            [] => "renews it".to_owned(),
            reasons => reasons.join("\n"),
        };
        rows.add_row([
            node.node.clone(),
            or_none(&node.node_pool),
            or_none(&node.instance_type),
            node.price_per_hour.map_or("-".to_owned(), |price| format!("{price:.4}")),
            node.pods.to_string(),
            node.reason.to_owned(),
            first,
        ]);
    }
    let mut text = render(&rows);
    if let Some(more) = drift.len().checked_sub(ROWS_MAX).filter(|more| 0 < *more) {
        let _ = writeln!(text, "and {more} more nodes that drift");
    }
    text
}

fn new_nodes(report: &Report) -> String {
    let mut text = String::new();
    if !report.node_claims.is_empty() {
        let mut kinds: BTreeMap<(&str, &str, &str, String), (usize, usize)> = BTreeMap::new();
        for claim in &report.node_claims {
            let launch = &claim.launch;
            let price = format!("{:.4}", launch.price_per_hour);
            let kind = (&*claim.node_pool, &*launch.instance_type, &*launch.capacity_type, price);
            let (nodes, pods) = kinds.entry(kind).or_default();
            *nodes += 1;
            *pods += claim.pods.len();
        }
        let mut rows = table(
            &["NEW NODES", "NODEPOOL", "TYPE", "CAPACITY", "$/HOUR EACH", "PODS"],
            &[0, 4, 5],
        );
        for ((pool, it, capacity_type, price), (nodes, pods)) in kinds {
            rows.add_row([&nodes.to_string(), pool, it, capacity_type, &price, &pods.to_string()]);
        }
        let _ = write!(text, "\n{}", render(&rows));
    }
    if !report.left_out.is_empty() {
        let mut rows = table(&["LEFT OUT", "WHY"], &[]);
        for (what, reasons) in report.left_out.iter().take(ROWS_MAX) {
            rows.add_row([what.clone(), reasons.join("\n")]);
        }
        let _ = write!(text, "\n{}", render(&rows));
    }
    text
}

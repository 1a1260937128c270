//! A plan as text for people.

use super::report::{self, Report, new_claims};
use super::world::World;
use crate::columns::{render, table};
use model::action::Choice;
use model::name::ObjectName;
use model::plan::Plan;
use model::reason::{Reason, Subject};
use model::resources::Resources;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Pods that are named where many share a fate.
const NAMED_MAX: usize = 3;

/// New nodes, pods on nodes that are there, and who was left out and why.
pub(super) fn print(plan: &Plan, world: &World, report: &Report) -> String {
    let mut text = String::new();
    if report.node_claims.is_empty() {
        text.push_str("No new nodes.\n");
    } else {
        text.push_str(&new_nodes(plan, report));
        text.push_str(&total(plan, report));
    }
    if !report.existing.is_empty() {
        text.push('\n');
        let mut table = table(&["NODE", "PODS", ""], &[1]);
        for existing in &report.existing {
            let names = existing.pods.iter().map(|pod| &**pod);
            table.add_row([&*existing.node, &existing.pods.len().to_string(), &some(names)]);
        }
        text.push_str(&render(&table));
    }
    text.push_str(&left_out(plan, world));
    text
}

fn new_nodes(plan: &Plan, report: &Report) -> String {
    let heads =
        ["NODECLAIM", "NODEPOOL", "TYPE", "ZONE", "CAPACITY", "$/HOUR", "PODS", "CPU", "MEMORY"];
    let mut table = table(&heads, &[5, 6, 7, 8]);
    for ((claim, _, first), row) in new_claims(plan).zip(&report.node_claims) {
        table.add_row([
            &*row.name,
            &row.node_pool,
            &row.launch.instance_type,
            &row.launch.zone,
            &row.launch.capacity_type,
            &format!("{:.4}", row.launch.price_per_hour),
            &row.pods.len().to_string(),
            &share(&claim.spec.requests, first, |r| r.cpu_milli),
            &share(&claim.spec.requests, first, |r| r.memory_bytes),
        ]);
    }
    render(&table)
}

/// How much of a resource pods and daemons request, in whole per cent.
fn share(requests: &Resources, node: &Choice, of: impl Fn(&Resources) -> i64) -> String {
    let (used, room) = (i128::from(of(requests)), i128::from(of(&node.allocatable)));
    if room <= 0 { "-".to_owned() } else { format!("{}%", used * 100 / room) }
}

fn total(plan: &Plan, report: &Report) -> String {
    let nodes = report.node_claims.len();
    let pods: usize = report.node_claims.iter().map(|claim| claim.pods.len()).sum();
    let mut line = format!(
        "\n{nodes} {} for {pods} {}, {} an hour",
        if nodes == 1 { "node" } else { "nodes" },
        if pods == 1 { "pod" } else { "pods" },
        plan.cost.per_hour
    );
    if let (Some(bound), Some(gap)) = (plan.cost.lower_bound_per_hour, report.cost.gap_percent) {
        write!(line, "; at least {bound} would be needed, {gap}% less").expect("text takes text");
    }
    line + "\n"
}

/// Reasons, with the pods that share them.
fn left_out(plan: &Plan, world: &World) -> String {
    let mut pods: BTreeMap<Vec<&Reason>, Vec<&ObjectName>> = BTreeMap::new();
    for (pod, reasons) in report::left_out(plan, world) {
        pods.entry(reasons).or_default().push(pod);
    }
    let mut text = String::new();
    let mut add = |subject: String, reasons: &[&Reason]| {
        writeln!(text, "\nnot placed: {subject}").expect("text takes text");
        for reason in reasons {
            writeln!(text, "  {reason}").expect("text takes text");
        }
    };
    for (reasons, pods) in &pods {
        add(some(pods.iter().map(ToString::to_string)), reasons);
    }
    for left_out in &plan.left_out {
        if !matches!(left_out.subject, Subject::Pod(_)) {
            add(left_out.subject.to_string(), &left_out.reasons.iter().collect::<Vec<_>>());
        }
    }
    text
}

/// The first few names, and how many more there are.
fn some(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<String> =
        names.by_ref().take(NAMED_MAX).map(|name| name.as_ref().to_owned()).collect();
    match names.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

//! `joiner plan --consolidate`: which nodes could go and what would come instead, as JSON or as text.

use super::report::{Existing, NodeClaim, dollars, node_claim};
use super::world::World;
use crate::Streams;
use crate::columns::{render, table};
use crate::failure::Failure;
use crate::format::Format;
use jiff::Timestamp;
use model::action::{Choice, ClaimToLaunch, Launch, NewClaim};
use model::name::{NodeName, ObjectName};
use model::plan::Target;
use planner::disrupt::proposal::{Proposal, propose};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

/// Rows of a table, as a screen has; `-o json` has all.
const ROWS_MAX: usize = 40;

/// What is printed. Its keys never change their meaning: programs outside the project read them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Nodes that go.
    remove: Vec<NodeName>,
    /// Nodes that come.
    node_claims: Vec<NodeClaim>,
    /// Pods that move to nodes that stay.
    existing: Vec<Existing>,
    /// What is saved when all is done, in dollars.
    saved_per_hour: f64,
    /// What no consolidation of the nodes that may be disrupted could save more than, in dollars.
    saved_at_most_per_hour: f64,
    /// What these nodes cost now, in dollars.
    cost_per_hour: f64,
    moved_pods: usize,
    /// Why other nodes stay.
    kept: Vec<Kept>,
    /// How long the decision took, in seconds.
    solve_seconds: f64,
}

#[derive(Debug, Serialize)]
struct Kept {
    what: String,
    reasons: Vec<String>,
}

/// Works it out and prints it.
pub(super) fn run(
    mut world: World,
    now: Timestamp,
    format: Format,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    for pool in &mut world.snapshot.cluster.pools {
        if world.unbudgeted.contains(&pool.name) {
            world.notes.push(format!(
                "NodePool {}: names no disruption budgets, so that none is kept to; a cluster would allow 10% at once",
                pool.name
            ));
            Arc::make_mut(pool).disruption.budgets.clear();
        }
    }
    let start = Instant::now();
    let proposal = propose(&world.snapshot, now);
    let solve_seconds = start.elapsed().as_secs_f64();
    if let Some(violation) = reconciler::check::check(&proposal.plan, &world.snapshot, now).first()
    {
        return Err(Failure::Run(format!("the plan breaks a rule, {violation}")));
    }
    world.say_notes(streams)?;
    let report = of(proposal, solve_seconds);
    streams.print(format, &report, text)
}

fn of(proposal: Proposal, solve_seconds: f64) -> Report {
    let mut on_claims: BTreeMap<_, Vec<&ObjectName>> = BTreeMap::new();
    let mut on_nodes: BTreeMap<_, Vec<&ObjectName>> = BTreeMap::new();
    for placement in &proposal.moves {
        match &placement.on {
            Target::Claim(claim) => on_claims.entry(claim).or_default().push(&placement.pod),
            Target::Node(node) => on_nodes.entry(node).or_default().push(&placement.pod),
        }
    }
    let names = |pods: Vec<&ObjectName>| pods.iter().map(ToString::to_string).collect();
    let claims = proposal.launches.iter().filter_map(new_claim);
    let node_claims = claims.map(|(claim, launch, first)| {
        let pods = on_claims.remove(&claim.name).unwrap_or_default();
        node_claim(claim, launch, first, names(pods))
    });
    let existing = on_nodes.into_iter();
    let existing =
        existing.map(|(node, pods)| Existing { node: node.to_string(), pods: names(pods) });
    let kept = proposal.plan.left_out.iter().map(|left_out| Kept {
        what: left_out.subject.to_string(),
        reasons: left_out.reasons.iter().map(ToString::to_string).collect(),
    });
    let saving = proposal.plan.saving;
    Report {
        node_claims: node_claims.collect(),
        existing: existing.collect(),
        saved_per_hour: saving.map_or(0.0, |saving| dollars(saving.per_hour)),
        saved_at_most_per_hour: dollars(proposal.cost - proposal.bound),
        cost_per_hour: dollars(proposal.cost),
        moved_pods: saving.map_or(0, |saving| saving.moved_pods),
        kept: kept.collect(),
        remove: proposal.removed,
        solve_seconds,
    }
}

/// The one new claim of a launch, with its first choice.
fn new_claim(launch: &Launch) -> Option<(&NewClaim, &Launch, &Choice)> {
    match launch.claims.first()? {
        ClaimToLaunch::New(claim) => Some((claim, launch, launch.choices.first()?)),
        ClaimToLaunch::Existing { .. } => None,
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    if report.remove.is_empty() {
        text.push_str("No node goes.\n");
    } else {
        let mut rows = table(&["GOES"], &[]);
        for node in report.remove.iter().take(ROWS_MAX) {
            rows.add_row([node.to_string()]);
        }
        text.push_str(&render(&rows));
        rest(&mut text, report.remove.len(), "nodes that go");
    }
    if !report.node_claims.is_empty() {
        let heads = ["NEW NODE", "NODEPOOL", "TYPE", "ZONE", "CAPACITY", "$/HOUR", "PODS"];
        let mut rows = table(&heads, &[5, 6]);
        for claim in report.node_claims.iter().take(ROWS_MAX) {
            rows.add_row([
                claim.name.clone(),
                claim.node_pool.clone(),
                claim.launch.instance_type.clone(),
                claim.launch.zone.clone(),
                claim.launch.capacity_type.clone(),
                format!("{:.4}", claim.launch.price_per_hour),
                claim.pods.len().to_string(),
            ]);
        }
        write!(text, "\n{}", render(&rows)).expect("text takes text");
        rest(&mut text, report.node_claims.len(), "new nodes");
    }
    let Report { saved_per_hour, saved_at_most_per_hour, cost_per_hour, moved_pods, .. } = report;
    writeln!(
        text,
        "\nsaves ${saved_per_hour:.4}/h of ${cost_per_hour:.4}/h and moves {moved_pods} pods; \
         no consolidation could save more than ${saved_at_most_per_hour:.4}/h"
    )
    .expect("text takes text");
    if !report.kept.is_empty() {
        let mut rows = table(&["STAYS", "WHY"], &[]);
        for kept in report.kept.iter().take(ROWS_MAX) {
            rows.add_row([kept.what.clone(), kept.reasons.join("\n")]);
        }
        write!(text, "\n{}", render(&rows)).expect("text takes text");
        rest(&mut text, report.kept.len(), "that stay");
    }
    text
}

/// Says how many rows are not shown.
fn rest(text: &mut String, all: usize, what: &str) {
    if let Some(more) = all.checked_sub(ROWS_MAX).filter(|more| 0 < *more) {
        writeln!(text, "and {more} more {what}").expect("text takes text");
    }
}

//! `joiner explain pool`: whether a NodePool takes new nodes, what is left of its limits, what its budgets allow now, and how
//! each of its nodes stands.

use super::node::{claim_of, pods_on};
use super::sweep::{Sweep, Who};
use crate::Streams;
use crate::columns::{count, render, table};
use crate::failure::Failure;
use crate::format::Format;
use crate::plan::report::dollars;
use crate::plan::world::World;
use crate::status::{HOURS_A_MONTH, price_of};
use jiff::Timestamp;
use model::condition::ConditionType;
use model::labels;
use model::node::Node;
use model::pool::NodePool;
use model::price::Price;
use model::resources::format_amount;
use planner::explain::standing::{BudgetNow, LimitUse, Standing, standing};
use serde::Serialize;
use std::fmt::Write;

/// Rows of nodes that are shown; `-o json` has all.
const ROWS_MAX: usize = 40;

/// What `-o json` prints. Its keys never change their meaning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    name: String,
    weight: u32,
    node_class: String,
    /// `spec.replicas` of a static pool.
    replicas: Option<u32>,
    /// Why it takes no new nodes, if so.
    closed: Option<String>,
    limits: Vec<Limit>,
    budgets: Vec<Budget>,
    cost_per_hour: f64,
    nodes: Vec<NodeReport>,
}

#[derive(Debug, Serialize)]
struct Limit {
    resource: String,
    most: String,
    used: String,
}

/// Nothing in it where no budget counts now.
#[derive(Debug, Serialize)]
struct Budget {
    reason: String,
    left: Option<usize>,
    allowed: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeReport {
    name: String,
    instance_type: Option<String>,
    price_per_hour: Option<f64>,
    pods: usize,
    /// Why it has drifted, if so.
    drifted: Option<String>,
    /// Why it stays, and what the next pass would write about it.
    what: Vec<String>,
}

/// Explains and prints.
pub(super) fn run(
    (world, now): (&World, Timestamp),
    name: &str,
    format: Format,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let found = world.snapshot.cluster.pools.iter().find(|pool| &*pool.name == name);
    let pool = found
        .ok_or_else(|| Failure::Input(format!("NodePool {name}: {}", world.lacks("NodePools"))))?;
    let standing = standing(&world.snapshot, pool, now);
    let sweep = Sweep::of(&world.snapshot, now);
    streams.print(format, &report(world, pool, (standing, &sweep)), text)
}

fn report(world: &World, pool: &NodePool, (standing, sweep): (Standing, &Sweep)) -> Report {
    let Standing { closed, limits, budgets } = standing;
    let nodes = world.snapshot.cluster.nodes.iter();
    let nodes: Vec<&Node> = nodes
        .map(|node| &**node)
        .filter(|node| node.labels.get(labels::NODEPOOL).is_some_and(|of| **of == *pool.name))
        .collect();
    let cost: Price = nodes.iter().filter_map(|node| price_of(world, node)).sum();
    Report {
        name: pool.name.to_string(),
        weight: pool.weight,
        node_class: pool.node_class.to_string(),
        replicas: pool.replicas,
        closed: closed.map(|reason| reason.to_string()),
        limits: limits.into_iter().map(limit).collect(),
        budgets: budgets.into_iter().map(budget).collect(),
        cost_per_hour: dollars(cost),
        nodes: nodes.into_iter().map(|node| node_report(world, node, sweep)).collect(),
    }
}

fn limit(LimitUse { resource, most, used }: LimitUse) -> Limit {
    let amount = |units| format_amount(&resource, units);
    Limit { most: amount(most), used: amount(used), resource: resource.to_string() }
}

fn budget(BudgetNow { reason, left }: BudgetNow) -> Budget {
    let (left, allowed) = left.unzip();
    Budget { reason: format!("{reason:?}"), left, allowed }
}

fn node_report(world: &World, node: &Node, sweep: &Sweep) -> NodeReport {
    let claim = claim_of(world, node);
    let who = Who { node: &node.name, claim: claim.map(|claim| &claim.name) };
    let mut what = sweep.reasons(who);
    what.extend(sweep.next(who));
    let drifted = claim.and_then(|claim| claim.conditions.get(ConditionType::Drifted));
    NodeReport {
        name: node.name.to_string(),
        instance_type: node.labels.get(labels::INSTANCE_TYPE).map(ToString::to_string),
        price_per_hour: price_of(world, node).map(dollars),
        pods: pods_on(world, node).len(),
        drifted: drifted.map(|drifted| drifted.reason.clone()),
        what,
    }
}

fn text(report: &Report) -> String {
    let Report { name, weight, node_class, replicas, closed, cost_per_hour, .. } = report;
    let mut text = format!("NodePool {name} (weight {weight}, EC2NodeClass {node_class})\n");
    let _ = match (closed, replicas) {
        (Some(why), _) => writeln!(text, "  not ready: {why}"),
        (None, Some(replicas)) => writeln!(text, "  is static: {replicas} nodes are kept"),
        (None, None) => writeln!(text, "  takes new nodes"),
    };
    let nodes_there = count(report.nodes.len(), "node");
    let month = cost_per_hour * HOURS_A_MONTH;
    let _ = writeln!(text, "  {nodes_there} for ${cost_per_hour:.4}/h, ${month:.0} a month");
    if report.limits.is_empty() {
        text.push_str("  no limits\n");
    }
    for Limit { resource, most, used } in &report.limits {
        let _ = writeln!(text, "  limit of {resource}: {used} of {most} used");
    }
    for Budget { reason, left, allowed } in &report.budgets {
        let _ = match (left, allowed) {
            (Some(left), Some(allowed)) => {
                writeln!(text, "  budget for {reason}: {left} more may go now, {allowed} at once")
            }
            (None, _) | (_, None) => writeln!(text, "  budget for {reason}: none counts now"),
        };
    }
    if report.nodes.is_empty() {
        return text;
    }
    text.push('\n');
    text.push_str(&nodes(&report.nodes));
    text
}

fn nodes(all: &[NodeReport]) -> String {
    let mut rows = table(&["NODE", "TYPE", "$/HOUR", "PODS", "DRIFTED", "NEXT"], &[2, 3]);
    for node in all.iter().take(ROWS_MAX) {
        rows.add_row([
            node.name.clone(),
            node.instance_type.clone().unwrap_or_else(|| "-".to_owned()),
            node.price_per_hour.map_or("-".to_owned(), |price| format!("{price:.4}")),
            node.pods.to_string(),
            node.drifted.clone().unwrap_or_else(|| "no".to_owned()),
            node.what.join("\n"),
        ]);
    }
    let mut text = render(&rows);
    if let Some(more) = all.len().checked_sub(ROWS_MAX).filter(|more| 0 < *more) {
        let _ = writeln!(text, "and {more} more nodes");
    }
    text
}

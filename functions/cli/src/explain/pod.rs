//! `joiner explain pod`: one pod, and what each NodePool has for it.

use crate::Streams;
use crate::columns::{render, table};
use crate::failure::Failure;
use crate::format::Format;
use crate::plan::report::{dollars, left_out, new_claims};
use crate::plan::world::World;
use jiff::Timestamp;
use model::name::ObjectName;
use model::plan::{Plan, Target};
use model::pod::Pod;
use planner::explain::{Considered, Explanation, PoolView, TypesView, explain};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// Instance types that are shown of each pool.
pub(super) const TYPES_SHOWN: usize = 5;

/// What `-o json` prints. Its keys never change their meaning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    pod: String,
    /// Where the plan for all pods puts it.
    placement: Option<String>,
    /// Why it has no place, or why no NodePool is asked.
    reasons: Vec<String>,
    node_pools: Vec<PoolReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PoolReport {
    name: String,
    weight: u32,
    /// Why the pool has nothing, if so.
    reason: Option<String>,
    /// All that would do, the cheapest first.
    instance_types: Vec<TypeReport>,
    /// How many others there are, by what ruled them out first.
    ruled_out: BTreeMap<String, usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TypeReport {
    pub(super) instance_type: String,
    pub(super) zone: String,
    pub(super) capacity_type: String,
    pub(super) price_per_hour: f64,
}

/// Explains and prints.
pub(super) fn run(
    (world, now): (&World, Timestamp),
    name: &str,
    format: Format,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let pod = find(world, name)?;
    let plan = planner::provision::provision(&world.snapshot, now);
    let report = report(world, pod, (&plan, &explain(&world.snapshot, pod, now)));
    streams.print(format, &report, text)
}

fn find<'w>(world: &'w World, wanted: &str) -> Result<&'w Arc<Pod>, Failure> {
    let (namespace, name) = wanted.split_once('/').unwrap_or(("default", wanted));
    let is_it = |pod: &&Arc<Pod>| *pod.name.namespace == *namespace && *pod.name.name == *name;
    let found = world.snapshot.cluster.pods.iter().find(is_it);
    found.ok_or_else(|| Failure::Input(format!("pod {namespace}/{name}: {}", world.lacks("pods"))))
}

fn report(world: &World, pod: &Pod, (plan, explanation): (&Plan, &Explanation)) -> Report {
    let reasons = left_out(plan, world).remove(&pod.name).unwrap_or_default();
    let mut reasons: Vec<String> = reasons.into_iter().map(ToString::to_string).collect();
    let refused = explanation.refused.as_ref().map(ToString::to_string);
    reasons.extend(refused.filter(|refused| !reasons.contains(refused)));
    Report {
        pod: pod.name.to_string(),
        placement: placement(plan, &pod.name)
            .or_else(|| pod.node.as_ref().map(|node| format!("it runs on node {node}"))),
        reasons,
        node_pools: explanation.pools.iter().map(pool).collect(),
    }
}

fn placement(plan: &Plan, pod: &ObjectName) -> Option<String> {
    let found = plan.placements.iter().find(|placement| placement.pod == *pod)?;
    Some(match &found.on {
        Target::Node(node) => format!("there is room on node {node}"),
        Target::Claim(claim) => {
            let new = new_claims(plan).find(|(new, ..)| new.name == *claim);
            match new {
                Some((_, _, first)) => format!(
                    "the plan for all pods puts it on a new {} in {} ({}, {}/h), claim {claim}",
                    first.offering.instance_type,
                    first.offering.zone,
                    first.offering.capacity_type,
                    first.price
                ),
                None => format!("there is room on claim {claim}, which is on its way"),
            }
        }
    })
}

fn pool(view: &PoolView) -> PoolReport {
    let (reason, types) = match &view.types {
        Ok(types) => (None, Some(types)),
        Err(reason) => (Some(reason.to_string()), None),
    };
    let usable = |types: &TypesView| types.usable.iter().map(considered).collect();
    let ruled_out = |types: &TypesView| {
        types.ruled_out.iter().map(|(why, count)| (why.to_string(), *count)).collect()
    };
    PoolReport {
        name: view.pool.to_string(),
        weight: view.weight,
        reason,
        instance_types: types.map(usable).unwrap_or_default(),
        ruled_out: types.map(ruled_out).unwrap_or_default(),
    }
}

fn considered(it: &Considered) -> TypeReport {
    TypeReport {
        instance_type: it.instance_type.to_string(),
        zone: it.zone.to_string(),
        capacity_type: it.capacity_type.to_string(),
        price_per_hour: dollars(it.price),
    }
}

fn text(report: &Report) -> String {
    let mut text = format!("pod {}\n", report.pod);
    for line in report.placement.iter().chain(&report.reasons) {
        writeln!(text, "  {line}").expect("text takes text");
    }
    for pool in &report.node_pools {
        writeln!(text, "\nNodePool {} (weight {})", pool.name, pool.weight)
            .expect("text takes text");
        if let Some(reason) = &pool.reason {
            writeln!(text, "  no: {reason}").expect("text takes text");
            continue;
        }
        let all = pool.instance_types.len();
        let shown = all.min(TYPES_SHOWN);
        match all {
            0 => writeln!(text, "  no instance type would do"),
            _ => writeln!(
                text,
                "  yes: {all} instance types would do, the cheapest {shown} alone on a node:"
            ),
        }
        .expect("text takes text");
        text.push_str(&types(pool.instance_types.iter().take(TYPES_SHOWN)));
        for (why, count) in &pool.ruled_out {
            writeln!(text, "  {count} ruled out: {why}").expect("text takes text");
        }
    }
    text
}

/// A table of instance types, or nothing where there are none.
pub(super) fn types<'a>(all: impl Iterator<Item = &'a TypeReport>) -> String {
    let mut types = table(&["  TYPE", "ZONE", "CAPACITY", "$/HOUR"], &[3]);
    for it in all {
        let price = format!("{:.4}", it.price_per_hour);
        types.add_row([&format!("  {}", it.instance_type), &it.zone, &it.capacity_type, &price]);
    }
    if types.is_empty() { String::new() } else { render(&types) }
}

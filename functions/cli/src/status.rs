//! `joiner status`: what a cluster has, what it costs, what is on its way, and what the next pass would do. It changes
//! nothing.

use crate::Streams;
use crate::columns::{render, table};
use crate::failure::Failure;
use crate::format::Format;
use crate::plan::Input;
use crate::plan::report::{dollars, left_out, new_claims};
use crate::plan::world::World;
use crate::recording::Recording;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use model::claim::NodeClaim;
use model::condition::{ConditionType, Status};
use model::instance_type::{CapacityType, OfferingKey};
use model::labels;
use model::name::{ClaimName, NodeName, Text};
use model::node::Node;
use model::plan::{Plan, Target};
use model::price::Price;
use model::resources::Resources;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

/// Hours of a month, as AWS' own calculator counts them.
pub(crate) const HOURS_A_MONTH: f64 = 730.0;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Also write what was seen into this file, with the time and the plans that it leads to: `joiner replay` makes them again.
    ///
    /// User data is not in it, nor what a pod's containers run.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How it is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// What `-o json` prints. Its keys never change their meaning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// By name; nodes that are of no NodePool stand last, under no name.
    node_pools: Vec<PoolReport>,
    /// Of all nodes whose price is known.
    cost_per_hour: f64,
    in_flight: Vec<InFlight>,
    waiting: Waiting,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct PoolReport {
    name: Option<String>,
    nodes: usize,
    not_ready: usize,
    spot: usize,
    /// Nodes whose price is not known: of other regions, or no instances of EC2.
    unpriced: usize,
    cost_per_hour: f64,
    /// Requested by pods, in per cent of what nodes have for them; nothing where there are no nodes.
    cpu_percent: Option<u64>,
    memory_percent: Option<u64>,
    pods: usize,
}

/// A NodeClaim that is coming or going.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InFlight {
    claim: String,
    node_pool: Option<String>,
    what: String,
    since: Timestamp,
}

/// Pods without a node, and what the next pass would do for them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    pods: usize,
    /// Those that find room on nodes and claims that are there.
    have_room: usize,
    new_nodes: usize,
    new_cost_per_hour: f64,
    left_out: usize,
}

/// Sums over the nodes of a pool.
#[derive(Default)]
struct Sums {
    report: PoolReport,
    price: Price,
    room: Resources,
    used: Resources,
}

/// Reports and prints.
pub(crate) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let (world, now) = arguments.input.read(streams)?;
    world.say_notes(streams)?;
    let plan = planner::provision::provision(&world.snapshot, now);
    let report = report(&world, &plan);
    streams.print(arguments.output, &report, |report| text(report, now))?;
    match &arguments.record {
        Some(path) => Recording::of(world.snapshot, now, plan).write(path),
        None => Ok(()),
    }
}

fn report(world: &World, plan: &Plan) -> Report {
    let cluster = &world.snapshot.cluster;
    // None stands before every name, and is shown last.
    let mut pools: BTreeMap<Option<Text>, Sums> = BTreeMap::new();
    for pool in &cluster.pools {
        pools.entry(Some(Text::from(&*pool.name))).or_default();
    }
    let mut price = Price::ZERO;
    for node in &cluster.nodes {
        let sums = pools.entry(node.labels.get(labels::NODEPOOL).cloned()).or_default();
        sums.add(node, price_of(world, node));
        price += price_of(world, node).unwrap_or(Price::ZERO);
    }
    let nodes: BTreeMap<&NodeName, &Node> =
        cluster.nodes.iter().map(|node| (&node.name, &**node)).collect();
    for pod in cluster.pods.iter().filter(|pod| !pod.is_terminal()) {
        let Some(node) = pod.node.as_ref().and_then(|on| nodes.get(on)) else { continue };
        let sums = pools.entry(node.labels.get(labels::NODEPOOL).cloned()).or_default();
        sums.used.add(&pod.requests);
        sums.report.pods += 1;
    }
    let strangers = pools.remove(&None);
    let named = pools.into_iter().map(|(name, sums)| sums.done(name));
    let waits = cluster.pods.iter().filter(|pod| pod.is_provisionable()).count();
    let cost = new_claims(plan).map(|(_, _, first)| first.price);
    let new: BTreeSet<&ClaimName> = new_claims(plan).map(|(claim, ..)| &claim.name).collect();
    let is_new = |target: &Target| match target {
        Target::Claim(claim) => new.contains(claim),
        Target::Node(_) => false,
    };
    Report {
        node_pools: named.chain(strangers.map(|sums| sums.done(None))).collect(),
        cost_per_hour: dollars(price),
        in_flight: cluster.claims.iter().filter_map(|claim| in_flight(claim)).collect(),
        waiting: Waiting {
            pods: waits,
            have_room: plan.placements.iter().filter(|placement| !is_new(&placement.on)).count(),
            new_nodes: new_claims(plan).count(),
            new_cost_per_hour: dollars(cost.fold(Price::ZERO, |all, one| all + one)),
            left_out: left_out(plan, world).len(),
        },
    }
}

impl Sums {
    fn add(&mut self, node: &Node, price: Option<Price>) {
        self.report.nodes += 1;
        self.report.not_ready += usize::from(!node.ready);
        self.report.spot += usize::from(node.capacity_type() == Some(CapacityType::Spot));
        self.report.unpriced += usize::from(price.is_none());
        self.price += price.unwrap_or(Price::ZERO);
        self.room.add(&node.allocatable);
    }

    fn done(self, name: Option<Text>) -> PoolReport {
        let Self { report, price, room, used } = self;
        let percent = |used: i64, room: i64| {
            let percent = (i128::from(used) * 100).checked_div(i128::from(room))?;
            u64::try_from(percent).ok()
        };
        PoolReport {
            name: name.map(|name| name.to_string()),
            cost_per_hour: dollars(price),
            cpu_percent: percent(used.cpu_milli, room.cpu_milli),
            memory_percent: percent(used.memory_bytes, room.memory_bytes),
            ..report
        }
    }
}

/// What a node costs an hour, by its labels, under whichever class knows its type.
pub(crate) fn price_of(world: &World, node: &Node) -> Option<Price> {
    let label = |key: &str| node.labels.get(key).cloned();
    let key = OfferingKey {
        instance_type: label(labels::INSTANCE_TYPE)?.into(),
        zone: label(labels::ZONE)?.into(),
        capacity_type: node.capacity_type()?,
    };
    let known = world.snapshot.instance_types.values().find_map(|types| {
        let found = types.named(&key.instance_type)?;
        found.offering(&key.zone, key.capacity_type)
    });
    known.map(|offering| offering.price)
}

/// What is under way with a claim; nothing where its node is there to stay.
fn in_flight(claim: &NodeClaim) -> Option<InFlight> {
    let condition = |kind| claim.conditions.get(kind);
    let since = |kind| condition(kind).map_or(claim.created, |condition| condition.since);
    let (what, since) = if let Some(deleting) = claim.deleting {
        let left = if claim.conditions.is_true(ConditionType::InstanceTerminating) {
            "is being terminated"
        } else if claim.conditions.is_true(ConditionType::Drained) {
            "is drained"
        } else {
            "is draining"
        };
        (left.to_owned(), deleting)
    } else if let Some(notice) = &claim.notice {
        (format!("EC2 has given notice: {}", notice.kind.as_str()), notice.at)
    } else if !claim.replaced_by.is_empty() {
        let names: Vec<&str> = claim.replaced_by.iter().map(|name| &**name).collect();
        let why = condition(ConditionType::DisruptionReason).map_or("", |why| &why.reason);
        let what = format!("{why}: goes when {} is initialized", names.join(", "));
        (what, since(ConditionType::DisruptionReason))
    } else if claim.is_initialized() {
        return None;
    } else if claim.is_registered() {
        let why = condition(ConditionType::Initialized).map_or("", |why| &why.message);
        (with_message("has joined, is not initialized", why), since(ConditionType::Registered))
    } else if claim.is_launched() {
        ("is launched, its node has not joined".to_owned(), since(ConditionType::Launched))
    } else {
        let why = condition(ConditionType::Launched).filter(|it| it.status != Status::True);
        (with_message("is not launched", why.map_or("", |why| &why.message)), claim.created)
    };
    Some(InFlight {
        claim: claim.name.to_string(),
        node_pool: claim.spec.pool.as_ref().map(ToString::to_string),
        what,
        since,
    })
}

fn with_message(what: &str, message: &str) -> String {
    if message.is_empty() { what.to_owned() } else { format!("{what}: {message}") }
}

fn text(report: &Report, now: Timestamp) -> String {
    let mut text = pools(report);
    let nodes: usize = report.node_pools.iter().map(|pool| pool.nodes).sum();
    let unpriced: usize = report.node_pools.iter().map(|pool| pool.unpriced).sum();
    let cost = report.cost_per_hour;
    let month = cost * HOURS_A_MONTH;
    let _ = write!(text, "\n{nodes} nodes for ${cost:.4}/h, ${month:.0} a month");
    let _ = match unpriced {
        0 => writeln!(text),
        unpriced => writeln!(text, ", without the {unpriced} whose price is not known"),
    };
    if !report.in_flight.is_empty() {
        text.push('\n');
        let mut table = table(&["NODECLAIM", "NODEPOOL", "FOR", "WHAT"], &[2]);
        for InFlight { claim, node_pool, what, since } in &report.in_flight {
            let pool = node_pool.as_deref().unwrap_or("-");
            table.add_row([claim, pool, &age(*since, now), what]);
        }
        text.push_str(&render(&table));
    }
    let Waiting { pods, have_room, new_nodes, new_cost_per_hour, left_out } = report.waiting;
    let _ = match pods {
        0 => writeln!(text, "\nno pod waits"),
        pods => writeln!(
            text,
            "\n{pods} pods wait: {have_room} find room on what is there, {} get {new_nodes} new nodes for ${new_cost_per_hour:.4}/h, {left_out} are left out (joiner plan says why)",
            pods.saturating_sub(have_room + left_out),
        ),
    };
    text
}

fn pools(report: &Report) -> String {
    let heads = ["NODEPOOL", "NODES", "NOT READY", "SPOT", "$/HOUR", "CPU", "MEMORY", "PODS"];
    let mut table = table(&heads, &[1, 2, 3, 4, 5, 6, 7]);
    let percent = |percent: Option<u64>| percent.map_or("-".to_owned(), |it| format!("{it}%"));
    for pool in &report.node_pools {
        table.add_row([
            pool.name.clone().unwrap_or_else(|| "(none)".to_owned()),
            pool.nodes.to_string(),
            pool.not_ready.to_string(),
            pool.spot.to_string(),
            format!("{:.4}", pool.cost_per_hour),
            percent(pool.cpu_percent),
            percent(pool.memory_percent),
            pool.pods.to_string(),
        ]);
    }
    render(&table)
}

/// How long something has been so, in its largest unit and the next.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    let passed = now.duration_since(since).max(SignedDuration::ZERO);
    let seconds = passed.as_secs();
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (0, hours, minutes, _) => format!("{hours}h{minutes}m"),
        (days, hours, ..) => format!("{days}d{hours}h"),
    }
}

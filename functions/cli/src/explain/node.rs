//! `joiner explain node`: what a node is, what would have done in its place, and why it stays or goes.

use super::pod::{TYPES_SHOWN, TypeReport, types};
use super::sweep::{Sweep, Who};
use crate::Streams;
use crate::columns::count;
use crate::failure::Failure;
use crate::format::Format;
use crate::plan::report::dollars;
use crate::plan::world::World;
use crate::status::{HOURS_A_MONTH, age, price_of};
use jiff::Timestamp;
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::instance_type::CapacityType;
use model::labels;
use model::node::Node;
use model::pod::Pod;
use model::price::Price;
use model::resources::Resources;
use serde::Serialize;
use std::fmt::Write;
use std::sync::Arc;

/// What `-o json` prints. Its keys never change their meaning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    node: String,
    claim: Option<ClaimReport>,
    node_pool: Option<String>,
    instance_type: Option<String>,
    zone: Option<String>,
    capacity_type: Option<String>,
    /// Nothing where it is not known.
    price_per_hour: Option<f64>,
    pods: Vec<String>,
    /// Requested by pods, in per cent of what the node has for them.
    cpu_percent: Option<i64>,
    memory_percent: Option<i64>,
    drifted: Option<Drifted>,
    /// What the next pass of disruption would write about it.
    next_pass: Vec<String>,
    /// Why it would not do more.
    stays: Vec<String>,
    /// Whether it would go by now if nothing had to be seen twice first; not where the next pass begins that.
    would_go: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ClaimReport {
    name: String,
    created: Timestamp,
    /// How many pods it was made for, and what they request with their daemons.
    made_for: usize,
    requests: String,
    /// Instance types that the claim admits and that hold these requests, each at its cheapest, the cheapest first.
    alternatives: Vec<TypeReport>,
    /// How many of them cost less than the node.
    cheaper: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Drifted {
    reason: String,
    since: Timestamp,
}

/// Explains and prints.
pub(super) fn run(
    (world, now): (&World, Timestamp),
    name: &str,
    format: Format,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let found = world.snapshot.cluster.nodes.iter().find(|node| &*node.name == name);
    let node =
        found.ok_or_else(|| Failure::Input(format!("node {name}: {}", world.lacks("nodes"))))?;
    let sweep = Sweep::of(&world.snapshot, now);
    streams.print(format, &report(world, node, &sweep), |report| text(report, now))
}

/// The claim of a node: by its name, or by its instance before it has registered.
pub(super) fn claim_of<'w>(world: &'w World, node: &Node) -> Option<&'w Arc<NodeClaim>> {
    world.snapshot.cluster.claims.iter().find(|claim| {
        let by_instance = claim.instance.is_some() && claim.instance == node.instance;
        claim.node.as_ref() == Some(&node.name) || by_instance
    })
}

/// The pods on a node that have not ended.
pub(super) fn pods_on<'w>(world: &'w World, node: &Node) -> Vec<&'w Arc<Pod>> {
    let pods = world.snapshot.cluster.pods.iter();
    pods.filter(|pod| pod.node.as_ref() == Some(&node.name) && !pod.is_terminal()).collect()
}

fn report(world: &World, node: &Node, sweep: &Sweep) -> Report {
    let claim = claim_of(world, node);
    let price = price_of(world, node);
    let pods = pods_on(world, node);
    let mut used = Resources::default();
    for pod in &pods {
        used.add(&pod.requests);
    }
    let percent = |used: i64, room: i64| used.checked_mul(100)?.checked_div(room);
    let label = |key: &str| node.labels.get(key).map(ToString::to_string);
    let who = Who { node: &node.name, claim: claim.map(|claim| &claim.name) };
    let drifted = claim.and_then(|claim| claim.conditions.get(ConditionType::Drifted));
    Report {
        node: node.name.to_string(),
        claim: claim.map(|claim| claim_report(world, claim, price)),
        node_pool: label(labels::NODEPOOL),
        instance_type: label(labels::INSTANCE_TYPE),
        zone: label(labels::ZONE),
        capacity_type: label(labels::CAPACITY_TYPE),
        price_per_hour: price.map(dollars),
        cpu_percent: percent(used.cpu_milli, node.allocatable.cpu_milli),
        memory_percent: percent(used.memory_bytes, node.allocatable.memory_bytes),
        pods: pods.iter().map(|pod| pod.name.to_string()).collect(),
        drifted: drifted.map(|it| Drifted { reason: it.reason.clone(), since: it.since }),
        next_pass: sweep.next(who),
        stays: sweep.reasons(who),
        would_go: sweep.would_go(who),
    }
}

fn claim_report(world: &World, claim: &NodeClaim, price: Option<Price>) -> ClaimReport {
    let alternatives = alternatives(world, claim);
    let less = |price: Price| alternatives.iter().filter(|(other, ..)| *other < price).count();
    ClaimReport {
        name: claim.name.to_string(),
        created: claim.created,
        made_for: claim.spec.nominated.len(),
        requests: claim.spec.requests.to_string(),
        cheaper: price.map(less),
        alternatives: alternatives
            .iter()
            .map(|(price, instance_type, zone, capacity_type)| TypeReport {
                instance_type: (*instance_type).to_owned(),
                zone: (*zone).to_owned(),
                capacity_type: capacity_type.to_string(),
                price_per_hour: dollars(*price),
            })
            .collect(),
    }
}

/// What the claim might have been launched as, at present prices.
fn alternatives<'w>(
    world: &'w World,
    claim: &NodeClaim,
) -> Vec<(Price, &'w str, &'w str, CapacityType)> {
    let Some(types) = world.snapshot.instance_types.get(&claim.spec.node_class) else {
        return Vec::new();
    };
    let admitted = types.admitted(&claim.spec.requirements);
    let holding = admitted.iter().map(|place| &types[place]);
    let holding = holding.filter(|it| claim.spec.requests.fits(&it.allocatable));
    let cheapest = holding.filter_map(|it| {
        let offerings = it.offerings.iter().filter(|offering| {
            offering.available && offering.admitted_by(&claim.spec.requirements)
        });
        let offers =
            offerings.map(|o| (o.price, it.name.as_str(), o.zone.as_str(), o.capacity_type));
        offers.min()
    });
    let mut all: Vec<_> = cheapest.collect();
    all.sort_unstable();
    all
}

fn text(report: &Report, now: Timestamp) -> String {
    let mut text = format!("node {}\n", report.node);
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let price = report.price_per_hour.map_or_else(
        || "its price is not known".to_owned(),
        |price| format!("${price:.4}/h, ${:.0} a month", price * HOURS_A_MONTH),
    );
    let (it, zone) = (known(&report.instance_type), known(&report.zone));
    let capacity_type = known(&report.capacity_type);
    let _ = writeln!(text, "  {it} in {zone}, {capacity_type}: {price}");
    let percent = |percent: Option<i64>| percent.map_or("-".to_owned(), |it| format!("{it}%"));
    let _ = writeln!(
        text,
        "  {}: {} of its cpu and {} of its memory are requested",
        count(report.pods.len(), "pod"),
        percent(report.cpu_percent),
        percent(report.memory_percent),
    );
    for pod in &report.pods {
        let _ = writeln!(text, "    {pod}");
    }
    match &report.claim {
        Some(claim) => text.push_str(&of_claim(claim, report, now)),
        None => text.push_str("\nwhy it is there\n  it has no NodeClaim: joiner leaves it alone\n"),
    }
    if let Some(Drifted { reason, since }) = &report.drifted {
        let _ = writeln!(text, "\ndrifted for {}: {reason}", age(*since, now));
    }
    if !report.next_pass.is_empty() {
        text.push_str("\nthe next pass would\n");
        report.next_pass.iter().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    if !report.stays.is_empty() {
        text.push_str("\nwhy it stays\n");
        report.stays.iter().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    if report.would_go {
        text.push_str("\nit would go once it has been seen so for long enough (joiner plan --consolidate says what would come)\n");
    }
    text
}

fn of_claim(claim: &ClaimReport, report: &Report, now: Timestamp) -> String {
    let pool = report.node_pool.as_deref().unwrap_or("none");
    let ClaimReport { name, created, made_for, requests, alternatives, cheaper } = claim;
    // A claim of Karpenter's does not say which pods it is for.
    let pods = match made_for {
        0 => String::new(),
        pods => format!(" for {}", count(*pods, "pod")),
    };
    let mut text = format!(
        "\nwhy it is there\n  NodeClaim {name} of NodePool {pool}, made {} ago{pods}; requests: {requests}\n",
        age(*created, now)
    );
    let all = alternatives.len();
    let _ = match cheaper {
        Some(cheaper) => writeln!(
            text,
            "  {all} instance types are admitted and hold that, {cheaper} of them for less at present prices:"
        ),
        None => writeln!(text, "  {all} instance types are admitted and hold that:"),
    };
    text.push_str(&types(alternatives.iter().take(TYPES_SHOWN)));
    text
}

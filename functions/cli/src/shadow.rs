//! `joiner shadow`: beside a live Karpenter, what joiner would do and what Karpenter did. It reads, plans and prints; it writes
//! nothing into the cluster, and what a pass of joiner would remember is kept here from pass to pass.

mod text;

use crate::Streams;
use crate::failure::Failure;
use crate::format::Format;
use crate::live::{Seen, Server};
use crate::plan::report::{dollars, left_out, new_claims};
use crate::plan::world::World;
use crate::status::price_of;
use clap::Args;
use jiff::Timestamp;
use model::action::{Action, ClusterAction, NewClaim};
use model::claim::NodeClaim;
use model::memory::Memory;
use model::name::ClaimName;
use model::plan::{Plan, Target};
use model::price::Price;
use model::snapshot::Snapshot;
use planner::disrupt::disrupt;
use planner::provision::provision;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// The region whose instance types and prices are used; without it the cluster's.
    #[arg(long)]
    region: Option<String>,
    /// Seconds from one pass to the next; joiner's own sweep comes each minute.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    every: u64,
    /// How many passes; without it until it is interrupted.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    passes: Option<u64>,
    /// How each pass is printed; JSON is one object in a line.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// One pass. The keys of its JSON never change their meaning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    pass: u64,
    at: Timestamp,
    /// Who leads Karpenter's replicas.
    karpenter_leader: Option<String>,
    nodes: usize,
    cost_per_hour: f64,
    pods_waiting: usize,
    joiner: Joiner,
    karpenter: Karpenter,
    /// What joiner had planned in the pass before, to be held against what Karpenter has done since.
    planned_before: Option<Sum>,
}

/// What joiner would do now.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Joiner {
    launches: Sum,
    /// New nodes, by instance type, zone and capacity type.
    kinds: BTreeMap<String, usize>,
    have_room: usize,
    left_out: usize,
    /// Nodes that it would begin to take away, with the reason.
    removes: Vec<String>,
}

/// What Karpenter has done since the pass before.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Karpenter {
    made: Sum,
    claims: Vec<String>,
    /// Made, but not launched yet; they are counted when they are.
    not_launched: usize,
    gone: Vec<String>,
}

/// Nodes and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sum {
    nodes: usize,
    cost_per_hour: f64,
    /// Of these nodes so many have a price that is not known.
    unpriced: usize,
}

/// What is kept from pass to pass.
#[derive(Default)]
struct Kept {
    memory: Memory,
    /// Claims that were told of, or were there at the beginning; none before the first pass.
    claims: Option<BTreeSet<ClaimName>>,
    planned: Option<Sum>,
}

/// Looks, plans and prints, again and again.
pub(crate) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> Result<(), Failure> {
    let Arguments { server, region, every, passes, output } = arguments;
    let live = server.connect()?;
    let mut kept = Kept::default();
    for pass in 1.. {
        match live.look(region.as_deref(), None) {
            Ok(seen) => {
                if pass == 1 {
                    seen.world.say_notes(streams)?;
                }
                let report = kept.pass(pass, seen);
                streams.print(*output, &report, text::of)?;
                streams.output.flush().map_err(Failure::output)?;
            }
            // What worked before will work again.
            Err(failure) if 1 < pass => {
                writeln!(streams.errors, "note: pass {pass}: {failure}")
                    .map_err(Failure::output)?;
            }
            Err(failure) => return Err(failure),
        }
        if passes.is_some_and(|most| most <= pass) {
            break;
        }
        live.pause(Duration::from_secs(*every));
    }
    Ok(())
}

impl Kept {
    fn pass(&mut self, pass: u64, seen: Seen) -> Report {
        let Seen { mut world, now, karpenter: karpenter_leader } = seen;
        world.snapshot.cluster.memory = self.memory.clone();
        let plan = provision(&world.snapshot, now);
        let sweep = disrupt(&world.snapshot, now);
        for action in plan.actions.iter().chain(&sweep.actions) {
            if let Action::Cluster(ClusterAction::Remember(change)) = action {
                self.memory.apply(change);
            }
        }
        let joiner = joiner(&world, &plan, &sweep);
        let cluster = &world.snapshot.cluster;
        let cost: Price = cluster.nodes.iter().filter_map(|node| price_of(&world, node)).sum();
        let planned_before = self.planned.replace(joiner.launches);
        Report {
            pass,
            at: now,
            karpenter_leader,
            nodes: cluster.nodes.len(),
            cost_per_hour: dollars(cost),
            pods_waiting: cluster.pods.iter().filter(|pod| pod.is_provisionable()).count(),
            karpenter: self.karpenter(&world),
            joiner,
            planned_before,
        }
    }

    /// What claims have come and gone.
    fn karpenter(&mut self, world: &World) -> Karpenter {
        let claims = &world.snapshot.cluster.claims;
        let there: BTreeSet<ClaimName> = claims.iter().map(|claim| claim.name.clone()).collect();
        let Some(known) = &mut self.claims else {
            self.claims = Some(there);
            return Karpenter::default();
        };
        let mut report = Karpenter::default();
        let gone = known.difference(&there);
        report.gone = gone.map(ToString::to_string).collect();
        known.retain(|claim| there.contains(claim));
        for claim in claims {
            if known.contains(&claim.name) {
                continue;
            }
            let Some(offering) = claim.offering() else {
                report.not_launched += 1;
                continue;
            };
            let price = price_of_claim(&world.snapshot, claim);
            report.made.add(price);
            report.claims.push(match price {
                Some(price) => format!("{}: {offering} {price}/h", claim.name),
                None => format!("{}: {offering}", claim.name),
            });
            known.insert(claim.name.clone());
        }
        report
    }
}

fn price_of_claim(snapshot: &Snapshot, claim: &NodeClaim) -> Option<Price> {
    let offering = claim.offering()?;
    let it = snapshot.instance_type(&claim.spec.node_class, &offering.instance_type)?;
    it.offering(&offering.zone, offering.capacity_type).map(|offering| offering.price)
}

impl Sum {
    fn add(&mut self, price: Option<Price>) {
        self.nodes += 1;
        match price {
            Some(price) => self.cost_per_hour += dollars(price),
            None => self.unpriced += 1,
        }
    }
}

/// What joiner would do.
fn joiner(world: &World, plan: &Plan, sweep: &Plan) -> Joiner {
    let mut joiner = Joiner::default();
    let mut new = BTreeSet::new();
    for (claim, _, first) in new_claims(plan) {
        joiner.launches.add(Some(first.price));
        *joiner.kinds.entry(first.offering.to_string()).or_default() += 1;
        new.insert(&claim.name);
    }
    let others = plan.placements.iter().filter(|placement| match &placement.on {
        Target::Node(_) => true,
        Target::Claim(claim) => !new.contains(claim),
    });
    joiner.have_room = others.count();
    joiner.left_out = left_out(plan, world).len();
    joiner.removes = sweep.actions.iter().filter_map(|action| removal(world, action)).collect();
    joiner
}

/// A node that would go, and why.
fn removal(world: &World, action: &Action) -> Option<String> {
    let node_of = |name: &ClaimName| {
        let claim = world.snapshot.cluster.claims.iter().find(|claim| claim.name == *name);
        let node = claim.and_then(|claim| claim.node.as_ref());
        node.map_or_else(|| format!("claim {name}"), |node| format!("node {node}"))
    };
    let Action::Cluster(action) = action else { return None };
    match action {
        ClusterAction::DeleteClaim { claim, reason, .. } => {
            Some(format!("{}: {reason:?}", node_of(claim)))
        }
        ClusterAction::CreateClaim(NewClaim { name, spec, .. }) => {
            let gone: Vec<String> = spec.replaces.iter().map(node_of).collect();
            Some(format!("{}: replaced by {name}", gone.join(", ")))
        }
        ClusterAction::UpdateClaim { .. }
        | ClusterAction::ReleaseClaim { .. }
        | ClusterAction::UpdateNode { .. }
        | ClusterAction::DeleteNode { .. }
        | ClusterAction::ReleaseNode { .. }
        | ClusterAction::UpdatePool { .. }
        | ClusterAction::EvictPod { .. }
        | ClusterAction::DeletePod { .. }
        | ClusterAction::Remember(_)
        | ClusterAction::AcquireLease { .. }
        | ClusterAction::ReleaseLease { .. }
        | ClusterAction::RecordEvent(_) => None,
    }
}

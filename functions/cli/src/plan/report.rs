//! A plan as the JSON that `-o json` prints. Its keys never change their meaning: programs outside the project read them.

use super::world::World;
use model::action::{Choice, ClaimToLaunch, Launch, NewClaim};
use model::labels::Labels;
use model::name::{ClaimName, ObjectName};
use model::plan::{Cost, Plan, Target};
use model::price::Price;
use model::reason::{Reason, Subject};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Micro-dollars in a dollar.
const MICRO: f64 = 1_000_000.0;

/// A plan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Nodes to be launched.
    pub(super) node_claims: Vec<NodeClaim>,
    /// Pods that find room on nodes that are there or on their way.
    pub(super) existing: Vec<Existing>,
    /// Pods without a place.
    pub(super) unschedulable: Vec<Unschedulable>,
    /// What the new nodes cost.
    pub(super) cost: Costs,
    /// How long the decision took, in seconds.
    pub(super) solve_seconds: f64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeClaim {
    pub(super) name: String,
    pub(super) node_pool: String,
    /// The ranked alternatives.
    pub(super) instance_types: Vec<String>,
    /// The first choice.
    pub(super) launch: FirstChoice,
    pub(super) labels: Labels,
    pub(super) pods: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FirstChoice {
    pub(super) instance_type: String,
    pub(super) zone: String,
    pub(super) capacity_type: String,
    pub(super) price_per_hour: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Existing {
    pub(super) node: String,
    pub(super) pods: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Unschedulable {
    pub(super) pod: String,
    pub(super) reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Costs {
    pub(super) per_hour: f64,
    /// Nothing where it was not worked out.
    pub(super) lower_bound_per_hour: Option<f64>,
    /// How far the cost is above the bound, in per cent of it.
    pub(super) gap_percent: Option<f64>,
}

/// A launch's claims that do not exist yet, with its first choice.
pub(crate) fn new_claims(plan: &Plan) -> impl Iterator<Item = (&NewClaim, &Launch, &Choice)> {
    plan.launches().flat_map(|launch| {
        launch.claims.iter().filter_map(move |claim| match claim {
            ClaimToLaunch::New(new) => Some((new, launch, launch.choices.first()?)),
            ClaimToLaunch::Existing { .. } => None,
        })
    })
}

/// The report of a plan.
pub(super) fn of(plan: &Plan, world: &World, solve_seconds: f64) -> Report {
    let mut on_claims: BTreeMap<&ClaimName, Vec<&ObjectName>> = BTreeMap::new();
    let mut on_nodes: BTreeMap<String, Vec<&ObjectName>> = BTreeMap::new();
    let new: BTreeSet<&ClaimName> = new_claims(plan).map(|(claim, _, _)| &claim.name).collect();
    for placement in &plan.placements {
        match &placement.on {
            Target::Claim(claim) if new.contains(claim) => {
                on_claims.entry(claim).or_default().push(&placement.pod);
            }
            Target::Claim(claim) => {
                on_nodes.entry(node_of(world, claim)).or_default().push(&placement.pod);
            }
            Target::Node(node) => {
                on_nodes.entry(node.to_string()).or_default().push(&placement.pod);
            }
        }
    }
    let names = |pods: Option<Vec<&ObjectName>>| {
        pods.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>()
    };
    let node_claims = new_claims(plan)
        .map(|(claim, launch, first)| {
            node_claim(claim, launch, first, names(on_claims.remove(&claim.name)))
        })
        .collect();
    let existing = on_nodes
        .into_iter()
        .map(|(node, pods)| Existing { node, pods: names(Some(pods)) })
        .collect();
    let unschedulable = left_out(plan, world)
        .into_iter()
        .map(|(pod, reasons)| Unschedulable {
            pod: pod.to_string(),
            reasons: reasons.into_iter().map(ToString::to_string).collect(),
        })
        .collect();
    Report { node_claims, existing, unschedulable, cost: costs(plan.cost), solve_seconds }
}

/// A claim that is to be launched, for these pods.
pub(super) fn node_claim(
    claim: &NewClaim,
    launch: &Launch,
    first: &Choice,
    pods: Vec<String>,
) -> NodeClaim {
    let mut instance_types: Vec<String> = Vec::new();
    for choice in &launch.choices {
        let name = choice.offering.instance_type.to_string();
        if !instance_types.contains(&name) {
            instance_types.push(name);
        }
    }
    NodeClaim {
        name: claim.name.to_string(),
        node_pool: claim.spec.pool.as_ref().map(ToString::to_string).unwrap_or_default(),
        instance_types,
        launch: FirstChoice {
            instance_type: first.offering.instance_type.to_string(),
            zone: first.offering.zone.to_string(),
            capacity_type: first.offering.capacity_type.to_string(),
            price_per_hour: dollars(first.price),
        },
        labels: claim.labels.clone(),
        pods,
    }
}

/// Pods without a place with their reasons, by name.
pub(crate) fn left_out<'a>(
    plan: &'a Plan,
    world: &'a World,
) -> BTreeMap<&'a ObjectName, Vec<&'a Reason>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for left_out in plan.left_out.iter().chain(&world.left_out) {
        if let Subject::Pod(pod) = &left_out.subject {
            all.entry(pod).or_default().extend(&left_out.reasons);
        }
    }
    all
}

/// The node of a claim that is on its way, or the claim's own name before it has one.
fn node_of(world: &World, claim: &ClaimName) -> String {
    let known = world.snapshot.cluster.claims.iter().find(|known| known.name == *claim);
    let node = known.and_then(|known| known.node.as_ref());
    node.map_or_else(|| claim.to_string(), ToString::to_string)
}

fn costs(cost: Cost) -> Costs {
    let gap = |bound: Price| {
        let (cost, bound) = (dollars(cost.per_hour), dollars(bound));
        if 0.0 < bound { ((cost - bound) / bound * 1000.0).round() / 10.0 } else { 0.0 }
    };
    Costs {
        per_hour: dollars(cost.per_hour),
        lower_bound_per_hour: cost.lower_bound_per_hour.map(dollars),
        gap_percent: cost.lower_bound_per_hour.map(gap),
    }
}

/// Dollars for printing; decisions are made in whole micro-dollars.
#[expect(
    clippy::cast_precision_loss,
    reason = "micro-dollars up to nine billion dollars are exact"
)]
pub(crate) fn dollars(price: Price) -> f64 {
    price.micro_dollars() as f64 / MICRO
}

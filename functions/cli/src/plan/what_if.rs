//! `joiner plan --what-if`: NodePools and EC2NodeClasses as they are to become, and what that does to the nodes that are there.
//!
//! Which nodes drift is asked of the planner, and so is where their pods would go: in a world in which all of them are being
//! deleted at once. In a cluster they go one after the other, as budgets allow; what it comes to is the same.

mod change;
mod report;

use super::report::{NodeClaim, new_claims, node_claim};
use super::world::World;
use crate::Streams;
use crate::failure::Failure;
use crate::format::Format;
use crate::status::price_of;
use jiff::Timestamp;
use kubernetes::manifest::Objects;
use model::claim::NodeClaim as Claim;
use model::condition::{Condition, ConditionType, Status};
use model::name::{ClaimName, NodeName, ObjectName, Uid};
use model::node::Node;
use model::plan::{Plan, Target};
use model::price::Price;
use model::reason::{Reason, Subject};
use model::snapshot::Snapshot;
use planner::disrupt::disrupt;
use planner::disrupt::drift::drifted;
use planner::provision::provision;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One plan launches 800 nodes at most (40 calls for up to 20), so this is for 8,000.
const ROUNDS_MAX: usize = 10;

/// What a change comes to.
struct Outcome<'w> {
    /// Nodes that drift by it, by name.
    drifting: Vec<Drifting<'w>>,
    /// How many claims had drifted before.
    drifted_before: usize,
    new: New,
    /// What all nodes cost now, as far as it is known.
    cost: Price,
}

struct Drifting<'w> {
    node: &'w Arc<Node>,
    reason: &'static str,
    price: Option<Price>,
    pods: usize,
    /// What the first pass has against its renewal.
    first_pass: Vec<Reason>,
}

/// What drifting nodes' pods get.
#[derive(Default)]
struct New {
    claims: Vec<NodeClaim>,
    price: Price,
    /// Pods that find room on other nodes.
    on_others: usize,
    left_out: BTreeMap<String, Vec<String>>,
}

/// Works it out and prints it.
pub(super) fn run(
    world: &World,
    (objects, file): (Objects, &str),
    now: Timestamp,
    (format, streams): (Format, &mut Streams<'_>),
) -> Result<(), Failure> {
    let mut notes = Vec::new();
    let before = change::stamped(&world.snapshot, &mut notes);
    let after = change::changed(world, &before, (objects, file), &mut notes)?;
    let outcome = work_out(world, (&before, &after), now);
    streams.print(format, &report::of(&outcome), report::text)?;
    world.say_notes(streams)?;
    notes
        .iter()
        .try_for_each(|note| writeln!(streams.errors, "note: {note}"))
        .map_err(Failure::output)
}

fn work_out<'w>(
    world: &'w World,
    (before, after): (&Snapshot, &Snapshot),
    now: Timestamp,
) -> Outcome<'w> {
    let old = drifted(before, now);
    let mut by_change = drifted(after, now);
    by_change.retain(|claim, reason| old.get(claim) != Some(reason));
    let cluster = &world.snapshot.cluster;
    let mut first_pass = first_pass(after, &by_change, now);
    let claims = cluster.claims.iter().filter(|claim| by_change.contains_key(&claim.name));
    let mut drifting: Vec<Drifting<'w>> = claims
        .filter_map(|claim| {
            let node = cluster.nodes.iter().find(|node| is_of(node, claim))?;
            let pods = cluster.pods.iter();
            let pods = pods.filter(|pod| pod.node.as_ref() == Some(&node.name));
            Some(Drifting {
                node,
                reason: by_change[&claim.name],
                price: price_of(world, node),
                pods: pods.filter(|pod| pod.is_reschedulable()).count(),
                first_pass: first_pass.remove(&node.name).unwrap_or_default(),
            })
        })
        .collect();
    drifting.sort_by(|a, b| a.node.name.cmp(&b.node.name));
    Outcome {
        drifting,
        drifted_before: old.len(),
        new: replacements(after, &by_change, now),
        cost: cluster.nodes.iter().filter_map(|node| price_of(world, node)).sum(),
    }
}

fn is_of(node: &Node, claim: &Claim) -> bool {
    claim.node.as_ref() == Some(&node.name)
        || claim.instance.is_some() && claim.instance == node.instance
}

/// What the first pass that finds these claims marked has against renewing each node.
fn first_pass(
    after: &Snapshot,
    drifting: &BTreeMap<ClaimName, &'static str>,
    now: Timestamp,
) -> BTreeMap<NodeName, Vec<Reason>> {
    let mut marked = after.clone();
    for claim in &mut marked.cluster.claims {
        let Some(reason) = drifting.get(&claim.name) else { continue };
        let condition = Condition {
            status: Status::True,
            reason: (*reason).to_owned(),
            message: (*reason).to_owned(),
            since: now,
        };
        Arc::make_mut(claim).conditions.set(ConditionType::Drifted, condition);
    }
    // What consolidation has to say is of another question.
    for pool in &mut marked.cluster.pools {
        Arc::make_mut(pool).disruption.consolidate_after = None;
    }
    let mut reasons: BTreeMap<NodeName, Vec<Reason>> = BTreeMap::new();
    for left_out in disrupt(&marked, now).left_out {
        if let Subject::Node(node) = left_out.subject {
            let against = left_out.reasons.into_iter();
            let against = against.filter(|it| !matches!(it, Reason::Unconsolidatable { .. }));
            reasons.entry(node).or_default().extend(against);
        }
    }
    reasons
}

/// What the pods of these claims' nodes would get if all were deleted at once. Pods that wait already are not looked at.
fn replacements(
    after: &Snapshot,
    drifting: &BTreeMap<ClaimName, &'static str>,
    now: Timestamp,
) -> New {
    let mut asked = after.clone();
    let cluster = &mut asked.cluster;
    let gone: Vec<Arc<Claim>> =
        cluster.claims.iter().filter(|claim| drifting.contains_key(&claim.name)).cloned().collect();
    for claim in cluster.claims.iter_mut().filter(|claim| drifting.contains_key(&claim.name)) {
        Arc::make_mut(claim).deleting = Some(now);
    }
    for node in cluster.nodes.iter_mut().filter(|node| gone.iter().any(|c| is_of(node, c))) {
        Arc::make_mut(node).deleting = Some(now);
    }
    cluster.pods.retain(|pod| pod.node.is_some());
    let mut new = New::default();
    for _ in 0..ROUNDS_MAX {
        let plan = provision(&asked, now);
        new.count(&plan);
        if !is_full(&plan) {
            break;
        }
        settle(&mut asked, &plan, now);
    }
    new
}

/// Whether one pass was not enough.
fn is_full(plan: &Plan) -> bool {
    let mut reasons = plan.left_out.iter().flat_map(|left_out| &left_out.reasons);
    reasons.any(|reason| matches!(reason, Reason::PassFull { .. }))
        && plan.launches().next().is_some()
}

/// Enters what was planned, so that the next pass goes on.
fn settle(asked: &mut Snapshot, plan: &Plan, now: Timestamp) {
    let cluster = &mut asked.cluster;
    let places: BTreeMap<&ObjectName, &Target> =
        plan.placements.iter().map(|placement| (&placement.pod, &placement.on)).collect();
    for pod in &mut cluster.pods {
        match places.get(&pod.name) {
            Some(Target::Node(node)) => Arc::make_mut(pod).node = Some(node.clone()),
            Some(Target::Claim(_)) => Arc::make_mut(pod).node = None,
            None => {}
        }
    }
    cluster.pods.retain(|pod| pod.node.is_some());
    for (claim, ..) in new_claims(plan) {
        // It counts for limits, and is full: nothing else is to be put on it.
        let mut claim = Claim::created(claim, Uid::from(claim.name.as_str()), 0, now);
        claim.deleting = Some(now);
        cluster.claims.push(Arc::new(claim));
    }
    cluster.claims.sort_by(|a, b| a.name.cmp(&b.name));
}

impl New {
    fn count(&mut self, plan: &Plan) {
        let is_new: BTreeSet<&ClaimName> =
            new_claims(plan).map(|(claim, ..)| &claim.name).collect();
        for (claim, launch, first) in new_claims(plan) {
            let on = Target::Claim(claim.name.clone());
            let pods = plan.pods_on(&on).map(ToString::to_string).collect();
            self.claims.push(node_claim(claim, launch, first, pods));
            self.price += first.price;
        }
        let others = plan.placements.iter().filter(|placement| match &placement.on {
            Target::Node(_) => true,
            Target::Claim(claim) => !is_new.contains(claim),
        });
        self.on_others += others.count();
        self.left_out.clear();
        for left_out in &plan.left_out {
            let reasons = left_out.reasons.iter().map(ToString::to_string).collect();
            self.left_out.insert(left_out.subject.to_string(), reasons);
        }
    }
}

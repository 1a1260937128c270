//! Which nodes may be disrupted at all, under Karpenter's sentences for those that may not.

use super::Sweep;
use super::moved::MOVED_AT_MOST_EVERY;
use crate::provision::SETTLING;
use crate::scheduling::classes::never_placed;
use crate::scheduling::rooms::{Index, initialized_since, is_leaving, is_reserved};
use jiff::{SignedDuration, Timestamp};
use model::by_name::ByName;
use model::claim::NodeClaim;
use model::instance_type::CapacityType;
use model::labels;
use model::memory::PodsSeen;
use model::name::{NodeName, PoolName, stable_hash};
use model::node::Node;
use model::pod::Pod;
use model::pool::{ConsolidationPolicy, NodePool};
use model::price::Price;
use model::reason::Reason;
use model::snapshot::{PodDisruptionBudget, Snapshot};
use model::taint::{Effect, Taint};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A node that may be disrupted.
pub(super) struct Candidate<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) claim: &'a Arc<NodeClaim>,
    pub(super) pool: &'a Arc<NodePool>,
    /// Pods that would need another node.
    pub(super) pods: Vec<&'a Arc<Pod>>,
    /// What it costs.
    pub(super) price: Price,
    /// What disrupting it costs its pods, in thousandths of a pod.
    pub(super) disruption: i64,
}

impl Candidate<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    pub(super) fn is_spot(&self) -> bool {
        self.claim.capacity_type() == Some(CapacityType::Spot)
    }
}

/// Since when the pods of each node have been the same, where a pool's `consolidateAfter` asks for that.
pub(super) struct Watched<'a> {
    pub(super) pods_seen: BTreeMap<NodeName, PodsSeen>,
    still_since: ByName<'a, Timestamp>,
}

/// Compares the pods of each node with those that the last sweep saw.
pub(super) fn watch<'a>(snapshot: &'a Snapshot, index: &Index<'_>, now: Timestamp) -> Watched<'a> {
    let (mut pods_seen, mut still_since) = (Vec::new(), Vec::new());
    for node in &snapshot.cluster.nodes {
        let Some(claim) = index.claim_of(&node.name) else { continue };
        let after = pool_of(snapshot, claim).and_then(|pool| pool.disruption.consolidate_after);
        if after.is_none_or(|after| after.is_zero()) {
            continue;
        }
        let pods = index.pods_on(&node.name).iter().filter(|pod| pod.is_reschedulable());
        let mut uids: Vec<&str> = pods.map(|pod| &*pod.uid).collect();
        uids.sort_unstable();
        let fingerprint = stable_hash(uids.into_iter().map(str::as_bytes));
        let known = snapshot.cluster.memory.pods_seen.get(&node.name);
        let same = known.filter(|seen| seen.fingerprint == fingerprint);
        let since = same.map_or(now, |seen| seen.since);
        pods_seen.push((node.name.clone(), PodsSeen { fingerprint, since }));
        let last = claim.last_pod_event.max(initialized_since(claim)).unwrap_or(since);
        still_since.push((node.name.as_str(), since.max(last)));
    }
    Watched { pods_seen: pods_seen.into_iter().collect(), still_since: ByName::new(still_since) }
}

impl Watched<'_> {
    /// Whether nothing has come or gone on a node for as long as its pool asks.
    pub(super) fn is_still(&self, node: &NodeName, pool: &NodePool, now: Timestamp) -> bool {
        let Some(after) = pool.disruption.consolidate_after else { return true };
        self.still_since.get(node).is_none_or(|since| after <= now.duration_since(since))
    }
}

/// The pool of a claim.
pub(super) fn pool_of<'a>(snapshot: &'a Snapshot, claim: &NodeClaim) -> Option<&'a Arc<NodePool>> {
    claim.spec.pool.as_ref().and_then(|pool| snapshot.cluster.pool(pool))
}

/// The nodes that may be disrupted; the others get a reason.
pub(super) fn find<'a>(sweep: &mut Sweep<'a, '_>, watched: &Watched<'_>) -> Vec<Candidate<'a>> {
    let snapshot = sweep.snapshot;
    let expected = Expected::of(sweep);
    let mut found = Vec::new();
    for node in &snapshot.cluster.nodes {
        let Some(claim) = sweep.index.claim_of(&node.name) else { continue };
        match examine(sweep, (watched, &expected), node, claim) {
            Ok(candidate) => found.push(candidate),
            Err(reason) => sweep.leave_out(&node.name, *reason),
        }
    }
    found
}

pub(super) fn blocked(why: impl Into<Arc<str>>) -> Box<Reason> {
    Box::new(Reason::Blocked { why: why.into() })
}

/// Whether a node is up and nobody has a claim on it, whatever it would be disrupted for. Returns since when it is up.
pub(super) fn up_and_free(
    sweep: &Sweep<'_, '_>,
    expected: &Expected<'_>,
    node: &Node,
    claim: &NodeClaim,
) -> Result<Timestamp, Box<Reason>> {
    let Sweep { snapshot, now, .. } = *sweep;
    let since = initialized_since(claim).filter(|_| node.is_initialized());
    let since = since.ok_or_else(|| blocked("Node isn't initialized"))?;
    if is_leaving(node, Some(claim)) {
        return Err(blocked("Node is deleting or marked for deletion"));
    }
    if is_reserved(snapshot, claim) || is_expecting(expected, claim, now.duration_since(since)) {
        return Err(blocked("Node is nominated for a pending pod"));
    }
    if node.do_not_disrupt || claim.do_not_disrupt {
        let annotation = labels::DO_NOT_DISRUPT;
        return Err(blocked(format!(
            "Disruption is blocked through the \"{annotation}\" annotation"
        )));
    }
    Ok(since)
}

/// Whether pods may be moved again.
pub(super) fn rested(sweep: &Sweep<'_, '_>, pods: &[&Arc<Pod>]) -> Result<(), Box<Reason>> {
    if pods.iter().any(|pod| sweep.moved.rests(pod, sweep.now)) {
        let why = "Its pods were moved within the last 10 minutes".into();
        return Err(Box::new(Reason::TooFresh { why }));
    }
    Ok(())
}

fn examine<'a>(
    sweep: &Sweep<'a, '_>,
    (watched, expected): (&Watched<'_>, &Expected<'_>),
    node: &'a Arc<Node>,
    claim: &'a Arc<NodeClaim>,
) -> Result<Candidate<'a>, Box<Reason>> {
    let Sweep { snapshot, index, now, .. } = *sweep;
    let since = up_and_free(sweep, expected, node, claim)?;
    let pool = pool_of(snapshot, claim).ok_or_else(|| {
        let name = claim.spec.pool.as_deref().unwrap_or_default();
        blocked(format!("NodePool not found (NodePool={name})"))
    })?;
    if pool.replicas.is_some() {
        let why = format!("NodePool \"{}\" is static", pool.name).into();
        return Err(Box::new(Reason::Unconsolidatable { why }));
    }
    let all = index.pods_on(&node.name);
    let pods: Vec<&Arc<Pod>> = all.iter().copied().filter(|pod| pod.is_reschedulable()).collect();
    let is_fixed = |why: String| Box::new(Reason::Unconsolidatable { why: why.into() });
    if pool.disruption.consolidate_after.is_none() {
        return Err(is_fixed(format!("NodePool \"{}\" has consolidation disabled", pool.name)));
    }
    if pool.disruption.policy == ConsolidationPolicy::WhenEmpty && !pods.is_empty() {
        return Err(is_fixed(format!(
            "NodePool \"{}\" has consolidation policy WhenEmpty, but node is not empty",
            pool.name
        )));
    }
    if !watched.is_still(&node.name, pool, now) {
        let why = "Pods have come or gone within consolidateAfter".into();
        return Err(Box::new(Reason::TooFresh { why }));
    }
    pods_allow(snapshot, all, now)?;
    rested(sweep, &pods)?;
    let has_just_come = |pod: &&Arc<Pod>| {
        pod.scheduled_at.is_some_and(|at| now.duration_since(at) < MOVED_AT_MOST_EVERY)
    };
    if now.duration_since(since) < MOVED_AT_MOST_EVERY && pods.iter().any(has_just_come) {
        let why = "Its pods came within the last 10 minutes, and so did the node".into();
        return Err(Box::new(Reason::TooFresh { why }));
    }
    let price = price_of(snapshot, claim).ok_or_else(|| {
        let name = claim.instance_type().map(|name| name.text()).unwrap_or_default();
        is_fixed(format!("Instance Type \"{name}\" not found"))
    })?;
    let disruption = disruption_cost(&pods, claim, now);
    Ok(Candidate { node, claim, pool, pods, price, disruption })
}

/// Whether pods that it was made for may still come: they wait and the scheduler has not had its time, or the node that
/// they are on goes.
fn is_expecting(expected: &Expected<'_>, claim: &NodeClaim, up: SignedDuration) -> bool {
    claim.spec.nominated.iter().any(|id| {
        let waits = up <= SETTLING && expected.waiting.contains(id);
        let from = expected.moving.get(id);
        waits || from.is_some_and(|nodes| nodes.iter().any(|n| claim.node.as_ref() != Some(*n)))
    })
}

/// Pods that will come to some node: those that wait, and those whose nodes will go, by their short ids.
pub(super) struct Expected<'a> {
    waiting: BTreeSet<u32>,
    moving: BTreeMap<u32, Vec<&'a NodeName>>,
}

impl<'a> Expected<'a> {
    pub(super) fn of(sweep: &Sweep<'a, '_>) -> Self {
        let cluster = &sweep.snapshot.cluster;
        let leaving = cluster.nodes.iter().filter(|node| {
            let claim = sweep.index.claim_of(&node.name).map(|claim| &**claim);
            is_leaving(node, claim)
        });
        let mut expected = Self { waiting: BTreeSet::new(), moving: BTreeMap::new() };
        for node in leaving {
            let pods = sweep.index.pods_on(&node.name).iter().filter(|pod| pod.is_reschedulable());
            for pod in pods {
                expected.moving.entry(pod.short_id()).or_default().push(&node.name);
            }
        }
        let waiting = cluster.pods.iter().filter(|pod| pod.is_provisionable());
        expected.waiting.extend(waiting.map(|pod| pod.short_id()));
        expected
    }
}

/// Whether all pods of a node may be evicted now.
pub(super) fn pods_allow(
    snapshot: &Snapshot,
    pods: &[&Arc<Pod>],
    now: Timestamp,
) -> Result<(), Box<Reason>> {
    let disrupted = Taint::new(labels::DISRUPTED_TAINT, Effect::NoSchedule);
    for pod in pods.iter().filter(|pod| pod.deleting.is_none()) {
        if pod.forbids_disruption(now) {
            let (annotation, name) = (labels::DO_NOT_DISRUPT, &pod.name);
            return Err(blocked(format!("Pod has \"{annotation}\" annotation (Pod={name})")));
        }
        if pod.is_static() || disrupted.is_tolerated_by(&pod.tolerations) {
            continue;
        }
        let budgets = snapshot.cluster.pod_disruption_budgets.iter();
        let guards: Vec<&Arc<PodDisruptionBudget>> = budgets.filter(|b| b.guards(pod)).collect();
        let names: Vec<String> = guards.iter().map(|budget| budget.name.to_string()).collect();
        let names = names.join(" ");
        match &guards[..] {
            [] => {}
            [one] if 0 < one.disruptions_allowed => {}
            [_] => {
                return Err(blocked(format!(
                    "Pdb prevents pod evictions (PodDisruptionBudget=[{names}])"
                )));
            }
            [..] => {
                return Err(blocked(format!("Eviction does not support multiple PDBs ({names})")));
            }
        }
        if pod.is_reschedulable()
            && let Some(reason) = never_placed(pod)
        {
            return Err(blocked(format!("Pod {}: {reason}", pod.name)));
        }
    }
    Ok(())
}

/// What a claim's instance costs, available or not.
fn price_of(snapshot: &Snapshot, claim: &NodeClaim) -> Option<Price> {
    let offering = claim.offering()?;
    let it = snapshot.instance_type(&claim.spec.node_class, &offering.instance_type)?;
    it.offering(&offering.zone, offering.capacity_type).map(|offering| offering.price)
}

/// What the nodes of each pool with the policy `Balanced` cost per hour, and what disrupting them all would.
pub(super) fn disruption_totals<'a>(sweep: &Sweep<'a, '_>) -> BTreeMap<&'a PoolName, (Price, i64)> {
    let mut totals: BTreeMap<&PoolName, (Price, i64)> = BTreeMap::new();
    for node in &sweep.snapshot.cluster.nodes {
        let Some(claim) = sweep.index.claim_of(&node.name) else { continue };
        let pool = pool_of(sweep.snapshot, claim);
        let balanced = pool.filter(|pool| pool.disruption.policy == ConsolidationPolicy::Balanced);
        if let Some(pool) = balanced {
            let pods = sweep.index.pods_on(&node.name).iter().copied();
            let pods: Vec<&Arc<Pod>> = pods.filter(|pod| pod.is_reschedulable()).collect();
            let (cost, disruption) = totals.entry(&pool.name).or_default();
            *cost += price_of(sweep.snapshot, claim).unwrap_or(Price::ZERO);
            *disruption += disruption_cost(&pods, claim, sweep.now);
        }
    }
    totals
}

/// Karpenter's disruption cost in thousandths: per pod one, more or less by its deletion cost and priority, all of it
/// less as the node nears its expiry.
pub(super) fn disruption_cost(pods: &[&Arc<Pod>], claim: &NodeClaim, now: Timestamp) -> i64 {
    let of_pod = |pod: &&Arc<Pod>| {
        let by_deletion = i64::from(pod.deletion_cost) * 1000 / (1 << 27);
        let by_priority = i64::from(pod.priority) * 1000 / (1 << 25);
        (1000 + by_deletion + by_priority).clamp(-10_000, 10_000)
    };
    let all: i64 = pods.iter().map(of_pod).sum();
    let left = claim.spec.expire_after.map_or(1000, |life| {
        let left = (life - now.duration_since(claim.created)).as_secs().max(0);
        (left * 1000 / life.as_secs().max(1)).min(1000)
    });
    (all * left / 1000).max(1)
}

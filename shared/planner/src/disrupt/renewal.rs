//! Nodes that have drifted are renewed: empty ones go, the others once what takes their pods is there.
//!
//! Where their pods would go is asked of `provision`, for a world in which the node is being deleted. So a replacement keeps
//! to all that a new node does, what is free is used first, and one node may be replaced by several. Nodes of static pools are
//! replaced one by one, whatever is on them.

use super::Sweep;
use super::candidates::{Candidate, Expected, blocked, pods_allow, rested, up_and_free};
use super::commands;
use super::drift::Drifted;
use crate::provision::{SETTLING, place};
use crate::scheduling::amounts::Columns;
use crate::scheduling::claims::name_for;
use crate::scheduling::limits::{Allowance, node_count};
use crate::scheduling::replica::Mould;
use crate::scheduling::rooms::{initialized_since, is_leaving};
use crate::scheduling::stock::Survey;
use jiff::Timestamp;
use model::action::{ClaimToLaunch, NewClaim};
use model::claim::NodeClaim;
use model::name::{ClaimName, NodeName, PoolName};
use model::node::Node;
use model::plan::{Placement, Target};
use model::pod::Pod;
use model::pool::DisruptionReason;
use model::price::Price;
use model::reason::{Reason, Subject};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// For so many nodes a pass looks for replacements at most: budgets mostly allow fewer at once, and each is planned as all of
/// provisioning is.
const TRIES_MAX: usize = 10;

/// Begins to renew what has drifted. Says whether anything was begun.
pub(super) fn renew<'a>(sweep: &mut Sweep<'a, '_>, drifted: &[Drifted<'a>]) -> bool {
    // Mostly so, and what follows looks at every pod and every instance type.
    if drifted.is_empty() {
        return false;
    }
    let before = sweep.begun.len();
    let expected = Expected::of(sweep);
    let survey = Survey::new(sweep.snapshot, Columns::default(), sweep.now);
    let mut moulds = Moulds { survey: &survey, pools: BTreeMap::new(), taken: BTreeSet::new() };
    let mut used = Vec::new();
    for one in drifted {
        let Some(node) = sweep.index.node_of(one.claim) else { continue };
        if sweep.begun.contains(&node.name) {
            continue;
        }
        match examine(sweep, &expected, node, one) {
            Ok(candidate) if candidate.pool.replicas.is_some() => moulds.renew(sweep, &candidate),
            Ok(candidate) if candidate.is_empty() => remove(sweep, &candidate),
            Ok(candidate) => used.push(candidate),
            Err(reason) => sweep.leave_out(&node.name, *reason),
        }
    }
    if !used.is_empty() {
        let mut world = Imagined::of(sweep, drifted);
        for (place, candidate) in in_turn(&used, sweep.now).enumerate() {
            if place < TRIES_MAX {
                renew_one(sweep, &mut world, candidate);
            } else {
                sweep.leave_out(&candidate.node.name, Reason::PassFull { most: TRIES_MAX });
            }
        }
    }
    before < sweep.begun.len()
}

/// Longest drifted first. Where there are more than one pass tries, each pass begins elsewhere: some may have to wait for
/// long, and would keep the others from being tried.
fn in_turn<'c, 'a>(
    used: &'c [Candidate<'a>],
    now: Timestamp,
) -> impl Iterator<Item = &'c Candidate<'a>> {
    let minute = usize::try_from(now.as_second() / 60).unwrap_or(0);
    let first = if used.len() <= TRIES_MAX { 0 } else { minute * TRIES_MAX % used.len() };
    used[first..].iter().chain(&used[..first])
}

/// Whether a drifted node may be disrupted. What its pods have against it does not count where their time is limited
/// (Karpenter 1.14: drift is disruption that comes in the end).
fn examine<'a>(
    sweep: &Sweep<'a, '_>,
    expected: &Expected<'_>,
    node: &'a Arc<Node>,
    one: &Drifted<'a>,
) -> Result<Candidate<'a>, Box<Reason>> {
    let Sweep { snapshot, index, now, .. } = *sweep;
    let Drifted { claim, pool, .. } = *one;
    up_and_free(sweep, expected, node, claim)?;
    let all = index.pods_on(&node.name);
    if claim.spec.termination_grace_period.is_none() {
        pods_allow(snapshot, all, now)?;
    }
    let pods: Vec<&Arc<Pod>> = all.iter().copied().filter(|pod| pod.is_reschedulable()).collect();
    rested(sweep, &pods)?;
    // It goes whatever it costs.
    Ok(Candidate { node, claim, pool, pods, price: Price::ZERO, disruption: 1 })
}

/// Uses the budget, or says why not.
fn take_budget(sweep: &mut Sweep<'_, '_>, candidate: &Candidate<'_>) -> bool {
    let reason = DisruptionReason::Drifted;
    let taken = sweep.budgets.take(candidate.pool, reason);
    if let Err(allowed) = taken {
        let pool = candidate.pool.name.clone();
        sweep.leave_out(&candidate.node.name, Reason::BudgetUsed { pool, reason, allowed });
    }
    taken.is_ok()
}

/// Takes away what needs no replacement.
fn remove(sweep: &mut Sweep<'_, '_>, candidate: &Candidate<'_>) {
    if !take_budget(sweep, candidate) {
        return;
    }
    if sweep.may_delete(&candidate.node.name) {
        commands::delete(sweep, candidate, DisruptionReason::Drifted);
    } else {
        sweep.budgets.give_back(candidate.pool);
    }
}

fn renew_one(sweep: &mut Sweep<'_, '_>, world: &mut Imagined, candidate: &Candidate<'_>) {
    if !take_budget(sweep, candidate) {
        return;
    }
    match world.without(candidate, sweep.now) {
        Err(reason) => {
            sweep.budgets.give_back(candidate.pool);
            sweep.leave_out(&candidate.node.name, *reason);
        }
        // All its pods fit onto what is there.
        Ok(new) if new.is_empty() => {
            sweep.budgets.give_back(candidate.pool);
            remove(sweep, candidate);
        }
        Ok(new) => replace(sweep, candidate, new),
    }
}

fn replace(sweep: &mut Sweep<'_, '_>, candidate: &Candidate<'_>, new: Vec<NewClaim>) {
    commands::replace(sweep, &[candidate], DisruptionReason::Drifted, new);
}

/// What nodes of static pools are made from, once it was looked for.
struct Moulds<'s, 'a> {
    survey: &'s Survey<'a>,
    pools: BTreeMap<&'a PoolName, Result<(Mould<'a>, Allowance), Box<Reason>>>,
    /// Names given in this pass.
    taken: BTreeSet<ClaimName>,
}

impl<'a> Moulds<'_, 'a> {
    fn renew(&mut self, sweep: &mut Sweep<'a, '_>, candidate: &Candidate<'a>) {
        let Candidate { node, claim, pool, .. } = *candidate;
        let snapshot = sweep.snapshot;
        let survey = self.survey;
        let mould = self.pools.entry(&pool.name).or_insert_with(|| {
            let ceiling = i64::from(snapshot.settings.nodes_max) - node_count(snapshot);
            let allowance = Allowance::of(snapshot, pool, ceiling);
            Ok((Mould::of(survey, pool)?, allowance))
        });
        let (mould, allowance) = match mould {
            Ok(mould) => mould,
            Err(reason) => return sweep.leave_out(&node.name, Reason::clone(reason)),
        };
        if !take_budget(sweep, candidate) {
            return;
        }
        if let Err(reason) = mould.admit(allowance) {
            sweep.budgets.give_back(pool);
            return sweep.leave_out(&node.name, *reason);
        }
        if self.taken.is_empty() {
            self.taken.extend(snapshot.cluster.claims.iter().map(|claim| claim.name.clone()));
        }
        let name = name_for(&pool.name, &claim.uid, &self.taken);
        self.taken.insert(name.clone());
        replace(sweep, candidate, vec![mould.claim(name, vec![claim.name.clone()])]);
    }
}

/// A world in which nodes go one after the other.
struct Imagined(Snapshot);

impl Imagined {
    /// Without pods that have no place, as provisioning cares for these; without room where others are to come, or that will
    /// go as well.
    fn of(sweep: &Sweep<'_, '_>, drifted: &[Drifted<'_>]) -> Self {
        let mut world = sweep.snapshot.clone();
        let is_old: BTreeSet<&ClaimName> = drifted.iter().map(|one| &one.claim.name).collect();
        let mut leaving: BTreeSet<NodeName> = sweep.begun.clone();
        for node in &mut world.cluster.nodes {
            let claim = sweep.index.claim_of(&node.name).map(|claim| &**claim);
            let is_coming = claim.is_some_and(|claim| !claim.is_initialized());
            if is_coming || is_leaving(node, claim) {
                leaving.insert(node.name.clone());
            }
            let is_young = claim
                .and_then(initialized_since)
                .is_some_and(|since| sweep.now.duration_since(since) <= SETTLING);
            let is_old = claim.is_some_and(|claim| is_old.contains(&claim.name));
            if is_young || is_old || sweep.begun.contains(&node.name) {
                Arc::make_mut(node).cordoned = true;
            }
        }
        for claim in world.cluster.claims.iter_mut().filter(|claim| !claim.is_initialized()) {
            Arc::make_mut(claim).deleting = Some(sweep.now);
        }
        let stays = |pod: &Arc<Pod>| pod.node.as_ref().is_some_and(|node| !leaving.contains(node));
        world.cluster.pods.retain(stays);
        Self(world)
    }

    /// Takes a node away. Returns the new nodes that its pods need, which are there from then on.
    fn without(
        &mut self,
        candidate: &Candidate<'_>,
        now: Timestamp,
    ) -> Result<Vec<NewClaim>, Box<Reason>> {
        let name = &candidate.node.name;
        let mut asked = self.0.clone();
        for node in asked.cluster.nodes.iter_mut().filter(|node| node.name == *name) {
            Arc::make_mut(node).deleting = Some(now);
        }
        let plan = place(&asked, now);
        for left_out in &plan.left_out {
            if let Subject::Pod(pod) = &left_out.subject {
                let why = left_out.reasons.first().map(ToString::to_string).unwrap_or_default();
                return Err(blocked(format!("Pod {pod} would have no other place: {why}")));
            }
        }
        let claims = plan.launches().flat_map(|launch| &launch.claims);
        let new = claims.filter_map(|claim| match claim {
            ClaimToLaunch::New(new) => Some(new),
            ClaimToLaunch::Existing { .. } => None,
        });
        let mut new: Vec<NewClaim> = new.cloned().collect();
        for claim in &mut new {
            claim.spec.replaces = vec![candidate.claim.name.clone()];
        }
        self.settle(name, &plan.placements, &new, now);
        Ok(new)
    }

    /// Enters what was planned: the node's pods are elsewhere, the new claims are there.
    fn settle(
        &mut self,
        gone: &NodeName,
        placements: &[Placement],
        new: &[NewClaim],
        now: Timestamp,
    ) {
        let cluster = &mut self.0.cluster;
        let is_gone = |pod: &Arc<Pod>| pod.node.as_ref() == Some(gone);
        for pod in cluster.pods.iter_mut().filter(|pod| is_gone(pod)) {
            let place = placements.iter().find(|placement| placement.pod == pod.name);
            Arc::make_mut(pod).node = place.and_then(|placement| match &placement.on {
                Target::Node(node) => Some(node.clone()),
                Target::Claim(_) => None,
            });
        }
        cluster.pods.retain(|pod| pod.node.is_some());
        for claim in new {
            let uid = format!("new {}", claim.name).as_str().into();
            let mut claim = NodeClaim::created(claim, uid, 0, now);
            claim.deleting = Some(now);
            cluster.claims.push(Arc::new(claim));
        }
        cluster.claims.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

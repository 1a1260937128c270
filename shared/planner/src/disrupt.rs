//! Nodes that need not be: empty ones go, those whose pods fit elsewhere for less, and those that have drifted.
//!
//! Only Kubernetes objects are changed. What has been begun lives in the cluster: the taint `karpenter.sh/disrupted`,
//! the condition `DisruptionReason`, and on a claim the names of those that will replace it; every pass takes it up from
//! there. Replacements are launched by provisioning; the claims that they replace are deleted only when all of them are
//! initialized (I5).

mod balanced;
pub(crate) mod budgets;
mod candidates;
mod commands;
mod consolidation;
pub mod drift;
mod fingerprint;
mod moved;
mod moves;
pub mod proposal;
mod renewal;
mod search;
mod surplus;

use crate::guards;
use crate::scheduling::rooms::Index;
use budgets::Budgets;
use candidates::Candidate;
use consolidation::Consolidated;
use jiff::{SignedDuration, Timestamp};
use model::action::{Action, ClusterAction, DeleteReason};
use model::claim::NodeClaim;
use model::memory::Change;
use model::name::NodeName;
use model::plan::{Plan, Saving};
use model::pool::{DisruptionReason, NodePool};
use model::price::Price;
use model::reason::{Reason, Subject};
use model::snapshot::{Scope, Snapshot};
use moved::Moved;
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

/// So long a node must have been worth disrupting, so that at least two passes have seen it (Karpenter 1.14 validates
/// each command again after 15 s).
const CONFIRMED_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// At least so many claims may be deleted in one pass, however few nodes there are (I9).
const DELETIONS_FLOOR: usize = 3;

/// Of many nodes one in so many may go in one pass: 5 % (I9).
const DELETIONS_ONE_IN: usize = 20;

/// Plans which nodes go.
pub fn disrupt(snapshot: &Snapshot, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if let Some(why) = refusal(snapshot) {
        plan.leave_out(Subject::Cluster, Reason::ViewRefused { why: why.into() });
        guards::tell(&mut plan, snapshot);
        return plan;
    }
    let index = Index::of(&snapshot.cluster);
    let mut sweep = Sweep::new(snapshot, &index, now);
    commands::carry_on(&mut sweep);
    surplus::give_back(&mut sweep);
    let drifted = drift::mark(&mut sweep);
    let watched = candidates::watch(snapshot, &index, now);
    let found = candidates::find(&mut sweep, &watched);
    let (empty, used): (Vec<_>, Vec<_>) = found.into_iter().partition(Candidate::is_empty);
    let mut saved = take_empty(&mut sweep, &empty);
    let mut consolidated = None;
    if renewal::renew(&mut sweep, &drifted) {
        // What was planned with these nodes is not known yet: the next pass consolidates.
        sweep.keep_candidates(&used);
    } else if !used.is_empty() {
        let budgets = sweep.budgets.clone();
        let seen = LazyCell::new(|| fingerprint::of(snapshot, &used, &budgets, now));
        let known = snapshot.cluster.memory.consolidated.is_some_and(|known| known == *seen);
        let done = if known {
            Consolidated::default()
        } else {
            consolidation::consolidate(&mut sweep, &watched, (&empty, &used))
        };
        if !done.found {
            consolidated = Some(*seen);
        }
        saved.count(&done, &used);
    }
    sweep.plan.saving = saved.into_saving();
    let Sweep { mut plan, candidates, moved, .. } = sweep;
    let (pods_seen, moved) = (watched.pods_seen, moved.owners);
    if !snapshot.cluster.memory.has_swept(&pods_seen, &candidates, consolidated, &moved) {
        let change = Change::Swept { pods_seen, candidates, consolidated, moved };
        // First of all: who was moved must be known before anybody is, whatever becomes of this pass then.
        plan.actions.insert(0, Action::Cluster(ClusterAction::Remember(change)));
    }
    plan.left_out.sort_by(|a, b| (&a.subject, &a.reasons).cmp(&(&b.subject, &b.reasons)));
    plan.left_out.dedup();
    guards::tell(&mut plan, snapshot);
    plan
}

/// Takes away what is empty. Says what that saves.
fn take_empty(sweep: &mut Sweep<'_, '_>, empty: &[Candidate<'_>]) -> Saved {
    let mut saved = Saved::default();
    for candidate in empty {
        if sweep.may_disrupt(candidate, DisruptionReason::Empty, true) {
            commands::delete(sweep, candidate, DisruptionReason::Empty);
            saved.per_hour += candidate.price;
            saved.nodes.push(candidate.node.name.clone());
        }
        saved.at_most += candidate.price;
    }
    saved
}

/// What a pass saves, and what it could have saved at most.
#[derive(Debug, Default)]
struct Saved {
    nodes: Vec<NodeName>,
    per_hour: Price,
    pods: usize,
    at_most: Price,
}

impl Saved {
    fn count(&mut self, done: &Consolidated, used: &[Candidate<'_>]) {
        for command in &done.begun {
            self.nodes.extend(command.gone.iter().map(|at| used[*at].node.name.clone()));
            self.per_hour += command.saving;
            self.pods += command.moves.len();
        }
        self.at_most += done.at_most;
    }

    fn into_saving(self) -> Option<Saving> {
        let Self { nodes, per_hour, pods, at_most } = self;
        (!nodes.is_empty()).then_some(Saving {
            per_hour,
            moved_pods: pods,
            at_most_per_hour: at_most,
        })
    }
}

/// Why nothing may be decided on this view (I10).
fn refusal(snapshot: &Snapshot) -> Option<&'static str> {
    let cluster = &snapshot.cluster;
    let has_nodes_of_pools = cluster.nodes.iter().any(|node| node.pool().is_some());
    if cluster.cluster_uid != snapshot.settings.cluster_uid {
        Some("this is not the cluster that joiner was deployed for")
    } else if cluster.scope != Scope::Everything {
        Some("not everything was read")
    } else if !cluster.unreadable.is_empty() {
        Some("some objects could not be read")
    } else if cluster.claims.is_empty() && has_nodes_of_pools {
        Some("there are nodes of NodePools but no NodeClaims")
    } else if cluster.pools.is_empty() && !cluster.claims.is_empty() {
        Some("there are NodeClaims but no NodePools")
    } else {
        None
    }
}

/// One pass: what it has planned so far, and how much more it may.
struct Sweep<'a, 'i> {
    snapshot: &'a Snapshot,
    index: &'i Index<'a>,
    now: Timestamp,
    plan: Plan,
    budgets: Budgets,
    /// Nodes worth disrupting, since when.
    candidates: BTreeMap<NodeName, Timestamp>,
    /// Nodes that are disrupted from this pass on.
    begun: BTreeSet<NodeName>,
    moved: Moved,
    deletions: usize,
    /// Whether it is shown to a person instead of carried out: then nothing has to be seen twice, nor done little by little.
    is_proposal: bool,
}

impl<'a, 'i> Sweep<'a, 'i> {
    fn new(snapshot: &'a Snapshot, index: &'i Index<'a>, now: Timestamp) -> Self {
        Self {
            snapshot,
            index,
            now,
            plan: Plan::default(),
            budgets: Budgets::of(snapshot, index, now),
            candidates: BTreeMap::new(),
            begun: BTreeSet::new(),
            moved: Moved::of(snapshot, index, now),
            deletions: 0,
            is_proposal: false,
        }
    }

    fn deletions_max(&self) -> usize {
        (self.snapshot.cluster.nodes.len() / DELETIONS_ONE_IN).max(DELETIONS_FLOOR)
    }

    fn leave_out(&mut self, node: &NodeName, reason: Reason) {
        self.plan.leave_out(Subject::Node(node.clone()), reason);
    }

    fn push(&mut self, action: ClusterAction) {
        self.plan.actions.push(Action::Cluster(action));
    }

    /// Keeps since when nodes have been worth disrupting, where they were.
    fn keep_candidates(&mut self, used: &[Candidate<'_>]) {
        for Candidate { node, .. } in used {
            if let Some(since) = self.snapshot.cluster.memory.candidates.get(&node.name) {
                self.candidates.insert(node.name.clone(), *since);
            }
        }
    }

    /// Deletes a claim unless too many go already.
    fn delete_claim(&mut self, claim: &NodeClaim, reason: DeleteReason) {
        self.deletions += 1;
        let (claim, uid) = (claim.name.clone(), claim.uid.clone());
        self.push(ClusterAction::DeleteClaim { claim, uid, reason });
    }

    /// Whether one more claim may be deleted in this pass.
    fn may_delete(&mut self, node: &NodeName) -> bool {
        let most = self.deletions_max();
        if self.deletions < most || self.is_proposal {
            return true;
        }
        self.leave_out(node, Reason::DeletionRate { most, wanted: self.deletions + 1 });
        false
    }

    /// Whether a node has been worth disrupting for long enough.
    fn is_confirmed(&self, node: &NodeName) -> bool {
        let since = self.snapshot.cluster.memory.candidates.get(node);
        let is_old = |since: &Timestamp| CONFIRMED_AFTER <= self.now.duration_since(*since);
        self.is_proposal || since.is_some_and(is_old)
    }

    /// Keeps the time since when a node has been worth disrupting, if it was.
    fn keep_candidate(&mut self, node: &NodeName) {
        if let Some(since) = self.snapshot.cluster.memory.candidates.get(node) {
            self.candidates.insert(node.clone(), *since);
        }
    }

    /// Notes that a node is worth disrupting. Says whether it may be now: it has been for long enough, and budgets and
    /// rate allow it. `deletes` says whether a claim is deleted at once.
    fn may_disrupt(
        &mut self,
        candidate: &Candidate<'_>,
        reason: DisruptionReason,
        deletes: bool,
    ) -> bool {
        let node = &candidate.node.name;
        let since = self.snapshot.cluster.memory.candidates.get(node).copied().unwrap_or(self.now);
        self.candidates.insert(node.clone(), since);
        if !self.is_confirmed(node) {
            let why = "It has been worth disrupting for less than 15 s".into();
            self.leave_out(node, Reason::TooFresh { why });
            return false;
        }
        let pool: &NodePool = candidate.pool;
        if let Err(allowed) = self.budgets.take(pool, reason) {
            let pool = pool.name.clone();
            self.leave_out(node, Reason::BudgetUsed { pool, reason, allowed });
            return false;
        }
        if deletes && !self.may_delete(node) {
            self.budgets.give_back(pool);
            return false;
        }
        true
    }
}

//! Checks on changes to the Kubernetes API, made just before they take effect.

use crate::check::Intent;
use crate::lambda::TaskId;
use crate::world::World;
use jiff::SignedDuration;
use model::action::{ClaimChange, ClusterAction, DeleteReason, NewClaim};
use model::claim::{LaunchRecord, NodeClaim};
use model::condition::ConditionType;
use model::labels::DISRUPTED_TAINT;
use model::name::{ClaimName, InstanceId, NodeName, ObjectName, PoolName, Uid};
use model::pool::{BudgetNodes, DisruptionReason};
use model::taint::{Effect, Taint};
use std::sync::Arc;

/// A view older than this must not take anything away (I10).
const VIEW_AGE_MAX: SignedDuration = SignedDuration::from_secs(60);
/// A pod that was bound less than this before a deletion may not have been seen by who decided it.
const SEEN_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// An instance that was launched less than this before may not have been seen.
const LAUNCH_SEEN_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// A pod is evicted of our own will at most once in this time.
const MOVED_AT_MOST_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// Rounding of times, in DeletePod's favour.
const DEADLINE_SLACK: SignedDuration = SignedDuration::from_secs(5);

impl World {
    /// Checks a change that an invocation is about to make.
    pub(crate) fn check_cluster_action(&mut self, task: TaskId, action: &ClusterAction) {
        self.check_cluster_right(task, action);
        match action {
            ClusterAction::CreateClaim(claim) => self.check_new_claim(claim),
            ClusterAction::UpdateClaim { claim, uid, resource_version, change } => {
                let present = self.claim(claim, uid).filter(|present| {
                    resource_version.is_none_or(|seen| seen == present.resource_version)
                });
                if let Some(present) = present {
                    self.check_claim_change(&present, change);
                }
            }
            ClusterAction::DeleteClaim { claim, uid, reason } => {
                if let Some(claim) = self.claim(claim, uid).filter(|c| c.deleting.is_none()) {
                    self.check_view_age(task, "delete a claim");
                    self.check_delete_claim(&claim, *reason);
                    self.checker.deleted.insert(claim.name.clone(), *reason);
                }
            }
            ClusterAction::ReleaseClaim { claim, uid } => {
                if let Some(claim) = self.claim(claim, uid) {
                    self.check_release_claim(&claim);
                }
            }
            ClusterAction::ReleaseNode { node, uid } => self.check_release_node(node, uid),
            ClusterAction::EvictPod { pod, uid, .. } => self.check_eviction(pod, uid),
            ClusterAction::DeletePod { pod, uid, .. } => self.check_forced_deletion(pod, uid),
            ClusterAction::UpdateNode { .. }
            | ClusterAction::DeleteNode { .. }
            | ClusterAction::UpdatePool { .. }
            | ClusterAction::Remember(_)
            | ClusterAction::AcquireLease { .. }
            | ClusterAction::ReleaseLease { .. }
            | ClusterAction::RecordEvent(_) => {}
        }
    }

    fn claim(&self, name: &ClaimName, uid: &Uid) -> Option<Arc<NodeClaim>> {
        self.store.claims.get(name).filter(|claim| claim.uid == *uid).map(Arc::clone)
    }

    /// I10: what takes something away was decided on a view that was read, whole and lately.
    pub(crate) fn check_view_age(&mut self, task: TaskId, what: &str) {
        let now = self.now();
        let observed = self.platform.invocations.get(&task).and_then(|i| i.observed);
        let holds = observed.is_some_and(|at| now.duration_since(at) <= VIEW_AGE_MAX);
        self.demand("I10", holds, || match observed {
            Some(at) => format!("{what} on a view of {at}"),
            None => format!("{what} without a view of the cluster"),
        });
    }

    /// I11: no pod is given to two claims that are on their way. Once a node has joined, the scheduler may have given its
    /// room to another pod, and the one that it was made for needs a further node.
    fn check_new_claim(&mut self, new: &NewClaim) {
        if self.store.claims.contains_key(&new.name)
            || !new.spec.replaces.is_empty()
            || self.faults.is_hostile()
        {
            return;
        }
        let now = self.now();
        let rival = self.store.claims.values().find(|claim| {
            claim.deleting.is_none()
                && claim.spec.replaces.is_empty()
                && claim.node.is_none()
                && now.duration_since(claim.created) < SEEN_AFTER
                && new.spec.nominated.iter().any(|id| claim.spec.nominated.contains(id))
        });
        let rival = rival.map(|claim| claim.name.clone());
        self.demand("I11", rival.is_none(), || {
            let rival = rival.as_deref().unwrap_or("");
            format!("claim {} is for a pod that claim {rival} is for", new.name)
        });
    }

    fn check_claim_change(&mut self, claim: &NodeClaim, change: &ClaimChange) {
        match change {
            ClaimChange::LaunchRecord(record) => self.note_intent(claim, record),
            ClaimChange::Launched { instance, .. } => self.check_adoption(claim, instance),
            ClaimChange::Initialized { .. } => {
                self.checker.initialized.insert(claim.name.clone());
                self.demand_bound(&claim.name);
            }
            ClaimChange::Registered { .. }
            | ClaimChange::Condition { .. }
            | ClaimChange::Notice(_)
            | ClaimChange::ReplacedBy(_)
            | ClaimChange::TerminationDeadline(_)
            | ClaimChange::LastPodEvent(_)
            | ClaimChange::Stamped(_) => {}
        }
    }

    fn note_intent(&mut self, claim: &NodeClaim, record: &LaunchRecord) {
        let now = self.now();
        for pod in &claim.spec.nominated {
            self.begun_for.entry(*pod).or_insert(now);
        }
        let intents = self.checker.intents.entry(claim.uid.clone()).or_default();
        if intents.last().is_none_or(|last| last.token != record.token) {
            intents.push(Intent {
                zone: record.offering.zone.clone(),
                token: record.token.clone(),
                index: record.index,
            });
        }
    }

    /// I2 and I12: an instance has one claim, a claim one instance, and both are of this cluster.
    fn check_adoption(&mut self, claim: &NodeClaim, instance: &InstanceId) {
        let other = self.store.claim_of.get(instance).filter(|name| **name != claim.name).cloned();
        self.demand("I2", other.is_none(), || {
            let other = other.as_deref().unwrap_or("");
            format!("{instance} goes to claim {} and is claim {other}'s", claim.name)
        });
        let present = claim.instance.clone().filter(|present| present != instance);
        let lives = present.as_ref().is_some_and(|id| self.ec2.living(id).is_some());
        self.demand("I2", !lives, || {
            let present = present.as_deref().unwrap_or("");
            format!("claim {} gets {instance} while {present} lives", claim.name)
        });
        let cluster = self.ec2.machines.get(instance).map(|m| &m.instance.cluster_uid);
        let holds = cluster.is_none_or(|uid| *uid == self.settings.cluster_uid);
        self.demand("I12", holds, || format!("{instance} is another cluster's"));
    }

    fn check_delete_claim(&mut self, claim: &NodeClaim, reason: DeleteReason) {
        if reason == DeleteReason::GarbageCollected {
            let now = self.now();
            let lives =
                claim.instance.as_ref().and_then(|id| self.ec2.living(id)).is_some_and(|machine| {
                    LAUNCH_SEEN_AFTER < now.duration_since(machine.instance.launched_at)
                });
            self.demand("I10", !lives, || {
                format!("claim {} counts as garbage and its instance runs", claim.name)
            });
        }
        let Some(kind) = reason.voluntary() else { return };
        self.check_replaced(claim);
        self.check_may_be_disrupted(claim, reason);
        if let Some(pool) = claim.spec.pool.clone() {
            self.check_budget(claim, &pool, kind);
        }
    }

    /// I5: a node goes only after what replaces it has come.
    fn check_replaced(&mut self, claim: &NodeClaim) {
        let initialized = &self.checker.initialized;
        let missing = claim.replaced_by.iter().find(|name| !initialized.contains(*name)).cloned();
        self.demand("I5", missing.is_none(), || {
            let missing = missing.as_deref().unwrap_or("");
            format!("claim {} goes before {missing} has been initialized", claim.name)
        });
    }

    /// I4: nothing that is not to be disrupted is.
    fn check_may_be_disrupted(&mut self, claim: &NodeClaim, reason: DeleteReason) {
        let now = self.now();
        let node = claim.node.as_ref().and_then(|name| self.store.nodes.get(name));
        let guarded = claim.do_not_disrupt || node.is_some_and(|entry| entry.node.do_not_disrupt);
        let pods = node.iter().flat_map(|entry| &entry.pods);
        let mut pods = pods.filter_map(|name| self.store.pods.get(name)).filter(|entry| {
            let bound = entry.pod.scheduled_at;
            bound.is_some_and(|at| SEEN_AFTER < now.duration_since(at))
                && !entry.pod.is_terminal()
                && !entry.lost
        });
        let culprit = pods.find(|entry| {
            let holds_node = reason == DeleteReason::Empty
                && entry.daemon.is_none()
                && entry.pod.deleting.is_none();
            // Drift waits for nobody whose time is limited.
            let waits =
                reason != DeleteReason::Drifted || claim.spec.termination_grace_period.is_none();
            let stays = waits && entry.pod.forbids_disruption(now);
            holds_node || stays && entry.pod.deleting.is_none()
        });
        let culprit = culprit.map(|entry| entry.pod.name.clone());
        self.demand("I4", !guarded, || format!("claim {} must not be disrupted", claim.name));
        self.demand("I4", culprit.is_none(), || {
            let culprit = culprit.map(|name| name.to_string()).unwrap_or_default();
            format!("claim {} is deleted as {reason:?} with {culprit} on its node", claim.name)
        });
    }

    /// I4: no more nodes of a pool go at once than its budgets allow. The pool counts as large as it has been lately,
    /// because a decision is older than its effect. Budgets with a schedule are not looked at.
    fn check_budget(&mut self, claim: &NodeClaim, pool: &PoolName, kind: DisruptionReason) {
        let Some(settings) = self.store.pools.iter().find(|p| p.name == *pool) else { return };
        let of_pool = self.store.claims.values().filter(|c| c.spec.pool.as_ref() == Some(pool));
        let size = of_pool.clone().count();
        let recent = self.checker.pool_sizes.get(pool).and_then(|sizes| sizes.iter().max());
        let size = size.max(recent.copied().unwrap_or(0));
        let going = of_pool.filter(|other| {
            let deleted = self.checker.deleted.get(&other.name);
            other.deleting.is_some()
                && other.name != claim.name
                && deleted.is_some_and(|reason| reason.voluntary().is_some())
                && !other.conditions.is_true(ConditionType::InstanceTerminating)
        });
        let going = going.count() + 1;
        let budgets = settings.disruption.budgets.iter().filter(|budget| {
            budget.schedule.is_none()
                && (budget.reasons.is_empty() || budget.reasons.contains(&kind))
        });
        let allowed = budgets.map(|budget| match budget.nodes {
            BudgetNodes::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
            BudgetNodes::Percent(percent) => {
                (size * usize::try_from(percent).unwrap_or(100)).div_ceil(100)
            }
        });
        let allowed = allowed.min().unwrap_or(usize::MAX);
        self.demand("I4", going <= allowed, || {
            format!("{going} nodes of pool {pool} are disrupted at once, {allowed} allowed")
        });
    }

    /// I1: a claim is let go only when nothing runs for it any more.
    fn check_release_claim(&mut self, claim: &NodeClaim) {
        let now = self.now();
        let intents = self.checker.intents.get(&claim.uid).cloned().unwrap_or_default();
        let launched = intents.iter().filter_map(|intent| self.instance_of(intent));
        let known: Vec<InstanceId> = claim.instance.iter().cloned().chain(launched).collect();
        let living = known.iter().find(|id| {
            self.ec2.living(id).is_some_and(|machine| {
                LAUNCH_SEEN_AFTER < now.duration_since(machine.instance.launched_at)
            })
        });
        let living = living.cloned();
        self.demand("I1", living.is_none(), || {
            let living = living.as_deref().unwrap_or("");
            format!("claim {} is let go while {living} lives", claim.name)
        });
        self.checker.deleted.remove(&claim.name);
        self.checker.intents.remove(&claim.uid);
    }

    /// The instance that came of an intent.
    pub(crate) fn instance_of(&self, intent: &Intent) -> Option<InstanceId> {
        let index = usize::try_from(intent.index).ok()?;
        self.ec2.of_token(&intent.zone, &intent.token).get(index).cloned()
    }

    /// I15: a node is let go only when its instance is gone.
    fn check_release_node(&mut self, name: &NodeName, uid: &Uid) {
        let Some(entry) = self.store.nodes.get(name).filter(|entry| entry.node.uid == *uid) else {
            return;
        };
        let instance = entry.node.instance.clone();
        let lives = instance.as_ref().is_some_and(|id| self.ec2.living(id).is_some());
        self.demand("I15", !lives, || format!("node {name} is let go while its instance lives"));
    }

    fn claim_under(&self, pod: &ObjectName, uid: &Uid) -> Option<(Arc<NodeClaim>, bool)> {
        let entry = self.store.pods.get(pod).filter(|entry| entry.pod.uid == *uid)?;
        let node = self.store.nodes.get(entry.pod.node.as_ref()?)?;
        Some((Arc::clone(self.store.claim_of_node(&node.node)?), node.lost))
    }

    /// I4: pods that are not to be disrupted are not evicted while there is time.
    fn check_eviction(&mut self, name: &ObjectName, uid: &Uid) {
        let now = self.now();
        let Some((claim, lost)) = self.claim_under(name, uid) else { return };
        let pod = &self.store.pods[name].pod;
        let forbids = pod.forbids_disruption(now) && pod.deleting.is_none();
        let pressed = lost || claim.notice.is_some() || claim.termination_deadline.is_some();
        self.demand("I4", !forbids || pressed, || format!("{name} must not be evicted"));
    }

    /// A replica is evicted of our own will no more than once in ten minutes.
    pub(crate) fn check_rest(&mut self, name: &ObjectName) {
        let now = self.now();
        let uid = self.store.pods[name].pod.uid.clone();
        let Some((owner, number)) = self.store.pods[name].replica.clone() else { return };
        let Some((claim, lost)) = self.claim_under(name, &uid) else { return };
        let reason = self.checker.deleted.get(&claim.name);
        if lost || claim.notice.is_some() || reason.and_then(|why| why.voluntary()).is_none() {
            return;
        }
        let Some(owner) = self.owners.get_mut(&owner) else { return };
        let Some(replica) = owner.replicas.get_mut(&number) else { return };
        let before = replica.moved.replace(now);
        // Where sweeps are lost and writes fail, what was moved may be forgotten.
        let rested = self.faults.is_hostile()
            || before.is_none_or(|at| MOVED_AT_MOST_EVERY <= now.duration_since(at));
        self.demand("moved", rested, || {
            let before = before.map(|at| at.to_string()).unwrap_or_default();
            format!(
                "{name} is evicted from claim {}, and so was its predecessor at {before}",
                claim.name
            )
        });
    }

    /// I15: budgets are passed over only when the drain's grace ends.
    fn check_forced_deletion(&mut self, name: &ObjectName, uid: &Uid) {
        let now = self.now();
        let Some((claim, lost)) = self.claim_under(name, uid) else { return };
        let pod = &self.store.pods[name].pod;
        let needs = pod.termination_grace + DEADLINE_SLACK;
        let is_time = claim.termination_deadline.is_some_and(|at| at <= now + needs);
        let going = pod.deleting.is_some();
        self.demand("I15", is_time || lost || going || claim.notice.is_some(), || {
            format!("{name} is deleted past its budgets before the drain's grace ends")
        });
    }

    /// I15 for an instance that is about to be terminated: the pods on it that a drain would have moved.
    pub(crate) fn undrained_pod(&self, id: &InstanceId) -> Option<ObjectName> {
        let node = self.store.nodes.get(&self.ec2.node_of(id)?)?;
        let disrupted = Taint::new(DISRUPTED_TAINT, Effect::NoSchedule);
        let pods = node.pods.iter().filter_map(|name| self.store.pods.get(name));
        let mut left = pods.filter(|entry| {
            entry.daemon.is_none()
                && !entry.lost
                && !entry.pod.is_terminal()
                && entry.pod.deleting.is_none()
                && !disrupted.is_tolerated_by(&entry.pod.tolerations)
        });
        left.next().map(|entry| entry.pod.name.clone())
    }
}

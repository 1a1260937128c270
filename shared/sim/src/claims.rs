//! What invocations change in the API: NodeClaims, the memory, the lease.

use crate::lambda::TaskId;
use crate::store::Lease;
use crate::world::World;
use jiff::Timestamp;
use model::action::{ClaimChange, ClusterAction, Event, NewClaim};
use model::claim::NodeClaim;
use model::condition::{Condition, ConditionType, Status};
use model::hint::Hint;
use model::memory;
use model::name::{ClaimName, InstanceId, PoolName, ResourceVersion, Uid};
use model::outcome::Outcome;
use model::pool::PoolStatus;
use reconciler::ports::ObserveError;
use std::sync::Arc;

/// The name under which calls of an action are counted.
pub(crate) const fn call_name(action: &ClusterAction) -> &'static str {
    match action {
        ClusterAction::CreateClaim(_) => "cluster.CreateClaim",
        ClusterAction::UpdateClaim { .. } => "cluster.UpdateClaim",
        ClusterAction::DeleteClaim { .. } => "cluster.DeleteClaim",
        ClusterAction::ReleaseClaim { .. } => "cluster.ReleaseClaim",
        ClusterAction::UpdateNode { .. } => "cluster.UpdateNode",
        ClusterAction::DeleteNode { .. } => "cluster.DeleteNode",
        ClusterAction::ReleaseNode { .. } => "cluster.ReleaseNode",
        ClusterAction::UpdatePool { .. } => "cluster.UpdatePool",
        ClusterAction::EvictPod { .. } => "cluster.EvictPod",
        ClusterAction::DeletePod { .. } => "cluster.DeletePod",
        ClusterAction::Remember(_) => "cluster.Remember",
        ClusterAction::AcquireLease { .. } => "cluster.AcquireLease",
        ClusterAction::ReleaseLease { .. } => "cluster.ReleaseLease",
        ClusterAction::RecordEvent(_) => "cluster.RecordEvent",
    }
}

impl World {
    /// Makes one change to the API for an invocation.
    pub(crate) fn apply_cluster(&mut self, task: TaskId, action: &ClusterAction) -> Outcome {
        match self.api_refusal() {
            None => {}
            Some(ObserveError::Throttled { .. }) => return Outcome::Throttled,
            Some(refusal) => return Outcome::Unknown { message: refusal.to_string() },
        }
        self.check_cluster_action(task, action);
        let outcome = self.change_cluster(action);
        let is_lease = matches!(
            action,
            ClusterAction::AcquireLease { .. } | ClusterAction::ReleaseLease { .. }
        );
        if !is_lease {
            self.note_mutation(action);
        }
        if self.reply_fault(self.faults.lost_replies, "lost reply") {
            return Outcome::Unknown { message: "connection reset by peer".to_owned() };
        }
        outcome
    }

    fn change_cluster(&mut self, action: &ClusterAction) -> Outcome {
        match action {
            ClusterAction::CreateClaim(claim) => self.create_claim(claim),
            ClusterAction::UpdateClaim { claim, uid, resource_version, change } => {
                self.update_claim(claim, (uid, *resource_version), change)
            }
            ClusterAction::DeleteClaim { claim, uid, reason: _ } => self.delete_claim(claim, uid),
            ClusterAction::ReleaseClaim { claim, uid } => self.release_claim(claim, uid),
            ClusterAction::UpdateNode { node, uid, resource_version, change } => {
                self.update_node(node, (uid, *resource_version), change)
            }
            ClusterAction::DeleteNode { node, uid } => self.delete_node(node, uid),
            ClusterAction::ReleaseNode { node, uid } => self.release_node(node, uid),
            ClusterAction::UpdatePool { pool, uid, status } => self.update_pool(pool, uid, status),
            ClusterAction::EvictPod { pod, uid, reason: _ } => self.evict_pod(pod, uid),
            ClusterAction::DeletePod { pod, uid, grace } => self.delete_pod_of(pod, uid, *grace),
            ClusterAction::Remember(change) => self.remember(change),
            ClusterAction::AcquireLease { holder, lasts } => {
                let now = self.now();
                self.store.lease.acquire(holder, now + *lasts, now)
            }
            ClusterAction::ReleaseLease { holder } => self.store.lease.release(holder),
            ClusterAction::RecordEvent(event) => self.record_event(event),
        }
    }

    fn create_claim(&mut self, new: &NewClaim) -> Outcome {
        if self.store.claims.contains_key(&new.name) {
            return Outcome::Conflict;
        }
        let (uid, version) = (self.store.next_uid(), self.store.next_version());
        let claim = NodeClaim::created(new, uid, version, self.now());
        let outcome =
            Outcome::Created { uid: claim.uid.clone(), resource_version: claim.resource_version };
        self.store.claims.insert(new.name.clone(), Arc::new(claim));
        self.hint(Hint::Provisioning);
        outcome
    }

    fn update_claim(
        &mut self,
        name: &ClaimName,
        (uid, version): (&Uid, Option<ResourceVersion>),
        change: &ClaimChange,
    ) -> Outcome {
        let now = self.now();
        let Some(claim) = self.store.claims.get_mut(name) else { return Outcome::NotFound };
        if claim.uid != *uid || version.is_some_and(|seen| seen != claim.resource_version) {
            return Outcome::Conflict;
        }
        let mut changed = NodeClaim::clone(claim);
        apply(&mut changed, change, now);
        if changed == **claim {
            return Outcome::Updated { resource_version: claim.resource_version };
        }
        if let Some(instance) = &changed.instance {
            self.store.claim_of.insert(instance.clone(), name.clone());
        }
        changed.resource_version = self.store.next_version();
        let resource_version = changed.resource_version;
        let instance = changed.instance.clone();
        self.store.claims.insert(name.clone(), Arc::new(changed));
        self.note_node_of(instance.as_ref());
        Outcome::Updated { resource_version }
    }

    fn update_pool(&mut self, name: &PoolName, uid: &Uid, status: &PoolStatus) -> Outcome {
        let resource_version = self.store.next_version();
        let pool = self.store.pools.iter_mut().find(|pool| pool.name == *name);
        let Some(pool) = pool else { return Outcome::NotFound };
        if pool.uid != *uid {
            return Outcome::Conflict;
        }
        Arc::make_mut(pool).status.clone_from(status);
        Outcome::Updated { resource_version }
    }

    fn delete_claim(&mut self, name: &ClaimName, uid: &Uid) -> Outcome {
        let now = self.now();
        let Some(claim) = self.store.claims.get_mut(name) else { return Outcome::NotFound };
        if claim.uid != *uid {
            return Outcome::Conflict;
        }
        if claim.deleting.is_none() {
            let version = self.store.next_version();
            let claim = self.store.claims.get_mut(name).expect("it was found above");
            let claim = Arc::make_mut(claim);
            claim.deleting = Some(now);
            claim.resource_version = version;
            let instance = claim.instance.clone();
            self.note_node_of(instance.as_ref());
            self.hint(Hint::Lifecycle);
        }
        Outcome::Done
    }

    fn release_claim(&mut self, name: &ClaimName, uid: &Uid) -> Outcome {
        let version = self.store.next_version();
        let Some(claim) = self.store.claims.get_mut(name) else { return Outcome::NotFound };
        if claim.uid != *uid {
            return Outcome::Conflict;
        }
        if claim.deleting.is_none() {
            let claim = Arc::make_mut(claim);
            claim.finalizer = false;
            claim.resource_version = version;
            return Outcome::Done;
        }
        if let Some(claim) = self.store.claims.remove(name) {
            if let Some(instance) = &claim.instance {
                self.store.claim_of.remove(instance);
            }
            self.note_node_of(claim.instance.as_ref());
            self.collect_owned(&claim.uid);
        }
        Outcome::Done
    }

    fn note_node_of(&mut self, instance: Option<&InstanceId>) {
        if let Some(node) = instance.and_then(|id| self.ec2.node_of(id)) {
            self.store.note_going(&node);
        }
    }

    fn remember(&mut self, change: &memory::Change) -> Outcome {
        let resource_version = self.store.next_version();
        self.store.memory.apply(change);
        Outcome::Updated { resource_version }
    }

    fn record_event(&mut self, event: &Event) -> Outcome {
        if &*event.kind == "Pod" {
            let entry = self.store.pods.get(&event.object);
            let record = entry.filter(|entry| entry.pod.node.is_none()).and_then(|e| e.record);
            if let Some(record) = record {
                self.record.pods[record].reason = Some(event.message.clone());
            }
        }
        Outcome::Done
    }
}

impl Lease {
    /// Takes the lease if it is free, over or this holder's own; otherwise its holder is told that another wants it.
    fn acquire(&mut self, holder: &str, until: Timestamp, now: Timestamp) -> Outcome {
        if self.holder.as_ref().is_some_and(|(name, end)| name != holder && now < *end) {
            self.wanted = true;
            return Outcome::Conflict;
        }
        self.holder = Some((holder.to_owned(), until));
        self.wanted = false;
        Outcome::Done
    }

    /// Gives the lease back. Whoever is told that another wanted it still has it, to look once more.
    fn release(&mut self, holder: &str) -> Outcome {
        if self.holder.as_ref().is_none_or(|(name, _)| name != holder) {
            return Outcome::Done;
        }
        if std::mem::take(&mut self.wanted) {
            return Outcome::Conflict;
        }
        self.holder = None;
        Outcome::Done
    }
}

fn apply(claim: &mut NodeClaim, change: &ClaimChange, now: Timestamp) {
    let is_so = |claim: &mut NodeClaim, kind: ConditionType, reason: &str| {
        let condition = Condition {
            status: Status::True,
            reason: reason.to_owned(),
            message: String::new(),
            since: now,
        };
        claim.conditions.set(kind, condition);
    };
    match change {
        ClaimChange::LaunchRecord(record) => claim.launch = Some(record.clone()),
        ClaimChange::Launched { instance, image, labels, capacity, allocatable } => {
            claim.instance = Some(instance.clone());
            claim.image = Some(image.clone());
            claim.labels.extend(labels.iter().map(|(k, v)| (k.clone(), v.clone())));
            claim.capacity = capacity.clone();
            claim.allocatable = allocatable.clone();
            is_so(claim, ConditionType::Launched, "Launched");
        }
        ClaimChange::Registered { node } => {
            claim.node = Some(node.clone());
            is_so(claim, ConditionType::Registered, "Registered");
        }
        ClaimChange::Initialized { capacity, allocatable } => {
            claim.capacity = capacity.clone();
            claim.allocatable = allocatable.clone();
            is_so(claim, ConditionType::Initialized, "Initialized");
        }
        ClaimChange::Condition { kind, status: Some(status), reason, message } => {
            let (reason, message) = (reason.clone(), message.clone());
            claim.conditions.set(*kind, Condition { status: *status, reason, message, since: now });
        }
        ClaimChange::Condition { kind, status: None, .. } => {
            claim.conditions.clear(*kind);
        }
        ClaimChange::Notice(notice) => claim.notice = Some(notice.clone()),
        ClaimChange::ReplacedBy(claims) => claim.replaced_by.clone_from(claims),
        ClaimChange::TerminationDeadline(at) => claim.termination_deadline = Some(*at),
        ClaimChange::LastPodEvent(at) => claim.last_pod_event = Some(*at),
        ClaimChange::Stamped(stamps) => claim.stamps = stamps.clone(),
    }
}

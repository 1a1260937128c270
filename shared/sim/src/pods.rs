//! Pods' lives: they start, end, are evicted, deleted and lost.

use crate::record::PodEnd;
use crate::rng::millis;
use crate::scheduler::neighbours::Step;
use crate::store::PodEntry;
use crate::workload::Lifetime;
use crate::world::{Happening, World};
use jiff::SignedDuration;
use model::hint::Hint;
use model::name::{NodeName, ObjectName, Uid};
use model::outcome::Outcome;
use model::pod::{Phase, Pod};
use std::sync::Arc;

/// A pod, told apart from others that have had its name.
#[derive(Clone, Debug)]
pub(crate) struct PodRef {
    pub(crate) name: ObjectName,
    pub(crate) number: u64,
}

/// From the end of its grace's beginning until a pod has gone, in milliseconds.
const LEAVING_MILLIS: (i64, i64) = (1_000, 10_000);
/// A finished Job's pods are kept for so long (`ttlSecondsAfterFinished`).
const FINISHED_KEPT: SignedDuration = SignedDuration::from_secs(60);

impl PodEntry {
    /// Tells this pod apart from others of its name.
    pub(crate) fn key(&self) -> PodRef {
        PodRef { name: self.pod.name.clone(), number: self.number }
    }
}

impl World {
    /// The pod that is meant, if it is still there.
    pub(crate) fn pod(&self, pod: &PodRef) -> Option<&PodEntry> {
        self.store.pods.get(&pod.name).filter(|entry| entry.number == pod.number)
    }

    /// Changes a pod of the API.
    pub(crate) fn change_pod(&mut self, name: &ObjectName, change: impl FnOnce(&mut Pod)) {
        let version = self.store.next_version();
        if let Some(entry) = self.store.pods.get_mut(name) {
            let pod = Arc::make_mut(&mut entry.pod);
            pod.resource_version = version;
            change(pod);
        }
    }

    /// The kubelet has started a pod's containers.
    pub(crate) fn pod_starts(&mut self, pod: &PodRef) {
        let now = self.now();
        let Some(entry) = self.pod(pod) else { return };
        if entry.lost || entry.pod.deleting.is_some() {
            return;
        }
        let (record, replica) = (entry.record, entry.replica.clone());
        self.change_pod(&pod.name, |pod| {
            pod.phase = Phase::Running;
            pod.started_at = Some(now);
        });
        self.count_available(&pod.name, true);
        self.note_productive(&pod.name);
        if let Some(record) = record {
            self.record.pods[record].started = Some(now);
        }
        if let Some((owner, number)) = replica {
            self.replica_runs(&owner, number, pod.clone());
        }
    }

    /// A pod's work is done, or its service's time over.
    pub(crate) fn pod_ends(&mut self, pod: &PodRef) {
        let Some(entry) = self.pod(pod) else { return };
        if entry.lost || entry.pod.deleting.is_some() {
            return;
        }
        let Some((owner, number)) = entry.replica.clone() else { return };
        self.moved = self.now();
        let is_work = self
            .owners
            .get(&owner)
            .is_some_and(|owner| matches!(owner.lifetime, Lifetime::Work(_)));
        if is_work {
            self.release_replica(&owner, number);
            self.pod_succeeds(pod);
        } else {
            self.let_go(&owner, number);
        }
    }

    fn pod_succeeds(&mut self, pod: &PodRef) {
        self.count_available(&pod.name, false);
        self.end_record(&pod.name, PodEnd::Completed);
        self.change_pod(&pod.name, |pod| pod.phase = Phase::Succeeded);
        if let Some(entry) = self.store.pods.get(&pod.name) {
            let ended = Arc::clone(&entry.pod);
            let bound = ended.node.as_ref();
            if let Some(node) = bound.and_then(|node| self.store.nodes.get_mut(node)) {
                node.free.add(&ended.requests);
                self.room_on(bound);
            }
            if let Some(node) = bound {
                self.note_step(&ended, node, Step::Leaves);
            }
        }
        self.after(FINISHED_KEPT, Happening::PodGone(pod.clone()));
    }

    /// A pod that was going has gone.
    pub(crate) fn pod_gone(&mut self, pod: &PodRef) {
        if self.pod(pod).is_some_and(|entry| !entry.lost) {
            self.remove_pod(&pod.name);
        }
    }

    /// Deletes a pod that ends so, with at most this grace. One that runs nowhere goes at once.
    pub(crate) fn delete_pod(&mut self, name: &ObjectName, end: PodEnd, grace: SignedDuration) {
        let now = self.now();
        let Some(entry) = self.store.pods.get_mut(name) else { return };
        if entry.pod.deleting.is_some() {
            return;
        }
        entry.end = end;
        if entry.pod.node.is_none() || entry.pod.is_terminal() {
            self.remove_pod(name);
            return;
        }
        let (pod, lost) = (entry.key(), entry.lost);
        self.change_pod(name, |pod| pod.deleting = Some(now + grace));
        self.count_available(name, false);
        let going = Arc::clone(&self.store.pods[name].pod);
        if let Some(node) = &going.node {
            self.note_step(&going, node, Step::Goes);
        }
        let entry = &self.store.pods[name];
        let is_job = entry.pod.owner.as_ref().is_some_and(|owner| &*owner.kind == "Job");
        if !is_job {
            // A ReplicaSet does not count pods that are going; a Job waits until they have gone.
            let entry = entry.clone();
            let ran = self.ran(&entry);
            self.vacate(&entry, ran);
        }
        if !lost {
            let (least, most) = LEAVING_MILLIS;
            let delay = millis(&mut self.streams.pods, least..=most).min(grace);
            self.after(delay, Happening::PodGone(pod));
        }
    }

    /// Takes a pod out of the API.
    pub(crate) fn remove_pod(&mut self, name: &ObjectName) {
        self.count_available(name, false);
        let Some(entry) = self.store.pods.remove(name) else { return };
        self.store.waiting.remove(name);
        self.forget_pod(&entry);
        if let Some(node) = entry.pod.node.as_ref().filter(|_| !entry.pod.is_terminal()) {
            self.note_step(&entry.pod, node, Step::Leaves);
        }
        if let Some(node) = entry.pod.node.as_ref().and_then(|node| self.store.nodes.get_mut(node))
        {
            node.pods.remove(name);
            if !entry.pod.is_terminal() {
                node.free.add(&entry.pod.requests);
            }
            if let Some(daemon) = entry.daemon {
                node.daemons.remove(&daemon);
            }
            let going = node.node.deleting.is_some();
            self.room_on(entry.pod.node.as_ref());
            if going {
                self.hint(Hint::Lifecycle);
            }
        }
        let ran = self.ran(&entry);
        self.end_entry(&entry, entry.end);
        self.vacate(&entry, ran);
    }

    /// The Eviction API: budgets may refuse.
    pub(crate) fn evict_pod(&mut self, name: &ObjectName, uid: &Uid) -> Outcome {
        let Some(entry) = self.store.pods.get(name) else { return Outcome::NotFound };
        if entry.pod.uid != *uid {
            return Outcome::Conflict;
        }
        if entry.pod.deleting.is_some() {
            return Outcome::Done;
        }
        // Budgets do not speak of pods that have not started or have ended.
        if entry.pod.phase == Phase::Running {
            match *entry.guards {
                [] => {}
                [budget] => {
                    let budget = &self.store.budgets[budget];
                    let allowed = if entry.counted {
                        0 < budget.budget.disruptions_allowed
                    } else {
                        budget.is_met()
                    };
                    if !allowed {
                        let message =
                            "Cannot evict pod as it would violate the pod's disruption budget.";
                        return Outcome::Blocked { retry: true, message: message.to_owned() };
                    }
                }
                _ => {
                    let message = "This pod has more than one PodDisruptionBudget, which the eviction \
                         subresource does not support.";
                    return Outcome::Blocked { retry: false, message: message.to_owned() };
                }
            }
        }
        let grace = entry.pod.termination_grace;
        if entry.record.is_some() {
            self.record.evictions += 1;
        }
        self.check_rest(name);
        self.delete_pod(name, PodEnd::Evicted, grace);
        Outcome::Done
    }

    /// Deletes a pod at another's wish, whatever its budgets say.
    pub(crate) fn delete_pod_of(
        &mut self,
        name: &ObjectName,
        uid: &Uid,
        grace: SignedDuration,
    ) -> Outcome {
        let Some(entry) = self.store.pods.get(name) else { return Outcome::NotFound };
        if entry.pod.uid != *uid {
            return Outcome::Conflict;
        }
        if entry.record.is_some() && entry.pod.deleting.is_none() {
            self.record.evictions += 1;
        }
        self.delete_pod(name, PodEnd::Evicted, grace);
        Outcome::Done
    }

    /// The instance under these pods is gone; the API does not know yet.
    pub(crate) fn lose_pods(&mut self, node: &NodeName) {
        let Some(node) = self.store.nodes.get_mut(node) else { return };
        node.lost = true;
        for name in node.pods.clone() {
            let Some(entry) = self.store.pods.get_mut(&name) else { continue };
            if entry.pod.is_terminal() {
                continue;
            }
            entry.lost = true;
            let end = if entry.pod.deleting.is_some() { entry.end } else { PodEnd::Lost };
            entry.end = end;
            self.end_record(&name, end);
        }
    }

    /// Counts a pod as available to its budgets, or no longer.
    pub(crate) fn count_available(&mut self, name: &ObjectName, available: bool) {
        let Some(entry) = self.store.pods.get_mut(name) else { return };
        if entry.counted != available {
            entry.counted = available;
            for budget in &*entry.guards {
                self.store.budgets[*budget].count(if available { 1 } else { -1 });
            }
        }
    }

    fn ran(&self, entry: &PodEntry) -> SignedDuration {
        let Some(started) = entry.pod.started_at else { return SignedDuration::ZERO };
        let ended = entry.record.and_then(|record| self.record.pods[record].ended);
        ended.map_or(self.now(), |(at, _)| at).duration_since(started)
    }

    fn end_record(&mut self, name: &ObjectName, end: PodEnd) {
        if let Some(entry) = self.store.pods.get(name) {
            let entry = entry.clone();
            self.end_entry(&entry, end);
        }
    }

    fn end_entry(&mut self, entry: &PodEntry, end: PodEnd) {
        let now = self.now();
        if let Some(record) = entry.record {
            self.record.pods[record].ended.get_or_insert((now, end));
        }
    }
}

//! The Kubernetes scheduler with its real predicates: resources, selectors, affinity, taints, host ports. Pods that ask
//! for spread, pod affinity, volumes or devices are left waiting.

use crate::rng::millis;
use crate::store::{NodeEntry, PodEntry, Store};
use crate::world::{Happening, World};
use model::hint::Hint;
use model::name::{NodeName, ObjectName};
use model::pod::Pod;
use model::taint::first_untolerated;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// By priority, then by age.
type Turn = (Reverse<i32>, u64);

/// The scheduler's queues.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    /// Pods that have not been looked at.
    fresh: BTreeMap<Turn, ObjectName>,
    /// Pods that fit nowhere when they were looked at.
    parked: BTreeMap<Turn, ObjectName>,
    /// Nodes that have changed since.
    changed: BTreeSet<NodeName>,
    armed: bool,
}

/// From a change to the scheduler's verdict, in milliseconds.
const VERDICT_MILLIS: (i64, i64) = (10, 50);
/// From the binding to running containers (image pull included), in milliseconds.
const START_MILLIS: (i64, i64) = (500, 4_000);

fn turn(entry: &PodEntry) -> Turn {
    (Reverse(entry.pod.priority), entry.number)
}

impl World {
    /// A new pod waits.
    pub(crate) fn queue_pod(&mut self, entry: &PodEntry) {
        self.scheduler.fresh.insert(turn(entry), entry.pod.name.clone());
        self.arm_scheduler();
    }

    /// A pod waits no longer.
    pub(crate) fn forget_pod(&mut self, entry: &PodEntry) {
        if entry.pod.node.is_none() {
            self.scheduler.fresh.remove(&turn(entry));
            self.scheduler.parked.remove(&turn(entry));
        }
    }

    /// A node has come, or has room, or admits more than it did.
    pub(crate) fn room_on(&mut self, node: Option<&NodeName>) {
        let Some(node) = node else { return };
        if !self.scheduler.parked.is_empty() || !self.scheduler.fresh.is_empty() {
            self.scheduler.changed.insert(node.clone());
            self.arm_scheduler();
        }
    }

    fn arm_scheduler(&mut self) {
        if !self.scheduler.armed {
            self.scheduler.armed = true;
            let (least, most) = VERDICT_MILLIS;
            let delay = millis(&mut self.streams.pods, least..=most);
            self.after(delay, Happening::Place);
        }
    }

    /// Binds what fits. Pods that were looked at before are held against nodes that have changed only.
    pub(crate) fn place_pods(&mut self) {
        self.scheduler.armed = false;
        let changed = std::mem::take(&mut self.scheduler.changed);
        let mut refused = BTreeSet::new();
        if !changed.is_empty() {
            for (turn, name) in std::mem::take(&mut self.scheduler.parked) {
                if !self.place(&name, Some(&changed), &mut refused) {
                    self.scheduler.parked.insert(turn, name);
                }
            }
        }
        refused.clear();
        for (turn, name) in std::mem::take(&mut self.scheduler.fresh) {
            if !self.place(&name, None, &mut refused) {
                self.mark_unschedulable(&name);
                self.scheduler.parked.insert(turn, name);
            }
        }
    }

    /// Places a pod on one of these nodes, or of all. What one replica of an owner was refused the others are too,
    /// because room only shrinks while the scheduler looks.
    fn place(
        &mut self,
        name: &ObjectName,
        among: Option<&BTreeSet<NodeName>>,
        refused: &mut BTreeSet<ObjectName>,
    ) -> bool {
        let Some(entry) = self.store.pods.get(name) else { return true };
        let owner = entry.replica.as_ref().map(|(owner, _)| owner);
        if owner.is_some_and(|owner| refused.contains(owner)) {
            return false;
        }
        let Some(node) = choose(&self.store, &entry.pod, among) else {
            refused.extend(owner.cloned());
            return false;
        };
        self.bind(name, &node);
        true
    }

    /// Binds a pod to a node; its kubelet starts it.
    pub(crate) fn bind(&mut self, name: &ObjectName, node_name: &NodeName) {
        let now = self.now();
        let Some(node) = self.store.nodes.get_mut(node_name) else { return };
        let Some(entry) = self.store.pods.get_mut(name) else { return };
        node.free.subtract(&entry.pod.requests);
        node.pods.insert(name.clone());
        entry.lost = node.lost;
        let (pod, record, instance) = (entry.key(), entry.record, node.node.instance.clone());
        let begun = self.begun_for.remove(&entry.pod.short_id());
        self.store.waiting.remove(name);
        self.change_pod(name, |pod| {
            pod.node = Some(node_name.clone());
            pod.scheduled_at = Some(now);
            pod.unschedulable_since = None;
        });
        if let Some(record) = record {
            let called = instance.and_then(|id| self.ec2.launch_called(&id));
            let record = &mut self.record.pods[record];
            record.bound = Some(now);
            let calls = begun.into_iter().chain(called);
            record.launch_called = calls.filter(|called| record.created <= *called).min();
        }
        self.check_bound(name, node_name);
        let (least, most) = START_MILLIS;
        let delay = millis(&mut self.streams.pods, least..=most);
        self.after(delay, Happening::PodStarts(pod));
    }

    fn mark_unschedulable(&mut self, name: &ObjectName) {
        let now = self.now();
        self.change_pod(name, |pod| pod.unschedulable_since = Some(now));
        self.hint(Hint::Provisioning);
    }
}

/// The admitted node with the most room left, as Kubernetes scores by default (`LeastAllocated`).
fn choose(store: &Store, pod: &Pod, among: Option<&BTreeSet<NodeName>>) -> Option<NodeName> {
    if asks_for_more(pod) {
        return None;
    }
    let admitted = |entry: &&NodeEntry| admits(store, entry, pod);
    let best = |nodes: &mut dyn Iterator<Item = &NodeEntry>| {
        nodes
            .max_by_key(|entry| (score(entry, pod), Reverse(entry.node.name.clone())))
            .map(|entry| entry.node.name.clone())
    };
    match among {
        Some(names) => {
            let nodes = names.iter().filter_map(|name| store.nodes.get(name));
            best(&mut nodes.filter(admitted))
        }
        None => best(&mut store.nodes.values().filter(admitted)),
    }
}

/// Whether a pod asks for something that this scheduler does not look at.
pub(crate) fn asks_for_more(pod: &Pod) -> bool {
    !pod.topology_spread.is_empty()
        || !pod.affinity.is_empty()
        || !pod.anti_affinity.is_empty()
        || !pod.volume_claims.is_empty()
        || pod.resource_claims
}

/// Whether the node takes the pod.
pub(crate) fn admits(store: &Store, entry: &NodeEntry, pod: &Pod) -> bool {
    let node = &entry.node;
    pod.requests.fits(&entry.free)
        && !node.cordoned
        && first_untolerated(&node.taints, &pod.tolerations).is_none()
        && pod.admits_node_labels(&node.labels)
        && (pod.host_ports.is_empty() || ports_are_free(store, entry, pod))
}

fn ports_are_free(store: &Store, entry: &NodeEntry, pod: &Pod) -> bool {
    let others = entry.pods.iter().filter_map(|name| store.pods.get(name));
    let mut taken = others.filter(|o| !o.pod.is_terminal()).flat_map(|o| &o.pod.host_ports);
    !taken.any(|port| pod.host_ports.iter().any(|wanted| wanted.conflicts_with(port)))
}

fn score(entry: &NodeEntry, pod: &Pod) -> i64 {
    let of = |name: &str| {
        let all = entry.node.allocatable.get(name).max(1);
        let left = entry.free.get(name) - pod.requests.get(name);
        i64::try_from(i128::from(left) * 100 / i128::from(all)).unwrap_or(0)
    };
    i64::midpoint(of("cpu"), of("memory"))
}

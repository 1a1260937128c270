//! The Kubernetes scheduler with its real predicates and its usual scores. It never preempts, and pods that ask for volumes
//! or devices are left waiting.

pub(crate) mod neighbours;
pub(crate) mod predicates;
mod scores;
pub(crate) mod ties;

use crate::rng::millis;
use crate::store::{NodeEntry, PodEntry, Store};
use crate::world::{Happening, World};
use model::hint::Hint;
use model::name::{NodeName, ObjectName};
use model::pod::Pod;
use neighbours::Step;
use predicates::{asks_for_more, refusal};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use ties::Ties;

/// By priority, then by age.
type Turn = (Reverse<i32>, u64);

/// What is known of a pod that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// It has not been looked at.
    Fresh,
    /// It fitted nowhere when it was looked at; only nodes that have changed since can take it.
    Parked,
    /// It fitted nowhere, and it matters to it where other pods are.
    Tied,
}

/// The scheduler's queue.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    fresh: BTreeMap<Turn, ObjectName>,
    parked: BTreeMap<Turn, ObjectName>,
    tied: BTreeMap<Turn, ObjectName>,
    /// Nodes that have changed since pods were parked.
    changed: BTreeSet<NodeName>,
    /// Whether pods that someone looks at have come or gone since.
    stirred: bool,
    armed: bool,
}

/// Owners whose pods fitted nowhere in this pass, by their standing.
type Refused = BTreeMap<Standing, BTreeSet<ObjectName>>;

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
            let turn = turn(entry);
            self.scheduler.fresh.remove(&turn);
            self.scheduler.parked.remove(&turn);
            self.scheduler.tied.remove(&turn);
        }
    }

    /// A node has come, or has room, or admits more than it did.
    pub(crate) fn room_on(&mut self, node: Option<&NodeName>) {
        let Some(node) = node else { return };
        let Scheduler { fresh, parked, tied, .. } = &self.scheduler;
        if !parked.is_empty() || !fresh.is_empty() || !tied.is_empty() {
            self.scheduler.changed.insert(node.clone());
            self.arm_scheduler();
        }
    }

    /// Follows a pod on its node: others may have to be looked at again.
    pub(crate) fn note_step(&mut self, pod: &Pod, node: &NodeName, step: Step) {
        if self.store.neighbours.note(pod, node, step) {
            self.stir();
        }
    }

    /// Something has changed at which pods with ties look.
    pub(crate) fn stir(&mut self) {
        self.scheduler.stirred = true;
        if !self.scheduler.tied.is_empty() {
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

    /// Binds what fits, in turn.
    pub(crate) fn place_pods(&mut self) {
        self.scheduler.armed = false;
        let changed = std::mem::take(&mut self.scheduler.changed);
        let mut refused = Refused::new();
        for (turn, name, standing) in self.scheduler.next(!changed.is_empty()) {
            let left = self.place(&name, standing, &changed, &mut refused);
            let queue = match left {
                None => continue,
                Some(Standing::Tied) => &mut self.scheduler.tied,
                Some(Standing::Fresh | Standing::Parked) => &mut self.scheduler.parked,
            };
            queue.insert(turn, name.clone());
            if standing == Standing::Fresh {
                self.mark_unschedulable(&name);
            }
        }
        if self.scheduler.stirred && !self.scheduler.tied.is_empty() {
            self.arm_scheduler();
        }
    }

    /// Places a pod, or says how it stands now. What one replica of an owner was refused the others are too: room only shrinks
    /// while the scheduler looks, and where a binding opens a place for pods with ties, it looks once more soon.
    fn place(
        &mut self,
        name: &ObjectName,
        standing: Standing,
        changed: &BTreeSet<NodeName>,
        refused: &mut Refused,
    ) -> Option<Standing> {
        let entry = self.store.pods.get(name)?;
        let owner = entry.replica.as_ref().map(|(owner, _)| owner.clone());
        let is_refused = |known: &Standing| {
            let owners = refused.get(known);
            owner.as_ref().is_some_and(|owner| owners.is_some_and(|all| all.contains(owner)))
        };
        if let Some(known) = [Standing::Tied, standing].into_iter().find(is_refused) {
            return Some(known);
        }
        let pod = Arc::clone(&entry.pod);
        let ties = Ties::of(&mut self.store, &pod);
        let among = (standing == Standing::Parked && ties.are_none()).then_some(changed);
        let node = choose(&self.store, &pod, &ties, among);
        // Whoever changes a pod copies it as long as another holds it.
        drop(pod);
        if let Some(node) = node {
            self.bind(name, &node);
            return None;
        }
        let standing = if ties.are_none() { standing } else { Standing::Tied };
        refused.entry(standing).or_default().extend(owner);
        Some(standing)
    }

    /// Binds a pod to a node; its kubelet starts it.
    pub(crate) fn bind(&mut self, name: &ObjectName, node_name: &NodeName) {
        let now = self.now();
        let Some(node) = self.store.nodes.get_mut(node_name) else { return };
        let Some(entry) = self.store.pods.get_mut(name) else { return };
        let bound = Arc::clone(&entry.pod);
        node.free.subtract(&entry.pod.requests);
        node.pods.insert(name.clone());
        entry.lost = node.lost;
        let (pod, record, instance) = (entry.key(), entry.record, node.node.instance.clone());
        let begun = self.begun_for.remove(&entry.pod.short_id());
        self.store.waiting.remove(name);
        self.note_step(&bound, node_name, Step::Comes);
        drop(bound);
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

impl Scheduler {
    /// Takes out, in turn, the pods that a look may help: new ones, those with ties if anything has changed, and the
    /// others if nodes have.
    fn next(&mut self, nodes_changed: bool) -> Vec<(Turn, ObjectName, Standing)> {
        let stirred = std::mem::take(&mut self.stirred);
        let mut all = Vec::new();
        let mut take = |queue: &mut BTreeMap<Turn, ObjectName>, standing: Standing| {
            let pods = std::mem::take(queue).into_iter();
            all.extend(pods.map(|(turn, name)| (turn, name, standing)));
        };
        if nodes_changed {
            take(&mut self.parked, Standing::Parked);
        }
        if nodes_changed || stirred {
            take(&mut self.tied, Standing::Tied);
        }
        take(&mut self.fresh, Standing::Fresh);
        all.sort_by_key(|(turn, ..)| *turn);
        all
    }
}

/// The best node for a pod, of these or of all.
fn choose(
    store: &Store,
    pod: &Pod,
    ties: &Ties,
    among: Option<&BTreeSet<NodeName>>,
) -> Option<NodeName> {
    if asks_for_more(pod) {
        return None;
    }
    let admits = |entry: &&NodeEntry| refusal(store, entry, pod, ties).is_none();
    let admitted: Vec<&NodeEntry> = match among {
        Some(names) => names.iter().filter_map(|n| store.nodes.get(n)).filter(admits).collect(),
        None => store.nodes.values().filter(admits).collect(),
    };
    scores::best(pod, ties, &admitted)
}

#[cfg(test)]
mod tests;

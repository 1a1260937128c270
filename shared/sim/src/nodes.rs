//! Nodes in the API: changed, deleted, held by their finalizer, and their daemons.

use crate::record::PodEnd;
use crate::scheduler::predicates::refusal;
use crate::scheduler::ties::Ties;
use crate::store::{NodeEntry, PodEntry};
use crate::world::World;
use model::action::NodeChange;
use model::hint::Hint;
use model::name::{NodeName, ObjectName, ResourceVersion, Uid};
use model::node::Node;
use model::outcome::Outcome;
use model::pod::{Owner, Phase, Pod};
use model::taint::{Effect, Toleration, TolerationOperator};
use std::sync::Arc;

/// Taints that the DaemonSet controller makes its pods tolerate (Kubernetes documentation, "DaemonSet").
const DAEMON_TOLERATIONS: [(&str, Effect); 7] = [
    ("node.kubernetes.io/not-ready", Effect::NoExecute),
    ("node.kubernetes.io/unreachable", Effect::NoExecute),
    ("node.kubernetes.io/disk-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/memory-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/pid-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/unschedulable", Effect::NoSchedule),
    ("node.kubernetes.io/network-unavailable", Effect::NoSchedule),
];

impl World {
    /// Changes a node of the API and tells those who watch it.
    pub(crate) fn change_node(&mut self, name: &NodeName, change: impl FnOnce(&mut Node)) {
        let now = self.now();
        let version = self.store.next_version();
        let Some(entry) = self.store.nodes.get_mut(name) else { return };
        let before = entry.node.allocatable.clone();
        let node = Arc::make_mut(&mut entry.node);
        node.resource_version = version;
        change(node);
        if node.allocatable != before {
            let grown = node.allocatable.minus(&before);
            entry.free.add(&grown);
        }
        if entry.initialized.is_none() && entry.node.is_initialized() {
            entry.initialized = Some(now);
        }
        self.store.note_going(name);
        self.sync_daemons(name);
        self.room_on(Some(name));
    }

    /// A change asked for by an invocation.
    pub(crate) fn update_node(
        &mut self,
        name: &NodeName,
        (uid, version): (&Uid, Option<ResourceVersion>),
        change: &NodeChange,
    ) -> Outcome {
        let Some(entry) = self.store.nodes.get(name) else { return Outcome::NotFound };
        if entry.node.uid != *uid || version.is_some_and(|seen| seen != entry.node.resource_version)
        {
            return Outcome::Conflict;
        }
        let mut changed = Node::clone(&entry.node);
        apply(&mut changed, change);
        let owner = change.own.as_ref().map(|(_, uid)| uid.clone());
        if changed != *entry.node || owner.is_some() && owner != entry.owner {
            self.change_node(name, |node| {
                *node = Node { resource_version: node.resource_version, ..changed }
            });
            if let (Some(entry), Some(owner)) = (self.store.nodes.get_mut(name), owner) {
                entry.owner = Some(owner);
            }
        }
        match self.store.nodes.get(name) {
            Some(entry) => Outcome::Updated { resource_version: entry.node.resource_version },
            None => Outcome::NotFound,
        }
    }

    /// Asks for a node's deletion.
    pub(crate) fn delete_node(&mut self, name: &NodeName, uid: &Uid) -> Outcome {
        let now = self.now();
        let Some(entry) = self.store.nodes.get(name) else { return Outcome::NotFound };
        if entry.node.uid != *uid {
            return Outcome::Conflict;
        }
        if !entry.node.finalizer {
            self.remove_node(name);
        } else if entry.node.deleting.is_none() {
            self.change_node(name, |node| node.deleting = Some(now));
            self.hint(Hint::Lifecycle);
        }
        Outcome::Done
    }

    /// Takes a node's finalizer off; one that is being deleted goes.
    pub(crate) fn release_node(&mut self, name: &NodeName, uid: &Uid) -> Outcome {
        let Some(entry) = self.store.nodes.get(name) else { return Outcome::NotFound };
        if entry.node.uid != *uid {
            return Outcome::Conflict;
        }
        if entry.node.deleting.is_some() {
            self.remove_node(name);
        } else {
            self.change_node(name, |node| node.finalizer = false);
        }
        Outcome::Done
    }

    /// Takes a node out of the API; the pods on it are lost.
    pub(crate) fn remove_node(&mut self, name: &NodeName) {
        let Some(entry) = self.store.nodes.get(name) else { return };
        let pods: Vec<ObjectName> = entry.pods.iter().cloned().collect();
        for pod in &pods {
            self.remove_pod(pod);
        }
        self.store.nodes.remove(name);
        self.stir();
        self.hint(Hint::Lifecycle);
    }

    /// The garbage collector deletes what a claim owned.
    pub(crate) fn collect_owned(&mut self, claim: &Uid) {
        let owned = self.store.nodes.values().filter(|entry| entry.owner.as_ref() == Some(claim));
        let owned: Vec<Arc<Node>> = owned.map(|entry| Arc::clone(&entry.node)).collect();
        for node in owned {
            self.delete_node(&node.name, &node.uid);
        }
    }

    /// Makes the daemons that a node admits and has not got.
    pub(crate) fn sync_daemons(&mut self, name: &NodeName) {
        let Some(entry) = self.store.nodes.get(name) else { return };
        if entry.node.deleting.is_some() {
            return;
        }
        for index in 0..self.store.daemon_sets.len() {
            let Some(entry) = self.store.nodes.get(name) else { return };
            if entry.daemons.contains(&index) {
                continue;
            }
            let pod = self.daemon_pod(index, entry);
            let ties = Ties::of(&mut self.store, &pod);
            let entry = &self.store.nodes[name];
            if refusal(&self.store, entry, &pod, &ties).is_none() {
                self.add_daemon(index, name, pod);
            }
        }
    }

    fn daemon_pod(&self, index: usize, entry: &NodeEntry) -> Pod {
        let set = &self.store.daemon_sets[index];
        let mut pod = set.template.clone();
        let tolerations = DAEMON_TOLERATIONS.iter().map(|(key, effect)| Toleration {
            key: (*key).into(),
            operator: TolerationOperator::Exists,
            effect: Some(*effect),
            ..Toleration::default()
        });
        pod.tolerations.extend(tolerations);
        pod.name = ObjectName::new(
            set.name.namespace.clone(),
            format!("{}-{}", set.name.name, entry.node.name),
        );
        pod
    }

    fn add_daemon(&mut self, index: usize, node: &NodeName, pod: Pod) {
        let (now, uid) = (self.now(), self.store.next_uid());
        let version = self.store.next_version();
        let set = &self.store.daemon_sets[index];
        let owner = Owner {
            kind: "DaemonSet".into(),
            name: set.name.name.clone(),
            uid: set.template.uid.clone(),
        };
        let name = pod.name.clone();
        let guards = self.store.guards(&pod);
        let pod = Pod {
            uid,
            resource_version: version,
            owner: Some(owner),
            created: now,
            phase: Phase::Pending,
            ..pod
        };
        let entry = PodEntry {
            pod: Arc::new(pod),
            number: version,
            record: None,
            replica: None,
            daemon: Some(index),
            guards,
            counted: false,
            lost: false,
            end: PodEnd::Lost,
        };
        self.store.pods.insert(name.clone(), entry);
        if let Some(entry) = self.store.nodes.get_mut(node) {
            entry.daemons.insert(index);
        }
        self.bind(&name, node);
    }
}

fn apply(node: &mut Node, change: &NodeChange) {
    let NodeChange { labels, add_taints, remove_taints, own } = change;
    node.labels.extend(labels.iter().map(|(key, value)| (key.clone(), value.clone())));
    node.taints.retain(|taint| !remove_taints.contains(&taint.key));
    for taint in add_taints {
        let same = |t: &model::taint::Taint| t.key == taint.key && t.effect == taint.effect;
        if !node.taints.iter().any(same) {
            node.taints.push(taint.clone());
        }
    }
    node.finalizer |= own.is_some();
}

//! Instances boot, their nodes join, become ready, and die with them.

use crate::record::PodEnd;
use crate::rng::{happens, millis};
use crate::store::NodeEntry;
use crate::world::{Happening, World};
use jiff::SignedDuration;
use model::hint::Hint;
use model::labels;
use model::name::{InstanceId, NodeName, ObjectName, Text};
use model::node::Node;
use model::snapshot::InstanceState;
use model::taint::{Effect, Taint};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A step in the life of an instance or of the node on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// EC2 calls it running.
    Runs,
    /// Its kubelet registers.
    Joins,
    /// Its kubelet reports `Ready`.
    Ready,
    /// Its device plugins report, and what it waits for at its start has come.
    Complete,
    /// EC2 gives notice that it takes it back.
    Warned,
    /// EC2 takes it back.
    Taken,
    /// It is terminated.
    Terminated,
    /// EC2 shows it no longer.
    Forgotten,
    /// Kubernetes has not heard of its node for too long.
    NotReady,
    /// The cloud controller deletes the Node of an instance that is gone.
    NodeDeleted,
    /// Pods are deleted from a node that cannot be reached.
    PodsGivenUp,
}

/// How long instances take, each at least and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paces {
    /// From the launch until EC2 calls the instance running, in milliseconds.
    pub runs_millis: (i64, i64),
    /// From the launch until the kubelet registers, in milliseconds.
    pub joins_millis: (i64, i64),
    /// From the call until the instance is terminated, in milliseconds.
    pub terminated_millis: (i64, i64),
}

impl Paces {
    /// As EC2 and the images that nodes are launched from are.
    pub const REAL: Self = Self {
        runs_millis: (8_000, 20_000),
        joins_millis: (25_000, 60_000),
        terminated_millis: (15_000, 40_000),
    };
}

/// From then until the node is ready (network plugin), in milliseconds.
const READY_MILLIS: (i64, i64) = (2_000, 6_000);
/// From then until device plugins have reported, in milliseconds.
const COMPLETE_MILLIS: (i64, i64) = (2_000, 8_000);
/// `node-monitor-grace-period` of the controller manager until Kubernetes 1.31.
const NOT_READY_AFTER: SignedDuration = SignedDuration::from_secs(40);
/// `node-monitor-period` of the cloud controller manager.
const NODE_DELETED_AFTER: SignedDuration = SignedDuration::from_secs(5);
/// The toleration for unreachable nodes that every pod is given by default.
const PODS_GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_secs(300);

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

impl World {
    /// An instance starts to boot.
    pub(crate) fn boot(&mut self, id: &InstanceId) {
        let Paces { runs_millis, joins_millis, .. } = self.paces;
        let boot = &mut self.streams.boot;
        let runs = millis(boot, runs_millis.0..=runs_millis.1);
        let joins = millis(boot, joins_millis.0..=joins_millis.1);
        let never = happens(boot, self.faults.never_joins);
        self.after(runs, Happening::Machine(id.clone(), Moment::Runs));
        if never {
            self.fault("node never joins");
        } else {
            self.after(joins, Happening::Machine(id.clone(), Moment::Joins));
        }
    }

    /// The next step of an instance or node.
    pub(crate) fn machine_gets_on(&mut self, id: &InstanceId, moment: Moment) {
        match moment {
            Moment::Runs => self.ec2.set_state(id, InstanceState::Pending, InstanceState::Running),
            Moment::Joins => self.node_joins(id),
            Moment::Ready => self.node_ready(id),
            Moment::Complete => self.node_complete(id),
            Moment::Warned => self.warn(id),
            Moment::Taken => self.take_back(id),
            Moment::Terminated => self.instance_terminated(id),
            Moment::Forgotten => self.ec2.forget(id),
            Moment::NotReady => self.node_unreachable(id),
            Moment::NodeDeleted => self.cloud_controller_deletes(id),
            Moment::PodsGivenUp => self.give_pods_up(id),
        }
    }

    fn node_joins(&mut self, id: &InstanceId) {
        let (now, uid) = (self.now(), self.store.next_uid());
        let version = self.store.next_version();
        let Some(machine) = self.ec2.living(id) else { return };
        machine.node = Some(machine.address.clone());
        let name = machine.address.clone();
        self.record.instances[machine.record].joined = Some(now);
        let mut taints = machine.run.taints.clone();
        taints.push(Taint::new(NOT_READY, Effect::NoSchedule));
        let key = &machine.run.offering;
        let mut labels = machine.run.labels.clone();
        let mut set = |key: &str, value: Text| labels.insert(key.into(), value);
        set(labels::HOSTNAME, name.text());
        set(labels::ZONE, key.zone.text());
        set(labels::INSTANCE_TYPE, key.instance_type.text());
        let bare = |resources: &model::resources::Resources| {
            let mut bare = resources.clone();
            bare.extended = BTreeMap::new();
            bare
        };
        let node = Node {
            name: name.clone(),
            uid,
            resource_version: version,
            created: now,
            deleting: None,
            finalizer: false,
            labels,
            do_not_disrupt: false,
            taints,
            cordoned: false,
            instance: Some(id.clone()),
            capacity: bare(&machine.capacity),
            allocatable: bare(&machine.allocatable),
            ready: false,
            ailments: Vec::new(),
        };
        let entry = NodeEntry {
            free: node.allocatable.clone(),
            node: Arc::new(node),
            pods: BTreeSet::new(),
            owner: None,
            initialized: None,
            daemons: BTreeSet::new(),
            lost: false,
            goes: false,
        };
        self.store.nodes.insert(name.clone(), entry);
        self.store.note_going(&name);
        self.hint(Hint::Lifecycle);
        self.sync_daemons(&name);
        self.room_on(Some(&name));
        let ready = millis(&mut self.streams.boot, READY_MILLIS.0..=READY_MILLIS.1);
        self.after(ready, Happening::Machine(id.clone(), Moment::Ready));
    }

    fn node_ready(&mut self, id: &InstanceId) {
        let Some(name) = self.living_node(id) else { return };
        self.change_node(&name, |node| {
            node.ready = true;
            node.taints.retain(|taint| &*taint.key != NOT_READY);
        });
        self.hint(Hint::Lifecycle);
        let complete = millis(&mut self.streams.boot, COMPLETE_MILLIS.0..=COMPLETE_MILLIS.1);
        self.after(complete, Happening::Machine(id.clone(), Moment::Complete));
    }

    /// Devices are there, and whatever takes startup taints away has done so.
    fn node_complete(&mut self, id: &InstanceId) {
        let Some(name) = self.living_node(id) else { return };
        let Some(machine) = self.ec2.living(id) else { return };
        let (capacity, allocatable) = (machine.capacity.clone(), machine.allocatable.clone());
        let pools = self.store.pools.iter();
        let startup: Vec<Taint> = pools.flat_map(|pool| pool.startup_taints.clone()).collect();
        self.change_node(&name, |node| {
            node.capacity = capacity;
            node.allocatable = allocatable;
            node.taints.retain(|taint| !startup.contains(taint));
        });
        self.hint(Hint::Lifecycle);
    }

    /// The instance is gone: its pods do nothing any more, and Kubernetes will notice.
    pub(crate) fn kubelet_dies(&mut self, id: &InstanceId) {
        let Some(name) = self.ec2.node_of(id) else { return };
        self.lose_pods(&name);
        self.after(NOT_READY_AFTER, Happening::Machine(id.clone(), Moment::NotReady));
    }

    fn node_unreachable(&mut self, id: &InstanceId) {
        let Some(name) = self.present_node(id) else { return };
        self.change_node(&name, |node| {
            node.ready = false;
            node.taints.push(Taint::new(UNREACHABLE, Effect::NoSchedule));
            node.taints.push(Taint::new(UNREACHABLE, Effect::NoExecute));
        });
        for pod in self.pods_on(&name) {
            self.count_available(&pod, false);
        }
        self.hint(Hint::Lifecycle);
        self.after(NODE_DELETED_AFTER, Happening::Machine(id.clone(), Moment::NodeDeleted));
        self.after(PODS_GIVEN_UP_AFTER, Happening::Machine(id.clone(), Moment::PodsGivenUp));
    }

    fn cloud_controller_deletes(&mut self, id: &InstanceId) {
        if let Some(name) = self.present_node(id) {
            let uid = self.store.nodes[&name].node.uid.clone();
            self.delete_node(&name, &uid);
        }
    }

    fn give_pods_up(&mut self, id: &InstanceId) {
        let Some(name) = self.present_node(id) else { return };
        for pod in self.pods_on(&name) {
            let entry = &self.store.pods[&pod];
            if entry.daemon.is_none() && !entry.pod.is_terminal() {
                let grace = entry.pod.termination_grace;
                self.delete_pod(&pod, PodEnd::Lost, grace);
            }
        }
    }

    fn pods_on(&self, node: &NodeName) -> Vec<ObjectName> {
        self.store
            .nodes
            .get(node)
            .map(|entry| entry.pods.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// The node of an instance, if it is in the API.
    fn present_node(&self, id: &InstanceId) -> Option<NodeName> {
        self.ec2.node_of(id).filter(|name| self.store.nodes.contains_key(name))
    }

    fn living_node(&mut self, id: &InstanceId) -> Option<NodeName> {
        self.ec2.living(id)?;
        self.present_node(id)
    }
}

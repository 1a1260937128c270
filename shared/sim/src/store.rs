//! What the Kubernetes API holds: objects with versions and uids, and the indexes that make reading them cheap.

use crate::faults::draw;
use crate::scheduler::neighbours::Neighbours;
use crate::workload;
use jiff::Timestamp;
use model::claim::NodeClaim;
use model::memory::Memory;
use model::name::{ClaimName, InstanceId, NodeName, ObjectName, ResourceVersion, Uid};
use model::node::Node;
use model::node_class::NodeClass;
use model::pod::Pod;
use model::pool::NodePool;
use model::resources::Resources;
use model::snapshot::{DaemonSet, PodDisruptionBudget};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use crate::record::PodEnd;

/// A pod and what the world knows of it beside the API.
#[derive(Clone, Debug)]
pub(crate) struct PodEntry {
    pub(crate) pod: Arc<Pod>,
    /// Tells pods of one name apart.
    pub(crate) number: u64,
    /// Its line in the record; daemons have none.
    pub(crate) record: Option<usize>,
    /// The owner and its replica that it is; none for daemons.
    pub(crate) replica: Option<(ObjectName, u32)>,
    /// The DaemonSet whose pod it is, by index.
    pub(crate) daemon: Option<usize>,
    /// The budgets that guard it, by index.
    pub(crate) guards: Rc<[usize]>,
    /// Whether those budgets count it as available.
    pub(crate) counted: bool,
    /// Whether its instance is gone, though the API does not know.
    pub(crate) lost: bool,
    /// How it ends, once it is being deleted.
    pub(crate) end: PodEnd,
}

/// A node and what is on it.
#[derive(Clone, Debug)]
pub(crate) struct NodeEntry {
    pub(crate) node: Arc<Node>,
    pub(crate) pods: BTreeSet<ObjectName>,
    /// Allocatable less what its pods request.
    pub(crate) free: Resources,
    /// The claim that owns it.
    pub(crate) owner: Option<Uid>,
    /// When it got the label of an initialized node.
    pub(crate) initialized: Option<Timestamp>,
    /// DaemonSets that have their pod on it, by index.
    pub(crate) daemons: BTreeSet<usize>,
    /// Whether its instance is gone.
    pub(crate) lost: bool,
    /// Whether it or its claim is being deleted, or EC2 takes its instance.
    pub(crate) goes: bool,
}

/// A PodDisruptionBudget and how many of its pods are available.
#[derive(Clone, Debug)]
pub(crate) struct BudgetEntry {
    pub(crate) budget: Arc<PodDisruptionBudget>,
    min_available: i64,
    available: i64,
}

/// The planner's lease.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lease {
    pub(crate) holder: Option<(String, Timestamp)>,
    pub(crate) wanted: bool,
}

/// All objects.
#[derive(Debug)]
pub(crate) struct Store {
    seed: u64,
    versions: ResourceVersion,
    uids: u64,
    pub(crate) cluster_uid: Uid,
    pub(crate) pods: BTreeMap<ObjectName, PodEntry>,
    /// Pods that are bound to no node.
    pub(crate) waiting: BTreeSet<ObjectName>,
    pub(crate) nodes: BTreeMap<NodeName, NodeEntry>,
    pub(crate) neighbours: Neighbours,
    pub(crate) claims: BTreeMap<ClaimName, Arc<NodeClaim>>,
    pub(crate) claim_of: BTreeMap<InstanceId, ClaimName>,
    pub(crate) pools: Vec<Arc<NodePool>>,
    pub(crate) node_classes: Vec<Arc<NodeClass>>,
    pub(crate) daemon_sets: Vec<Arc<DaemonSet>>,
    pub(crate) budgets: Vec<BudgetEntry>,
    pub(crate) memory: Memory,
    pub(crate) lease: Lease,
}

impl BudgetEntry {
    fn new(budget: &workload::Budget) -> Self {
        let min_available = i64::from(budget.min_available);
        let budget = PodDisruptionBudget {
            name: budget.name.clone(),
            selector: budget.selector.clone(),
            disruptions_allowed: 0,
        };
        Self { budget: Arc::new(budget), min_available, available: 0 }
    }

    /// Changes how many pods are available; the allowance follows.
    pub(crate) fn count(&mut self, change: i64) {
        self.available += change;
        let allowed = (self.available - self.min_available).max(0);
        if self.budget.disruptions_allowed != allowed {
            Arc::make_mut(&mut self.budget).disruptions_allowed = allowed;
        }
    }

    /// Whether as many are available as are demanded.
    pub(crate) fn is_met(&self) -> bool {
        self.min_available <= self.available
    }
}

impl Store {
    /// A cluster without pods and nodes.
    pub(crate) fn new(seed: u64, cluster_uid: Uid) -> Self {
        Self {
            seed,
            versions: 0,
            uids: 0,
            cluster_uid,
            pods: BTreeMap::new(),
            waiting: BTreeSet::new(),
            nodes: BTreeMap::new(),
            neighbours: Neighbours::default(),
            claims: BTreeMap::new(),
            claim_of: BTreeMap::new(),
            pools: Vec::new(),
            node_classes: Vec::new(),
            daemon_sets: Vec::new(),
            budgets: Vec::new(),
            memory: Memory::default(),
            lease: Lease::default(),
        }
    }

    /// Enters what is there from the start.
    pub(crate) fn furnish(&mut self, budgets: &[workload::Budget], daemon_sets: Vec<Pod>) {
        self.budgets = budgets.iter().map(BudgetEntry::new).collect();
        self.budgets.sort_by(|a, b| a.budget.name.cmp(&b.budget.name));
        let sets = daemon_sets
            .into_iter()
            .map(|template| Arc::new(DaemonSet { name: template.name.clone(), template }));
        self.daemon_sets = sets.collect();
        self.daemon_sets.sort_by(|a, b| a.name.cmp(&b.name));
        for set in &self.daemon_sets {
            self.neighbours.enter_namespace(&set.name.namespace);
        }
        self.pools.sort_by(|a, b| a.name.cmp(&b.name));
        self.node_classes.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// The version of the next change.
    pub(crate) fn next_version(&mut self) -> ResourceVersion {
        self.versions += 1;
        self.versions
    }

    /// A uid that no object has had.
    pub(crate) fn next_uid(&mut self) -> Uid {
        self.uids += 1;
        let number = self.uids.to_be_bytes();
        let high = draw(self.seed, &[b"uid", &number]);
        let low = draw(self.seed, &[b"uid-low", &number]);
        let text = format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        );
        text.into()
    }

    /// The claim of an instance.
    pub(crate) fn claim_of(&self, instance: &InstanceId) -> Option<&Arc<NodeClaim>> {
        self.claims.get(self.claim_of.get(instance)?)
    }

    /// The claim of a node.
    pub(crate) fn claim_of_node(&self, node: &Node) -> Option<&Arc<NodeClaim>> {
        self.claim_of(node.instance.as_ref()?)
    }

    /// Works out anew whether a node goes, or is about to: it or its claim is being deleted, or EC2 takes its instance.
    pub(crate) fn note_going(&mut self, name: &NodeName) {
        let goes = self.nodes.get(name).is_some_and(|entry| {
            entry.node.deleting.is_some()
                || entry.node.is_disrupted()
                || self
                    .claim_of_node(&entry.node)
                    .is_some_and(|claim| claim.deleting.is_some() || claim.notice.is_some())
        });
        if let Some(entry) = self.nodes.get_mut(name) {
            entry.goes = goes;
        }
    }

    /// The budgets that guard pods with these labels in this namespace.
    pub(crate) fn guards(&self, pod: &Pod) -> Rc<[usize]> {
        let all = self.budgets.iter().enumerate();
        all.filter(|(_, entry)| entry.budget.guards(pod)).map(|(index, _)| index).collect()
    }
}

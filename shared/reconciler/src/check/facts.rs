//! The snapshot and the plan by name, for whoever checks one against the other.

use jiff::Timestamp;
use model::action::{Action, Choice, ClaimToLaunch, ClusterAction, DeleteReason, NewClaim};
use model::by_name::ByName;
use model::claim::{NodeClaim, NodeClaimSpec};
use model::name::{ClaimName, InstanceId, NodeName, ObjectName};
use model::node::Node;
use model::plan::Plan;
use model::pod::Pod;
use model::snapshot::{Instance, Snapshot};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// A claim that the plan launches, and the ways it may be launched.
#[derive(Clone, Copy)]
pub(super) struct ToLaunch<'a> {
    pub(super) spec: &'a NodeClaimSpec,
    pub(super) choices: &'a [Choice],
    /// The number of the launch among those of the plan; its claims have the same choices.
    pub(super) launch: usize,
    /// Whether this plan creates it; otherwise its size was settled by an earlier one.
    pub(super) is_new: bool,
}

/// What is known, by name. Most plans ask for little of it, so what is looked up is brought in order when it first is.
pub(super) struct Facts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Timestamp,
    pods: OnceCell<ByName<'a, &'a Pod>>,
    bound: OnceCell<ByName<'a, &'a Pod>>,
    nodes: OnceCell<ByName<'a, &'a Node>>,
    nodes_by_instance: OnceCell<ByName<'a, &'a Node>>,
    claims: OnceCell<ByName<'a, &'a NodeClaim>>,
    claims_by_instance: OnceCell<ByName<'a, &'a NodeClaim>>,
    claims_by_node: OnceCell<ByName<'a, &'a NodeClaim>>,
    instances: OnceCell<ByName<'a, &'a Instance>>,
    /// Claims that the plan launches.
    pub(super) launched: BTreeMap<&'a ClaimName, ToLaunch<'a>>,
    /// Claims that the plan creates, to be launched at once or by someone else.
    pub(super) new_claims: Vec<&'a NewClaim>,
    /// Claims that the plan deletes.
    pub(super) deleted: Vec<(&'a ClaimName, DeleteReason)>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(plan: &'a Plan, snapshot: &'a Snapshot, now: Timestamp) -> Self {
        let mut facts = Self {
            plan,
            snapshot,
            now,
            pods: OnceCell::new(),
            bound: OnceCell::new(),
            nodes: OnceCell::new(),
            nodes_by_instance: OnceCell::new(),
            claims: OnceCell::new(),
            claims_by_instance: OnceCell::new(),
            claims_by_node: OnceCell::new(),
            instances: OnceCell::new(),
            launched: BTreeMap::new(),
            new_claims: Vec::new(),
            deleted: Vec::new(),
        };
        facts.read_plan();
        facts
    }

    fn read_plan(&mut self) {
        for action in &self.plan.actions {
            match action {
                Action::Cluster(ClusterAction::CreateClaim(new)) => self.new_claims.push(new),
                Action::Cluster(ClusterAction::DeleteClaim { claim, reason, .. }) => {
                    self.deleted.push((claim, *reason));
                }
                Action::Cluster(_) | Action::Cloud(_) | Action::Launch(_) => {}
            }
        }
        for (number, launch) in self.plan.launches().enumerate() {
            for claim in &launch.claims {
                let (spec, is_new) = match claim {
                    ClaimToLaunch::New(new) => {
                        self.new_claims.push(new);
                        (&new.spec, true)
                    }
                    ClaimToLaunch::Existing { name, .. } => match self.claim(name) {
                        Some(known) => (&known.spec, false),
                        None => continue,
                    },
                };
                let to_launch = ToLaunch { spec, choices: &launch.choices, launch: number, is_new };
                self.launched.insert(claim.name(), to_launch);
            }
        }
    }

    /// All claims.
    pub(super) fn claims(&self) -> impl Iterator<Item = &'a NodeClaim> + use<'a> {
        self.snapshot.cluster.claims.iter().map(|claim| &**claim)
    }

    /// All nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &'a Node> + use<'a> {
        self.snapshot.cluster.nodes.iter().map(|node| &**node)
    }

    fn pods(&self) -> impl Iterator<Item = &'a Pod> + use<'a> {
        self.snapshot.cluster.pods.iter().map(|pod| &**pod)
    }

    /// The claim of this name.
    pub(super) fn claim(&self, name: &ClaimName) -> Option<&'a NodeClaim> {
        let by_name = || ByName::new(self.claims().map(|claim| (&*claim.name, claim)));
        self.claims.get_or_init(by_name).get(name)
    }

    /// The claim of an instance.
    pub(super) fn claim_with(&self, instance: &InstanceId) -> Option<&'a NodeClaim> {
        let holders =
            || self.claims().filter_map(|claim| Some((claim.instance.as_deref()?, claim)));
        self.claims_by_instance.get_or_init(|| ByName::new(holders())).get(instance)
    }

    /// The claim that says that a node is its own.
    pub(super) fn claim_naming(&self, node: &NodeName) -> Option<&'a NodeClaim> {
        let named = || self.claims().filter_map(|claim| Some((claim.node.as_deref()?, claim)));
        self.claims_by_node.get_or_init(|| ByName::new(named())).get(node)
    }

    /// The claim of a node.
    pub(super) fn claim_of(&self, node: &Node) -> Option<&'a NodeClaim> {
        let by_instance = node.instance.as_ref().and_then(|id| self.claim_with(id));
        by_instance.or_else(|| self.claim_naming(&node.name))
    }

    /// The node of this name.
    pub(super) fn node(&self, name: &NodeName) -> Option<&'a Node> {
        let by_name = || ByName::new(self.nodes().map(|node| (&*node.name, node)));
        self.nodes.get_or_init(by_name).get(name)
    }

    /// The nodes of a claim: those of its instance, or the one it names.
    pub(super) fn nodes_of(&self, claim: &NodeClaim) -> Vec<&'a Node> {
        let of_instances =
            || self.nodes().filter_map(|node| Some((node.instance.as_deref()?, node)));
        let by_instance = self.nodes_by_instance.get_or_init(|| ByName::new(of_instances()));
        match claim.instance.as_ref().map_or(&[][..], |id| by_instance.all(id)) {
            [] => claim.node.as_ref().and_then(|name| self.node(name)).into_iter().collect(),
            nodes => nodes.to_vec(),
        }
    }

    /// The pod of this name.
    pub(super) fn pod(&self, name: &ObjectName) -> Option<&'a Pod> {
        let by_name = || ByName::new(self.pods().map(|pod| (&*pod.name.name, pod)));
        let in_any_namespace = self.pods.get_or_init(by_name).all(&name.name);
        in_any_namespace.iter().rfind(|pod| pod.name.namespace == name.namespace).copied()
    }

    /// The pods bound to a node that have not ended.
    pub(super) fn bound_to(&self, node: &NodeName) -> &[&'a Pod] {
        let bound = || {
            let pods = self.pods().filter(|pod| !pod.is_terminal());
            pods.filter_map(|pod| Some((pod.node.as_deref()?, pod)))
        };
        self.bound.get_or_init(|| ByName::new(bound())).all(node)
    }

    /// The instance with this id.
    pub(super) fn instance(&self, id: &InstanceId) -> Option<&'a Instance> {
        let instances = || self.snapshot.instances.iter().flatten();
        let by_id = || ByName::new(instances().map(|instance| (&*instance.id, &**instance)));
        self.instances.get_or_init(by_id).get(id)
    }

    /// Whether an instance exists and costs money, as far as is known.
    pub(super) fn is_live(&self, id: &InstanceId) -> bool {
        self.instance(id).is_some_and(|instance| !instance.state.is_gone())
    }
}

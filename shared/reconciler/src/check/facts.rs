//! The snapshot and the plan by name, for whoever checks one against the other.

use jiff::Timestamp;
use model::action::{Action, Choice, ClaimToLaunch, ClusterAction, DeleteReason, NewClaim};
use model::claim::{NodeClaim, NodeClaimSpec};
use model::name::{ClaimName, InstanceId, NodeName, ObjectName};
use model::node::Node;
use model::plan::Plan;
use model::pod::Pod;
use model::snapshot::{Instance, Snapshot};
use std::collections::BTreeMap;

/// A claim that the plan launches, and the ways it may be launched.
#[derive(Clone, Copy)]
pub(super) struct ToLaunch<'a> {
    pub(super) spec: &'a NodeClaimSpec,
    pub(super) choices: &'a [Choice],
    /// Whether this plan creates it; otherwise its size was settled by an earlier one.
    pub(super) is_new: bool,
}

/// What is known, by name.
pub(super) struct Facts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Timestamp,
    pub(super) pods: BTreeMap<&'a ObjectName, &'a Pod>,
    pub(super) pods_on: BTreeMap<&'a NodeName, Vec<&'a Pod>>,
    pub(super) nodes: BTreeMap<&'a NodeName, &'a Node>,
    pub(super) claims: BTreeMap<&'a ClaimName, &'a NodeClaim>,
    pub(super) claims_by_instance: BTreeMap<&'a InstanceId, &'a NodeClaim>,
    claims_by_node: BTreeMap<&'a NodeName, &'a NodeClaim>,
    nodes_by_instance: BTreeMap<&'a InstanceId, Vec<&'a Node>>,
    pub(super) instances: BTreeMap<&'a InstanceId, &'a Instance>,
    /// Claims that the plan launches.
    pub(super) launched: BTreeMap<&'a ClaimName, ToLaunch<'a>>,
    /// Claims that the plan creates, to be launched at once or by someone else.
    pub(super) new_claims: Vec<&'a NewClaim>,
    /// Claims that the plan deletes.
    pub(super) deleted: Vec<(&'a ClaimName, DeleteReason)>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(plan: &'a Plan, snapshot: &'a Snapshot, now: Timestamp) -> Self {
        let cluster = &snapshot.cluster;
        let mut pods_on: BTreeMap<&NodeName, Vec<&Pod>> = BTreeMap::new();
        for pod in cluster.pods.iter().filter(|pod| !pod.is_terminal()) {
            if let Some(node) = &pod.node {
                pods_on.entry(node).or_default().push(pod);
            }
        }
        let holders = cluster.claims.iter().filter_map(|c| Some((c.instance.as_ref()?, &**c)));
        let named = cluster.claims.iter().filter_map(|c| Some((c.node.as_ref()?, &**c)));
        let mut nodes_by_instance: BTreeMap<&InstanceId, Vec<&Node>> = BTreeMap::new();
        for node in &cluster.nodes {
            if let Some(instance) = &node.instance {
                nodes_by_instance.entry(instance).or_default().push(node);
            }
        }
        let mut facts = Self {
            plan,
            snapshot,
            now,
            pods: cluster.pods.iter().map(|pod| (&pod.name, &**pod)).collect(),
            pods_on,
            nodes: cluster.nodes.iter().map(|node| (&node.name, &**node)).collect(),
            claims: cluster.claims.iter().map(|claim| (&claim.name, &**claim)).collect(),
            claims_by_instance: holders.collect(),
            claims_by_node: named.collect(),
            nodes_by_instance,
            instances: snapshot.instances.iter().flatten().map(|i| (&i.id, i)).collect(),
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
        for launch in self.plan.launches() {
            for claim in &launch.claims {
                let (spec, is_new) = match claim {
                    ClaimToLaunch::New(new) => {
                        self.new_claims.push(new);
                        (&new.spec, true)
                    }
                    ClaimToLaunch::Existing { name, .. } => match self.claims.get(name) {
                        Some(known) => (&known.spec, false),
                        None => continue,
                    },
                };
                let to_launch = ToLaunch { spec, choices: &launch.choices, is_new };
                self.launched.insert(claim.name(), to_launch);
            }
        }
    }

    /// The claim of a node.
    pub(super) fn claim_of(&self, node: &Node) -> Option<&'a NodeClaim> {
        let by_instance = node.instance.as_ref().and_then(|id| self.claims_by_instance.get(id));
        by_instance.or_else(|| self.claims_by_node.get(&node.name)).copied()
    }

    /// The nodes of a claim: those of its instance, or the one it names.
    pub(super) fn nodes_of(&self, claim: &NodeClaim) -> Vec<&'a Node> {
        let by_instance = claim.instance.as_ref().and_then(|id| self.nodes_by_instance.get(id));
        if let Some(nodes) = by_instance {
            return nodes.clone();
        }
        let by_name = claim.node.as_ref().and_then(|name| self.nodes.get(name));
        by_name.copied().into_iter().collect()
    }

    /// The pods bound to a node that have not ended.
    pub(super) fn bound_to(&self, node: &NodeName) -> &[&'a Pod] {
        self.pods_on.get(node).map_or(&[], Vec::as_slice)
    }

    /// Whether an instance exists and costs money, as far as is known.
    pub(super) fn is_live(&self, instance: &InstanceId) -> bool {
        self.instances.get(instance).is_some_and(|instance| !instance.state.is_gone())
    }
}

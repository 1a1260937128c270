//! The snapshot with what belongs together brought together: claims, nodes, instances, pods.

use jiff::{SignedDuration, Timestamp};
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::name::{ClientToken, InstanceId, NodeName};
use model::node::Node;
use model::pod::Pod;
use model::snapshot::{Instance, InstanceState, Snapshot};
use std::collections::BTreeMap;

/// An instance that EC2's list does not show is gone once its launch is this long ago: EC2 documents no bound for its
/// list to show a new instance, in practice it is seconds. The same time protects an instance whose claim is not seen
/// (reliability invariant I1; Karpenter 1.14 waits 30 s).
pub(super) const ORPHAN_AGE: SignedDuration = SignedDuration::from_mins(2);

/// At least so many live instances may be condemned in one pass, however few there are (I9).
const DELETIONS_FLOOR: usize = 3;

/// Of many instances one in so many may be condemned in one pass: 5 % (I9).
const DELETIONS_ONE_IN: usize = 20;

/// What there is of a claim's instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It exists and costs money.
    Live,
    /// It is going or gone.
    Gone,
    /// The list does not show it, and that proves nothing yet.
    Unclear,
}

/// The snapshot, indexed. Only made from a view that can be trusted as a whole.
pub(super) struct World<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Timestamp,
    pub(super) instances: BTreeMap<&'a InstanceId, &'a Instance>,
    /// Instances by the token of the call that made them, in the order of their ids.
    instances_by_token: BTreeMap<&'a ClientToken, Vec<&'a Instance>>,
    nodes: BTreeMap<&'a NodeName, &'a Node>,
    nodes_by_instance: BTreeMap<&'a InstanceId, Vec<&'a Node>>,
    pods: BTreeMap<&'a NodeName, Vec<&'a Pod>>,
    /// Why absence from EC2's list is no evidence, if it is not.
    pub(super) absence_refused: Option<&'static str>,
}

impl<'a> World<'a> {
    /// # Errors
    /// Why nothing can be decided on this view.
    pub(super) fn new(snapshot: &'a Snapshot, now: Timestamp) -> Result<Self, &'static str> {
        if snapshot.settings.cluster_uid != snapshot.cluster.cluster_uid {
            return Err("this is not the cluster that it was deployed for");
        }
        let Some(instances) = &snapshot.instances else {
            return Err("the instances were not read");
        };
        let mut world = Self {
            snapshot,
            now,
            instances: instances.iter().map(|instance| (&instance.id, instance)).collect(),
            instances_by_token: BTreeMap::new(),
            nodes: BTreeMap::new(),
            nodes_by_instance: BTreeMap::new(),
            pods: BTreeMap::new(),
            absence_refused: None,
        };
        for instance in world.instances.values() {
            world.instances_by_token.entry(&instance.token).or_default().push(instance);
        }
        for node in &snapshot.cluster.nodes {
            world.nodes.insert(&node.name, node);
            if let Some(instance) = &node.instance {
                world.nodes_by_instance.entry(instance).or_default().push(node);
            }
        }
        for pod in &snapshot.cluster.pods {
            if let Some(node) = &pod.node {
                world.pods.entry(node).or_default().push(pod);
            }
        }
        world.absence_refused = world.why_absence_is_no_evidence();
        Ok(world)
    }

    /// An empty list says that everything is gone. Ready nodes say otherwise, and then it is the list that is wrong.
    fn why_absence_is_no_evidence(&self) -> Option<&'static str> {
        if !self.snapshot.cluster.unreadable.is_empty() {
            return Some("some objects could not be read");
        }
        let contradicted = self.instances.is_empty()
            && self.snapshot.cluster.claims.iter().any(|claim| {
                claim.is_launched() && self.nodes_of(claim).iter().any(|node| node.ready)
            });
        contradicted.then_some("EC2 shows no instance at all, but nodes are ready")
    }

    /// Whether the list lacks an instance that it should show by now.
    pub(super) fn misses_instances(&self) -> bool {
        self.snapshot.cluster.claims.iter().any(|claim| {
            let missing = |id| !self.instances.contains_key(id);
            claim.instance.as_ref().is_some_and(missing) && ORPHAN_AGE < self.launched_for(claim)
        })
    }

    /// How many live instances this pass may condemn (I9).
    pub(super) fn deletions_max(&self) -> usize {
        let live = self.instances.values().filter(|instance| !instance.state.is_gone()).count();
        DELETIONS_FLOOR.max(live / DELETIONS_ONE_IN)
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

    /// The pods bound to a node; none where they have not all been read.
    pub(super) fn pods_on(&self, node: &NodeName) -> Option<&[&'a Pod]> {
        if !self.snapshot.cluster.knows_pods_of(node) {
            return None;
        }
        Some(self.pods.get(node).map_or(&[], Vec::as_slice))
    }

    /// The instances of a call, in the order of their ids.
    pub(super) fn instances_of(&self, token: &ClientToken) -> &[&'a Instance] {
        self.instances_by_token.get(token).map_or(&[], Vec::as_slice)
    }

    /// What there is of an instance that a claim names.
    pub(super) fn presence(&self, claim: &NodeClaim, instance: &InstanceId) -> Presence {
        match self.instances.get(instance) {
            Some(instance) if instance.state.is_gone() => Presence::Gone,
            Some(_) => Presence::Live,
            None if self.absence_refused.is_some() => Presence::Unclear,
            None if self.launched_for(claim) <= ORPHAN_AGE => Presence::Unclear,
            None => Presence::Gone,
        }
    }

    /// Whether the claim's instance has been stopped: nothing runs on it any more.
    pub(super) fn is_stopped(&self, claim: &NodeClaim) -> bool {
        let instance = claim.instance.as_ref().and_then(|id| self.instances.get(id));
        instance.is_some_and(|instance| {
            matches!(instance.state, InstanceState::Stopping | InstanceState::Stopped)
        })
    }

    /// How long ago a claim's instance was launched.
    pub(super) fn launched_for(&self, claim: &NodeClaim) -> SignedDuration {
        let since = claim.conditions.true_since(ConditionType::Launched).unwrap_or(claim.created);
        self.now.duration_since(since)
    }
}

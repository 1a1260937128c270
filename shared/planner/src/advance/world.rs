//! The snapshot with what belongs together brought together: claims, nodes, instances, pods.

use jiff::{SignedDuration, Timestamp};
use model::by_name::ByName;
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::name::{ClientToken, InstanceId, NodeName};
use model::node::Node;
use model::pod::Pod;
use model::snapshot::{Instance, InstanceState, Snapshot};
use std::cell::OnceCell;

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

/// The snapshot, indexed; what few passes ask for, when it is first asked for. Only made from a view that can be trusted as a whole.
pub(super) struct World<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Timestamp,
    /// In the order of their ids.
    pub(super) instances: Vec<&'a Instance>,
    instances_by_id: ByName<'a, &'a Instance>,
    /// Instances by the token of the call that made them, in the order of their ids.
    instances_by_token: OnceCell<ByName<'a, &'a Instance>>,
    nodes: OnceCell<ByName<'a, &'a Node>>,
    nodes_by_instance: ByName<'a, &'a Node>,
    pods: OnceCell<ByName<'a, &'a Pod>>,
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
        let mut instances: Vec<&Instance> = instances.iter().map(|one| &**one).collect();
        instances.sort_by_key(|instance| &instance.id);
        instances.dedup_by_key(|instance| &instance.id);
        let nodes = snapshot.cluster.nodes.iter().map(|node| &**node);
        let mut world = Self {
            snapshot,
            now,
            instances_by_id: ByName::new(instances.iter().map(|one| (&*one.id, *one))),
            instances_by_token: OnceCell::new(),
            instances,
            nodes: OnceCell::new(),
            nodes_by_instance: ByName::new(nodes.filter_map(|n| Some((n.instance.as_deref()?, n)))),
            pods: OnceCell::new(),
            absence_refused: None,
        };
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
            let missing = |id: &InstanceId| !self.instances_by_id.contains(id);
            claim.instance.as_ref().is_some_and(missing) && ORPHAN_AGE < self.launched_for(claim)
        })
    }

    /// How many live instances this pass may condemn (I9).
    pub(super) fn deletions_max(&self) -> usize {
        let live = self.instances.iter().filter(|instance| !instance.state.is_gone()).count();
        DELETIONS_FLOOR.max(live / DELETIONS_ONE_IN)
    }

    /// An instance of EC2's list.
    pub(super) fn instance(&self, id: &InstanceId) -> Option<&'a Instance> {
        self.instances_by_id.get(id)
    }

    /// The nodes of a claim: those of its instance, or the one it names.
    pub(super) fn nodes_of(&self, claim: &NodeClaim) -> &[&'a Node] {
        match claim.instance.as_ref().map_or(&[][..], |id| self.nodes_by_instance.all(id)) {
            [] => claim.node.as_ref().map_or(&[], |name| self.nodes_named(name)),
            nodes => nodes,
        }
    }

    fn nodes_named(&self, name: &NodeName) -> &[&'a Node] {
        let nodes = || self.snapshot.cluster.nodes.iter().map(|node| (&*node.name, &**node));
        self.nodes.get_or_init(|| ByName::new(nodes())).all(name)
    }

    /// The pods bound to a node; none where they have not all been read.
    pub(super) fn pods_on(&self, node: &NodeName) -> Option<&[&'a Pod]> {
        if !self.snapshot.cluster.knows_pods_of(node) {
            return None;
        }
        let pods = || self.snapshot.cluster.pods.iter().map(|pod| &**pod);
        let bound = || ByName::new(pods().filter_map(|pod| Some((pod.node.as_deref()?, pod))));
        Some(self.pods.get_or_init(bound).all(node))
    }

    /// The instances of a call, in the order of their ids.
    pub(super) fn instances_of(&self, token: &ClientToken) -> &[&'a Instance] {
        let by_token = || ByName::new(self.instances.iter().map(|one| (&*one.token, *one)));
        self.instances_by_token.get_or_init(by_token).all(token)
    }

    /// What there is of an instance that a claim names.
    pub(super) fn presence(&self, claim: &NodeClaim, instance: &InstanceId) -> Presence {
        match self.instance(instance) {
            Some(instance) if instance.state.is_gone() => Presence::Gone,
            Some(_) => Presence::Live,
            None if self.absence_refused.is_some() => Presence::Unclear,
            None if self.launched_for(claim) <= ORPHAN_AGE => Presence::Unclear,
            None => Presence::Gone,
        }
    }

    /// Whether the claim's instance has been stopped: nothing runs on it any more.
    pub(super) fn is_stopped(&self, claim: &NodeClaim) -> bool {
        let instance = claim.instance.as_ref().and_then(|id| self.instance(id));
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

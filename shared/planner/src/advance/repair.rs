//! Nodes that have been ill for long are given up, whatever runs on them (Karpenter's gate `NodeRepair`).
//!
//! Forceful: budgets are not asked, and pods have no time of their own left. So nothing is done where many nodes of a pool are
//! ill at once: then it is not the nodes, and new ones would be no better.

use super::Steps;
use super::finish::node_subject;
use super::join::update;
use super::world::World;
use jiff::SignedDuration;
use model::action::{ClaimChange, ClusterAction, DeleteReason, Event};
use model::claim::NodeClaim;
use model::condition::Status;
use model::name::{ObjectName, PoolName, Text};
use model::node::{Ailment, Health, Node};
use model::reason::Reason;
use std::collections::BTreeMap;

/// What is an illness, and for how long it is borne (Karpenter 1.14, AWS provider: the kubelet's condition, and those of EKS'
/// node monitoring agent).
const POLICIES: [(Health, Status, SignedDuration); 7] = [
    (Health::Ready, Status::False, SignedDuration::from_mins(30)),
    (Health::Ready, Status::Unknown, SignedDuration::from_mins(30)),
    (Health::AcceleratedHardwareReady, Status::False, SignedDuration::from_mins(10)),
    (Health::StorageReady, Status::False, SignedDuration::from_mins(30)),
    (Health::NetworkingReady, Status::False, SignedDuration::from_mins(30)),
    (Health::KernelReady, Status::False, SignedDuration::from_mins(30)),
    (Health::ContainerRuntimeReady, Status::False, SignedDuration::from_mins(30)),
];

/// So many per cent of a pool's nodes may be ill, rounded up (Karpenter 1.14); beyond that none is given up.
const ILL_PERCENT: usize = 20;

/// How many nodes of each pool there are, and how many of them are ill; those of no pool are counted with all.
pub(super) struct Census {
    is_wanted: bool,
    pools: BTreeMap<Option<PoolName>, Count>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    nodes: usize,
    ill: usize,
}

impl Count {
    fn add(&mut self, is_ill: bool) {
        self.nodes += 1;
        self.ill += usize::from(is_ill);
    }

    fn is_epidemic(self) -> bool {
        (self.nodes * ILL_PERCENT).div_ceil(100) < self.ill
    }
}

impl Census {
    /// Counts. Where some objects could not be read nobody knows how many nodes are well, and nothing is repaired.
    pub(super) fn of(world: &World<'_>) -> Self {
        let cluster = &world.snapshot.cluster;
        let is_wanted = world.snapshot.settings.node_repair && cluster.unreadable.is_empty();
        let mut census = Self { is_wanted, pools: BTreeMap::new() };
        for node in cluster.nodes.iter().filter(|_| is_wanted) {
            let is_ill = node.ailments.iter().any(|ailment| borne_for(ailment).is_some());
            census.pools.entry(None).or_default().add(is_ill);
            if let Some(pool) = node.pool() {
                census.pools.entry(Some(pool)).or_default().add(is_ill);
            }
        }
        census
    }

    fn count(&self, pool: Option<&PoolName>) -> Count {
        self.pools.get(&pool.cloned()).copied().unwrap_or_default()
    }
}

/// Gives up a claim whose node is ill. Says whether it has to go, even where it may not in this pass.
pub(super) fn repair(
    world: &World<'_>,
    census: &Census,
    claim: &NodeClaim,
    steps: &mut Steps,
) -> bool {
    if !census.is_wanted {
        return false;
    }
    let mut nodes = world.nodes_of(claim).iter();
    let Some((node, ailment)) = nodes.find_map(|node| Some((*node, overdue(world, node)?))) else {
        return false;
    };
    let pool = claim.spec.pool.as_ref();
    let Count { nodes, ill } = census.count(pool);
    if (Count { nodes, ill }).is_epidemic() {
        hold_back(claim, node, (nodes, ill), steps);
        return false;
    }
    if steps.may_condemn() {
        let Ailment { kind, status, since } = ailment;
        let message = format!("{}={status:?} since {since}", kind.as_str());
        steps.change(event("Node", node.name.text(), "NodeUnhealthy", message));
        if claim.termination_deadline.is_none_or(|at| world.now < at) {
            steps.change(update(claim, ClaimChange::TerminationDeadline(world.now)));
        }
        steps.change(ClusterAction::DeleteClaim {
            claim: claim.name.clone(),
            uid: claim.uid.clone(),
            reason: DeleteReason::Unhealthy,
        });
    }
    true
}

/// The illness that a node has had for too long.
fn overdue<'n>(world: &World<'_>, node: &'n Node) -> Option<&'n Ailment> {
    node.ailments.iter().find(|ailment| {
        borne_for(ailment).is_some_and(|most| most <= world.now.duration_since(ailment.since))
    })
}

/// For how long this is borne, if it is an illness.
fn borne_for(ailment: &Ailment) -> Option<SignedDuration> {
    let is_it = |(kind, status, _): &&(Health, Status, SignedDuration)| {
        (*kind, *status) == (ailment.kind, ailment.status)
    };
    POLICIES.iter().find(is_it).map(|(.., borne_for)| *borne_for)
}

/// Says under Karpenter's reason why an ill node stays, and what ends that.
fn hold_back(claim: &NodeClaim, node: &Node, (nodes, ill): (usize, usize), steps: &mut Steps) {
    let whose = if claim.spec.pool.is_some() { "nodepool" } else { "cluster" };
    let message = format!("more then {ILL_PERCENT}% nodes are unhealthy in the {whose}");
    for (kind, name) in [("Node", node.name.text()), ("NodeClaim", claim.name.text())] {
        steps.change(event(kind, name, "NodeRepairBlocked", message.clone()));
    }
    let why = format!(
        "{message} ({ill} of {nodes}): repair goes on when fewer are; delete the NodeClaim to repair it now"
    );
    steps.leave_out(node_subject(node), Reason::Blocked { why: why.into() });
}

fn event(kind: &str, name: Text, reason: &str, message: String) -> ClusterAction {
    ClusterAction::RecordEvent(Event {
        kind: kind.into(),
        object: ObjectName::new("", name),
        warning: true,
        reason: reason.into(),
        message,
    })
}

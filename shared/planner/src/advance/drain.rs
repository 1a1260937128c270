//! Emptying a node: pods are asked to go group by group, and made to go when its grace ends.

use super::Steps;
use super::finish::node_subject;
use super::world::World;
use jiff::{SignedDuration, Timestamp};
use model::action::{ClusterAction, NodeChange};
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::labels::{self, Labels};
use model::node::Node;
use model::pod::Pod;
use model::reason::{Reason, Subject};
use model::snapshot::{PodDisruptionBudget, Snapshot};
use model::taint::{Effect, Taint};
use std::sync::Arc;

/// Why a pod is evicted where nothing better is known (Karpenter 1.14).
pub(super) const FORCEFUL: &str = "Forceful Termination";

/// A pod that is still there so long after it should have been gone is not waited for: its kubelet is dead
/// (Karpenter 1.14).
const STUCK_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// A pod that is made to go has at least this long (Karpenter 1.14).
const GRACE_MIN: SignedDuration = SignedDuration::from_secs(1);

/// A node to be emptied.
pub(super) struct Draining<'a> {
    pub(super) node: &'a Node,
    /// When its grace ends, if ever.
    pub(super) deadline: Option<Timestamp>,
    /// EC2 takes the node in minutes: what is not evicted is lost.
    pub(super) lost: bool,
    /// Why, for the pods' events.
    pub(super) reason: String,
}

/// What drains may still do in this pass.
pub(super) struct Allowance {
    evictions_max: usize,
    evictions: usize,
    /// Each budget with the evictions it still allows.
    budgets: Vec<(Arc<PodDisruptionBudget>, i64)>,
}

impl Allowance {
    pub(super) fn new(snapshot: &Snapshot, evictions_max: usize) -> Self {
        let budgets = snapshot.cluster.pod_disruption_budgets.iter();
        let budgets = budgets.map(|b| (Arc::clone(b), b.disruptions_allowed)).collect();
        Self { evictions_max, evictions: 0, budgets }
    }

    /// Takes one eviction of this pod, or says why it is not allowed.
    fn take(&mut self, pod: &Pod) -> Option<Reason> {
        if self.evictions_max <= self.evictions {
            return Some(Reason::PassFull { most: self.evictions_max });
        }
        let mut guards = self.budgets.iter_mut().filter(|(budget, _)| budget.guards(pod));
        match (guards.next(), guards.next()) {
            (None, _) => {}
            (Some((budget, left)), None) => {
                if *left <= 0 {
                    return Some(Reason::HeldByBudget { budget: budget.name.clone() });
                }
                *left -= 1;
            }
            (Some((one, _)), Some((other, _))) => {
                let why = format!(
                    "eviction does not support multiple PodDisruptionBudgets ({}, {})",
                    one.name, other.name
                );
                return Some(Reason::Blocked { why: why.into() });
            }
        }
        self.evictions += 1;
        None
    }
}

/// Keeps new pods away and asks the present ones to go. Says whether nothing is left to wait for.
pub(super) fn drain(world: &World<'_>, draining: &Draining<'_>, steps: &mut Steps) -> bool {
    if let Some(change) = close(draining.node) {
        steps.change(change);
    }
    let Some(mut waiting) = pods_left(world, draining, steps) else { return false };
    let Some(group) = waiting.iter().map(|pod| group(pod)).min() else { return true };
    let ending = waiting.iter().filter(|pod| pod.deleting.is_some()).count();
    if 0 < ending {
        let on = format!("pods that are ending ({ending})").into();
        steps.leave_out(node_subject(draining.node), Reason::Waiting { on });
    }
    waiting.retain(|pod| pod.deleting.is_none());
    if draining.lost {
        waiting.sort_by_key(|pod| std::cmp::Reverse(pod.priority));
    }
    for pod in waiting {
        if let Some(grace) = grace_left(pod, draining.deadline, world.now) {
            steps.change(ClusterAction::DeletePod {
                pod: pod.name.clone(),
                uid: pod.uid.clone(),
                grace,
            });
        } else if self::group(pod) == group {
            evict(world, draining, pod, steps);
        }
    }
    false
}

/// The pods that the node's end waits for; none where its pods were not all read.
pub(super) fn pods_left<'a>(
    world: &World<'a>,
    draining: &Draining<'_>,
    steps: &mut Steps,
) -> Option<Vec<&'a Pod>> {
    let Some(pods) = world.pods_on(&draining.node.name) else {
        let on = "its pods to be read".into();
        steps.leave_out(node_subject(draining.node), Reason::Waiting { on });
        return None;
    };
    let disrupted = disrupted_taint();
    let is_left = |pod: &&Pod| {
        !pod.is_terminal()
            && !pod.is_static()
            && !disrupted.is_tolerated_by(&pod.tolerations)
            && !has_had_its_time(pod, draining.deadline, world.now)
    };
    Some(pods.iter().copied().filter(is_left).collect())
}

/// Why a claim's pods are evicted.
pub(super) fn reason(claim: &NodeClaim) -> String {
    if let Some(notice) = &claim.notice {
        return notice.kind.as_str().to_owned();
    }
    let disruption = claim.conditions.get(ConditionType::DisruptionReason);
    disruption.map_or_else(|| FORCEFUL.to_owned(), |condition| condition.reason.clone())
}

/// The taint that keeps new pods away from a node that goes.
pub(crate) fn disrupted_taint() -> Taint {
    Taint::new(labels::DISRUPTED_TAINT, Effect::NoSchedule)
}

/// Keeps new pods and load balancers away from a node, unless that has been done.
pub(crate) fn close(node: &Node) -> Option<ClusterAction> {
    let add_taints = if node.is_disrupted() { Vec::new() } else { vec![disrupted_taint()] };
    let mut labels = Labels::new();
    if !node.labels.contains_key(labels::EXCLUDE_FROM_LOAD_BALANCERS) {
        labels.insert(labels::EXCLUDE_FROM_LOAD_BALANCERS.into(), "karpenter".into());
    }
    if add_taints.is_empty() && labels.is_empty() {
        return None;
    }
    Some(ClusterAction::UpdateNode {
        node: node.name.clone(),
        uid: node.uid.clone(),
        resource_version: None,
        change: NodeChange { labels, add_taints, ..NodeChange::default() },
    })
}

/// A pod's turn: those that others may need go last.
fn group(pod: &Pod) -> (bool, bool) {
    (pod.critical, pod.is_daemon())
}

/// Whether a pod that is going is not waited for any longer.
fn has_had_its_time(pod: &Pod, deadline: Option<Timestamp>, now: Timestamp) -> bool {
    pod.deleting.is_some_and(|end| {
        STUCK_AFTER < now.duration_since(end) || deadline.is_some_and(|deadline| deadline <= now)
    })
}

/// What a pod has left for its own termination once asking is over; none while there is time to ask.
fn grace_left(pod: &Pod, deadline: Option<Timestamp>, now: Timestamp) -> Option<SignedDuration> {
    let left = deadline?.duration_since(now);
    (left <= pod.termination_grace).then(|| left.max(GRACE_MIN))
}

fn evict(world: &World<'_>, draining: &Draining<'_>, pod: &Pod, steps: &mut Steps) {
    let subject = Subject::Pod(pod.name.clone());
    if pod.forbids_disruption(world.now) && !draining.lost {
        steps.leave_out(subject, Reason::DoNotDisrupt);
        return;
    }
    if let Some(reason) = steps.allowance.take(pod) {
        steps.leave_out(subject, reason);
        return;
    }
    steps.change(ClusterAction::EvictPod {
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
        reason: draining.reason.clone(),
    });
}

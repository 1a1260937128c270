//! A drain asks before it takes: budgets of pods and `do-not-disrupt` hold until the grace ends (I15).

use super::Violation;
use super::facts::Facts;
use jiff::{SignedDuration, Timestamp};
use model::action::{Action, CloudAction, ClusterAction};
use model::claim::NodeClaim;
use model::labels;
use model::name::{InstanceId, ObjectName};
use model::node::Node;
use model::pod::Pod;
use model::taint::{Effect, Taint};
use std::collections::BTreeMap;

/// A pod that outlives its own end by so long is not waited for.
const STUCK_AFTER: SignedDuration = SignedDuration::from_mins(1);

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut evicted: BTreeMap<&ObjectName, i64> = BTreeMap::new();
    for action in &facts.plan.actions {
        match action {
            Action::Cluster(ClusterAction::EvictPod { pod, .. }) => {
                let Some(pod) = going_pod(facts, pod, found) else { continue };
                let budgets = facts.snapshot.cluster.pod_disruption_budgets.iter();
                for budget in budgets.filter(|budget| budget.guards(pod)) {
                    *evicted.entry(&budget.name).or_insert(0) += 1;
                }
            }
            Action::Cluster(ClusterAction::DeletePod { pod, .. }) => {
                if let Some(pod) = going_pod(facts, pod, found) {
                    check_force(facts, pod, found);
                }
            }
            Action::Cloud(CloudAction::TerminateInstances { instances }) => {
                for instance in instances {
                    check_drained(facts, instance, found);
                }
            }
            Action::Cluster(_)
            | Action::Cloud(CloudAction::RunInstances(_))
            | Action::Launch(_) => {}
        }
    }
    for budget in &facts.snapshot.cluster.pod_disruption_budgets {
        let count = evicted.get(&budget.name).copied().unwrap_or(0);
        if budget.disruptions_allowed.max(0) < count {
            let what = format!(
                "{count} evictions under PodDisruptionBudget {}, which allows {}",
                budget.name, budget.disruptions_allowed
            );
            found.push(Violation::new("I15", what));
        }
    }
}

/// The pod, which has to be on a node that goes.
fn going_pod<'a>(
    facts: &Facts<'a>,
    name: &ObjectName,
    found: &mut Vec<Violation>,
) -> Option<&'a Pod> {
    let Some(pod) = facts.pod(name) else {
        found.push(Violation::new("I10", format!("pod {name} is not in the view")));
        return None;
    };
    let node = pod.node.as_ref().and_then(|node| facts.node(node));
    let goes = node.is_some_and(|node| {
        let claim = facts.claim_of(node);
        node.deleting.is_some() || claim.is_some_and(|claim| claim.deleting.is_some())
    });
    if !goes {
        let what = format!("pod {name} is made to go, but its node is not going");
        found.push(Violation::new("I15", what));
    }
    Some(pod)
}

/// A pod is deleted past its budget only when what is left of the grace is its own.
fn check_force(facts: &Facts<'_>, pod: &Pod, found: &mut Vec<Violation>) {
    let node = pod.node.as_ref().and_then(|node| facts.node(node));
    let deadline = node.and_then(|node| facts.claim_of(node)).and_then(deadline);
    let is_time = deadline
        .is_some_and(|deadline| deadline.duration_since(facts.now) <= pod.termination_grace);
    if !is_time {
        let what = format!("pod {} is deleted by force before its node's grace ends", pod.name);
        found.push(Violation::new("I15", what));
    }
}

fn deadline(claim: &NodeClaim) -> Option<Timestamp> {
    let grace = claim.spec.termination_grace_period;
    claim.termination_deadline.or_else(|| Some(claim.deleting? + grace?))
}

/// An instance ends only when nobody is left on its node who could still be asked to go.
fn check_drained(facts: &Facts<'_>, instance: &InstanceId, found: &mut Vec<Violation>) {
    let Some(claim) = facts.claim_with(instance) else { return };
    let deadline = deadline(claim);
    for node in facts.nodes_of(claim).into_iter().filter(|node| node.finalizer) {
        let left =
            facts.bound_to(&node.name).iter().find(|pod| is_waited_for(facts, pod, deadline));
        if let Some(pod) = left {
            let what = format!("instance {instance} ends while pod {} is on its node", pod.name);
            found.push(Violation::new("I15", what));
        }
        check_known(facts, node, found);
    }
}

fn check_known(facts: &Facts<'_>, node: &Node, found: &mut Vec<Violation>) {
    if !facts.snapshot.cluster.knows_pods_of(&node.name) {
        let what = format!("the pods of node {} were not read, yet its instance ends", node.name);
        found.push(Violation::new("I15", what));
    }
}

fn is_waited_for(facts: &Facts<'_>, pod: &Pod, deadline: Option<Timestamp>) -> bool {
    let disrupted = Taint::new(labels::DISRUPTED_TAINT, Effect::NoSchedule);
    let has_had_its_time = pod.deleting.is_some_and(|end| {
        STUCK_AFTER < facts.now.duration_since(end) || deadline.is_some_and(|at| at <= facts.now)
    });
    !pod.is_static() && !disrupted.is_tolerated_by(&pod.tolerations) && !has_had_its_time
}

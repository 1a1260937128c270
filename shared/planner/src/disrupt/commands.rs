//! What is written to disrupt a node, in an order in which a crash after any step is repaired by the next pass.
//!
//! Taint, then the names of the replacements, then the condition, then the replacement or the deletion. A taint or a
//! condition without names and without deletion is taken back; so is a command whose replacement is not there.

use super::Sweep;
use super::candidates::Candidate;
use crate::scheduling::rooms::is_going;
use model::action::{ClaimChange, ClusterAction, DeleteReason, NewClaim, NodeChange};
use model::claim::NodeClaim;
use model::condition::{ConditionType, Status};
use model::labels;
use model::name::ClaimName;
use model::node::Node;
use model::pool::DisruptionReason;
use model::reason::{Reason, Subject};
use model::taint::{Effect, Taint};

/// Takes up the commands that earlier passes began.
pub(super) fn carry_on(sweep: &mut Sweep<'_, '_>) {
    let cluster = &sweep.snapshot.cluster;
    for claim in cluster.claims.iter().filter(|claim| !is_going(claim)) {
        let node = sweep.index.node_of(claim);
        if node.is_some_and(|node| node.deleting.is_some()) {
            continue;
        }
        if claim.replaced_by.is_empty() {
            take_back(sweep, claim, node.map(|node| &**node));
            continue;
        }
        let replacement = |name: &ClaimName| cluster.claims.iter().find(|c| c.name == *name);
        let replacements: Option<Vec<_>> = claim.replaced_by.iter().map(replacement).collect();
        match replacements {
            Some(all) if all.iter().all(|r| !is_going(r) && r.is_initialized()) => {
                if node.is_none_or(|node| sweep.may_delete(&node.name)) {
                    sweep.delete_claim(claim, why_replaced(claim));
                }
            }
            Some(all) if !all.iter().any(|r| is_going(r)) => {
                let on = "its replacement to be initialized".into();
                sweep.plan.leave_out(Subject::Claim(claim.name.clone()), Reason::Waiting { on });
            }
            Some(_) | None => {
                let change = ClaimChange::ReplacedBy(Vec::new());
                sweep.push(update(claim, change));
                take_back(sweep, claim, node.map(|node| &**node));
            }
        }
    }
}

/// Why a claim was to be replaced, as its condition says.
fn why_replaced(claim: &NodeClaim) -> DeleteReason {
    let why = claim.conditions.get(ConditionType::DisruptionReason);
    let drifted = format!("{:?}", DisruptionReason::Drifted);
    if why.is_some_and(|why| why.reason == drifted) {
        DeleteReason::Drifted
    } else {
        DeleteReason::Underutilized
    }
}

/// Removes what a command that came to nothing has left.
fn take_back(sweep: &mut Sweep<'_, '_>, claim: &NodeClaim, node: Option<&Node>) {
    if claim.conditions.get(ConditionType::DisruptionReason).is_some() {
        let change = ClaimChange::Condition {
            kind: ConditionType::DisruptionReason,
            status: None,
            reason: String::new(),
            message: String::new(),
        };
        sweep.push(update(claim, change));
    }
    if let Some(node) = node.filter(|node| node.is_disrupted()) {
        let remove_taints = vec![labels::DISRUPTED_TAINT.into()];
        sweep.push(update_node(node, NodeChange { remove_taints, ..NodeChange::default() }));
    }
}

/// Takes a node away.
pub(super) fn delete(sweep: &mut Sweep<'_, '_>, candidate: &Candidate<'_>, why: DisruptionReason) {
    let reason = match why {
        DisruptionReason::Underutilized => DeleteReason::Underutilized,
        DisruptionReason::Empty => DeleteReason::Empty,
        DisruptionReason::Drifted => DeleteReason::Drifted,
    };
    mark(sweep, candidate, why, &[]);
    sweep.delete_claim(candidate.claim, reason);
}

/// Replaces nodes by new claims: each of them goes when all of these are there.
pub(super) fn replace(
    sweep: &mut Sweep<'_, '_>,
    gone: &[&Candidate<'_>],
    why: DisruptionReason,
    new: Vec<NewClaim>,
) {
    let names: Vec<ClaimName> = new.iter().map(|claim| claim.name.clone()).collect();
    for candidate in gone {
        mark(sweep, candidate, why, &names);
    }
    for claim in new {
        sweep.push(ClusterAction::CreateClaim(claim));
    }
}

/// Closes a node and says why, and what will replace it.
fn mark(
    sweep: &mut Sweep<'_, '_>,
    candidate: &Candidate<'_>,
    why: DisruptionReason,
    replaced_by: &[ClaimName],
) {
    let Candidate { node, claim, pods, .. } = candidate;
    sweep.begun.insert(node.name.clone());
    sweep.moved.note(pods, sweep.now);
    let add_taints = vec![Taint::new(labels::DISRUPTED_TAINT, Effect::NoSchedule)];
    sweep.push(update_node(node, NodeChange { add_taints, ..NodeChange::default() }));
    if !replaced_by.is_empty() {
        sweep.push(ClusterAction::UpdateClaim {
            claim: claim.name.clone(),
            uid: claim.uid.clone(),
            resource_version: Some(claim.resource_version),
            change: ClaimChange::ReplacedBy(replaced_by.to_vec()),
        });
    }
    let change = ClaimChange::Condition {
        kind: ConditionType::DisruptionReason,
        status: Some(Status::True),
        reason: format!("{why:?}"),
        message: String::new(),
    };
    sweep.push(update(claim, change));
}

pub(super) fn update(claim: &NodeClaim, change: ClaimChange) -> ClusterAction {
    let (claim, uid) = (claim.name.clone(), claim.uid.clone());
    ClusterAction::UpdateClaim { claim, uid, resource_version: None, change }
}

fn update_node(node: &Node, change: NodeChange) -> ClusterAction {
    let (node, uid) = (node.name.clone(), node.uid.clone());
    ClusterAction::UpdateNode { node, uid, resource_version: None, change }
}

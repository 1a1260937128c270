//! What follows on a notice from EC2: the node is closed, its claim goes, its offering is left alone for a while.

use crate::advance::drain::close;
use jiff::{SignedDuration, Timestamp};
use model::action::{Action, ClusterAction, DeleteReason, Event};
use model::claim::{NodeClaim, NoticeKind};
use model::memory::{Change, Unavailable};
use model::name::{ObjectName, Text};
use model::node::Node;
use model::plan::Plan;
use model::reason::{Reason, Subject};
use model::snapshot::Snapshot;

/// An offering that EC2 takes instances back from is left alone for so long (Karpenter 1.14, unavailable offerings).
const UNAVAILABLE: SignedDuration = SignedDuration::from_mins(3);

/// Acts on the notices that stand on claims. Provisioning finds the pods of claims that go, and lifecycle drains them.
pub fn interrupt(snapshot: &Snapshot, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if snapshot.settings.cluster_uid != snapshot.cluster.cluster_uid {
        let why = "this is not the cluster that it was deployed for".into();
        plan.leave_out(Subject::Cluster, Reason::ViewRefused { why });
        return plan;
    }
    plan.actions = act_on_notices(snapshot, now);
    plan
}

/// All that follows on the notices of claims that are not going yet, the same whoever sees them first.
///
/// What is remembered comes first: provisioning wakes as soon as a claim goes, and must not buy the same again.
pub(crate) fn act_on_notices(snapshot: &Snapshot, now: Timestamp) -> Vec<Action> {
    let claims = snapshot.cluster.claims.iter();
    let mut noticed: Vec<(&NodeClaim, NoticeKind)> =
        claims.filter_map(|claim| Some((&**claim, notice_to_act_on(claim)?))).collect();
    // Those with minutes to live before those with days.
    noticed.sort_by_key(|(_, kind)| !is_loss(*kind));
    let mut actions: Vec<Action> = remember(&noticed, now).into_iter().collect();
    for (claim, kind) in &noticed {
        let node = node_of(snapshot, claim);
        actions.extend(node.and_then(close).map(Action::Cluster));
        actions.push(Action::Cluster(ClusterAction::DeleteClaim {
            claim: claim.name.clone(),
            uid: claim.uid.clone(),
            reason: delete_reason(*kind),
        }));
    }
    for (claim, kind) in &noticed {
        actions.extend(events(claim, node_of(snapshot, claim), *kind));
    }
    actions
}

/// The notice of a claim that asks for something to be done.
pub(crate) fn notice_to_act_on(claim: &NodeClaim) -> Option<NoticeKind> {
    let kind = claim.notice.as_ref()?.kind;
    (claim.deleting.is_none() && kind != NoticeKind::RebalanceRecommendation).then_some(kind)
}

/// Whether EC2 takes the claim's instance within minutes, whatever is done.
pub(crate) fn is_about_to_be_lost(claim: &NodeClaim) -> bool {
    claim.notice.as_ref().is_some_and(|notice| is_loss(notice.kind))
}

const fn is_loss(kind: NoticeKind) -> bool {
    match kind {
        NoticeKind::SpotInterrupted
        | NoticeKind::InstanceStopped
        | NoticeKind::InstanceTerminated
        | NoticeKind::CapacityReservationInterrupted => true,
        NoticeKind::RebalanceRecommendation | NoticeKind::ScheduledChange => false,
    }
}

fn delete_reason(kind: NoticeKind) -> DeleteReason {
    match kind {
        NoticeKind::SpotInterrupted | NoticeKind::RebalanceRecommendation => {
            DeleteReason::SpotInterrupted
        }
        NoticeKind::InstanceStopped => DeleteReason::InstanceStopped,
        NoticeKind::InstanceTerminated => DeleteReason::InstanceTerminated,
        NoticeKind::ScheduledChange => DeleteReason::ScheduledChange,
        NoticeKind::CapacityReservationInterrupted => DeleteReason::CapacityReservationInterrupted,
    }
}

fn node_of<'a>(snapshot: &'a Snapshot, claim: &NodeClaim) -> Option<&'a Node> {
    let is_its_node = |node: &&Node| {
        claim.node.as_ref() == Some(&node.name)
            || (claim.instance.is_some() && claim.instance == node.instance)
    };
    snapshot.cluster.nodes.iter().map(|node| &**node).find(is_its_node)
}

/// The offerings that EC2 takes instances back from, in one change.
fn remember(noticed: &[(&NodeClaim, NoticeKind)], now: Timestamp) -> Option<Action> {
    let short = |kind| match kind {
        NoticeKind::SpotInterrupted | NoticeKind::CapacityReservationInterrupted => true,
        NoticeKind::RebalanceRecommendation
        | NoticeKind::InstanceStopped
        | NoticeKind::InstanceTerminated
        | NoticeKind::ScheduledChange => false,
    };
    let taken = noticed.iter().filter(|(_, kind)| short(*kind));
    let mut keys: Vec<_> = taken.filter_map(|(claim, _)| claim.offering()).collect();
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        return None;
    }
    let until = now + UNAVAILABLE;
    let offerings = keys.into_iter().map(|offering| Unavailable { offering, until }).collect();
    Some(Action::Cluster(ClusterAction::Remember(Change::Unavailable { offerings, now })))
}

/// What happened and what is done about it, on the claim and on its node, under Karpenter's reasons.
fn events(claim: &NodeClaim, node: Option<&Node>, kind: NoticeKind) -> Vec<Action> {
    let (reason, message) = match kind {
        NoticeKind::SpotInterrupted | NoticeKind::RebalanceRecommendation => {
            ("SpotInterrupted", "EC2 takes the spot instance back")
        }
        NoticeKind::InstanceStopped => ("InstanceStopping", "The instance is stopping"),
        NoticeKind::InstanceTerminated => ("InstanceTerminating", "The instance is terminating"),
        NoticeKind::ScheduledChange => ("InstanceUnhealthy", "EC2 plans maintenance"),
        NoticeKind::CapacityReservationInterrupted => (
            "CapacityReservationInstanceInterrupted",
            "The capacity reservation takes the instance back",
        ),
    };
    let mut objects: Vec<(&str, Text)> = vec![("NodeClaim", claim.name.text())];
    objects.extend(node.map(|node| ("Node", node.name.text())));
    let mut events = Vec::new();
    for (kind, name) in objects {
        let ending = format!("The {kind} goes because of an interruption");
        for (reason, message) in
            [(reason, message.to_owned()), ("TerminatingOnInterruption", ending)]
        {
            events.push(Action::Cluster(ClusterAction::RecordEvent(Event {
                kind: kind.into(),
                object: ObjectName::new("", Text::clone(&name)),
                warning: true,
                reason: reason.into(),
                message,
            })));
        }
    }
    events
}

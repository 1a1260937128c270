//! Nodes that are there and claims that are on their way, and who may use what is free on them.

use super::SETTLING;
use crate::scheduling::classes::Class;
use crate::scheduling::rooms::{Index, Room, initialized_since, is_going, is_leaving, is_reserved};
use crate::scheduling::stock::Survey;
use jiff::{SignedDuration, Timestamp};
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::name::ClaimName;
use model::node::Node;
use model::plan::Target;
use model::snapshot::{Scope, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// Most nodes register within a minute of their launch. One that has not by now may never do so, and no further pods are left
/// to wait for it. Should it come after all, the scheduler will have room to choose from.
const LATE_AFTER: SignedDuration = SignedDuration::from_secs(90);

/// Bare metal and Windows take up to this long to boot; a node that has not registered by now is likely to be lost, and the
/// pods that it was made for get another. Its claim is given up after a quarter of an hour, so that there are three at most.
const OVERDUE_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// Who may use a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any pod that fits.
    Open,
    /// Only pods that the claim was made for, where they fit.
    Reserved,
    /// Only pods that the claim was made for; it is not launched, so that it will be as large as they need.
    Promised,
}

/// A room and who may use it.
pub(super) struct Existing<'a> {
    pub(super) room: Room<'a>,
    pub(super) kind: Kind,
}

impl Existing<'_> {
    /// Room for a pod that the claim was made for.
    pub(super) fn give(&mut self, class: &Class<'_>) -> Option<Target> {
        let given = match self.kind {
            Kind::Promised => {
                self.room.keep(class, 1);
                true
            }
            Kind::Open | Kind::Reserved => self.room.take(class, 1) == 1,
        };
        given.then(|| self.room.target.clone())
    }
}

/// Nodes and claims that can take pods, and which of them each nominated pod may belong to: a pod for which there was no
/// room after all on the node that it was made for has another claim since.
pub(super) fn targets<'a>(
    survey: &Survey<'a>,
    index: &Index<'a>,
    dropped: &BTreeSet<&ClaimName>,
    now: Timestamp,
) -> (Vec<Existing<'a>>, BTreeMap<u32, Vec<usize>>) {
    let cluster = &survey.snapshot.cluster;
    let (mut rooms, mut nominations) = (Vec::new(), BTreeMap::<u32, Vec<usize>>::new());
    let mut nominate = |claim: &NodeClaim, room: usize| {
        for pod in &claim.spec.nominated {
            nominations.entry(*pod).or_default().push(room);
        }
    };
    for node in &cluster.nodes {
        let claim = index.claim_of(&node.name).map(|claim| &**claim);
        if takes_pods(survey.snapshot, node, claim, now) {
            let kind = claim.map_or(Kind::Open, |claim| kind_of(survey.snapshot, claim));
            if let Some(claim) = claim {
                nominate(claim, rooms.len());
            }
            rooms.push(Existing { room: Room::on_node(survey, index, node), kind });
        }
    }
    for claim in &cluster.claims {
        let is_up = claim.is_initialized();
        let is_leaving = is_going(claim) || !claim.replaced_by.is_empty();
        let silent = silent_for(claim, now);
        if is_up || is_leaving || dropped.contains(&claim.name) || OVERDUE_AFTER <= silent {
            continue;
        }
        nominate(claim, rooms.len());
        let kind = match kind_of(survey.snapshot, claim) {
            Kind::Open if LATE_AFTER <= silent => Kind::Reserved,
            kind @ (Kind::Open | Kind::Reserved | Kind::Promised) => kind,
        };
        rooms.push(Existing { room: Room::on_claim(survey, index, claim), kind });
    }
    (rooms, nominations)
}

/// How long an instance has been launched without its node showing.
fn silent_for(claim: &NodeClaim, now: Timestamp) -> SignedDuration {
    let launched = claim.conditions.true_since(ConditionType::Launched);
    let silent = launched.filter(|_| !claim.is_registered());
    silent.map_or(SignedDuration::ZERO, |at| now.duration_since(at))
}

/// A claim that replaces others is kept for their pods until they are gone.
fn kind_of(snapshot: &Snapshot, claim: &NodeClaim) -> Kind {
    if !claim.is_launched() {
        Kind::Promised
    } else if is_reserved(snapshot, claim) {
        Kind::Reserved
    } else {
        let is_known = claim.node.as_ref().is_none_or(|node| snapshot.cluster.knows_pods_of(node));
        if is_known { Kind::Open } else { Kind::Reserved }
    }
}

/// Whether pods may be placed on a node that is there. Where only what is pending was read (D11), these are the nodes
/// that have just come up: of the others the scheduler has said that they do not do.
fn takes_pods(snapshot: &Snapshot, node: &Node, claim: Option<&NodeClaim>, now: Timestamp) -> bool {
    let is_ours = claim.is_some() || node.pool().is_some();
    let is_up = !is_ours || node.is_initialized() || claim.is_some_and(NodeClaim::is_initialized);
    let is_usable = is_up && !node.cordoned && !is_leaving(node, claim);
    match snapshot.cluster.scope {
        Scope::Everything => is_usable,
        Scope::Pending | Scope::Going => {
            let since = claim.and_then(initialized_since);
            let is_new = since.is_some_and(|since| now.duration_since(since) <= SETTLING);
            is_usable && is_new && snapshot.cluster.knows_pods_of(&node.name)
        }
    }
}

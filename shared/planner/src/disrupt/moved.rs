//! Whose pods were moved lately: they are left where they are for a while.
//!
//! A pod that is evicted comes back under another name, so what is remembered is its owner. A pod of such an owner that has
//! just come to its node may be one that was moved.

use crate::scheduling::rooms::{Index, is_leaving};
use jiff::{SignedDuration, Timestamp};
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::name::Uid;
use model::pod::Pod;
use model::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// No pod is moved twice in this time. Nor is one so soon after it came to a node that is itself new, as that was made for it.
pub(super) const MOVED_AT_MOST_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// A sweep sees the node of a pod that is moved every minute; two of them may fail.
const LAST_SEEN_BEFORE: SignedDuration = SignedDuration::from_mins(3);

/// What is remembered need not be more exact, so that it is not written again in each pass.
const EXACT_TO: SignedDuration = SignedDuration::from_mins(1);

/// What moving a pod costs: so long of what it is worth. Two nodes are paid for while it moves, and what it had begun begins
/// anew.
const MOVING: SignedDuration = SignedDuration::from_hours(2);

/// A pod is moved for no more and no less than these parts of what it is worth, one in so many, however long it has run. In
/// the simulated trace, where pods seldom run for a day, less than a half costs many more evictions and saves nothing: nodes
/// are joined and split again soon.
const MOVED_FOR_ONE_IN: (i64, i64) = (2, 20);

/// What moving a pod must save per hour, in the unit of its worth per hour.
///
/// A pod that has been on its node for some time is expected to be there as long again, as most pods are either short-lived or
/// not, and in that time has to be saved what moving it costs. One that was moved lately is thereby moved again for much only.
pub(super) fn toll(pod: &Pod, worth: i64, now: Timestamp) -> i64 {
    let here = now.duration_since(pod.scheduled_at.unwrap_or(pod.created)).as_secs().max(1);
    let cost = i128::from(worth) * i128::from(MOVING.as_secs()) / i128::from(here);
    let (most, least) = MOVED_FOR_ONE_IN;
    i64::try_from(cost).unwrap_or(i64::MAX).min(worth / most).max(worth / least)
}

/// Owners whose pods were moved lately, and others of whom that is forgotten when there is something to write.
pub(super) struct Moved {
    /// When a pod of each was last on a node that is given back.
    pub(super) owners: BTreeMap<Uid, Timestamp>,
}

/// So long it is remembered.
fn kept_for() -> SignedDuration {
    MOVED_AT_MOST_EVERY + LAST_SEEN_BEFORE
}

impl Moved {
    /// Those that earlier sweeps remember, and those whose pods are being moved.
    pub(super) fn of(snapshot: &Snapshot, index: &Index<'_>, now: Timestamp) -> Self {
        let mut moved = Self { owners: snapshot.cluster.memory.moved.clone() };
        for node in &snapshot.cluster.nodes {
            let Some(claim) = index.claim_of(&node.name) else { continue };
            if is_leaving(node, Some(claim)) && is_given_back(claim) {
                moved.note(index.pods_on(&node.name), now);
            }
        }
        moved
    }

    /// Notes that these pods are moved.
    pub(super) fn note(&mut self, pods: &[&Arc<Pod>], now: Timestamp) {
        let owners = pods.iter().filter(|pod| pod.is_reschedulable());
        for owner in owners.filter_map(|pod| pod.owner.as_ref()) {
            let known = self.owners.get(&owner.uid);
            if known.is_none_or(|at| EXACT_TO <= now.duration_since(*at)) {
                self.owners.insert(owner.uid.clone(), now);
                self.owners.retain(|_, at| now.duration_since(*at) < kept_for());
            }
        }
    }

    /// Whether a pod may have been moved lately.
    pub(super) fn rests(&self, pod: &Pod, now: Timestamp) -> bool {
        let has_come = |at| now.duration_since(at) < MOVED_AT_MOST_EVERY;
        let moved = pod.owner.as_ref().and_then(|owner| self.owners.get(&owner.uid));
        pod.scheduled_at.is_some_and(has_come)
            && moved.is_some_and(|at| now.duration_since(*at) < kept_for())
    }
}

/// Whether a claim goes because it is not needed, and not because EC2 or a person says so.
fn is_given_back(claim: &NodeClaim) -> bool {
    claim.conditions.is_true(ConditionType::DisruptionReason) || !claim.replaced_by.is_empty()
}

//! Nodes that came up for pods and did not help: after three of them no more are launched for the same owner (I7).
//!
//! A node counts as such when it has been up for a while, carries no pod but daemons, and pods that it was made for
//! still wait. A node that others filled has helped someone, and does not count.

use super::SETTLING;
use super::waiting::Waiting;
use crate::scheduling::rooms::{Index, initialized_since, is_going};
use jiff::{SignedDuration, Timestamp};
use model::action::{Action, ClusterAction};
use model::claim::NodeClaim;
use model::memory::{Change, Unproductive};
use model::name::{ClaimName, Uid};
use model::pod::Pod;
use model::reason::Reason;
use model::snapshot::{Scope, Snapshot};
use std::collections::BTreeMap;

/// So many nodes are tried for an owner's pods (I7).
const LAUNCHES_MAX: u32 = 3;

/// So long a useless launch is held against an owner: an hour is the shortest time in which a person will have looked.
const HELD_FOR: SignedDuration = SignedDuration::from_hours(1);

/// What is held against whom.
pub(super) struct Verdicts {
    changes: BTreeMap<Uid, Unproductive>,
    convicted: BTreeMap<Uid, u32>,
    not_placed: BTreeMap<u32, ClaimName>,
}

/// Looks for nodes that did not help the pods that still wait.
pub(super) fn judge(
    snapshot: &Snapshot,
    index: &Index<'_>,
    waiting: &Waiting<'_>,
    now: Timestamp,
) -> Verdicts {
    let known = &snapshot.cluster.memory.unproductive;
    let mut verdicts = Verdicts {
        changes: known.clone(),
        convicted: BTreeMap::new(),
        not_placed: BTreeMap::new(),
    };
    if snapshot.cluster.scope != Scope::Everything {
        let pods = waiting.pods.iter().flatten().map(|pod| (pod.short_id(), &***pod));
        let by_id: BTreeMap<u32, &Pod> = pods.filter(|(_, pod)| pod.node.is_none()).collect();
        let mut settled: Vec<&NodeClaim> = snapshot
            .cluster
            .claims
            .iter()
            .map(|claim| &**claim)
            .filter(|claim| is_settled(claim, now))
            .collect();
        settled.sort_by_key(|claim| (claim.created, &claim.name));
        for claim in settled {
            verdicts.hear(snapshot, index, claim, &by_id);
        }
    }
    let recent = |u: &Unproductive| now.duration_since(u.last) < HELD_FOR;
    let convicted = verdicts.changes.iter().filter(|(_, u)| LAUNCHES_MAX <= u.count && recent(u));
    verdicts.convicted = convicted.map(|(owner, u)| (owner.clone(), u.count)).collect();
    for counted in verdicts.changes.values_mut().filter(|u| !recent(u)) {
        // A count of zero is forgotten.
        counted.count = 0;
    }
    verdicts.changes.retain(|owner, u| known.get(owner) != Some(u));
    verdicts
}

fn is_settled(claim: &NodeClaim, now: Timestamp) -> bool {
    let since = initialized_since(claim);
    since.is_some_and(|since| SETTLING < now.duration_since(since)) && !is_going(claim)
}

/// Whom a launch for this pod is counted for.
fn owner(pod: &Pod) -> &Uid {
    pod.owner.as_ref().map_or(&pod.uid, |owner| &owner.uid)
}

impl Verdicts {
    fn hear(
        &mut self,
        snapshot: &Snapshot,
        index: &Index<'_>,
        claim: &NodeClaim,
        waiting: &BTreeMap<u32, &Pod>,
    ) {
        let pods = claim.spec.nominated.iter().filter_map(|id| Some((*id, *waiting.get(id)?)));
        let pods: Vec<(u32, &Pod)> = pods.collect();
        for (id, _) in &pods {
            self.not_placed.insert(*id, claim.name.clone());
        }
        let Some(node) = claim.node.as_ref().filter(|n| snapshot.cluster.knows_pods_of(n)) else {
            return;
        };
        if index.pods_on(node).iter().any(|pod| pod.is_reschedulable()) {
            return;
        }
        for (_, pod) in pods {
            let counted = self.changes.entry(owner(pod).clone()).or_default();
            if counted.last < claim.created {
                let is_recent = claim.created.duration_since(counted.last) < HELD_FOR;
                counted.count = if is_recent { counted.count + 1 } else { 1 };
                counted.last = claim.created;
            }
        }
    }

    /// The change to what is remembered, if there is one.
    pub(super) fn remember(&self) -> Option<Action> {
        let change = Change::Unproductive(self.changes.clone());
        (!self.changes.is_empty()).then_some(Action::Cluster(ClusterAction::Remember(change)))
    }

    /// Why no node is launched for a pod, if so.
    pub(super) fn against(&self, pod: &Pod) -> Option<Reason> {
        let launched = *self.convicted.get(owner(pod))?;
        Some(Reason::Unproductive { launched })
    }

    /// The claim that was made for a pod and on which the scheduler has not placed it.
    pub(super) fn not_placed(&self, pod: &Pod) -> Option<Reason> {
        let claim = self.not_placed.get(&pod.short_id())?.clone();
        Some(Reason::NotPlacedByScheduler { claim })
    }
}

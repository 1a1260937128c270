//! Guards that are open, told where an operator looks: what is held back, and what closes the guard again.
//!
//! What a plan leaves out stands in the log. A guard holds for a whole pool or cluster, and somebody may have to act, so it is
//! an Event as well, on every NodePool.

use model::action::{Action, ClusterAction, Event};
use model::name::{ObjectName, Text};
use model::plan::{LeftOut, Plan};
use model::reason::{Reason, Subject};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// So many NodePools carry an event about the whole cluster at most; each pass says it again, as somebody may have come to look.
const POOLS_MAX: usize = 10;

/// Adds the events of a plan's open guards. Nothing is written to a cluster that is not ours.
pub(crate) fn tell(plan: &mut Plan, snapshot: &Snapshot) {
    let cluster = &snapshot.cluster;
    if cluster.cluster_uid != snapshot.settings.cluster_uid {
        return;
    }
    let all: BTreeSet<Text> = cluster.pools.iter().map(|pool| pool.name.text()).collect();
    let mut open: BTreeMap<(&'static str, Text), String> = BTreeMap::new();
    let reasons = plan.left_out.iter().flat_map(|left_out| {
        let LeftOut { subject, reasons } = left_out;
        reasons.iter().map(move |reason| (subject, reason))
    });
    for (subject, reason) in reasons {
        let Some((word, remedy)) = reason.guard() else { continue };
        // An instance of another cluster stays for as long as that one likes.
        if matches!(reason, Reason::ViewRefused { .. }) && *subject != Subject::Cluster {
            continue;
        }
        let only =
            if let Reason::LaunchesFail { pool, .. } = reason { Some(&**pool) } else { None };
        let pools: Vec<&Text> = match only {
            Some(pool) => all.get(pool).into_iter().collect(),
            None => all.iter().take(POOLS_MAX).collect(),
        };
        for pool in pools {
            // One of a kind says enough.
            open.entry((word, pool.clone())).or_insert_with(|| format!("{reason}; {remedy}"));
        }
    }
    for ((word, pool), message) in open {
        plan.actions.push(Action::Cluster(ClusterAction::RecordEvent(Event {
            kind: "NodePool".into(),
            object: ObjectName::new("", pool),
            warning: true,
            reason: word.into(),
            message,
        })));
    }
}

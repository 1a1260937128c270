//! Which pods a place is to be found for.

use crate::scheduling::amounts::Columns;
use crate::scheduling::classes::never_placed;
use crate::scheduling::rooms::{Index, is_going};
use crate::scheduling::stock::Survey;
use crate::scheduling::volumes::{Storage, Volumes, resolve};
use jiff::Timestamp;
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::name::{ObjectName, Text};
use model::pod::Pod;
use model::pool::DisruptionReason;
use model::reason::Reason;
use model::resources::Resources;
use model::snapshot::Snapshot;
use model::volume::attachable;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Pods without a place, and why.
pub(super) type LeftOutPods = Vec<(ObjectName, Vec<Reason>)>;

/// A pod to place, and what its volumes ask for, if it has some.
pub(crate) type Ready<'a> = (&'a Arc<Pod>, Option<Volumes>);

/// The pods of one pass.
pub(super) struct Batch<'a> {
    /// Those to place.
    pub(super) pods: Vec<Ready<'a>>,
    /// Those that are not placed whatever there is.
    pub(super) left_out: LeftOutPods,
}

/// Pods that wait, and pods of nodes that will go.
pub(super) fn gather<'a>(
    snapshot: &'a Snapshot,
    index: &Index<'a>,
    storage: &Storage<'_>,
) -> Batch<'a> {
    let mut batch = Batch { pods: Vec::new(), left_out: Vec::new() };
    for pod in &snapshot.cluster.pods {
        if !pod.is_provisionable() && !must_move(snapshot, index, pod) {
            continue;
        }
        match ready(storage, pod) {
            Ok(ready) => batch.pods.push(ready),
            Err(reason) => batch.left_out.push((pod.name.clone(), vec![*reason])),
        }
    }
    // Whatever the order in which they were given.
    batch.pods.sort_by(|(a, _), (b, _)| (&a.name, &a.uid).cmp(&(&b.name, &b.uid)));
    batch
}

/// A pod with what its volumes ask for, or why it is not placed whatever there is.
pub(crate) fn ready<'a>(
    storage: &Storage<'_>,
    pod: &'a Arc<Pod>,
) -> Result<Ready<'a>, Box<Reason>> {
    match never_placed(pod) {
        Some(reason) => Err(Box::new(reason)),
        None if pod.volume_claims.is_empty() => Ok((pod, None)),
        None => Ok((pod, Some(resolve(storage, pod)?))),
    }
}

/// What has to be known to place these pods: how much there is of each resource that they ask for, volumes among it.
pub(crate) fn survey<'a>(
    snapshot: &'a Snapshot,
    pods: &[Ready<'a>],
    storage: Storage<'a>,
    now: Timestamp,
) -> Survey<'a> {
    let volumes = pods.iter().filter_map(|(_, volumes)| volumes.as_ref());
    let drivers = volumes.flat_map(|volumes| volumes.attachments.keys());
    let asked: BTreeSet<Text> = drivers.map(|driver| attachable(driver)).collect();
    let attached = asked.iter().map(|name| {
        let mut one = Resources::default();
        one.set_units(name, 1);
        one
    });
    let attached: Vec<Resources> = attached.collect();
    let columns = Columns::of(pods.iter().map(|(pod, _)| &pod.requests).chain(&attached));
    Survey::new(snapshot, columns, now).with_storage(storage, asked)
}

/// Whether the pod's node will go, so that it needs another one. Disruption has found places before it took the node.
fn must_move(snapshot: &Snapshot, index: &Index<'_>, pod: &Pod) -> bool {
    let Some(name) = pod.node.as_ref().filter(|_| pod.is_reschedulable()) else { return false };
    let claim = index.claim_of(name);
    if claim.is_some_and(|claim| is_going(claim)) {
        return !claim.is_some_and(|claim| claim.notice.is_none() && was_rehoused(claim));
    }
    let nodes = &snapshot.cluster.nodes;
    let node = nodes.binary_search_by(|node| node.name.cmp(name)).ok().map(|at| &nodes[at]);
    node.is_some_and(|node| node.deleting.is_some())
}

fn was_rehoused(claim: &NodeClaim) -> bool {
    let why = claim.conditions.get(ConditionType::DisruptionReason);
    let by_disruption =
        [DisruptionReason::Underutilized, DisruptionReason::Empty, DisruptionReason::Drifted];
    why.is_some_and(|why| by_disruption.iter().any(|r| why.reason == format!("{r:?}")))
}

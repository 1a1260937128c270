//! What must hold, checked while the world goes on. The first violation ends the run.

use crate::lambda::{Function, TaskId};
use crate::world::{Stage, World};
use jiff::Timestamp;
use model::action::{ClusterAction, DeleteReason};
use model::name::{ClaimName, ClientToken, InstanceId, NodeName, ObjectName, PoolName, Uid, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// A call that was written down for a claim before it was made.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) zone: Zone,
    pub(crate) token: ClientToken,
    pub(crate) index: u32,
}

/// What the checks remember.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    /// The end of the latest outage that someone met.
    pub(crate) last_outage: Option<Timestamp>,
    /// When EC2 last had no capacity.
    pub(crate) last_refusal: Option<Timestamp>,
    /// What was changed since everything was gone.
    pub(crate) mutations: Vec<String>,
    /// The calls written down for each claim.
    pub(crate) intents: BTreeMap<Uid, Vec<Intent>>,
    /// Why claims are being deleted.
    pub(crate) deleted: BTreeMap<ClaimName, DeleteReason>,
    /// Claims that have been initialized, by name.
    pub(crate) initialized: BTreeSet<ClaimName>,
    /// Since when instances have had no claim.
    pub(crate) unclaimed: BTreeMap<InstanceId, Timestamp>,
    /// Instances launched for a pod (by its short id) since it last ran.
    pub(crate) launches_for: BTreeMap<u32, u32>,
    /// When something was last on its way for a pod that waits.
    pub(crate) covered: BTreeMap<ObjectName, Timestamp>,
    /// The most nodes that each pool has had in the last minutes.
    pub(crate) pool_sizes: BTreeMap<PoolName, Vec<usize>>,
}

impl World {
    /// Writes a violation down, which ends the run.
    pub(crate) fn violate(&mut self, invariant: &str, sentence: impl AsRef<str>) {
        let line = format!("{invariant} at {}: {}", self.now(), sentence.as_ref());
        self.record.violations.push(line);
    }

    /// Counts checks.
    pub(crate) fn count_checks(&mut self, count: usize) {
        self.record.checks += u64::try_from(count).unwrap_or(0);
    }

    /// A check: if it does not hold, what was seen is written down.
    pub(crate) fn demand(&mut self, invariant: &str, holds: bool, seen: impl FnOnce() -> String) {
        self.count_checks(1);
        if !holds {
            self.violate(invariant, seen());
        }
    }

    /// Notes a change for the check that there are none in the end.
    pub(crate) fn note_mutation(&mut self, action: &impl std::fmt::Display) {
        if matches!(self.stage, Stage::Quiet { .. }) {
            self.checker.mutations.push(action.to_string());
        }
    }

    /// No node is bound beyond what it has.
    pub(crate) fn check_bound(&mut self, pod: &ObjectName, node: &NodeName) {
        if let Some(entry) = self.store.nodes.get(node) {
            let holds = entry.free.iter().all(|(_, units)| 0 <= units);
            let free = (!holds).then(|| entry.free.clone());
            self.demand("room", holds, || {
                format!("{pod} was bound to {node}, which has {} left", free.unwrap_or_default())
            });
        }
    }

    /// I13: each function does only what it has the right to.
    pub(crate) fn check_right(&mut self, task: TaskId, action: &str, allowed: &[Function]) {
        let function = self.platform.function(task);
        self.demand("I13", function.is_none_or(|function| allowed.contains(&function)), || {
            format!("{} may not {action}", function.map_or("nobody", Function::name))
        });
    }

    /// I13 for changes to the Kubernetes API: who may delete, drain and create.
    pub(crate) fn check_cluster_right(&mut self, task: TaskId, action: &ClusterAction) {
        use Function::{Disruption, Interruption, Lifecycle, Provisioning};
        let allowed: &[Function] = match action {
            ClusterAction::CreateClaim(_) => &[Provisioning, Disruption, Interruption],
            ClusterAction::ReleaseClaim { .. }
            | ClusterAction::ReleaseNode { .. }
            | ClusterAction::UpdatePool { .. } => &[Lifecycle],
            ClusterAction::DeleteNode { .. }
            | ClusterAction::EvictPod { .. }
            | ClusterAction::DeletePod { .. } => &[Lifecycle, Interruption],
            ClusterAction::UpdateClaim { .. }
            | ClusterAction::DeleteClaim { .. }
            | ClusterAction::UpdateNode { .. }
            | ClusterAction::Remember(_)
            | ClusterAction::AcquireLease { .. }
            | ClusterAction::ReleaseLease { .. }
            | ClusterAction::RecordEvent(_) => return,
        };
        self.check_right(task, &action.to_string(), allowed);
    }
}

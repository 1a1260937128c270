//! What a reader of the Kubernetes API gets to see.

use crate::lambda::TaskId;
use crate::store::{NodeEntry, Store};
use crate::world::World;
use jiff::{SignedDuration, Timestamp};
use model::name::{NodeName, ObjectName};
use model::snapshot::{ClusterState, Scope};
use reconciler::ports::ObserveError;
use std::collections::BTreeSet;
use std::sync::Arc;

/// For so long after its initialization a node's pods are read with those that wait (D11): pods that were meant for
/// it are still being bound.
const JUST_JOINED: SignedDuration = SignedDuration::from_secs(60);

impl World {
    /// Reads the cluster for an invocation.
    pub(crate) fn observe_cluster(
        &mut self,
        task: TaskId,
        scope: Scope,
    ) -> Result<ClusterState, ObserveError> {
        let refused = self.api_refusal();
        let now = self.now();
        if let Some(invocation) = self.platform.invocations.get_mut(&task) {
            invocation.observed = refused.is_none().then_some(now);
        }
        match refused {
            Some(refusal) => Err(refusal),
            None => Ok(state(&self.store, scope, now)),
        }
    }

    /// Why the Kubernetes API does not serve a call now.
    pub(crate) fn api_refusal(&mut self) -> Option<ObserveError> {
        let outages = self.faults.api_outages;
        if let Some(end) = outages.ends(self.seed, self.now()) {
            self.outage(outages.kind, end);
            let message = "connection refused".to_owned();
            return Some(ObserveError::Unreachable { service: "Kubernetes", message });
        }
        self.reply_fault(self.faults.throttled, "throttled call")
            .then_some(ObserveError::Throttled { service: "Kubernetes" })
    }
}

/// What the scope covers.
pub(crate) fn state(store: &Store, scope: Scope, now: Timestamp) -> ClusterState {
    let read = |entry: &NodeEntry| match scope {
        Scope::Everything => false,
        Scope::Going => entry.goes,
        Scope::Pending => {
            entry.initialized.is_none_or(|at| now.duration_since(at) < JUST_JOINED) || entry.goes
        }
    };
    let known = store.nodes.iter().filter(|(_, entry)| read(entry));
    let pods_known_on: BTreeSet<NodeName> = known.map(|(name, _)| name.clone()).collect();
    let pods = if scope == Scope::Everything {
        store.pods.values().map(|entry| Arc::clone(&entry.pod)).collect()
    } else {
        let on_nodes = pods_known_on.iter().flat_map(|name| &store.nodes[name].pods);
        let mut names: Vec<&ObjectName> = on_nodes.collect();
        if scope == Scope::Pending {
            names.extend(&store.waiting);
        }
        names.sort_unstable();
        names.iter().map(|name| Arc::clone(&store.pods[*name].pod)).collect()
    };
    ClusterState {
        scope,
        cluster_uid: store.cluster_uid.clone(),
        pods_known_on,
        pods,
        nodes: store.nodes.values().map(|entry| Arc::clone(&entry.node)).collect(),
        claims: store.claims.values().map(Arc::clone).collect(),
        pools: store.pools.clone(),
        node_classes: store.node_classes.clone(),
        daemon_sets: store.daemon_sets.clone(),
        pod_disruption_budgets: store.budgets.iter().map(|b| Arc::clone(&b.budget)).collect(),
        memory: store.memory.clone(),
        unreadable: Vec::new(),
    }
}

//! What a reader of the Kubernetes API gets to see.

use crate::lambda::TaskId;
use crate::scheduler::neighbours::Meant;
use crate::scheduler::ties::has_ties;
use crate::store::{NodeEntry, Store};
use crate::world::World;
use jiff::{SignedDuration, Timestamp};
use model::name::{NodeName, ObjectName};
use model::pod::Pod;
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
            names.extend(looked_at(store, &names));
        }
        names.sort_unstable();
        names.dedup();
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
        namespaces: store.neighbours.namespaces.clone(),
        persistent_volumes: Vec::new(),
        persistent_volume_claims: Vec::new(),
        storage_classes: Vec::new(),
        csi_nodes: Vec::new(),
        memory: store.memory.clone(),
        unreadable: Vec::new(),
    }
}

/// The bound pods at which some of these look: those that their constraints mean, and all that keep others away where one of
/// these is among the others (D11).
fn looked_at<'s>(store: &'s Store, names: &[&ObjectName]) -> Vec<&'s ObjectName> {
    let neighbours = &store.neighbours;
    let mut meant: BTreeSet<Meant> = BTreeSet::new();
    let mut with_keepers = false;
    for pod in names.iter().map(|name| &store.pods[*name].pod) {
        if has_ties(pod) {
            meant.extend(Meant::all_of(pod));
        }
        with_keepers |= neighbours.keepers_of(pod).next().is_some();
    }
    if meant.is_empty() && !with_keepers {
        return Vec::new();
    }
    let is_looked_at = |pod: &Pod| {
        pod.node.is_some()
            && !pod.is_terminal()
            && (with_keepers && !pod.anti_affinity.required.is_empty()
                || meant.iter().any(|meant| meant.means(pod, &neighbours.namespaces)))
    };
    let pods = store.pods.iter().filter(|(_, entry)| is_looked_at(&entry.pod));
    pods.map(|(name, _)| name).collect()
}

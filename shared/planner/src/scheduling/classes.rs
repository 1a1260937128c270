//! Pods that placement cannot tell apart, as one.

use super::amounts::Columns;
use model::affinity::WhenUnsatisfiable;
use model::labels::{self, Labels};
use model::pod::{HostPort, Pod};
use model::reason::Reason;
use model::requirement::Requirements;
use model::resources::Resources;
use model::taint::{Toleration, first_untolerated};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Pods with the same requests and constraints.
#[derive(Clone, Debug)]
pub(crate) struct Class<'a> {
    /// The pods, by name; at least one.
    pub(crate) pods: Vec<&'a Arc<Pod>>,
    /// What one of them requests.
    pub(crate) requests: Vec<i64>,
    /// What they ask of a node's labels: one of these.
    pub(crate) alternatives: Vec<Requirements>,
}

/// All that tells pods apart.
type Key<'a> = (
    Reverse<i32>,
    (Reverse<i64>, Reverse<i64>),
    &'a Resources,
    (&'a Labels, &'a [Requirements]),
    &'a [Toleration],
    &'a [HostPort],
);

fn key(pod: &Pod) -> Key<'_> {
    (
        Reverse(pod.priority),
        (Reverse(pod.requests.cpu_milli), Reverse(pod.requests.memory_bytes)),
        &pod.requests,
        (&pod.node_selector, &pod.node_affinity),
        &pod.tolerations,
        &pod.host_ports,
    )
}

/// Groups pods, in the order in which they are to be placed: by priority, then the bigger (CPU, memory) first.
pub(crate) fn classify<'a>(
    pods: impl IntoIterator<Item = &'a Arc<Pod>>,
    columns: &Columns,
) -> Vec<Class<'a>> {
    let mut groups: BTreeMap<Key<'a>, Vec<&'a Arc<Pod>>> = BTreeMap::new();
    for pod in pods {
        groups.entry(key(pod)).or_default().push(pod);
    }
    let classes = groups.into_values().map(|mut pods| {
        pods.sort_by(|a, b| (&a.name, &a.uid).cmp(&(&b.name, &b.uid)));
        Class {
            requests: columns.row(&pods[0].requests),
            alternatives: pods[0].node_alternatives(),
            pods,
        }
    });
    classes.collect()
}

impl Class<'_> {
    /// One of its pods: all that placement asks of it, it asks of each.
    pub(crate) fn sample(&self) -> &Pod {
        self.pods[0]
    }

    /// Whether two of its pods cannot be on one node.
    pub(crate) fn is_alone_on_a_node(&self) -> bool {
        !self.sample().host_ports.is_empty()
    }

    /// Whether its ports are free on a node with these in use.
    pub(crate) fn ports_fit(&self, used: &[HostPort]) -> bool {
        self.sample()
            .host_ports
            .iter()
            .all(|mine| !used.iter().any(|port| port.conflicts_with(mine)))
    }

    /// Whether a node with these labels and taints takes its pods.
    pub(crate) fn admits_node<'t>(
        &self,
        labels: &Labels,
        mut taints: impl Iterator<Item = &'t model::taint::Taint>,
    ) -> bool {
        let tolerations = &self.sample().tolerations;
        taints.all(|taint| first_untolerated(std::slice::from_ref(taint), tolerations).is_none())
            && self.alternatives.iter().any(|wanted| wanted.admits_labels(labels))
    }
}

/// Why this version places no such pod anywhere, if so.
pub(crate) fn unsupported(pod: &Pod) -> Option<Reason> {
    let opted_out = |wanted: &Requirements| {
        wanted.get(labels::NODEPOOL).is_some_and(|pool| {
            pool.admits_absence() && pool.listed().is_some_and(BTreeSet::is_empty)
        })
    };
    if pod.node_alternatives().iter().all(opted_out) {
        return Some(Reason::OptedOut);
    }
    let must_spread = |s: &model::affinity::TopologySpread| {
        s.when_unsatisfiable == WhenUnsatisfiable::DoNotSchedule
    };
    let what = if pod.topology_spread.iter().any(must_spread) {
        "a topology spread that must be kept"
    } else if !pod.affinity.required.is_empty() {
        "required pod affinity"
    } else if !pod.anti_affinity.required.is_empty() {
        "required pod anti-affinity"
    } else if !pod.volume_claims.is_empty() {
        "persistent volumes"
    } else if pod.resource_claims {
        "devices by resource claims"
    } else {
        return None;
    };
    Some(Reason::Unsupported { what: what.into() })
}

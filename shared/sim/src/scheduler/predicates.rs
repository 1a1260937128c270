//! What kube-scheduler filters nodes by: room, taints, selectors, ports, and who is beside whom.

use crate::scheduler::ties::Ties;
use crate::store::{NodeEntry, Store};
use model::pod::Pod;
use model::taint::first_untolerated;
use std::fmt;

/// Why a node does not take a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// Too little of some resource is free.
    Room,
    /// It is cordoned.
    Cordoned,
    /// A taint is not tolerated.
    Taint,
    /// Node selector or required node affinity.
    Labels,
    /// A host port is taken.
    Ports,
    /// A topology spread that must be kept.
    Spread,
    /// Required pod affinity.
    Affinity,
    /// Required pod anti-affinity, the pod's own or that of one that runs.
    AntiAffinity,
}

/// The first reason why a node does not take a pod with these ties, if there is one.
pub(crate) fn refusal(store: &Store, entry: &NodeEntry, pod: &Pod, ties: &Ties) -> Option<Refusal> {
    let node = &entry.node;
    if !pod.requests.fits(&entry.free) {
        Some(Refusal::Room)
    } else if node.cordoned {
        Some(Refusal::Cordoned)
    } else if first_untolerated(&node.taints, &pod.tolerations).is_some() {
        Some(Refusal::Taint)
    } else if !pod.admits_node_labels(&node.labels) {
        Some(Refusal::Labels)
    } else if !pod.host_ports.is_empty() && !ports_are_free(store, entry, pod) {
        Some(Refusal::Ports)
    } else {
        ties.refusal(&node.labels)
    }
}

/// Whether a pod asks for something that this scheduler does not look at: it is left waiting.
pub(crate) fn asks_for_more(pod: &Pod) -> bool {
    !pod.volume_claims.is_empty() || pod.resource_claims
}

fn ports_are_free(store: &Store, entry: &NodeEntry, pod: &Pod) -> bool {
    let others = entry.pods.iter().filter_map(|name| store.pods.get(name));
    let mut taken = others.filter(|o| !o.pod.is_terminal()).flat_map(|o| &o.pod.host_ports);
    !taken.any(|port| pod.host_ports.iter().any(|wanted| wanted.conflicts_with(port)))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Room => "too little room",
            Self::Cordoned => "cordoned",
            Self::Taint => "a taint",
            Self::Labels => "its labels",
            Self::Ports => "a host port",
            Self::Spread => "topology spread",
            Self::Affinity => "pod affinity",
            Self::AntiAffinity => "pod anti-affinity",
        })
    }
}

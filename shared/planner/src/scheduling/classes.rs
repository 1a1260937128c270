//! Pods that placement cannot tell apart, as one.

use super::amounts::Columns;
use super::topology::Role;
use super::volumes::Volumes;
use model::labels::{self, Labels};
use model::name::Text;
use model::pod::{HostPort, Pod};
use model::reason::Reason;
use model::requirement::Requirements;
use model::resources::Resources;
use model::taint::{Effect, Taint, Toleration};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Pods with the same requests and constraints.
#[derive(Clone, Debug)]
pub(crate) struct Class<'a> {
    /// One of its pods: all that placement asks of it, it asks of each.
    pub(crate) sample: &'a Pod,
    /// The pods, by name.
    pub(crate) pods: Vec<&'a Arc<Pod>>,
    /// What one of them requests.
    pub(crate) requests: Vec<i64>,
    /// What they ask of a node's labels: one of these.
    pub(crate) alternatives: Vec<Requirements>,
    /// What their volumes ask for.
    pub(crate) volumes: Option<&'a Volumes>,
    /// What they are to terms over nodes.
    pub(crate) roles: Vec<Role>,
    /// Whether they keep away from nodes with a `PreferNoSchedule` taint that they do not tolerate.
    pub(crate) avoids_tainted: bool,
}

/// All that tells pods apart, but for their neighbours.
type Key<'a> = (
    Reverse<i32>,
    (Reverse<i64>, Reverse<i64>),
    &'a Resources,
    (&'a Labels, &'a [Requirements], &'a [(i32, Requirements)]),
    &'a [Toleration],
    &'a [HostPort],
);

fn key(pod: &Pod) -> Key<'_> {
    (
        Reverse(pod.priority),
        (Reverse(pod.requests.cpu_milli), Reverse(pod.requests.memory_bytes)),
        &pod.requests,
        (&pod.node_selector, &pod.node_affinity, &pod.preferred_node_affinity),
        &pod.tolerations,
        &pod.host_ports,
    )
}

/// Groups pods, in the order in which they are to be placed: by priority, then the bigger (CPU, memory) first, and
/// those with the same number of ties and equal volumes.
pub(crate) fn classify_with<'a>(
    pods: impl IntoIterator<Item = (&'a Arc<Pod>, usize, Option<&'a Volumes>)>,
    columns: &Columns,
) -> Vec<(Class<'a>, usize)> {
    type Whole<'a> = (Key<'a>, usize, Option<&'a Volumes>);
    let mut groups: BTreeMap<Whole<'a>, Vec<&'a Arc<Pod>>> = BTreeMap::new();
    for (pod, ties, volumes) in pods {
        groups.entry((key(pod), ties, volumes)).or_default().push(pod);
    }
    let mut classes: Vec<(Class<'a>, usize)> = groups
        .into_iter()
        .map(|((_, ties, volumes), mut pods)| {
            pods.sort_by(|a, b| (&a.name, &a.uid).cmp(&(&b.name, &b.uid)));
            let requests = volumes.map(|volumes| volumes.added_to(&pods[0].requests));
            let class = Class {
                sample: pods[0],
                requests: columns.row(requests.as_ref().unwrap_or(&pods[0].requests)),
                alternatives: node_alternatives(pods[0], volumes),
                volumes,
                pods,
                roles: Vec::new(),
                avoids_tainted: false,
            };
            (class, ties)
        })
        .collect();
    // The number of ties depends on the order of the pods, the place of the class must not.
    classes.sort_by(|(a, _), (b, _)| {
        let of = |class: &Class<'a>| (key(class.sample), &class.sample.name, &class.sample.uid);
        of(a).cmp(&of(b))
    });
    classes
}

/// The node requirements that a pod allows, its volumes looked at.
pub(crate) fn node_alternatives(pod: &Pod, volumes: Option<&Volumes>) -> Vec<Requirements> {
    let own = pod.node_alternatives();
    let Some(volumes) = volumes else { return own };
    let both = own.iter().flat_map(|one| volumes.alternatives.iter().map(|v| one.intersect(v)));
    both.collect()
}

/// Groups pods whose neighbours are not looked at.
pub(crate) fn classify<'a>(
    pods: impl IntoIterator<Item = &'a Arc<Pod>>,
    columns: &Columns,
) -> Vec<Class<'a>> {
    let classes = classify_with(pods.into_iter().map(|pod| (pod, 0, None)), columns);
    classes.into_iter().map(|(class, _)| class).collect()
}

impl Class<'_> {
    /// Whether two of its pods cannot be on one node.
    pub(crate) fn is_alone_on_a_node(&self) -> bool {
        !self.sample.host_ports.is_empty()
    }

    /// Whether its ports are free on a node with these in use.
    pub(crate) fn ports_fit(&self, used: &[HostPort]) -> bool {
        self.sample.host_ports.iter().all(|mine| !used.iter().any(|port| port.conflicts_with(mine)))
    }

    /// The first of these taints that keeps its pods away.
    pub(crate) fn kept_away_by<'t>(
        &self,
        mut taints: impl Iterator<Item = &'t Taint>,
    ) -> Option<&'t Taint> {
        taints.find(|taint| {
            let counts = taint.is_hard()
                || (self.avoids_tainted && taint.effect == Effect::PreferNoSchedule);
            counts && !taint.is_tolerated_by(&self.sample.tolerations)
        })
    }

    /// Whether a node with these labels and taints takes its pods.
    pub(crate) fn admits_node<'t>(
        &self,
        labels: &Labels,
        taints: impl Iterator<Item = &'t Taint>,
    ) -> bool {
        self.kept_away_by(taints).is_none()
            && self.alternatives.iter().any(|wanted| wanted.admits_labels(labels))
    }
}

/// Why no place is looked for, whatever there is.
pub(crate) fn never_placed(pod: &Pod) -> Option<Reason> {
    let opted_out = |wanted: &Requirements| {
        wanted.get(labels::NODEPOOL).is_some_and(|pool| {
            pool.admits_absence() && pool.listed().is_some_and(BTreeSet::is_empty)
        })
    };
    if pod.node_alternatives().iter().all(opted_out) {
        return Some(Reason::OptedOut);
    }
    let what = Text::from("devices by resource claims");
    pod.resource_claims.then_some(Reason::Unsupported { what })
}

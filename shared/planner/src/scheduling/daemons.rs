//! What DaemonSets will put on a node, before any other pod is there.

use super::profiles::TypeFilter;
use model::instance_type::InstanceType;
use model::labels::{self, Labels};
use model::name::ObjectName;
use model::node_class::NodeClass;
use model::pod::{HostPort, Pod};
use model::pool::NodePool;
use model::requirement::Requirements;
use model::resources::Resources;
use model::snapshot::DaemonSet;
use model::taint::{Taint, first_untolerated};
use std::sync::Arc;

/// The daemons of a NodePool's nodes.
#[derive(Debug, Default)]
pub(crate) struct Daemons<'a> {
    /// On every node.
    always: Resources,
    /// Only where one of the filters admits the instance type.
    sometimes: Vec<(&'a Resources, Vec<TypeFilter>)>,
    /// Ports that they take; also those of daemons that do not come to every type.
    pub(crate) ports: Vec<HostPort>,
}

impl<'a> Daemons<'a> {
    /// The daemons that nodes with these requirements and taints may get. Startup taints and zones are not looked at: a
    /// daemon counted too much costs a little room, one too few a pod its place.
    pub(crate) fn of_nodes(
        daemon_sets: &'a [Arc<DaemonSet>],
        requirements: &Requirements,
        taints: &[Taint],
    ) -> Self {
        let mut all = Self::default();
        for daemon_set in daemon_sets {
            let pod = &daemon_set.template;
            if first_untolerated(taints, &pod.tolerations).is_some() {
                continue;
            }
            let mut filters = Vec::new();
            for wanted in pod.node_alternatives() {
                if first_conflict(&wanted, requirements).is_none() {
                    filters.push(TypeFilter::of(&wanted));
                }
            }
            if filters.is_empty() {
                continue;
            }
            all.ports.extend(pod.host_ports.iter().cloned());
            if filters.iter().any(TypeFilter::is_empty) {
                all.always.add(&pod.requests);
            } else {
                all.sometimes.push((&pod.requests, filters));
            }
        }
        all
    }

    /// What they request on an instance type.
    pub(crate) fn on(&self, instance_type: &InstanceType) -> Resources {
        let mut sum = self.always.clone();
        for (requests, filters) in &self.sometimes {
            if filters.iter().any(|filter| filter.admits(instance_type)) {
                sum.add(requests);
            }
        }
        sum
    }
}

/// The first label of which what is wanted and what is offered have nothing in common, or that is wanted and not
/// defined. Well-known labels need no definition: instance types have them.
pub(crate) fn first_conflict<'w>(
    wanted: &'w Requirements,
    offered: &Requirements,
) -> Option<&'w str> {
    let conflict = wanted.iter().find(|(key, requirement)| match offered.get(key) {
        Some(defined) => requirement.intersect(defined).is_impossible(),
        None if labels::is_well_known(key) => requirement.is_impossible(),
        None => !requirement.admits_absence(),
    });
    conflict.map(|(key, _)| &**key)
}

/// What every node of a pool is: its requirements and labels, its own name and its class's.
pub(crate) fn node_requirements(pool: &NodePool, class: &NodeClass) -> Requirements {
    let mut all = pool.node_requirements();
    let names = [(labels::NODEPOOL, pool.name.text()), (labels::EC2NODECLASS, class.name.text())];
    for (key, name) in names {
        all.require(key, model::requirement::Requirement::is(name));
    }
    all
}

/// What daemons that have not come yet will take on a node with these labels and taints.
pub(crate) fn still_to_come(
    daemon_sets: &[Arc<DaemonSet>],
    labels: &Labels,
    taints: &[&Taint],
    present: &[&Arc<Pod>],
) -> Resources {
    let mut sum = Resources::default();
    for daemon_set in daemon_sets {
        let pod = &daemon_set.template;
        if present.iter().any(|other| is_of(other, &daemon_set.name)) {
            continue;
        }
        let tolerates =
            |taint: &&Taint| !taint.is_hard() || taint.is_tolerated_by(&pod.tolerations);
        if taints.iter().all(tolerates)
            && pod.node_alternatives().iter().any(|wanted| wanted.admits_labels(labels))
        {
            sum.add(&pod.requests);
        }
    }
    sum
}

fn is_of(pod: &Pod, daemon_set: &ObjectName) -> bool {
    pod.name.namespace == daemon_set.namespace
        && pod.is_daemon()
        && pod.owner.as_ref().is_some_and(|owner| owner.name == daemon_set.name)
}

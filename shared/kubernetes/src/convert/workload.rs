//! DaemonSets and PodDisruptionBudgets.

use crate::convert::pod::{self, namespaced, uid};
use crate::field::FieldError;
use crate::objects::selector::selects_nothing;
use crate::objects::workload;
use jiff::Timestamp;
use model::name::Text;
use model::pod::{Owner, Pod};
use model::snapshot::{DaemonSet, PodDisruptionBudget};
use model::taint::{Effect, Toleration, TolerationOperator};

/// Taints that the DaemonSet controller lets every pod of its own tolerate (Kubernetes documentation, "DaemonSet").
const TOLERATED_BY_DAEMONS: [(&str, Effect); 6] = [
    ("node.kubernetes.io/not-ready", Effect::NoExecute),
    ("node.kubernetes.io/unreachable", Effect::NoExecute),
    ("node.kubernetes.io/disk-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/memory-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/pid-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/unschedulable", Effect::NoSchedule),
];

/// A DaemonSet with a pod as its template makes it.
pub(crate) fn daemon_set(
    object: workload::DaemonSet,
    now: Timestamp,
) -> Result<DaemonSet, FieldError> {
    let workload::DaemonSet { metadata, spec } = object;
    let name = namespaced(&metadata)?;
    let uid = uid(&metadata, &name.to_string());
    let template = spec.template;
    let below = |error: FieldError| FieldError {
        path: format!("spec.template.{}", error.path),
        message: error.message,
    };
    let pod = pod::from_spec(name.clone(), template.metadata, template.spec).map_err(below)?;
    let mut tolerations = pod.tolerations.clone();
    tolerations.extend(TOLERATED_BY_DAEMONS.map(|(key, effect)| Toleration {
        key: key.into(),
        operator: TolerationOperator::Exists,
        effect: Some(effect),
        ..Toleration::default()
    }));
    let owner =
        Owner { kind: "DaemonSet".into(), name: name.name.clone(), uid: Text::clone(&uid).into() };
    let created = metadata.creation_timestamp.map_or(now, |time| time.0);
    let template = Pod { owner: Some(owner), uid: uid.into(), created, tolerations, ..pod };
    Ok(DaemonSet { name, template })
}

/// A PodDisruptionBudget. One without a selector guards nothing, one that the controller has not looked at allows nothing.
pub(crate) fn budget(
    object: workload::PodDisruptionBudget,
) -> Result<PodDisruptionBudget, FieldError> {
    let workload::PodDisruptionBudget { metadata, spec, status } = object;
    Ok(PodDisruptionBudget {
        name: namespaced(&metadata)?,
        selector: spec.selector.map_or_else(selects_nothing, Into::into),
        disruptions_allowed: status.disruptions_allowed,
    })
}

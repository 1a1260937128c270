//! DaemonSets and PodDisruptionBudgets, and the kinds of which only the shape is checked.

use crate::objects::meta::ObjectMeta;
use crate::objects::pod::PodSpec;
use crate::objects::selector::Selector;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct DaemonSet {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: DaemonSetSpec,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct DaemonSetSpec {
    pub(crate) template: PodTemplate,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PodTemplate {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: PodSpec,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PodDisruptionBudget {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    #[serde(default)]
    pub(crate) spec: PodDisruptionBudgetSpec,
    #[serde(default)]
    pub(crate) status: PodDisruptionBudgetStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PodDisruptionBudgetSpec {
    pub(crate) selector: Option<Selector>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodDisruptionBudgetStatus {
    pub(crate) disruptions_allowed: i64,
}

/// A Namespace: its name, uid and labels.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Namespace {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
}

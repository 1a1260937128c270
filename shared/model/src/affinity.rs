//! What pods ask of their neighbours: label selectors, topology spread, pod affinity and anti-affinity.

use crate::labels::Labels;
use crate::name::Text;
use crate::requirement::Requirement;
use serde::{Deserialize, Serialize};

/// A `LabelSelector`: all of it must hold. Empty selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LabelSelector(pub Vec<(Text, Requirement)>);

impl LabelSelector {
    /// Whether an object with these labels is selected.
    pub fn selects(&self, labels: &Labels) -> bool {
        self.0
            .iter()
            .all(|(key, requirement)| requirement.admits_label(labels.get(key).map(|v| &**v)))
    }
}

/// Whether a topology spread constraint or a policy of it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NodeInclusionPolicy {
    /// It is looked at.
    Honor,
    /// It is not.
    Ignore,
}

/// What happens when a spread cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WhenUnsatisfiable {
    /// The pod stays pending.
    DoNotSchedule,
    /// The pod is placed where the skew is least.
    ScheduleAnyway,
}

/// A `topologySpreadConstraints` entry of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopologySpread {
    /// The most by which a domain may exceed the emptiest one, in pods.
    pub max_skew: i32,
    /// The node label whose values are the domains.
    pub topology_key: Text,
    /// What happens when the skew cannot be kept.
    pub when_unsatisfiable: WhenUnsatisfiable,
    /// Which pods are counted.
    pub selector: LabelSelector,
    /// With fewer domains than this the emptiest counts as zero.
    #[serde(default)]
    pub min_domains: Option<i32>,
    /// Whether the pod's node affinity limits the domains (default Honor).
    pub node_affinity_policy: NodeInclusionPolicy,
    /// Whether nodes that the pod does not tolerate are left out (default Ignore).
    pub node_taints_policy: NodeInclusionPolicy,
    /// Keys whose values on the pod are added to the selector.
    #[serde(default)]
    pub match_label_keys: Vec<Text>,
}

/// A term of pod affinity or anti-affinity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodAffinityTerm {
    /// The node label whose values are the domains.
    pub topology_key: Text,
    /// Which pods are meant; none selects no pod.
    pub selector: Option<LabelSelector>,
    /// The namespaces they are in; empty (and no namespace selector) is the pod's own.
    #[serde(default)]
    pub namespaces: Vec<Text>,
    /// Selects further namespaces by their labels; present but empty is all.
    #[serde(default)]
    pub namespace_selector: Option<LabelSelector>,
    /// Keys whose values on the pod must be the same on the others.
    #[serde(default)]
    pub match_label_keys: Vec<Text>,
    /// Keys whose values on the pod must differ on the others.
    #[serde(default)]
    pub mismatch_label_keys: Vec<Text>,
}

/// Required and preferred terms; preferred ones carry a weight of 1 to 100.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PodAffinity {
    /// All must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<PodAffinityTerm>,
    /// Each that holds is worth its weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred: Vec<(i32, PodAffinityTerm)>,
}

impl PodAffinity {
    /// Whether there is no term.
    pub fn is_empty(&self) -> bool {
        self.required.is_empty() && self.preferred.is_empty()
    }
}

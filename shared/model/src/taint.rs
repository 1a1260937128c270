//! Taints and tolerations, by the rules of the Kubernetes documentation, "Taints and Tolerations".

use crate::labels;
use crate::name::Text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a taint does to pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Effect {
    /// They are not placed.
    NoSchedule,
    /// They are placed only when nothing else is left.
    PreferNoSchedule,
    /// They are not placed, and those that run are evicted.
    NoExecute,
}

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taint {
    /// The key.
    pub key: Text,
    /// The value; empty when there is none.
    #[serde(default)]
    pub value: Text,
    /// What it does.
    pub effect: Effect,
}

/// How a toleration compares values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TolerationOperator {
    /// The value is the same.
    #[default]
    Equal,
    /// Any value.
    Exists,
}

/// A toleration of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Toleration {
    /// The taint's key; empty with `Exists` means every taint.
    #[serde(default)]
    pub key: Text,
    /// How the value is compared.
    #[serde(default)]
    pub operator: TolerationOperator,
    /// The taint's value, for `Equal`.
    #[serde(default)]
    pub value: Text,
    /// The effect that is tolerated; none means every effect.
    #[serde(default)]
    pub effect: Option<Effect>,
    /// Seconds that a `NoExecute` taint is tolerated; not looked at here.
    #[serde(default)]
    pub toleration_seconds: Option<i64>,
}

impl Taint {
    /// A taint without a value.
    pub fn new(key: &str, effect: Effect) -> Self {
        Self { key: key.into(), value: "".into(), effect }
    }

    /// Whether one of the tolerations covers this taint.
    pub fn is_tolerated_by(&self, tolerations: &[Toleration]) -> bool {
        tolerations.iter().any(|t| t.covers(self))
    }

    /// Whether the taint keeps pods away for good (`PreferNoSchedule` does not).
    pub fn is_hard(&self) -> bool {
        self.effect != Effect::PreferNoSchedule
    }

    /// Whether the taint goes away by itself while a node comes up (Karpenter 1.14, known ephemeral taints).
    pub fn is_ephemeral(&self) -> bool {
        match &*self.key {
            "node.kubernetes.io/not-ready" => self.is_hard(),
            "node.kubernetes.io/unreachable" => self.effect == Effect::NoSchedule,
            "node.cloudprovider.kubernetes.io/uninitialized" => true,
            key => key == labels::UNREGISTERED_TAINT || key.starts_with("readiness.k8s.io/"),
        }
    }
}

impl Toleration {
    fn covers(&self, taint: &Taint) -> bool {
        if self.effect.is_some_and(|effect| effect != taint.effect) {
            return false;
        }
        match self.operator {
            TolerationOperator::Exists => self.key.is_empty() || self.key == taint.key,
            TolerationOperator::Equal => self.key == taint.key && self.value == taint.value,
        }
    }
}

/// The first hard taint that is not tolerated.
pub fn first_untolerated<'a>(taints: &'a [Taint], tolerations: &[Toleration]) -> Option<&'a Taint> {
    taints.iter().find(|taint| taint.is_hard() && !taint.is_tolerated_by(tolerations))
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() {
            write!(f, "{}:{:?}", self.key, self.effect)
        } else {
            write!(f, "{}={}:{:?}", self.key, self.value, self.effect)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toleration(key: &str, operator: TolerationOperator, value: &str) -> Toleration {
        Toleration { key: key.into(), operator, value: value.into(), ..Toleration::default() }
    }

    #[test]
    fn a_toleration_covers_its_taint_and_no_other() {
        let gpu = Taint { key: "gpu".into(), value: "a100".into(), effect: Effect::NoSchedule };
        let equal = toleration("gpu", TolerationOperator::Equal, "a100");
        assert!(gpu.is_tolerated_by(std::slice::from_ref(&equal)));
        assert!(!gpu.is_tolerated_by(&[toleration("gpu", TolerationOperator::Equal, "t4")]));
        assert!(gpu.is_tolerated_by(&[toleration("gpu", TolerationOperator::Exists, "")]));
        assert!(gpu.is_tolerated_by(&[toleration("", TolerationOperator::Exists, "")]));
        let other_effect = Toleration { effect: Some(Effect::NoExecute), ..equal };
        assert!(!gpu.is_tolerated_by(&[other_effect]));
    }

    #[test]
    fn a_preference_is_not_a_refusal() {
        let taints =
            [Taint::new("soft", Effect::PreferNoSchedule), Taint::new("hard", Effect::NoExecute)];
        let untolerated = first_untolerated(&taints, &[]).map(ToString::to_string);
        assert_eq!(untolerated.as_deref(), Some("hard:NoExecute"));
    }
}

//! Status conditions of NodeClaims, under Karpenter's names.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The type of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConditionType {
    /// The instance has been launched.
    Launched,
    /// Its node has registered.
    Registered,
    /// Its node is ready for all that was asked of it.
    Initialized,
    /// Consolidation may look at it.
    Consolidatable,
    /// It no longer is what its NodePool or EC2NodeClass ask for.
    Drifted,
    /// Its node has been drained.
    Drained,
    /// Its volumes are detached.
    VolumesDetached,
    /// Its instance is being terminated.
    InstanceTerminating,
    /// Why it is being disrupted.
    DisruptionReason,
}

impl ConditionType {
    /// Every type that joiner knows.
    pub const ALL: [Self; 9] = [
        Self::Launched,
        Self::Registered,
        Self::Initialized,
        Self::Consolidatable,
        Self::Drifted,
        Self::Drained,
        Self::VolumesDetached,
        Self::InstanceTerminating,
        Self::DisruptionReason,
    ];

    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Launched => "Launched",
            Self::Registered => "Registered",
            Self::Initialized => "Initialized",
            Self::Consolidatable => "Consolidatable",
            Self::Drifted => "Drifted",
            Self::Drained => "Drained",
            Self::VolumesDetached => "VolumesDetached",
            Self::InstanceTerminating => "InstanceTerminating",
            Self::DisruptionReason => "DisruptionReason",
        }
    }
}

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Not known.
    Unknown,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Whether it holds.
    pub status: Status,
    /// A word for machines.
    pub reason: String,
    /// A sentence for people; may be empty.
    #[serde(default)]
    pub message: String,
    /// When the status last changed.
    pub since: Timestamp,
}

/// All conditions of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conditions(BTreeMap<ConditionType, Condition>);

impl Conditions {
    /// The condition of this type.
    pub fn get(&self, kind: ConditionType) -> Option<&Condition> {
        self.0.get(&kind)
    }

    /// Whether the condition is there and true.
    pub fn is_true(&self, kind: ConditionType) -> bool {
        self.0.get(&kind).is_some_and(|condition| condition.status == Status::True)
    }

    /// Since when the condition is true.
    pub fn true_since(&self, kind: ConditionType) -> Option<Timestamp> {
        self.0.get(&kind).filter(|c| c.status == Status::True).map(|c| c.since)
    }

    /// Sets a condition; `since` stays when the status does. Says whether anything changed.
    pub fn set(&mut self, kind: ConditionType, mut condition: Condition) -> bool {
        if let Some(present) = self.0.get(&kind) {
            if present.status == condition.status {
                condition.since = present.since;
            }
            if *present == condition {
                return false;
            }
        }
        self.0.insert(kind, condition);
        true
    }

    /// Removes a condition. Says whether it was there.
    pub fn clear(&mut self, kind: ConditionType) -> bool {
        self.0.remove(&kind).is_some()
    }

    /// All conditions in the order of their types.
    pub fn iter(&self) -> impl Iterator<Item = (&ConditionType, &Condition)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_the_time_of_its_last_change() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let launched = |since| Condition {
            status: Status::True,
            reason: "Launched".into(),
            message: String::new(),
            since,
        };
        let mut all = Conditions::default();
        assert!(all.set(ConditionType::Launched, launched(at(10))));
        assert!(!all.set(ConditionType::Launched, launched(at(20))));
        assert_eq!(all.true_since(ConditionType::Launched), Some(at(10)));
    }
}

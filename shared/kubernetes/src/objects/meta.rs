//! What all objects have: metadata, and the values that stand in many kinds.

use crate::format;
use jiff::{SignedDuration, Timestamp};
use model::labels::Labels;
use model::name::Text;
use model::taint::{Effect, Taint};
use serde::Deserialize;

/// `metadata`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ObjectMeta {
    pub(crate) name: Text,
    pub(crate) namespace: Option<Text>,
    pub(crate) uid: Option<Text>,
    pub(crate) resource_version: Version,
    pub(crate) generation: i64,
    pub(crate) creation_timestamp: Option<Time>,
    pub(crate) deletion_timestamp: Option<Time>,
    pub(crate) labels: Labels,
    pub(crate) annotations: Labels,
    pub(crate) finalizers: Vec<Text>,
    pub(crate) owner_references: Vec<OwnerReference>,
}

/// An entry of `metadata.ownerReferences`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OwnerReference {
    pub(crate) kind: Text,
    pub(crate) name: Text,
    #[serde(default)]
    pub(crate) uid: Text,
    #[serde(default)]
    pub(crate) controller: bool,
}

/// `metadata.resourceVersion`: a number since Kubernetes made versions comparable; zero where there is none.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Version(pub(crate) u64);

impl TryFrom<String> for Version {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let number = text.parse().map(Self);
        number.map_err(|_| format!("expected a number, found {:?}", clip(&text)))
    }
}

/// A time.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Time(pub(crate) Timestamp);

impl TryFrom<String> for Time {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        format::time(&text).map(Self).ok_or_else(|| {
            format!("expected a time such as 2026-01-01T00:00:00Z, found {:?}", clip(&text))
        })
    }
}

/// A duration such as `1h30m`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Duration(pub(crate) SignedDuration);

impl TryFrom<String> for Duration {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        format::duration(&text).map(Self).ok_or_else(|| {
            format!("expected a duration such as 30s or 1h30m, found {:?}", clip(&text))
        })
    }
}

/// A duration such as `720h`, or `Never`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct DurationOrNever(pub(crate) Option<SignedDuration>);

impl TryFrom<String> for DurationOrNever {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        format::duration_or_never(&text).map(Self).ok_or_else(|| {
            format!("expected a duration such as 720h or 1h30m, or Never, found {:?}", clip(&text))
        })
    }
}

/// An entry of `status.conditions`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: Text,
    pub(crate) status: Text,
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) last_transition_time: Option<Time>,
}

/// Whether the condition is there and true.
pub(crate) fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions.iter().any(|c| &*c.kind == kind && &*c.status == "True")
}

/// A taint of a node; `timeAdded` is not looked at.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NodeTaint {
    pub(crate) key: Text,
    #[serde(default)]
    pub(crate) value: Text,
    pub(crate) effect: Effect,
}

impl From<NodeTaint> for Taint {
    fn from(NodeTaint { key, value, effect }: NodeTaint) -> Self {
        Self { key, value, effect }
    }
}

/// Enough of a bad text to recognise it in one line.
pub(crate) fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

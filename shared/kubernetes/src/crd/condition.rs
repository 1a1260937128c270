//! Conditions in the status of every kind.

use super::pattern;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that is known of an object, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// When the status changed last.
    pub last_transition_time: Time,
    /// What a person should know about it; may be empty.
    #[schemars(length(max = 32768))]
    pub message: String,
    /// The generation of the object that the condition was made for. An older one than the object's says nothing of its
    /// present spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// Why, in one word for programs.
    #[schemars(length(min = 1, max = 1024), regex(pattern = pattern::CONDITION_REASON))]
    pub reason: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// What is known: a word, or a word under a domain.
    #[serde(rename = "type")]
    #[schemars(length(max = 316), regex(pattern = pattern::CONDITION_TYPE))]
    pub kind: String,
}

/// A condition of a NodeClaim, which may lack reason and message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimCondition {
    /// When the status changed last.
    pub last_transition_time: Time,
    /// What a person should know about it; may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32768))]
    pub message: Option<String>,
    /// The generation of the object that the condition was made for. An older one than the object's says nothing of its
    /// present spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// Why, in one word for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024), regex(pattern = pattern::CLAIM_CONDITION_REASON))]
    pub reason: Option<String>,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// What is known: a word, or a word under a domain.
    #[serde(rename = "type")]
    #[schemars(length(max = 316), regex(pattern = pattern::CONDITION_TYPE))]
    pub kind: String,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It does.
    True,
    /// It does not.
    False,
    /// Nobody knows yet.
    Unknown,
}

//! What NodePools and NodeClaims have in common: requirements, taints, and the reference to a node class.

use super::pattern;
use super::rules::{self, cel};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

/// What a label of a node has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    /// The label's key.
    #[schemars(
        length(max = 316),
        regex(pattern = pattern::QUALIFIED_NAME),
        extend("x-kubernetes-validations" = rules::claim_key())
    )]
    pub key: String,
    /// At least this many different values must remain possible when a node is launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 50), transform = without_format)]
    pub min_values: Option<i32>,
    /// How the label's value relates to `values`.
    pub operator: Operator,
    /// What the operator compares with: one or more values for `In` and `NotIn`, one whole number for `Gt`, `Lt`, `Gte` and
    /// `Lte`, none for `Exists` and `DoesNotExist`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "maxLength" = 63,
        "pattern" = pattern::LABEL_VALUE,
        "x-kubernetes-list-type" = "atomic"
    ))]
    pub values: Option<Vec<String>>,
}

/// How a label's value relates to those that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Operator {
    /// It is a number, and not smaller.
    Gte,
    /// It is a number, and not larger.
    Lte,
    /// It is one of them.
    In,
    /// It is none of them.
    NotIn,
    /// There is one.
    Exists,
    /// There is none.
    DoesNotExist,
    /// It is a number, and larger.
    Gt,
    /// It is a number, and smaller.
    Lt,
}

/// A taint of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Taint {
    /// What happens to pods that do not tolerate it.
    pub effect: TaintEffect,
    /// The taint's key.
    #[schemars(length(min = 1), regex(pattern = pattern::QUALIFIED_NAME))]
    pub key: String,
    /// When it was put on the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub time_added: Option<Time>,
    /// The taint's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::QUALIFIED_NAME))]
    pub value: Option<String>,
}

/// What a taint does to pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// They are not scheduled onto the node.
    NoSchedule,
    /// They are scheduled onto another node where there is one.
    PreferNoSchedule,
    /// They are not scheduled onto the node, and evicted from it.
    NoExecute,
}

/// The object that says how nodes are launched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeClassRef {
    /// Its API group, without a version.
    #[schemars(
        regex(pattern = pattern::GROUP),
        extend("x-kubernetes-validations" = cel(rules::GROUP))
    )]
    pub group: String,
    /// Its kind.
    #[schemars(extend("x-kubernetes-validations" = cel(rules::KIND)))]
    pub kind: String,
    /// Its name.
    #[schemars(extend("x-kubernetes-validations" = cel(rules::NAME)))]
    pub name: String,
}

/// An integer of which the API does not say how long it is.
fn without_format(schema: &mut Schema) {
    schema.remove("format");
}

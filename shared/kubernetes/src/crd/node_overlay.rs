//! NodeOverlay `karpenter.sh/v1alpha1`: what an operator knows better about instance types than their cloud tells.

use super::amount::Amounts;
use super::condition::Condition;
use super::pattern;
use super::requirement::Operator;
use super::rules::{self, cel};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which instance types are meant, and what is different about them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, CustomResource, JsonSchema)]
#[kube(
    group = "karpenter.sh",
    version = "v1alpha1",
    kind = "NodeOverlay",
    status = "NodeOverlayStatus",
    derive = "PartialEq",
    shortname = "overlays",
    category = "karpenter",
    doc = "Prices and resources of instance types that stand instead of what the cloud tells.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Weight", type_ = "integer", priority = 1, json_path = ".spec.weight")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = cel(rules::NODE_OVERLAY)))]
pub struct NodeOverlaySpec {
    /// Extended resources that nodes have beside those that the cloud tells of. Overlays that meet on one instance type add up;
    /// where they name the same resource the heavier one counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = cel(rules::OVERLAY_CAPACITY)))]
    pub capacity: Option<Amounts>,
    /// The price in dollars an hour. Not together with `priceAdjustment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::PRICE))]
    pub price: Option<String>,
    /// What is added to the cloud's price or taken off: dollars an hour (`+0.5`) or a percentage (`-10%`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::PRICE_ADJUSTMENT))]
    pub price_adjustment: Option<String>,
    /// The instance types and offerings that are meant: those whose labels meet all of these.
    #[schemars(
        length(max = 100),
        extend("x-kubernetes-list-type" = "atomic"),
        extend("x-kubernetes-validations" = cel(rules::OVERLAY_REQUIREMENTS))
    )]
    pub requirements: Vec<OverlayRequirement>,
    /// Of overlays that meet on one instance type, the one with the largest weight counts; of equal ones, the first by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub weight: Option<i32>,
}

/// What a label of an instance type has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverlayRequirement {
    /// The label's key.
    #[schemars(
        length(max = 316),
        regex(pattern = pattern::QUALIFIED_NAME),
        extend("x-kubernetes-validations" = rules::overlay_key())
    )]
    pub key: String,
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

/// What became of an overlay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeOverlayStatus {
    /// What is known of the overlay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Option<Vec<Condition>>,
}

//! Terms that select things of AWS. The fields of a term hold together, the terms of a list each by itself.

use super::super::pattern;
use super::rules::{ALIAS, PLACEMENT_GROUP, TERM_TAGS};
use crate::crd::rules::cel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which images are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AmiSelectorTerm {
    /// A family of AWS's images and a version, as `al2023@latest`. Stands alone, in the only term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 30), extend("x-kubernetes-validations" = cel(ALIAS)))]
    pub alias: Option<String>,
    /// The image itself. Stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::AMI))]
    pub id: Option<String>,
    /// The image's name, which need not be unique; `*` and `?` stand for any text and any character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who owns the image: an account, `self`, `amazon` or `aws-marketplace`. Without it, images of one's own account and of Amazon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// A parameter of the Systems Manager that holds an image, by name or ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssm_parameter: Option<String>,
    /// Tags that the image has; `*` is any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 20, "x-kubernetes-validations" = cel(TERM_TAGS)))]
    pub tags: Option<BTreeMap<String, String>>,
}

/// Which subnets are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubnetSelectorTerm {
    /// The subnet itself. Stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::SUBNET))]
    pub id: Option<String>,
    /// Tags that the subnet has; `*` is any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 20, "x-kubernetes-validations" = cel(TERM_TAGS)))]
    pub tags: Option<BTreeMap<String, String>>,
}

/// Which security groups are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecurityGroupSelectorTerm {
    /// The security group itself. Stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::SECURITY_GROUP))]
    pub id: Option<String>,
    /// The security group's name, which is not its tag `Name`. Stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Tags that the security group has; `*` is any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 20, "x-kubernetes-validations" = cel(TERM_TAGS)))]
    pub tags: Option<BTreeMap<String, String>>,
}

/// Which capacity reservations are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapacityReservationSelectorTerm {
    /// The capacity reservation itself. Stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::CAPACITY_RESERVATION))]
    pub id: Option<String>,
    /// Which instances the reservation takes in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "InstanceMatchCriteria")]
    pub instance_match_criteria: Option<InstanceMatchCriteria>,
    /// The account that owns the reservation.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "ownerID")]
    #[schemars(regex(pattern = pattern::ACCOUNT))]
    pub owner_id: Option<String>,
    /// Tags that the reservation has; `*` is any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 20, "x-kubernetes-validations" = cel(TERM_TAGS)))]
    pub tags: Option<BTreeMap<String, String>>,
}

/// Which instances a capacity reservation takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstanceMatchCriteria {
    /// Any that fits.
    Open,
    /// Those that name it.
    Targeted,
}

/// Which placement group is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = cel(PLACEMENT_GROUP)))]
pub struct PlacementGroupSelector {
    /// The placement group itself. Not together with `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = pattern::PLACEMENT_GROUP))]
    pub id: Option<String>,
    /// The placement group's name. Not together with `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
}

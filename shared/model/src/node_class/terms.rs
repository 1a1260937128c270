//! What an EC2NodeClass selects: terms of which any may be met, each with conditions that must all be met.

use crate::labels::Labels;
use crate::name::Text;
use serde::{Deserialize, Serialize};

/// Which images are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageTerm {
    /// `family@version`: what EKS publishes.
    pub alias: Option<Text>,
    /// The image itself.
    pub id: Option<Text>,
    /// Its name; `*` and `?` are wildcards.
    pub name: Option<Text>,
    /// An account, `self`, `amazon` or `aws-marketplace`.
    pub owner: Option<Text>,
    /// A parameter of the Systems Manager that holds an image's id.
    pub ssm_parameter: Option<Text>,
    /// Tags that it has; `*` is any value.
    pub tags: Labels,
}

/// Which subnets or security groups are meant; only the latter have names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Term {
    /// The thing itself.
    pub id: Option<Text>,
    /// The security group's name.
    pub name: Option<Text>,
    /// Tags that it has; `*` is any value.
    pub tags: Labels,
}

/// Which capacity reservations are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReservationTerm {
    /// The reservation itself.
    pub id: Option<Text>,
    /// `open` or `targeted`.
    pub instance_match_criteria: Option<Text>,
    /// The account that owns it.
    #[serde(rename = "ownerID")]
    pub owner_id: Option<Text>,
    /// Tags that it has; `*` is any value.
    pub tags: Labels,
}

/// Which placement group is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlacementGroupTerm {
    /// The group itself.
    pub id: Option<Text>,
    /// Its name.
    pub name: Option<Text>,
}

//! What an EC2NodeClass came to: the things of AWS that its terms select.

use super::super::condition::Condition;
use super::super::pattern;
use super::selector::InstanceMatchCriteria;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the class came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EC2NodeClassStatus {
    /// The images that are launched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amis: Option<Vec<Ami>>,
    /// The capacity reservations that may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_reservations: Option<Vec<CapacityReservation>>,
    /// What is known of the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// The instance profile that was made for `role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_profile: Option<String>,
    /// The security groups of the network interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<SecurityGroup>>,
    /// The subnets that are launched into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<Subnet>>,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ami {
    /// Whether its owner says that it should not be used any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<bool>,
    /// The image itself.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What an instance type has to be for it.
    pub requirements: Vec<AmiRequirement>,
}

/// What a label of an instance type has to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AmiRequirement {
    /// The label's key.
    pub key: String,
    /// How the label's value relates to `values`: `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`.
    pub operator: String,
    /// What the operator compares with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub values: Option<Vec<String>>,
}

/// A capacity reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapacityReservation {
    /// The zone that it is in.
    pub availability_zone: String,
    /// When it ends; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub end_time: Option<Time>,
    /// The reservation itself.
    #[schemars(regex(pattern = pattern::CAPACITY_RESERVATION))]
    pub id: String,
    /// Which instances it takes in.
    pub instance_match_criteria: InstanceMatchCriteria,
    /// The instance type that it is for.
    pub instance_type: String,
    /// Whether its owner may take it back while instances run in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruptible: Option<bool>,
    /// The account that owns it.
    #[serde(rename = "ownerID")]
    #[schemars(regex(pattern = pattern::ACCOUNT))]
    pub owner_id: String,
    /// What kind of reservation it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ReservationType", extend("default" = "default"))]
    pub reservation_type: Option<ReservationType>,
    /// Whether it may still be launched into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ReservationState", extend("default" = "active"))]
    pub state: Option<ReservationState>,
}

/// The kinds of capacity reservations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReservationType {
    /// One that is there until it is given back.
    Default,
    /// One for a time agreed on beforehand.
    CapacityBlock,
}

/// Whether a capacity reservation may still be launched into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReservationState {
    /// It may.
    Active,
    /// It ends soon, and its nodes with it.
    Expiring,
}

/// A security group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecurityGroup {
    /// The security group itself.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subnet {
    /// The subnet itself.
    pub id: String,
    /// The zone that it is in.
    pub zone: String,
    /// The id of that zone, which means the same in every account.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "zoneID")]
    pub zone_id: Option<String>,
}

//! Instance types and their offerings.

use crate::labels::{self, Labels};
use crate::name::{InstanceTypeName, Text, Zone};
use crate::price::Price;
use crate::requirement::Requirements;
use crate::resources::Resources;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How capacity is bought. The order is that in which Karpenter tries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityType {
    /// From a capacity reservation.
    Reserved,
    /// Spare capacity that EC2 may take back with two minutes' notice.
    Spot,
    /// At list price.
    OnDemand,
}

impl CapacityType {
    /// The value of the label `karpenter.sh/capacity-type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Spot => "spot",
            Self::OnDemand => "on-demand",
        }
    }

    /// Reads the label's value.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Reserved, Self::Spot, Self::OnDemand].into_iter().find(|c| c.as_str() == text)
    }
}

impl fmt::Display for CapacityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An instance type in one zone under one capacity type: the thing that can be unavailable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferingKey {
    /// The instance type.
    pub instance_type: InstanceTypeName,
    /// The zone.
    pub zone: Zone,
    /// The capacity type.
    pub capacity_type: CapacityType,
}

impl fmt::Display for OfferingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} in {}", self.instance_type, self.capacity_type, self.zone)
    }
}

/// What an instance type costs in one zone under one capacity type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offering {
    /// The zone.
    pub zone: Zone,
    /// The zone's id, the same in every account, where known.
    #[serde(default)]
    pub zone_id: Option<Text>,
    /// The capacity type.
    pub capacity_type: CapacityType,
    /// Per hour.
    pub price: Price,
    /// Whether it is offered at all; what was lately refused stands in the snapshot's memory instead.
    pub available: bool,
}

impl Offering {
    /// Whether zone and capacity type are admitted.
    pub fn admitted_by(&self, requirements: &Requirements) -> bool {
        requirements.admits(labels::ZONE, &self.zone)
            && requirements.admits(labels::CAPACITY_TYPE, self.capacity_type.as_str())
            && requirements
                .get(labels::ZONE_ID)
                .is_none_or(|r| r.admits_label(self.zone_id.as_deref()))
    }
}

/// An instance type as one EC2NodeClass would run it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceType {
    /// Its name.
    pub name: InstanceTypeName,
    /// All labels that a node of it will carry, but for zone, zone id, capacity type and host name.
    pub labels: Labels,
    /// What the kubelet will report as capacity.
    pub capacity: Resources,
    /// What pods may use: capacity less what system, kubelet and eviction threshold keep.
    pub allocatable: Resources,
    /// Where and how it can be bought, in the order of zone and capacity type.
    pub offerings: Vec<Offering>,
}

impl InstanceType {
    /// Whether the labels of the type are admitted; zone, zone id, capacity type and host name are not looked at,
    /// nor are keys that no instance type describes.
    pub fn admitted_by(&self, requirements: &Requirements) -> bool {
        requirements.iter().all(|(key, requirement)| match &**key {
            labels::ZONE | labels::ZONE_ID | labels::CAPACITY_TYPE | labels::HOSTNAME => true,
            key if labels::is_well_known(key) && key != labels::NODEPOOL => {
                requirement.admits_label(self.labels.get(key).map(|v| &**v))
            }
            key => self.labels.get(key).is_none_or(|value| requirement.admits(value)),
        })
    }

    /// The offering of this zone and capacity type.
    pub fn offering(&self, zone: &Zone, capacity_type: CapacityType) -> Option<&Offering> {
        self.offerings.iter().find(|o| o.zone == *zone && o.capacity_type == capacity_type)
    }

    /// The key under which one of its offerings is remembered.
    pub fn key(&self, offering: &Offering) -> OfferingKey {
        OfferingKey {
            instance_type: self.name.clone(),
            zone: offering.zone.clone(),
            capacity_type: offering.capacity_type,
        }
    }
}

//! Where an instance type can be bought for a class, and for how much.

use crate::facts::InstanceFacts;
use model::instance_type::{CapacityType, Offering};
use model::name::{Text, Zone};
use model::node_class::NodeClass;

/// A zone that nodes of the class can be launched in.
pub(crate) struct Place {
    zone: Zone,
    zone_id: Option<Text>,
}

/// The zones in which the class has a subnet; all of them while it has none at all.
pub(crate) fn places(zones: &[Zone], class: &NodeClass) -> Vec<Place> {
    let place = |zone: &Zone| {
        let mut subnets = class.subnets.iter().filter(|subnet| subnet.zone == *zone).peekable();
        if subnets.peek().is_none() && !class.subnets.is_empty() {
            return None;
        }
        let zone_id = subnets.find_map(|subnet| subnet.zone_id.clone());
        Some(Place { zone: zone.clone(), zone_id })
    };
    zones.iter().filter_map(place).collect()
}

/// The offerings in these places, in the order of zone and capacity type.
pub(crate) fn offerings(facts: &InstanceFacts, region: &str, places: &[Place]) -> Vec<Offering> {
    let Some(in_region) = facts.regions.get(region) else {
        return Vec::new();
    };
    let mut offerings = Vec::with_capacity(2 * in_region.zones.len());
    for at in &in_region.zones {
        let Some(place) = places.iter().find(|place| place.zone == at.zone) else {
            continue;
        };
        let prices =
            [(CapacityType::Spot, at.spot), (CapacityType::OnDemand, Some(in_region.on_demand))];
        for (capacity_type, price) in prices {
            let Some(price) = price.filter(|_| facts.usage_classes.contains(&capacity_type)) else {
                continue;
            };
            offerings.push(Offering {
                zone: at.zone.clone(),
                zone_id: place.zone_id.clone(),
                capacity_type,
                price,
                available: true,
            });
        }
    }
    offerings
}

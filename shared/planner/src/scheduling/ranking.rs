//! From a bin to the offerings that are tried for it, best first.

use super::pools::holders;
use super::profiles::Profile;
use super::stock::{Market, Stock};
use model::action::Choice;
use model::instance_type::{CapacityType, InstanceType, OfferingKey};
use model::labels::{self, Labels};
use model::name::Text;
use model::node_class::NodeClass;
use model::price::Price;
use model::requirement::{Requirement, Requirements};
use std::collections::BTreeSet;

/// Twenty: a refused offering costs one call, and the bucket of RunInstances holds two a second; twenty take as long as
/// a node takes to boot, and by then the next pass plans better with what is remembered.
pub(crate) const LAUNCH_CHOICES_MAX: usize = 20;

/// A quarter of the choices is kept for on-demand capacity, because spot capacity runs out in many places at once.
const ON_DEMAND_CHOICES: usize = 5;

/// How many instance types a claim names (Karpenter 1.14 hands 60 to its fleet call).
const TYPES_PER_CLAIM_MAX: usize = 60;

/// What a claim can be launched as.
#[derive(Clone, Debug)]
pub(crate) struct Ranking<'a> {
    /// The offerings, best first; at most [`LAUNCH_CHOICES_MAX`].
    pub(crate) choices: Vec<Choice>,
    /// The pods' and pool's requirements, narrowed to what is allowed here.
    pub(crate) requirements: Requirements,
    /// The class that all this is of.
    pub(crate) class: &'a NodeClass,
}

/// What is ranked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'r, 'a> {
    /// What can be launched.
    pub(crate) stock: &'r Stock<'a>,
    /// What the pods admit of it.
    pub(crate) profile: &'r Profile,
    /// What they request.
    pub(crate) used: &'r [i64],
    /// The claim's labels.
    pub(crate) labels: &'r Labels,
}

type Ranked = (Price, CapacityType, usize, usize);

/// All that holds the pods, cheapest first; spot that is dearer than the cheapest on-demand offering is left out, as are
/// types with accelerators while others will do (both as Karpenter). `allows` refuses shapes, because of
/// a pool's limits, say.
pub(crate) fn rank<'a>(subject: Subject<'_, 'a>, allows: impl Fn(usize) -> bool) -> Ranking<'a> {
    let Subject { stock, profile, used, labels } = subject;
    let mut shapes: Vec<usize> =
        holders(stock, profile, used).filter(|shape| allows(*shape)).collect();
    if shapes.iter().any(|shape| !stock.shapes[*shape].is_exotic) {
        shapes.retain(|shape| !stock.shapes[*shape].is_exotic);
    }
    let named = types_to_name(stock, profile, &shapes);
    let mut offers: Vec<Ranked> = Vec::with_capacity(named.len() * 8);
    for shape in &named {
        for offer in stock.offers(*shape).iter().filter(|o| profile.markets & (1 << o.market) != 0)
        {
            let capacity_type = stock.markets[offer.market].capacity_type;
            offers.push((offer.price, capacity_type, *shape, offer.market));
        }
    }
    offers.sort_unstable();
    let is_on_demand = |offer: &&Ranked| offer.1 == CapacityType::OnDemand;
    if let Some((dearest, ..)) = offers.iter().find(is_on_demand).copied() {
        offers.retain(|(price, capacity_type, ..)| {
            *capacity_type != CapacityType::Spot || *price <= dearest
        });
    }
    let choices = pick(&offers).into_iter().map(|(price, _, shape, market)| {
        let instance_type = stock.shapes[shape].instance_type;
        choice(stock, instance_type, &stock.markets[market], (price, labels))
    });
    let requirements = narrowed(stock, profile, &named, &offers);
    Ranking { choices: choices.collect(), requirements, class: stock.class }
}

/// The cheapest of all, with some room kept for on-demand ones. They are in order of price and stay so.
fn pick(offers: &[Ranked]) -> Vec<Ranked> {
    let on_demand = offers.iter().filter(|offer| offer.1 == CapacityType::OnDemand);
    let kept: Vec<Ranked> = on_demand.take(ON_DEMAND_CHOICES).copied().collect();
    let mut picked: Vec<Ranked> = kept.clone();
    let others = offers.iter().filter(|offer| !kept.contains(offer));
    picked.extend(others.take(LAUNCH_CHOICES_MAX - kept.len()));
    picked.sort_unstable();
    picked
}

/// The cheapest types; more than the usual number only while `minValues` lacks values.
fn types_to_name(stock: &Stock<'_>, profile: &Profile, shapes: &[usize]) -> Vec<usize> {
    let mut by_price: Vec<(Price, usize)> =
        shapes.iter().filter_map(|shape| Some((profile.price(*shape)?, *shape))).collect();
    let many = TYPES_PER_CLAIM_MAX.min(by_price.len());
    if many < by_price.len() {
        by_price.select_nth_unstable(many);
    }
    by_price[..many].sort_unstable();
    let lacks = |shapes: &[(Price, usize)]| {
        super::pools::missing_values(stock, profile, shapes.iter().map(|(_, shape)| *shape))
    };
    let mut count = many;
    if lacks(&by_price[..count]).is_some() {
        by_price[many..].sort_unstable();
        while count < by_price.len() && lacks(&by_price[..count]).is_some() {
            count += 1;
        }
    }
    by_price[..count].iter().map(|(_, shape)| *shape).collect()
}

/// The profile's requirements with the types by name, and the zones and capacity types that are left.
fn narrowed(
    stock: &Stock<'_>,
    profile: &Profile,
    shapes: &[usize],
    offers: &[Ranked],
) -> Requirements {
    let names = shapes.iter().map(|shape| stock.shapes[*shape].instance_type.name.text());
    let markets: BTreeSet<usize> = offers.iter().map(|offer| offer.3).collect();
    let markets: Vec<&Market<'_>> = markets.iter().map(|market| &stock.markets[*market]).collect();
    let zones = markets.iter().map(|market| market.zone.text());
    let capacity_types = markets.iter().map(|market| Text::from(market.capacity_type.as_str()));
    let mut all = profile.requirements.clone();
    all.require(labels::INSTANCE_TYPE, Requirement::one_of(names));
    all.require(labels::ZONE, Requirement::one_of(zones));
    all.require(labels::CAPACITY_TYPE, Requirement::one_of(capacity_types));
    all
}

/// A choice, complete to the last parameter.
fn choice(
    stock: &Stock<'_>,
    instance_type: &InstanceType,
    market: &Market<'_>,
    (price, claim_labels): (Price, &Labels),
) -> Choice {
    let offering = OfferingKey {
        instance_type: instance_type.name.clone(),
        zone: market.zone.clone(),
        capacity_type: market.capacity_type,
    };
    let image = stock.class.image_for(&instance_type.labels);
    let image = image.expect("types without image have no offers");
    let subnet = market.subnet.expect("markets without subnet have no offers");
    Choice {
        labels: node_labels(claim_labels, Some(instance_type), &offering, market.zone_id),
        offering,
        price,
        subnet: subnet.id.clone(),
        image,
        capacity: instance_type.capacity.clone(),
        allocatable: instance_type.allocatable.clone(),
    }
}

/// The labels of a node: the claim's, the instance type's, zone and capacity type.
pub(crate) fn node_labels(
    claim_labels: &Labels,
    instance_type: Option<&InstanceType>,
    offering: &OfferingKey,
    zone_id: Option<&Text>,
) -> Labels {
    let mut all = instance_type.map(|it| it.labels.clone()).unwrap_or_default();
    all.extend(claim_labels.iter().map(|(key, value)| (Text::clone(key), Text::clone(value))));
    all.insert(labels::INSTANCE_TYPE.into(), offering.instance_type.text());
    all.insert(labels::ZONE.into(), offering.zone.text());
    all.insert(labels::CAPACITY_TYPE.into(), offering.capacity_type.as_str().into());
    if let Some(zone_id) = zone_id {
        all.insert(labels::ZONE_ID.into(), Text::clone(zone_id));
    }
    all
}

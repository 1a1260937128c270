//! A clairvoyant lower bound on what a run could have cost: what the pods that ran needed at each moment, at the best
//! fractional price.
//!
//! At each moment the pods that are bound need some total of each resource, split into what has to be on-demand (by
//! node selector) and what may be anything. Buying instances for that, in fractions, is a linear programme; by weak
//! duality *any* prices per resource under which no admitted instance is worth more than it costs make `prices ×
//! demand` a bound below every way to run these pods. `prices` finds such prices at sampled moments; here the best of
//! them is taken at every moment and summed over time. What the bound does not see (whole instances, zones, taints,
//! DaemonSets, boot times) only makes it lower. It is no bound on running the pods at *other* times.

mod prices;

use crate::record::{PodRecord, Record};
use jiff::Timestamp;
use model::instance_type::{CapacityType, InstanceType};
use model::labels;
use model::name::Text;
use model::pool::NodePool;
use model::price::Price;
use model::resources::Resources;
use prices::Prices;
use std::collections::{BTreeMap, BTreeSet};

/// An instance type that some NodePool admits, at its lowest price of each kind among the admitted zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What pods can use of it.
    pub allocatable: Resources,
    /// Per hour; none where it is not sold so, or not admitted so.
    pub on_demand: Option<Price>,
    /// Per hour; none where it is not sold so, or not admitted so.
    pub spot: Option<Price>,
}

/// The bound, and how it runs over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bound {
    /// The sum over time, in dollars.
    pub dollars: f64,
    /// Dollars per hour from each time on, until the next.
    pub steps: Vec<(Timestamp, f64)>,
}

const MILLIS_PER_HOUR: f64 = 3_600_000.0;

/// The instance types of one EC2NodeClass that the pools admit.
pub fn offers(pools: &[NodePool], types: &[InstanceType]) -> Vec<Offer> {
    let mut offers = Vec::new();
    for instance_type in types {
        let mut offer =
            Offer { allocatable: instance_type.allocatable.clone(), on_demand: None, spot: None };
        for pool in pools {
            let requirements = pool.node_requirements();
            if !instance_type.admitted_by(&requirements) {
                continue;
            }
            for offering in &instance_type.offerings {
                if !offering.available || !offering.admitted_by(&requirements) {
                    continue;
                }
                let price = match offering.capacity_type {
                    // A reservation is paid for anyway; what it runs is worth no less than spot.
                    CapacityType::Reserved | CapacityType::Spot => &mut offer.spot,
                    CapacityType::OnDemand => &mut offer.on_demand,
                };
                *price = Some(price.map_or(offering.price, |lowest| lowest.min(offering.price)));
            }
        }
        if offer.on_demand.is_some() || offer.spot.is_some() {
            offers.push(offer);
        }
    }
    offers
}

/// What the pods that ran could not have cost less than, on these instance types.
pub fn lower_bound(record: &Record, offers: &[Offer]) -> Bound {
    let resources = resources(record);
    let timeline = timeline(record, &resources);
    let candidates = prices::candidates(&timeline, &resources, offers);
    let mut bound = Bound::default();
    for step in &timeline {
        let worth = |prices: &Prices| prices.worth(&step.demand);
        let per_hour = candidates.iter().map(worth).fold(0.0, f64::max);
        bound.dollars += per_hour * step.hours;
        if bound.steps.last().is_none_or(|(_, last)| (last - per_hour).abs() > 1e-9) {
            bound.steps.push((step.from, per_hour));
        }
    }
    bound
}

/// A while in which the demand is the same.
struct Step {
    from: Timestamp,
    hours: f64,
    demand: Demand,
}

/// What the bound pods ask for, by resource, in base units: all of them, and those that have to be on-demand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Demand {
    all: Vec<i64>,
    on_demand: Vec<i64>,
}

/// The names of all resources that some pod asks for, in order.
fn resources(record: &Record) -> Vec<Text> {
    let names = record.pods.iter().flat_map(|pod| pod.requests.iter());
    names.map(|(name, _)| Text::from(name)).collect::<BTreeSet<Text>>().into_iter().collect()
}

fn timeline(record: &Record, resources: &[Text]) -> Vec<Step> {
    let mut changes: BTreeMap<Timestamp, Demand> = BTreeMap::new();
    let nothing = Demand { all: vec![0; resources.len()], on_demand: vec![0; resources.len()] };
    for pod in &record.pods {
        let Some(bound) = pod.bound else { continue };
        let ended = pod.ended.map_or(record.end, |(at, _)| at).min(record.end);
        if ended <= bound {
            continue;
        }
        for (at, sign) in [(bound, 1), (ended, -1)] {
            let change = changes.entry(at).or_insert_with(|| nothing.clone());
            for (index, name) in resources.iter().enumerate() {
                let units = sign * pod.requests.get(name);
                change.all[index] += units;
                if has_to_be_on_demand(pod) {
                    change.on_demand[index] += units;
                }
            }
        }
    }
    let times: Vec<Timestamp> = changes.keys().copied().collect();
    let mut demand = nothing;
    let mut steps = Vec::with_capacity(changes.len());
    for (index, (from, change)) in changes.into_iter().enumerate() {
        for (sum, units) in demand.all.iter_mut().zip(&change.all) {
            *sum += units;
        }
        for (sum, units) in demand.on_demand.iter_mut().zip(&change.on_demand) {
            *sum += units;
        }
        let until = times.get(index + 1).copied().unwrap_or(from);
        let hours = until.duration_since(from).as_millis_f64() / MILLIS_PER_HOUR;
        steps.push(Step { from, hours, demand: demand.clone() });
    }
    steps
}

fn has_to_be_on_demand(pod: &PodRecord) -> bool {
    let chosen = pod.node_selector.get(labels::CAPACITY_TYPE);
    chosen.is_some_and(|value| &**value == CapacityType::OnDemand.as_str())
}

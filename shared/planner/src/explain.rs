//! Why a pod gets a node of a NodePool or not: every pool, the best instance types, and what ruled the others out.
//!
//! One pod is looked at by itself, with what it demands: neither its wishes nor its neighbours count here, nor what other
//! pods leave of limits. What the whole batch comes to says `provision`.
//! How a NodePool stands says `standing`.

pub mod standing;

use crate::provision::batch::{ready, survey};
use crate::scheduling::amounts::fits;
use crate::scheduling::classes::{Class, classify_with};
use crate::scheduling::limits::{Allowance, node_count};
use crate::scheduling::pools::{entry, in_order, open};
use crate::scheduling::profiles::Profiles;
use crate::scheduling::stock::{Stock, Survey};
use crate::scheduling::volumes::Storage;
use jiff::Timestamp;
use model::instance_type::CapacityType;
use model::name::{PoolName, Text};
use model::pod::Pod;
use model::pool::NodePool;
use model::price::Price;
use model::reason::Reason;
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// What every pool has for a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why no pool is asked, if so.
    pub refused: Option<Reason>,
    /// The pools in the order in which they are tried.
    pub pools: Vec<PoolView>,
}

/// What a pool has for a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolView {
    /// Which.
    pub pool: PoolName,
    /// Heavier pools are tried first, whatever the price.
    pub weight: u32,
    /// What it has, or why it has nothing.
    pub types: Result<TypesView, Reason>,
}

/// The instance types of a pool, from the view of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypesView {
    /// Those that would do, the cheapest first.
    pub usable: Vec<Considered>,
    /// What ruled the others out, and how many.
    pub ruled_out: BTreeMap<RuledOut, usize>,
}

/// An instance type that would do, at its cheapest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Considered {
    /// Per hour.
    pub price: Price,
    /// Its name.
    pub instance_type: Text,
    /// The zone of this price; the first one by name where there are several.
    pub zone: Text,
    /// The capacity type of this price.
    pub capacity_type: CapacityType,
}

/// The first thing that rules an instance type out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuledOut {
    /// The NodePool's requirements do not admit it.
    ByPool,
    /// What the pod asks of this label does not admit it.
    ByPod(Text),
    /// With its daemons, it has too little of this resource.
    TooSmall(Text),
    /// It has no capacity now in a zone and capacity type that both admit.
    NoOffering,
    /// It is bare metal or has accelerators, and others will do.
    Exotic,
    /// It would exceed the pool's limits.
    Limit,
}

impl fmt::Display for RuledOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPool => f.write_str("not admitted by the NodePool's requirements"),
            Self::ByPod(key) => write!(f, "not what the pod asks of {key}"),
            Self::TooSmall(resource) => write!(f, "too little {resource}"),
            Self::NoOffering => {
                f.write_str("no capacity in a zone and capacity type that both admit")
            }
            Self::Exotic => f.write_str("bare metal or accelerators, which the pod does not need"),
            Self::Limit => f.write_str("would exceed the NodePool's limits"),
        }
    }
}

/// Looks at every pool for a pod. The same arguments give the same explanation.
pub fn explain(snapshot: &Snapshot, pod: &Arc<Pod>, now: Timestamp) -> Explanation {
    let storage = Storage::of(&snapshot.cluster);
    let pods = match ready(&storage, pod) {
        Ok(ready) => [ready],
        Err(reason) => return Explanation { refused: Some(*reason), pools: Vec::new() },
    };
    let survey = survey(snapshot, &pods, storage, now);
    let [(pod, volumes)] = &pods;
    let class = classify_with([(*pod, 0, volumes.as_ref())], &survey.columns);
    // One pod is one class.
    let views = in_order(snapshot).into_iter().flat_map(|pool| {
        class.iter().map(|(class, _)| PoolView {
            pool: pool.name.clone(),
            weight: pool.weight,
            types: types_of(&survey, pool, class).map_err(|reason| *reason),
        })
    });
    Explanation { refused: None, pools: views.collect() }
}

fn types_of(
    survey: &Survey<'_>,
    pool: &NodePool,
    class: &Class<'_>,
) -> Result<TypesView, Box<Reason>> {
    let stock = open(survey, pool)?;
    let mut profiles = Profiles::of(&stock);
    let entries = entry(survey, pool, &mut profiles, class)?;
    let snapshot = survey.snapshot;
    let ceiling = i64::from(snapshot.settings.nodes_max) - node_count(snapshot);
    let allowance = Allowance::of(snapshot, pool, ceiling);
    let mut view = TypesView { usable: Vec::new(), ruled_out: BTreeMap::new() };
    let not_admitted = stock.known() - stock.shapes.len();
    if 0 < not_admitted {
        view.ruled_out.insert(RuledOut::ByPool, not_admitted);
    }
    let admitted: Vec<BTreeSet<usize>> =
        class.alternatives.iter().map(|one| stock.shapes_of(one).into_iter().collect()).collect();
    let mut exotic = Vec::new();
    for shape in 0..stock.shapes.len() {
        let offered = entries.iter().filter_map(|profile| {
            let profile = profiles.get(*profile);
            Some((profile.price(shape)?, profile.markets))
        });
        let ruled_out = if admitted.iter().all(|shapes| !shapes.contains(&shape)) {
            RuledOut::ByPod(unmet(&stock, shape, class))
        } else if !fits(&class.requests, stock.room(shape)) {
            RuledOut::TooSmall(lacking(survey, &stock, shape, class))
        } else if let Some((price, markets)) = offered.min() {
            let considered = considered(&stock, shape, (price, markets));
            if allowance.admits(&stock.shapes[shape].instance_type.capacity, 1) < 1 {
                RuledOut::Limit
            } else if stock.shapes[shape].is_exotic {
                exotic.push(considered);
                continue;
            } else {
                view.usable.push(considered);
                continue;
            }
        } else {
            RuledOut::NoOffering
        };
        *view.ruled_out.entry(ruled_out).or_default() += 1;
    }
    if view.usable.is_empty() {
        view.usable = exotic;
    } else if !exotic.is_empty() {
        view.ruled_out.insert(RuledOut::Exotic, exotic.len());
    }
    view.usable.sort();
    Ok(view)
}

fn considered(stock: &Stock<'_>, shape: usize, (price, markets): (Price, u128)) -> Considered {
    let offers = stock.offers(shape).iter();
    let at_price = offers.filter(|o| o.price == price && markets & (1 << o.market) != 0);
    let market = at_price
        .map(|offer| &stock.markets[offer.market])
        .min_by(|a, b| (&a.zone, a.capacity_type).cmp(&(&b.zone, b.capacity_type)))
        .expect("the price is that of an offering");
    Considered {
        price,
        instance_type: stock.shapes[shape].instance_type.name.text(),
        zone: market.zone.text(),
        capacity_type: market.capacity_type,
    }
}

/// The first label of the pod's first alternative that keeps a type away.
fn unmet(stock: &Stock<'_>, shape: usize, class: &Class<'_>) -> Text {
    let first = class.alternatives.iter().flat_map(model::requirement::Requirements::iter);
    let keeps_away = |(key, one): &(&Text, &model::requirement::Requirement)| {
        let alone = [(Text::clone(key), (*one).clone())].into_iter().collect();
        !stock.shapes_of(&alone).contains(&shape)
    };
    first.into_iter().find(keeps_away).map_or_else(|| "its labels".into(), |(key, _)| key.clone())
}

/// The first resource of which a type has too little.
fn lacking(survey: &Survey<'_>, stock: &Stock<'_>, shape: usize, class: &Class<'_>) -> Text {
    let short = class
        .requests
        .iter()
        .zip(stock.room(shape))
        .map(|(want, have)| if 0 < *want && have < want { *want } else { 0 });
    let short = survey.columns.resources(&short.collect::<Vec<i64>>());
    short.iter().next().map_or_else(|| "room".into(), |(name, _)| name.into())
}

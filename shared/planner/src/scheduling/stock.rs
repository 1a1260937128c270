//! What an EC2NodeClass can launch within given requirements: instance types, the room they leave to pods, offerings.

use super::amounts::Columns;
use super::daemons::Daemons;
use super::volumes::Storage;
use jiff::Timestamp;
use model::instance_type::{CapacityType, InstanceType, Offering};
use model::instance_types::{InstanceTypes, TypeSet};
use model::labels;
use model::name::{Text, Zone};
use model::node_class::{NodeClass, Subnet};
use model::pod::Pod;
use model::price::Price;
use model::requirement::Requirements;
use model::resources::Resources;
use model::snapshot::Snapshot;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// The most pairs of zone and capacity type that are told apart: one bit each. The largest region has 22 zones with its
/// local ones, three capacity types each.
const MARKETS_MAX: usize = 128;

/// What every step of one decision looks at.
#[derive(Debug)]
pub(crate) struct Survey<'a> {
    /// The world.
    pub(crate) snapshot: &'a Snapshot,
    /// The resources that count.
    pub(crate) columns: Columns,
    /// Volumes, and the resources that count those attached to a node; none where no pod has any.
    storage: Option<(Storage<'a>, BTreeSet<Text>)>,
    unavailable: BTreeSet<(&'a str, &'a str, CapacityType)>,
}

impl<'a> Survey<'a> {
    /// Looks at the world at a time.
    pub(crate) fn new(snapshot: &'a Snapshot, columns: Columns, now: Timestamp) -> Self {
        let refused = snapshot.cluster.memory.unavailable.iter().filter(|u| now < u.until);
        let unavailable = refused
            .map(|u| (&*u.offering.instance_type, &*u.offering.zone, u.offering.capacity_type))
            .collect();
        Self { snapshot, columns, storage: None, unavailable }
    }

    /// Counts volumes too, by these resources.
    pub(crate) fn with_storage(self, storage: Storage<'a>, asked: BTreeSet<Text>) -> Self {
        Self { storage: (!asked.is_empty()).then_some((storage, asked)), ..self }
    }

    /// What can be had of a node or type, the volumes that can be attached among it.
    pub(crate) fn allocatable<'r>(
        &self,
        amounts: &'r Resources,
        node: Option<&str>,
    ) -> Cow<'r, Resources> {
        match &self.storage {
            Some((storage, asked)) => storage.with_attachable(amounts, node, asked),
            None => Cow::Borrowed(amounts),
        }
    }

    /// Takes the volumes of pods off what is free on their node.
    pub(crate) fn take_off_attached(&self, free: &mut [i64], pods: &[&Arc<Pod>]) {
        if let Some((storage, _)) = &self.storage {
            self.columns.take_off(free, &storage.attached(pods));
        }
    }

    fn is_unavailable<'o>(&self, instance_type: &str, offering: impl Fn() -> &'o Offering) -> bool {
        let is_it = || {
            let Offering { zone, capacity_type, .. } = offering();
            self.unavailable.contains(&(instance_type, zone, *capacity_type))
        };
        !self.unavailable.is_empty() && is_it()
    }
}

/// A zone and a capacity type.
#[derive(Debug)]
pub(crate) struct Market<'a> {
    /// The zone.
    pub(crate) zone: &'a Zone,
    /// Its id.
    pub(crate) zone_id: Option<&'a Text>,
    /// The capacity type.
    pub(crate) capacity_type: CapacityType,
    /// Where instances go; none where nothing can be launched.
    pub(crate) subnet: Option<&'a Subnet>,
}

impl Market<'_> {
    /// Whether zone and capacity type are admitted.
    pub(crate) fn admitted_by(&self, requirements: &Requirements) -> bool {
        requirements.admits(labels::ZONE, self.zone)
            && requirements.admits(labels::CAPACITY_TYPE, self.capacity_type.as_str())
            && requirements
                .get(labels::ZONE_ID)
                .is_none_or(|r| r.admits_label(self.zone_id.map(|id| &**id)))
    }
}

/// An instance type among the admitted ones.
#[derive(Debug)]
pub(crate) struct Shape<'a> {
    /// The type.
    pub(crate) instance_type: &'a InstanceType,
    /// Its place among all types of the class.
    pub(crate) place: usize,
    /// Whether it has accelerators or is bare metal: not for pods that do not need that (Karpenter's exotic filter).
    pub(crate) is_exotic: bool,
    offers: Range<usize>,
}

/// A price of a shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// Index into the markets.
    pub(crate) market: usize,
    /// Per hour.
    pub(crate) price: Price,
}

/// What can be launched.
#[derive(Debug)]
pub(crate) struct Stock<'a> {
    /// The class it is launched from.
    pub(crate) class: &'a NodeClass,
    /// What every node of it is.
    pub(crate) requirements: Requirements,
    /// The daemons that come with its nodes.
    pub(crate) daemons: Daemons<'a>,
    /// Zones and capacity types.
    pub(crate) markets: Vec<Market<'a>>,
    /// The instance types, by name.
    pub(crate) shapes: Vec<Shape<'a>>,
    types: Option<&'a InstanceTypes>,
    offers: Vec<Offer>,
    rooms: Vec<i64>,
    width: usize,
}

/// What is known of a zone and capacity type while a stock is gathered.
#[derive(Clone, Copy)]
enum Known {
    NotYet,
    Closed,
    /// Index into the markets.
    Open(usize),
}

impl<'a> Stock<'a> {
    /// Collects what the requirements admit of the class's instance types.
    pub(crate) fn gather(
        survey: &Survey<'a>,
        class: &'a NodeClass,
        requirements: Requirements,
        daemons: Daemons<'a>,
    ) -> Self {
        let types = survey.snapshot.instance_types.get(&class.name).map(|types| &**types);
        let admitted: Vec<usize> =
            types.map(|types| types.admitted(&requirements).iter().collect()).unwrap_or_default();
        let mut known = vec![Known::NotYet; types.map_or(0, InstanceTypes::markets)];
        let mut stock = Self {
            class,
            requirements,
            daemons,
            markets: Vec::new(),
            shapes: Vec::with_capacity(admitted.len()),
            types,
            offers: Vec::with_capacity(admitted.len() * 4),
            rooms: Vec::with_capacity(admitted.len() * survey.columns.width()),
            width: survey.columns.width(),
        };
        for place in admitted {
            stock.add(survey, place, &mut known);
        }
        stock
    }

    fn add(&mut self, survey: &Survey<'a>, place: usize, known: &mut [Known]) {
        let Some(types) = self.types else { return };
        let instance_type = &types[place];
        let first = self.offers.len();
        if self.class.image_for(&instance_type.labels).is_some() {
            for (index, offer) in types.offers(place).iter().enumerate() {
                let offering = || &instance_type.offerings[index];
                if !offer.available || survey.is_unavailable(&instance_type.name, offering) {
                    continue;
                }
                let known = &mut known[offer.market as usize];
                if let Known::NotYet = known {
                    *known = self.market_of(offering());
                }
                if let Known::Open(market) = *known {
                    self.offers.push(Offer { market, price: offer.price });
                }
            }
        }
        let offers = first..self.offers.len();
        let is_exotic = is_exotic(instance_type);
        self.shapes.push(Shape { instance_type, place, is_exotic, offers });
        let allocatable = survey.allocatable(&instance_type.allocatable, None);
        survey.columns.extend(&mut self.rooms, &allocatable);
        let start = self.rooms.len() - self.width;
        survey.columns.take_off(&mut self.rooms[start..], &self.daemons.on(instance_type));
    }

    /// The market of the first offering in it: open if something can be launched there.
    fn market_of(&mut self, offering: &'a Offering) -> Known {
        if self.markets.len() == MARKETS_MAX {
            return Known::Closed;
        }
        let mut market = Market {
            zone: &offering.zone,
            zone_id: offering.zone_id.as_ref(),
            capacity_type: offering.capacity_type,
            subnet: self.class.subnet_in(&offering.zone),
        };
        if !market.admitted_by(&self.requirements) {
            market.subnet = None;
        }
        let is_open = market.subnet.is_some();
        self.markets.push(market);
        if is_open { Known::Open(self.markets.len() - 1) } else { Known::Closed }
    }

    /// What a shape leaves to pods: allocatable less its daemons.
    pub(crate) fn room(&self, shape: usize) -> &[i64] {
        &self.rooms[shape * self.width..][..self.width]
    }

    /// The prices of a shape.
    pub(crate) fn offers(&self, shape: usize) -> &[Offer] {
        &self.offers[self.shapes[shape].offers.clone()]
    }

    /// How many instance types the class knows, whether or not the requirements admit them.
    pub(crate) fn known(&self) -> usize {
        self.types.map_or(0, |types| types.len())
    }

    /// The shapes whose types' labels are admitted.
    pub(crate) fn shapes_of(&self, requirements: &Requirements) -> Vec<usize> {
        let admitted: Option<TypeSet> = self.types.map(|types| types.admitted(requirements));
        let is_admitted =
            |s: &Shape<'_>| admitted.as_ref().is_some_and(|set| set.contains(s.place));
        let shapes = self.shapes.iter().enumerate().filter(|(_, shape)| is_admitted(shape));
        shapes.map(|(shape, _)| shape).collect()
    }

    /// The markets that these requirements admit, a bit each.
    pub(crate) fn market_mask(&self, requirements: &Requirements) -> u128 {
        let admitted = self.markets.iter().enumerate().filter(|(_, m)| m.admitted_by(requirements));
        admitted.fold(0, |mask, (index, _)| mask | 1 << index)
    }
}

fn is_exotic(instance_type: &InstanceType) -> bool {
    /// Resources of accelerators, as their device plugins name them (Karpenter 1.14, exotic instance filter).
    const ACCELERATORS: [&str; 5] = [
        "nvidia.com/gpu",
        "amd.com/gpu",
        "aws.amazon.com/neuron",
        "aws.amazon.com/neuroncore",
        "habana.ai/gaudi",
    ];
    let has_accelerator =
        instance_type.capacity.extended.keys().any(|name| ACCELERATORS.contains(&&**name));
    let is_metal = || {
        let size = instance_type.name.split_once('.').map_or("", |(_, size)| size);
        size.starts_with("metal")
    };
    has_accelerator || is_metal()
}

//! EC2 facts and EC2NodeClass settings to instance types: pure, with the built-in facts.
//!
//! [`resolve`] answers what a node of each instance type would offer under one EC2NodeClass and where it can be
//! bought. It asks nobody: live facts are brought by an adapter, the built-in ones lie in `data/`. [`merge`] puts what the
//! adapter saw together with what was known before, [`stored`] is the form in which that is kept in the cluster.

pub mod dollars;
pub mod facts;
pub mod merge;
pub mod naming;
pub mod resolved;
pub mod stored;

mod attachments;
mod capacity;
mod family;
mod file;
mod intern;
mod labels;
mod offerings;
mod overhead;

use facts::InstanceFacts;
use family::Family;
use intern::Interner;
use model::instance_type::InstanceType;
use model::labels::Labels;
use model::memory::Learned;
use model::name::{Text, Zone};
use model::node_class::NodeClass;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// `data/ec2_catalogue.json.gz`; its origin stands in `data/README.md`.
const BUILTIN: &[u8] = include_bytes!("../data/ec2_catalogue.json.gz");

/// Three zones, as in the clusters that `eksctl` and the EKS guides set up: enough for one to fail, and every region
/// for general use has them.
const DEFAULT_ZONE_COUNT: usize = 3;

/// What is known about EC2's instance types, and about the zones of its regions.
#[derive(Debug)]
pub struct Facts {
    /// In the order of their names.
    types: Vec<Prepared>,
    /// Zones in order, by region.
    zones: BTreeMap<Text, Vec<Zone>>,
}

/// An instance type with what follows from its facts under every EC2NodeClass, made once.
#[derive(Debug)]
struct Prepared {
    facts: InstanceFacts,
    /// All labels but region, operating system and Windows build.
    labels: Labels,
    /// Devices and interfaces that a device plugin or the VPC resource controller will announce.
    extended: BTreeMap<Text, i64>,
}

/// The settings of the whole cluster that change what nodes offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Memory that the hypervisor and the kernel keep, in millionths of the nominal size
    /// (Karpenter: `VM_MEMORY_OVERHEAD_PERCENT`).
    pub vm_memory_overhead_ppm: u32,
    /// Network interfaces that pods get no addresses from (Karpenter: `RESERVED_ENIS`).
    pub reserved_enis: u32,
}

impl Default for Settings {
    /// Karpenter's defaults: 7.5 per cent and no interface.
    fn default() -> Self {
        Self { vm_memory_overhead_ppm: 75_000, reserved_enis: 0 }
    }
}

/// Why facts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is known about the region.
    #[error("region {region:?} is not in the catalogue, which knows {known}")]
    UnknownRegion {
        /// What was asked for.
        region: String,
        /// Those there are, separated by commas.
        known: String,
    },
}

impl Facts {
    /// The facts that ship with joiner, read on first use.
    ///
    /// # Panics
    /// Never: what is read is part of the program, and a test reads it.
    pub fn builtin() -> &'static Self {
        static FACTS: OnceLock<Facts> = OnceLock::new();
        FACTS.get_or_init(|| file::read(BUILTIN).expect("a test reads the included facts"))
    }

    /// Facts from somewhere else: the instance types, and the zones of each region.
    pub fn new(types: Vec<InstanceFacts>, mut zones: BTreeMap<Text, Vec<Zone>>) -> Self {
        let mut interner = Interner::default();
        for in_region in zones.values_mut() {
            in_region.sort();
            for zone in in_region {
                *zone = interner.text(zone).into();
            }
        }
        let mut types: Vec<Prepared> =
            types.into_iter().map(|facts| Prepared::new(facts, &mut interner)).collect();
        types.sort_by(|a, b| a.facts.name.cmp(&b.facts.name));
        Self { types, zones }
    }

    /// The instance types of all regions, in the order of their names.
    pub fn types(&self) -> impl Iterator<Item = &InstanceFacts> {
        self.types.iter().map(|prepared| &prepared.facts)
    }

    /// An instance type.
    pub fn named(&self, name: &str) -> Option<&InstanceFacts> {
        let index =
            self.types.binary_search_by(|prepared| (*prepared.facts.name).cmp(name)).ok()?;
        Some(&self.types[index].facts)
    }

    /// The regions that something is known about, in order.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.zones.keys().map(|region| &**region)
    }

    /// The zones of a region, in order.
    ///
    /// # Errors
    /// When the region is not known; the error lists those that are.
    pub fn zones(&self, region: &str) -> Result<&[Zone], Error> {
        self.zones.get(region).map(Vec::as_slice).ok_or_else(|| Error::UnknownRegion {
            region: region.chars().take(40).collect(),
            known: self.regions().collect::<Vec<_>>().join(", "),
        })
    }
}

impl Prepared {
    fn new(mut facts: InstanceFacts, interner: &mut Interner) -> Self {
        for region in facts.regions.values_mut() {
            region.zones.sort_by(|a, b| a.zone.cmp(&b.zone));
            for at in &mut region.zones {
                at.zone = interner.text(&at.zone).into();
            }
        }
        let labels = labels::of_facts(&facts, interner);
        let extended = capacity::extended(&facts, interner);
        Self { facts, labels, extended }
    }
}

/// The zones of a region that a cluster spans when nothing says which: the first three, from the built-in facts.
///
/// # Errors
/// When the region is not known.
pub fn default_zones(region: &str) -> Result<&'static [Zone], Error> {
    let zones = Facts::builtin().zones(region)?;
    Ok(&zones[..zones.len().min(DEFAULT_ZONE_COUNT)])
}

/// The instance types that nodes of the class can be launched on in a region, in the order of their names, under
/// Karpenter's default settings.
///
/// # Errors
/// When the region is not known.
pub fn resolve(facts: &Facts, region: &str, class: &NodeClass) -> Result<Vec<InstanceType>, Error> {
    resolve_with(facts, region, class, Settings::default(), &Learned::new())
}

/// [`resolve`] under other settings, and with the memory that nodes of a type and image were seen to have.
///
/// An instance type that none of the class's zones offers, or that its operating system does not run on, is left out.
///
/// # Errors
/// When the region is not known.
pub fn resolve_with(
    facts: &Facts,
    region: &str,
    class: &NodeClass,
    settings: Settings,
    learned: &Learned,
) -> Result<Vec<InstanceType>, Error> {
    let places = offerings::places(facts.zones(region)?, class);
    let family = Family::of(class.ami_family);
    let extra = labels::of_nodes(region, &family);
    let mut resolved = Vec::with_capacity(facts.types.len());
    for Prepared { facts, labels, extended } in &facts.types {
        let offerings = offerings::offerings(facts, region, &places);
        if offerings.is_empty() || !family.runs_on(facts) {
            continue;
        }
        let mut labels = labels.clone();
        labels.extend(extra.iter().cloned());
        let real = learned.get(&facts.name).and_then(|images| {
            let image = class.image_for(&labels)?;
            images.get(&image).copied()
        });
        let capacity = capacity::capacity(facts, extended.clone(), class, settings, real);
        let allocatable = overhead::allocatable(facts, class, &capacity);
        let name = facts.name.clone();
        resolved.push(InstanceType { name, labels, capacity, allocatable, offerings });
    }
    Ok(resolved)
}

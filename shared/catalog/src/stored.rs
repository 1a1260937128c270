//! The catalogue of one region in the form in which it is kept in the cluster: gzipped JSON of a numbered version.
//!
//! A ConfigMap holds 1 MiB. A region with all of EC2's instance types and their prices in six zones takes a tenth of that,
//! see the tests.

use crate::facts::{InstanceFacts, RegionFacts, ZoneFacts};
use crate::{Facts, dollars};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use model::name::{Text, Zone};
use model::price::Price;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};

/// The version of the form. One that is written differently gets another number, and is then not read by what is older.
pub const VERSION: u32 = 1;

/// No text of ours is longer: 1,340 types take 1 MB. What unpacks to more is no catalogue, and would only fill memory.
const TEXT_MAX: u64 = 32 << 20;

/// A spot price that moves by less than one in so many of what is stored is not news: 1 %.
const NEWS_ONE_IN: i64 = 100;

/// The instance types of one region, and what they cost there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// The region.
    pub region: Text,
    /// In the order of their names; of `regions` each has this one alone.
    pub types: Vec<InstanceFacts>,
}

/// Why what is stored cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// It does not unpack, or is not what was expected.
    #[error("it cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// It is of a version that is not known here.
    #[error("it is of version {0}, expected {VERSION}")]
    Version(u32),
    /// It was made in another region.
    #[error("it is of region {0:?}")]
    Region(String),
    /// Its parts contradict each other.
    #[error("{name}: {problem}")]
    Contradiction {
        /// The instance type.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
}

/// What every version begins with.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Body {
    version: u32,
    region: Text,
    zones: Vec<Zone>,
    types: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    facts: InstanceFacts,
    /// On demand, in micro-dollars per hour.
    price: i64,
    /// The zones that offer it by their places in the list, each with the spot price in micro-dollars per hour.
    at: Vec<(usize, Option<i64>)>,
}

impl Catalogue {
    /// A region's part of what is known; a type that is not offered there is left out.
    pub fn of(facts: &Facts, region: &str) -> Self {
        let in_region = |facts: &InstanceFacts| {
            let (name, here) = facts.regions.get_key_value(region)?;
            Some(InstanceFacts { regions: [(name.clone(), here.clone())].into(), ..facts.clone() })
        };
        Self { region: region.into(), types: facts.types().filter_map(in_region).collect() }
    }

    /// What instance types are resolved from.
    pub fn into_facts(self) -> Facts {
        let zones = self.zones().into_iter().cloned().collect();
        Facts::new(self.types, BTreeMap::from([(self.region, zones)]))
    }

    /// The type in this region.
    pub(crate) fn here<'a>(&self, facts: &'a InstanceFacts) -> Option<&'a RegionFacts> {
        facts.regions.get(&*self.region)
    }

    /// The zones that offer anything, in order.
    fn zones(&self) -> BTreeSet<&Zone> {
        let here = self.types.iter().filter_map(|facts| self.here(facts));
        here.flat_map(|here| here.zones.iter().map(|at| &at.zone)).collect()
    }

    /// The catalogue as it is stored.
    ///
    /// # Panics
    /// Never: memory takes all that is written, and what is written has no map with foreign keys.
    pub fn pack(&self) -> Vec<u8> {
        let zones: Vec<Zone> = self.zones().into_iter().cloned().collect();
        let row = |facts: &InstanceFacts| {
            let RegionFacts { on_demand, zones: at } = self.here(facts)?;
            let place = |at: &ZoneFacts| {
                let index = zones.binary_search(&at.zone).ok()?;
                Some((index, at.spot.map(Price::micro_dollars)))
            };
            let at = at.iter().filter_map(place).collect();
            Some(Row { facts: facts.clone(), price: on_demand.micro_dollars(), at })
        };
        let types = self.types.iter().filter_map(row).collect();
        let body = Body { version: VERSION, region: self.region.clone(), zones, types };
        let text = serde_json::to_vec(&body).expect("names are texts");
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        let packed = packed.write_all(&text).and_then(|()| packed.finish());
        packed.expect("memory takes all that is written")
    }

    /// Reads what was stored for a region. Whatever stands there, the answer is a catalogue that holds together or an error.
    ///
    /// # Errors
    /// When it is of another version or region, or not what was written.
    pub fn unpack(packed: &[u8], region: &str) -> Result<Self, StoredError> {
        let mut text = Vec::new();
        let read = GzDecoder::new(packed).take(TEXT_MAX).read_to_end(&mut text);
        read.map_err(serde_json::Error::io)?;
        let Head { version } = serde_json::from_slice(&text)?;
        if version != VERSION {
            return Err(StoredError::Version(version));
        }
        let body: Body = serde_json::from_slice(&text)?;
        if &*body.region != region {
            return Err(StoredError::Region(body.region.chars().take(40).collect()));
        }
        let types: Result<Vec<InstanceFacts>, StoredError> =
            body.types.into_iter().map(|row| row.facts(&body.region, &body.zones)).collect();
        let mut types = types?;
        types.sort_by(|a, b| a.name.cmp(&b.name));
        let twice = types.windows(2).find(|two| two[0].name == two[1].name);
        if let Some([first, _]) = twice {
            return Err(contradiction(&first.name, "is there twice"));
        }
        Ok(Self { region: body.region, types })
    }

    /// Whether this says anything that is worth writing over what is stored: another fact, zone or on-demand price, or a
    /// spot price that has moved by one per cent.
    pub fn is_news_after(&self, stored: &Self) -> bool {
        self.region != stored.region
            || self.types.len() != stored.types.len()
            || self.types.iter().zip(&stored.types).any(|(new, old)| self.is_news(new, old))
    }

    fn is_news(&self, new: &InstanceFacts, old: &InstanceFacts) -> bool {
        if new == old {
            return false;
        }
        let bare =
            |facts: &InstanceFacts| InstanceFacts { regions: BTreeMap::new(), ..facts.clone() };
        let (Some(here), Some(before)) = (self.here(new), self.here(old)) else { return true };
        let moved = |new: &ZoneFacts, old: &ZoneFacts| {
            new.zone != old.zone || has_moved(new.spot, old.spot)
        };
        bare(new) != bare(old)
            || here.on_demand != before.on_demand
            || here.zones.len() != before.zones.len()
            || here.zones.iter().zip(&before.zones).any(|(new, old)| moved(new, old))
    }
}

fn has_moved(new: Option<Price>, old: Option<Price>) -> bool {
    match (new, old) {
        (Some(new), Some(old)) => {
            let (new, old) = (new.micro_dollars(), old.micro_dollars());
            new != old && old <= (new - old).abs().saturating_mul(NEWS_ONE_IN)
        }
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

impl Row {
    fn facts(self, region: &Text, zones: &[Zone]) -> Result<InstanceFacts, StoredError> {
        let Self { mut facts, price, at } = self;
        let wrong = |problem| contradiction(&facts.name, problem);
        let priced =
            |amount| dollars::of_micro_dollars(amount).ok_or_else(|| wrong("costs nonsense"));
        let mut places = Vec::with_capacity(at.len());
        for (index, spot) in at {
            let zone = zones.get(index).ok_or_else(|| wrong("is in a zone that is not listed"))?;
            places.push(ZoneFacts { zone: zone.clone(), spot: spot.map(priced).transpose()? });
        }
        places.sort_by(|a, b| a.zone.cmp(&b.zone));
        if places.windows(2).any(|two| two[0].zone == two[1].zone) {
            return Err(wrong("is in a zone twice"));
        }
        let here = RegionFacts { on_demand: priced(price)?, zones: places };
        facts.regions = BTreeMap::from([(region.clone(), here)]);
        Ok(facts)
    }
}

fn contradiction(name: &str, problem: &'static str) -> StoredError {
    StoredError::Contradiction { name: name.chars().take(40).collect(), problem }
}

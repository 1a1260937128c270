//! What AWS was seen to have, put together with what was known before.
//!
//! The four things that are asked fail apart. Without the instance types and where they are offered there is nothing to put
//! together. Prices that could not be read stay as they were, for an old price ranks types better than none.

use crate::Facts;
use crate::facts::{InstanceFacts, RegionFacts, ZoneFacts};
use crate::stored::Catalogue;
use model::name::{InstanceTypeName, Text, Zone};
use model::price::Price;
use std::collections::BTreeMap;

/// The region whose built-in prices stand in for those of a region that nothing is known about: prices differ from region to
/// region by a factor that is nearly the same for all types, so their order stays.
const STAND_IN: &str = "us-east-1";

/// What was seen in one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The region.
    pub region: Text,
    /// The instance types; where they are offered stands beside them.
    pub types: Vec<InstanceFacts>,
    /// The zones that offer a type.
    pub offered: BTreeMap<InstanceTypeName, Vec<Zone>>,
    /// On demand, per hour, Linux; none where that could not be asked.
    pub on_demand: Option<BTreeMap<InstanceTypeName, Price>>,
    /// On the spot market, per hour, Linux; none where that could not be asked.
    pub spot: Option<BTreeMap<InstanceTypeName, BTreeMap<Zone, Price>>>,
}

/// What comes of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The catalogue.
    pub catalogue: Catalogue,
    /// Types that are offered and left out, because nobody knows what they cost.
    pub unpriced: Vec<InstanceTypeName>,
}

/// Puts a look together with the catalogue that was stored before and the facts that are built in.
pub fn merge(seen: Seen, before: Option<&Catalogue>, builtin: &Facts) -> Merged {
    let Seen { region, types, offered, on_demand, spot } = seen;
    let earlier = Earlier { region: &region, before, builtin };
    let mut unpriced = Vec::new();
    let mut merged = Vec::with_capacity(types.len());
    for mut facts in types {
        let Some(zones) = offered.get(&facts.name).filter(|zones| !zones.is_empty()) else {
            continue;
        };
        let now = on_demand.as_ref().and_then(|prices| prices.get(&facts.name).copied());
        let Some(on_demand) = now.or_else(|| earlier.on_demand(&facts.name)) else {
            unpriced.push(facts.name);
            continue;
        };
        let spot_in = |zone: &Zone| match &spot {
            Some(prices) => prices.get(&facts.name)?.get(zone).copied(),
            None => earlier.spot(&facts.name, zone),
        };
        let mut zones = zones.clone();
        zones.sort();
        zones.dedup();
        let at = |zone: Zone| ZoneFacts { spot: spot_in(&zone), zone };
        let zones = zones.into_iter().map(at).collect();
        earlier.fill(&mut facts);
        facts.regions = BTreeMap::from([(region.clone(), RegionFacts { on_demand, zones })]);
        merged.push(facts);
    }
    merged.sort_by(|a, b| a.name.cmp(&b.name));
    merged.dedup_by(|a, b| a.name == b.name);
    unpriced.sort();
    Merged { catalogue: Catalogue { region, types: merged }, unpriced }
}

/// What was known before the look.
struct Earlier<'a> {
    region: &'a str,
    before: Option<&'a Catalogue>,
    builtin: &'a Facts,
}

impl<'a> Earlier<'a> {
    fn stored(&self, name: &InstanceTypeName) -> Option<&'a RegionFacts> {
        let types = &self.before?.types;
        let index = types.binary_search_by(|facts| facts.name.cmp(name)).ok()?;
        types[index].regions.get(self.region)
    }

    fn on_demand(&self, name: &InstanceTypeName) -> Option<Price> {
        let stored = self.stored(name).map(|here| here.on_demand);
        stored.or_else(|| {
            let regions = &self.builtin.named(name)?.regions;
            let here = regions.get(self.region).or_else(|| regions.get(STAND_IN))?;
            Some(here.on_demand)
        })
    }

    /// A spot price is of one zone: there is no stand-in for it.
    fn spot(&self, name: &InstanceTypeName, zone: &Zone) -> Option<Price> {
        let built_in = || self.builtin.named(name)?.regions.get(self.region);
        let here = self.stored(name).or_else(built_in)?;
        here.zones.iter().find(|at| at.zone == *zone)?.spot
    }

    /// Facts that EC2 does not tell, or not of every type.
    fn fill(&self, facts: &mut InstanceFacts) {
        let Some(known) = self.builtin.named(&facts.name) else { return };
        facts.network_mbps = facts.network_mbps.or(known.network_mbps);
        facts.clock_mhz = facts.clock_mhz.or(known.clock_mhz);
        if facts.branch_enis == 0 {
            facts.branch_enis = known.branch_enis;
        }
    }
}

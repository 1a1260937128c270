//! The layout of the built-in facts: gzipped JSON in which a region's zones are letters.

use crate::facts::{InstanceFacts, RegionFacts, ZoneFacts};
use crate::{Facts, dollars};
use flate2::read::GzDecoder;
use model::name::{Text, Zone};
use model::price::Price;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::io::{self, BufReader};

#[derive(Deserialize)]
struct File {
    meta: Meta,
    types: Vec<InstanceFacts>,
}

#[derive(Deserialize)]
struct Meta {
    regions: BTreeMap<Text, Region>,
}

#[derive(Deserialize)]
struct Region {
    zones: Vec<Zone>,
}

/// An instance type in a region, as the file has it.
#[derive(Deserialize)]
struct Offered {
    /// The last letters of the zones: `abd`.
    zones: String,
    /// Dollars per hour on demand.
    od: f64,
    /// Dollars per hour on the spot market, one for each letter; none where it is not sold so.
    #[serde(default)]
    spot: Option<Vec<f64>>,
}

/// Unpacks and reads the facts.
pub(crate) fn read(gzipped: &[u8]) -> io::Result<Facts> {
    let file: File = serde_json::from_reader(BufReader::new(GzDecoder::new(gzipped)))?;
    let zones = file.meta.regions.into_iter().map(|(name, region)| (name, region.zones));
    Ok(Facts::new(file.types, zones.collect()))
}

/// Reads the regions of an instance type, putting the zones' names together.
pub(crate) fn regions<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<Text, RegionFacts>, D::Error> {
    let offered = BTreeMap::<Text, Offered>::deserialize(from)?;
    offered
        .into_iter()
        .map(|(name, offered)| {
            let facts = region(&name, &offered).map_err(D::Error::custom)?;
            Ok((name, facts))
        })
        .collect()
}

fn region(name: &str, offered: &Offered) -> Result<RegionFacts, String> {
    let letters: Vec<char> = offered.zones.chars().collect();
    if let Some(spot) = &offered.spot
        && spot.len() != letters.len()
    {
        return Err(format!("{name}: {} spot prices for zones {}", spot.len(), offered.zones));
    }
    let mut zones = Vec::with_capacity(letters.len());
    for (index, letter) in letters.iter().enumerate() {
        let spot = offered.spot.as_ref().map(|spot| price(name, spot[index])).transpose()?;
        zones.push(ZoneFacts { zone: Zone::from(format!("{name}{letter}")), spot });
    }
    Ok(RegionFacts { on_demand: price(name, offered.od)?, zones })
}

fn price(region: &str, dollars: f64) -> Result<Price, String> {
    dollars::price(dollars).map_err(|problem| format!("{region}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(zones: &str, od: f64, spot: &[f64]) -> Result<RegionFacts, String> {
        region("us-east-1", &Offered { zones: zones.into(), od, spot: Some(spot.to_vec()) })
    }

    #[test]
    fn letters_become_zones() {
        let facts = reading("ad", 1.0, &[0.25, 0.5]).unwrap();
        let zones: Vec<_> = facts.zones.iter().map(|at| &*at.zone).collect();
        assert_eq!(zones, ["us-east-1a", "us-east-1d"]);
        assert_eq!(facts.zones[1].spot, Some(Price::from_micro_dollars(500_000)));
    }

    #[test]
    fn facts_that_do_not_hold_together_are_refused() {
        assert_eq!(
            reading("ab", 1.0, &[0.5]).unwrap_err(),
            "us-east-1: 1 spot prices for zones ab"
        );
        let error = reading("a", -1.0, &[0.5]).unwrap_err();
        assert_eq!(error, "us-east-1: -1 dollars is no price: expected 0 to 1000000");
        assert!(read(b"not gzip").is_err());
    }
}

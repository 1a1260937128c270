//! Amounts of resources by name, as `resources.requests` and `status.capacity` hold them.

use model::name::Text;
use model::quantity;
use model::resources::{self, Resources};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// The most of any resource that a pod may request: 128 Ti bytes, 140 billion cores. 60,000 pods of this size still add up in
/// 64 bits.
pub(crate) const AMOUNT_MAX: i64 = 1 << 47;

/// The most that a node may have: the disks of d3en.12xlarge hold 336 TB, and 16,000 nodes of this size still add up.
const NODE_AMOUNT_MAX: i64 = 1 << 49;

/// Amounts in base units (milli for `cpu`); one that is zero is there all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts(pub(crate) BTreeMap<Text, i64>);

impl Amounts {
    /// Adds the other's amounts; they stay at the largest number rather than overflow.
    pub(crate) fn add(&mut self, other: &Self) {
        for (name, units) in &other.0 {
            let sum = self.0.entry(name.clone()).or_insert(0);
            *sum = sum.saturating_add(*units);
        }
    }

    /// Takes the larger amount of each.
    pub(crate) fn raise_to(&mut self, other: &Self) {
        for (name, units) in &other.0 {
            let most = self.0.entry(name.clone()).or_insert(*units);
            *most = (*most).max(*units);
        }
    }

    /// The amounts that a pod requests.
    ///
    /// # Errors
    /// When one is larger than `AMOUNT_MAX`: says which.
    pub(crate) fn resources(&self) -> Result<Resources, String> {
        self.up_to(AMOUNT_MAX)
    }

    /// The amounts that a node has.
    ///
    /// # Errors
    /// When one is larger than `NODE_AMOUNT_MAX`: says which.
    pub(crate) fn resources_of_node(&self) -> Result<Resources, String> {
        self.up_to(NODE_AMOUNT_MAX)
    }

    fn up_to(&self, most: i64) -> Result<Resources, String> {
        let mut all = Resources::default();
        for (name, units) in &self.0 {
            if most < *units {
                let most = resources::format_amount(name, most);
                return Err(format!("{name} is too large: expected at most {most}"));
            }
            all.set_units(name, *units);
        }
        Ok(all)
    }
}

impl<'de> Deserialize<'de> for Amounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AmountsVisitor)
    }
}

struct AmountsVisitor;

impl<'de> Visitor<'de> for AmountsVisitor {
    type Value = Amounts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of quantities")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Amounts, M::Error> {
        let mut all = BTreeMap::new();
        while let Some(name) = map.next_key::<Text>()? {
            let units = map.next_value_seed(AmountOf(&name))?;
            all.insert(name, units);
        }
        Ok(Amounts(all))
    }
}

/// Reads the amount of the named resource: a text, or a bare number. Wrong ones are found while the path is known.
struct AmountOf<'a>(&'a str);

impl AmountOf<'_> {
    fn parse<E: Error>(&self, text: &str) -> Result<i64, E> {
        let units =
            if self.0 == "cpu" { quantity::parse_milli(text) } else { quantity::parse_units(text) };
        units.map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for AmountOf<'_> {
    type Value = i64;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<i64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for AmountOf<'_> {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity such as 500m, 2 or 1.5Gi")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i64, E> {
        self.parse(text)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        self.parse(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        self.parse(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i64, E> {
        self.parse(&number.to_string())
    }
}

//! The instance types of one EC2NodeClass, prepared for looking them up by label.
//!
//! A requirement is asked about each distinct value of a label once, not about each of a thousand types: the types of a
//! value are bits in a row, and requirements are combined by `and`.

use crate::instance_type::{CapacityType, InstanceType, Offering};
use crate::labels;
use crate::name::{Text, Zone, stable_hash};
use crate::price::Price;
use crate::requirement::{Requirement, Requirements};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Deref;

const BITS: usize = u64::BITS as usize;

/// A set of instance types, by their place in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeSet(Vec<u64>);

impl TypeSet {
    fn none_of(count: usize) -> Self {
        Self(vec![0; count.div_ceil(BITS)])
    }

    fn all_of(count: usize) -> Self {
        let mut all = Self::none_of(count);
        (0..count).for_each(|index| all.insert(index));
        all
    }

    fn insert(&mut self, index: usize) {
        self.0[index / BITS] |= 1 << (index % BITS);
    }

    fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }

    /// Whether the type at this place is in the set.
    pub fn contains(&self, index: usize) -> bool {
        self.0.get(index / BITS).is_some_and(|word| word >> (index % BITS) & 1 == 1)
    }

    /// The places of the set's types, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.0.len() * BITS).filter(|index| self.contains(*index))
    }
}

/// The types of each value of one label.
#[derive(Clone, Debug)]
struct Column {
    absent: TypeSet,
    values: BTreeMap<Text, TypeSet>,
}

/// Instance types, by name, with their labels by column.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<InstanceType>", into = "Vec<InstanceType>")]
pub struct InstanceTypes {
    types: Vec<InstanceType>,
    columns: BTreeMap<Text, Column>,
    markets: Markets,
    fingerprint: u64,
}

/// What most choices look at of an offering, in few bytes: there are ten thousand of them.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Per hour.
    pub price: Price,
    /// The number of its zone and capacity type.
    pub market: u32,
    /// Whether it is available.
    pub available: bool,
}

/// The offerings by number of zone and capacity type.
#[derive(Clone, Debug, Default)]
struct Markets {
    count: usize,
    /// Type after type.
    offers: Vec<Offer>,
    /// Where those of each type end.
    ends: Vec<usize>,
}

impl InstanceTypes {
    /// The type of this name.
    pub fn named(&self, name: &str) -> Option<&InstanceType> {
        let found = self.types.binary_search_by(|t| t.name.as_str().cmp(name));
        found.ok().map(|index| &self.types[index])
    }

    /// How many pairs of zone and capacity type there are among the offerings.
    pub fn markets(&self) -> usize {
        self.markets.count
    }

    /// The offerings of the type at this place, in their order.
    pub fn offers(&self, place: usize) -> &[Offer] {
        let start = place.checked_sub(1).map_or(0, |before| self.markets.ends[before]);
        &self.markets.offers[start..self.markets.ends[place]]
    }

    /// A hash over sizes, offerings and prices: the same as long as nothing changes that a choice could depend on.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The types whose labels are admitted, by the rules of `InstanceType::admitted_by`.
    pub fn admitted(&self, requirements: &Requirements) -> TypeSet {
        let mut admitted = TypeSet::all_of(self.types.len());
        for (key, requirement) in requirements.iter().filter(|(key, _)| describes_a_type(key)) {
            match self.columns.get(key) {
                Some(column) => admitted.keep(&column.admitted(key, requirement)),
                None if may_be_absent(key, requirement) => {}
                None => return TypeSet::none_of(self.types.len()),
            }
        }
        admitted
    }
}

impl Column {
    fn admitted(&self, key: &str, requirement: &Requirement) -> TypeSet {
        let mut admitted = TypeSet(vec![0; self.absent.0.len()]);
        if may_be_absent(key, requirement) {
            admitted.join(&self.absent);
        }
        if let Some(listed) = requirement.listed() {
            listed.iter().filter_map(|value| self.values.get(value)).for_each(|t| admitted.join(t));
        } else {
            let values = self.values.iter().filter(|(value, _)| requirement.admits(value));
            values.for_each(|(_, types)| admitted.join(types));
        }
        admitted
    }
}

/// Whether a label is the instance type's to have, and not the offering's or the node's.
fn describes_a_type(key: &str) -> bool {
    let others = [labels::ZONE, labels::ZONE_ID, labels::CAPACITY_TYPE, labels::HOSTNAME];
    !others.contains(&key) && key != labels::NODEPOOL
}

/// A label that no instance type describes is the pool's to define.
fn may_be_absent(key: &str, requirement: &Requirement) -> bool {
    !labels::is_well_known(key) || requirement.admits_absence()
}

impl Markets {
    fn of(types: &[InstanceType]) -> Self {
        let mut numbers: BTreeMap<(&Zone, CapacityType), u32> = BTreeMap::new();
        let mut markets = Self::default();
        for instance_type in types {
            for offering in &instance_type.offerings {
                let next = u32::try_from(numbers.len()).expect("zones are few");
                let number = numbers.entry((&offering.zone, offering.capacity_type));
                markets.offers.push(Offer {
                    price: offering.price,
                    market: *number.or_insert(next),
                    available: offering.available,
                });
            }
            markets.ends.push(markets.offers.len());
        }
        markets.count = numbers.len();
        markets
    }
}

impl From<Vec<InstanceType>> for InstanceTypes {
    fn from(mut types: Vec<InstanceType>) -> Self {
        types.sort_by(|a, b| a.name.cmp(&b.name));
        let count = types.len();
        let mut columns: BTreeMap<Text, Column> = BTreeMap::new();
        for (index, instance_type) in types.iter().enumerate() {
            for (key, value) in &instance_type.labels {
                let empty = || Column { absent: TypeSet::all_of(count), values: BTreeMap::new() };
                let column = columns.entry(Text::clone(key)).or_insert_with(empty);
                column.absent.0[index / BITS] &= !(1 << (index % BITS));
                let types = column.values.entry(Text::clone(value));
                types.or_insert_with(|| TypeSet::none_of(count)).insert(index);
            }
        }
        let fingerprint = fingerprint(&types);
        let markets = Markets::of(&types);
        Self { types, columns, markets, fingerprint }
    }
}

fn fingerprint(types: &[InstanceType]) -> u64 {
    let mut all: u64 = 0;
    for instance_type in types {
        let InstanceType { name, labels: _, capacity, allocatable, offerings } = instance_type;
        all = stable_hash([&all.to_be_bytes()[..], name.as_bytes()]);
        for (resource, units) in capacity.iter().chain(allocatable.iter()) {
            all = stable_hash([&all.to_be_bytes()[..], resource.as_bytes(), &units.to_be_bytes()]);
        }
        for offering in offerings {
            let Offering { zone, zone_id: _, capacity_type, price, available } = offering;
            let numbers = [price.micro_dollars(), i64::from(*available)].map(i64::to_be_bytes);
            all = stable_hash([
                &all.to_be_bytes()[..],
                zone.as_bytes(),
                capacity_type.as_str().as_bytes(),
                &numbers[0],
                &numbers[1],
            ]);
        }
    }
    all
}

impl From<InstanceTypes> for Vec<InstanceType> {
    fn from(types: InstanceTypes) -> Self {
        types.types
    }
}

impl Deref for InstanceTypes {
    type Target = [InstanceType];
    fn deref(&self) -> &[InstanceType] {
        &self.types
    }
}

impl PartialEq for InstanceTypes {
    fn eq(&self, other: &Self) -> bool {
        self.types == other.types
    }
}

impl Eq for InstanceTypes {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requirement::Operator;
    use crate::resources::Resources;
    use proptest::prelude::*;

    const KEYS: [&str; 4] = [labels::ARCH, "karpenter.k8s.aws/instance-cpu", "team", labels::ZONE];

    fn types(rows: &[[Option<u8>; 3]]) -> InstanceTypes {
        let one = |(number, row): (usize, &[Option<u8>; 3])| InstanceType {
            name: format!("t{number:03}").into(),
            labels: KEYS
                .iter()
                .zip(row)
                .filter_map(|(key, value)| {
                    Some(((*key).into(), value.as_ref()?.to_string().into()))
                })
                .collect(),
            capacity: Resources::default(),
            allocatable: Resources::default(),
            offerings: vec![],
        };
        rows.iter().enumerate().map(one).collect::<Vec<_>>().into()
    }

    proptest! {
        #[test]
        fn columns_admit_what_each_type_admits_by_itself(
            rows in prop::collection::vec(prop::array::uniform3(prop::option::of(0_u8..4)), 0..150),
            wanted in prop::collection::vec((0_usize..4, 0_usize..5, 0_u8..4), 0..4),
        ) {
            let all = types(&rows);
            let mut requirements = Requirements::none();
            for (key, operator, value) in wanted {
                let value = [value.to_string()];
                let requirement = match operator {
                    0 => Requirement::new(Operator::In, &value),
                    1 => Requirement::new(Operator::NotIn, &value),
                    2 => Requirement::new(Operator::Gt, &value),
                    3 => Requirement::new::<&str>(Operator::Exists, &[]),
                    _ => Requirement::new::<&str>(Operator::DoesNotExist, &[]),
                };
                requirements.require(KEYS[key], requirement.unwrap());
            }
            let admitted: Vec<usize> = all.admitted(&requirements).iter().collect();
            let one_by_one: Vec<usize> =
                (0..all.len()).filter(|i| all[*i].admitted_by(&requirements)).collect();
            prop_assert_eq!(admitted, one_by_one);
        }
    }
}

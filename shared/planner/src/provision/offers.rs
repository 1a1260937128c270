//! What new nodes can be for a class, label by label, over all NodePools.

use super::opening::Field;
use crate::scheduling::amounts::fits;
use crate::scheduling::classes::Class;
use crate::scheduling::daemons::first_conflict;
use crate::scheduling::pools::values_of;
use crate::scheduling::topology::{Offers, Rank};
use model::labels;
use model::name::Text;
use model::requirement::Requirements;
use model::taint::Taint;
use std::collections::{BTreeMap, BTreeSet};

/// The pools' offers, remembered.
pub(super) struct PoolOffers<'o, 'f, 's, 'a> {
    classes: &'o [Class<'a>],
    fields: &'f mut [Field<'s, 'a>],
    known: BTreeMap<(usize, Requirements, Text), Vec<(Text, Rank)>>,
}

impl<'o, 'f, 's, 'a> PoolOffers<'o, 'f, 's, 'a> {
    pub(super) fn of(classes: &'o [Class<'a>], fields: &'f mut [Field<'s, 'a>]) -> Self {
        Self { classes, fields, known: BTreeMap::new() }
    }

    /// The values of a label that nodes can have, whether or not a class fits on them; its wishes set aside, only of nodes
    /// whose taints it tolerates and whose labels it asks for, where that matters.
    pub(super) fn admitted(
        &mut self,
        (class, key): (usize, &str),
        tolerated: bool,
        asked: bool,
    ) -> Vec<Text> {
        let it = &self.classes[class];
        let mut found = BTreeSet::new();
        for field in self.fields.iter_mut() {
            let hard = |taint: &&Taint| taint.is_hard();
            let mut taints = field.pool.taints.iter().filter(hard);
            if tolerated && taints.any(|taint| !taint.is_tolerated_by(&it.sample.tolerations)) {
                continue;
            }
            let any = vec![Requirements::none()];
            for wanted in if asked { it.sample.node_alternatives() } else { any } {
                if first_conflict(&wanted, &field.profiles.stock.requirements).is_none() {
                    found.extend(domains(field, &wanted, key, None));
                }
            }
        }
        found.into_iter().collect()
    }

    fn look(&mut self, class: usize, pins: &Requirements, key: &str) -> Vec<(Text, Rank)> {
        let it = &self.classes[class];
        let mut found: BTreeMap<Text, Rank> = BTreeMap::new();
        for (place, field) in self.fields.iter_mut().enumerate() {
            if it.kept_away_by(field.pool.taints.iter()).is_some() {
                continue;
            }
            for alternative in &it.alternatives {
                let wanted = alternative.intersect(pins);
                if first_conflict(&wanted, &field.profiles.stock.requirements).is_some() {
                    continue;
                }
                for value in domains(field, &wanted, key, Some(&it.requests)) {
                    let rank = (place, price_level(field, &wanted, (key, &value)));
                    let best = found.entry(value).or_insert(rank);
                    *best = rank.min(*best);
                }
            }
        }
        found.into_iter().collect()
    }
}

impl Offers for PoolOffers<'_, '_, '_, '_> {
    fn domains(&mut self, class: usize, pins: &Requirements, key: &str) -> Vec<(Text, Rank)> {
        let asked = (class, pins.clone(), Text::from(key));
        if let Some(known) = self.known.get(&asked) {
            return known.clone();
        }
        let found = self.look(class, pins, key);
        self.known.insert(asked, found.clone());
        found
    }
}

/// The values of a label that nodes of a pool can have within requirements, with room for a request.
fn domains(
    field: &mut Field<'_, '_>,
    wanted: &Requirements,
    key: &str,
    request: Option<&Vec<i64>>,
) -> Vec<Text> {
    let profile = field.profiles.enter(wanted);
    let stock = field.profiles.stock;
    let profile = field.profiles.get(profile);
    let offered = profile.offered().map(|(shape, _)| shape);
    let mut holders =
        offered.filter(|shape| request.is_none_or(|request| fits(request, stock.room(*shape))));
    let is_of_types = labels::is_well_known(key) && key != labels::NODEPOOL;
    if !is_of_types {
        let listed = profile.requirements.get(key).and_then(|values| values.listed());
        return match (listed, holders.next()) {
            (Some(listed), Some(_)) => listed.iter().cloned().collect(),
            _ => Vec::new(),
        };
    }
    if key == labels::ZONE || key == labels::CAPACITY_TYPE {
        let open = |offer: u32| profile.markets & (1 << offer) != 0;
        let mut markets = 0_u128;
        for shape in holders {
            for offer in stock.offers(shape) {
                markets |= 1 << offer.market;
            }
        }
        let markets = stock
            .markets
            .iter()
            .zip(0_u32..)
            .filter(|(_, at)| markets & (1 << at) != 0 && open(*at));
        let mut values: Vec<Text> = markets
            .map(|(market, _)| match key {
                labels::ZONE => market.zone.text(),
                _ => market.capacity_type.as_str().into(),
            })
            .collect();
        values.sort();
        values.dedup();
        return values;
    }
    let mut values: Vec<Text> =
        holders.flat_map(|shape| values_of(stock, profile, shape, key)).map(Text::from).collect();
    values.sort();
    values.dedup();
    values
}

/// How dear nodes of a pool are where a label has a value.
fn price_level(
    field: &mut Field<'_, '_>,
    wanted: &Requirements,
    (key, value): (&str, &Text),
) -> i64 {
    let mut pinned = wanted.clone();
    pinned.require(key, model::requirement::Requirement::is(Text::clone(value)));
    let profile = field.profiles.enter(&pinned);
    field.profiles.price_level(profile)
}

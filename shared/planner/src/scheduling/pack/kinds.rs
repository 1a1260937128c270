//! What a pool offers to the pods of a pass: kinds of nodes, each with one price and those who may enter.

use super::Demand;
use crate::bound::Bits;
use crate::scheduling::profiles::Profiles;
use model::price::Price;
use std::collections::BTreeMap;

/// Nodes of one shape in a zone and capacity type, or in several that nobody tells apart.
pub(super) struct Kind {
    pub(super) shape: usize,
    pub(super) price: Price,
    /// The ways to enter that this admits.
    pub(super) admits: Bits,
}

/// All kinds, and how each class enters.
pub(super) struct Offered {
    pub(super) kinds: Vec<Kind>,
    /// For each class the number of its way to enter: the list of profiles that it has in common with others.
    pub(super) entry_of: Vec<usize>,
}

impl Offered {
    /// What is offered to the classes that are to be placed.
    pub(super) fn of(profiles: &Profiles<'_, '_>, demand: &Demand<'_, '_>) -> Self {
        let mut ways: BTreeMap<&[usize], usize> = BTreeMap::new();
        let mut entry_of = Vec::with_capacity(demand.entries.len());
        for (entries, left) in demand.entries.iter().zip(&demand.left) {
            let next = ways.len();
            let is_asked = 0 < *left && !entries.is_empty();
            entry_of.push(if is_asked { *ways.entry(entries).or_insert(next) } else { usize::MAX });
        }
        let mut of_way: Vec<&[usize]> = vec![&[]; ways.len()];
        for (entries, way) in ways {
            of_way[way] = entries;
        }
        let stock = profiles.stock;
        let mut kinds = Vec::new();
        for shape in 0..stock.shapes.len() {
            let markets = |way: &&[usize]| -> u128 {
                let offered = way.iter().map(|profile| profiles.get(*profile));
                let offered = offered.filter(|profile| profile.price(shape).is_some());
                offered.fold(0, |markets, profile| markets | profile.markets)
            };
            let markets: Vec<u128> = of_way.iter().map(markets).collect();
            let mut seen: Vec<(Price, Bits)> = Vec::new();
            for offer in stock.offers(shape) {
                let admits: Bits =
                    markets.iter().map(|markets| markets >> offer.market & 1 == 1).collect();
                let kind = (offer.price, admits);
                if !kind.1.is_empty() && !seen.contains(&kind) {
                    seen.push(kind);
                }
            }
            let all = seen.into_iter().map(|(price, admits)| Kind { shape, price, admits });
            kinds.extend(all);
        }
        Self { kinds, entry_of }
    }
}

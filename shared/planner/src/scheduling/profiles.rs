//! What sets of pods admit of a stock: instance types, markets, and the least price of each.
//!
//! Pods with the same constraints share a profile; what two sets of pods admit together is a profile again.

use super::amounts::Columns;
use super::stock::Stock;
use model::instance_type::InstanceType;
use model::labels;
use model::name::Text;
use model::price::Price;
use model::requirement::{Requirement, Requirements};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Requirements on the labels of instance types, prepared for looking at many.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeFilter(Vec<(Text, Requirement, bool)>);

impl TypeFilter {
    /// Prepares requirements. Zone, capacity type and what only a node has are not looked at.
    pub(crate) fn of(requirements: &Requirements) -> Self {
        let of_types = requirements.iter().filter(|(key, _)| {
            ![
                labels::ZONE,
                labels::ZONE_ID,
                labels::CAPACITY_TYPE,
                labels::HOSTNAME,
                labels::NODEPOOL,
                labels::EC2NODECLASS,
            ]
            .contains(&&***key)
        });
        let prepared = of_types.map(|(key, requirement)| {
            (Text::clone(key), requirement.clone(), labels::is_well_known(key))
        });
        Self(prepared.collect())
    }

    /// Whether every type is admitted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the type's labels are admitted; a label that is the pool's to define may be absent.
    pub(crate) fn admits(&self, instance_type: &InstanceType) -> bool {
        self.0.iter().all(|(key, requirement, is_well_known)| match instance_type.labels.get(key) {
            Some(value) => requirement.admits(value),
            None => !is_well_known || requirement.admits_absence(),
        })
    }
}

/// What some pods admit.
#[derive(Debug)]
pub(crate) struct Profile {
    /// The stock's requirements and the pods'.
    pub(crate) requirements: Requirements,
    /// The markets that they admit.
    pub(crate) markets: u128,
    /// The least price of each shape; none where the type is not admitted or has no offering.
    prices: Arc<Vec<Option<Price>>>,
    /// The number of these prices: profiles that differ only in what nodes are called share them.
    pub(crate) price_list: usize,
}

impl Profile {
    /// The least price of a shape, if it is admitted and offered.
    pub(crate) fn price(&self, shape: usize) -> Option<Price> {
        self.prices[shape]
    }

    /// The shapes that are admitted and offered, with their least prices.
    pub(crate) fn offered(&self) -> impl Iterator<Item = (usize, Price)> {
        self.prices.iter().enumerate().filter_map(|(shape, price)| Some((shape, (*price)?)))
    }
}

/// The profiles of one stock.
#[derive(Debug)]
pub(crate) struct Profiles<'s, 'a> {
    /// The stock.
    pub(crate) stock: &'s Stock<'a>,
    all: Vec<Profile>,
    by_requirements: BTreeMap<Requirements, usize>,
    pairs: BTreeMap<(usize, usize), Option<usize>>,
    price_lists: BTreeMap<Arc<Vec<Option<Price>>>, usize>,
    /// For each price list its level.
    levels: BTreeMap<usize, i64>,
}

impl<'s, 'a> Profiles<'s, 'a> {
    /// No profile but the stock's own, which is number 0.
    pub(crate) fn of(stock: &'s Stock<'a>) -> Self {
        let mut profiles = Self {
            stock,
            all: Vec::new(),
            by_requirements: BTreeMap::new(),
            pairs: BTreeMap::new(),
            price_lists: BTreeMap::new(),
            levels: BTreeMap::new(),
        };
        profiles.enter(&Requirements::none());
        profiles
    }

    /// A profile by its number.
    pub(crate) fn get(&self, profile: usize) -> &Profile {
        &self.all[profile]
    }

    /// The number of the profile of these requirements within the stock.
    pub(crate) fn enter(&mut self, wanted: &Requirements) -> usize {
        let requirements = self.stock.requirements.intersect(wanted);
        if let Some(known) = self.by_requirements.get(&requirements) {
            return *known;
        }
        let markets = self.stock.market_mask(&requirements);
        let mut prices = vec![None; self.stock.shapes.len()];
        for shape in self.stock.shapes_of(wanted) {
            prices[shape] = self.least_price(shape, markets);
        }
        self.insert(requirements, markets, prices)
    }

    /// The profile of what both admit, if they admit anything together.
    pub(crate) fn both(&mut self, a: usize, b: usize) -> Option<usize> {
        if a == b || b == 0 {
            return Some(a);
        }
        let pair = (a.min(b), a.max(b));
        if let Some(known) = self.pairs.get(&pair) {
            return *known;
        }
        let found = self.intersect(a, b);
        self.pairs.insert(pair, found);
        found
    }

    fn intersect(&mut self, a: usize, b: usize) -> Option<usize> {
        let requirements = self.all[a].requirements.intersect(&self.all[b].requirements);
        if requirements.impossible_key().is_some() {
            return None;
        }
        if let Some(known) = self.by_requirements.get(&requirements) {
            return Some(*known);
        }
        let markets = self.all[a].markets & self.all[b].markets;
        let prices = (0..self.stock.shapes.len()).map(|shape| {
            self.all[a].prices[shape]?;
            self.all[b].prices[shape]?;
            self.least_price(shape, markets)
        });
        let prices = prices.collect();
        Some(self.insert(requirements, markets, prices))
    }

    fn insert(
        &mut self,
        requirements: Requirements,
        markets: u128,
        prices: Vec<Option<Price>>,
    ) -> usize {
        let prices = Arc::new(prices);
        let next = self.price_lists.len();
        let price_list = *self.price_lists.entry(Arc::clone(&prices)).or_insert(next);
        let number = self.all.len();
        self.by_requirements.insert(requirements.clone(), number);
        self.all.push(Profile { requirements, markets, prices, price_list });
        number
    }

    fn least_price(&self, shape: usize, markets: u128) -> Option<Price> {
        let offers = self.stock.offers(shape).iter().filter(|o| markets & (1 << o.market) != 0);
        offers.map(|offer| offer.price).min()
    }

    /// What an ordinary amount of CPU and memory costs at least in nodes of a profile: only to be compared.
    pub(crate) fn price_level(&mut self, profile: usize) -> i64 {
        let list = self.all[profile].price_list;
        if let Some(known) = self.levels.get(&list) {
            return *known;
        }
        // A core for 4 GiB, as in most instance families.
        let size = |shape: usize| {
            let room = self.stock.room(shape);
            room[Columns::CPU].min(room[Columns::MEMORY] >> 22).max(1)
        };
        let of_shape = |(shape, price): (usize, Price)| (price.micro_dollars() << 16) / size(shape);
        let level = self.all[profile].offered().map(of_shape).min().unwrap_or(i64::MAX);
        self.levels.insert(list, level);
        level
    }
}

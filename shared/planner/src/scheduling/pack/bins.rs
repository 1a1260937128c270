//! A bin, pod by pod: what may really be together on one node.

use super::kinds::Kind;
use super::{Bin, Packer};
use crate::scheduling::amounts::{add, times};
use crate::scheduling::classes::Class;
use crate::scheduling::pools::{holders, missing_values};
use crate::scheduling::topology::Local;
use model::price::Price;
use model::snapshot::MinValuesPolicy;

/// Fillings tried where `minValues` demands that several types can hold the pods, in sixteenths of the room.
const SIXTEENTHS: [i64; 5] = [12, 8, 4, 2, 1];

impl Packer<'_, '_, '_, '_> {
    /// A bin of a kind with these contents, or as much of them as may be together; nothing if not even the first may come.
    pub(super) fn bin(&mut self, kind: &Kind, contents: &[(usize, i64)]) -> Option<Bin> {
        let full = self.filled(kind, contents, 16)?;
        if self.has_enough_types(&full) {
            return Some(full);
        }
        for part in SIXTEENTHS {
            let fewer = self.filled(kind, contents, part);
            if let Some(bin) = fewer.filter(|bin| self.has_enough_types(bin)) {
                return Some(bin);
            }
        }
        (self.demand.min_values == MinValuesPolicy::BestEffort).then_some(full)
    }

    /// A bin whose pods use so many sixteenths of the room at most; with one, a single pod.
    fn filled(&mut self, kind: &Kind, contents: &[(usize, i64)], sixteenths: i64) -> Option<Bin> {
        let (lead, _) = contents.first()?;
        let open = |profile: &&usize| {
            let profile = self.profiles.get(**profile);
            profile.price(kind.shape).is_some_and(|price| price <= kind.price)
        };
        let profile = self.demand.entries[*lead].iter().find(open)?;
        let mut bin = self.empty(kind.shape, *profile)?;
        if sixteenths == 1 {
            return (self.put(&mut bin, (*lead, 1), kind.price) == 1).then_some(bin);
        }
        for units in &mut bin.free {
            *units = *units / 16 * sixteenths + *units % 16 * sixteenths / 16;
        }
        for (class, count) in contents {
            let count = (*class, *count);
            if self.put(&mut bin, count, kind.price) == 0 && class == lead {
                return None;
            }
        }
        Some(bin)
    }

    /// A node without pods.
    pub(super) fn empty(&self, shape: usize, profile: usize) -> Option<Bin> {
        let stock = self.profiles.stock;
        Some(Bin {
            contents: Vec::new(),
            profile,
            shape,
            price: self.profiles.get(profile).price(shape)?,
            free: stock.room(shape).to_vec(),
            ports: stock.daemons.ports.clone(),
            local: Local::default(),
        })
    }

    /// Puts as many pods of a class as fit, at most `most`, as long as the bin costs no more than the ceiling then.
    pub(super) fn put(
        &mut self,
        bin: &mut Bin,
        (class, most): (usize, i64),
        ceiling: Price,
    ) -> i64 {
        let it = &self.demand.classes[class];
        let mut count = times(&it.requests, &bin.free, most);
        if it.is_alone_on_a_node() {
            count = if it.ports_fit(&bin.ports) { count.min(1) } else { 0 };
        }
        count = bin.local.most(&it.roles, count);
        if count == 0 {
            return 0;
        }
        let mut found: Option<(Price, usize)> = None;
        for entry in &self.demand.entries[class] {
            let Some(both) = self.profiles.both(bin.profile, *entry) else { continue };
            let Some(price) = self.profiles.get(both).price(bin.shape) else { continue };
            found = Some(found.map_or((price, both), |other| other.min((price, both))));
        }
        let Some((price, profile)) = found.filter(|(price, _)| *price <= ceiling) else { return 0 };
        (bin.price, bin.profile) = (price, profile);
        bin.ports.extend(it.sample.host_ports.iter().cloned());
        bin.local.add(&it.roles, count);
        add(&mut bin.free, &it.requests, -count);
        match bin.contents.iter_mut().find(|(known, _)| *known == class) {
            Some((_, present)) => *present += count,
            None => bin.contents.push((class, count)),
        }
        count
    }

    /// Whether the types that could hold the bin's pods are as many as the pool's `minValues` demand.
    pub(super) fn has_enough_types(&self, bin: &Bin) -> bool {
        let profile = self.profiles.get(bin.profile);
        if !profile.requirements.iter().any(|(_, r)| r.min_values().is_some()) {
            return true;
        }
        let used = bin.used(self.demand.classes);
        let stock = self.profiles.stock;
        missing_values(stock, profile, holders(stock, profile, &used)).is_none()
    }
}

impl Bin {
    /// What its pods request.
    pub(crate) fn used(&self, classes: &[Class<'_>]) -> Vec<i64> {
        let mut used = vec![0; self.free.len()];
        for (class, count) in &self.contents {
            add(&mut used, &classes[*class].requests, *count);
        }
        used
    }
}

//! What goes onto one node: a type filled with pods, as long as they are worth what they make it cost.

use super::{Bin, Measure, Packer};
use crate::scheduling::amounts::{add, times};
use crate::scheduling::classes::Class;
use crate::scheduling::pools::{holders, missing_values};
use crate::scheduling::topology::Local;
use model::price::Price;
use model::snapshot::MinValuesPolicy;

/// Fillings tried where `minValues` demands that several types can hold the pods, in sixteenths of the room.
const SIXTEENTHS: [i64; 6] = [16, 12, 8, 4, 2, 1];

/// Nano-dollars in a micro-dollar.
pub(super) const NANO: i64 = 1000;

/// What is filled, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) shape: usize,
    pub(super) profile: usize,
    /// With what keeps all resources in balance, instead of as many as fit of one class after the other.
    pub(super) balanced: bool,
}

impl Packer<'_, '_, '_, '_> {
    /// A type filled with the lead and then all that fits, as long as enough types can hold it.
    pub(super) fn filled(&mut self, kind: Kind, lead: usize, order: &[usize]) -> Option<Bin> {
        let enough = SIXTEENTHS.into_iter().find_map(|sixteenths| {
            let bin = self.fill(kind, sixteenths, lead, order)?;
            self.has_enough_types(&bin).then_some(bin)
        });
        let relaxed = || {
            let relaxes = self.demand.min_values == MinValuesPolicy::BestEffort;
            relaxes.then(|| self.fill(kind, SIXTEENTHS[0], lead, order)).flatten()
        };
        enough.or_else(relaxed)
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
            worth: 0,
        })
    }

    fn fill(&mut self, kind: Kind, sixteenths: i64, lead: usize, order: &[usize]) -> Option<Bin> {
        let mut bin = self.empty(kind.shape, kind.profile)?;
        if sixteenths == 1 {
            // The last resort: one pod alone.
            return (self.put(&mut bin, lead, 1) == 1).then_some(bin);
        }
        for units in &mut bin.free {
            *units = *units / 16 * sixteenths + *units % 16 * sixteenths / 16;
        }
        let first = if kind.balanced { 1 } else { self.packing.left[lead] };
        if self.put(&mut bin, lead, first) == 0 {
            return None;
        }
        if kind.balanced {
            self.balance(&mut bin, order);
            return Some(bin);
        }
        for class in order {
            if *class != lead {
                self.put(&mut bin, *class, self.packing.left[*class]);
            }
        }
        Some(bin)
    }

    /// Fills a bin so that all resources run out together: the next pods are those worth most for their shares of what
    /// is still free.
    pub(super) fn balance(&mut self, bin: &mut Bin, order: &[usize]) {
        let mut open: Vec<(i64, usize)> = order.iter().map(|class| (0, *class)).collect();
        loop {
            let before = bin.free.clone();
            let weights: Vec<i64> =
                before.iter().map(|units| (1 << 40) / (*units).max(1)).collect();
            open.retain_mut(|(score, class)| {
                let request = &self.demand.classes[*class].requests;
                if times(request, &bin.free, 1) == 0 {
                    return false;
                }
                let pairs = request.iter().zip(&weights);
                // In units of 2⁻⁴⁰ of all that is free.
                let share = pairs.map(|(units, weight)| units * weight).sum::<i64>();
                *score = -self.demand.worths[*class] / (share >> 16).max(1);
                true
            });
            open.sort_unstable();
            let mut placed = false;
            for (_, class) in &open {
                let left = self.packing.left[*class] - bin.count_of(*class);
                let most = times(&self.demand.classes[*class].requests, &bin.free, left);
                if most == 0 || self.put(bin, *class, (most / 4).max(1)) == 0 {
                    continue;
                }
                placed = true;
                if has_shifted(&before, &bin.free) {
                    break;
                }
            }
            if !placed {
                return;
            }
        }
    }

    /// Puts as many pods of a class as fit, at most `most`. The price may rise as far as the pods are worth it.
    pub(super) fn put(&mut self, bin: &mut Bin, class: usize, most: i64) -> i64 {
        let Class { requests, .. } = &self.demand.classes[class];
        let mut count = times(requests, &bin.free, most);
        if count == 0 {
            return 0;
        }
        let sample = &self.demand.classes[class];
        if sample.is_alone_on_a_node() {
            if !sample.ports_fit(&bin.ports) {
                return 0;
            }
            count = 1;
        }
        count = bin.local.most(&sample.roles, count);
        if count == 0 {
            return 0;
        }
        let worth = self.demand.worths[class] * count;
        let mut found: Option<(Price, usize)> = None;
        for entry in &self.demand.entries[class] {
            let Some(both) = self.profiles.both(bin.profile, *entry) else { continue };
            let Some(price) = self.profiles.get(both).price(bin.shape) else { continue };
            found = Some(found.map_or((price, both), |other| other.min((price, both))));
        }
        let Some((price, profile)) = found else { return 0 };
        let rise = price - bin.price;
        if Price::ZERO < rise && worth < rise.micro_dollars() * NANO {
            return 0;
        }
        (bin.price, bin.profile) = (price, profile);
        bin.worth += worth;
        bin.ports.extend(sample.sample.host_ports.iter().cloned());
        bin.local.add(&sample.roles, count);
        add(&mut bin.free, requests, -count);
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

    pub(super) fn cost_of(&self, bin: &Bin) -> i64 {
        match &self.measure {
            Measure::Price => bin.price.micro_dollars(),
            Measure::Count => 1,
            Measure::Use(resource) => {
                self.profiles.stock.shapes[bin.shape].instance_type.capacity.get(resource)
            }
        }
    }
}

/// Whether what is free is differently composed than before, by more than an eighth.
fn has_shifted(before: &[i64], after: &[i64]) -> bool {
    let shares = before.iter().zip(after).filter(|(before, _)| 0 < **before);
    let shares = shares.map(|(before, after)| i128::from(*after) * 1024 / i128::from(*before));
    let (least, most) =
        shares.fold((i128::MAX, 0), |(least, most), share| (least.min(share), most.max(share)));
    least * 9 < most * 8
}

impl Bin {
    /// How many pods of a class are on it.
    fn count_of(&self, class: usize) -> i64 {
        let known = self.contents.iter().find(|(known, _)| *known == class);
        known.map_or(0, |(_, count)| *count)
    }

    /// What its pods request.
    pub(crate) fn used(&self, classes: &[Class<'_>]) -> Vec<i64> {
        let mut used = vec![0; self.free.len()];
        for (class, count) in &self.contents {
            add(&mut used, &classes[*class].requests, *count);
        }
        used
    }
}

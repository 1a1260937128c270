//! Makes a packing cheaper: takes a few wasteful nodes apart and packs their pods anew, as long as that pays.

use super::filling::NANO;
use super::{Bin, Packer};
use model::price::Price;
use std::cmp::Reverse;

/// Fewer nodes than this are not taken apart at once: one alone comes out as it was.
const APART_MIN: u64 = 2;

/// How many more may be: the more, the longer one trial takes, and the more like the first packing its outcome is.
const APART_MORE: u64 = 4;

/// The nodes are chosen among so many of those that waste most.
const WASTEFUL: usize = 24;

/// After so many trials that did not pay no more are made.
const FAILURES_MAX: usize = 60;

/// Numbers without a pattern, the same in each run (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % most.max(1)).expect("it is below 2^31")
    }
}

impl Packer<'_, '_, '_, '_> {
    /// Tries to save, with so many trials at most. Nodes before `first` stay as they are.
    pub(super) fn improve(&mut self, first: usize, trials: usize) {
        let mut numbers = Numbers(1);
        let mut failures = 0;
        for _ in 0..trials {
            if self.packing.bins.len() < first + 2 || FAILURES_MAX <= failures {
                return;
            }
            failures = if self.try_again(first, &mut numbers) { 0 } else { failures + 1 };
        }
    }

    fn try_again(&mut self, first: usize, numbers: &mut Numbers) -> bool {
        let chosen = self.wasteful(first, numbers);
        let (left, allowance) = (self.packing.left.clone(), self.packing.allowance.clone());
        let mut taken: Vec<(usize, Bin)> = Vec::with_capacity(chosen.len());
        for index in chosen {
            let bin = self.packing.bins.remove(index);
            let capacity = &self.profiles.stock.shapes[bin.shape].instance_type.capacity;
            self.packing.allowance.take(capacity, -1);
            for (class, count) in &bin.contents {
                self.packing.left[*class] += count;
            }
            taken.push((index, bin));
        }
        let before: Price = taken.iter().map(|(_, bin)| bin.price).sum();
        let kept = self.packing.bins.len();
        let mut order: Vec<usize> =
            (0..left.len()).filter(|class| left[*class] < self.packing.left[*class]).collect();
        self.sort_leads(&mut order);
        let mut changed = Vec::new();
        self.use_open_bins(&order, &mut changed);
        let risen: Price = changed
            .iter()
            .map(|(at, old): &(usize, Bin)| self.packing.bins[*at].price - old.price)
            .sum();
        let limit = before - risen;
        let done = self.repack(&mut order, &left, limit, numbers);
        let after: Price = self.packing.bins[kept..].iter().map(|bin| bin.price).sum();
        let nodes = self.packing.bins.len() - kept;
        if done && (after < limit || (after == limit && nodes < taken.len())) {
            return true;
        }
        self.packing.bins.truncate(kept);
        for (at, bin) in changed.into_iter().rev() {
            self.packing.bins[at] = bin;
        }
        for (index, bin) in taken.into_iter().rev() {
            self.packing.bins.insert(index, bin);
        }
        (self.packing.left, self.packing.allowance) = (left, allowance);
        false
    }

    /// Packs what was taken, for less than a price. Says whether all has its place again.
    fn repack(
        &mut self,
        order: &mut Vec<usize>,
        left: &[i64],
        limit: Price,
        numbers: &mut Numbers,
    ) -> bool {
        let mut cost = Price::ZERO;
        loop {
            order.retain(|class| left[*class] < self.packing.left[*class]);
            if order.is_empty() {
                return true;
            }
            // Most often the largest leads; else one of the next.
            let lead = order[numbers.below(3).min(numbers.below(3)).min(order.len() - 1)];
            let (best, whole) = self.best_bin(lead, order);
            let room = limit - cost;
            let bin = match (best, whole) {
                (_, Some(whole)) if whole.price <= room => whole,
                (Some(best), _) => best,
                (None, _) => return false,
            };
            cost += bin.price;
            if limit < cost {
                return false;
            }
            let capacity = &self.profiles.stock.shapes[bin.shape].instance_type.capacity;
            if self.packing.allowance.admits(capacity, 1) < 1 {
                return false;
            }
            self.open_times(bin, 1);
        }
    }

    /// Some of the nodes that waste most, the last first.
    fn wasteful(&self, first: usize, numbers: &mut Numbers) -> Vec<usize> {
        let waste = |bin: &Bin| bin.price.micro_dollars() * NANO - bin.worth;
        let bins = self.packing.bins.iter().enumerate().skip(first);
        let mut ranked: Vec<(Reverse<i64>, usize)> =
            bins.map(|(index, bin)| (Reverse(waste(bin)), index)).collect();
        ranked.sort_unstable();
        ranked.truncate(WASTEFUL);
        let count = usize::try_from(APART_MIN).expect("it is small") + numbers.below(APART_MORE);
        while count < ranked.len() {
            let out = numbers.below(ranked.len() as u64);
            ranked.remove(out);
        }
        let mut chosen: Vec<usize> = ranked.into_iter().map(|(_, index)| index).collect();
        chosen.sort_unstable_by_key(|index| Reverse(*index));
        chosen
    }
}

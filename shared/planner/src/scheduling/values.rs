//! What resources are worth: dual prices, so that a node's price can be held against what its pods would cost at best.
//!
//! For CPU and memory these are the prices x and y that maximise the value of all that is asked for, such that no
//! instance type holds more than it costs (the dual of the fractional packing problem); accelerators are worth what is
//! left of the cheapest type that has them.

use super::amounts::Columns;
use super::classes::Class;
use super::pack::Demand;
use super::profiles::Profiles;
use std::collections::BTreeMap;

/// Values are in 2⁻¹² micro-dollars: enough that a mebibyte (about 5 micro-dollars an hour) has four digits.
const SHIFT: u32 = 12;

/// Memory and storage count in mebibytes here.
const MEBIBYTE_SHIFT: u32 = 20;

/// Halvings of the range in which the best memory price lies: it has less than 2³⁰ values, and each step leaves 2/3.
const STEPS: u32 = 52;

/// A price on the scale of worths.
pub(crate) fn scale(micro_dollars: i64) -> i64 {
    micro_dollars << SHIFT
}

/// What a pod of each class is worth: what it would cost at best, at the prices of what it admits. Then a pod that must
/// have on-demand capacity is worth that, and one that need not is no reason for a larger node of it. Where there is
/// only one class, any worth will do.
pub(crate) fn worths(profiles: &mut Profiles<'_, '_>, demand: &Demand<'_, '_>) -> Vec<i64> {
    if demand.left.iter().filter(|left| 0 < **left).count() <= 1 {
        return vec![1; demand.classes.len()];
    }
    let mut by_prices: BTreeMap<usize, (usize, Vec<usize>)> = BTreeMap::new();
    for (class, entries) in demand.entries.iter().enumerate() {
        for entry in entries {
            let list = profiles.get(*entry).price_list;
            by_prices.entry(list).or_insert((*entry, Vec::new())).1.push(class);
        }
    }
    let mut worths = vec![i64::MAX; demand.classes.len()];
    for (profile, classes) in by_prices.values() {
        let those = classes.iter().map(|class| (&demand.classes[*class], demand.left[*class]));
        let values = Values::of(profiles, *profile, those);
        for class in classes {
            let worth = values.worth(&demand.classes[*class].requests);
            worths[*class] = worths[*class].min(worth);
        }
    }
    worths
}

/// The worth of each resource.
#[derive(Debug)]
struct Values(Vec<i64>);

struct Constraint {
    cpu: i64,
    memory: i64,
    price: i64,
}

impl Values {
    /// Works out what resources are worth at a profile's prices to these pods: classes, and how many of each.
    fn of<'c, 'a: 'c>(
        profiles: &mut Profiles<'_, '_>,
        profile: usize,
        demand: impl Iterator<Item = (&'c Class<'a>, i64)>,
    ) -> Self {
        let stock = profiles.stock;
        let (mut cpu, mut memory, mut width) = (0_i64, 0_i64, 0);
        for (class, count) in demand {
            width = class.requests.len();
            cpu += class.requests[Columns::CPU] * count;
            memory += (class.requests[Columns::MEMORY] >> MEBIBYTE_SHIFT) * count;
        }
        let [ordinary, exotic] = profiles.fronts(profile).clone();
        let candidates = if ordinary.is_empty() { &exotic } else { &ordinary };
        let constraint = |shape: &usize| {
            let room = stock.room(*shape);
            let price = profiles.get(profile).price(*shape)?;
            Some(Constraint {
                cpu: room[Columns::CPU],
                memory: room[Columns::MEMORY] >> MEBIBYTE_SHIFT,
                price: price.micro_dollars() << SHIFT,
            })
        };
        let constraints: Vec<Constraint> = candidates
            .iter()
            .filter_map(constraint)
            .filter(|c| 0 < c.cpu && 0 < c.memory && 0 < c.price)
            .collect();
        let (x, y) = cpu_and_memory(&constraints, cpu, memory);
        let mut values = vec![0; width.max(Columns::PODS + 1)];
        values[Columns::CPU] = x;
        values[Columns::MEMORY] = y;
        for (column, value) in values.iter_mut().enumerate().skip(Columns::PODS + 1) {
            let worth = |shape: &usize| {
                let have = stock.room(*shape)[column];
                let it = constraint(shape).filter(|_| 0 < have)?;
                Some(((it.price - x * it.cpu - y * it.memory) / have).max(1))
            };
            *value = ordinary.iter().chain(&exotic).filter_map(worth).min().unwrap_or(1);
        }
        Self(values)
    }

    /// What a request is worth; at least 1, so that every pod placed counts.
    fn worth(&self, request: &[i64]) -> i64 {
        let sum: i64 = request
            .iter()
            .zip(&self.0)
            .enumerate()
            .map(|(column, (units, value))| {
                let in_bytes = column == Columns::MEMORY || column == Columns::EPHEMERAL;
                (if in_bytes { units >> MEBIBYTE_SHIFT } else { *units }) * value
            })
            .sum();
        sum.max(1)
    }
}

/// The best prices of a milli-CPU and a mebibyte. For a given y the best x is the least over the types, and the whole
/// is concave in y, which a ternary search uses.
fn cpu_and_memory(constraints: &[Constraint], cpu: i64, memory: i64) -> (i64, i64) {
    let Some(mut high) = constraints.iter().map(|c| c.price / c.memory).min() else {
        return (1, 1);
    };
    let best_x = |y: i64| {
        constraints.iter().map(|c| (c.price - y * c.memory) / c.cpu).min().unwrap_or(0).max(0)
    };
    let worth =
        |y: i64| i128::from(best_x(y)) * i128::from(cpu) + i128::from(y) * i128::from(memory);
    let mut low = 0;
    for _ in 0..STEPS {
        if high - low < 3 {
            break;
        }
        let third = (high - low) / 3;
        if worth(low + third) < worth(high - third) {
            low += third;
        } else {
            high -= third;
        }
    }
    let y = (low..=high).max_by_key(|y| (worth(*y), -*y)).unwrap_or(low);
    (best_x(y), y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_worth_what_the_best_mix_of_types_costs() {
        // A CPU type of 4 cores and 8 GiB for 16, a memory type of 2 cores and 16 GiB for 14.
        let types = [
            Constraint { cpu: 4, memory: 8, price: 1600 },
            Constraint { cpu: 2, memory: 16, price: 1400 },
        ];
        // Both at once: x = 300, y = 50.
        assert_eq!(cpu_and_memory(&types, 6, 24), (300, 50));
        // Much CPU, no memory: all value is in the cores.
        assert_eq!(cpu_and_memory(&types, 100, 0), (400, 0));
    }
}

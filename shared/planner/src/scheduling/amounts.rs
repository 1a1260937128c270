//! Amounts of resources as rows of numbers, because packing adds and compares them millions of times.

use model::name::Text;
use model::resources::Resources;
use std::collections::BTreeSet;

/// Columns that every row has: CPU, memory, ephemeral storage, pods.
const COMMON: usize = 4;

/// Which resource stands in which column: the four common ones, then the extended ones that pods ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    extended: Vec<Text>,
}

impl Columns {
    /// The column of CPU.
    pub(crate) const CPU: usize = 0;
    /// The column of memory.
    pub(crate) const MEMORY: usize = 1;
    /// The column of ephemeral storage.
    pub(crate) const EPHEMERAL: usize = 2;
    /// The column of pod slots.
    pub(crate) const PODS: usize = 3;

    /// The columns that these requests need.
    pub(crate) fn of<'a>(requests: impl Iterator<Item = &'a Resources>) -> Self {
        let names: BTreeSet<&Text> = requests.flat_map(|r| r.extended.keys()).collect();
        Self { extended: names.into_iter().cloned().collect() }
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        COMMON + self.extended.len()
    }

    /// The amounts as a row. Extended resources without a column are left out: no pod asks for them.
    pub(crate) fn row(&self, resources: &Resources) -> Vec<i64> {
        let mut row = Vec::with_capacity(self.width());
        self.extend(&mut row, resources);
        row
    }

    /// Appends the amounts to a table.
    pub(crate) fn extend(&self, table: &mut Vec<i64>, resources: &Resources) {
        table.extend([
            resources.cpu_milli,
            resources.memory_bytes,
            resources.ephemeral_bytes,
            resources.pods,
        ]);
        table.extend(self.extended.iter().map(|name| resources.get(name)));
    }

    /// Takes amounts off a row.
    pub(crate) fn take_off(&self, row: &mut [i64], resources: &Resources) {
        row[Self::CPU] -= resources.cpu_milli;
        row[Self::MEMORY] -= resources.memory_bytes;
        row[Self::EPHEMERAL] -= resources.ephemeral_bytes;
        row[Self::PODS] -= resources.pods;
        for (have, name) in row[COMMON..].iter_mut().zip(&self.extended) {
            *have -= resources.get(name);
        }
    }

    /// A row as amounts.
    pub(crate) fn resources(&self, row: &[i64]) -> Resources {
        let mut all = Resources {
            cpu_milli: row[Self::CPU],
            memory_bytes: row[Self::MEMORY],
            ephemeral_bytes: row[Self::EPHEMERAL],
            pods: row[Self::PODS],
            ..Resources::default()
        };
        for (name, units) in self.extended.iter().zip(&row[COMMON..]) {
            all.set_units(name, *units);
        }
        all
    }
}

/// Whether the request fits. As for the Kubernetes scheduler, what is not asked for need not be there.
pub(crate) fn fits(request: &[i64], free: &[i64]) -> bool {
    request.iter().zip(free).all(|(want, have)| want <= have || *want <= 0)
}

/// How many times the request fits, at most `most`. Does not divide where all of it fits, as it mostly does.
pub(crate) fn times(request: &[i64], free: &[i64], most: i64) -> i64 {
    let mut count = most;
    for (want, have) in request.iter().zip(free) {
        if 0 < *want && *have < want.saturating_mul(count) {
            count = if have < want { 0 } else { have / want };
        }
    }
    count
}

/// A number of things in memory, as amounts are counted.
pub(crate) fn whole(count: usize) -> i64 {
    i64::try_from(count).expect("what fits in memory is fewer")
}

/// Adds the request so many times; a negative count takes it away.
pub(crate) fn add(row: &mut [i64], request: &[i64], count: i64) {
    for (have, want) in row.iter_mut().zip(request) {
        *have += want * count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_often_a_request_fits() {
        let mut gpu = Resources::cpu_memory(500, 1 << 30);
        gpu.set_units("nvidia.com/gpu", 1);
        let columns = Columns::of([&gpu].into_iter());
        let mut free = columns.row(&Resources::cpu_memory(2000, 8 << 30));
        assert_eq!(times(&columns.row(&gpu), &free, 9), 0);
        free[COMMON] = 3;
        assert_eq!(times(&columns.row(&gpu), &free, 9), 3);
        add(&mut free, &columns.row(&gpu), -3);
        let mut same = columns.row(&Resources::cpu_memory(2000, 8 << 30));
        same[COMMON] = 3;
        (0..3).for_each(|_| columns.take_off(&mut same, &gpu));
        assert_eq!(same, free);
        assert!(!fits(&columns.row(&gpu), &free));
        assert_eq!(columns.resources(&free), Resources::cpu_memory(500, 5 << 30));
    }

    #[test]
    fn what_is_not_asked_for_may_be_overdrawn() {
        assert!(fits(&[100, 0], &[100, -5]));
    }
}

//! How fast joiner is on a real control plane.

mod forwarding;
mod functions;
mod large;
mod single;

use comfy_table::{Table, presets};
use std::time::Duration;

pub use functions::functions;
pub use large::large;
pub use single::single;

/// One figure, beside what it should be at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What came out.
    pub measured: String,
    /// What it should be at most; empty where nothing was set.
    pub limit: &'static str,
}

impl Row {
    fn new(what: impl Into<String>, measured: String, limit: &'static str) -> Self {
        Self { what: what.into(), measured, limit }
    }
}

/// The figures as a table.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["what", "measured", "at most"]);
    for Row { what, measured, limit } in rows {
        table.add_row([what, measured, *limit]);
    }
    table.to_string()
}

fn seconds(duration: Duration) -> String {
    format!("{}.{:03} s", duration.as_secs(), duration.subsec_millis())
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{:02} MB", bytes / 1_000_000, bytes % 1_000_000 / 10_000)
}

fn mebibytes(bytes: u64) -> String {
    format!("{}.{:02} MiB", bytes >> 20, ((bytes & ((1 << 20) - 1)) * 100) >> 20)
}

/// The smallest value that is at least as large as so many per cent of all.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let all: Vec<Duration> = (1..=200).map(Duration::from_secs).collect();
        assert_eq!(percentile(&all, 50).as_secs(), 100);
        assert_eq!(percentile(&all, 99).as_secs(), 198);
        assert_eq!(percentile(&all[..1], 99).as_secs(), 1);
    }
}

//! Reads a trace of pods in the shape of Alibaba's cluster-trace-gpu-v2023; `mapping` makes a workload of it.
//!
//! The built-in trace is described in `data/README.md`. How its rows become pods is `mapping::HOW`.

mod mapping;
mod table;

use crate::input::InputError;
use crate::workload::Workload;
use flate2::read::GzDecoder;
use std::io::Read;
use std::str::FromStr;

pub use mapping::HOW;

/// 8,152 pods over 149 days, as published, compressed.
const BUILT_IN: &[u8] = include_bytes!("../data/openb_pod_list_default.csv.gz");
/// What the built-in trace is called.
const BUILT_IN_NAME: &str = "openb_pod_list_default.csv";
/// NodePools and an EC2NodeClass that hold every pod of the built-in trace, in Karpenter's YAML.
pub const POOLS: &str = include_str!("../data/pools.yaml");

/// How the trace's scheduler treated a pod: its service class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    /// `LS`, `Burstable`, `Guaranteed`: somebody waits for its answers.
    Online,
    /// `BE`: best effort, nobody waits.
    BestEffort,
}

/// A row of the trace; times in seconds from the trace's start.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    name: String,
    cpu_milli: i64,
    memory_bytes: i64,
    gpus: i64,
    service: Service,
    created: i64,
    deleted: i64,
    scheduled: Option<i64>,
}

/// A trace of pods.
#[derive(Clone, Debug)]
pub struct Trace {
    name: String,
    rows: Vec<Row>,
}

/// Days of a trace, counted from 0 at its start; the last one is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: u32,
    /// The one before which it ends; none is the end of the trace.
    pub until: Option<u32>,
}

impl Days {
    /// The built-in trace's last two weeks: its busiest time, 3,666 pods.
    pub const LAST_TWO_WEEKS: Self = Self { from: 136, until: None };
}

impl FromStr for Days {
    type Err = String;

    /// Reads `A..B` or `A..`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let text = crate::input::clip(text);
            format!("{text:?} is no range of days: expected A..B with A below B, or A..")
        };
        let day = |digits: &str| -> Result<u32, String> {
            digits.parse().ok().filter(|day| *day <= table::DAYS_MAX).ok_or_else(wrong)
        };
        let (from, until) = text.split_once("..").ok_or_else(wrong)?;
        let from = day(from)?;
        let until = if until.is_empty() { None } else { Some(day(until)?) };
        if until.is_some_and(|until| until <= from) {
            return Err(wrong());
        }
        Ok(Self { from, until })
    }
}

impl Trace {
    /// The trace that is shipped.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn builtin() -> Self {
        let mut bytes = Vec::new();
        GzDecoder::new(BUILT_IN).read_to_end(&mut bytes).expect("the shipped trace unpacks");
        Self::parse(&bytes, BUILT_IN_NAME).expect("the shipped trace is well formed")
    }

    /// Reads a trace from comma-separated values; `name` is the file's, for errors and the title.
    ///
    /// # Errors
    /// At the first row that is not of the trace's shape, with its line and column.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, InputError> {
        Ok(Self { name: name.to_owned(), rows: table::rows(bytes, name)? })
    }

    /// How many pods there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no pod.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What happens on these days, `scale` times at once: the first copy to the second, every further one with its
    /// creations shifted by up to half an hour, as the seed decides.
    ///
    /// # Errors
    /// When no pod is created on these days, or too many are.
    pub fn workload(&self, days: Days, scale: u32, seed: u64) -> Result<Workload, InputError> {
        mapping::workload(self, days, scale, seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_trace_is_whole() {
        assert_eq!(Trace::builtin().len(), 8152);
    }

    #[test]
    fn days_are_read_and_nonsense_is_refused() {
        assert_eq!("136..".parse(), Ok(Days::LAST_TWO_WEEKS));
        assert_eq!("3..5".parse(), Ok(Days { from: 3, until: Some(5) }));
        for text in
            ["", "3", "..", "..4", "5..3", "4..4", "-1..3", "a..b", "3..=5", "0..99999999999"]
        {
            assert!(text.parse::<Days>().is_err(), "{text}");
        }
    }
}

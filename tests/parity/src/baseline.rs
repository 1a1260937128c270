//! What Karpenter's own scheduler made of the problems.

use crate::problem;
use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Where it lies below the folder that is named on the command line.
const FILE: &str = "check/baseline.json";

/// One problem's result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) struct Theirs {
    #[serde(rename = "unscheduled")]
    pub(crate) left_out: usize,
    pub(crate) nodes: usize,
    /// Dollars an hour.
    pub(crate) cost: f64,
    /// Its decision alone, in seconds.
    #[serde(rename = "solve_s")]
    pub(crate) seconds: f64,
    /// It was stopped before it came to an end: cost and pods left out are those of a part.
    pub(crate) timed_out: bool,
    /// Preferences of the pods that it kept, where they were counted.
    pub(crate) preferences_kept: Option<usize>,
}

/// The results by problem.
pub(crate) fn read(shared: &Path) -> Result<BTreeMap<String, Theirs>> {
    let entries: BTreeMap<String, Value> = problem::read(&shared.join(FILE))?;
    // Some are of consolidation and have other keys.
    let known = entries
        .into_iter()
        .filter_map(|(name, value)| Some((name, serde_json::from_value(value).ok()?)));
    Ok(known.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_read_and_what_is_none_is_passed_over() {
        let text = r#"{"unscheduled": 1, "nodes": 2, "cost": 3.5, "solve_s": 0.25, "timed_out": false, "more": []}"#;
        let wanted =
            Theirs { left_out: 1, nodes: 2, cost: 3.5, seconds: 0.25, ..Theirs::default() };
        assert_eq!(serde_json::from_str::<Theirs>(text).unwrap(), wanted);
        assert!(serde_json::from_str::<Theirs>(r#"{"nodes_before": 100}"#).is_err());
    }
}

//! A cluster as it was seen at a time, with the plans that this led to: all that is needed to make them again.
//!
//! A snapshot holds no user data and nothing of what containers run, so that the file can be given to others.

use crate::failure::Failure;
use crate::files::Content;
use jiff::Timestamp;
use model::plan::Plan;
use model::snapshot::Snapshot;
use planner::disrupt::disrupt;
use planner::provision::provision;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// The version of the form. One that is written differently gets another number, and is then not read by what is older.
const VERSION: u32 = 1;

/// What is in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recording {
    version: u32,
    /// The time of the decisions.
    pub(crate) now: Timestamp,
    pub(crate) snapshot: Snapshot,
    /// What was decided; a file need not say.
    #[serde(default)]
    pub(crate) plans: Plans,
}

/// One plan for each function that decides on a view of the cluster alone. What lifecycle does depends on EC2's list of
/// instances, which is not asked for here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plans {
    #[serde(default)]
    pub(crate) provision: Option<Plan>,
    #[serde(default)]
    pub(crate) disrupt: Option<Plan>,
}

/// What every version begins with.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

impl Recording {
    /// What was seen, and the plan of provisioning that it led to.
    pub(crate) fn of(snapshot: Snapshot, now: Timestamp, provision: Plan) -> Self {
        let disrupt = Some(disrupt(&snapshot, now));
        let plans = Plans { provision: Some(provision), disrupt };
        Self { version: VERSION, now, snapshot, plans }
    }

    /// Makes the decisions again.
    pub(crate) fn decide(&self) -> (Plan, Plan) {
        (provision(&self.snapshot, self.now), disrupt(&self.snapshot, self.now))
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_vec(self).map_err(|error| Failure::output(error.into()))?;
        let wrong = |error| Failure::Run(format!("{}: {error}", path.display()));
        fs::write(path, text).map_err(wrong)
    }

    /// Reads a file.
    pub(crate) fn read(content: &Content) -> Result<Self, Failure> {
        let name = content.name.escape_debug();
        let expected = "expected a file that joiner status --record has written";
        let head: Result<Head, _> = serde_json::from_slice(&content.bytes);
        match head {
            Err(error) => return Err(Failure::Input(format!("{name}: {expected}: {error}"))),
            Ok(Head { version: VERSION }) => {}
            Ok(Head { version }) => {
                let wrong = format!("{name}: version: expected {VERSION}, found {version}");
                return Err(Failure::Input(wrong));
            }
        }
        let mut json = serde_json::Deserializer::from_slice(&content.bytes);
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let line: String = format!("{}: {}", error.path(), error.inner());
            let line: String =
                line.chars().take(LINE_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
            Failure::Input(format!("{name}: {line}"))
        })
    }
}

/// The longest message about a field, in characters.
const LINE_MAX: usize = 800;

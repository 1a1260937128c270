//! Hints: "look again". A hint carries no facts (D1); lost, doubled or reordered ones cost latency only.

use serde::{Deserialize, Serialize};

/// Which part of the world has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hint {
    /// Pods wait for a node, or claims for their launch: provisioning looks again.
    Provisioning,
    /// Nodes or claims have come, changed or are going: lifecycle looks again.
    Lifecycle,
}

/// The version of the message format that this build writes.
pub const VERSION: u32 = 1;

/// A hint as it crosses a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The format's version; readers take any that they know.
    pub version: u32,
    /// What to look at.
    pub hint: Hint,
}

impl Message {
    /// The message of a hint in this build's format.
    pub const fn new(hint: Hint) -> Self {
        Self { version: VERSION, hint }
    }
}

//! What came of an action.

use crate::name::{ResourceVersion, Uid};
use crate::snapshot::Instance;
use serde::{Deserialize, Serialize};

/// What came of an action. Only `Done`, `Created` and `Launched` mean that it took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It took effect, or already had.
    Done,
    /// The object was created.
    Created {
        /// Its uid.
        uid: Uid,
        /// Its version.
        resource_version: ResourceVersion,
    },
    /// The object was changed.
    Updated {
        /// Its version now.
        resource_version: ResourceVersion,
    },
    /// The instances run, in the order of their ids.
    Launched(Vec<Instance>),
    /// Another got there first: the name is taken, or the object is not as it was seen.
    Conflict,
    /// The object is gone.
    NotFound,
    /// An eviction that a PodDisruptionBudget does not allow now (HTTP 429), or never will (500).
    Blocked {
        /// Whether waiting can help.
        retry: bool,
        /// What the API said.
        message: String,
    },
    /// EC2 has no such capacity: another offering may.
    Unavailable {
        /// EC2's error code.
        code: String,
    },
    /// The client token was used with other parameters, or its instance is gone.
    TokenSpent {
        /// EC2's error code.
        code: String,
    },
    /// Too many calls: stop the whole batch, the next pass goes on.
    Throttled,
    /// It will not work until someone changes something.
    Denied {
        /// The error code.
        code: String,
        /// What was said.
        message: String,
    },
    /// It failed, or its answer was lost; it may have taken effect.
    Unknown {
        /// What was said.
        message: String,
    },
    /// It was not tried, because something before it failed.
    Skipped,
}

impl Outcome {
    /// Whether it took effect.
    pub const fn took_effect(&self) -> bool {
        matches!(self, Self::Done | Self::Created { .. } | Self::Updated { .. } | Self::Launched(_))
    }

    /// A word for logs and counters.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Created { .. } => "created",
            Self::Updated { .. } => "updated",
            Self::Launched(_) => "launched",
            Self::Conflict => "conflict",
            Self::NotFound => "not-found",
            Self::Blocked { .. } => "blocked",
            Self::Unavailable { .. } => "unavailable",
            Self::TokenSpent { .. } => "token-spent",
            Self::Throttled => "throttled",
            Self::Denied { .. } => "denied",
            Self::Unknown { .. } => "unknown",
            Self::Skipped => "skipped",
        }
    }
}

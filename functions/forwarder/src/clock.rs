//! The time, counted from the start: it does not jump when the system's clock is set.

use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};

/// A clock that only goes forward.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Timestamp,
    at: Instant,
}

impl Clock {
    /// Reads the system's clock, this once.
    pub fn start() -> Self {
        Self { began: Timestamp::now(), at: Instant::now() }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.began + self.at.elapsed()
    }

    /// How long it is until then; zero if it has passed.
    pub(crate) fn until(&self, then: Timestamp) -> Duration {
        to_std(then.duration_since(self.now()))
    }
}

/// A span for timers; zero if it is negative.
pub(crate) fn to_std(span: SignedDuration) -> Duration {
    Duration::try_from(span).unwrap_or(Duration::ZERO)
}

//! Whose turn it is: buckets below EC2's own for each kind of call, kept as long as the process lives.

use jiff::{SignedDuration, Timestamp};
use launch::bucket::{
    Bucket, LOOKS, Limit, RUN_CALLS, RUN_INSTANCES, TERMINATE_CALLS, TERMINATE_INSTANCES,
};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Longer than this nobody waits: forty launches, the most of a pass, need twenty seconds, and a function's time is
/// bounded. The next pass goes on.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// The kinds of calls that EC2 counts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `RunInstances`.
    Run,
    /// `TerminateInstances`.
    Terminate,
    /// Whatever begins with `Describe`.
    Look,
}

/// The turn is too far off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

#[derive(Debug)]
pub(crate) struct Turns {
    run: Pair,
    terminate: Pair,
    look: Pair,
}

/// Calls, and what they are about.
#[derive(Debug)]
struct Pair(Mutex<(Bucket, Bucket)>);

impl Turns {
    pub(crate) fn new() -> Self {
        Self {
            run: Pair::new(RUN_CALLS, RUN_INSTANCES),
            terminate: Pair::new(TERMINATE_CALLS, TERMINATE_INSTANCES),
            look: Pair::new(LOOKS, LOOKS),
        }
    }

    /// Waits for the turn of a call about so many things.
    pub(crate) async fn take(&self, kind: Kind, count: i64) -> Result<(), TooLong> {
        let wait = self.pair(kind).reserve(count, Timestamp::now())?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// EC2 has said that it is called too often, by us or by others.
    pub(crate) fn refused(&self, kind: Kind) {
        let mut pair = self.pair(kind).0.lock().unwrap_or_else(PoisonError::into_inner);
        pair.0.empty(Timestamp::now());
    }

    const fn pair(&self, kind: Kind) -> &Pair {
        match kind {
            Kind::Run => &self.run,
            Kind::Terminate => &self.terminate,
            Kind::Look => &self.look,
        }
    }
}

impl Pair {
    fn new(calls: Limit, things: Limit) -> Self {
        let now = Timestamp::now();
        Self(Mutex::new((Bucket::new(calls, now), Bucket::new(things, now))))
    }

    fn reserve(&self, count: i64, now: Timestamp) -> Result<Duration, TooLong> {
        let mut pair = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = pair.0.reserve(1, now).max(pair.1.reserve(count, now));
        let wait = turn.duration_since(now).max(SignedDuration::ZERO).unsigned_abs();
        if wait <= WAIT_MAX {
            return Ok(wait);
        }
        pair.0.give_back(1);
        pair.1.give_back(count);
        Err(TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_is_too_far_off_is_not_waited_for_and_costs_nothing() {
        let now = Timestamp::now();
        let pair = Pair::new(RUN_CALLS, RUN_INSTANCES);
        let waits: Vec<Option<u128>> =
            (0..60).map(|_| pair.reserve(20, now).ok().map(|wait| wait.as_millis())).collect();
        assert_eq!(waits[..6], [0, 0, 0, 0, 500, 1_000].map(Some));
        // The next one would be 20.5 seconds away, and so would whoever asks after it.
        assert_eq!(waits.iter().flatten().count(), 44);
        assert_eq!(waits[43..46], [Some(20_000), None, None]);
    }
}

//! Chance, seeded: one stream of numbers for each concern, so that a change in one does not shuffle the others.

use crate::faults::Rate;
use fastrand::Rng;
use jiff::SignedDuration;
use model::name::stable_hash;
use std::ops::RangeInclusive;

/// The streams of a run.
#[derive(Debug)]
pub(crate) struct Streams {
    /// How long calls take.
    pub(crate) latency: Rng,
    /// How long instances and nodes take to come up, and whether they do.
    pub(crate) boot: Rng,
    /// Ids of instances.
    pub(crate) ids: Rng,
    /// When spot instances are taken back.
    pub(crate) reclaim: Rng,
    /// How pods start, leave and are made anew.
    pub(crate) pods: Rng,
    /// What becomes of messages.
    pub(crate) queue: Rng,
    /// What becomes of events and schedules.
    pub(crate) bridge: Rng,
    /// Invocations: cold starts and crashes.
    pub(crate) lambda: Rng,
    /// Calls that are refused or whose answers are lost.
    pub(crate) replies: Rng,
    /// How far behind a watch is.
    pub(crate) watch: Rng,
}

impl Streams {
    /// The streams of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let stream =
            |name: &str| Rng::with_seed(stable_hash([&seed.to_be_bytes()[..], name.as_bytes()]));
        Self {
            latency: stream("latency"),
            boot: stream("boot"),
            ids: stream("ids"),
            reclaim: stream("reclaim"),
            pods: stream("pods"),
            queue: stream("queue"),
            bridge: stream("bridge"),
            lambda: stream("lambda"),
            replies: stream("replies"),
            watch: stream("watch"),
        }
    }
}

/// A duration from a range of milliseconds.
pub(crate) fn millis(rng: &mut Rng, range: RangeInclusive<i64>) -> SignedDuration {
    SignedDuration::from_millis(rng.i64(range))
}

/// Whether something of this rate happens now. What never happens draws nothing.
pub(crate) fn happens(rng: &mut Rng, rate: Rate) -> bool {
    rate != Rate::NEVER && rng.u32(0..1_000_000) < rate.parts_per_million()
}

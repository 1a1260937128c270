//! What goes wrong, and how often.

use jiff::{SignedDuration, Timestamp};
use model::name::stable_hash;

/// How often something happens, in parts of a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u32);

impl Rate {
    /// It does not happen.
    pub const NEVER: Self = Self(0);

    /// So many times in a million.
    pub const fn per_million(parts: u32) -> Self {
        Self(parts)
    }

    /// So many times in a hundred.
    pub const fn percent(parts: u32) -> Self {
        Self(parts * 10_000)
    }

    /// So many times in a million.
    pub const fn parts_per_million(self) -> u32 {
        self.0
    }
}

/// Something that fails for a while now and then.
#[derive(Clone, Copy, Debug)]
pub struct Outages {
    /// What fails.
    pub kind: &'static str,
    /// Whether it fails once in a slot of `SLOT_MINUTES`.
    pub rate: Rate,
    /// For how long, in seconds, at least and at most.
    pub seconds: (i64, i64),
}

/// How much goes wrong. `none`, `realistic` and `hostile` are the usual ones; every field can be set.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Whether the forwarder lives.
    pub forwarder: bool,
    /// Offerings without capacity, for each offering and quarter of an hour; a quarter of it for on-demand.
    pub no_capacity: Rate,
    /// Hours in which capacity is scarce everywhere.
    pub storms: Rate,
    /// Offerings without capacity in such an hour.
    pub no_capacity_in_storm: Rate,
    /// Spot instances taken back, for each hour of each.
    pub reclaims_per_hour: Rate,
    /// Reclaims that come without their notice.
    pub without_notice: Rate,
    /// Instances whose node never joins.
    pub never_joins: Rate,
    /// Messages, events and asynchronous invocations that come twice.
    pub doubled: Rate,
    /// Hints and events that do not arrive.
    pub lost: Rate,
    /// Messages and events that come late, up to two minutes.
    pub late: Rate,
    /// Calls refused because there were too many, other people's counted.
    pub throttled: Rate,
    /// Calls whose answer is lost after they took effect.
    pub lost_replies: Rate,
    /// Invocations that die at some await.
    pub crashes: Rate,
    /// For how long EC2 does not show a new instance, in milliseconds at most.
    pub describe_lag_millis: i64,
    /// The Kubernetes API cannot be reached.
    pub api_outages: Outages,
    /// Queues deliver nothing.
    pub queue_outages: Outages,
    /// The forwarder restarts.
    pub forwarder_restarts: Outages,
    /// Whether an instance of a namesake cluster is among ours.
    pub namesake: bool,
    /// One crash more, at this await of the run, counted from 1: for tests that try each.
    pub crash_at: Option<u64>,
}

/// Outages come at most once in a slot of so many minutes, and end within it.
const SLOT_MINUTES: i64 = 120;

impl Outages {
    const fn of(kind: &'static str, rate: Rate, seconds: (i64, i64)) -> Self {
        Self { kind, rate, seconds }
    }

    /// When the outage that is on at this time ends.
    pub(crate) fn ends(&self, seed: u64, now: Timestamp) -> Option<Timestamp> {
        if self.rate == Rate::NEVER {
            return None;
        }
        let slot_seconds = SLOT_MINUTES * 60;
        let slot = now.as_second().div_euclid(slot_seconds);
        let bits = draw(seed, &[self.kind.as_bytes(), &slot.to_be_bytes()]);
        if self.rate.0 <= part_per_million(bits) {
            return None;
        }
        let (least, most) = self.seconds;
        let seconds = least + below(bits >> 20, most - least + 1);
        let offset = below(bits >> 40, slot_seconds - seconds);
        let start = Timestamp::from_second(slot * slot_seconds + offset)
            .expect("a slot begins near a time that can be written");
        let end = start + SignedDuration::from_secs(seconds);
        (start <= now && now < end).then_some(end)
    }
}

impl Faults {
    /// Nothing goes wrong.
    pub const fn none() -> Self {
        Self {
            forwarder: true,
            no_capacity: Rate::NEVER,
            storms: Rate::NEVER,
            no_capacity_in_storm: Rate::NEVER,
            reclaims_per_hour: Rate::NEVER,
            without_notice: Rate::NEVER,
            never_joins: Rate::NEVER,
            doubled: Rate::NEVER,
            lost: Rate::NEVER,
            late: Rate::NEVER,
            throttled: Rate::NEVER,
            lost_replies: Rate::NEVER,
            crashes: Rate::NEVER,
            describe_lag_millis: 0,
            api_outages: Outages::of("API outage", Rate::NEVER, (30, 120)),
            queue_outages: Outages::of("queue outage", Rate::NEVER, (60, 300)),
            forwarder_restarts: Outages::of("forwarder restart", Rate::NEVER, (5, 30)),
            namesake: false,
            crash_at: None,
        }
    }

    /// What a good region and a well-kept account see. Spot: 10 % of instances a month are taken back, in the middle
    /// of the bands that EC2's Spot Instance Advisor gives.
    pub const fn realistic() -> Self {
        let none = Self::none();
        Self {
            no_capacity: Rate::per_million(5_000),
            reclaims_per_hour: Rate::per_million(139),
            without_notice: Rate::per_million(5_000),
            never_joins: Rate::per_million(5_000),
            doubled: Rate::per_million(5_000),
            lost: Rate::per_million(1_000),
            late: Rate::per_million(1_000),
            throttled: Rate::per_million(200),
            lost_replies: Rate::per_million(20),
            crashes: Rate::per_million(50),
            describe_lag_millis: 3_000,
            api_outages: Outages { rate: Rate::per_million(1_000), ..none.api_outages },
            queue_outages: Outages { rate: Rate::per_million(500), ..none.queue_outages },
            forwarder_restarts: Outages {
                rate: Rate::per_million(5_000),
                ..none.forwarder_restarts
            },
            ..none
        }
    }

    /// Everything, often.
    pub const fn hostile() -> Self {
        let none = Self::none();
        Self {
            no_capacity: Rate::percent(2),
            storms: Rate::percent(20),
            no_capacity_in_storm: Rate::percent(20),
            reclaims_per_hour: Rate::percent(1),
            without_notice: Rate::percent(30),
            never_joins: Rate::percent(3),
            doubled: Rate::percent(5),
            lost: Rate::percent(5),
            late: Rate::percent(5),
            throttled: Rate::percent(1),
            lost_replies: Rate::percent(1),
            crashes: Rate::percent(2),
            describe_lag_millis: 5_000,
            api_outages: Outages { rate: Rate::percent(15), ..none.api_outages },
            queue_outages: Outages { rate: Rate::percent(10), ..none.queue_outages },
            forwarder_restarts: Outages { rate: Rate::percent(20), ..none.forwarder_restarts },
            namesake: true,
            ..none
        }
    }

    /// The same with a dead forwarder.
    #[must_use]
    pub const fn without_forwarder(self) -> Self {
        Self { forwarder: false, ..self }
    }

    /// Reads `none`, `realistic`, `hostile`, `no-forwarder`, or one of the first three and the last with a comma.
    pub fn parse(text: &str) -> Option<Self> {
        text.split(',').map(str::trim).try_fold(Self::none(), |faults, word| match word {
            "none" => Some(Self { forwarder: faults.forwarder, ..Self::none() }),
            "realistic" => Some(Self { forwarder: faults.forwarder, ..Self::realistic() }),
            "hostile" => Some(Self { forwarder: faults.forwarder, ..Self::hostile() }),
            "no-forwarder" => Some(faults.without_forwarder()),
            _ => None,
        })
    }

    /// The same without any fault that chance brings; a dead forwarder stays dead, and a chosen crash chosen.
    #[must_use]
    pub(crate) const fn stopped(self) -> Self {
        let Self { forwarder, namesake, crash_at, .. } = self;
        Self { forwarder, namesake, crash_at, ..Self::none() }
    }

    /// Whether calls, invocations and messages do what they should.
    pub(crate) fn is_calm(&self) -> bool {
        let rates = [self.no_capacity, self.crashes, self.lost, self.throttled, self.never_joins];
        self.crash_at.is_none() && rates.iter().all(|rate| *rate == Rate::NEVER)
    }

    /// Whether so much goes wrong that bounds on time say nothing.
    pub(crate) fn is_hostile(&self) -> bool {
        Rate::percent(1) <= self.crashes
    }
}

/// Bits that depend on the seed and what they are for, and on nothing else.
pub(crate) fn draw(seed: u64, parts: &[&[u8]]) -> u64 {
    let seed = seed.to_be_bytes();
    stable_hash(std::iter::once(&seed[..]).chain(parts.iter().copied()))
}

/// A part of a million from such bits, to be compared with a rate.
pub(crate) fn part_per_million(bits: u64) -> u32 {
    u32::try_from(bits % 1_000_000).expect("a remainder of a million is small")
}

fn below(bits: u64, bound: i64) -> i64 {
    let bound = u64::try_from(bound).unwrap_or(1).max(1);
    i64::try_from(bits % bound).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lies_within_its_slot_and_ends() {
        let outages = Outages::of("x", Rate::percent(100), (30, 120));
        let mut seconds_out = 0;
        for second in 0..SLOT_MINUTES * 60 {
            let now = Timestamp::from_second(second).unwrap();
            if let Some(end) = outages.ends(7, now) {
                assert!(now < end && end.as_second() <= SLOT_MINUTES * 60);
                seconds_out += 1;
            }
        }
        assert!((30..=120).contains(&seconds_out), "{seconds_out}");
    }

    #[test]
    fn words_combine() {
        let both = Faults::parse("hostile,no-forwarder").unwrap();
        assert!(!both.forwarder && both.is_hostile());
        assert!(!Faults::parse("no-forwarder, hostile").unwrap().forwarder);
        assert!(Faults::parse("none").unwrap().is_calm());
        assert!(Faults::parse("often").is_none());
    }
}

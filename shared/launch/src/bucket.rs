//! Token buckets: EC2's limits, and those of a caller that stays below them and so meets them only where others share its account.

use jiff::{SignedDuration, Timestamp};

/// So many at once, refilled by so many a second. Counts thousandths.
#[derive(Clone, Debug)]
pub struct Bucket {
    most: i64,
    per_second: i64,
    level: i64,
    at: Timestamp,
}

/// A limit: so many at once, so many a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At once.
    pub most: i64,
    /// A second.
    pub per_second: i64,
}

/// Calls of `RunInstances` that EC2 takes (EC2 developer guide, "Request throttling", as all here).
pub const EC2_RUN_CALLS: Limit = Limit { most: 5, per_second: 2 };

/// Calls of `TerminateInstances` that EC2 takes.
pub const EC2_TERMINATE_CALLS: Limit = Limit { most: 100, per_second: 5 };

/// Calls that only look and that EC2 takes.
pub const EC2_LOOKS: Limit = Limit { most: 100, per_second: 20 };

/// Calls of `RunInstances` that are made: one less at once, because calls may arrive closer together than they left.
pub const RUN_CALLS: Limit = Limit { most: 4, per_second: 2 };

/// Instances that they ask for: EC2 takes 1,000, then 2 a second.
pub const RUN_INSTANCES: Limit = Limit { most: 900, per_second: 2 };

/// Calls of `TerminateInstances` that are made.
pub const TERMINATE_CALLS: Limit = Limit { most: 50, per_second: 4 };

/// Instances that they name: EC2 takes 1,000, then 20 a second.
pub const TERMINATE_INSTANCES: Limit = Limit { most: 900, per_second: 20 };

/// Calls that only look and that are made. Half, because whoever else looks after the account looks too.
pub const LOOKS: Limit = Limit { most: 50, per_second: 10 };

impl Bucket {
    /// A full bucket.
    pub const fn new(limit: Limit, now: Timestamp) -> Self {
        let most = limit.most * 1000;
        Self { most, per_second: limit.per_second, level: most, at: now }
    }

    /// Takes one if there is one, as who limits others does.
    pub fn take(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let allowed = 1000 <= self.level;
        if allowed {
            self.level -= 1000;
        }
        allowed
    }

    /// Takes so many in any case, and says from when on they may be used. More than fit in wait for a full bucket.
    pub fn reserve(&mut self, count: i64, now: Timestamp) -> Timestamp {
        self.refill(now);
        self.level = self.level.saturating_sub(count.saturating_mul(1000).min(self.most));
        let missing = (-self.level).max(0);
        // A thousandth comes back in 1/per_second milliseconds.
        let wait = missing.div_euclid(self.per_second) + i64::from(missing % self.per_second != 0);
        now.saturating_add(SignedDuration::from_millis(wait)).unwrap_or(Timestamp::MAX)
    }

    /// Gives back what was taken and not used.
    pub fn give_back(&mut self, count: i64) {
        let back = count.saturating_mul(1000).min(self.most);
        self.level = self.level.saturating_add(back).min(self.most);
    }

    /// Empties it: whoever it guards has said that it is too much.
    pub fn empty(&mut self, now: Timestamp) {
        self.refill(now);
        self.level = self.level.min(0);
    }

    fn refill(&mut self, now: Timestamp) {
        let passed = i64::try_from(now.duration_since(self.at).as_millis()).unwrap_or(i64::MAX);
        let refilled = self.level.saturating_add(passed.max(0).saturating_mul(self.per_second));
        self.level = refilled.min(self.most);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    fn bucket(most: i64, per_second: i64) -> Bucket {
        Bucket::new(Limit { most, per_second }, at(0))
    }

    #[test]
    fn a_bucket_of_five_gives_five_at_once_and_then_two_a_second() {
        let mut bucket = bucket(5, 2);
        assert_eq!((0..10).filter(|_| bucket.take(at(0))).count(), 5);
        assert!(!bucket.take(at(499)));
        assert!(bucket.take(at(500)));
        assert_eq!((0..10).filter(|_| bucket.take(at(10_000))).count(), 5);
    }

    #[test]
    fn who_reserves_waits_for_its_turn() {
        let mut bucket = bucket(1, 2);
        let turns: Vec<i64> = (0..3).map(|_| bucket.reserve(1, at(0)).as_millisecond()).collect();
        assert_eq!(turns, [0, 500, 1000]);
        assert_eq!(bucket.reserve(1, at(9_000)), at(9_000));
    }

    #[test]
    fn more_than_fit_in_wait_for_a_full_bucket_and_no_longer() {
        let mut bucket = bucket(10, 5);
        assert_eq!(bucket.reserve(4, at(0)), at(0));
        assert_eq!(bucket.reserve(99, at(0)), at(800));
    }

    #[test]
    fn what_was_not_used_is_given_back_and_no_more() {
        let mut bucket = bucket(2, 1);
        let _ = bucket.reserve(2, at(0));
        bucket.give_back(9);
        assert_eq!(bucket.reserve(2, at(0)), at(0));
        assert_eq!(bucket.reserve(1, at(0)), at(1_000));
    }

    #[test]
    fn after_a_refusal_the_next_call_waits_even_when_the_clock_goes_back() {
        let mut bucket = bucket(4, 2);
        bucket.empty(at(1_000));
        assert_eq!(bucket.reserve(1, at(0)), at(500));
    }
}

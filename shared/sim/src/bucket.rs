//! Token buckets, as EC2 throttles calls and as a polite caller limits itself.

use jiff::{SignedDuration, Timestamp};

/// So many calls at once, refilled by so many a second. Counts thousandths of a call.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    most: i64,
    per_second: i64,
    level: i64,
    at: Timestamp,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(most: i64, per_second: i64, now: Timestamp) -> Self {
        Self { most: most * 1000, per_second, level: most * 1000, at: now }
    }

    /// The limit that a caller of `RunInstances` keeps: EC2's own rate with one call less at once, because calls may
    /// arrive closer together than they left.
    pub(crate) fn launch_client(now: Timestamp) -> Self {
        Self::new(4, 2, now)
    }

    /// Takes one call if there is one.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let allowed = 1000 <= self.level;
        if allowed {
            self.level -= 1000;
        }
        allowed
    }

    /// Takes one call in any case, and says from when on it may be made.
    pub(crate) fn reserve(&mut self, now: Timestamp) -> Timestamp {
        self.refill(now);
        self.level -= 1000;
        let missing = (-self.level).max(0);
        // A thousandth of a call comes back in 1/per_second milliseconds.
        let wait = missing.div_euclid(self.per_second) + i64::from(missing % self.per_second != 0);
        now + SignedDuration::from_millis(wait)
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

    #[test]
    fn a_bucket_of_five_gives_five_at_once_and_then_two_a_second() {
        let mut bucket = Bucket::new(5, 2, at(0));
        assert_eq!((0..10).filter(|_| bucket.take(at(0))).count(), 5);
        assert!(!bucket.take(at(499)));
        assert!(bucket.take(at(500)));
        assert_eq!((0..10).filter(|_| bucket.take(at(10_000))).count(), 5);
    }

    #[test]
    fn who_reserves_waits_for_its_turn() {
        let mut bucket = Bucket::new(1, 2, at(0));
        let turns: Vec<i64> = (0..3).map(|_| bucket.reserve(at(0)).as_millisecond()).collect();
        assert_eq!(turns, [0, 500, 1000]);
    }
}

//! When a hint is sent: at once for a lone change, and once for many that come together.

use jiff::{SignedDuration, Timestamp};
use model::hint::Hint;
use std::collections::BTreeMap;

/// A hint waits for so long without a further change. Pods of one Deployment follow each other within a few
/// milliseconds; 150 ms gathers them and is a quarter of the time to a launch call that we aim for.
const IDLE: SignedDuration = SignedDuration::from_millis(150);

/// A hint waits for so long at most, however busy the cluster is, and a change that finds nothing sent for so long is
/// not made to wait at all.
const LONGEST: SignedDuration = SignedDuration::from_secs(1);

/// Changes that have not been sent.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    first: Timestamp,
    last: Timestamp,
}

impl Waiting {
    fn due(self) -> Timestamp {
        (self.last + IDLE).min(self.first + LONGEST)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    sent: Option<Timestamp>,
    leading: bool,
    waiting: Option<Waiting>,
}

/// Gathers changes into hints, each kind by itself. It holds no objects, only times.
#[derive(Clone, Debug, Default)]
pub struct Batcher {
    kinds: BTreeMap<Hint, State>,
}

impl Batcher {
    /// Notes a change.
    pub fn changed(&mut self, hint: Hint, now: Timestamp) {
        let state = self.kinds.entry(hint).or_default();
        if let Some(waiting) = &mut state.waiting {
            waiting.last = now;
        } else {
            state.leading = state.sent.is_none_or(|sent| LONGEST <= now.duration_since(sent));
            state.waiting = Some(Waiting { first: now, last: now });
        }
    }

    /// The hints to send now.
    pub fn due(&mut self, now: Timestamp) -> Vec<Hint> {
        let mut due = Vec::new();
        for (hint, state) in &mut self.kinds {
            if state.waiting.is_some_and(|waiting| state.leading || waiting.due() <= now) {
                *state = State { sent: Some(now), leading: false, waiting: None };
                due.push(*hint);
            }
        }
        due
    }

    /// Every hint that waits, due or not; nothing waits after that.
    pub fn rest(&mut self) -> Vec<Hint> {
        let waiting = self.kinds.iter_mut();
        waiting.filter_map(|(hint, state)| state.waiting.take().map(|_| *hint)).collect()
    }

    /// When to ask again, if nothing changes before.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let wakes = self.kinds.values().filter_map(|state| {
            let waiting = state.waiting?;
            Some(if state.leading { waiting.first } else { waiting.due() })
        });
        wakes.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes at these milliseconds to sends at these milliseconds.
    fn sends(changes: &[i64], until: i64) -> Vec<i64> {
        let mut batcher = Batcher::default();
        let mut sent = Vec::new();
        for milli in 0..until {
            let now = Timestamp::from_millisecond(milli).unwrap();
            for _ in changes.iter().filter(|change| **change == milli) {
                batcher.changed(Hint::Provisioning, now);
            }
            let wake = batcher.next_wake();
            let due = batcher.due(now);
            assert_eq!(!due.is_empty(), wake.is_some_and(|wake| wake <= now));
            sent.extend(due.iter().map(|_| milli));
        }
        sent
    }

    #[test]
    fn a_lone_change_is_sent_at_once() {
        assert_eq!(sends(&[5], 3000), [5]);
        assert_eq!(sends(&[5, 1500], 3000), [5, 1500]);
    }

    #[test]
    fn changes_that_follow_closely_share_a_hint() {
        assert_eq!(sends(&[0, 10, 20, 120], 3000), [0, 270]);
    }

    #[test]
    fn a_hint_never_waits_longer_than_a_second() {
        let busy: Vec<i64> = (0..3000).step_by(5).collect();
        assert_eq!(sends(&busy, 3000), [0, 1005, 2010]);
    }

    #[test]
    fn at_the_end_everything_is_sent() {
        let mut batcher = Batcher::default();
        let now = Timestamp::UNIX_EPOCH;
        batcher.changed(Hint::Provisioning, now);
        batcher.due(now);
        batcher.changed(Hint::Provisioning, now);
        assert_eq!(batcher.rest(), [Hint::Provisioning]);
        assert_eq!(batcher.rest(), []);
        assert_eq!(batcher.next_wake(), None);
    }

    #[test]
    fn kinds_do_not_wait_for_each_other() {
        let mut batcher = Batcher::default();
        let now = Timestamp::UNIX_EPOCH;
        batcher.changed(Hint::Provisioning, now);
        assert_eq!(batcher.due(now), [Hint::Provisioning]);
        batcher.changed(Hint::Provisioning, now);
        batcher.changed(Hint::Lifecycle, now);
        assert_eq!(batcher.due(now), [Hint::Lifecycle]);
    }
}

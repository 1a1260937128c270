//! Hints that are due because nothing was told for long.

use jiff::{SignedDuration, Timestamp};
use model::hint::Hint;
use std::collections::BTreeMap;

/// A hint of each kind is sent at least so often: whoever watches the queue sees that the forwarder lives.
const HEARTBEAT: SignedDuration = SignedDuration::from_mins(5);
/// While a Node or NodeClaim is on its way out, lifecycle looks at least so often. A drain goes on when pods have left, and
/// pods that have a node are not watched; Karpenter's own evictions are retried after ten seconds at most.
const GOING: SignedDuration = SignedDuration::from_secs(10);

/// When each kind of hint was last told.
#[derive(Clone, Debug)]
pub struct Pulse {
    told: BTreeMap<Hint, Timestamp>,
}

impl Pulse {
    /// Starts to count.
    pub fn new(now: Timestamp) -> Self {
        Self { told: Hint::ALL.map(|hint| (hint, now)).into() }
    }

    /// Notes that a hint has been told.
    pub fn told(&mut self, hint: Hint, now: Timestamp) {
        self.told.insert(hint, now);
    }

    /// The hints that are due.
    pub fn due(&self, now: Timestamp, is_anything_going: bool) -> Vec<Hint> {
        let due = self.wakes(is_anything_going).filter(|(_, at)| *at <= now);
        due.map(|(hint, _)| hint).collect()
    }

    /// When the next is due, if nothing is told before.
    pub fn next_wake(&self, is_anything_going: bool) -> Timestamp {
        let wakes = self.wakes(is_anything_going).map(|(_, at)| at);
        // There is an entry for each kind of hint.
        wakes.min().unwrap_or(Timestamp::MAX)
    }

    fn wakes(&self, is_anything_going: bool) -> impl Iterator<Item = (Hint, Timestamp)> {
        self.told.iter().map(move |(hint, told)| {
            let pause = match hint {
                Hint::Lifecycle if is_anything_going => GOING,
                Hint::Lifecycle | Hint::Provisioning => HEARTBEAT,
            };
            (*hint, *told + pause)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use std::fmt::Write;

    /// What is told in 600 s, where nodes go from second 100 to 125 and a lifecycle hint is told at 70.
    #[test]
    fn it_beats_when_nothing_else_is_told_and_faster_while_nodes_go() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let mut pulse = Pulse::new(second(0));
        let mut text = String::new();
        for now in 0..=600 {
            let going = (100..125).contains(&now);
            if now == 70 {
                pulse.told(Hint::Lifecycle, second(now));
            }
            let due = pulse.due(second(now), going);
            assert_eq!(!due.is_empty(), pulse.next_wake(going) <= second(now));
            for hint in due {
                writeln!(text, "{now} s: {}", hint.as_str()).unwrap();
                pulse.told(hint, second(now));
            }
        }
        let expected = expect![[r#"
            100 s: lifecycle
            110 s: lifecycle
            120 s: lifecycle
            300 s: provisioning
            420 s: lifecycle
            600 s: provisioning
        "#]];
        expected.assert_eq(&text);
    }
}

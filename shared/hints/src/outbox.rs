//! Hints that are still to be sent. There is a place for each kind and no more, so it cannot grow: while the queue does not
//! answer, hints of one kind become one.

use jiff::{SignedDuration, Timestamp};
use model::hint::Hint;
use std::collections::BTreeMap;

/// How many hints wait at most. Two hints of one kind say the same ("look again"), so one place for each kind holds all
/// that can be said.
pub const CAPACITY: usize = Hint::ALL.len();

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Since when a hint waits here.
    waiting: Option<Timestamp>,
    /// Since when the hint waited that is being sent.
    under_way: Option<Timestamp>,
}

/// The places.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    places: BTreeMap<Hint, Place>,
    failures: u32,
    not_before: Option<Timestamp>,
    merged: u64,
}

impl Outbox {
    /// Puts a hint down to be sent. If one of its kind waits already, the two become one.
    ///
    /// One that is under way does not count: whoever receives it may have looked before the change.
    pub fn put(&mut self, hint: Hint, now: Timestamp) {
        let place = self.places.entry(hint).or_default();
        if place.waiting.is_some() {
            self.merged += 1;
        } else {
            place.waiting = Some(now);
        }
    }

    /// The hints to send now. They are under way until `sent` or `failed` is called for them; of each kind only one is
    /// under way at a time.
    pub fn take(&mut self, now: Timestamp) -> Vec<Hint> {
        if self.not_before.is_some_and(|at| now < at) {
            return Vec::new();
        }
        let mut taken = Vec::new();
        for (hint, place) in &mut self.places {
            if place.under_way.is_none() && place.waiting.is_some() {
                place.under_way = place.waiting.take();
                taken.push(*hint);
            }
        }
        taken
    }

    /// The queue has taken a hint. Says how long it had waited.
    pub fn sent(&mut self, hint: Hint, now: Timestamp) -> SignedDuration {
        self.failures = 0;
        self.not_before = None;
        let since = self.places.get_mut(&hint).and_then(|place| place.under_way.take());
        since.map_or(SignedDuration::ZERO, |since| now.duration_since(since))
    }

    /// The queue has not taken a hint, or nobody knows whether it has: it waits again. Nothing is sent for a pause, whose
    /// length `pause` tells from the number of failures in a row.
    pub fn failed(&mut self, hint: Hint, now: Timestamp, pause: impl Fn(u32) -> SignedDuration) {
        let place = self.places.entry(hint).or_default();
        let since = place.under_way.take();
        if place.waiting.is_some() && since.is_some() {
            self.merged += 1;
        }
        place.waiting = since.or(place.waiting);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + pause(self.failures));
    }

    /// When to ask again, if nothing happens before.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let ready = |place: &&Place| place.under_way.is_none();
        let since = self.places.values().filter(ready).filter_map(|place| place.waiting).min()?;
        Some(self.not_before.map_or(since, |at| at.max(since)))
    }

    /// Whether everything has been sent.
    pub fn is_empty(&self) -> bool {
        self.places.values().all(|place| place.waiting.is_none() && place.under_way.is_none())
    }

    /// Failures since the queue last took a hint.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// How many hints became one with another.
    pub fn merged(&self) -> u64 {
        self.merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::fmt::Write;

    /// `MILLIS put|take|sent|failed` to what is taken and when it wants to be asked again; a pause is 100 ms a failure.
    fn check_script(script: &str, expected: &Expect) {
        let mut outbox = Outbox::default();
        let mut text = String::new();
        let hint = Hint::Provisioning;
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (millis, verb) = line.split_once(' ').unwrap();
            let now = Timestamp::from_millisecond(millis.parse().unwrap()).unwrap();
            let result = match verb {
                "put" => {
                    outbox.put(hint, now);
                    String::new()
                }
                "take" => format!(" {:?}", outbox.take(now)),
                "sent" => format!(" after {:#}", outbox.sent(hint, now)),
                "failed" => {
                    let pause =
                        |failures: u32| SignedDuration::from_millis(100) * failures.cast_signed();
                    outbox.failed(hint, now, pause);
                    String::new()
                }
                _ => panic!("{verb}"),
            };
            let wake = outbox.next_wake().map_or("-".into(), |at| at.as_millisecond().to_string());
            let (merged, empty) = (outbox.merged(), outbox.is_empty());
            writeln!(text, "{line}:{result} wake {wake} merged {merged} empty {empty}").unwrap();
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn a_hint_is_sent_once() {
        check_script(
            "1 put\n1 take\n5 take\n9 sent\n9 take",
            &expect![[r#"
                1 put: wake 1 merged 0 empty false
                1 take: [Provisioning] wake - merged 0 empty false
                5 take: [] wake - merged 0 empty false
                9 sent: after 8ms wake - merged 0 empty true
                9 take: [] wake - merged 0 empty true
            "#]],
        );
    }

    #[test]
    fn what_comes_while_one_is_under_way_is_sent_after_it() {
        check_script(
            "1 put\n1 take\n2 put\n3 put\n4 take\n9 sent\n9 take\n12 sent",
            &expect![[r#"
                1 put: wake 1 merged 0 empty false
                1 take: [Provisioning] wake - merged 0 empty false
                2 put: wake - merged 0 empty false
                3 put: wake - merged 1 empty false
                4 take: [] wake - merged 1 empty false
                9 sent: after 8ms wake 2 merged 1 empty false
                9 take: [Provisioning] wake - merged 1 empty false
                12 sent: after 10ms wake - merged 1 empty true
            "#]],
        );
    }

    #[test]
    fn a_failed_hint_waits_longer_each_time_and_merges_with_those_behind_it() {
        check_script(
            "1 put\n1 take\n2 put\n10 failed\n50 take\n110 take\n120 failed\n200 put\n320 take\n330 sent\n331 put",
            &expect![[r#"
                1 put: wake 1 merged 0 empty false
                1 take: [Provisioning] wake - merged 0 empty false
                2 put: wake - merged 0 empty false
                10 failed: wake 110 merged 1 empty false
                50 take: [] wake 110 merged 1 empty false
                110 take: [Provisioning] wake - merged 1 empty false
                120 failed: wake 320 merged 1 empty false
                200 put: wake 320 merged 2 empty false
                320 take: [Provisioning] wake - merged 2 empty false
                330 sent: after 329ms wake - merged 2 empty true
                331 put: wake 331 merged 2 empty false
            "#]],
        );
    }

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let mut outbox = Outbox::default();
        for milli in 0..10_000 {
            for hint in Hint::ALL {
                outbox.put(hint, Timestamp::from_millisecond(milli).unwrap());
            }
        }
        assert_eq!(outbox.places.len(), CAPACITY);
        assert_eq!(outbox.take(Timestamp::from_second(100).unwrap()).len(), CAPACITY);
        assert_eq!(outbox.merged(), 2 * 9_999);
    }
}

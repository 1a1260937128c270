//! Whether the forwarder is alive and whether it is of use.

use jiff::{SignedDuration, Timestamp};
use model::hint::Subject;
use std::collections::BTreeMap;

/// A loop that has not turned for so long never will. The main loop turns each five minutes at the least, for a
/// heartbeat; a watch each four, when the API server ends it, and after a pause of sixteen seconds when it is away.
const TURN: SignedDuration = SignedDuration::from_mins(10);
/// Failures in a row after which the queue counts as away: some eight seconds.
const FAILURES_MAX: u32 = 6;

/// When each loop last turned.
#[derive(Debug)]
pub(crate) struct Turns {
    main: Timestamp,
    watches: BTreeMap<Subject, Timestamp>,
}

impl Turns {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { main: now, watches: Subject::ALL.map(|subject| (subject, now)).into() }
    }

    /// The main loop turns.
    pub(crate) fn main(&mut self, now: Timestamp) {
        self.main = now;
    }

    /// A watch has heard of its objects, or has failed and goes on.
    pub(crate) fn watch(&mut self, subject: Subject, now: Timestamp) {
        self.watches.insert(subject, now);
    }
}

/// What is wrong with the loops, in a line each; nothing if all turn.
pub(crate) fn stuck(turns: &Turns, now: Timestamp) -> Vec<String> {
    let Turns { main, watches } = turns;
    let main = [("the main loop", main)];
    let watches = watches.iter().map(|(subject, at)| (subject.as_str(), at));
    let all = main.into_iter().chain(watches);
    let stuck = all.filter(|(_, at)| TURN < now.duration_since(**at));
    stuck.map(|(name, at)| format!("{name}: has not turned since {at}")).collect()
}

/// What keeps the forwarder from being of use, in a line each; nothing if it is.
pub(crate) fn missing(is_complete: bool, queue_failures: u32, is_stopping: bool) -> Vec<String> {
    let all = [
        (!is_complete, "not everything has been listed once"),
        (FAILURES_MAX <= queue_failures, "the queue takes no hints"),
        (is_stopping, "it is about to end"),
    ];
    all.into_iter().filter(|(holds, _)| *holds).map(|(_, text)| text.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    #[test]
    fn a_loop_that_does_not_turn_is_named() {
        let mut turns = Turns::new(minute(0));
        assert_eq!(stuck(&turns, minute(10)), [""; 0]);
        for subject in Subject::ALL {
            turns.watch(subject, minute(8));
        }
        turns.watch(Subject::NodePool, minute(1));
        turns.main(minute(9));
        assert_eq!(
            stuck(&turns, minute(12)),
            ["NodePool: has not turned since 1970-01-01T00:01:00Z"]
        );
        assert_eq!(stuck(&turns, minute(30)).len(), 6);
    }

    #[test]
    fn it_is_of_use_once_all_is_listed_and_while_the_queue_answers() {
        assert_eq!(missing(true, 0, false), [""; 0]);
        assert_eq!(missing(true, 5, false), [""; 0]);
        assert_eq!(missing(true, 6, false), ["the queue takes no hints"]);
        assert_eq!(missing(false, 0, true).len(), 2);
    }
}

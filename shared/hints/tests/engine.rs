//! The forwarder from sightings to hints, told as text: what is sent when.

use expect_test::{Expect, expect};
use hints::backoff::pause;
use hints::engine::Engine;
use jiff::{SignedDuration, Timestamp};
use model::hint::{Hint, Sighting, Subject, Trace};
use std::fmt::Write;

/// A queue that takes a hint after 20 ms, or refuses it after 20 ms while it is down.
const ANSWER: i64 = 20;

struct Run {
    engine: Engine,
    /// What is under way: when it is answered.
    under_way: Vec<(i64, Hint)>,
    down: Vec<(i64, i64)>,
    sent: Vec<(i64, Hint)>,
    tries: usize,
}

fn at(milli: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_millis(milli)
}

impl Run {
    fn new(down: &[(i64, i64)]) -> Self {
        let engine = Engine::new(at(0));
        Self { engine, under_way: Vec::new(), down: down.to_vec(), sent: Vec::new(), tries: 0 }
    }

    /// One millisecond of the main loop, after what the watches saw.
    fn turn(&mut self, milli: i64) {
        let answered: Vec<(i64, Hint)> =
            self.under_way.extract_if(.., |(when, _)| *when <= milli).collect();
        for (_, hint) in answered {
            if self.down.iter().any(|(from, to)| (*from..*to).contains(&milli)) {
                self.engine.failed(hint, at(milli), |failures| pause(failures, 0));
            } else {
                self.engine.sent(hint, at(milli));
                self.sent.push((milli - ANSWER, hint));
            }
        }
        if self.engine.next_wake() <= at(milli) {
            for hint in self.engine.take(at(milli)) {
                self.tries += 1;
                self.under_way.push((milli + ANSWER, hint));
            }
        }
    }

    fn pod(&mut self, key: u64, milli: i64) {
        let trace = Some(Trace { print: 1, going: false });
        self.engine.saw(Subject::Pod, Sighting::Seen { key, trace }, at(milli));
    }

    fn text(&self) -> String {
        let line = |(milli, hint): &(i64, Hint)| format!("{milli} ms: {}\n", hint.as_str());
        self.sent.iter().map(line).collect::<Vec<_>>().concat()
    }
}

fn check_pods(at: &[i64], down: &[(i64, i64)], until: i64, expected: &Expect) {
    let mut run = Run::new(down);
    for milli in 0..until {
        for (key, _) in at.iter().enumerate().filter(|(_, when)| **when == milli) {
            run.pod(key as u64, milli);
        }
        run.turn(milli);
    }
    expected.assert_eq(&run.text());
}

#[test]
fn a_lone_pod_is_told_of_at_once_and_its_neighbours_together() {
    check_pods(
        &[100, 2000, 2003, 2010, 2050],
        &[],
        4000,
        &expect![[r#"
            100 ms: provisioning
            2000 ms: provisioning
            2200 ms: provisioning
        "#]],
    );
}

#[test]
fn two_hundred_changes_a_second_make_one_hint_a_second() {
    let mut run = Run::new(&[]);
    let mut key = 0;
    for milli in 0..30_000 {
        if milli % 5 == 0 {
            // Every second change is a pod that has got its node.
            if key % 2 == 0 {
                run.pod(key, milli);
            } else {
                run.engine.saw(Subject::Pod, Sighting::Gone { key: key - 1 }, at(milli));
            }
            key += 1;
        }
        run.turn(milli);
    }
    assert_eq!(key, 6_000);
    assert_eq!(run.sent.len(), 30, "{}", run.text());
    let gaps = run.sent.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert!(1_000 <= gaps.min().unwrap(), "{}", run.text());
}

#[test]
fn while_the_queue_is_away_hints_merge_and_afterwards_one_is_sent() {
    let mut run = Run::new(&[(0, 60_000)]);
    for milli in 0..90_000 {
        if milli < 60_000 && milli % 100 == 0 {
            run.pod(u64::try_from(milli).unwrap(), milli);
        }
        run.turn(milli);
        assert!(run.under_way.len() <= 1);
    }
    expect![[r#"
        64135 ms: provisioning
    "#]]
    .assert_eq(&run.text());
    assert_eq!(run.tries, 14);
    assert!(run.engine.outbox().is_empty());
}

#[test]
fn what_is_gathered_is_sent_at_the_end_without_waiting() {
    let mut run = Run::new(&[]);
    run.pod(1, 0);
    run.turn(0);
    run.turn(ANSWER);
    run.pod(2, 50);
    run.turn(50);
    assert!(run.engine.outbox().is_empty());
    run.engine.flush(at(60));
    run.turn(60);
    run.turn(60 + ANSWER);
    assert!(run.engine.outbox().is_empty());
    expect![[r#"
        0 ms: provisioning
        60 ms: provisioning
    "#]]
    .assert_eq(&run.text());
}

#[test]
fn a_list_that_shows_nothing_new_tells_nobody() {
    let mut run = Run::new(&[]);
    for round in 0..2 {
        for subject in Subject::ALL {
            run.engine.saw(subject, Sighting::Listing, at(round));
            for key in 0..100 {
                let trace = Some(Trace { print: key, going: false });
                run.engine.saw(subject, Sighting::Seen { key, trace }, at(round));
            }
            run.engine.saw(subject, Sighting::Listed, at(round));
        }
        for milli in round * 5_000..(round + 1) * 5_000 {
            run.turn(milli);
        }
    }
    expect![[r#"
        0 ms: provisioning
        0 ms: lifecycle
    "#]]
    .assert_eq(&run.text());
    assert!(run.engine.ledger().is_complete());
}

#[test]
fn each_change_wakes_the_function_that_has_to_look() {
    let trace = |print, going| Some(Trace { print, going });
    let seen = |trace| Sighting::Seen { key: 7, trace };
    let steps = [
        ("comes", seen(trace(1, false))),
        ("stays as it is", seen(trace(1, false))),
        ("changes", seen(trace(2, false))),
        ("is being deleted", seen(trace(2, true))),
        ("is gone", Sighting::Gone { key: 7 }),
        ("comes on its way out", seen(trace(1, true))),
    ];
    let mut text = String::new();
    for subject in Subject::ALL {
        let mut engine = Engine::new(at(0));
        for (second, (what, sighting)) in (2..).step_by(2).zip(steps) {
            let now = at(second * 1000);
            engine.saw(subject, sighting, now);
            let hints: Vec<Hint> = engine.take(now);
            for hint in &hints {
                assert_eq!(engine.sent(*hint, now), SignedDuration::ZERO);
            }
            writeln!(text, "{} {what}: {hints:?}", subject.as_str()).unwrap();
        }
    }
    expect![[r#"
        Pod comes: [Provisioning]
        Pod stays as it is: []
        Pod changes: [Provisioning]
        Pod is being deleted: [Provisioning]
        Pod is gone: []
        Pod comes on its way out: [Provisioning]
        Node comes: [Lifecycle]
        Node stays as it is: []
        Node changes: [Lifecycle]
        Node is being deleted: [Lifecycle]
        Node is gone: [Lifecycle]
        Node comes on its way out: [Lifecycle]
        NodeClaim comes: [Provisioning]
        NodeClaim stays as it is: []
        NodeClaim changes: [Lifecycle]
        NodeClaim is being deleted: [Lifecycle]
        NodeClaim is gone: [Provisioning]
        NodeClaim comes on its way out: [Lifecycle]
        NodePool comes: [Provisioning]
        NodePool stays as it is: []
        NodePool changes: [Provisioning]
        NodePool is being deleted: [Provisioning]
        NodePool is gone: [Provisioning]
        NodePool comes on its way out: [Provisioning]
        EC2NodeClass comes: [Provisioning]
        EC2NodeClass stays as it is: []
        EC2NodeClass changes: [Provisioning]
        EC2NodeClass is being deleted: [Provisioning]
        EC2NodeClass is gone: [Provisioning]
        EC2NodeClass comes on its way out: [Provisioning]
    "#]]
    .assert_eq(&text);
}

//! What is there, as hashes, and thereby what has changed.

use model::hint::{Sighting, Subject, Trace};
use std::collections::BTreeMap;

/// What has happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there before.
    Came {
        /// Its deletion had been asked for by then.
        going: bool,
    },
    /// Something that matters is different.
    Changed,
    /// It is not there any more, or does not matter any more.
    Gone,
}

/// Changes of one kind of object, as many as there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    /// What has happened.
    pub change: Change,
    /// To how many objects.
    pub count: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    trace: Trace,
    /// The list in which it was last seen.
    round: u32,
}

/// The objects of one kind.
#[derive(Clone, Debug, Default)]
struct Page {
    entries: BTreeMap<u64, Entry>,
    round: u32,
    listed: bool,
    going: usize,
}

/// The objects of every kind: 32 bytes for each, no names and no fields.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pages: BTreeMap<Subject, Page>,
}

impl Ledger {
    /// Takes a sighting down and says what has changed by it, if anything that matters.
    pub fn note(&mut self, subject: Subject, sighting: Sighting) -> Option<Changes> {
        let page = self.pages.entry(subject).or_default();
        let one = |change| Changes { change, count: 1 };
        match sighting {
            Sighting::Listing => {
                page.round = page.round.wrapping_add(1);
                None
            }
            Sighting::Seen { key, trace: Some(trace) } => page.put(key, trace).map(one),
            Sighting::Seen { key, trace: None } | Sighting::Gone { key } => {
                page.remove(key).then_some(one(Change::Gone))
            }
            Sighting::Listed => {
                page.listed = true;
                let count = page.forget_unseen();
                (0 < count).then_some(Changes { change: Change::Gone, count })
            }
        }
    }

    /// How many objects of a kind there are.
    pub fn count(&self, subject: Subject) -> usize {
        self.pages.get(&subject).map_or(0, |page| page.entries.len())
    }

    /// Whether every kind has been listed once.
    pub fn is_complete(&self) -> bool {
        Subject::ALL.iter().all(|subject| self.pages.get(subject).is_some_and(|page| page.listed))
    }

    /// Whether a Node or a NodeClaim is on its way out.
    pub fn is_anything_going(&self) -> bool {
        let kinds = [Subject::Node, Subject::NodeClaim];
        kinds.iter().any(|kind| self.pages.get(kind).is_some_and(|page| 0 < page.going))
    }
}

impl Page {
    fn put(&mut self, key: u64, trace: Trace) -> Option<Change> {
        let old = self.entries.insert(key, Entry { trace, round: self.round });
        let was_going = old.is_some_and(|old| old.trace.going);
        self.going = self.going + usize::from(trace.going) - usize::from(was_going);
        match old {
            None => Some(Change::Came { going: trace.going }),
            Some(old) if old.trace != trace => Some(Change::Changed),
            Some(_) => None,
        }
    }

    fn remove(&mut self, key: u64) -> bool {
        let Some(old) = self.entries.remove(&key) else { return false };
        self.going -= usize::from(old.trace.going);
        true
    }

    fn forget_unseen(&mut self) -> usize {
        let before = self.entries.len();
        let Self { entries, round, listed: _, going } = self;
        entries.retain(|_, entry| entry.round == *round);
        *going = entries.values().filter(|entry| entry.trace.going).count();
        before - entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::fmt::Write;

    /// `list`, `end`, `KEY` (no trace), `KEY=PRINT`, `KEY=PRINT!` (going) and `-KEY`, to what is said of each.
    fn check_changes(script: &str, expected: &Expect) {
        let mut ledger = Ledger::default();
        let mut text = String::new();
        for word in script.split_whitespace() {
            let sighting = parse(word);
            let said = ledger.note(Subject::Node, sighting).map_or("-".into(), |changes| {
                let Changes { change, count } = changes;
                format!("{change:?} x{count}")
            });
            writeln!(text, "{word}: {said}").unwrap();
        }
        let (count, going) = (ledger.count(Subject::Node), ledger.is_anything_going());
        writeln!(text, "kept {count}, something going: {going}").unwrap();
        expected.assert_eq(&text);
    }

    fn parse(word: &str) -> Sighting {
        let number = |text: &str| text.parse().unwrap();
        match (word, word.split_once('='), word.strip_prefix('-')) {
            ("list", ..) => Sighting::Listing,
            ("end", ..) => Sighting::Listed,
            (_, Some((key, print)), _) => {
                let going = print.ends_with('!');
                let trace = Trace { print: number(print.trim_end_matches('!')), going };
                Sighting::Seen { key: number(key), trace: Some(trace) }
            }
            (_, None, Some(key)) => Sighting::Gone { key: number(key) },
            (key, None, None) => Sighting::Seen { key: number(key), trace: None },
        }
    }

    #[test]
    fn only_what_matters_is_a_change() {
        check_changes(
            "1=10 1=10 1=11 1 1 -1 -2 2=5 -2",
            &expect![[r#"
                1=10: Came { going: false } x1
                1=10: -
                1=11: Changed x1
                1: Gone x1
                1: -
                -1: -
                -2: -
                2=5: Came { going: false } x1
                -2: Gone x1
                kept 0, something going: false
            "#]],
        );
    }

    #[test]
    fn a_second_list_tells_of_what_went_in_between() {
        check_changes(
            "list 1=10 2=20 3=30 end list 1=10 3=31 4=40 end",
            &expect![[r#"
                list: -
                1=10: Came { going: false } x1
                2=20: Came { going: false } x1
                3=30: Came { going: false } x1
                end: -
                list: -
                1=10: -
                3=31: Changed x1
                4=40: Came { going: false } x1
                end: Gone x1
                kept 3, something going: false
            "#]],
        );
    }

    #[test]
    fn a_list_that_broke_off_forgets_nothing() {
        check_changes(
            "list 1=10 2=20 end list 1=10 list 1=10 2=20 end",
            &expect![[r#"
                list: -
                1=10: Came { going: false } x1
                2=20: Came { going: false } x1
                end: -
                list: -
                1=10: -
                list: -
                1=10: -
                2=20: -
                end: -
                kept 2, something going: false
            "#]],
        );
    }

    #[test]
    fn what_is_going_is_counted() {
        check_changes(
            "1=10 1=10! 2=20!",
            &expect![[r#"
                1=10: Came { going: false } x1
                1=10!: Changed x1
                2=20!: Came { going: true } x1
                kept 2, something going: true
            "#]],
        );
        check_changes(
            "1=10! 2=20! -1 2=20",
            &expect![[r#"
                1=10!: Came { going: true } x1
                2=20!: Came { going: true } x1
                -1: Gone x1
                2=20: Changed x1
                kept 1, something going: false
            "#]],
        );
        check_changes(
            "list 1=10! end list end",
            &expect![[r#"
                list: -
                1=10!: Came { going: true } x1
                end: -
                list: -
                end: Gone x1
                kept 0, something going: false
            "#]],
        );
    }

    #[test]
    fn it_is_complete_when_every_kind_was_listed() {
        let mut ledger = Ledger::default();
        for subject in Subject::ALL {
            assert!(!ledger.is_complete());
            ledger.note(subject, Sighting::Listing);
            ledger.note(subject, Sighting::Listed);
        }
        assert!(ledger.is_complete());
    }
}

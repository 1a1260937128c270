//! Virtual time: what will happen, in its order. Time passes only from one thing to the next.

use jiff::{SignedDuration, Timestamp};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Things to come, by time; those of one time in the order in which they were entered.
#[derive(Debug)]
pub(crate) struct Timeline<T> {
    now: Timestamp,
    entered: u64,
    heap: BinaryHeap<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    at: Timestamp,
    number: u64,
    what: T,
}

impl<T> Timeline<T> {
    /// Nothing to come, at this time.
    pub(crate) fn new(start: Timestamp) -> Self {
        Self { now: start, entered: 0, heap: BinaryHeap::new() }
    }

    /// The present time.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Enters something that happens at a time; what is past happens now.
    pub(crate) fn at(&mut self, at: Timestamp, what: T) {
        self.entered += 1;
        self.heap.push(Entry { at: at.max(self.now), number: self.entered, what });
    }

    /// Enters something that happens after a while.
    pub(crate) fn after(&mut self, delay: SignedDuration, what: T) {
        self.at(self.now + delay, what);
    }

    /// Goes to the next thing.
    pub(crate) fn next(&mut self) -> Option<T> {
        let entry = self.heap.pop()?;
        self.now = entry.at;
        Some(entry.what)
    }

    /// Goes to the next thing that is due by a time, or else to that time.
    pub(crate) fn next_by(&mut self, end: Timestamp) -> Option<T> {
        if self.heap.peek().is_some_and(|entry| entry.at <= end) {
            return self.next();
        }
        self.now = self.now.max(end);
        None
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    /// The heap gives its greatest first, so the earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_at_one_time_comes_in_the_order_of_entry() {
        let mut timeline = Timeline::new(Timestamp::UNIX_EPOCH);
        timeline.after(SignedDuration::from_secs(2), "late");
        timeline.after(SignedDuration::from_secs(1), "first");
        timeline.after(SignedDuration::from_secs(1), "second");
        let order: Vec<&str> = std::iter::from_fn(|| timeline.next()).collect();
        assert_eq!(order, ["first", "second", "late"]);
        assert_eq!(timeline.now().as_second(), 2);
    }

    #[test]
    fn time_goes_on_where_nothing_is_due() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let mut timeline = Timeline::new(Timestamp::UNIX_EPOCH);
        timeline.at(second(2), "late");
        timeline.at(second(1), "early");
        assert_eq!((timeline.next_by(second(1)), timeline.now()), (Some("early"), second(1)));
        assert_eq!((timeline.next_by(second(1)), timeline.now()), (None, second(1)));
        timeline.next_by(second(3));
        assert_eq!((timeline.next_by(second(3)), timeline.now()), (None, second(3)));
        assert_eq!((timeline.next_by(second(2)), timeline.now()), (None, second(3)));
    }
}

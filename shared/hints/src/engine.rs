//! Everything between a watch and a queue: sightings go in, hints to send come out.

use crate::batcher::Batcher;
use crate::ledger::{Changes, Ledger};
use crate::outbox::Outbox;
use crate::pulse::Pulse;
use crate::route::hints_of;
use jiff::{SignedDuration, Timestamp};
use model::hint::{Hint, Sighting, Subject};

/// The forwarder's whole state.
#[derive(Clone, Debug)]
pub struct Engine {
    ledger: Ledger,
    batcher: Batcher,
    pulse: Pulse,
    outbox: Outbox,
}

impl Engine {
    /// A forwarder that has seen nothing yet.
    pub fn new(now: Timestamp) -> Self {
        Self {
            ledger: Ledger::default(),
            batcher: Batcher::default(),
            pulse: Pulse::new(now),
            outbox: Outbox::default(),
        }
    }

    /// Takes a sighting in. Says how many changes it was.
    pub fn saw(&mut self, subject: Subject, sighting: Sighting, now: Timestamp) -> usize {
        let Some(Changes { change, count }) = self.ledger.note(subject, sighting) else { return 0 };
        for hint in hints_of(subject, change) {
            self.batcher.changed(*hint, now);
        }
        count
    }

    /// The hints to send now; each is under way until `sent` or `failed` is called for it.
    pub fn take(&mut self, now: Timestamp) -> Vec<Hint> {
        let is_anything_going = self.ledger.is_anything_going();
        for hint in self.batcher.due(now) {
            self.tell(hint, now);
        }
        for hint in self.pulse.due(now, is_anything_going) {
            self.tell(hint, now);
        }
        self.outbox.take(now)
    }

    /// When to ask again, if nothing happens before.
    pub fn next_wake(&self) -> Timestamp {
        let pulse = self.pulse.next_wake(self.ledger.is_anything_going());
        let others = [self.batcher.next_wake(), self.outbox.next_wake()];
        others.into_iter().flatten().fold(pulse, Timestamp::min)
    }

    /// The queue has taken a hint. Says how long it had waited for the queue.
    pub fn sent(&mut self, hint: Hint, now: Timestamp) -> SignedDuration {
        self.outbox.sent(hint, now)
    }

    /// The queue has not taken a hint, or nobody knows whether it has.
    pub fn failed(&mut self, hint: Hint, now: Timestamp, pause: impl Fn(u32) -> SignedDuration) {
        self.outbox.failed(hint, now, pause);
    }

    /// The end is near: what has been gathered is to be sent without waiting for more.
    pub fn flush(&mut self, now: Timestamp) {
        for hint in self.batcher.rest() {
            self.tell(hint, now);
        }
    }

    /// What is there.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What is still to be sent.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn tell(&mut self, hint: Hint, now: Timestamp) {
        self.pulse.told(hint, now);
        self.outbox.put(hint, now);
    }
}

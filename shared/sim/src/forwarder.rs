//! The forwarder's place in the world: changes go in, hints come out and onto a queue.

use crate::rng::millis;
use crate::world::{Happening, World};
use jiff::{SignedDuration, Timestamp};
use model::hint::{Hint, Message};

/// How far a watch is behind, in milliseconds.
const WATCH_LAG_MILLIS: (i64, i64) = (5, 20);

/// The forwarder's own logic: when changes become hints.
pub trait Forwarder {
    /// Something has changed that this hint speaks of.
    fn changed(&mut self, what: Hint, now: Timestamp);
    /// The hints to send now.
    fn due(&mut self, now: Timestamp) -> Vec<Hint>;
    /// When to ask again.
    fn next_wake(&self) -> Option<Timestamp>;
}

impl World {
    /// Something has changed that the forwarder watches.
    pub(crate) fn hint(&mut self, hint: Hint) {
        if self.faults.forwarder {
            let (least, most) = WATCH_LAG_MILLIS;
            let lag = millis(&mut self.streams.watch, least..=most);
            self.after(lag, Happening::Watch(hint));
        }
    }

    /// Whether the forwarder sees a change now. If it is down or cut off, it lists everything once it is back.
    pub(crate) fn forwarder_sees(&mut self, hint: Hint) -> bool {
        let now = self.now();
        let outages = [self.faults.forwarder_restarts, self.faults.api_outages];
        let back = outages
            .iter()
            .filter_map(|outages| outages.ends(self.seed, now).map(|end| (end, outages.kind)));
        let Some((end, kind)) = back.max() else {
            return true;
        };
        self.outage(kind, end);
        self.after(end.duration_since(now) + SignedDuration::from_secs(1), Happening::Watch(hint));
        false
    }

    /// The forwarder sends a hint.
    pub(crate) fn send_hint(&mut self, hint: Hint) {
        if self.faults.forwarder_restarts.ends(self.seed, self.now()).is_some() {
            return;
        }
        self.record.hints += 1;
        let body = serde_json::to_string(&Message::new(hint)).expect("a hint is plain data");
        self.send(hint, body);
    }
}

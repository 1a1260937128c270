//! SQS: standard queues with copies, delay, visibility and a dead-letter queue, and the pollers that invoke functions.

use crate::lambda::{Call, Event, Function, MessageId, Response, Source};
use crate::rng::{happens, millis};
use crate::world::{Happening, World};
use jiff::Timestamp;
use model::hint::Hint;
use std::collections::BTreeMap;

/// What a poller holds of a delivered copy.
pub(crate) type Receipt = u64;

/// Messages in one invocation at most (the event source's batch size).
const BATCH_MAX: usize = 10;
/// Deliveries after which a message goes to the dead-letter queue (AWS recommends five at least).
const RECEIVES_MAX: u32 = 5;
/// Batches under way for one queue: the least that `MaximumConcurrency` can be set to.
const BATCHES_MAX: u32 = 2;
/// A message is hidden for six times the function's timeout (AWS's recommendation for event sources).
const VISIBILITY_TIMEOUTS: i32 = 6;
/// From sending to the poller, in milliseconds.
const DELIVERY_MILLIS: (i64, i64) = (10, 60);

#[derive(Debug)]
struct Message {
    id: MessageId,
    body: String,
    visible: Timestamp,
    receives: u32,
}

/// A queue, its dead-letter queue (only counted) and its poller.
#[derive(Debug)]
pub(crate) struct Queue {
    messages: BTreeMap<Receipt, Message>,
    sent: u64,
    batches: u32,
    armed: Option<Timestamp>,
}

/// The two queues.
#[derive(Debug)]
pub(crate) struct Queues {
    provisioning: Queue,
    lifecycle: Queue,
}

const fn consumer(hint: Hint) -> Function {
    match hint {
        Hint::Provisioning => Function::Provisioning,
        Hint::Lifecycle => Function::Lifecycle,
    }
}

const fn queue_of(function: Function) -> Option<Hint> {
    match function {
        Function::Provisioning => Some(Hint::Provisioning),
        Function::Lifecycle => Some(Hint::Lifecycle),
        Function::Interruption | Function::Disruption => None,
    }
}

impl Queue {
    const fn new() -> Self {
        Self { messages: BTreeMap::new(), sent: 0, batches: 0, armed: None }
    }

    fn put(&mut self, id: MessageId, body: String, visible: Timestamp) {
        self.sent += 1;
        self.messages.insert(self.sent, Message { id, body, visible, receives: 0 });
    }

    /// Copies that a poller would get now.
    fn visible(&self, now: Timestamp) -> Vec<Receipt> {
        self.messages.iter().filter(|(_, m)| m.visible <= now).map(|(key, _)| *key).collect()
    }

    /// Delivers copies: hides them, and says which have been delivered too often instead.
    fn receive(&mut self, receipts: &[Receipt], hidden_until: Timestamp) -> (Vec<Receipt>, u64) {
        let mut dead = 0;
        let mut delivered = Vec::new();
        for receipt in receipts {
            let Some(message) = self.messages.get_mut(receipt) else { continue };
            message.receives += 1;
            message.visible = hidden_until;
            if RECEIVES_MAX < message.receives {
                self.messages.remove(receipt);
                dead += 1;
            } else {
                delivered.push(*receipt);
            }
        }
        (delivered, dead)
    }
}

impl Queues {
    /// Two empty queues.
    pub(crate) const fn new() -> Self {
        Self { provisioning: Queue::new(), lifecycle: Queue::new() }
    }

    fn of(&mut self, hint: Hint) -> &mut Queue {
        match hint {
            Hint::Provisioning => &mut self.provisioning,
            Hint::Lifecycle => &mut self.lifecycle,
        }
    }
}

impl World {
    /// Sends a message; with faults it may be lost on the way, come late, or come twice.
    pub(crate) fn send(&mut self, to: Hint, body: String) {
        if self.fault_happens(self.faults.lost, "lost message") {
            return;
        }
        let (least, most) = DELIVERY_MILLIS;
        let mut delay = millis(&mut self.streams.queue, least..=most);
        if self.fault_happens(self.faults.late, "late message") {
            delay += millis(&mut self.streams.queue, 1_000..=120_000);
        }
        let now = self.now();
        let queue = self.queues.of(to);
        let id: MessageId = format!("{}-{}", consumer(to).name(), queue.sent + 1).into();
        queue.put(MessageId::clone(&id), body.clone(), now + delay);
        self.record.messages += 1;
        if self.fault_happens(self.faults.doubled, "doubled message") {
            let later = now + delay + millis(&mut self.streams.queue, 0..=30_000);
            self.queues.of(to).put(id, body, later);
            self.record.messages += 1;
        }
        self.arm_poll(to);
    }

    /// The poller looks for messages.
    pub(crate) fn poll(&mut self, hint: Hint) {
        let now = self.now();
        let queue = self.queues.of(hint);
        if queue.armed != Some(now) {
            return;
        }
        queue.armed = None;
        if let Some(end) = self.faults.queue_outages.ends(self.seed, now) {
            self.outage(self.faults.queue_outages.kind, end);
            self.queues.of(hint).armed = Some(end);
            self.timeline.at(end, Happening::Poll(hint));
            return;
        }
        let queue = self.queues.of(hint);
        if BATCHES_MAX <= queue.batches {
            return;
        }
        let mut visible = queue.visible(now);
        self.streams.queue.shuffle(&mut visible);
        visible.truncate(BATCH_MAX);
        let function = consumer(hint);
        let (receipts, dead) =
            queue.receive(&visible, now + function.timeout() * VISIBILITY_TIMEOUTS);
        let messages = receipts.iter().filter_map(|receipt| {
            queue.messages.get(receipt).map(|m| (MessageId::clone(&m.id), m.body.clone()))
        });
        let messages: Vec<(MessageId, String)> = messages.collect();
        self.record.dead_letters += dead;
        if !messages.is_empty() {
            queue.batches += 1;
            let event = Event::Messages(messages);
            self.invoke(Call { function, event, source: Source::Queue(receipts) });
        }
        self.arm_poll(hint);
    }

    /// A batch has been answered: what did not fail is deleted. Without an answer all of it failed.
    pub(crate) fn batch_done(
        &mut self,
        function: Function,
        receipts: &[Receipt],
        response: Option<Response>,
    ) {
        let Some(hint) = queue_of(function) else { return };
        let queue = self.queues.of(hint);
        queue.batches -= 1;
        if let Some(response) = response {
            for receipt in receipts {
                let is_done = queue
                    .messages
                    .get(receipt)
                    .is_some_and(|message| !response.failed.contains(&message.id));
                // A copy may come back after it was deleted.
                if is_done && !happens(&mut self.streams.queue, self.faults.doubled) {
                    queue.messages.remove(receipt);
                }
            }
        }
        self.arm_poll(hint);
    }

    fn arm_poll(&mut self, hint: Hint) {
        let now = self.now();
        let queue = self.queues.of(hint);
        if BATCHES_MAX <= queue.batches {
            return;
        }
        let Some(next) = queue.messages.values().map(|message| message.visible).min() else {
            return;
        };
        let next = next.max(now);
        if queue.armed.is_none_or(|armed| next < armed) {
            queue.armed = Some(next);
            self.timeline.at(next, Happening::Poll(hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_delivered_message_is_hidden_until_its_visibility_ends() {
        let mut queue = Queue::new();
        queue.put("m".into(), "body".into(), at(1));
        assert!(queue.visible(at(0)).is_empty());
        assert_eq!(queue.receive(&queue.visible(at(1)), at(180)), (vec![1], 0));
        assert!(queue.visible(at(179)).is_empty());
        assert_eq!(queue.visible(at(180)), [1]);
    }

    #[test]
    fn the_sixth_delivery_goes_to_the_dead_letters() {
        let mut queue = Queue::new();
        queue.put("m".into(), "body".into(), at(0));
        let deliveries: Vec<(usize, u64)> = (0..7)
            .map(|_| queue.receive(&queue.visible(at(0)), at(0)))
            .map(|(delivered, dead)| (delivered.len(), dead))
            .collect();
        assert_eq!(deliveries, [(1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (0, 1), (0, 0)]);
    }
}

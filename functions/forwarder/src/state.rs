//! What the loops share: the hints' engine, the counters, and when each loop last turned.

use crate::clock::{Clock, to_std};
use crate::health::{self, Turns};
use crate::metrics::Metrics;
use hints::backoff;
use hints::engine::Engine;
use kubernetes::watch::Event;
use model::hint::{Hint, Sighting, Subject};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// One of so many failures in a row is logged after the first ones; at 16 s a pause that is once in four minutes.
const LOGGED: u32 = 16;

/// The state, for all that runs.
pub(crate) struct Shared {
    clock: Clock,
    inner: Mutex<Inner>,
    /// Told when a hint may have become due earlier.
    changed: Notify,
}

struct Inner {
    engine: Engine,
    metrics: Metrics,
    turns: Turns,
    is_stopping: bool,
}

/// The pause after so many failures in a row.
pub(crate) fn pause(failures: u32) -> Duration {
    to_std(backoff::pause(failures, fastrand::u64(..)))
}

impl Shared {
    pub(crate) fn new(clock: Clock, cluster: &str) -> Self {
        let now = clock.now();
        let inner = Inner {
            engine: Engine::new(now),
            metrics: Metrics::new(cluster),
            turns: Turns::new(now),
            is_stopping: false,
        };
        Self { clock, inner: Mutex::new(inner), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing is left half done that a later turn would not put right.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A watch tells something.
    pub(crate) fn heard(&self, subject: Subject, event: Event) {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.turns.watch(subject, now);
        match event {
            Event::Sighting(sighting) => {
                if (subject, sighting) == (Subject::NodePool, Sighting::Listing) {
                    inner.metrics.pools.clear();
                }
                let changes = inner.engine.saw(subject, sighting, now);
                if 0 < changes {
                    let objects = inner.engine.ledger().count(subject);
                    inner.metrics.changed(subject, changes, objects);
                    self.changed.notify_one();
                }
                if sighting == Sighting::Listed {
                    inner.metrics.listed(subject);
                    let objects = inner.engine.ledger().count(subject);
                    tracing::info!(kind = subject.as_str(), objects, "listed");
                }
            }
            Event::Pool(figures) => inner.metrics.pools.tell(&figures),
            Event::PoolGone(name) => inner.metrics.pools.forget(&name),
            Event::Unreadable(what) => {
                inner.metrics.unreadable(subject);
                tracing::warn!(what, "an object is left out");
            }
            Event::Alive => {}
            Event::Failed { trouble, failures } => {
                inner.metrics.watch_failed(subject);
                if is_logged(failures) {
                    let error = format!("{:#}", anyhow::Error::from(trouble));
                    let kind = subject.as_str();
                    tracing::warn!(kind, error, failures, "a watch failed and is tried again");
                }
            }
        }
    }

    /// The main loop turns: what is to be sent now, and when to come again if nothing is told.
    pub(crate) fn turn(&self) -> (Vec<Hint>, Duration) {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.turns.main(now);
        let hints = inner.engine.take(now);
        inner.metrics.merged(inner.engine.outbox().merged());
        (hints, self.clock.until(inner.engine.next_wake()))
    }

    /// Waits until a hint may have become due earlier.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The queue has answered, or has not.
    pub(crate) fn answered(&self, hint: Hint, result: anyhow::Result<()>) {
        let now = self.clock.now();
        let mut inner = self.lock();
        match result {
            Ok(()) => {
                let waited = inner.engine.sent(hint, now);
                inner.metrics.sent(hint, waited.as_secs_f64(), now.as_second());
                tracing::debug!(hint = hint.as_str(), "sent");
            }
            Err(error) => {
                inner
                    .engine
                    .failed(hint, now, |failures| backoff::pause(failures, fastrand::u64(..)));
                inner.metrics.not_sent(hint);
                let failures = inner.engine.outbox().failures();
                if is_logged(failures) {
                    let (hint, error) = (hint.as_str(), format!("{error:#}"));
                    tracing::warn!(hint, error, failures, "a hint was not taken and is kept");
                }
            }
        }
    }

    /// The end begins: what has been gathered becomes due.
    pub(crate) fn stop(&self) {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.is_stopping = true;
        inner.engine.flush(now);
    }

    /// Whether everything has been sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().engine.outbox().is_empty()
    }

    /// What is wrong with the loops, in a line each.
    pub(crate) fn stuck(&self) -> Vec<String> {
        health::stuck(&self.lock().turns, self.clock.now())
    }

    /// What keeps it from being of use, in a line each.
    pub(crate) fn missing(&self) -> Vec<String> {
        let inner = self.lock();
        let engine = &inner.engine;
        let failures = engine.outbox().failures();
        health::missing(engine.ledger().is_complete(), failures, inner.is_stopping)
    }

    /// The page of the counters.
    pub(crate) fn metrics(&self) -> String {
        self.lock().metrics.page()
    }
}

const fn is_logged(failures: u32) -> bool {
    failures <= 3 || failures.is_multiple_of(LOGGED)
}

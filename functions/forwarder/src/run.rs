//! The main loop: sends what is due, and waits for what is next.

use crate::clock::Clock;
use crate::queue::Queues;
use crate::settings::Settings;
use crate::state::Shared;
use crate::{http, watches};
use anyhow::{Result, bail};
use kubernetes::watch::Api;
use model::hint::Hint;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

/// After it is told to stop, hints are sent for so long at most: one call that fails and one more. A kubelet waits 30 s.
const DRAIN_TAKES: Duration = Duration::from_secs(8);

type Sends = JoinSet<(Hint, Result<()>)>;

/// Forwards until SIGTERM or SIGINT, then sends what is left and ends.
///
/// # Errors
/// If there is no way to reach the API server, if the pages cannot be served, or if a loop ends by itself.
pub async fn run(settings: &Settings, clock: Clock) -> Result<()> {
    let Settings { region, cluster, listen, .. } = settings;
    tracing::info!(cluster, region, version = env!("CARGO_PKG_VERSION"), "the forwarder begins");
    let mut stop = Stop::new()?;
    let shared = Arc::new(Shared::new(clock, cluster));
    let mut pages = http::start(*listen, Arc::clone(&shared)).await?;
    let api = Api::connect().await?;
    let queues = Queues::connect(settings).await;
    let mut watches = watches::start(&api, &shared);
    let mut sends = Sends::new();
    loop {
        let wake = send_due(&shared, &queues, &mut sends);
        tokio::select! {
            () = shared.changed() => {}
            () = tokio::time::sleep(wake) => {}
            Some(answer) = sends.join_next() => answered(&shared, answer)?,
            Some(ended) = watches.join_next() => bail!("a watch has ended: {ended:?}"),
            ended = &mut pages => bail!("the pages are not served any more: {ended:?}"),
            () = stop.told() => break,
        }
    }
    watches.abort_all();
    drain(&shared, &queues, sends).await
}

/// Sends what is due. Says when to come again.
fn send_due(shared: &Shared, queues: &Queues, sends: &mut Sends) -> Duration {
    let (hints, wake) = shared.turn();
    for hint in hints {
        let queues = queues.clone();
        sends.spawn(async move { (hint, queues.send(hint).await) });
    }
    wake
}

type Answer = Result<(Hint, Result<()>), tokio::task::JoinError>;

fn answered(shared: &Shared, answer: Answer) -> Result<()> {
    let (hint, result) = answer?;
    shared.answered(hint, result);
    Ok(())
}

/// Sends what is left, as far as the time goes.
async fn drain(shared: &Shared, queues: &Queues, mut sends: Sends) -> Result<()> {
    shared.stop();
    let all_sent = tokio::time::timeout(DRAIN_TAKES, async {
        while !shared.is_empty() {
            let wake = send_due(shared, queues, &mut sends);
            tokio::select! {
                () = tokio::time::sleep(wake) => {}
                Some(answer) = sends.join_next() => answered(shared, answer)?,
            }
        }
        anyhow::Ok(())
    });
    let Ok(ended) = all_sent.await else {
        tracing::warn!("hints are left unsent; the sweep sees what they were about");
        return Ok(());
    };
    ended?;
    tracing::info!("the forwarder ends");
    Ok(())
}

/// The signals that mean the end.
struct Stop {
    term: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

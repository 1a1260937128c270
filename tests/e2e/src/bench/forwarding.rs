//! What the forwarder takes beside many nodes and many pods that wait, and how often it sends.

use super::{Row, mebibytes};
use crate::forwarder::{self, Forwarder};
use crate::objects;
use crate::queue::Queue;
use crate::stage::Stage;
use crate::workload::{APPS, spec};
use anyhow::{Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use kube::Client;
use model::hint::Hint;
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};
use tokio::time::{interval, sleep};

/// Pods that come and wait.
const WAITING: usize = 5_000;
/// One comes after the other by this. It is made and then marked, so these are 200 changes in a second.
const PACE: Duration = Duration::from_millis(10);
/// Changes of one pod.
const CHANGES: usize = 2;
/// Requests under way at once, so that a slow one does not hold the pace up.
const AT_ONCE: usize = 20;
/// A forwarder has listed everything after this.
const SETTLES: Duration = Duration::from_secs(10);

/// Measures on a stage that has its nodes already.
///
/// # Errors
/// When anything fails.
pub(super) async fn forwarding(stage: &Stage) -> Result<Vec<Row>> {
    let queue = Queue::open().await?;
    let forwarder = Forwarder::start(stage, &queue)?;
    sleep(SETTLES).await;
    ensure!(!queue.take().is_empty(), "the forwarder has listed everything");

    let begin = Instant::now();
    let mut pace = interval(PACE);
    let ticks = stream::unfold((0, &mut pace), async |(index, pace)| {
        pace.tick().await;
        (index < WAITING).then_some((index, (index + 1, pace)))
    });
    let made = ticks.map(|index| make(&stage.client, index)).buffer_unordered(AT_ONCE);
    made.try_collect::<Vec<()>>().await?;
    let took = begin.elapsed();
    let changes = CHANGES * WAITING * 1_000 / millis(took);
    // Nodes that come and go beside these pods have hints of their own.
    let hints = queue.take().into_iter().filter(|hint| *hint == Hint::Provisioning).count();
    let hints = hints * 1_000_000 / millis(took);
    sleep(SETTLES).await;
    let resident = forwarder.resident()?;
    let size = fs::metadata(forwarder::binary("forwarder", "FORWARDER_BIN")?)?.len();
    let rate = format!("forwarder, hints in a second of {changes} pod changes");
    Ok(vec![
        Row::new(
            "forwarder, resident with 5,000 nodes and 5,000 waiting pods",
            mebibytes(resident.now),
            "40 MiB",
        ),
        Row::new("forwarder, resident at its peak", mebibytes(resident.peak), "40 MiB"),
        Row::new(rate, format!("{}.{:03}", hints / 1_000, hints % 1_000), "1"),
        Row::new("forwarder, binary", super::megabytes(size), "8 MB"),
    ])
}

fn millis(duration: Duration) -> usize {
    usize::try_from(duration.as_millis()).unwrap_or(usize::MAX).max(1)
}

/// A pod that waits as the scheduler would mark it; the scheduler itself would take minutes for so many beside so many nodes.
async fn make(client: &Client, index: usize) -> Result<()> {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": format!("waits-{index}"), "namespace": APPS },
        "spec": spec("900m", &json!({ "schedulerName": "nobody" })),
    });
    objects::create(client, &pod).await?;
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let waits = json!({
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/5000 nodes are available", "lastTransitionTime": now,
    });
    objects::set_status(client, &pod, json!({ "conditions": [waits] })).await
}

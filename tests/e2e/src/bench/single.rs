//! From a pod's creation to the launch call for it, one pod after the other, with the real forwarder and warm functions.

use super::{Row, mebibytes, percentile, seconds};
use crate::forwarder::Forwarder;
use crate::joiner::Joiner;
use crate::objects;
use crate::queue::Queue;
use crate::stage::{QUICK, Stage};
use crate::workload::{APPS, furnish, spec};
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use model::hint::Hint;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Launched before the measurement, so that connections stand and caches are filled.
const WARM_UP: usize = 3;
/// So many pods are measured.
const PODS: usize = 200;
/// Without a hint the next sweep comes after this.
const SWEEP: Duration = Duration::from_mins(1);
/// A forwarder has listed everything and is idle after this.
const SETTLES: Duration = Duration::from_secs(10);
/// Between two looks into the queue; a part of what is measured.
const LOOK: Duration = Duration::from_millis(2);

/// Measures. What SQS and Lambda take between a hint and its handler is not in it: there are neither.
///
/// # Errors
/// When anything fails; a pod without a launch is an error.
pub async fn single() -> Result<Vec<Row>> {
    let stage = Stage::open(&[], QUICK).await?;
    furnish(&stage).await?;
    let joiner = Joiner::new(&stage, "bench").await?;
    let queue = Queue::open().await?;
    let forwarder = Forwarder::start(&stage, &queue)?;
    sleep(SETTLES).await;
    ensure!(!queue.take().is_empty(), "the forwarder tells of the pool");
    let idle = forwarder.resident()?.now;

    let mut took = Vec::new();
    for index in 0..WARM_UP + PODS {
        let one =
            one(&stage, (&joiner, &queue), index).await.with_context(|| format!("pod {index}"))?;
        if WARM_UP <= index {
            took.push(one);
        }
        joiner.advance().await?;
    }
    took.sort_unstable();
    let what = |name: &str| format!("pod created to launch call, {PODS} pods, {name}");
    Ok(vec![
        Row::new("forwarder, resident idle", mebibytes(idle), "16 MiB"),
        Row::new(what("p50"), seconds(percentile(&took, 50)), "0.6 s"),
        Row::new(what("p99"), seconds(percentile(&took, 99)), "3 s"),
        Row::new(what("worst"), seconds(percentile(&took, 100)), ""),
    ])
}

/// One pod, which shares no node with another because all want the same port of it.
async fn one(
    stage: &Stage,
    (joiner, queue): (&Joiner<'_>, &Queue),
    index: usize,
) -> Result<Duration> {
    let known = stage.cloud.account().launch_calls().len();
    let mut spec = spec("500m", &json!({}));
    spec["containers"][0]["ports"] = json!([{ "containerPort": 8080, "hostPort": 8080 }]);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": format!("pod-{index}"), "namespace": APPS },
        "spec": spec,
    });
    let (created, begin) = (Timestamp::now(), Instant::now());
    objects::create(&stage.client, &pod).await?;
    loop {
        if queue.take().contains(&Hint::Provisioning) {
            joiner.provision().await?;
        }
        if let Some(called) = stage.cloud.account().launch_calls().get(known) {
            return Ok(called.duration_since(created).try_into().unwrap_or_default());
        }
        ensure!(begin.elapsed() < SWEEP, "no hint has brought a launch");
        sleep(LOOK).await;
    }
}

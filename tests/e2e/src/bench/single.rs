//! From a pod's creation to the launch call for it, one pod after the other, with warm functions.

use super::{Row, percentile, seconds};
use crate::joiner::Joiner;
use crate::objects::{self, condition};
use crate::stage::{QUICK, Stage};
use crate::workload::{APPS, furnish, spec};
use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, pin_mut};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// Launched before the measurement, so that connections stand and caches are filled.
const WARM_UP: usize = 3;
/// So many pods are measured.
const PODS: usize = 200;
/// Without a hint the next sweep comes after this.
const SWEEP: Duration = Duration::from_mins(1);

/// Measures. What SQS and Lambda take between a hint and its handler is not in it: there are neither.
///
/// # Errors
/// When anything fails; a pod without a launch is an error.
pub async fn single() -> Result<Vec<Row>> {
    let stage = Stage::open(&[], QUICK).await?;
    furnish(&stage).await?;
    let joiner = Joiner::new(&stage, "bench").await?;
    let mut took = Vec::new();
    for index in 0..WARM_UP + PODS {
        let one = one(&stage, &joiner, index).await.with_context(|| format!("pod {index}"))?;
        if WARM_UP <= index {
            took.push(one);
        }
        joiner.advance().await?;
    }
    took.sort_unstable();
    let what = |name: &str| format!("pod created to launch call, {PODS} pods, {name}");
    Ok(vec![
        Row::new(what("p50"), seconds(percentile(&took, 50)), "0.6 s"),
        Row::new(what("p99"), seconds(percentile(&took, 99)), "3 s"),
        Row::new(what("worst"), seconds(percentile(&took, 100)), ""),
    ])
}

/// One pod, which shares no node with another because all want the same port of it.
async fn one(stage: &Stage, joiner: &Joiner<'_>, index: usize) -> Result<Duration> {
    let pods: Api<Pod> = Api::namespaced(stage.client.clone(), APPS);
    let version = pods.list_metadata(&ListParams::default().limit(1)).await?;
    let version = version.metadata.resource_version.context("a list has a version")?;
    let waiting = WatchParams::default().fields("spec.nodeName=");
    let changes = pods.watch(&waiting, &version).await?;
    pin_mut!(changes);

    let known = stage.cloud.account().launch_calls().len();
    let created = Timestamp::now();
    let mut spec = spec("500m", &json!({}));
    spec["containers"][0]["ports"] = json!([{ "containerPort": 8080, "hostPort": 8080 }]);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": format!("pod-{index}"), "namespace": APPS },
        "spec": spec,
    });
    objects::create(&stage.client, &pod).await?;
    loop {
        let next = timeout(SWEEP, changes.next()).await.context("a change comes")?;
        match next.context("the watch goes on")?? {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) if is_unschedulable(&pod)? => {}
            WatchEvent::Error(status) => bail!("the watch ended: {status:?}"),
            WatchEvent::Added(_)
            | WatchEvent::Modified(_)
            | WatchEvent::Deleted(_)
            | WatchEvent::Bookmark(_) => continue,
        }
        // The forwarder sends a lone change at once.
        joiner.provision().await?;
        if let Some(called) = stage.cloud.account().launch_calls().get(known) {
            let took = called.duration_since(created);
            return Ok(took.try_into().unwrap_or_default());
        }
    }
}

fn is_unschedulable(pod: &Pod) -> Result<bool> {
    let pod: Value = serde_json::to_value(pod)?;
    Ok(condition(&pod, "PodScheduled") == Some("False"))
}

//! Small words for what scenarios look at and wait for.

use anyhow::Result;
use e2e::joiner::Joiner;
use e2e::objects::{NODE, NODE_CLAIM, condition};
use e2e::stage::Stage;
use serde_json::Value;

pub(crate) use e2e::look::{
    ensure_one_instance_for_each_claim, labels_of_nodes, living, node_of, patch, pods,
};

/// Waits until the scheduler has said of so many pods that nothing takes them.
pub(crate) async fn wait_for_pending(stage: &Stage, count: usize) -> Result<()> {
    stage
        .until("the scheduler finds no node for the pods", async || {
            let waits = |pod: &&Value| condition(pod, "PodScheduled") == Some("False");
            Ok(pods(stage).await?.iter().filter(waits).count() == count)
        })
        .await
}

/// Advances until exactly so many pods run, all of them.
pub(crate) async fn wait_until_all_run(
    joiner: &Joiner<'_>,
    stage: &Stage,
    count: usize,
) -> Result<()> {
    let what = format!("the real scheduler binds all {count} pods and they run");
    joiner
        .advance_until(&what, async || {
            let pods = pods(stage).await?;
            let runs = |pod: &Value| node_of(pod).is_some() && pod["status"]["phase"] == "Running";
            Ok(pods.len() == count && pods.iter().all(runs))
        })
        .await
}

/// Advances until every claim is initialized.
pub(crate) async fn wait_until_initialized(joiner: &Joiner<'_>, stage: &Stage) -> Result<()> {
    joiner
        .advance_until("every NodeClaim is initialized", async || {
            let claims = NODE_CLAIM.list(&stage.client).await?;
            Ok(claims.iter().all(|claim| condition(claim, "Initialized") == Some("True")))
        })
        .await
}

/// Waits until nothing is left: no claim, no node, no instance.
pub(crate) async fn wait_until_all_is_gone(joiner: &Joiner<'_>, stage: &Stage) -> Result<()> {
    joiner
        .advance_until("no NodeClaim, no Node and no instance is left", async || {
            let client = &stage.client;
            Ok(NODE_CLAIM.list(client).await?.is_empty()
                && NODE.list(client).await?.is_empty()
                && living(stage).await?.is_empty())
        })
        .await
}

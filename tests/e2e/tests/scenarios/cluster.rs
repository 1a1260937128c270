//! Small words for what scenarios look at and wait for.

use anyhow::Result;
use e2e::joiner::Joiner;
use e2e::objects::{self, DEPLOYMENT, Kind, NODE, NODE_CLAIM, condition};
use e2e::stage::Stage;
use e2e::workload::{APPS, deployment, furnish, pool};
use serde_json::{Value, json};

pub(crate) use e2e::look::{
    ensure_one_instance_for_each_claim, labels_of_nodes, living, node_of, patch, pods,
};

/// The Deployment of these scenarios.
pub(crate) const WEB: (Kind, Option<&str>, &str) = (DEPLOYMENT, Some(APPS), "web");

/// So many pods of a Deployment run on nodes of ours.
pub(crate) async fn running(stage: &Stage, replicas: u32, spec: Value) -> Result<Joiner<'_>> {
    running_in(stage, &pool("default"), (replicas, spec)).await
}

/// The same, of such a pool.
pub(crate) async fn running_in<'s>(
    stage: &'s Stage,
    pool: &Value,
    (replicas, spec): (u32, Value),
) -> Result<Joiner<'s>> {
    let count = usize::try_from(replicas)?;
    furnish(stage).await?;
    objects::apply(&stage.client, pool).await?;
    let joiner = Joiner::new(stage, "one").await?;
    objects::create(&stage.client, &deployment("web", replicas, spec)).await?;
    wait_for_pending(stage, count).await?;
    joiner.provision().await?;
    wait_until_all_run(&joiner, stage, count).await?;
    wait_until_initialized(&joiner, stage).await?;
    Ok(joiner)
}

/// A PodDisruptionBudget of these pods.
pub(crate) fn budget(min_available: u32) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": { "name": "web", "namespace": APPS },
        "spec": { "minAvailable": min_available, "selector": { "matchLabels": { "app": "web" } } },
    })
}

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

//! Nodes that are not needed, or not wanted, go: drained first, and nothing is left of them.

use crate::cluster::{
    WEB, budget, living, node_of, patch, pods, running, wait_until_all_is_gone, wait_until_all_run,
};
use anyhow::{Context, Result, ensure};
use e2e::joiner::Joiner;
use e2e::objects::{self, Kind, NODE, NODE_CLAIM, NODE_POOL, name};
use e2e::stage::{Stage, play};
use e2e::workload::{APPS, spec};
use serde_json::json;

async fn wait_for_budget(stage: &Stage, allowed: u64) -> Result<()> {
    let kind = Kind { api_version: "policy/v1", kind: "PodDisruptionBudget" };
    stage
        .until("the budget is counted", async || {
            let budget = kind.get(&stage.client, Some(APPS), "web").await?;
            let budget = budget.context("it is there")?;
            let status = &budget["status"];
            Ok(status["observedGeneration"] == budget["metadata"]["generation"]
                && status["disruptionsAllowed"] == allowed)
        })
        .await
}

async fn only_claim(stage: &Stage) -> Result<(String, String)> {
    let claims = NODE_CLAIM.list(&stage.client).await?;
    ensure!(claims.len() == 1, "there is one claim: {claims:?}");
    let node = claims[0]["status"]["nodeName"].as_str().context("it has a node")?;
    Ok((name(&claims[0]).to_owned(), node.to_owned()))
}

/// Whether all pods that are there run on other nodes than this one, so that none was lost with it.
async fn has_left(stage: &Stage, node: &str) -> Result<bool> {
    Ok(pods(stage).await?.iter().all(|pod| node_of(pod) != Some(node)))
}

#[test]
fn without_pods_nodes_are_drained_and_nothing_is_left() {
    play(async |stage| {
        let joiner = running(stage, 12, spec("900m", &json!({}))).await?;
        ensure!(!living(stage).await?.is_empty(), "instances live");
        patch(stage, WEB, json!({ "spec": { "replicas": 0 } })).await?;
        stage.until("the pods are gone", async || Ok(pods(stage).await?.is_empty())).await?;
        joiner
            .advance_until("no NodeClaim is left", async || {
                joiner.disrupt().await?;
                Ok(NODE_CLAIM.list(&stage.client).await?.is_empty())
            })
            .await?;
        wait_until_all_is_gone(&joiner, stage).await
    });
}

#[test]
fn a_budget_holds_a_drain_back_and_lets_it_go_on_later() {
    play(async |stage| {
        let joiner = running(stage, 2, spec("300m", &json!({}))).await?;
        objects::create(&stage.client, &budget(2)).await?;
        wait_for_budget(stage, 0).await?;
        let (claim, node) = only_claim(stage).await?;
        NODE_CLAIM.delete(&stage.client, None, &claim).await?;
        for _ in 0..5 {
            joiner.advance().await?;
        }
        ensure!(pods(stage).await?.len() == 2, "both pods are there");
        ensure!(!has_left(stage, &node).await?, "they run where they ran");
        ensure!(living(stage).await?.len() == 1, "the instance lives");
        let held = NODE.get(&stage.client, None, &node).await?.context("the node is there")?;
        let taints = held["spec"]["taints"].as_array().context("it has taints")?;
        ensure!(taints.iter().any(|taint| taint["key"] == "karpenter.sh/disrupted"), "{taints:?}");

        let kind = Kind { api_version: "policy/v1", kind: "PodDisruptionBudget" };
        patch(stage, (kind, Some(APPS), "web"), json!({ "spec": { "minAvailable": 0 } })).await?;
        wait_for_budget(stage, 2).await?;
        joiner
            .advance_until(
                "the node is drained and gone, its claim and its instance too",
                async || {
                    joiner.provision().await?;
                    Ok(NODE.get(&stage.client, None, &node).await?.is_none()
                        && NODE_CLAIM.get(&stage.client, None, &claim).await?.is_none()
                        && living(stage).await?.len() == 1)
                },
            )
            .await?;
        wait_until_all_run(&joiner, stage, 2).await
    });
}

#[test]
fn a_deleted_node_is_drained_before_its_instance_goes() {
    play(async |stage| {
        let joiner = running(stage, 3, spec("300m", &json!({}))).await?;
        let (claim, node) = only_claim(stage).await?;
        NODE.delete(&stage.client, None, &node).await?;
        let there =
            NODE.get(&stage.client, None, &node).await?.context("its finalizer holds it")?;
        ensure!(there["metadata"]["deletionTimestamp"].is_string(), "{there}");
        goes_after_its_pods(&joiner, stage, (&claim, &node)).await
    });
}

#[test]
fn a_deleted_nodeclaim_is_drained_before_its_instance_goes() {
    play(async |stage| {
        let joiner = running(stage, 3, spec("300m", &json!({}))).await?;
        let (claim, node) = only_claim(stage).await?;
        NODE_CLAIM.delete(&stage.client, None, &claim).await?;
        goes_after_its_pods(&joiner, stage, (&claim, &node)).await
    });
}

#[test]
fn the_nodes_of_a_deleted_nodepool_go_with_it() {
    play(async |stage| {
        let joiner = running(stage, 3, spec("300m", &json!({}))).await?;
        NODE_POOL.delete(&stage.client, None, "default").await?;
        wait_until_all_is_gone(&joiner, stage).await?;
        ensure!(NODE_POOL.list(&stage.client).await?.is_empty(), "the pool is gone");
        ensure!(pods(stage).await?.iter().all(|pod| node_of(pod).is_none()), "pods wait again");
        Ok(())
    });
}

/// While the instance lives pods leave the node; when it goes none is there. In the end nothing is left of the node, and the
/// pods run on another.
async fn goes_after_its_pods(
    joiner: &Joiner<'_>,
    stage: &Stage,
    (claim, node): (&str, &str),
) -> Result<()> {
    let instance = living(stage).await?;
    joiner
        .advance_until("the instance is terminated", async || {
            let lives = living(stage).await?.intersection(&instance).count() == 1;
            ensure!(lives || has_left(stage, node).await?, "the instance went before its pods");
            Ok(!lives)
        })
        .await?;
    joiner
        .advance_until("the Node and the NodeClaim are gone", async || {
            Ok(NODE.get(&stage.client, None, node).await?.is_none()
                && NODE_CLAIM.get(&stage.client, None, claim).await?.is_none())
        })
        .await?;
    joiner
        .advance_until("the pods have a place again", async || {
            joiner.provision().await?;
            let pods = pods(stage).await?;
            Ok(pods.len() == 3 && pods.iter().all(|pod| node_of(pod).is_some_and(|on| on != node)))
        })
        .await
}

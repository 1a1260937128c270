//! Nodes that are not needed, or are not what they should be, go or are replaced, and what runs on them goes on.
//!
//! Pods that have come to a new node are left there for ten minutes, so moving them together is for the simulation's clock.

use crate::cluster::{
    WEB, labels_of_nodes, living, patch, pods, running, running_in, wait_until_all_run,
};
use anyhow::{Result, ensure};
use e2e::joiner::Joiner;
use e2e::objects::{NODE_CLAIM, NODE_POOL, name};
use e2e::stage::{Stage, play};
use e2e::workload::{pool, spec};
use model::labels;
use serde_json::{Value, json};

/// A pool of nodes that take four pods of 900m each.
fn pool_of_small_nodes() -> Value {
    let mut pool = pool("default");
    pool["spec"]["template"]["spec"]["requirements"][2] =
        json!({ "key": labels::INSTANCE_TYPE, "operator": "In", "values": ["m5.xlarge"] });
    pool
}

fn pods_of_900m() -> Value {
    spec("900m", &json!({}))
}

/// One pass of each function.
async fn pass(joiner: &Joiner<'_>) -> Result<()> {
    joiner.disrupt().await?;
    joiner.provision().await?;
    joiner.advance().await?;
    Ok(())
}

/// Scales down and waits until the other pods are gone.
async fn scale(stage: &Stage, replicas: usize) -> Result<()> {
    patch(stage, WEB, json!({ "spec": { "replicas": replicas } })).await?;
    stage.until("the others are gone", async || Ok(pods(stage).await?.len() == replicas)).await
}

#[test]
fn a_budget_of_none_holds_everything_until_it_is_changed() {
    play(async |stage| {
        let mut pool = pool_of_small_nodes();
        // All day, every day.
        pool["spec"]["disruption"]["budgets"] =
            json!([{ "nodes": "0", "schedule": "0 0 * * *", "duration": "24h" }]);
        let joiner = running_in(stage, &pool, (8, pods_of_900m())).await?;
        scale(stage, 0).await?;
        let before = living(stage).await?;
        for _ in 0..8 {
            pass(&joiner).await?;
        }
        ensure!(living(stage).await? == before, "nothing has changed");
        let all = json!({ "spec": { "disruption": { "budgets": [{ "nodes": "100%" }] } } });
        patch(stage, (NODE_POOL, None, "default"), all).await?;
        stage
            .until("no node is left", async || {
                pass(&joiner).await?;
                Ok(living(stage).await?.is_empty())
            })
            .await
    });
}

#[test]
fn a_node_that_is_not_what_its_pool_asks_for_any_more_is_replaced() {
    play(async |stage| {
        let joiner = running(stage, 3, spec("300m", &json!({}))).await?;
        let before = living(stage).await?;
        let labels = json!({ "metadata": { "labels": { "team": "blue" } } });
        let template = json!({ "spec": { "template": labels } });
        patch(stage, (NODE_POOL, None, "default"), template).await?;
        stage
            .until("nodes of the new kind have taken over", async || {
                pass(&joiner).await?;
                let living = living(stage).await?;
                let teams = labels_of_nodes(stage, "team").await?;
                ensure!(!living.is_empty(), "the replacement is there before the node goes");
                Ok(living.is_disjoint(&before) && teams.len() == living.len())
            })
            .await?;
        wait_until_all_run(&joiner, stage, 3).await
    });
}

#[test]
fn a_node_whose_time_is_over_is_drained_and_replaced() {
    play(async |stage| {
        let mut pool = pool("default");
        pool["spec"]["template"]["spec"]["expireAfter"] = json!("40s");
        let joiner = running_in(stage, &pool, (3, spec("300m", &json!({})))).await?;
        let first = NODE_CLAIM.list(&stage.client).await?;
        let first: Vec<&str> = first.iter().map(name).collect();
        let lasting = json!({ "spec": { "template": { "spec": { "expireAfter": "720h" } } } });
        patch(stage, (NODE_POOL, None, "default"), lasting).await?;
        stage
            .until("other claims are there", async || {
                pass(&joiner).await?;
                let claims = NODE_CLAIM.list(&stage.client).await?;
                Ok(!claims.is_empty() && claims.iter().all(|claim| !first.contains(&name(claim))))
            })
            .await?;
        wait_until_all_run(&joiner, stage, 3).await
    });
}

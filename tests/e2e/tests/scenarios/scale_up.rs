//! From pods that nothing takes to pods that run.

use crate::cluster::{
    ensure_one_instance_for_each_claim, living, node_of, patch, pods, wait_for_pending,
    wait_until_all_run, wait_until_initialized,
};
use anyhow::{Context, Result, ensure};
use e2e::forwarder::Forwarder;
use e2e::joiner::Joiner;
use e2e::objects::{self, NODE, NODE_CLAIM, condition, name};
use e2e::queue::Queue;
use e2e::stage::{Stage, play};
use e2e::workload::{APPS, deployment, furnish, spec};
use futures_util::future::join;
use model::hint::Hint;
use model::labels;
use model::outcome::Outcome;
use reconciler::report::Report;
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn claims(stage: &Stage) -> Result<Vec<Value>> {
    NODE_CLAIM.list(&stage.client).await
}

fn launched(report: &Report) -> usize {
    report.done.iter().filter(|done| matches!(done.outcome, Outcome::Launched(_))).count()
}

#[test]
fn thirty_pods_without_a_node_come_to_run_on_nodes_that_join() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        objects::create(&stage.client, &deployment("web", 30, spec("700m", &json!({})))).await?;
        wait_for_pending(stage, 30).await?;

        let report = joiner.provision().await?;
        ensure!(report.plan.placements.len() == 30, "{:?}", report.plan);
        let claims = claims(stage).await?;
        ensure!(!claims.is_empty(), "there are NodeClaims");
        ensure_one_instance_for_each_claim(stage).await?;

        wait_until_all_run(&joiner, stage, 30).await?;
        wait_until_initialized(&joiner, stage).await?;
        let with_pods: BTreeSet<String> =
            pods(stage).await?.iter().filter_map(|pod| node_of(pod).map(str::to_owned)).collect();
        let nodes = NODE.list(&stage.client).await?;
        ensure!(nodes.len() == claims.len() && with_pods.len() == nodes.len(), "{with_pods:?}");
        for node in &nodes {
            let with = &node["metadata"]["labels"];
            ensure!(
                with[labels::REGISTERED] == "true" && with[labels::INITIALIZED] == "true",
                "{node}"
            );
            let taints = node["spec"]["taints"].as_array().map_or(0, Vec::len);
            ensure!(taints == 0, "{node}");
            ensure!(node["metadata"]["finalizers"][0] == labels::TERMINATION_FINALIZER, "{node}");
        }
        let again = joiner.provision().await?;
        ensure!(launched(&again) == 0 && again.plan.launches().count() == 0, "{:?}", again.plan);
        Ok(())
    });
}

#[test]
fn two_provisioning_handlers_at_once_make_one_set_of_claims() {
    play(async |stage| {
        furnish(stage).await?;
        let (one, two) = (Joiner::new(stage, "one").await?, Joiner::new(stage, "two").await?);
        objects::create(&stage.client, &deployment("web", 12, spec("900m", &json!({})))).await?;
        wait_for_pending(stage, 12).await?;
        let (first, second) = join(one.provision(), two.provision()).await;
        let (first, second) = (first?, second?);
        ensure!(launched(&first) + launched(&second) > 0, "one of them launches");
        ensure_one_instance_for_each_claim(stage).await?;
        let count = claims(stage).await?.len();
        let planned = first.plan.launches().chain(second.plan.launches());
        let planned = planned.map(|launch| launch.claims.len()).max().unwrap_or(0);
        ensure!(planned <= count, "{count} claims");
        wait_until_all_run(&one, stage, 12).await?;
        ensure!(claims(stage).await?.len() == count, "no claim has come since");
        ensure!(two.provision().await?.plan.launches().count() == 0, "nothing is left to launch");
        Ok(())
    });
}

#[test]
fn a_nodeclaim_that_a_user_made_gets_its_node() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        let claim = json!({
            "apiVersion": NODE_CLAIM.api_version, "kind": NODE_CLAIM.kind,
            "metadata": { "name": "by-hand", "labels": { "team": "blue" } },
            "spec": {
                "nodeClassRef": { "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default" },
                "requirements": [
                    { "key": labels::INSTANCE_TYPE, "operator": "In", "values": ["m5.xlarge"] },
                    { "key": labels::CAPACITY_TYPE, "operator": "In", "values": ["on-demand"] },
                ],
                "taints": [{ "key": "team", "value": "blue", "effect": "NoSchedule" }],
            },
        });
        objects::create(&stage.client, &claim).await?;
        joiner
            .advance_until("sweeps launch it, and the claim is initialized", async || {
                joiner.provision().await?;
                let claim = NODE_CLAIM.get(&stage.client, None, "by-hand").await?;
                Ok(claim.is_some_and(|claim| condition(&claim, "Initialized") == Some("True")))
            })
            .await?;
        let claim = NODE_CLAIM.get(&stage.client, None, "by-hand").await?.context("it is there")?;
        let node = claim["status"]["nodeName"].as_str().context("it has a node")?;
        let node = NODE.get(&stage.client, None, node).await?.context("the node is there")?;
        let with = &node["metadata"]["labels"];
        ensure!(with[labels::INSTANCE_TYPE] == "m5.xlarge" && with["team"] == "blue", "{node}");
        ensure!(node["spec"]["taints"][0]["key"] == "team", "{node}");
        ensure!(living(stage).await?.len() == 1, "there is one instance");
        ensure!(name(&node) != "by-hand", "nodes are named by their instances");
        Ok(())
    });
}

/// Passes for the hints that have come, and no others.
async fn follow(queue: &Queue, joiner: &Joiner<'_>) -> Result<()> {
    for hint in queue.take() {
        match hint {
            Hint::Provisioning => joiner.provision().await?,
            Hint::Lifecycle => joiner.advance().await?,
        };
    }
    Ok(())
}

async fn run(stage: &Stage, count: usize) -> Result<bool> {
    let pods = pods(stage).await?;
    let running = |pod: &&Value| node_of(pod).is_some() && pod["status"]["phase"] == "Running";
    Ok(pods.iter().filter(running).count() == count)
}

#[test]
fn hints_alone_bring_pods_onto_nodes_and_the_sweep_does_when_the_forwarder_is_killed() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        let queue = Queue::open().await?;
        let forwarder = Forwarder::start(stage, &queue)?;
        objects::create(&stage.client, &deployment("web", 2, spec("500m", &json!({})))).await?;
        stage
            .until("hints alone bring two pods onto nodes", async || {
                follow(&queue, &joiner).await?;
                run(stage, 2).await
            })
            .await?;
        let initialized = |claim: &Value| condition(claim, "Initialized") == Some("True");
        stage
            .until("hints alone finish the join", async || {
                follow(&queue, &joiner).await?;
                Ok(claims(stage).await?.iter().all(initialized))
            })
            .await?;

        forwarder.kill()?;
        queue.take();
        let more = json!({ "spec": { "replicas": 20 } });
        patch(stage, (objects::DEPLOYMENT, Some(APPS), "web"), more).await?;
        joiner
            .advance_until("sweeps give every pod a place", async || {
                joiner.provision().await?;
                run(stage, 20).await
            })
            .await?;
        ensure!(queue.take().is_empty(), "nobody has sent a hint");
        ensure_one_instance_for_each_claim(stage).await
    });
}

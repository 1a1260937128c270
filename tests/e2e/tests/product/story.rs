//! From a Deployment to nodes and back.

use crate::words::{deploy, launches, wait_until_all_run};
use anyhow::{Context, Result, ensure};
use e2e::look::{ensure_one_instance_for_each_claim, living, pods};
use e2e::objects::{self, DEPLOYMENT, NODE, NODE_CLAIM, NODE_CLASS, NODE_POOL, condition};
use e2e::product::{Product, play};
use e2e::workload::{APPS, pool};
use model::labels;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// At most one call that changes something for so many alike nodes.
const NODES_PER_CALL: usize = 10;
/// AWS calls of all sweeps of a cluster in which nothing happens.
const IDLE_CALLS_MAX: usize = 6;

/// Alike instances share calls.
fn ensure_few_calls(product: &Product) -> Result<()> {
    let launches = launches(product);
    for (what, (calls, instances)) in &launches {
        let most = instances.div_ceil(NODES_PER_CALL);
        ensure!(*calls <= most, "{calls} calls for {instances} of {what:?} among {launches:?}");
    }
    Ok(())
}

/// Waits until the pool is ready and tells how many nodes it has.
async fn wait_until_the_pool_tells(product: &Product) -> Result<()> {
    let stage = &product.stage;
    stage
        .until("the pool tells of its nodes", async || {
            product.invoke("lifecycle").await?;
            let nodes = NODE.list(&stage.client).await?.len();
            let pool = NODE_POOL.get(&stage.client, None, "default").await?;
            let pool = pool.context("the pool is there")?;
            let told = &pool["status"];
            let sum = told["resources"]["nodes"].as_str().and_then(|sum| sum.parse().ok());
            let is_told = told["nodes"] == nodes && sum == Some(nodes);
            let holds = |kind| condition(&pool, kind) == Some("True");
            Ok(is_told && ["Ready", "NodeRegistrationHealthy"].into_iter().all(holds))
        })
        .await
}

/// What the event bus is told of it.
const TOLD: [&str; 3] =
    ["joiner Node Launched", "joiner Node Disrupted", "joiner Instances Terminated"];

/// Waits until each of these kinds has come by the bus, of this cluster.
async fn wait_until_heard(product: &Product, bus: &str, kinds: [&str; 3]) -> Result<()> {
    let Product { stage, aws, .. } = product;
    let missing = RefCell::new(BTreeSet::from(kinds.map(ToOwned::to_owned)));
    stage
        .until("the event bus has been told", async || {
            for event in aws.heard(bus).await? {
                ensure!(event["detail"]["cluster"] == stage.settings.cluster_name, "{event}");
                let kind = event["detail-type"].as_str().context("an event has a kind")?;
                missing.borrow_mut().remove(kind);
            }
            Ok(missing.borrow().is_empty())
        })
        .await
}

async fn wait_until_all_is_gone(product: &Product) -> Result<()> {
    let stage = &product.stage;
    stage
        .until("no NodeClaim, no Node and no instance is left", async || {
            product.invoke("disruption").await?;
            product.invoke("lifecycle").await?;
            Ok(NODE_CLAIM.list(&stage.client).await?.is_empty()
                && NODE.list(&stage.client).await?.is_empty()
                && living(stage).await?.is_empty())
        })
        .await
}

#[test]
fn a_deployment_gets_its_nodes_and_they_go_when_it_is_deleted() {
    play(async |product| {
        let Product { stage, ec2, aws, .. } = product;
        let bus = aws.listen("joiner.sh").await?;
        deploy(product, "web", (30, "700m")).await?;
        wait_until_all_run(product, 30).await?;
        ensure_one_instance_for_each_claim(stage).await?;
        wait_until_the_pool_tells(product).await?;

        DEPLOYMENT.delete(&stage.client, Some(APPS), "web").await?;
        wait_until_all_is_gone(product).await?;
        wait_until_heard(product, &bus, TOLD).await?;

        let (before, mutating) = (ec2.count(), ec2.calls("RunInstances").len());
        for function in ["provisioning", "lifecycle", "disruption"] {
            product.invoke(function).await?;
        }
        let idle = ec2.count() - before;
        ensure!(idle <= IDLE_CALLS_MAX, "{idle} calls of an idle cluster's sweeps");
        ensure!(ec2.calls("RunInstances").len() == mutating, "nothing is launched for nobody");
        Ok(())
    });
}

#[test]
fn a_class_that_is_deleted_stays_until_the_last_node_of_it_is_gone() {
    play(async |product| {
        let client = &product.stage.client;
        deploy(product, "web", (3, "700m")).await?;
        wait_until_all_run(product, 3).await?;
        NODE_CLASS.delete(client, None, "default").await?;
        product.invoke("catalog").await?;
        let class = NODE_CLASS.get(client, None, "default").await?;
        ensure!(class.is_some(), "nodes of it run");

        DEPLOYMENT.delete(client, Some(APPS), "web").await?;
        wait_until_all_is_gone(product).await?;
        product.invoke("catalog").await?;
        ensure!(NODE_CLASS.get(client, None, "default").await?.is_none(), "nothing needs it");
        Ok(())
    });
}

#[test]
fn a_thousand_pods_at_once_get_some_sixty_nodes_by_few_calls() {
    play(async |product| {
        let stage = &product.stage;
        let mut alike = pool("default");
        let requirements = &mut alike["spec"]["template"]["spec"]["requirements"];
        requirements[2] =
            json!({ "key": labels::INSTANCE_TYPE, "operator": "In", "values": ["m5.2xlarge"] });
        objects::apply(&stage.client, &alike).await?;
        // Nobody tells before all are there; a Deployment makes them over seconds.
        product.forwarder.take().context("it runs")?.kill()?;
        deploy(product, "web", (1_000, "450m")).await?;
        stage
            .until("all pods wait", async || {
                let waits = |pod: &&Value| condition(pod, "PodScheduled") == Some("False");
                Ok(pods(stage).await?.iter().filter(waits).count() == 1_000)
            })
            .await?;
        product.start_forwarder()?;
        wait_until_all_run(product, 1_000).await?;
        ensure_one_instance_for_each_claim(stage).await?;
        let nodes = living(stage).await?.len();
        ensure!(50 <= nodes, "{nodes} nodes are not many");
        ensure_few_calls(product)
    });
}

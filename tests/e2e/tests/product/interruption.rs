//! EC2 takes a spot instance back.

use crate::words::{all_run, deploy, wait_until_all_run};
use anyhow::{Context, ensure};
use e2e::look::{ensure_one_instance_for_each_claim, living, node_of, pods};
use e2e::objects::{self, NODE};
use e2e::product::{Product, play};
use e2e::workload::pool;
use model::labels;
use serde_json::{Value, json};
use std::cell::Cell;
use std::io::{Write, stderr};
use std::time::{Duration, Instant};

/// EC2 takes it two minutes after its notice.
const NOTICE: Duration = Duration::from_mins(2);

fn is_cordoned(node: &Value) -> bool {
    let taints = node["spec"]["taints"].as_array().map(Vec::as_slice).unwrap_or_default();
    taints.iter().any(|taint| taint["key"] == labels::DISRUPTED_TAINT)
}

#[test]
fn a_spot_instance_that_is_taken_back_is_replaced_before_it_goes() {
    play(async |product| {
        let Product { stage, ec2, .. } = product;
        let client = &stage.client;
        let mut spot = pool("default");
        let requirements = &mut spot["spec"]["template"]["spec"]["requirements"];
        requirements[0]["values"] = json!(["spot"]);
        objects::apply(client, &spot).await?;
        deploy(product, "web", (3, "900m")).await?;
        wait_until_all_run(product, 3).await?;
        let before = living(stage).await?;
        let node = pods(stage).await?.iter().find_map(|pod| node_of(pod).map(ToOwned::to_owned));
        let node = node.context("a pod has a node")?;
        let taken = NODE.get(client, None, &node).await?.context("the node is there")?;
        let provider = taken["spec"]["providerID"].as_str().context("it has an instance")?;
        let id = provider.rsplit('/').next().unwrap_or_default().to_owned();

        let begin = Instant::now();
        let launches = ec2.calls("RunInstances").len();
        stage.cloud.account().interrupt(&id.as_str().into());
        let (cordoned, replaced) = (Cell::new(None), Cell::new(None));
        let first = |seen: &Cell<Option<Duration>>, holds: bool| {
            if seen.get().is_none() && holds {
                seen.set(Some(begin.elapsed()));
            }
        };
        stage
            .until("all pods run elsewhere", async || {
                product.deliver_events().await?;
                let present = NODE.get(client, None, &node).await?;
                first(&cordoned, present.as_ref().is_none_or(is_cordoned));
                first(&replaced, launches < ec2.calls("RunInstances").len());
                let moved = pods(stage).await?.iter().all(|pod| node_of(pod) != Some(&*node));
                Ok(moved && all_run(product, 3).await?)
            })
            .await?;
        let took = begin.elapsed();
        ensure!(took < NOTICE, "EC2 has taken it before the pods were elsewhere: {took:?}");
        // Past the test runner, which would keep it to itself: what the README quotes.
        writeln!(
            stderr(),
            "from a spot notice: cordoned after {:?}, replacement launched after {:?}, pods moved after {took:?}",
            cordoned.get().unwrap_or_default(),
            replaced.get().unwrap_or_default(),
        )?;
        stage
            .until("the instance is gone", async || {
                product.deliver_events().await?;
                product.invoke("lifecycle").await?;
                Ok(!living(stage).await?.contains(&id)
                    && NODE.get(client, None, &node).await?.is_none())
            })
            .await?;
        ensure!(!before.is_empty(), "there were instances");
        ensure_one_instance_for_each_claim(stage).await
    });
}

//! What EC2 refuses, and how joiner goes on.

use crate::words::{all_run, conditions, deploy, wait_until_all_run};
use anyhow::{Context, Result, ensure};
use e2e::ec2::{Refusal, Trouble};
use e2e::look::{ensure_one_instance_for_each_claim, labels_of_nodes};
use e2e::objects::{self, NODE_CLASS, NODE_POOL, condition};
use e2e::product::{Product, play};
use e2e::workload::{node_class, pool};
use model::labels;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;

const RUN: &str = "RunInstances";

#[test]
fn three_offerings_without_capacity_are_passed_over() {
    play(async |product| {
        let ec2 = &product.ec2;
        ec2.trouble(RUN, 3, Trouble::Refused(Refusal::no_capacity()));
        deploy(product, "web", (3, "700m")).await?;
        wait_until_all_run(product, 3).await?;
        ensure_one_instance_for_each_claim(&product.stage).await?;
        let asked = ec2.calls(RUN);
        let offering = |form: &e2e::ec2::Form| {
            let parts = ["InstanceType", "NetworkInterface.1.SubnetId"];
            parts.map(|name| form.get(name).to_owned())
        };
        let different: BTreeSet<_> = asked.iter().map(offering).collect();
        ensure!(different.len() == asked.len() && 4 <= asked.len(), "{different:?}");
        Ok(())
    });
}

#[test]
fn a_storm_of_throttling_costs_time_and_nothing_else() {
    play(async |product| {
        let Product { ec2, stage, .. } = product;
        ec2.trouble(RUN, 4, Trouble::Refused(Refusal::throttled()));
        ec2.trouble("DescribeInstances", 2, Trouble::Refused(Refusal::throttled()));
        deploy(product, "web", (3, "700m")).await?;
        let what = "the pods run, by sweeps";
        stage
            .until(what, async || {
                // A function that could not look fails; its schedule comes again.
                let _ = product.invoke("provisioning").await;
                all_run(product, 3).await
            })
            .await?;
        ensure_one_instance_for_each_claim(stage).await?;
        let calls = ec2.calls(RUN).len();
        ensure!((5..=12).contains(&calls), "{calls} calls");
        Ok(())
    });
}

#[test]
fn a_right_that_is_missing_is_said_and_not_asked_for_again_and_again() {
    play(async |product| {
        let Product { ec2, stage, .. } = product;
        ec2.trouble(RUN, u32::MAX, Trouble::Refused(Refusal::unauthorized()));
        deploy(product, "web", (3, "700m")).await?;
        stage
            .until("the claims say what is wrong", async || {
                let launched = conditions(product, "Launched").await?;
                Ok(launched
                    .iter()
                    .any(|(status, reason)| status != "True" && reason == "Unauthorized"))
            })
            .await?;
        let before = ec2.calls(RUN).len();
        sleep(Duration::from_secs(10)).await;
        let after = ec2.calls(RUN).len();
        // One sweep a minute may try again.
        ensure!(after <= before + 1, "{before} calls, and {after} ten seconds later");

        ec2.calm();
        stage
            .until("the pods run once the right is there", async || {
                product.invoke("provisioning").await?;
                product.invoke("lifecycle").await?;
                all_run(product, 3).await
            })
            .await?;
        ensure_one_instance_for_each_claim(stage).await
    });
}

#[test]
fn a_launch_whose_answer_is_lost_is_found_again() {
    play(async |product| {
        product.ec2.trouble(RUN, 1, Trouble::LostReply);
        deploy(product, "web", (3, "700m")).await?;
        let what = "the pods run";
        product
            .stage
            .until(what, async || {
                product.invoke("provisioning").await?;
                all_run(product, 3).await
            })
            .await?;
        ensure_one_instance_for_each_claim(&product.stage).await
    });
}

#[test]
fn a_subnet_without_addresses_is_passed_over() {
    play(async |product| {
        let Product { ec2, stage, .. } = product;
        ec2.set_free_addresses("us-east-1a", 0);
        ec2.set_free_addresses("us-east-1b", 0);
        deploy(product, "web", (3, "700m")).await?;
        wait_until_all_run(product, 3).await?;
        let zones = labels_of_nodes(stage, labels::ZONE).await?;
        let full = ["us-east-1a", "us-east-1b"];
        ensure!(
            !zones.is_empty() && zones.values().all(|zone| !full.contains(&&**zone)),
            "{zones:?}"
        );
        Ok(())
    });
}

#[test]
fn a_class_with_an_image_that_there_is_not_says_so_until_it_is_mended() {
    play(async |product| {
        let client = &product.stage.client;
        let mut class = node_class();
        class["metadata"]["name"] = json!("other");
        class["spec"]["role"] = json!(product.stack.outputs["NodeRoleName"]);
        class["spec"]["amiSelectorTerms"] = json!([{ "alias": "al2023@v20990101" }]);
        objects::apply(client, &class).await?;
        let mut other = pool("default");
        other["spec"]["template"]["spec"]["nodeClassRef"]["name"] = json!("other");
        objects::apply(client, &other).await?;
        deploy(product, "web", (3, "700m")).await?;
        product.invoke("catalog").await?;
        let read = async || -> Result<Value> {
            let class = NODE_CLASS.get(client, None, "other").await?;
            class.context("the class is there")
        };
        let told = read().await?;
        ensure!(condition(&told, "AMIsReady") == Some("False"), "{told}");
        ensure!(condition(&told, "Ready") == Some("False"), "{told}");
        product.invoke("provisioning").await?;
        ensure!(product.ec2.calls(RUN).is_empty(), "nothing is launched of it");

        class["spec"]["amiSelectorTerms"] = json!([{ "alias": "al2023@latest" }]);
        objects::apply(client, &class).await?;
        product.invoke("catalog").await?;
        wait_until_all_run(product, 3).await?;
        ensure!(NODE_POOL.get(client, None, "default").await?.is_some(), "the pool is there");
        Ok(())
    });
}

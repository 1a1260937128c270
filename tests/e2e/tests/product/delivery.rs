//! Hints that are lost, doubled or nonsense, and functions that die.

use crate::words::{all_run, deploy, wait_until_all_run};
use anyhow::{Context, Result, ensure};
use e2e::look::ensure_one_instance_for_each_claim;
use e2e::product::{Product, play};
use model::hint::{Hint, Message};
use std::process::Command;

#[test]
fn without_the_forwarder_the_schedules_serve() {
    play(async |product| {
        let forwarder = product.forwarder.take().context("it runs")?;
        forwarder.kill()?;
        deploy(product, "web", (3, "700m")).await?;
        wait_until_all_run(product, 3).await?;
        ensure_one_instance_for_each_claim(&product.stage).await
    });
}

#[test]
fn messages_that_come_again_and_again_launch_nothing_twice() {
    play(async |product| {
        let Product { stage, aws, stack, .. } = product;
        deploy(product, "web", (12, "700m")).await?;
        let again = async || -> Result<()> {
            for (hint, queue) in
                [(Hint::Provisioning, "QueueUrl"), (Hint::Lifecycle, "LifecycleQueueUrl")]
            {
                let message = serde_json::to_string(&Message::new(hint))?;
                aws.send(&stack.outputs[queue], &message).await?;
            }
            Ok(())
        };
        stage
            .until("the pods run while every hint comes over and over", async || {
                again().await?;
                all_run(product, 12).await
            })
            .await?;
        ensure_one_instance_for_each_claim(stage).await
    });
}

#[test]
fn a_message_that_nobody_can_read_is_dropped() {
    play(async |product| {
        let Product { stage, aws, stack, .. } = product;
        let queue = &stack.outputs["QueueUrl"];
        aws.send(queue, "{\"version\":99,\"hint\":\"dance\"}").await?;
        aws.send(queue, "\u{1F4A5}").await?;
        deploy(product, "web", (3, "700m")).await?;
        wait_until_all_run(product, 3).await?;
        stage.until("the queue is empty", async || Ok(aws.waiting(queue).await? == (0, 0))).await?;
        let dead = aws.waiting(&stack.resources["DeadLetters"]).await?;
        ensure!(dead == (0, 0), "{dead:?} dead letters");
        Ok(())
    });
}

#[test]
fn a_function_that_is_killed_in_the_middle_of_a_launch_leaves_one_instance_for_each_claim() {
    play(async |product| {
        let Product { stage, ec2, .. } = product;
        deploy(product, "web", (3, "700m")).await?;
        stage.until("EC2 is called", async || Ok(!ec2.calls("RunInstances").is_empty())).await?;
        // It takes EC2 more than a second to answer.
        let killed = product.processes("provisioning")?;
        ensure!(!killed.is_empty(), "a function waits for EC2's answer");
        ensure!(Command::new("kill").arg("-9").args(&killed).status()?.success(), "it is killed");
        stage
            .until("the pods run, by sweeps", async || {
                product.invoke("provisioning").await?;
                all_run(product, 3).await
            })
            .await?;
        ensure_one_instance_for_each_claim(stage).await
    });
}

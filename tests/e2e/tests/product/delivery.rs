//! Hints that are lost, doubled or nonsense, and functions that die.

use crate::words::{all_run, deploy, wait_until_all_run};
use anyhow::{Context, Result, ensure};
use e2e::look::ensure_one_instance_for_each_claim;
use e2e::product::{Product, play};
use model::hint::{Hint, Message};
use std::process::Command;

/// So long a function may take in the scenario of time-outs: more than a launch takes.
const TIMEOUT_SECONDS: u32 = 10;

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
fn while_sqs_is_down_the_schedules_serve_and_afterwards_hints_do_again() {
    play(async |product| {
        let Product { stage, aws, stack, .. } = product;
        aws.set_queues_down(true)?;
        deploy(product, "web", (3, "700m")).await?;
        wait_until_all_run(product, 3).await?;
        ensure_one_instance_for_each_claim(stage).await?;
        ensure!(aws.waiting(&stack.outputs["QueueUrl"]).await.is_err(), "SQS is down");

        aws.set_queues_down(false)?;
        for schedule in &stack.schedules {
            aws.stop(schedule).await?;
        }
        deploy(product, "more", (3, "700m")).await?;
        wait_until_all_run(product, 6).await?;
        ensure_one_instance_for_each_claim(stage).await
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
        signal(product, "KILL")?;
        serve_by_sweeps(product).await
    });
}

#[test]
fn a_function_that_its_time_out_ends_in_a_launch_leaves_one_instance_for_each_claim() {
    play(async |product| {
        let Product { stage, ec2, aws, stack, .. } = product;
        aws.set_timeout(&stack.resources["ProvisioningFunction"], TIMEOUT_SECONDS).await?;
        deploy(product, "web", (3, "700m")).await?;
        stage.until("EC2 is called", async || Ok(!ec2.calls("RunInstances").is_empty())).await?;
        // It comes to nothing any more, and Lambda waits for it until its time is over.
        let stopped = signal(product, "STOP")?;
        stage
            .until("the function is ended", async || {
                let run = product.processes("provisioning")?;
                Ok(!stopped.iter().any(|process| run.contains(process)))
            })
            .await?;
        serve_by_sweeps(product).await
    });
}

/// Sends a signal to the function that waits for EC2. It takes EC2 more than a second to answer.
fn signal(product: &Product, signal: &str) -> Result<Vec<String>> {
    let processes = product.processes("provisioning")?;
    ensure!(!processes.is_empty(), "a function waits for EC2's answer");
    let sent = Command::new("kill").arg(format!("-{signal}")).args(&processes).status()?;
    ensure!(sent.success(), "SIG{signal} is sent");
    Ok(processes)
}

async fn serve_by_sweeps(product: &Product) -> Result<()> {
    product
        .stage
        .until("the pods run, by sweeps", async || {
            // One that comes while the last is still being ended has no answer.
            let _ = product.invoke("provisioning").await;
            all_run(product, 3).await
        })
        .await?;
    ensure_one_instance_for_each_claim(&product.stage).await
}

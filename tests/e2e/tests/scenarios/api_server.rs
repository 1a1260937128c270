//! The API server goes away in the middle of a pass, and forgets what has been before.

use crate::cluster::{
    ensure_one_instance_for_each_claim, living, node_of, patch, pods, wait_for_pending,
    wait_until_all_run,
};
use anyhow::{Context, Result, ensure};
use e2e::control_plane::Component;
use e2e::joiner::Joiner;
use e2e::objects::{self, DEPLOYMENT, NODE_CLAIM};
use e2e::stage::{Stage, play};
use e2e::workload::{APPS, deployment, furnish, spec};
use futures_util::future::join;
use model::snapshot::Scope;
use reconciler::report::Report;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn a_pass_whose_api_server_dies_is_made_good_by_the_next() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        objects::create(&stage.client, &deployment("web", 12, spec("900m", &json!({})))).await?;
        wait_for_pending(stage, 12).await?;
        let kills = async {
            stage
                .until("the first claim is there", async || {
                    Ok(!NODE_CLAIM.list(&stage.client).await?.is_empty())
                })
                .await?;
            stage.plane.borrow_mut().kill(Component::ApiServer)
        };
        let (pass, killed) = join(joiner.provision(), kills).await;
        killed?;
        let is_whole = |report: &Report| report.done.iter().all(|one| one.outcome.took_effect());
        ensure!(!pass.as_ref().is_ok_and(is_whole), "the pass is cut off: {pass:?}");
        ensure!(joiner.provision().await.is_err(), "nobody answers");
        stage.plane.borrow_mut().start_again(Component::ApiServer)?;
        joiner
            .advance_until("later passes give every pod a place", async || {
                joiner.provision().await?;
                let pods = pods(stage).await?;
                Ok(pods.len() == 12 && pods.iter().all(|pod| node_of(pod).is_some()))
            })
            .await?;
        wait_until_all_run(&joiner, stage, 12).await?;
        ensure_one_instance_for_each_claim(stage).await
    });
}

#[test]
fn after_a_compaction_a_warm_function_reads_all_anew() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        objects::create(&stage.client, &deployment("web", 2, spec("300m", &json!({})))).await?;
        wait_for_pending(stage, 2).await?;
        joiner.provision().await?;
        wait_until_all_run(&joiner, stage, 2).await?;
        let before = joiner.sees(Scope::Pending).await?;
        ensure!(before.nodes.len() == 1 && before.claims.len() == 1, "{before:?}");

        // Changes that the function has not seen when all history up to now is thrown away.
        let pool = json!({ "spec": { "weight": 7 } });
        patch(stage, (objects::NODE_POOL, None, "default"), pool).await?;
        compact(stage)?;
        // The API server answers from its memory for a while; a fresh one has only what etcd still tells.
        stage.plane.borrow_mut().kill(Component::ApiServer)?;
        stage.plane.borrow_mut().start_again(Component::ApiServer)?;

        let after = joiner.sees(Scope::Pending).await?;
        ensure!(after.pools.iter().any(|pool| pool.weight == 7), "{:?}", after.pools);
        ensure!(after.nodes.len() == 1 && after.claims.len() == 1, "{after:?}");
        let more = json!({ "spec": { "replicas": 12 } });
        patch(stage, (DEPLOYMENT, Some(APPS), "web"), more).await?;
        joiner
            .advance_until("passes go on as before", async || {
                joiner.provision().await?;
                let pods = pods(stage).await?;
                Ok(pods.len() == 12 && pods.iter().all(|pod| node_of(pod).is_some()))
            })
            .await?;
        ensure!(!living(stage).await?.is_empty(), "instances live");
        Ok(())
    });
}

/// Has etcd forget all revisions but the present one.
fn compact(stage: &Stage) -> Result<()> {
    let plane = stage.plane.borrow();
    let status = etcd(&plane.access.etcd, "/v3/maintenance/status", &json!({}))?;
    let revision = &status["header"]["revision"];
    ensure!(revision.is_string(), "{status}");
    let compaction = json!({ "revision": revision, "physical": true });
    let done = etcd(&plane.access.etcd, "/v3/kv/compaction", &compaction)?;
    ensure!(done["header"].is_object(), "{done}");
    Ok(())
}

/// A call of etcd's, by its gateway for JSON.
fn etcd(url: &str, path: &str, body: &Value) -> Result<Value> {
    let address = url.strip_prefix("http://").context("etcd listens without TLS")?;
    let mut stream = TcpStream::connect(address)?;
    let body = body.to_string();
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
    ensure!(head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"), "{answer}");
    Ok(serde_json::from_str(body)?)
}

//! Coming from Karpenter: its objects outlive the change of their definitions, and joiner waits until it is gone.

use crate::cluster::{patch, wait_for_pending, wait_until_all_run};
use anyhow::{Result, ensure};
use e2e::chart;
use e2e::classes;
use e2e::definitions;
use e2e::joiner::Joiner;
use e2e::objects::{self, NODE_CLAIM, NODE_CLASS, NODE_POOL, name};
use e2e::stage::{Stage, play};
use e2e::workload::{APPS, deployment, furnish, merge, node_class, pool, spec};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Karpenter's leader renews its lease, or has done so a while ago.
async fn renew(stage: &Stage, seconds_ago: i64) -> Result<()> {
    let renewed = Timestamp::now() - SignedDuration::from_secs(seconds_ago);
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": "karpenter-leader-election", "namespace": "kube-system" },
        "spec": {
            "holderIdentity": "karpenter-0", "leaseDurationSeconds": 3_600,
            "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        },
    });
    objects::apply(&stage.client, &lease).await?;
    Ok(())
}

#[test]
fn beside_a_live_karpenter_nothing_is_done() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        objects::create(&stage.client, &deployment("web", 1, spec("500m", &json!({})))).await?;
        wait_for_pending(stage, 1).await?;
        renew(stage, 0).await?;
        for pass in [joiner.provision().await, joiner.advance().await, joiner.disrupt().await] {
            let error = pass.expect_err("Karpenter is alive").to_string();
            ensure!(error.contains("Karpenter is at work in this cluster"), "{error}");
        }
        ensure!(NODE_CLAIM.list(&stage.client).await?.is_empty(), "no claim was made");
        renew(stage, 4_000).await?;
        joiner.provision().await?;
        wait_until_all_run(&joiner, stage, 1).await
    });
}

#[test]
fn objects_of_a_cluster_that_comes_from_karpenter_stay_and_are_served() {
    play(async |stage| {
        let karpenters = include_str!("../../data/karpenter-1.8.2-crds.json");
        let karpenters: Vec<Value> = serde_json::from_str(karpenters)?;
        definitions::install(stage, &karpenters).await?;
        let mut by_hand = json!({
            "apiVersion": NODE_CLAIM.api_version, "kind": NODE_CLAIM.kind,
            "metadata": { "name": "by-hand" },
        });
        let template = &pool("default")["spec"]["template"]["spec"];
        merge(&mut by_hand, &json!({ "spec": template }));
        let before = [node_class(), pool("default"), by_hand];
        let mut uids = Vec::new();
        for object in &before {
            uids.push(objects::create(&stage.client, object).await?["metadata"]["uid"].clone());
        }

        chart::install(stage).await?;
        for (object, uid) in before.iter().zip(&uids) {
            let after = objects::get(&stage.client, object).await?;
            ensure!(after["metadata"]["uid"] == *uid, "{} is another one", name(object));
            let lost = objects::lost(object, &after);
            ensure!(lost.is_empty(), "{}: {lost:?}", name(object));
        }
        let marked = json!({ "metadata": { "labels": { "marked": "yes" } } });
        for (kind, name) in
            [(NODE_CLASS, "default"), (NODE_POOL, "default"), (NODE_CLAIM, "by-hand")]
        {
            patch(stage, (kind, None, name), marked.clone()).await?;
        }
        classes::resolve(&stage.client, &stage.cloud).await?;
        stage.namespace(APPS).await?;
        let joiner = Joiner::new(stage, "one").await?;
        objects::create(&stage.client, &deployment("web", 3, spec("500m", &json!({})))).await?;
        wait_for_pending(stage, 3).await?;
        joiner.provision().await?;
        wait_until_all_run(&joiner, stage, 3).await
    });
}

//! Objects outlive the change of their definitions.

use crate::cluster::{patch, wait_for_pending, wait_until_all_run};
use anyhow::ensure;
use e2e::chart;
use e2e::classes;
use e2e::definitions;
use e2e::joiner::Joiner;
use e2e::objects::{self, NODE_CLAIM, NODE_CLASS, NODE_POOL, name};
use e2e::stage::play;
use e2e::workload::{APPS, deployment, merge, node_class, pool, spec};
use serde_json::{Value, json};

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

//! What the plan places, the real scheduler binds: with constraints between pods, on nodes, and on volumes.

use crate::cluster::{labels_of_nodes, node_of, pods, wait_for_pending, wait_until_all_run};
use anyhow::{Context, Result, ensure};
use e2e::joiner::Joiner;
use e2e::objects;
use e2e::stage::{Stage, play};
use e2e::workload::{APPS, deployment, furnish, pool, spec};
use model::labels;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Provisions once for so many pods; all are placed by the plan, and all are bound without another launch.
async fn one_plan_serves(stage: &Stage, joiner: &Joiner<'_>, count: usize) -> Result<()> {
    wait_for_pending(stage, count).await?;
    let report = joiner.provision().await?;
    ensure!(report.plan.placements.len() == count, "{:?}", report.plan);
    wait_until_all_run(joiner, stage, count).await?;
    let again = joiner.provision().await?;
    ensure!(again.plan.launches().count() == 0, "{:?}", again.plan);
    Ok(())
}

/// The pods of a Deployment, by their nodes.
async fn by_node(stage: &Stage, app: &str) -> Result<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    for pod in pods(stage).await? {
        if pod["metadata"]["labels"]["app"] == app {
            *counts.entry(node_of(&pod).context("it is bound")?.to_owned()).or_insert(0) += 1;
        }
    }
    Ok(counts)
}

fn of_app(app: &str) -> Value {
    json!({ "matchLabels": { "app": app } })
}

#[test]
fn a_spread_over_three_zones_is_even() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        let spread = json!({ "topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": labels::ZONE, "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": of_app("web"),
        }]});
        objects::create(&stage.client, &deployment("web", 9, spec("800m", &spread))).await?;
        one_plan_serves(stage, &joiner, 9).await?;
        let zones = labels_of_nodes(stage, labels::ZONE).await?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (node, count) in by_node(stage, "web").await? {
            *counts.entry(&zones[&node]).or_insert(0) += count;
        }
        ensure!(counts.values().copied().collect::<Vec<_>>() == [3, 3, 3], "{counts:?}");
        Ok(())
    });
}

#[test]
fn pods_that_keep_apart_get_a_node_each() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        let apart = json!({ "affinity": { "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [{
                "topologyKey": labels::HOSTNAME, "labelSelector": of_app("web"),
            }],
        }}});
        objects::create(&stage.client, &deployment("web", 4, spec("100m", &apart))).await?;
        one_plan_serves(stage, &joiner, 4).await?;
        ensure!(by_node(stage, "web").await?.len() == 4, "each has a node");
        Ok(())
    });
}

// Each group has nodes of its own. Where they share, the scheduler may put the first pod of the second group on a node that has
// room for one of them only, and the others have to wait for that pod to go: it looks at one pod at a time and knows no plan.
#[test]
fn groups_that_want_company_share_a_zone_and_a_node() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        let groups = [("zonal", 6, "600m", labels::ZONE), ("hosted", 4, "300m", labels::HOSTNAME)];
        for (app, replicas, cpu, key) in groups {
            let mut own = pool(app);
            own["spec"]["template"]["metadata"] = json!({ "labels": { "team": app } });
            objects::create(&stage.client, &own).await?;
            let near = json!({
                "nodeSelector": { "team": app },
                "affinity": { "podAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [{
                        "topologyKey": key, "labelSelector": of_app(app),
                    }],
                }},
            });
            objects::create(&stage.client, &deployment(app, replicas, spec(cpu, &near))).await?;
        }
        one_plan_serves(stage, &joiner, 10).await?;
        let zones = labels_of_nodes(stage, labels::ZONE).await?;
        let nodes = by_node(stage, "zonal").await?;
        let of_zonal: BTreeSet<&String> = nodes.keys().map(|node| &zones[node]).collect();
        ensure!(of_zonal.len() == 1, "{of_zonal:?}");
        ensure!(by_node(stage, "hosted").await?.len() == 1, "they share a node");
        Ok(())
    });
}

#[test]
fn pods_that_tolerate_a_pools_taint_get_its_nodes_and_others_do_not() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        let mut tainted = pool("tainted");
        tainted["spec"]["template"]["spec"]["taints"] =
            json!([{ "key": "team", "value": "blue", "effect": "NoSchedule" }]);
        tainted["spec"]["template"]["metadata"] = json!({ "labels": { "team": "blue" } });
        objects::create(&stage.client, &tainted).await?;
        let blue = json!({
            "nodeSelector": { "team": "blue" },
            "tolerations": [{ "key": "team", "operator": "Equal", "value": "blue", "effect": "NoSchedule" }],
        });
        objects::create(&stage.client, &deployment("blue", 3, spec("400m", &blue))).await?;
        objects::create(&stage.client, &deployment("plain", 3, spec("400m", &json!({})))).await?;
        one_plan_serves(stage, &joiner, 6).await?;
        let pools = labels_of_nodes(stage, labels::NODEPOOL).await?;
        for (app, wanted) in [("blue", "tainted"), ("plain", "default")] {
            for node in by_node(stage, app).await?.keys() {
                ensure!(pools[node] == wanted, "{app} is on {node} of {}", pools[node]);
            }
        }
        Ok(())
    });
}

#[test]
fn pods_with_the_same_host_port_get_a_node_each() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        let mut pod = spec("200m", &json!({}));
        pod["containers"][0]["ports"] = json!([{ "containerPort": 8080, "hostPort": 8080 }]);
        objects::create(&stage.client, &deployment("web", 3, pod)).await?;
        one_plan_serves(stage, &joiner, 3).await?;
        ensure!(by_node(stage, "web").await?.len() == 3, "each has a node");
        Ok(())
    });
}

#[test]
fn a_pod_whose_volume_lies_in_a_zone_gets_a_node_there() {
    play(async |stage| {
        furnish(stage).await?;
        let joiner = Joiner::new(stage, "one").await?;
        let zone = "us-east-1b";
        let size = json!({ "storage": "10Gi" });
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": "data" },
            "spec": {
                "capacity": size, "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "",
                "csi": { "driver": "ebs.csi.aws.com", "volumeHandle": "vol-1" },
                "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                    { "key": labels::ZONE, "operator": "In", "values": [zone] },
                ]}]}},
                "claimRef": { "namespace": APPS, "name": "data" },
            },
        });
        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": { "name": "data", "namespace": APPS },
            "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": "data",
                "resources": { "requests": size },
            },
        });
        objects::create(&stage.client, &volume).await?;
        objects::create(&stage.client, &claim).await?;
        let with_volume = json!({
            "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }],
        });
        objects::create(&stage.client, &deployment("web", 1, spec("300m", &with_volume))).await?;
        one_plan_serves(stage, &joiner, 1).await?;
        let zones = labels_of_nodes(stage, labels::ZONE).await?;
        let nodes = by_node(stage, "web").await?;
        ensure!(nodes.keys().all(|node| zones[node] == zone), "{nodes:?} {zones:?}");
        Ok(())
    });
}

//! What functions read of a cluster of 5,000 nodes with 50,000 pods, and how long that takes.

use super::forwarding::forwarding;
use super::{Row, megabytes, seconds};
use crate::chart::NAMESPACE;
use crate::forwarder::Resident;
use crate::joiner::Joiner;
use crate::kubelet::amounts;
use crate::objects::{self, NODE, NODE_CLAIM, POD, condition, name};
use crate::stage::{QUICK, Stage};
use crate::workload::{APPS, deployment, furnish, pool, spec};
use anyhow::{Context, Result, bail, ensure};
use futures_util::{StreamExt, TryStreamExt, pin_mut, stream};
use jiff::Timestamp;
use kube::Client;
use kube::api::{ListParams, WatchParams};
use kubernetes::client;
use model::labels;
use model::resources::Resources;
use model::snapshot::Scope;
use reconciler::ports::Cluster;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Nodes, each with its NodeClaim.
const NODES: usize = 5_000;
/// Running pods on each.
const PODS_PER_NODE: usize = 10;
/// Pods that wait.
const WAITING: u32 = 100;
/// Requests under way at once while the cluster is made.
const AT_ONCE: usize = 40;
/// Warm reads, of which the slowest counts.
const WARM_READS: usize = 5;

/// Nodes that nothing has changed for so long stay as they are, and have not just joined: for half a minute after that
/// their pods are read too, so that nothing is bought for what the scheduler is about to bind.
const QUIET: Duration = Duration::from_secs(40);
/// The controller that spreads the lifetime of caches by the number of nodes writes to some 20 of them a second.
const SETTLES_WITHIN: Duration = Duration::from_mins(15);

/// Nobody plays these nodes' kubelets, so nobody may miss them; nor may pods be collected that nothing runs.
const FLAGS: [&str; 3] = [
    "-controllers=*,-node-lifecycle-controller,-taint-eviction-controller,-pod-garbage-collector-controller",
    "-without=kwok",
    "-apiserver-flag=--max-mutating-requests-inflight=400",
];

/// Measures. What was measured before an error stands in the rows.
///
/// # Errors
/// When anything fails.
pub async fn large(rows: &mut Vec<Row>) -> Result<()> {
    let stage = Stage::open(&FLAGS, QUICK).await?;
    furnish(&stage).await?;
    let begin = Instant::now();
    fill(&stage.client).await?;
    let filled = begin.elapsed();
    let waiting = deployment("waiting", WAITING, spec("900m", &json!({})));
    objects::create(&stage.client, &waiting).await?;
    wait_for_waiting(&stage).await?;

    let joiner = Joiner::new(&stage, "bench").await?;
    rows.push(Row::new("making the cluster", seconds(filled), ""));
    let pending = &joiner.provisioning.cluster;
    rows.extend(read(pending, Scope::Pending, ("provisioning reads, cold", "60 MB", "6 s")).await?);
    // Controllers go on writing to so many new nodes for minutes, which is no state that a cluster stays in.
    settle(&stage).await?;
    let mut warm = Vec::new();
    for _ in 0..WARM_READS {
        warm = read(pending, Scope::Pending, ("provisioning reads, warm", "2 MB", "1 s")).await?;
    }
    rows.extend(warm);
    let before = pending.traffic().bytes;
    let begin = Instant::now();
    let report = joiner.provision().await?;
    ensure!(report.plan.placements.len() == WAITING as usize, "{:?}", report.plan.left_out);
    rows.push(Row::new(
        "a provisioning pass with its launches, warm",
        seconds(begin.elapsed()),
        "",
    ));
    let bytes = pending.traffic().bytes - before;
    rows.push(Row::new("a provisioning pass with its launches reads", megabytes(bytes), "2 MB"));
    // Sets the kernel's mark of the most to the present.
    fs::write("/proc/self/clear_refs", "5")?;
    let before = Resident::of("self")?.now;
    let kubeconfig = stage.plane.borrow().access.kubeconfig.clone();
    let sweep = client::Client::from_kubeconfig(&kubeconfig, NAMESPACE).await?;
    rows.extend(read(&sweep, Scope::Everything, ("disruption reads", "", "")).await?);
    let grown = Resident::of("self")?.peak.saturating_sub(before);
    rows.push(Row::new("disruption's read, resident at its peak", megabytes(grown), "400 MB"));
    rows.extend(forwarding(&stage).await?);
    Ok(())
}

/// One read: bytes and time.
async fn read(
    cluster: &client::Client,
    scope: Scope,
    (what, bytes_max, time_max): (&str, &'static str, &'static str),
) -> Result<Vec<Row>> {
    let before = cluster.traffic();
    let begin = Instant::now();
    let state = cluster.observe(scope).await?;
    let took = begin.elapsed();
    let bytes = cluster.traffic().bytes - before.bytes;
    let (nodes, claims) = (state.nodes.len(), state.claims.len());
    ensure!(NODES <= nodes && NODES <= claims, "{nodes} nodes and {claims} claims are seen");
    let with_running = NODES * PODS_PER_NODE <= state.pods.len();
    ensure!(with_running == (scope == Scope::Everything), "{} pods are read", state.pods.len());
    Ok(vec![
        Row::new(what, megabytes(bytes), bytes_max),
        Row::new(format!("{what}, time"), seconds(took), time_max),
    ])
}

async fn wait_for_waiting(stage: &Stage) -> Result<()> {
    stage
        .until("the scheduler finds no node for the pods", async || {
            let fields = ListParams::default().fields("spec.nodeName=");
            let pods = POD.api(&stage.client, Some(APPS)).list(&fields).await?;
            let mut count = 0;
            for pod in pods {
                let pod = serde_json::to_value(pod)?;
                count += u32::from(condition(&pod, "PodScheduled") == Some("False"));
            }
            Ok(count == WAITING)
        })
        .await
}

/// Waits until no Node has changed for a while.
async fn settle(stage: &Stage) -> Result<()> {
    let nodes = NODE.api(&stage.client, None);
    let begin = Instant::now();
    while begin.elapsed() < SETTLES_WITHIN {
        let version = nodes.list_metadata(&ListParams::default().limit(1)).await?;
        let version = version.metadata.resource_version.context("a list has a version")?;
        let changes = nodes.watch(&WatchParams::default(), &version).await?;
        pin_mut!(changes);
        if timeout(QUIET, changes.next()).await.is_err() {
            return Ok(());
        }
    }
    bail!("nodes go on changing after {} s", SETTLES_WITHIN.as_secs());
}

/// Makes nodes with their claims and pods, some at once.
async fn fill(client: &Client) -> Result<()> {
    let template = pool("default")["spec"]["template"]["spec"].clone();
    stream::iter((0..NODES).map(Ok))
        .try_for_each_concurrent(AT_ONCE, async |index| {
            let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let claim = claim(index, &template);
            let made = objects::create(client, &claim).await?;
            objects::set_status(client, &claim, claim_status(index, &now)).await?;
            let node = node(index, &made);
            objects::create(client, &node).await?;
            objects::set_status(client, &node, node_status(&now)).await?;
            for number in 0..PODS_PER_NODE {
                let pod = pod(index, number);
                objects::create(client, &pod).await?;
                let status = json!({ "phase": "Running", "startTime": now, "conditions": [
                    { "type": "PodScheduled", "status": "True", "lastTransitionTime": now },
                    { "type": "Ready", "status": "True", "lastTransitionTime": now },
                ]});
                objects::set_status(client, &pod, status).await?;
            }
            Ok(())
        })
        .await
}

fn instance(index: usize) -> String {
    format!("aws:///us-east-1a/i-0{index:016x}")
}

fn node_name(index: usize) -> String {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    let [_, _, a, b] = index.to_be_bytes();
    format!("ip-10-99-{a}-{b}.ec2.internal")
}

/// What each node has; its pods leave nothing that a waiting pod would fit on.
fn resources() -> Value {
    amounts(&Resources { pods: 58, ..Resources::cpu_memory(4_000, 16 << 30) })
}

fn labels_of(index: usize) -> Value {
    json!({
        labels::HOSTNAME: node_name(index),
        labels::ZONE: "us-east-1a",
        labels::INSTANCE_TYPE: "m5.xlarge",
        labels::ARCH: "amd64",
        labels::OS: "linux",
        labels::CAPACITY_TYPE: "on-demand",
        labels::NODEPOOL: "default",
        labels::REGISTERED: "true",
        labels::INITIALIZED: "true",
    })
}

fn claim(index: usize, template: &Value) -> Value {
    let spec = json!({
        "nodeClassRef": template["nodeClassRef"], "requirements": template["requirements"],
    });
    json!({
        "apiVersion": NODE_CLAIM.api_version, "kind": NODE_CLAIM.kind,
        "metadata": {
            "name": format!("default-{index}"),
            "labels": { labels::NODEPOOL: "default", labels::CAPACITY_TYPE: "on-demand" },
            "finalizers": [labels::TERMINATION_FINALIZER],
        },
        "spec": spec,
    })
}

fn claim_status(index: usize, now: &str) -> Value {
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "reason": kind, "message": "",
            "lastTransitionTime": now, "observedGeneration": 1,
        })
    };
    let conditions = ["Launched", "Registered", "Initialized", "Ready"].map(condition);
    json!({
        "providerID": instance(index), "nodeName": node_name(index), "imageID": "ami-amd64",
        "capacity": resources(), "allocatable": resources(), "conditions": conditions,
    })
}

fn node(index: usize, claim: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": NODE.kind,
        "metadata": {
            "name": node_name(index), "labels": labels_of(index),
            "finalizers": [labels::TERMINATION_FINALIZER],
            "ownerReferences": [{
                "apiVersion": NODE_CLAIM.api_version, "kind": NODE_CLAIM.kind,
                "name": name(claim), "uid": claim["metadata"]["uid"], "blockOwnerDeletion": true,
            }],
        },
        "spec": { "providerID": instance(index) },
    })
}

fn node_status(now: &str) -> Value {
    let condition = |(kind, status): (&str, &str)| {
        json!({
            "type": kind, "status": status, "reason": "Kubelet", "message": "as it should be",
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        })
    };
    let conditions = [
        ("Ready", "True"),
        ("MemoryPressure", "False"),
        ("DiskPressure", "False"),
        ("PIDPressure", "False"),
    ];
    let conditions = conditions.map(condition);
    json!({ "capacity": resources(), "allocatable": resources(), "conditions": conditions })
}

fn pod(index: usize, number: usize) -> Value {
    let mut spec = spec("390m", &json!({ "nodeName": node_name(index) }));
    spec["tolerations"] = json!([{ "operator": "Exists" }]);
    json!({
        "apiVersion": "v1", "kind": POD.kind,
        "metadata": {
            "name": format!("running-{index}-{number}"), "namespace": APPS,
            "labels": { "app": format!("app-{}", index % 100) },
        },
        "spec": spec,
    })
}

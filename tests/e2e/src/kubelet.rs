//! What an instance does at its boot: its kubelet registers a Node, and kwok plays it from then on.

use anyhow::{Context, Result};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use model::labels;
use model::resources::Resources;
use model::taint::{Effect, Taint};
use serde_json::{Map, Value, json};
use sim::account::Booted;

/// kwok plays the kubelets of Nodes with this annotation.
const PLAYED: &str = "kwok.x-k8s.io/node";
/// A year, in seconds: kwok takes nobody's lease before it is over.
const FOR_GOOD: u32 = 365 * 24 * 60 * 60;

/// Registers the Node as the kubelet of such an instance does: what its user data says, what its cloud provider adds, and
/// what it found in the machine.
///
/// # Errors
/// When the API server refuses.
pub async fn register(client: &Client, booted: &Booted) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let node = serde_json::from_value(node(booted)).context("a Node has its fields")?;
    nodes
        .create(&PostParams::default(), &node)
        .await
        .with_context(|| format!("registering node {}", booted.node))?;
    Ok(())
}

/// Nothing plays the kubelet any more: its lease runs out, and Kubernetes notices.
///
/// kwok plays a Node for as long as it holds the Node's lease, so the lease is taken from it and renewed no more.
///
/// # Errors
/// When the API server refuses; a Node that is gone is none.
pub async fn die(client: &Client, node: &str) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let spec = json!({
        "holderIdentity": "nobody", "leaseDurationSeconds": FOR_GOOD, "renewTime": now,
    });
    let patch = Patch::Merge(json!({ "spec": spec }));
    match leases.patch(node, &PatchParams::default(), &patch).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error).with_context(|| format!("the kubelet of {node} dies")),
    }
}

fn node(booted: &Booted) -> Value {
    let instance = &booted.instance;
    let mut with: Map<String, Value> =
        booted.labels.iter().map(|(key, value)| (key.to_string(), json!(&**value))).collect();
    let mut set = |key: &str, value: &str| with.insert(key.to_owned(), json!(value));
    set(labels::HOSTNAME, &booted.node);
    set(labels::ZONE, &instance.zone);
    set(labels::INSTANCE_TYPE, &instance.instance_type);
    let taints: Vec<Value> = booted.taints.iter().map(taint).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": booted.node.as_str(),
            "labels": with,
            "annotations": { PLAYED: "fake" },
        },
        "spec": {
            "providerID": format!("aws:///{}/{}", instance.zone, instance.id),
            "taints": taints,
        },
        "status": {
            "capacity": amounts(&booted.capacity),
            "allocatable": amounts(&booted.allocatable),
        },
    })
}

fn taint(taint: &Taint) -> Value {
    let effect = match taint.effect {
        Effect::NoSchedule => "NoSchedule",
        Effect::PreferNoSchedule => "PreferNoSchedule",
        Effect::NoExecute => "NoExecute",
    };
    json!({ "key": &*taint.key, "value": &*taint.value, "effect": effect })
}

/// As `status.capacity` has them.
pub fn amounts(resources: &Resources) -> Value {
    let amount = |(name, units): (&str, i64)| {
        let text = if name == "cpu" { format!("{units}m") } else { units.to_string() };
        (name.to_owned(), Value::String(text))
    };
    resources.iter().map(amount).collect::<Map<String, Value>>().into()
}

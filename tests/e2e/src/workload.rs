//! What scenarios and measurements put into a cluster: a pool, its class, pods.

use crate::objects::{self, NODE_CLASS, NODE_POOL};
use crate::stage::Stage;
use crate::{chart, classes};
use anyhow::Result;
use model::labels;
use serde_json::{Value, json};

/// The namespace of all workloads here.
pub const APPS: &str = "apps";

/// joiner's chart, a pool of on-demand nodes, an EC2NodeClass for it, and a namespace for pods.
///
/// # Errors
/// When the API server refuses.
pub async fn furnish(stage: &Stage) -> Result<()> {
    chart::install(stage).await?;
    objects::apply(&stage.client, &node_class()).await?;
    objects::apply(&stage.client, &pool("default")).await?;
    classes::resolve(&stage.client, &stage.cloud).await?;
    stage.namespace(APPS).await
}

/// An EC2NodeClass that finds whatever there is.
pub fn node_class() -> Value {
    let discovered = json!([{ "tags": { "karpenter.sh/discovery": "e2e" } }]);
    json!({
        "apiVersion": NODE_CLASS.api_version, "kind": NODE_CLASS.kind,
        "metadata": { "name": "default" },
        "spec": {
            "role": "nodes",
            "amiSelectorTerms": [{ "alias": "al2023@latest" }],
            "subnetSelectorTerms": discovered,
            "securityGroupSelectorTerms": discovered,
        },
    })
}

/// A pool of nodes of general purpose that gives them back at once.
pub fn pool(name: &str) -> Value {
    json!({
        "apiVersion": NODE_POOL.api_version, "kind": NODE_POOL.kind,
        "metadata": { "name": name },
        "spec": {
            "disruption": {
                "consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "0s",
                "budgets": [{ "nodes": "100%" }],
            },
            "template": {
                "spec": {
                    "expireAfter": "720h",
                    "nodeClassRef": {
                        "group": "karpenter.k8s.aws", "kind": NODE_CLASS.kind, "name": "default",
                    },
                    "requirements": [
                        { "key": labels::CAPACITY_TYPE, "operator": "In", "values": ["on-demand"] },
                        { "key": labels::ARCH, "operator": "In", "values": ["amd64"] },
                        {
                            "key": "karpenter.k8s.aws/instance-category", "operator": "In",
                            "values": ["c", "m", "r"],
                        },
                        {
                            "key": "karpenter.k8s.aws/instance-generation", "operator": "Gt",
                            "values": ["4"],
                        },
                    ],
                },
            },
        },
    })
}

/// A pod's specification, with what a test adds.
pub fn spec(cpu: &str, more: &Value) -> Value {
    let mut spec = json!({
        "terminationGracePeriodSeconds": 1,
        "containers": [{
            "name": "c", "image": "registry.invalid/c:1",
            "resources": { "requests": { "cpu": cpu, "memory": "256Mi" } },
        }],
    });
    merge(&mut spec, more);
    spec
}

/// A Deployment of pods labelled `app: NAME`.
pub fn deployment(name: &str, replicas: u32, spec: Value) -> Value {
    let mut deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": APPS },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name } } },
        },
    });
    deployment["spec"]["template"]["spec"] = spec;
    deployment
}

/// Puts fields of one object into another.
pub fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

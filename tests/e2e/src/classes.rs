//! EC2NodeClasses and the simulated EC2: what a class finds there goes into its status, and launch templates are made of it.

use crate::objects::{self, NODE_CLASS};
use crate::real_time::RealTime;
use anyhow::{Context, Result};
use catalog::Facts;
use jiff::Timestamp;
use kube::Client;
use kubernetes::manifest::{self, Source};
use serde_json::{Value, json};
use std::sync::Arc;

/// Where the simulated EC2 is.
pub const REGION: &str = "us-east-1";

/// Finds subnets and images for the classes that have none yet, and tells EC2 of all classes.
///
/// # Errors
/// When the API server refuses, or a class cannot be read.
pub async fn resolve(client: &Client, cloud: &RealTime) -> Result<()> {
    for class in NODE_CLASS.list(client).await? {
        if class["status"]["subnets"].as_array().is_none_or(Vec::is_empty) {
            objects::set_status(client, &class, status()?).await?;
        }
    }
    tell(client, cloud).await
}

/// Tells EC2 of all classes whose subnets and images have been found.
///
/// # Errors
/// When the API server refuses, or a class cannot be read.
pub async fn tell(client: &Client, cloud: &RealTime) -> Result<()> {
    let items = NODE_CLASS.list(client).await?;
    if items.is_empty() {
        return Ok(());
    }
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string();
    let source = Source { name: "the API server", bytes: list.as_bytes() };
    let objects = manifest::read(&[source]).context("reading the EC2NodeClasses")?;
    let mut classes = Vec::new();
    for class in objects.cluster.node_classes {
        let types = catalog::resolve(Facts::builtin(), REGION, &class)?;
        classes.push((class, Arc::new(types.into())));
    }
    cloud.account().set_classes(classes);
    Ok(())
}

/// A subnet in each of the region's usual zones, an image for each architecture, and that all is well.
fn status() -> Result<Value> {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let zones = catalog::default_zones(REGION)?;
    let subnets: Vec<Value> = zones
        .iter()
        .map(|zone| json!({ "id": format!("subnet-{zone}"), "zone": &**zone }))
        .collect();
    let image = |arch: &str| {
        json!({
            "id": format!("ami-{arch}"),
            "name": format!("node-{arch}"),
            "requirements": [{ "key": "kubernetes.io/arch", "operator": "In", "values": [arch] }],
        })
    };
    let condition = |kind: &str| json!({ "type": kind, "status": "True", "reason": kind, "message": "", "lastTransitionTime": now });
    let conditions = [
        "SubnetsReady",
        "SecurityGroupsReady",
        "AMIsReady",
        "InstanceProfileReady",
        "ValidationSucceeded",
        "Ready",
    ]
    .map(condition);
    Ok(json!({
        "subnets": subnets,
        "amis": [image("amd64"), image("arm64")],
        "securityGroups": [{ "id": "sg-1", "name": "nodes" }],
        "instanceProfile": "nodes",
        "conditions": conditions,
    }))
}

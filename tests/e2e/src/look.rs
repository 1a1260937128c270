//! Small words for what scenarios look at, all read from the API server or from EC2 itself.

use crate::objects::{self, NODE, NODE_CLAIM, POD, name};
use crate::stage::Stage;
use crate::workload::APPS;
use anyhow::{Result, ensure};
use model::snapshot::InstanceState;
use reconciler::ports::{Cloud, CloudQuery};
use serde_json::Value;
use sim::lambda::Function;
use std::collections::{BTreeMap, BTreeSet};

/// The pods of the workloads.
///
/// # Errors
/// When the API server refuses.
pub async fn pods(stage: &Stage) -> Result<Vec<Value>> {
    let pods = POD.list(&stage.client).await?;
    let here = |pod: &Value| pod["metadata"]["namespace"] == APPS;
    Ok(pods.into_iter().filter(here).collect())
}

/// The node that a pod is bound to.
pub fn node_of(pod: &Value) -> Option<&str> {
    pod["spec"]["nodeName"].as_str()
}

/// Instances that live, by EC2's own account.
///
/// # Errors
/// When it is refused.
pub async fn living(stage: &Stage) -> Result<BTreeSet<String>> {
    let handle = stage.cloud.account().handle(Function::Lifecycle);
    let seen = stage.cloud.drive(Cloud::observe(&handle, CloudQuery::Instances)).await?;
    let there = seen.instances.iter().filter(|instance| match instance.state {
        InstanceState::Pending | InstanceState::Running => true,
        InstanceState::ShuttingDown
        | InstanceState::Terminated
        | InstanceState::Stopping
        | InstanceState::Stopped => false,
    });
    Ok(there.map(|instance| instance.id.to_string()).collect())
}

/// Each claim has one instance that lives, and each instance that lives a claim. A launch that is under way is waited for:
/// where nodes join within a second, the scheduler may have given a pod's place to another meanwhile.
///
/// # Errors
/// When it cannot be read or does not hold.
pub async fn ensure_one_instance_for_each_claim(stage: &Stage) -> Result<()> {
    stage
        .until("each claim has an instance and each instance a claim", async || {
            let mut claimed = BTreeSet::new();
            for claim in NODE_CLAIM.list(&stage.client).await? {
                let Some(provider) = claim["status"]["providerID"].as_str() else {
                    return Ok(false);
                };
                let id = provider.rsplit('/').next().unwrap_or_default().to_owned();
                ensure!(claimed.insert(id), "two claims have the instance of {provider}");
            }
            Ok(living(stage).await? == claimed)
        })
        .await
}

/// The value of a label of each node, by the node's name.
///
/// # Errors
/// When it is refused.
pub async fn labels_of_nodes(stage: &Stage, label: &str) -> Result<BTreeMap<String, String>> {
    let nodes = NODE.list(&stage.client).await?;
    let value = |node: &Value| node["metadata"]["labels"][label].as_str().map(str::to_owned);
    Ok(nodes.iter().filter_map(|node| Some((name(node).to_owned(), value(node)?))).collect())
}

/// Changes fields of an object with a merge patch, as `kubectl patch` does.
///
/// # Errors
/// When it is refused.
pub async fn patch(
    stage: &Stage,
    (kind, namespace, name): (objects::Kind, Option<&str>, &str),
    fields: Value,
) -> Result<()> {
    let api = kind.api(&stage.client, namespace);
    let patch = kube::api::Patch::Merge(fields);
    api.patch(name, &kube::api::PatchParams::default(), &patch).await?;
    Ok(())
}

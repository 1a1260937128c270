//! Small words for what scenarios look at and wait for.

use anyhow::{Context, Result, ensure};
use e2e::joiner::Joiner;
use e2e::objects::{self, NODE, NODE_CLAIM, POD, condition, name};
use e2e::stage::Stage;
use e2e::workload::APPS;
use model::snapshot::InstanceState;
use reconciler::ports::{Cloud, CloudQuery};
use serde_json::Value;
use sim::lambda::Function;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) async fn pods(stage: &Stage) -> Result<Vec<Value>> {
    let pods = POD.list(&stage.client).await?;
    let here = |pod: &Value| pod["metadata"]["namespace"] == APPS;
    Ok(pods.into_iter().filter(here).collect())
}

pub(crate) fn node_of(pod: &Value) -> Option<&str> {
    pod["spec"]["nodeName"].as_str()
}

/// Waits until the scheduler has said of so many pods that nothing takes them.
pub(crate) async fn wait_for_pending(stage: &Stage, count: usize) -> Result<()> {
    stage
        .until("the scheduler finds no node for the pods", async || {
            let waits = |pod: &&Value| condition(pod, "PodScheduled") == Some("False");
            Ok(pods(stage).await?.iter().filter(waits).count() == count)
        })
        .await
}

/// Advances until exactly so many pods run, all of them.
pub(crate) async fn wait_until_all_run(
    joiner: &Joiner<'_>,
    stage: &Stage,
    count: usize,
) -> Result<()> {
    let what = format!("the real scheduler binds all {count} pods and they run");
    joiner
        .advance_until(&what, async || {
            let pods = pods(stage).await?;
            let runs = |pod: &Value| node_of(pod).is_some() && pod["status"]["phase"] == "Running";
            Ok(pods.len() == count && pods.iter().all(runs))
        })
        .await
}

/// Advances until every claim is initialized.
pub(crate) async fn wait_until_initialized(joiner: &Joiner<'_>, stage: &Stage) -> Result<()> {
    joiner
        .advance_until("every NodeClaim is initialized", async || {
            let claims = NODE_CLAIM.list(&stage.client).await?;
            Ok(claims.iter().all(|claim| condition(claim, "Initialized") == Some("True")))
        })
        .await
}

/// Instances that live, by EC2's own account.
pub(crate) async fn living(stage: &Stage) -> Result<BTreeSet<String>> {
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

/// Waits until nothing is left: no claim, no node, no instance.
pub(crate) async fn wait_until_all_is_gone(joiner: &Joiner<'_>, stage: &Stage) -> Result<()> {
    joiner
        .advance_until("no NodeClaim, no Node and no instance is left", async || {
            let client = &stage.client;
            Ok(NODE_CLAIM.list(client).await?.is_empty()
                && NODE.list(client).await?.is_empty()
                && living(stage).await?.is_empty())
        })
        .await
}

/// Each claim has one instance that lives, and each instance that lives a claim.
pub(crate) async fn ensure_one_instance_for_each_claim(stage: &Stage) -> Result<()> {
    let mut claimed = BTreeSet::new();
    for claim in NODE_CLAIM.list(&stage.client).await? {
        let provider = claim["status"]["providerID"].as_str();
        let provider = provider.with_context(|| format!("{} has an instance", name(&claim)))?;
        let id = provider.rsplit('/').next().unwrap_or_default().to_owned();
        ensure!(claimed.insert(id), "two claims have the instance of {provider}");
    }
    let living = living(stage).await?;
    ensure!(living == claimed, "instances {living:?} live, claims have {claimed:?}");
    Ok(())
}

/// The value of a label of each node, by the node's name.
pub(crate) async fn labels_of_nodes(
    stage: &Stage,
    label: &str,
) -> Result<BTreeMap<String, String>> {
    let nodes = NODE.list(&stage.client).await?;
    let value = |node: &Value| node["metadata"]["labels"][label].as_str().map(str::to_owned);
    Ok(nodes.iter().filter_map(|node| Some((name(node).to_owned(), value(node)?))).collect())
}

/// Changes fields of an object with a merge patch, as `kubectl patch` does.
pub(crate) async fn patch(
    stage: &Stage,
    (kind, namespace, name): (objects::Kind, Option<&str>, &str),
    fields: Value,
) -> Result<()> {
    let api = kind.api(&stage.client, namespace);
    let patch = kube::api::Patch::Merge(fields);
    api.patch(name, &kube::api::PatchParams::default(), &patch).await?;
    Ok(())
}

//! What the tests of the adapter begin with.

use anyhow::{Context, Result, ensure};
use e2e::definitions;
use e2e::objects::{self, Kind, NODE_POOL};
use e2e::stage::Stage;
use e2e::workload::{APPS, node_class, pool};
use kubernetes::client::Client;
use model::action::ClusterAction;
use model::name::Uid;
use model::outcome::Outcome;
use model::snapshot::{ClusterState, Scope};
use reconciler::ports::Cluster;
use serde_json::{Value, json};

/// The namespace of joiner's own objects.
pub(crate) const HOME: &str = "joiner";

/// A cluster with a pool, and a client that has not read anything yet.
pub(crate) async fn begin(stage: &Stage) -> Result<Client> {
    definitions::install_ours(stage).await?;
    objects::apply(&stage.client, &node_class()).await?;
    objects::apply(&stage.client, &pool("default")).await?;
    stage.namespace(HOME).await?;
    stage.namespace(APPS).await?;
    client(stage).await
}

/// Another process' client.
pub(crate) async fn client(stage: &Stage) -> Result<Client> {
    let kubeconfig = stage.plane.borrow().access.kubeconfig.clone();
    Client::from_kubeconfig(&kubeconfig, HOME).await.context("connecting")
}

pub(crate) async fn sees(client: &Client, scope: Scope) -> Result<ClusterState> {
    let state = client.observe(scope).await?;
    ensure!(state.unreadable.is_empty(), "{:?}", state.unreadable);
    Ok(state)
}

/// Applies an action and expects this outcome.
pub(crate) async fn expect(
    client: &Client,
    action: ClusterAction,
    expected: &str,
) -> Result<Outcome> {
    let outcome = client.apply(&action).await;
    ensure!(outcome.word() == expected, "{action}: expected {expected}, got {outcome:?}");
    Ok(outcome)
}

/// The uid of an object that is there.
pub(crate) async fn uid(
    stage: &Stage,
    (kind, namespace): (Kind, Option<&str>),
    name: &str,
) -> Result<Uid> {
    let object = found(stage, (kind, namespace), name).await?;
    Ok(object["metadata"]["uid"].as_str().context("objects have uids")?.into())
}

/// An object that is there, as JSON.
pub(crate) async fn found(
    stage: &Stage,
    (kind, namespace): (Kind, Option<&str>),
    name: &str,
) -> Result<Value> {
    let object = kind.get(&stage.client, namespace, name).await?;
    object.with_context(|| format!("{} {name} is there", kind.kind))
}

pub(crate) async fn pool_uid(stage: &Stage) -> Result<Uid> {
    uid(stage, (NODE_POOL, None), "default").await
}

/// A node that kwok plays, of the pool.
pub(crate) fn node(name: &str, more: &Value) -> Value {
    let amounts = json!({"cpu": "4", "memory": "8Gi", "pods": "110"});
    let mut node = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, "karpenter.sh/nodepool": "default"},
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "status": {"capacity": amounts, "allocatable": amounts},
    });
    e2e::workload::merge(&mut node, more);
    node
}

//! What is read of a cluster, and how a warm process catches up.

use crate::common::{begin, client, found, node, sees};
use anyhow::{Context, Result, ensure};
use e2e::control_plane::Component;
use e2e::objects::{self, Kind, NODE, NODE_POOL, POD};
use e2e::stage::{Stage, play};
use e2e::workload::{APPS, merge, pool, spec};
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use model::snapshot::{ClusterState, Scope};
use reconciler::ports::Cluster;
use serde_json::{Value, json};

const CLAIM: Kind = Kind { api_version: "karpenter.sh/v1", kind: "NodeClaim" };

fn pod(name: &str, app: &str, more: &Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": APPS, "labels": {"app": app}},
        "spec": spec("10m", &json!({})),
    });
    merge(&mut pod["spec"], more);
    pod
}

fn names(state: &ClusterState) -> Vec<&str> {
    state.pods.iter().map(|pod| &*pod.name.name).collect()
}

async fn patch(stage: &Stage, kind: Kind, name: &str, change: Value) -> Result<()> {
    let api = kind.api(&stage.client, None);
    api.patch(name, &PatchParams::default(), &Patch::Merge(change)).await?;
    Ok(())
}

/// A node of the pool with a claim that was initialized at this time.
async fn joined(stage: &Stage, name: &str, since: Timestamp) -> Result<()> {
    let labels = json!({"metadata": {"labels": {"karpenter.sh/initialized": "true"}}});
    objects::create(&stage.client, &node(name, &labels)).await?;
    let claim = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": {"name": name},
        "spec": {
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
            "requirements": [],
        },
    });
    let claim = objects::create(&stage.client, &claim).await?;
    let condition = json!({
        "type": "Initialized", "status": "True", "reason": "Initialized", "message": "",
        "lastTransitionTime": since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    objects::set_status(&stage.client, &claim, json!({"nodeName": name, "conditions": [condition]}))
        .await
}

#[test]
fn provisioning_reads_what_waits_and_what_that_looks_at() {
    play(async |stage| {
        let reader = begin(stage).await?;
        let now = Timestamp::now();
        joined(stage, "old", "2026-01-01T00:00:00Z".parse()?).await?;
        joined(stage, "young", now).await?;
        joined(stage, "going", "2026-01-01T00:00:00Z".parse()?).await?;
        let annotation = json!({"metadata": {"annotations": {
            "joiner.sh/interruption-notice": "spot_interrupted@2026-01-01T00:00:00Z",
        }}});
        patch(stage, CLAIM, "going", annotation).await?;
        let on = |node: &str| json!({"nodeName": node});
        for (name, app, node) in [
            ("old-1", "other", "old"),
            ("old-web", "web", "old"),
            ("young-1", "other", "young"),
            ("going-1", "other", "going"),
        ] {
            objects::create(&stage.client, &pod(name, app, &on(node))).await?;
        }
        let spread = json!({
            "schedulerName": "nobody",
            "topologySpreadConstraints": [{
                "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "web"}},
            }],
        });
        objects::create(&stage.client, &pod("waits", "web", &spread)).await?;

        let pending = sees(&reader, Scope::Pending).await?;
        ensure!(
            names(&pending) == ["going-1", "old-web", "waits", "young-1"],
            "{:?}",
            names(&pending)
        );
        ensure!(pending.knows_pods_of(&"young".into()) && !pending.knows_pods_of(&"old".into()));
        ensure!(pending.nodes.len() == 3 && pending.claims.len() == 3 && pending.pools.len() == 1);
        ensure!(pending.node_classes.len() == 1 && pending.namespaces.contains_key(APPS));
        ensure!(*pending.cluster_uid == *stage.settings.cluster_uid);
        let going = sees(&reader, Scope::Going).await?;
        ensure!(names(&going) == ["going-1"], "{:?}", names(&going));
        let all = sees(&reader, Scope::Everything).await?;
        let expected = ["going-1", "old-1", "old-web", "waits", "young-1"];
        ensure!(names(&all) == expected, "{:?}", names(&all));
        Ok(())
    });
}

#[test]
fn a_warm_process_sees_what_has_changed() {
    play(async |stage| {
        let warm = begin(stage).await?;
        for n in 0..30 {
            objects::create(&stage.client, &node(&format!("n{n}"), &json!({}))).await?;
        }
        // What kwok and the controllers do to new nodes is over before bytes are counted.
        stage
            .until("all nodes are ready", async || {
                let state = warm.observe(Scope::Pending).await?;
                Ok(state.nodes.len() == 30
                    && state.nodes.iter().all(|node| node.ready && node.taints.is_empty()))
            })
            .await?;
        let cold = client(stage).await?;
        sees(&cold, Scope::Pending).await?;
        let before = warm.traffic().decoded_bytes;
        sees(&warm, Scope::Pending).await?;
        let read = warm.traffic().decoded_bytes - before;
        ensure!(read * 3 < cold.traffic().decoded_bytes, "{read} {:?}", cold.traffic());

        patch(stage, NODE_POOL, "default", json!({"spec": {"weight": 7}})).await?;
        objects::apply(&stage.client, &pool("second")).await?;
        NODE.delete(&stage.client, None, "n0").await?;
        objects::create(&stage.client, &node("n30", &json!({}))).await?;
        patch(stage, NODE, "n1", json!({"metadata": {"labels": {"team": "a"}}})).await?;
        let state = sees(&warm, Scope::Pending).await?;
        let weights: Vec<u32> = state.pools.iter().map(|pool| pool.weight).collect();
        ensure!(weights == [7, 0], "{weights:?}");
        ensure!(state.nodes.len() == 30 && !state.nodes.iter().any(|node| &*node.name == "n0"));
        let labelled = state.nodes.iter().find(|node| &*node.name == "n1").context("it is seen")?;
        ensure!(labelled.labels.get("team").map(|team| &**team) == Some("a"));
        cold.forget();
        let anew = sees(&cold, Scope::Pending).await?;
        let same = |a: &ClusterState, b: &ClusterState| {
            a.pools == b.pools && a.nodes.len() == b.nodes.len() && a.namespaces == b.namespaces
        };
        ensure!(same(&state, &anew));
        Ok(())
    });
}

#[test]
fn an_api_server_that_has_begun_anew_is_read_anew() {
    play(async |stage| {
        let warm = begin(stage).await?;
        sees(&warm, Scope::Pending).await?;
        objects::apply(&stage.client, &pool("second")).await?;
        stage.plane.borrow_mut().kill(Component::ApiServer)?;
        let error = warm.observe(Scope::Pending).await.err().context("nobody answers")?;
        ensure!(error.to_string().starts_with("Kubernetes did not answer"), "{error}");
        stage.plane.borrow_mut().start_again(Component::ApiServer)?;
        stage
            .until("the API server answers", async || {
                Ok(warm.observe(Scope::Pending).await.is_ok())
            })
            .await?;
        ensure!(sees(&warm, Scope::Pending).await?.pools.len() == 2);
        Ok(())
    });
}

#[test]
fn one_object_that_cannot_be_read_spoils_nothing() {
    play(async |stage| {
        let reader = begin(stage).await?;
        let huge = json!({"memory": "9000Pi", "cpu": "1"});
        let huge = json!({"status": {"capacity": huge, "allocatable": huge}});
        objects::create(&stage.client, &node("huge", &huge)).await?;
        objects::create(&stage.client, &node("usual", &json!({}))).await?;
        found(stage, (NODE, None), "huge").await?;
        for _ in 0..2 {
            let state = reader.observe(Scope::Going).await?;
            let names: Vec<&str> = state.nodes.iter().map(|node| &*node.name).collect();
            ensure!(names == ["usual"], "{names:?}");
            let expected =
                "Node huge: status.capacity: memory is too large: expected at most 512Ti";
            ensure!(state.unreadable == [expected], "{:?}", state.unreadable);
        }
        NODE.delete(&stage.client, None, "huge").await?;
        let state = reader.observe(Scope::Going).await?;
        ensure!(state.unreadable.is_empty(), "{:?}", state.unreadable);
        objects::create(&stage.client, &pod("late", "x", &json!({"nodeName": "usual"}))).await?;
        let all = sees(&reader, Scope::Everything).await?;
        ensure!(all.pods.len() == 1 && POD.list(&stage.client).await?.len() == 1);
        Ok(())
    });
}

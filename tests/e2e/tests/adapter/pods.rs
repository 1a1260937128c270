//! Evictions against budgets, deletions, and the Events about them.

use crate::common::{begin, client, expect, node, uid};
use anyhow::{Context, Result, ensure};
use e2e::objects::{self, Kind, POD};
use e2e::stage::{Stage, play};
use e2e::workload::{APPS, spec};
use jiff::SignedDuration;
use kubernetes::client::Client;
use model::action::{ClusterAction, Event};
use model::name::{ObjectName, Uid};
use model::outcome::Outcome;
use serde_json::{Value, json};

const EVENT: Kind = Kind { api_version: "v1", kind: "Event" };

fn evict(pod: &str, uid: &Uid) -> ClusterAction {
    let pod = ObjectName::new(APPS, pod);
    ClusterAction::EvictPod { pod, uid: uid.clone(), reason: "Underutilized".to_owned() }
}

/// A pod that runs, and its uid.
async fn running(stage: &Stage, name: &str, labels: &Value) -> Result<Uid> {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": APPS, "labels": labels},
        "spec": spec("100m", &json!({"nodeName": "n"})),
    });
    objects::create(&stage.client, &pod).await?;
    stage
        .until("the pod runs", async || {
            let pod = POD.get(&stage.client, Some(APPS), name).await?;
            Ok(pod.is_some_and(|pod| pod["status"]["phase"] == "Running"))
        })
        .await?;
    uid(stage, (POD, Some(APPS)), name).await
}

async fn budget(stage: &Stage, name: &str, app: &str) -> Result<()> {
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": APPS},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": app}}},
    });
    objects::create(&stage.client, &budget).await?;
    Ok(())
}

async fn events(stage: &Stage, reason: &str) -> Result<Vec<Value>> {
    let all = EVENT.list(&stage.client).await?;
    Ok(all.into_iter().filter(|event| event["reason"] == reason).collect())
}

async fn outcome_of(client: &Client, action: ClusterAction, expected: &str) -> Result<String> {
    match expect(client, action, expected).await? {
        Outcome::Blocked { retry, message } => Ok(format!("{retry} {message}")),
        other => Ok(format!("{other:?}")),
    }
}

#[test]
fn budgets_hold_evictions_back_and_nothing_is_tried_twice() {
    play(async |stage| {
        let client = begin(stage).await?;
        objects::create(&stage.client, &node("n", &json!({}))).await?;
        let free = running(stage, "free", &json!({"app": "free"})).await?;
        let guarded = running(stage, "guarded", &json!({"app": "guarded"})).await?;
        let twice = running(stage, "twice", &json!({"app": "twice"})).await?;
        budget(stage, "one", "guarded").await?;
        budget(stage, "two", "twice").await?;
        budget(stage, "three", "twice").await?;

        expect(&client, evict("free", &"other".into()), "conflict").await?;
        expect(&client, evict("absent", &free), "not-found").await?;
        let before = client.traffic().requests;
        let blocked = outcome_of(&client, evict("guarded", &guarded), "blocked").await?;
        ensure!(blocked.starts_with("true "), "{blocked}");
        ensure!(client.traffic().requests == before + 1, "an answer of 429 is an answer");
        let blocked = outcome_of(&client, evict("twice", &twice), "blocked").await?;
        ensure!(blocked.starts_with("false "), "{blocked}");
        expect(&client, evict("free", &free), "done").await?;
        let evicted = events(stage, "Evicted").await?;
        ensure!(evicted.len() == 1, "{evicted:#?}");
        ensure!(evicted[0]["message"] == "Evicted pod: Underutilized", "{evicted:#?}");
        ensure!(evicted[0]["involvedObject"]["uid"] == *free, "{evicted:#?}");
        ensure!(evicted[0]["source"]["component"] == "karpenter", "{evicted:#?}");

        let delete = |uid: &Uid| ClusterAction::DeletePod {
            pod: ObjectName::new(APPS, "guarded"),
            uid: uid.clone(),
            grace: SignedDuration::from_secs(1),
        };
        expect(&client, delete(&"other".into()), "conflict").await?;
        expect(&client, delete(&guarded), "done").await?;
        stage
            .until("the pod is gone", async || {
                Ok(POD.get(&stage.client, Some(APPS), "guarded").await?.is_none())
            })
            .await?;
        expect(&client, delete(&guarded), "not-found").await?;
        Ok(())
    });
}

#[test]
fn the_same_event_is_counted_and_not_said_again() {
    play(async |stage| {
        let first = begin(stage).await?;
        let event = |object: &str| {
            ClusterAction::RecordEvent(Event {
                kind: "NodePool".into(),
                object: ObjectName::new("", object),
                warning: true,
                reason: "NoCompatibleInstanceTypes".into(),
                message:
                    "NodePool requirements filtered out all compatible available instance types"
                        .to_owned(),
            })
        };
        expect(&first, event("default"), "done").await?;
        expect(&first, event("default"), "done").await?;
        let second = client(stage).await?;
        expect(&second, event("default"), "done").await?;
        let recorded = events(stage, "NoCompatibleInstanceTypes").await?;
        ensure!(recorded.len() == 1 && recorded[0]["count"] == 2, "{recorded:#?}");
        let involved = &recorded[0]["involvedObject"];
        let pool = crate::common::pool_uid(stage).await?;
        ensure!(involved["uid"] == *pool && recorded[0]["type"] == "Warning", "{recorded:#?}");
        expect(&first, event("absent"), "not-found").await?;
        let unknown = Event {
            kind: "Secret".into(),
            object: ObjectName::new(APPS, "x"),
            warning: false,
            reason: "X".into(),
            message: String::new(),
        };
        let denied = expect(&first, ClusterAction::RecordEvent(unknown), "denied").await?;
        ensure!(matches!(denied, Outcome::Denied { .. }));
        recorded.first().context("it was recorded")?;
        Ok(())
    });
}

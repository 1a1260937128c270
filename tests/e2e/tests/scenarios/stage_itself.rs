//! What the other scenarios stand on: instances become nodes, the scheduler binds, components die and come back.

use anyhow::{Context, Result, ensure};
use e2e::control_plane::Component;
use e2e::objects::{self, DEPLOYMENT, NODE, POD, condition, name};
use e2e::stage::{Stage, play};
use model::action::{CloudAction, RunInstances};
use model::instance_type::{CapacityType, OfferingKey};
use model::labels::{self, Labels};
use model::name::InstanceId;
use model::node_class::{AmiFamily, Image, Kubelet, NodeClass, Subnet};
use model::outcome::Outcome;
use model::taint::{Effect, Taint};
use reconciler::ports::Cloud;
use serde_json::{Value, json};
use sim::lambda::Function;
use std::sync::Arc;

const ZONE: &str = "us-east-1a";

fn node_class() -> NodeClass {
    let zone = ZONE.into();
    NodeClass {
        name: "default".into(),
        uid: "class-uid".into(),
        deleting: false,
        ready: true,
        ami_family: AmiFamily::AL2023,
        kubelet: Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: vec![Subnet { id: "subnet-1".into(), zone, zone_id: None, free_addresses: None }],
        images: vec![Image { id: "ami-1".into(), arch: "amd64".into() }],
        template: Arc::default(),
    }
}

/// Launches an instance without joiner.
async fn launch(stage: &Stage, taints: Vec<Taint>) -> Result<InstanceId> {
    let class = node_class();
    let types = catalog::resolve(catalog::Facts::builtin(), "us-east-1", &class)?;
    let account = stage.cloud.account();
    account.set_classes([(Arc::new(class), Arc::new(types.into()))]);
    let run = RunInstances {
        token: "token".into(),
        count: 1,
        offering: OfferingKey {
            instance_type: "m5.large".into(),
            zone: ZONE.into(),
            capacity_type: CapacityType::OnDemand,
        },
        subnet: "subnet-1".into(),
        image: "ami-1".into(),
        pool: None,
        node_class: "default".into(),
        claim: None,
        labels: Labels::from([(labels::ARCH.into(), "amd64".into())]),
        taints,
    };
    let handle = account.handle(Function::Provisioning);
    let action = CloudAction::RunInstances(run);
    let outcome = stage.cloud.drive(Cloud::apply(&handle, &action)).await;
    let Outcome::Launched(instances) = outcome else { anyhow::bail!("{outcome:?}") };
    Ok(instances[0].id.clone())
}

async fn node(stage: &Stage, id: &InstanceId) -> Result<Value> {
    stage.until("the instance has a node", async || Ok(stage.node_of(id).is_some())).await?;
    let name = stage.node_of(id).context("it has a node")?;
    NODE.get(&stage.client, None, &name).await?.context("the node is there")
}

fn deployment(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "web", "namespace": "apps" },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{
                        "name": "c", "image": "registry.invalid/c:1",
                        "resources": { "requests": { "cpu": "100m", "memory": "64Mi" } },
                    }],
                },
            },
        },
    })
}

#[test]
fn an_instance_becomes_a_node_on_which_pods_run() {
    play(async |stage| {
        stage.namespace("apps").await?;
        objects::create(&stage.client, &deployment(3)).await?;
        stage
            .until("three pods are unschedulable", async || {
                let pods = POD.list(&stage.client).await?;
                let waits = |pod: &&Value| condition(pod, "PodScheduled") == Some("False");
                Ok(pods.iter().filter(waits).count() == 3)
            })
            .await?;
        let id = launch(stage, vec![]).await?;
        let node = node(stage, &id).await?;
        let provider = format!("aws:///{ZONE}/{id}");
        ensure!(node["spec"]["providerID"] == provider.as_str(), "{node}");
        ensure!(node["metadata"]["labels"][labels::INSTANCE_TYPE] == "m5.large", "{node}");
        ensure!(node["status"]["capacity"]["pods"] == "29", "{node}");
        stage
            .until("all pods run on the node", async || {
                let pods = POD.list(&stage.client).await?;
                let runs = |pod: &Value| {
                    pod["spec"]["nodeName"] == name(&node) && pod["status"]["phase"] == "Running"
                };
                Ok(pods.len() == 3 && pods.iter().all(runs))
            })
            .await?;
        DEPLOYMENT.delete(&stage.client, Some("apps"), "web").await?;
        stage
            .until("all pods are gone", async || Ok(POD.list(&stage.client).await?.is_empty()))
            .await
    });
}

#[test]
fn a_node_starts_with_the_taints_of_its_launch_and_gets_ready_under_them() {
    play(async |stage| {
        let taint = Taint::new(labels::UNREGISTERED_TAINT, Effect::NoExecute);
        let id = launch(stage, vec![taint]).await?;
        let node = node(stage, &id).await?;
        let taints = node["spec"]["taints"].as_array().context("it has taints")?;
        ensure!(taints.iter().any(|t| t["key"] == labels::UNREGISTERED_TAINT), "{taints:?}");
        stage
            .until("the node is ready", async || {
                let node = NODE.get(&stage.client, None, name(&node)).await?;
                Ok(node.is_some_and(|node| condition(&node, "Ready") == Some("True")))
            })
            .await
    });
}

#[test]
fn the_node_of_a_terminated_instance_is_heard_of_no_more() {
    play(async |stage| {
        let id = launch(stage, vec![]).await?;
        let node = node(stage, &id).await?;
        let is = |status: &'static str| {
            let node = name(&node).to_owned();
            async move || {
                let node = NODE.get(&stage.client, None, &node).await?;
                Ok(node.is_some_and(|node| condition(&node, "Ready") == Some(status)))
            }
        };
        stage.until("the node is ready", is("True")).await?;
        let lifecycle = stage.cloud.account().handle(Function::Lifecycle);
        let instances = vec![id.clone()];
        let action = CloudAction::TerminateInstances { instances };
        let outcome = stage.cloud.drive(Cloud::apply(&lifecycle, &action)).await;
        ensure!(outcome == Outcome::Done, "{outcome:?}");
        stage.until("Kubernetes misses its heartbeat", is("Unknown")).await?;
        ensure!(
            stage.announced().iter().any(|event| event.contains("shutting-down")),
            "EventBridge tells of the instance's end"
        );
        Ok(())
    });
}

#[test]
fn the_api_server_comes_back_with_all_that_it_held() {
    play(async |stage| {
        stage.namespace("apps").await?;
        stage.plane.borrow_mut().kill(Component::ApiServer)?;
        ensure!(NODE.list(&stage.client).await.is_err(), "nobody answers");
        let id = launch(stage, vec![]).await?;
        stage.plane.borrow_mut().start_again(Component::ApiServer)?;
        node(stage, &id).await?;
        objects::create(&stage.client, &deployment(1)).await?;
        stage
            .until("controllers, scheduler and kubelet work again", async || {
                let pods = POD.list(&stage.client).await?;
                Ok(pods.len() == 1 && pods[0]["status"]["phase"] == "Running")
            })
            .await
    });
}

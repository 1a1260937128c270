//! Objects that are a little wrong: none takes a page down, each is named.

use super::*;
use crate::client::list::Page;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn meta(name: &str, namespace: &str) -> Value {
    let mut meta = json!({
        "name": name, "uid": "u-1", "resourceVersion": "7", "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"karpenter.sh/nodepool": "default", "app": "web"},
        "annotations": {
            "karpenter.sh/do-not-disrupt": "1h",
            "joiner.sh/nominated-pods": "0a,0b",
            "joiner.sh/replaced-by": "a,b",
            "joiner.sh/interruption-notice": "spot_interrupted@2026-01-01T00:00:00Z",
            "karpenter.sh/nodeclaim-termination-timestamp": "2026-01-01T00:00:00Z",
            "controller.kubernetes.io/pod-deletion-cost": "5",
        },
        "finalizers": ["karpenter.sh/termination"],
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "uid": "r", "controller": true}],
    });
    if !namespace.is_empty() {
        meta["namespace"] = json!(namespace);
    }
    meta
}

fn selector() -> Value {
    json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]})
}

fn pod_spec() -> Value {
    let term = json!({"topologyKey": "zone", "labelSelector": selector(), "namespaces": ["a"], "namespaceSelector": {}, "matchLabelKeys": ["k"]});
    let node_term = json!({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}], "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]});
    json!({
        "nodeName": "n", "priority": 5, "priorityClassName": "system-node-critical", "hostNetwork": true,
        "terminationGracePeriodSeconds": 30, "nodeSelector": {"a": "b"}, "overhead": {"cpu": "1m"},
        "containers": [{"name": "c", "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"nvidia.com/gpu": 1}}, "ports": [{"containerPort": 80, "hostPort": 80, "hostIP": "1.2.3.4", "protocol": "UDP"}]}],
        "initContainers": [{"restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}}],
        "resources": {"requests": {"cpu": "2"}},
        "tolerations": [{"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute", "tolerationSeconds": 3}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [node_term]},
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": node_term}],
            },
            "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]},
            "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]},
        },
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector(), "minDomains": 2, "nodeAffinityPolicy": "Honor", "nodeTaintsPolicy": "Ignore", "matchLabelKeys": ["k"]}],
        "volumes": [{"name": "a", "persistentVolumeClaim": {"claimName": "c"}}, {"name": "b", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "s"}}}}],
        "schedulingGates": [{"name": "g"}], "resourceClaims": [{"name": "r"}],
    })
}

fn conditions() -> Value {
    json!([
        {"type": "Ready", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        {"type": "Launched", "status": "False", "reason": "R", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": "2026-01-01T00:00:00Z"},
    ])
}

fn claim_spec() -> Value {
    json!({
        "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
        "requirements": [{"key": "a", "operator": "In", "values": ["b", "c"], "minValues": 2}, {"key": "d", "operator": "Gte", "values": ["1"]}],
        "taints": [{"key": "t", "value": "v", "effect": "NoSchedule"}], "startupTaints": [{"key": "s", "effect": "NoExecute"}],
        "resources": {"requests": {"cpu": "1"}}, "expireAfter": "720h", "terminationGracePeriod": "1h30m",
    })
}

fn sizes() -> Value {
    json!({"cpu": "4", "memory": "8Gi", "pods": 110, "vpc.amazonaws.com/pod-eni": "9"})
}

fn node_term() -> Value {
    json!({"nodeSelectorTerms": [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]}]}]})
}

/// An object of each kind with all fields that are looked at, so that a mutation meets one of them.
fn sample(kind: &str) -> Value {
    let template = json!({"metadata": {"labels": {"team": "a"}, "annotations": {"b": "c"}}, "spec": claim_spec()});
    match kind {
        "Pod" => {
            json!({"metadata": meta("it", "shop"), "spec": pod_spec(), "status": {"phase": "Pending", "conditions": conditions(), "startTime": "2026-01-01T00:00:00Z", "nominatedNodeName": "n"}})
        }
        "Node" => {
            json!({"metadata": meta("it", ""), "spec": {"providerID": "aws:///a/i-1", "taints": [{"key": "t", "value": "v", "effect": "NoSchedule"}], "unschedulable": true}, "status": {"capacity": sizes(), "allocatable": sizes(), "conditions": conditions()}})
        }
        "NodeClaim" => {
            json!({"metadata": meta("it", ""), "spec": claim_spec(), "status": {"providerID": "aws:///a/i-1", "nodeName": "n", "imageID": "ami-1", "capacity": sizes(), "allocatable": sizes(), "conditions": conditions(), "lastPodEventTime": "2026-01-01T00:00:00Z"}})
        }
        "NodePool" => {
            json!({"metadata": meta("it", ""), "spec": {"template": template, "weight": 5, "limits": {"cpu": "100", "nodes": "5"}, "disruption": {"consolidateAfter": "30s", "consolidationPolicy": "WhenEmpty", "budgets": [{"nodes": "10%", "schedule": "@daily", "duration": "8h", "reasons": ["Drifted"]}]}}})
        }
        "EC2NodeClass" => json!({
            "metadata": meta("it", ""),
            "spec": {
                "amiFamily": "AL2023", "role": "r", "amiSelectorTerms": [{"alias": "al2023@latest"}], "subnetSelectorTerms": [{"tags": {"a": "b"}}], "securityGroupSelectorTerms": [{"id": "sg-1"}],
                "blockDeviceMappings": [{"deviceName": "/dev/xvda", "rootVolume": true, "ebs": {"volumeSize": "20Gi"}}], "instanceStorePolicy": "RAID0", "ipPrefixCount": 1,
                "kubelet": {"maxPods": 50, "podsPerCore": 4, "kubeReserved": {"cpu": "100m"}, "systemReserved": {"memory": "1Gi"}, "evictionHard": {"memory.available": "5%"}, "evictionSoft": {"memory.available": "10%"}, "evictionSoftGracePeriod": {"memory.available": "1m"}},
            },
            "status": {"conditions": conditions(), "subnets": [{"id": "subnet-1", "zone": "a", "zoneID": "z"}], "amis": [{"id": "ami-1", "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}]}]},
        }),
        "DaemonSet" => {
            json!({"metadata": meta("it", "shop"), "spec": {"template": {"metadata": {"labels": {"app": "web"}}, "spec": pod_spec()}}})
        }
        "PodDisruptionBudget" => {
            json!({"metadata": meta("it", "shop"), "spec": {"selector": selector()}, "status": {"disruptionsAllowed": 1}})
        }
        "Namespace" => json!({"metadata": meta("it", "")}),
        "StorageClass" => {
            json!({"metadata": meta("it", ""), "provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer", "allowedTopologies": [{"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]}]})
        }
        "CSINode" => {
            json!({"metadata": meta("it", ""), "spec": {"drivers": [{"name": "ebs.csi.aws.com", "allocatable": {"count": 25}}]}})
        }
        "PersistentVolume" => {
            json!({"metadata": meta("it", ""), "spec": {"nodeAffinity": {"required": node_term()}, "csi": {"driver": "d"}, "awsElasticBlockStore": {"volumeID": "v"}, "local": {"path": "p"}, "hostPath": {"path": "p"}}})
        }
        "PersistentVolumeClaim" => {
            json!({"metadata": meta("it", "shop"), "spec": {"storageClassName": "s", "volumeName": "v"}})
        }
        other => panic!("there is no sample of {other}"),
    }
}

/// All values within a value, each by the way to it.
fn ways(value: &Value, way: &str, all: &mut Vec<String>) {
    let step = |key: &str| format!("{way}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            all.push(step(key));
            ways(value, &step(key), all);
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| {
            all.push(step(&index.to_string()));
            ways(value, &step(&index.to_string()), all);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn strange() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "-?[0-9]{1,25}[a-zA-Z%]{0,2}".prop_map(Value::from),
        Just(json!("9999-12-31T23:59:59Z")),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null])),
        Just(json!({"": null})),
        Just(json!([{"key": "", "operator": "In", "values": []}])),
    ]
}

/// Mutates one to three places of the kind's sample, a thousand times, and reads each amid two good ones.
fn check<T: std::fmt::Debug>(kind: &Kind<T>) {
    let good = sample(kind.resource.kind);
    assert!(kind.item(&good.to_string(), NOW).1.is_ok(), "{:?}", kind.item(&good.to_string(), NOW));
    let mut all = Vec::new();
    ways(&good, "", &mut all);
    let places = prop::collection::vec((any::<Index>(), strange()), 1..=3);
    let mut runner = TestRunner::new(Config { cases: 1_000, ..Config::default() });
    let ran = runner.run(&places, |places| {
        let mut bad = good.clone();
        for (place, value) in places {
            let place: &String = place.get(&all);
            if let Some(there) = bad.pointer_mut(place) {
                *there = value;
            }
        }
        let page = json!({"metadata": {"resourceVersion": "9"}, "items": [good, bad, good]});
        let page = page.to_string();
        let page = Page::read(page.as_bytes()).expect("the page is one");
        let read: Vec<Item<T>> = page.items().map(|text| kind.item(text, NOW)).collect();
        prop_assert_eq!(read.len(), 3);
        prop_assert!(read[0].1.is_ok() && read[2].1.is_ok());
        if let Err(line) = &read[1].1 {
            prop_assert!(line.starts_with(kind.resource.kind), "{}", line);
            let named = bad["metadata"]["name"] == "it"
                && bad["metadata"]["namespace"] == good["metadata"]["namespace"];
            prop_assert!(!named || line.contains("it: "), "{}", line);
            prop_assert!(!line.contains('\n'), "{}", line);
        }
        Ok(())
    });
    ran.expect("no mutation is too much");
}

#[test]
fn no_mutation_of_any_kind_takes_a_page_down() {
    check(&POD);
    check(&NODE);
    check(&CLAIM);
    check(&POOL);
    check(&CLASS);
    check(&DAEMON_SET);
    check(&BUDGET);
    check(&NAMESPACE);
    check(&STORAGE_CLASS);
    check(&CSI_NODE);
    check(&VOLUME);
    check(&VOLUME_CLAIM);
}

fn check_line<T: std::fmt::Debug>(kind: &Kind<T>, text: &str, expected: &Expect) {
    let line = match kind.item(text, NOW) {
        (_, Ok(_)) => "it can be read".to_owned(),
        (_, Err(line)) => line,
    };
    expected.assert_eq(&line);
}

#[test]
fn what_cannot_be_read_is_named_with_its_field() {
    let pod = r#"{"metadata":{"name":"web-0","namespace":"shop"},"spec":{"containers":[{"resources":{"requests":{"cpu":"much"}}}]}}"#;
    check_line(
        &POD,
        pod,
        &expect![[
            r#"Pod shop/web-0: spec.containers[0].resources.requests.cpu: "much" is not a quantity: expected a number such as 500m, 2, 1.5Gi or 1e3"#
        ]],
    );
    check_line(&NODE, "{}", &expect!["Node without a name: metadata.name: expected a name"]);
    check_line(
        &NODE,
        "7",
        &expect![[r#"Node without a name: invalid type: integer `7`, expected struct Node"#]],
    );
    // Go writes an empty list of these as null.
    check_line(
        &CSI_NODE,
        r#"{"metadata":{"name":"n"},"spec":{"drivers":null}}"#,
        &expect!["it can be read"],
    );
}

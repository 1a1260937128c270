//! Which changes of an object are changes.

use super::*;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use std::fmt::Write;

/// Each change to the object, made by itself (a JSON merge patch): whether it is seen.
fn check_changes(subject: Subject, object: &Value, changes: &[(&str, Value)], expected: &Expect) {
    let print = |object: &Value| {
        trace(subject, &object.to_string(), false).unwrap().map(|trace| trace.print)
    };
    let before = print(object);
    let mut text = String::new();
    for (what, change) in changes {
        let mut later = object.clone();
        merge(&mut later, change);
        assert_ne!(later, *object, "{what}");
        let seen = match print(&later) {
            None => "does not matter any more",
            after if after == before => "is not seen",
            Some(_) => "is seen",
        };
        writeln!(text, "{what}: {seen}").unwrap();
    }
    expected.assert_eq(&text);
}

fn merge(into: &mut Value, change: &Value) {
    let (Value::Object(into), Value::Object(change)) = (&mut *into, change) else {
        *into = change.clone();
        return;
    };
    for (key, value) in change {
        merge(into.entry(key).or_insert(Value::Null), value);
    }
}

fn condition(kind: &str, status: &str, reason: &str, beat: &str) -> Value {
    json!({ "type": kind, "status": status, "reason": reason, "lastHeartbeatTime": beat })
}

#[test]
fn of_a_node_heartbeats_and_images_do_not_matter() {
    let ready = |status, beat| condition("Ready", status, "KubeletReady", beat);
    let pressure = |status| condition("MemoryPressure", status, "x", "1");
    let node = json!({
        "metadata": { "uid": "u", "labels": { "a": "b" }, "annotations": {} },
        "spec": { "providerID": "aws:///z/i-1", "taints": [{ "key": "k", "effect": "NoSchedule" }] },
        "status": {
            "allocatable": { "cpu": "2" }, "capacity": { "cpu": "2" }, "images": [],
            "conditions": [pressure("False"), ready("False", "1")],
        },
    });
    let conditions = |list: Value| json!({ "status": { "conditions": list } });
    check_changes(
        Subject::Node,
        &node,
        &[
            ("heartbeat", conditions(json!([pressure("False"), ready("False", "2")]))),
            ("order of conditions", conditions(json!([ready("False", "1"), pressure("False")]))),
            ("pressure", conditions(json!([pressure("True"), ready("False", "1")]))),
            ("images", json!({ "status": { "images": [{ "names": ["a"] }] } })),
            ("annotation", json!({ "metadata": { "annotations": { "a": "b" } } })),
            ("ready", conditions(json!([pressure("False"), ready("True", "1")]))),
            ("ready unknown", conditions(json!([pressure("False"), ready("Unknown", "1")]))),
            ("label", json!({ "metadata": { "labels": { "a": "c" } } })),
            ("taint", json!({ "spec": { "taints": [] } })),
            ("cordon", json!({ "spec": { "unschedulable": true } })),
            ("device", json!({ "status": { "allocatable": { "nvidia.com/gpu": "1" } } })),
            ("instance", json!({ "spec": { "providerID": "aws:///z/i-2" } })),
        ],
        &expect![[r#"
            heartbeat: is not seen
            order of conditions: is not seen
            pressure: is not seen
            images: is not seen
            annotation: is not seen
            ready: is seen
            ready unknown: is seen
            label: is seen
            taint: is seen
            cordon: is seen
            device: is seen
            instance: is seen
        "#]],
    );
}

#[test]
fn a_pod_matters_while_the_scheduler_finds_no_node_for_it() {
    let scheduled = |status, reason| json!([condition("PodScheduled", status, reason, "1")]);
    let pod = json!({
        "metadata": { "uid": "u", "generation": 1, "labels": {} },
        "spec": { "containers": [] },
        "status": { "phase": "Pending", "conditions": scheduled("False", "Unschedulable") },
    });
    check_changes(
        Subject::Pod,
        &pod,
        &[
            ("label", json!({ "metadata": { "labels": { "a": "b" } } })),
            ("nominated", json!({ "status": { "nominatedNodeName": "a" } })),
            ("new spec", json!({ "metadata": { "generation": 2 } })),
            ("bound", json!({ "spec": { "nodeName": "a" } })),
            ("failed", json!({ "status": { "phase": "Failed" } })),
            ("gated", json!({ "status": { "conditions": scheduled("False", "SchedulingGated") } })),
            ("scheduled", json!({ "status": { "conditions": scheduled("True", "") } })),
            ("not looked at", json!({ "status": { "conditions": null } })),
            ("no status", json!({ "status": null })),
        ],
        &expect![[r#"
            label: is not seen
            nominated: is not seen
            new spec: is seen
            bound: does not matter any more
            failed: does not matter any more
            gated: does not matter any more
            scheduled: does not matter any more
            not looked at: does not matter any more
            no status: does not matter any more
        "#]],
    );
    assert_eq!(trace(Subject::Pod, &pod.to_string(), true).unwrap(), None);
}

#[test]
fn of_a_claim_steps_matter_and_notes_do_not() {
    let launched = |status| json!([condition("Launched", status, "Launched", "1")]);
    let claim = json!({
        "metadata": { "uid": "u", "annotations": { "a": "b" } },
        "spec": {}, "status": { "conditions": launched("Unknown") },
    });
    let annotation = |key: &str| json!({ "metadata": { "annotations": { key: "x" } } });
    let with = |more| json!({ "status": { "conditions": [launched("Unknown")[0], more] } });
    check_changes(
        Subject::NodeClaim,
        &claim,
        &[
            ("launch record", annotation("joiner.sh/launch-record")),
            ("pods that come and go", json!({ "status": { "lastPodEventTime": "1" } })),
            ("consolidatable", with(condition("Consolidatable", "True", "x", "1"))),
            ("drifted", with(condition("Drifted", "True", "x", "1"))),
            ("launched", json!({ "status": { "conditions": launched("True") } })),
            ("instance", json!({ "status": { "providerID": "aws:///z/i-1" } })),
            ("node", json!({ "status": { "nodeName": "a" } })),
            ("drained", with(condition("Drained", "True", "x", "1"))),
            ("interruption", annotation("joiner.sh/interruption-notice")),
            ("replaced", annotation("joiner.sh/replaced-by")),
        ],
        &expect![[r#"
            launch record: is not seen
            pods that come and go: is not seen
            consolidatable: is not seen
            drifted: is not seen
            launched: is seen
            instance: is seen
            node: is seen
            drained: is seen
            interruption: is seen
            replaced: is seen
        "#]],
    );
}

#[test]
fn of_a_pool_and_a_class_the_spec_and_readiness_matter() {
    let object = json!({
        "metadata": { "uid": "u", "generation": 1 }, "spec": {},
        "status": { "resources": {}, "conditions": [condition("Ready", "True", "x", "1")] },
    });
    let ready = json!([condition("Ready", "False", "x", "1")]);
    for subject in [Subject::NodePool, Subject::NodeClass] {
        check_changes(
            subject,
            &object,
            &[
                ("counts", json!({ "status": { "resources": { "cpu": "8" } } })),
                ("spec", json!({ "metadata": { "generation": 2 } })),
                ("not ready", json!({ "status": { "conditions": ready } })),
            ],
            &expect![[r#"
                counts: is not seen
                spec: is seen
                not ready: is seen
            "#]],
        );
    }
}

#[test]
fn an_object_without_anything_has_a_trace() {
    for subject in [Subject::Node, Subject::NodeClaim, Subject::NodePool, Subject::NodeClass] {
        assert!(trace(subject, r#"{"metadata":{}}"#, true).unwrap().unwrap().going);
    }
    assert!(trace(Subject::Node, r#"{"metadata":{"labels":{"a":7}}}"#, false).is_err());
}

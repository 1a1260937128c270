//! What is seen of the cluster, whatever the API server does.

use crate::api::{Api, CLAIMS, NODES, PODS, node, pod};
use crate::aws::Aws;
use crate::process::{Forwarder, environment, wait_for};
use serde_json::json;

const UNREADABLE_PODS: &str = r#"joiner_forwarder_unreadable_objects_total{kind="Pod"}"#;
const WATCH_FAILURES: &str = r#"joiner_forwarder_watch_failures_total{kind="Pod"}"#;

#[test]
fn a_pod_without_a_node_becomes_a_hint() {
    let (api, aws) = (Api::start(), Aws::start());
    let forwarder = Forwarder::ready(&api, &aws);
    assert_eq!(aws.hints(), [""; 0], "nothing is there, so nothing is told");
    api.put(PODS, pod("a"));
    aws.wait_for("provisioning", 1);
    assert_eq!(aws.taken()[0].body, json!({ "version": 1, "hint": "provisioning" }));
    assert_eq!(aws.taken()[0].queue, aws.queue_url("hints"));
    api.put(NODES, node("n", "False"));
    aws.wait_for("lifecycle", 1);
    let page = forwarder.get("/metrics");
    assert!(page.contains("application/openmetrics-text"), "{page}");
    assert_eq!(forwarder.metric(r#"joiner_forwarder_objects{kind="Pod"}"#), 1);
    assert!(forwarder.get("/healthz").ends_with("\r\n\r\nok\n"));
    assert!(forwarder.get("/nothing").starts_with("HTTP/1.1 404"));
}

#[test]
fn what_was_there_before_is_listed_in_pages_and_told_once() {
    let (api, aws) = (Api::start(), Aws::start());
    for number in 0..250 {
        api.put(PODS, pod(&format!("{number:03}")));
    }
    let forwarder = Forwarder::ready(&api, &aws);
    aws.wait_for("provisioning", 1);
    assert_eq!(forwarder.metric(r#"joiner_forwarder_objects{kind="Pod"}"#), 250);
    assert_eq!(api.pages(PODS), [100, 100, 50]);
    let pods = api.queries().into_iter().filter(|query| query.starts_with(PODS));
    for query in pods {
        let selector = "fieldSelector=spec.nodeName%3D%2Cstatus.phase%3DPending";
        assert!(query.contains(selector), "running pods are never sent: {query}");
    }
}

#[test]
fn heartbeats_and_bound_pods_are_not_told() {
    let (api, aws) = (Api::start(), Aws::start());
    api.put(NODES, node("n", "True"));
    api.put(PODS, pod("a"));
    let forwarder = Forwarder::ready(&api, &aws);
    aws.wait_for("provisioning", 1);
    aws.wait_for("lifecycle", 1);
    let mut beat = node("n", "True");
    for count in 0..50 {
        beat["status"]["conditions"][0]["lastHeartbeatTime"] = count.to_string().into();
        api.put(NODES, beat.clone());
    }
    api.delete(PODS, "a");
    wait_for("the pod's end", || forwarder.metric(r#"joiner_forwarder_objects{kind="Pod"}"#) == 0);
    // The claim's hint is the next one of either kind.
    api.put(CLAIMS, json!({ "metadata": { "uid": "c", "name": "c" } }));
    aws.wait_for("provisioning", 2);
    assert_eq!(aws.count("lifecycle"), 1);
    assert_eq!(forwarder.metric(r#"joiner_forwarder_changes_total{kind="Node"}"#), 1);
}

#[test]
fn an_object_that_cannot_be_read_is_counted_and_left_out() {
    let (api, aws) = (Api::start(), Aws::start());
    api.put(PODS, json!({ "metadata": { "uid": 7, "name": "odd" } }));
    api.put(PODS, json!({ "metadata": { "uid": "b", "name": "b" }, "status": "hunter2" }));
    let mut forwarder = Forwarder::ready(&api, &aws);
    assert_eq!(forwarder.metric(UNREADABLE_PODS), 2);
    let lines = [
        "rubbish",
        "",
        "[]",
        r#"{"type":"ADDED"}"#,
        r#"{"type":"ADDED","object":null}"#,
        r#"{"type":"ADDED","object":{"metadata":{"uid":"c","name":"c"},"status":{"phase":["hunter2"]}}}"#,
        r#"{"type":"HUNTED","object":{"metadata":{"uid":"c","resourceVersion":"1"}}}"#,
        "{\"type\":\"ADDED\",\"object\":\"\u{fffd}",
    ];
    for line in lines {
        api.say(PODS, line);
    }
    wait_for("all to be counted", || forwarder.metric(UNREADABLE_PODS) == 10);
    api.put(PODS, pod("a"));
    aws.wait_for("provisioning", 1);
    assert_eq!(forwarder.metric(WATCH_FAILURES), 0);
    assert!(forwarder.log().contains("Pod c cannot be read: a field is not of its type"));
    forwarder.terminate();
    let (ended, log) = forwarder.wait();
    assert!(ended.success(), "{log}");
    assert!(!log.contains("hunter2"), "what stands in an object is never logged\n{log}");
}

#[test]
fn after_410_all_is_listed_again_and_what_changed_in_between_is_told() {
    let (api, aws) = (Api::start(), Aws::start());
    api.put(PODS, pod("a"));
    let _forwarder = Forwarder::ready(&api, &aws);
    aws.wait_for("provisioning", 1);
    let lists = api.lists(PODS);
    api.compact();
    api.put(PODS, pod("b"));
    aws.wait_for("provisioning", 2);
    wait_for("a second list", || lists < api.lists(PODS));
    wait_for("a watch", || api.is_watched(PODS));
    // As the API server says it within a watch.
    let gone = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#;
    let lists = api.lists(PODS);
    api.say(PODS, gone);
    wait_for("a third list", || lists < api.lists(PODS));
}

#[test]
fn a_watch_goes_on_where_it_was_when_the_api_server_comes_back() {
    let (mut api, aws) = (Api::start(), Aws::start());
    api.put(PODS, pod("a"));
    let forwarder = Forwarder::ready(&api, &aws);
    aws.wait_for("provisioning", 1);
    let lists = api.lists(PODS);
    let failures = forwarder.metric(WATCH_FAILURES);
    api.stop();
    wait_for("failures", || failures + 3 <= forwarder.metric(WATCH_FAILURES));
    api.put(PODS, pod("b"));
    assert!(forwarder.get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(forwarder.get("/readyz").starts_with("HTTP/1.1 200"));
    api.restart();
    aws.wait_for("provisioning", 2);
    assert_eq!(api.lists(PODS), lists, "the watch went on from its version");
    assert!(api.watched_from(PODS).iter().all(|from| 0 < *from));
}

#[test]
fn a_refusal_is_tried_again_and_keeps_it_from_being_ready() {
    let (api, aws) = (Api::start(), Aws::start());
    api.refuse(Some(403));
    let forwarder = Forwarder::start(&environment(&api, &aws));
    wait_for("a refusal", || forwarder.log().contains("refused on purpose (403)"));
    let answer = forwarder.get("/readyz");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("not everything has been listed once"), "{answer}");
    assert!(forwarder.get("/healthz").starts_with("HTTP/1.1 200"));
    api.refuse(None);
    forwarder.wait_until_ready();
}

//! `doctor`.

use crate::server::Server;
use crate::{cluster, joiner, open};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use catalog::Facts;
use catalog::stored::Catalogue;
use expect_test::expect;
use joiner_cli::{Streams, run};
use serde_json::{Value, json};

/// The definitions, as `joiner crds` prints them and the API server has them.
fn definitions() -> Vec<Value> {
    let mut output = Vec::new();
    let mut streams = Streams {
        input: &mut &b""[..],
        output: &mut output,
        errors: &mut Vec::new(),
        has_terminal: false,
    };
    assert_eq!(run(["joiner", "crds", "-o", "json"], &mut streams), 0);
    let list: Value = serde_json::from_slice(&output).unwrap();
    list["items"].as_array().unwrap().clone()
}

fn forwarder(ready: u32) -> Value {
    json!({"kind": "Deployment", "metadata": {"name": "joiner-forwarder", "namespace": "joiner-system"},
        "spec": {"replicas": 1}, "status": {"readyReplicas": ready}})
}

/// A cluster in which joiner is installed.
fn installed() -> Vec<Value> {
    let policies = ["evictions", "nodeclaims", "nodes", "own-objects", "pods"];
    let policies = policies.map(|name| {
        json!({"kind": "ValidatingAdmissionPolicy", "metadata": {"name": format!("joiner-{name}")}})
    });
    let mut objects = cluster();
    objects.extend(definitions());
    objects.extend(policies);
    objects.push(forwarder(1));
    let packed = Catalogue::of(Facts::builtin(), "us-east-1").pack();
    objects.push(json!({"kind": "ConfigMap",
        "metadata": {"name": "joiner-catalog", "namespace": "joiner-system", "resourceVersion": "8",
            "managedFields": [{"time": "2096-01-01T00:00:00Z"}]},
        "binaryData": {"catalogue": STANDARD.encode(packed)}}));
    objects
}

/// Whether somebody asks for this.
fn is(spec: &Value, verb: &str, resource: &str, subresource: &str) -> bool {
    let attributes = &spec["resourceAttributes"];
    attributes["verb"] == verb
        && attributes["resource"] == resource
        && attributes["subresource"] == subresource
}

/// What a function may not, as the chart has it: it is not allowed to those who do not need it.
fn is_of_another_function(spec: &Value) -> bool {
    let group = spec["groups"][0].as_str().unwrap();
    let needs = match group {
        "joiner:lifecycle" => {
            is(spec, "delete", "nodes", "") || is(spec, "create", "pods", "eviction")
        }
        "joiner:provisioning" | "joiner:disruption" => is(spec, "create", "nodeclaims", ""),
        _ => false,
    };
    let is_guarded = is(spec, "delete", "nodes", "")
        || is(spec, "create", "pods", "eviction")
        || is(spec, "create", "nodeclaims", "")
        || group == "joiner:catalog" && is(spec, "delete", "nodeclaims", "");
    is_guarded && !needs
}

/// What `joiner doctor` prints, with its exit code and what it says on standard error.
fn doctor(server: &Server) -> (u8, String, String) {
    joiner(&["doctor"], &server.kubeconfig)
}

#[test]
fn a_cluster_that_has_all_is_said_to_be_so_in_a_line_for_each_thing() {
    let server = Server::open("all", installed(), is_of_another_function);
    let (code, output, errors) = doctor(&server);
    expect![[r#"
        ok       API server: answers, Kubernetes 1.34
        ok       CRD NodePool: has all fields of this version
        ok       CRD NodeClaim: has all fields of this version
        ok       CRD EC2NodeClass: has all fields of this version
        ok       CRD NodeOverlay: has all fields of this version
        ok       CRD CapacityBuffer: has all fields of this version
        ok       rights of joiner:provisioning: all 19, and none of another function's
        ok       rights of joiner:lifecycle: all 15, and none of another function's
        ok       rights of joiner:interruption: all 8, and none of another function's
        ok       rights of joiner:disruption: all 17, and none of another function's
        ok       rights of joiner:catalog: all 7, and none of another function's
        ok       admission policies: 5 are there
        ok       forwarder: 1 of 1 are ready
        ok       Karpenter: is not at work
        ok       catalogue: was last written 0s ago
        ok       EC2NodeClass default: is ready with 1 subnets, 1 security groups, 1 images
        ok       NodePool default: takes new nodes
        ok       state: can be read
        ok       offerings: none is ruled out for want of capacity
        ok       launches: none is held back for being of no use
        ok       objects: all can be read
    "#]]
    .assert_eq(&output);
    assert_eq!((code, &*errors), (0, ""));
    // It asks, and writes nothing.
    let changes = server.changes();
    assert!(changes.iter().all(|line| line.ends_with("/subjectaccessreviews")), "{changes:?}");
}

#[test]
fn what_is_missing_is_a_failure_with_what_to_do_about_it() {
    let mut objects = installed();
    let missing = ["joiner-nodes", "joiner-catalog"];
    objects.retain(|object| !missing.iter().any(|name| object["metadata"]["name"] == *name));
    objects.retain(|object| object["spec"]["names"]["kind"] != "NodeClaim");
    for object in &mut objects {
        if object["spec"]["names"]["kind"] == "NodePool" {
            let spec = &mut object["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
                ["spec"];
            spec["properties"].as_object_mut().unwrap().remove("replicas");
        }
        match object["kind"].as_str().unwrap() {
            "EC2NodeClass" => {
                object["status"]["subnets"] = json!([]);
                object["status"]["conditions"] = json!([
                    {"type": "SubnetsReady", "status": "False", "reason": "SubnetsNotFound", "message": "SubnetSelector did not match any Subnets", "lastTransitionTime": "2026-01-01T00:00:00Z"},
                    {"type": "Ready", "status": "False", "reason": "UnhealthyDependents", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
            }
            "Deployment" => object["status"] = json!({}),
            _ => {}
        }
    }
    objects.push(json!({"kind": "Deployment", "metadata": {"name": "karpenter", "namespace": "kube-system", "labels": {"app.kubernetes.io/name": "karpenter"}}, "spec": {"replicas": 2}}));
    objects.push(json!({"kind": "ConfigMap", "metadata": {"name": "joiner-state", "namespace": "joiner-system", "resourceVersion": "9"},
        "data": {"learned": "{", "unproductive": "{\"u-7\": {\"count\": 3, \"last\": \"2026-01-01T00:00:00Z\"}}",
        "unavailable": "[{\"offering\": {\"instanceType\": \"m5.large\", \"zone\": \"us-east-1a\", \"capacityType\": \"spot\"}, \"until\": \"2096-01-01T00:00:00Z\"}]"}}));
    let server =
        Server::open("missing", objects, |spec| match spec["groups"][0].as_str().unwrap() {
            "joiner:provisioning" => {
                is_of_another_function(spec) || is(spec, "patch", "nodeclaims", "status")
            }
            "joiner:lifecycle" => false,
            _ => is_of_another_function(spec),
        });
    let (code, output, errors) = doctor(&server);
    let output: Vec<&str> = output.lines().filter(|line| !line.starts_with("ok ")).collect();
    let output = output.join("\n");
    // How long it is until then depends on when this runs.
    let at = output.find(" for ").map_or(0, |_| output.find("spot in us-east-1a for ").unwrap());
    let end = output[at..].find(" -> ").unwrap() + at;
    let output = format!("{}{}", &output[..at + "spot in us-east-1a".len()], &output[end..]);
    expect![[r#"
        FAILURE  CRD NodePool: is of another version, lacks spec.replicas -> joiner crds | kubectl apply --server-side --force-conflicts -f -
        FAILURE  CRD NodeClaim: is not there -> joiner crds | kubectl apply --server-side --force-conflicts -f -
        FAILURE  rights of joiner:provisioning: lacks patch nodeclaims/status.karpenter.sh -> helm upgrade --install joiner, of this version
        warning  rights of joiner:lifecycle: may create nodeclaims.karpenter.sh, which is another function's -> look for a binding that gives the group more than the chart does
        warning  admission policies: joiner-nodes are not there -> helm upgrade --install joiner, of this version
        FAILURE  forwarder: none of 1 is ready -> kubectl -n joiner-system describe deployment joiner-forwarder; until then the one-minute sweep does its work
        warning  Karpenter: does not lead now, but Deployment kube-system/karpenter may any time -> kubectl scale its Deployment to 0 when joiner is to take over (README, Move over from Karpenter)
        warning  catalogue: ConfigMap joiner-catalog: is not there: instance types and prices are those that are built in -> look at the log of the function catalog
        FAILURE  EC2NodeClass default: has found no subnets (SubnetsReady: SubnetsNotFound SubnetSelector did not match any Subnets) -> look at its selector terms and at its conditions (kubectl describe ec2nodeclass)
        FAILURE  NodePool default: NodePool default takes no new nodes: its EC2NodeClass default is not ready -> joiner explain pool default says more
        FAILURE  state: ConfigMap joiner-state: learned: EOF while parsing an object at line 1 column 1 -> delete that key of the ConfigMap: losing it costs time, not safety
        warning  offerings: ruled out: m5.large spot in us-east-1a -> nothing, each is tried again then; more instance types and zones in the NodePools help
        warning  launches: held back for pods of owners with uid u-7 -> kubectl describe these pods: why does the scheduler refuse the nodes that were made for them?"#]].assert_eq(&output);
    expect![[r#"
        error: 7 of the checks failed
    "#]]
    .assert_eq(&errors);
    assert_eq!(code, 1);
}

#[test]
fn a_cluster_that_does_not_answer_is_one_failure() {
    let server = open("silent", Vec::new());
    let config = std::fs::read_to_string(&server.kubeconfig).unwrap();
    let nobody = server.kubeconfig.with_file_name("nobody");
    let at = config.find("127.0.0.1:").unwrap();
    let end = at + config[at..].find('"').unwrap();
    std::fs::write(&nobody, format!("{}127.0.0.1:1{}", &config[..at], &config[end..])).unwrap();
    let (code, output, errors) = joiner(&["doctor"], &nobody);
    assert!(output.starts_with("FAILURE  API server: Kubernetes did not answer: "), "{output}");
    assert_eq!((code, &*errors), (1, "error: 1 of the checks failed\n"));
}

//! `doctor` and `shadow`.

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
        ok       rights of joiner:lifecycle: all 16, and none of another function's
        ok       rights of joiner:interruption: all 8, and none of another function's
        ok       rights of joiner:disruption: all 17, and none of another function's
        ok       rights of joiner:catalog: all 8, and none of another function's
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
            "joiner:catalog" => true,
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
        FAILURE  rights of joiner:catalog: lacks list ec2nodeclasses.karpenter.k8s.aws, patch ec2nodeclasses.karpenter.k8s.aws, patch ec2nodeclasses/status.karpenter.k8s.aws and 5 more -> helm upgrade --install joiner, of this version
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
        error: 8 of the checks failed
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

/// A text without the time after `at `.
fn without_time(text: &str) -> String {
    let line = |line: &str| match line.split_once(" at ") {
        Some((pass, rest)) if pass.starts_with("pass ") => {
            format!("{pass}: {}\n", rest.split_once(": ").unwrap().1)
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn leader() -> Value {
    json!({"kind": "Lease", "metadata": {"name": "karpenter-leader-election", "namespace": "kube-system"},
        "spec": {"holderIdentity": "karpenter-0", "renewTime": "2096-01-01T00:00:00Z", "leaseDurationSeconds": 15}})
}

#[test]
fn beside_karpenter_each_pass_says_what_joiner_would_do_and_what_karpenter_did() {
    let mut before = cluster();
    before.push(leader());
    let mut more = before.iter().find(|o| o["metadata"]["name"] == "waits").unwrap().clone();
    more["metadata"]["name"] = json!("more");
    before.push(more);
    let mut after = before.clone();
    after.retain(|object| object["metadata"]["name"] != "default-two");
    let claim = |name: &str, labels: Value| {
        json!({"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
            "metadata": {"name": name, "uid": name, "resourceVersion": "40", "creationTimestamp": "2026-01-01T00:01:00Z", "labels": labels},
            "spec": {"nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}, "requirements": []},
            "status": {}})
    };
    after.push(claim("default-new", json!({"karpenter.sh/nodepool": "default", "karpenter.sh/capacity-type": "on-demand",
        "node.kubernetes.io/instance-type": "m5.xlarge", "topology.kubernetes.io/zone": "us-east-1a"})));
    after.push(claim("default-next", json!({"karpenter.sh/nodepool": "default"})));
    let server = Server::open_in_turn("shadow", vec![before, after], |_| false);
    let (code, output, errors) =
        joiner(&["shadow", "--every", "0", "--passes", "2"], &server.kubeconfig);
    assert_eq!(code, 0, "{errors}");
    expect![[r#"
        pass 1: Karpenter leads (karpenter-0); 3 nodes for $0.0960/h, pods that wait: 3
          joiner would launch 1 node for $0.1504/h (1 x t3a.xlarge on-demand in us-east-1a); pods that find room: 1, left out: 1
        pass 2: Karpenter leads (karpenter-0); 3 nodes for $0.0960/h, pods that wait: 3
          joiner would launch 1 node for $0.1504/h (1 x t3a.xlarge on-demand in us-east-1a); pods that find room: 1, left out: 1
          Karpenter has made 1 node for $0.1920/h (default-new: m5.xlarge on-demand in us-east-1a $0.1920/h); not launched yet: 1; joiner had planned 1 node for $0.1504/h
          Karpenter has taken away 1 (default-two)
    "#]].assert_eq(&without_time(&output));
    expect![[r#"
        note: Karpenter is at work in this cluster (leader karpenter-0): joiner does nothing beside it
        note: ConfigMap joiner-catalog: is not there: instance types and prices are those that are built in
    "#]].assert_eq(&errors);
    assert_eq!(server.changes(), [""; 0]);
}

#[test]
fn a_pass_as_json_is_one_object_in_a_line() {
    let server = open("shadow-json", cluster());
    let (code, output, _) = joiner(&["shadow", "--passes", "1", "-o", "json"], &server.kubeconfig);
    assert_eq!((code, output.lines().count()), (0, 1));
    let mut report: Value = serde_json::from_str(&output).unwrap();
    assert!(report["at"].take().is_string());
    expect![[r#"{"at":null,"costPerHour":0.096,"joiner":{"haveRoom":1,"kinds":{},"launches":{"costPerHour":0.0,"nodes":0,"unpriced":0},"leftOut":1,"removes":[]},"karpenter":{"claims":[],"gone":[],"made":{"costPerHour":0.0,"nodes":0,"unpriced":0},"notLaunched":0},"karpenterLeader":null,"nodes":3,"pass":1,"plannedBefore":null,"podsWaiting":2}"#]].assert_eq(&report.to_string());
}

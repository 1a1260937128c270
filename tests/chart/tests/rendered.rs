//! What the chart renders with each file of `infra/charts/joiner/ci`.

use chart::openapi::OpenApi;
use chart::render::{NAMESPACE, label, list, named, objects, of_kind, root, template, text, tool};
use expect_test::expect;
use serde_json::{Value, json};
use std::fs;

const VALUES: [&str; 3] = ["minimal", "full", "bare"];

/// Kinds that the cluster has of somebody else.
const FOREIGN: [&str; 1] = ["ServiceMonitor"];

/// The last thing that is said when Helm refuses, without the place in a template.
fn check_refused(values: Option<&str>, set: &str, expected: &str) {
    let Some(helm) = tool("HELM") else { return };
    let output = template(&helm, values, &[set]);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8_lossy(&output.stderr);
    let (said, _) = text.split_once("\n\nUse --debug").unwrap_or((&text, ""));
    let last = said.trim_end().lines().last().unwrap_or_default();
    let (_, last) = last.split_once("): ").unwrap_or(("", last));
    assert_eq!(last, expected);
}

fn container(objects: &[Value]) -> &Value {
    let deployment = named(objects, "Deployment", "joiner-forwarder");
    &deployment["spec"]["template"]["spec"]["containers"][0]
}

#[test]
fn every_object_is_as_kubernetes_describes_it() {
    let (Some(helm), Some(document)) = (tool("HELM"), tool("KUBERNETES_OPENAPI")) else { return };
    let openapi = OpenApi::new(&fs::read_to_string(document).unwrap());
    for values in VALUES {
        let objects = objects(&helm, values);
        assert!(20 < objects.len(), "{values} renders {} objects", objects.len());
        for object in objects {
            if FOREIGN.contains(&text(&object, "/kind")) {
                assert!(!openapi.knows(&object), "{}", label(&object));
                continue;
            }
            assert_eq!(openapi.check(&object), [""; 0], "{values}: {}", label(&object));
        }
    }
}

#[test]
fn names_are_unique_and_namespaces_are_the_releases() {
    let Some(helm) = tool("HELM") else { return };
    let cluster_wide = [
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "FlowSchema",
        "PriorityLevelConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ];
    for values in VALUES {
        let objects = objects(&helm, values);
        let mut labels: Vec<String> = objects.iter().map(label).collect();
        labels.sort();
        let count = labels.len();
        labels.dedup();
        assert_eq!(labels.len(), count);
        for object in &objects {
            let namespaced = !cluster_wide.contains(&text(object, "/kind"));
            let expected = if namespaced { NAMESPACE } else { "" };
            assert_eq!(text(object, "/metadata/namespace"), expected, "{}", label(object));
        }
    }
}

#[test]
fn the_forwarder_keeps_to_the_restricted_pod_security_standard() {
    let Some(helm) = tool("HELM") else { return };
    for values in VALUES {
        let objects = objects(&helm, values);
        let pod = &named(&objects, "Deployment", "joiner-forwarder")["spec"]["template"]["spec"];
        for forbidden in ["hostNetwork", "hostPID", "hostIPC", "volumes", "initContainers"] {
            assert!(pod.get(forbidden).is_none(), "{forbidden} is set");
        }
        let expected = json!({
            "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
            "seccompProfile": { "type": "RuntimeDefault" },
        });
        assert_eq!(pod["securityContext"], expected);
        assert_eq!(list(pod, "/containers").len(), 1);
        let expected = json!({
            "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
            "privileged": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
        });
        assert_eq!(container(&objects)["securityContext"], expected);
        assert!(container(&objects).get("volumeMounts").is_none());
        for port in list(container(&objects), "/ports") {
            assert!(port.get("hostPort").is_none());
        }
    }
}

#[test]
fn the_forwarder_is_small_and_important() {
    let Some(helm) = tool("HELM") else { return };
    let objects = objects(&helm, "minimal");
    let pod = &named(&objects, "Deployment", "joiner-forwarder")["spec"]["template"]["spec"];
    assert_eq!(pod["priorityClassName"], "system-cluster-critical");
    assert_eq!(
        container(&objects)["resources"]["requests"],
        json!({ "cpu": "10m", "memory": "32Mi" })
    );
    let everywhere = json!({ "operator": "Exists", "effect": "NoSchedule" });
    assert!(list(pod, "/tolerations").contains(&everywhere));
    let stays_for_ever =
        |t: &&Value| text(t, "/effect") != "NoSchedule" && t.get("tolerationSeconds").is_none();
    assert_eq!(list(pod, "/tolerations").iter().find(stays_for_ever), None);
    assert_eq!(of_kind(&objects, "PodDisruptionBudget").count(), 0);
}

#[test]
fn the_forwarder_is_told_what_it_needs() {
    let Some(helm) = tool("HELM") else { return };
    let environment = |values| -> String {
        let objects = objects(&helm, values);
        let pairs = list(container(&objects), "/env").iter();
        let lines = pairs.map(|pair| format!("{}={}\n", text(pair, "/name"), text(pair, "/value")));
        lines.collect::<Vec<_>>().concat()
    };
    expect![[r#"
        JOINER_CLUSTER_NAME=minimal
        JOINER_QUEUE_URL=https://sqs.eu-central-1.amazonaws.com/111122223333/joiner-minimal
        JOINER_LISTEN=0.0.0.0:8080
        AWS_REGION=eu-central-1
        RUST_LOG=info
    "#]]
    .assert_eq(&environment("minimal"));
    expect![[r#"
        JOINER_CLUSTER_NAME=full
        JOINER_QUEUE_URL=https://sqs.us-east-1.amazonaws.com/111122223333/joiner-full
        JOINER_LIFECYCLE_QUEUE_URL=https://sqs.us-east-1.amazonaws.com/111122223333/joiner-full-lifecycle
        JOINER_LISTEN=[::]:8080
        AWS_REGION=us-east-1
        AWS_ENDPOINT_URL_SQS=https://vpce-0123456789abcdef0-example.sqs.us-east-1.vpce.amazonaws.com
        RUST_LOG=forwarder=debug,info
    "#]]
    .assert_eq(&environment("full"));
}

#[test]
fn a_digest_wins_over_a_tag_and_the_tag_is_the_charts_version() {
    let Some(helm) = tool("HELM") else { return };
    let image = |values| text(container(&objects(&helm, values)), "/image").to_owned();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(image("minimal"), format!("example.test/joiner-forwarder:{version}"));
    let digest = "0123456789abcdef".repeat(4);
    assert_eq!(image("full"), format!("example.test/joiner-forwarder@sha256:{digest}"));
}

#[test]
fn the_chart_has_the_version_of_the_workspace() {
    let chart = fs::read_to_string(root().join("infra/charts/joiner/Chart.yaml")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    for line in [format!("version: {version}"), format!("appVersion: {version}")] {
        assert!(chart.lines().any(|has| has == line), "Chart.yaml lacks the line {line}");
    }
}

#[test]
fn the_network_lets_the_forwarder_have_dns_https_and_its_identity() {
    let Some(helm) = tool("HELM") else { return };
    let objects = objects(&helm, "minimal");
    let policy = named(&objects, "NetworkPolicy", "joiner-forwarder");
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    let line = |rule: &Value, peers: &str| -> String {
        let ports: Vec<String> = list(rule, "/ports")
            .iter()
            .map(|port| format!("{}/{}", text(port, "/protocol"), port["port"]))
            .collect();
        let peers = list(rule, peers).iter().map(|peer| text(peer, "/ipBlock/cidr"));
        let all: Vec<String> = ports.into_iter().chain(peers.map(ToOwned::to_owned)).collect();
        format!("{}\n", all.join(" "))
    };
    let rules = |direction, peers| -> String {
        let lines = list(policy, direction).iter().map(|rule| line(rule, peers));
        lines.collect::<Vec<_>>().concat()
    };
    expect![[r#"
        TCP/8080
    "#]]
    .assert_eq(&rules("/spec/ingress", "/from"));
    expect![[r#"
        UDP/53 TCP/53
        TCP/443
        TCP/80 169.254.170.23/32 fd00:ec2::23/128
    "#]]
    .assert_eq(&rules("/spec/egress", "/to"));
}

#[test]
fn a_service_and_a_policy_select_the_forwarders_pods() {
    let Some(helm) = tool("HELM") else { return };
    let objects = objects(&helm, "full");
    let deployment = named(&objects, "Deployment", "joiner-forwarder");
    let selector = &deployment["spec"]["selector"]["matchLabels"];
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    for (key, value) in selector.as_object().unwrap() {
        assert_eq!(&labels[key], value);
    }
    let service = named(&objects, "Service", "joiner-forwarder");
    assert_eq!(&service["spec"]["selector"], selector);
    assert_eq!(service["spec"]["ports"][0]["targetPort"], container(&objects)["ports"][0]["name"]);
    let policy = named(&objects, "NetworkPolicy", "joiner-forwarder");
    assert_eq!(&policy["spec"]["podSelector"]["matchLabels"], selector);
    let monitor = named(&objects, "ServiceMonitor", "joiner-forwarder");
    for (key, value) in monitor["spec"]["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&service["metadata"]["labels"][key], value);
    }
    assert_eq!(monitor["spec"]["endpoints"][0]["port"], service["spec"]["ports"][0]["name"]);
}

#[test]
fn what_is_switched_off_is_not_there() {
    let Some(helm) = tool("HELM") else { return };
    let kinds = [
        "NetworkPolicy",
        "ServiceMonitor",
        "FlowSchema",
        "PriorityLevelConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ];
    let counts = |values| kinds.map(|kind| of_kind(&objects(&helm, values), kind).count());
    assert_eq!(counts("bare"), [0; 6]);
    assert_eq!(counts("full"), [1, 1, 1, 1, 6, 6]);
    assert_eq!(counts("minimal"), [1, 0, 1, 1, 5, 5]);
}

#[test]
fn what_has_no_default_is_asked_for() {
    let asked = |values, set: &str, expected: &str| check_refused(values, set, expected);
    let minimal = Some("minimal");
    asked(
        None,
        "settings.region=eu-central-1",
        "forwarder.image.repository is needed: where you have pushed the forwarder's image",
    );
    asked(
        minimal,
        "settings.clusterName=",
        "settings.clusterName is needed: the cluster's name, as EKS has it",
    );
    asked(
        minimal,
        "settings.queueUrl=",
        "settings.queueUrl is needed: the URL of the queue that the stack has made",
    );
    asked(minimal, "settings.region=", "settings.region is needed: the region of the queue");
}

#[test]
fn wrong_values_are_refused_with_their_place() {
    let refused = |set: &str, expected: &str| check_refused(Some("minimal"), set, expected);
    let url = r"does not match pattern '^(https?://[^\\s/]+/[^\\s]+)?$'";
    refused(
        "forwarder.replica=2",
        "- at '/forwarder': additional properties 'replica' not allowed",
    );
    refused("forwarder.replicas=two", "- at '/forwarder/replicas': got string, want integer");
    refused("settings.queueUrl=joiner", &format!("- at '/settings/queueUrl': 'joiner' {url}"));
    refused(
        "settings.region=Frankfurt",
        "- at '/settings/region': 'Frankfurt' does not match pattern '^([a-z]{2}(-[a-z]+)+-[0-9]+)?$'",
    );
    refused(
        "forwarder.image.digest=latest",
        "- at '/forwarder/image/digest': 'latest' does not match pattern '^(sha256:[0-9a-f]{64})?$'",
    );
    refused(
        "forwarder.dnsPolicy=None",
        "- at '/forwarder/dnsPolicy': value must be one of 'Default', 'ClusterFirst'",
    );
    refused(
        "flowControl.nominalConcurrencyShares=0",
        "- at '/flowControl/nominalConcurrencyShares': minimum: got 0, want 1",
    );
    refused(
        "admissionPolicies.enabled=maybe",
        "- at '/admissionPolicies/enabled': got string, want boolean",
    );
}

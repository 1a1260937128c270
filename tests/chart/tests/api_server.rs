//! The chart on a real API server: what RBAC and the admission policies let each function do there.
//!
//! Every request but the set-up is a dry run, which passes authorization and admission and changes nothing.

use chart::api_server::ApiServer;
use chart::render::{NAMESPACE, named, of_kind, parse, rendered, text, tool};
use chart::rights;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The API server with the chart and a few objects on it; none where the environment names none.
static CLUSTER: LazyLock<Option<Cluster>> = LazyLock::new(Cluster::set_up);

/// Nodes and claims in the states that matter, with pods.
const FIXTURES: &str = include_str!("api_server.yaml");

struct Cluster {
    server: ApiServer,
    objects: Vec<Value>,
}

/// A request: who makes it, what it is, kubectl's arguments, and what kubectl reads on its input.
type Request<'a> = (&'a str, &'a str, &'a [&'a str], &'a str);

impl Cluster {
    fn set_up() -> Option<Self> {
        let (helm, server) = (tool("HELM")?, ApiServer::from_environment()?);
        let rendered = rendered(&helm, "minimal", &["admissionPolicies.podsByNode=true"]);
        let is_there = server.run(None, &["create", "namespace", NAMESPACE], "");
        let said = String::from_utf8_lossy(&is_there.stderr).into_owned();
        assert!(is_there.status.success() || said.contains("AlreadyExists"), "{said}");
        apply_chart(&server, &rendered);
        server.admin(&["apply", "--server-side", "--force-conflicts", "-f", "-"], FIXTURES);
        for (claim, status) in [
            ("launched", r#"{"status":{"providerID":"aws:///eu-central-1a/i-0123"}}"#),
            ("young", r#"{"status":{"capacity":{"cpu":"2"}}}"#),
        ] {
            let patch =
                ["patch", "nodeclaim", claim, "--subresource=status", "--type=merge", "-p", status];
            server.admin(&patch, "");
        }
        for kind in ["node", "nodeclaim"] {
            server.admin(&["delete", kind, "going", "--wait=false"], "");
        }
        let cluster = Self { server, objects: parse(&rendered) };
        cluster.await_policies();
        Some(cluster)
    }

    /// Policies work some hundred milliseconds after they are there, each for itself.
    fn await_policies(&self) {
        let by_name = eviction(&json!({}));
        let probes: [Request<'_>; 6] = [
            ("lifecycle", "joiner-nodes", &["delete", "node", "theirs"], ""),
            ("provisioning", "joiner-nodeclaims", &["delete", "nodeclaim", "launched"], ""),
            ("lifecycle", "joiner-pods", &["delete", "pod", "nowhere"], ""),
            ("lifecycle", "joiner-pods-by-node", &["delete", "pod", "on-theirs"], ""),
            ("lifecycle", "joiner-evictions", &["create", "--raw", EVICTION, "-f", "-"], &by_name),
            ("catalog", "joiner-own-objects", &["-n", NAMESPACE, "create", "configmap", "a"], ""),
        ];
        for (function, policy, arguments, input) in probes {
            self.server.until(&format!("{policy} works"), |server| {
                let verdict = server.verdict(function, &dry(arguments), input);
                !["ok", "no right"].contains(&&*verdict)
            });
        }
    }
}

/// The same request as a dry run; a raw one says so in its path.
fn dry<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let is_raw = arguments.contains(&"--raw");
    arguments.iter().copied().chain((!is_raw).then_some("--dry-run=server")).collect()
}

/// Applies what Helm renders, strictly, its CRDs first.
fn apply_chart(server: &ApiServer, rendered: &str) {
    let apply = ["apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-"];
    server.admin(&apply, rendered);
    let crd = "nodeclaims.karpenter.sh";
    server.admin(&["wait", "--for=condition=Established", "--timeout=90s", "crd", crd], "");
}

const EVICTION: &str = "/api/v1/namespaces/default/pods/on-ours/eviction?dryRun=All";

fn eviction(options: &Value) -> String {
    let metadata = json!({ "name": "on-ours", "namespace": "default" });
    json!({
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": metadata, "deleteOptions": options,
    })
    .to_string()
}

/// Makes the requests, dry, and writes down what comes of each.
fn check_verdicts(requests: &[Request<'_>], expected: &Expect) {
    let Some(cluster) = &*CLUSTER else { return };
    let lines = requests.iter().map(|(function, what, arguments, input)| {
        let verdict = cluster.server.verdict(function, &dry(arguments), input);
        format!("{function} {what}: {verdict}\n")
    });
    expected.assert_eq(&lines.collect::<Vec<_>>().concat());
}

#[test]
fn the_api_server_finds_no_fault_in_the_policies() {
    let Some(Cluster { server, objects }) = &*CLUSTER else { return };
    for policy in of_kind(objects, "ValidatingAdmissionPolicy") {
        let name = text(policy, "/metadata/name");
        let status = |server: &ApiServer| {
            let path = "jsonpath={.status.typeChecking}";
            server.admin(&["get", "validatingadmissionpolicy", name, "-o", path], "")
        };
        server.until(&format!("{name} is type-checked"), |server| !status(server).is_empty());
        assert_eq!(status(server), "{}", "{name}");
    }
}

#[test]
fn each_function_has_the_rights_of_its_role_and_no_others() {
    let Some(Cluster { server, objects }) = &*CLUSTER else { return };
    for function in
        ["provisioning", "lifecycle", "interruption", "disruption", "catalog", "operator"]
    {
        let list = ["auth", "can-i", "--list", "--no-headers", "-n", NAMESPACE];
        let output = server.run(Some(function), &list, "");
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let has: BTreeSet<_> = listed.lines().flat_map(listed_rights).collect();
        let rights = rights::of(objects, &format!("joiner:{function}")).into_iter();
        let wanted: BTreeSet<_> = rights.map(|r| (r.resource, r.name, r.verb)).collect();
        assert_eq!(has, wanted, "{function}");
    }
}

/// A line of `kubectl auth can-i --list`: resource, URLs, names, verbs. What everybody may is left out.
fn listed_rights(line: &str) -> Vec<(String, Option<String>, String)> {
    let parts: Vec<&str> = line.split('[').collect();
    let [resource, _, names, verbs] = parts.as_slice() else { return Vec::new() };
    let resource = resource.trim();
    let everybody = ["", "selfsubjectreviews.authentication.k8s.io"];
    if everybody.contains(&resource) || resource.ends_with(".authorization.k8s.io") {
        return Vec::new();
    }
    let words = |part: &str| -> Vec<String> {
        part.trim().trim_end_matches(']').split_whitespace().map(ToOwned::to_owned).collect()
    };
    let names = words(names);
    let names: Vec<Option<String>> =
        if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
    let one = |name: &Option<String>| -> Vec<_> {
        words(verbs).into_iter().map(|verb| (resource.to_owned(), name.clone(), verb)).collect()
    };
    names.iter().flat_map(one).collect()
}

#[test]
fn nodes_of_others_are_left_alone() {
    let taint = r#"{"spec":{"taints":[{"key":"karpenter.sh/disrupted","effect":"NoSchedule"}]}}"#;
    let register = |node| ["label", "node", node, "karpenter.sh/registered=true"];
    let adopt = ["label", "node", "theirs", "karpenter.sh/nodepool=default"];
    let close = ["patch", "node", "theirs", "-p", taint];
    let delete = |node| ["delete", "node", node];
    let requests: &[Request<'_>] = &[
        ("lifecycle", "labels ours", &register("ours"), ""),
        ("lifecycle", "labels theirs", &register("theirs"), ""),
        ("lifecycle", "makes theirs ours", &adopt, ""),
        ("interruption", "closes theirs", &close, ""),
        ("disruption", "closes theirs", &close, ""),
        ("lifecycle", "deletes ours", &delete("ours"), ""),
        ("lifecycle", "deletes theirs", &delete("theirs"), ""),
        ("provisioning", "deletes ours", &delete("ours"), ""),
        ("provisioning", "labels ours", &register("ours"), ""),
        ("interruption", "deletes ours", &delete("ours"), ""),
        ("disruption", "deletes ours", &delete("ours"), ""),
        ("catalog", "deletes ours", &delete("ours"), ""),
    ];
    check_verdicts(
        requests,
        &expect![[r#"
        lifecycle labels ours: ok
        lifecycle labels theirs: joiner changes and deletes only nodes with the label karpenter.sh/nodepool or karpenter.sh/capacity-type
        lifecycle makes theirs ours: joiner changes and deletes only nodes with the label karpenter.sh/nodepool or karpenter.sh/capacity-type
        interruption closes theirs: joiner changes and deletes only nodes with the label karpenter.sh/nodepool or karpenter.sh/capacity-type
        disruption closes theirs: joiner changes and deletes only nodes with the label karpenter.sh/nodepool or karpenter.sh/capacity-type
        lifecycle deletes ours: ok
        lifecycle deletes theirs: joiner changes and deletes only nodes with the label karpenter.sh/nodepool or karpenter.sh/capacity-type
        provisioning deletes ours: no right
        provisioning labels ours: no right
        interruption deletes ours: no right
        disruption deletes ours: no right
        catalog deletes ours: no right
    "#]],
    );
}

#[test]
fn of_a_node_each_function_changes_what_it_has_to() {
    let owner =
        json!({ "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "name": "a", "uid": "1" });
    let taint = json!({ "key": "karpenter.sh/disrupted", "effect": "NoSchedule" });
    // The API server keeps taints of its own on a node without a kubelet: this one is added to them.
    let closes = json!([
        { "op": "add", "path": "/spec/taints/-", "value": taint },
        { "op": "add", "path": "/metadata/labels/node.kubernetes.io~1exclude-from-external-load-balancers", "value": "karpenter" },
    ]);
    let changes = [
        ("closes", "json", closes),
        ("takes other taints off", "merge", json!({ "spec": { "taints": [taint] } })),
        ("takes a label off", "merge", json!({ "metadata": { "labels": { "team": null } } })),
        ("changes a label", "merge", json!({ "metadata": { "labels": { "team": "b" } } })),
        ("adds a label", "merge", json!({ "metadata": { "labels": { "a": "b" } } })),
        ("annotates", "merge", json!({ "metadata": { "annotations": { "a": "b" } } })),
        ("owns", "merge", json!({ "metadata": { "ownerReferences": [owner] } })),
        ("cordons", "merge", json!({ "spec": { "unschedulable": true } })),
        ("releases", "merge", json!({ "metadata": { "finalizers": null } })),
    ];
    let changes = changes.map(|(what, kind, patch)| (what, kind, patch.to_string()));
    let patches: Vec<(&str, [&str; 7])> = changes
        .iter()
        .map(|(what, kind, patch)| (*what, ["patch", "node", "ours", "--type", kind, "-p", patch]))
        .collect();
    let mut requests: Vec<Request<'_>> = Vec::new();
    for function in ["disruption", "interruption", "lifecycle"] {
        requests.extend(patches.iter().map(|(what, patch)| (function, *what, &patch[..], "")));
    }
    let none = r#"{"metadata":{"finalizers":null}}"#;
    let release = ["patch", "node", "going", "--type", "merge", "-p", none];
    requests.push(("interruption", "releases one that is being deleted", &release, ""));
    requests.push(("lifecycle", "releases one that is being deleted", &release, ""));
    check_verdicts(
        &requests,
        &expect![[r#"
        disruption closes: ok
        disruption takes other taints off: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        disruption takes a label off: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        disruption changes a label: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        disruption adds a label: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        disruption annotates: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        disruption owns: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        disruption cordons: joiner changes nothing of a node's spec but its taints
        disruption releases: only joiner:lifecycle takes a finalizer off a node, only karpenter.sh/termination, and only once the node is being deleted
        interruption closes: ok
        interruption takes other taints off: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        interruption takes a label off: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        interruption changes a label: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        interruption adds a label: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        interruption annotates: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        interruption owns: but for joiner:lifecycle, joiner changes of a node only the taint karpenter.sh/disrupted and the label node.kubernetes.io/exclude-from-external-load-balancers
        interruption cordons: joiner changes nothing of a node's spec but its taints
        interruption releases: only joiner:lifecycle takes a finalizer off a node, only karpenter.sh/termination, and only once the node is being deleted
        lifecycle closes: ok
        lifecycle takes other taints off: ok
        lifecycle takes a label off: ok
        lifecycle changes a label: ok
        lifecycle adds a label: ok
        lifecycle annotates: ok
        lifecycle owns: ok
        lifecycle cordons: joiner changes nothing of a node's spec but its taints
        lifecycle releases: only joiner:lifecycle takes a finalizer off a node, only karpenter.sh/termination, and only once the node is being deleted
        interruption releases one that is being deleted: only joiner:lifecycle takes a finalizer off a node, only karpenter.sh/termination, and only once the node is being deleted
        lifecycle releases one that is being deleted: ok
    "#]],
    );
}

/// A claim as provisioning makes it, with a change.
fn claim(change: impl FnOnce(&mut Value)) -> String {
    let mut claim = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {
            "name": "new",
            "labels": { "karpenter.sh/nodepool": "default" },
            "finalizers": ["karpenter.sh/termination"],
            "ownerReferences": [{
                "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "default",
                "uid": "1", "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "nodeClassRef": { "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "a" },
            "requirements": [{ "key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"] }],
        },
    });
    change(&mut claim);
    claim.to_string()
}

#[test]
fn claims_are_made_by_the_launcher_and_as_replacements() {
    let good = claim(|_| ());
    let replaces = claim(|claim| {
        claim["metadata"]["annotations"] = json!({ "joiner.sh/replaces": "launched" });
    });
    let bare = claim(|claim| claim["metadata"]["finalizers"] = json!([]));
    let ownerless = claim(|claim| claim["metadata"]["ownerReferences"] = json!([]));
    let another = claim(|claim| claim["metadata"]["ownerReferences"][0]["name"] = json!("other"));
    let create: &[&str] = &["create", "-f", "-"];
    let requests: &[Request<'_>] = &[
        ("provisioning", "creates a claim", create, &good),
        ("provisioning", "creates one without finalizer", create, &bare),
        ("provisioning", "creates one without owner", create, &ownerless),
        ("provisioning", "creates one of another owner", create, &another),
        ("disruption", "creates a claim", create, &good),
        ("disruption", "creates a replacement", create, &replaces),
        ("lifecycle", "creates a claim", create, &good),
        ("interruption", "creates a claim", create, &good),
    ];
    check_verdicts(
        requests,
        &expect![[r#"
        provisioning creates a claim: ok
        provisioning creates one without finalizer: joiner creates NodeClaims only with the finalizer karpenter.sh/termination
        provisioning creates one without owner: joiner creates NodeClaims only for the NodePool that owns them and that their label karpenter.sh/nodepool names
        provisioning creates one of another owner: joiner creates NodeClaims only for the NodePool that owns them and that their label karpenter.sh/nodepool names
        disruption creates a claim: joiner:disruption creates only NodeClaims that replace others (annotation joiner.sh/replaces)
        disruption creates a replacement: ok
        lifecycle creates a claim: no right
        interruption creates a claim: no right
    "#]],
    );
}

#[test]
fn the_launcher_deletes_no_claim_with_an_instance() {
    let delete = |claim| ["delete", "nodeclaim", claim];
    let requests: &[Request<'_>] = &[
        ("provisioning", "deletes one without instance", &delete("young"), ""),
        ("provisioning", "deletes one with an instance", &delete("launched"), ""),
        ("disruption", "deletes one with an instance", &delete("launched"), ""),
        ("lifecycle", "deletes one with an instance", &delete("launched"), ""),
        ("interruption", "deletes one with an instance", &delete("launched"), ""),
        ("catalog", "deletes one with an instance", &delete("launched"), ""),
    ];
    check_verdicts(
        requests,
        &expect![[r#"
        provisioning deletes one without instance: ok
        provisioning deletes one with an instance: joiner:provisioning deletes only NodeClaims that have no instance
        disruption deletes one with an instance: ok
        lifecycle deletes one with an instance: ok
        interruption deletes one with an instance: ok
        catalog deletes one with an instance: no right
    "#]],
    );
}

#[test]
fn a_claim_keeps_its_instance_and_its_finalizer() {
    let status = |claim: &str, status: Value| {
        let metadata = json!({ "name": claim });
        json!({ "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": metadata, "status": status })
            .to_string()
    };
    let other = json!({ "providerID": "aws:///eu-central-1b/i-4567" });
    let (launch, relaunch) = (status("young", other.clone()), status("launched", other));
    let amounts = status("launched", json!({ "capacity": { "cpu": "2" } }));
    let apply: &[&str] = &[
        "apply",
        "--server-side",
        "--force-conflicts",
        "--subresource=status",
        "--validate=false",
        "-f",
        "-",
    ];
    let release = |claim| {
        ["patch", "nodeclaim", claim, "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]
    };
    let notice = ["annotate", "nodeclaim", "launched", "joiner.sh/interruption-notice=x"];
    let requests: &[Request<'_>] = &[
        ("provisioning", "gives an instance", apply, &launch),
        ("provisioning", "gives another instance", apply, &relaunch),
        ("lifecycle", "gives an instance", apply, &launch),
        ("lifecycle", "gives another instance", apply, &relaunch),
        ("disruption", "gives another instance", apply, &relaunch),
        ("disruption", "writes status", apply, &amounts),
        ("interruption", "writes status", apply, &amounts),
        ("interruption", "writes a notice", &notice, ""),
        ("provisioning", "releases a claim", &release("launched"), ""),
        ("disruption", "releases a claim", &release("launched"), ""),
        ("lifecycle", "releases a claim", &release("launched"), ""),
        ("provisioning", "releases one that is being deleted", &release("going"), ""),
        ("lifecycle", "releases one that is being deleted", &release("going"), ""),
    ];
    check_verdicts(
        requests,
        &expect![[r#"
        provisioning gives an instance: ok
        provisioning gives another instance: a NodeClaim keeps its instance for life
        lifecycle gives an instance: ok
        lifecycle gives another instance: a NodeClaim keeps its instance for life
        disruption gives another instance: a NodeClaim keeps its instance for life
        disruption writes status: ok
        interruption writes status: no right
        interruption writes a notice: ok
        provisioning releases a claim: only joiner:lifecycle takes a finalizer off a NodeClaim, only karpenter.sh/termination, and only once the NodeClaim is being deleted
        disruption releases a claim: only joiner:lifecycle takes a finalizer off a NodeClaim, only karpenter.sh/termination, and only once the NodeClaim is being deleted
        lifecycle releases a claim: only joiner:lifecycle takes a finalizer off a NodeClaim, only karpenter.sh/termination, and only once the NodeClaim is being deleted
        provisioning releases one that is being deleted: only joiner:lifecycle takes a finalizer off a NodeClaim, only karpenter.sh/termination, and only once the NodeClaim is being deleted
        lifecycle releases one that is being deleted: ok
    "#]],
    );
}

#[test]
fn pods_are_deleted_only_on_nodes_of_ours_and_not_at_once() {
    let delete = |pod| ["delete", "pod", pod, "--grace-period=30"];
    let at_once = ["delete", "pod", "on-ours", "--grace-period=0", "--force"];
    let requests: &[Request<'_>] = &[
        ("lifecycle", "deletes a pod on ours", &delete("on-ours"), ""),
        ("lifecycle", "deletes it at once", &at_once, ""),
        ("lifecycle", "deletes a pod on theirs", &delete("on-theirs"), ""),
        ("lifecycle", "deletes a pod that waits", &delete("nowhere"), ""),
        ("provisioning", "deletes a pod on ours", &delete("on-ours"), ""),
        ("disruption", "deletes a pod on ours", &delete("on-ours"), ""),
    ];
    check_verdicts(
        requests,
        &expect![[r#"
        lifecycle deletes a pod on ours: ok
        lifecycle deletes it at once: joiner leaves a pod that it deletes at least a second
        lifecycle deletes a pod on theirs: joiner deletes only pods on nodes with the label karpenter.sh/nodepool or karpenter.sh/capacity-type
        lifecycle deletes a pod that waits: joiner deletes only pods that are bound to a node
        provisioning deletes a pod on ours: no right
        disruption deletes a pod on ours: no right
    "#]],
    );
}

#[test]
fn an_eviction_names_the_pods_uid_and_leaves_it_its_grace() {
    let Some(Cluster { server, .. }) = &*CLUSTER else { return };
    let uid = server.admin(&["get", "pod", "on-ours", "-o", "jsonpath={.metadata.uid}"], "");
    let known = eviction(&json!({ "preconditions": { "uid": uid } }));
    let hasty = eviction(&json!({ "preconditions": { "uid": uid }, "gracePeriodSeconds": 0 }));
    let by_name = eviction(&json!({}));
    let evict: &[&str] = &["create", "--raw", EVICTION, "-f", "-"];
    let requests: &[Request<'_>] = &[
        ("lifecycle", "evicts by uid", evict, &known),
        ("lifecycle", "evicts by name", evict, &by_name),
        ("lifecycle", "evicts without grace", evict, &hasty),
        ("provisioning", "evicts by uid", evict, &known),
        ("disruption", "evicts by uid", evict, &known),
    ];
    check_verdicts(
        requests,
        &expect![[r#"
        lifecycle evicts by uid: ok
        lifecycle evicts by name: joiner evicts only pods that it names by their uid
        lifecycle evicts without grace: joiner leaves a pod that it evicts the pod's own grace
        provisioning evicts by uid: no right
        disruption evicts by uid: no right
    "#]],
    );
}

#[test]
fn own_objects_have_their_names() {
    let config_map = |namespace, name| ["-n", namespace, "create", "configmap", name];
    let lease = |name: &str, namespace: &str| {
        let metadata = json!({ "name": name, "namespace": namespace });
        json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata })
            .to_string()
    };
    let create: &[&str] = &["create", "-f", "-"];
    let (state, catalog) =
        (config_map(NAMESPACE, "joiner-state"), config_map(NAMESPACE, "joiner-catalog"));
    let elsewhere = config_map("default", "joiner-state");
    let planner = lease("joiner-planner", NAMESPACE);
    let requests: &[Request<'_>] = &[
        ("provisioning", "creates the state", &state, ""),
        ("disruption", "creates the state", &state, ""),
        ("catalog", "creates the state", &state, ""),
        ("disruption", "creates the catalog", &catalog, ""),
        ("catalog", "creates the catalog", &catalog, ""),
        ("provisioning", "creates the state elsewhere", &elsewhere, ""),
        ("provisioning", "creates the lease", create, &planner),
        ("provisioning", "creates another lease", create, &lease("other", NAMESPACE)),
        ("provisioning", "creates it elsewhere", create, &lease("joiner-planner", "default")),
        ("lifecycle", "creates the lease", create, &planner),
    ];
    check_verdicts(
        requests,
        &expect![[r#"
        provisioning creates the state: ok
        disruption creates the state: ok
        catalog creates the state: joiner creates no ConfigMap but joiner-state (joiner:catalog: joiner-catalog) and no Lease but joiner-planner
        disruption creates the catalog: joiner creates no ConfigMap but joiner-state (joiner:catalog: joiner-catalog) and no Lease but joiner-planner
        catalog creates the catalog: ok
        provisioning creates the state elsewhere: no right
        provisioning creates the lease: ok
        provisioning creates another lease: joiner creates no ConfigMap but joiner-state (joiner:catalog: joiner-catalog) and no Lease but joiner-planner
        provisioning creates it elsewhere: no right
        lifecycle creates the lease: no right
    "#]],
    );
}

#[test]
fn karpenters_lease_is_found_wherever_it_is_and_no_other_is_seen() {
    let Some(Cluster { server, .. }) = &*CLUSTER else { return };
    let one = "--field-selector=metadata.name=karpenter-leader-election";
    let list = |arguments: &[&str]| server.verdict("provisioning", arguments, "");
    assert_eq!(list(&["get", "leases", "-A", one]), "ok");
    assert_eq!(list(&["get", "leases", "-A"]), "no right");
    assert_eq!(list(&["-n", "kube-system", "get", "secrets"]), "no right");
    assert_eq!(list(&["-n", NAMESPACE, "get", "configmaps"]), "no right");
}

#[test]
fn the_forwarders_pod_is_admitted_where_only_restricted_ones_are() {
    let Some(Cluster { server, objects }) = &*CLUSTER else { return };
    let label = "pod-security.kubernetes.io/enforce=restricted";
    server.admin(&["label", "--overwrite", "namespace", NAMESPACE, label], "");
    let template = &named(objects, "Deployment", "joiner-forwarder")["spec"]["template"];
    let metadata = json!({ "name": "try", "namespace": NAMESPACE });
    let mut pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"] });
    let create = ["create", "--dry-run=server", "-f", "-"];
    server.admin(&create, &pod.to_string());
    pod["spec"]["containers"][0]["securityContext"]["capabilities"] = json!({});
    let refused = server.run(None, &create, &pod.to_string());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("violates PodSecurity"));
}

#[test]
fn the_functions_and_the_forwarder_have_a_priority_level_of_their_own() {
    let Some(Cluster { server, .. }) = &*CLUSTER else { return };
    let uid = |kind| server.admin(&["get", kind, "joiner", "-o", "jsonpath={.metadata.uid}"], "");
    let (schema, level) = (uid("flowschema"), uid("prioritylevelconfiguration"));
    let forwarder = format!("--as=system:serviceaccount:{NAMESPACE}:joiner-forwarder");
    for (function, more) in [(Some("lifecycle"), None), (None, Some(forwarder.as_str()))] {
        let mut arguments = vec!["get", "--raw", "/version", "-v=8"];
        arguments.extend(more);
        let is_so = |server: &ApiServer| {
            let output = server.run(function, &arguments, "");
            let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
            said.contains(&schema) && said.contains(&level)
        };
        server.until("its requests are of the flow schema joiner", is_so);
    }
}

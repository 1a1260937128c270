//! Who may do what: the whole of it as text, and the rules that it must keep.

use chart::render::{NAMESPACE, list, named, objects, of_kind, text, tool};
use chart::rights::{self, Right, to_text};
use expect_test::{Expect, expect};
use serde_json::Value;

const FUNCTIONS: [&str; 5] = ["provisioning", "lifecycle", "interruption", "disruption", "catalog"];

fn check_rights(subject: &str, expected: &Expect) {
    let Some(helm) = tool("HELM") else { return };
    expected.assert_eq(&to_text(&rights::of(&objects(&helm, "full"), subject)));
}

/// The rights of a function to a resource, as verbs, names left out.
fn verbs(objects: &[Value], function: &str, resource: &str) -> Vec<String> {
    let rights = rights::of(objects, &format!("joiner:{function}"));
    rights.into_iter().filter(|right| right.resource == resource).map(|right| right.verb).collect()
}

#[test]
fn the_forwarder_lists_and_watches_five_kinds() {
    check_rights(
        &format!("system:serviceaccount:{NAMESPACE}:joiner-forwarder"),
        &expect![[r#"
        ec2nodeclasses.karpenter.k8s.aws: list watch
        nodeclaims.karpenter.sh: list watch
        nodepools.karpenter.sh: list watch
        nodes: list watch
        pods: list watch
    "#]],
    );
}

#[test]
fn provisioning_launches() {
    check_rights(
        "joiner:provisioning",
        &expect![[r#"
            csinodes.storage.k8s.io: list watch
            daemonsets.apps: list watch
            ec2nodeclasses.karpenter.k8s.aws: list watch
            joiner-system: configmaps: create
            joiner-system: configmaps joiner-catalog: get
            joiner-system: configmaps joiner-state: get patch
            joiner-system: leases.coordination.k8s.io: create
            joiner-system: leases.coordination.k8s.io joiner-planner: get patch
            leases.coordination.k8s.io karpenter-leader-election: list
            namespaces: list watch
            namespaces kube-system: get
            nodeclaims.karpenter.sh: create delete get list patch watch
            nodeclaims.karpenter.sh/status: patch
            nodepools.karpenter.sh: list watch
            nodes: list watch
            persistentvolumeclaims: get
            persistentvolumes: get
            pods: list
            storageclasses.storage.k8s.io: list watch
        "#]],
    );
}

#[test]
fn lifecycle_joins_drains_and_ends() {
    check_rights(
        "joiner:lifecycle",
        &expect![[r#"
            ec2nodeclasses.karpenter.k8s.aws: list watch
            events: create patch
            joiner-system: configmaps: create
            joiner-system: configmaps joiner-state: get patch
            leases.coordination.k8s.io karpenter-leader-election: list
            namespaces kube-system: get
            nodeclaims.karpenter.sh: delete get list patch watch
            nodeclaims.karpenter.sh/status: patch
            nodepools.karpenter.sh: get list watch
            nodepools.karpenter.sh/status: patch
            nodes: delete get list patch watch
            poddisruptionbudgets.policy: list watch
            pods: delete list
            pods/eviction: create
        "#]],
    );
}

#[test]
fn interruption_writes_notices_and_closes_nodes() {
    check_rights(
        "joiner:interruption",
        &expect![[r#"
            csinodes.storage.k8s.io: list watch
            daemonsets.apps: list watch
            ec2nodeclasses.karpenter.k8s.aws: list watch
            events: create patch
            joiner-system: configmaps: create
            joiner-system: configmaps joiner-state: get patch
            leases.coordination.k8s.io karpenter-leader-election: list
            namespaces: list watch
            namespaces kube-system: get
            nodeclaims.karpenter.sh: delete get list patch watch
            nodepools.karpenter.sh: list watch
            nodes: get list patch watch
            persistentvolumeclaims: get
            persistentvolumes: get
            pods: list
            storageclasses.storage.k8s.io: list watch
        "#]],
    );
}

#[test]
fn disruption_marks_and_replaces() {
    check_rights(
        "joiner:disruption",
        &expect![[r#"
            csinodes.storage.k8s.io: list watch
            daemonsets.apps: list watch
            ec2nodeclasses.karpenter.k8s.aws: list watch
            events: create patch
            joiner-system: configmaps: create
            joiner-system: configmaps joiner-catalog: get
            joiner-system: configmaps joiner-state: get patch
            leases.coordination.k8s.io karpenter-leader-election: list
            namespaces: list watch
            namespaces kube-system: get
            nodeclaims.karpenter.sh: create delete get list patch watch
            nodeclaims.karpenter.sh/status: patch
            nodepools.karpenter.sh: list watch
            nodes: get list patch watch
            persistentvolumeclaims: list
            persistentvolumes: list
            poddisruptionbudgets.policy: list watch
            pods: list
            storageclasses.storage.k8s.io: list watch
        "#]],
    );
}

#[test]
fn catalog_writes_what_classes_come_to_and_one_config_map() {
    check_rights(
        "joiner:catalog",
        &expect![[r#"
            ec2nodeclasses.karpenter.k8s.aws: get list patch watch
            ec2nodeclasses.karpenter.k8s.aws/status: patch
            events: create patch
            joiner-system: configmaps: create
            joiner-system: configmaps joiner-catalog: get patch
            nodeclaims.karpenter.sh: list watch
        "#]],
    );
}

#[test]
fn operators_look() {
    check_rights(
        "joiner:operator",
        &expect![[r#"
            capacitybuffers.autoscaling.x-k8s.io: get list watch
            csinodes.storage.k8s.io: get list watch
            daemonsets.apps: get list watch
            ec2nodeclasses.karpenter.k8s.aws: get list watch
            events: get list watch
            joiner-system: configmaps joiner-catalog: get
            joiner-system: configmaps joiner-state: get
            joiner-system: deployments.apps joiner-forwarder: get
            joiner-system: leases.coordination.k8s.io joiner-planner: get
            leases.coordination.k8s.io karpenter-leader-election: list
            namespaces: get list watch
            nodeclaims.karpenter.sh: get list watch
            nodeoverlays.karpenter.sh: get list watch
            nodepools.karpenter.sh: get list watch
            nodes: get list watch
            persistentvolumeclaims: get list watch
            persistentvolumes: get list watch
            poddisruptionbudgets.policy: get list watch
            pods: get list watch
            storageclasses.storage.k8s.io: get list watch
        "#]],
    );
}

#[test]
fn the_launcher_ends_nothing_and_the_terminator_launches_nothing() {
    let Some(helm) = tool("HELM") else { return };
    let objects = objects(&helm, "full");
    let may = |function, verb: &str, resource| {
        verbs(&objects, function, resource).iter().any(|has| has == verb)
    };
    for (verb, resource) in [
        ("delete", "nodes"),
        ("patch", "nodes"),
        ("update", "nodes"),
        ("create", "pods/eviction"),
        ("delete", "pods"),
    ] {
        assert!(!may("provisioning", verb, resource), "provisioning may {verb} {resource}");
    }
    assert!(!may("lifecycle", "create", "nodeclaims.karpenter.sh"));
    assert!(may("provisioning", "create", "nodeclaims.karpenter.sh"));
    assert!(may("lifecycle", "delete", "nodes"));
    for function in FUNCTIONS.into_iter().filter(|function| *function != "lifecycle") {
        for (verb, resource) in
            [("delete", "nodes"), ("create", "pods/eviction"), ("delete", "pods")]
        {
            assert!(!may(function, verb, resource), "{function} may {verb} {resource}");
        }
    }
}

#[test]
fn no_role_has_a_wildcard_or_a_way_to_more_rights() {
    let Some(helm) = tool("HELM") else { return };
    let objects = objects(&helm, "full");
    for role in of_kind(&objects, "ClusterRole").chain(of_kind(&objects, "Role")) {
        for rule in list(role, "/rules") {
            assert!(list(rule, "/nonResourceURLs").is_empty(), "{role}");
            for Right { resource, verb, name, .. } in rights::of_rule(rule, None) {
                let line = format!("{}: {verb} {resource}", text(role, "/metadata/name"));
                assert!(!resource.contains('*') && !verb.contains('*'), "{line}");
                assert!(
                    !["escalate", "bind", "impersonate", "deletecollection"].contains(&&*verb),
                    "{line}"
                );
                let kind = resource.split('.').next().expect("split gives one part at least");
                assert!(
                    !["secrets", "serviceaccounts/token", "pods/exec", "roles", "clusterroles"]
                        .contains(&kind),
                    "{line}"
                );
                // A ConfigMap may hold a secret; ours are known by name.
                if kind == "configmaps" {
                    assert!(name.is_some() || verb == "create", "{line}");
                }
            }
        }
    }
}

#[test]
fn a_verb_on_a_resource_is_given_once() {
    let Some(helm) = tool("HELM") else { return };
    let objects = objects(&helm, "full");
    for role in of_kind(&objects, "ClusterRole").chain(of_kind(&objects, "Role")) {
        let mut all: Vec<Right> =
            list(role, "/rules").iter().flat_map(|rule| rights::of_rule(rule, None)).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "{}", text(role, "/metadata/name"));
    }
}

#[test]
fn only_the_groups_of_functions_and_operators_are_bound() {
    let Some(helm) = tool("HELM") else { return };
    let objects = objects(&helm, "full");
    let bindings = of_kind(&objects, "ClusterRoleBinding").chain(of_kind(&objects, "RoleBinding"));
    for subject in bindings.flat_map(|binding| list(binding, "/subjects")) {
        match text(subject, "/kind") {
            "Group" => {
                let name = text(subject, "/name").strip_prefix("joiner:");
                let name = name.expect("a group of joiner's begins with its name");
                assert!(FUNCTIONS.contains(&name) || name == "operator", "{subject}");
            }
            _ => assert_eq!(text(subject, "/name"), "joiner-forwarder"),
        }
    }
}

#[test]
fn every_policy_and_the_flow_schema_know_every_function() {
    let Some(helm) = tool("HELM") else { return };
    let objects = objects(&helm, "full");
    let groups: Vec<String> =
        FUNCTIONS.iter().map(|function| format!("joiner:{function}")).collect();
    let quoted: Vec<String> = groups.iter().map(|group| format!("'{group}'")).collect();
    let condition =
        format!("request.userInfo.groups.exists(group, group in [{}])", quoted.join(", "));
    for policy in of_kind(&objects, "ValidatingAdmissionPolicy") {
        assert_eq!(text(policy, "/spec/matchConditions/0/expression"), condition, "{policy}");
        assert_eq!(text(policy, "/spec/failurePolicy"), "Fail");
        let name = text(policy, "/metadata/name");
        let binding = named(&objects, "ValidatingAdmissionPolicyBinding", name);
        assert_eq!(text(binding, "/spec/policyName"), name);
        assert_eq!(binding["spec"]["validationActions"], serde_json::json!(["Deny"]));
    }
    let flow = named(&objects, "FlowSchema", "joiner");
    let subjects = list(flow, "/spec/rules/0/subjects");
    let named: Vec<&str> = subjects.iter().map(|s| text(s, "/group/name")).collect();
    assert_eq!(named[..groups.len()], groups);
    assert_eq!(text(&subjects[groups.len()], "/serviceAccount/name"), "joiner-forwarder");
    assert_eq!(subjects.len(), groups.len() + 1);
}

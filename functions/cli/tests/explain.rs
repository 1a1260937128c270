//! `joiner explain node` and `joiner explain pool` from a file to text.

use expect_test::expect;
use joiner_cli::{Streams, run};
use std::path::Path;

/// A node twice as large as its pod needs, and one without a claim.
const WORLD: &str =
    concat!(include_str!("data/cluster.yaml"), "---\n", include_str!("data/oversized.yaml"));

/// Nobody may evict the pod of the large node.
const BUDGET: &str = "
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web, namespace: shop }
spec: { minAvailable: 1, selector: {} }
status: { disruptionsAllowed: 0, expectedPods: 1, currentHealthy: 1, desiredHealthy: 1 }
";

/// Exit code, standard output and standard error of `joiner explain` for these objects.
fn explain(what: &[&str], objects: &str, output: &str) -> (u8, String, String) {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/catalog.json");
    let catalog = catalog.display().to_string();
    let (mut text, mut errors) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        input: &mut objects.as_bytes(),
        output: &mut text,
        errors: &mut errors,
        has_terminal: false,
    };
    let arguments = ["joiner", "explain"].into_iter().chain(what.iter().copied());
    let arguments = arguments.chain(["-f", "-", "--catalog", &catalog, "-o", output]);
    let code = run(arguments, &mut streams);
    let read = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (code, read(text), read(errors))
}

#[test]
fn a_node_is_explained_by_its_claim_what_else_would_do_and_what_comes_of_it() {
    expect![[r#"
        node ip-10-0-0-2
          xlarge in us-east-1a, on-demand: $0.2000/h, $146 a month
          1 pod: 38% of its cpu and 6% of its memory are requested
            shop/web-9

        why it is there
          NodeClaim default-1 of NodePool default, made 6h0m ago; requests: nothing
          2 instance types are admitted and hold that, 1 of them for less at present prices:
          TYPE    ZONE        CAPACITY   $/HOUR
          large   us-east-1a  on-demand  0.1000
          xlarge  us-east-1a  on-demand  0.2000

        the next pass would
          claim default-1: stamped anew

        why it stays
          It has been worth disrupting for less than 15 s

        it would go once it has been seen so for long enough (joiner plan --consolidate says what would come)
    "#]].assert_eq(&explain(&["node", "ip-10-0-0-2"], WORLD, "table").1);
}

#[test]
fn what_keeps_a_node_from_being_disrupted_is_said_in_karpenters_words() {
    let objects = format!("{WORLD}{BUDGET}");
    expect![[r#"
        node ip-10-0-0-2
          xlarge in us-east-1a, on-demand: $0.2000/h, $146 a month
          1 pod: 38% of its cpu and 6% of its memory are requested
            shop/web-9

        why it is there
          NodeClaim default-1 of NodePool default, made 6h0m ago; requests: nothing
          2 instance types are admitted and hold that, 1 of them for less at present prices:
          TYPE    ZONE        CAPACITY   $/HOUR
          large   us-east-1a  on-demand  0.1000
          xlarge  us-east-1a  on-demand  0.2000

        the next pass would
          claim default-1: stamped anew

        why it stays
          Pdb prevents pod evictions (PodDisruptionBudget=[shop/web])
    "#]]
    .assert_eq(&explain(&["node", "ip-10-0-0-2"], &objects, "table").1);
    expect![[r#"
        {"node":"ip-10-0-0-2","claim":{"name":"default-1","created":"2026-01-01T00:00:00Z","madeFor":0,"requests":"nothing","alternatives":[{"instanceType":"large","zone":"us-east-1a","capacityType":"on-demand","pricePerHour":0.1},{"instanceType":"xlarge","zone":"us-east-1a","capacityType":"on-demand","pricePerHour":0.2}],"cheaper":1},"nodePool":"default","instanceType":"xlarge","zone":"us-east-1a","capacityType":"on-demand","pricePerHour":0.2,"pods":["shop/web-9"],"cpuPercent":38,"memoryPercent":6,"drifted":null,"nextPass":["claim default-1: stamped anew"],"stays":["Pdb prevents pod evictions (PodDisruptionBudget=[shop/web])"],"wouldGo":false}
    "#]].assert_eq(&explain(&["node", "ip-10-0-0-2"], &objects, "json").1);
}

#[test]
fn a_node_that_has_drifted_says_for_how_long_and_what_the_next_pass_does() {
    let requirement = "        - key: karpenter.sh/capacity-type
          operator: In";
    let more =
        "        - { key: node.kubernetes.io/instance-type, operator: In, values: [large] }\n";
    let initialized = "    - { type: Initialized,";
    let drifted = "    - { type: Drifted, status: \"True\", reason: RequirementsDrifted, lastTransitionTime: \"2026-01-01T05:00:00Z\" }\n";
    let objects = WORLD
        .replace(requirement, &format!("{more}{requirement}"))
        .replace(initialized, &format!("{drifted}{initialized}"));
    expect![[r#"
        node ip-10-0-0-2
          xlarge in us-east-1a, on-demand: $0.2000/h, $146 a month
          1 pod: 38% of its cpu and 6% of its memory are requested
            shop/web-9

        why it is there
          NodeClaim default-1 of NodePool default, made 6h0m ago; requests: nothing
          2 instance types are admitted and hold that, 1 of them for less at present prices:
          TYPE    ZONE        CAPACITY   $/HOUR
          large   us-east-1a  on-demand  0.1000
          xlarge  us-east-1a  on-demand  0.2000

        drifted for 1h0m: RequirementsDrifted

        the next pass would
          node ip-10-0-0-2: taint karpenter.sh/disrupted:NoSchedule
          claim default-1: to be replaced by default-5msftpff
          claim default-1: DisruptionReason=True (Drifted)
          create claim default-5msftpff
    "#]]
    .assert_eq(&explain(&["node", "ip-10-0-0-2"], &objects, "table").1);
    expect![[r#"
        NodePool default (weight 0, EC2NodeClass default)
          takes new nodes
          2 nodes for $0.2000/h, $146 a month
          limit of cpu: 6 of 12 used
          budget for Empty: 1 more may go now, 1 at once
          budget for Underutilized: 1 more may go now, 1 at once
          budget for Drifted: 1 more may go now, 1 at once

        NODE         TYPE    $/HOUR  PODS  DRIFTED              NEXT
        ip-10-0-0-1  large        -     0  no
        ip-10-0-0-2  xlarge  0.2000     1  RequirementsDrifted  node ip-10-0-0-2: taint karpenter.sh/disrupted:NoSchedule
                                                                claim default-1: to be replaced by default-5msftpff
                                                                claim default-1: DisruptionReason=True (Drifted)
                                                                create claim default-5msftpff
    "#]].assert_eq(&explain(&["pool", "default"], &objects, "table").1);
}

#[test]
fn a_node_that_has_no_claim_is_left_alone() {
    expect![[r#"
        node ip-10-0-0-1
          large in us-east-1a, unknown: its price is not known
          0 pods: 0% of its cpu and 0% of its memory are requested

        why it is there
          it has no NodeClaim: joiner leaves it alone
    "#]]
    .assert_eq(&explain(&["node", "ip-10-0-0-1"], WORLD, "table").1);
}

#[test]
fn a_pool_is_explained_by_limits_budgets_and_how_each_node_stands() {
    let objects = format!("{WORLD}{BUDGET}");
    expect![[r#"
        NodePool default (weight 0, EC2NodeClass default)
          takes new nodes
          2 nodes for $0.2000/h, $146 a month
          limit of cpu: 6 of 12 used
          budget for Empty: 1 more may go now, 1 at once
          budget for Underutilized: 1 more may go now, 1 at once
          budget for Drifted: 1 more may go now, 1 at once

        NODE         TYPE    $/HOUR  PODS  DRIFTED  NEXT
        ip-10-0-0-1  large        -     0  no
        ip-10-0-0-2  xlarge  0.2000     1  no       Pdb prevents pod evictions (PodDisruptionBudget=[shop/web])
                                                    claim default-1: stamped anew
    "#]]
    .assert_eq(&explain(&["pool", "default"], &objects, "table").1);
    expect![[r#"
        {"name":"default","weight":0,"nodeClass":"default","replicas":null,"closed":null,"limits":[{"resource":"cpu","most":"12","used":"6"}],"budgets":[{"reason":"Empty","left":1,"allowed":1},{"reason":"Underutilized","left":1,"allowed":1},{"reason":"Drifted","left":1,"allowed":1}],"costPerHour":0.2,"nodes":[{"name":"ip-10-0-0-1","instanceType":"large","pricePerHour":null,"pods":0,"drifted":null,"what":[]},{"name":"ip-10-0-0-2","instanceType":"xlarge","pricePerHour":0.2,"pods":1,"drifted":null,"what":["Pdb prevents pod evictions (PodDisruptionBudget=[shop/web])","claim default-1: stamped anew"]}]}
    "#]].assert_eq(&explain(&["pool", "default"], &objects, "json").1);
}

#[test]
fn a_pool_that_takes_no_new_nodes_says_why() {
    let objects = WORLD.replace(
        "kind: EC2NodeClass\nmetadata:\n  name: default",
        "kind: EC2NodeClass\nmetadata:\n  name: other",
    );
    expect![[r#"
        NodePool default (weight 0, EC2NodeClass default)
          not ready: NodePool default takes no new nodes: its EC2NodeClass default does not exist
          2 nodes for $0.2000/h, $146 a month
          limit of cpu: 6 of 12 used
          budget for Empty: 1 more may go now, 1 at once
          budget for Underutilized: 1 more may go now, 1 at once
          budget for Drifted: 1 more may go now, 1 at once

        NODE         TYPE    $/HOUR  PODS  DRIFTED  NEXT
        ip-10-0-0-1  large        -     0  no
        ip-10-0-0-2  xlarge  0.2000     1  no       Instance Type "xlarge" not found
                                                    claim default-1: stamped anew
    "#]]
    .assert_eq(&explain(&["pool", "default"], &objects, "table").1);
}

#[test]
fn a_pod_can_be_asked_for_with_its_kind() {
    let named = explain(&["pod", "shop/web-9"], WORLD, "table");
    assert_eq!(named, explain(&["shop/web-9"], WORLD, "table"));
    expect![[r#"
        pod shop/web-9
          it runs on node ip-10-0-0-2

        NodePool default (weight 0)
          yes: 2 instance types would do, the cheapest 2 alone on a node:
          TYPE    ZONE        CAPACITY   $/HOUR
          large   us-east-1a  on-demand  0.1000
          xlarge  us-east-1a  on-demand  0.2000
    "#]]
    .assert_eq(&named.1);
}

#[test]
fn what_is_not_there_is_bad_input_in_one_line() {
    let mut lines = String::new();
    for what in [["node", "nobody"], ["pool", "nobody"], ["deployment", "web"]] {
        let (code, output, errors) = explain(&what, WORLD, "table");
        assert_eq!((code, &*output), (2, ""), "{errors}");
        lines.push_str(&errors);
    }
    expect![[r#"
        error: node nobody: not in these files; expected one of their nodes
        error: NodePool nobody: not in these files; expected one of their NodePools
        error: KIND: expected pod, node or pool, found "deployment"
    "#]]
    .assert_eq(&lines);
}

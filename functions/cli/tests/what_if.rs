//! `joiner plan --what-if` from files to text.
#![cfg(test)]

use expect_test::expect;
use joiner_cli::{Streams, run};
use std::fs;
use std::path::{Path, PathBuf};

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

/// The pool of `cluster.yaml` with other requirements.
fn pool(requirements: &str, more: &str) -> String {
    format!(
        "apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {{ name: default }}
spec:
  template:
    metadata: {{ labels: {{ team: shop }} }}
    spec:
      nodeClassRef: {{ group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }}
      requirements: [{requirements}]
      {more}
"
    )
}

const LARGE_ONLY: &str = "{ key: node.kubernetes.io/instance-type, operator: In, values: [large] }";

/// A file with this text; its name is in no message that is compared.
fn file(name: &str, text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("joiner-what-if-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Exit code, standard output and standard error for a cluster and what is to become of its pools.
fn what_if(objects: &str, changed: &Path, output: &str) -> (u8, String, String) {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/catalog.json");
    let (catalog, path) = (catalog.display().to_string(), changed.display().to_string());
    let (mut text, mut errors) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        input: &mut objects.as_bytes(),
        output: &mut text,
        errors: &mut errors,
        has_terminal: false,
    };
    let arguments =
        ["joiner", "plan", "-f", "-", "--catalog", &catalog, "-o", output, "--what-if", &path];
    let code = run(arguments, &mut streams);
    let read = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (code, read(text), read(errors).replace(&path, "pool.yaml"))
}

#[test]
fn nodes_that_the_new_requirements_do_not_admit_drift_and_their_pods_get_others() {
    let changed = file("large.yaml", &pool(LARGE_ONLY, ""));
    let (code, text, errors) = what_if(WORLD, &changed, "table");
    assert_eq!(code, 0, "{errors}");
    expect![[r#"
        NODE         NODEPOOL  TYPE    $/HOUR  PODS  DRIFTS FOR           FIRST PASS
        ip-10-0-0-2  default   xlarge  0.2000     1  RequirementsDrifted  renews it

        NEW NODES  NODEPOOL  TYPE   CAPACITY  $/HOUR EACH  PODS
                1  default   large  spot           0.0400     1

        nodes that drift: 1, held back: 0, drifted before: 0
        they cost          $0.2000/h, $146 a month
        instead come       $0.0400/h, $29 a month (1 new node, 0 pods moved to others)
        the cluster costs  $146 a month, then $29
    "#]]
    .assert_eq(&text);
    expect![[r#"
        note: EC2NodeClass default: no subnets in its status, assumed one in each of us-east-1a, us-east-1b
        note: EC2NodeClass default: no images in its status, assumed one for amd64 and arm64 each
        note: 1 NodeClaims do not say what they were made from: taken as made from NodePool and EC2NodeClass as they are now
    "#]].assert_eq(&errors);
    expect![[r#"
        {"drift":[{"node":"ip-10-0-0-2","nodePool":"default","instanceType":"xlarge","pricePerHour":0.2,"pods":1,"reason":"RequirementsDrifted","blocked":false,"firstPass":[]}],"driftedBefore":0,"nodeClaims":[{"name":"default-5msftpff","nodePool":"default","instanceTypes":["large"],"launch":{"instanceType":"large","zone":"us-east-1b","capacityType":"spot","pricePerHour":0.04},"labels":{"karpenter.k8s.aws/ec2nodeclass":"default","karpenter.sh/nodepool":"default","team":"shop"},"pods":["shop/web-9"]}],"movedToOthers":0,"leftOut":{},"driftPerHour":0.2,"newPerHour":0.04,"beforePerMonth":146.0,"afterPerMonth":29.2,"blocked":0}
    "#]].assert_eq(&what_if(WORLD, &changed, "json").1);
}

#[test]
fn what_forbids_the_renewal_is_named() {
    let changed = file("held.yaml", &pool(LARGE_ONLY, ""));
    let objects = format!("{WORLD}{BUDGET}");
    expect![[r#"
        NODE         NODEPOOL  TYPE    $/HOUR  PODS  DRIFTS FOR           FIRST PASS
        ip-10-0-0-2  default   xlarge  0.2000     1  RequirementsDrifted  Pdb prevents pod evictions (PodDisruptionBudget=[shop/web])

        NEW NODES  NODEPOOL  TYPE   CAPACITY  $/HOUR EACH  PODS
                1  default   large  spot           0.0400     1

        nodes that drift: 1, held back: 1, drifted before: 0
        they cost          $0.2000/h, $146 a month
        instead come       $0.0400/h, $29 a month (1 new node, 0 pods moved to others)
        the cluster costs  $146 a month, then $29
    "#]].assert_eq(&what_if(&objects, &changed, "table").1);
}

#[test]
fn a_change_of_the_template_makes_every_node_of_the_pool_drift() {
    let changed = file("expires.yaml", &pool("", "expireAfter: 24h"));
    expect![[r#"
        NODE         NODEPOOL  TYPE    $/HOUR  PODS  DRIFTS FOR       FIRST PASS
        ip-10-0-0-2  default   xlarge  0.2000     1  NodePoolDrifted  renews it

        NEW NODES  NODEPOOL  TYPE   CAPACITY  $/HOUR EACH  PODS
                1  default   large  spot           0.0400     1

        nodes that drift: 1, held back: 0, drifted before: 0
        they cost          $0.2000/h, $146 a month
        instead come       $0.0400/h, $29 a month (1 new node, 0 pods moved to others)
        the cluster costs  $146 a month, then $29
    "#]]
    .assert_eq(&what_if(WORLD, &changed, "table").1);
}

#[test]
fn pods_that_the_changed_pool_does_not_take_are_left_out_with_the_reason() {
    let none = "{ key: team, operator: In, values: [search] }";
    let changed = pool(none, "").replace("team: shop", "other: shop");
    let changed = file("nobody.yaml", &changed);
    expect![[r#"
        NODE         NODEPOOL  TYPE    $/HOUR  PODS  DRIFTS FOR       FIRST PASS
        ip-10-0-0-2  default   xlarge  0.2000     1  NodePoolDrifted  Pod shop/web-9 would have no other place: asks for team In [shop], NodePool default offers In [search]

        LEFT OUT        WHY
        pod shop/web-9  asks for team In [shop], NodePool default offers In [search]

        nodes that drift: 1, held back: 1, drifted before: 0
        they cost          $0.2000/h, $146 a month
        instead come       $0.0000/h, $0 a month (0 new nodes, 0 pods moved to others)
        the cluster costs  $146 a month, then $0, without the 1 left out
    "#]].assert_eq(&what_if(WORLD, &changed, "table").1);
}

#[test]
fn a_pool_as_it_is_makes_no_node_drift() {
    let requirement = "{ key: karpenter.sh/capacity-type, operator: In, values: [on-demand] }";
    let changed = file("same.yaml", &pool(requirement, ""));
    expect![[r#"
        No node drifts.

        nodes that drift: 0, held back: 0, drifted before: 0
        the cluster costs  $146 a month, then $146
    "#]]
    .assert_eq(&what_if(WORLD, &changed, "table").1);
}

#[test]
fn a_changed_class_keeps_what_its_terms_have_found_and_says_where_they_are_others() {
    let class = "apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: { name: default }
spec:
  amiSelectorTerms: [{ alias: al2023@latest }]
  role: other
  subnetSelectorTerms: [{ tags: { cluster: other } }]
  securityGroupSelectorTerms: [{ tags: { cluster: shop } }]
";
    let (code, text, errors) = what_if(WORLD, &file("class.yaml", class), "table");
    assert_eq!(code, 0, "{errors}");
    expect![[r#"
        NODE         NODEPOOL  TYPE    $/HOUR  PODS  DRIFTS FOR      FIRST PASS
        ip-10-0-0-2  default   xlarge  0.2000     1  NodeClassDrift  renews it

        NEW NODES  NODEPOOL  TYPE   CAPACITY   $/HOUR EACH  PODS
                1  default   large  on-demand       0.1000     1

        nodes that drift: 1, held back: 0, drifted before: 0
        they cost          $0.2000/h, $146 a month
        instead come       $0.1000/h, $73 a month (1 new node, 0 pods moved to others)
        the cluster costs  $146 a month, then $73
    "#]]
    .assert_eq(&text);
    expect![[r#"
        note: EC2NodeClass default: no subnets in its status, assumed one in each of us-east-1a, us-east-1b
        note: EC2NodeClass default: no images in its status, assumed one for amd64 and arm64 each
        note: 1 NodeClaims do not say what they were made from: taken as made from NodePool and EC2NodeClass as they are now
        note: EC2NodeClass default: its new terms select subnets that are not known here; taken as those of now
    "#]].assert_eq(&errors);
}

#[test]
fn a_file_without_pools_or_classes_and_one_with_other_things_are_bad_input() {
    let mut lines = String::new();
    let wrong = pool("{ key: topology.kubernetes.io/zone, operator: In, values: [mars-1a] }", "");
    let cases = [
        ("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: []}\n"),
        ("ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n"),
        ("cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"),
        ("mars.yaml", &wrong),
        ("text.yaml", "just text"),
    ];
    for (name, text) in cases {
        let (code, output, errors) = what_if(WORLD, &file(name, text), "table");
        assert_eq!((code, &*output), (2, ""), "{errors}");
        lines.push_str(&errors);
    }
    expect![[r#"
        error: pool.yaml: expected NodePools and EC2NodeClasses only, found Pod default/web
        error: pool.yaml: expected NodePools and EC2NodeClasses only, found none of them
        error: pool.yaml: expected NodePools and EC2NodeClasses only, found a ConfigMap
        error: pool.yaml: NodePool default: spec.template.spec.requirements: expected zones of us-east-1 (us-east-1a, us-east-1b), found mars-1a
        error: pool.yaml: document 1: expected an object
    "#]].assert_eq(&lines);
}

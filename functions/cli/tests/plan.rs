//! `joiner plan` from arguments to text: what it prints and what it refuses.

use expect_test::{Expect, expect};
use joiner_cli::{Streams, run};
use std::path::Path;

/// Exit code, standard output and standard error of a command line.
fn joiner(arguments: &[&str], input: &str) -> (u8, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        input: &mut input.as_bytes(),
        output: &mut output,
        errors: &mut errors,
        has_terminal: false,
    };
    let code = run(["joiner"].iter().chain(arguments).copied(), &mut streams);
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (code, text(output), text(errors))
}

fn data(file: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file).display().to_string()
}

/// The plan for these files of the data directory.
fn plan(files: &[&str], output: &str) -> String {
    let paths: Vec<String> = files.iter().map(|file| data(file)).collect();
    let catalog = data("catalog.json");
    let mut arguments = vec!["plan", "--catalog", &catalog, "-o", output];
    for path in &paths {
        arguments.extend(["-f", path]);
    }
    let (code, text, errors) = joiner(&arguments, "");
    assert_eq!(code, 0, "{errors}");
    text
}

/// Checks the exit code and the line of an input on standard input.
fn check_refused(input: &str, line: &Expect) {
    let (code, output, errors) = joiner(&["plan", "-f", "-"], input);
    assert_eq!((code, &*output), (2, ""), "{errors}");
    line.assert_eq(&errors);
}

#[test]
fn a_table_says_what_is_launched_what_fits_and_what_is_left_out() {
    expect![[r#"
        NODES  NODEPOOL  TYPE    ZONE        CAPACITY   $/HOUR  PODS  CPU  MEMORY
            1  default   xlarge  us-east-1a  on-demand  0.2000     2  77%     27%
            1  default   large   us-east-1a  on-demand  0.1000     1  79%     29%

        2 nodes for 3 pods
        total $0.3000/h, no plan for these pods can cost less than $0.2571/h (gap 16.7 %)

        NODE         PODS
        ip-10-0-0-1     1  shop/fits-the-node

        LEFT OUT                  WHY
               1  shop/elsewhere  asks for team In [search], NodePool default offers In [shop]
               1  shop/too-large  needs 64030m cpu, 64Mi memory, 2 pods with its daemons, more than any instance
                                  type of NodePool default has (largest: 3920m cpu, 15Gi memory, 58 pods)
               1  shop/gated      waits for scheduling gates example.com/quota
    "#]].assert_eq(&plan(&["cluster.yaml", "pods.yaml"], "table"));
}

#[test]
fn json_has_the_keys_that_programs_read() {
    let json = plan(&["cluster.yaml", "pods.yaml"], "json");
    let mut value: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    let seconds = value["solveSeconds"].take();
    assert!(seconds.is_f64() && json.ends_with('\n') && json.lines().count() == 1);
    expect![[r#"{"cost":{"gapPercent":16.7,"lowerBoundPerHour":0.257142,"perHour":0.3},"existing":[{"node":"ip-10-0-0-1","pods":["shop/fits-the-node"]}],"nodeClaims":[{"instanceTypes":["xlarge"],"labels":{"karpenter.k8s.aws/ec2nodeclass":"default","karpenter.sh/nodepool":"default","team":"shop"},"launch":{"capacityType":"on-demand","instanceType":"xlarge","pricePerHour":0.2,"zone":"us-east-1a"},"name":"default-vrv9d9zq","nodePool":"default","pods":["shop/web-0","shop/web-1"]},{"instanceTypes":["large","xlarge"],"labels":{"karpenter.k8s.aws/ec2nodeclass":"default","karpenter.sh/nodepool":"default","team":"shop"},"launch":{"capacityType":"on-demand","instanceType":"large","pricePerHour":0.1,"zone":"us-east-1a"},"name":"default-z6v89c2m","nodePool":"default","pods":["shop/web-2"]}],"solveSeconds":null,"unschedulable":[{"pod":"shop/elsewhere","reasons":["asks for team In [search], NodePool default offers In [shop]"]},{"pod":"shop/gated","reasons":["waits for scheduling gates example.com/quota"]},{"pod":"shop/too-large","reasons":["needs 64030m cpu, 64Mi memory, 2 pods with its daemons, more than any instance type of NodePool default has (largest: 3920m cpu, 15Gi memory, 58 pods)"]}]}"#]].assert_eq(&value.to_string());
}

/// What could be given back or replaced.
fn consolidation(files: &[&str], output: &str) -> String {
    let paths: Vec<String> = files.iter().map(|file| data(file)).collect();
    let catalog = data("catalog.json");
    let mut arguments = vec!["plan", "--consolidate", "--catalog", &catalog, "-o", output];
    for path in &paths {
        arguments.extend(["-f", path]);
    }
    let (code, text, errors) = joiner(&arguments, "");
    assert_eq!(code, 0, "{errors}");
    text
}

#[test]
fn consolidation_names_what_goes_what_comes_and_what_that_saves() {
    let files = ["cluster.yaml", "oversized.yaml"];
    expect![[r#"
        GOES
        ip-10-0-0-2

        NEW NODE          NODEPOOL  TYPE   ZONE        CAPACITY   $/HOUR  PODS
        default-hsn8f94v  default   large  us-east-1a  on-demand  0.1000     1

        saves $0.1000/h of $0.2000/h and moves 1 pods; no consolidation could save more than $0.1000/h
    "#]].assert_eq(&consolidation(&files, "table"));
    let mut value: serde_json::Value =
        serde_json::from_str(&consolidation(&files, "json")).expect("it is JSON");
    assert!(value["solveSeconds"].take().is_f64());
    expect![[r#"{"costPerHour":0.2,"existing":[],"kept":[],"movedPods":1,"nodeClaims":[{"instanceTypes":["large"],"labels":{"karpenter.k8s.aws/ec2nodeclass":"default","karpenter.sh/nodepool":"default","team":"shop"},"launch":{"capacityType":"on-demand","instanceType":"large","pricePerHour":0.1,"zone":"us-east-1a"},"name":"default-hsn8f94v","nodePool":"default","pods":["shop/web-9"]}],"remove":["ip-10-0-0-2"],"savedAtMostPerHour":0.100001,"savedPerHour":0.1,"solveSeconds":null}"#]].assert_eq(&value.to_string());
}

#[test]
fn limits_are_kept() {
    expect![[r#"
        NODES  NODEPOOL  TYPE    ZONE        CAPACITY   $/HOUR  PODS  CPU  MEMORY
            2  default   xlarge  us-east-1a  on-demand  0.4000     2  90%      0%

        2 nodes for 2 pods
        total $0.4000/h, no plan for these pods can cost less than $0.4000/h (gap 0.0 %)

        LEFT OUT             WHY
               1  default/c  would fit xlarge, but NodePool default is limited to 12 cpu and has 10
    "#]]
    .assert_eq(&plan(&["cluster.yaml", "over-limit.yaml"], "table"));
}

#[test]
fn nothing_to_place_is_nothing_to_launch() {
    expect![[r#"
        No new nodes.
    "#]]
    .assert_eq(&plan(&["cluster.yaml"], "table"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let once = plan(&["cluster.yaml", "pods.yaml", "over-limit.yaml"], "table");
    assert_eq!(once, plan(&["over-limit.yaml", "pods.yaml", "cluster.yaml"], "table"));
}

#[test]
fn the_built_in_catalogue_knows_what_things_cost() {
    let (cluster, pods) = (data("cluster.yaml"), data("over-limit.yaml"));
    let arguments = ["plan", "-f", &cluster, "-f", &pods, "--region", "eu-west-1"];
    let (code, output, errors) = joiner(&arguments, "");
    // The node of the file is in another region, and no one minds.
    assert_eq!(code, 0, "{errors}");
    assert!(output.contains("eu-west-1") && output.contains("on-demand"), "{output}");
    expect![[r#"
        note: EC2NodeClass default: no subnets in its status, assumed one in each of eu-west-1a, eu-west-1b, eu-west-1c
        note: EC2NodeClass default: no images in its status, assumed one for amd64 and arm64 each
    "#]].assert_eq(&errors);
}

#[test]
fn objects_that_are_not_looked_at_are_counted() {
    let input = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n";
    let (code, output, errors) = joiner(&["plan", "-f", "-"], input);
    assert_eq!((code, &*output), (0, "No new nodes.\n"));
    expect![[r#"
        note: 1 of kind Deployment are not looked at
    "#]]
    .assert_eq(&errors);
}

#[test]
fn bad_input_is_one_line_and_exit_code_two() {
    let pod = |spec: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: shop}}\nspec: {spec}\n"
        )
    };
    let cases = [
        (String::new(), expect![[r#"
            error: stdin: expected at least one object
        "#]]),
        ("\u{0}\u{1}\u{2}".to_owned(), expect![[r#"
            error: stdin: expected YAML: unexpected character: `\u{0}' at line 1, column 1
        "#]]),
        ("just text".to_owned(), expect![[r#"
            error: stdin: document 1: expected an object
        "#]]),
        ("{\"kind\": \"Pod\"".to_owned(), expect![[r#"
            error: stdin: expected JSON: EOF while parsing an object at line 1 column 14
        "#]]),
        (pod("{containers: [{resources: {requests: {cpu: -1}}}]}"), expect![[r#"
            error: stdin: Pod shop/web: spec.containers[0].resources.requests.cpu: "-1" is negative: expected zero or more
        "#]]),
        (pod("{containers: [{resources: {requests: {cpu: 1.2.3}}}]}"), expect![[r#"
            error: stdin: Pod shop/web: spec.containers[0].resources.requests.cpu: "1.2.3" is not a quantity: expected a number such as 500m, 2, 1.5Gi or 1e3
        "#]]),
        (pod("{containers: 3}"), expect![[r#"
            error: stdin: Pod shop/web: spec.containers: invalid type: integer `3`, expected a sequence
        "#]]),
        (
            "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: a}\nspec: {template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: a}, requirements: [], expireAfter: soon}}}".to_owned(),
            expect![[r#"
                error: stdin: NodePool a: spec.template.spec.expireAfter: expected a duration such as 720h or 1h30m, or Never, found "soon"
            "#]],
        ),
        (
            "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: a}\nspec: {template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: a}, requirements: [{key: topology.kubernetes.io/zone, operator: In, values: [mars-1a]}]}}}".to_owned(),
            expect![[r#"
                error: stdin: NodePool a: spec.template.spec.requirements: expected zones of us-east-1 (us-east-1a, us-east-1b, us-east-1c, us-east-1d, us-east-1e, us-east-1f), found mars-1a
            "#]],
        ),
    ];
    for (input, line) in cases {
        check_refused(&input, &line);
    }
}

#[test]
fn bad_arguments_are_exit_code_two() {
    let catalog = data("cluster.yaml");
    let cases: [(&[&str], Expect); 5] = [
        (
            &["plan", "-f", "/no/such/file.yaml"],
            expect![[r#"
            error: /no/such/file.yaml: No such file or directory (os error 2)
        "#]],
        ),
        (
            &["plan", "-f", "/"],
            expect![[r#"
            error: /: is a directory
        "#]],
        ),
        (
            &["plan", "-f", "-", "--region", "mars-1"],
            expect![[r#"
            error: --region: region "mars-1" is not in the catalogue, which knows eu-west-1, us-east-1, us-west-2
        "#]],
        ),
        (
            &["plan", "-f", "-", "--now", "tomorrow"],
            expect![[r#"
            error: invalid value 'tomorrow' for '--now <TIME>': failed to parse four digit integer as year: invalid digit, expected 0-9 but got t

            For more information, try '--help'.
        "#]],
        ),
        (
            &["plan", "-f", "-", "--catalog", &catalog],
            expect![[r#"
            error: cluster.yaml: catalogue: expected value at line 1 column 1
        "#]],
        ),
    ];
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: []}\n";
    for (arguments, line) in cases {
        let (code, output, errors) = joiner(arguments, pod);
        assert_eq!((code, &*output), (2, ""), "{errors}");
        line.assert_eq(&errors.replace(&catalog, "cluster.yaml"));
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    let (code, output, errors) = joiner(&["--version"], "");
    assert_eq!((code, &*errors), (0, ""));
    assert!(output.starts_with("joiner "), "{output}");
    let (code, output, errors) = joiner(&["plan", "--help"], "");
    assert_eq!((code, &*errors), (0, ""));
    assert!(output.contains("--catalog <FILE>"), "{output}");
}

/// What `joiner explain` says of a pod of these files of the data directory.
fn explain(pod: &str, files: &[&str], output: &str) -> (u8, String, String) {
    let paths: Vec<String> = files.iter().map(|file| data(file)).collect();
    let catalog = data("catalog.json");
    let mut arguments = vec!["explain", pod, "--catalog", &catalog, "-o", output];
    for path in &paths {
        arguments.extend(["-f", path]);
    }
    joiner(&arguments, "")
}

#[test]
fn a_pod_that_gets_a_node_is_explained_by_the_best_types_and_what_ruled_others_out() {
    expect![[r#"
        pod shop/web-1
          the plan for all pods puts it on a new xlarge in us-east-1a (on-demand, $0.2000/h), claim default-vrv9d9zq

        NodePool default (weight 0)
          yes: 2 instance types would do, the cheapest 2 alone on a node:
          TYPE    ZONE        CAPACITY   $/HOUR
          large   us-east-1a  on-demand  0.1000
          xlarge  us-east-1a  on-demand  0.2000
    "#]].assert_eq(&explain("shop/web-1", &["cluster.yaml", "pods.yaml"], "table").1);
}

#[test]
fn a_pod_that_no_pool_takes_is_explained_by_what_each_lacks() {
    expect![[r#"
        pod shop/elsewhere
          asks for team In [search], NodePool default offers In [shop]

        NodePool default (weight 0)
          no: asks for team In [search], NodePool default offers In [shop]
    "#]]
    .assert_eq(&explain("shop/elsewhere", &["cluster.yaml", "pods.yaml"], "table").1);
    expect![[r#"
        {"pod":"shop/too-large","placement":null,"reasons":["needs 64030m cpu, 64Mi memory, 2 pods with its daemons, more than any instance type of NodePool default has (largest: 3920m cpu, 15Gi memory, 58 pods)"],"nodePools":[{"name":"default","weight":0,"reason":"needs 64030m cpu, 64Mi memory, 2 pods with its daemons, more than any instance type of NodePool default has (largest: 3920m cpu, 15Gi memory, 58 pods)","instanceTypes":[],"ruledOut":{}}]}
    "#]]
        .assert_eq(&explain("shop/too-large", &["cluster.yaml", "pods.yaml"], "json").1);
}

#[test]
fn a_pod_that_is_not_in_the_files_is_bad_input() {
    let (code, output, errors) = explain("shop/nobody", &["cluster.yaml", "pods.yaml"], "table");
    assert_eq!((code, &*output), (2, ""));
    expect![[r#"
        error: pod shop/nobody: not in these files; expected one of their pods
    "#]]
    .assert_eq(&errors);
}

//! `joiner simulate` from arguments to text: what it takes, what it refuses, and that it repeats itself.

use expect_test::{Expect, expect};
use joiner_cli::{Streams, run};
use serde_json::Value;

/// Exit code, standard output and standard error of a command line.
fn joiner(arguments: &[&str], input: &str) -> (u8, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        input: &mut input.as_bytes(),
        output: &mut output,
        errors: &mut errors,
        has_terminal: false,
    };
    let code = run(["joiner", "simulate"].iter().chain(arguments).copied(), &mut streams);
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (code, text(output), text(errors))
}

/// The figures of a run that goes well.
fn figures(arguments: &[&str]) -> Value {
    let (code, output, errors) = joiner(arguments, "");
    assert_eq!((code, &*errors), (0, ""));
    serde_json::from_str(&output).expect("it is JSON")
}

/// The first line on standard error of each command line; all are refused.
fn check_refused(cases: &[(&[&str], &str)], expected: &Expect) {
    let mut lines = String::new();
    for (arguments, input) in cases {
        let (code, output, errors) = joiner(arguments, input);
        assert_eq!((code, &*output), (2, ""), "{errors}");
        lines.push_str(errors.lines().next().unwrap_or_default());
        lines.push('\n');
    }
    expected.assert_eq(&lines);
}

#[test]
fn a_burst_is_served_and_then_everything_goes() {
    let arguments = ["--workload", "burst", "--faults", "none", "-o", "json"];
    let figures = figures(&arguments);
    assert_eq!(figures["podsUnschedulable"], 0);
    assert_eq!(figures["violations"], Value::Array(vec![]));
    assert!(figures["podsCreated"].as_u64().is_some_and(|pods| 0 < pods));
    assert_eq!(figures["nodesLaunched"], figures["nodesTerminated"]);
}

#[test]
fn a_function_dies_at_every_point_at_which_it_waits_and_the_world_ends_as_it_did() {
    let workload = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/one-job.yaml");
    let figures =
        figures(&["--workload", workload, "--faults", "none", "--crash-points", "-o", "json"]);
    assert_eq!(figures["broken"], Value::Array(vec![]));
    assert!(figures["points"].as_u64().is_some_and(|points| 100 < points), "{figures}");
}

#[test]
fn three_hostile_worlds_break_nothing_and_end_empty() {
    let arguments = ["--days", "148..149", "--faults", "hostile", "--seeds", "3", "-o", "json"];
    let figures = figures(&arguments);
    assert_eq!(figures["violations"], Value::Array(vec![]));
    let runs = figures["runs"].as_array().expect("a sweep lists its runs");
    assert_eq!(runs.len(), 3);
    for run in runs {
        assert_eq!(run["nodesLaunched"], run["nodesTerminated"]);
        assert_eq!(run["podsUnschedulable"], 0);
        assert!(run["faultsInjected"].as_u64().is_some_and(|faults| 100 < faults));
    }
}

#[test]
fn without_the_forwarder_every_pod_has_its_launch_within_the_sweep() {
    let arguments = ["--days", "147..149", "--faults", "no-forwarder", "-o", "json"];
    let figures = figures(&arguments);
    assert_eq!(figures["violations"], Value::Array(vec![]));
    assert_eq!(figures["hints"], 0);
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let run = |seed| {
        let arguments = ["--workload", "burst", "--hours", "1", "--seed", seed, "-o", "json"];
        let mut figures = figures(&arguments);
        figures["wallSeconds"].take();
        figures
    };
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7"), run("8"));
}

#[test]
fn a_sweep_is_in_the_order_of_its_seeds() {
    let arguments = ["--workload", "burst", "--hours", "1", "--seed", "3", "--seeds", "3"];
    let sweep = figures(&[&arguments[..], &["-o", "json"]].concat());
    let seeds: Vec<u64> =
        sweep["runs"].as_array().into_iter().flatten().filter_map(|r| r["seed"].as_u64()).collect();
    assert_eq!(seeds, [3, 4, 5]);
    assert_eq!(sweep["violations"], Value::Array(vec![]));
    let (code, table, _) = joiner(&arguments, "");
    assert_eq!((code, table.lines().count()), (0, 4), "{table}");
}

#[test]
fn a_page_is_written() {
    let page = std::env::temp_dir().join(format!("joiner-page-{}.html", std::process::id()));
    let path = page.display().to_string();
    let arguments = ["--workload", "burst", "--hours", "1", "--report", &path];
    let (code, _, errors) = joiner(&arguments, "");
    let html = std::fs::read_to_string(&page).expect("the page is there");
    std::fs::remove_file(&page).expect("the page can go");
    assert_eq!((code, &*errors), (0, ""));
    assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
}

#[test]
fn workloads_that_cannot_be_used_are_refused_in_one_line() {
    let garbage = "\u{fffd}x".repeat(1 << 22);
    check_refused(
        &[
            (&["--trace", "/no/such.csv"], ""),
            (&["--trace", "-"], "name,cpu\nx,1\n"),
            (&["--trace", "-"], &garbage),
            (&["--days", "9..3"], ""),
            (&["--days", "500..501"], ""),
            (&["--workload", "-"], "nonsense: 3\n"),
            (&["--workload", "-"], &garbage),
            (&["--workload", "/no/such.yaml"], ""),
            (&["--region", "mars-1"], ""),
            (&["--faults", "some"], ""),
        ],
        &expect![[r#"
            error: /no/such.csv: No such file or directory (os error 2)
            error: stdin: line 1: column cpu_milli: is missing in the header
            error: stdin: line 1: column name: is missing in the header
            error: invalid value '9..3' for '--days <A..B>': "9..3" is no range of days: expected A..B with A below B, or A..
            error: openb_pod_list_default.csv: no pod is created on days 500..501
            error: stdin: line 1: nonsense: unknown field `nonsense`, expected one of title, days, items
            error: stdin: 16777216 bytes, more than the 4194304 that are read
            error: /no/such.yaml: No such file or directory (os error 2)
            error: --region: region "mars-1" is not in the catalogue, which knows eu-west-1, us-east-1, us-west-2
            error: invalid value 'some' for '--faults <FAULTS>': expected none, realistic, hostile or no-forwarder
        "#]],
    );
}

#[test]
fn pools_that_cannot_be_used_are_refused_in_one_line() {
    let pool = |requirements: &str| {
        format!(
            "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {{name: a}}\nspec: {{template: {{spec: {{\
             nodeClassRef: {{group: karpenter.k8s.aws, kind: EC2NodeClass, name: b}}, {requirements}}}}}}}\n"
        )
    };
    let class = "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: b}\nspec: {role: r, \
         amiSelectorTerms: [{alias: al2023@latest}], subnetSelectorTerms: [{id: subnet-0a}], \
         securityGroupSelectorTerms: [{id: sg-0a}]}\n";
    let zone =
        "requirements: [{key: topology.kubernetes.io/zone, operator: In, values: [mars-1a]}]";
    let garbage = "\u{fffd}x".repeat(1 << 22);
    check_refused(
        &[
            (&["--pools", "-"], &pool("requirements: []")),
            (&["--pools", "-"], class),
            (&["--pools", "-"], &pool("requirement: []")),
            (&["--pools", "-"], &format!("{}---\n{class}", pool(zone))),
            (&["--pools", "-"], &garbage),
        ],
        &expect![[r#"
            error: stdin: NodePool a: spec.template.spec.nodeClassRef.name: expected an EC2NodeClass of this file, found "b"
            error: stdin: expected at least one NodePool
            error: stdin: NodePool a: spec.template.spec.requirement: unknown field, expected one of expireAfter, nodeClassRef, requirements, startupTaints, taints, terminationGracePeriod
            error: stdin: NodePool a: spec.template.spec.requirements: expected zones of us-east-1 (us-east-1a, us-east-1b, us-east-1c, us-east-1d, us-east-1e, us-east-1f), found mars-1a
            error: stdin: document 1: expected an object
        "#]],
    );
}

#[test]
fn a_page_that_cannot_be_written_is_known_before_the_run() {
    let (code, output, errors) = joiner(&["--report", "/no/such/directory/page.html"], "");
    assert_eq!((code, &*output), (2, ""));
    expect![[r#"
        error: --report /no/such/directory/page.html: No such file or directory (os error 2)
    "#]]
    .assert_eq(&errors);
}

//! `joiner status --record` and `joiner replay`: what was seen decides the same again.
#![cfg(test)]

use expect_test::expect;
use joiner_cli::{Streams, run};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const WORLD: &str = concat!(
    include_str!("data/cluster.yaml"),
    "---\n",
    include_str!("data/oversized.yaml"),
    "---\n",
    include_str!("data/pods.yaml"),
);

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

fn path(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("joiner-replay-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// What `joiner status --record` writes for a cluster.
fn recorded(name: &str, objects: &str) -> String {
    let path = path(name);
    let file = path.display().to_string();
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/catalog.json");
    let catalog = catalog.display().to_string();
    let arguments = ["status", "-f", "-", "--catalog", &catalog, "--record", &file];
    let (code, _, errors) = joiner(&arguments, objects);
    assert_eq!(code, 0, "{errors}");
    fs::read_to_string(path).unwrap()
}

/// A recording with something of it changed.
fn changed(recording: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut value = serde_json::from_str(recording).unwrap();
    change(&mut value);
    value.to_string()
}

#[test]
fn the_decisions_of_a_recorded_cluster_are_made_again() {
    let recording = recorded("again", WORLD);
    let once = joiner(&["replay", "-", "--expect"], &recording);
    expect![[r#"
        provision at 2026-01-01T06:00:00Z
          launch default-c8pk6557: xlarge on-demand in us-east-1a at $0.2000/h
          node ip-10-0-0-1: shop/fits-the-node
          node ip-10-0-0-2: shop/web-0
          claim default-c8pk6557: shop/web-1 shop/web-2
          not pod shop/elsewhere: asks for team In [search], NodePool default offers In [shop]
          not pod shop/too-large: needs 64030m cpu, 64Mi memory, 2 pods with its daemons, more than any instance type of NodePool default has (largest: 3920m cpu, 15Gi memory, 58 pods)
          cost $0.2000/h, at least $0.1429/h
        disrupt at 2026-01-01T06:00:00Z
          remember the sweep: 0 candidates
          claim default-1: stamped anew
          not node ip-10-0-0-2: Can't replace with a cheaper node
    "#]].assert_eq(&once.1);
    assert_eq!((once.0, &*once.2), (0, ""));
    // The same bytes, and of a recording of that as well.
    assert_eq!(joiner(&["replay", "-", "--expect"], &recording), once);
    assert_eq!(recorded("twice", WORLD), recording);
}

#[test]
fn one_decision_can_be_asked_for_as_json() {
    let recording = recorded("json", WORLD);
    let json = joiner(&["replay", "-", "--decision", "disrupt", "-o", "json"], &recording).1;
    let report: Value = serde_json::from_str(&json).unwrap();
    let then: Value = serde_json::from_str(&recording).unwrap();
    assert_eq!(report["plans"]["disrupt"], then["plans"]["disrupt"]);
    assert!(report["plans"]["provision"].is_null());
}

#[test]
fn another_plan_than_the_recorded_one_is_exit_code_one_and_says_where() {
    let recording = changed(&recorded("other", WORLD), |value| {
        let placements = value["plans"]["provision"]["placements"].as_array_mut().unwrap();
        placements.pop().unwrap();
    });
    let (code, _, errors) = joiner(&["replay", "-", "--expect"], &recording);
    assert_eq!(code, 1);
    expect![[r#"
        provision, from line 4:
        - claim default-c8pk6557: shop/web-1
        + claim default-c8pk6557: shop/web-1 shop/web-2
        error: what is decided now is not what was decided then
    "#]]
    .assert_eq(&errors);
    // Nobody asked whether it is the same.
    assert_eq!(joiner(&["replay", "-"], &recording).0, 0);
}

#[test]
fn no_user_data_is_recorded() {
    let secret = "role: node\n  userData: 'the secret of the node'";
    let objects = WORLD.replace("role: node", secret);
    assert_ne!(objects, WORLD);
    let recording = recorded("secret", &objects);
    assert!(!recording.contains("secret of the node"));
    assert!(recording.contains("subnetSelectorTerms"));
}

#[test]
fn a_file_that_is_no_recording_is_bad_input_in_one_line() {
    let recording = recorded("bad", WORLD);
    let other = changed(&recording, |value| value["version"] = 2.into());
    let no_time = changed(&recording, |value| value["now"] = "soon".into());
    let nodes = changed(&recording, |value| {
        value["snapshot"]["cluster"]["nodes"][0]["created"] = 7.into();
    });
    let no_plan = changed(&recording, |value| value["plans"]["disrupt"] = Value::Null);
    let mut lines = String::new();
    for input in ["", "apiVersion: v1", &other, &no_time, &nodes, &no_plan] {
        let (code, output, errors) = joiner(&["replay", "-", "--expect"], input);
        assert_eq!((code, &*output), (2, ""), "{errors}");
        // Where it stands in the recording, which grows with what is recorded, is left out.
        lines.push_str(errors.trim_end().split(" at line ").next().unwrap_or_default());
        lines.push('\n');
    }
    expect![[r#"
        error: stdin: expected a file that joiner status --record has written: EOF while parsing a value
        error: stdin: expected a file that joiner status --record has written: expected value
        error: stdin: version: expected 1, found 2
        error: stdin: now: failed to parse four digit integer as year: invalid digit, expected 0-9 but got s
        error: stdin: snapshot.cluster.nodes[0].created: invalid type: integer `7`, expected a timestamp string
        error: stdin: plans.disrupt: expected a plan to compare with
    "#]].assert_eq(&lines);
}

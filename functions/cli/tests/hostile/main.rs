//! Whatever is given to `joiner`, it answers: with a result, or with one line and exit code 2. It never panics, and what it
//! takes, it plans without breaking a rule.
//!
//! The inputs are good ones with a few changes; the same ones each time. `HOSTILE_CASES=100000` tries that many.
#![cfg(test)]

mod mutate;

use joiner_cli::{Streams, run};
use model::name::Zone;
use mutate::{Change, changes};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};
use sim::trace::{Days, Trace};
use std::path::Path;

/// Inputs for each test where nobody asks for more: all of them together take a few seconds.
const CASES: u32 = 150;

/// Runs the test on inputs that are drawn from a fixed seed.
fn for_all<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let cases = std::env::var("HOSTILE_CASES").ok().and_then(|cases| cases.parse().ok());
    let config =
        Config { cases: cases.unwrap_or(CASES), failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(strategy, test) {
        panic!("{error}");
    }
}

fn data(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    std::fs::read_to_string(path).unwrap()
}

/// The documents of a YAML text as a List.
fn list(yaml: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": documents(yaml)})
}

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

/// Exit code, standard output and standard error of a command line.
fn joiner(arguments: &[&str], input: &[u8]) -> (u8, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut input = input;
    let mut streams = Streams {
        input: &mut input,
        output: &mut output,
        errors: &mut errors,
        has_terminal: false,
    };
    let code = run(["joiner"].iter().chain(arguments).copied(), &mut streams);
    (code, String::from_utf8(output).unwrap(), String::from_utf8(errors).unwrap())
}

/// Whether it is one line that a terminal can show.
fn check_line(line: &str) -> Result<(), TestCaseError> {
    prop_assert!(!line.chars().any(char::is_control), "{line:?}");
    prop_assert!(!line.is_empty() && line.chars().count() < 2500, "{line}");
    Ok(())
}

/// Plans standard input; a result, or a line.
fn check_plan(arguments: &[&str], input: &[u8]) -> Result<(), TestCaseError> {
    let (code, output, errors) = joiner(&[&["plan"], arguments].concat(), input);
    let lines: Vec<&str> = errors.lines().collect();
    match code {
        0 => {
            prop_assert!(lines.iter().all(|line| line.starts_with("note: ")), "{errors}");
            prop_assert!(!output.chars().any(|c| c.is_control() && c != '\n'), "{output:?}");
            lines.into_iter().try_for_each(check_line)
        }
        2 => {
            prop_assert_eq!(output, "");
            prop_assert_eq!(lines.len(), 1, "{}", errors);
            prop_assert!(errors.starts_with("error: ") && errors.ends_with('\n'), "{}", errors);
            check_line(lines[0])
        }
        _ => Err(TestCaseError::fail(errors)),
    }
}

fn catalogue() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/everything.json").display().to_string()
}

#[test]
fn the_seeds_are_good() {
    let catalogue = catalogue();
    let arguments = ["plan", "-f", "-", "--catalog", &catalogue, "-o", "json"];
    let plan = |input: &str| {
        let (code, output, errors) = joiner(&arguments, input.as_bytes());
        assert_eq!((code, &*errors), (0, ""));
        let mut plan: Value = serde_json::from_str(&output).unwrap();
        plan["solveSeconds"].take();
        plan
    };
    let seed = data("everything.yaml");
    // Nothing but the gated pod is left out: what is done to the others is looked at to the end.
    let left_out =
        json!([{"pod": "shop/gated", "reasons": ["waits for scheduling gates example.com/quota"]}]);
    assert_eq!(plan(&seed)["unschedulable"], left_out);
    assert_eq!(plan(&mutate::text(&list(&seed))), plan(&seed));
}

#[test]
fn changed_objects_are_planned_or_refused_in_one_line() {
    let (seed, catalogue) = (list(&data("everything.yaml")), catalogue());
    for_all(&(changes(), any::<bool>(), any::<bool>()), |(changes, is_yaml, is_json)| {
        let mut value = seed.clone();
        mutate::tree(&mut value, &changes);
        // JSON is YAML too, and behind this line it is read as that.
        let start = if is_yaml { "---\n" } else { "" };
        let format = if is_json { "json" } else { "table" };
        let text = format!("{start}{}", mutate::text(&value));
        check_plan(&["-f", "-", "--catalog", &catalogue, "-o", format], text.as_bytes())
    });
}

#[test]
fn changed_pools_and_classes_are_tried_or_refused_in_one_line() {
    let seed = documents(&data("everything.yaml")).into_iter();
    let is_changed =
        |object: &Value| matches!(object["kind"].as_str(), Some("NodePool" | "EC2NodeClass"));
    let seed = json!({"apiVersion": "v1", "kind": "List",
        "items": seed.filter(is_changed).collect::<Vec<_>>()});
    let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/everything.yaml");
    let (objects, catalogue) = (objects.display().to_string(), catalogue());
    for_all(&(changes(), any::<bool>()), |(changes, is_json)| {
        let mut value = seed.clone();
        mutate::tree(&mut value, &changes);
        let format = if is_json { "json" } else { "table" };
        let arguments = ["-f", &objects, "--catalog", &catalogue, "--what-if", "-", "-o", format];
        check_plan(&arguments, mutate::text(&value).as_bytes())
    });
}

#[test]
fn changed_bytes_are_planned_or_refused_in_one_line() {
    let (seed, catalogue) = (data("everything.yaml"), catalogue());
    for_all(&changes(), |changes| {
        let mut bytes = seed.clone().into_bytes();
        mutate::bytes(&mut bytes, &changes);
        check_plan(&["-f", "-", "--catalog", &catalogue], &bytes)
    });
}

#[test]
fn a_changed_catalogue_is_planned_with_or_refused_in_one_line() {
    let seed: Value = serde_json::from_str(&data("everything.json")).unwrap();
    let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/everything.yaml");
    let objects = objects.display().to_string();
    for_all(&(changes(), changes(), any::<bool>()), |(changes, byte_changes, has_bytes)| {
        let mut value = seed.clone();
        mutate::tree(&mut value, &changes);
        let mut bytes = mutate::text(&value).into_bytes();
        if has_bytes {
            mutate::bytes(&mut bytes, &byte_changes);
        }
        check_plan(&["-f", &objects, "--catalog", "-"], &bytes)
    });
}

fn check_workload(bytes: &[u8]) -> Result<(), TestCaseError> {
    let zones: [Zone; 2] = ["us-east-1a".into(), "us-east-1b".into()];
    match sim::file::parse(bytes, "w.yaml", &zones) {
        Ok(_) => Ok(()),
        Err(error) => check_line(&error.to_string()),
    }
}

#[test]
fn a_changed_workload_is_read_or_refused_in_one_line() {
    let seeds: Vec<Value> =
        sim::file::EXAMPLES.iter().map(|(_, text)| documents(text).remove(0)).collect();
    for_all(&(any::<usize>(), changes()), |(which, changes)| {
        let mut value = seeds[which % seeds.len()].clone();
        mutate::tree(&mut value, &changes);
        check_workload(mutate::text(&value).as_bytes())
    });
    for_all(&(any::<usize>(), changes()), |(which, changes)| {
        let mut bytes = sim::file::EXAMPLES[which % seeds.len()].1.as_bytes().to_vec();
        mutate::bytes(&mut bytes, &changes);
        check_workload(&bytes)
    });
}

/// The built-in trace's layout, a few rows of it.
const TRACE: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
openb-pod-0000,12000,16384,1,1000,,LS,Running,0,12537496,0
openb-pod-0001,6000,12288,1,460,,BE,Running,427061,12902960,427061
openb-pod-0002,500,1024,0,0,,Burstable,Failed,500000,600000,
";

#[test]
fn a_changed_trace_is_read_or_refused_in_one_line() {
    let check = |bytes: &[u8]| match Trace::parse(bytes, "t.csv") {
        Ok(trace) => match trace.workload(Days { from: 0, until: None }, 3, 1) {
            Ok(_) => Ok(()),
            Err(error) => check_line(&error.to_string()),
        },
        Err(error) => check_line(&error.to_string()),
    };
    for_all(&changes(), |changes: Vec<Change>| {
        let mut rows: Vec<Vec<String>> =
            TRACE.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
        for (at, what, with) in &changes {
            let width = rows[at % 4].len().max(1);
            if let Some(cell) = rows[at % 4].get_mut(what % width) {
                *cell = mutate::cell(*with);
            }
        }
        let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        check(lines.join("\n").as_bytes())
    });
    for_all(&changes(), |changes| {
        let mut bytes = TRACE.as_bytes().to_vec();
        mutate::bytes(&mut bytes, &changes);
        check(&bytes)
    });
}

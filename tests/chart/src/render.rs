//! Calling Helm.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The namespace that charts are rendered for.
pub const NAMESPACE: &str = "joiner-system";

/// The Kubernetes version that Helm is told, as `check.sh` does.
const KUBERNETES: &str = "1.36.3";

/// The file that a variable of the environment names. Says why a test does nothing where it names none.
pub fn tool(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    if path.is_none() {
        report(&format!("skipped: {variable} names nothing (infra/charts/check.sh sets it)"));
    }
    path
}

/// Says something to whoever runs the tests with `--nocapture`.
#[expect(clippy::print_stderr, reason = "what a test says goes to its output")]
pub(crate) fn report(line: &str) {
    eprintln!("{line}");
}

/// The repository's root.
///
/// # Panics
/// If this crate lies elsewhere than in `tests/chart`.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("tests/chart lies two folders below the root").to_owned()
}

/// What `helm template` does with the chart, values of `infra/charts/joiner/ci` and further `--set` assignments.
///
/// # Panics
/// If Helm cannot be started.
pub fn template(helm: &Path, values: Option<&str>, set: &[&str]) -> Output {
    let chart = root().join("infra/charts/joiner");
    let mut command = Command::new(helm);
    command.args(["template", "joiner", "--namespace", NAMESPACE, "--kube-version", KUBERNETES]);
    command.arg("--include-crds");
    if let Some(values) = values {
        command.arg("--values").arg(chart.join("ci").join(format!("{values}.yaml")));
    }
    for assignment in set {
        command.args(["--set", assignment]);
    }
    command.arg(&chart).output().expect("Helm can be started")
}

/// The objects that the chart comes to.
///
/// # Panics
/// If Helm refuses, or prints what is no YAML.
pub fn objects(helm: &Path, values: &str) -> Vec<Value> {
    parse(&rendered(helm, values, &[]))
}

/// What Helm prints for the chart.
///
/// # Panics
/// If Helm refuses.
pub fn rendered(helm: &Path, values: &str, set: &[&str]) -> String {
    let output = template(helm, Some(values), set);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("Helm prints UTF-8")
}

/// The objects of a YAML text.
///
/// # Panics
/// If it is none.
pub fn parse(text: &str) -> Vec<Value> {
    let mut options = serde_saphyr::Options::default();
    options.budget = None;
    let all: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).expect("Helm prints YAML");
    all.into_iter().filter(|value| !value.is_null()).collect()
}

/// An object's kind and name, for messages.
pub fn label(object: &Value) -> String {
    format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"))
}

/// The text at a place in an object; empty where there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a place in an object; empty where there is none.
pub fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The objects of a kind.
pub fn of_kind<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| text(object, "/kind") == kind)
}

/// The object of this kind and name.
///
/// # Panics
/// If there is none.
pub fn named<'a>(objects: &'a [Value], kind: &'a str, name: &str) -> &'a Value {
    of_kind(objects, kind)
        .find(|object| text(object, "/metadata/name") == name)
        .unwrap_or_else(|| panic!("there is a {kind} {name}"))
}

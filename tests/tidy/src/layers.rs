//! Who may depend on whom, and who may take what from outside.
//!
//! A crate or an edge that is not in these tables is a change of the architecture: write it down
//! here in the commit that makes it.

use serde_json::Value;

/// The crates of the workspace that a package may depend on.
enum Edges {
    Only(&'static [&'static str]),
    Any,
}

const FUNCTIONS: [&str; 5] =
    ["forwarder", "provisioning", "lifecycle", "interruption", "disruption"];

const LAYERS: [(&str, Edges); 24] = [
    ("model", Edges::Only(&[])),
    ("catalog", Edges::Only(&["model"])),
    ("launch", Edges::Only(&["model"])),
    ("planner", Edges::Only(&["model"])),
    ("reconciler", Edges::Only(&["model"])),
    ("kubernetes", Edges::Only(&["model", "reconciler"])),
    ("aws", Edges::Only(&["model", "catalog", "launch", "reconciler"])),
    ("sim", Edges::Only(&["model", "catalog", "launch", "reconciler", "planner"])),
    ("hints", Edges::Only(&["model"])),
    ("lambda", Edges::Only(&["model", "catalog", "reconciler", "kubernetes", "launch", "aws"])),
    ("catalog-function", Edges::Only(&["model", "catalog", "reconciler", "kubernetes", "aws"])),
    (
        "bootstrap",
        Edges::Only(&[
            "catalog-function",
            "disruption",
            "interruption",
            "lambda",
            "lifecycle",
            "provisioning",
        ]),
    ),
    ("forwarder", Edges::Only(&["model", "hints", "kubernetes"])),
    ("provisioning", Edges::Only(&["model", "planner", "reconciler"])),
    ("lifecycle", Edges::Only(&["model", "planner", "reconciler"])),
    ("interruption", Edges::Only(&["model", "planner", "reconciler"])),
    ("disruption", Edges::Only(&["model", "planner", "reconciler"])),
    ("joiner-cli", Edges::Any),
    ("tidy", Edges::Only(&[])),
    ("parity", Edges::Only(&[])),
    ("bench", Edges::Only(&["model", "catalog", "kubernetes", "planner"])),
    ("chart", Edges::Only(&[])),
    ("scenarios", Edges::Any),
    ("e2e", Edges::Any),
];

/// What the pure crates may take from outside, to ship. Their tests may take more.
const OUTSIDE: [(&str, &[&str]); 6] = [
    ("model", &["serde", "jiff", "thiserror", "rustc-hash"]),
    ("catalog", &["serde", "thiserror", "flate2", "serde_json", "serde_path_to_error"]),
    ("launch", &["jiff", "serde_json", "thiserror", "toml"]),
    ("hints", &["jiff"]),
    ("planner", &["serde", "jiff", "thiserror", "croner", "rustc-hash"]),
    ("reconciler", &["serde", "serde_json", "jiff", "thiserror", "tracing", "futures-util"]),
];

struct Dependency<'a> {
    package: &'a str,
    on: &'a str,
    is_dev: bool,
    is_workspace: bool,
}

/// Dependencies between our crates that the table does not allow, and crates it does not know.
///
/// The text is what `cargo metadata --no-deps` prints.
///
/// # Panics
/// If the text is not that.
pub fn check_edges(metadata: &str) -> Vec<String> {
    let metadata = parse(metadata);
    let strangers = packages(&metadata).map(name).filter(|name| row(name).is_none());
    let strangers = strangers.map(|name| format!("{name}: has no row in the table of layers"));
    let edges = dependencies(&metadata).filter(|dependency| dependency.is_workspace);
    let wrong = edges.filter(|edge| !is_allowed(edge));
    let wrong = wrong.map(|Dependency { package, on, is_dev, .. }| {
        let kind = if is_dev { "its tests" } else { "it" };
        format!("{package} -> {on}: {kind} may not depend on that")
    });
    strangers.chain(wrong).collect()
}

/// Crates from outside that a pure crate ships with and the table does not allow.
///
/// # Panics
/// If the text is not what `cargo metadata --no-deps` prints.
pub fn check_outside(metadata: &str) -> Vec<String> {
    let metadata = parse(metadata);
    let wrong = dependencies(&metadata).filter(|dependency| {
        let allowed = OUTSIDE.iter().find(|(package, _)| *package == dependency.package);
        !dependency.is_workspace
            && !dependency.is_dev
            && allowed.is_some_and(|(_, names)| !names.contains(&dependency.on))
    });
    wrong.map(|wrong| format!("{}: may not ship with `{}`", wrong.package, wrong.on)).collect()
}

fn is_allowed(edge: &Dependency) -> bool {
    let by_table = match row(edge.package) {
        Some(Edges::Only(names)) => names.contains(&edge.on),
        // A stranger is one finding of its own already.
        Some(Edges::Any) | None => true,
    };
    by_table || edge.is_dev && edge.on == "sim" && FUNCTIONS.contains(&edge.package)
}

fn row(name: &str) -> Option<&'static Edges> {
    LAYERS.iter().find(|(package, _)| *package == name).map(|(_, edges)| edges)
}

fn parse(metadata: &str) -> Value {
    serde_json::from_str(metadata).expect("cargo metadata prints JSON")
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().expect("cargo metadata lists packages").iter()
}

fn dependencies(metadata: &Value) -> impl Iterator<Item = Dependency<'_>> {
    packages(metadata).flat_map(|package| {
        let list = package["dependencies"].as_array().expect("a package lists its dependencies");
        list.iter().map(move |dependency| Dependency {
            package: name(package),
            on: name(dependency),
            is_dev: dependency["kind"] == "dev",
            is_workspace: dependency["path"].is_string(),
        })
    })
}

fn name(value: &Value) -> &str {
    value["name"].as_str().expect("packages and dependencies have names")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NONE: [&str; 0] = [];

    /// Cargo's output for one package with one dependency, as far as it is read here.
    fn one(package: &str, on: &str, kind: Option<&str>, path: Option<&str>) -> String {
        let dependency = json!({ "name": on, "kind": kind, "path": path });
        json!({ "packages": [{ "name": package, "dependencies": [dependency] }] }).to_string()
    }

    fn edge(package: &str, on: &str, kind: Option<&str>) -> Vec<String> {
        check_edges(&one(package, on, kind, Some("somewhere")))
    }

    #[test]
    fn an_edge_in_the_table_is_allowed() {
        assert_eq!(edge("planner", "model", None), NONE);
        assert_eq!(edge("kubernetes", "reconciler", None), NONE);
        assert_eq!(edge("joiner-cli", "sim", None), NONE);
        assert_eq!(edge("scenarios", "kubernetes", None), NONE);
    }

    #[test]
    fn an_edge_outside_the_table_is_found() {
        let wanted = ["planner -> reconciler: it may not depend on that"];
        assert_eq!(edge("planner", "reconciler", None), wanted);
        assert_eq!(edge("planner", "reconciler", Some("build")), wanted);
        assert_eq!(edge("model", "catalog", None).len(), 1);
        assert_eq!(edge("forwarder", "planner", None).len(), 1);
        assert_eq!(edge("tidy", "model", None).len(), 1);
    }

    #[test]
    fn only_the_tests_of_functions_may_use_the_simulator() {
        assert_eq!(edge("provisioning", "sim", Some("dev")), NONE);
        assert_eq!(edge("provisioning", "sim", None).len(), 1);
        assert_eq!(
            edge("planner", "sim", Some("dev")),
            ["planner -> sim: its tests may not depend on that"]
        );
        assert_eq!(edge("tidy", "sim", Some("dev")).len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        assert_eq!(edge("common", "model", None), ["common: has no row in the table of layers"]);
    }

    #[test]
    fn an_outside_crate_in_a_pure_crate_is_found() {
        let outside = |package, on, kind| check_outside(&one(package, on, kind, None));
        assert_eq!(outside("model", "tokio", None), ["model: may not ship with `tokio`"]);
        assert_eq!(outside("reconciler", "anyhow", Some("build")).len(), 1);
        assert_eq!(outside("planner", "serde_json", None).len(), 1);
        assert_eq!(outside("planner", "croner", None), NONE);
        assert_eq!(outside("model", "proptest", Some("dev")), NONE);
        assert_eq!(outside("kubernetes", "kube", None), NONE);
    }
}

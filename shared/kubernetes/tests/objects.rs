//! Objects that the API server takes and refuses under our definitions, as text for a real one; here, what our own types and
//! `joiner plan`'s reader make of them.
//!
//! Each document of `objects/invalid` says in comments what is expected: `expect` is in the API server's answer; with `update` an
//! object of the same kind and name stands in `objects/valid`, and its spec or status is replaced; `field` is what the reader names
//! (`(object)` the object as a whole), without it the reader takes the object.

use kubernetes::crd::capacity_buffer::CapacityBuffer;
use kubernetes::crd::node_claim::NodeClaim;
use kubernetes::crd::node_class::EC2NodeClass;
use kubernetes::crd::node_overlay::NodeOverlay;
use kubernetes::crd::node_pool::NodePool;
use kubernetes::manifest::{self, Source};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const FIELDS: &str = include_str!("data/crd-fields.tsv");

/// One object, and what stands above it in comments.
struct Example {
    file: String,
    says: BTreeMap<String, String>,
    text: String,
    object: Value,
}

impl Example {
    fn kind(&self) -> &str {
        self.object["kind"].as_str().expect("an object has a kind")
    }

    fn label(&self) -> String {
        let name = self.object["metadata"]["name"].as_str().expect("an object has a name");
        format!("{}: {} {name}", self.file, self.kind())
    }

    /// Whether `joiner plan` reads objects of the kind.
    fn is_planned_with(&self) -> bool {
        matches!(self.kind(), "NodePool" | "NodeClaim" | "EC2NodeClass")
    }

    /// The field that the reader refuses, and why.
    fn refusal(&self) -> Option<manifest::Error> {
        manifest::read(&[Source { name: "", bytes: self.text.as_bytes() }]).err()
    }
}

/// Every document of a folder.
fn examples(folder: &str) -> Vec<Example> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects").join(folder);
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<_> =
        entries.map(|file| file.expect("a file can be listed").path()).collect();
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).expect("a file can be read");
        let file = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        all.extend(text.split("---\n").skip(1).map(|document| Example {
            file: file.clone(),
            says: document.lines().filter_map(comment).collect(),
            text: document.to_owned(),
            object: serde_saphyr::from_str(document).expect("a document is YAML"),
        }));
    }
    all
}

/// `# KEY: VALUE`.
fn comment(line: &str) -> Option<(String, String)> {
    let (key, value) = line.strip_prefix("# ")?.split_once(": ")?;
    Some((key.to_owned(), value.to_owned()))
}

/// Paths of every field that is set, as the table has them.
fn collect_paths(value: &Value, path: &str, known: &BTreeSet<String>, all: &mut BTreeSet<String>) {
    all.insert(path.to_owned());
    match value {
        Value::Array(items) => {
            for item in items {
                collect_paths(item, &format!("{path}[]"), known, all);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let field = format!("{path}.{name}");
                let each = format!("{path}{{}}");
                let below = if known.contains(&field) { field } else { each };
                collect_paths(value, &below, known, all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Kind and path of every field of the table.
fn known_fields() -> BTreeSet<String> {
    let rows = FIELDS.lines().filter(|line| !line.starts_with('#')).skip(1);
    let cells = rows.map(|line| line.split('\t').collect::<Vec<_>>());
    cells.map(|row| format!("{}.{}", row[0], row[2].replace('!', ""))).collect()
}

#[test]
fn the_valid_objects_have_every_field_of_every_kind() {
    let known = known_fields();
    assert_eq!(known.len(), 300);
    let mut given = BTreeSet::new();
    for example in examples("valid") {
        let mut object = example.object.clone();
        // What is below is every kind's, and not in the table.
        object["metadata"] = Value::Null;
        collect_paths(&object, example.kind(), &known, &mut given);
    }
    assert_eq!(known.difference(&given).collect::<Vec<_>>(), [""; 0], "fields without an example");
}

/// Reads the object as our type and writes it again: nothing is lost and nothing added.
fn check_type<K: DeserializeOwned + Serialize>(example: &Example) {
    let mut object = example.object.clone();
    write_alike(&mut object);
    let read: K = serde_json::from_value(object.clone())
        .unwrap_or_else(|error| panic!("{}: {error}", example.label()));
    let mut written = serde_json::to_value(read).expect("an object is JSON");
    write_alike(&mut written);
    for part in ["apiVersion", "kind", "spec", "status"] {
        assert_eq!(written[part], object[part], "{}", example.label());
    }
}

/// Takes out what is null, and writes every number of a map as text: a quantity may be either.
fn write_alike(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            for (name, value) in fields {
                let holds_amounts = matches!(
                    name.as_str(),
                    "limits" | "requests" | "capacity" | "allocatable" | "resources"
                );
                let amounts = value.as_object_mut().filter(|_| holds_amounts);
                for amount in amounts.into_iter().flat_map(|amounts| amounts.values_mut()) {
                    if let Value::Number(number) = amount {
                        *amount = Value::String(number.to_string());
                    }
                }
                write_alike(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_alike),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_valid_object_is_our_type_to_the_last_field() {
    for example in examples("valid") {
        match example.kind() {
            "NodePool" => check_type::<NodePool>(&example),
            "NodeClaim" => check_type::<NodeClaim>(&example),
            "EC2NodeClass" => check_type::<EC2NodeClass>(&example),
            "NodeOverlay" => check_type::<NodeOverlay>(&example),
            "CapacityBuffer" => check_type::<CapacityBuffer>(&example),
            other => panic!("{other} is not a kind of ours"),
        }
    }
}

#[test]
fn the_reader_takes_what_the_api_server_takes() {
    let read = examples("valid").into_iter().filter(Example::is_planned_with);
    let refused: Vec<String> = read
        .filter_map(|example| Some(format!("{}: {}", example.label(), example.refusal()?)))
        .collect();
    assert_eq!(refused, [""; 0]);
}

#[test]
fn the_reader_names_the_field_that_the_api_server_would_refuse() {
    let mut differences = Vec::new();
    // A status is the cluster's own, and a change is not in a file.
    let read = examples("invalid").into_iter().filter(Example::is_planned_with);
    for example in read.filter(|example| !example.says.contains_key("update")) {
        let error = example.refusal();
        let found = error.as_ref().map(|error| match error.field.as_str() {
            "" => "(object)",
            field => field,
        });
        if found != example.says.get("field").map(String::as_str) {
            let expected = example.says.get("field");
            differences
                .push(format!("{}: expected {expected:?}, found {error:?}", example.label()));
        }
    }
    assert_eq!(differences, [""; 0]);
}

#[test]
fn there_are_many_invalid_objects_and_each_says_what_is_expected() {
    let all = examples("invalid");
    assert!(200 < all.len(), "{}", all.len());
    let valid: BTreeSet<String> = examples("valid").iter().map(Example::label).collect();
    let mut names = BTreeSet::new();
    for example in &all {
        let label = example.label();
        assert!(example.says.contains_key("expect"), "{label}");
        match example.says.get("update").map(String::as_str) {
            None => assert!(names.insert(label.clone()), "{label} twice"),
            Some("spec" | "status") => {
                assert!(valid.contains(&label), "{label} is not there before");
            }
            Some(other) => panic!("{label}: {other} cannot be updated"),
        }
    }
}

#[test]
fn every_rule_has_an_object_that_breaks_it() {
    let messages =
        include_str!("data/crd-messages.tsv").lines().filter(|line| !line.starts_with('#'));
    let rows = messages.map(|line| line.split('\t').collect::<Vec<_>>());
    let rules: BTreeSet<String> = rows.map(|row| format!("{}: {}", row[0], row[2])).collect();
    let broken = examples("invalid").into_iter();
    let broken: BTreeSet<String> =
        broken.map(|e| format!("{}: {}", e.kind(), e.says["expect"])).collect();
    assert_eq!(rules.difference(&broken).collect::<Vec<_>>(), [""; 0], "rules without an object");
}

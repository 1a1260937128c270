//! The definitions in the Helm chart are those that `joiner crds` prints.

use expect_test::expect_file;
use joiner_cli::{Streams, run};
use kubernetes::crd;
use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

const CHART: &str = "../../../infra/charts/joiner/crds";

/// What the command prints, and its exit code.
fn crds(arguments: &[&str]) -> (String, String, u8) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        input: &mut io::empty(),
        output: &mut output,
        errors: &mut errors,
        has_terminal: false,
    };
    let code = run(["joiner", "crds"].iter().chain(arguments), &mut streams);
    let text = |bytes| String::from_utf8(bytes).expect("the command prints UTF-8");
    (text(output), text(errors), code)
}

#[test]
fn the_chart_holds_what_is_printed_and_just_crds_mends_it() {
    let mut expected = BTreeSet::new();
    for definition in crd::all() {
        let (text, errors, code) = crds(&[definition.kind()]);
        assert_eq!((&*errors, code), ("", 0));
        let name = definition.file_name();
        expect_file![format!("{CHART}/{name}")].assert_eq(&text);
        expected.insert(name);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(CHART);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    let found: BTreeSet<String> = files.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(found, expected, "the chart's folder has these files and no others");
}

#[test]
fn without_a_kind_all_are_printed_one_document_each() {
    let (text, _, code) = crds(&[]);
    let each: String = crd::all().iter().map(|one| crds(&[one.kind()]).0).collect();
    assert_eq!((code, text), (0, each));
}

#[test]
fn json_is_an_object_or_a_list_that_kubectl_applies() {
    let (text, _, code) = crds(&["-o", "json"]);
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, list["kind"].as_str()), (0, Some("List")));
    assert_eq!(list["items"].as_array().unwrap().len(), 5);
    let (text, _, _) = crds(&["ec2nc", "-o", "json"]);
    let one: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(one, list["items"][2]);
    assert_eq!(one["metadata"]["name"], "ec2nodeclasses.karpenter.k8s.aws");
}

#[test]
fn a_kind_goes_by_every_name_that_kubectl_knows() {
    let kind = |name| crds(&[name, "-o", "json"]).0;
    for name in ["nodepool", "NodePools", "NODEPOOL"] {
        assert_eq!(kind(name), kind("NodePool"));
    }
    assert_eq!(kind("overlays"), kind("NodeOverlay"));
    assert_eq!(kind("cb"), kind("CapacityBuffer"));
}

#[test]
fn a_kind_that_is_not_ours_is_a_usage_error() {
    let line = "error: KIND: expected one of NodePool, NodeClaim, EC2NodeClass, NodeOverlay, CapacityBuffer, found \"Pod\"\n";
    assert_eq!(crds(&["Pod"]), (String::new(), line.to_owned(), 2));
}

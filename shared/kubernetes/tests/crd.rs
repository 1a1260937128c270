//! Holds the custom resource definitions against Karpenter's: every field, every fact about it, every rule's message.

use expect_test::{Expect, expect};
use kubernetes::crd::{self, Definition};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const FIELDS: &str = include_str!("data/crd-fields.tsv");
const MESSAGES: &str = include_str!("data/crd-messages.tsv");

/// Type of a field and all that is said of its value.
type Field = (String, BTreeMap<String, Value>);

#[test]
fn the_fields_are_karpenters_with_type_and_every_fact() {
    let karpenters: BTreeMap<String, Field> = rows(FIELDS)
        .skip(1)
        .map(|row| {
            let [kind, version, path, of_type, facts] = row[..] else {
                panic!("five columns: {row:?}")
            };
            (format!("{kind} {version} {path}"), (of_type.to_owned(), facts_of(facts)))
        })
        .collect();
    let mut ours = BTreeMap::new();
    for definition in crd::all() {
        let version = &definition.0.spec.versions[0].name;
        let label = format!("{} {version} ", definition.kind());
        visit(&schema(&definition), "", &mut |path, schema| {
            if path.is_empty() {
                assert_eq!(field(schema), ("object".to_owned(), BTreeMap::new()), "{label}");
            } else {
                ours.insert(format!("{label}{path}"), field(schema));
            }
        });
    }
    assert_eq!(karpenters.len(), 300);
    let mut differences = String::new();
    for path in karpenters.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        let (theirs, our) = (karpenters.get(path), ours.get(path));
        if theirs != our {
            writeln!(differences, "{path}\n  Karpenter: {theirs:?}\n  ours:      {our:?}").unwrap();
        }
    }
    assert_eq!(differences, "");
}

#[test]
fn the_rules_say_what_karpenters_say() {
    let karpenters: BTreeSet<String> = rows(MESSAGES).map(|row| row.join(": ")).collect();
    let mut ours = BTreeSet::new();
    for definition in crd::all() {
        visit(&schema(&definition), "", &mut |path, schema| {
            for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
                assert!(!rule["rule"].as_str().unwrap().is_empty());
                let (path, message) = (path.replace('!', ""), rule["message"].as_str().unwrap());
                ours.insert(format!("{}: {path}: {message}", definition.kind()));
            }
        });
    }
    assert_eq!(karpenters.len(), 94);
    assert_eq!(ours.difference(&karpenters).collect::<Vec<_>>(), [""; 0], "only ours");
    assert_eq!(karpenters.difference(&ours).collect::<Vec<_>>(), [""; 0], "only Karpenter's");
}

#[test]
fn every_field_is_described() {
    let mut silent = Vec::new();
    for definition in crd::all() {
        visit(&schema(&definition), "", &mut |path, schema| {
            let is_value = path.ends_with("[]") || path.ends_with("{}");
            if !is_value
                && path != "metadata"
                && schema["description"].as_str().is_none_or(str::is_empty)
            {
                silent.push(format!("{} {path}", definition.kind()));
            }
        });
    }
    assert_eq!(silent, [""; 0]);
}

fn check_definitions(print: impl Fn(&Definition) -> String, expected: &Expect) {
    expected.assert_eq(&crd::all().iter().map(print).collect::<String>());
}

#[test]
fn kinds_have_the_names_by_which_kubectl_knows_them() {
    let print = |definition: &Definition| {
        let spec = &definition.0.spec;
        let subresources = json!(spec.versions[0].subresources);
        let (names, scope) = (&spec.names, &spec.scope);
        format!(
            "{} {} {scope} {:?} {:?} {subresources}\n",
            definition.0.metadata.name.as_ref().unwrap(),
            names.singular.as_ref().unwrap(),
            names.short_names.as_deref().unwrap_or_default(),
            names.categories.as_deref().unwrap_or_default(),
        )
    };
    check_definitions(
        print,
        &expect![[r#"
        nodepools.karpenter.sh nodepool Cluster [] ["karpenter"] {"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.nodes"},"status":{}}
        nodeclaims.karpenter.sh nodeclaim Cluster [] ["karpenter"] {"status":{}}
        ec2nodeclasses.karpenter.k8s.aws ec2nodeclass Cluster ["ec2nc", "ec2ncs"] ["karpenter"] {"status":{}}
        nodeoverlays.karpenter.sh nodeoverlay Cluster ["overlays"] ["karpenter"] {"status":{}}
        capacitybuffers.autoscaling.x-k8s.io capacitybuffer Namespaced ["cb"] ["autoscaling"] {"status":{}}
    "#]],
    );
}

#[test]
fn kubectl_prints_the_columns_that_scripts_look_for() {
    let print = |definition: &Definition| {
        let columns = definition.0.spec.versions[0].additional_printer_columns.iter().flatten();
        let columns = columns.map(|column| {
            let wide = if column.priority == Some(1) { " wide" } else { "" };
            format!("  {} {} {}{wide}\n", column.name, column.type_, column.json_path)
        });
        format!("{}\n{}", definition.kind(), columns.collect::<String>())
    };
    check_definitions(
        print,
        &expect![[r#"
        NodePool
          NodeClass string .spec.template.spec.nodeClassRef.name
          Nodes string .status.nodes
          Ready string .status.conditions[?(@.type=="Ready")].status
          Age date .metadata.creationTimestamp
          Weight integer .spec.weight wide
          CPU string .status.resources.cpu wide
          Memory string .status.resources.memory wide
        NodeClaim
          Type string .metadata.labels.node\.kubernetes\.io/instance-type
          Capacity string .metadata.labels.karpenter\.sh/capacity-type
          Zone string .metadata.labels.topology\.kubernetes\.io/zone
          Node string .status.nodeName
          Ready string .status.conditions[?(@.type=="Ready")].status
          Age date .metadata.creationTimestamp
          ImageID string .status.imageID wide
          ID string .status.providerID wide
          NodePool string .metadata.labels.karpenter\.sh/nodepool wide
          NodeClass string .spec.nodeClassRef.name wide
          Drifted string .status.conditions[?(@.type=="Drifted")].status wide
        EC2NodeClass
          Ready string .status.conditions[?(@.type=="Ready")].status
          Age date .metadata.creationTimestamp
          Role string .spec.role wide
        NodeOverlay
          Ready string .status.conditions[?(@.type=="Ready")].status
          Age date .metadata.creationTimestamp
          Weight integer .spec.weight wide
        CapacityBuffer
          Strategy string .spec.provisioningStrategy
          PodTemplate string .status.podTemplateRef.name
          Replicas integer .status.replicas
          ConditionsType string .status.conditions[*].type
          ConditionsStatus string .status.conditions[*].status
          ConditionsReason string .status.conditions[*].reason
          Age date .metadata.creationTimestamp
    "#]],
    );
}

#[test]
fn lists_and_maps_say_how_two_writers_share_them() {
    let print = |definition: &Definition| {
        let mut text = format!("{}\n", definition.kind());
        visit(&schema(definition), "", &mut |path, schema| {
            let of = |key: &str| &schema[key];
            match (of("x-kubernetes-list-type"), of("x-kubernetes-map-type")) {
                (Value::Null, Value::Null) => {}
                (Value::Null, kind) => writeln!(text, "  {path} {kind}").unwrap(),
                (kind, _) => {
                    let keys = of("x-kubernetes-list-map-keys");
                    writeln!(text, "  {path} {kind} {keys}").unwrap();
                }
            }
        });
        text
    };
    check_definitions(
        print,
        &expect![[r#"
        NodePool
          spec!.disruption.budgets "atomic" null
          spec!.disruption.budgets[].reasons "set" null
          spec!.template!.metadata.annotations "granular"
          spec!.template!.metadata.labels "atomic"
          spec!.template!.spec!.requirements! "atomic" null
          spec!.template!.spec!.requirements![].values "atomic" null
          spec!.template!.spec!.startupTaints "atomic" null
          spec!.template!.spec!.taints "atomic" null
          status.conditions "map" ["type"]
        NodeClaim
          spec!.requirements! "atomic" null
          spec!.requirements![].values "atomic" null
          spec!.startupTaints "atomic" null
          spec!.taints "atomic" null
          status.conditions "map" ["type"]
        EC2NodeClass
          status.amis[].requirements![].values "atomic" null
        NodeOverlay
          spec!.requirements! "atomic" null
          spec!.requirements![].values "atomic" null
          status.conditions "map" ["type"]
        CapacityBuffer
          status.conditions "map" ["type"]
    "#]],
    );
}

/// Lines of a table, by columns.
fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

/// `KEY=JSON KEY=JSON`.
fn facts_of(mut text: &str) -> BTreeMap<String, Value> {
    let mut facts = BTreeMap::new();
    while let Some((key, rest)) = text.split_once('=') {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let value = values.next().and_then(Result::ok).expect("a fact has a value");
        facts.insert(key.trim().to_owned(), value);
        text = &rest[values.byte_offset()..];
    }
    facts
}

fn schema(definition: &Definition) -> Value {
    definition.json()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take()
}

/// Every field below this one, and itself.
fn visit(schema: &Value, path: &str, each: &mut impl FnMut(&str, &Value)) {
    each(path, schema);
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        let mark = if required.contains(&name.as_str()) { "!" } else { "" };
        let dot = if path.is_empty() { "" } else { "." };
        visit(below, &format!("{path}{dot}{name}{mark}"), each);
    }
    for (key, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if schema[key].is_object() {
            visit(&schema[key], &format!("{path}{mark}"), each);
        }
    }
}

/// What the schema says of the value itself. Extensions and descriptions have tests of their own.
fn field(schema: &Value) -> Field {
    let mut facts: Map<String, Value> = schema.as_object().expect("a schema is an object").clone();
    let mut of_type = facts.remove("type");
    if facts.remove("x-kubernetes-int-or-string").is_some() {
        assert_eq!(
            (&of_type, facts.remove("anyOf")),
            (&None, Some(json!([{"type": "integer"}, {"type": "string"}])))
        );
        of_type = Some(json!("int-or-string"));
    }
    for key in ["description", "properties", "items", "additionalProperties", "required"] {
        facts.remove(key);
    }
    facts.retain(|key, _| !key.starts_with("x-kubernetes-"));
    let of_type = of_type.as_ref().and_then(Value::as_str).expect("a field has a type");
    (of_type.to_owned(), facts.into_iter().collect())
}

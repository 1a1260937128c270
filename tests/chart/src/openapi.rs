//! Objects held against Kubernetes' own OpenAPI document (version 2, `api/openapi-spec/swagger.json` of its repository).
//!
//! It describes types by six keywords, which are all read here: `$ref`, `type`, `properties`, `required`, `items` and
//! `additionalProperties`. A field that a type does not have is a finding, as for `kubectl apply --validate=strict`.

use serde_json::{Map, Value};

/// The document.
#[derive(Debug)]
pub struct OpenApi {
    definitions: Map<String, Value>,
}

/// Types of which the document says that they are text, and the API server takes numbers as well.
const NUMBER_OR_TEXT: [&str; 2] = [
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
];

impl OpenApi {
    /// Reads the document.
    ///
    /// # Panics
    /// If it is not one.
    pub fn new(text: &str) -> Self {
        let mut document: Value = serde_json::from_str(text).expect("the document is JSON");
        match document["definitions"].take() {
            Value::Object(definitions) => Self { definitions },
            other => panic!("the document has definitions, not {other}"),
        }
    }

    /// What is wrong with an object, each with its place; a kind that Kubernetes does not have is one finding.
    pub fn check(&self, object: &Value) -> Vec<String> {
        let mut found = Vec::new();
        match self.definition_of(object) {
            Some(schema) => self.hold(schema, object, "", &mut found),
            None => found.push("is of a kind that Kubernetes does not have".to_owned()),
        }
        found
    }

    /// Whether Kubernetes itself has the object's kind.
    pub fn knows(&self, object: &Value) -> bool {
        self.definition_of(object).is_some()
    }

    fn definition_of(&self, object: &Value) -> Option<&Value> {
        let version = object["apiVersion"].as_str()?;
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        self.definitions.values().find(|definition| {
            let kinds = definition["x-kubernetes-group-version-kind"].as_array();
            kinds.is_some_and(|kinds| {
                kinds.iter().any(|kind| {
                    kind["group"] == group
                        && kind["version"] == version
                        && kind["kind"] == object["kind"]
                })
            })
        })
    }

    fn hold(&self, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.trim_start_matches("#/definitions/");
            if NUMBER_OR_TEXT.contains(&name) && value.is_number() {
                return;
            }
            return self.hold(&self.definitions[name], value, place, found);
        }
        let fits = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64(),
            Some("number") => value.is_number(),
            // A type without one takes anything.
            Some(_) | None => true,
        };
        if !fits {
            found.push(format!("{place}: is {value}, expected {}", schema["type"]));
            return;
        }
        if let Some(items) = schema.get("items") {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                self.hold(items, item, &format!("{place}[{index}]"), found);
            }
        }
        if let Some(fields) = value.as_object() {
            self.hold_fields(schema, fields, place, found);
        }
    }

    fn hold_fields(
        &self,
        schema: &Value,
        fields: &Map<String, Value>,
        place: &str,
        found: &mut Vec<String>,
    ) {
        let required = schema["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Value::as_str).filter(|name| !fields.contains_key(*name)) {
            found.push(format!("{place}.{name}: is missing"));
        }
        for (name, value) in fields {
            let place = format!("{place}.{name}");
            match (schema["properties"].get(name), schema.get("additionalProperties")) {
                (Some(property), _) => self.hold(property, value, &place, found),
                (None, Some(any)) => self.hold(any, value, &place, found),
                (None, None) if schema["properties"].is_object() => {
                    found.push(format!("{place}: is no field"));
                }
                // An object of which nothing is said.
                (None, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(object: &Value, expected: &[&str]) {
        let document = json!({ "definitions": {
            "Pod": {
                "type": "object",
                "required": ["spec"],
                "properties": {
                    "apiVersion": { "type": "string" },
                    "kind": { "type": "string" },
                    "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                    "spec": { "$ref": "#/definitions/Spec" },
                },
                "x-kubernetes-group-version-kind": [{ "group": "", "kind": "Pod", "version": "v1" }],
            },
            "Spec": { "type": "object", "properties": {
                "ports": { "type": "array", "items": {
                    "$ref": "#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString",
                } },
            } },
            "io.k8s.apimachinery.pkg.util.intstr.IntOrString": { "type": "string" },
        } });
        assert_eq!(OpenApi::new(&document.to_string()).check(object), expected);
    }

    #[test]
    fn what_is_as_described_is_no_finding() {
        let labels = json!({ "a": "b" });
        let spec = json!({ "ports": ["http", 80] });
        check(&json!({ "apiVersion": "v1", "kind": "Pod", "labels": labels, "spec": spec }), &[]);
    }

    #[test]
    fn a_wrong_type_is_found_wherever_it_is() {
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "labels": { "a": 1 }, "spec": { "ports": [true] } });
        let expected = [
            ".labels.a: is 1, expected \"string\"",
            ".spec.ports[0]: is true, expected \"string\"",
        ];
        check(&pod, &expected);
    }

    #[test]
    fn a_missing_and_an_unknown_field_are_found() {
        check(&json!({ "apiVersion": "v1", "kind": "Pod" }), &[".spec: is missing"]);
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "spec": { "port": [] } });
        check(&pod, &[".spec.port: is no field"]);
    }

    #[test]
    fn an_unknown_kind_is_found() {
        let expected = ["is of a kind that Kubernetes does not have"];
        check(&json!({ "apiVersion": "apps/v1", "kind": "Pod" }), &expected);
    }
}

//! The kinds that joiner reads and writes, as custom resource definitions: Karpenter's NodePool, NodeClaim, EC2NodeClass
//! and NodeOverlay, and the CapacityBuffer that it shares with the Cluster Autoscaler.
//!
//! The Rust types are the source. Names, patterns, rules and messages are API and follow Karpenter 1.14 (its copies for
//! AWS) to the letter, so that objects of a Karpenter user apply unchanged; the descriptions are our own.

pub mod amount;
pub mod capacity_buffer;
pub mod condition;
pub mod node_claim;
pub mod node_class;
pub mod node_overlay;
pub mod node_pool;
pub(crate) mod pattern;
pub mod requirement;
mod rules;

use capacity_buffer::CapacityBuffer;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use node_claim::NodeClaim;
use node_class::EC2NodeClass;
use node_overlay::NodeOverlay;
use node_pool::NodePool;
use serde_json::{Value, json};

/// The definition of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition(pub CustomResourceDefinition);

impl Definition {
    /// The kind that it defines.
    pub fn kind(&self) -> &str {
        &self.0.spec.names.kind
    }

    /// Whether `kubectl` would know the kind by this name, in whatever case.
    pub fn is_called(&self, name: &str) -> bool {
        let names = &self.0.spec.names;
        let mut all =
            [&names.kind, &names.plural].into_iter().chain(names.short_names.iter().flatten());
        all.any(|known| known.eq_ignore_ascii_case(name))
    }

    /// The name of the file that holds it in a chart, by group and kind.
    pub fn file_name(&self) -> String {
        format!("{}_{}.yaml", self.0.spec.group, self.0.spec.names.plural)
    }

    /// The schema of `spec`.
    pub(crate) fn spec(mut self) -> JSONSchemaProps {
        let fields = schema_of(&mut self.0).properties.take();
        let spec = fields.and_then(|mut fields| fields.remove("spec"));
        spec.expect("a derived definition has a spec")
    }

    /// The definition as JSON. Bounds of integers are integers, which the type for schemas holds as floats.
    pub fn json(&self) -> Value {
        let mut value = json!(self.0);
        write_whole_numbers_as_such(&mut value);
        value
    }

    /// The definition as a YAML document, with the line that begins one.
    ///
    /// # Panics
    /// Never: YAML has all that JSON has.
    pub fn yaml(&self) -> String {
        let text = serde_saphyr::to_string(&self.json()).expect("YAML has all that JSON has");
        format!("---\n{text}")
    }
}

/// The definitions, the most important first.
pub fn all() -> Vec<Definition> {
    [node_pool(), node_claim(), node_class(), node_overlay(), capacity_buffer()].into()
}

/// The definition of NodePool.
pub(crate) fn node_pool() -> Definition {
    complete(NodePool::crd())
}

/// The definition of NodeClaim.
pub(crate) fn node_claim() -> Definition {
    complete(NodeClaim::crd())
}

/// The definition of EC2NodeClass.
pub(crate) fn node_class() -> Definition {
    let mut definition = complete(EC2NodeClass::crd());
    // As in Karpenter; a class without a spec is accepted, and never ready.
    schema_of(&mut definition.0).required = None;
    definition
}

/// The definition of NodeOverlay.
fn node_overlay() -> Definition {
    complete(NodeOverlay::crd())
}

/// The definition of CapacityBuffer.
fn capacity_buffer() -> Definition {
    complete(CapacityBuffer::crd())
}

/// What the derived definition has too much and too little.
fn complete(mut definition: CustomResourceDefinition) -> Definition {
    let schema = schema_of(&mut definition);
    correct(schema);
    let of_type = |type_: &str, description: Option<&str>| JSONSchemaProps {
        type_: Some(type_.to_owned()),
        description: description.map(ToOwned::to_owned),
        ..JSONSchemaProps::default()
    };
    schema.properties.get_or_insert_default().extend([
        ("apiVersion".to_owned(), of_type("string", Some("Group and version of the kind."))),
        ("kind".to_owned(), of_type("string", Some("The kind."))),
        // The API server has its own description of this one and refuses another.
        ("metadata".to_owned(), of_type("object", None)),
    ]);
    Definition(definition)
}

/// The schema of the only version.
fn schema_of(definition: &mut CustomResourceDefinition) -> &mut JSONSchemaProps {
    let version = definition.spec.versions.first_mut();
    let schema = version.and_then(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut());
    schema.expect("a derived definition has one version with a schema")
}

/// What derives write otherwise than Karpenter: an `Option` may be left out but not be `null`, an integer or text is said in
/// plain words too, for tools that do not know the extension, and a description breaks where the reader's screen does.
fn correct(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    schema.title = None;
    schema.description = schema.description.take().map(|text| text.replace('\n', " "));
    if schema.x_kubernetes_int_or_string == Some(true) {
        let one_of = |type_: &str| JSONSchemaProps {
            type_: Some(type_.to_owned()),
            ..JSONSchemaProps::default()
        };
        schema.any_of = Some(vec![one_of("integer"), one_of("string")]);
    }
    schema.properties.iter_mut().flat_map(|fields| fields.values_mut()).for_each(correct);
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        correct(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        correct(values);
    }
}

fn write_whole_numbers_as_such(value: &mut Value) {
    match value {
        // A float that is whole prints without a fraction.
        Value::Number(number) => {
            let whole = number.as_f64().and_then(|number| number.to_string().parse::<i64>().ok());
            *value = whole.map_or_else(|| value.clone(), Value::from);
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers_as_such),
        Value::Object(fields) => fields.values_mut().for_each(write_whole_numbers_as_such),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

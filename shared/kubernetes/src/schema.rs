//! Every field of Karpenter's kinds with its type and bounds, and whether an object keeps to them.
//!
//! What is known comes from the custom resource definitions, as the API server has them. Like `kubectl`'s strict validation,
//! an unknown field is an error.

mod form;

use crate::crd::{self, Definition};
use crate::field::FieldError;
use form::Form;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// `spec` of a NodePool.
pub(crate) static NODE_POOL: LazyLock<Field> = LazyLock::new(|| Field::spec_of(crd::node_pool()));
/// `spec` of a NodeClaim.
pub(crate) static NODE_CLAIM: LazyLock<Field> = LazyLock::new(|| Field::spec_of(crd::node_claim()));
/// `spec` of an EC2NodeClass.
pub(crate) static NODE_CLASS: LazyLock<Field> = LazyLock::new(|| Field::spec_of(crd::node_class()));

/// A field and what is below it.
#[derive(Debug)]
pub(crate) struct Field {
    kind: Kind,
    facts: Vec<Fact>,
    fields: BTreeMap<String, Self>,
    /// The fields that must be there.
    required: Vec<String>,
    each: Option<Box<Self>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    String,
    Integer,
    Boolean,
    /// A quantity, as text or as a number.
    Amount,
}

#[derive(Debug)]
enum Fact {
    /// A number is at least this; texts, arrays and maps have at least so many characters or entries.
    AtLeast(i64),
    /// The same from above.
    AtMost(i64),
    /// A text is one of these.
    OneOf(Vec<String>),
    /// A text has this form.
    Form(Form),
}

impl Field {
    fn spec_of(definition: Definition) -> Self {
        Self::read(&definition.spec())
    }

    fn read(schema: &JSONSchemaProps) -> Self {
        let kind = Kind::read(schema);
        let fields = schema.properties.iter().flatten();
        let fields = fields.map(|(name, field)| (name.clone(), Self::read(field))).collect();
        let each = match (&schema.items, &schema.additional_properties) {
            (Some(JSONSchemaPropsOrArray::Schema(each)), _)
            | (None, Some(JSONSchemaPropsOrBool::Schema(each))) => Some(each),
            _ => None,
        };
        let mut each = each.map(|each| Box::new(Self::read(each)));
        let mut facts = Fact::read(schema, kind);
        if let (Kind::Array, Some(each)) = (kind, &mut each) {
            // Karpenter's definitions hold what the values of a requirement look like against the array, where the API server
            // does not look; Karpenter itself holds it against each of them.
            each.facts.extend(facts.extract_if(.., |fact| matches!(fact, Fact::Form(_))));
        }
        Self { kind, facts, fields, required: missed(schema), each }
    }

    /// Whether the value keeps to all that is known of this field and those below.
    pub(crate) fn check(&self, path: &str, value: &Value) -> Result<(), FieldError> {
        let wrong = |message: String| Err(FieldError::new(path, message));
        if !self.kind.admits(value) {
            return wrong(format!("expected {}, found {}", self.kind.name(), describe(value)));
        }
        for fact in &self.facts {
            if let Some(expected) = fact.unmet_by(value) {
                return wrong(format!("expected {expected}, found {}", describe(value)));
            }
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = format!("{path}.{name}");
                    match (self.fields.get(name), &self.each) {
                        (Some(field), _) => field.check(&path, value)?,
                        (None, Some(each)) => each.check(&path, value)?,
                        (None, None) => return Err(self.unknown(path)),
                    }
                }
                match self.required.iter().find(|name| !fields.contains_key(*name)) {
                    Some(name) => wrong(format!("missing field `{name}`")),
                    None => Ok(()),
                }
            }
            Value::Array(items) => {
                let each =
                    self.each.as_ref().expect("the schema of an array has one for its items");
                let paths = (0..).map(|index| format!("{path}[{index}]"));
                paths.zip(items).try_for_each(|(path, item)| each.check(&path, item))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn unknown(&self, path: String) -> FieldError {
        let known: Vec<&str> = self.fields.keys().map(String::as_str).collect();
        FieldError::new(path, format!("unknown field, expected one of {}", known.join(", ")))
    }
}

/// The fields that must be there. One that has a default is filled in, and so is `consolidateAfter`, which is part of the default of
/// what holds it: Karpenter after 1.14 does not ask for it any more.
fn missed(schema: &JSONSchemaProps) -> Vec<String> {
    let has_default = |name: &String| {
        let field = schema.properties.as_ref().and_then(|fields| fields.get(name));
        let of_field = field.is_some_and(|field| field.default.is_some());
        let of_parent = schema.default.as_ref().is_some_and(|all| all.0.get(name).is_some());
        of_field || of_parent
    };
    schema.required.iter().flatten().filter(|name| !has_default(name)).cloned().collect()
}

impl Kind {
    fn read(schema: &JSONSchemaProps) -> Self {
        match schema.type_.as_deref() {
            Some("object") => Self::Object,
            Some("array") => Self::Array,
            Some("string") => Self::String,
            Some("integer") => Self::Integer,
            Some("boolean") => Self::Boolean,
            None if schema.x_kubernetes_int_or_string == Some(true) => Self::Amount,
            other => panic!("a definition has a field of type {other:?}"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Boolean => "true or false",
            Self::Amount => "a quantity such as 500m, 2 or 1.5Gi",
        }
    }

    fn admits(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::String => value.is_string(),
            Self::Integer => value.is_i64(),
            Self::Boolean => value.is_boolean(),
            // Whether a text is one is said when it is read, with the reason.
            Self::Amount => value.is_string() || value.is_number(),
        }
    }
}

impl Fact {
    fn read(schema: &JSONSchemaProps, kind: Kind) -> Vec<Self> {
        let minimum = schema.minimum.map(whole);
        let least = [schema.min_length, schema.min_items, schema.min_properties, minimum];
        let maximum = schema.maximum.map(whole);
        let most = [schema.max_length, schema.max_items, schema.max_properties, maximum];
        // Those of an array's items, see `Field::read`: a form looks at their length too.
        let most = most.into_iter().skip(usize::from(kind == Kind::Array));
        let words = schema.enum_.as_ref().map(|words| {
            let words = words.iter().filter_map(|word| word.0.as_str());
            Self::OneOf(words.map(ToOwned::to_owned).collect())
        });
        // Whether a text is an amount is said when it is read, with the reason.
        let pattern = schema.pattern.as_deref().filter(|_| kind != Kind::Amount);
        let form = pattern.map(Form::of_pattern);
        let form = form.or(schema.format.as_deref().and_then(Form::of_format));
        let least = least.into_iter().flatten().map(Self::AtLeast);
        let most = most.flatten().map(Self::AtMost);
        least.chain(most).chain(words).chain(form.map(Self::Form)).collect()
    }

    /// What was expected, if the value is something else.
    fn unmet_by(&self, value: &Value) -> Option<String> {
        match self {
            Self::AtLeast(least) => {
                (measure(value) < *least).then(|| format!("at least {least}{}", unit_of(value)))
            }
            Self::AtMost(most) => {
                (*most < measure(value)).then(|| format!("at most {most}{}", unit_of(value)))
            }
            Self::OneOf(words) => {
                let is_one =
                    value.as_str().is_some_and(|text| words.iter().any(|word| word == text));
                (!is_one).then(|| format!("one of {}", words.join(", ")))
            }
            Self::Form(form) => {
                let expected = form.missed_by(value.as_str().unwrap_or_default());
                expected.map(ToOwned::to_owned)
            }
        }
    }
}

/// A bound of an integer, which schemas hold as a float.
fn whole(bound: f64) -> i64 {
    bound.to_string().parse().expect("the bounds of integers are whole numbers")
}

fn measure(value: &Value) -> i64 {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(i64::MAX),
        Value::String(text) => count(text.chars().count()),
        Value::Array(items) => count(items.len()),
        Value::Object(fields) => count(fields.len()),
        Value::Null | Value::Bool(_) => 0,
    }
}

const fn unit_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => " characters",
        Value::Array(_) => " items",
        Value::Object(_) => " entries",
        Value::Null | Value::Bool(_) | Value::Number(_) => "",
    }
}

/// The value in a few words.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
        Value::Array(items) => format!("an array of {} items", items.len()),
        Value::Object(fields) => format!("an object of {} fields", fields.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wrong(schema: &Field, spec: &Value) -> String {
        schema.check("spec", spec).unwrap_err().to_string()
    }

    #[test]
    fn every_definition_can_be_read() {
        assert_eq!(NODE_POOL.fields.len(), 5);
        assert_eq!(NODE_CLAIM.fields.len(), 7);
        assert_eq!(NODE_CLASS.fields.len(), 21);
    }

    #[test]
    fn the_field_is_named_and_what_was_expected() {
        let cases = [
            (json!([]), "spec: expected an object, found an array of 0 items"),
            (json!({}), "spec: missing field `template`"),
            (
                json!({"wieght": 3}),
                "spec.wieght: unknown field, expected one of disruption, limits, replicas, template, weight",
            ),
            (json!({"weight": 101}), "spec.weight: expected at most 100, found 101"),
            (json!({"weight": "3"}), "spec.weight: expected an integer, found \"3\""),
            (
                json!({"disruption": {"budgets": [{"nodes": "10"}, {"nodes": "ten"}]}}),
                "spec.disruption.budgets[1].nodes: expected a number such as 5 or a percentage of 0% to 100%, found \"ten\"",
            ),
            (
                json!({"disruption": {"consolidateAfter": "30"}}),
                "spec.disruption.consolidateAfter: expected a duration such as 720h or 1h30m, or Never, found \"30\"",
            ),
            (
                json!({"disruption": {"budgets": [{"nodes": "1", "duration": "90s"}]}}),
                "spec.disruption.budgets[0].duration: expected a duration in hours and minutes such as 8h or 1h30m, found \"90s\"",
            ),
        ];
        for (spec, line) in cases {
            assert_eq!(wrong(&NODE_POOL, &spec), line);
        }
    }
}

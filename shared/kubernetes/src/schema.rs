//! Every field of Karpenter's kinds with its type and bounds, and whether an object keeps to them.
//!
//! The tables beside this file follow the custom resource definitions of Karpenter 1.14: a line is the path under
//! `spec`, `required` where it must be there, the type, and what holds for its value. `[]` is each item of an array, `{}` each
//! value of a map. Like `kubectl`'s strict validation, an unknown field is an error.

use crate::field::FieldError;
use crate::format;
use model::quantity;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// `spec` of a NodePool.
pub(crate) static NODE_POOL: LazyLock<Field> =
    LazyLock::new(|| Field::parse(include_str!("schema/node_pool.txt")));
/// `spec` of a NodeClaim.
pub(crate) static NODE_CLAIM: LazyLock<Field> =
    LazyLock::new(|| Field::parse(include_str!("schema/node_claim.txt")));
/// `spec` of an EC2NodeClass.
pub(crate) static NODE_CLASS: LazyLock<Field> =
    LazyLock::new(|| Field::parse(include_str!("schema/node_class.txt")));

/// A field and what is below it.
#[derive(Debug, Default)]
pub(crate) struct Field {
    kind: Kind,
    required: bool,
    facts: Vec<Fact>,
    fields: BTreeMap<&'static str, Self>,
    each: Option<Box<Self>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
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
    OneOf(Vec<&'static str>),
    /// A text has this form.
    Form(&'static str),
}

impl Field {
    fn parse(table: &'static str) -> Self {
        let mut root = Self::default();
        for line in table.lines() {
            let (head, facts) = line.split_once(": ").expect("a line has a colon");
            let (path, required) = match head.strip_suffix(" required") {
                Some(path) => (path, true),
                None => (head, false),
            };
            let mut facts = facts.split(", ");
            let field = root.at(path);
            field.required = required;
            field.kind = Kind::parse(facts.next().expect("a line has a type"));
            field.facts = facts.map(Fact::parse).collect();
        }
        root
    }

    /// The field of this path, made where it is not there yet.
    fn at(&mut self, path: &'static str) -> &mut Self {
        let mut field = self;
        for step in path.split('.') {
            let (name, is_each) = match step.strip_suffix("[]").or(step.strip_suffix("{}")) {
                Some(name) => (name, true),
                None => (step, false),
            };
            field = field.fields.entry(name).or_default();
            if is_each {
                field = field.each.get_or_insert_default();
            }
        }
        field
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
                    match (self.fields.get(&**name), &self.each) {
                        (Some(field), _) => field.check(&path, value)?,
                        (None, Some(each)) => each.check(&path, value)?,
                        (None, None) => return Err(self.unknown(path)),
                    }
                }
                let missing = self
                    .fields
                    .iter()
                    .find(|(name, field)| field.required && !fields.contains_key(**name));
                match missing {
                    Some((name, _)) => wrong(format!("missing field `{name}`")),
                    None => Ok(()),
                }
            }
            Value::Array(items) => {
                let each = self.each.as_ref().expect("an array's table has a line for its items");
                let paths = (0..).map(|index| format!("{path}[{index}]"));
                paths.zip(items).try_for_each(|(path, item)| each.check(&path, item))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn unknown(&self, path: String) -> FieldError {
        let known: Vec<&str> = self.fields.keys().copied().collect();
        FieldError::new(path, format!("unknown field, expected one of {}", known.join(", ")))
    }
}

impl Kind {
    fn parse(word: &str) -> Self {
        match word {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "boolean" => Self::Boolean,
            "amount" => Self::Amount,
            other => panic!("the table names a type {other:?}"),
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
    fn parse(text: &'static str) -> Self {
        let number = |digits: &str| digits.parse().expect("a bound is a number");
        if let Some(bound) = text.strip_prefix("at least ") {
            Self::AtLeast(number(bound))
        } else if let Some(bound) = text.strip_prefix("at most ") {
            Self::AtMost(number(bound))
        } else if let Some(words) = text.strip_prefix("one of ") {
            Self::OneOf(words.split('|').collect())
        } else {
            Self::Form(text)
        }
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
                let is_one = value.as_str().is_some_and(|text| words.contains(&text));
                (!is_one).then(|| format!("one of {}", words.join(", ")))
            }
            Self::Form(form) => {
                let expected = misses(form, value.as_str().unwrap_or_default());
                expected.map(ToOwned::to_owned)
            }
        }
    }
}

/// What a text of this form looks like, if it is not one.
fn misses(form: &str, text: &str) -> Option<&'static str> {
    let is_amount = |text: &str| quantity::parse_units(text).is_ok();
    let (holds, expected) = match form {
        "duration" => (format::duration(text).is_some(), "a duration such as 30s or 1h30m"),
        "duration-or-never" => (
            format::duration_or_never(text).is_some(),
            "a duration such as 720h or 1h30m, or Never",
        ),
        "hours-and-minutes" => {
            let whole = text.strip_suffix("0s").unwrap_or(text);
            let has_no_seconds = whole.ends_with(['h', 'm']) && !whole.contains('s');
            let holds = format::duration(text).is_some() && has_no_seconds;
            (holds, "a duration in hours and minutes such as 8h or 1h30m")
        }
        "time" => (format::time(text).is_some(), "a time such as 2026-01-01T00:00:00Z"),
        "count-or-percent" => {
            let holds = format::is_number(text) || format::percent(text).is_some();
            (holds, "a number such as 5 or a percentage of 0% to 100%")
        }
        "schedule" => (format::is_schedule(text), "a cron expression of five fields, or @daily"),
        "qualified-name" => (
            text.is_empty() || format::is_qualified_name(text),
            "a name such as team or example.com/team",
        ),
        "label-value" => (
            format::is_label_value(text),
            "at most 63 of letters, digits, -, _ and ., a letter or digit at both ends",
        ),
        "threshold" => (
            format::basis_points(text).is_some() || is_amount(text),
            "a quantity such as 100Mi or a percentage such as 5%",
        ),
        "volume-size" => (
            is_amount(text) && text.ends_with(['G', 'T', 'i']) && !text.starts_with('0'),
            "a size such as 20Gi or 1Ti",
        ),
        "group" => (!text.contains('/'), "an API group without a slash"),
        "account" => (text.len() == 12 && format::is_number(text), "an account of twelve digits"),
        "id ami-" => (is_id(text, "ami-"), "an id such as ami-0abc"),
        "id cr-" => (is_id(text, "cr-"), "an id such as cr-0abc"),
        "id pg-" => (is_id(text, "pg-"), "an id such as pg-0abc"),
        "id sg-" => (is_id(text, "sg-"), "an id such as sg-0abc"),
        "id subnet-" => (is_id(text, "subnet-"), "an id such as subnet-0abc"),
        other => panic!("the table names a form {other:?}"),
    };
    (!holds).then_some(expected)
}

fn is_id(text: &str, prefix: &str) -> bool {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
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
    fn every_table_can_be_read_and_every_form_is_known() {
        fn visit(field: &Field) {
            for fact in &field.facts {
                let _ = fact.unmet_by(&json!("x"));
            }
            field.fields.values().chain(field.each.as_deref()).for_each(visit);
        }
        for schema in [&NODE_POOL, &NODE_CLAIM, &NODE_CLASS] {
            visit(schema);
        }
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

//! A quantity as objects carry it: a text such as `1.5Gi`, or a bare whole number.

use super::pattern;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Amounts of resources by name.
pub type Amounts = BTreeMap<String, Amount>;

/// A quantity, written as it was read; a bare number becomes its digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Amount(pub String);

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "pattern": pattern::QUANTITY,
            "x-kubernetes-int-or-string": true,
        })
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity such as 500m, 2 or 1.5Gi")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
        Ok(Amount(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Amount, E> {
        Ok(Amount(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Amount, E> {
        Ok(Amount(number.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_and_a_whole_number_are_amounts_and_a_fraction_is_not() {
        let read = |value| serde_json::from_value::<Amount>(value).map(|amount| amount.0).ok();
        assert_eq!(read(json!("1.5Gi")), Some("1.5Gi".to_owned()));
        assert_eq!(read(json!(17_179_869_184_u64)), Some("17179869184".to_owned()));
        assert_eq!(read(json!(-3)), Some("-3".to_owned()));
        assert_eq!(read(json!(1.5)), None);
        assert_eq!(serde_json::to_value(Amount("2".to_owned())).unwrap(), json!("2"));
    }
}

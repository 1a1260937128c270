//! What is wrong with an object, and where in it.

use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;

/// An error about one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// The field's path, as `spec.containers[0].name`; empty for the object itself.
    pub(crate) path: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

impl FieldError {
    /// An error about the field of this path.
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// Reads an object into its type.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        // An error at the root has the path ".".
        let path = if path == "." { String::new() } else { path };
        FieldError { path, message: error.into_inner().to_string() }
    })
}

/// Reads an object of the API server. Fields without a value are as absent; that takes a second look, so it is taken only
/// where the first one fails.
pub(crate) fn read_text<T: DeserializeOwned>(text: &str) -> Result<T, FieldError> {
    serde_json::from_str(text).or_else(|_| {
        let value: Result<Value, _> = serde_json::from_str(text);
        let mut value = value.map_err(|error| FieldError::new("", error.to_string()))?;
        strip_nulls(&mut value);
        read(value)
    })
}

/// Takes away fields without a value, which the API server treats as absent.
pub(crate) fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

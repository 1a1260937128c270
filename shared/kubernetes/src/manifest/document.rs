//! Text to documents: one object each, of a known name.

use super::{Error, FILE_MAX, Source};
use crate::field::strip_nulls;
use crate::objects::meta::clip;
use serde_json::Value;
use serde_saphyr::UserMessageFormatter;
use std::sync::Arc;

/// An object as it stood in a file.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// The file.
    pub(super) file: Arc<str>,
    /// `apiVersion`.
    pub(super) version: String,
    /// `kind`.
    pub(super) kind: String,
    /// Namespace (where given) and name, or its place in the file.
    pub(super) name: String,
    /// The object.
    pub(super) value: Value,
}

impl Document {
    /// What it is called in messages.
    pub(super) fn label(&self) -> String {
        format!("{} {}", clip(&self.kind), self.name)
    }
}

/// How deep lists may hold lists.
const LISTS_MAX: usize = 4;

/// The objects of a file; lists are taken apart.
pub(super) fn parse(source: &Source<'_>) -> Result<Vec<Document>, Error> {
    let file: Arc<str> = source.name.into();
    let wrong = |message: String| Error {
        file: source.name.to_owned(),
        object: String::new(),
        field: String::new(),
        message,
    };
    if FILE_MAX < source.bytes.len() {
        return Err(wrong(format!("expected at most {} MiB", FILE_MAX >> 20)));
    }
    let text = std::str::from_utf8(source.bytes).map_err(|error| {
        wrong(format!("expected UTF-8 text, byte {} is not", error.valid_up_to()))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let values = if text.trim_start().starts_with('{') {
        from_json(text).map_err(wrong)?
    } else {
        from_yaml(text).map_err(wrong)?
    };
    let mut all = Vec::new();
    for (index, mut value) in values.into_iter().enumerate() {
        strip_nulls(&mut value);
        let place = Place { file: &file, path: format!("document {}", index + 1) };
        place.take_apart(value, LISTS_MAX, &mut all)?;
    }
    if all.is_empty() {
        return Err(wrong("expected at least one object".to_owned()));
    }
    Ok(all)
}

fn from_json(text: &str) -> Result<Vec<Value>, String> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    values.collect::<Result<_, _>>().map_err(|error| format!("expected JSON: {error}"))
}

/// What a hostile text may cost is bounded by its own length; what references may multiply it by, by a constant.
fn from_yaml(text: &str) -> Result<Vec<Value>, String> {
    /// Events that references may repeat in all. Objects written by hand repeat a few dozen.
    const REPEATED_MAX: usize = 100_000;
    let length = text.len();
    let mut budget = serde_saphyr::Budget::default();
    budget.max_events = length + REPEATED_MAX;
    budget.max_nodes = length + REPEATED_MAX;
    budget.max_documents = length + 1;
    budget.max_total_scalar_bytes = 2 * length + 1024;
    let mut options = serde_saphyr::Options::default();
    options.budget = Some(budget);
    options.alias_limits.max_total_replayed_events = REPEATED_MAX;
    options.with_snippet = false;
    // `y`, `no`, `on` and the like are texts, as in YAML 1.2: they stand in labels.
    options.strict_booleans = true;
    let to_text = |error: serde_saphyr::Error| error.render_with_formatter(&UserMessageFormatter);
    serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| format!("expected YAML: {}", to_text(error)))
}

/// Where a value was found.
struct Place<'a> {
    file: &'a Arc<str>,
    path: String,
}

impl Place<'_> {
    /// Adds the object, or the items of the list.
    fn take_apart(
        &self,
        mut value: Value,
        lists_left: usize,
        all: &mut Vec<Document>,
    ) -> Result<(), Error> {
        if !value.is_object() {
            return Err(self.error("", "expected an object"));
        }
        let kind = self.text(&value, "kind")?;
        let version = self.text(&value, "apiVersion")?;
        let items = value.get_mut("items").filter(|_| kind.ends_with("List")).map(Value::take);
        if kind == "List" || items.is_some() {
            let Some(Value::Array(items)) = items else {
                return Err(self.error("items", "expected an array"));
            };
            if lists_left == 0 {
                return Err(self.error("items", "expected no lists within lists"));
            }
            for (index, mut item) in items.into_iter().enumerate() {
                // Items of a typed list need not say what they are.
                if let (Some(of), Some(fields)) = (kind.strip_suffix("List"), item.as_object_mut())
                    && !of.is_empty()
                {
                    fields.entry("kind").or_insert_with(|| of.into());
                    fields.entry("apiVersion").or_insert_with(|| version.clone().into());
                }
                let path = format!("{}: items[{index}]", self.path);
                Place { file: self.file, path }.take_apart(item, lists_left - 1, all)?;
            }
            return Ok(());
        }
        let text = |field: &str| value["metadata"][field].as_str().map(clip_name);
        let name = match (text("namespace"), text("name")) {
            (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
            (None, Some(name)) => name,
            (_, None) => format!("({})", self.path),
        };
        all.push(Document { file: Arc::clone(self.file), version, kind, name, value });
        Ok(())
    }

    fn text(&self, value: &Value, field: &str) -> Result<String, Error> {
        match value.get(field) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            _ => Err(self.error(field, "expected a string such as v1 or Pod")),
        }
    }

    fn error(&self, field: &str, message: &str) -> Error {
        Error {
            file: self.file.to_string(),
            object: self.path.clone(),
            field: field.to_owned(),
            message: message.to_owned(),
        }
    }
}

/// Names are up to 253 characters long.
fn clip_name(text: &str) -> String {
    text.chars().take(253).collect()
}

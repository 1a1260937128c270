//! The parameter store, for the images that AWS publishes there.

use crate::signed::Service;
use jiff::Timestamp;
use launch::lookup::Parameter;
use model::name::Text;
use reconciler::ports::ObserveError;
use serde::Deserialize;
use serde_json::json;

/// The most names in one call (API reference, `GetParameters`).
const NAMES_MAX: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    parameters: Vec<Held>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Held {
    name: String,
    value: String,
    #[serde(default, rename = "ARN")]
    arn: String,
    #[serde(default)]
    selector: String,
}

/// The images that parameters name; those that do not exist are left out.
pub(crate) async fn read(
    store: &Service,
    parameters: Vec<Parameter>,
    now: Timestamp,
) -> Result<Vec<(Parameter, Text)>, ObserveError> {
    let mut values = Vec::new();
    let mut names: Vec<&str> = parameters.iter().map(|parameter| &*parameter.name).collect();
    names.sort_unstable();
    names.dedup();
    for some in names.chunks(NAMES_MAX) {
        let body = json!({ "Names": some }).to_string();
        let answer = store.call("AmazonSSM.GetParameters", body, now).await?;
        let answer: Answer =
            serde_json::from_slice(&answer).map_err(|error| store.unreachable(&error))?;
        values.extend(answer.parameters);
    }
    let value = |parameter: Parameter| {
        let found = values.iter().find(|held| held.is_named(&parameter.name))?;
        Some((parameter, Text::from(found.value.trim())))
    };
    Ok(parameters.into_iter().filter_map(value).collect())
}

impl Held {
    /// A parameter is asked for by name or ARN, each with or without a version or label.
    fn is_named(&self, asked: &str) -> bool {
        let Self { name, arn, selector, .. } = self;
        [name, arn].into_iter().any(|own| {
            asked.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest == selector)
        })
    }
}

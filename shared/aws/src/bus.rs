//! An event bus of EventBridge, for what joiner tells of its decisions.

use crate::signed::Service;
use jiff::Timestamp;
use reconciler::ports::ObserveError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The most entries in one call (API reference, `PutEvents`).
const ENTRIES_MAX: usize = 10;

/// So long an answer is waited for. Nobody's node waits for this call, and the invocation should end.
pub(crate) const PUT_TAKES: Duration = Duration::from_secs(2);

/// Who says it; rules match on it.
const SOURCE: &str = "joiner.sh";

/// A bus.
pub struct Bus {
    pub(crate) service: Service,
    /// Its name or ARN.
    pub(crate) name: String,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What kind of thing it is.
    pub detail_type: &'static str,
    /// The thing itself, as JSON.
    pub detail: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    entries: Vec<Taken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Taken {
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    error_message: String,
}

impl Bus {
    /// Puts these on the bus, in their order. What cannot be put is not tried again: the log has it too. Says in a line how
    /// many are missing there and why, if any are.
    ///
    /// # Errors
    /// That line.
    pub async fn put(&self, entries: &[Entry], now: Timestamp) -> Result<(), String> {
        let (mut lost, mut first) = (0, None);
        for some in entries.chunks(ENTRIES_MAX) {
            match self.call(some, now).await {
                Ok(refused) => {
                    lost += refused.len();
                    let why = |Taken { error_code, error_message }| {
                        format!("{error_code}: {error_message}")
                    };
                    first = first.or_else(|| refused.into_iter().next().map(why));
                }
                Err(error) => {
                    lost += some.len();
                    first = first.or_else(|| Some(error.to_string()));
                }
            }
        }
        let all = entries.len();
        first.map_or(Ok(()), |why| Err(format!("{lost} of {all} events are not on the bus: {why}")))
    }

    async fn call(&self, entries: &[Entry], now: Timestamp) -> Result<Vec<Taken>, ObserveError> {
        let entry = |Entry { detail_type, detail }: &Entry| {
            json!({"Source": SOURCE, "DetailType": detail_type, "Detail": detail,
                "EventBusName": self.name})
        };
        let entries: Vec<Value> = entries.iter().map(entry).collect();
        let body = json!({ "Entries": entries }).to_string();
        let answer = self.service.call("AWSEvents.PutEvents", body, now).await?;
        let answer: Answer =
            serde_json::from_slice(&answer).map_err(|error| self.service.unreachable(&error))?;
        Ok(answer.entries.into_iter().filter(|entry| !entry.error_code.is_empty()).collect())
    }
}

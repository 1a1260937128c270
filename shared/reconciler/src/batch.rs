//! Messages of a queue, and what an invocation answers about them.

use crate::report::Report;
use jiff::Timestamp;
use model::hint::{Hint, Message, VERSION};
use model::snapshot::Settings;
use std::sync::atomic::AtomicBool;

/// What a handler is called with, beside its ports.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// Given at deployment.
    pub settings: &'a Settings,
    /// Names this invocation to the planner's lease.
    pub holder: &'a str,
    /// Messages of the function's queue; none where it is invoked by a schedule or an event.
    pub messages: &'a [Delivery],
    /// The time.
    pub now: Timestamp,
    /// Set when there is no time left to begin anything; what is under way is finished.
    pub stop: &'a AtomicBool,
}

/// A message as SQS delivers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// SQS' id of it, for the answer.
    pub id: String,
    /// Its body.
    pub body: String,
}

/// What an invocation answers.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Messages to deliver again, by id (SQS' partial batch response).
    pub failed: Vec<String>,
    /// What was seen, decided and done; none when the world could not be read.
    pub report: Option<Report>,
    /// Why the pass failed, in one line.
    pub error: Option<String>,
    /// Messages that nobody can read: they are not delivered again, for that would never end.
    pub poison: Vec<String>,
}

/// Reads a hint.
///
/// # Errors
/// One line that says what is wrong with the message.
pub fn parse(delivery: &Delivery) -> Result<Hint, String> {
    let message: Message = serde_json::from_str(&delivery.body)
        .map_err(|error| format!("message {}: not a hint: {error}", delivery.id))?;
    if message.version != VERSION {
        let Message { version, .. } = message;
        return Err(format!("message {}: version {version}, expected {VERSION}", delivery.id));
    }
    Ok(message.hint)
}

/// The body of a hint.
///
/// # Panics
/// Never: a hint is always valid JSON.
pub fn body(hint: Hint) -> String {
    serde_json::to_string(&Message::new(hint)).expect("a hint has no map with foreign keys")
}

/// Parts the messages that nobody can read from the rest. One pass serves all of the rest, since hints are equal.
pub fn poison_in(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().filter_map(|delivery| parse(delivery).err()).collect()
}

/// Answers for a whole batch at once: a failed pass gives every message back, but for the unreadable ones.
pub fn respond<E: std::fmt::Display>(
    deliveries: &[Delivery],
    result: Result<Report, E>,
) -> Response {
    let poison = poison_in(deliveries);
    match result {
        Ok(report) => Response { failed: Vec::new(), report: Some(report), error: None, poison },
        Err(error) => {
            let readable = deliveries.iter().filter(|delivery| parse(delivery).is_ok());
            let failed = readable.map(|delivery| delivery.id.clone()).collect();
            Response { failed, report: None, error: Some(error.to_string()), poison }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(id: &str, body: &str) -> Delivery {
        Delivery { id: id.into(), body: body.into() }
    }

    #[test]
    fn a_hint_survives_the_queue() {
        assert_eq!(parse(&delivery("1", &body(Hint::Provisioning))), Ok(Hint::Provisioning));
        assert_eq!(body(Hint::Lifecycle), r#"{"version":1,"hint":"lifecycle"}"#);
    }

    #[test]
    fn a_failed_pass_gives_back_every_message_but_the_unreadable() {
        let batch =
            [delivery("1", &body(Hint::Lifecycle)), delivery("2", "rubbish"), delivery("3", "{}")];
        let response = respond(&batch, Err("EC2 did not answer"));
        assert_eq!(response.failed, ["1"]);
        assert_eq!(response.poison.len(), 2);
        let later = delivery("4", r#"{"version":2,"hint":"lifecycle"}"#);
        assert_eq!(parse(&later), Err("message 4: version 2, expected 1".into()));
    }
}

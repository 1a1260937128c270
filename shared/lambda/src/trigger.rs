//! What a function was invoked with.

use aws_lambda_events::event::sqs::SqsEvent;
use reconciler::batch::Delivery;
use serde_json::Value;

/// What a function was invoked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Messages of its queue.
    Messages(Vec<Delivery>),
    /// Anything else: a schedule, or an event of EventBridge as JSON.
    Event(String),
}

impl Trigger {
    /// Tells what an event is. Nothing is refused here: a message's body is read later, each by itself, because one that
    /// cannot be read must not bring back the others.
    pub fn of(event: Value) -> Self {
        let is_batch = event.get("Records").is_some_and(Value::is_array);
        let text = event.to_string();
        let batch = if is_batch { serde_json::from_value::<SqsEvent>(event).ok() } else { None };
        let Some(SqsEvent { records, .. }) = batch else { return Self::Event(text) };
        let delivery = |record: aws_lambda_events::event::sqs::SqsMessage| Delivery {
            id: record.message_id.unwrap_or_default(),
            body: record.body.unwrap_or_default(),
        };
        Self::Messages(records.into_iter().map(delivery).collect())
    }

    /// The messages; none for anything else.
    pub fn messages(&self) -> &[Delivery] {
        match self {
            Self::Messages(messages) => messages,
            Self::Event(_) => &[],
        }
    }
}

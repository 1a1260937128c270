//! The loop around a function's handler: one event after another, each with the time that Lambda gives it.

use crate::trigger::Trigger;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use model::snapshot::Settings;
use reconciler::batch::{Invocation, Response};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// So long before its deadline an invocation begins nothing new: RunInstances takes up to two seconds, and what it
/// answers has to be written down.
const NOTHING_NEW: SignedDuration = SignedDuration::from_secs(3);

/// So long before its deadline it is given up: Lambda would kill it without a word, and the log would not tell.
const GIVEN_UP: SignedDuration = SignedDuration::from_millis(300);

/// Serves events until Lambda ends the process. The handler is given what it was invoked with, and the event itself where
/// that is no batch of messages.
///
/// # Errors
/// When the Runtime API cannot be reached.
pub async fn serve(
    settings: &Settings,
    handle: impl AsyncFn(&Invocation<'_>, &str) -> Response,
) -> Result<(), Error> {
    let handle = &handle;
    let served =
        service_fn(move |LambdaEvent { payload, context, .. }: LambdaEvent<Value>| async move {
            let trigger = Trigger::of(payload);
            answer(&trigger, settings, &context, handle).await
        });
    lambda_runtime::run(served).await
}

/// Handles one event within the time that it has.
///
/// # Errors
/// One line that says why the event is to come again: Lambda's own retry of what is not a batch.
async fn answer(
    trigger: &Trigger,
    settings: &Settings,
    context: &Context,
    handle: &impl AsyncFn(&Invocation<'_>, &str) -> Response,
) -> Result<Value, Error> {
    let now = Timestamp::now();
    let stop = AtomicBool::new(false);
    let holder = &*context.request_id;
    let invocation =
        Invocation { settings, holder, messages: trigger.messages(), now, stop: &stop };
    let event = match trigger {
        Trigger::Messages(_) => "",
        Trigger::Event(event) => event,
    };
    let left = time_left(context.deadline, now);
    let handled = handle(&invocation, event);
    let response = tokio::select! {
        biased;
        response = handled => response,
        () = watch(left, &stop) => out_of_time(trigger),
    };
    told(trigger, response)
}

/// What is left until the deadline, in milliseconds since the epoch.
fn time_left(deadline: u64, now: Timestamp) -> SignedDuration {
    let deadline = i64::try_from(deadline).unwrap_or(i64::MAX);
    SignedDuration::from_millis(deadline.saturating_sub(now.as_millisecond()))
}

/// Says when nothing new may begin, and ends when all is over.
async fn watch(left: SignedDuration, stop: &AtomicBool) {
    sleep(left - NOTHING_NEW).await;
    stop.store(true, Ordering::Relaxed);
    tracing::warn!("time is nearly up: nothing new is begun");
    sleep((NOTHING_NEW - GIVEN_UP).min(left - GIVEN_UP)).await;
}

/// A time that has passed already is not waited for.
async fn sleep(span: SignedDuration) {
    tokio::time::sleep(Duration::try_from(span).unwrap_or_default()).await;
}

/// All messages come again, whatever they are: those that nobody can read are told of then.
fn out_of_time(trigger: &Trigger) -> Response {
    let failed = trigger.messages().iter().map(|message| message.id.clone()).collect();
    let error = Some("time was up before the pass had ended".to_owned());
    Response { failed, error, ..Response::default() }
}

/// What Lambda is told. A batch's messages are given back by their ids; anything else fails as a whole.
///
/// # Errors
/// As `answer`.
fn told(trigger: &Trigger, response: Response) -> Result<Value, Error> {
    let Response { failed, report: _, error, poison } = response;
    for line in poison {
        tracing::error!(line, "message dropped");
    }
    if let Some(error) = &error {
        tracing::error!(error, "the pass failed");
    }
    match (trigger, error) {
        (Trigger::Messages(_), _) => {
            let item = |id: String| json!({ "itemIdentifier": id });
            let failures: Vec<Value> = failed.into_iter().map(item).collect();
            Ok(json!({ "batchItemFailures": failures }))
        }
        (Trigger::Event(_), Some(error)) => Err(error.into()),
        (Trigger::Event(_), None) => Ok(Value::Null),
    }
}

#[cfg(test)]
mod tests;

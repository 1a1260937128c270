//! What Lambda is told about an event, and when a handler is told that its time is nearly up.

use super::*;
use expect_test::{Expect, expect};
use reconciler::batch::respond;
use reconciler::report::Report;
use std::future::pending;

fn settings() -> Settings {
    Settings {
        cluster_name: "blue".into(),
        cluster_uid: "0b5f".into(),
        nodes_max: 10,
        spot_to_spot: false,
        node_repair: false,
        policies: model::snapshot::Policies::default(),
    }
}

/// What Lambda is told about an event, by a handler, when there are so many seconds.
async fn told_by(
    event: Value,
    seconds: i64,
    handle: impl AsyncFn(&Invocation<'_>, &str) -> Response,
) -> String {
    let deadline = Timestamp::now() + SignedDuration::from_secs(seconds);
    let mut context = Context::default();
    context.deadline = u64::try_from(deadline.as_millisecond()).unwrap();
    context.request_id = "request-1".into();
    match answer(&Trigger::of(event), &settings(), &context, &handle).await {
        Ok(value) => value.to_string(),
        Err(error) => format!("error: {error}"),
    }
}

async fn check(
    event: Value,
    handle: impl AsyncFn(&Invocation<'_>, &str) -> Response,
    expected: &Expect,
) {
    expected.assert_eq(&told_by(event, 60, handle).await);
}

fn batch() -> Value {
    let record = |id: &str, body: &str| json!({ "messageId": id, "body": body, "attributes": {} });
    let hint = r#"{"version":1,"hint":"provisioning"}"#;
    json!({ "Records": [record("1", hint), record("2", "rubbish"), record("3", hint)] })
}

async fn succeeds(invocation: &Invocation<'_>, _: &str) -> Response {
    respond(invocation.messages, Ok::<_, String>(Report::default()))
}

async fn fails(invocation: &Invocation<'_>, _: &str) -> Response {
    respond(invocation.messages, Err("EC2 did not answer: reset"))
}

#[tokio::test]
async fn a_batch_that_was_served_gives_nothing_back_and_a_failed_one_all_that_can_be_read() {
    check(batch(), succeeds, &expect![[r#"{"batchItemFailures":[]}"#]]).await;
    check(
        batch(),
        fails,
        &expect![[r#"{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"3"}]}"#]],
    )
    .await;
}

#[tokio::test]
async fn a_schedule_that_failed_is_an_error_so_that_lambda_knows() {
    let schedule = json!({ "source": "aws.scheduler" });
    check(schedule.clone(), succeeds, &expect!["null"]).await;
    check(schedule, fails, &expect!["error: EC2 did not answer: reset"]).await;
}

#[tokio::test]
async fn a_handler_knows_the_request_and_the_event() {
    let event = json!({ "detail-type": "EC2 Spot Instance Interruption Warning" });
    let handle = async |invocation: &Invocation<'_>, event: &str| Response {
        error: Some(format!("{} {event}", invocation.holder)),
        ..Response::default()
    };
    check(
        event,
        handle,
        &expect![[r#"error: request-1 {"detail-type":"EC2 Spot Instance Interruption Warning"}"#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn three_seconds_before_its_deadline_a_handler_is_told_to_begin_nothing() {
    let begin = tokio::time::Instant::now();
    let told = told_by(batch(), 20, async |invocation: &Invocation<'_>, _| {
        while !invocation.stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let waited = begin.elapsed();
        assert!(Duration::from_secs(16) < waited && waited < Duration::from_secs(18), "{waited:?}");
        respond(invocation.messages, Ok::<_, String>(Report::default()))
    })
    .await;
    assert_eq!(told, r#"{"batchItemFailures":[]}"#);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_end_gives_every_message_back() {
    let begin = tokio::time::Instant::now();
    let told = told_by(batch(), 20, async |_: &Invocation<'_>, _: &str| pending().await).await;
    assert!(begin.elapsed() < Duration::from_secs(20));
    expect![[
        r#"{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"},{"itemIdentifier":"3"}]}"#
    ]]
    .assert_eq(&told);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_too_late_is_over_at_once() {
    let told = told_by(json!({}), -5, async |_: &Invocation<'_>, _: &str| pending().await).await;
    assert_eq!(told, "error: time was up before the pass had ended");
}

//! What is put on an event bus.

use super::options;
use super::server::{Answer, Server};
use aws::{Bus, Entry};
use expect_test::expect;
use jiff::Timestamp;

/// Puts so many entries; what was asked, and what came of it.
async fn put(count: usize, answers: Vec<Answer>) -> (Result<(), String>, Vec<String>) {
    let server = Server::start(answers).await;
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().expect("a time");
    let entry = |n| Entry { detail_type: "joiner Left Out", detail: format!("{{\"n\":{n}}}") };
    let entries: Vec<Entry> = (0..count).map(entry).collect();
    let put = Bus::connect(&options(&server.url), "audit".into()).put(&entries, now).await;
    (put, server.asked())
}

fn taken(entries: &str) -> Answer {
    Answer::Http(200, format!(r#"{{"FailedEntryCount":0,"Entries":[{entries}]}}"#))
}

#[tokio::test]
async fn ten_go_into_one_call_and_none_makes_no_call() {
    let (put_12, asked) = put(12, vec![taken(""), taken("")]).await;
    assert_eq!(put_12, Ok(()));
    let counts: Vec<usize> = asked.iter().map(|body| body.matches("DetailType").count()).collect();
    assert_eq!(counts, [10, 2]);
    assert_eq!(put(0, vec![]).await, (Ok(()), vec![]));
    let (_, asked) = put(1, vec![taken("")]).await;
    expect![[r#"
        {"Entries":[{"Detail":"{\"n\":0}","DetailType":"joiner Left Out","EventBusName":"audit","Source":"joiner.sh"}]}
    "#]].assert_eq(&asked.concat());
}

#[tokio::test]
async fn what_is_not_taken_is_counted_and_the_rest_is_put_all_the_same() {
    let refused = r#"{"EventId":"1"},{"ErrorCode":"ThrottlingException","ErrorMessage":"slow"}"#;
    let denied = r#"{"__type":"AccessDeniedException","Message":"no right"}"#;
    let (some, _) = put(12, vec![taken(refused), taken("")]).await;
    expect!["1 of 12 events are not on the bus: ThrottlingException: slow"]
        .assert_eq(&some.unwrap_err());
    let (all, asked) =
        put(25, vec![Answer::Http(400, denied.into()), taken(""), Answer::HangUp]).await;
    assert_eq!(asked.len(), 3);
    expect![
        "15 of 25 events are not on the bus: EventBridge refused: AccessDeniedException: no right"
    ]
    .assert_eq(&all.unwrap_err());
}

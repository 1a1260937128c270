//! Pages and lines as the API server writes them, and as it never should.

use super::*;
use expect_test::{Expect, expect};

fn check_line(line: &str, expected: &Expect) {
    let text = match read_line(Subject::Node, line.as_bytes()) {
        Line::Object { sighting: Sighting::Gone { .. }, version, .. } => {
            format!("gone, {version:?}")
        }
        Line::Object { sighting, version, .. } => {
            let Sighting::Seen { trace, .. } = sighting else { panic!("{sighting:?}") };
            let going = trace.expect("a node always has a trace").going;
            format!("seen, going {going}, {version:?}")
        }
        Line::Bookmark { version } => format!("bookmark {version}"),
        Line::Unreadable { what, version } => format!("{what}; {version:?}"),
        Line::Error(status) => format!("error {} {}", status.code, status.message),
    };
    expected.assert_eq(&text);
}

#[test]
fn lines_tell_what_has_happened() {
    check_line(
        r#"{"type":"ADDED","object":{"metadata":{"name":"a","uid":"u","resourceVersion":"7"}}}"#,
        &expect![[r#"seen, going false, Some("7")"#]],
    );
    check_line(
        r#"{"type":"MODIFIED","object":{"metadata":{"uid":"u","deletionTimestamp":"2026-01-01T00:00:00Z"}}}"#,
        &expect!["seen, going true, None"],
    );
    check_line(
        r#"{"type":"DELETED","object":{"metadata":{"uid":"u","resourceVersion":"9"}}}"#,
        &expect![[r#"gone, Some("9")"#]],
    );
    check_line(
        r#"{"type":"BOOKMARK","object":{"kind":"Node","metadata":{"resourceVersion":"12","creationTimestamp":null}}}"#,
        &expect!["bookmark 12"],
    );
    check_line(
        r#"{"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old resource version: 1 (5)","reason":"Expired","code":410}}"#,
        &expect!["error 410 too old resource version: 1 (5)"],
    );
}

#[test]
fn what_cannot_be_read_is_named_and_its_values_are_not_told() {
    check_line(
        "rubbish",
        &expect!["Node without a name cannot be read: it is not JSON, at byte 1 of it; None"],
    );
    check_line(
        r#"{"type":"ADDED","object":"secret"}"#,
        &expect![
            "Node without a name cannot be read: a field is not of its type, at byte 8 of it; None"
        ],
    );
    check_line(
        r#"{"type":"ADDED","object":{"metadata":{"name":"a","uid":"u","resourceVersion":"7"},"spec":{"taints":"secret"}}}"#,
        &expect![[
            r#"Node a cannot be read: a field is not of its type, at byte 82 of it; Some("7")"#
        ]],
    );
    check_line(
        r#"{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"b"}}}"#,
        &expect!["Node b/a cannot be read: it has no uid, at byte 0 of it; None"],
    );
    check_line(
        r#"{"type":"MELTED","object":{"metadata":{"name":"a","uid":"u","resourceVersion":"7"}}}"#,
        &expect![[
            r#"Node without a name cannot be read: it is not said what has happened to it, at byte 0 of it; Some("7")"#
        ]],
    );
    check_line(
        r#"{"type":"BOOKMARK","object":{"metadata":{}}}"#,
        &expect![
            "Node without a name cannot be read: it is not said what has happened to it, at byte 0 of it; None"
        ],
    );
    check_line(r#"{"type":"ERROR","object":"?"}"#, &expect!["error 0 an error that is not told"]);
}

#[test]
fn an_object_that_goes_need_not_be_readable() {
    check_line(
        r#"{"type":"DELETED","object":{"metadata":{"uid":"u"},"spec":{"taints":"?"}}}"#,
        &expect!["gone, None"],
    );
}

#[test]
fn one_bad_object_spoils_no_page() {
    let text = r#"{"kind":"NodeList","metadata":{"resourceVersion":"5","continue":"next","remainingItemCount":3},
        "items":[{"metadata":{"uid":"a"}},{"metadata":{"uid":7}},{"metadata":{"uid":"c"}}]}"#;
    let Page { metadata, items } = serde_json::from_str(text).unwrap();
    let readable = items.iter().map(|item| read(Subject::Node, item).is_ok());
    assert_eq!(readable.collect::<Vec<_>>(), [true, false, true]);
    assert_eq!((&*metadata.version, metadata.next.as_deref()), ("5", Some("next")));
}

#[test]
fn a_last_page_has_no_next_and_may_be_empty() {
    for text in [
        r#"{"metadata":{"resourceVersion":"5","continue":""},"items":null}"#,
        r#"{"metadata":{"resourceVersion":"5"},"items":[]}"#,
        r#"{"metadata":{"resourceVersion":"5"}}"#,
    ] {
        let Page { metadata, items } = serde_json::from_str(text).unwrap();
        assert!(items.is_empty() && metadata.next.is_none(), "{text}");
    }
}

//! Catching up by what a watch says.

use super::*;
use crate::client::kinds;
use expect_test::{Expect, expect};
use model::pool::NodePool;
use std::fmt::Write;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn pool(name: &str, version: u64, weight: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","uid":"u","resourceVersion":"{version}"}},"spec":{{"weight":{weight},"template":{{"spec":{{"nodeClassRef":{{"group":"karpenter.k8s.aws","kind":"EC2NodeClass","name":"c"}},"requirements":[]}}}}}}}}"#
    )
}

fn change(kind: &str, object: &str) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}

/// What is held after each piece of a watch, from one pool at version 10 with the mark at version 20.
fn check(pieces: &[&str], expected: &Expect) {
    let mut held: Held<NodePool> = Held::default();
    held.take(kinds::POOL.item(&pool("a", 10, "1"), NOW));
    held.version = Some(10);
    let mark = Mark { version: 20, count: None };
    let (mut text, mut lines) = (Vec::new(), String::new());
    for piece in pieces {
        text.extend_from_slice(piece.as_bytes());
        let progress = held.take_lines(&kinds::POOL, &mut text, (mark, NOW));
        let pools = held.objects.values().map(|pool| format!("{}:{}", pool.name, pool.weight));
        let pools = pools.collect::<Vec<_>>().join(" ");
        let version = held.version.unwrap_or(0);
        writeln!(lines, "{progress:?} {version} [{pools}] {}", text.len()).unwrap();
        for line in held.unreadable() {
            writeln!(lines, "  {line}").unwrap();
        }
    }
    expected.assert_eq(&lines);
}

#[test]
fn changes_are_taken_in_their_order_until_the_mark() {
    let added = change("ADDED", &pool("b", 12, "2"));
    let modified = change("MODIFIED", &pool("a", 13, "3"));
    let deleted = change("DELETED", &pool("b", 21, "2"));
    check(
        &[&added, &modified, &deleted],
        &expect![[r#"
            Behind 12 [a:1 b:2] 0
            Behind 13 [a:3 b:2] 0
            Reached 21 [a:3] 0
        "#]],
    );
}

#[test]
fn a_line_may_come_in_parts_and_several_at_once() {
    let both = change("ADDED", &pool("b", 12, "2")) + &change("ADDED", &pool("c", 13, "3"));
    let (first, second) = both.split_at(30);
    let (second, third) = second.split_at(second.len() - 9);
    check(
        &[first, second, third],
        &expect![[r#"
            Behind 10 [a:1] 30
            Behind 12 [a:1 b:2] 214
            Behind 13 [a:1 b:2 c:3] 0
        "#]],
    );
}

#[test]
fn a_bookmark_is_as_good_as_a_change() {
    let bookmark = change("BOOKMARK", r#"{"metadata":{"resourceVersion":"20"}}"#);
    check(&[&bookmark], &expect![["Reached 20 [a:1] 0\n"]]);
}

#[test]
fn what_is_not_understood_asks_for_a_list() {
    let gone = change("ERROR", r#"{"kind":"Status","code":410,"reason":"Expired","metadata":{}}"#);
    check(&[&gone], &expect![["Broken 10 [a:1] 0\n"]]);
    check(&["rubbish\n"], &expect![["Broken 10 [a:1] 0\n"]]);
    check(&[&change("ADDED", r#"{"metadata":{"name":"x"}}"#)], &expect![["Broken 10 [a:1] 0\n"]]);
}

#[test]
fn an_object_that_cannot_be_read_is_named_until_it_can() {
    let bad = change("MODIFIED", &pool("a", 11, "\"heavy\""));
    let good = change("MODIFIED", &pool("a", 12, "5"));
    check(
        &[&bad, &good],
        &expect![[r#"
            Behind 11 [] 0
              NodePool a: spec.weight: invalid type: string "heavy", expected u32
            Behind 12 [a:5] 0
        "#]],
    );
}

#[test]
fn a_mark_tells_how_many_there_are_where_it_can() {
    let check = |metadata: &str, items: &str, expected: Option<(u64, Option<usize>)>| {
        let body = format!(r#"{{"metadata":{metadata},"items":{items}}}"#);
        let mark = mark_in(body.as_bytes()).unwrap();
        assert_eq!(mark.map(|mark| (mark.version, mark.count)), expected, "{body}");
    };
    check(
        r#"{"resourceVersion":"9","continue":"c","remainingItemCount":41}"#,
        "[{}]",
        Some((9, Some(42))),
    );
    check(r#"{"resourceVersion":"9"}"#, "[{}]", Some((9, Some(1))));
    check(r#"{"resourceVersion":"9"}"#, "null", Some((9, Some(0))));
    check(r#"{"resourceVersion":"9","continue":"c"}"#, "[{}]", Some((9, None)));
    check(r#"{"resourceVersion":"x"}"#, "[]", None);
    assert!(mark_in(b"<html>").is_err());
}

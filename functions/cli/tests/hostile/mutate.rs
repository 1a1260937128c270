//! Makes good input a little wrong: a tree of values at some places, a text at some bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Changes to one input. More than a few make it wrong in so many ways that only the first is ever found.
const CHANGES_MAX: usize = 3;
/// Copies of an item that is made many.
const COPIES: usize = 40;
/// Stands for so many lists in each other. Most parsers stop somewhere below a hundred or two.
const DEPTHS: [(&str, usize); 3] = [("@deep@", 60), ("@deeper@", 200), ("@deepest@", 20_000)];

/// A change: where, what and with what. Each number is taken modulo what there is.
pub(crate) type Change = (usize, usize, usize);

/// A few changes.
pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    vec((any::<usize>(), any::<usize>(), any::<usize>()), 1..=CHANGES_MAX)
}

/// Texts that stand in place of good values.
const TEXTS: [&str; 46] = [
    "",
    " ",
    "-1",
    "-0",
    "0",
    "1e400",
    "NaN",
    "9223372036854775808",
    "99999999999999999999Ei",
    "0.0000000000000000001",
    "100%",
    "-1h",
    "2562048h",
    "Never",
    "9999-12-31T23:59:59Z",
    "2026-01-01T00:00:00Z",
    "a\nb",
    "a\rb\u{2028}c",
    "\u{0}",
    "\u{1b}[31m",
    "\u{202e}",
    "*",
    "&a",
    "!!binary x",
    "~",
    "y",
    "In",
    "Gt",
    "Exists",
    "NoExecute",
    "DoNotSchedule",
    "ScheduleAnyway",
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "karpenter.sh/nodepool",
    "us-east-1a",
    "large",
    "default",
    "shop",
    "web",
    "spot",
    "Ünïcödé",
    "aws:///x/i-1",
    "@deep@",
    "@deeper@",
    "@deepest@",
];

/// Values that stand in place of good ones.
fn strange(number: usize) -> Value {
    let others = [
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(i32::MAX),
        json!(1_u64 << 47),
        json!(0.5),
        json!(-1e300),
        json!(1e300),
        json!([]),
        json!({}),
        json!([[]]),
        json!([{}]),
        json!({"": ""}),
        json!(["a", "a"]),
        json!("x".repeat(70)),
        json!("x".repeat(5000)),
    ];
    let at = number % (TEXTS.len() + others.len());
    match TEXTS.get(at) {
        Some(text) => json!(text),
        None => others[at - TEXTS.len()].clone(),
    }
}

/// The same as a cell of a table.
pub(crate) fn cell(number: usize) -> String {
    match strange(number) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Applies the changes one after the other.
pub(crate) fn tree(value: &mut Value, changes: &[Change]) {
    for (at, what, with) in changes {
        let mut all = Vec::new();
        pointers(value, "", &mut all);
        let at = all[at % all.len()].clone();
        match what % 10 {
            0 | 1 => remove(value, &at),
            2 => rename(value, &at, *with),
            3 => add(value, &at, *with),
            4 => multiply(value, &at),
            5 => replace(value, &at, |old| json!([old])),
            6 => replace(value, &at, |old| json!({"x": old})),
            7 => {
                let other = value.pointer(&all[with % all.len()]).cloned().unwrap_or_default();
                replace(value, &at, |_| other);
            }
            _ => replace(value, &at, |_| strange(*with)),
        }
    }
}

/// The tree as JSON, which is YAML too; depth is put in here, because a tree could not be so deep.
pub(crate) fn text(value: &Value) -> String {
    let mut text = value.to_string();
    for (mark, depth) in DEPTHS {
        let lists = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        text = text.replace(&format!("\"{mark}\""), &lists);
    }
    text
}

/// Takes bytes away, doubles them, or puts others in their place.
pub(crate) fn bytes(bytes: &mut Vec<u8>, changes: &[Change]) {
    const OTHERS: [&[u8]; 12] = [
        b"",
        b"\0",
        b"\xff",
        b"\n",
        b"\t",
        b": ",
        b"- ",
        b"---\n",
        b"&a ",
        b"*a",
        b"<<: *a\n",
        b"{",
    ];
    for (at, what, with) in changes {
        let at = at % (bytes.len() + 1);
        let end = bytes.len().min(at + with % 20);
        match what % 4 {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let doubled = bytes[at..end].to_vec();
                bytes.splice(at..at, doubled);
            }
            _ => {
                drop(
                    bytes.splice(at..end.min(at + 1), OTHERS[with % OTHERS.len()].iter().copied()),
                );
            }
        }
    }
}

/// Pointers (RFC 6901) to the value and all below it.
fn pointers(value: &Value, path: &str, all: &mut Vec<String>) {
    all.push(path.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let step = key.replace('~', "~0").replace('/', "~1");
                pointers(value, &format!("{path}/{step}"), all);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointers(value, &format!("{path}/{index}"), all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn replace(value: &mut Value, at: &str, with: impl FnOnce(Value) -> Value) {
    if let Some(old) = value.pointer_mut(at) {
        *old = with(old.take());
    }
}

/// The value that holds another, and its name there.
fn holder<'a>(value: &'a mut Value, at: &str) -> Option<(&'a mut Value, String)> {
    let (path, step) = at.rsplit_once('/')?;
    Some((value.pointer_mut(path)?, step.replace("~1", "/").replace("~0", "~")))
}

fn remove(value: &mut Value, at: &str) {
    match holder(value, at) {
        Some((Value::Object(fields), key)) => drop(fields.remove(&key)),
        Some((Value::Array(items), index)) => drop(items.remove(index.parse().unwrap())),
        _ => {}
    }
}

fn rename(value: &mut Value, at: &str, with: usize) {
    if let Some((Value::Object(fields), key)) = holder(value, at)
        && let Some(value) = fields.remove(&key)
    {
        fields.insert(strange(with).to_string(), value);
    }
}

fn add(value: &mut Value, at: &str, with: usize) {
    if let Some(Value::Object(fields)) = value.pointer_mut(at) {
        fields.insert("extra".to_owned(), strange(with));
    }
}

fn multiply(value: &mut Value, at: &str) {
    if let Some((Value::Array(items), index)) = holder(value, at) {
        let item = items[index.parse::<usize>().unwrap()].clone();
        items.extend(std::iter::repeat_n(item, COPIES));
    }
}

//! What must, and what must not, be written in a Rust file.

use crate::source::{code_only, is_word, shipped_lines, words};

const CLOCKS: [&str; 4] = ["Timestamp::now", "Instant::now", "SystemTime::now", "Zoned::now"];
const CLOCKLESS: [&str; 7] = [
    "shared/model/",
    "shared/hints/",
    "shared/catalog/",
    "shared/launch/",
    "shared/planner/",
    "shared/reconciler/",
    "shared/sim/",
];
const ORDERED: [&str; 6] = [
    "shared/model/",
    "shared/hints/",
    "shared/catalog/",
    "shared/launch/",
    "shared/planner/",
    "shared/reconciler/",
];
const INTEGER_ONLY: [&str; 2] = ["shared/model/", "shared/planner/"];

/// The places of them that seek in floats: what `bound` claims is rounded to the safe side, what `fill` places is counted
/// in integers.
const FLOATING: [&str; 4] = [
    "shared/planner/src/bound.rs",
    "shared/planner/src/bound/",
    "shared/planner/src/fill.rs",
    "shared/planner/src/fill/",
];
const SWITCHED_OFF: [&str; 2] = ["#[ignore", "#[should_panic"];
const STUBS: [&str; 3] = ["unimplemented!", "todo!", "dbg!"];
/// This crate has to name what it forbids.
const TIDY: &str = "tests/tidy/";

/// Files that do not say on line one what they are.
pub fn check_first_line(path: &str, text: &str) -> Vec<String> {
    if text.starts_with("//!") {
        return Vec::new();
    }
    vec![format!("{path}:1: the first line has to begin with `//!` and say what the file is")]
}

/// Tests that do not run, code that is not there yet, `mod.rs`.
pub fn check_leftovers(path: &str, text: &str) -> Vec<String> {
    if path.starts_with(TIDY) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if path.ends_with("/mod.rs") {
        findings.push(format!("{path}: name the file after its module, not `mod.rs`"));
    }
    for (number, line) in numbered(&code_only(text)) {
        let off = SWITCHED_OFF.iter().filter(|attribute| line.contains(**attribute));
        let stubs = STUBS.iter().filter(|stub| calls(line, stub));
        findings.extend(off.chain(stubs).map(|word| forbidden(path, number, word)));
    }
    let marked = numbered(text).filter(|(_, line)| line.contains("FIXME"));
    findings.extend(marked.map(|(number, _)| forbidden(path, number, "FIXME")));
    findings
}

/// Clocks in crates where time is an argument; their tests are not excepted.
pub fn check_clocks(path: &str, text: &str) -> Vec<String> {
    if !lies_in(path, &CLOCKLESS) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in numbered(&code_only(text)) {
        let clocks = CLOCKS.iter().filter(|clock| line.contains(**clock));
        findings.extend(clocks.map(|clock| format!("{path}:{number}: `{clock}`: take `now`")));
    }
    findings
}

/// Collections without an order where the same input has to give the same output.
pub fn check_order(path: &str, text: &str) -> Vec<String> {
    if !lies_in(path, &ORDERED) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in numbered(&code_only(text)) {
        let unordered = words(line).filter(|word| matches!(*word, "HashMap" | "HashSet"));
        findings.extend(
            unordered
                .map(|word| format!("{path}:{number}: `{word}`: take a B-tree or a sorted Vec")),
        );
    }
    findings
}

/// Floating point where amounts are integers. Tests may use it to work out what they expect.
pub fn check_floats(path: &str, text: &str) -> Vec<String> {
    if !lies_in(path, &INTEGER_ONLY) || lies_in(path, &FLOATING) {
        return Vec::new();
    }
    let code = code_only(text);
    let mut findings = Vec::new();
    for (number, line) in shipped_lines(path, &code) {
        let floats = words(line).filter(|word| is_float(word));
        findings.extend(floats.map(|word| format!("{path}:{number}: `{word}`: count in integers")));
    }
    findings
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

fn lies_in(path: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

fn forbidden(path: &str, number: usize, word: &str) -> String {
    format!("{path}:{number}: `{word}` must not stay")
}

fn calls(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| !line[..at].ends_with(is_word))
}

/// Types, suffixes (`1_f64`) and conversions (`as_f64`), but not `0x1f64`.
fn is_float(word: &str) -> bool {
    (word.contains("f32") || word.contains("f64")) && !word.starts_with("0x")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [&str; 0] = [];

    #[test]
    fn a_file_without_a_headline_is_found() {
        assert_eq!(check_first_line("build.rs", "//! Builds.\n"), NONE);
        assert_eq!(check_first_line("build.rs", "\n//! Builds.\n").len(), 1);
        assert_eq!(check_first_line("build.rs", "").len(), 1);
    }

    #[test]
    fn tests_switched_off_are_found() {
        let text = "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n#[should_panic(expected = \"x\")]\n";
        assert_eq!(
            check_leftovers("shared/sim/src/a.rs", text),
            [
                "shared/sim/src/a.rs:2: `#[ignore` must not stay",
                "shared/sim/src/a.rs:4: `#[should_panic` must not stay"
            ]
        );
    }

    #[test]
    fn stubs_and_marks_are_found() {
        for line in ["todo!()", "f(dbg!(x))", "unimplemented!();", "// FIXME later", "\"FIXME\""] {
            assert_eq!(check_leftovers("shared/sim/src/a.rs", line).len(), 1, "{line}");
        }
    }

    #[test]
    fn words_that_only_look_like_stubs_are_not() {
        for line in ["// todo! is banned", "let s = \"todo!\";", "my_todo!()", "let todo = !x;"] {
            assert_eq!(check_leftovers("shared/sim/src/a.rs", line), NONE, "{line}");
        }
    }

    #[test]
    fn mod_rs_is_found() {
        assert_eq!(check_leftovers("shared/sim/src/world/mod.rs", "//! x").len(), 1);
        assert_eq!(check_leftovers("shared/sim/src/world.rs", "//! x"), NONE);
    }

    #[test]
    fn a_clock_is_found_in_pure_crates_only() {
        let text = "let a = jiff::Timestamp::now();\nlet b = Instant::now();\n\
                    let c = SystemTime::now();\nlet d = Zoned::now();\n";
        for folder in ["model", "catalog", "launch", "planner", "reconciler", "sim"] {
            assert_eq!(check_clocks(&format!("shared/{folder}/src/a.rs"), text).len(), 4);
            assert_eq!(check_clocks(&format!("shared/{folder}/tests/a.rs"), text).len(), 4);
        }
        assert_eq!(check_clocks("functions/lifecycle/src/main.rs", text), NONE);
        assert_eq!(check_clocks("shared/sim/src/a.rs", "// not Timestamp::now()"), NONE);
    }

    #[test]
    fn an_unordered_collection_is_found_in_pure_crates_only() {
        let text = "use std::collections::{HashMap, HashSet};";
        for folder in ["model", "catalog", "launch", "planner", "reconciler"] {
            assert_eq!(check_order(&format!("shared/{folder}/src/a.rs"), text).len(), 2);
        }
        assert_eq!(check_order("shared/kubernetes/src/a.rs", text), NONE);
        assert_eq!(check_order("shared/model/src/a.rs", "BTreeMap::new()"), NONE);
    }

    #[test]
    fn a_float_is_found_in_shipped_code_of_model_and_planner() {
        for line in ["x as f64", "let x: f32", "1_f64", "v.as_f64()", "2.0f64"] {
            assert_eq!(check_floats("shared/model/src/a.rs", line).len(), 1, "{line}");
            assert_eq!(check_floats("shared/planner/src/a.rs", line).len(), 1, "{line}");
            assert_eq!(check_floats("shared/planner/tests/a.rs", line), NONE, "{line}");
            assert_eq!(check_floats("shared/catalog/src/a.rs", line), NONE, "{line}");
        }
        assert_eq!(check_floats("shared/model/src/a.rs", "0x1f64 // f64"), NONE);
    }
}

//! Holds the whole repository against the checks; each test names all that it finds at once.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tidy::{layers, length, rooms, settings, words};

#[test]
fn crates_depend_only_on_the_layers_below_them() {
    assert_tidy(&layers::check_edges(&metadata()));
}

#[test]
fn pure_crates_ship_with_few_outside_crates() {
    assert_tidy(&layers::check_outside(&metadata()));
}

#[test]
fn no_file_is_too_long() {
    assert_tidy(&in_every_file(length::check));
}

#[test]
fn every_file_says_first_what_it_is() {
    assert_tidy(&in_every_file(words::check_first_line));
}

#[test]
fn no_test_is_switched_off_and_no_stub_is_left() {
    assert_tidy(&in_every_file(words::check_leftovers));
}

#[test]
fn pure_crates_read_no_clock() {
    assert_tidy(&in_every_file(words::check_clocks));
}

#[test]
fn pure_crates_keep_collections_in_order() {
    assert_tidy(&in_every_file(words::check_order));
}

#[test]
fn model_and_planner_count_in_integers() {
    assert_tidy(&in_every_file(words::check_floats));
}

#[test]
fn pure_crates_have_a_strict_clippy_toml() {
    let root = read(&root().join("clippy.toml"));
    let mut findings = Vec::new();
    for folder in settings::STRICT {
        let path = format!("{folder}/clippy.toml");
        let Ok(text) = fs::read_to_string(root_path(&path)) else {
            findings.push(format!("{path}: is missing"));
            continue;
        };
        findings.extend(settings::check_bans(&path, &text));
        findings.extend(settings::check_repeats(&path, &text, &root));
    }
    assert_tidy(&findings);
}

#[test]
fn the_top_level_holds_only_what_was_agreed() {
    let names = entries(&root()).into_iter().map(|(name, _)| name);
    assert_tidy(&names.flat_map(|name| rooms::check(&name)).collect::<Vec<_>>());
}

fn assert_tidy(findings: &[String]) {
    assert!(findings.is_empty(), "{} found:\n{}", findings.len(), findings.join("\n"));
}

fn in_every_file(check: impl Fn(&str, &str) -> Vec<String>) -> Vec<String> {
    let mut files = Vec::new();
    collect_rust_files(&root(), "", &mut files);
    assert!(!files.is_empty(), "there are Rust files, this one at least");
    files.iter().flat_map(|path| check(path, &read(&root_path(path)))).collect()
}

/// Paths from the root, parts joined by `/`, in order. Hidden folders and build output stay out.
fn collect_rust_files(folder: &Path, prefix: &str, files: &mut Vec<String>) {
    for (name, path) in entries(folder) {
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect_rust_files(&path, &format!("{prefix}{name}/"), files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(format!("{prefix}{name}"));
        }
    }
}

fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).expect("a folder of the repository can be listed");
    let mut named: Vec<(String, PathBuf)> = entries
        .map(|entry| {
            let path = entry.expect("an entry of a folder can be read").path();
            let name = path.file_name().expect("an entry has a name").to_string_lossy();
            (name.into_owned(), path)
        })
        .collect();
    named.sort();
    named
}

fn metadata() -> String {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root_path(path: &str) -> PathBuf {
    root().join(path)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

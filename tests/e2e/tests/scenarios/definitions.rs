//! The API server takes what Karpenter takes and refuses what it refuses.

use anyhow::{Context, Result, bail, ensure};
use e2e::definitions;
use e2e::objects::{self, name};
use e2e::stage::{Stage, play};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A document of a file of objects, and what its comments say of it.
struct Example {
    object: Value,
    notes: BTreeMap<String, String>,
}

/// The examples of the adapter's tests: `valid` or `invalid`.
fn examples(which: &str) -> Result<Vec<Example>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/kubernetes/tests/objects");
    let mut examples = Vec::new();
    let mut files: Vec<_> = fs::read_dir(root.join(which))?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::path);
    for file in files {
        let text = fs::read_to_string(file.path())?;
        for document in text.split("\n---\n").skip(1) {
            let notes =
                document.lines().map_while(|line| line.strip_prefix("# ")?.split_once(": "));
            let notes = notes.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            let object = serde_saphyr::from_str(document);
            let object =
                object.with_context(|| format!("{}:\n{document}", file.path().display()))?;
            examples.push(Example { object, notes });
        }
    }
    Ok(examples)
}

/// The object's status once it was written.
async fn with_status(stage: &Stage, object: &Value) -> Result<Value> {
    let created = objects::create(&stage.client, object).await?;
    match object.get("status") {
        None => Ok(created),
        Some(status) => {
            objects::set_status(&stage.client, object, status.clone()).await?;
            objects::get(&stage.client, object).await
        }
    }
}

#[test]
fn every_valid_object_is_taken_with_every_field() {
    play(async |stage| {
        definitions::install_ours(stage).await?;
        let examples = examples("valid")?;
        ensure!(!examples.is_empty(), "there are examples");
        let mut wrong = Vec::new();
        for Example { object, .. } in &examples {
            let label = format!("{} {}", object["kind"], name(object));
            match with_status(stage, object).await {
                Err(error) => wrong.push(format!("{label}: {error:#}")),
                Ok(stored) => {
                    let lost = objects::lost(object, &stored);
                    wrong.extend(lost.iter().map(|path| format!("{label}: {path}")));
                }
            }
        }
        ensure!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), examples.len(), wrong.join("\n"));
        Ok(())
    });
}

#[test]
fn every_invalid_object_is_refused_for_its_reason() {
    play(async |stage| {
        definitions::install_ours(stage).await?;
        for Example { object, .. } in &examples("valid")? {
            with_status(stage, object).await?;
        }
        let examples = examples("invalid")?;
        ensure!(60 <= examples.len(), "{} invalid objects", examples.len());
        let mut wrong = Vec::new();
        for Example { object, notes } in &examples {
            let label = format!("{} {}", object["kind"], name(object));
            let expected = notes.get("expect").with_context(|| label.clone())?;
            match refusal(stage, object, notes.get("update")).await? {
                None => wrong.push(format!("{label}: was taken, expected {expected:?}")),
                Some(answer) if answer.contains(expected.as_str()) => {}
                Some(answer) => {
                    wrong.push(format!("{label}: expected {expected:?}, found {answer:?}"));
                }
            }
        }
        ensure!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), examples.len(), wrong.join("\n"));
        Ok(())
    });
}

/// Why the API server refuses an object, or the change of one that is there; none where it takes it.
async fn refusal(stage: &Stage, object: &Value, update: Option<&String>) -> Result<Option<String>> {
    let tried = match update.map(String::as_str) {
        None => objects::create(&stage.client, object).await,
        Some(part) => {
            let mut changed = objects::get(&stage.client, object).await?;
            changed[part] = object[part].clone();
            match part {
                "spec" => objects::replace(&stage.client, &changed).await,
                "status" => objects::replace_status(&stage.client, &changed).await,
                other => bail!("update of {other}"),
            }
        }
    };
    Ok(tried.err().map(|error| format!("{error:#}")))
}

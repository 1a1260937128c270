//! Files of objects, as `kubectl get -o yaml` prints them or as they are written by hand, to the state of a cluster.
//!
//! YAML with any number of documents, or JSON; lists of objects are taken apart. Whatever is wrong is one line that names
//! the file, the object and the field.

mod collect;
mod document;

use crate::field::{self, FieldError};
use collect::Collector;
use document::Document;
use jiff::Timestamp;
use model::name::PoolName;
use model::plan::LeftOut;
use model::snapshot::ClusterState;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A file's name, for messages, and what is in it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The name.
    pub name: &'a str,
    /// The content.
    pub bytes: &'a [u8],
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// The file.
    pub file: String,
    /// The object, as `Pod default/web`, or the place in the file; empty where it is the whole file.
    pub object: String,
    /// The field's path; empty where it is the whole object.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Error {
    /// One line: `FILE: object: field: message`, without the parts that are empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.file, &self.object, &self.field, &self.message];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let line = parts.map(|part| one_line(part)).collect::<Vec<_>>().join(": ");
        f.write_str(&line)
    }
}

/// The longest part of a message, in characters: names and paths are shorter, and a line stays readable.
const PART_MAX: usize = 400;

fn one_line(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().take(PART_MAX).map(clean).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}

/// What files said.
#[derive(Clone, Debug)]
pub struct Objects {
    /// The objects, as a cluster would hold them. Pods that wait count as unschedulable since their creation, unless a gate holds
    /// them; EC2NodeClasses without a status count as ready.
    pub cluster: ClusterState,
    /// Pods that wait for something else than a node.
    pub left_out: Vec<LeftOut>,
    /// The newest time that an object names, if one does: what is read is no older.
    pub newest: Option<Timestamp>,
    /// NodePools that name no disruption budgets. An API server would have filled in the default, so that such a one comes
    /// from a person's file.
    pub unbudgeted: BTreeSet<PoolName>,
    /// Kinds that are not read, and how many objects there were.
    pub ignored: BTreeMap<String, usize>,
    /// The file of each object, by kind and name as messages have them.
    files: BTreeMap<String, Arc<str>>,
}

impl Objects {
    /// An error about a field of an object that does not live in a namespace, found after it was read.
    pub fn error(&self, kind: &str, name: &str, field: &str, message: String) -> Error {
        let object = format!("{kind} {name}");
        let file = self.files.get(&object).map(ToString::to_string).unwrap_or_default();
        Error { file, object, field: field.to_owned(), message }
    }
}

/// The uid of a cluster whose namespace `kube-system` is not among the objects.
pub const UNKNOWN_CLUSTER: &str = "unknown";

/// The largest file, in bytes. Some 60,000 pods as `kubectl get -o json` prints them.
pub const FILE_MAX: usize = 512 << 20;

/// Reads files into one cluster. An object that does not say when it was created was created at the newest time named.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(sources: &[Source<'_>]) -> Result<Objects, Error> {
    let mut documents = Vec::new();
    for source in sources {
        documents.extend(document::parse(source)?);
    }
    let newest = documents.iter().filter_map(|document| newest_in(&document.value)).max();
    let mut collector = Collector::new(newest.unwrap_or(Timestamp::UNIX_EPOCH));
    for document in documents {
        collector.take(document)?;
    }
    Ok(collector.finish(newest))
}

/// The newest of the times in an object's metadata and conditions.
fn newest_in(value: &serde_json::Value) -> Option<Timestamp> {
    let conditions = value["status"]["conditions"].as_array().into_iter().flatten();
    let times = conditions.map(|condition| &condition["lastTransitionTime"]);
    let times =
        times.chain([&value["metadata"]["creationTimestamp"], &value["status"]["startTime"]]);
    times.filter_map(|time| crate::format::time(time.as_str()?)).max()
}

impl Document {
    /// An error about a field of it.
    fn error(&self, error: FieldError) -> Error {
        Error {
            file: self.file.to_string(),
            object: self.label(),
            field: error.path,
            message: error.message,
        }
    }

    /// Takes the object out, as its type.
    fn read<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Error> {
        field::read(self.value.take()).map_err(|error| self.error(error))
    }

    /// Whether the object has its type's shape.
    fn check<T: serde::de::DeserializeOwned>(&mut self) -> Result<(), Error> {
        self.read::<T>().map(|_| ())
    }
}

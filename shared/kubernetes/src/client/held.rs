//! What a warm process holds of one kind, and how it catches up: by the changes since the version it knows instead of a
//! list of all.
//!
//! First a mark is fetched: a consistent list of one object, which tells the present version and how many there are. Then
//! a watch begins at the known version. The changes up to the mark are in the API server's memory by then, for it has just
//! answered from there, and come at once and in order. So one is caught up when a change at or after the mark has come.
//! Where none came because nothing has changed since, silence and the same count have to do: another API server may lag.
//! A change that is missed so comes with the next pass; nothing that is unsafe relies on it, because changes are made on
//! conditions.

use super::kinds::{Head, Item, Kind};
use super::list::{self, Page};
use super::wire::{Failure, Wire};
use crate::resource::query;
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use model::name::ObjectName;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Silence of this length ends a watch that has not reached its mark. What is in the API server's memory comes within
/// a few ms of each other; this much is spent on a pass in which nothing has changed.
const SILENCE: Duration = Duration::from_millis(40);

/// More text of changes than this, and a list is read instead. A watch is not compressed and a list is, to about a tenth:
/// a list of 5,000 nodes is some 5 MB.
const CHANGES_MAX: usize = 4 << 20;

/// A list is read anew after this time in any case, so that nothing that was missed stays for long. Kubelets tell of
/// themselves every five minutes anyway.
const LISTED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// The name, version and number of things without the things.
const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Objects of one kind as they were at a version.
#[derive(Debug)]
pub(super) struct Held<T> {
    objects: BTreeMap<ObjectName, Arc<T>>,
    unreadable: BTreeMap<ObjectName, String>,
    /// The version up to which all changes are known.
    version: Option<u64>,
    listed: Timestamp,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        let (objects, unreadable) = (BTreeMap::new(), BTreeMap::new());
        Self { objects, unreadable, version: None, listed: Timestamp::UNIX_EPOCH }
    }
}

/// How the kind stands at the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    version: u64,
    /// Where the API server tells.
    count: Option<usize>,
}

/// Where a watch has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// There may be more.
    Behind,
    /// All up to the mark is known.
    Reached,
    /// The changes cannot be had, or not be understood: a list has to be read.
    Broken,
}

/// A line of a watch.
#[derive(Deserialize)]
struct Change<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

impl<T> Held<T> {
    /// The objects in the order of their names.
    pub(super) fn objects(&self) -> Vec<Arc<T>> {
        self.objects.values().map(Arc::clone).collect()
    }

    /// What is held under a name.
    pub(super) fn named(&self, name: &ObjectName) -> Option<&Arc<T>> {
        self.objects.get(name)
    }

    /// What cannot be read, each in a line.
    pub(super) fn unreadable(&self) -> impl Iterator<Item = &String> {
        self.unreadable.values()
    }

    /// Comes to know the present state of all objects of the kind.
    pub(super) async fn follow(
        &mut self,
        wire: &Wire,
        kind: &Kind<T>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let is_fresh = now.duration_since(self.listed) < LISTED_FOR;
        if let Some(version) = self.version.filter(|_| is_fresh)
            && self.catch_up(wire, kind, version, now).await?
        {
            return Ok(());
        }
        // Changes that were taken in part are of no use, nor is a list that fails.
        *self = Self::default();
        let listed = list::list(wire, kind, (&kind.resource.all(), &[]), now).await?;
        for item in listed.items {
            self.take(item);
        }
        self.version = listed.version;
        self.listed = now;
        Ok(())
    }

    /// Takes the changes since a version. Says whether that succeeded.
    async fn catch_up(
        &mut self,
        wire: &Wire,
        kind: &Kind<T>,
        version: u64,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let path = kind.resource.all();
        let mark = wire.get_as(&query(&path, &[("limit", "1")]), METADATA_ONLY).await?;
        let Some(mark) = mark_in(&mark)? else { return Ok(false) };
        if mark.version == version {
            return Ok(true);
        }
        let version = version.to_string();
        let parameters = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", &*version),
            // The API server is not to keep it much longer than we listen.
            ("timeoutSeconds", "30"),
        ];
        let mut pieces = match wire.watch(&query(&path, &parameters)).await {
            Ok(pieces) => pieces,
            Err(failure @ Failure::Lost(_)) => return Err(failure),
            // 410 Gone, or a version that this API server has not come to: a list says how things stand.
            Err(Failure::Refused(_)) => return Ok(false),
        };
        let (mut text, mut taken) = (Vec::new(), 0);
        loop {
            match tokio::time::timeout(SILENCE, pieces.next()).await {
                Ok(Some(Ok(piece))) => {
                    taken += piece.len();
                    text.extend_from_slice(&piece);
                }
                Ok(Some(Err(_)) | None) => return Ok(false),
                // Silence in the middle of a line is a stutter.
                Err(_) if text.is_empty() => {
                    return Ok(mark.count.is_none_or(|count| count == self.count()));
                }
                Err(_) => {}
            }
            match self.take_lines(kind, &mut text, (mark, now)) {
                Progress::Reached => return Ok(true),
                Progress::Broken => return Ok(false),
                Progress::Behind if CHANGES_MAX < taken => return Ok(false),
                Progress::Behind => {}
            }
        }
    }

    /// Takes the whole lines at the beginning of the text out of it, as changes.
    fn take_lines(
        &mut self,
        kind: &Kind<T>,
        text: &mut Vec<u8>,
        (mark, now): (Mark, Timestamp),
    ) -> Progress {
        let Some(last) = text.iter().rposition(|byte| *byte == b'\n') else {
            return Progress::Behind;
        };
        let rest = text.split_off(last + 1);
        let lines = std::mem::replace(text, rest);
        let mut progress = Progress::Behind;
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            progress = self.take_line(kind, line, (mark, now));
            if progress == Progress::Broken {
                break;
            }
        }
        progress
    }

    fn take_line(
        &mut self,
        kind: &Kind<T>,
        line: &[u8],
        (mark, now): (Mark, Timestamp),
    ) -> Progress {
        let Ok(change) = serde_json::from_slice::<Change<'_>>(line) else {
            return Progress::Broken;
        };
        let head = Head::read(change.object.get());
        let Some(version) = head.version() else { return Progress::Broken };
        match change.kind {
            "ADDED" | "MODIFIED" => self.take(kind.item(change.object.get(), now)),
            "DELETED" => self.forget(&head.key()),
            "BOOKMARK" => {}
            // An error, whose object is a Status.
            _ => return Progress::Broken,
        }
        self.version = Some(version);
        if mark.version <= version { Progress::Reached } else { Progress::Behind }
    }

    fn take(&mut self, (key, object): Item<T>) {
        self.forget(&key);
        match object {
            Ok(object) => {
                self.objects.insert(key, object);
            }
            Err(line) => {
                self.unreadable.insert(key, line);
            }
        }
    }

    fn forget(&mut self, key: &ObjectName) {
        self.objects.remove(key);
        self.unreadable.remove(key);
    }

    fn count(&self) -> usize {
        self.objects.len() + self.unreadable.len()
    }
}

/// The mark in a list of one object. None where its version is no number.
fn mark_in(body: &[u8]) -> Result<Option<Mark>, Failure> {
    let page = Page::read(body)?;
    let shown = page.items().count();
    let count = match (page.metadata.remaining_item_count, page.metadata.r#continue.is_empty()) {
        (Some(more), _) => usize::try_from(more).ok().map(|more| shown + more),
        (None, true) => Some(shown),
        (None, false) => None,
    };
    let version = page.metadata.resource_version.parse().ok();
    Ok(version.map(|version| Mark { version, count }))
}

#[cfg(test)]
mod tests;

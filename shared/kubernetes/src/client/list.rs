//! Lists, page by page. A page is dropped before the next one is asked for, and one object cannot spoil it.

use super::kinds::{Item, Kind};
use super::wire::{Failure, Wire};
use crate::resource::query;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Objects for one page. `kubectl` takes as many; a page of the largest usual objects (nodes, 15 KB) is 7 MB.
const PAGE: &str = "500";

/// A list whose continuation was forgotten (410) is begun anew so often. Tokens live for five minutes and more, so one
/// time is already a strange one.
const BEGINNINGS_MAX: u32 = 3;

/// A list as the API server had it at one version.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub(super) items: Vec<Item<T>>,
    pub(super) version: Option<u64>,
}

/// `metadata` of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ListMeta {
    pub(super) resource_version: String,
    pub(super) r#continue: String,
    /// How many come after this page, where the API server knows.
    pub(super) remaining_item_count: Option<u64>,
}

/// A page, with its objects as text.
#[derive(Debug, Deserialize)]
pub(super) struct Page<'a> {
    #[serde(default)]
    pub(super) metadata: ListMeta,
    #[serde(default, borrow)]
    items: Option<Vec<&'a RawValue>>,
}

impl<'a> Page<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Failure> {
        let page = serde_json::from_slice(body);
        page.map_err(|error| Failure::Lost(format!("an answer that is no list: {error}")))
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &'a str> + use<'a, '_> {
        self.items.iter().flatten().map(|item| item.get())
    }
}

/// All objects under a path, of those that the parameters select.
pub(super) async fn list<T>(
    wire: &Wire,
    kind: &Kind<T>,
    (path, parameters): (&str, &[(&str, &str)]),
    now: Timestamp,
) -> Result<Listed<T>, Failure> {
    let mut listed = Listed { items: Vec::new(), version: None };
    let mut next = String::new();
    let mut beginnings = 1;
    loop {
        let parameters = [parameters, &[("limit", PAGE), ("continue", &*next)]].concat();
        let body = match wire.get(&query(path, &parameters)).await {
            Ok(body) => body,
            Err(failure)
                if failure.is(StatusCode::GONE)
                    && !next.is_empty()
                    && beginnings < BEGINNINGS_MAX =>
            {
                beginnings += 1;
                next.clear();
                listed.items.clear();
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let page = Page::read(&body)?;
        listed.items.extend(page.items().map(|text| kind.item(text, now)));
        listed.version = page.metadata.resource_version.parse().ok();
        next = page.metadata.r#continue;
        if next.is_empty() {
            return Ok(listed);
        }
    }
}

//! What AWS has for the cluster, as the function catalog last saw it: packed, in a ConfigMap of its own. What is packed is
//! not looked at here.

use super::Home;
use super::change::{JSON, MERGE_PATCH, updated};
use super::outcome;
use super::wire::{Failure, Wire};
use crate::resource::CONFIG_MAPS;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use model::outcome::Outcome;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// The ConfigMap's name.
const CATALOGUE: &str = "joiner-catalog";

/// The key in it.
const PACKED: &str = "catalogue";

/// An object without its contents: some hundred bytes in place of some hundred thousand.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// What is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Nothing.
    Nothing,
    /// What was known already.
    AsKnown,
    /// This.
    New {
        /// The version of the object, for the next look and for the one who writes.
        version: String,
        /// The catalogue as it was packed; empty where the object holds none.
        packed: Vec<u8>,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Object {
    metadata: Meta,
    binary_data: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    resource_version: String,
}

/// Reads what is stored, unless it is of the version that is known.
pub(super) async fn read(wire: &Wire, home: &Home, known: Option<&str>) -> Result<Stored, Failure> {
    let path = home.path(&CONFIG_MAPS, CATALOGUE);
    let read = async {
        if let Some(known) = known
            && object(&wire.get_as(&path, METADATA).await?)?.metadata.resource_version == known
        {
            return Ok::<_, Failure>(Stored::AsKnown);
        }
        let Object { metadata, mut binary_data } = object(&wire.get(&path).await?)?;
        let packed = binary_data.remove(PACKED).unwrap_or_default();
        let packed = STANDARD.decode(packed).unwrap_or_default();
        Ok(Stored::New { version: metadata.resource_version, packed })
    };
    match read.await {
        Err(failure) if failure.is(StatusCode::NOT_FOUND) => Ok(Stored::Nothing),
        read => read,
    }
}

/// Whether anything is stored.
pub(super) async fn is_there(wire: &Wire, home: &Home) -> Result<bool, Failure> {
    match metadata(wire, home).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.is(StatusCode::NOT_FOUND) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// The object that holds it, without what it holds.
pub(super) async fn metadata(wire: &Wire, home: &Home) -> Result<Vec<u8>, Failure> {
    wire.get_as(&home.path(&CONFIG_MAPS, CATALOGUE), METADATA).await
}

/// Stores a catalogue where nothing is stored, or over the version that was seen.
pub(super) async fn write(wire: &Wire, home: &Home, over: Option<&str>, packed: &[u8]) -> Outcome {
    let mut object = json!({"binaryData": {PACKED: STANDARD.encode(packed)}});
    let written = if let Some(version) = over {
        object["metadata"] = json!({"resourceVersion": version});
        let path = home.path(&CONFIG_MAPS, CATALOGUE);
        wire.change(Method::PATCH, &path, (MERGE_PATCH, &object)).await
    } else {
        object["apiVersion"] = json!(CONFIG_MAPS.api_version);
        object["kind"] = json!(CONFIG_MAPS.kind);
        object["metadata"] = json!({"name": CATALOGUE});
        let path = CONFIG_MAPS.within(&home.namespace);
        wire.change(Method::POST, &path, (JSON, &object)).await
    };
    match written {
        Ok(body) => updated(&body),
        Err(failure) => outcome::of_change(failure),
    }
}

fn object(body: &[u8]) -> Result<Object, Failure> {
    let object = serde_json::from_slice(body);
    object.map_err(|error| Failure::Lost(format!("ConfigMap {CATALOGUE}: {error}")))
}

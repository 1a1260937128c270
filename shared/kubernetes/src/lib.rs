//! Kubernetes objects to the nouns of joiner, and the API server as a port.
//!
//! `crd` defines the kinds, `manifest` reads files, `client` speaks to an API server. `objects` holds the fields that joiner
//! looks at, `schema` knows every field of Karpenter's kinds from their definitions, `convert` makes the nouns. What the API
//! server would refuse in a file is refused here too, with the field's path. `watch` follows what changes in a
//! cluster and keeps hashes of it.

pub mod client;
mod convert;
pub mod crd;
mod field;
mod format;
pub mod manifest;
mod objects;
mod resource;
mod schema;
pub mod watch;

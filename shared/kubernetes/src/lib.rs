//! Kubernetes objects to the nouns of joiner.
//!
//! `manifest` reads files, `objects` holds the fields that joiner looks at, `schema` knows every field of Karpenter's
//! kinds, `convert` makes the nouns. What the API server would refuse is refused here too, with the field's path.

mod convert;
pub mod crd;
mod field;
mod format;
pub mod manifest;
mod objects;
mod schema;

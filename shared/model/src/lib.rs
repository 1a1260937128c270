//! The nouns of joiner. Every other crate speaks in these types; this one performs nothing.
//!
//! What is deliberately absent: input and output, clocks, randomness, floating point, hash maps that can be listed.
#![deny(clippy::float_arithmetic)]

pub mod action;
pub mod affinity;
pub mod by_name;
pub mod claim;
pub mod condition;
pub mod hint;
pub mod instance_type;
pub mod instance_types;
pub mod labels;
pub mod memory;
pub mod name;
pub mod node;
pub mod node_class;
pub mod outcome;
pub mod plan;
pub mod pod;
pub mod pool;
pub mod price;
pub mod quantity;
pub mod reason;
pub mod requirement;
pub mod resources;
pub mod snapshot;
pub mod stamp;
pub mod taint;
pub mod volume;

//! What the parts of the world promise, without any function.

mod ec2;
pub(crate) mod fixture;
mod invariants;
mod kubernetes;

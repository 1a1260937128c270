//! What the parts of the world promise, without any function.

mod ec2;
mod fixture;
mod invariants;
mod kubernetes;

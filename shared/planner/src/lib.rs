//! The decisions: provision, advance, disrupt, interrupt. Pure.
//!
//! Each is a function of a snapshot and a time to a plan; the same arguments give the same plan to the byte. What is
//! deliberately absent: input and output, clocks, randomness, hash maps that can be listed, and floating point outside the
//! two searches, `bound` and `fill`.
#![deny(clippy::float_arithmetic)]

pub mod advance;
mod bound;
pub mod disrupt;
pub mod explain;
mod fill;
mod guards;
pub mod interrupt;
pub mod provision;
mod scheduling;

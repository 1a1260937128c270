//! Decisions as text: a snapshot in, a plan out.
#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::default_trait_access,
    reason = "fixtures are read once, and a bad one is a bug of its test"
)]

mod budgets;
mod claims;
mod consolidate;
mod disrupt;
mod drift;
mod explain;
mod fixture;
mod fuzz;
mod limits;
mod neighbours;
mod pools;
mod preferences;
mod replicas;
mod resume;
mod rooms;
mod stamps;
mod topology;

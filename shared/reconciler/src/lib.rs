//! The shell around a decision: observe, decide, check, execute, report. It decides nothing itself.
//!
//! What is deliberately absent: a clock (time is an argument), sleeping, retry loops, and the planner, which the caller
//! passes in as a function.

pub mod batch;
pub mod chain;
pub mod check;
pub mod decision;
pub mod execute;
pub mod observe;
pub mod ports;
pub mod reconcile;
pub mod report;

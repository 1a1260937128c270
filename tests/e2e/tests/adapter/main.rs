//! The adapter on a real API server: every action with its conditions, every scope. They are played where
//! `RUN_SLOW_TESTS=1` is set; each has a control plane of its own.

mod claims;
mod common;
mod pods;
mod reading;
mod shared;

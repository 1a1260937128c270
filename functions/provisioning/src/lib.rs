//! The provisioning function: pods that wait become nodes. It may launch and never terminates.

pub mod handler;

//! The catalog function: what AWS has for the cluster. It changes nothing in AWS.

pub mod handler;

//! The catalog function: what AWS has for the cluster. It changes nothing in AWS.

mod catalogue;
pub mod handler;
mod leaving;

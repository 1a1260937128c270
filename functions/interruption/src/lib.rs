//! The interruption function: EC2's notices are written into the cluster and acted on. It changes nothing at EC2.

pub mod event;
pub mod handler;

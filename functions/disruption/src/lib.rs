//! The disruption function: what is not needed is given back. It changes Kubernetes objects only.

pub mod handler;

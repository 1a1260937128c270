//! The provisioning function.

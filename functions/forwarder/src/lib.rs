//! The forwarder: changes in the cluster become hints. What it watches and where it sends comes with the real cluster;
//! when it sends is here, pure.

pub mod batcher;

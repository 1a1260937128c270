//! A whole world in memory with virtual time: the cluster, its scheduler and kubelets, EC2, SQS, EventBridge, Lambda,
//! and their faults. Seeded and single-threaded: the same seed and input give the same run.

pub mod record;
pub mod workload;

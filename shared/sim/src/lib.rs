//! A whole world in memory with virtual time: the cluster, its scheduler and kubelets, EC2, SQS, EventBridge, Lambda,
//! and their faults. Seeded and single-threaded: the same seed and input give the same run.

pub mod record;
pub mod workload;
pub mod input;
mod template;
pub mod trace;
pub mod file;
mod bridge;
mod bucket;
mod capacity;
mod check;
mod check_cloud;
mod check_cluster;
mod check_sweep;
mod claims;
mod ec2;
pub mod faults;
pub mod forwarder;
pub mod handle;
mod kubelet;
pub mod lambda;
mod nodes;
mod observe;
mod owners;
mod pods;
mod rng;
mod scheduler;
pub mod simulation;
mod sqs;
mod stage;
mod store;
mod timeline;
mod world;
pub mod bound;
pub mod html;
pub mod summary;

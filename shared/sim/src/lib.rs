//! A whole world in memory with virtual time: the cluster, its scheduler and kubelets, EC2, SQS, EventBridge, Lambda,
//! and their faults. Seeded and single-threaded: the same seed and input give the same run.

pub mod account;
pub mod bound;
mod bridge;
mod capacity;
mod check;
mod check_cloud;
mod check_cluster;
mod check_sweep;
mod check_waiting;
mod claims;
mod ec2;
pub mod faults;
pub mod file;
pub mod forwarder;
pub mod handle;
pub mod html;
pub mod input;
pub mod kubelet;
pub mod lambda;
mod nodes;
mod observe;
mod owners;
mod pods;
pub mod record;
mod rng;
mod scheduler;
pub mod simulation;
mod sqs;
mod stage;
mod store;
pub mod summary;
mod template;
mod timeline;
pub mod trace;
pub mod workload;
mod world;

//! A real control plane, the simulated EC2 in real time, and fake kubelets between them: what scenarios and `just cluster`
//! run joiner on.

pub mod authenticator;
pub mod aws;
pub mod bench;
pub mod chart;
pub mod classes;
pub mod control_plane;
pub mod definitions;
pub mod ec2;
pub mod forwarder;
pub mod joiner;
pub mod kubelet;
pub mod look;
pub mod loopback;
pub mod objects;
pub mod product;
pub mod queue;
pub mod real_time;
pub mod stage;
pub mod workload;

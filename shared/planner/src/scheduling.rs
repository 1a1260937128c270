//! Which pods can run where, and which nodes to open for them at the least price.
//!
//! The way through: pods become [`classes`]; [`rooms`] are what is free on nodes and claims that are there; a [`stock`]
//! is what one EC2NodeClass can launch within a NodePool's requirements; [`profiles`] say which of it a set of pods
//! admits; [`pack`] opens bins; [`ranking`] turns a bin into the offerings to try; [`claims`] writes it down.
//!
//! Before packing, [`volumes`] turn a pod's claims into requirements, and [`topology`] gives each pod a domain of every
//! label over which it is spread or tied to others; what is about single nodes stays with the class, as its roles.

pub(crate) mod amounts;
pub(crate) mod claims;
pub(crate) mod classes;
pub(crate) mod daemons;
pub(crate) mod limits;
pub(crate) mod pack;
pub(crate) mod pools;
pub(crate) mod profiles;
pub(crate) mod ranking;
pub(crate) mod replica;
pub(crate) mod rooms;
pub(crate) mod stock;
pub(crate) mod topology;
pub(crate) mod volumes;

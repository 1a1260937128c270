//! Which pods can run where, and which nodes to open for them at the least price.
//!
//! The way through: pods become [`classes`]; [`rooms`] are what is free on nodes and claims that are there; a [`stock`]
//! is what one EC2NodeClass can launch within a NodePool's requirements; [`profiles`] say which of it a set of pods
//! admits; [`pack`] opens bins; [`ranking`] turns a bin into the offerings to try; [`claims`] writes it down.
//!
//! Deliberately not here yet: topology spread, pod affinity and volumes (pods that require them get a reason), and a
//! proven lower bound. Preferences (`preferred…`, `ScheduleAnyway`, `PreferNoSchedule`) are not looked at.

pub(crate) mod amounts;
pub(crate) mod claims;
pub(crate) mod classes;
pub(crate) mod daemons;
pub(crate) mod limits;
pub(crate) mod pack;
pub(crate) mod pools;
pub(crate) mod profiles;
pub(crate) mod ranking;
pub(crate) mod rooms;
pub(crate) mod stock;
pub(crate) mod values;

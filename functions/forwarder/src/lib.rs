//! The forwarder: watches a cluster, and puts a hint on the queue when something in it has changed that a function has to
//! look at. What counts as a change and when it is told stands in `hints`; here are the clock, the queue, and the pages
//! that say how it is.

pub mod clock;
mod health;
mod http;
pub mod logging;
mod metrics;
mod queue;
pub mod run;
pub mod settings;
mod state;
mod watches;

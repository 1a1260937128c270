//! Changes in the cluster to hints, pure: what counts as a change, and when it is told.
//!
//! `ledger` knows hashes of what is there and says what has changed, `route` which function has to look, `batcher` when,
//! `pulse` that it has been quiet for long, `outbox` what is still to be sent, `backoff` when to try again. `engine` is all
//! of them together; whoever runs it brings the clock, the watches and the queue.

pub mod backoff;
pub mod batcher;
pub mod engine;
pub mod ledger;
pub mod outbox;
pub mod pulse;
pub mod route;

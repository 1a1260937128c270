//! The forwarder's binary between an API server and an SQS that are made up, on loopback: what it sends, and what it does
//! when either of them fails.
#![cfg(test)]

mod api;
mod aws;
mod credentials;
mod ends;
mod process;
mod queue;
mod server;
mod watch;

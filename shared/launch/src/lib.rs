//! What an EC2NodeClass comes to: user data, the whole request for instances, its status.
//!
//! All of it is data in, data out and knows no SDK, so that it is tested in seconds; the crate that speaks to EC2 carries
//! it out and decides nothing.

pub mod bootstrap;
pub mod bucket;
pub mod lookup;
pub mod refusal;
pub mod request;
pub mod resolve;

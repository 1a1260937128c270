//! The lifecycle function: nodes join, are drained and go. It may drain and terminate and never launches.

pub mod handler;

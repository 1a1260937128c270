//! The disruption function.

//! The interruption function.

//! The lifecycle function.

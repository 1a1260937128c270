//! Checks on the source text of this repository.
//!
//! Every check is a pure function from a path and a text to a list of findings, so each one is
//! tried here on a planted mistake. `tests/repository.rs` feeds them the real tree. How long a
//! function may be is not looked at here: `clippy::too_many_lines` does that.

pub mod layers;
pub mod length;
pub mod rooms;
pub mod settings;
pub mod source;
pub mod words;

//! The joiner command.

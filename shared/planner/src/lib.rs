//! The decisions: provision, advance, disrupt, interrupt. Pure.

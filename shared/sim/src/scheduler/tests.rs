//! The scheduler's predicates and scores, and what the planner makes of them.

mod board;
mod counts;
mod planned;
mod predicates;
mod scores;

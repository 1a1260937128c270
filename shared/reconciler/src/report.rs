//! What a pass came to, for logs and for whoever called it.

use crate::check::Violation;
use crate::decision::Decision;
use model::outcome::Outcome;
use model::plan::Plan;
use std::collections::BTreeMap;

/// An action that was tried, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The action in words.
    pub action: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What one pass saw, decided and did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The decision.
    pub plan: Plan,
    /// What was done, in order.
    pub done: Vec<Done>,
    /// Rules that the plan broke; it was not carried out then.
    pub violations: Vec<Violation>,
    /// Another planner holds the lease: it will look again, so nothing was done here.
    pub busy: bool,
    /// How often the world was looked at, because it changed meanwhile.
    pub passes: u32,
    /// Objects that could not be read.
    pub unreadable: Vec<String>,
    /// What is worth telling of it outside the log.
    pub decisions: Vec<Decision>,
    /// What else an operator should know, in a line each.
    pub notes: Vec<String>,
}

impl Report {
    /// How many actions came to each outcome, by its word.
    pub fn outcomes(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for done in &self.done {
            *counts.entry(done.outcome.word()).or_insert(0) += 1;
        }
        counts
    }

    /// Adds what a later pass of the same invocation came to; its plan is the one that counts.
    pub fn absorb(&mut self, later: Self) {
        let Self { plan, done, violations, busy, passes, unreadable, decisions, notes } = later;
        self.plan = plan;
        self.done.extend(done);
        self.violations.extend(violations);
        self.busy = busy;
        self.passes += passes;
        self.unreadable = unreadable;
        self.decisions.extend(decisions);
        self.notes.extend(notes);
    }
}

/// Writes a report to the log: a line for the pass, one for each action, reason and broken rule.
///
/// Names of objects and reasons only: neither secrets nor pod specifications (I14).
pub fn log(function: &str, report: &Report) {
    if report.busy {
        tracing::info!(function, "another planner is at work and was told to look again");
        return;
    }
    for object in &report.unreadable {
        tracing::warn!(function, object, "object could not be read and was left alone");
    }
    for note in &report.notes {
        tracing::warn!(function, note, "note");
    }
    for violation in &report.violations {
        tracing::error!(function, %violation, "plan refused");
    }
    for Done { action, outcome } in &report.done {
        match outcome {
            Outcome::Denied { code, message } => {
                tracing::error!(function, action, code, message, "action denied");
            }
            Outcome::Unknown { message } => {
                tracing::warn!(function, action, message, "action without answer");
            }
            Outcome::Done
            | Outcome::Created { .. }
            | Outcome::Updated { .. }
            | Outcome::Launched(_)
            | Outcome::Conflict
            | Outcome::NotFound
            | Outcome::Blocked { .. }
            | Outcome::Unavailable { .. }
            | Outcome::TokenSpent { .. }
            | Outcome::Throttled
            | Outcome::Skipped => {
                tracing::info!(function, action, outcome = outcome.word(), "action");
            }
        }
    }
    for left_out in &report.plan.left_out {
        for reason in &left_out.reasons {
            tracing::info!(function, subject = %left_out.subject, %reason, "left out");
        }
    }
}

//! The rules restated, away from the planner: a plan that breaks one is refused as a whole.
//!
//! Nothing here is shared with the planner but the nouns. Where the planner is stricter, that is its own affair; where it is
//! laxer, one of both is wrong, and nothing is done until a person has looked. Numbers such as `I6` are those of the
//! published invariants.

mod drains;
mod facts;
mod limits;
mod neighbours;
mod nodes;
mod placements;
mod removals;
mod volumes;
mod voluntary;

use facts::Facts;
use jiff::Timestamp;
use model::action::{Action, ClaimToLaunch, CloudAction, ClusterAction, NewClaim};
use model::name::{ClaimName, Uid};
use model::plan::Plan;
use model::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::fmt;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule, such as `I6`.
    pub rule: &'static str,
    /// What was seen.
    pub what: String,
}

impl Violation {
    fn new(rule: &'static str, what: impl Into<String>) -> Self {
        Self { rule, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// Checks a plan against the snapshot it was made from.
pub fn check(plan: &Plan, snapshot: &Snapshot, now: Timestamp) -> Vec<Violation> {
    let facts = Facts::new(plan, snapshot, now);
    let mut found = Vec::new();
    check_view(plan, snapshot, &mut found);
    check_roles(plan, &mut found);
    check_names(&facts, &mut found);
    placements::check(&facts, &mut found);
    limits::check(&facts, &mut found);
    removals::check(&facts, &mut found);
    voluntary::check(&facts, &mut found);
    drains::check(&facts, &mut found);
    found
}

/// Nothing at all is done to another cluster than the one it was deployed for.
fn check_view(plan: &Plan, snapshot: &Snapshot, found: &mut Vec<Violation>) {
    let (pinned, seen) = (&snapshot.settings.cluster_uid, &snapshot.cluster.cluster_uid);
    if pinned != seen && !plan.actions.is_empty() {
        let what = format!("{} actions on cluster {seen}, not {pinned}", plan.actions.len());
        found.push(Violation::new("I10", what));
    }
}

/// Who launches never terminates, and the other way round (D13).
fn check_roles(plan: &Plan, found: &mut Vec<Violation>) {
    let (mut launches, mut terminates) = (false, false);
    for action in &plan.actions {
        match action {
            Action::Launch(_) | Action::Cloud(CloudAction::RunInstances(_)) => launches = true,
            Action::Cloud(CloudAction::TerminateInstances { .. }) => terminates = true,
            Action::Cluster(_) => {}
        }
    }
    if launches && terminates {
        found.push(Violation::new("D13", "one plan both launches and terminates"));
    }
}

/// New names are free and given once (I11); changes name claims that are there, by their uid.
fn check_names(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut given: BTreeSet<&ClaimName> = BTreeSet::new();
    for NewClaim { name, .. } in &facts.new_claims {
        if facts.claim(name).is_some() || !given.insert(name) {
            found.push(Violation::new("I11", format!("the name {name} of a new claim is taken")));
        }
    }
    for action in &facts.plan.actions {
        let Some((claim, uid)) = named_claim(action) else { continue };
        if facts.claim(claim).is_none_or(|known| known.uid != *uid) {
            let what = format!("claim {claim} with uid {uid} is not in the view: {action}");
            found.push(Violation::new("I10", what));
        }
    }
    let launched = facts.plan.launches().flat_map(|launch| &launch.claims);
    for claim in launched {
        let ClaimToLaunch::Existing { name, uid, .. } = claim else { continue };
        match facts.claim(name).filter(|known| known.uid == *uid) {
            None => {
                let what = format!("claim {name} with uid {uid} is to be launched but not in view");
                found.push(Violation::new("I10", what));
            }
            Some(known) if known.is_launched() => {
                found.push(Violation::new("I2", format!("claim {name} has an instance already")));
            }
            Some(_) => {}
        }
    }
}

fn named_claim(action: &Action) -> Option<(&ClaimName, &Uid)> {
    let Action::Cluster(action) = action else { return None };
    match action {
        ClusterAction::UpdateClaim { claim, uid, .. }
        | ClusterAction::DeleteClaim { claim, uid, .. }
        | ClusterAction::ReleaseClaim { claim, uid } => Some((claim, uid)),
        ClusterAction::CreateClaim(_)
        | ClusterAction::UpdateNode { .. }
        | ClusterAction::DeleteNode { .. }
        | ClusterAction::ReleaseNode { .. }
        | ClusterAction::UpdatePool { .. }
        | ClusterAction::EvictPod { .. }
        | ClusterAction::DeletePod { .. }
        | ClusterAction::Remember(_)
        | ClusterAction::AcquireLease { .. }
        | ClusterAction::ReleaseLease { .. }
        | ClusterAction::RecordEvent(_) => None,
    }
}

//! What consolidation would do, shown to a person: nothing has to be seen twice first, and all that the pools' budgets
//! allow is done at once.

use super::candidates;
use super::{Candidate, Saved, Sweep, commands, consolidation, refusal, take_empty};
use crate::scheduling::rooms::Index;
use jiff::Timestamp;
use model::action::Launch;
use model::name::NodeName;
use model::plan::{Placement, Plan};
use model::price::Price;
use model::reason::{Reason, Subject};
use model::snapshot::Snapshot;

/// A consolidation in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// What would be written to begin it, and why other nodes stay; its `saving` says what comes of it.
    pub plan: Plan,
    /// Nodes that go, by name.
    pub removed: Vec<NodeName>,
    /// Nodes that come, one claim each.
    pub launches: Vec<Launch>,
    /// Where the pods of nodes that go would run.
    pub moves: Vec<Placement>,
    /// All nodes that may be disrupted cost at least so much per hour, whatever is done with their pods.
    pub bound: Price,
    /// What they cost now, per hour.
    pub cost: Price,
}

/// Works out what would be consolidated.
pub fn propose(snapshot: &Snapshot, now: Timestamp) -> Proposal {
    let mut proposal = Proposal::default();
    if let Some(why) = refusal(snapshot) {
        proposal.plan.leave_out(Subject::Cluster, Reason::ViewRefused { why: why.into() });
        return proposal;
    }
    let index = Index::of(&snapshot.cluster);
    let mut sweep = Sweep::new(snapshot, &index, now);
    sweep.is_proposal = true;
    commands::carry_on(&mut sweep);
    let watched = candidates::watch(snapshot, &index, now);
    let found = candidates::find(&mut sweep, &watched);
    let (empty, used): (Vec<_>, Vec<_>) = found.into_iter().partition(Candidate::is_empty);
    let mut saved: Saved = take_empty(&mut sweep, &empty);
    proposal.cost = empty.iter().chain(&used).map(|candidate| candidate.price).sum();
    if !used.is_empty() {
        let done = consolidation::consolidate(&mut sweep, &watched, (&empty, &used));
        saved.count(&done, &used);
        for command in done.begun {
            proposal.launches.extend(command.launches);
            proposal.moves.extend(command.moves);
        }
    }
    proposal.bound = proposal.cost - saved.at_most;
    proposal.removed.clone_from(&saved.nodes);
    proposal.removed.sort();
    proposal.moves.sort();
    sweep.plan.saving = saved.into_saving();
    sweep.plan.left_out.sort_by(|a, b| (&a.subject, &a.reasons).cmp(&(&b.subject, &b.reasons)));
    proposal.plan = sweep.plan;
    proposal
}

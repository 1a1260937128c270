//! What disruption makes of nodes, for those who ask about one of them.

use jiff::Timestamp;
use model::action::{Action, ClusterAction};
use model::name::{ClaimName, NodeName};
use model::plan::{LeftOut, Plan};
use model::reason::Subject;
use model::snapshot::Snapshot;
use planner::disrupt::disrupt;
use planner::disrupt::proposal::{Proposal, propose};

/// A pass of disruption as the next one would be, and one for which nothing has to be seen twice.
pub(super) struct Sweep {
    plan: Plan,
    proposal: Proposal,
}

/// A node and its claim.
#[derive(Clone, Copy)]
pub(super) struct Who<'a> {
    pub(super) node: &'a NodeName,
    pub(super) claim: Option<&'a ClaimName>,
}

impl Sweep {
    /// Works both out.
    pub(super) fn of(snapshot: &Snapshot, now: Timestamp) -> Self {
        let mut asked = snapshot.clone();
        // That it has found nothing before is no reason that can be shown.
        asked.cluster.memory.consolidated = None;
        Self { plan: disrupt(&asked, now), proposal: propose(&asked, now) }
    }

    /// What the next pass would write about a node.
    pub(super) fn next(&self, who: Who<'_>) -> Vec<String> {
        self.plan.actions.iter().filter(|a| is_about(a, who)).map(ToString::to_string).collect()
    }

    /// Why the node stays as it is, as far as the next pass is concerned.
    pub(super) fn reasons(&self, who: Who<'_>) -> Vec<String> {
        let about = |left_out: &&LeftOut| match &left_out.subject {
            Subject::Node(node) => node == who.node,
            Subject::Claim(claim) => Some(claim) == who.claim,
            Subject::Cluster => true,
            Subject::Pod(_) | Subject::Pool(_) | Subject::Instance(_) => false,
        };
        let reasons = self.plan.left_out.iter().filter(about).flat_map(|it| &it.reasons);
        reasons.map(ToString::to_string).collect()
    }

    /// Whether the node would go if nothing had to be seen twice first, and the next pass does not begin that.
    pub(super) fn would_go(&self, who: Who<'_>) -> bool {
        let is_begun = |action: &Action| {
            let Action::Cluster(cluster) = action else { return false };
            let begins = matches!(
                cluster,
                ClusterAction::DeleteClaim { .. } | ClusterAction::CreateClaim(_)
            );
            begins && is_about(action, who)
        };
        self.proposal.removed.contains(who.node) && !self.plan.actions.iter().any(is_begun)
    }
}

fn is_about(action: &Action, who: Who<'_>) -> bool {
    let Action::Cluster(action) = action else { return false };
    match action {
        ClusterAction::CreateClaim(new) => {
            who.claim.is_some_and(|claim| new.spec.replaces.contains(claim))
        }
        ClusterAction::UpdateClaim { claim, .. }
        | ClusterAction::DeleteClaim { claim, .. }
        | ClusterAction::ReleaseClaim { claim, .. } => Some(claim) == who.claim,
        ClusterAction::UpdateNode { node, .. }
        | ClusterAction::DeleteNode { node, .. }
        | ClusterAction::ReleaseNode { node, .. } => node == who.node,
        ClusterAction::UpdatePool { .. }
        | ClusterAction::EvictPod { .. }
        | ClusterAction::DeletePod { .. }
        | ClusterAction::Remember(_)
        | ClusterAction::AcquireLease { .. }
        | ClusterAction::ReleaseLease { .. }
        | ClusterAction::RecordEvent(_) => false,
    }
}

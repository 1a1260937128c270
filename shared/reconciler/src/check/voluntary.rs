//! Disruption of our own will: within budgets (I4), and never before the replacement is there (I5).

use super::Violation;
use super::facts::Facts;
use model::action::{Action, ClaimChange, ClusterAction};
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::name::ClaimName;
use model::pool::{Budget, BudgetNodes, DisruptionReason, NodePool};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut begun: Vec<(&NodeClaim, Option<DisruptionReason>)> = Vec::new();
    for (name, reason) in &facts.deleted {
        let Some(reason) = reason.voluntary() else { continue };
        let Some(claim) = facts.claim(name) else { continue };
        if claim.deleting.is_some() {
            continue;
        }
        check_one(facts, claim, found);
        // A claim with replacements was counted when they were planned.
        if claim.replaced_by.is_empty() {
            begun.push((claim, Some(reason)));
        }
    }
    for action in &facts.plan.actions {
        if let Some(claim) = marked(action).and_then(|name| facts.claim(name)) {
            begun.push((claim, None));
        }
    }
    for pool in &facts.snapshot.cluster.pools {
        let of_pool: Vec<_> = begun
            .iter()
            .filter(|(claim, _)| claim.spec.pool.as_ref() == Some(&pool.name))
            .map(|(_, reason)| *reason)
            .collect();
        check_budgets(facts, pool, &of_pool, found);
    }
}

/// The claim that an action decides to replace.
fn marked(action: &Action) -> Option<&ClaimName> {
    let Action::Cluster(ClusterAction::UpdateClaim { claim, change, .. }) = action else {
        return None;
    };
    let ClaimChange::ReplacedBy(replacements) = change else { return None };
    (!replacements.is_empty()).then_some(claim)
}

fn check_one(facts: &Facts<'_>, claim: &NodeClaim, found: &mut Vec<Violation>) {
    let name = &claim.name;
    for replacement in &claim.replaced_by {
        if !facts.claim(replacement).is_some_and(NodeClaim::is_initialized) {
            let what = format!("claim {name} goes before {replacement}, which replaces it, is up");
            found.push(Violation::new("I5", what));
        }
    }
    let nodes = facts.nodes_of(claim);
    if claim.do_not_disrupt || nodes.iter().any(|node| node.do_not_disrupt) {
        let what = format!("claim {name} is annotated karpenter.sh/do-not-disrupt");
        found.push(Violation::new("I4", what));
    }
}

fn check_budgets(
    facts: &Facts<'_>,
    pool: &NodePool,
    begun: &[Option<DisruptionReason>],
    found: &mut Vec<Violation>,
) {
    if begun.is_empty() {
        return;
    }
    let (total, going) = count(facts, pool);
    // When a budget with a schedule counts is left to the planner.
    for budget in pool.disruption.budgets.iter().filter(|budget| budget.schedule.is_none()) {
        let concerned = begun.iter().filter(|reason| is_concerned(budget, **reason)).count();
        let allowed = allowed_by(budget, total);
        if 0 < concerned && allowed < going + concerned {
            let what = format!(
                "{concerned} nodes of NodePool {} would go beside {going} that do, {allowed} may",
                pool.name
            );
            found.push(Violation::new("I4", what));
        }
    }
}

/// The initialized nodes of a pool, and how many of them are going or out of order already.
fn count(facts: &Facts<'_>, pool: &NodePool) -> (usize, usize) {
    let counted = facts.claims().filter(|claim| {
        claim.spec.pool.as_ref() == Some(&pool.name)
            && claim.is_initialized()
            && !claim.conditions.is_true(ConditionType::InstanceTerminating)
    });
    let (mut total, mut going) = (0, 0);
    for claim in counted {
        total += 1;
        let not_ready = facts.nodes_of(claim).iter().any(|node| !node.ready);
        going += usize::from(claim.deleting.is_some() || not_ready);
    }
    (total, going)
}

/// A decision to replace does not say why; it is held against the budgets that hold for all reasons.
fn is_concerned(budget: &Budget, reason: Option<DisruptionReason>) -> bool {
    budget.reasons.is_empty() || reason.is_some_and(|reason| budget.reasons.contains(&reason))
}

fn allowed_by(budget: &Budget, total: usize) -> usize {
    match budget.nodes {
        BudgetNodes::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
        BudgetNodes::Percent(percent) => {
            let percent = usize::try_from(percent).unwrap_or(usize::MAX);
            total.saturating_mul(percent).div_ceil(100)
        }
    }
}

//! How many nodes of a pool budgets let go, for which reason, and when.

use crate::fixture::{now, snapshot};
use model::action::{Action, ClusterAction};
use planner::disrupt::disrupt;
use std::fmt::Write;

/// How many of ten nodes go, five empty ones and five with pods that would fit on one, all seen long enough.
fn go(budgets: &str, others: &str) -> usize {
    let mut world =
        format!("scope everything\npool default {budgets}\ntype m5.large 2 8Gi od=96\n");
    for at in 0..5 {
        writeln!(world, "node n{at} m5.large\nseen n{at} 16s").unwrap();
    }
    for at in 5..10 {
        let pod = format!("pod p{at} 300m 1Gi on=n{at}");
        writeln!(world, "node n{at} m5.large\nseen n{at} 16s\n{pod}").unwrap();
    }
    let plan = disrupt(&snapshot(&format!("{world}\n{others}")), now());
    let deletes =
        |action: &&Action| matches!(action, Action::Cluster(ClusterAction::DeleteClaim { .. }));
    plan.actions.iter().filter(deletes).count()
}

// No more than three nodes go in one pass, whatever budgets say.

#[test]
fn a_share_is_rounded_up() {
    assert_eq!(go("budget:11%", ""), 2);
    assert_eq!(go("budget:10%", ""), 1);
    assert_eq!(go("budget:0%", ""), 0);
}

#[test]
fn the_strictest_budget_counts() {
    assert_eq!(go("budget:3 budget:50%", ""), 3);
    assert_eq!(go("budget:50% budget:1", ""), 1);
    assert_eq!(go("budget:50% budget:0", ""), 0);
}

#[test]
fn nodes_that_are_not_ready_or_go_already_use_the_budget() {
    assert_eq!(go("budget:3", "node x1 m5.large not-ready"), 2);
    assert_eq!(go("budget:3", "node x1 m5.large going"), 2);
    assert_eq!(go("budget:3", "node x1 m5.large going\nnode x2 m5.large not-ready"), 1);
    let many = "node x1 m5.large going\nnode x2 m5.large not-ready\nnode x3 m5.large going\n";
    assert_eq!(go("budget:3", many), 0);
    assert_eq!(go("budget:3", "node x1 m5.large coming-up not-ready"), 3);
}

#[test]
fn a_budget_counts_while_its_schedule_runs_by_utc() {
    // It is a Thursday, noon.
    assert_eq!(go("budget:3 budget:0;0_9_*_*_mon-fri;8h", ""), 0);
    assert_eq!(go("budget:3 budget:0;0_9_*_*_mon-fri;2h", ""), 3);
    assert_eq!(go("budget:3 budget:0;0_9_*_*_sat,sun;8h", ""), 3);
    assert_eq!(go("budget:3 budget:1;@daily;13h", ""), 1);
    assert_eq!(go("budget:3 budget:1;0_12_*_*_*;1m", ""), 1);
    assert_eq!(go("budget:3 budget:1;1_12_*_*_*;24h", ""), 1);
    assert_eq!(go("budget:3 budget:1;1_12_*_*_thu;1h", ""), 3);
}

#[test]
fn a_schedule_that_cannot_be_read_allows_nothing() {
    assert_eq!(go("budget:3 budget:3;at_nine;8h", ""), 0);
    assert_eq!(go("budget:3 budget:3;99_9_*_*_*;8h", ""), 0);
}

#[test]
fn budgets_of_other_reasons_do_not_count() {
    assert_eq!(go("budget:0@Underutilized budget:2@Empty", ""), 2);
    assert_eq!(go("budget:3@Underutilized budget:0@Empty", ""), 3);
    assert_eq!(go("budget:0@Underutilized budget:0@Empty", ""), 0);
}

//! Sentences about the way of a node: how it joins, why it goes, how it is drained. And about notices from EC2.

mod drains;
mod goes;
mod joins;
mod notices;
mod orphans;
mod pools;
mod repairs;
mod world;

use expect_test::Expect;
use model::action::{Action, ClusterAction};
use model::plan::Plan;

/// What `advance` makes of a world, but for what pools are told. The same world gives the same plan again.
#[expect(clippy::needless_pass_by_value, reason = "an expectation is written at the call")]
fn check_advance(text: &str, expected: Expect) {
    let mut plan = advance(text);
    plan.actions.retain(|action| !tells_a_pool(action));
    expected.assert_eq(&plan.to_string());
}

/// What `advance` tells pools.
#[expect(clippy::needless_pass_by_value, reason = "an expectation is written at the call")]
fn check_told(text: &str, expected: Expect) {
    let mut plan = advance(text);
    plan.actions.retain(tells_a_pool);
    plan.left_out.clear();
    expected.assert_eq(&plan.to_string());
}

fn tells_a_pool(action: &Action) -> bool {
    matches!(action, Action::Cluster(ClusterAction::UpdatePool { .. }))
}

fn advance(text: &str) -> Plan {
    let world = world::parse(text);
    let plan = planner::advance::advance(&world, world::now());
    assert_eq!(plan, planner::advance::advance(&world, world::now()));
    plan
}

/// What `interrupt` makes of a world.
#[expect(clippy::needless_pass_by_value, reason = "an expectation is written at the call")]
fn check_interrupt(text: &str, expected: Expect) {
    let world = world::parse(text);
    let plan = planner::interrupt::interrupt(&world, world::now());
    expected.assert_eq(&plan.to_string());
}

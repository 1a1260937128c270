//! Sentences about the way of a node: how it joins, why it goes, how it is drained. And about notices from EC2.

mod drains;
mod goes;
mod joins;
mod notices;
mod orphans;
mod repairs;
mod world;

use expect_test::Expect;

/// What `advance` makes of a world. The same world gives the same plan again.
#[expect(clippy::needless_pass_by_value, reason = "an expectation is written at the call")]
fn check_advance(text: &str, expected: Expect) {
    let world = world::parse(text);
    let plan = planner::advance::advance(&world, world::now());
    assert_eq!(plan, planner::advance::advance(&world, world::now()));
    expected.assert_eq(&plan.to_string());
}

/// What `interrupt` makes of a world.
#[expect(clippy::needless_pass_by_value, reason = "an expectation is written at the call")]
fn check_interrupt(text: &str, expected: Expect) {
    let world = world::parse(text);
    let plan = planner::interrupt::interrupt(&world, world::now());
    expected.assert_eq(&plan.to_string());
}

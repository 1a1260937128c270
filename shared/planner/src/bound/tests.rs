//! The bound holds, and is near what it can be.

mod world;

use super::{Proof, prove};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use world::{Nodes, Pods, World, cheapest, fractional};

fn proof(text: &str) -> Proof {
    prove(&World::parse(text).problem())
}

/// The bound in micro-dollars: with what the solver leaves over at most, rounded up.
fn check_bound(text: &str, wanted: i64) {
    let bound = proof(text).bound.micro_dollars();
    let slack = wanted / 1000 + 1;
    assert!((wanted - slack..=wanted).contains(&bound), "{bound} instead of {wanted}");
}

#[test]
fn no_pods_cost_nothing() {
    check_bound("node 100: 4 8", 0);
    check_bound("node 100: 4 8 \n pods 0: 1 1", 0);
    assert_eq!(proof("").worths, [0; 0]);
}

#[test]
fn pods_that_fit_on_one_node_cost_that_node() {
    check_bound("node 1000: 4 8 \n pods 1: 1 1", 1000);
    check_bound("node 1000: 4 8 \n pods 3: 1 1 \n pods 1: 0 2", 1000);
}

#[test]
fn many_pods_cost_fractions_of_the_node_that_is_cheapest_for_them() {
    check_bound("node 1000: 4 8 \n node 1500: 8 8 \n pods 100: 1 1", 18_750);
}

#[test]
fn room_that_no_sum_of_requests_fills_does_not_count() {
    // Two pods of 3 take 6 of 8.
    check_bound("node 1000: 8 \n pods 100: 3", 50_000);
}

#[test]
fn pods_that_need_different_things_share_nodes() {
    check_bound("node 1000: 10 10 \n pods 100: 1 0 \n pods 100: 0 1", 10_000);
    check_bound("node 1000: 10 10 \n pods 100: 1 0 \n pods 40: 0 1", 10_000);
}

#[test]
fn a_node_that_does_not_hold_a_pod_is_no_bargain_for_it() {
    check_bound("node 1000: 4 \n node 3000: 8 \n pods 20: 6", 60_000);
    // But for what is smaller it is.
    check_bound("node 1000: 4 \n node 3000: 8 \n pods 20: 8 \n pods 40: 2", 60_000 + 20_000);
}

#[test]
fn a_profile_keeps_pods_off_nodes() {
    check_bound("node 1000: 10 \n node 3000: 10 \n pods 50: 1 \n pods 50: 1 only 1", 20_000);
}

#[test]
fn each_node_takes_so_many_pods_of_a_group() {
    check_bound("node 1000: 10 \n group 1 \n pods 7: 1 group 0", 7000);
    check_bound("node 1000: 10 \n group 2 \n pods 7: 1 group 0 \n pods 1: 1 group 0", 4000);
    // What else there is goes between them.
    check_bound("node 1000: 10 \n group 1 \n pods 7: 1 group 0 \n pods 63: 1", 7000);
}

#[test]
fn small_nodes_are_best_for_a_group() {
    check_bound("node 9000: 100 \n node 1000: 10 \n group 1 \n pods 50: 1 group 0", 50_000);
}

#[test]
fn what_a_limit_does_not_admit_goes_on_dearer_nodes() {
    let nodes = "node 1000: 10 uses 0=10 \n node 2000: 10 \n pods 100: 1";
    check_bound(&format!("limit 100 \n {nodes}"), 10_000);
    check_bound(&format!("limit 60 \n {nodes}"), 6000 + 8000);
    // Not even one node of the cheap kind.
    check_bound(&format!("limit 9 \n {nodes}"), 20_000);
}

#[test]
fn rooms_cost_nothing() {
    check_bound("node 1000: 10 \n pods 100: 1 \n room: 20", 8000);
    check_bound("node 1000: 10 \n pods 30: 1 \n room: 20 \n room: 11", 0);
}

#[test]
fn a_room_is_for_those_who_may_enter_it() {
    check_bound("node 1000: 10 \n pods 50: 1 \n pods 50: 1 \n room: 20 for 1", 8000);
    check_bound("node 1000: 10 \n pods 50: 1 \n pods 50: 2 \n room: 1 \n room: 1", 14_800);
}

#[test]
fn what_rooms_have_enough_of_makes_no_room_dear() {
    let nodes = "node 1000: 1 1 \n node 1000: 0 1";
    let pods = "pods 1: 0 1 only 1 \n pods 16: 1 0 only 0 \n pods 1: 0 1 only 0";
    check_bound(&format!("{nodes} \n {pods} \n room: 2 1 \n room: 4 2 for 0 1"), 10_000);
}

#[test]
fn pods_that_no_node_holds_are_worth_nothing() {
    let text = "node 1000: 10 \n pods 10: 1 \n pods 5: 20 \n room: 30 for 1";
    check_bound(text, 1000);
    assert_eq!(proof(text).worths[1], 0);
}

#[test]
fn a_pod_that_asks_for_nothing_is_worth_nothing() {
    let text = "node 1000: 10 \n pods 10: 1 \n pods 5: 0";
    check_bound(text, 1000);
    assert_eq!(proof(text).worths[1], 0);
}

#[test]
fn what_may_go_on_a_node_for_nothing_is_worth_nothing() {
    let text = "node 0: 4 \n node 1000: 10 \n pods 10: 1 \n pods 20: 5";
    check_bound(text, 10_000);
    assert_eq!(proof(text).worths[0], 0);
}

#[test]
fn room_below_nothing_takes_pods_that_do_not_ask_for_it() {
    check_bound("node 1000: 10 -5 \n node 3000: 10 5 \n pods 100: 1 0", 10_000);
    check_bound("node 1000: 10 -5 \n node 3000: 10 5 \n pods 10: 1 0 \n pods 1: 0 1", 3000);
}

#[test]
fn worths_add_up_to_the_bound() {
    let text = "node 1000: 4 8 \n node 1500: 8 8 \n pods 60: 1 1 \n pods 10: 3 1 \n pods 9: 0 2";
    let Proof { bound, worths } = proof(text);
    let sum: i64 = worths.iter().zip([60, 10, 9]).map(|(worth, count)| worth * count).sum();
    assert_eq!(bound.micro_dollars(), sum / 1000);
}

prop_compose! {
    fn any_nodes(width: usize, limits: usize)(
        price in 1..60_i64,
        room in prop::collection::vec(-1..12_i64, width),
        uses in prop::collection::vec(prop::option::of(0..6_i64), limits),
    ) -> Nodes {
        let uses = uses.into_iter().enumerate();
        let uses = uses.filter_map(|(limit, each)| Some((limit, each?))).collect();
        Nodes { price: price * 1000, room, uses }
    }
}

prop_compose! {
    fn any_pods(width: usize, groups: usize, counts: i64)(
        count in 0..=counts,
        requests in prop::collection::vec(0..7_i64, width),
        member in prop::collection::vec(prop::bool::weighted(0.4), groups),
    ) -> Pods {
        let groups = (0..groups).filter(|group| member[*group]).collect();
        Pods { count, requests, profile: 0, groups }
    }
}

prop_compose! {
    /// So many kinds of pods and nodes at most, and pods of each kind.
    fn any_world(pods: usize, nodes: usize, counts: i64)(
        (width, groups, limits) in (1..4_usize, 0..3_usize, 0..3_usize),
    )(
        pods in prop::collection::vec(any_pods(width, groups, counts), 1..=pods),
        nodes in prop::collection::vec(any_nodes(width, limits), 1..=nodes),
        groups in prop::collection::vec(1..3_i64, groups),
        limits in prop::collection::vec(0..6 * counts, limits),
        free in prop::collection::vec(prop::collection::vec(0..8_i64, width), 0..3),
        bits in any::<u64>(),
    ) -> World {
        let mut world = World { pods, nodes, groups, limits, ..World::default() };
        // Three of four chances, from the bits one after the other.
        let mut bits = (0..64).cycle().map(|at| bits >> at & 3 != 0);
        let mut some = |size: usize| -> Vec<bool> { bits.by_ref().step_by(2).take(size).collect() };
        for (index, pods) in world.pods.iter_mut().enumerate() {
            pods.profile = index;
            world.profiles.push(some(world.nodes.len()));
        }
        let size = world.pods.len();
        world.rooms = free.into_iter().map(|free| (free, some(size))).collect();
        world
    }
}

proptest! {
    #[test]
    fn no_packing_costs_less_than_the_bound(world in any_world(4, 4, 3)) {
        let bound = prove(&world.problem()).bound.micro_dollars();
        if let Some(cost) = cheapest(&world.held()) {
            prop_assert!(bound <= cost, "{bound} > {cost}");
        }
    }

    #[test]
    fn a_pod_that_asks_for_more_is_worth_no_less(world in any_world(6, 6, 20), more in 0..4_i64) {
        let mut world = world;
        let mut larger = world.pods[0].clone();
        larger.requests[0] += more;
        for (_, enters) in &mut world.rooms {
            enters.push(enters[0]);
        }
        world.pods.push(larger);
        let worths = prove(&world.problem()).worths;
        let last = worths[world.pods.len() - 1];
        prop_assert!(worths[0] <= last || last == 0, "{worths:?}");
    }
}

/// Good weights are searched for, not guaranteed: where a limit only just admits the pods, some worlds have a bound further
/// off. So that this test comes out the same each time, the worlds are the same.
#[test]
fn the_bound_is_near_what_fractions_of_nodes_cost() {
    let mut runner = TestRunner::deterministic();
    let mut far = 0;
    for _ in 0..1000 {
        let tree = any_world(12, 8, 90).new_tree(&mut runner).unwrap();
        let world = tree.current();
        let bound = prove(&world.problem()).bound.micro_dollars();
        let Some(cost) = fractional(&world) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let bound = bound as f64 / 1e6;
        far += i32::from(bound < cost * 0.97 - 1e-5);
    }
    assert!(far <= 4, "{far} of 1000 bounds are too low");
}

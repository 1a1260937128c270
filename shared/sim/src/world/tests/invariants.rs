//! The checks see what must not be: each test breaks one invariant.

use super::fixture::{
    ZONES, new_claim, offering, run_of, template, term, workload, world, world_at_rest, world_with,
};
use crate::lambda::Function::{Disruption, Lifecycle, Provisioning};
use crate::world::{Stage, World};
use model::action::{ClaimChange, ClusterAction, DeleteReason, RunInstances};
use model::claim::LaunchRecord;
use model::instance_type::CapacityType;
use model::labels;
use model::name::ObjectName;
use model::pod::{DoNotDisrupt, Pod};
use std::sync::Arc;

/// The sentences of the violations, without their times.
fn seen(world: &World) -> Vec<String> {
    let cut = |line: &String| {
        let (invariant, rest) = line.split_once(" at ").unwrap();
        let (_, sentence) = rest.split_once(": ").unwrap();
        format!("{invariant}: {sentence}")
    };
    world.record.violations.iter().map(cut).collect()
}

fn delete_claim(world: &World, name: &str, reason: DeleteReason) -> ClusterAction {
    ClusterAction::DeleteClaim { claim: name.into(), uid: world.claim_uid(name), reason }
}

#[test]
fn a_calm_life_of_a_node_breaks_nothing() {
    let mut world = world_at_rest();
    let (id, node) = world.joined("a");
    let delete = delete_claim(&world, "a", DeleteReason::Empty);
    world.apply_as(Disruption, &delete);
    let uid = world.store.nodes[&node].node.uid.clone();
    let delete = ClusterAction::DeleteNode { node: node.clone(), uid: uid.clone() };
    world.apply_as(Lifecycle, &delete);
    let task = world.invocation(Lifecycle);
    world.terminate_instances(task, std::slice::from_ref(&id));
    world.apply_as(Lifecycle, &ClusterAction::ReleaseNode { node, uid });
    let uid = world.claim_uid("a");
    world.apply_as(Lifecycle, &ClusterAction::ReleaseClaim { claim: "a".into(), uid });
    world.pass(120);
    assert_eq!(seen(&world), [""; 0]);
    assert!(matches!(world.stage, Stage::Quiet { .. }));
}

#[test]
fn an_instance_that_no_claim_asked_for_is_seen() {
    let mut world = world();
    let task = world.invocation(Provisioning);
    world.run_instances(task, &run_of("t"), world.now());
    assert!(seen(&world)[0].ends_with("was launched and no claim says so"));
    world.record.violations.clear();
    world.pass(8 * 60);
    assert!(seen(&world)[0].starts_with("L2: i-"), "{:?}", seen(&world));
}

#[test]
fn a_second_living_instance_for_a_claim_is_seen() {
    let mut world = world();
    let id = world.launched("a", &offering("m5.large", ZONES[0], CapacityType::Spot));
    let offering = offering("m5.large", ZONES[1], CapacityType::Spot);
    let run = RunInstances {
        subnet: format!("subnet-{}", ZONES[1]).into(),
        offering: offering.clone(),
        ..run_of("second")
    };
    let record = LaunchRecord {
        attempt: 2,
        token: run.token.clone(),
        index: 0,
        count: 1,
        offering,
        subnet: run.subnet.clone(),
        image: run.image.clone(),
        at: world.now(),
    };
    world.change_claim("a", ClaimChange::LaunchRecord(record));
    let task = world.invocation(Provisioning);
    world.run_instances(task, &run, world.now());
    assert_eq!(
        seen(&world),
        [format!("I2: a second instance was launched for claim a while {id} lives")]
    );
}

#[test]
fn a_function_that_oversteps_its_rights_is_seen() {
    let mut world = world();
    let id = world.launched("a", &offering("m5.large", ZONES[0], CapacityType::Spot));
    let delete = delete_claim(&world, "a", DeleteReason::Expired);
    world.apply_as(Lifecycle, &delete);
    let task = world.invocation(Provisioning);
    world.terminate_instances(task, &[id]);
    assert_eq!(seen(&world), ["I13: provisioning may not terminate instances"]);
}

#[test]
fn terminating_what_is_not_going_or_was_not_seen_is_seen() {
    let mut world = world();
    let id = world.launched("a", &offering("m5.large", ZONES[0], CapacityType::Spot));
    let task = world.invocation(Lifecycle);
    world.pass(61);
    world.terminate_instances(task, std::slice::from_ref(&id));
    let expected = [
        "I10: terminate instances without a view of the cluster".to_owned(),
        format!("I3: {id} is terminated without having been seen"),
        format!("I3: {id} is terminated, its claim is not going"),
    ];
    let seen = seen(&world);
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(seen[0].starts_with("I10: terminate instances"), "{seen:?}");
    assert_eq!(seen[1..], expected[1..]);
}

#[test]
fn an_undrained_node_that_is_taken_away_is_seen() {
    let mut world = world_with(workload(vec![(template("web", 500), 1)]));
    let (id, _) = world.joined("a");
    let delete = delete_claim(&world, "a", DeleteReason::Expired);
    world.apply_as(Lifecycle, &delete);
    let task = world.invocation(Lifecycle);
    world.terminate_instances(task, std::slice::from_ref(&id));
    assert_eq!(seen(&world), [format!("I15: {id} is terminated with apps/web-0 on it")]);
}

#[test]
fn a_node_that_is_not_empty_or_not_to_be_disrupted_is_not_called_empty() {
    let guarded = Pod { do_not_disrupt: Some(DoNotDisrupt::Always), ..template("web", 500) };
    let mut world = world_with(workload(vec![(guarded, 1)]));
    world.joined("a");
    world.pass(61);
    let delete = delete_claim(&world, "a", DeleteReason::Underutilized);
    world.apply_as(Disruption, &delete);
    let web = ObjectName::new("apps", "web-0");
    let uid = world.store.pods[&web].pod.uid.clone();
    let evict = ClusterAction::EvictPod { pod: web, uid, reason: String::new() };
    world.apply_as(Lifecycle, &evict);
    assert_eq!(
        seen(&world),
        [
            "I4: claim a is deleted as Underutilized with apps/web-0 on its node",
            "I4: apps/web-0 must not be evicted"
        ]
    );
}

#[test]
fn more_disruptions_than_the_budget_allows_are_seen() {
    let mut world = world();
    world.joined("a");
    world.joined("b");
    for name in ["a", "b"] {
        let delete = delete_claim(&world, name, DeleteReason::Empty);
        world.apply_as(Disruption, &delete);
    }
    assert_eq!(seen(&world), ["I4: 2 nodes of pool default are disrupted at once, 1 allowed"]);
}

#[test]
fn a_node_that_goes_before_its_replacement_has_come_is_seen() {
    let mut world = world();
    world.joined("a");
    world.apply_as(Disruption, &ClusterAction::CreateClaim(new_claim("b")));
    world.change_claim("a", ClaimChange::ReplacedBy(vec!["b".into()]));
    let delete = delete_claim(&world, "a", DeleteReason::Underutilized);
    world.apply_as(Disruption, &delete);
    assert_eq!(seen(&world), ["I5: claim a goes before b has been initialized"]);
}

#[test]
fn a_pod_that_waits_while_nothing_is_launched_is_seen() {
    let mut world =
        world_with(workload(vec![(template("web", 500), 1), (template("x", 9_000), 1)]));
    world.pass(60);
    assert_eq!(seen(&world), [""; 0]);
    world.pass(120);
    assert!(seen(&world)[0].starts_with("L1: apps/web-0 has waited since"), "{:?}", seen(&world));
}

#[test]
fn a_pod_whose_neighbours_keep_it_from_every_node_may_wait() {
    let with = |app| Pod { affinity: term(labels::HOSTNAME, app), ..template("cache", 500) };
    let mut world = world_with(workload(vec![(with("shop"), 1)]));
    world.pass(300);
    assert_eq!(seen(&world), [""; 0]);
    let mut world = world_with(workload(vec![(with("cache"), 1)]));
    world.pass(300);
    assert!(seen(&world)[0].starts_with("L1: apps/cache-0"), "it may be the first of its kind");
}

/// A world in which a node is up for both pods and has room for one.
fn half_planned(world: &mut World) {
    let (_, node) = world.joined("a");
    let pods = ["one-0", "two-0"].map(|name| &world.store.pods[&ObjectName::new("apps", name)].pod);
    let nominated = pods.map(|pod| pod.short_id()).to_vec();
    let claim = Arc::make_mut(world.store.claims.get_mut("a").unwrap());
    claim.spec.nominated = nominated;
    let allocatable = world.store.nodes[&node].node.allocatable.clone();
    let capacity = allocatable.clone();
    world.change_claim("a", ClaimChange::Initialized { capacity, allocatable });
    world.pass(70);
}

#[test]
fn a_pod_that_waits_although_the_node_that_was_made_for_it_is_up_is_seen() {
    let pods = vec![(template("one", 2_000), 1), (template("two", 2_000), 1)];
    let mut world = world_with(workload(pods.clone()));
    half_planned(&mut world);
    assert!(
        seen(&world)[0].starts_with("planned: apps/two-0 was meant for ip-10-0-0-1")
            && seen(&world)[0].ends_with("in its way is too little room"),
        "{:?}",
        seen(&world)
    );
    let stranger = Pod { priority: 1, ..template("stranger", 100) };
    let mut world = world_with(workload([pods, vec![(stranger, 1)]].concat()));
    half_planned(&mut world);
    assert_eq!(seen(&world), [""; 0], "another pod has come");
}

#[test]
fn a_pod_that_is_given_to_two_claims_is_seen() {
    let mut world = world();
    for name in ["a", "b"] {
        let mut claim = new_claim(name);
        claim.spec.nominated = vec![7];
        world.apply_as(Provisioning, &ClusterAction::CreateClaim(claim));
    }
    assert_eq!(seen(&world), ["I11: claim b is for a pod that claim a is for"]);
}

#[test]
fn growing_beyond_the_ceiling_or_a_limit_is_seen() {
    let mut world = world();
    world.settings.nodes_max = 1;
    let mut pool = model::pool::NodePool::clone(&world.store.pools[0]);
    pool.limits =
        Some(model::pool::Limits { resources: [("cpu".into(), 2_000)].into(), nodes: None });
    world.store.pools = vec![pool.into()];
    let key = offering("m5.large", ZONES[0], CapacityType::Spot);
    world.launched("a", &key);
    assert_eq!(seen(&world), [""; 0]);
    world.launched("b", &key);
    assert_eq!(
        seen(&world),
        ["I8: 2 instances live, 1 are allowed", "I6: pool default has more cpu than its limit"]
    );
}

#[test]
fn a_change_after_everything_has_gone_is_seen() {
    let mut world = world_at_rest();
    world.pass(6 * 60);
    assert!(matches!(world.stage, Stage::Quiet { .. }));
    let change = model::memory::Change::Unproductive([].into());
    world.apply_as(Disruption, &ClusterAction::Remember(change));
    world.pass(60);
    assert_eq!(
        seen(&world),
        ["L6: a sweep still changes something: remember launches that did not help: 0 owners"]
    );
}

#[test]
fn a_foreign_instance_is_nobodys_to_take() {
    let mut world = world();
    world.add_namesake();
    let id = world.ec2.machines.keys().next().unwrap().clone();
    let task = world.invocation(Lifecycle);
    world.terminate_instances(task, std::slice::from_ref(&id));
    assert!(seen(&world).contains(&format!("I12: {id} is another cluster's")));
}

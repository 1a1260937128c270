//! What Kubernetes' own parts promise: objects, scheduler, kubelets, owners, budgets, the lease.

use super::fixture::{budget, new_claim, template, term, workload, world, world_with};
use crate::lambda::Function::{Lifecycle, Provisioning};
use crate::observe::state;
use crate::record::PodEnd;
use crate::workload::Workload;
use crate::world::World;
use jiff::SignedDuration;
use model::action::{ClaimChange, ClusterAction, DeleteReason};
use model::affinity::{LabelSelector, NodeInclusionPolicy, TopologySpread, WhenUnsatisfiable};
use model::labels::{self, Labels};
use model::name::{NodeName, ObjectName};
use model::outcome::Outcome;
use model::pod::{HostPort, Phase, Pod};
use model::requirement::Requirement;
use model::snapshot::Scope;
use model::taint::{Toleration, TolerationOperator};

fn waiting(world: &World) -> Vec<&str> {
    world.store.waiting.iter().map(|name| &*name.name).collect()
}

#[test]
fn a_pod_without_room_is_called_unschedulable_and_bound_when_room_comes() {
    let mut world = world_with(workload(vec![(template("web", 900), 2)]));
    world.pass(1);
    assert_eq!(waiting(&world), ["web-0", "web-1"]);
    let pod = |world: &World| world.store.pods[&ObjectName::new("apps", "web-0")].pod.clone();
    assert!(pod(&world).is_provisionable());
    let (_, node) = world.joined("a");
    assert!(waiting(&world).is_empty());
    assert_eq!((pod(&world).node.as_ref(), pod(&world).phase), (Some(&node), Phase::Running));
    let record = &world.record.pods[0];
    assert!(record.launch_called < record.bound && record.bound < record.started);
}

#[test]
fn the_scheduler_keeps_to_its_predicates() {
    let selective = Pod {
        node_selector: Labels::from([("team".into(), "b".into())]),
        ..template("selective", 100)
    };
    let port = HostPort { ip: "0.0.0.0".into(), port: 80, protocol: "TCP".into() };
    let ports = Pod { host_ports: vec![port], ..template("ports", 100) };
    let volume = Pod { volume_claims: vec!["data".into()], ..template("volume", 100) };
    let pods = vec![(selective, 1), (ports, 2), (volume, 1), (template("large", 3_400), 2)];
    let mut world = world_with(workload(pods));
    world.joined("a");
    assert_eq!(waiting(&world), ["large-1", "ports-1", "selective-0", "volume-0"]);
}

#[test]
fn pods_of_higher_priority_go_first_even_if_others_have_waited_for_long() {
    let mut world = world_with(workload(vec![(template("old", 2_000), 1)]));
    world.pass(60);
    let urgent = Pod { priority: 1_000, ..template("urgent", 2_000) };
    let same = template("same", 2_000);
    world.ahead = workload(vec![(same, 1), (urgent, 1)]).events.into();
    world.workload_goes_on();
    world.pass(60);
    assert_eq!(waiting(&world), ["old-0", "same-0", "urgent-0"]);
    world.joined("a");
    assert_eq!(waiting(&world), ["old-0", "same-0"]);
    world.joined("b");
    assert_eq!(waiting(&world), ["same-0"]);
}

#[test]
fn a_fresh_pod_of_higher_priority_goes_before_one_that_waits_for_the_same_room() {
    let mut world = world_with(workload(vec![(template("first", 2_000), 1)]));
    world.joined("a");
    world.ahead = workload(vec![(template("second", 2_000), 1)]).events.into();
    world.workload_goes_on();
    world.pass(1);
    assert_eq!(waiting(&world), ["second-0"]);
    // Both are looked at in one go: room has come, and a pod.
    world.delete_owner(&ObjectName::new("apps", "first"));
    let gone = |world: &World| !world.store.pods.contains_key(&ObjectName::new("apps", "first-0"));
    while !gone(&world) {
        let what = world.timeline.next().unwrap();
        world.happen(what);
    }
    let urgent = Pod { priority: 1, ..template("urgent", 2_000) };
    world.ahead = workload(vec![(urgent, 1)]).events.into();
    world.workload_goes_on();
    world.pass(1);
    assert_eq!(waiting(&world), ["second-0"]);
}

#[test]
fn a_pod_that_asks_for_a_neighbour_is_bound_when_it_has_come() {
    let cache = Pod { affinity: term(labels::HOSTNAME, "shop"), ..template("cache", 100) };
    let mut world = world_with(workload(vec![(cache, 2)]));
    world.joined("a");
    world.pass(10);
    assert_eq!(waiting(&world), ["cache-0", "cache-1"]);
    world.ahead = workload(vec![(template("shop", 100), 1)]).events.into();
    world.workload_goes_on();
    world.pass(1);
    assert!(waiting(&world).is_empty());
}

#[test]
fn a_pod_that_others_keep_away_is_bound_when_they_have_gone() {
    let shop = Pod { anti_affinity: term(labels::ZONE, "web"), ..template("shop", 100) };
    let mut world = world_with(workload(vec![(shop, 1)]));
    world.joined("a");
    world.joined("b");
    world.ahead = workload(vec![(template("web", 100), 1)]).events.into();
    world.workload_goes_on();
    world.pass(1);
    assert_eq!(waiting(&world), ["web-0"], "both nodes are in one zone");
    world.delete_owner(&ObjectName::new("apps", "shop"));
    world.pass(30);
    assert!(waiting(&world).is_empty());
}

#[test]
fn a_pod_that_is_being_deleted_makes_place_for_the_spread_before_it_is_gone() {
    let spread = TopologySpread {
        max_skew: 1,
        topology_key: labels::HOSTNAME.into(),
        when_unsatisfiable: WhenUnsatisfiable::DoNotSchedule,
        selector: LabelSelector(vec![("app".into(), Requirement::is("web"))]),
        min_domains: None,
        node_affinity_policy: NodeInclusionPolicy::Honor,
        node_taints_policy: NodeInclusionPolicy::Ignore,
        match_label_keys: vec![],
    };
    let mut world = world_with(workload(vec![(template("large", 3_500), 1)]));
    world.joined("a");
    world.joined("b");
    let web = Pod { topology_spread: vec![spread], ..template("web", 300) };
    world.ahead = workload(vec![(web, 2)]).events.into();
    world.workload_goes_on();
    world.pass(10);
    assert_eq!(waiting(&world), ["web-1"], "one node has no room, the other has web-0");
    assert_eq!(world.evict("web-0"), Outcome::Done);
    world.pass(1);
    assert_eq!(waiting(&world), ["web-2"]);
    assert!(world.store.pods.contains_key(&ObjectName::new("apps", "web-0")));
}

#[test]
fn who_waits_is_shown_with_those_at_whom_they_look() {
    let quiet = template("quiet", 100);
    let shop = template("shop", 100);
    let guard = Pod { anti_affinity: term(labels::ZONE, "web"), ..template("guard", 100) };
    let mut world = world_with(workload(vec![(quiet, 1), (shop, 1), (guard, 1)]));
    world.joined("a");
    world.pass(120);
    let seen = |world: &World| -> Vec<String> {
        let state = state(&world.store, Scope::Pending, world.now());
        assert!(state.pods_known_on.is_empty());
        assert!(state.namespaces.contains_key("apps"));
        state.pods.iter().map(|pod| pod.name.name.to_string()).collect()
    };
    assert_eq!(seen(&world), [""; 0]);
    let cache = Pod { affinity: term(labels::HOSTNAME, "shop"), ..template("cache", 9_000) };
    let web = template("web", 9_000);
    world.ahead = workload(vec![(cache, 1)]).events.into();
    world.workload_goes_on();
    assert_eq!(seen(&world), ["cache-0", "shop-0"]);
    world.ahead = workload(vec![(web, 1)]).events.into();
    world.workload_goes_on();
    assert_eq!(seen(&world), ["cache-0", "guard-0", "shop-0", "web-0"]);
}

#[test]
fn a_node_takes_pods_only_without_its_taints_or_from_those_that_tolerate_them() {
    let any = Toleration { operator: TolerationOperator::Exists, ..Toleration::default() };
    let hardy = Pod { tolerations: vec![any], ..template("hardy", 100) };
    let mut world = world_with(workload(vec![(hardy, 1), (template("web", 100), 1)]));
    let (_, node) = world.joined("a");
    let joined = world.record.instances[0].joined.unwrap();
    let bound = |name: &str| {
        world.record.pods.iter().find(|pod| &*pod.name.name == name).unwrap().bound.unwrap()
    };
    assert!(bound("hardy-0").duration_since(joined) < SignedDuration::from_millis(100));
    assert!(SignedDuration::from_secs(2) < bound("web-0").duration_since(joined));
    assert!(world.store.nodes[&node].node.ready);
}

#[test]
fn the_emptiest_node_is_taken_first() {
    let mut world = world();
    world.joined("a");
    world.joined("b");
    let name = ObjectName::new("apps", "web");
    let owners = workload(vec![(template("web", 1_000), 4)]).events;
    world.ahead = owners.into();
    world.workload_goes_on();
    world.pass(1);
    let mut nodes: Vec<Option<String>> =
        world.pods_of(&name.name).into_iter().map(|(_, node, _)| node).collect();
    nodes.sort();
    assert!(nodes[0] == nodes[1] && nodes[1] != nodes[2] && nodes[2] == nodes[3], "{nodes:?}");
}

#[test]
fn a_daemon_comes_with_each_node_and_leaves_its_share_to_nobody_else() {
    let daemon = template("agent", 600);
    let pods = workload(vec![(template("web", 3_100), 1)]);
    let mut world = world_with(Workload { daemon_sets: vec![daemon], ..pods });
    world.joined("a");
    assert_eq!(waiting(&world), ["web-0"]);
    let (_, node, phase) = world.pods_of("agent").remove(0);
    assert!(node.is_some() && phase == Phase::Running);
}

#[test]
fn a_budget_refuses_evictions_until_another_pod_runs() {
    let pods = workload(vec![(template("web", 500), 2)]);
    let mut world = world_with(Workload { budgets: vec![budget("web", "web", 1)], ..pods });
    world.joined("a");
    assert_eq!(world.evict("web-0"), Outcome::Done);
    assert!(matches!(world.evict("web-1"), Outcome::Blocked { retry: true, .. }));
    world.pass(15);
    assert_eq!(world.pods_of("web").len(), 2);
    assert_eq!(world.evict("web-1"), Outcome::Done);
    assert_eq!(world.record.evictions, 2);
    let ends: Vec<PodEnd> = world.record.pods.iter().filter_map(|p| Some(p.ended?.1)).collect();
    assert_eq!(ends, [PodEnd::Evicted]);
}

#[test]
fn two_budgets_over_one_pod_forbid_its_eviction_for_good() {
    let pods = workload(vec![(template("web", 500), 2)]);
    let budgets = vec![budget("one", "web", 0), budget("two", "web", 0)];
    let mut world = world_with(Workload { budgets, ..pods });
    world.joined("a");
    assert!(matches!(world.evict("web-0"), Outcome::Blocked { retry: false, .. }));
}

#[test]
fn a_node_dies_with_its_instance_and_its_pods_are_made_anew() {
    let mut world = world_with(workload(vec![(template("web", 500), 1)]));
    let (id, node) = world.joined("a");
    world.end_instance(&id);
    assert_eq!(world.record.pods[0].ended.map(|(_, end)| end), Some(PodEnd::Lost));
    world.pass(39);
    assert!(world.store.nodes[&node].node.ready);
    world.pass(2);
    assert!(!world.store.nodes[&node].node.ready);
    world.pass(5);
    let (name, uid) = (node.clone(), world.store.nodes[&node].node.uid.clone());
    assert!(world.store.nodes[&node].node.deleting.is_some(), "the cloud controller deletes it");
    world.apply_as(Lifecycle, &ClusterAction::ReleaseNode { node: name, uid });
    world.pass(1);
    assert!(!world.store.nodes.contains_key(&node));
    assert_eq!(waiting(&world), ["web-1"]);
}

#[test]
fn a_change_to_an_object_that_was_seen_otherwise_conflicts() {
    let mut world = world();
    let create = ClusterAction::CreateClaim(new_claim("a"));
    let Outcome::Created { uid, resource_version } = world.apply_as(Provisioning, &create) else {
        panic!()
    };
    assert_eq!(world.apply_as(Provisioning, &create), Outcome::Conflict);
    let change = |uid: &str, resource_version| ClusterAction::UpdateClaim {
        claim: "a".into(),
        uid: uid.into(),
        resource_version,
        change: ClaimChange::ReplacedBy(vec!["b".into()]),
    };
    let updated = world.apply_as(Lifecycle, &change(&uid, Some(resource_version)));
    assert!(matches!(updated, Outcome::Updated { .. }));
    let late = change(&uid, Some(resource_version));
    assert_eq!(world.apply_as(Lifecycle, &late), Outcome::Conflict);
    assert_eq!(world.apply_as(Lifecycle, &change("another", None)), Outcome::Conflict);
    assert_eq!(world.apply_as(Lifecycle, &change(&uid, None)), updated, "nothing to change");
}

#[test]
fn a_deleted_claim_is_held_until_released_and_takes_its_node_along() {
    let mut world = world();
    let (id, node) = world.joined("a");
    let (claim, uid) = ("a".into(), world.claim_uid("a"));
    let reason = DeleteReason::Expired;
    let delete = ClusterAction::DeleteClaim { claim, uid: uid.clone(), reason };
    assert_eq!(world.apply_as(Lifecycle, &delete), Outcome::Done);
    assert!(world.store.claims["a"].deleting.is_some());
    world.end_instance(&id);
    let release = ClusterAction::ReleaseClaim { claim: "a".into(), uid };
    assert_eq!(world.apply_as(Lifecycle, &release), Outcome::Done);
    assert!(world.store.claims.is_empty());
    assert!(world.store.nodes[&node].node.deleting.is_some());
    assert_eq!(world.apply_as(Lifecycle, &release), Outcome::NotFound);
}

#[test]
fn the_lease_goes_to_one_who_hears_that_another_wants_it() {
    let mut world = world();
    let lasts = SignedDuration::from_secs(30);
    let take = |holder: &str| ClusterAction::AcquireLease { holder: holder.into(), lasts };
    let give = |holder: &str| ClusterAction::ReleaseLease { holder: holder.into() };
    assert_eq!(world.apply_as(Provisioning, &take("a")), Outcome::Done);
    assert_eq!(world.apply_as(Provisioning, &take("b")), Outcome::Conflict);
    assert_eq!(world.apply_as(Provisioning, &give("a")), Outcome::Conflict, "look once more");
    assert_eq!(world.apply_as(Provisioning, &give("a")), Outcome::Done);
    assert_eq!(world.apply_as(Provisioning, &take("b")), Outcome::Done);
    world.pass(20);
    assert_eq!(world.apply_as(Provisioning, &take("b")), Outcome::Done, "b looks once more");
    world.pass(20);
    assert_eq!(world.apply_as(Provisioning, &take("a")), Outcome::Conflict, "its time began anew");
    world.pass(11);
    assert_eq!(world.apply_as(Provisioning, &take("a")), Outcome::Done, "b's time is over");
}

#[test]
fn a_view_of_what_waits_leaves_settled_nodes_out() {
    let mut world = world_with(workload(vec![(template("web", 3_400), 2)]));
    let (_, node) = world.joined("a");
    let names = |world: &World, scope| {
        let state = state(&world.store, scope, world.now());
        let pods: Vec<String> = state.pods.iter().map(|pod| pod.name.name.to_string()).collect();
        let known: Vec<NodeName> = state.pods_known_on.into_iter().collect();
        (pods, known)
    };
    let both = vec!["web-0".to_owned(), "web-1".to_owned()];
    assert_eq!(names(&world, Scope::Pending), (both.clone(), vec![node.clone()]));
    assert_eq!(names(&world, Scope::Going), (vec![], vec![]));
    world.pass(60);
    assert_eq!(names(&world, Scope::Pending), (vec!["web-1".to_owned()], vec![]));
    assert_eq!(names(&world, Scope::Everything).0, both);
    let (name, uid) = (node.clone(), world.store.nodes[&node].node.uid.clone());
    world.delete_node(&name, &uid);
    assert_eq!(names(&world, Scope::Going), (vec!["web-0".to_owned()], vec![node]));
}

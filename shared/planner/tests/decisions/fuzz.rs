//! Random worlds: whatever `provision` plans is valid, and the same for shuffled input.

use crate::fixture::{now, snapshot};
use model::action::{Action, ClaimToLaunch, ClusterAction, NewClaim};
use model::plan::{Plan, Target};
use model::pod::Pod;
use model::reason::Subject;
use model::resources::Resources;
use model::snapshot::Snapshot;
use model::taint::first_untolerated;
use planner::disrupt::disrupt;
use planner::provision::provision;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;

fn any_type() -> impl Strategy<Value = String> {
    let cpu = prop::sample::select(vec![1, 2, 4, 8, 16]);
    let memory = prop::sample::select(vec![1, 2, 4, 8, 32]);
    let arch = prop::sample::select(vec!["amd64", "amd64", "arm64"]);
    let extra = prop::sample::select(vec!["", "", "gpu=1", "zones=a", "pods=4"]);
    (cpu, memory, arch, extra, 5..30_i64, prop::option::of(2..20_i64)).prop_map(
        |(cpu, memory, arch, extra, price, spot)| {
            let spot = spot.map_or(String::new(), |spot| format!("spot={}", spot * i64::from(cpu)));
            let price = price * i64::from(cpu) + 3 * i64::from(memory);
            format!("{cpu} {memory}Gi od={price} {spot} arch={arch} {extra}")
        },
    )
}

fn any_pool() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "weight=5",
            "limit:cpu=9",
            "nodes=2",
            "taint:team=a",
            "label:team=a",
            "need:team=Exists",
            "need:arch=In:arm64",
            "need:capacity-type=In:on-demand",
            "min:type=2",
        ]),
        0..3,
    )
    .prop_map(|words| words.join(" "))
}

fn any_pods() -> impl Strategy<Value = String> {
    let cpu = prop::sample::select(vec!["100m", "500m", "1", "3"]);
    let memory = prop::sample::select(vec!["100Mi", "1Gi", "3Gi", "9Gi"]);
    let words = prop::sample::select(vec![
        "tolerate:team",
        "select:team=a",
        "need:team=NotIn:b",
        "select:zone=a",
        "need:zone=In:b or:arch=In:arm64",
        "select:arch=arm64",
        "select:capacity-type=on-demand",
        "port=80",
        "gpu=1",
        "priority=7",
        "spread",
    ]);
    let words = prop::collection::vec(words, 0..3);
    (cpu, memory, words, 1..9).prop_map(|(cpu, memory, words, count)| {
        format!("{cpu} {memory} x{count} {}", words.join(" "))
    })
}

fn any_world() -> impl Strategy<Value = String> {
    let types = prop::collection::vec(any_type(), 1..8);
    let pools = prop::collection::vec(any_pool(), 1..4);
    let pods = prop::collection::vec(any_pods(), 1..8);
    let more = prop::sample::select(vec![
        "",
        "daemon logs 200m 300Mi",
        "daemon logs 200m 300Mi select:arch=arm64 tolerate:team",
        "node n1 t0 up=5s\n pod old 500m 100Mi on=n1",
        "claim c1 t0 launched made-for=p0-1",
        "ceiling 3",
    ]);
    (types, pools, pods, more).prop_map(|(types, pools, pods, more)| {
        let mut text = format!("{more}\n");
        for (n, words) in types.iter().enumerate() {
            writeln!(text, "type t{n} {words}").unwrap();
        }
        for (n, words) in pools.iter().enumerate() {
            writeln!(text, "pool pool{n} {words}").unwrap();
        }
        for (n, words) in pods.iter().enumerate() {
            writeln!(text, "pod p{n} {words}").unwrap();
        }
        text
    })
}

/// Judges a plan by the rules, in the plainest way.
fn judge(world: &Snapshot, plan: &Plan) -> Result<(), TestCaseError> {
    let waiting: Vec<&Pod> =
        world.cluster.pods.iter().map(|pod| &**pod).filter(|pod| pod.is_provisionable()).collect();
    for pod in &waiting {
        let placed = plan.placements.iter().filter(|p| p.pod == pod.name).count();
        let out = plan.left_out.iter().filter(|l| l.subject == Subject::Pod(pod.name.clone()));
        prop_assert_eq!(placed + out.count(), 1, "{} has one place or reasons", &pod.name);
    }
    let mut used: BTreeMap<(String, String), i64> = BTreeMap::new();
    for launch in plan.launches() {
        for claim in &launch.claims {
            let ClaimToLaunch::New(claim) = claim else { continue };
            let target = Target::Claim(claim.name.clone());
            let pods: Vec<&Pod> = plan
                .pods_on(&target)
                .map(|name| *waiting.iter().find(|pod| pod.name == *name).expect("it waits"))
                .collect();
            prop_assert!(!pods.is_empty(), "{} has pods", &claim.name);
            for choice in &launch.choices {
                judge_node(world, claim, choice, &pods)?;
            }
            let pool = claim.spec.pool.clone().expect("it has a pool").to_string();
            *used.entry((pool.clone(), "nodes".into())).or_default() += 1;
            let most = |resource: &str| {
                launch.choices.iter().map(|c| c.capacity.get(resource)).max().unwrap_or(0)
            };
            *used.entry((pool, "cpu".into())).or_default() += most("cpu");
        }
    }
    for pool in &world.cluster.pools {
        let Some(limits) = &pool.limits else { continue };
        let of = |resource: &str| {
            used.get(&(pool.name.to_string(), resource.to_owned())).copied().unwrap_or(0)
        };
        for (resource, limit) in &limits.resources {
            prop_assert!(of(resource) <= *limit, "{} of {}", resource, &pool.name);
        }
        prop_assert!(limits.nodes.is_none_or(|most| of("nodes") <= i64::from(most)));
    }
    let nodes: i64 = used.iter().filter(|((_, what), _)| what == "nodes").map(|(_, n)| n).sum();
    let there = i64::try_from(world.cluster.claims.len()).unwrap();
    prop_assert!(nodes == 0 || nodes + there <= i64::from(world.settings.nodes_max));
    Ok(())
}

/// A node that is launched by a choice must hold the pods.
fn judge_node(
    world: &Snapshot,
    claim: &NewClaim,
    choice: &model::action::Choice,
    pods: &[&Pod],
) -> Result<(), TestCaseError> {
    let mut free = choice.allocatable.clone();
    for daemon_set in &world.cluster.daemon_sets {
        let pod = &daemon_set.template;
        let comes = pod.admits_node_labels(&choice.labels)
            && first_untolerated(&claim.spec.taints, &pod.tolerations).is_none();
        if comes {
            free.subtract(&pod.requests);
        }
    }
    for (index, pod) in pods.iter().enumerate() {
        free.subtract(&pod.requests);
        prop_assert!(pod.admits_node_labels(&choice.labels), "labels for {}", &pod.name);
        let taint = first_untolerated(&claim.spec.taints, &pod.tolerations);
        prop_assert!(taint.is_none(), "taints for {}", &pod.name);
        let ports = pods[..index].iter().flat_map(|other| &other.host_ports);
        let clash = ports.clone().any(|port| pod.host_ports.iter().any(|p| p.conflicts_with(port)));
        prop_assert!(!clash, "ports of {}", &pod.name);
    }
    prop_assert!(Resources::default().fits(&free), "{} holds its pods", &claim.name);
    prop_assert!(
        claim.spec.requirements.admits_labels(&choice.labels),
        "{} has the labels it promised: {:?} for {}",
        &claim.name,
        &choice.labels,
        &claim.spec.requirements
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_is_valid_and_the_same_for_shuffled_input(text in any_world()) {
        let mut world = snapshot(&text);
        let plan = provision(&world, now());
        judge(&world, &plan)?;
        world.cluster.pods.reverse();
        world.cluster.pools.reverse();
        prop_assert_eq!(plan, provision(&world, now()));
    }
}

fn any_node() -> impl Strategy<Value = String> {
    let words = vec![
        "spot",
        "zone=b",
        "up=2m",
        "up=20s made-for=w-1",
        "not-ready",
        "cordoned",
        "going",
        "disrupted",
        "why=Empty",
        "no-disrupt",
        "coming-up",
        "unmanaged",
        "replaced-by=c-n0",
        "replaces=c-n1",
    ];
    (0..3, prop::collection::vec(prop::sample::select(words), 0..2))
        .prop_map(|(it, words)| format!("t{it} {}", words.join(" ")))
}

fn any_running() -> impl Strategy<Value = String> {
    let cpu = prop::sample::select(vec!["100m", "500m", "1"]);
    let words = vec!["", "", "keep", "select:zone=a", "port=80", "anti", "label:app=web", "done"];
    (cpu, 0..8, prop::sample::select(words))
        .prop_map(|(cpu, node, words)| format!("{cpu} 500Mi on=n{node} {words}"))
}

fn any_used_world() -> impl Strategy<Value = String> {
    let nodes = prop::collection::vec(any_node(), 1..8);
    let pods = prop::collection::vec(any_running(), 0..12);
    let pool =
        prop::sample::select(vec!["", "budget:2", "budget:100%", "after=30s", "budget:0@Empty"]);
    let types = prop::collection::vec(any_type(), 3..6);
    (nodes, pods, pool, types).prop_map(|(nodes, pods, pool, types)| {
        let mut text = format!("scope everything\n budget app=web 0\n pool default {pool}\n");
        for (n, words) in types.iter().enumerate() {
            writeln!(text, "type t{n} {words}").unwrap();
        }
        for (n, words) in nodes.iter().enumerate() {
            writeln!(text, "node n{n} {words}\n seen n{n} 1m").unwrap();
        }
        for (n, words) in pods.iter().enumerate() {
            writeln!(text, "pod r{n} {words}").unwrap();
        }
        text
    })
}

/// No more goes than may, and nothing that must stay.
fn judge_disruption(world: &Snapshot, plan: &Plan) -> Result<(), TestCaseError> {
    let cluster = &world.cluster;
    let mut deleted = std::collections::BTreeSet::new();
    for action in &plan.actions {
        let Action::Cluster(action) = action else {
            return Err(TestCaseError::fail("only Kubernetes objects are changed"));
        };
        let ClusterAction::DeleteClaim { claim, .. } = action else { continue };
        prop_assert!(deleted.insert(claim.clone()), "{} is deleted once", claim);
        let claim = cluster.claims.iter().find(|c| c.name == *claim).expect("it is there");
        prop_assert!(claim.deleting.is_none());
        if !claim.replaced_by.is_empty() {
            let is_up = |name: &model::name::ClaimName| {
                let found = cluster.claims.iter().find(|c| c.name == *name);
                found.is_some_and(|c| c.is_initialized() && c.deleting.is_none())
            };
            prop_assert!(claim.replaced_by.iter().all(is_up), "{} is replaced", &claim.name);
            continue;
        }
        let pods = cluster.pods.iter().filter(|pod| pod.node == claim.node);
        prop_assert!(!pods.clone().any(|pod| pod.forbids_disruption(now())));
        prop_assert!(!claim.do_not_disrupt && claim.is_initialized());
    }
    prop_assert!(deleted.len() <= 3, "at most three of a few");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_disruption_is_allowed_and_the_same_for_shuffled_input(text in any_used_world()) {
        let mut world = snapshot(&text);
        let plan = disrupt(&world, now());
        judge_disruption(&world, &plan)?;
        world.cluster.pods.reverse();
        prop_assert_eq!(plan, disrupt(&world, now()));
    }
}

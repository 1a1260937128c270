//! Which sets of nodes go, what comes instead, and that nothing is left to do afterwards.

use crate::fixture::{carry_out, check_disrupt as check, now, snapshot};
use expect_test::{Expect, expect};
use model::plan::Target;
use model::snapshot::Snapshot;
use planner::disrupt::proposal::{Proposal, propose};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A proposal as text: who goes, what comes and with whom, who moves where, and what that saves.
fn text(proposal: &Proposal) -> String {
    let mut text = String::new();
    let removed: Vec<&str> = proposal.removed.iter().map(|node| &**node).collect();
    writeln!(text, "goes: {}", removed.join(" ")).unwrap();
    let mut to: BTreeMap<&Target, Vec<&str>> = BTreeMap::new();
    for moved in &proposal.moves {
        to.entry(&moved.on).or_default().push(&moved.pod.name);
    }
    for launch in &proposal.launches {
        let first = &launch.choices[0];
        writeln!(text, "comes: {} {}", first.offering, first.price).unwrap();
    }
    let mut groups: Vec<String> = to
        .iter()
        .map(|(on, pods)| match on {
            Target::Node(node) => format!("to {node}: {}", pods.join(" ")),
            Target::Claim(_) => format!("to a new one: {}", pods.join(" ")),
        })
        .collect();
    groups.sort();
    for group in groups {
        writeln!(text, "{group}").unwrap();
    }
    for left_out in &proposal.plan.left_out {
        writeln!(text, "not {}: {}", left_out.subject, left_out.reasons[0]).unwrap();
    }
    if let Some(saving) = proposal.plan.saving {
        let (saved, most) = (saving.per_hour, saving.at_most_per_hour);
        writeln!(text, "saves {saved}, at most {most}").unwrap();
    }
    text
}

#[track_caller]
fn check_proposal(world: &str, expected: Expect) {
    let world = snapshot(&format!("scope everything\n{world}"));
    let proposal = propose(&world, now());
    expected.assert_eq(&text(&proposal));
    let mut shuffled = world;
    shuffled.cluster.pods.reverse();
    shuffled.cluster.pools.reverse();
    shuffled.cluster.daemon_sets.reverse();
    assert_eq!(proposal, propose(&shuffled, now()));
}

#[test]
fn three_nodes_become_one() {
    check_proposal(
        "pool default budget:100%
         type m5.large 2 8Gi od=96
         type m5.xlarge 4 16Gi od=192
         type m5.2xlarge 8 32Gi od=384
         node n1 m5.xlarge
         node n2 m5.xlarge
         node n3 m5.xlarge
         pod a 1300m 1Gi on=n1
         pod b 1300m 1Gi on=n2
         pod c 1300m 1Gi on=n3",
        expect![[r#"
            goes: n2 n3
            to n1: b c
            not node n1: Can't replace with a cheaper node
            saves $0.3840, at most $0.3840
        "#]],
    );
}

#[test]
fn four_nodes_become_two() {
    check_proposal(
        "pool default budget:100%
         type m5.xlarge 4 16Gi od=192
         node n1 m5.xlarge
         node n2 m5.xlarge
         node n3 m5.xlarge
         node n4 m5.xlarge
         pod a 1900m 1Gi on=n1
         pod b 1900m 1Gi on=n2
         pod c 1900m 1Gi on=n3
         pod d 1900m 1Gi on=n4",
        expect![[r#"
            goes: n1 n2
            to n3: a
            to n4: b
            not node n3: Can't replace with a cheaper node
            not node n4: Can't replace with a cheaper node
            saves $0.3840, at most $0.3840
        "#]],
    );
}

#[test]
fn three_large_nodes_become_one_small_one() {
    check_proposal(
        "pool default budget:100%
         type m5.large 2 8Gi od=96
         type m5.4xlarge 16 64Gi od=768
         node n1 m5.4xlarge
         node n2 m5.4xlarge
         node n3 m5.4xlarge
         pod a 600m 1Gi on=n1
         pod b 600m 1Gi on=n2
         pod c 600m 1Gi on=n3",
        expect![[r#"
            goes: n1 n2 n3
            comes: m5.large on-demand in a $0.0960
            to a new one: a b c
            saves $2.2080, at most $2.2080
        "#]],
    );
}

#[test]
fn four_large_nodes_become_two_small_ones() {
    check_proposal(
        "pool default budget:100%
         type m5.xlarge 4 16Gi od=192
         type m5.4xlarge 16 64Gi od=768
         node n1 m5.4xlarge
         node n2 m5.4xlarge
         node n3 m5.4xlarge
         node n4 m5.4xlarge
         pod a 1900m 1Gi on=n1
         pod b 1900m 1Gi on=n2
         pod c 1900m 1Gi on=n3
         pod d 1900m 1Gi on=n4",
        expect![[r#"
            goes: n1 n2 n3 n4
            comes: m5.xlarge on-demand in a $0.1920
            comes: m5.xlarge on-demand in a $0.1920
            to a new one: a b
            to a new one: c d
            saves $2.6880, at most $2.6880
        "#]],
    );
}

#[test]
fn an_oversized_node_is_split_into_several() {
    check_proposal(
        "pool default budget:100%
         type m5.large 2 8Gi od=96
         type m5.8xlarge 32 128Gi od=1536
         node n1 m5.8xlarge
         pod a 1900m 1Gi x3 on=n1",
        expect![[r#"
            goes: n1
            comes: m5.large on-demand in a $0.0960
            comes: m5.large on-demand in a $0.0960
            comes: m5.large on-demand in a $0.0960
            to a new one: a-1
            to a new one: a-2
            to a new one: a-3
            saves $1.2480, at most $1.2480
        "#]],
    );
}

#[test]
fn two_nodes_are_replaced_by_two_of_another_kind() {
    check_proposal(
        "pool default budget:100%
         type c5.large 2 4Gi od=85
         type r5.large 2 16Gi od=126
         type m5.2xlarge 8 32Gi od=384
         node n1 m5.2xlarge
         node n2 m5.2xlarge
         pod cpu 1900m 1Gi on=n1
         pod memory 100m 15Gi on=n2",
        expect![[r#"
            goes: n1 n2
            comes: r5.large on-demand in a $0.1260
            to a new one: cpu memory
            saves $0.6420, at most $0.6420
        "#]],
    );
}

#[test]
fn a_good_node_is_kept_and_filled() {
    check_proposal(
        "pool default budget:100%
         type m5.large 2 8Gi od=96
         type m5.2xlarge 8 32Gi od=384
         node n1 m5.large
         node n2 m5.2xlarge
         pod a 1 1Gi on=n1
         pod b 900m 1Gi on=n2",
        expect![[r#"
            goes: n2
            to n1: b
            not node n1: Can't replace with a cheaper node
            saves $0.3840, at most $0.3840
        "#]],
    );
}

#[test]
fn what_saves_less_than_a_twentieth_is_left_alone() {
    check_proposal(
        "pool default budget:100%
         type m5.large 2 8Gi od=100
         type m6.large 2 8Gi od=96
         node n1 m5.large
         pod a 1500m 1Gi on=n1",
        expect![[r#"
            goes: 
            not node n1: Can't replace with a cheaper node
        "#]],
    );
    check_proposal(
        "pool default budget:100%
         type m5.large 2 8Gi od=100
         type m6.large 2 8Gi od=90
         node n1 m5.large
         pod a 1500m 1Gi on=n1",
        expect![[r#"
            goes: n1
            comes: m6.large on-demand in a $0.0900
            to a new one: a
            saves $0.0100, at most $0.0100
        "#]],
    );
}

#[test]
fn pods_that_came_lately_move_for_much_only() {
    let goes = |bound: &str, price: &str| {
        let world = snapshot(&format!(
            "scope everything
             pool default budget:100%
             type m5.large 2 8Gi od=100
             type m6.large 2 8Gi od={price}
             node n1 m5.large
             pod a 2 1Gi on=n1 bound={bound}"
        ));
        !propose(&world, now()).removed.is_empty()
    };
    // Its worth is what the cheaper type costs.
    assert!(goes("40h", "94") && !goes("40h", "95"));
    assert!(goes("20h", "90") && !goes("20h", "91"));
    assert!(goes("4h", "66") && !goes("4h", "67"));
    assert!(goes("1m", "66") && !goes("1m", "67"));
}

#[test]
fn no_more_nodes_go_than_budgets_allow() {
    check_proposal(
        "pool default budget:2
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         node n3 m5.large
         node n4 m5.large
         pod a 500m 1Gi on=n1
         pod b 500m 1Gi on=n2
         pod c 500m 1Gi on=n3
         pod d 500m 1Gi on=n4",
        expect![[r#"
            goes: n1 n2
            to n3: a b
            not node n3: no allowed disruptions for disruption reason Underutilized in NodePool default (budget: 2)
            not node n4: no allowed disruptions for disruption reason Underutilized in NodePool default (budget: 2)
            saves $0.1920, at most $0.2880
        "#]],
    );
}

#[test]
fn each_pools_budget_counts_for_its_own_nodes() {
    check_proposal(
        "pool default budget:0
         pool other budget:100%
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large pool=other
         node n3 m5.large pool=other
         pod a 500m 1Gi on=n1
         pod b 500m 1Gi on=n2
         pod c 500m 1Gi on=n3",
        expect![[r#"
            goes: n2 n3
            to n1: b c
            not node n1: no allowed disruptions for disruption reason Underutilized in NodePool default (budget: 0)
            saves $0.1920, at most $0.1920
        "#]],
    );
}

#[test]
fn nodes_that_share_a_replacement_are_seen_twice_and_go_together() {
    let world = "pool default budget:100%
         type m5.xlarge 4 16Gi od=192
         type m5.4xlarge 16 64Gi od=768
         node n1 m5.4xlarge
         node n2 m5.4xlarge
         pod a 1900m 1Gi on=n1
         pod b 1900m 1Gi on=n2";
    check(
        world,
        expect![[r#"
        remember the sweep: 2 candidates
        not node n1: It has been worth disrupting for less than 15 s
        not node n2: It has been worth disrupting for less than 15 s
    "#]],
    );
    check(
        &format!("{world}\n seen n1 16s\n seen n2 16s"),
        expect![[r#"
        node n1: taint karpenter.sh/disrupted:NoSchedule
        claim c-n1: to be replaced by default-xlnb6cts
        claim c-n1: DisruptionReason=True (Underutilized)
        node n2: taint karpenter.sh/disrupted:NoSchedule
        claim c-n2: to be replaced by default-xlnb6cts
        claim c-n2: DisruptionReason=True (Underutilized)
        create claim default-xlnb6cts
        saves $1.3440/h, moves 2 pods, at most $1.3440/h could be saved
    "#]],
    );
    check(
        &format!("{world}\n seen n1 16s\n seen n2 5s"),
        expect![[r#"
        node n1: taint karpenter.sh/disrupted:NoSchedule
        claim c-n1: DisruptionReason=True (Underutilized)
        delete claim c-n1: Underutilized
        not node n2: Can't replace with a cheaper node
        saves $0.7680/h, moves 1 pods, at most $1.3440/h could be saved
    "#]],
    );
}

#[test]
fn balanced_takes_only_what_saves_its_share_of_the_disruption() {
    let world = |policy: &str| {
        format!(
            "pool default budget:100% {policy}
             type m5.large 2 8Gi od=96
             type m5.xlarge 4 16Gi od=180
             node n1 m5.xlarge
             pod a 100m 100Mi x15 on=n1
             node n2 m5.xlarge
             pod b 3500m 1Gi on=n2"
        )
    };
    check_proposal(
        &world(""),
        expect![[r#"
            goes: n1
            comes: m5.large on-demand in a $0.0960
            to a new one: a-14 a-15 a-2 a-3 a-4 a-5 a-6 a-7 a-8 a-9
            to n2: a-1 a-10 a-11 a-12 a-13
            not node n2: Can't replace with a cheaper node
            saves $0.0840, at most $0.1350
        "#]],
    );
    check_proposal(
        &world("policy=Balanced"),
        expect![[r#"
            goes: 
            not node n1: score 0.24 < threshold 0.50 (k: 2, savings 23%, disruption 93%)
            not node n2: score 0.23 < threshold 0.50 (k: 2, savings 23%, disruption 100%)
        "#]],
    );
}

#[test]
fn when_empty_leaves_used_nodes_alone() {
    check_proposal(
        "pool default budget:100% policy=WhenEmpty
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         node n3 m5.large
         pod a 500m 1Gi on=n1
         pod b 500m 1Gi on=n2",
        expect![[r#"
            goes: n3
            not node n1: NodePool "default" has consolidation policy WhenEmpty, but node is not empty
            not node n2: NodePool "default" has consolidation policy WhenEmpty, but node is not empty
            saves $0.0960, at most $0.0960
        "#]],
    );
}

#[test]
fn a_node_whose_pods_have_just_changed_neither_goes_nor_takes_any() {
    check_proposal(
        "pool default budget:100% after=30s
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         pod a 500m 1Gi on=n1
         pod b 500m 1Gi on=n2
         same n1 1h
         same n2 10s",
        expect![[r#"
            goes: 
            not node n1: Can't replace with a cheaper node
            not node n2: Pods have come or gone within consolidateAfter
        "#]],
    );
}

#[test]
fn on_demand_becomes_spot_and_nothing_else() {
    let world = snapshot(
        "scope everything
         pool default budget:100%
         type m5.large 2 8Gi od=96 spot=35
         type m5.xlarge 4 16Gi od=192 spot=80
         node n1 m5.large
         pod a 1500m 1Gi on=n1",
    );
    let proposal = propose(&world, now());
    expect![[r#"
        goes: n1
        comes: m5.large spot in a $0.0350
        to a new one: a
        saves $0.0610, at most $0.0610
    "#]]
    .assert_eq(&text(&proposal));
    let types: BTreeSet<String> =
        proposal.launches[0].choices.iter().map(|c| c.offering.capacity_type.to_string()).collect();
    // Nothing of the claim may become on-demand again, whatever spot capacity there is.
    assert_eq!(types, BTreeSet::from(["spot".to_owned()]));
}

#[test]
fn spot_joins_spot_on_nodes_that_are_there() {
    check_proposal(
        "pool default budget:100%
         type m5.large 2 8Gi od=96 spot=35
         node n1 m5.large spot
         node n2 m5.large spot
         pod a 500m 1Gi on=n1
         pod b 500m 1Gi on=n2",
        expect![[r#"
            goes: n1
            to n2: a
            not node n2: SpotToSpotConsolidation is disabled, can't replace a spot node with a spot node
            saves $0.0350, at most $0.0350
        "#]],
    );
}

#[test]
fn several_spot_nodes_become_one_where_spot_may_replace_spot() {
    let world = "pool default budget:100%
         type m5.large 2 8Gi od=96 spot=35
         type m5.xlarge 4 16Gi od=192 spot=60
         node n1 m5.large spot
         node n2 m5.large spot
         pod a 1900m 1Gi on=n1
         pod b 1900m 1Gi on=n2";
    check_proposal(
        world,
        expect![[r#"
        goes: 
        not node n1: Can't replace with a cheaper node
        not node n2: Can't replace with a cheaper node
    "#]],
    );
    check_proposal(
        &format!("{world}\n spot-to-spot"),
        expect![[r#"
            goes: n1 n2
            comes: m5.xlarge spot in a $0.0600
            to a new one: a b
            saves $0.0100, at most $0.0100
        "#]],
    );
}

#[test]
fn what_must_not_be_disrupted_stays_and_takes_others() {
    check_proposal(
        "pool default budget:100%
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         node n3 m5.large
         pod kept 500m 1Gi on=n1 keep
         pod guarded 500m 1Gi on=n2 label:app=web
         pod free 500m 1Gi on=n3
         budget app=web 0",
        expect![[r#"
            goes: n3
            to n1: free
            not node n1: Pod has "karpenter.sh/do-not-disrupt" annotation (Pod=default/kept)
            not node n2: Pdb prevents pod evictions (PodDisruptionBudget=[default/web])
            saves $0.0960, at most $0.0960
        "#]],
    );
}

#[test]
fn spread_and_anti_affinity_hold_where_pods_go() {
    check_proposal(
        "pool default budget:100% need:capacity-type=In:on-demand
         type m5.large 2 8Gi od=96
         node n1 m5.large zone=a
         node n2 m5.large zone=b
         node n3 m5.large zone=b
         pod even-1 500m 1Gi on=n1 label:app=even spread=zone/1/app=even
         pod even-2 500m 1Gi on=n2 label:app=even spread=zone/1/app=even
         pod other 500m 1Gi on=n3",
        expect![[r#"
            goes: n3
            to n1: other
            not node n1: Can't replace with a cheaper node
            not node n2: Can't replace with a cheaper node
            saves $0.0960, at most $0.1920
        "#]],
    );
    check_proposal(
        "pool default budget:100% need:capacity-type=In:on-demand
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         pod web 500m 1Gi on=n1
         pod loner 500m 1Gi on=n2 anti=hostname/all",
        expect![[r#"
            goes: 
            not node n1: Can't replace with a cheaper node
            not node n2: Can't replace with a cheaper node
        "#]],
    );
}

#[test]
fn room_that_waiting_pods_need_is_not_given_away() {
    check_proposal(
        "pool default budget:100% need:capacity-type=In:on-demand
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         pod a 500m 1Gi on=n1
         pod b 1 1Gi on=n2
         pod waiting 1 1Gi",
        expect![[r#"
            goes: 
            not node n1: Can't replace with a cheaper node
            not node n2: Can't replace with a cheaper node
        "#]],
    );
}

fn any_world() -> impl Strategy<Value = String> {
    let node = (prop::sample::select(vec!["t0", "t1", "t2", "t3"]), any::<bool>());
    let pod = (
        prop::sample::select(vec!["200m", "500m", "1", "1500m"]),
        prop::sample::select(vec!["200Mi", "1Gi", "3Gi"]),
        prop::sample::select(vec![
            "",
            "",
            "",
            "select:zone=a",
            "keep",
            "label:app=x spread=zone/1/app=x",
        ]),
        any::<prop::sample::Index>(),
    );
    let nodes = prop::collection::vec(node, 1..10);
    let pods = prop::collection::vec(pod, 0..24);
    let spot = prop::sample::select(vec!["", "spot-to-spot"]);
    let policy = prop::sample::select(vec!["", "policy=Balanced"]);
    (nodes, pods, spot, policy).prop_map(|(nodes, pods, spot, policy)| {
        let mut text = format!(
            "scope everything\n{spot}\npool default budget:100% {policy}\ndaemon logs 100m 100Mi
             type t0 2 8Gi od=96 spot=40\n type t1 4 16Gi od=190 spot=70\n type t2 8 16Gi od=330 spot=150
             type t3 16 64Gi od=800\n"
        );
        for (at, (kind, is_spot)) in nodes.iter().enumerate() {
            let spot = if *is_spot && *kind != "t3" { "spot" } else { "" };
            writeln!(text, "node n{at} {kind} {spot}").unwrap();
        }
        for (at, (cpu, memory, words, node)) in pods.iter().enumerate() {
            let node = node.index(nodes.len());
            writeln!(text, "pod p{at} {cpu} {memory} {words} on=n{node}").unwrap();
        }
        text
    })
}

/// Nothing requests more than is there, on any node.
fn fits(world: &Snapshot) -> bool {
    world.cluster.nodes.iter().all(|node| {
        let pods = world.cluster.pods.iter().filter(|pod| pod.node.as_ref() == Some(&node.name));
        let mut used = model::resources::Resources::default();
        pods.for_each(|pod| used.add(&pod.requests));
        used.fits(&node.allocatable)
    })
}

fn cost(world: &Snapshot) -> i64 {
    let of_claim = |claim: &std::sync::Arc<model::claim::NodeClaim>| {
        let offering = claim.offering().unwrap();
        let it = world.instance_type(&claim.spec.node_class, &offering.instance_type).unwrap();
        it.offering(&offering.zone, offering.capacity_type).unwrap().price.micro_dollars()
    };
    world.cluster.claims.iter().map(of_claim).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each step saves what it says, keeps the bound and breaks nothing; and soon there is none left.
    #[test]
    fn what_has_been_consolidated_stays_as_it_is(text in any_world()) {
        let mut world = snapshot(&text);
        prop_assume!(fits(&world));
        let mut steps = 0;
        loop {
            let before = cost(&world);
            let proposal = propose(&world, now());
            let Some(saving) = proposal.plan.saving else { break };
            prop_assert!(saving.per_hour <= saving.at_most_per_hour);
            carry_out(&mut world, &proposal);
            prop_assert!(fits(&world), "a node is too full");
            prop_assert_eq!(cost(&world), before - saving.per_hour.micro_dollars());
            steps += 1;
            prop_assert!(steps <= 4, "it goes on and on");
        }
        prop_assert_eq!(propose(&world, now()).removed, vec![]);
    }
}

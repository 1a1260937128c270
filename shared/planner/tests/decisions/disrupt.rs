//! Which nodes go, when, and in which steps.

use crate::fixture::{check_disrupt as check, now, snapshot};
use expect_test::expect;
use model::action::{Action, ClusterAction};
use planner::disrupt::disrupt;

#[test]
fn an_empty_node_goes_once_two_passes_have_seen_it() {
    let world = "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large
         pod logs 100m 1Gi on=n1 of-daemon:logs
         pod ended 100m 1Gi on=n1 done";
    check(
        world,
        expect![[r#"
        remember the sweep: 1 candidates
        not node n1: It has been worth disrupting for less than 15 s
    "#]],
    );
    check(
        &format!("{world}\n seen n1 16s"),
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: DisruptionReason=True (Empty)
            delete claim c-n1: Empty
            saves $0.0960/h, moves 0 pods, at most $0.0960/h could be saved
        "#]],
    );
}

#[test]
fn a_view_in_doubt_takes_nothing_away() {
    let world = "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large
         seen n1 16s";
    check(
        &format!("{world}\n unreadable"),
        expect![[r#"
            event ViewRefused on NodePool /default: nothing is taken away: some objects could not be read; it ends with the first whole view: the log names what could not be read; check that this is the right cluster, account and region
            not cluster: nothing is taken away: some objects could not be read
        "#]],
    );
    check(
        &format!("{world}\n foreign"),
        expect![[r#"
        not cluster: nothing is taken away: this is not the cluster that joiner was deployed for
    "#]],
    );
    check(
        "type m5.large 2 8Gi od=96\n node n1 m5.large",
        expect![[r#"
        not cluster: nothing is taken away: there are NodeClaims but no NodePools
    "#]],
    );
    check(
        "scope pending\n pool default",
        expect![[r#"
            event ViewRefused on NodePool /default: nothing is taken away: not everything was read; it ends with the first whole view: the log names what could not be read; check that this is the right cluster, account and region
            not cluster: nothing is taken away: not everything was read
        "#]],
    );
}

#[test]
fn the_default_budget_is_a_tenth_of_the_pool_rounded_up() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         node n3 m5.large not-ready
         seen n1 16s
         seen n2 16s",
        expect![[r#"
            remember the sweep: 3 candidates
            not node n1: no allowed disruptions for disruption reason Empty in NodePool default (budget: 1)
            not node n2: no allowed disruptions for disruption reason Empty in NodePool default (budget: 1)
            not node n3: It has been worth disrupting for less than 15 s
        "#]],
    );
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         seen n1 16s
         seen n2 16s",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: DisruptionReason=True (Empty)
            delete claim c-n1: Empty
            not node n2: no allowed disruptions for disruption reason Empty in NodePool default (budget: 1)
            saves $0.0960/h, moves 0 pods, at most $0.1920/h could be saved
        "#]],
    );
}

#[test]
fn a_budget_may_be_for_one_reason() {
    check(
        "pool default budget:0@Underutilized budget:50%
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         pod web 100m 1Gi on=n2
         seen n1 16s
         seen n2 16s",
        expect![[r#"
            remember the sweep: 2 candidates
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: DisruptionReason=True (Empty)
            delete claim c-n1: Empty
            not node n2: no allowed disruptions for disruption reason Underutilized in NodePool default (budget: 0)
            saves $0.0960/h, moves 0 pods, at most $0.0960/h could be saved
        "#]],
    );
}

#[test]
fn no_more_than_three_of_a_few_nodes_go_in_one_pass() {
    check(
        "pool default budget:100%
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         node n3 m5.large
         node n4 m5.large
         seen n1 16s
         seen n2 16s
         seen n3 16s
         seen n4 16s",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: DisruptionReason=True (Empty)
            delete claim c-n1: Empty
            node n2: taint karpenter.sh/disrupted:NoSchedule
            claim c-n2: DisruptionReason=True (Empty)
            delete claim c-n2: Empty
            node n3: taint karpenter.sh/disrupted:NoSchedule
            claim c-n3: DisruptionReason=True (Empty)
            delete claim c-n3: Empty
            event DeletionRateReached on NodePool /default: 4 nodes would go in one pass, 3 may; the next pass goes on; who wants less to go at once sets budgets or changes fewer nodes
            not node n4: 4 nodes would go in one pass, 3 may
            saves $0.2880/h, moves 0 pods, at most $0.3840/h could be saved
        "#]],
    );
}

#[test]
fn a_node_whose_pods_fit_elsewhere_goes() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         pod web 500m 1Gi on=n1
         pod api 1500m 1Gi on=n2
         seen n1 16s",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: DisruptionReason=True (Underutilized)
            delete claim c-n1: Underutilized
            not node n2: no allowed disruptions for disruption reason Underutilized in NodePool default (budget: 1)
            saves $0.0960/h, moves 1 pods, at most $0.0960/h could be saved
        "#]],
    );
}

#[test]
fn a_node_is_replaced_by_a_cheaper_one() {
    let world = "pool default
         type m5.large 2 8Gi od=96
         type m5.2xlarge 8 32Gi od=384
         node n1 m5.2xlarge
         pod web 1500m 1Gi on=n1
         seen n1 16s";
    check(
        world,
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: to be replaced by default-xlnb6cts
            claim c-n1: DisruptionReason=True (Underutilized)
            create claim default-xlnb6cts
            saves $0.2880/h, moves 1 pods, at most $0.2880/h could be saved
        "#]],
    );
    let plan = disrupt(&snapshot(&format!("scope everything\n{world}")), now());
    let created = plan.actions.iter().find_map(|action| match action {
        Action::Cluster(ClusterAction::CreateClaim(claim)) => Some(claim),
        Action::Cluster(_) | Action::Cloud(_) | Action::Launch(_) => None,
    });
    let claim = created.expect("a replacement");
    assert_eq!(claim.spec.replaces, ["c-n1".into()]);
    assert_eq!(claim.spec.nominated.len(), 1);
    assert!(claim.spec.requirements.admits("node.kubernetes.io/instance-type", "m5.large"));
    assert!(!claim.spec.requirements.admits("node.kubernetes.io/instance-type", "m5.2xlarge"));
}

#[test]
fn an_on_demand_node_may_become_a_spot_one() {
    check(
        "pool default
         type m5.large 2 8Gi od=96 spot=35
         node n1 m5.large
         pod web 1500m 1Gi on=n1
         seen n1 16s",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: to be replaced by default-xlnb6cts
            claim c-n1: DisruptionReason=True (Underutilized)
            create claim default-xlnb6cts
            saves $0.0610/h, moves 1 pods, at most $0.0610/h could be saved
        "#]],
    );
}

#[test]
fn spot_replaces_spot_only_where_that_is_switched_on_and_there_is_choice() {
    let world = "pool default
         type m5.large 2 8Gi od=96 spot=30
         type m5.xlarge 4 16Gi od=192 spot=60
         node n1 m5.xlarge spot
         pod web 1500m 1Gi on=n1
         seen n1 16s";
    check(
        world,
        expect![[r#"
        remember the sweep: 0 candidates
        not node n1: SpotToSpotConsolidation is disabled, can't replace a spot node with a spot node
    "#]],
    );
    check(
        &format!("{world}\n spot-to-spot"),
        expect![[r#"
        remember the sweep: 0 candidates
        not node n1: SpotToSpotConsolidation requires 15 cheaper instance type options than the current candidate to consolidate, got 1
    "#]],
    );
}

#[test]
fn a_pool_that_wants_on_demand_stays_on_demand() {
    check(
        "pool default need:capacity-type=In:on-demand
         type m5.large 2 8Gi od=96 spot=35
         node n1 m5.large
         pod web 1500m 1Gi on=n1
         seen n1 16s",
        expect![[r#"
            remember the sweep: 0 candidates
            not node n1: Can't replace with a cheaper node
        "#]],
    );
}

#[test]
fn what_must_not_be_disrupted_is_not() {
    check(
        "pool default
         pool empty-only policy=WhenEmpty
         pool never after=never
         type m5.large 2 8Gi od=96
         node n1 m5.large
         pod kept 100m 1Gi on=n1 keep
         node n2 m5.large no-disrupt
         node n3 m5.large
         pod guarded 100m 1Gi on=n3 label:app=web
         budget app=web 0
         node n4 m5.large coming-up
         node n5 m5.large going
         node n6 m5.large pool=gone
         node n7 m5.large pool=empty-only
         pod used 100m 1Gi on=n7
         node n8 m5.large pool=never
         node n9 m5.large
         pod even 100m 1Gi on=n9 spread=zone/1/all
         node na m5.large up=20s made-for=waiting
         pod waiting 100m 1Gi",
        expect![[r#"
            remember the sweep: 0 candidates
            not node n1: Pod has "karpenter.sh/do-not-disrupt" annotation (Pod=default/kept)
            not node n2: Disruption is blocked through the "karpenter.sh/do-not-disrupt" annotation
            not node n3: Pdb prevents pod evictions (PodDisruptionBudget=[default/web])
            not node n4: Node isn't initialized
            not node n5: Node is deleting or marked for deletion
            not node n6: NodePool not found (NodePool=gone)
            not node n7: NodePool "empty-only" has consolidation policy WhenEmpty, but node is not empty
            not node n8: NodePool "never" has consolidation disabled
            not node n9: no allowed disruptions for disruption reason Underutilized in NodePool default (budget: 1)
            not node na: Node is nominated for a pending pod
        "#]],
    );
}

#[test]
fn a_node_rests_for_consolidate_after_once_its_pods_have_changed() {
    let world = "pool default after=30s
         type m5.large 2 8Gi od=96
         node n1 m5.large
         seen n1 16s";
    check(
        world,
        expect![[r#"
        remember the sweep: 0 candidates
        not node n1: Pods have come or gone within consolidateAfter
    "#]],
    );
    check(
        &format!("{world}\n same n1 29s"),
        expect![[r#"
        remember the sweep: 0 candidates
        not node n1: Pods have come or gone within consolidateAfter
    "#]],
    );
    check(
        &format!("{world}\n same n1 30s"),
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: DisruptionReason=True (Empty)
            delete claim c-n1: Empty
            saves $0.0960/h, moves 0 pods, at most $0.0960/h could be saved
        "#]],
    );
}

#[test]
fn pods_are_not_moved_twice_in_ten_minutes() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large up=9m
         node n2 m5.large
         pod web 500m 1Gi on=n1 bound=8m
         pod api 1600m 1Gi on=n2
         seen n1 16s
         seen n2 16s",
        expect![[r#"
            remember the sweep: 0 candidates
            not node n1: Its pods came within the last 10 minutes, and so did the node
            not node n2: Can't replace with a cheaper node
        "#]],
    );
}

#[test]
fn an_owners_pods_rest_after_some_of_them_were_moved() {
    let world = |came: &str, moved: &str| {
        format!(
            "pool default
             type m5.large 2 8Gi od=96
             node n1 m5.large
             node n2 m5.large
             pod web 500m 1Gi on=n1 owner=ReplicaSet/web bound={came}
             pod api 1500m 1Gi on=n2
             moved {moved}
             seen n1 16s"
        )
    };
    check(
        &world("9m", "web 11m"),
        expect![[r#"
        remember the sweep: 1 candidates
        not node n1: Its pods were moved within the last 10 minutes
        not node n2: It has been worth disrupting for less than 15 s
    "#]],
    );
    for (came, moved) in [("11m", "web 11m"), ("9m", "web 14m"), ("9m", "api 1m")] {
        let plan = disrupt(&snapshot(&format!("scope everything\n{}", world(came, moved))), now());
        let is_deletion =
            |action: &Action| matches!(action, Action::Cluster(ClusterAction::DeleteClaim { .. }));
        assert!(plan.actions.iter().any(is_deletion), "{came} {moved}");
    }
}

#[test]
fn whose_pods_are_moved_is_remembered_until_they_have_had_their_rest() {
    let moved = |world: &str| {
        let plan = disrupt(&snapshot(&format!("scope everything\n{world}")), now());
        let mut memory = model::memory::Memory::default();
        for action in plan.actions {
            if let Action::Cluster(ClusterAction::Remember(change)) = action {
                memory.apply(&change);
            }
        }
        let ages =
            memory.moved.iter().map(|(owner, at)| format!("{owner} {}", now().duration_since(*at)));
        ages.collect::<Vec<_>>().join(", ")
    };
    let nodes = "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         pod a 500m 1Gi on=n1 owner=ReplicaSet/a
         pod b 1500m 1Gi on=n2 owner=ReplicaSet/b";
    assert_eq!(moved(&format!("{nodes}\n seen n1 16s")), "a PT0S");
    let others = "moved b 1s\n moved c 12m\n moved d 13m";
    assert_eq!(moved(&format!("{nodes}\n seen n1 16s\n {others}")), "a PT0S, b PT1S, c PT12M");
    let going = "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large why=Underutilized going disrupted
         node n2 m5.large going
         pod a 500m 1Gi on=n1 owner=ReplicaSet/a
         pod b 500m 1Gi on=n2 owner=ReplicaSet/b
         moved a 90s";
    assert_eq!(moved(going), "a PT0S");
}

#[test]
fn nodes_do_not_swap_their_pods() {
    check(
        "pool default budget:100%
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         pod web 500m 1Gi on=n1
         pod api 500m 1Gi on=n2
         seen n1 16s
         seen n2 16s",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: DisruptionReason=True (Underutilized)
            delete claim c-n1: Underutilized
            not node n2: Can't replace with a cheaper node
            saves $0.0960/h, moves 1 pods, at most $0.0960/h could be saved
        "#]],
    );
}

#[test]
fn independent_moves_begin_in_one_pass() {
    check(
        "pool default budget:100%
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         node n3 m5.large
         node n4 m5.large
         pod a 1 1Gi on=n1
         pod b 1 1Gi on=n2
         pod c 1 1Gi on=n3
         pod d 1 1Gi on=n4
         seen n1 16s
         seen n2 16s
         seen n3 16s
         seen n4 16s",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: DisruptionReason=True (Underutilized)
            delete claim c-n1: Underutilized
            node n2: taint karpenter.sh/disrupted:NoSchedule
            claim c-n2: DisruptionReason=True (Underutilized)
            delete claim c-n2: Underutilized
            not node n3: Can't replace with a cheaper node
            not node n4: Can't replace with a cheaper node
            saves $0.1920/h, moves 2 pods, at most $0.1920/h could be saved
        "#]],
    );
}

#[test]
fn pods_go_only_where_labels_taints_and_anti_affinity_let_them() {
    check(
        "pool default need:capacity-type=In:on-demand
         type m5.large 2 8Gi od=96
         node n1 m5.large label:team=a
         node n2 m5.large taint:team=b
         node n3 m5.large cordoned
         pod web 1500m 1Gi on=n1 select:zone=a
         pod api 100m 1Gi on=n2 keep
         pod big 2 1Gi on=n3 keep",
        expect![[r#"
            remember the sweep: 0 candidates
            not node n1: Can't replace with a cheaper node
            not node n2: Pod has "karpenter.sh/do-not-disrupt" annotation (Pod=default/api)
            not node n3: Pod has "karpenter.sh/do-not-disrupt" annotation (Pod=default/big)
        "#]],
    );
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         pod web 500m 1Gi on=n1
         pod loner 500m 1Gi on=n2 anti=hostname/all",
        expect![[r#"
            remember the sweep: 0 candidates
            not node n1: Can't replace with a cheaper node
            not node n2: Can't replace with a cheaper node
        "#]],
    );
}

#[test]
fn a_replaced_claim_goes_only_when_its_replacement_is_initialized() {
    let world = "pool default
         type m5.large 2 8Gi od=96
         type m5.2xlarge 8 32Gi od=384
         node n1 m5.2xlarge disrupted why=Underutilized replaced-by=c-n2
         pod web 1500m 1Gi on=n1";
    check(
        &format!("{world}\n node n2 m5.large coming-up replaces=c-n1 made-for=web"),
        expect![[r#"
            not node n1: Node is deleting or marked for deletion
            not node n2: Node isn't initialized
            not claim c-n1: waits for its replacement to be initialized
        "#]],
    );
    check(
        &format!("{world}\n node n2 m5.large up=5s replaces=c-n1 made-for=web"),
        expect![[r#"
            delete claim c-n1: Underutilized
            not node n1: Node is deleting or marked for deletion
            not node n2: Node is nominated for a pending pod
        "#]],
    );
}

#[test]
fn a_command_whose_replacement_is_lost_is_rolled_back() {
    let world = "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large disrupted why=Underutilized replaced-by=c-n2
         pod web 1500m 1Gi on=n1";
    check(
        world,
        expect![[r#"
        claim c-n1: not replaced any more
        claim c-n1: no longer DisruptionReason
        node n1: no taint karpenter.sh/disrupted
        not node n1: Node is deleting or marked for deletion
    "#]],
    );
    check(
        &format!("{world}\n node n2 m5.large going replaces=c-n1"),
        expect![[r#"
        claim c-n1: not replaced any more
        claim c-n1: no longer DisruptionReason
        node n1: no taint karpenter.sh/disrupted
        not node n1: Node is deleting or marked for deletion
        not node n2: Node is deleting or marked for deletion
    "#]],
    );
}

#[test]
fn what_a_crash_left_behind_is_cleaned_up() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large disrupted
         pod a 1500m 1Gi on=n1
         node n2 m5.large why=Empty
         pod b 1500m 1Gi on=n2
         node n3 m5.large disrupted going why=Empty",
        expect![[r#"
            remember the sweep: 0 candidates
            node n1: no taint karpenter.sh/disrupted
            claim c-n2: no longer DisruptionReason
            not node n1: Node is deleting or marked for deletion
            not node n2: no allowed disruptions for disruption reason Underutilized in NodePool default (budget: 1)
            not node n3: Node is deleting or marked for deletion
        "#]],
    );
}

#[test]
fn nothing_is_done_where_nothing_changes() {
    let mut world = snapshot(
        "scope everything
         pool default after=30s
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         pod a 1500m 1Gi on=n1
         pod b 1500m 1Gi on=n2
         same n1 1h
         same n2 1h",
    );
    for _ in 0..2 {
        let plan = disrupt(&world, now());
        for action in &plan.actions {
            let Action::Cluster(ClusterAction::Remember(change)) = action else {
                panic!("{action}");
            };
            world.cluster.memory.apply(change);
        }
    }
    assert_eq!(disrupt(&world, now()).actions, []);
    assert!(world.cluster.memory.consolidated.is_some());
}

//! Limits of pools, the ceiling of the deployment, and who goes first when they bind.

use crate::fixture::check_provision as check;
use expect_test::expect;

#[test]
fn a_limit_is_used_to_the_last_by_smaller_types() {
    check(
        "pool default limit:cpu=14
         type m5.large 2 8Gi od=96
         type m5.xlarge 4 16Gi od=190
         type m5.2xlarge 8 32Gi od=370
         pod web 1 2Gi x20",
        expect![[r#"
            launch default-g426hgsh: m5.2xlarge on-demand in a at $0.3700/h, or 1 others
            launch default-wzvxj7x8: m5.xlarge on-demand in a at $0.1900/h, or 1 others
            launch default-stw7fcxk: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-g426hgsh: default/web-1 default/web-10 default/web-11 default/web-12 default/web-13 default/web-14 default/web-15 default/web-16
            claim default-stw7fcxk: default/web-20 default/web-3
            claim default-wzvxj7x8: default/web-17 default/web-18 default/web-19 default/web-2
            not pod default/web-4: would fit m5.large, but NodePool default is limited to 14 cpu and has 14
            not pod default/web-5: would fit m5.large, but NodePool default is limited to 14 cpu and has 14
            not pod default/web-6: would fit m5.large, but NodePool default is limited to 14 cpu and has 14
            not pod default/web-7: would fit m5.large, but NodePool default is limited to 14 cpu and has 14
            not pod default/web-8: would fit m5.large, but NodePool default is limited to 14 cpu and has 14
            not pod default/web-9: would fit m5.large, but NodePool default is limited to 14 cpu and has 14
            cost $0.6560/h, at least $0.6475/h
        "#]],
    );
}

#[test]
fn what_is_there_counts_against_a_limit() {
    check(
        "pool default limit:cpu=4
         type m5.large 2 8Gi od=96
         node n1 m5.large
         claim c1 m5.large
         pod web 1 2Gi",
        expect![[r#"
            not claim c1: waits for the call that was just begun for it
            not pod default/web: would fit m5.large, but NodePool default is limited to 4 cpu and has 4
        "#]],
    );
}

#[test]
fn the_choices_of_a_limited_pool_stay_within_the_limit() {
    check(
        "pool default limit:cpu=2
         type m5.large 2 8Gi od=96
         type m5.xlarge 4 16Gi od=97
         pod web 1 2Gi",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn higher_priority_goes_first_where_a_limit_binds() {
    check(
        "pool default limit:cpu=2
         type m5.large 2 8Gi od=96
         pod big 1500m 2Gi
         pod vital 1 2Gi priority=100
         pod small 500m 2Gi x2",
        expect![[r#"
            launch default-4fjhtxtv: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-4fjhtxtv: default/small-1 default/small-2 default/vital
            not pod default/big: would fit m5.large, but NodePool default is limited to 2 cpu and has 2
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_limit_of_nodes_is_met_with_large_ones() {
    check(
        "pool default nodes=1
         type m5.large 2 8Gi od=90
         type m5.2xlarge 8 32Gi od=400
         pod web 1 2Gi x7",
        expect![[r#"
            launch default-g426hgsh: m5.2xlarge on-demand in a at $0.4000/h, or 1 others
            claim default-g426hgsh: default/web-1 default/web-2 default/web-3 default/web-4 default/web-5 default/web-6 default/web-7
            cost $0.4000/h, at least $0.4000/h
        "#]],
    );
}

#[test]
fn the_ceiling_holds_over_all_pools() {
    check(
        "ceiling 2
         pool one weight=2 nodes=1
         pool two
         type m5.large 2 8Gi od=96
         pod web 1500m 2Gi x3",
        expect![[r#"
            launch one-99xhhw99: m5.large on-demand in a at $0.0960/h, or 1 others
            launch two-46nhq9lk: m5.large on-demand in a at $0.0960/h, or 1 others
            event NodeCeilingReached on NodePool /one: the cluster is at its ceiling of 2 nodes; raise NodesMax of joiner's stack if so many nodes are wanted
            event NodeCeilingReached on NodePool /two: the cluster is at its ceiling of 2 nodes; raise NodesMax of joiner's stack if so many nodes are wanted
            claim one-99xhhw99: default/web-1
            claim two-46nhq9lk: default/web-2
            not pod default/web-3: would fit m5.large, but NodePool one is limited to 1 nodes and has 1
            not pod default/web-3: the cluster is at its ceiling of 2 nodes
            cost $0.1920/h, at least $0.1920/h
        "#]],
    );
}

#[test]
fn what_a_full_pool_cannot_take_goes_to_the_next() {
    check(
        "pool one weight=2 limit:cpu=2
         pool two
         type m5.large 2 8Gi od=96
         pod web 1500m 2Gi x2",
        expect![[r#"
            launch one-99xhhw99: m5.large on-demand in a at $0.0960/h, or 1 others
            launch two-46nhq9lk: m5.large on-demand in a at $0.0960/h, or 1 others
            claim one-99xhhw99: default/web-1
            claim two-46nhq9lk: default/web-2
            cost $0.1920/h, at least $0.1920/h
        "#]],
    );
}

#[test]
fn a_pool_whose_nodes_do_not_come_up_gets_one_at_a_time() {
    let world = "pool default
         type m5.large 2 8Gi od=96
         pod web 1 2Gi x4";
    check(
        &format!("{world}\nlaunches default failed failed failed"),
        expect![[r#"
        launch default-bmrpwzfz default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 1 others
        claim default-bmrpwzfz: default/web-3 default/web-4
        claim default-g426hgsh: default/web-1 default/web-2
        cost $0.1920/h, at least $0.1920/h
    "#]],
    );
    let failing = format!("{world}\nlaunches default failed came-up failed failed failed");
    check(
        &failing,
        expect![[r#"
        launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 1 others
        event LaunchesFail on NodePool /default: 4 of the last 5 nodes of NodePool default have not come up; one node at a time is tried until two in a row come up: see user data, image, subnets and the nodes' access to the cluster
        claim default-g426hgsh: default/web-1 default/web-2
        not pod default/web-3: 4 of the last 5 nodes of NodePool default have not come up
        not pod default/web-4: 4 of the last 5 nodes of NodePool default have not come up
        cost $0.0960/h, at least $0.0960/h
    "#]],
    );
    check(
        &format!("{failing}\nclaim c1 m5.large"),
        expect![[r#"
        event LaunchesFail on NodePool /default: 4 of the last 5 nodes of NodePool default have not come up; one node at a time is tried until two in a row come up: see user data, image, subnets and the nodes' access to the cluster
        not claim c1: waits for the call that was just begun for it
        not pod default/web-1: 4 of the last 5 nodes of NodePool default have not come up
        not pod default/web-2: 4 of the last 5 nodes of NodePool default have not come up
        not pod default/web-3: 4 of the last 5 nodes of NodePool default have not come up
        not pod default/web-4: 4 of the last 5 nodes of NodePool default have not come up
    "#]],
    );
}

#[test]
fn pods_of_a_pool_whose_nodes_do_not_come_up_go_to_another() {
    check(
        "pool default weight=10
         pool other
         type m5.large 2 8Gi od=96
         pod web 1 2Gi x4
         launches default failed failed failed failed",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 1 others
            launch other-vgd6g4c9: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-g426hgsh: default/web-1 default/web-2
            claim other-vgd6g4c9: default/web-3 default/web-4
            cost $0.1920/h, at least $0.1920/h
        "#]],
    );
}

//! What is there or on its way is used first.

use crate::fixture::check_provision as check;
use expect_test::expect;

#[test]
fn a_pod_goes_back_to_the_claim_that_was_made_for_it() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         claim c1 m5.large age=1s made-for=web
         pod web 1 2Gi",
        expect![[r#"
            claim c1: default/web
            not claim c1: waits for the call that was just begun for it
        "#]],
    );
}

#[test]
fn a_claim_that_is_not_launched_takes_no_other_pods() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         claim c1 m5.large age=1s made-for=web
         pod other 500m 1Gi
         pod web 1 2Gi",
        expect![[r#"
            launch default-phjw8hht: m5.large on-demand in a at $0.0960/h, or 1 others
            claim c1: default/web
            claim default-phjw8hht: default/other
            not claim c1: waits for the call that was just begun for it
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_launched_claim_takes_others_too_where_its_own_leave_room() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         claim c1 m5.large launched made-for=web,gone
         pod web 1 2Gi
         pod other 1 1Gi
         pod third 500m 1Gi",
        expect![[r#"
            launch default-djtwfstv: m5.large on-demand in a at $0.0960/h, or 1 others
            claim c1: default/other default/web
            claim default-djtwfstv: default/third
            cost $0.0960/h, at least $0.0320/h
        "#]],
    );
}

#[test]
fn daemons_keep_their_room_on_a_node_that_is_coming_up() {
    check(
        "pool default
         daemon logs 500m 1Gi
         daemon metrics 500m 1Gi
         type m5.large 2 8Gi od=96
         node n1 m5.large up=10s coming-up not-ready
         pod logs-n1 500m 1Gi on=n1 of-daemon:logs
         pod web 1 1Gi
         pod other 500m 1Gi",
        expect![[r#"
            launch default-phjw8hht: m5.large on-demand in a at $0.0960/h, or 1 others
            claim c-n1: default/web
            claim default-phjw8hht: default/other
            cost $0.0960/h, at least $0.0480/h
        "#]],
    );
}

#[test]
fn a_node_that_does_not_register_takes_no_more_pods_and_at_last_none() {
    let world = |since: &str| {
        format!(
            "pool default
             type m5.large 4 8Gi od=96
             claim c1 m5.large age={since} launched made-for=web
             pod web 1 1Gi
             pod late 1 1Gi"
        )
    };
    check(
        &world("89s"),
        expect![[r#"
        claim c1: default/late default/web
    "#]],
    );
    check(
        &world("90s"),
        expect![[r#"
        launch default-g7thv97s: m5.large on-demand in a at $0.0960/h, or 1 others
        claim c1: default/web
        claim default-g7thv97s: default/late
        cost $0.0960/h, at least $0.0960/h
    "#]],
    );
    check(
        &world("5m"),
        expect![[r#"
        launch default-g7thv97s: m5.large on-demand in a at $0.0960/h, or 1 others
        claim default-g7thv97s: default/late default/web
        cost $0.0960/h, at least $0.0960/h
    "#]],
    );
}

#[test]
fn a_node_that_has_just_come_up_is_filled_before_a_new_one_is_launched() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large up=10s
         pod old 1 1Gi on=n1
         pod web 1 1Gi x2",
        expect![[r#"
            launch default-5bjfq67p: m5.large on-demand in a at $0.0960/h, or 1 others
            node n1: default/web-1
            claim default-5bjfq67p: default/web-2
            cost $0.0960/h, at least $0.0480/h
        "#]],
    );
}

#[test]
fn of_a_node_that_has_been_up_for_a_while_the_scheduler_has_the_say() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large up=31s
         pod web 1 1Gi",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn with_a_view_of_everything_all_nodes_are_used() {
    check(
        "scope everything
         pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large unmanaged
         node n3 m5.large cordoned
         node n4 m5.large disrupted
         node n5 m5.large label:team=a taint:team=a
         pod web 2 1Gi x2
         pod ours 1 1Gi select:team=a tolerate:team",
        expect![[r#"
            node n1: default/web-1
            node n2: default/web-2
            node n5: default/ours
        "#]],
    );
}

#[test]
fn a_replacement_is_kept_for_the_pods_of_what_it_replaces() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node old m5.large replaced-by=c-new
         node new m5.large up=5s replaces=c-old made-for=moving
         pod moving 1 1Gi on=old
         pod web 1 1Gi",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn pods_of_a_node_that_is_taken_away_get_a_new_one_ahead() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large noticed
         node n2 m5.large going
         node n3 m5.large deleting
         pod a 1 1Gi on=n1
         pod b 1 1Gi on=n2
         pod c 1 1Gi on=n3
         pod logs 1 1Gi on=n3 of-daemon:logs
         pod ended 1 1Gi on=n3 done",
        expect![[r#"
            launch default-bqqhr8px: m5.large on-demand in a at $0.0960/h, or 1 others
            launch default-cbcxv586: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-bqqhr8px: default/a default/b
            claim default-cbcxv586: default/c
            cost $0.1920/h, at least $0.1440/h
        "#]],
    );
}

#[test]
fn pods_of_a_consolidated_node_have_their_places_already() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large going why=Underutilized
         pod a 1 1Gi on=n1",
        expect![[""]],
    );
}

#[test]
fn a_node_that_did_not_help_is_counted_against_the_owner() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large up=40s made-for=web
         pod web 1 1Gi owner=Job/j",
        expect![[r#"
            remember launches that did not help: 1 owners
            launch default-85jkltvb: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_node_that_helped_others_is_counted_against_nobody() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large up=40s made-for=web
         pod quicker 2 1Gi on=n1
         pod web 1 1Gi owner=Job/j",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn after_three_nodes_that_did_not_help_no_more_are_launched_for_an_hour() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         memory j count=3 age=50m
         memory k count=3 age=61m
         pod web 1 1Gi owner=Job/j
         pod api 1 1Gi owner=Job/k",
        expect![[r#"
            remember launches that did not help: 1 owners
            launch default-mpvdktg6: m5.large on-demand in a at $0.0960/h, or 1 others
            event LaunchesUnproductive on NodePool /default: 3 nodes launched for its owner did not help; see why the scheduler refuses them; it is forgotten an hour after the last launch; pods of a new owner are tried at once
            claim default-mpvdktg6: default/api
            not pod default/web: 3 nodes launched for its owner did not help; see why the scheduler refuses them
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_view_of_another_cluster_is_refused() {
    check(
        "foreign
         pool default
         type m5.large 2 8Gi od=96
         pod web 1 1Gi",
        expect![[r#"
            not cluster: nothing is taken away: this is not the cluster that joiner was deployed for
        "#]],
    );
}

#[test]
fn pods_that_the_scheduler_has_not_refused_are_left_alone() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         pod running 1 1Gi on=n1
         pod logs 1 1Gi of-daemon:logs",
        expect![[""]],
    );
}

//! Preferences: kept while there is a place, given up in Karpenter's order.

use crate::fixture::check_provision as check;
use expect_test::expect;

const WORLD: &str = "pool default
    class default zones=a,b,c
    type m5.large 2 8Gi od=96 zones=a,b,c
    type m5.2xlarge 8 32Gi od=384 zones=a,b,c
    ";

#[track_caller]
fn with_world(text: &str, expected: expect_test::Expect) {
    check(&format!("{WORLD}{text}"), expected);
}

#[test]
fn a_preferred_zone_is_used() {
    with_world(
        "pod web 500m 1Gi prefer:zone=In:b",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in b at $0.0960/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn ignored_preferences_are_not_looked_at() {
    with_world(
        "ignore-preferences
         type c5.large 2 4Gi od=20 zones=a
         pod web 500m 1Gi prefer:zone=In:b spread?=zone/1/all",
        expect![[r#"
            launch default-85jkltvb: c5.large on-demand in a at $0.0200/h, or 6 others
            claim default-85jkltvb: default/web
            cost $0.0200/h, at least $0.0200/h
        "#]],
    );
}

#[test]
fn preferred_anti_affinity_opens_a_node_for_each() {
    with_world(
        "pod web 100m 1Gi x3 label:app=web anti?=10/hostname/app=web",
        expect![[r#"
            launch default-5bjfq67p default-bmrpwzfz default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 5 others
            claim default-5bjfq67p: default/web-2
            claim default-bmrpwzfz: default/web-3
            claim default-g426hgsh: default/web-1
            cost $0.2880/h, at least $0.2880/h
        "#]],
    );
}

#[test]
fn preferred_anti_affinity_is_given_up_where_there_are_not_enough_zones() {
    with_world(
        "pod web 100m 1Gi x4 label:app=web anti?=10/zone/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 1 others
            launch default-5bjfq67p: m5.large on-demand in b at $0.0960/h, or 1 others
            launch default-bmrpwzfz: m5.large on-demand in c at $0.0960/h, or 1 others
            claim default-5bjfq67p: default/web-2
            claim default-bmrpwzfz: default/web-3
            claim default-g426hgsh: default/web-1 default/web-4
            cost $0.2880/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn preferred_affinity_to_nobody_is_given_up() {
    with_world(
        "pod web 100m 1Gi label:app=web affinity?=10/zone/app=db",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in a at $0.0960/h, or 5 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn preferred_affinity_is_kept_where_it_can_be() {
    with_world(
        "node n1 m5.large zone=b
         pod db 1900m 1Gi on=n1 label:app=db
         pod web 500m 1Gi affinity?=10/zone/app=db",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in b at $0.0960/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_spread_that_may_be_broken_is_kept_where_it_can_be() {
    with_world(
        "pod web 100m 1Gi x3 label:app=web spread?=zone/1/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 1 others
            launch default-5bjfq67p: m5.large on-demand in b at $0.0960/h, or 1 others
            launch default-bmrpwzfz: m5.large on-demand in c at $0.0960/h, or 1 others
            claim default-5bjfq67p: default/web-2
            claim default-bmrpwzfz: default/web-3
            claim default-g426hgsh: default/web-1
            cost $0.2880/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_spread_that_may_be_broken_is_given_up_for_those_who_have_no_place() {
    with_world(
        "node n1 m5.large zone=c pool=other
         pod web 100m 1Gi x4 label:app=web need:zone=In:a,c spread?=zone/1/app=web
         pod more 100m 1Gi",
        expect![[r#"
            launch default-xgwch8x9: m5.large on-demand in a at $0.0960/h, or 1 others
            launch default-bmrpwzfz: m5.large on-demand in c at $0.0960/h, or 1 others
            claim default-bmrpwzfz: default/web-3 default/web-4
            claim default-xgwch8x9: default/more default/web-1 default/web-2
            cost $0.1920/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn affinity_is_given_up_before_node_affinity() {
    with_world(
        "type c5.large 2 4Gi od=20 zones=a
         pod web 500m 1Gi label:app=web affinity?=10/zone/app=db prefer:zone=In:b",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in b at $0.0960/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_pool_with_a_soft_taint_is_used_last() {
    with_world(
        "pool soft weight=50 taint?:slow=yes
         pod web 500m 1Gi",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in a at $0.0960/h, or 5 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_pool_with_a_soft_taint_is_used_if_there_is_no_other() {
    with_world(
        "pool soft weight=50 taint?:slow=yes label:team=a
         pod web 500m 1Gi select:team=a",
        expect![[r#"
            launch soft-55ht9vbd: m5.large on-demand in a at $0.0960/h, or 5 others
            claim soft-55ht9vbd: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_soft_taint_that_is_tolerated_is_none() {
    with_world(
        "pool soft weight=50 taint?:slow=yes
         pod web 500m 1Gi tolerate:slow",
        expect![[r#"
            launch soft-55ht9vbd: m5.large on-demand in a at $0.0960/h, or 5 others
            claim soft-55ht9vbd: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

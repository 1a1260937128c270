//! Topology spread, pod affinity and anti-affinity.

use crate::fixture::check_provision as check;
use expect_test::expect;

const WORLD: &str = "pool default
    class default zones=a,b,c
    type m5.large 2 8Gi od=96 zones=a,b,c
    type m5.xlarge 4 16Gi od=192 zones=a,b,c
    type m5.2xlarge 8 32Gi od=384 zones=a,b,c
    ";

#[track_caller]
fn with_world(text: &str, expected: expect_test::Expect) {
    check(&format!("{WORLD}{text}"), expected);
}

#[test]
fn a_spread_over_zones_puts_as_many_pods_into_each() {
    with_world(
        "pod web 500m 1Gi x6 label:app=web spread=zone/1/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-bmrpwzfz: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-pfktcfth: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-bmrpwzfz: default/web-3 default/web-4
            claim default-g426hgsh: default/web-1 default/web-2
            claim default-pfktcfth: default/web-5 default/web-6
            cost $0.2880/h, at least $0.1440/h
        "#]],
    );
}

#[test]
fn a_larger_skew_is_used_where_one_zone_is_cheaper() {
    with_world(
        "type c5.large 2 4Gi od=20 zones=a
         pod web 500m 1Gi x6 label:app=web spread=zone/3/app=web",
        expect![[r#"
            launch default-g426hgsh: c5.large on-demand in a at $0.0200/h, or 3 others
            launch default-pfktcfth: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-m45vhbbs: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-g426hgsh: default/web-1 default/web-2 default/web-3 default/web-4
            claim default-m45vhbbs: default/web-6
            claim default-pfktcfth: default/web-5
            cost $0.2120/h, at least $0.0300/h
        "#]],
    );
}

#[test]
fn pods_that_run_count_for_a_spread() {
    with_world(
        "node n1 m5.large zone=a
         pod old 100m 1Gi x2 on=n1 label:app=web
         pod web 1900m 1Gi x2 label:app=web spread=zone/1/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-5bjfq67p: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-g426hgsh: default/web-1
            cost $0.1920/h, at least $0.1920/h
        "#]],
    );
}

#[test]
fn pods_that_have_ended_do_not_count_for_a_spread() {
    with_world(
        "node n1 m5.large zone=a
         pod old 100m 1Gi x2 on=n1 label:app=web done
         pod web 1900m 1Gi x3 label:app=web spread=zone/1/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-5bjfq67p: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-bmrpwzfz: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-bmrpwzfz: default/web-3
            claim default-g426hgsh: default/web-1
            cost $0.2880/h, at least $0.2880/h
        "#]],
    );
}

#[test]
fn pods_of_other_namespaces_do_not_count_for_a_spread() {
    with_world(
        "node n1 m5.large zone=a
         pod old 100m 1Gi x2 on=n1 label:app=web ns=other
         pod web 1900m 1Gi x3 label:app=web spread=zone/1/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-5bjfq67p: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-bmrpwzfz: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-bmrpwzfz: default/web-3
            claim default-g426hgsh: default/web-1
            cost $0.2880/h, at least $0.2880/h
        "#]],
    );
}

#[test]
fn a_spread_looks_only_at_zones_that_the_pod_admits() {
    with_world(
        "pod web 500m 1Gi x4 label:app=web need:zone=In:a,b spread=zone/1/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-bmrpwzfz: m5.large on-demand in b at $0.0960/h, or 2 others
            claim default-bmrpwzfz: default/web-3 default/web-4
            claim default-g426hgsh: default/web-1 default/web-2
            cost $0.1920/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_spread_that_ignores_node_affinity_counts_zones_that_the_pod_cannot_use() {
    with_world(
        "node n1 m5.large zone=c
         pod web 1500m 1Gi x4 label:app=web need:zone=In:a,b spread=zone/1/app=web/ignore-affinity",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-5bjfq67p: m5.large on-demand in b at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-g426hgsh: default/web-1
            not pod default/web-3: no node, present or new, would keep its topology spread over topology.kubernetes.io/zone (maxSkew 1) or that of others
            not pod default/web-4: no node, present or new, would keep its topology spread over topology.kubernetes.io/zone (maxSkew 1) or that of others
            cost $0.1920/h, at least $0.1920/h
        "#]],
    );
}

#[test]
fn with_fewer_zones_than_min_domains_the_least_count_is_zero() {
    with_world(
        "pod web 500m 1Gi x6 label:app=web need:zone=In:a,b spread=zone/1/app=web/min:3",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-5bjfq67p: m5.large on-demand in b at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-g426hgsh: default/web-1
            not pod default/web-3: no node, present or new, would keep its topology spread over topology.kubernetes.io/zone (maxSkew 1) or that of others
            not pod default/web-4: no node, present or new, would keep its topology spread over topology.kubernetes.io/zone (maxSkew 1) or that of others
            not pod default/web-5: no node, present or new, would keep its topology spread over topology.kubernetes.io/zone (maxSkew 1) or that of others
            not pod default/web-6: no node, present or new, would keep its topology spread over topology.kubernetes.io/zone (maxSkew 1) or that of others
            cost $0.1920/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn with_as_many_zones_as_min_domains_all_are_placed() {
    with_world(
        "pod web 500m 1Gi x6 label:app=web spread=zone/1/app=web/min:3",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-bmrpwzfz: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-pfktcfth: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-bmrpwzfz: default/web-3 default/web-4
            claim default-g426hgsh: default/web-1 default/web-2
            claim default-pfktcfth: default/web-5 default/web-6
            cost $0.2880/h, at least $0.1440/h
        "#]],
    );
}

#[test]
fn a_spread_over_nodes_limits_what_one_node_takes() {
    with_world(
        "pod web 100m 1Gi x4 label:app=web spread=hostname/2/app=web",
        expect![[r#"
            launch default-bmrpwzfz default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 8 others
            claim default-bmrpwzfz: default/web-3 default/web-4
            claim default-g426hgsh: default/web-1 default/web-2
            cost $0.1920/h, at least $0.1920/h
        "#]],
    );
}

#[test]
fn a_spread_over_capacity_types_uses_both() {
    with_world(
        "type c5.large 2 4Gi od=90 spot=30
         pod web 1500m 1Gi x4 label:app=web spread=capacity-type/1/app=web",
        expect![[r#"
            launch default-5bjfq67p default-g426hgsh: c5.large on-demand in a at $0.0900/h, or 10 others
            launch default-9k72jvx2 default-bmrpwzfz: c5.large spot in a at $0.0300/h, or 1 others
            claim default-5bjfq67p: default/web-2
            claim default-9k72jvx2: default/web-4
            claim default-bmrpwzfz: default/web-3
            claim default-g426hgsh: default/web-1
            cost $0.2400/h, at least $0.1200/h
        "#]],
    );
}

#[test]
fn spreads_over_zone_and_capacity_type_hold_together() {
    with_world(
        "type c5.large 2 4Gi od=90 spot=30
         pod web 1500m 1Gi x6 label:app=web spread=zone/1/app=web spread=capacity-type/1/app=web",
        expect![[r#"
            launch default-g426hgsh: c5.large on-demand in b at $0.0900/h, or 3 others
            launch default-5bjfq67p: m5.xlarge on-demand in c at $0.1920/h, or 1 others
            launch default-9k72jvx2 default-pfktcfth: c5.large spot in a at $0.0300/h
            launch default-m45vhbbs: c5.large spot in b at $0.0300/h
            claim default-5bjfq67p: default/web-2 default/web-3
            claim default-9k72jvx2: default/web-4
            claim default-g426hgsh: default/web-1
            claim default-m45vhbbs: default/web-6
            claim default-pfktcfth: default/web-5
            cost $0.3720/h, at least $0.1800/h
        "#]],
    );
}

#[test]
fn spreads_over_zone_and_node_hold_together() {
    with_world(
        "pod web 100m 1Gi x6 label:app=web spread=zone/1/app=web spread=hostname/1/app=web",
        expect![[r#"
            launch default-5bjfq67p default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-9k72jvx2 default-bmrpwzfz: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-m45vhbbs default-pfktcfth: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-9k72jvx2: default/web-4
            claim default-bmrpwzfz: default/web-3
            claim default-g426hgsh: default/web-1
            claim default-m45vhbbs: default/web-6
            claim default-pfktcfth: default/web-5
            cost $0.5760/h, at least $0.5760/h
        "#]],
    );
}

#[test]
fn match_label_keys_count_each_revision_by_itself() {
    with_world(
        "pod old 100m 1Gi x3 label:app=web label:rev=1 spread=hostname/1/app=web/match:rev
         pod new 100m 1Gi x3 label:app=web label:rev=2 spread=hostname/1/app=web/match:rev",
        expect![[r#"
            launch default-78gk5ddd default-cp69d9vq default-zktnjqwz: m5.large on-demand in a at $0.0960/h, or 8 others
            claim default-78gk5ddd: default/new-3 default/old-3
            claim default-cp69d9vq: default/new-2 default/old-2
            claim default-zktnjqwz: default/new-1 default/old-1
            cost $0.2880/h, at least $0.2880/h
        "#]],
    );
}

#[test]
fn nodes_whose_taints_are_not_tolerated_do_not_count_where_taints_are_honoured() {
    with_world(
        "pool tainted taint:gpu=yes
         node n1 m5.large zone=a pool=tainted taint:gpu=yes
         pod old 100m 1Gi on=n1 label:app=web tolerate:gpu
         pod web 1900m 1Gi x3 label:app=web spread=zone/1/app=web/honor-taints",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-5bjfq67p: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-bmrpwzfz: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-bmrpwzfz: default/web-3
            claim default-g426hgsh: default/web-1
            cost $0.2880/h, at least $0.2880/h
        "#]],
    );
}

#[test]
fn two_classes_share_a_spread_by_its_selector() {
    with_world(
        "pod web 500m 1Gi x2 label:app=web spread=zone/1/app=web
         pod big 1500m 1Gi label:app=web spread=zone/1/app=web",
        expect![[r#"
            launch default-lqjpcpxc: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-g426hgsh: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-5bjfq67p: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-g426hgsh: default/web-1
            claim default-lqjpcpxc: default/big
            cost $0.2880/h, at least $0.1200/h
        "#]],
    );
}

#[test]
fn a_pod_that_its_own_spread_does_not_mean_goes_where_the_skew_is_kept() {
    with_world(
        "node n1 m5.large zone=a
         pod old 100m 1Gi x2 on=n1 label:app=web
         pod other 1900m 1Gi spread=zone/1/app=web",
        expect![[r#"
            launch default-phjw8hht: m5.large on-demand in b at $0.0960/h, or 5 others
            claim default-phjw8hht: default/other
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_spread_over_a_label_of_the_pool_uses_its_values() {
    with_world(
        "pool racks need:rack=In:r1,r2 weight=10
         pod web 500m 1Gi x4 label:app=web need:rack=Exists spread=rack/1/app=web",
        expect![[r#"
            launch racks-wvqt5j8b: m5.large on-demand in a at $0.0960/h, or 8 others
            launch racks-9r447l8m: m5.large on-demand in a at $0.0960/h, or 8 others
            claim racks-9r447l8m: default/web-3 default/web-4
            claim racks-wvqt5j8b: default/web-1 default/web-2
            cost $0.1920/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn anti_affinity_over_nodes_gives_each_its_own() {
    with_world(
        "pod web 100m 1Gi x3 label:app=web anti=hostname/app=web",
        expect![[r#"
            launch default-5bjfq67p default-bmrpwzfz default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 8 others
            claim default-5bjfq67p: default/web-2
            claim default-bmrpwzfz: default/web-3
            claim default-g426hgsh: default/web-1
            cost $0.2880/h, at least $0.2880/h
        "#]],
    );
}

#[test]
fn anti_affinity_over_zones_leaves_out_those_for_whom_there_is_none() {
    with_world(
        "pod web 100m 1Gi x5 label:app=web anti=zone/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-5bjfq67p: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-bmrpwzfz: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-bmrpwzfz: default/web-3
            claim default-g426hgsh: default/web-1
            not pod default/web-4: no node, present or new, would keep its pod anti-affinity over topology.kubernetes.io/zone or that of others
            not pod default/web-5: no node, present or new, would keep its pod anti-affinity over topology.kubernetes.io/zone or that of others
            cost $0.2880/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn anti_affinity_keeps_away_from_pods_that_run() {
    with_world(
        "node n1 m5.large zone=a
         pod old 100m 1Gi on=n1 label:app=db
         pod web 100m 1Gi anti=zone/app=db",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in b at $0.0960/h, or 2 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn pods_that_run_keep_others_away_by_their_anti_affinity() {
    with_world(
        "node n1 m5.large zone=a
         pod old 100m 1Gi on=n1 label:app=db anti=zone/app=web
         pod web 100m 1Gi label:app=web",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in b at $0.0960/h, or 2 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn pods_that_wait_keep_others_off_their_node_by_their_anti_affinity() {
    with_world(
        "pod db 100m 1Gi label:app=db anti=hostname/app=web
         pod web 100m 1Gi x3 label:app=web",
        expect![[r#"
            launch default-xtlfbtx9: m5.large on-demand in a at $0.0960/h, or 8 others
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 8 others
            claim default-g426hgsh: default/web-1 default/web-2 default/web-3
            claim default-xtlfbtx9: default/db
            cost $0.1920/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn anti_affinity_without_the_label_on_the_node_is_kept() {
    with_world(
        "node n1 m5.large zone=a
         pod web 100m 1Gi label:app=web anti=rack/app=web x2",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 8 others
            claim default-g426hgsh: default/web-1 default/web-2
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn affinity_over_zones_brings_a_group_into_one_zone() {
    with_world(
        "pod web 1500m 1Gi x4 label:app=web affinity=zone/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.2xlarge on-demand in a at $0.3840/h
            claim default-g426hgsh: default/web-1 default/web-2 default/web-3 default/web-4
            cost $0.3840/h, at least $0.3840/h
        "#]],
    );
}

#[test]
fn affinity_over_nodes_brings_a_group_onto_one_node() {
    with_world(
        "pod web 500m 1Gi x5 label:app=web affinity=hostname/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.xlarge on-demand in a at $0.1920/h, or 5 others
            claim default-g426hgsh: default/web-1 default/web-2 default/web-3 default/web-4 default/web-5
            cost $0.1920/h, at least $0.1200/h
        "#]],
    );
}

#[test]
fn of_a_group_too_large_for_one_node_the_rest_is_left_out() {
    with_world(
        "pod web 1500m 1Gi x7 label:app=web affinity=hostname/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.2xlarge on-demand in a at $0.3840/h, or 2 others
            claim default-g426hgsh: default/web-1 default/web-2 default/web-3 default/web-4 default/web-5
            not pod default/web-6: no node, present or new, would keep its pod affinity over kubernetes.io/hostname or that of others
            not pod default/web-7: no node, present or new, would keep its pod affinity over kubernetes.io/hostname or that of others
            cost $0.3840/h, at least $0.3840/h
        "#]],
    );
}

#[test]
fn affinity_goes_to_the_zone_of_pods_that_run() {
    with_world(
        "node n1 m5.large zone=b
         pod db 1900m 1Gi on=n1 label:app=db
         pod web 1500m 1Gi x2 affinity=zone/app=db",
        expect![[r#"
            launch default-g426hgsh: m5.xlarge on-demand in b at $0.1920/h, or 1 others
            claim default-g426hgsh: default/web-1 default/web-2
            cost $0.1920/h, at least $0.1920/h
        "#]],
    );
}

#[test]
fn affinity_goes_onto_the_node_of_pods_that_run() {
    with_world(
        "scope everything
         node n1 m5.large zone=b
         pod db 100m 1Gi on=n1 label:app=db
         pod web 500m 1Gi x2 affinity=hostname/app=db",
        expect![[r#"
            node n1: default/web-1 default/web-2
        "#]],
    );
}

#[test]
fn affinity_to_a_pod_that_waits_too_brings_both_together() {
    with_world(
        "pod db 1500m 1Gi label:app=db
         pod web 1500m 1Gi x2 affinity=zone/app=db",
        expect![[r#"
            launch default-xtlfbtx9: m5.xlarge on-demand in a at $0.1920/h, or 1 others
            launch default-5bjfq67p: m5.large on-demand in a at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-xtlfbtx9: default/db default/web-1
            cost $0.2880/h, at least $0.2880/h
        "#]],
    );
}

#[test]
fn affinity_over_nodes_to_a_pod_that_waits_too() {
    with_world(
        "pod db 1500m 1Gi x2 label:app=db
         pod web 500m 1Gi x2 affinity=hostname/app=db",
        expect![[r#"
            launch default-dgg9mfqm: m5.xlarge on-demand in a at $0.1920/h, or 5 others
            claim default-dgg9mfqm: default/db-1 default/db-2 default/web-1 default/web-2
            cost $0.1920/h, at least $0.1920/h
        "#]],
    );
}

#[test]
fn affinity_to_nobody_has_no_place() {
    with_world(
        "pod web 500m 1Gi affinity=zone/app=db",
        expect![[r#"
            not pod default/web: no node, present or new, would keep its pod affinity over topology.kubernetes.io/zone or that of others
        "#]],
    );
}

#[test]
fn affinity_chains_follow_each_other() {
    with_world(
        "pod a 500m 1Gi label:app=a affinity=zone/app=b
         pod b 500m 1Gi label:app=b affinity=zone/app=c
         pod c 500m 1Gi label:app=c need:zone=In:c",
        expect![[r#"
            launch default-bqqhr8px: m5.large on-demand in c at $0.0960/h, or 2 others
            claim default-bqqhr8px: default/a default/b default/c
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_zone_chosen_for_a_group_is_one_where_it_can_be_launched() {
    with_world(
        "type g4.xlarge 4 16Gi gpu=1 od=500 zones=b
         pod web 500m 1Gi label:app=web affinity=zone/app=web
         pod gpu 500m 1Gi gpu=1 label:app=web affinity=zone/app=web",
        expect![[r#"
            launch default-hh9m5lxz: g4.xlarge on-demand in b at $0.5000/h
            claim default-hh9m5lxz: default/gpu default/web
            cost $0.5000/h, at least $0.5000/h
        "#]],
    );
}

#[test]
fn affinity_means_the_namespaces_that_it_lists() {
    with_world(
        "node n1 m5.large zone=b
         pod db 1900m 1Gi on=n1 label:app=db ns=other
         pod web 500m 1Gi affinity=zone/app=db/ns:other
         pod lost 500m 1Gi affinity=zone/app=db",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in b at $0.0960/h, or 2 others
            claim default-85jkltvb: default/web
            not pod default/lost: no node, present or new, would keep its pod affinity over topology.kubernetes.io/zone or that of others
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn affinity_means_the_namespaces_that_its_selector_admits() {
    with_world(
        "namespace other label:team=a
         namespace third label:team=b
         node n1 m5.large zone=b
         pod db 1900m 1Gi on=n1 label:app=db ns=other
         pod web 500m 1Gi affinity=zone/app=db/ns-label:team=a
         pod lost 500m 1Gi affinity=zone/app=db/ns-label:team=b
         pod every 500m 1Gi affinity=zone/app=db/every-ns",
        expect![[r#"
            launch default-c9lql64s: m5.large on-demand in b at $0.0960/h, or 2 others
            claim default-c9lql64s: default/every default/web
            not pod default/lost: no node, present or new, would keep its pod affinity over topology.kubernetes.io/zone or that of others
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn match_label_keys_of_affinity_ask_for_the_same_value() {
    with_world(
        "node n1 m5.large zone=a
         node n2 m5.large zone=b
         pod old1 1900m 1Gi on=n1 label:app=db label:rev=1
         pod old2 1900m 1Gi on=n2 label:app=db label:rev=2
         pod web 500m 1Gi label:rev=2 affinity=zone/app=db/match:rev",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in b at $0.0960/h, or 2 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn mismatch_label_keys_of_anti_affinity_ask_for_another_value() {
    with_world(
        "node n1 m5.large zone=a
         pod old 1900m 1Gi on=n1 label:app=db label:tenant=1
         pod same 500m 1Gi label:tenant=1 need:zone=In:a anti=zone/app=db/mismatch:tenant
         pod other 500m 1Gi label:tenant=2 need:zone=In:a anti=zone/app=db/mismatch:tenant",
        expect![[r#"
            launch default-pc46j6nr: m5.large on-demand in a at $0.0960/h, or 2 others
            claim default-pc46j6nr: default/same
            not pod default/other: no node, present or new, would keep its pod anti-affinity over topology.kubernetes.io/zone or that of others
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn pods_of_a_node_that_goes_do_not_count_where_they_leave() {
    with_world(
        "node n1 m5.large zone=a going
         pod web 1500m 1Gi x2 on=n1 label:app=web anti=zone/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            launch default-5bjfq67p: m5.large on-demand in b at $0.0960/h, or 2 others
            claim default-5bjfq67p: default/web-2
            claim default-g426hgsh: default/web-1
            cost $0.1920/h, at least $0.1920/h
        "#]],
    );
}

#[test]
fn what_is_on_its_way_counts() {
    with_world(
        "claim c1 m5.large launched made-for=web-1
         pod web 1500m 1Gi x2 label:app=web anti=hostname/app=web",
        expect![[r#"
            launch default-5bjfq67p: m5.large on-demand in a at $0.0960/h, or 8 others
            claim c1: default/web-1
            claim default-5bjfq67p: default/web-2
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn an_existing_node_takes_what_its_zone_may_still_have() {
    with_world(
        "scope everything
         node n1 m5.2xlarge zone=a
         pod web 500m 1Gi x4 label:app=web spread=zone/1/app=web",
        expect![[r#"
            launch default-bmrpwzfz: m5.large on-demand in b at $0.0960/h, or 2 others
            launch default-9k72jvx2: m5.large on-demand in c at $0.0960/h, or 2 others
            node n1: default/web-1 default/web-2
            claim default-9k72jvx2: default/web-4
            claim default-bmrpwzfz: default/web-3
            cost $0.1920/h
        "#]],
    );
}

#[test]
fn a_spread_that_ignores_node_affinity_counts_zones_that_the_pod_does_not_ask_for() {
    with_world(
        "pod web 500m 1Gi x2 need:zone=In:a label:app=web spread=zone/1/app=web/ignore-affinity",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 2 others
            claim default-g426hgsh: default/web-1
            not pod default/web-2: no node, present or new, would keep its topology spread over topology.kubernetes.io/zone (maxSkew 1) or that of others
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn pods_that_must_be_on_one_node_do_not_go_on_one_of_each_pool() {
    with_world(
        "pool second
         pod web 1500m 1Gi x12 label:app=web affinity=hostname/app=web",
        expect![[r#"
            launch default-g426hgsh: m5.2xlarge on-demand in a at $0.3840/h, or 2 others
            claim default-g426hgsh: default/web-1 default/web-10 default/web-11 default/web-12 default/web-2
            not pod default/web-3: no node, present or new, would keep its pod affinity over kubernetes.io/hostname or that of others
            not pod default/web-4: no node, present or new, would keep its pod affinity over kubernetes.io/hostname or that of others
            not pod default/web-5: no node, present or new, would keep its pod affinity over kubernetes.io/hostname or that of others
            not pod default/web-6: no node, present or new, would keep its pod affinity over kubernetes.io/hostname or that of others
            not pod default/web-7: no node, present or new, would keep its pod affinity over kubernetes.io/hostname or that of others
            not pod default/web-8: no node, present or new, would keep its pod affinity over kubernetes.io/hostname or that of others
            not pod default/web-9: no node, present or new, would keep its pod affinity over kubernetes.io/hostname or that of others
            cost $0.3840/h, at least $0.3840/h
        "#]],
    );
}

#[test]
fn pods_whose_affinities_wait_for_each_other_are_left_out() {
    with_world(
        "pod a 500m 1Gi label:app=a affinity=zone/app=b
         pod b 500m 1Gi label:app=b affinity=hostname/app=a
         pod c 500m 1Gi",
        expect![[r#"
            launch default-cbcxv586: m5.large on-demand in a at $0.0960/h, or 2 others
            claim default-cbcxv586: default/c
            not pod default/a: no node, present or new, would keep its pod affinity over topology.kubernetes.io/zone or that of others
            not pod default/b: no node, present or new, would keep its pod affinity over kubernetes.io/hostname or that of others
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn who_would_follow_a_pod_that_is_left_out_is_left_out_too() {
    with_world(
        "pod big 500m 1Gi label:app=big affinity=zone/app=none
         pod small 500m 1Gi label:app=small affinity=zone/app=big",
        expect![[r#"
            not pod default/big: no node, present or new, would keep its pod affinity over topology.kubernetes.io/zone or that of others
            not pod default/small: no node, present or new, would keep its pod affinity over topology.kubernetes.io/zone or that of others
        "#]],
    );
}

#[test]
fn with_several_terms_of_affinity_company_is_who_all_of_them_mean() {
    with_world(
        "node n1 m5.large zone=a
         node n2 m5.large zone=b
         pod web 100m 1Gi on=n1 label:app=web
         pod both 100m 1Gi on=n2 label:app=web label:tier=front
         pod new 500m 1Gi affinity=zone/app=web affinity=zone/tier=front",
        expect![[r#"
            launch default-65xkmkjl: m5.large on-demand in b at $0.0960/h, or 2 others
            claim default-65xkmkjl: default/new
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

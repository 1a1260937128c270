//! Which pool, and which instance type, waiting pods get new nodes from.

use crate::fixture::check_provision as check;
use expect_test::expect;

#[test]
fn a_pod_gets_the_cheapest_node_that_holds_it() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         type c5.large 2 4Gi od=85
         type t3.micro 2 1Gi od=10
         pod web 1 2Gi",
        expect![[r#"
            launch default-85jkltvb: c5.large on-demand in a at $0.0850/h, or 3 others
            claim default-85jkltvb: default/web
            cost $0.0850/h, at least $0.0850/h
        "#]],
    );
}

#[test]
fn many_pods_share_nodes_of_the_best_price_for_what_they_need() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         type m5.4xlarge 16 64Gi od=768
         type c5.2xlarge 8 16Gi od=340
         pod web 1 2Gi x12",
        expect![[r#"
            launch default-g426hgsh: c5.2xlarge on-demand in a at $0.3400/h, or 3 others
            launch default-cvz7njwt default-m45vhbbs: m5.large on-demand in a at $0.0960/h, or 5 others
            claim default-cvz7njwt: default/web-8 default/web-9
            claim default-g426hgsh: default/web-1 default/web-10 default/web-11 default/web-12 default/web-2 default/web-3 default/web-4 default/web-5
            claim default-m45vhbbs: default/web-6 default/web-7
            cost $0.5320/h, at least $0.5100/h
        "#]],
    );
}

#[test]
fn one_large_node_is_taken_where_several_small_ones_would_cost_more() {
    check(
        "pool default
         type s.small 2 8Gi od=90
         type s.large 4 16Gi od=170
         pod a 1500m 1Gi
         pod b 1500m 1Gi
         pod c 1 1Gi",
        expect![[r#"
            launch default-bqqhr8px: s.large on-demand in a at $0.1700/h, or 1 others
            claim default-bqqhr8px: default/a default/b default/c
            cost $0.1700/h, at least $0.1700/h
        "#]],
    );
}

#[test]
fn spot_goes_first_and_on_demand_stays_as_a_fall_back() {
    check(
        "pool default
         type m5.large 2 8Gi od=96 spot=35
         type m6.large 2 8Gi od=99 spot=30
         pod web 1 2Gi",
        expect![[r#"
            launch default-85jkltvb: m6.large spot in a at $0.0300/h, or 7 others
            claim default-85jkltvb: default/web
            cost $0.0300/h, at least $0.0300/h
        "#]],
    );
}

#[test]
fn spot_dearer_than_on_demand_is_left_out() {
    check(
        "pool default
         type m5.large 2 8Gi od=96 spot=120
         pod web 1 2Gi",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn an_offering_lately_refused_is_not_tried_again() {
    check(
        "pool default
         type m5.large 2 8Gi spot=35
         type m6.large 2 8Gi spot=40
         refused m5.large a spot
         refused m5.large b spot
         pod web 1 2Gi",
        expect![[r#"
            launch default-85jkltvb: m6.large spot in a at $0.0400/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0400/h, at least $0.0400/h
        "#]],
    );
}

#[test]
fn a_pod_for_which_nothing_is_left_says_so() {
    check(
        "pool default
         type m5.large 2 8Gi spot=35
         refused m5.large a spot
         refused m5.large b spot
         pod web 1 2Gi",
        expect![[r#"
            not pod default/web: 1 instance types of NodePool default would do, but none has capacity in an admitted zone and capacity type
        "#]],
    );
}

#[test]
fn nothing_is_launched_in_a_zone_without_a_subnet() {
    check(
        "class default zones=b
         pool default
         type m5.large 2 8Gi od=96
         pod web 1 2Gi
         pod pinned 1 2Gi select:zone=a",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in b at $0.0960/h
            claim default-85jkltvb: default/web
            not pod default/pinned: 1 instance types of NodePool default would do, but none has capacity in an admitted zone and capacity type
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_pod_too_large_for_all_types_says_how_large_the_largest_is() {
    check(
        "pool default
         daemon logs 100m 128Mi
         type m5.large 2 8Gi od=96
         pod web 2 2Gi",
        expect![[r#"
            not pod default/web: needs 2100m cpu, 2176Mi memory, 2 pods with its daemons, more than any instance type of NodePool default has (largest: 2 cpu, 8Gi memory, 110 pods)
        "#]],
    );
}

#[test]
fn daemons_take_their_part_of_each_new_node_that_admits_them() {
    check(
        "pool default
         daemon logs 500m 1Gi
         daemon gpu-only 1500m 1Gi select:arch=arm64
         daemon elsewhere 1500m 1Gi select:team=b
         daemon untolerant 1500m 1Gi select:nodepool=other
         type m5.large 2 8Gi od=96
         pod web 500m 1Gi x4",
        expect![[r#"
            launch default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 1 others
            launch default-9k72jvx2: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-9k72jvx2: default/web-4
            claim default-g426hgsh: default/web-1 default/web-2 default/web-3
            cost $0.1920/h, at least $0.1280/h
        "#]],
    );
}

#[test]
fn a_heavier_pool_goes_first_whatever_its_price() {
    check(
        "pool cheap need:type=In:c5.large
         pool heavy weight=10 need:type=In:m5.large
         type m5.large 2 8Gi od=96
         type c5.large 2 4Gi od=85
         pod web 1 2Gi",
        expect![[r#"
            launch heavy-q9llm57q: m5.large on-demand in a at $0.0960/h, or 1 others
            claim heavy-q9llm57q: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_pool_says_why_it_is_closed() {
    check(
        "class default
         class broken not-ready
         pool going deleting
         pool kept replicas=0
         pool broken class=broken
         pool lost class=nowhere
         type m5.large 2 8Gi od=96
         pod web 1 2Gi",
        expect![[r#"
            not pod default/web: NodePool broken takes no new nodes: its EC2NodeClass broken is not ready
            not pod default/web: NodePool going takes no new nodes: it is being deleted
            not pod default/web: NodePool kept takes no new nodes: it is static
            not pod default/web: NodePool lost takes no new nodes: its EC2NodeClass nowhere does not exist
        "#]],
    );
}

#[test]
fn without_a_pool_a_pod_waits() {
    check(
        "type m5.large 2 8Gi od=96\n pod web 1 2Gi",
        expect![[r#"
        not pod default/web: there is no NodePool
    "#]],
    );
}

#[test]
fn a_taint_keeps_pods_away_that_do_not_tolerate_it() {
    check(
        "pool default taint:gpu=yes
         type m5.large 2 8Gi od=96
         pod web 1 2Gi
         pod model 1 2Gi tolerate:gpu",
        expect![[r#"
            launch default-qtfz47r7: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-qtfz47r7: default/model
            not pod default/web: does not tolerate taint gpu=yes:NoSchedule of NodePool default
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn startup_taints_keep_nobody_away() {
    check(
        "pool default startup:cni=wait
         type m5.large 2 8Gi od=96
         pod web 1 2Gi",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_label_must_be_defined_by_the_pool_or_well_known() {
    check(
        "pool default label:team=a
         type m5.large 2 8Gi od=96
         pod ours 1 2Gi select:team=a
         pod theirs 1 2Gi select:team=b
         pod unknown 1 2Gi select:disk=fast
         pod arm 1 2Gi select:arch=arm64
         pod without 1 2Gi need:disk=DoesNotExist",
        expect![[r#"
            launch default-fxzd2nf8: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-fxzd2nf8: default/ours default/without
            not pod default/arm: asks for kubernetes.io/arch In [arm64], NodePool default offers In [amd64]
            not pod default/theirs: asks for team In [b], NodePool default offers In [a]
            not pod default/unknown: asks for disk In [fast], which NodePool default does not define
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn what_a_pod_pins_of_a_label_goes_onto_the_node() {
    check(
        "pool default need:team=Exists
         type m5.large 2 8Gi od=96
         pod a 500m 1Gi select:team=a
         pod b 500m 1Gi select:team=b
         pod c 500m 1Gi",
        expect![[r#"
            launch default-bqqhr8px: m5.large on-demand in a at $0.0960/h, or 1 others
            launch default-l2zkw6sc: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-bqqhr8px: default/a default/c
            claim default-l2zkw6sc: default/b
            cost $0.1920/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn alternatives_of_node_affinity_are_tried_each() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         pod web 1 2Gi need:zone=In:nowhere or:zone=In:b",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in b at $0.0960/h
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn preferences_that_nothing_meets_are_given_up() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         pod web 1 2Gi prefer:zone=In:nowhere spread?=zone/1/all",
        expect![[r#"
            launch default-85jkltvb: m5.large on-demand in a at $0.0960/h
            claim default-85jkltvb: default/web
            cost $0.0960/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn what_is_not_supported_gets_a_reason_and_no_place() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         pod disk 1 2Gi volume
         pod elsewhere 1 2Gi opted-out",
        expect![[r#"
            not pod default/disk: PersistentVolumeClaim data does not exist
            not pod default/elsewhere: is configured not to run on nodes of any NodePool
        "#]],
    );
}

#[test]
fn types_with_accelerators_are_for_pods_that_need_them() {
    check(
        "pool default
         type g4.xlarge 4 16Gi gpu=1 od=50
         type m5.large 2 8Gi od=96
         pod web 1 2Gi
         pod model 1 2Gi gpu=1",
        expect![[r#"
            launch default-qtfz47r7: g4.xlarge on-demand in a at $0.0500/h, or 1 others
            claim default-qtfz47r7: default/model default/web
            cost $0.0500/h, at least $0.0500/h
        "#]],
    );
}

#[test]
fn pods_with_the_same_host_port_are_kept_apart() {
    check(
        "pool default
         daemon metrics 100m 100Mi port=9100
         type m5.large 2 8Gi od=96
         pod web 100m 1Gi port=80 x2
         pod other 100m 1Gi port=9100",
        expect![[r#"
            launch default-5bjfq67p default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 1 others
            claim default-5bjfq67p: default/web-2
            claim default-g426hgsh: default/web-1
            not pod default/other: a daemon on every node of NodePool default takes its host port
            cost $0.1920/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn pods_pinned_to_zones_are_not_mixed() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         type m5.xlarge 4 16Gi od=192
         pod a 1 2Gi x2 select:zone=a
         pod b 1 2Gi x2 select:zone=b",
        expect![[r#"
            launch default-tx8lf7bd: m5.large on-demand in a at $0.0960/h, or 1 others
            launch default-5km2vt9r: m5.large on-demand in b at $0.0960/h, or 1 others
            claim default-5km2vt9r: default/b-1 default/b-2
            claim default-tx8lf7bd: default/a-1 default/a-2
            cost $0.1920/h, at least $0.1920/h
        "#]],
    );
}

#[test]
fn the_pools_min_values_hold_for_each_claim() {
    check(
        "pool default min:instance-family=2
         type m5.large 2 8Gi od=96
         type m5.xlarge 4 16Gi od=192
         type c5.large 2 4Gi od=100
         pod web 500m 3Gi x2",
        expect![[r#"
            launch default-5bjfq67p default-g426hgsh: m5.large on-demand in a at $0.0960/h, or 5 others
            claim default-5bjfq67p: default/web-2
            claim default-g426hgsh: default/web-1
            cost $0.1920/h, at least $0.0960/h
        "#]],
    );
}

#[test]
fn a_pod_that_too_few_families_can_hold_says_so() {
    check(
        "pool default min:instance-family=2
         type m5.large 2 8Gi od=96
         type c5.large 2 4Gi od=100
         pod web 500m 6Gi",
        expect![[r#"
            not pod default/web: NodePool default demands 2 values of karpenter.k8s.aws/instance-family, its instance types have 1
        "#]],
    );
}

//! Static pools: how many nodes they have.

use crate::fixture::{check_disrupt, check_provision};
use expect_test::expect;

#[test]
fn a_static_pool_gets_the_nodes_that_it_lacks() {
    check_provision(
        "pool default replicas=3
         type m5.large 2 8Gi od=96
         type m5.xlarge 4 16Gi od=192
         node n1 m5.large",
        expect![[r#"
            launch default-l5sqwgpx default-8fd9g67n: m5.large on-demand in a at $0.0960/h, or 3 others
            cost $0.1920/h
        "#]],
    );
}

#[test]
fn a_static_pool_has_no_more_nodes_than_its_limit() {
    check_provision(
        "pool default replicas=3 nodes=2
         type m5.large 2 8Gi od=96
         node n1 m5.large",
        expect![[r#"
            launch default-l5sqwgpx: m5.large on-demand in a at $0.0960/h, or 1 others
            not pool default: would fit m5.large, but NodePool default is limited to 2 nodes and has 2
            cost $0.0960/h
        "#]],
    );
}

#[test]
fn a_node_that_goes_is_no_replica_and_one_that_is_to_take_its_place_is_not_yet() {
    check_provision(
        "pool default replicas=2
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large going",
        expect![[r#"
            launch default-l5sqwgpx: m5.large on-demand in a at $0.0960/h, or 1 others
            cost $0.0960/h
        "#]],
    );
    check_provision(
        "pool default replicas=1
         type m5.large 2 8Gi od=96
         node n1 m5.large replaced-by=c-n2
         node n2 m5.large replaces=c-n1",
        expect![[""]],
    );
    check_provision(
        "pool default replicas=1
         type m5.large 2 8Gi od=96
         node n1 m5.large replaced-by=c-n2 going
         node n2 m5.large replaces=c-n1",
        expect![[""]],
    );
}

#[test]
fn a_static_pool_of_which_nothing_can_be_had_says_so() {
    check_provision(
        "class default not-ready
         pool default replicas=1
         type m5.large 2 8Gi od=96",
        expect![[r#"
            not pool default: NodePool default takes no new nodes: its EC2NodeClass default is not ready
        "#]],
    );
    check_provision(
        "pool default replicas=1
         type m5.large 2 8Gi od=96
         refused m5.large a on-demand
         refused m5.large b on-demand",
        expect![[r#"
            not pool default: 1 instance types of NodePool default would do, but none has capacity in an admitted zone and capacity type
        "#]],
    );
}

#[test]
fn pods_get_no_new_nodes_of_a_static_pool() {
    check_provision(
        "pool default replicas=0
         type m5.large 2 8Gi od=96
         pod web 1 1Gi",
        expect![[r#"
            not pod default/web: NodePool default takes no new nodes: it is static
        "#]],
    );
}

#[test]
fn a_static_pool_is_scaled_down_by_what_costs_least() {
    check_disrupt(
        "pool default replicas=1 budget:0
         type m5.large 2 8Gi od=96
         node n1 m5.large
         pod web 100m 1Gi on=n1
         node n2 m5.large
         node n3 m5.large no-disrupt",
        expect![[r#"
            delete claim c-n2: ScaledDown
            delete claim c-n1: ScaledDown
            not node n1: NodePool "default" is static
            not node n2: NodePool "default" is static
            not node n3: Disruption is blocked through the "karpenter.sh/do-not-disrupt" annotation
        "#]],
    );
    check_disrupt(
        "pool default replicas=2
         type m5.large 2 8Gi od=96
         claim c0 m5.large age=10s
         node n1 m5.large
         node n2 m5.large",
        expect![[r#"
            delete claim c0: ScaledDown
            not node n1: NodePool "default" is static
            not node n2: NodePool "default" is static
        "#]],
    );
}

#[test]
fn a_static_pool_is_scaled_down_by_three_nodes_or_a_twentieth_in_a_pass() {
    check_disrupt(
        "pool default replicas=0
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         node n3 m5.large
         node n4 m5.large",
        expect![[r#"
            delete claim c-n1: ScaledDown
            delete claim c-n2: ScaledDown
            delete claim c-n3: ScaledDown
            event DeletionRateReached on NodePool /default: 4 nodes would go in one pass, 3 may; the next pass goes on; who wants less to go at once sets budgets or changes fewer nodes
            not node n1: NodePool "default" is static
            not node n2: NodePool "default" is static
            not node n3: NodePool "default" is static
            not node n4: NodePool "default" is static
            not claim c-n4: 4 nodes would go in one pass, 3 may
        "#]],
    );
}

#[test]
fn nodes_of_a_static_pool_are_not_consolidated() {
    check_disrupt(
        "pool default replicas=2
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         pod web 100m 1Gi on=n2
         seen n1 16s
         seen n2 16s",
        expect![[r#"
            remember the sweep: 0 candidates
            not node n1: NodePool "default" is static
            not node n2: NodePool "default" is static
        "#]],
    );
}

#[test]
fn nodes_of_a_static_pool_that_have_drifted_are_replaced_one_by_one() {
    check_disrupt(
        "pool default replicas=2
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0
         node n2 m5.large drifted=AMIDrift/2m image=ami-0
         pod web 100m 1Gi on=n2",
        expect![[r#"
            node n2: taint karpenter.sh/disrupted:NoSchedule
            claim c-n2: to be replaced by default-d6fw2qxc
            claim c-n2: DisruptionReason=True (Drifted)
            create claim default-d6fw2qxc
            not node n1: no allowed disruptions for disruption reason Drifted in NodePool default (budget: 1)
            not node n1: NodePool "default" is static
            not node n2: NodePool "default" is static
        "#]],
    );
    check_disrupt(
        "pool default replicas=1 nodes=1
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0",
        expect![[r#"
            not node n1: would fit m5.large, but NodePool default is limited to 1 nodes and has 1
            not node n1: NodePool "default" is static
        "#]],
    );
}

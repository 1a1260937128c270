//! Sentences about what nobody claims.

use crate::check_advance;
use expect_test::expect;

#[test]
fn an_instance_without_a_claim_is_ended_after_two_minutes() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized
        node n instance=i-1
        instance i-1
        instance i-2 launched=2m
        instance i-3 launched=1m
        instance i-4 launched=9m terminated
        ",
        expect![[r#"
            terminate i-2
            not instance i-3: waits for its claim to show, as it is young
        "#]],
    );
}

#[test]
fn an_instance_that_a_claim_may_still_take_is_no_orphan() {
    check_advance(
        "
        claim a created=3m token=t count=2
        instance i-1 token=t launched=3m
        ",
        expect![[r#"
            not claim a: waits for its launch
        "#]],
    );
}

#[test]
fn a_second_instance_of_a_claim_is_an_orphan() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized token=t
        node n instance=i-1
        instance i-1 token=t
        instance i-2 token=old
        ",
        expect![[r#"
            terminate i-2
        "#]],
    );
}

#[test]
fn an_instance_of_another_cluster_is_not_touched() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized
        node n instance=i-1
        instance i-1
        instance i-2 cluster=theirs
        ",
        expect![[r#"
            not instance i-2: nothing is taken away: it belongs to another cluster
        "#]],
    );
}

#[test]
fn no_claims_at_all_beside_nodes_is_no_evidence() {
    check_advance(
        "
        node n instance=i-1 pooled
        instance i-1
        ",
        expect![[r#"
            not instance i-1: nothing is taken away: there is no NodeClaim at all, but there are nodes
        "#]],
    );
}

#[test]
fn no_claims_and_no_nodes_leave_only_orphans() {
    check_advance(
        "
        instance i-1
        ",
        expect![[r#"
            terminate i-1
        "#]],
    );
}

#[test]
fn a_partial_view_makes_no_orphans() {
    check_advance(
        "
        unreadable claim/x
        claim a instance=i-1 node=n initialized
        node n instance=i-1
        instance i-1
        instance i-2
        ",
        expect![[r#"
            not instance i-2: nothing is taken away: some objects could not be read
        "#]],
    );
}

#[test]
fn only_a_few_orphans_go_in_one_pass() {
    check_advance(
        "
        instance i-1
        instance i-2
        instance i-3
        instance i-4
        ",
        expect![[r#"
            terminate i-1 i-2 i-3
            event DeletionRateReached on NodePool /default: 4 nodes would go in one pass, 3 may; the next pass goes on; who wants less to go at once sets budgets or changes fewer nodes
            not cluster: 4 nodes would go in one pass, 3 may
        "#]],
    );
}

#[test]
fn a_node_whose_claim_is_gone_follows_its_instance() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized
        node n instance=i-1
        node m instance=i-2 not-ready
        instance i-1
        instance i-2 terminated
        ",
        expect![[r#"
            delete node m
        "#]],
    );
}

#[test]
fn a_node_without_a_claim_that_is_deleted_is_drained_and_let_go() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized
        node n instance=i-1
        node m instance=i-2 deleting=10s
        node o instance=i-3 deleting=10s closed
        pod web on=m
        instance i-1
        instance i-2 launched=1m
        instance i-3 launched=1m
        ",
        expect![[r#"
            node m: label node.kubernetes.io/exclude-from-external-load-balancers=karpenter, taint karpenter.sh/disrupted:NoSchedule
            evict ns/web: Forceful Termination
            release node o
            not instance i-2: waits for its claim to show, as it is young
            not instance i-3: waits for its claim to show, as it is young
        "#]],
    );
}

//! Sentences about why a claim goes.

use crate::check_advance;
use expect_test::expect;

#[test]
fn a_view_of_another_cluster_is_refused() {
    check_advance(
        "
        cluster theirs
        claim a created=9m
        ",
        expect![[r#"
            not cluster: nothing is taken away: this is not the cluster that it was deployed for
        "#]],
    );
}

#[test]
fn without_the_list_of_instances_nothing_is_done() {
    check_advance(
        "
        instances unread
        claim a created=9m
        ",
        expect![[r#"
            event ViewRefused on NodePool /default: nothing is taken away: the instances were not read; it ends with the first whole view: the log names what could not be read; check that this is the right cluster, account and region
            not cluster: nothing is taken away: the instances were not read
        "#]],
    );
}

#[test]
fn a_terminated_instance_whose_node_is_not_ready_is_garbage() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized
        instance i-1 terminated
        node n instance=i-1 not-ready
        ",
        expect![[r#"
            delete claim a: GarbageCollected
        "#]],
    );
}

#[test]
fn a_shutting_down_instance_is_believed_before_its_node_notices() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized
        instance i-1 shutting-down
        node n instance=i-1
        ",
        expect![[r#"
            delete claim a: InstanceTerminated
        "#]],
    );
}

#[test]
fn an_instance_that_ended_before_its_node_registered_is_garbage_at_once() {
    check_advance(
        "
        claim a created=1m instance=i-1
        instance i-1 terminated
        ",
        expect![[r#"
            delete claim a: GarbageCollected
        "#]],
    );
}

#[test]
fn an_instance_that_the_list_does_not_show_is_garbage_after_two_minutes() {
    check_advance(
        "
        claim a created=2m instance=i-1
        claim b created=3m instance=i-2
        instance i-3 terminated
        ",
        expect![[r#"
            delete claim b: GarbageCollected
            not claim a: waits for its node to register
        "#]],
    );
}

#[test]
fn an_empty_list_of_instances_is_no_evidence_against_ready_nodes() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized
        claim b instance=i-2 node=m initialized
        node n instance=i-1
        node m instance=i-2 not-ready
        ",
        expect![[r#"
            event ViewRefused on NodePool /default: nothing is taken away: EC2 shows no instance at all, but nodes are ready; it ends with the first whole view: the log names what could not be read; check that this is the right cluster, account and region
            not cluster: nothing is taken away: EC2 shows no instance at all, but nodes are ready
        "#]],
    );
}

#[test]
fn a_partial_view_makes_no_garbage() {
    check_advance(
        "
        unreadable node/x
        claim a instance=i-1 node=n initialized
        instance i-3 terminated
        node m
        ",
        expect![[r#"
            event ViewRefused on NodePool /default: nothing is taken away: some objects could not be read; it ends with the first whole view: the log names what could not be read; check that this is the right cluster, account and region
            not cluster: nothing is taken away: some objects could not be read
        "#]],
    );
}

#[test]
fn a_claim_goes_with_its_pool() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized pool=gone
        instance i-1
        node n instance=i-1
        ",
        expect![[r#"
            delete claim a: PoolDeleted
        "#]],
    );
}

#[test]
fn no_pool_at_all_is_no_evidence() {
    check_advance(
        "
        pools none
        claim a instance=i-1 node=n initialized
        instance i-1
        node n instance=i-1
        ",
        expect![[r#"
            not claim a: nothing is taken away: there is no NodePool at all, which is no evidence
        "#]],
    );
}

#[test]
fn a_claim_expires() {
    check_advance(
        "
        claim a created=2h instance=i-1 node=n initialized expire=2h
        claim b created=1h instance=i-2 node=m initialized expire=2h
        instance i-1
        instance i-2
        node n instance=i-1
        node m instance=i-2
        ",
        expect![[r#"
            delete claim a: Expired
        "#]],
    );
}

#[test]
fn a_claim_goes_with_its_node() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized
        claim b instance=i-2 node=m initialized
        instance i-1
        instance i-2
        node n instance=i-1 deleting=5s closed
        ",
        expect![[r#"
            delete claim a: NodeDeleted
            delete claim b: NodeDeleted
        "#]],
    );
}

#[test]
fn only_a_few_claims_expire_in_one_pass() {
    check_advance(
        "
        claim a created=3h instance=i-1 node=n1 initialized expire=1h
        claim b created=3h instance=i-2 node=n2 initialized expire=1h
        claim c created=3h instance=i-3 node=n3 initialized expire=1h
        claim d created=3h instance=i-4 node=n4 initialized expire=1h
        claim e created=3h instance=i-5 node=n5 initialized expire=1h
        instance i-1
        instance i-2
        instance i-3
        instance i-4
        instance i-5
        node n1 instance=i-1
        node n2 instance=i-2
        node n3 instance=i-3
        node n4 instance=i-4
        node n5 instance=i-5
        ",
        expect![[r#"
            delete claim a: Expired
            delete claim b: Expired
            delete claim c: Expired
            event DeletionRateReached on NodePool /default: 5 nodes would go in one pass, 3 may; the next pass goes on; who wants less to go at once sets budgets or changes fewer nodes
            not cluster: 5 nodes would go in one pass, 3 may
        "#]],
    );
}

#[test]
fn a_stopped_instance_goes_although_its_notice_was_lost() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized
        instance i-1 stopped
        node n instance=i-1
        ",
        expect![[r#"
            delete claim a: InstanceStopped
        "#]],
    );
}

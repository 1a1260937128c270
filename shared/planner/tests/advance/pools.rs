//! Sentences about what is told of a NodePool, and about pools whose nodes do not come up.

use crate::{check_advance, check_told};
use expect_test::expect;

#[test]
fn a_pool_tells_how_many_nodes_it_has_and_whether_they_come_up() {
    check_told(
        "
        class class ready
        claim a instance=i-1 node=n registered memory=8
        claim b instance=i-2 memory=4
        claim c
        claim d pool=other instance=i-3
        ",
        expect![[r#"
            pool default: 12 memory, 2 nodes, NodeClassReady=True NodeClassReady, NodeRegistrationHealthy=True NodeRegistrationHealthy, ValidationSucceeded=True ValidationSucceeded
        "#]],
    );
}

#[test]
fn a_pool_is_not_ready_without_a_class_that_is() {
    check_told(
        "",
        expect![[r#"
        pool default: nothing, NodeClassReady=False NodeClassNotFound, NodeRegistrationHealthy=Unknown AwaitingReconciliation, ValidationSucceeded=True ValidationSucceeded
    "#]],
    );
    check_told(
        "class class deleting",
        expect![[r#"
        pool default: nothing, NodeClassReady=False NodeClassTerminating, NodeRegistrationHealthy=Unknown AwaitingReconciliation, ValidationSucceeded=True ValidationSucceeded
    "#]],
    );
    check_told(
        "class class open=SubnetsReady",
        expect![[r#"
        pool default: nothing, NodeClassReady=False UnhealthyDependents, NodeRegistrationHealthy=Unknown AwaitingReconciliation, ValidationSucceeded=True ValidationSucceeded
    "#]],
    );
    check_told(
        "class class",
        expect![[r#"
        pool default: nothing, NodeClassReady=False NodeClassReadinessUnknown, NodeRegistrationHealthy=Unknown AwaitingReconciliation, ValidationSucceeded=True ValidationSucceeded
    "#]],
    );
}

#[test]
fn a_pool_whose_nodes_do_not_come_up_says_so_until_two_in_a_row_do() {
    check_told(
        "class class ready\nlaunches default failed failed failed",
        expect![[r#"
        pool default: nothing, NodeClassReady=True NodeClassReady, NodeRegistrationHealthy=Unknown AwaitingReconciliation, ValidationSucceeded=True ValidationSucceeded
    "#]],
    );
    check_told(
        "class class ready\nlaunches default failed failed failed failed",
        expect![[r#"
        pool default: nothing, NodeClassReady=True NodeClassReady, NodeRegistrationHealthy=False RegistrationFailed, ValidationSucceeded=True ValidationSucceeded
    "#]],
    );
    check_told(
        "class class ready\nlaunches default failed failed failed failed came-up",
        expect![[r#"
            pool default: nothing, NodeClassReady=True NodeClassReady, NodeRegistrationHealthy=False RegistrationFailed, ValidationSucceeded=True ValidationSucceeded
        "#]],
    );
    check_told(
        "class class ready\nlaunches default failed failed failed failed came-up came-up",
        expect![[r#"
            pool default: nothing, NodeClassReady=True NodeClassReady, NodeRegistrationHealthy=Unknown AwaitingReconciliation, ValidationSucceeded=True ValidationSucceeded
        "#]],
    );
}

#[test]
fn how_a_launch_ends_is_remembered_where_one_has_failed() {
    let world = "
        claim a instance=i-1 created=16m unregistered
        instance i-1
        claim b instance=i-2 unregistered
        instance i-2
        node n instance=i-2
        ";
    check_advance(
        world,
        expect![[r#"
        delete claim a: RegistrationTimeout
        event UnregisteredTaintMissing on NodeClaim /b: Node n came up without the taint karpenter.sh/unregistered: pods may have been placed on it too early
        node n: label karpenter.k8s.aws/ec2nodeclass=class, label karpenter.sh/capacity-type=spot, label karpenter.sh/nodepool=default, label karpenter.sh/registered=true, label node.kubernetes.io/instance-type=m5.large, label topology.kubernetes.io/zone=zone-a, owned by b
        claim b: registered as n
        remember launches: 0 came up, 1 did not
    "#]],
    );
    let alone = "
        claim b instance=i-2 unregistered
        instance i-2
        node n instance=i-2
        ";
    check_advance(
        alone,
        expect![[r#"
        event UnregisteredTaintMissing on NodeClaim /b: Node n came up without the taint karpenter.sh/unregistered: pods may have been placed on it too early
        node n: label karpenter.k8s.aws/ec2nodeclass=class, label karpenter.sh/capacity-type=spot, label karpenter.sh/nodepool=default, label karpenter.sh/registered=true, label node.kubernetes.io/instance-type=m5.large, label topology.kubernetes.io/zone=zone-a, owned by b
        claim b: registered as n
    "#]],
    );
    check_advance(
        &format!("launches default failed{alone}"),
        expect![[r#"
        event UnregisteredTaintMissing on NodeClaim /b: Node n came up without the taint karpenter.sh/unregistered: pods may have been placed on it too early
        node n: label karpenter.k8s.aws/ec2nodeclass=class, label karpenter.sh/capacity-type=spot, label karpenter.sh/nodepool=default, label karpenter.sh/registered=true, label node.kubernetes.io/instance-type=m5.large, label topology.kubernetes.io/zone=zone-a, owned by b
        claim b: registered as n
        remember launches: 1 came up, 0 did not
    "#]],
    );
}

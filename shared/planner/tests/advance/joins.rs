//! Sentences about the way up.

use crate::check_advance;
use expect_test::expect;
use model::action::{Action, ClusterAction};

#[test]
fn a_healthy_world_is_left_alone() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized
        instance i-1
        node n instance=i-1
        ",
        expect![[""]],
    );
}

#[test]
fn a_claim_waits_for_its_instance_for_five_minutes() {
    check_advance(
        "
        claim early created=5m
        claim late created=6m
        ",
        expect![[r#"
            delete claim late: LaunchTimeout
            not claim early: waits for its launch
        "#]],
    );
}

#[test]
fn an_instance_that_nobody_wrote_down_is_taken_by_its_token() {
    check_advance(
        "
        types
        claim a created=1m token=t
        instance i-1 token=t launched=50s
        ",
        expect![[r#"
            claim a: launched i-1
        "#]],
    );
}

#[test]
fn without_instance_types_taking_it_is_left_to_provisioning() {
    check_advance(
        "
        claim a created=9m token=t
        instance i-1 token=t launched=50s
        ",
        expect![[r#"
            not claim a: waits for provisioning to take instance i-1 for it
        "#]],
    );
}

#[test]
fn instances_of_one_call_belong_to_its_claims_by_index() {
    check_advance(
        "
        types
        claim a created=1m token=t index=0 count=2
        claim b created=1m token=t index=1 count=2
        instance i-2 token=t launched=50s
        instance i-1 token=t launched=50s
        ",
        expect![[r#"
            claim a: launched i-1
            claim b: launched i-2
        "#]],
    );
}

#[test]
fn instances_of_one_call_are_taken_only_when_all_are_in_sight() {
    check_advance(
        "
        types
        claim a created=1m token=t index=0 count=2
        claim b created=1m token=t index=1 count=2
        instance i-2 token=t launched=50s
        ",
        expect![[r#"
            not claim a: waits for its launch
            not claim b: waits for its launch
        "#]],
    );
}

#[test]
fn a_node_with_the_instance_registers() {
    check_advance(
        "
        claim a created=1m instance=i-1 taint=dedicated startup=cilium
        instance i-1
        node n instance=i-1 bare not-ready unregistered
        ",
        expect![[r#"
            node n: label karpenter.k8s.aws/ec2nodeclass=class, label karpenter.sh/capacity-type=spot, label karpenter.sh/nodepool=default, label karpenter.sh/registered=true, label node.kubernetes.io/instance-type=m5.large, label topology.kubernetes.io/zone=zone-a, taint dedicated:NoSchedule, taint cilium:NoSchedule, no taint karpenter.sh/unregistered, owned by a
            claim a: registered as n
        "#]],
    );
}

#[test]
fn taints_stay_as_the_kubelet_set_them_where_it_is_asked_so() {
    check_advance(
        "
        claim a created=1m instance=i-1 taint=dedicated
        instance i-1
        node n instance=i-1 bare not-ready unregistered label=karpenter.sh/do-not-sync-taints:true
        ",
        expect![[r#"
            node n: label karpenter.k8s.aws/ec2nodeclass=class, label karpenter.sh/capacity-type=spot, label karpenter.sh/nodepool=default, label karpenter.sh/registered=true, label node.kubernetes.io/instance-type=m5.large, label topology.kubernetes.io/zone=zone-a, no taint karpenter.sh/unregistered, owned by a
            claim a: registered as n
        "#]],
    );
}

#[test]
fn a_node_that_came_up_without_the_taint_is_said_to() {
    check_advance(
        "
        claim a created=1m instance=i-1
        instance i-1
        node n instance=i-1 bare
        ",
        expect![[r#"
            event UnregisteredTaintMissing on NodeClaim /a: Node n came up without the taint karpenter.sh/unregistered: pods may have been placed on it too early
            node n: label karpenter.k8s.aws/ec2nodeclass=class, label karpenter.sh/capacity-type=spot, label karpenter.sh/nodepool=default, label karpenter.sh/registered=true, label node.kubernetes.io/instance-type=m5.large, label topology.kubernetes.io/zone=zone-a, owned by a
            claim a: registered as n
        "#]],
    );
}

#[test]
fn a_second_try_to_register_brings_no_startup_taint_back() {
    check_advance(
        "
        claim a created=1m instance=i-1 startup=cilium
        instance i-1
        node n instance=i-1 label=karpenter.sh/registered:true
        ",
        expect![[r#"
            node n: label karpenter.k8s.aws/ec2nodeclass=class, label karpenter.sh/capacity-type=spot, label karpenter.sh/nodepool=default, label node.kubernetes.io/instance-type=m5.large, label topology.kubernetes.io/zone=zone-a, owned by a
            claim a: registered as n
        "#]],
    );
}

#[test]
fn two_nodes_of_one_instance_register_neither() {
    check_advance(
        "
        claim a created=1m instance=i-1
        instance i-1
        node m instance=i-1 bare
        node n instance=i-1 bare
        ",
        expect![[r#"
            claim a: Registered=False (MultipleNodesFound)
        "#]],
    );
}

#[test]
fn a_node_that_does_not_register_in_fifteen_minutes_is_given_up() {
    check_advance(
        "
        claim early created=15m instance=i-1
        claim late created=16m instance=i-2
        instance i-1
        instance i-2
        ",
        expect![[r#"
            delete claim late: RegistrationTimeout
            remember launches: 0 came up, 1 did not
            not claim early: waits for its node to register
        "#]],
    );
}

#[test]
fn a_ready_node_with_all_it_was_asked_for_is_initialized() {
    check_advance(
        "
        claim a instance=i-1 node=n registered gpu startup=cilium
        instance i-1
        node n instance=i-1 gpu
        ",
        expect![[r#"
            node n: label karpenter.sh/initialized=true
            claim a: initialized
        "#]],
    );
}

#[test]
fn what_a_node_still_lacks_is_said_on_its_claim() {
    check_advance(
        "
        claim a instance=i-1 node=a registered
        claim b instance=i-2 node=b registered startup=cilium
        claim c instance=i-3 node=c registered
        claim d instance=i-4 node=d registered gpu
        instance i-1
        instance i-2
        instance i-3
        instance i-4
        node a instance=i-1 not-ready
        node b instance=i-2 taint=cilium
        node c instance=i-3 taint=node.kubernetes.io/not-ready
        node d instance=i-4
        ",
        expect![[r#"
            claim a: Initialized=Unknown (NodeNotReady)
            claim b: Initialized=Unknown (StartupTaintsExist)
            claim c: Initialized=Unknown (KnownEphemeralTaintsExist)
            claim d: Initialized=Unknown (ResourceNotRegistered)
        "#]],
    );
}

#[test]
fn what_has_been_said_is_not_said_again() {
    check_advance(
        "
        claim a instance=i-1 node=a registered waits-for-ready
        instance i-1
        node a instance=i-1 not-ready
        ",
        expect![[""]],
    );
}

#[test]
fn a_memory_other_than_expected_is_remembered_for_the_type_and_image() {
    check_advance(
        "
        claim a instance=i-1 node=n registered token=t memory=4000000000
        instance i-1
        node n instance=i-1
        ",
        expect![[r#"
            node n: label karpenter.sh/initialized=true
            claim a: initialized
            remember the memory of m5.large
        "#]],
    );
    // As expected, or no less than what is known already.
    check_advance(
        "
        learned m5.large bytes=4000000000
        claim a instance=i-1 node=n registered token=t memory=4294967296
        claim b instance=i-2 node=m registered token=t memory=1
        instance i-1
        instance i-2
        node n instance=i-1
        node m instance=i-2
        ",
        expect![[r#"
            node n: label karpenter.sh/initialized=true
            claim a: initialized
            node m: label karpenter.sh/initialized=true
            claim b: initialized
        "#]],
    );
}

#[test]
fn of_what_was_learned_the_least_is_kept_and_images_that_nobody_runs_are_forgotten() {
    let mut world = crate::world::parse(
        "
        learned m5.large bytes=5000000000
        claim a instance=i-1 node=n registered token=t
        instance i-1
        node n instance=i-1
        ",
    );
    let plan = planner::advance::advance(&world, crate::world::now());
    let Some(Action::Cluster(ClusterAction::Remember(change))) = plan.actions.last() else {
        panic!("{plan}");
    };
    assert!(world.cluster.memory.apply(change) && !world.cluster.memory.apply(change));
    let learned = format!("{:?}", world.cluster.memory.learned);
    assert_eq!(learned, r#"{"m5.large": {"ami": 4294967296}}"#);
}

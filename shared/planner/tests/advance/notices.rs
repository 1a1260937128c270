//! Sentences about notices from EC2.

use crate::{check_advance, check_interrupt};
use expect_test::expect;

#[test]
fn a_spot_notice_closes_the_node_and_deletes_the_claim() {
    check_interrupt(
        "
        claim a instance=i-1 node=n initialized notice=spot_interrupted
        instance i-1
        node n instance=i-1
        ",
        expect![[r#"
            remember unavailable: m5.large spot in zone-a until 2026-01-01T12:03:00Z
            node n: label node.kubernetes.io/exclude-from-external-load-balancers=karpenter, taint karpenter.sh/disrupted:NoSchedule
            delete claim a: SpotInterrupted
            event SpotInterrupted on NodeClaim /a: EC2 takes the spot instance back
            event TerminatingOnInterruption on NodeClaim /a: The NodeClaim goes because of an interruption
            event SpotInterrupted on Node /n: EC2 takes the spot instance back
            event TerminatingOnInterruption on Node /n: The Node goes because of an interruption
        "#]],
    );
}

#[test]
fn a_recommendation_to_rebalance_changes_nothing() {
    check_interrupt(
        "
        claim a instance=i-1 node=n initialized notice=rebalance_recommendation
        instance i-1
        node n instance=i-1
        ",
        expect![[""]],
    );
}

#[test]
fn maintenance_does_not_speak_against_the_offering() {
    check_interrupt(
        "
        claim a instance=i-1 node=n initialized notice=scheduled_change
        instance i-1
        node n instance=i-1
        ",
        expect![[r#"
            node n: label node.kubernetes.io/exclude-from-external-load-balancers=karpenter, taint karpenter.sh/disrupted:NoSchedule
            delete claim a: ScheduledChange
            event InstanceUnhealthy on NodeClaim /a: EC2 plans maintenance
            event TerminatingOnInterruption on NodeClaim /a: The NodeClaim goes because of an interruption
            event InstanceUnhealthy on Node /n: EC2 plans maintenance
            event TerminatingOnInterruption on Node /n: The Node goes because of an interruption
        "#]],
    );
}

#[test]
fn a_stopping_instance_and_an_ending_one_go() {
    check_interrupt(
        "
        claim a instance=i-1 initialized notice=instance_stopped
        claim b instance=i-2 initialized notice=instance_terminated
        instance i-1
        instance i-2
        ",
        expect![[r#"
            delete claim a: InstanceStopped
            delete claim b: InstanceTerminated
            event InstanceStopping on NodeClaim /a: The instance is stopping
            event TerminatingOnInterruption on NodeClaim /a: The NodeClaim goes because of an interruption
            event InstanceTerminating on NodeClaim /b: The instance is terminating
            event TerminatingOnInterruption on NodeClaim /b: The NodeClaim goes because of an interruption
        "#]],
    );
}

#[test]
fn a_capacity_reservation_that_is_taken_back_is_left_alone_for_a_while() {
    check_interrupt(
        "
        claim a instance=i-1 node=n initialized notice=capacity_reservation_interrupted
        instance i-1
        node n instance=i-1
        ",
        expect![[r#"
            remember unavailable: m5.large spot in zone-a until 2026-01-01T12:03:00Z
            node n: label node.kubernetes.io/exclude-from-external-load-balancers=karpenter, taint karpenter.sh/disrupted:NoSchedule
            delete claim a: CapacityReservationInterrupted
            event CapacityReservationInstanceInterrupted on NodeClaim /a: The capacity reservation takes the instance back
            event TerminatingOnInterruption on NodeClaim /a: The NodeClaim goes because of an interruption
            event CapacityReservationInstanceInterrupted on Node /n: The capacity reservation takes the instance back
            event TerminatingOnInterruption on Node /n: The Node goes because of an interruption
        "#]],
    );
}

#[test]
fn a_notice_is_acted_on_once() {
    check_interrupt(
        "
        claim a instance=i-1 node=n deleting=1s notice=spot_interrupted
        instance i-1
        node n instance=i-1 closed
        ",
        expect![[""]],
    );
}

#[test]
fn many_notices_are_remembered_in_one_change_and_the_urgent_come_first() {
    check_interrupt(
        "
        claim a instance=i-1 notice=scheduled_change
        claim b instance=i-2 notice=spot_interrupted
        claim c instance=i-3 notice=spot_interrupted
        ",
        expect![[r#"
            remember unavailable: m5.large spot in zone-a until 2026-01-01T12:03:00Z
            delete claim b: SpotInterrupted
            delete claim c: SpotInterrupted
            delete claim a: ScheduledChange
            event SpotInterrupted on NodeClaim /b: EC2 takes the spot instance back
            event TerminatingOnInterruption on NodeClaim /b: The NodeClaim goes because of an interruption
            event SpotInterrupted on NodeClaim /c: EC2 takes the spot instance back
            event TerminatingOnInterruption on NodeClaim /c: The NodeClaim goes because of an interruption
            event InstanceUnhealthy on NodeClaim /a: EC2 plans maintenance
            event TerminatingOnInterruption on NodeClaim /a: The NodeClaim goes because of an interruption
        "#]],
    );
}

#[test]
fn a_notice_in_another_cluster_is_refused() {
    check_interrupt(
        "
        cluster theirs
        claim a instance=i-1 notice=spot_interrupted
        ",
        expect![[r#"
            not cluster: nothing is taken away: this is not the cluster that it was deployed for
        "#]],
    );
}
#[test]
fn lifecycle_acts_on_a_notice_as_well() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized notice=spot_interrupted
        instance i-1
        node n instance=i-1
        ",
        expect![[r#"
            remember unavailable: m5.large spot in zone-a until 2026-01-01T12:03:00Z
            node n: label node.kubernetes.io/exclude-from-external-load-balancers=karpenter, taint karpenter.sh/disrupted:NoSchedule
            delete claim a: SpotInterrupted
            event SpotInterrupted on NodeClaim /a: EC2 takes the spot instance back
            event TerminatingOnInterruption on NodeClaim /a: The NodeClaim goes because of an interruption
            event SpotInterrupted on Node /n: EC2 takes the spot instance back
            event TerminatingOnInterruption on Node /n: The Node goes because of an interruption
        "#]],
    );
}

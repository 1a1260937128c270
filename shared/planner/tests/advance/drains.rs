//! Sentences about the way out.

use crate::check_advance;
use expect_test::expect;

#[test]
fn a_deleted_claim_takes_its_node_along() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized deleting=1s
        instance i-1
        node n instance=i-1
        pod web on=n
        ",
        expect![[r#"
            node n: label node.kubernetes.io/exclude-from-external-load-balancers=karpenter, taint karpenter.sh/disrupted:NoSchedule
            evict ns/web: Forceful Termination
            delete node n
        "#]],
    );
}

#[test]
fn a_drained_node_loses_its_instance() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized deleting=1m
        instance i-1
        node n instance=i-1 deleting=1m closed
        ",
        expect![[r#"
            claim a: Drained=True (Drained)
            terminate i-1
            claim a: InstanceTerminating=True (InstanceTerminating)
        "#]],
    );
}

#[test]
fn an_instance_that_is_ending_is_waited_for_and_asked_for_again_in_the_end() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized deleting=1m drained terminating=10s
        claim b instance=i-2 node=m initialized deleting=1m drained terminating=30s
        instance i-1
        instance i-2
        node n instance=i-1 deleting=1m closed
        node m instance=i-2 deleting=1m closed
        ",
        expect![[r#"
            terminate i-2
            not claim a: waits for instance i-1 to end
        "#]],
    );
}

#[test]
fn when_the_instance_is_gone_node_and_claim_are_let_go() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized deleting=1m drained terminating=1m
        instance i-1 shutting-down
        node n instance=i-1 deleting=1m closed
        ",
        expect![[r#"
            release node n
            release claim a
        "#]],
    );
}

#[test]
fn a_dead_node_of_a_gone_instance_is_not_drained() {
    check_advance(
        "
        claim a instance=i-1 node=n initialized deleting=1m
        instance i-1 terminated
        node n instance=i-1 not-ready
        pod web on=n
        ",
        expect![[r#"
            delete node n
            release node n
            release claim a
        "#]],
    );
}

#[test]
fn a_claim_without_a_node_loses_its_instance_at_once() {
    check_advance(
        "
        claim a instance=i-1 deleting=1m
        instance i-1
        ",
        expect![[r#"
            terminate i-1
            claim a: InstanceTerminating=True (InstanceTerminating)
        "#]],
    );
}

#[test]
fn an_instance_that_cannot_be_seen_yet_is_waited_for() {
    check_advance(
        "
        claim a created=1m instance=i-1 deleting=10s
        instance i-2 terminated
        ",
        expect![[r#"
            not claim a: waits for EC2 to show instance i-1, or not to
        "#]],
    );
}

#[test]
fn a_claim_that_was_never_launched_is_let_go() {
    check_advance(
        "
        claim a created=1m deleting=10s
        ",
        expect![[r#"
            release claim a
        "#]],
    );
}

#[test]
fn a_claim_whose_last_call_has_no_known_end_is_held_for_a_minute() {
    check_advance(
        "
        claim a created=3m deleting=10s token=t record=60s
        claim b created=3m deleting=10s token=u record=61s
        ",
        expect![[r#"
            release claim b
            not claim a: waits for an instance that its last call may have launched
        "#]],
    );
}

#[test]
fn a_deleted_claim_takes_its_instance_first_so_that_it_can_be_ended() {
    check_advance(
        "
        claim a created=3m deleting=10s token=t record=61s
        instance i-1 token=t launched=1m
        ",
        expect![[r#"
            claim a: launched i-1
        "#]],
    );
}

#[test]
fn pods_go_group_by_group() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=1m
        instance i-1
        node n instance=i-1 deleting=1m closed
        pod web on=n
        pod log on=n DaemonSet
        pod dns on=n critical
        pod net on=n critical DaemonSet
        ",
        expect![[r#"
            evict ns/web: Forceful Termination
        "#]],
    );
}

#[test]
fn a_group_waits_for_the_one_before_it_to_end() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=1m
        instance i-1
        node n instance=i-1 deleting=1m closed
        pod web on=n deleting=-20s
        pod dns on=n critical
        ",
        expect![[r#"
            not node n: waits for pods that are ending (1)
        "#]],
    );
}

#[test]
fn nobody_waits_for_pods_that_belong_to_the_node_or_have_ended_or_hang() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=1m
        instance i-1
        node n instance=i-1 deleting=1m closed
        pod proxy on=n DaemonSet tolerates-all
        pod static on=n Node
        pod job on=n ended
        pod hung on=n deleting=61s
        ",
        expect![[r#"
            claim a: Drained=True (Drained)
            terminate i-1
            claim a: InstanceTerminating=True (InstanceTerminating)
        "#]],
    );
}

#[test]
fn budgets_of_pods_are_kept_and_said() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=1m
        instance i-1
        node n instance=i-1 deleting=1m closed
        pdb web app=web allows=1
        pdb db app=db allows=5
        pdb db-too app=db allows=5
        pod web-1 on=n app=web
        pod web-2 on=n app=web
        pod db on=n app=db
        ",
        expect![[r#"
            evict ns/web-1: Forceful Termination
            not pod ns/web-2: PodDisruptionBudget ns/web allows no eviction now
            not pod ns/db: eviction does not support multiple PodDisruptionBudgets (ns/db, ns/db-too)
        "#]],
    );
}

#[test]
fn a_budget_is_shared_by_all_nodes_of_a_pass() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=1m
        claim b instance=i-2 node=m deleting=1m
        instance i-1
        instance i-2
        node n instance=i-1 deleting=1m closed
        node m instance=i-2 deleting=1m closed
        pdb web app=web allows=1
        pod web-1 on=n app=web
        pod web-2 on=m app=web
        ",
        expect![[r#"
            evict ns/web-1: Forceful Termination
            not pod ns/web-2: PodDisruptionBudget ns/web allows no eviction now
        "#]],
    );
}

#[test]
fn a_pod_that_must_not_be_disrupted_holds_the_node() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=1m
        instance i-1
        node n instance=i-1 deleting=1m closed
        pod job on=n do-not-disrupt
        pod web on=n
        ",
        expect![[r#"
            evict ns/web: Forceful Termination
            not pod ns/job: is annotated karpenter.sh/do-not-disrupt
        "#]],
    );
}

#[test]
fn the_grace_of_a_drain_is_written_down_once() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=1m tgp=10m
        claim b instance=i-2 node=m deleting=1m tgp=10m deadline=-9m
        instance i-1
        instance i-2
        node n instance=i-1 deleting=1m closed
        node m instance=i-2 deleting=1m closed
        pod job on=n do-not-disrupt
        pod work on=m do-not-disrupt
        ",
        expect![[r#"
            claim a: drain ends by 2026-01-01T12:09:00Z
            not pod ns/job: is annotated karpenter.sh/do-not-disrupt
            not pod ns/work: is annotated karpenter.sh/do-not-disrupt
        "#]],
    );
}

#[test]
fn at_the_end_of_the_grace_pods_are_deleted_with_what_is_left() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=10m deadline=-20s
        claim b instance=i-2 node=m deleting=10m deadline=10s
        instance i-1
        instance i-2
        node n instance=i-1 deleting=10m closed
        node m instance=i-2 deleting=10m closed
        pdb web app=web allows=0
        pod web on=n app=web grace=30s
        pod quick on=n app=web grace=10s
        pod dns on=n critical grace=60s
        pod job on=m do-not-disrupt
        ",
        expect![[r#"
            delete ns/web within 20 s
            delete ns/dns within 20 s
            delete ns/job within 1 s
            not pod ns/quick: PodDisruptionBudget ns/web allows no eviction now
        "#]],
    );
}

#[test]
fn after_the_grace_nobody_waits_for_pods_that_are_ending() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=10m deadline=10s
        instance i-1
        node n instance=i-1 deleting=10m closed
        pod web on=n deleting=-5m
        ",
        expect![[r#"
            claim a: Drained=True (Drained)
            terminate i-1
            claim a: InstanceTerminating=True (InstanceTerminating)
        "#]],
    );
}

#[test]
fn a_node_whose_pods_were_not_read_is_not_called_empty() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=1m
        instance i-1
        node n instance=i-1 deleting=1m closed unread
        ",
        expect![[r#"
            not node n: waits for its pods to be read
        "#]],
    );
}

#[test]
fn a_spot_node_is_drained_first_and_even_of_what_must_not_be_disrupted() {
    check_advance(
        "
        claim a instance=i-1 node=n deleting=1m
        claim b instance=i-2 node=m deleting=1m notice=spot_interrupted
        instance i-1
        instance i-2
        node n instance=i-1 deleting=1m closed
        node m instance=i-2 deleting=1m closed
        pod web on=n
        pod job on=m do-not-disrupt
        pod db on=m priority=100
        ",
        expect![[r#"
            evict ns/db: spot_interrupted
            evict ns/job: spot_interrupted
            evict ns/web: Forceful Termination
        "#]],
    );
}

#[test]
fn even_a_spot_node_keeps_the_budgets_of_pods() {
    check_advance(
        "
        claim b instance=i-2 node=m deleting=1m notice=spot_interrupted
        instance i-2
        node m instance=i-2 deleting=1m closed
        pdb db app=db allows=0
        pod db on=m app=db
        ",
        expect![[r#"
            not pod ns/db: PodDisruptionBudget ns/db allows no eviction now
        "#]],
    );
}

#[test]
fn a_node_that_never_registered_goes_without_a_drain() {
    check_advance(
        "
        claim a created=3m instance=i-1 deleting=10s
        instance i-1
        node n instance=i-1 bare not-ready unregistered
        ",
        expect![[r#"
            delete node n
            claim a: Drained=True (Drained)
            terminate i-1
            claim a: InstanceTerminating=True (InstanceTerminating)
        "#]],
    );
}

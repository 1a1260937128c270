//! Which nodes have drifted, and how they are renewed.

use crate::fixture::{check_disrupt as check, now, snapshot};
use expect_test::{Expect, expect};
use model::action::ClaimToLaunch;
use model::stamp::Stamps;
use planner::disrupt::drift::drifted;
use planner::provision::provision;

/// What is said of one node that nothing else is to be said of.
#[track_caller]
fn check_one(text: &str, expected: Expect) {
    let world = "pool default after=never
         type m5.large 2 8Gi od=96
         pod web 500m 1Gi on=n1 keep";
    check(&format!("{world}\n{text}"), expected);
}

#[test]
fn a_new_claim_is_stamped_with_what_its_pool_and_class_are() {
    let world = snapshot(
        "class default hash=7 groups=sg-1,sg-2
         pool default label:team=a
         type m5.large 2 8Gi od=96
         pod web 500m 1Gi",
    );
    let plan = provision(&world, now());
    let claims = plan.launches().flat_map(|launch| &launch.claims);
    let annotations = claims.filter_map(|claim| match claim {
        ClaimToLaunch::New(new) => Some(&new.annotations),
        ClaimToLaunch::Existing { .. } => None,
    });
    let stamps: Vec<Stamps> = annotations.map(Stamps::read).collect();
    let class = &world.cluster.node_classes[0];
    assert_eq!(stamps, [Stamps::of(&world.cluster.pools[0], Some(class))]);
    assert_eq!(stamps[0].class.as_ref().map(|stamp| &*stamp.hash), Some("7"));
    assert_eq!(stamps[0].security_groups.len(), 2);
}

#[test]
fn a_node_that_is_as_it_should_be_has_not_drifted() {
    check_one(
        "class default hash=7 groups=sg-1\n node n1 m5.large image=ami-amd64",
        expect![[r#"
        not node n1: NodePool "default" has consolidation disabled
    "#]],
    );
}

#[test]
fn what_has_drifted_can_be_asked_for_without_a_plan() {
    let world = snapshot(
        "pool default
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large
         node n3 m5.large going
         stamp c-n1 pool=1
         stamp c-n3 pool=1",
    );
    let reasons: Vec<String> = drifted(&world, now())
        .into_iter()
        .map(|(claim, reason)| format!("{claim}: {reason}"))
        .collect();
    assert_eq!(reasons, ["c-n1: NodePoolDrifted"]);
}

#[test]
fn a_node_drifts_when_the_template_of_its_pool_changes() {
    check_one(
        "node n1 m5.large\n stamp c-n1 pool=1",
        expect![[r#"
        claim c-n1: Drifted=True (NodePoolDrifted)
        not node n1: NodePool "default" has consolidation disabled
    "#]],
    );
}

#[test]
fn a_node_drifts_when_the_settings_of_its_class_change() {
    check_one(
        "class default hash=7\n node n1 m5.large\n stamp c-n1 class=6",
        expect![[r#"
        claim c-n1: Drifted=True (NodeClassDrift)
        not node n1: NodePool "default" has consolidation disabled
    "#]],
    );
}

#[test]
fn a_node_drifts_when_its_pool_requires_other_nodes() {
    check(
        "pool default after=never need:arch=In:arm64
         type m5.large 2 8Gi od=96
         node n1 m5.large",
        expect![[r#"
            claim c-n1: Drifted=True (RequirementsDrifted)
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
    check(
        "pool default after=never need:team=In:a
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large label:team=a",
        expect![[r#"
            claim c-n1: Drifted=True (RequirementsDrifted)
            not node n1: NodePool "default" has consolidation disabled
            not node n2: NodePool "default" has consolidation disabled
        "#]],
    );
}

#[test]
fn a_node_drifts_when_its_instance_type_is_no_more_and_it_is_an_hour_old() {
    let world = "pool default after=never
         type m5.large 2 8Gi od=96
         type m6.large 2 8Gi od=99
         node n1 m5.large";
    check(
        world,
        expect![[r#"
        not node n1: NodePool "default" has consolidation disabled
    "#]],
    );
    let gone = "pool default after=never
         type m6.large 2 8Gi od=99
         type m5.large 2 8Gi od=96 gone
         node n1 m5.large
         node n2 m5.large up=10m";
    check(
        gone,
        expect![[r#"
        claim c-n1: Drifted=True (InstanceTypeNotFound)
        not node n1: NodePool "default" has consolidation disabled
        not node n2: NodePool "default" has consolidation disabled
    "#]],
    );
}

#[test]
fn a_node_drifts_when_what_it_was_launched_from_is_selected_no_more() {
    check_one(
        "node n1 m5.large image=ami-0",
        expect![[r#"
        claim c-n1: Drifted=True (AMIDrift)
        not node n1: NodePool "default" has consolidation disabled
    "#]],
    );
    check_one(
        "node n1 m5.large record=t/1h/m5.large/c/on-demand/0/1",
        expect![[r#"
        claim c-n1: Drifted=True (SubnetDrift)
        not node n1: NodePool "default" has consolidation disabled
    "#]],
    );
    check_one(
        "class default groups=sg-1,sg-2\n node n1 m5.large\n stamp c-n1 groups=sg-1",
        expect![[r#"
            claim c-n1: Drifted=True (SecurityGroupDrift)
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
    check_one(
        "node n1 m5.large label:karpenter.k8s.aws/capacity-reservation-id=cr-0",
        expect![[r#"
            claim c-n1: Drifted=True (CapacityReservationDrift)
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
}

#[test]
fn a_class_that_has_found_nothing_condemns_nobody() {
    check_one(
        "class default not-ready empty
         node n1 m5.large image=ami-0 record=t/1h/m5.large/a/on-demand/0/1
         stamp c-n1 groups=sg-1",
        expect![[r#"
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
}

#[test]
fn no_node_drifts_because_karpenter_counted_otherwise() {
    check_one(
        "class default hash=7\n node n1 m5.large\n stamp c-n1 pool=1 class=2 version=v5",
        expect![[r#"
            claim c-n1: stamped anew
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
    check_one(
        "class default hash=7 groups=sg-1\n node n1 m5.large\n stamp c-n1 missing",
        expect![[r#"
        claim c-n1: stamped anew
        not node n1: NodePool "default" has consolidation disabled
    "#]],
    );
}

#[test]
fn what_karpenter_has_marked_stays_marked() {
    check_one(
        "node n1 m5.large drifted=AMIDrift/1h\n stamp c-n1 pool=1 version=v3",
        expect![[r#"
            not node n1: Pod has "karpenter.sh/do-not-disrupt" annotation (Pod=default/web)
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
}

#[test]
fn a_node_that_has_drifted_no_more_is_told_so() {
    check_one(
        "node n1 m5.large drifted=AMIDrift/1h",
        expect![[r#"
        claim c-n1: no longer Drifted
        not node n1: NodePool "default" has consolidation disabled
    "#]],
    );
}

#[test]
fn an_empty_node_that_has_drifted_goes() {
    check(
        "pool default after=never
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: DisruptionReason=True (Drifted)
            delete claim c-n1: Drifted
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
}

#[test]
fn a_node_that_has_drifted_is_replaced_before_it_goes() {
    check(
        "pool default after=never
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0
         pod web 1500m 1Gi on=n1",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: to be replaced by default-85jkltvb
            claim c-n1: DisruptionReason=True (Drifted)
            create claim default-85jkltvb
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
    check(
        "pool default after=never
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0 disrupted why=Drifted replaced-by=default-x
         pod web 1500m 1Gi on=n1
         claim default-x m5.large launched replaces=c-n1",
        expect![[r#"
            not node n1: Node is deleting or marked for deletion
            not claim c-n1: waits for its replacement to be initialized
        "#]],
    );
    check(
        "pool default after=never
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0 disrupted why=Drifted replaced-by=c-n2
         pod web 1500m 1Gi on=n1
         node n2 m5.large replaces=c-n1",
        expect![[r#"
            delete claim c-n1: Drifted
            not node n1: Node is deleting or marked for deletion
            not node n2: Node is nominated for a pending pod
        "#]],
    );
}

#[test]
fn pods_of_a_node_that_has_drifted_use_what_is_free_first() {
    check(
        "pool default after=never
         type m5.large 2 8Gi od=96
         type m5.xlarge 4 16Gi od=192
         node n1 m5.xlarge drifted=AMIDrift/1m image=ami-0
         node n2 m5.large
         pod web 1500m 1Gi x2 on=n1
         pod api 400m 1Gi on=n2",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: to be replaced by default-5bjfq67p
            claim c-n1: DisruptionReason=True (Drifted)
            create claim default-5bjfq67p
            not node n1: NodePool "default" has consolidation disabled
            not node n2: NodePool "default" has consolidation disabled
        "#]],
    );
    check(
        "pool default after=never
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0
         node n2 m5.large
         pod web 1500m 1Gi on=n1",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: DisruptionReason=True (Drifted)
            delete claim c-n1: Drifted
            not node n1: NodePool "default" has consolidation disabled
            not node n2: NodePool "default" has consolidation disabled
        "#]],
    );
}

#[test]
fn one_node_may_be_renewed_as_several() {
    check(
        "pool default after=never need:type=In:m5.large
         type m5.large 2 8Gi od=96
         type m5.xlarge 4 16Gi od=192
         node n1 m5.xlarge drifted=RequirementsDrifted/1m
         pod web 1500m 1Gi x2 on=n1",
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: to be replaced by default-5bjfq67p default-g426hgsh
            claim c-n1: DisruptionReason=True (Drifted)
            create claim default-5bjfq67p
            create claim default-g426hgsh
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
}

#[test]
fn nodes_are_renewed_within_the_budget_longest_drifted_first() {
    check(
        "pool default after=never budget:5@Underutilized budget:1@Drifted
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0
         node n2 m5.large drifted=AMIDrift/2m image=ami-0
         pod web-1 1500m 1Gi on=n1
         pod web-2 1500m 1Gi on=n2",
        expect![[r#"
            node n2: taint karpenter.sh/disrupted:NoSchedule
            claim c-n2: to be replaced by default-5bjfq67p
            claim c-n2: DisruptionReason=True (Drifted)
            create claim default-5bjfq67p
            not node n1: no allowed disruptions for disruption reason Drifted in NodePool default (budget: 1)
            not node n1: NodePool "default" has consolidation disabled
            not node n2: NodePool "default" has consolidation disabled
        "#]],
    );
}

#[test]
fn nodes_that_will_go_are_no_place_for_pods_of_others() {
    check(
        "pool default after=never budget:100%
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0
         node n2 m5.large drifted=AMIDrift/2m image=ami-0
         node n3 m5.large
         pod web-1 900m 1Gi on=n1
         pod web-2 900m 1Gi on=n2
         pod web-3 900m 1Gi on=n3",
        expect![[r#"
            node n2: taint karpenter.sh/disrupted:NoSchedule
            claim c-n2: DisruptionReason=True (Drifted)
            delete claim c-n2: Drifted
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: to be replaced by default-g426hgsh
            claim c-n1: DisruptionReason=True (Drifted)
            create claim default-g426hgsh
            not node n1: NodePool "default" has consolidation disabled
            not node n2: NodePool "default" has consolidation disabled
            not node n3: NodePool "default" has consolidation disabled
        "#]],
    );
}

#[test]
fn pods_that_must_stay_hold_a_renewal_back_unless_their_time_is_limited() {
    let world = "pool default after=never
         type m5.large 2 8Gi od=96
         pod web 1500m 1Gi on=n1 keep";
    check(
        &format!("{world}\n node n1 m5.large drifted=AMIDrift/1m image=ami-0"),
        expect![[r#"
            not node n1: Pod has "karpenter.sh/do-not-disrupt" annotation (Pod=default/web)
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
    check(
        &format!("{world}\n node n1 m5.large drifted=AMIDrift/1m image=ami-0 tgp=1h"),
        expect![[r#"
            node n1: taint karpenter.sh/disrupted:NoSchedule
            claim c-n1: to be replaced by default-85jkltvb
            claim c-n1: DisruptionReason=True (Drifted)
            create claim default-85jkltvb
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
    check(
        &format!("{world}\n node n1 m5.large drifted=AMIDrift/1m image=ami-0 no-disrupt tgp=1h"),
        expect![[r#"
            not node n1: Disruption is blocked through the "karpenter.sh/do-not-disrupt" annotation
        "#]],
    );
}

#[test]
fn a_node_whose_pods_would_find_no_place_stays() {
    check(
        "pool default after=never
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0
         pod web 1500m 1Gi on=n1
         refused m5.large a on-demand
         refused m5.large b on-demand",
        expect![[r#"
            not node n1: Pod default/web would have no other place: 1 instance types of NodePool default would do, but none has capacity in an admitted zone and capacity type
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
    check(
        "pool default after=never nodes=1
         type m5.large 2 8Gi od=96
         node n1 m5.large drifted=AMIDrift/1m image=ami-0
         pod web 1500m 1Gi on=n1",
        expect![[r#"
            not node n1: Pod default/web would have no other place: would fit m5.large, but NodePool default is limited to 1 nodes and has 1
            not node n1: NodePool "default" has consolidation disabled
        "#]],
    );
}

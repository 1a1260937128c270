//! Why a pod gets a node of a pool or not, pod by pod.

use crate::fixture::{now, snapshot};
use expect_test::{Expect, expect};
use planner::explain::explain;
use planner::explain::standing::{BudgetNow, LimitUse, Standing, standing};
use std::fmt::Write;

/// Checks what is said of the pod of this name.
fn check(pod: &str, text: &str, expected: Expect) {
    let world = snapshot(text);
    let pod = world.cluster.pods.iter().find(|known| *known.name.name == *pod).unwrap();
    let explanation = explain(&world, pod, now());
    let mut said = String::new();
    if let Some(reason) = explanation.refused {
        writeln!(said, "{reason}").unwrap();
    }
    for pool in explanation.pools {
        match pool.types {
            Err(reason) => writeln!(said, "{} no: {reason}", pool.pool).unwrap(),
            Ok(types) => {
                let usable = types.usable.iter();
                let usable: Vec<String> = usable
                    .map(|t| {
                        format!("{} {} in {} {}", t.instance_type, t.capacity_type, t.zone, t.price)
                    })
                    .collect();
                let usable = if usable.is_empty() { "none".to_owned() } else { usable.join(", ") };
                writeln!(said, "{} yes: {usable}", pool.pool).unwrap();
                for (why, count) in types.ruled_out {
                    writeln!(said, "  {count}: {why}").unwrap();
                }
            }
        }
    }
    expected.assert_eq(&said);
}

#[test]
fn each_type_is_counted_by_the_first_thing_that_rules_it_out() {
    check(
        "web",
        "pool default need:type=NotIn:t3.large
         type t3.large 2 8Gi od=50
         type m5.large 2 8Gi od=96
         type m5.xlarge 4 16Gi od=192 spot=60
         type c5.large 2 4Gi od=85 zones=b
         type c5.xlarge 4 8Gi od=170
         type r5.xlarge 4 32Gi od=250
         type g4.xlarge 4 16Gi od=500 gpu=1
         pod web 3 2Gi need:zone=In:a need:instance-family=NotIn:r5",
        expect![[r#"
            default yes: m5.xlarge spot in a $0.0600, c5.xlarge on-demand in a $0.1700
              1: not admitted by the NodePool's requirements
              1: not what the pod asks of karpenter.k8s.aws/instance-family
              2: too little cpu
              1: bare metal or accelerators, which the pod does not need
        "#]],
    );
}

#[test]
fn pools_are_asked_in_the_order_in_which_they_are_tried() {
    check(
        "web",
        "pool light weight=1
         pool heavy weight=10 taint:team=shop
         pool full weight=5 limit:cpu=1
         type m5.large 2 8Gi od=96
         pod web 1 2Gi",
        expect![[r#"
            heavy no: does not tolerate taint team=shop:NoSchedule of NodePool heavy
            full yes: none
              1: would exceed the NodePool's limits
            light yes: m5.large on-demand in a $0.0960
        "#]],
    );
}

#[test]
fn a_pod_that_opted_out_is_not_looked_at() {
    check(
        "web",
        "pool default
         type m5.large 2 8Gi od=96
         pod web 1 2Gi need:nodepool=DoesNotExist:",
        expect![[r#"
            is configured not to run on nodes of any NodePool
        "#]],
    );
}

/// Checks how each pool is said to stand.
fn check_standing(text: &str, expected: Expect) {
    let world = snapshot(text);
    let mut said = String::new();
    for pool in &world.cluster.pools {
        let Standing { closed, limits, budgets } = standing(&world, pool, now());
        let closed = closed.map_or_else(|| "is open".to_owned(), |reason| reason.to_string());
        writeln!(said, "{}: {closed}", pool.name).unwrap();
        for LimitUse { resource, most, used } in limits {
            writeln!(said, "  {resource}: {used} of {most}").unwrap();
        }
        for BudgetNow { reason, left } in budgets {
            match left {
                Some((left, allowed)) => writeln!(said, "  {reason:?}: {left}, {allowed} at once"),
                None => writeln!(said, "  {reason:?}: all"),
            }
            .unwrap();
        }
    }
    expected.assert_eq(&said);
}

#[test]
fn a_pool_stands_as_its_limits_budgets_and_class_let_it() {
    check_standing(
        "scope everything
         pool default limit:cpu=6 budget:2 budget:0@Drifted budget:1;@daily;13h
         pool static replicas=1 budget:3
         type m5.large 2 8Gi od=96
         node n1 m5.large
         node n2 m5.large not-ready",
        expect![[r#"
            default: is open
              cpu: 4000 of 6000
              Empty: 0, 1 at once
              Underutilized: 0, 1 at once
              Drifted: 0, 0 at once
            static: is open
              Empty: 3, 3 at once
              Underutilized: 3, 3 at once
              Drifted: 3, 3 at once
        "#]],
    );
}

//! Sentences about nodes that are ill.

use crate::check_advance as check;
use expect_test::expect;

#[test]
fn a_node_whose_kubelet_has_been_away_for_half_an_hour_is_given_up() {
    for (status, age) in [("False", "30m"), ("Unknown", "31m")] {
        let world = format!(
            "claim a instance=i-1 node=n initialized
             instance i-1
             node n instance=i-1 pooled not-ready ill=Ready:{status}:{age}"
        );
        let plan = planner::advance::advance(&crate::world::parse(&world), crate::world::now());
        let text = plan.to_string();
        assert!(text.contains("delete claim a: Unhealthy"), "{text}");
    }
    check(
        "
        claim a instance=i-1 node=n initialized
        instance i-1
        node n instance=i-1 pooled not-ready ill=Ready:False:30m
        ",
        expect![[r#"
            event NodeUnhealthy on Node /n: Ready=False since 2026-01-01T11:30:00Z
            claim a: drain ends by 2026-01-01T12:00:00Z
            delete claim a: Unhealthy
        "#]],
    );
    check(
        "
        claim a instance=i-1 node=n initialized
        instance i-1
        node n instance=i-1 pooled not-ready ill=Ready:Unknown:29m
        ",
        expect![[""]],
    );
}

#[test]
fn what_the_monitoring_agent_says_counts_sooner_or_later() {
    check(
        "
        claim a instance=i-1 node=n initialized
        claim b instance=i-2 node=m initialized
        instance i-1
        instance i-2
        node n instance=i-1 pooled ill=AcceleratedHardwareReady:False:10m
        node m instance=i-2 pooled
        ",
        expect![[r#"
            event NodeUnhealthy on Node /n: AcceleratedHardwareReady=False since 2026-01-01T11:50:00Z
            claim a: drain ends by 2026-01-01T12:00:00Z
            delete claim a: Unhealthy
        "#]],
    );
    check(
        "
        claim a instance=i-1 node=n initialized
        instance i-1
        node n instance=i-1 pooled ill=NetworkingReady:False:10m ill=KernelReady:Unknown:9h
        ",
        expect![[""]],
    );
}

#[test]
fn where_more_than_a_fifth_of_a_pool_is_ill_none_of_it_is_given_up() {
    check(
        "
        claim a instance=i-1 node=n initialized
        claim b instance=i-2 node=m initialized
        instance i-1
        instance i-2
        node n instance=i-1 pooled not-ready ill=Ready:Unknown:30m
        node m instance=i-2 pooled not-ready ill=Ready:Unknown:1m
        node o pooled
        ",
        expect![[r#"
            event NodeRepairBlocked on Node /n: more then 20% nodes are unhealthy in the nodepool
            event NodeRepairBlocked on NodeClaim /a: more then 20% nodes are unhealthy in the nodepool
            not node n: more then 20% nodes are unhealthy in the nodepool (2 of 3): repair goes on when fewer are; delete the NodeClaim to repair it now
        "#]],
    );
}

#[test]
fn nothing_is_repaired_unasked_or_on_a_partial_view() {
    let world = "
        claim a instance=i-1 node=n initialized
        instance i-1
        node n instance=i-1 pooled not-ready ill=Ready:Unknown:30m
        ";
    check(&format!("no-repair\n{world}"), expect![[""]]);
    check(&format!("unreadable node/x\n{world}"), expect![[""]]);
}

#[test]
fn pods_of_a_node_that_is_given_up_have_no_time_of_their_own() {
    check(
        "
        claim a instance=i-1 node=n initialized deleting=1s deadline=1s
        instance i-1
        node n instance=i-1 pooled closed deleting=1s
        pod p on=n do-not-disrupt grace=5m
        ",
        expect![[r#"
            delete ns/p within 1 s
        "#]],
    );
}

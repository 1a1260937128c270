//! Which of several nodes a pod goes to.

use super::board::verdicts;
use expect_test::{Expect, expect};

fn check(nodes: &str, pods: &str, name: &str, wanted: &Expect) {
    wanted.assert_eq(&verdicts(nodes, pods, name));
}

#[test]
fn the_emptiest_node_is_best_and_of_equal_ones_the_first() {
    let pods = "web: {cpu: 1}";
    check("n1 zone=a: web\nn2 zone=a\nn3 zone=a", pods, "web", &expect!["of [n1 n2 n3] to n2"]);
}

#[test]
fn a_taint_that_is_a_wish_is_kept_where_there_is_another_node() {
    let pods = "web: {cpu: 1}";
    check(
        "n1 taint=soft:PreferNoSchedule\nn2 zone=a: web",
        pods,
        "web",
        &expect!["of [n1 n2] to n2"],
    );
    check("n1 taint=soft:PreferNoSchedule", pods, "web", &expect!["of [n1] to n1"]);
}

#[test]
fn preferred_node_affinity_outweighs_room() {
    let pods = "web: {cpu: 1, nodeAffinity: [{key: disk, operator: In, values: [ssd], weight: 1}]}";
    check("n1 disk=hdd\nn2 disk=ssd: web web", pods, "web", &expect!["of [n1 n2] to n2"]);
}

#[test]
fn a_spread_that_may_be_broken_draws_pods_to_the_emptiest_domain() {
    let pods = "
        big: {cpu: 2}
        web: {cpu: 100m, topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]}
    ";
    check(
        "n1 zone=a: web web\nn2 zone=b: big\nn3 zone=a",
        pods,
        "web",
        &expect!["of [n1 n2 n3] to n2"],
    );
}

#[test]
fn preferred_pod_affinity_draws_pods_together_and_apart() {
    let pods = |kind: &str| {
        format!(
            "shop: {{cpu: 1}}\nweb: {{{kind}: [{{topologyKey: hostname, with: shop, weight: 1}}]}}"
        )
    };
    check("n1 zone=a\nn2 zone=a: shop", &pods("podAffinity"), "web", &expect!["of [n1 n2] to n2"]);
    check(
        "n1 zone=a: shop\nn2 zone=a: big",
        &format!("{}\nbig: {{cpu: 2}}", pods("podAntiAffinity")),
        "web",
        &expect!["of [n1 n2] to n2"],
    );
}

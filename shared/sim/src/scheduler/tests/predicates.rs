//! Which nodes take a pod, rule by rule.

use super::board::verdicts;
use expect_test::{Expect, expect};

fn check(nodes: &str, pods: &str, name: &str, wanted: &Expect) {
    wanted.assert_eq(&verdicts(nodes, pods, name));
}

const SPREAD: &str = "web: {topologySpreadConstraints: [{topologyKey: zone}]}";

#[test]
fn room_taints_labels_ports_and_cordons_are_looked_at() {
    check(
        "
        n1 cpu=1
        n2 cordoned
        n3 taint=dedicated:NoSchedule
        n4 taint=dedicated:NoExecute
        n5 disk=hdd
        n6 disk=ssd: web
        n7 disk=ssd
        n8 disk=ssd taint=dedicated:PreferNoSchedule
        ",
        "web: {cpu: 2, hostPorts: [80], nodeSelector: {disk: ssd}}",
        "web",
        &expect![[r#"
            n1 no: too little room
            n2 no: cordoned
            n3 no: a taint
            n4 no: a taint
            n5 no: its labels
            n6 no: a host port
            of [n7 n8] to n7"#]],
    );
}

#[test]
fn a_spread_admits_domains_that_do_not_exceed_the_emptiest_by_more_than_its_skew() {
    check(
        "n1 zone=a: web web\nn2 zone=b: web\nn3 zone=c: web",
        SPREAD,
        "web",
        &expect![[r#"
        n1 no: topology spread
        of [n2 n3] to n2"#]],
    );
    check(
        "n1 zone=a: web web\nn2 zone=b: web\nn3 zone=c: web",
        "web: {topologySpreadConstraints: [{topologyKey: zone, maxSkew: 2}]}",
        "web",
        &expect!["of [n1 n2 n3] to n1"],
    );
}

#[test]
fn only_nodes_that_are_there_are_domains() {
    check("n1 zone=a: web web\nn2 zone=a: web", SPREAD, "web", &expect!["of [n1 n2] to n1"]);
}

#[test]
fn with_fewer_domains_than_the_least_the_emptiest_counts_as_zero() {
    check(
        "n1 zone=a: web\nn2 zone=b: web",
        "web: {topologySpreadConstraints: [{topologyKey: zone, minDomains: 3}]}",
        "web",
        &expect![[r#"
            n1 no: topology spread
            n2 no: topology spread
            of [] to nowhere"#]],
    );
}

#[test]
fn a_node_without_the_label_is_no_domain_and_takes_no_pod_of_the_spread() {
    check(
        "n1 zone=a: web\nn2 disk=ssd",
        SPREAD,
        "web",
        &expect![[r#"
        n2 no: topology spread
        of [n1] to n1"#]],
    );
}

#[test]
fn a_node_counts_that_has_the_labels_of_all_spreads() {
    check(
        "n1 zone=a rack=1: web web\nn2 zone=b: web\nn3 zone=b rack=2: web",
        "web: {topologySpreadConstraints: [{topologyKey: zone}, {topologyKey: rack, maxSkew: 5}]}",
        "web",
        &expect![[r#"
            n1 no: topology spread
            n2 no: topology spread
            of [n3] to n3"#]],
    );
}

#[test]
fn pods_that_are_being_deleted_are_not_spread() {
    check("n1 zone=a: web web! web!\nn2 zone=b: web", SPREAD, "web", &expect!["of [n1 n2] to n1"]);
}

#[test]
fn a_spread_looks_at_nodes_that_the_pod_may_use_unless_told_otherwise() {
    let of = |policy: &str| {
        format!(
            "web: {{nodeSelector: {{disk: ssd}}, \
             topologySpreadConstraints: [{{topologyKey: zone{policy}}}]}}"
        )
    };
    let nodes = "n1 zone=a disk=ssd: web\nn2 zone=b disk=ssd: web\nn3 zone=c disk=hdd";
    check(
        nodes,
        &of(""),
        "web",
        &expect![[r#"
        n3 no: its labels
        of [n1 n2] to n1"#]],
    );
    check(
        nodes,
        &of(", nodeAffinityPolicy: Ignore"),
        "web",
        &expect![[r#"
        n1 no: topology spread
        n2 no: topology spread
        n3 no: its labels
        of [] to nowhere"#]],
    );
}

#[test]
fn a_spread_looks_at_nodes_with_taints_unless_told_otherwise() {
    let of = |policy: &str| {
        format!("web: {{topologySpreadConstraints: [{{topologyKey: zone{policy}}}]}}")
    };
    let nodes = "n1 zone=a: web\nn2 zone=b: web\nn3 zone=c taint=dedicated:NoSchedule";
    check(
        nodes,
        &of(""),
        "web",
        &expect![[r#"
        n1 no: topology spread
        n2 no: topology spread
        n3 no: a taint
        of [] to nowhere"#]],
    );
    check(
        nodes,
        &of(", nodeTaintsPolicy: Honor"),
        "web",
        &expect![[r#"
        n3 no: a taint
        of [n1 n2] to n1"#]],
    );
}

#[test]
fn pod_affinity_is_for_domains_with_a_pod_that_is_meant() {
    check(
        "n1 zone=a: shop\nn2 zone=a\nn3 zone=b\nn4 disk=ssd: shop",
        "shop: {}\ncache: {podAffinity: [{topologyKey: zone, with: shop}]}",
        "cache",
        &expect![[r#"
            n3 no: pod affinity
            n4 no: pod affinity
            of [n1 n2] to n1"#]],
    );
}

#[test]
fn a_pod_that_means_itself_may_be_the_first() {
    let pods = "quorum: {podAffinity: [{topologyKey: zone, with: self}]}";
    check(
        "n1 zone=a\nn2 zone=b\nn3 disk=ssd",
        pods,
        "quorum",
        &expect![[r#"
        n3 no: pod affinity
        of [n1 n2] to n1"#]],
    );
    check(
        "n1 zone=a\nn2 zone=b: quorum",
        pods,
        "quorum",
        &expect![[r#"
        n1 no: pod affinity
        of [n2] to n2"#]],
    );
    let other = "shop: {}\ncache: {podAffinity: [{topologyKey: zone, with: shop}]}";
    check(
        "n1 zone=a\nn2 zone=b: cache",
        other,
        "cache",
        &expect![[r#"
        n1 no: pod affinity
        n2 no: pod affinity
        of [] to nowhere"#]],
    );
}

#[test]
fn one_pod_has_to_be_what_all_terms_mean() {
    let pods = "
        shop: {}
        db: {}
        cache: {podAffinity: [{topologyKey: zone, with: shop}, {topologyKey: zone, with: db}]}
    ";
    check(
        "n1 zone=a: shop db\nn2 zone=b: shop",
        pods,
        "cache",
        &expect![[r#"
        n1 no: pod affinity
        n2 no: pod affinity
        of [] to nowhere"#]],
    );
}

#[test]
fn anti_affinity_keeps_domains_free_of_those_that_are_meant() {
    let pods = "shop: {}\nweb: {podAntiAffinity: [{topologyKey: zone, with: shop}]}";
    check(
        "n1 zone=a: shop\nn2 zone=a\nn3 zone=b\nn4 disk=ssd: shop",
        pods,
        "web",
        &expect![[r#"
        n1 no: pod anti-affinity
        n2 no: pod anti-affinity
        of [n3 n4] to n3"#]],
    );
}

#[test]
fn those_that_run_keep_away_whom_their_anti_affinity_means() {
    let pods = "shop: {}\nweb: {podAntiAffinity: [{topologyKey: zone, with: shop}]}";
    check(
        "n1 zone=a: web\nn2 zone=a\nn3 zone=b",
        pods,
        "shop",
        &expect![[r#"
        n1 no: pod anti-affinity
        n2 no: pod anti-affinity
        of [n3] to n3"#]],
    );
    check(
        "n1 zone=a: web!\nn2 zone=b",
        pods,
        "shop",
        &expect![[r#"
        n1 no: pod anti-affinity
        of [n2] to n2"#]],
    );
}

#[test]
fn pods_of_other_namespaces_are_meant_only_where_they_are_named() {
    let pods = |with: &str| {
        format!(
            "stage/shop: {{}}\nweb: {{podAntiAffinity: [{{topologyKey: zone, with: {with}}}]}}\nother/web2: {{}}\n"
        )
    };
    let nodes = "n1 zone=a: shop\nn2 zone=b";
    check(
        nodes,
        &pods("stage/shop"),
        "web",
        &expect![[r#"
        n1 no: pod anti-affinity
        of [n2] to n2"#]],
    );
    check(nodes, &pods("self"), "web", &expect!["of [n1 n2] to n1"]);
}

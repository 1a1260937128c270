//! Spread, affinity and anti-affinity of placed pods: each rule kept, and broken.

use crate::found;
use crate::scene::scene;
use expect_test::{Expect, expect};

#[expect(clippy::needless_pass_by_value, reason = "an expectation is written at the call")]
fn check(text: &str, expected: Expect) {
    let (snapshot, plan) = scene(text);
    expected.assert_eq(&found(&plan, &snapshot));
}

#[test]
fn no_domain_has_more_pods_than_the_emptiest_and_max_skew() {
    check(
        "node n1 zone=a
         node n2 zone=b
         pod p1 on n1 app=web spread:zone/app=web
         pod p2 to n1 app=web spread:zone/app=web
         pod p3 to n2 app=web spread:zone/app=web",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         node n2 zone=b
         pod p1 on n1 app=web spread:zone/app=web
         pod p2 to n1 app=web spread:zone/app=web",
        expect![[r#"
            spread: pod ns/p2 on node n1: its spread over zone allows 1 more than the least, which is 0; a has 2
        "#]],
    );
    check(
        "node n1 zone=a
         node n2 zone=b
         pod p1 on n1 app=web spread:zone/app=web/max:2
         pod p2 to n1 app=web spread:zone/app=web/max:2",
        expect![[""]],
    );
}

#[test]
fn a_spread_that_may_be_broken_is_not_judged() {
    check(
        "node n1 zone=a
         node n2 zone=b
         pod p1 to n1 app=web spread:zone/app=web/soft
         pod p2 to n1 app=web spread:zone/app=web/soft",
        expect![[""]],
    );
}

#[test]
fn a_node_of_the_plan_is_a_domain_too() {
    check(
        "node n1 zone=a
         new c1 zone=b
         pod p1 to n1 app=web spread:zone/app=web
         pod p2 to n1 app=web spread:zone/app=web
         pod p3 to c1 app=web",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         new c1 zone=b
         pod p1 to n1 app=web spread:zone/app=web
         pod p2 to n1 app=web spread:zone/app=web
         pod other to c1",
        expect![[r#"
            spread: pod ns/p1 on node n1: its spread over zone allows 1 more than the least, which is 0; a has 2
            spread: pod ns/p2 on node n1: its spread over zone allows 1 more than the least, which is 0; a has 2
        "#]],
    );
}

#[test]
fn each_node_is_a_domain_of_a_spread_over_host_names() {
    check(
        "new c1 zone=a
         new c2 zone=a
         pod p1 to c1 app=web spread:host/app=web
         pod p2 to c1 app=web spread:host/app=web
         pod p3 to c2 app=web spread:host/app=web",
        expect![[""]],
    );
    check(
        "new c1 zone=a
         new c2 zone=a
         pod p1 to c1 app=web spread:host/app=web
         pod p2 to c1 app=web spread:host/app=web",
        expect![[r#"
            spread: pod ns/p1 on claim c1: its spread over kubernetes.io/hostname allows 1 more than the least, which is 0; c1 has 2
            spread: pod ns/p2 on claim c1: its spread over kubernetes.io/hostname allows 1 more than the least, which is 0; c1 has 2
        "#]],
    );
}

#[test]
fn pods_without_the_constraint_may_have_come_later() {
    check(
        "node n1 zone=a
         node n2 zone=b
         pod p1 on n1 app=web
         pod p2 to n1 app=web
         pod p3 to n1 app=web spread:zone/app=web",
        expect![[""]],
    );
}

#[test]
fn a_pod_that_its_own_selector_does_not_mean_only_needs_the_label() {
    check(
        "node n1 zone=a
         node n2 zone=b
         node n3
         pod p1 on n1 app=web spread:zone/app=web
         pod p2 to n1 app=db spread:zone/app=web
         pod p3 to n3 app=db spread:zone/app=web",
        expect![[r#"
            spread: pod ns/p3 on node n3: its spread over zone needs a node with that label
        "#]],
    );
}

#[test]
fn with_fewer_domains_than_min_domains_the_emptiest_counts_as_none() {
    let scene = |min: u8| {
        format!(
            "node n1 zone=a
             node n2 zone=b
             pod p1 to n1 app=web spread:zone/app=web/min:{min}
             pod p2 to n2 app=web spread:zone/app=web/min:{min}
             pod p3 to n2 app=web spread:zone/app=web/min:{min}"
        )
    };
    check(&scene(2), expect![[""]]);
    check(
        &scene(3),
        expect![[r#"
            spread: pod ns/p2 on node n2: its spread over zone allows 1 more than the least, which is 0; b has 2
            spread: pod ns/p3 on node n2: its spread over zone allows 1 more than the least, which is 0; b has 2
        "#]],
    );
}

#[test]
fn nodes_that_the_pod_does_not_admit_are_no_domains_unless_the_policy_says_so() {
    let scene = |more: &str| {
        format!(
            "node n1 zone=a disk=ssd
             node n2 zone=b
             pod p1 on n1 app=web spread:zone/app=web{more} nodes:disk=ssd
             pod p2 to n1 app=web spread:zone/app=web{more} nodes:disk=ssd"
        )
    };
    check(&scene(""), expect![[""]]);
    check(
        &scene("/anywhere"),
        expect![[r#"
            spread: pod ns/p2 on node n1: its spread over zone allows 1 more than the least, which is 0; a has 2
        "#]],
    );
}

#[test]
fn nodes_with_taints_are_domains_unless_the_policy_says_so() {
    let scene = |more: &str| {
        format!(
            "node n1 zone=a
             node n2 taint:gpu zone=b
             pod p1 to n1 app=web spread:zone/app=web{more}
             pod p2 to n1 app=web spread:zone/app=web{more}"
        )
    };
    check(&scene("/taints"), expect![[""]]);
    check(
        &scene(""),
        expect![[r#"
            spread: pod ns/p1 on node n1: its spread over zone allows 1 more than the least, which is 0; a has 2
            spread: pod ns/p2 on node n1: its spread over zone allows 1 more than the least, which is 0; a has 2
        "#]],
    );
}

#[test]
fn nodes_without_a_label_of_one_constraint_do_not_count_for_the_others() {
    check(
        "node n1 zone=a rack=1
         node n2 zone=b
         pod p1 to n1 app=web spread:zone/app=web spread:rack/app=web/max:9
         pod p2 to n1 app=web spread:zone/app=web spread:rack/app=web/max:9",
        expect![[""]],
    );
}

#[test]
fn only_pods_with_the_same_values_of_match_label_keys_are_counted() {
    let scene = |more: &str| {
        format!(
            "node n1 zone=a
             node n2 zone=b
             pod p1 on n1 app=web hash=old spread:zone/app=web{more}
             pod p2 to n1 app=web hash=new spread:zone/app=web{more}"
        )
    };
    check(&scene("/keys:hash"), expect![[""]]);
    check(
        &scene("/keys:other"),
        expect![[r#"
            spread: pod ns/p2 on node n1: its spread over zone allows 1 more than the least, which is 0; a has 2
        "#]],
    );
}

#[test]
fn a_spread_counts_pods_of_its_own_namespace_only() {
    check(
        "node n1 zone=a
         node n2 zone=b
         pod other/p1 on n1 app=web spread:zone/app=web
         pod p2 to n1 app=web spread:zone/app=web",
        expect![[""]],
    );
}

#[test]
fn pods_that_end_or_whose_node_goes_take_no_place_in_a_spread() {
    check(
        "node n1 zone=a
         node n2 zone=b
         node n3 going zone=a
         pod p1 on n1 app=web spread:zone/app=web ending
         pod p2 on n3 app=web spread:zone/app=web
         pod p3 to n1 app=web spread:zone/app=web",
        expect![[""]],
    );
}

#[test]
fn pods_that_end_do_not_fill_the_emptiest_domain() {
    check(
        "node n1 zone=a
         node n2 zone=b
         pod p1 on n1 app=web spread:zone/app=web
         pod p2 on n2 app=web spread:zone/app=web ending
         pod p3 to n1 app=web spread:zone/app=web",
        expect![[r#"
            spread: pod ns/p3 on node n1: its spread over zone allows 1 more than the least, which is 0; a has 2
        "#]],
    );
}

#[test]
fn a_pod_that_moves_is_counted_at_its_new_place() {
    check(
        "node n1 going zone=a
         node n2 zone=b
         node n3 zone=a
         pod p1 to n2 app=web spread:zone/app=web from:n1
         pod p2 to n3 app=web spread:zone/app=web from:n1",
        expect![[""]],
    );
}

#[test]
fn a_claim_that_may_be_launched_in_several_domains_is_in_none_for_sure() {
    check(
        "new c1 zone=a type=x | zone=a type=y
         pod p1 to c1 app=web spread:zone/app=web",
        expect![[""]],
    );
    check(
        "new c1 zone=b | zone=a
         pod p1 to c1 app=web spread:zone/app=web
         pod p2 to c1 with:zone/app=db
         pod p3 to c1 apart:zone/app=web",
        expect![[r#"
            spread: pod ns/p1 on claim c1: its spread over zone needs one domain for sure, and its place may be in a or b
            affinity: pod ns/p2 on claim c1: its affinity over zone finds no pod in a or b
            anti-affinity: pod ns/p3 on claim c1: its anti-affinity over zone means pods that may be beside it in a or b
        "#]],
    );
}

#[test]
fn a_domain_that_a_claim_may_come_to_be_in_may_be_the_emptiest() {
    check(
        "node n1 zone=a
         new c1 zone=a | zone=b
         pod p1 to n1 app=web spread:zone/app=web/max:2
         pod p2 to n1 app=web spread:zone/app=web/max:2
         pod p3 to n1 app=web spread:zone/app=web/max:2
         pod p4 to c1 app=web",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         new c1 zone=a | zone=b
         pod p1 to n1 app=web spread:zone/app=web/max:2
         pod p2 to n1 app=web spread:zone/app=web/max:2
         pod p3 to n1 app=web spread:zone/app=web/max:2
         pod p4 to c1 app=db",
        expect![[r#"
            spread: pod ns/p1 on node n1: its spread over zone allows 2 more than the least, which is 0; a has 3
            spread: pod ns/p2 on node n1: its spread over zone allows 2 more than the least, which is 0; a has 3
            spread: pod ns/p3 on node n1: its spread over zone allows 2 more than the least, which is 0; a has 3
        "#]],
    );
}

#[test]
fn of_a_claim_that_someone_else_launches_only_its_requirements_are_known() {
    check(
        "later c1 zone=a
         pod p1 to c1 app=web spread:zone/app=web",
        expect![[""]],
    );
    check(
        "later c1 zone=a+b
         pod p1 to c1 app=web spread:zone/app=web
         pod p2 to c1 app=web apart:rack/app=web",
        expect![[r#"
            spread: pod ns/p1 on claim c1: its spread over zone needs a node with that label
            anti-affinity: pod ns/p2 on claim c1: its anti-affinity over rack needs a known domain
        "#]],
    );
}

#[test]
fn a_pod_has_another_one_of_its_affinity_in_its_domain() {
    check(
        "node n1 zone=a
         node n2 zone=a
         node n3 zone=b
         pod db on n1 app=db
         pod p1 to n2 app=web with:zone/app=db",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         node n3 zone=b
         node n4
         pod db on n1 app=db
         pod p1 to n3 app=web with:zone/app=db
         pod p2 to n4 app=web with:zone/app=db
         pod p3 to n1 app=web with:host/app=cache",
        expect![[r#"
            affinity: pod ns/p3 on node n1: its affinity over kubernetes.io/hostname finds no pod in n1
            affinity: pod ns/p1 on node n3: its affinity over zone finds no pod in b
            affinity: pod ns/p2 on node n4: its affinity over zone needs a node with that label
        "#]],
    );
}

#[test]
fn a_pod_on_the_same_node_is_beside_it_wherever_that_is() {
    check(
        "new c1 zone=a | zone=b
         pod db to c1 app=db
         pod p1 to c1 app=web with:zone/app=db",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         node n2 zone=b
         new c1 zone=a | zone=b
         pod db1 on n1 app=db
         pod db2 on n2 app=db
         pod p1 to c1 app=web with:zone/app=db",
        expect![[""]],
    );
}

#[test]
fn the_first_of_pods_that_want_to_be_together_may_be_anywhere_but_the_others_beside_it() {
    check(
        "new c1 zone=a
         new c2 zone=a
         new c3 zone=b
         pod p1 to c1 app=web with:zone/app=web
         pod p2 to c2 app=web with:zone/app=web
         pod alone to c3 app=db with:zone/app=db",
        expect![[""]],
    );
    check(
        "new c1 zone=a
         new c3 zone=b
         pod p1 to c1 app=web with:zone/app=web
         pod p2 to c3 app=web with:zone/app=web",
        expect![[r#"
            affinity: pod ns/p1 on claim c1: its affinity over zone finds no pod in a
            affinity: pod ns/p2 on claim c3: its affinity over zone finds no pod in b
        "#]],
    );
    check(
        "node n1 zone=a
         new c1 zone=b
         pod first on n1 app=web
         pod p1 to c1 app=web with:zone/app=web",
        expect![[r#"
            affinity: pod ns/p1 on claim c1: its affinity over zone finds no pod in b
        "#]],
    );
}

#[test]
fn several_terms_of_affinity_mean_pods_that_all_of_them_select() {
    check(
        "node n1 zone=a
         pod both on n1 app=db tier=back
         pod p1 to n1 app=web with:zone/app=db with:host/tier=back",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         pod db on n1 app=db
         pod back on n1 tier=back
         pod p1 to n1 app=web with:zone/app=db with:host/tier=back",
        expect![[r#"
            affinity: pod ns/p1 on node n1: its affinity over zone finds no pod in a
            affinity: pod ns/p1 on node n1: its affinity over kubernetes.io/hostname finds no pod in n1
        "#]],
    );
}

#[test]
fn a_pod_that_goes_is_company_but_keeps_nobody_away() {
    check(
        "node n1 zone=a
         node n2 going zone=a
         pod db on n1 app=db ending apart:zone/app=web
         pod cache on n2 app=cache apart:zone/app=web
         pod p1 to n1 app=web with:zone/app=db apart:zone/app=cache",
        expect![[""]],
    );
}

#[test]
fn a_pod_is_not_placed_beside_those_of_its_anti_affinity() {
    check(
        "node n1 zone=a
         node n2 zone=b
         node n3
         pod p1 on n1 app=web apart:zone/app=web
         pod p2 to n2 app=web apart:zone/app=web
         pod p3 to n3 app=web apart:zone/app=web",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         node n2 zone=a
         pod db on n1 app=db
         pod p1 to n2 app=web apart:zone/app=db
         pod p2 to n2 app=web apart:host/app=web",
        expect![[r#"
            anti-affinity: pod ns/p1 on node n2: its anti-affinity over zone means other pods in a
            anti-affinity: pod ns/p2 on node n2: its anti-affinity over kubernetes.io/hostname means other pods in n2
        "#]],
    );
}

#[test]
fn a_pod_is_not_placed_where_one_that_runs_keeps_it_away() {
    check(
        "node n1 zone=a
         node n2 zone=b
         pod db on n1 app=db apart:zone/app=web
         pod p1 to n2 app=web
         pod p2 to n1 app=cache",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         node n2 zone=a
         pod db on n1 app=db apart:zone/app=web
         pod p1 to n2 app=web",
        expect![[r#"
            anti-affinity: pod ns/p1 on node n2: the anti-affinity of pod ns/db over zone keeps a free
        "#]],
    );
}

#[test]
fn a_pod_with_the_same_term_that_does_not_mean_itself_keeps_others_away_too() {
    check(
        "node n1 zone=a
         pod db on n1 app=db apart:zone/app=web
         pod p1 to n1 app=web apart:zone/app=web",
        expect![[r#"
            anti-affinity: pod ns/p1 on node n1: the anti-affinity of pod ns/db over zone keeps a free
        "#]],
    );
}

#[test]
fn a_claim_keeps_away_from_every_domain_in_which_it_may_be() {
    check(
        "node n1 zone=a
         new c1 zone=b | zone=c
         pod db on n1 app=db apart:zone/app=web
         pod p1 to c1 app=web",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         new c1 zone=a | zone=b
         new c2 zone=b | zone=c
         pod db on n1 app=db apart:zone/app=web
         pod p1 to c1 app=web
         pod p2 to c2 app=cache apart:zone/app=web",
        expect![[r#"
            anti-affinity: pod ns/p2 on claim c2: its anti-affinity over zone means pods that may be beside it in b or c
            anti-affinity: pod ns/p1 on claim c1: the anti-affinity of pod ns/db over zone keeps a or b free
        "#]],
    );
}

#[test]
fn terms_mean_pods_of_their_namespaces() {
    let scene = |more: &str| {
        format!(
            "namespace prod stage=prod
             namespace test stage=test
             node n1 zone=a
             pod prod/db on n1 app=db
             pod test/p1 to n1 app=web apart:zone/app=db{more}"
        )
    };
    check(&scene(""), expect![[""]]);
    check(&scene("/in:other"), expect![[""]]);
    check(&scene("/of:stage=test"), expect![[""]]);
    for more in ["/in:prod", "/of:stage=prod", "/of:*", "/in:other/of:stage=test+prod"] {
        check(
            &scene(more),
            expect![[r#"
                anti-affinity: pod test/p1 on node n1: its anti-affinity over zone means other pods in a
            "#]],
        );
    }
}

#[test]
fn terms_mean_pods_with_the_same_or_other_values_of_their_keys() {
    let scene = |term: &str| {
        format!(
            "node n1 zone=a
             pod p1 on n1 app=web hash=old
             pod p2 to n1 app=web hash=new {term}"
        )
    };
    check(&scene("apart:zone/app=web/keys:hash"), expect![[""]]);
    check(&scene("with:zone/app=web/unlike:hash"), expect![[""]]);
    check(
        &scene("apart:zone/app=web/unlike:hash"),
        expect![[r#"
            anti-affinity: pod ns/p2 on node n1: its anti-affinity over zone means other pods in a
        "#]],
    );
    check(&scene("with:zone/app=web,hash=old/unlike:hash"), expect![[""]]);
}

#[test]
fn a_term_without_selector_means_nobody() {
    check(
        "node n1 zone=a
         pod p1 on n1 app=web
         pod p2 to n1 app=web apart:zone/-
         pod p3 to n1 app=web apart:zone/app=none",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         pod p1 on n1 app=web
         pod p2 to n1 app=web with:zone/-",
        expect![[r#"
            affinity: pod ns/p2 on node n1: its affinity over zone finds no pod in a
        "#]],
    );
}

#[test]
fn pods_that_go_back_to_their_claim_are_counted_but_not_judged() {
    check(
        "node n1 zone=b
         flying c1 for:p1+p2 zone=a
         pod p1 to c1 app=web apart:zone/app=web spread:zone/app=web
         pod p2 to c1 app=web apart:zone/app=web spread:zone/app=web",
        expect![[""]],
    );
    check(
        "node n1 zone=b
         flying c1 for:p1 zone=a
         pod p1 to c1 app=web apart:zone/app=web
         pod p2 to c1 app=web
         pod p3 to n1 app=web",
        expect![[r#"
            anti-affinity: pod ns/p2 on claim c1: the anti-affinity of pod ns/p1 over zone keeps a free
        "#]],
    );
}

#[test]
fn a_claim_on_its_way_is_a_domain_unless_it_goes() {
    check(
        "node n1 zone=a
         flying c1 going zone=b
         pod p1 on n1 app=web spread:zone/app=web
         pod p2 to n1 app=web spread:zone/app=web",
        expect![[""]],
    );
    check(
        "node n1 zone=a
         flying c1 zone=b
         pod p1 on n1 app=web spread:zone/app=web
         pod p2 to n1 app=web spread:zone/app=web",
        expect![[r#"
            spread: pod ns/p2 on node n1: its spread over zone allows 1 more than the least, which is 0; a has 2
        "#]],
    );
}

#[test]
fn ports_of_daemons_that_will_come_are_taken() {
    check(
        "new c1 zone=a
         daemon agent port:80
         pod p1 to c1 port:81",
        expect![[""]],
    );
    check(
        "new c1 zone=a
         flying c2 zone=a
         daemon agent port:80
         pod p1 to c1 port:80
         pod p2 to c2 port:80",
        expect![[r#"
            ports: port 80 of pod ns/p1 is taken on claim c1 as type on-demand in zone-a
            ports: port 80 of pod ns/p2 is taken on claim c2
        "#]],
    );
}

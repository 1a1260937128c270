//! Launches that were begun and did not end.

use crate::fixture::check_provision as check;
use expect_test::expect;

#[test]
fn an_instance_with_a_claims_token_is_adopted_by_its_index() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         claim c1 m5.large record=t/60s/m5.large/a/on-demand/0/2
         claim c2 m5.large record=t/60s/m5.large/a/on-demand/1/2
         instance i-2 t m5.large a on-demand
         instance i-1 t m5.large a on-demand",
        expect![[r#"
            claim c1: launched i-1
            claim c2: launched i-2
        "#]],
    );
}

#[test]
fn a_call_without_an_answer_is_made_again_for_all_its_claims() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         claim c1 m5.large record=t/60s/m5.large/a/on-demand/0/2
         claim c2 m5.large record=t/60s/m5.large/a/on-demand/1/2",
        expect![[r#"
            launch c1 c2: again m5.large on-demand in a (attempt 1), or 1 others
        "#]],
    );
}

#[test]
fn a_call_is_repeated_although_its_offering_was_refused_since() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         claim c1 m5.large record=t/60s/m5.large/a/on-demand/0/1
         refused m5.large a on-demand
         refused m5.large b on-demand",
        expect![[r#"
            launch c1: again m5.large on-demand in a (attempt 1)
        "#]],
    );
}

#[test]
fn a_call_just_made_is_waited_for() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         claim c1 m5.large record=t/1s/m5.large/a/on-demand/0/1
         claim c2 m5.large age=1s",
        expect![[r#"
            not claim c1: waits for the call that was just begun for it
            not claim c2: waits for the call that was just begun for it
        "#]],
    );
}

#[test]
fn an_old_call_is_not_repeated_but_made_anew() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         claim c1 m5.large record=t/11m/m5.large/a/on-demand/0/1",
        expect![[r#"
            launch c1: m5.large on-demand in a at $0.0960/h, or 1 others
        "#]],
    );
}

#[test]
fn an_attempt_whose_instance_is_gone_is_over() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         claim c1 m5.large record=t/60s/m5.large/a/on-demand/0/1
         instance i-1 t m5.large a on-demand gone",
        expect![[r#"
            launch c1: m5.large on-demand in a at $0.0960/h, or 1 others
        "#]],
    );
}

#[test]
fn a_claim_that_was_never_launched_is_launched_with_those_like_it() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         type m5.xlarge 4 16Gi od=192
         claim c1 m5.large types=m5.large,m5.xlarge age=3s
         claim c2 m5.large types=m5.large,m5.xlarge age=3s
         claim c3 m5.large age=1s replaces=c-old",
        expect![[r#"
            launch c3: m5.large on-demand in a at $0.0960/h, or 1 others
            not claim c1: waits for the call that was just begun for it
            not claim c2: waits for the call that was just begun for it
        "#]],
    );
}

#[test]
fn a_claim_for_which_nothing_is_left_goes_and_its_pods_are_planned_anew() {
    check(
        "pool default
         type m5.large 2 8Gi od=96
         type m6.large 2 8Gi od=99
         claim c1 m5.large made-for=web age=3s
         refused m5.large a on-demand
         refused m5.large b on-demand
         pod web 1 1Gi",
        expect![[r#"
            claim c1: default/web
            not claim c1: waits for the call that was just begun for it
        "#]],
    );
}

#[test]
fn nothing_is_launched_from_a_class_that_is_not_ready() {
    check(
        "class default not-ready
         pool default
         type m5.large 2 8Gi od=96
         claim c1 m5.large made-for=web age=3s
         pod web 1 1Gi",
        expect![[r#"
            claim c1: default/web
            not claim c1: waits for the call that was just begun for it
        "#]],
    );
}

//! Volumes of placed pods: each rule kept, and broken.

use crate::found;
use crate::scene::scene;
use expect_test::{Expect, expect};

#[expect(clippy::needless_pass_by_value, reason = "an expectation is written at the call")]
fn check(text: &str, expected: Expect) {
    let (snapshot, plan) = scene(text);
    expected.assert_eq(&found(&plan, &snapshot));
}

#[test]
fn a_pod_is_placed_where_its_volume_can_be_reached() {
    check(
        "pv v1 zone=a | zone=b
         pvc data pv:v1
         node n1 zone=a
         new c1 zone=a | zone=b
         pod p1 to n1 mounts:data
         pod p2 to c1 mounts:data",
        expect![[""]],
    );
    check(
        "pv v1 zone=a
         pvc data pv:v1
         node n1 zone=b
         flying c1 zone=b
         pod p1 to n1 mounts:data
         pod p2 to c1 mounts:data",
        expect![[r#"
            volumes: pod ns/p1 cannot reach the volume of data from node n1
            volumes: pod ns/p2 cannot reach the volume of data from claim c1
        "#]],
    );
}

#[test]
fn a_volume_is_reached_whichever_choice_is_launched() {
    check(
        "pv v1 zone=a
         pvc data pv:v1
         new c1 zone=a | zone=b
         pod p1 to c1 mounts:data",
        expect![[r#"
            volumes: pod ns/p1 cannot reach the volume of data from claim c1 as type on-demand in zone-a
        "#]],
    );
}

#[test]
fn a_volume_that_is_not_made_yet_has_to_be_allowed_there() {
    check(
        "class fast zone=a
         class slow default zone=b
         pvc one class:fast
         pvc two
         node n1 zone=a
         node n2 zone=b
         pod p1 to n1 mounts:one
         pod p2 to n2 mounts:two
         pod p3 to n2 mounts:one",
        expect![[r#"
            volumes: pod ns/p3 cannot reach the volume of one from node n2
        "#]],
    );
}

#[test]
fn a_pod_whose_volume_cannot_be_had_is_not_placed() {
    check(
        "pv gone deleting
         class now immediate
         pvc a pv:gone
         pvc b pv:nowhere
         pvc c class:now
         pvc d class:none
         pvc e
         pvc f class:now deleting
         node n1
         pod p1 to n1 mounts:a mounts:b mounts:c mounts:d mounts:e mounts:f mounts:g",
        expect![[r#"
            volumes: pod ns/p1 is placed, but its claim a is bound to a volume that is gone or goes
            volumes: pod ns/p1 is placed, but its claim b is bound to a volume that is gone or goes
            volumes: pod ns/p1 is placed, but its claim c is to be bound before a node is chosen
            volumes: pod ns/p1 is placed, but its claim d has no StorageClass that exists
            volumes: pod ns/p1 is placed, but its claim e has no StorageClass that exists
            volumes: pod ns/p1 is placed, but its claim f is being deleted
            volumes: pod ns/p1 is placed, but its claim g does not exist
        "#]],
    );
}

#[test]
fn a_directory_of_a_node_does_not_ask_for_the_node_by_name() {
    let scene = |what: &str| {
        format!(
            "pv v1 {what} host=n0 zone=a
             pvc data pv:v1
             new c1 zone=a
             pod p1 to c1 mounts:data"
        )
    };
    check(&scene("on-node"), expect![[""]]);
    check(
        &scene(""),
        expect![[r#"
            volumes: pod ns/p1 cannot reach the volume of data from claim c1 as type on-demand in zone-a
        "#]],
    );
}

#[test]
fn a_node_attaches_no_more_volumes_than_its_driver_can() {
    let scene = |most: &str| {
        format!(
            "class fast driver:ebs
             pv v1 driver:ebs
             pv v2 driver:efs
             pvc one pv:v1
             pvc two class:fast
             pvc shared pv:v2
             node n1
             csinode n1 ebs={most} efs=1
             pod p0 on n1 mounts:one mounts:shared
             pod p1 to n1 mounts:one mounts:shared
             pod p2 to n1 mounts:two"
        )
    };
    check(&scene("2"), expect![[""]]);
    check(&scene("any"), expect![[""]]);
    check(
        &scene("1"),
        expect![[r#"
            volumes: node n1 can attach 1 volumes of ebs, its pods have 2
        "#]],
    );
}

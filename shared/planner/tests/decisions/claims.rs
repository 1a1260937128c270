//! What a new claim says, and how claims are launched together.

use crate::fixture::{now, snapshot};
use expect_test::{Expect, expect};
use model::action::ClaimToLaunch;
use planner::provision::provision;

/// The first launch in full: claim, taints, choices.
fn check_first(text: &str, expected: Expect) {
    use std::fmt::Write;
    let plan = provision(&snapshot(text), now());
    let launch = plan.launches().next().unwrap();
    let mut out = String::new();
    for claim in &launch.claims {
        let ClaimToLaunch::New(claim) = claim else { continue };
        let spec = &claim.spec;
        writeln!(out, "labels {:?}", claim.labels).unwrap();
        writeln!(out, "needs {}", spec.requirements).unwrap();
        writeln!(out, "requests {}, {} pods", spec.requests, spec.nominated.len()).unwrap();
    }
    let taints: Vec<String> = launch.taints.iter().map(ToString::to_string).collect();
    writeln!(out, "taints {}", taints.join(" ")).unwrap();
    for choice in &launch.choices {
        let (subnet, image) = (&choice.subnet, &choice.image);
        writeln!(out, "{} {} {subnet} {image}", choice.price, choice.offering).unwrap();
    }
    expected.assert_eq(&out);
}

#[test]
fn a_claim_says_all_that_its_launch_needs() {
    check_first(
        "pool default label:team=a need:tier=In:x,y taint:gpu=yes startup:cni=wait
         daemon logs 100m 128Mi tolerate:gpu
         type m5.large 2 8Gi od=96 spot=35
         type m6g.large 2 8Gi od=77 spot=39 arch=arm64
         pod web 1 2Gi tolerate:gpu",
        expect![[r#"
            labels {"karpenter.k8s.aws/ec2nodeclass": "default", "karpenter.sh/nodepool": "default", "team": "a", "tier": "x"}
            needs karpenter.k8s.aws/ec2nodeclass In [default], karpenter.sh/capacity-type In [on-demand spot], karpenter.sh/nodepool In [default], node.kubernetes.io/instance-type In [m5.large m6g.large], team In [a], tier In [x y], topology.kubernetes.io/zone In [a b]
            requests 1100m cpu, 2176Mi memory, 2 pods, 1 pods
            taints gpu=yes:NoSchedule cni=wait:NoSchedule karpenter.sh/unregistered:NoExecute
            $0.0350 m5.large spot in a subnet-a ami-amd64
            $0.0350 m5.large spot in b subnet-b ami-amd64
            $0.0390 m6g.large spot in a subnet-a ami-arm64
            $0.0390 m6g.large spot in b subnet-b ami-arm64
            $0.0770 m6g.large on-demand in a subnet-a ami-arm64
            $0.0770 m6g.large on-demand in b subnet-b ami-arm64
            $0.0960 m5.large on-demand in a subnet-a ami-amd64
            $0.0960 m5.large on-demand in b subnet-b ami-amd64
        "#]],
    );
}

#[test]
fn claims_that_are_alike_are_launched_by_one_call_of_at_most_twenty() {
    let plan = provision(
        &snapshot(
            "pool default
             type m5.large 2 8Gi od=96
             pod web 2 2Gi x25
             pod other 1500m 2Gi",
        ),
        now(),
    );
    let sizes: Vec<usize> = plan.launches().map(|launch| launch.claims.len()).collect();
    assert_eq!(sizes, [20, 5, 1]);
}

#[test]
fn a_pass_starts_at_most_forty_calls() {
    use std::fmt::Write;
    let mut text = "pool default need:team=Exists\n type m5.large 2 8Gi od=96\n".to_owned();
    for team in 0..50 {
        writeln!(text, "pod web-{team} 1 2Gi select:team={team}").unwrap();
    }
    let plan = provision(&snapshot(&text), now());
    assert_eq!(plan.launches().count(), 40);
    assert_eq!(plan.left_out.len(), 10);
    let plan = provision(&snapshot(&format!("scope everything\n{text}")), now());
    assert_eq!(plan.launches().count(), 50);
}

#[test]
fn a_name_depends_on_the_first_pod_and_on_the_names_that_are_taken() {
    let world = "pool default\n type m5.large 2 8Gi od=96\n pod a 1 2Gi\n";
    let name = |text: &str| {
        let plan = provision(&snapshot(text), now());
        plan.launches().next().unwrap().claims[0].name().clone()
    };
    let first = name(world);
    assert_eq!(first, name(&format!("{world} pod b 500m 1Gi")));
    assert_ne!(first, name(&format!("{world} claim {first} m5.large deleting")));
    assert_ne!(first, name("pool default\n type m5.large 2 8Gi od=96\n pod b 1 2Gi"));
}

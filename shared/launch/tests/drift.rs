//! Drift of nodes from their EC2NodeClass.

use launch::drift::{Launched, Stamp, Verdict, drift};
use model::node_class::status::{Ami, ClassStatus, FoundSubnet};
use model::node_class::template::{HASH_VERSION, Template};
use model::node_class::{AmiFamily, Kubelet, NodeClass};
use std::sync::Arc;

fn class(status: ClassStatus) -> NodeClass {
    NodeClass {
        name: "c".into(),
        uid: "c-1".into(),
        deleting: false,
        ready: true,
        ami_family: AmiFamily::AL2023,
        kubelet: Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: Vec::new(),
        images: Vec::new(),
        template: Arc::new(Template { status, ..Template::default() }),
    }
}

fn status() -> ClassStatus {
    let ami = Ami { id: "ami-1".into(), name: None, deprecated: false, requirements: Vec::new() };
    let subnet = FoundSubnet { id: "subnet-1".into(), zone: "a".into(), zone_id: None };
    ClassStatus { amis: vec![ami], subnets: vec![subnet], ..ClassStatus::default() }
}

fn stamp(hash: &str, version: &str) -> Stamp {
    Stamp { hash: hash.into(), version: version.into() }
}

fn launched(stamp: Option<&Stamp>) -> Launched<'_> {
    Launched {
        stamp,
        is_marked: false,
        image: "ami-1",
        subnet: Some("subnet-1"),
        reservation: None,
    }
}

fn of(launched: Launched<'_>) -> Verdict {
    drift(launched, &class(status()), &stamp("1", HASH_VERSION))
}

#[test]
fn a_node_drifts_when_the_settings_of_its_class_change() {
    assert_eq!(of(launched(Some(&stamp("1", HASH_VERSION)))), Verdict::Same);
    let other = stamp("2", HASH_VERSION);
    assert_eq!(of(launched(Some(&other))), Verdict::Drifted("NodeClassDrift"));
}

#[test]
fn no_node_drifts_because_karpenter_counted_otherwise() {
    let theirs = stamp("2", "v5");
    assert_eq!(of(launched(Some(&theirs))), Verdict::Restamp);
    assert_eq!(of(launched(None)), Verdict::Restamp);
    let marked = Launched { is_marked: true, ..launched(Some(&theirs)) };
    assert_eq!(of(marked), Verdict::Same);
}

#[test]
fn a_node_drifts_when_what_it_was_launched_from_is_selected_no_more() {
    let same = stamp("1", HASH_VERSION);
    let plain = launched(Some(&same));
    assert_eq!(of(Launched { image: "ami-0", ..plain }), Verdict::Drifted("AMIDrift"));
    let moved = Launched { subnet: Some("subnet-0"), ..plain };
    assert_eq!(of(moved), Verdict::Drifted("SubnetDrift"));
    let given_back = Launched { reservation: Some("cr-0"), ..plain };
    assert_eq!(of(given_back), Verdict::Drifted("CapacityReservationDrift"));
}

#[test]
fn a_class_that_has_found_nothing_condemns_nobody() {
    let same = stamp("1", HASH_VERSION);
    let verdict = drift(launched(Some(&same)), &class(ClassStatus::default()), &same);
    assert_eq!(verdict, Verdict::Same);
}

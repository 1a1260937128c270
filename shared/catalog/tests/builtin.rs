//! The built-in facts, resolved for several EC2NodeClasses.
#![cfg(test)]

use catalog::{Facts, Settings, default_zones, resolve, resolve_with};
use expect_test::{Expect, expect};
use model::instance_type::{CapacityType, InstanceType};
use model::labels::AWS_INSTANCE_LABELS;
use model::memory::Learned;
use model::name::SubnetId;
use model::node_class::{AmiFamily, Kubelet, NodeClass, Subnet, Threshold};
use model::resources::Resources;
use model::volume::{EBS_DRIVER, attachable, is_attachable};
use proptest::prelude::*;
use std::fmt::Write;

const GIB: i64 = 1 << 30;

fn class() -> NodeClass {
    NodeClass {
        name: "default".into(),
        uid: "uid-1".into(),
        deleting: false,
        ready: true,
        ami_family: AmiFamily::AL2023,
        kubelet: Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: Vec::new(),
        images: Vec::new(),
        template: std::sync::Arc::default(),
    }
}

fn subnet(zone: &str, zone_id: Option<&str>) -> Subnet {
    Subnet {
        id: SubnetId::from(format!("subnet-{zone}")),
        zone: zone.into(),
        zone_id: zone_id.map(Into::into),
        free_addresses: Some(250),
    }
}

fn of_type(name: &str, class: &NodeClass) -> InstanceType {
    let types = resolve(Facts::builtin(), "us-east-1", class).unwrap();
    types.into_iter().find(|t| &*t.name == name).unwrap()
}

/// Memory in MiB, ephemeral storage in MB; without volumes, which no kubelet reports.
fn amounts(resources: &Resources) -> String {
    let Resources { cpu_milli, memory_bytes, ephemeral_bytes, pods, extended } = resources;
    let mut line = format!("{cpu_milli}m {} MiB ", memory_bytes >> 20);
    write!(line, "{} MB {pods} pods", ephemeral_bytes / 1_000_000).unwrap();
    for (name, count) in extended.iter().filter(|(name, _)| !is_attachable(name)) {
        write!(line, ", {count} {name}").unwrap();
    }
    line
}

fn check_allocatable(names: &[&str], class: &NodeClass, expected: &Expect) {
    let types = resolve(Facts::builtin(), "us-east-1", class).unwrap();
    let mut table = String::new();
    for name in names {
        let line = match types.iter().find(|t| t.name.as_str() == *name) {
            Some(found) => amounts(&found.allocatable),
            None => "-".into(),
        };
        writeln!(table, "{name:<14} {line}").unwrap();
    }
    expected.assert_eq(&table);
}

#[test]
fn allocatable_is_what_karpenter_computes_for_al2023() {
    check_allocatable(
        &[
            "m5.large",
            "t3.nano",
            "m7g.medium",
            "c3.4xlarge",
            "m5.metal",
            "i3.large",
            "g5.xlarge",
            "g6f.large",
            "p4d.24xlarge",
            "p5.48xlarge",
            "inf2.24xlarge",
            "trn1.32xlarge",
        ],
        &class(),
        &expect![[r#"
            m5.large       1930m 6903 MiB 18253 MB 29 pods, 9 vpc.amazonaws.com/pod-eni
            t3.nano        1930m 74 MiB 18253 MB 4 pods
            m7g.medium     940m 3286 MiB 18253 MB 8 pods, 4 vpc.amazonaws.com/pod-eni
            c3.4xlarge     15890m 25487 MiB 18253 MB 234 pods
            m5.metal       95690m 355262 MiB 18253 MB 737 pods, 120 vpc.amazonaws.com/pod-eni
            i3.large       1930m 13770 MiB 18253 MB 29 pods
            g5.xlarge      3920m 14162 MiB 18253 MB 58 pods, 1 nvidia.com/gpu, 4 vpc.amazonaws.com/pod-eni
            g6f.large      1930m 7002 MiB 18253 MB 20 pods, 10 vpc.amazonaws.com/pod-eni
            p4d.24xlarge   95690m 1082712 MiB 18253 MB 737 pods, 8 nvidia.com/gpu, 4 vpc.amazonaws.com/efa, 62 vpc.amazonaws.com/pod-eni
            p5.48xlarge    191450m 1938410 MiB 18253 MB 100 pods, 8 nvidia.com/gpu, 32 vpc.amazonaws.com/efa, 120 vpc.amazonaws.com/pod-eni
            inf2.24xlarge  95690m 355262 MiB 18253 MB 737 pods, 6 aws.amazon.com/neuron, 12 aws.amazon.com/neuroncore, 107 vpc.amazonaws.com/pod-eni
            trn1.32xlarge  127610m 481894 MiB 18253 MB 247 pods, 16 aws.amazon.com/neuron, 32 aws.amazon.com/neuroncore, 8 vpc.amazonaws.com/efa, 82 vpc.amazonaws.com/pod-eni
        "#]],
    );
}

/// The EBS volumes that nodes of these types can attach for pods.
fn volumes(class: &NodeClass, names: &[&str]) -> String {
    let of = |name: &&str| of_type(name, class).allocatable.get(&attachable(EBS_DRIVER));
    names.iter().map(|name| format!("{name} {}", of(name))).collect::<Vec<_>>().join(", ")
}

#[test]
fn nitro_instances_share_their_attachments_with_interfaces_disks_and_accelerators() {
    let plain = ["m5.large", "m5.24xlarge", "t3.nano", "c6g.medium", "m5.metal"];
    expect!["m5.large 25, m5.24xlarge 25, t3.nano 25, c6g.medium 25, m5.metal 25"]
        .assert_eq(&volumes(&class(), &plain));
    let disks = ["m5d.large", "m5d.24xlarge", "i4i.32xlarge", "i3en.24xlarge", "d3.8xlarge"];
    expect!["m5d.large 24, m5d.24xlarge 21, i4i.32xlarge 17, i3en.24xlarge 16, d3.8xlarge 1"]
        .assert_eq(&volumes(&class(), &disks));
    let accelerators = ["g4dn.12xlarge", "g5.48xlarge", "inf1.24xlarge", "p3dn.24xlarge"];
    expect!["g4dn.12xlarge 19, g5.48xlarge 7, inf1.24xlarge 9, p3dn.24xlarge 15"]
        .assert_eq(&volumes(&class(), &accelerators));
}

#[test]
fn newer_instances_have_a_limit_for_volumes_alone_that_goes_by_size() {
    let sizes = ["m7i.large", "m7i.12xlarge", "m7i.16xlarge", "m7i.24xlarge", "m7i.48xlarge"];
    expect!["m7i.large 31, m7i.12xlarge 31, m7i.16xlarge 47, m7i.24xlarge 63, m7i.48xlarge 127"]
        .assert_eq(&volumes(&class(), &sizes));
    let others = ["r7a.32xlarge", "c8g.medium", "m7i.metal-48xl", "p5.48xlarge", "m7g.large"];
    expect!["r7a.32xlarge 87, c8g.medium 31, m7i.metal-48xl 38, p5.48xlarge 63, m7g.large 25"]
        .assert_eq(&volumes(&class(), &others));
}

#[test]
fn xen_instances_have_a_limit_of_their_own() {
    expect!["m4.large 38, i3.16xlarge 38, t2.nano 38"]
        .assert_eq(&volumes(&class(), &["m4.large", "i3.16xlarge", "t2.nano"]));
}

#[test]
fn bottlerocket_starts_with_two_volumes() {
    let bottlerocket = NodeClass { ami_family: AmiFamily::Bottlerocket, ..class() };
    expect!["m5.large 24, m7i.large 30, m4.large 37"]
        .assert_eq(&volumes(&bottlerocket, &["m5.large", "m7i.large", "m4.large"]));
}

#[test]
fn every_node_can_attach_a_volume_and_none_more_than_ec2_allows() {
    for found in resolve(Facts::builtin(), "us-east-1", &class()).unwrap() {
        let volumes = found.allocatable.get(&attachable(EBS_DRIVER));
        assert!((1..128).contains(&volumes), "{}: {volumes}", found.name);
    }
}

#[test]
fn labels_are_those_of_karpenter() {
    let labels = of_type("m5.large", &class()).labels;
    let lines: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    expect![[r#"
        karpenter.k8s.aws/instance-capability-flex=false
        karpenter.k8s.aws/instance-category=m
        karpenter.k8s.aws/instance-cpu=2
        karpenter.k8s.aws/instance-cpu-manufacturer=intel
        karpenter.k8s.aws/instance-cpu-sustained-clock-speed-mhz=3100
        karpenter.k8s.aws/instance-ebs-bandwidth=4750
        karpenter.k8s.aws/instance-encryption-in-transit-supported=false
        karpenter.k8s.aws/instance-family=m5
        karpenter.k8s.aws/instance-generation=5
        karpenter.k8s.aws/instance-hypervisor=nitro
        karpenter.k8s.aws/instance-memory=8192
        karpenter.k8s.aws/instance-network-bandwidth=750
        karpenter.k8s.aws/instance-size=large
        kubernetes.io/arch=amd64
        kubernetes.io/os=linux
        node.kubernetes.io/instance-type=m5.large
        topology.kubernetes.io/region=us-east-1"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn a_label_is_there_when_its_fact_is_known() {
    let usual = of_type("m5.large", &class()).labels;
    let mut text = String::new();
    for name in
        ["m5.metal", "c3.4xlarge", "c7gd.xlarge", "g6f.large", "p4d.24xlarge", "inf1.24xlarge"]
    {
        let labels = of_type(name, &class()).labels;
        writeln!(text, "{name}").unwrap();
        for key in usual.keys().filter(|key| !labels.contains_key(*key)) {
            writeln!(text, "  no {key}").unwrap();
        }
        for (key, value) in labels.iter().filter(|(key, _)| !usual.contains_key(*key)) {
            writeln!(text, "  {key}={value}").unwrap();
        }
    }
    expect![[r#"
        m5.metal
          no karpenter.k8s.aws/instance-hypervisor
        c3.4xlarge
          no karpenter.k8s.aws/instance-ebs-bandwidth
          no karpenter.k8s.aws/instance-network-bandwidth
        c7gd.xlarge
          karpenter.k8s.aws/instance-local-nvme=237
        g6f.large
          karpenter.k8s.aws/instance-gpu-count=0
          karpenter.k8s.aws/instance-gpu-manufacturer=nvidia
          karpenter.k8s.aws/instance-gpu-memory=2861
          karpenter.k8s.aws/instance-gpu-name=l4
          karpenter.k8s.aws/instance-local-nvme=100
        p4d.24xlarge
          karpenter.k8s.aws/instance-gpu-count=8
          karpenter.k8s.aws/instance-gpu-manufacturer=nvidia
          karpenter.k8s.aws/instance-gpu-memory=40960
          karpenter.k8s.aws/instance-gpu-name=a100
          karpenter.k8s.aws/instance-local-nvme=8000
        inf1.24xlarge
          karpenter.k8s.aws/instance-accelerator-count=16
          karpenter.k8s.aws/instance-accelerator-manufacturer=aws
          karpenter.k8s.aws/instance-accelerator-name=inferentia
    "#]]
    .assert_eq(&text);
}

#[test]
fn every_label_is_well_known() {
    let mut class = class();
    class.ami_family = AmiFamily::Windows2022;
    for found in resolve(Facts::builtin(), "us-east-1", &class).unwrap() {
        for key in found.labels.keys() {
            assert!(model::labels::is_well_known(key), "{key}");
            assert!(!key.contains("karpenter.k8s.aws") || AWS_INSTANCE_LABELS.contains(&&**key));
        }
    }
}

#[test]
fn offerings_are_priced_by_zone_and_capacity_type() {
    let mut class = class();
    class.subnets = vec![
        subnet("us-east-1c", None),
        subnet("us-east-1a", Some("use1-az4")),
        subnet("us-east-1z", None),
    ];
    let mut text = String::new();
    for offering in of_type("m5.large", &class).offerings {
        let zone_id = offering.zone_id.as_deref().unwrap_or("-");
        let (zone, capacity_type) = (offering.zone, offering.capacity_type);
        writeln!(text, "{zone} {zone_id} {capacity_type} {}", offering.price).unwrap();
    }
    expect![[r#"
        us-east-1a use1-az4 spot $0.0312
        us-east-1a use1-az4 on-demand $0.0960
        us-east-1c - spot $0.0305
        us-east-1c - on-demand $0.0960
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_type_that_is_not_sold_on_the_spot_market_has_no_such_offering() {
    let offerings = of_type("t2.nano", &class()).offerings;
    assert!(offerings.iter().all(|offering| offering.capacity_type == CapacityType::OnDemand));
    assert!(!offerings.is_empty());
}

#[test]
fn kubelet_settings_replace_the_defaults_one_by_one() {
    let mut class = class();
    class.kubelet = Kubelet {
        max_pods: Some(20),
        pods_per_core: Some(8),
        kube_reserved: [("cpu".into(), 200), ("pid".into(), 1000)].into(),
        system_reserved: [("memory".into(), GIB)].into(),
        eviction_memory: Some(Threshold::BasisPoints(500)),
        eviction_nodefs: Some(Threshold::Bytes(5_000_000_000)),
    };
    check_allocatable(
        &["m5.large", "m5.xlarge"],
        &class,
        &expect![[r#"
            m5.large       1800m 5600 MiB 15401 MB 16 pods, 9 vpc.amazonaws.com/pod-eni
            m5.xlarge      3800m 12480 MiB 15401 MB 20 pods, 18 vpc.amazonaws.com/pod-eni
        "#]],
    );
}

#[test]
fn reserving_more_than_there_is_leaves_nothing() {
    let mut class = class();
    class.kubelet.kube_reserved = [("memory".into(), i64::MAX)].into();
    class.kubelet.system_reserved = [("memory".into(), i64::MAX), ("cpu".into(), 5_000)].into();
    check_allocatable(
        &["m5.large"],
        &class,
        &expect![[r#"
        m5.large       0m 0 MiB 18253 MB 29 pods, 9 vpc.amazonaws.com/pod-eni
    "#]],
    );
}

#[test]
fn bottlerocket_ignores_pods_per_core_and_reserves_by_the_nodes_own_limit() {
    let mut class = class();
    class.ami_family = AmiFamily::Bottlerocket;
    class.kubelet.pods_per_core = Some(1);
    class.kubelet.max_pods = Some(10);
    check_allocatable(
        &["m5.large"],
        &class,
        &expect![[r#"
            m5.large       1930m 7112 MiB 18253 MB 10 pods, 9 vpc.amazonaws.com/pod-eni
        "#]],
    );
}

#[test]
fn prefixes_make_room_for_more_pods_on_nitro_alone() {
    let mut class = class();
    class.ip_prefix_count = 1;
    let names = ["t3.nano", "m5.large", "m5.8xlarge", "i3.large"];
    check_allocatable(
        &names,
        &class,
        &expect![[r#"
            t3.nano        1930m 74 MiB 18253 MB 34 pods
            m5.large       1930m 6903 MiB 18253 MB 110 pods, 9 vpc.amazonaws.com/pod-eni
            m5.8xlarge     31850m 118312 MiB 18253 MB 250 pods, 54 vpc.amazonaws.com/pod-eni
            i3.large       1930m 13770 MiB 18253 MB 29 pods
        "#]],
    );
}

#[test]
fn local_disks_hold_ephemeral_storage_where_there_are_any() {
    let mut class = class();
    class.instance_store_raid0 = true;
    class.root_volume_bytes = Some(100_000_000_000);
    check_allocatable(
        &["i3.large", "m5.large", "c1.medium"],
        &class,
        &expect![[r#"
            i3.large       1930m 13770 MiB 426426 MB 29 pods
            m5.large       1930m 6903 MiB 88926 MB 29 pods, 9 vpc.amazonaws.com/pod-eni
            c1.medium      1930m 1122 MiB 88926 MB 12 pods
        "#]],
    );
}

#[test]
fn windows_runs_on_amd64_alone() {
    let mut class = class();
    class.ami_family = AmiFamily::Windows2022;
    check_allocatable(
        &["m5.large", "m7g.large"],
        &class,
        &expect![[r#"
            m5.large       1930m 6012 MiB 47244 MB 110 pods, 9 vpc.amazonaws.com/PrivateIPv4Address, 9 vpc.amazonaws.com/pod-eni
            m7g.large      -
        "#]],
    );
    let labels = of_type("m5.large", &class).labels;
    assert_eq!(&*labels["kubernetes.io/os"], "windows");
    assert_eq!(&*labels["node.kubernetes.io/windows-build"], "10.0.20348");
}

#[test]
fn the_memory_that_a_node_had_counts_for_the_next_of_its_type_and_image() {
    let image =
        |id: &str, arch: &str| model::node_class::Image { id: id.into(), arch: arch.into() };
    let class =
        NodeClass { images: vec![image("ami-1", "amd64"), image("ami-2", "arm64")], ..class() };
    let memory = |name: &str, image: &str, bytes: i64| {
        let learned = Learned::from([(name.into(), [(image.into(), bytes)].into())]);
        let settings = Settings::default();
        let types =
            resolve_with(Facts::builtin(), "us-east-1", &class, settings, &learned).unwrap();
        let found = types.into_iter().find(|t| &*t.name == name).unwrap();
        let kept = found.capacity.memory_bytes - found.allocatable.memory_bytes;
        (found.capacity.memory_bytes, kept)
    };
    let expected = memory("m5.large", "ami-2", 8_000_000_000);
    assert_eq!(expected, (7_577 << 20, 674 << 20));
    assert_eq!(memory("m5.large", "ami-1", 8_000_000_000), (8_000_000_000, 674 << 20));
    // More than there can be, or nothing at all, is not believed.
    assert_eq!(memory("m5.large", "ami-1", (8_192 << 20) + 1), expected);
    assert_eq!(memory("m5.large", "ami-1", 0), expected);
    assert_eq!(memory("m7g.large", "ami-2", 8_000_000_000).0, 8_000_000_000);
}

#[test]
fn settings_of_the_cluster_change_memory_and_pods() {
    let settings = Settings { vm_memory_overhead_ppm: 100_000, reserved_enis: 1 };
    let types =
        resolve_with(Facts::builtin(), "us-east-1", &class(), settings, &Learned::new()).unwrap();
    let found = types.iter().find(|t| &*t.name == "m5.large").unwrap();
    expect!["2000m 7372 MiB 21474 MB 20 pods, 9 vpc.amazonaws.com/pod-eni"]
        .assert_eq(&amounts(&found.capacity));
}

#[test]
fn an_unknown_region_is_answered_with_the_known_ones() {
    let error = resolve(Facts::builtin(), "eu-north-1", &class()).unwrap_err();
    expect![[r#"region "eu-north-1" is not in the catalogue, which knows eu-west-1, us-east-1, us-west-2"#]].assert_eq(&error.to_string());
    assert!(default_zones("").is_err());
}

#[test]
fn a_cluster_spans_three_zones_unless_told_otherwise() {
    let zones = default_zones("us-east-1").unwrap();
    assert_eq!(
        zones.iter().map(|zone| &**zone).collect::<Vec<_>>(),
        ["us-east-1a", "us-east-1b", "us-east-1c"]
    );
    for region in Facts::builtin().regions() {
        assert_eq!(default_zones(region).unwrap().len(), 3);
    }
    assert_eq!(Facts::builtin().types().count(), 1340);
}

fn family() -> impl Strategy<Value = AmiFamily> {
    proptest::sample::select(vec![
        AmiFamily::AL2,
        AmiFamily::AL2023,
        AmiFamily::Bottlerocket,
        AmiFamily::Windows2019,
        AmiFamily::Custom,
    ])
}

fn threshold() -> impl Strategy<Value = Option<Threshold>> {
    proptest::option::of(prop_oneof![
        (0..8 * GIB).prop_map(Threshold::Bytes),
        (0_i64..=10_000).prop_map(Threshold::BasisPoints),
    ])
}

prop_compose! {
    fn any_kubelet()(
        max_pods in proptest::option::of(0_u32..1000),
        pods_per_core in proptest::option::of(0_u32..20),
        cpu in 0_i64..10_000,
        memory in 0_i64..16 * GIB,
        eviction_memory in threshold(),
        eviction_nodefs in threshold(),
    ) -> Kubelet {
        Kubelet {
            max_pods,
            pods_per_core,
            kube_reserved: [("cpu".into(), cpu)].into(),
            system_reserved: [("memory".into(), memory)].into(),
            eviction_memory,
            eviction_nodefs,
        }
    }
}

prop_compose! {
    fn any_class()(
        ami_family in family(),
        kubelet in any_kubelet(),
        root_volume_bytes in proptest::option::of(GIB..1000 * GIB),
        instance_store_raid0: bool,
        ip_prefix_count in 0_u32..3,
        letters in proptest::sample::subsequence(vec!["a", "b", "c", "d", "e", "f"], 0..=6),
    ) -> NodeClass {
        let subnets = letters.iter().map(|letter| subnet(&format!("us-east-1{letter}"), None));
        let subnets = subnets.collect();
        NodeClass {
            ami_family, kubelet, root_volume_bytes, instance_store_raid0, ip_prefix_count, subnets,
            ..class()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_the_class_says_the_types_make_sense(class in any_class()) {
        let types = resolve(Facts::builtin(), "us-east-1", &class).unwrap();
        prop_assert!(types.is_sorted_by(|a, b| a.name < b.name));
        for found in &types {
            prop_assert!(found.allocatable.fits(&found.capacity), "{}", found.name);
            prop_assert!(found.allocatable.iter().all(|(_, units)| 0 <= units));
            prop_assert!(!found.offerings.is_empty());
            let key = |o: &model::instance_type::Offering| (o.zone.clone(), o.capacity_type);
            prop_assert!(found.offerings.is_sorted_by(|a, b| key(a) < key(b)));
            for offering in &found.offerings {
                let has_subnet = class.subnets.iter().any(|subnet| subnet.zone == offering.zone);
                prop_assert!(class.subnets.is_empty() || has_subnet);
                prop_assert!(0 < offering.price.micro_dollars());
            }
        }
    }
}

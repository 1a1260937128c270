//! Calls to `RunInstances`, whole.

use expect_test::expect;
use launch::bootstrap::Cluster;
use launch::request::{Error, Request, Site, request};
use model::action::RunInstances;
use model::instance_type::{CapacityType, OfferingKey};
use model::labels::Labels;
use model::node_class::status::{ClassStatus, Reservation, SecurityGroup};
use model::node_class::template::{
    BlockDevice, ConnectionTracking, CpuOptions, Ebs, InterfaceType, NetworkInterface, Template,
    UserData,
};
use model::node_class::terms::PlacementGroupTerm;
use model::node_class::{AmiFamily, NodeClass};
use model::outcome::Outcome;
use std::sync::Arc;

fn site() -> Site {
    Site {
        cluster: Cluster {
            name: "prod".into(),
            endpoint: "https://api.example".into(),
            certificate_authority: "Y2E=".into(),
            service_cidr: "10.100.0.0/16".into(),
        },
        cluster_uid: "cluster-1".into(),
    }
}

fn labels(of: &[(&str, &str)]) -> Labels {
    of.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn run(capacity_type: CapacityType) -> RunInstances {
    RunInstances {
        token: "joiner-1".into(),
        count: 2,
        offering: OfferingKey {
            instance_type: "m5.large".into(),
            zone: "us-east-1a".into(),
            capacity_type,
        },
        subnet: "subnet-1".into(),
        image: "ami-1".into(),
        pool: Some("default".into()),
        node_class: "linux".into(),
        claim: None,
        labels: labels(&[("karpenter.sh/nodepool", "default")]),
        taints: Vec::new(),
    }
}

fn status() -> ClassStatus {
    let group = |id: &str| SecurityGroup { id: id.into(), name: None };
    ClassStatus {
        instance_profile: Some("nodes".into()),
        security_groups: vec![group("sg-1"), group("sg-2")],
        ..ClassStatus::default()
    }
}

fn template() -> Template {
    Template { status: status(), ..Template::default() }
}

fn class(ami_family: AmiFamily, template: Template) -> NodeClass {
    NodeClass {
        name: "linux".into(),
        uid: "class-1".into(),
        deleting: false,
        ready: true,
        ami_family,
        kubelet: model::node_class::Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: Vec::new(),
        images: Vec::new(),
        template: Arc::new(template),
    }
}

fn of(run: &RunInstances, class: &NodeClass) -> Result<Request, Error> {
    request(run, class, &site(), Some(29))
}

/// A field a line.
fn lines(request: &Request) -> String {
    let mut text = String::new();
    for line in format!("{request:#?}").lines() {
        let is_field = line.starts_with("    ") && line[4..].starts_with(char::is_alphabetic);
        text.push_str(if is_field { "\n" } else { " " });
        text.push_str(line.trim());
    }
    text
}

#[test]
fn a_plain_class_makes_a_plain_request() {
    let class = class(AmiFamily::AL2023, template());
    let request = of(&run(CapacityType::Spot), &class).unwrap();
    expect![[r#"
         Request {
        token: "joiner-1",
        count: 2,
        instance_type: "m5.large",
        image: "ami-1",
        instance_profile: "nodes",
        user_data: <587 bytes of user data>,
        devices: [ Device { name: "/dev/xvda", size_gib: Some( 20, ), ebs: Ebs { delete_on_termination: Some( true, ), encrypted: Some( true, ), iops: None, kms_key_id: None, snapshot_id: None, throughput: None, volume_initialization_rate: None, volume_size: None, volume_type: Some( "gp3", ), }, }, ],
        metadata: MetadataOptions { http_endpoint: "enabled", http_protocol_ipv6: "disabled", http_put_response_hop_limit: 1, http_tokens: "required", },
        interfaces: [ Interface { place: NetworkInterface { network_card_index: 0, device_index: 0, interface_type: Interface, }, subnet: "subnet-1", security_groups: [ "sg-1", "sg-2", ], public_address: None, ipv4_prefixes: None, ipv6: false, tracking: None, }, ],
        market: Spot,
        placement_group: None,
        tenancy: None,
        nested_virtualization: None,
        detailed_monitoring: None,
        tags: { "eks:eks-cluster-name": "prod", "joiner.sh/cluster-uid": "cluster-1", "karpenter.k8s.aws/ec2nodeclass": "linux", "karpenter.sh/nodepool": "default", "kubernetes.io/cluster/prod": "owned", }, }"#]].assert_eq(&lines(&request));
}

#[test]
fn everything_that_a_class_says_is_asked_for() {
    let device = BlockDevice {
        device_name: Some("/dev/xvda".into()),
        root_volume: true,
        ebs: Ebs {
            encrypted: Some(true),
            iops: Some(3_000),
            kms_key_id: Some("key-1".into()),
            throughput: Some(125),
            volume_size: Some("100G".into()),
            volume_type: Some("gp3".into()),
            ..Ebs::default()
        },
    };
    let place = |network_card_index, device_index, interface_type| NetworkInterface {
        network_card_index,
        device_index,
        interface_type,
    };
    let template = Template {
        user_data: UserData::new("#!/bin/sh\necho hunter2\n"),
        tags: labels(&[("team", "a"), ("karpenter.sh/nodepool", "not this")]),
        block_device_mappings: vec![device],
        associate_public_ip_address: Some(false),
        network_interfaces: vec![
            place(1, 1, InterfaceType::EfaOnly),
            place(0, 0, InterfaceType::Interface),
        ],
        connection_tracking: Some(ConnectionTracking {
            tcp_established_timeout: Some(300),
            ..ConnectionTracking::default()
        }),
        cpu_options: Some(CpuOptions { nested_virtualization: Some("enabled".into()) }),
        detailed_monitoring: Some(true),
        placement_group_selector: Some(PlacementGroupTerm { id: Some("pg-1".into()), name: None }),
        ..template()
    };
    let class = NodeClass { ip_prefix_count: 2, ..class(AmiFamily::AL2023, template) };
    let mut run = run(CapacityType::OnDemand);
    run.count = 1;
    run.claim = Some("default-x".into());
    run.labels.insert("karpenter.k8s.aws/instance-tenancy".into(), "dedicated".into());
    let text = lines(&of(&run, &class).unwrap());
    assert!(!text.contains("hunter2"));
    expect![[r#"
         Request {
        token: "joiner-1",
        count: 1,
        instance_type: "m5.large",
        image: "ami-1",
        instance_profile: "nodes",
        user_data: <714 bytes of user data>,
        devices: [ Device { name: "/dev/xvda", size_gib: Some( 94, ), ebs: Ebs { delete_on_termination: Some( true, ), encrypted: Some( true, ), iops: Some( 3000, ), kms_key_id: Some( "key-1", ), snapshot_id: None, throughput: Some( 125, ), volume_initialization_rate: None, volume_size: Some( "100G", ), volume_type: Some( "gp3", ), }, }, ],
        metadata: MetadataOptions { http_endpoint: "enabled", http_protocol_ipv6: "disabled", http_put_response_hop_limit: 1, http_tokens: "required", },
        interfaces: [ Interface { place: NetworkInterface { network_card_index: 0, device_index: 0, interface_type: Interface, }, subnet: "subnet-1", security_groups: [ "sg-1", "sg-2", ], public_address: None, ipv4_prefixes: Some( 2, ), ipv6: false, tracking: Some( ConnectionTracking { tcp_established_timeout: Some( 300, ), udp_stream_timeout: None, udp_timeout: None, }, ), }, Interface { place: NetworkInterface { network_card_index: 1, device_index: 1, interface_type: EfaOnly, }, subnet: "subnet-1", security_groups: [ "sg-1", "sg-2", ], public_address: None, ipv4_prefixes: None, ipv6: false, tracking: Some( ConnectionTracking { tcp_established_timeout: Some( 300, ), udp_stream_timeout: None, udp_timeout: None, }, ), }, ],
        market: OnDemand,
        placement_group: Some( PlacementGroupTerm { id: Some( "pg-1", ), name: None, }, ),
        tenancy: Some( "dedicated", ),
        nested_virtualization: Some( "enabled", ),
        detailed_monitoring: Some( true, ),
        tags: { "eks:eks-cluster-name": "prod", "joiner.sh/cluster-uid": "cluster-1", "karpenter.k8s.aws/ec2nodeclass": "linux", "karpenter.sh/nodeclaim": "default-x", "karpenter.sh/nodepool": "default", "kubernetes.io/cluster/prod": "owned", "team": "a", }, }"#]].assert_eq(&text);
}

#[test]
fn the_same_action_under_the_same_class_makes_the_same_request() {
    let class = class(AmiFamily::Bottlerocket, template());
    let run = run(CapacityType::Spot);
    assert_eq!(of(&run, &class), of(&run.clone(), &class.clone()));
}

#[test]
fn a_public_address_is_asked_for_where_there_is_one_interface() {
    let with = Template { associate_public_ip_address: Some(true), ..template() };
    let request = of(&run(CapacityType::Spot), &class(AmiFamily::AL2023, with)).unwrap();
    assert_eq!(request.interfaces[0].public_address, Some(true));
}

#[test]
fn volumes_are_as_large_as_was_asked_for_at_least() {
    let size = |text: &str| {
        let ebs = Ebs { volume_size: Some(text.into()), ..Ebs::default() };
        let device = BlockDevice { device_name: Some("d".into()), ebs, root_volume: false };
        let template = Template { block_device_mappings: vec![device], ..template() };
        let request = of(&run(CapacityType::Spot), &class(AmiFamily::Custom, template));
        request.map(|request| request.devices[0].size_gib.unwrap())
    };
    assert_eq!(size("20Gi"), Ok(20));
    assert_eq!(size("20G"), Ok(19));
    assert_eq!(size("1Ti"), Ok(1024));
    assert_eq!(size("64T"), Ok(59_605));
    assert!(size("lots").is_err());
}

#[test]
fn each_family_has_its_usual_volumes() {
    let sizes = |family| {
        let request = of(&run(CapacityType::Spot), &class(family, template())).unwrap();
        let device = |device: &launch::request::Device| {
            format!("{} {}", device.name, device.size_gib.unwrap())
        };
        request.devices.iter().map(device).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(sizes(AmiFamily::AL2), "/dev/xvda 20");
    assert_eq!(sizes(AmiFamily::Bottlerocket), "/dev/xvda 4, /dev/xvdb 20");
    assert_eq!(sizes(AmiFamily::Windows2025), "/dev/sda1 50");
    assert_eq!(sizes(AmiFamily::Custom), "");
}

#[test]
fn reserved_capacity_names_its_reservation() {
    let reservation = |id: &str, kind: &str, state: &str| Reservation {
        id: id.into(),
        instance_type: "m5.large".into(),
        availability_zone: "us-east-1a".into(),
        owner_id: "123456789012".into(),
        instance_match_criteria: "targeted".into(),
        reservation_type: Some(kind.into()),
        state: Some(state.into()),
        end_time: None,
        interruptible: false,
    };
    let market = |reservations: Vec<Reservation>| {
        let status = ClassStatus { capacity_reservations: reservations, ..status() };
        let template = Template { status, ..template() };
        let request = of(&run(CapacityType::Reserved), &class(AmiFamily::AL2023, template));
        request.map(|request| format!("{:?}", request.market))
    };
    let usual = reservation("cr-2", "default", "active");
    let block = reservation("cr-1", "capacity-block", "active");
    let ends = reservation("cr-0", "default", "expiring");
    assert_eq!(market(vec![usual.clone(), ends.clone()]).unwrap(), "Reservation(\"cr-2\")");
    assert_eq!(market(vec![usual, block]).unwrap(), "CapacityBlock(\"cr-1\")");
    let none = market(vec![ends]).unwrap_err();
    assert_eq!(none.outcome(), Outcome::Unavailable { code: "ReservationCapacityExceeded".into() });
}

#[test]
fn what_cannot_be_launched_from_is_said_before_ec2_is_asked() {
    let outcome = |family, template| match of(&run(CapacityType::Spot), &class(family, template))
        .unwrap_err()
        .outcome()
    {
        Outcome::Denied { code, message } => format!("{code}: {message}\n"),
        other => format!("{other:?}\n"),
    };
    let text = [
        outcome(
            AmiFamily::AL2023,
            Template { status: ClassStatus { instance_profile: None, ..status() }, ..template() },
        ),
        outcome(
            AmiFamily::AL2023,
            Template { status: ClassStatus { security_groups: vec![], ..status() }, ..template() },
        ),
        outcome(
            AmiFamily::Custom,
            Template { user_data: UserData::new("x".repeat(20_000)), ..template() },
        ),
        outcome(AmiFamily::AL2023, Template { user_data: UserData::new("hunter2"), ..template() }),
    ];
    expect![[r#"
        InstanceProfileNameInvalid: EC2NodeClass linux has no instance profile in its status
        NodeClassReadinessUnknown: EC2NodeClass linux has no security groups in its status
        UserDataSizeLimitExceeded: EC2NodeClass linux: user data of 20000 bytes: EC2 takes 16384
        LaunchFailed: EC2NodeClass linux: spec.userData: expected a MIME archive, a script with #! or a NodeConfig
    "#]].assert_eq(&text.concat());
}

//! Selector terms to questions, answers to a status.

use expect_test::{Expect, expect};
use jiff::Timestamp;
use launch::bootstrap::Cluster;
use launch::lookup::{self, Lookup};
use launch::resolve::{Context, Found, FoundImage, resolve};
use model::labels::Labels;
use model::name::Text;
use model::node_class::status::{
    ClassCondition, ClassStatus, FoundSubnet, Reservation, SecurityGroup,
};
use model::node_class::template::{Template, UserData};
use model::node_class::terms::{ImageTerm, PlacementGroupTerm, ReservationTerm, Term};
use model::node_class::{AmiFamily, Kubelet, NodeClass};
use std::collections::BTreeMap;
use std::sync::Arc;

fn tags(of: &[(&str, &str)]) -> Labels {
    of.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn lines(lookups: &[Lookup]) -> String {
    let line = |lookup: &Lookup| {
        let Lookup { owners, ids, filters } = lookup;
        let filters: Vec<String> =
            filters.iter().map(|(name, values)| format!("{name}={}", values.join("|"))).collect();
        format!("owners [{}] ids [{}] {}\n", owners.join(" "), ids.join(" "), filters.join(" & "))
    };
    lookups.iter().map(line).collect()
}

#[test]
fn ids_are_asked_for_together_and_sets_of_tags_apart() {
    let id = |id: &str| Term { id: Some(id.into()), ..Term::default() };
    let tagged = |of| Term { tags: tags(of), ..Term::default() };
    let name = Term { name: Some("nodes".into()), ..Term::default() };
    let terms = [id("x-1"), tagged(&[("a", "1"), ("b", "*")]), id("x-2"), tagged(&[("c", "2")])];
    expect![[r#"
        owners [] ids [] subnet-id=x-1|x-2
        owners [] ids [] tag:a=1 & tag-key=b
        owners [] ids [] tag:c=2
    "#]]
    .assert_eq(&lines(&lookup::subnets(&terms)));
    expect![[r#"
        owners [] ids [] group-id=sg-1
        owners [] ids [] group-name=nodes
    "#]]
    .assert_eq(&lines(&lookup::security_groups(&[id("sg-1"), name])));
}

#[test]
fn images_of_strangers_are_not_found_by_accident() {
    let terms = [
        ImageTerm { id: Some("ami-2".into()), ..ImageTerm::default() },
        ImageTerm { name: Some("mine-*".into()), ..ImageTerm::default() },
        ImageTerm {
            tags: tags(&[("a", "1")]),
            owner: Some("123456789012".into()),
            ..ImageTerm::default()
        },
    ];
    expect![[r#"
        owners [] ids [] image-id=ami-1|ami-2 & state=available
        owners [self amazon] ids [] name=mine-* & state=available
        owners [123456789012] ids [] tag:a=1 & state=available
    "#]]
    .assert_eq(&lines(&lookup::images(&terms, &["ami-1".into(), "ami-2".into()])));
}

#[test]
fn reservations_and_placement_groups_are_found_by_what_they_are() {
    let terms = [
        ReservationTerm { id: Some("cr-1".into()), ..ReservationTerm::default() },
        ReservationTerm {
            owner_id: Some("123456789012".into()),
            instance_match_criteria: Some("targeted".into()),
            tags: tags(&[("a", "*")]),
            ..ReservationTerm::default()
        },
    ];
    expect![[r#"
        owners [] ids [cr-1] state=active
        owners [] ids [] instance-match-criteria=targeted & owner-id=123456789012 & tag-key=a & state=active
    "#]].assert_eq(&lines(&lookup::reservations(&terms)));
    let group = PlacementGroupTerm { name: Some("g".into()), ..PlacementGroupTerm::default() };
    expect![[r#"
        owners [] ids [] group-name=g
    "#]]
    .assert_eq(&lines(&[lookup::placement_group(&group)]));
}

fn shown(parameter: &lookup::Parameter) -> String {
    let needs = parameter.requirements.iter();
    let needs: Vec<String> = needs.map(|r| format!(" {} {}", r.key, r.operator)).collect();
    format!("{}{}\n", parameter.name, needs.concat())
}

#[expect(clippy::needless_pass_by_value, reason = "expected texts stand in the call")]
fn check_alias(alias: &str, version: &str, expected: Expect) {
    let term = ImageTerm { alias: Some(alias.into()), ..ImageTerm::default() };
    let text = match lookup::parameters(&[term], version) {
        Ok(parameters) => parameters.iter().map(shown).collect(),
        Err(error) => format!("error: {error}\n"),
    };
    expected.assert_eq(&text);
}

#[test]
fn an_alias_means_what_aws_publishes() {
    check_alias(
        "al2023@latest",
        "1.34",
        expect![[r#"
        /aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended/image_id karpenter.k8s.aws/instance-accelerator-count DoesNotExist karpenter.k8s.aws/instance-gpu-count DoesNotExist
        /aws/service/eks/optimized-ami/1.34/amazon-linux-2023/arm64/standard/recommended/image_id karpenter.k8s.aws/instance-accelerator-count DoesNotExist karpenter.k8s.aws/instance-gpu-count DoesNotExist
        /aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/nvidia/recommended/image_id karpenter.k8s.aws/instance-gpu-count Exists
        /aws/service/eks/optimized-ami/1.34/amazon-linux-2023/arm64/nvidia/recommended/image_id karpenter.k8s.aws/instance-gpu-count Exists
        /aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/neuron/recommended/image_id karpenter.k8s.aws/instance-accelerator-count Exists
    "#]],
    );
    check_alias(
        "al2023@v20240807",
        "1.30",
        expect![[r#"
        /aws/service/eks/optimized-ami/1.30/amazon-linux-2023/x86_64/standard/amazon-eks-node-al2023-x86_64-standard-1.30-v20240807/image_id karpenter.k8s.aws/instance-accelerator-count DoesNotExist karpenter.k8s.aws/instance-gpu-count DoesNotExist
        /aws/service/eks/optimized-ami/1.30/amazon-linux-2023/arm64/standard/amazon-eks-node-al2023-arm64-standard-1.30-v20240807/image_id karpenter.k8s.aws/instance-accelerator-count DoesNotExist karpenter.k8s.aws/instance-gpu-count DoesNotExist
        /aws/service/eks/optimized-ami/1.30/amazon-linux-2023/x86_64/nvidia/amazon-eks-node-al2023-x86_64-nvidia-1.30-v20240807/image_id karpenter.k8s.aws/instance-gpu-count Exists
        /aws/service/eks/optimized-ami/1.30/amazon-linux-2023/arm64/nvidia/amazon-eks-node-al2023-arm64-nvidia-1.30-v20240807/image_id karpenter.k8s.aws/instance-gpu-count Exists
        /aws/service/eks/optimized-ami/1.30/amazon-linux-2023/x86_64/neuron/amazon-eks-node-al2023-x86_64-neuron-1.30-v20240807/image_id karpenter.k8s.aws/instance-accelerator-count Exists
    "#]],
    );
    check_alias(
        "al2@latest",
        "1.32",
        expect![[r#"
        /aws/service/eks/optimized-ami/1.32/amazon-linux-2/recommended/image_id karpenter.k8s.aws/instance-accelerator-count DoesNotExist karpenter.k8s.aws/instance-gpu-count DoesNotExist
        /aws/service/eks/optimized-ami/1.32/amazon-linux-2-arm64/recommended/image_id karpenter.k8s.aws/instance-accelerator-count DoesNotExist karpenter.k8s.aws/instance-gpu-count DoesNotExist
        /aws/service/eks/optimized-ami/1.32/amazon-linux-2-gpu/recommended/image_id karpenter.k8s.aws/instance-gpu-count Exists
        /aws/service/eks/optimized-ami/1.32/amazon-linux-2-gpu/recommended/image_id karpenter.k8s.aws/instance-accelerator-count Exists
    "#]],
    );
    check_alias(
        "al2@v20240807",
        "1.30",
        expect![[r#"
        /aws/service/eks/optimized-ami/1.30/amazon-linux-2/amazon-eks-node-1.30-v20240807/image_id karpenter.k8s.aws/instance-accelerator-count DoesNotExist karpenter.k8s.aws/instance-gpu-count DoesNotExist
        /aws/service/eks/optimized-ami/1.30/amazon-linux-2-arm64/amazon-eks-arm64-node-1.30-v20240807/image_id karpenter.k8s.aws/instance-accelerator-count DoesNotExist karpenter.k8s.aws/instance-gpu-count DoesNotExist
        /aws/service/eks/optimized-ami/1.30/amazon-linux-2-gpu/amazon-eks-gpu-node-1.30-v20240807/image_id karpenter.k8s.aws/instance-gpu-count Exists
        /aws/service/eks/optimized-ami/1.30/amazon-linux-2-gpu/amazon-eks-gpu-node-1.30-v20240807/image_id karpenter.k8s.aws/instance-accelerator-count Exists
    "#]],
    );
    check_alias(
        "bottlerocket@v1.20.0",
        "1.30",
        expect![[r#"
        /aws/service/bottlerocket/aws-k8s-1.30/x86_64/1.20.0/image_id karpenter.k8s.aws/instance-accelerator-count DoesNotExist karpenter.k8s.aws/instance-gpu-count DoesNotExist
        /aws/service/bottlerocket/aws-k8s-1.30/arm64/1.20.0/image_id karpenter.k8s.aws/instance-accelerator-count DoesNotExist karpenter.k8s.aws/instance-gpu-count DoesNotExist
        /aws/service/bottlerocket/aws-k8s-1.30-nvidia/x86_64/1.20.0/image_id karpenter.k8s.aws/instance-gpu-count Exists
        /aws/service/bottlerocket/aws-k8s-1.30-nvidia/arm64/1.20.0/image_id karpenter.k8s.aws/instance-gpu-count Exists
    "#]],
    );
    check_alias(
        "windows2022@latest",
        "1.30",
        expect![[r#"
        /aws/service/ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-1.30/image_id
    "#]],
    );
}

#[test]
fn an_alias_that_aws_does_not_publish_is_said() {
    check_alias(
        "al2@latest",
        "1.33",
        expect![[r#"
        error: the alias al2@latest is not published for Kubernetes 1.33
    "#]],
    );
    check_alias(
        "windows2025@latest",
        "1.34",
        expect![[r#"
        error: the alias windows2025@latest is not published for Kubernetes 1.34
    "#]],
    );
    check_alias(
        "windows2025@latest",
        "1.35",
        expect![[r#"
        /aws/service/ami-windows-latest/Windows_Server-2025-English-Core-EKS_Optimized-1.35/image_id
    "#]],
    );
}

#[test]
fn a_parameter_of_ones_own_is_read() {
    let term = ImageTerm { ssm_parameter: Some("/mine".into()), ..ImageTerm::default() };
    let parameters = lookup::parameters(&[term], "1.34").unwrap();
    assert_eq!(parameters.len(), 1);
    assert_eq!(&*parameters[0].name, "/mine");
}

fn cluster() -> Cluster {
    Cluster {
        name: "prod".into(),
        endpoint: "https://api.example".into(),
        certificate_authority: "Y2E=".into(),
        service_cidr: "10.100.0.0/16".into(),
    }
}

fn class(template: Template) -> NodeClass {
    NodeClass {
        name: "linux".into(),
        uid: "class-1".into(),
        deleting: false,
        ready: false,
        ami_family: AmiFamily::AL2023,
        kubelet: Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: Vec::new(),
        images: Vec::new(),
        template: Arc::new(Template { generation: 3, ..template }),
    }
}

fn image(id: &str, architecture: &str, created: &str, deprecated_at: Option<&str>) -> FoundImage {
    FoundImage {
        id: id.into(),
        name: Some(format!("image {id}").into()),
        architecture: architecture.into(),
        created: created.into(),
        deprecated_at: deprecated_at.map(|at| at.parse().expect("a time")),
    }
}

fn found() -> Found {
    let subnet =
        |id: &str, zone: &str| FoundSubnet { id: id.into(), zone: zone.into(), zone_id: None };
    let group = |id: &str| SecurityGroup { id: id.into(), name: Some("nodes".into()) };
    Found {
        subnets: vec![subnet("subnet-2", "us-east-1b"), subnet("subnet-1", "us-east-1a")],
        security_groups: vec![group("sg-2"), group("sg-1"), group("sg-2")],
        images: vec![image("ami-1", "x86_64", "2026-01-01T00:00:00.000Z", None)],
        ..Found::default()
    }
}

fn status(template: Template, found: Found) -> ClassStatus {
    let profiles = BTreeMap::from([("nodes".into(), "joiner-nodes".into())]);
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().expect("a time");
    resolve(&class(template), found, &Context { cluster: &cluster(), profiles: &profiles, now })
}

fn with_role() -> Template {
    Template { role: Some("nodes".into()), ..Template::default() }
}

fn conditions(template: Template, found: Found) -> String {
    let of = status(template, found).conditions;
    let not_true = of.iter().filter(|c| c.status != model::condition::Status::True);
    let line =
        |c: &ClassCondition| format!("{} {:?} {}: {}\n", c.kind, c.status, c.reason, c.message);
    not_true.map(line).collect()
}

#[test]
fn what_is_found_becomes_the_status() {
    let ClassStatus { conditions, .. } = status(with_role(), found());
    assert!(conditions.iter().all(|condition| condition.generation == 3));
    let rest = ClassStatus { conditions: Vec::new(), ..status(with_role(), found()) };
    expect![[r#"{"subnets":[{"id":"subnet-1","zone":"us-east-1a"},{"id":"subnet-2","zone":"us-east-1b"}],"securityGroups":[{"id":"sg-1","name":"nodes"},{"id":"sg-2","name":"nodes"}],"amis":[{"id":"ami-1","name":"image ami-1","requirements":[{"key":"kubernetes.io/arch","operator":"In","values":["amd64"]}]}],"capacityReservations":[],"instanceProfile":"joiner-nodes","conditions":[]}"#]].assert_eq(&serde_json::to_string(&rest).unwrap());
    let line = |c: &ClassCondition| format!("{} {:?} {}\n", c.kind, c.status, c.reason);
    expect![[r#"
        AMIsReady True AMIsReady
        CapacityReservationsReady True CapacityReservationsReady
        InstanceProfileReady True InstanceProfileReady
        PlacementGroupReady True PlacementGroupReady
        SecurityGroupsReady True SecurityGroupsReady
        SubnetsReady True SubnetsReady
        ValidationSucceeded True DryRunDisabled
    "#]]
    .assert_eq(&conditions.iter().map(line).collect::<String>());
}

#[test]
fn what_is_not_found_is_said_as_karpenter_says_it() {
    expect![[r#"
        AMIsReady False AMINotFound: AMISelector did not match any AMIs
        InstanceProfileReady False InstanceProfileNotFound: no instance profile was made for role  at deployment: add it there, or name a profile in spec.instanceProfile
        SecurityGroupsReady False SecurityGroupsNotFound: SecurityGroupSelector did not match any SecurityGroups
        SubnetsReady False SubnetsNotFound: SubnetSelector did not match any Subnets
        ValidationSucceeded False DependenciesNotReady: Awaiting AMI, Instance Profile, Security Group, and Subnet resolution
    "#]].assert_eq(&conditions(Template::default(), Found::default()));
    let group = PlacementGroupTerm { id: Some("pg-1".into()), name: None };
    let template = Template { placement_group_selector: Some(group), ..with_role() };
    expect![[r#"
        PlacementGroupReady False PlacementGroupNotFound: the placement group does not exist
        ValidationSucceeded False DependenciesNotReady: Awaiting AMI, Instance Profile, Security Group, and Subnet resolution
    "#]].assert_eq(&conditions(template, found()));
    let term = ImageTerm { alias: Some("al2@latest".into()), ..ImageTerm::default() };
    let unsupported = lookup::parameters(&[term], "1.33").err();
    let found = Found { unsupported, images: Vec::new(), ..found() };
    expect![[r#"
        AMIsReady False UnsupportedAlias: the alias al2@latest is not published for Kubernetes 1.33
        ValidationSucceeded False DependenciesNotReady: Awaiting AMI, Instance Profile, Security Group, and Subnet resolution
    "#]].assert_eq(&conditions(with_role(), found));
}

#[test]
fn a_class_that_cannot_be_launched_from_is_not_valid() {
    let tags = tags(&[("karpenter.sh/nodepool", "x")]);
    expect![[r#"
        ValidationSucceeded False TagValidationFailed: tag "karpenter.sh/nodepool" is set by joiner and cannot be set in spec.tags
    "#]].assert_eq(&conditions(Template { tags, ..with_role() }, found()));
    let user_data = UserData::new(format!("#!{}", "x".repeat(17_000)));
    expect![[r#"
        ValidationSucceeded False UserDataSizeLimitExceeded: user data of 17596 bytes: EC2 takes 16384
    "#]].assert_eq(&conditions(Template { user_data, ..with_role() }, found()));
    let user_data = UserData::new("password=hunter2");
    expect![[r#"
        ValidationSucceeded False UserDataInvalid: spec.userData: expected a MIME archive, a script with #! or a NodeConfig
    "#]].assert_eq(&conditions(Template { user_data, ..with_role() }, found()));
}

#[test]
fn a_profile_of_ones_own_is_taken_as_it_is() {
    let template = Template { instance_profile: Some("mine".into()), ..Template::default() };
    assert_eq!(status(template, found()).instance_profile.as_deref(), Some("mine"));
}

#[test]
fn the_newest_image_is_taken_unless_its_owner_advises_against_it() {
    let term = ImageTerm { alias: Some("al2023@latest".into()), ..ImageTerm::default() };
    let parameters = lookup::parameters(&[term], "1.34").unwrap();
    let values: [Text; 5] = ["ami-p", "ami-a", "ami-g", "ami-h", "ami-n"].map(Into::into);
    let past = Some("2026-05-01T00:00:00Z");
    let found = Found {
        parameters: parameters.into_iter().zip(values).collect(),
        images: vec![
            image("ami-p", "x86_64", "2026-01-01", None),
            image("ami-a", "arm64", "2026-01-01", past),
            image("ami-g", "x86_64", "2026-01-01", Some("2027-01-01T00:00:00Z")),
            image("ami-n", "x86_64", "2026-01-01", None),
            image("ami-old", "x86_64", "2025-01-01", None),
            image("ami-new", "x86_64", "2026-02-01", None),
            image("ami-newest", "x86_64", "2026-03-01", past),
            image("ami-32", "i386", "2026-04-01", None),
        ],
        ..found()
    };
    let amis = status(with_role(), found).amis;
    let line = |ami: &model::node_class::status::Ami| {
        let needs = ami.requirements.iter();
        let needs: Vec<String> =
            needs.map(|r| format!(" {} {} {}", r.key, r.operator, r.values.join("|"))).collect();
        format!(
            "{}{}{}\n",
            ami.id,
            if ami.deprecated { " (deprecated)" } else { "" },
            needs.concat()
        )
    };
    expect![[r#"
        ami-new kubernetes.io/arch In amd64
        ami-p kubernetes.io/arch In amd64 karpenter.k8s.aws/instance-accelerator-count DoesNotExist  karpenter.k8s.aws/instance-gpu-count DoesNotExist 
        ami-n kubernetes.io/arch In amd64 karpenter.k8s.aws/instance-accelerator-count Exists 
        ami-g kubernetes.io/arch In amd64 karpenter.k8s.aws/instance-gpu-count Exists 
        ami-a (deprecated) kubernetes.io/arch In arm64 karpenter.k8s.aws/instance-accelerator-count DoesNotExist  karpenter.k8s.aws/instance-gpu-count DoesNotExist 
    "#]].assert_eq(&amis.iter().map(line).collect::<String>());
}

#[test]
fn a_block_that_is_about_to_end_is_not_launched_into() {
    let reservation = |id: &str, kind: &str, end: Option<&str>| Reservation {
        id: id.into(),
        instance_type: "p5.48xlarge".into(),
        availability_zone: "us-east-1a".into(),
        owner_id: "123456789012".into(),
        instance_match_criteria: "targeted".into(),
        reservation_type: Some(kind.into()),
        state: None,
        end_time: end.map(Into::into),
        interruptible: false,
    };
    let reservations = vec![
        reservation("cr-3", "default", Some("2026-06-01T00:10:00Z")),
        reservation("cr-1", "capacity-block", Some("2026-06-01T00:40:00Z")),
        reservation("cr-2", "capacity-block", Some("2026-06-01T00:41:00Z")),
    ];
    let found = status(with_role(), Found { reservations, ..found() }).capacity_reservations;
    let states: Vec<String> =
        found.iter().map(|r| format!("{} {}", r.id, r.state.as_deref().unwrap())).collect();
    assert_eq!(states, ["cr-1 expiring", "cr-2 active", "cr-3 active"]);
}

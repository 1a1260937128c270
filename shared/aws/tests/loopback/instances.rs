//! Launching, listing and ending instances.

use super::ec2;
use super::server::{Answer, Server};
use expect_test::expect;
use model::action::{CloudAction, RunInstances};
use model::instance_type::{CapacityType, OfferingKey};
use model::labels::Labels;
use model::memory::Learned;
use model::node_class::status::{ClassStatus, SecurityGroup};
use model::node_class::template::{Template, UserData};
use model::node_class::{AmiFamily, Kubelet, NodeClass, Subnet};
use model::outcome::Outcome;
use model::snapshot::Instance;
use model::taint::{Effect, Taint};
use reconciler::ports::{Cloud, CloudQuery};
use std::sync::Arc;

fn class() -> NodeClass {
    let group = |id: &str| SecurityGroup { id: id.into(), name: None };
    let status = ClassStatus {
        instance_profile: Some("nodes".into()),
        security_groups: vec![group("sg-1"), group("sg-2")],
        ..ClassStatus::default()
    };
    let template = Template {
        status,
        tags: Labels::from([("team".into(), "a b".into())]),
        user_data: UserData::new("own words"),
        ..Template::default()
    };
    NodeClass {
        name: "linux".into(),
        uid: "class-1".into(),
        deleting: false,
        ready: true,
        ami_family: AmiFamily::Custom,
        kubelet: Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: vec![Subnet {
            id: "subnet-1".into(),
            zone: "us-east-1a".into(),
            zone_id: None,
            free_addresses: None,
        }],
        images: Vec::new(),
        template: Arc::new(template),
    }
}

fn run(capacity_type: CapacityType, count: u32) -> RunInstances {
    RunInstances {
        token: "joiner-1".into(),
        count,
        offering: OfferingKey {
            instance_type: "m5.large".into(),
            zone: "us-east-1a".into(),
            capacity_type,
        },
        subnet: "subnet-1".into(),
        image: "ami-1".into(),
        pool: Some("default".into()),
        node_class: "linux".into(),
        claim: (count == 1).then(|| "default-x".into()),
        labels: Labels::from([("team".into(), "a".into())]),
        taints: vec![Taint::new("karpenter.sh/unregistered", Effect::NoExecute)],
    }
}

fn launched(ids: &[&str]) -> Answer {
    let items: String = ids
        .iter()
        .map(|id| {
            format!(
                "<item><instanceId>{id}</instanceId><imageId>ami-1</imageId>\
                 <instanceState><code>0</code><name>pending</name></instanceState>\
                 <instanceType>m5.large</instanceType><clientToken>joiner-1</clientToken>\
                 <launchTime>2026-01-01T00:00:00.000Z</launchTime>\
                 <placement><availabilityZone>us-east-1a</availabilityZone></placement></item>"
            )
        })
        .collect::<Vec<String>>()
        .concat();
    Answer::Http(
        200,
        format!(
            "<RunInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
             <requestId>r-1</requestId><reservationId>r-1</reservationId>\
             <instancesSet>{items}</instancesSet></RunInstancesResponse>"
        ),
    )
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    Answer::Http(
        status,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
             <Message>{message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>"
        ),
    )
}

fn told(instance: &Instance) -> String {
    let Instance { id, state, instance_type, zone, capacity_type, image, launched_at, .. } =
        instance;
    let Instance { token, pool, node_class, claim, cluster_uid, .. } = instance;
    format!(
        "{id} {state:?} {instance_type} {zone} {capacity_type} {image} {launched_at} {token} {pool:?} {node_class:?} {claim:?} {cluster_uid}\n"
    )
}

/// What came of launching: the outcome, and all that EC2 was asked.
async fn launch(run: RunInstances, answers: Vec<Answer>) -> (String, Vec<String>) {
    let server = Server::start(answers).await;
    let ec2 = ec2(&server.url);
    let seen = ec2
        .observe(CloudQuery::InstanceTypes {
            classes: &[Arc::new(class())],
            learned: &Learned::new(),
        })
        .await;
    assert!(seen.is_ok());
    let outcome = ec2.apply(&CloudAction::RunInstances(run)).await;
    let text = match outcome {
        Outcome::Launched(instances) => instances.iter().map(told).collect(),
        other => format!("{other:?}\n"),
    };
    (text, server.asked())
}

#[tokio::test]
async fn like_instances_are_asked_for_by_one_call_with_all_that_the_class_says() {
    let answers = vec![launched(&["i-2", "i-1"])];
    let (outcome, asked) = launch(run(CapacityType::Spot, 2), answers).await;
    expect![[r#"
        i-1 Pending m5.large us-east-1a spot ami-1 2026-01-01T00:00:00Z joiner-1 Some("default") Some("linux") None cluster-1
        i-2 Pending m5.large us-east-1a spot ami-1 2026-01-01T00:00:00Z joiner-1 Some("default") Some("linux") None cluster-1
    "#]].assert_eq(&outcome);
    let is_other_tag = |line: &&str| line.contains(".Tag.") && !line.contains("ion.1.");
    let form: Vec<&str> = asked[0].lines().filter(|line| !is_other_tag(line)).collect();
    expect![[r#"
        Action=RunInstances
        CapacityReservationSpecification.CapacityReservationPreference=none
        ClientToken=joiner-1
        IamInstanceProfile.Name=nodes
        ImageId=ami-1
        InstanceInitiatedShutdownBehavior=terminate
        InstanceMarketOptions.MarketType=spot
        InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior=terminate
        InstanceMarketOptions.SpotOptions.SpotInstanceType=one-time
        InstanceType=m5.large
        MaxCount=2
        MetadataOptions.HttpEndpoint=enabled
        MetadataOptions.HttpProtocolIpv6=disabled
        MetadataOptions.HttpPutResponseHopLimit=1
        MetadataOptions.HttpTokens=required
        MinCount=2
        NetworkInterface.1.DeleteOnTermination=true
        NetworkInterface.1.DeviceIndex=0
        NetworkInterface.1.NetworkCardIndex=0
        NetworkInterface.1.SecurityGroupId.1=sg-1
        NetworkInterface.1.SecurityGroupId.2=sg-2
        NetworkInterface.1.SubnetId=subnet-1
        TagSpecification.1.ResourceType=instance
        TagSpecification.1.Tag.1.Key=eks:eks-cluster-name
        TagSpecification.1.Tag.1.Value=prod
        TagSpecification.1.Tag.2.Key=joiner.sh/cluster-uid
        TagSpecification.1.Tag.2.Value=cluster-1
        TagSpecification.1.Tag.3.Key=karpenter.k8s.aws/ec2nodeclass
        TagSpecification.1.Tag.3.Value=linux
        TagSpecification.1.Tag.4.Key=karpenter.sh/nodepool
        TagSpecification.1.Tag.4.Value=default
        TagSpecification.1.Tag.5.Key=kubernetes.io/cluster/prod
        TagSpecification.1.Tag.5.Value=owned
        TagSpecification.1.Tag.6.Key=team
        TagSpecification.1.Tag.6.Value=a b
        TagSpecification.2.ResourceType=volume
        TagSpecification.3.ResourceType=network-interface
        TagSpecification.4.ResourceType=spot-instances-request
        UserData=b3duIHdvcmRz"#]]
    .assert_eq(&form.join("\n"));
    let values = |n: u32| asked[0].matches(&format!("TagSpecification.{n}.Tag.")).count();
    assert_eq!([1, 2, 3, 4].map(values), [12; 4]);
}

#[tokio::test]
async fn at_list_price_nobodys_reservation_is_used() {
    let (_, asked) = launch(run(CapacityType::OnDemand, 1), vec![launched(&["i-1"])]).await;
    let form = asked.join("\n");
    assert!(form.contains("CapacityReservationSpecification.CapacityReservationPreference=none\n"));
    assert!(!form.contains("InstanceMarketOptions") && !form.contains("spot-instances-request"));
    assert!(form.contains("Tag.4.Key=karpenter.sh/nodeclaim\n"), "{form}");
}

#[tokio::test]
async fn a_refusal_is_heard_at_once_and_nothing_is_asked_twice() {
    let mut text = String::new();
    let refusals = [
        (500, "InsufficientInstanceCapacity", "We currently do not have sufficient capacity."),
        (503, "RequestLimitExceeded", "Request limit exceeded."),
        (500, "InternalError", "An internal error has occurred"),
        (
            400,
            "IdempotentParameterMismatch",
            "Arguments on this idempotent request are inconsistent",
        ),
        (400, "IdempotentInstanceTerminated", "The instance is terminated"),
        (
            403,
            "UnauthorizedOperation",
            "You are not authorized to perform this operation. Encoded authorization failure message: QUJD",
        ),
        (
            400,
            "InvalidParameterValue",
            "Value (nodes) for parameter iamInstanceProfile.name is invalid.",
        ),
    ];
    for (status, code, message) in refusals {
        let answers = vec![refused(status, code, message), launched(&["i-1"])];
        let (outcome, asked) = launch(run(CapacityType::Spot, 1), answers).await;
        assert_eq!(asked.len(), 1, "{code}");
        text.push_str(&outcome);
    }
    expect![[r#"
        Unavailable { code: "InsufficientInstanceCapacity" }
        Throttled
        Unknown { message: "InternalError: An internal error has occurred" }
        TokenSpent { code: "IdempotentParameterMismatch" }
        TokenSpent { code: "IdempotentInstanceTerminated" }
        Denied { code: "Unauthorized", message: "UnauthorizedOperation: You are not authorized to perform this operation." }
        Denied { code: "InstanceProfileNameInvalid", message: "InvalidParameterValue: Value (nodes) for parameter iamInstanceProfile.name is invalid." }
    "#]].assert_eq(&text);
}

#[tokio::test]
async fn a_lost_answer_leaves_open_what_happened() {
    let (outcome, asked) = launch(run(CapacityType::Spot, 1), vec![Answer::HangUp]).await;
    assert!(outcome.starts_with("Unknown"), "{outcome}");
    assert_eq!(asked.len(), 1);
    let garbage = Answer::Http(200, "<RunInstancesResponse".into());
    let (outcome, _) = launch(run(CapacityType::Spot, 1), vec![garbage]).await;
    assert!(outcome.starts_with("Unknown"), "{outcome}");
    let (outcome, _) = launch(run(CapacityType::Spot, 1), vec![launched(&[])]).await;
    expect![[r#"
        Unknown { message: "EC2 launched no instance and did not say why" }
    "#]]
    .assert_eq(&outcome);
}

#[tokio::test]
async fn a_class_that_was_not_seen_is_not_launched_from() {
    let run = RunInstances { node_class: "other".into(), ..run(CapacityType::Spot, 1) };
    let (outcome, asked) = launch(run, Vec::new()).await;
    expect![[r#"
        Denied { code: "NodeClassReadinessUnknown", message: "EC2NodeClass other was not seen in this pass" }
    "#]].assert_eq(&outcome);
    assert!(asked.is_empty());
}

#[tokio::test]
async fn free_addresses_are_asked_for_where_a_zone_has_several_subnets() {
    let items = "<item><subnetId>subnet-1</subnetId><availableIpAddressCount>7</availableIpAddressCount></item>\
                 <item><subnetId>subnet-2</subnetId><availableIpAddressCount>250</availableIpAddressCount></item>";
    let answer = format!(
        "<DescribeSubnetsResponse><subnetSet>{items}</subnetSet></DescribeSubnetsResponse>"
    );
    let server = Server::start(vec![Answer::Http(200, answer)]).await;
    let subnet = |id: &str, zone: &str| Subnet {
        id: id.into(),
        zone: zone.into(),
        zone_id: None,
        free_addresses: None,
    };
    let subnets = vec![subnet("subnet-1", "us-east-1a"), subnet("subnet-3", "us-east-1b")];
    let alone = Arc::new(NodeClass { subnets: subnets.clone(), ..class() });
    let ec2 = ec2(&server.url);
    ec2.observe(CloudQuery::InstanceTypes { classes: &[alone], learned: &Learned::new() })
        .await
        .unwrap();
    assert!(server.asked().is_empty());
    let subnets = [subnets, vec![subnet("subnet-2", "us-east-1a")]].concat();
    let class = Arc::new(NodeClass { subnets, ..class() });
    let state = ec2
        .observe(CloudQuery::InstanceTypes { classes: &[class], learned: &Learned::new() })
        .await
        .unwrap();
    let free: Vec<String> =
        state.free_addresses.iter().map(|(id, free)| format!("{id} {free}")).collect();
    assert_eq!(free, ["subnet-1 7", "subnet-2 250"]);
    expect![[r#"
        Action=DescribeSubnets
        Filter.1.Name=subnet-id
        Filter.1.Value.1=subnet-1
        Filter.1.Value.2=subnet-2
    "#]]
    .assert_eq(&server.asked().concat());
}

/// An instance in a list, with what differs.
fn item(id: &str, state: &str, more: &str, tags: &[(&str, &str)]) -> String {
    let tags: String = tags
        .iter()
        .map(|(key, value)| format!("<item><key>{key}</key><value>{value}</value></item>"))
        .collect::<Vec<String>>()
        .concat();
    format!(
        "<item><instancesSet><item><instanceId>{id}</instanceId><imageId>ami-1</imageId>\
         <instanceState><name>{state}</name></instanceState><instanceType>c7g.large</instanceType>\
         <launchTime>2026-01-01T00:00:07.000Z</launchTime>{more}\
         <placement><availabilityZone>us-east-1b</availabilityZone></placement>\
         <tagSet>{tags}</tagSet></item></instancesSet></item>"
    )
}

fn page(items: &[String], next: &str) -> Answer {
    let next =
        if next.is_empty() { String::new() } else { format!("<nextToken>{next}</nextToken>") };
    Answer::Http(
        200,
        format!(
            "<DescribeInstancesResponse><reservationSet>{}</reservationSet>{next}</DescribeInstancesResponse>",
            items.concat()
        ),
    )
}

/// The instances that are listed, and all that EC2 was asked.
async fn list(answers: Vec<Answer>) -> (String, Vec<String>) {
    let server = Server::start(answers).await;
    let text = match ec2(&server.url).observe(CloudQuery::Instances).await {
        Ok(state) => state.instances.iter().map(|instance| told(instance)).collect(),
        Err(error) => format!("{error}\n"),
    };
    (text, server.asked())
}

#[tokio::test]
async fn instances_are_found_by_tag_over_all_pages() {
    let ours = [
        ("karpenter.sh/nodepool", "default"),
        ("karpenter.k8s.aws/ec2nodeclass", "linux"),
        ("karpenter.sh/nodeclaim", "default-x"),
        ("joiner.sh/cluster-uid", "cluster-1"),
    ];
    let spot = "<instanceLifecycle>spot</instanceLifecycle><clientToken>joiner-1</clientToken>";
    let reserved = "<capacityReservationId>cr-1</capacityReservationId>";
    let first = [item("i-3", "running", spot, &ours), item("i-1", "terminated", "", &ours[..2])];
    let second = [item("i-2", "shutting-down", reserved, &[])];
    let (instances, asked) = list(vec![page(&first, "more"), page(&second, "")]).await;
    expect![[r#"
        i-1 Terminated c7g.large us-east-1b on-demand ami-1 2026-01-01T00:00:07Z  Some("default") Some("linux") None 
        i-2 ShuttingDown c7g.large us-east-1b reserved ami-1 2026-01-01T00:00:07Z  None None None 
        i-3 Running c7g.large us-east-1b spot ami-1 2026-01-01T00:00:07Z joiner-1 Some("default") Some("linux") Some("default-x") cluster-1
    "#]].assert_eq(&instances);
    expect![[r#"
        Action=DescribeInstances
        Filter.1.Name=tag:eks:eks-cluster-name
        Filter.1.Value.1=prod
        Filter.2.Name=tag-key
        Filter.2.Value.1=karpenter.k8s.aws/ec2nodeclass
        MaxResults=1000

        Action=DescribeInstances
        Filter.1.Name=tag:eks:eks-cluster-name
        Filter.1.Value.1=prod
        Filter.2.Name=tag-key
        Filter.2.Value.1=karpenter.k8s.aws/ec2nodeclass
        MaxResults=1000
        NextToken=more
    "#]]
    .assert_eq(&asked.join("\n"));
}

#[tokio::test]
async fn half_a_list_is_no_list() {
    let good = item("i-1", "running", "", &[]);
    let mut text = String::new();
    for second in [
        refused(503, "RequestLimitExceeded", "Request limit exceeded."),
        refused(500, "InternalError", "An internal error has occurred"),
        refused(403, "UnauthorizedOperation", "You are not authorized."),
        Answer::HangUp,
        page(&[item("i-2", "moonwalking", "", &[])], ""),
    ] {
        let (told, asked) = list(vec![page(std::slice::from_ref(&good), "more"), second]).await;
        assert_eq!(asked.len(), 2);
        text.push_str(&told);
    }
    expect![[r#"
        EC2 asked to be called less often
        EC2 did not answer: InternalError: An internal error has occurred
        EC2 refused: UnauthorizedOperation: You are not authorized.
        EC2 did not answer: dispatch failure: other: client error (SendRequest): connection closed before message completed
        EC2 did not answer: instance i-2 without a state that is known
    "#]]
    .assert_eq(&text);
}

#[tokio::test]
async fn instances_are_ended_many_at_once() {
    let done = || {
        Answer::Http(
            200,
            "<TerminateInstancesResponse><instancesSet/></TerminateInstancesResponse>".into(),
        )
    };
    let server = Server::start(vec![done(), done()]).await;
    let ids = (0..501).map(|n| format!("i-{n:03}").into()).collect();
    let outcome = ec2(&server.url).apply(&CloudAction::TerminateInstances { instances: ids }).await;
    assert_eq!(outcome, Outcome::Done);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(
        asked[0].starts_with("Action=TerminateInstances\nInstanceId.1=i-000\nInstanceId.2=i-001\n")
    );
    assert_eq!(asked[1], "Action=TerminateInstances\nInstanceId.1=i-500\n");
}

#[tokio::test]
async fn what_cannot_be_ended_is_told() {
    let mut text = String::new();
    for answer in [
        refused(400, "InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist"),
        refused(403, "UnauthorizedOperation", "You are not authorized."),
        refused(503, "RequestLimitExceeded", "Request limit exceeded."),
        Answer::HangUp,
    ] {
        let server = Server::start(vec![answer]).await;
        let action = CloudAction::TerminateInstances { instances: vec!["i-1".into()] };
        let outcome = ec2(&server.url).apply(&action).await;
        text += outcome.word();
        text.push('\n');
    }
    expect![[r#"
        not-found
        denied
        throttled
        unknown
    "#]]
    .assert_eq(&text);
}

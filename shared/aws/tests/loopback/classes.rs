//! What an EC2NodeClass selects.

use super::ec2;
use super::server::{Answer, Server};
use expect_test::expect;
use jiff::Timestamp;
use model::labels::Labels;
use model::node_class::status::ClassStatus;
use model::node_class::template::Template;
use model::node_class::terms::{ImageTerm, PlacementGroupTerm, ReservationTerm, Term};
use model::node_class::{AmiFamily, Kubelet, NodeClass};
use reconciler::ports::ObserveError;
use std::collections::BTreeMap;
use std::sync::Arc;

fn tagged() -> Labels {
    Labels::from([("karpenter.sh/discovery".into(), "prod".into())])
}

fn term() -> Term {
    Term { tags: tagged(), ..Term::default() }
}

fn image_term(alias: &str) -> ImageTerm {
    ImageTerm { alias: Some(alias.into()), ..ImageTerm::default() }
}

fn template() -> Template {
    Template {
        generation: 2,
        ami_selector_terms: vec![image_term("windows2022@latest")],
        subnet_selector_terms: vec![term()],
        security_group_selector_terms: vec![term()],
        role: Some("nodes".into()),
        ..Template::default()
    }
}

async fn status(
    template: Template,
    answers: Vec<Answer>,
) -> (Result<ClassStatus, ObserveError>, Vec<String>) {
    let class = NodeClass {
        name: "c".into(),
        uid: "c-1".into(),
        deleting: false,
        ready: false,
        ami_family: AmiFamily::Windows2022,
        kubelet: Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: Vec::new(),
        images: Vec::new(),
        template: Arc::new(template),
    };
    let server = Server::start(answers).await;
    let profiles = BTreeMap::from([("nodes".into(), "joiner-nodes".into())]);
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().expect("a time");
    let status = ec2(&server.url).class_status(&class, "1.34", &profiles, now).await;
    (status, server.asked())
}

fn answer(call: &str, set: &str, items: &str) -> Answer {
    Answer::Http(200, format!("<{call}Response><{set}>{items}</{set}></{call}Response>"))
}

fn subnets() -> Answer {
    let items = "<item><subnetId>subnet-2</subnetId><availabilityZone>us-east-1b</availabilityZone>\
                 <availabilityZoneId>use1-az2</availabilityZoneId></item>\
                 <item><subnetId>subnet-1</subnetId><availabilityZone>us-east-1a</availabilityZone></item>";
    answer("DescribeSubnets", "subnetSet", items)
}

fn security_groups() -> Answer {
    let items = "<item><groupId>sg-1</groupId><groupName>nodes</groupName></item>";
    answer("DescribeSecurityGroups", "securityGroupInfo", items)
}

fn parameters() -> Answer {
    let name = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-1.34/image_id";
    let body = format!(
        r#"{{"Parameters":[{{"Name":"{name}","Type":"String","Value":"ami-1","Version":1,"LastModifiedDate":1.7E9,"ARN":"arn:aws:ssm:us-east-1::parameter{name}"}}],"InvalidParameters":[]}}"#
    );
    Answer::Http(200, body)
}

fn images() -> Answer {
    let items = "<item><imageId>ami-1</imageId><name>Windows</name><architecture>x86_64</architecture>\
                 <creationDate>2026-01-01T00:00:00.000Z</creationDate>\
                 <deprecationTime>2026-05-01T00:00:00.000Z</deprecationTime></item>";
    answer("DescribeImages", "imagesSet", items)
}

#[tokio::test]
async fn terms_become_questions_and_answers_a_status() {
    let answers = vec![subnets(), security_groups(), parameters(), images()];
    let (status, asked) = status(template(), answers).await;
    expect![[r#"
        Action=DescribeSubnets
        Filter.1.Name=tag:karpenter.sh/discovery
        Filter.1.Value.1=prod

        Action=DescribeSecurityGroups
        Filter.1.Name=tag:karpenter.sh/discovery
        Filter.1.Value.1=prod

        {"Names":["/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-1.34/image_id"]}

        Action=DescribeImages
        Filter.1.Name=image-id
        Filter.1.Value.1=ami-1
        Filter.2.Name=state
        Filter.2.Value.1=available
        IncludeDeprecated=true
    "#]].assert_eq(&asked.join("\n"));
    expect![[r#"{"subnets":[{"id":"subnet-1","zone":"us-east-1a"},{"id":"subnet-2","zone":"us-east-1b","zoneID":"use1-az2"}],"securityGroups":[{"id":"sg-1","name":"nodes"}],"amis":[{"id":"ami-1","name":"Windows","deprecated":true,"requirements":[{"key":"kubernetes.io/arch","operator":"In","values":["amd64"]}]}],"capacityReservations":[],"instanceProfile":"joiner-nodes","conditions":[{"type":"AMIsReady","status":"True","reason":"AMIsReady","message":"","observedGeneration":2},{"type":"CapacityReservationsReady","status":"True","reason":"CapacityReservationsReady","message":"","observedGeneration":2},{"type":"InstanceProfileReady","status":"True","reason":"InstanceProfileReady","message":"","observedGeneration":2},{"type":"PlacementGroupReady","status":"True","reason":"PlacementGroupReady","message":"","observedGeneration":2},{"type":"SecurityGroupsReady","status":"True","reason":"SecurityGroupsReady","message":"","observedGeneration":2},{"type":"SubnetsReady","status":"True","reason":"SubnetsReady","message":"","observedGeneration":2},{"type":"ValidationSucceeded","status":"True","reason":"DryRunDisabled","message":"","observedGeneration":2}]}"#]].assert_eq(&serde_json::to_string(&status.unwrap()).unwrap());
}

#[tokio::test]
async fn reservations_and_the_placement_group_are_looked_for() {
    let template = Template {
        ami_selector_terms: vec![ImageTerm { id: Some("ami-1".into()), ..ImageTerm::default() }],
        capacity_reservation_selector_terms: vec![
            ReservationTerm { id: Some("cr-0".into()), ..ReservationTerm::default() },
            ReservationTerm { tags: tagged(), ..ReservationTerm::default() },
        ],
        placement_group_selector: Some(PlacementGroupTerm { id: None, name: Some("g".into()) }),
        ..template()
    };
    let gone = "<Response><Errors><Error><Code>InvalidCapacityReservationId.NotFound</Code><Message>x</Message></Error></Errors></Response>";
    let items = "<item><capacityReservationId>cr-1</capacityReservationId><ownerId>123456789012</ownerId>\
                 <instanceType>p5.48xlarge</instanceType><availabilityZone>us-east-1a</availabilityZone>\
                 <instanceMatchCriteria>targeted</instanceMatchCriteria><endDate>2026-06-01T00:30:00.000Z</endDate>\
                 <reservationType>capacity-block</reservationType></item>";
    let reservations = answer("DescribeCapacityReservations", "capacityReservationSet", items);
    let groups = answer("DescribePlacementGroups", "placementGroupSet", "");
    let gone = Answer::Http(400, gone.into());
    let answers = vec![subnets(), security_groups(), images(), gone, reservations, groups];
    let (status, asked) = status(template, answers).await;
    expect![[r#"
        Action=DescribeImages
        Filter.1.Name=image-id
        Filter.1.Value.1=ami-1
        Filter.2.Name=state
        Filter.2.Value.1=available
        IncludeDeprecated=true

        Action=DescribeCapacityReservations
        CapacityReservationId.1=cr-0
        Filter.1.Name=state
        Filter.1.Value.1=active

        Action=DescribeCapacityReservations
        Filter.1.Name=tag:karpenter.sh/discovery
        Filter.1.Value.1=prod
        Filter.2.Name=state
        Filter.2.Value.1=active

        Action=DescribePlacementGroups
        Filter.1.Name=group-name
        Filter.1.Value.1=g
    "#]]
    .assert_eq(&asked[2..].join("\n"));
    let status = status.unwrap();
    expect![[r#"
        [
            Reservation {
                id: "cr-1",
                instance_type: "p5.48xlarge",
                availability_zone: "us-east-1a",
                owner_id: "123456789012",
                instance_match_criteria: "targeted",
                reservation_type: Some(
                    "capacity-block",
                ),
                state: Some(
                    "expiring",
                ),
                end_time: Some(
                    "2026-06-01T00:30:00Z",
                ),
                interruptible: false,
            },
        ]
    "#]]
    .assert_eq(&format!("{:#?}\n", status.capacity_reservations));
    let wrong = status.conditions.iter().filter(|c| c.reason != c.kind);
    let wrong: Vec<&str> = wrong.map(|condition| &*condition.reason).collect();
    assert_eq!(wrong, ["PlacementGroupNotFound", "DependenciesNotReady"]);
}

#[tokio::test]
async fn nothing_is_said_of_a_class_that_aws_was_not_asked_about_in_full() {
    let refused =
        |kind: &str| Answer::Http(400, format!(r#"{{"__type":"{kind}","message":"no"}}"#));
    let mut text = String::new();
    for third in [
        refused("com.amazon#ThrottlingException"),
        refused("AccessDeniedException"),
        Answer::Http(500, "no JSON".into()),
        Answer::Http(200, "no JSON".into()),
        Answer::HangUp,
    ] {
        let answers = vec![subnets(), security_groups(), third];
        let (status, asked) = status(template(), answers).await;
        assert_eq!(asked.len(), 3);
        text += &status.unwrap_err().to_string();
        text.push('\n');
    }
    expect![[r#"
        Systems Manager asked to be called less often
        Systems Manager refused: AccessDeniedException: no
        Systems Manager did not answer: HTTP 500 : unknown
        Systems Manager did not answer: expected ident at line 1 column 2
        Systems Manager did not answer: other: client error (SendRequest): connection closed before message completed
    "#]]
    .assert_eq(&text);
}

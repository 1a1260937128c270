//! The examples of `infra/events`, and what of a pass becomes a decision.

use super::*;
use expect_test::{expect, expect_file};
use model::instance_type::{CapacityType, OfferingKey};
use model::snapshot::InstanceState;

fn instance() -> Instance {
    Instance {
        id: "i-0a1b2c3d4e5f60718".into(),
        state: InstanceState::Pending,
        instance_type: "m7g.large".into(),
        zone: "eu-west-1a".into(),
        capacity_type: CapacityType::Spot,
        image: "ami-0123456789abcdef0".into(),
        launched_at: at(),
        token: "joiner-1".into(),
        pool: Some("default".into()),
        node_class: Some("default".into()),
        claim: Some("default-x7k2p".into()),
        cluster_uid: "uid-1".into(),
    }
}

fn at() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// One of each kind.
fn examples() -> Vec<(&'static str, Decision)> {
    let claim = ClaimName::from("default-x7k2p");
    let pod = model::name::ObjectName::new("shop", "web-5d8f7-abcde");
    let untolerated =
        Reason::Untolerated { pool: "gpu".into(), taint: "nvidia.com/gpu:NoSchedule".into() };
    vec![
        (
            "provisioning",
            Decision::Launched {
                instance: instance(),
                price: Some(Price::from_micro_dollars(31_200)),
            },
        ),
        (
            "interruption",
            Decision::Interrupted {
                claim: claim.clone(),
                kind: NoticeKind::SpotInterrupted,
                at: at(),
            },
        ),
        ("disruption", Decision::Disrupted { claim, reason: DeleteReason::Underutilized }),
        ("lifecycle", Decision::Terminated { instances: vec![instance().id] }),
        (
            "provisioning",
            Decision::LeftOut {
                subject: Subject::Pod(pod),
                reasons: vec![untolerated.to_string()],
            },
        ),
        (
            "provisioning",
            Decision::GuardOpened {
                subject: Subject::Cluster,
                reasons: vec![Reason::NodeCeiling { nodes_max: 100 }.to_string()],
            },
        ),
        (
            "provisioning",
            Decision::Failed {
                action: "run 2 x m7g.large in eu-west-1a as spot".into(),
                outcome: Outcome::Unavailable { code: "InsufficientInstanceCapacity".into() },
            },
        ),
    ]
}

#[test]
fn the_examples_beside_the_template_are_what_is_put_on_the_bus() {
    for (function, decision) in examples() {
        let name = decision.detail_type().trim_start_matches("joiner ").to_lowercase();
        let path = format!("../../../../infra/events/{}.json", name.replace(' ', "-"));
        let event = json!({"source": "joiner.sh", "detail-type": decision.detail_type(),
            "detail": decision.detail("prod", function)});
        let text = serde_json::to_string_pretty(&event).unwrap();
        expect_file![path].assert_eq(&format!("{text}\n"));
    }
}

#[test]
fn the_page_beside_the_examples_tells_of_every_kind_and_field() {
    let page = include_str!("../../../../infra/events/README.md");
    for (function, decision) in examples() {
        assert!(page.contains(decision.detail_type()), "{}", decision.detail_type());
        for field in decision.detail("prod", function).as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{field}`")), "{}: {field}", decision.detail_type());
        }
    }
}

fn lines(plan: &Plan, done: &[Done]) -> String {
    let line = |decision: &Decision| format!("{}: {}\n", decision.detail_type(), decision.fields());
    of_pass(plan, done, &[]).iter().map(line).collect()
}

#[test]
fn what_took_effect_is_told_and_what_failed_too() {
    let delete = |claim: &str| {
        let reason = DeleteReason::Empty;
        Action::Cluster(ClusterAction::DeleteClaim { claim: claim.into(), uid: "u".into(), reason })
    };
    let terminate =
        |id: &str| Action::Cloud(CloudAction::TerminateInstances { instances: vec![id.into()] });
    let actions = vec![delete("a"), delete("b"), terminate("i-1"), terminate("i-2")];
    let outcomes = [Outcome::Done, Outcome::Conflict, Outcome::Done, Outcome::Throttled];
    let done = actions.iter().zip(outcomes);
    let done: Vec<Done> =
        done.map(|(action, outcome)| Done { action: action.to_string(), outcome }).collect();
    let plan = Plan { actions, ..Plan::default() };
    expect![[r#"
        joiner Action Failed: {"action":"terminate i-2","code":null,"message":null,"outcome":"throttled"}
        joiner Node Disrupted: {"claim":"a","reason":"empty","voluntary":true}
        joiner Instances Terminated: {"instances":["i-1"]}
    "#]].assert_eq(&lines(&plan, &done));
}

#[test]
fn a_launch_is_told_with_what_the_plan_had_it_for() {
    let offering = OfferingKey {
        instance_type: "m7g.large".into(),
        zone: "eu-west-1a".into(),
        capacity_type: CapacityType::Spot,
    };
    let action = format!("run 1 x {offering}");
    let done = [Done { action, outcome: Outcome::Launched(vec![instance()]) }];
    let choice = json!({"offering": offering, "price": 31_200, "subnet": "s", "image": "ami",
        "labels": {}, "capacity": {}, "allocatable": {}});
    let launch = json!({"claims": [], "pool": "default", "nodeClass": "default", "taints": [],
        "choices": [choice]});
    let plan: Plan = serde_json::from_value(json!({"actions": [{"launch": launch}]})).unwrap();
    let price = |plan: &Plan| match &of_pass(plan, &done, &[])[..] {
        [Decision::Launched { price, .. }] => *price,
        other => panic!("{other:?}"),
    };
    assert_eq!(price(&plan), Some(Price::from_micro_dollars(31_200)));
    assert_eq!(price(&Plan::default()), None);
}

#[test]
fn what_stays_as_it_is_is_no_news_and_what_stops_everything_is_a_guard() {
    let node = || Subject::Node("n".into());
    let why = || "it is cheap".into();
    let mut plan = Plan::default();
    plan.leave_out(node(), Reason::Unconsolidatable { why: why() });
    plan.leave_out(node(), Reason::Blocked { why: why() });
    plan.leave_out(node(), Reason::DeletionRate { most: 3, wanted: 5 });
    plan.leave_out(Subject::Cluster, Reason::Waiting { on: why() });
    expect![[r#"
        joiner Left Out: {"reasons":["it is cheap"],"subject":"node n"}
        joiner Guard Opened: {"reasons":["5 nodes would go in one pass, 3 may"],"subject":"node n"}
    "#]]
    .assert_eq(&lines(&plan, &[]));
    let broken = Violation { rule: "I6", what: "two nodes for one pod".into() };
    let told = of_pass(&Plan::default(), &[], &[broken]);
    let reasons = vec!["a plan broke I6: two nodes for one pod".to_owned()];
    assert_eq!(told, [Decision::GuardOpened { subject: Subject::Cluster, reasons }]);
}

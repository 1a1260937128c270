//! EC2's promises: tokens, capacity, buckets, what it shows, and its events.

use super::fixture::{ZONES, offering, run_of, world};
use crate::lambda::{Event, Function};
use crate::world::{Happening, World};
use expect_test::expect;
use jiff::SignedDuration;
use model::action::RunInstances;
use model::instance_type::CapacityType;
use model::labels::Labels;
use model::name::InstanceId;
use model::outcome::Outcome;
use model::snapshot::InstanceState;

fn run(world: &mut World, run: &RunInstances) -> Outcome {
    world.run_instances(0, run, world.now())
}

fn ids(outcome: &Outcome) -> Vec<InstanceId> {
    match outcome {
        Outcome::Launched(instances) => instances.iter().map(|i| i.id.clone()).collect(),
        other => panic!("{other:?}"),
    }
}

fn code(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::TokenSpent { code } | Outcome::Unavailable { code } => code,
        Outcome::Denied { message, .. } => message,
        other => other.word(),
    }
}

#[test]
fn the_same_call_again_gives_the_same_instances() {
    let mut world = world();
    let call = RunInstances { count: 2, ..run_of("t") };
    let first = ids(&run(&mut world, &call));
    assert_eq!(first.len(), 2);
    assert!(first.is_sorted());
    assert_eq!(ids(&run(&mut world, &call)), first);
    assert_eq!(world.record.instances.len(), 2);
}

#[test]
fn a_token_with_other_parameters_is_refused() {
    let mut world = world();
    run(&mut world, &run_of("t"));
    let others = RunInstances { labels: Labels::new(), ..run_of("t") };
    assert_eq!(code(&run(&mut world, &others)), "IdempotentParameterMismatch");
}

#[test]
fn the_token_of_a_terminated_instance_is_spent() {
    let mut world = world();
    let id = ids(&run(&mut world, &run_of("t"))).remove(0);
    world.end_instance(&id);
    assert_eq!(code(&run(&mut world, &run_of("t"))), "IdempotentInstanceTerminated");
}

#[test]
fn a_token_says_nothing_in_another_zone() {
    let mut world = world();
    let first = ids(&run(&mut world, &run_of("t")));
    let elsewhere = RunInstances {
        offering: offering("m5.xlarge", ZONES[1], CapacityType::OnDemand),
        subnet: format!("subnet-{}", ZONES[1]).into(),
        ..run_of("t")
    };
    assert_ne!(ids(&run(&mut world, &elsewhere)), first);
}

#[test]
fn without_capacity_nothing_is_launched_and_the_token_is_free() {
    let mut world = world();
    world.zone_fails(&ZONES[0].into(), SignedDuration::from_mins(5), false);
    let call = RunInstances { count: 3, ..run_of("t") };
    assert_eq!(code(&run(&mut world, &call)), "InsufficientInstanceCapacity");
    assert!(world.ec2.machines.is_empty());
    world.pass(301);
    assert_eq!(ids(&run(&mut world, &call)).len(), 3);
}

#[test]
fn parameters_that_do_not_go_together_are_denied() {
    let mut world = world();
    let wrong_subnet = RunInstances { subnet: "subnet-1".into(), ..run_of("t") };
    assert_eq!(code(&run(&mut world, &wrong_subnet)), "subnet subnet-1 is not in us-east-1a");
    let unknown = offering("z9.large", ZONES[0], CapacityType::Spot);
    let unknown = RunInstances { offering: unknown, ..run_of("t") };
    assert_eq!(code(&run(&mut world, &unknown)), "no instance type z9.large");
}

#[test]
fn the_sixth_launch_of_a_moment_is_throttled() {
    let mut world = world();
    let words: Vec<&str> =
        (0..6).map(|n| run(&mut world, &run_of(&n.to_string())).word()).collect();
    assert_eq!(words[4..], ["launched", "throttled"]);
    world.pass(1);
    assert_eq!(run(&mut world, &run_of("later")).word(), "launched");
}

#[test]
fn an_instance_is_terminated_in_steps_and_shown_for_an_hour() {
    let mut world = world();
    let key = offering("m5.large", ZONES[0], CapacityType::Spot);
    let id = world.launched("a", &key);
    let state = |world: &World| world.ec2.machines.get(&id).map(|m| m.instance.state);
    assert_eq!(state(&world), Some(InstanceState::Pending));
    world.pass(20);
    assert_eq!(state(&world), Some(InstanceState::Running));
    world.end_instance(&id);
    assert_eq!(state(&world), Some(InstanceState::ShuttingDown));
    world.pass(40);
    assert_eq!(state(&world), Some(InstanceState::Terminated));
    world.pass(3_600);
    assert_eq!(state(&world), None);
}

#[test]
fn a_new_instance_may_not_be_shown_yet() {
    let mut world = world();
    world.faults.describe_lag_millis = 3_000;
    for n in 0..5 {
        run(&mut world, &run_of(&n.to_string()));
    }
    let shown = world.describe_instances(0).unwrap().len();
    assert!(shown < 5, "{shown}");
    let hidden = world.ec2.machines.keys().find(|id| !world.ec2.was_visible(id, world.now()));
    let hidden = hidden.unwrap().clone();
    assert_eq!(world.terminate_instances(0, &[hidden]), Outcome::NotFound);
    world.pass(3);
    assert_eq!(world.describe_instances(0).unwrap().len(), 5);
}

#[test]
fn a_reclaimed_instance_has_two_minutes_and_its_events_are_those_of_aws() {
    let mut world = world();
    let (id, _) = world.joined("a");
    world.warn(&id);
    let mut events = Vec::new();
    let mut taken = None;
    let warned = world.now();
    while let Some(what) = world.timeline.next() {
        match what {
            Happening::Invoke(call) if call.function == Function::Interruption => {
                let Event::EventBridge(json) = &call.event else { panic!() };
                events.push(json.replace(id.as_str(), "i-1"));
                if events.len() == 3 {
                    break;
                }
            }
            other => world.happen(other),
        }
        let is_gone = world.ec2.machines[&id].instance.state.is_gone();
        taken = taken.or_else(|| is_gone.then(|| world.now()));
    }
    assert_eq!(taken.unwrap().duration_since(warned), SignedDuration::from_secs(120));
    let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
    let shown: Vec<String> = events
        .iter()
        .map(|json| {
            let event = value(json);
            format!("{} {} {}", event["detail-type"], event["resources"], event["detail"])
        })
        .collect();
    expect![[r#"
        "EC2 Spot Instance Interruption Warning" ["arn:aws:ec2:us-east-1a:instance/i-1"] {"instance-action":"terminate","instance-id":"i-1"}
        "EC2 Instance State-change Notification" ["arn:aws:ec2:us-east-1:123456789012:instance/i-1"] {"instance-id":"i-1","state":"shutting-down"}
        "EC2 Instance State-change Notification" ["arn:aws:ec2:us-east-1:123456789012:instance/i-1"] {"instance-id":"i-1","state":"terminated"}"#]]
    .assert_eq(&shown.join("\n"));
    let keys: Vec<String> = value(&events[0]).as_object().unwrap().keys().cloned().collect();
    expect!["account detail detail-type id region resources source time version"]
        .assert_eq(&keys.join(" "));
}

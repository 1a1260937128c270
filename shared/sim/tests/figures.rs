//! What a record comes to: figures, table, JSON.

use expect_test::expect;
use jiff::{SignedDuration, Timestamp};
use model::instance_type::{CapacityType, OfferingKey};
use model::labels::Labels;
use model::name::ObjectName;
use model::price::Price;
use model::resources::Resources;
use sim::bound::{Bound, Offer, lower_bound};
use sim::record::{InstanceRecord, PodEnd, PodRecord, Record};
use sim::summary::summarize;
use std::sync::Arc;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn pod(name: &str, created: i64, bound: Option<i64>, ended: Option<(i64, PodEnd)>) -> PodRecord {
    let requests = Resources { pods: 1, ..Resources::cpu_memory(1000, 2 << 30) };
    PodRecord {
        name: ObjectName::new("default", name),
        requests: Arc::new(requests),
        node_selector: Arc::new(Labels::new()),
        created: at(created),
        launch_called: None,
        bound: bound.map(at),
        started: bound.map(at),
        ended: ended.map(|(time, how)| (at(time), how)),
        reason: None,
    }
}

fn instance(id: &str, launched: i64, ended: Option<i64>) -> InstanceRecord {
    InstanceRecord {
        id: id.into(),
        offering: OfferingKey {
            instance_type: "m5.large".into(),
            zone: "us-east-1a".into(),
            capacity_type: CapacityType::OnDemand,
        },
        price: Price::from_micro_dollars(96_000),
        allocatable: Resources { pods: 29, ..Resources::cpu_memory(2000, 8 << 30) },
        launched: at(launched),
        joined: Some(at(launched + 40)),
        ended: ended.map(at),
        interrupted: None,
    }
}

/// Two hours in which one node lives for an hour and another to the end.
fn record() -> Record {
    let waited = |pod: PodRecord, call: i64| PodRecord { launch_called: Some(at(call)), ..pod };
    let unschedulable = pod("f", 7000, None, None);
    Record {
        start: at(0),
        end: at(7200),
        pods: vec![
            waited(pod("a", 0, Some(60), Some((3000, PodEnd::Completed))), 2),
            waited(pod("b", 0, Some(62), Some((3000, PodEnd::Evicted))), 2),
            pod("c", 3000, Some(3001), None),
            pod("d", 3000, Some(3001), Some((3600, PodEnd::Lost))),
            pod("e", 3000, None, Some((3100, PodEnd::Withdrawn))),
            PodRecord { reason: Some("too large".to_owned()), ..unschedulable },
            pod("g", 7199, None, None),
        ],
        instances: vec![instance("i-1", 2, Some(3602)), instance("i-2", 2, None)],
        invocations: [("provisioning", 120), ("disruption", 120)].into(),
        billed_millis: [("provisioning", 60_000), ("disruption", 30_000)].into(),
        calls: [("ec2.RunInstances".to_owned(), 1), ("cluster.observe".to_owned(), 240)].into(),
        hints: 3,
        messages: 4,
        evictions: 1,
        faults: [("throttled", 2)].into(),
        checks: 5000,
        violations: vec!["I1 at 00:01:00: two nodes for one claim".to_owned()],
        ..Record::default()
    }
}

#[test]
fn the_table_has_a_line_for_everything() {
    let bound = Bound { dollars: 0.2, steps: Vec::new() };
    expect![[r#"
        virtual time           2.0 h in 0.2 s
        seed                   7
        pods created           7
          of these             1 completed, 1 running, 1 just come, 1 unschedulable, 1 withdrawn, 1 evicted, 1 lost
        pending                p50 60.0 s, p95 200.0 s, p99 200.0 s, max 200.0 s
          for the autoscaler   p50 2.0 s, p95 2.0 s, p99 2.0 s, max 2.0 s  (2 pods that needed a launch)
          for the boot         p50 58.0 s, p95 60.0 s, p99 60.0 s, max 60.0 s
        nodes launched         2, removed 1
        nodes at once          peak 2, mean 1.5
        utilisation            cpu 49.8 %, memory 24.9 % (requested of allocatable, over time)
        cost                   $0.29
          lower bound          $0.20 (clairvoyant, fractional)
          gap                  44.0 %
        interruptions          0, pods lost 1
        evictions              1
        hints                  3, messages 4, dead letters 0
        invocations            disruption 120, interruption 0, lifecycle 0, provisioning 120
        API calls              cluster.observe 240, ec2.RunInstances 1
        bill per month         $0.98 (Lambda $0.46, SQS $0.53; estimated, no free tier)
        faults injected        2 (throttled 2)
        invariant checks       5,000
        violations             1
        VIOLATION I1 at 00:01:00: two nodes for one claim
    "#]].assert_eq(&summarize(&record(), &bound, 7, 0.25).to_table());
}

#[test]
fn the_json_has_its_keys_for_good() {
    let bound = Bound { dollars: 0.2, steps: Vec::new() };
    let json = summarize(&record(), &bound, 7, 0.25).to_json();
    expect![[r#"
        {"seed":7,
        "seedsRun":1,
        "virtualHours":2.0,
        "wallSeconds":0.25,
        "podsCreated":7,
        "podsCompleted":1,
        "podsRunning":1,
        "podsPending":1,
        "podsUnschedulable":1,
        "podsWithdrawn":1,
        "podsEvicted":1,
        "podsLost":1,
        "pendingSeconds":{"p50":60.0,
        "p95":200.0,
        "p99":200.0,
        "max":200.0},
        "podsThatWaitedForLaunch":2,
        "pendingForAutoscalerSeconds":{"p50":2.0,
        "p95":2.0,
        "p99":2.0,
        "max":2.0},
        "pendingForBootSeconds":{"p50":58.0,
        "p95":60.0,
        "p99":60.0,
        "max":60.0},
        "nodesLaunched":2,
        "nodesTerminated":1,
        "peakNodes":2,
        "meanNodes":1.499722,
        "utilisationPercent":{"cpu":49.804068,
        "memory":24.902034},
        "costDollars":0.287947,
        "costLowerBoundDollars":0.2,
        "gapPercent":43.9735,
        "billDollarsPerMonth":{"lambda":0.455522,
        "sqs":0.527352,
        "total":0.982874},
        "invocations":{"disruption":120,
        "interruption":0,
        "lifecycle":0,
        "provisioning":120},
        "hints":3,
        "messages":4,
        "deadLetters":0,
        "calls":{"cluster.observe":240,
        "ec2.RunInstances":1},
        "evictions":1,
        "interruptions":0,
        "faultsInjected":2,
        "faults":{"throttled":2},
        "invariantChecks":5000,
        "violations":["I1 at 00:01:00: two nodes for one claim"]}"#]]
    .assert_eq(&json.replace(",\"", ",\n\""));
}

#[test]
fn every_pod_is_counted_once() {
    let figures = summarize(&record(), &Bound::default(), 1, 0.0);
    let parts = [
        figures.pods_completed,
        figures.pods_running,
        figures.pods_pending,
        figures.pods_unschedulable,
        figures.pods_withdrawn,
        figures.pods_evicted,
        figures.pods_lost,
    ];
    assert_eq!(parts, [1; 7]);
    assert_eq!(parts.iter().sum::<u64>(), figures.pods_created);
}

#[test]
fn nothing_at_all_makes_figures_too() {
    let bound = lower_bound(&Record::default(), &[]);
    let figures = summarize(&Record::default(), &bound, 1, 0.0);
    assert_eq!(figures.cost_dollars.to_bits(), 0_f64.to_bits());
    assert!(figures.to_json().starts_with("{\"seed\":1,"));
}

#[test]
fn percentiles_are_those_of_the_nearest_rank() {
    let pods = (1..=200).map(|wait| pod(&format!("p{wait}"), 0, Some(wait), None)).collect();
    let record = Record { pods, end: at(1000), ..Record::default() };
    let pending = summarize(&record, &Bound::default(), 1, 0.0).pending_seconds;
    let found = [pending.p50, pending.p95, pending.p99, pending.max].map(f64::to_bits);
    assert_eq!(found, [100.0, 190.0, 198.0, 200.0].map(f64::to_bits));
}

#[test]
fn an_instance_costs_a_minute_at_least() {
    let record =
        Record { instances: vec![instance("i", 0, Some(5))], end: at(9), ..Record::default() };
    let cost = summarize(&record, &Bound::default(), 1, 0.0).cost_dollars;
    assert_eq!(cost.to_bits(), 0.0016_f64.to_bits());
}

#[test]
fn the_bound_is_the_dearer_of_the_resources_that_are_needed() {
    let half_a_node = |cpu, memory| {
        let requests = Arc::new(Resources::cpu_memory(cpu, memory));
        PodRecord { requests, ..pod("p", 0, Some(0), Some((3600, PodEnd::Completed))) }
    };
    let offer = Offer {
        allocatable: Resources::cpu_memory(2000, 8 << 30),
        on_demand: Some(Price::from_micro_dollars(100_000)),
        spot: None,
    };
    let dollars = |pod| {
        let record = Record { pods: vec![pod], end: at(3600), ..Record::default() };
        lower_bound(&record, std::slice::from_ref(&offer)).dollars
    };
    assert!((dollars(half_a_node(1000, 1 << 30)) - 0.05).abs() < 1e-6);
    assert!((dollars(half_a_node(100, 6 << 30)) - 0.075).abs() < 1e-6);
}

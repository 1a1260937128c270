//! The whole world in motion under a small autoscaler.

#[path = "support/small.rs"]
mod small;
#[path = "support/world.rs"]
mod world;

use jiff::{SignedDuration, Timestamp};
use model::instance_type::{CapacityType, OfferingKey};
use model::labels::Labels;
use model::name::{ObjectName, Zone};
use model::pod::{Phase, Pod};
use model::resources::Resources;
use sim::faults::Faults;
use sim::record::{PodEnd, Record};
use sim::workload::{Event, Lifetime, Workload};
use small::Small;
use world::{ZONES, instance_types};

/// The choice of an attempt: the smaller type that holds the requests, spot first, zone after zone.
pub(crate) fn offering(requests: &Resources, attempt: u32) -> OfferingKey {
    let types = instance_types();
    let fitting = types.iter().find(|t| requests.fits(&t.allocatable)).unwrap_or(&types[1]);
    let attempt = usize::try_from(attempt - 1).expect("attempts are few");
    let capacity_type =
        if attempt < ZONES.len() { CapacityType::Spot } else { CapacityType::OnDemand };
    let zone = Zone::from(ZONES[attempt % ZONES.len()]);
    OfferingKey { instance_type: fitting.name.clone(), zone, capacity_type }
}

fn template(name: &str, cpu_milli: i64) -> Pod {
    let requests = Resources { pods: 1, ..Resources::cpu_memory(cpu_milli, 1 << 30) };
    Pod {
        name: ObjectName::new("apps", name),
        uid: "".into(),
        resource_version: 0,
        labels: Labels::from([("app".into(), name.into())]),
        owner: None,
        created: Timestamp::UNIX_EPOCH,
        requests,
        node_selector: Labels::new(),
        node_affinity: vec![],
        preferred_node_affinity: vec![],
        tolerations: vec![],
        topology_spread: vec![],
        affinity: model::affinity::PodAffinity::default(),
        anti_affinity: model::affinity::PodAffinity::default(),
        host_ports: vec![],
        volume_claims: vec![],
        resource_claims: false,
        priority: 0,
        critical: false,
        deletion_cost: 0,
        do_not_disrupt: None,
        termination_grace: SignedDuration::from_secs(30),
        node: None,
        nominated_node: None,
        phase: Phase::Pending,
        unschedulable_since: None,
        scheduled_at: None,
        started_at: None,
        deleting: None,
    }
}

fn create(
    minute: i64,
    template: Pod,
    replicas: u32,
    lifetime: Lifetime,
) -> (SignedDuration, Event) {
    let template = Box::new(template);
    let event = Event::Create { template, replicas, lifetime, withdrawn_after: None };
    (SignedDuration::from_mins(minute), event)
}

/// Jobs and services over six hours.
fn some_hours() -> Workload {
    let mins = SignedDuration::from_mins;
    let mut events = Vec::new();
    for hour in 0..6 {
        let job = template(&format!("job-{hour}"), 1500);
        events.push(create(hour * 60, job, 8, Lifetime::Work(mins(45))));
        let service = template(&format!("service-{hour}"), 400);
        events.push(create(hour * 60 + 20, service, 5, Lifetime::Service(mins(70))));
    }
    Workload { title: "some hours".into(), events, ..Workload::default() }
}

fn simulate(seed: u64, faults: Faults, workload: Workload) -> Record {
    world::simulate(seed, faults, workload, Small)
}

#[test]
fn all_pods_run_and_everything_goes_in_the_end() {
    let record = simulate(1, Faults::none(), some_hours());
    assert_eq!(record.violations, [""; 0]);
    assert_eq!(record.pods.len(), 6 * 13);
    for pod in &record.pods {
        assert_eq!(pod.ended.map(|(_, end)| end), Some(PodEnd::Completed), "{pod:?}");
        let waited = pod.bound.unwrap().duration_since(pod.created);
        assert!(waited < SignedDuration::from_secs(80), "{pod:?}");
    }
    assert!(record.instances.iter().all(|instance| instance.ended.is_some()));
    assert!(record.hints > 0 && record.checks > 0);
}

#[test]
fn without_the_forwarder_sweeps_do_it_alone() {
    let record = simulate(2, Faults::none().without_forwarder(), some_hours());
    assert_eq!(record.violations, [""; 0]);
    assert_eq!((record.hints, record.messages), (0, 0));
    assert!(record.pods.iter().all(|pod| pod.started.is_some()));
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_another() {
    let text = |seed| format!("{:?}", simulate(seed, Faults::hostile(), some_hours()));
    assert!(text(3) == text(3), "two runs of one seed differ");
    assert!(text(3) != text(4), "two seeds give one run");
}

#[test]
fn a_hostile_world_breaks_nothing() {
    for seed in 0..10 {
        let record = simulate(seed, Faults::hostile(), some_hours());
        assert_eq!(record.violations, [""; 0], "seed {seed}: {:?}", record.faults);
        assert!(record.pods.iter().all(|pod| pod.ended.is_some()));
    }
}

#[test]
fn a_realistic_world_breaks_nothing() {
    for seed in 0..10 {
        let record = simulate(seed, Faults::realistic(), some_hours());
        assert_eq!(record.violations, [""; 0], "seed {seed}: {:?}", record.faults);
    }
}

#[test]
fn a_spot_storm_takes_pods_along_and_they_run_again() {
    let mut workload = some_hours();
    let storm = Event::ReclaimSpot { zone: None, percent: 100, notice: true };
    workload.events.insert(1, (SignedDuration::from_mins(10), storm));
    let record = simulate(5, Faults::none(), workload);
    assert_eq!(record.violations, [""; 0]);
    let interrupted = record.instances.iter().filter(|i| i.interrupted.is_some()).count();
    assert_eq!(interrupted, 8);
    let evicted = |end: &PodEnd| record.pods.iter().filter(|p| p.ended.unwrap().1 == *end).count();
    assert_eq!(evicted(&PodEnd::Evicted), 8);
    assert_eq!(evicted(&PodEnd::Completed), 6 * 13);
}

#[test]
fn a_run_ends_although_a_pod_fits_nowhere() {
    let mut workload = some_hours();
    workload.events.insert(0, create(0, template("giant", 64_000), 1, Lifetime::Endless));
    let record = simulate(6, Faults::none(), workload);
    let giant = record.pods.iter().find(|pod| &*pod.name.name == "giant-0").unwrap();
    assert_eq!(giant.ended.map(|(_, end)| end), Some(PodEnd::Withdrawn));
}
/// Three pods for a quarter of an hour.
fn a_quarter_of_an_hour() -> Workload {
    let work = Lifetime::Work(SignedDuration::from_mins(5));
    let events = vec![create(0, template("job", 800), 3, work)];
    Workload { title: "a quarter of an hour".into(), events, ..Workload::default() }
}

#[test]
fn a_crash_at_any_await_breaks_nothing() {
    let whole = simulate(7, Faults::none(), a_quarter_of_an_hour());
    assert_eq!(whole.violations, [""; 0]);
    let mut effects_without_answer = 0;
    for crash_at in 1..=whole.awaits.min(400) {
        let faults = Faults { crash_at: Some(crash_at), ..Faults::none() };
        let record = simulate(7, faults, a_quarter_of_an_hour());
        assert_eq!(record.violations, [""; 0], "crash at await {crash_at}");
        assert_eq!(record.faults.get("crash"), Some(&1), "crash at await {crash_at}");
        let ended = |end| record.pods.iter().filter(|p| p.ended.unwrap().1 == end).count();
        assert_eq!(ended(PodEnd::Completed), 3, "crash at await {crash_at}");
        if record.calls["ec2.RunInstances"] > whole.calls["ec2.RunInstances"] {
            effects_without_answer += 1;
        }
    }
    assert!(0 < effects_without_answer, "no crash fell between a launch and its answer");
}

//! EC2 by itself: its time is what it is told, and what happens to instances is told to whoever asks.

use jiff::{SignedDuration, Timestamp};
use model::action::{CloudAction, RunInstances};
use model::instance_type::{CapacityType, InstanceType, Offering, OfferingKey};
use model::labels::Labels;
use model::name::InstanceId;
use model::node_class::{AmiFamily, Image, Kubelet, NodeClass, Subnet};
use model::outcome::Outcome;
use model::price::Price;
use model::resources::Resources;
use model::snapshot::{InstanceState, Policies, Settings};
use model::taint::{Effect, Taint};
use reconciler::ports::{Cloud, CloudQuery};
use sim::account::{Account, Occurrence};
use sim::faults::{Faults, Rate};
use sim::handle::WorldHandle;
use sim::kubelet::Paces;
use sim::lambda::Function;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

const ZONE: &str = "us-east-1a";
const PACES: Paces =
    Paces { runs_millis: (500, 500), joins_millis: (9_000, 9_000), terminated_millis: (700, 700) };

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000 + millis).expect("it is in 2023")
}

/// An account and the time that it was told last.
struct Watched {
    account: Account,
    now: i64,
    seen: Vec<Occurrence>,
}

impl Watched {
    fn new() -> Self {
        let settings = Settings {
            cluster_name: "test".into(),
            cluster_uid: "cluster-uid".into(),
            nodes_max: 10,
            spot_to_spot: false,
            node_repair: false,
            policies: Policies::default(),
        };
        let account = Account::new(3, at(0), settings, PACES);
        account.set_classes([(Arc::new(node_class()), Arc::new(vec![instance_type()].into()))]);
        Self { account, now: 0, seen: Vec::new() }
    }

    fn pass(&mut self, millis: i64) {
        self.now += millis;
        self.seen.extend(self.account.advance(at(self.now)));
    }

    /// Waits for a call in steps of ten milliseconds.
    fn wait<T>(&mut self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        loop {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(answer) = call.as_mut().poll(&mut context) {
                return answer;
            }
            self.pass(10);
        }
    }

    fn launch(&mut self, cloud: &WorldHandle) -> Outcome {
        let action = CloudAction::RunInstances(call());
        self.wait(Cloud::apply(cloud, &action))
    }

    fn states(&mut self, cloud: &WorldHandle) -> Vec<InstanceState> {
        let state = self.wait(Cloud::observe(cloud, CloudQuery::Instances)).expect("EC2 answers");
        state.instances.iter().map(|instance| instance.state).collect()
    }
}

fn node_class() -> NodeClass {
    let zone = ZONE.into();
    NodeClass {
        name: "default".into(),
        uid: "class-uid".into(),
        deleting: false,
        ready: true,
        ami_family: AmiFamily::AL2023,
        kubelet: Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: vec![Subnet { id: "subnet-1".into(), zone, zone_id: None, free_addresses: None }],
        images: vec![Image { id: "ami-1".into(), arch: "amd64".into() }],
        template: Arc::default(),
    }
}

fn instance_type() -> InstanceType {
    InstanceType {
        name: "m5.large".into(),
        labels: Labels::new(),
        capacity: Resources::cpu_memory(2_000, 8 << 30),
        allocatable: Resources::cpu_memory(1_900, 7 << 30),
        offerings: vec![Offering {
            zone: ZONE.into(),
            zone_id: None,
            capacity_type: CapacityType::OnDemand,
            price: Price::from_micro_dollars(96_000),
            available: true,
        }],
    }
}

fn call() -> RunInstances {
    RunInstances {
        token: "token".into(),
        count: 1,
        offering: OfferingKey {
            instance_type: "m5.large".into(),
            zone: ZONE.into(),
            capacity_type: CapacityType::OnDemand,
        },
        subnet: "subnet-1".into(),
        image: "ami-1".into(),
        pool: None,
        node_class: "default".into(),
        claim: Some("claim".into()),
        labels: Labels::from([("a".into(), "b".into())]),
        taints: vec![Taint::new("t", Effect::NoSchedule)],
    }
}

fn ids(outcome: &Outcome) -> Vec<InstanceId> {
    let Outcome::Launched(instances) = outcome else { panic!("{outcome:?}") };
    instances.iter().map(|instance| instance.id.clone()).collect()
}

#[test]
fn an_instance_that_was_launched_joins_with_the_labels_and_taints_of_its_call() {
    let mut watched = Watched::new();
    let cloud = watched.account.handle(Function::Provisioning);
    let launched = ids(&watched.launch(&cloud));
    assert_eq!(watched.states(&cloud), [InstanceState::Running]);
    watched.pass(10_000);
    let [Occurrence::Joins(booted)] = &watched.seen[..] else { panic!("{:?}", watched.seen) };
    assert_eq!(launched, std::slice::from_ref(&booted.instance.id));
    assert_eq!((&booted.labels, &booted.taints), (&call().labels, &call().taints));
    assert_eq!(booted.capacity, instance_type().capacity);
    assert_eq!(booted.instance.cluster_uid, "cluster-uid".into());
}

#[test]
fn the_same_call_again_launches_nothing() {
    let mut watched = Watched::new();
    let cloud = watched.account.handle(Function::Provisioning);
    let first = ids(&watched.launch(&cloud));
    assert_eq!(ids(&watched.launch(&cloud)), first);
    assert_eq!(watched.states(&cloud).len(), 1);
}

#[test]
fn a_terminated_instance_leaves_and_eventbridge_says_so() {
    let mut watched = Watched::new();
    let cloud = watched.account.handle(Function::Provisioning);
    let instances = ids(&watched.launch(&cloud));
    watched.pass(10_000);
    watched.seen.clear();
    let lifecycle = watched.account.handle(Function::Lifecycle);
    let action = CloudAction::TerminateInstances { instances: instances.clone() };
    assert_eq!(watched.wait(Cloud::apply(&lifecycle, &action)), Outcome::Done);
    watched.pass(2_000);
    let told = |seen: &Occurrence| match seen {
        Occurrence::Leaves(id) => format!("{id} leaves"),
        Occurrence::Announced(event) => {
            let event: serde_json::Value = serde_json::from_str(event).unwrap();
            event["detail"]["state"].as_str().unwrap().to_owned()
        }
        Occurrence::Joins(_) => "joins".to_owned(),
    };
    let told: Vec<String> = watched.seen.iter().map(told).collect();
    assert_eq!(
        told,
        [format!("{} leaves", instances[0]), "shutting-down".into(), "terminated".into()]
    );
    assert_eq!(watched.states(&cloud), [InstanceState::Terminated]);
}

#[test]
fn an_instance_may_be_told_never_to_join() {
    let mut watched = Watched::new();
    watched.account.set_faults(Faults { never_joins: Rate::percent(100), ..Faults::none() });
    let cloud = watched.account.handle(Function::Provisioning);
    watched.launch(&cloud);
    watched.pass(60_000);
    assert_eq!(watched.states(&cloud), [InstanceState::Running]);
    assert!(watched.seen.is_empty());
}

#[test]
fn a_zone_may_be_told_to_have_no_capacity() {
    let mut watched = Watched::new();
    watched.account.zone_fails(&ZONE.into(), SignedDuration::from_secs(60));
    let cloud = watched.account.handle(Function::Provisioning);
    let Outcome::Unavailable { code } = watched.launch(&cloud) else { panic!("it was launched") };
    assert_eq!(code, "InsufficientInstanceCapacity");
    watched.pass(60_000);
    assert_eq!(ids(&watched.launch(&cloud)).len(), 1);
}

//! A pool, its class, a few instance types in three zones, and a forwarder that batches.

use jiff::{SignedDuration, Timestamp};
use model::hint::Hint;
use model::instance_type::{CapacityType, InstanceType, Offering};
use model::labels::{self, Labels};
use model::node_class::{AmiFamily, Image, Kubelet, NodeClass, Subnet};
use model::pool::{Budget, BudgetNodes, Disruption, NodePool, PoolStatus};
use model::price::Price;
use model::resources::Resources;
use model::snapshot::{Policies, Settings};
use sim::faults::Faults;
use sim::forwarder::Forwarder;
use sim::lambda::Functions;
use sim::record::Record;
use sim::simulation::{Config, run};
use sim::workload::Workload;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const ZONES: [&str; 3] = ["us-east-1a", "us-east-1b", "us-east-1c"];

/// Sends what has changed half a second later.
#[derive(Default)]
pub(crate) struct Batches {
    changed: Vec<Hint>,
    due: Option<Timestamp>,
}

impl Forwarder for Batches {
    fn changed(&mut self, what: Hint, now: Timestamp) {
        if !self.changed.contains(&what) {
            self.changed.push(what);
        }
        self.due.get_or_insert(now + SignedDuration::from_millis(500));
    }

    fn due(&mut self, now: Timestamp) -> Vec<Hint> {
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            return std::mem::take(&mut self.changed);
        }
        Vec::new()
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.due
    }
}

fn instance_type(name: &str, cpu: i64, price: i64) -> InstanceType {
    let capacity = Resources { pods: 29, ..Resources::cpu_memory(cpu * 1000, cpu << 32) };
    let allocatable = Resources { pods: 29, ..Resources::cpu_memory(cpu * 900, cpu << 31) };
    let offerings = ZONES.iter().flat_map(|zone| {
        [CapacityType::Spot, CapacityType::OnDemand].map(|capacity_type| Offering {
            zone: (*zone).into(),
            zone_id: None,
            capacity_type,
            price: Price::from_micro_dollars(price),
            available: true,
        })
    });
    let labels = Labels::from([
        (labels::INSTANCE_TYPE.into(), name.into()),
        (labels::ARCH.into(), "amd64".into()),
        (labels::OS.into(), "linux".into()),
    ]);
    InstanceType {
        name: name.into(),
        labels,
        capacity,
        allocatable,
        offerings: offerings.collect(),
    }
}

pub(crate) fn instance_types() -> Vec<InstanceType> {
    vec![instance_type("m5.large", 2, 96_000), instance_type("m5.xlarge", 4, 192_000)]
}

fn pool() -> NodePool {
    let one =
        Budget { nodes: BudgetNodes::Count(1), reasons: vec![], schedule: None, duration: None };
    NodePool {
        name: "default".into(),
        uid: "pool-uid".into(),
        deleting: false,
        weight: 0,
        replicas: None,
        labels: Labels::new(),
        annotations: BTreeMap::new(),
        requirements: model::requirement::Requirements::none(),
        taints: vec![],
        startup_taints: vec![],
        node_class: "default".into(),
        expire_after: None,
        termination_grace_period: None,
        limits: None,
        disruption: Disruption { budgets: vec![one], ..Disruption::default() },
        status: PoolStatus::default(),
    }
}

fn node_class() -> NodeClass {
    let subnet = |zone: &&str| Subnet {
        id: format!("subnet-{zone}").into(),
        zone: (*zone).into(),
        zone_id: None,
        free_addresses: None,
    };
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
        subnets: ZONES.iter().map(subnet).collect(),
        images: vec![Image { id: "ami-1".into(), arch: "amd64".into() }],
        template: Arc::default(),
    }
}

/// Runs a workload of at most two days from a point in 2023.
pub(crate) fn simulate(
    seed: u64,
    faults: Faults,
    workload: Workload,
    functions: impl Functions,
) -> Record {
    let config = Config {
        seed,
        faults,
        workload,
        pools: vec![pool()],
        node_classes: vec![node_class()],
        instance_types: BTreeMap::from([("default".into(), Arc::new(instance_types().into()))]),
        settings: settings(),
        start: Timestamp::from_second(1_700_000_000).expect("it is in 2023"),
        max_hours: Some(48),
        progress: None,
    };
    run(config, functions, Batches::default())
}

/// What is given to the functions.
pub(crate) fn settings() -> Settings {
    Settings {
        cluster_name: "test".into(),
        cluster_uid: "cluster-uid".into(),
        nodes_max: 200,
        spot_to_spot: false,
        node_repair: false,
        policies: Policies::default(),
    }
}

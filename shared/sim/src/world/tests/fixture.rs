//! A small world: one pool, two instance types, two zones, and time that passes on demand.

use crate::faults::Faults;
use crate::lambda::{Call, Event, Function, Source, TaskId};
use crate::workload::{self, Budget, Lifetime, Workload};
use crate::world::{Happening, World};
use jiff::{SignedDuration, Timestamp};
use model::action::{ClaimChange, ClusterAction, NewClaim, NodeChange, RunInstances};
use model::affinity::{LabelSelector, PodAffinity, PodAffinityTerm};
use model::claim::{LaunchRecord, NodeClaimSpec};
use model::instance_type::{CapacityType, InstanceType, Offering, OfferingKey};
use model::labels::{self, Labels};
use model::name::{ClaimName, InstanceId, NodeName, ObjectName, Uid};
use model::node_class::{AmiFamily, Image, Kubelet, NodeClass, Subnet};
use model::outcome::Outcome;
use model::pod::{Phase, Pod};
use model::pool::{Disruption, NodePool, PoolStatus};
use model::price::Price;
use model::requirement::{Requirement, Requirements};
use model::resources::Resources;
use model::snapshot::{Scope, Settings};
use model::taint::{Effect, Taint};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const ZONES: [&str; 2] = ["us-east-1a", "us-east-1b"];

/// A world in which nothing goes wrong and nothing is asked for, but something will be much later.
pub(super) fn world() -> World {
    world_with(Workload::default())
}

/// A world whose load is over.
pub(super) fn world_at_rest() -> World {
    let mut world = world();
    world.ahead.clear();
    world
}

pub(super) fn world_with(workload: Workload) -> World {
    let settings = Settings {
        cluster_name: "test".into(),
        cluster_uid: "cluster-uid".into(),
        nodes_max: 10,
        spot_to_spot: false,
        node_repair: false,
        policies: model::snapshot::Policies::default(),
    };
    let start = Timestamp::from_second(1_700_000_000).unwrap();
    let mut world = World::new(1, start, Faults::none(), settings);
    let types = vec![instance_type("m5.large", 2, &ZONES), instance_type("m5.xlarge", 4, &ZONES)];
    world.types = BTreeMap::from([("default".into(), Arc::new(types.into()))]);
    world.store.pools = vec![Arc::new(pool())];
    world.store.node_classes = vec![Arc::new(node_class(&ZONES))];
    world.begin(workload);
    let owner = ObjectName::new("apps", "nobody");
    let much_later = SignedDuration::from_hours(1_000);
    world.ahead.push_back((much_later, workload::Event::Delete { owner }));
    world
}

pub(crate) fn instance_type(name: &str, cpu: i64, zones: &[&str]) -> InstanceType {
    let both = |zone: &&str| {
        [CapacityType::Spot, CapacityType::OnDemand].map(|capacity_type| Offering {
            zone: (*zone).into(),
            zone_id: None,
            capacity_type,
            price: Price::from_micro_dollars(cpu * 48_000),
            available: true,
        })
    };
    let capacity = Resources { pods: 10, ..Resources::cpu_memory(cpu * 1000, cpu << 32) };
    let allocatable = Resources { pods: 10, ..Resources::cpu_memory(cpu * 900, cpu << 31) };
    let labels = Labels::from([(labels::ARCH.into(), "amd64".into())]);
    let offerings = zones.iter().flat_map(both).collect();
    InstanceType { name: name.into(), labels, capacity, allocatable, offerings }
}

pub(crate) fn pool() -> NodePool {
    NodePool {
        name: "default".into(),
        uid: "pool-uid".into(),
        deleting: false,
        weight: 0,
        replicas: None,
        labels: Labels::new(),
        annotations: BTreeMap::new(),
        requirements: Requirements::none(),
        taints: vec![],
        startup_taints: vec![],
        node_class: "default".into(),
        expire_after: None,
        termination_grace_period: None,
        limits: None,
        disruption: Disruption::default(),
        status: PoolStatus::default(),
    }
}

pub(crate) fn node_class(zones: &[&str]) -> NodeClass {
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
        subnets: zones.iter().map(subnet).collect(),
        images: vec![Image { id: "ami-1".into(), arch: "amd64".into() }],
        template: Arc::default(),
    }
}

pub(super) fn template(name: &str, cpu_milli: i64) -> Pod {
    Pod {
        name: ObjectName::new("apps", name),
        uid: "".into(),
        resource_version: 0,
        labels: Labels::from([("app".into(), name.into())]),
        owner: None,
        created: Timestamp::UNIX_EPOCH,
        requests: Resources { pods: 1, ..Resources::cpu_memory(cpu_milli, 1 << 30) },
        node_selector: Labels::new(),
        node_affinity: vec![],
        preferred_node_affinity: vec![],
        tolerations: vec![],
        topology_spread: vec![],
        affinity: PodAffinity::default(),
        anti_affinity: PodAffinity::default(),
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

/// A required term over a label of nodes that means the pods of an app.
pub(super) fn term(topology_key: &str, app: &str) -> PodAffinity {
    let selector = LabelSelector(vec![("app".into(), Requirement::is(app))]);
    let term = PodAffinityTerm {
        topology_key: topology_key.into(),
        selector: Some(selector),
        namespaces: vec![],
        namespace_selector: None,
        match_label_keys: vec![],
        mismatch_label_keys: vec![],
    };
    PodAffinity { required: vec![term], preferred: vec![] }
}

/// A Deployment that is there from the start.
pub(super) fn deployment(template: Pod, replicas: u32) -> (SignedDuration, workload::Event) {
    let (template, lifetime) = (Box::new(template), Lifetime::Endless);
    let event = workload::Event::Create { template, replicas, lifetime, withdrawn_after: None };
    (SignedDuration::ZERO, event)
}

/// A budget over the pods of an owner.
pub(super) fn budget(name: &str, app: &str, min_available: u32) -> Budget {
    let selector = LabelSelector(vec![("app".into(), Requirement::is(app))]);
    Budget { name: ObjectName::new("apps", name), selector, min_available }
}

pub(super) fn workload(templates: Vec<(Pod, u32)>) -> Workload {
    let events = templates.into_iter().map(|(template, count)| deployment(template, count));
    Workload { events: events.collect(), ..Workload::default() }
}

pub(super) fn offering(
    instance_type: &str,
    zone: &str,
    capacity_type: CapacityType,
) -> OfferingKey {
    OfferingKey { instance_type: instance_type.into(), zone: zone.into(), capacity_type }
}

/// A call for one on-demand `m5.xlarge` in the first zone.
pub(super) fn run_of(token: &str) -> RunInstances {
    let offering = offering("m5.xlarge", ZONES[0], CapacityType::OnDemand);
    RunInstances {
        token: token.into(),
        count: 1,
        subnet: format!("subnet-{}", offering.zone).into(),
        offering,
        image: "ami-1".into(),
        pool: Some("default".into()),
        node_class: "default".into(),
        claim: None,
        labels: Labels::from([("team".into(), "a".into())]),
        taints: vec![Taint::new(labels::UNREGISTERED_TAINT, Effect::NoExecute)],
    }
}

pub(super) fn new_claim(name: &str) -> NewClaim {
    let spec = NodeClaimSpec {
        pool: Some("default".into()),
        node_class: "default".into(),
        requirements: Requirements::none(),
        requests: Resources::default(),
        taints: vec![],
        startup_taints: vec![],
        expire_after: None,
        termination_grace_period: None,
        nominated: vec![],
        replaces: vec![],
    };
    NewClaim {
        name: name.into(),
        pool_uid: None,
        labels: Labels::new(),
        annotations: BTreeMap::new(),
        spec,
    }
}

impl World {
    /// Lets time pass; what handlers and the forwarder would do is left undone.
    pub(super) fn pass(&mut self, seconds: i64) {
        let end = self.now() + SignedDuration::from_secs(seconds);
        self.timeline.at(end, Happening::Wake(0));
        while let Some(what) = self.timeline.next() {
            if matches!(what, Happening::Wake(0)) {
                return;
            }
            self.happen(what);
        }
    }

    /// An invocation of a function that has just looked at everything.
    pub(super) fn invocation(&mut self, function: Function) -> TaskId {
        let before: Vec<TaskId> = self.platform.invocations.keys().copied().collect();
        self.invoke(Call { function, event: Event::Schedule, source: Source::Schedule });
        let new = |task: &&TaskId| !before.contains(task);
        let task = *self.platform.invocations.keys().find(new).unwrap();
        self.describe_instances(task).unwrap();
        self.observe_cluster(task, Scope::Everything).unwrap();
        task
    }

    /// Makes a change as an invocation of this function.
    pub(super) fn apply_as(&mut self, function: Function, action: &ClusterAction) -> Outcome {
        let task = self.invocation(function);
        self.apply_cluster(task, action)
    }

    pub(super) fn claim_uid(&self, name: &str) -> Uid {
        self.store.claims[name].uid.clone()
    }

    pub(super) fn change_claim(&mut self, name: &str, change: ClaimChange) -> Outcome {
        let uid = self.claim_uid(name);
        let claim = name.into();
        let action = ClusterAction::UpdateClaim { claim, uid, resource_version: None, change };
        self.apply_as(Function::Lifecycle, &action)
    }

    /// A claim with a launched instance.
    pub(super) fn launched(&mut self, name: &str, key: &OfferingKey) -> InstanceId {
        let task = self.invocation(Function::Provisioning);
        self.apply_cluster(task, &ClusterAction::CreateClaim(new_claim(name)));
        let uid = self.claim_uid(name);
        let run = RunInstances {
            offering: key.clone(),
            subnet: format!("subnet-{}", key.zone).into(),
            ..run_of(&LaunchRecord::token_for([&uid], 1, &key.zone))
        };
        let record = LaunchRecord {
            attempt: 1,
            token: run.token.clone(),
            index: 0,
            count: 1,
            offering: key.clone(),
            subnet: run.subnet.clone(),
            image: run.image.clone(),
            at: self.now(),
        };
        self.change_claim(name, ClaimChange::LaunchRecord(record));
        let outcome = self.run_instances(task, &run, self.now());
        let Outcome::Launched(instances) = outcome else { panic!("{outcome:?}") };
        let instance = instances[0].id.clone();
        let bought = self.ec2.machines[&instance].allocatable.clone();
        let launched = ClaimChange::Launched {
            instance: instance.clone(),
            image: run.image,
            labels: Labels::new(),
            capacity: bought.clone(),
            allocatable: bought,
        };
        self.change_claim(name, launched);
        instance
    }

    /// A claim whose node has registered and takes pods.
    pub(super) fn joined(&mut self, name: &str) -> (InstanceId, NodeName) {
        let key = offering("m5.xlarge", ZONES[0], CapacityType::Spot);
        let instance = self.launched(name, &key);
        self.pass(75);
        let node = self.ec2.node_of(&instance).unwrap();
        let claim: ClaimName = name.into();
        let change = NodeChange {
            labels: Labels::from([(labels::INITIALIZED.into(), "true".into())]),
            remove_taints: vec![labels::UNREGISTERED_TAINT.into()],
            own: Some((claim, self.claim_uid(name))),
            ..NodeChange::default()
        };
        let uid = self.store.nodes[&node].node.uid.clone();
        let action =
            ClusterAction::UpdateNode { node: node.clone(), uid, resource_version: None, change };
        self.apply_as(Function::Lifecycle, &action);
        self.change_claim(name, ClaimChange::Registered { node: node.clone() });
        self.pass(10);
        (instance, node)
    }

    /// The pods of an app: name, node and phase.
    pub(super) fn pods_of(&self, app: &str) -> Vec<(String, Option<String>, Phase)> {
        let pods = self.store.pods.values().filter(|entry| entry.pod.labels["app"] == app.into());
        let line = |pod: &Pod| {
            let node = pod.node.as_ref().map(ToString::to_string);
            (pod.name.name.to_string(), node, pod.phase)
        };
        pods.map(|entry| line(&entry.pod)).collect()
    }

    pub(super) fn evict(&mut self, name: &str) -> Outcome {
        let pod = ObjectName::new("apps", name);
        let uid = self.store.pods[&pod].pod.uid.clone();
        self.evict_pod(&pod, &uid)
    }
}

//! A sound launch and a sound cluster, for tests to spoil.

use jiff::{SignedDuration, Timestamp};
use model::action::{
    Action, Choice, ClaimChange, ClaimToLaunch, CloudAction, ClusterAction, DeleteReason, Launch,
    NewClaim,
};
use model::affinity::{LabelSelector, PodAffinity};
use model::claim::{LaunchRecord, NodeClaim, NodeClaimSpec};
use model::condition::{Condition, ConditionType, Conditions, Status};
use model::instance_type::{CapacityType, OfferingKey};
use model::labels::{self, Labels};
use model::memory::Memory;
use model::name::ObjectName;
use model::node::Node;
use model::node_class::{AmiFamily, Kubelet, NodeClass};
use model::plan::{Placement, Plan, Target};
use model::pod::{Owner, Phase, Pod};
use model::pool::{Disruption, NodePool, PoolStatus};
use model::price::Price;
use model::requirement::Requirements;
use model::resources::Resources;
use model::snapshot::{
    ClusterState, DaemonSet, Instance, InstanceState, PodDisruptionBudget, Scope, Settings,
    Snapshot,
};
use model::taint::{Toleration, TolerationOperator};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The time of every test.
pub(crate) fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().expect("it is a time")
}

/// Two pods of 1 CPU and a daemon of 0.1 CPU, placed on a new claim of 2.5 or 4.5 CPU.
pub(crate) fn launch_plan() -> (Snapshot, Plan) {
    let mut snapshot = empty(Scope::Pending);
    let mut daemon = pod("daemon", None);
    daemon.requests = requests(100);
    let everything = Toleration { operator: TolerationOperator::Exists, ..Toleration::default() };
    daemon.tolerations = vec![everything];
    let name = ObjectName::new("kube-system", "daemon");
    snapshot.cluster.daemon_sets = vec![Arc::new(DaemonSet { name, template: daemon })];
    snapshot.cluster.pods = vec![Arc::new(waiting("one")), Arc::new(waiting("two"))];
    let new = NewClaim {
        name: "new".into(),
        pool_uid: None,
        labels: Labels::new(),
        annotations: BTreeMap::new(),
        spec: spec(),
    };
    let launch = Launch {
        claims: vec![ClaimToLaunch::New(new)],
        pool: Some("default".into()),
        node_class: "class".into(),
        taints: vec![],
        choices: vec![choice("small", 2500), choice("large", 4500)],
        replay: None,
    };
    let on = |name: &str| Placement {
        pod: ObjectName::new("ns", name),
        on: Target::Claim("new".into()),
    };
    let plan = Plan {
        actions: vec![Action::Launch(launch)],
        placements: vec![on("one"), on("two")],
        ..Plan::default()
    };
    (snapshot, plan)
}

/// So many healthy nodes of 2 CPU, each with its claim and instance, all read.
pub(crate) fn cluster_of_nodes(count: usize) -> Snapshot {
    let mut snapshot = empty(Scope::Going);
    for index in 0..count {
        let (claim, node, instance) =
            (format!("claim-{index}"), format!("node-{index}"), format!("i-{index}"));
        snapshot.cluster.pods_known_on.insert(node.as_str().into());
        snapshot.cluster.claims.push(Arc::new(healthy_claim(&claim, &node, &instance)));
        snapshot.cluster.nodes.push(Arc::new(healthy_node(&node, &instance)));
        let instances = snapshot.instances.as_mut().expect("they were read");
        instances.push(Arc::new(running(&instance)));
    }
    snapshot
}

pub(crate) fn empty(scope: Scope) -> Snapshot {
    Snapshot {
        settings: Settings {
            cluster_name: "test".into(),
            cluster_uid: "ours".into(),
            nodes_max: 100,
            spot_to_spot: false,
            node_repair: false,
            policies: model::snapshot::Policies::default(),
        },
        instances: Some(vec![]),
        cluster: ClusterState {
            scope,
            cluster_uid: "ours".into(),
            pods_known_on: BTreeSet::new(),
            pods: vec![],
            nodes: vec![],
            claims: vec![],
            pools: vec![Arc::new(pool())],
            node_classes: vec![Arc::new(class())],
            daemon_sets: vec![],
            pod_disruption_budgets: vec![],
            namespaces: BTreeMap::new(),
            persistent_volumes: vec![],
            persistent_volume_claims: vec![],
            storage_classes: vec![],
            csi_nodes: vec![],
            memory: Memory::default(),
            unreadable: vec![],
        },
        instance_types: BTreeMap::new(),
    }
}

fn pool() -> NodePool {
    NodePool {
        name: "default".into(),
        uid: "pool".into(),
        deleting: false,
        weight: 0,
        replicas: None,
        labels: Labels::new(),
        annotations: BTreeMap::new(),
        requirements: Requirements::none(),
        taints: vec![],
        startup_taints: vec![],
        node_class: "class".into(),
        expire_after: None,
        termination_grace_period: None,
        limits: None,
        disruption: Disruption::default(),
        status: PoolStatus::default(),
    }
}

fn class() -> NodeClass {
    NodeClass {
        name: "class".into(),
        uid: "class".into(),
        deleting: false,
        ready: true,
        ami_family: AmiFamily::default(),
        kubelet: Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: vec![],
        images: vec![],
        template: Arc::default(),
    }
}

pub(crate) fn spec() -> NodeClaimSpec {
    NodeClaimSpec {
        pool: Some("default".into()),
        node_class: "class".into(),
        requirements: Requirements::none(),
        requests: Resources::default(),
        taints: vec![],
        startup_taints: vec![],
        expire_after: None,
        termination_grace_period: None,
        nominated: vec![],
        replaces: vec![],
    }
}

fn requests(cpu_milli: i64) -> Resources {
    Resources { pods: 1, ..Resources::cpu_memory(cpu_milli, 1 << 30) }
}

fn room(cpu_milli: i64) -> Resources {
    Resources { pods: 9, ..Resources::cpu_memory(cpu_milli, 8 << 30) }
}

fn offering(instance_type: &str) -> OfferingKey {
    OfferingKey {
        instance_type: instance_type.into(),
        zone: "zone-a".into(),
        capacity_type: CapacityType::OnDemand,
    }
}

/// A way to launch with so much CPU allocatable, of which the capacity is 1.5 CPU more.
pub(crate) fn choice(instance_type: &str, allocatable: i64) -> Choice {
    Choice {
        offering: offering(instance_type),
        price: Price::from_micro_dollars(100_000),
        subnet: "subnet".into(),
        image: "ami".into(),
        labels: Labels::new(),
        capacity: room(allocatable + 1500),
        allocatable: room(allocatable),
    }
}

/// A pod of 1 CPU that waits for a node.
pub(crate) fn waiting(name: &str) -> Pod {
    Pod { unschedulable_since: Some(now()), phase: Phase::Pending, ..pod(name, None) }
}

/// A pod of 1 CPU.
pub(crate) fn pod(name: &str, node: Option<&str>) -> Pod {
    let owner = Owner { kind: "ReplicaSet".into(), name: "o".into(), uid: "o".into() };
    Pod {
        name: ObjectName::new("ns", name),
        uid: name.into(),
        resource_version: 1,
        labels: Labels::new(),
        owner: Some(owner),
        created: now(),
        requests: requests(1000),
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
        node: node.map(Into::into),
        nominated_node: None,
        phase: Phase::Running,
        unschedulable_since: None,
        scheduled_at: None,
        started_at: None,
        deleting: None,
    }
}

pub(crate) fn healthy_claim(name: &str, node: &str, instance: &str) -> NodeClaim {
    let created = now() - SignedDuration::from_hours(1);
    let mut conditions = Conditions::default();
    for kind in [ConditionType::Launched, ConditionType::Registered, ConditionType::Initialized] {
        let reason = format!("{kind:?}");
        let condition =
            Condition { status: Status::True, reason, message: String::new(), since: created };
        conditions.set(kind, condition);
    }
    NodeClaim {
        name: name.into(),
        uid: name.into(),
        resource_version: 1,
        created,
        deleting: None,
        finalizer: true,
        labels: Labels::new(),
        do_not_disrupt: false,
        spec: spec(),
        stamps: model::stamp::Stamps::default(),
        launch: Some(LaunchRecord {
            attempt: 1,
            token: instance.into(),
            index: 0,
            count: 1,
            offering: offering("small"),
            subnet: "subnet".into(),
            image: "ami".into(),
            at: created,
        }),
        notice: None,
        replaced_by: vec![],
        termination_deadline: None,
        instance: Some(instance.into()),
        node: Some(node.into()),
        image: None,
        capacity: room(2000),
        allocatable: room(2000),
        conditions,
        last_pod_event: None,
    }
}

pub(crate) fn healthy_node(name: &str, instance: &str) -> Node {
    let labels = [(labels::NODEPOOL, "default"), (labels::INITIALIZED, "true")];
    Node {
        name: name.into(),
        uid: name.into(),
        resource_version: 1,
        created: now() - SignedDuration::from_hours(1),
        deleting: None,
        finalizer: true,
        labels: labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
        do_not_disrupt: false,
        taints: vec![],
        cordoned: false,
        instance: Some(instance.into()),
        capacity: room(2000),
        allocatable: room(2000),
        ready: true,
        ailments: vec![],
    }
}

fn running(id: &str) -> Instance {
    Instance {
        id: id.into(),
        state: InstanceState::Running,
        instance_type: "small".into(),
        zone: "zone-a".into(),
        capacity_type: CapacityType::OnDemand,
        image: "ami".into(),
        launched_at: now() - SignedDuration::from_hours(1),
        token: id.into(),
        pool: None,
        node_class: None,
        claim: None,
        cluster_uid: "ours".into(),
    }
}

/// A budget for all pods of the namespace.
pub(crate) fn guards_all(name: &str, disruptions_allowed: i64) -> PodDisruptionBudget {
    PodDisruptionBudget {
        name: ObjectName::new("ns", name),
        selector: LabelSelector::default(),
        disruptions_allowed,
    }
}

pub(crate) fn terminate(ids: &[&str]) -> Action {
    let instances = ids.iter().map(|id| (*id).into()).collect();
    Action::Cloud(CloudAction::TerminateInstances { instances })
}

pub(crate) fn evict(name: &str) -> Action {
    let (pod, uid) = (ObjectName::new("ns", name), name.into());
    Action::Cluster(ClusterAction::EvictPod { pod, uid, reason: "test".into() })
}

pub(crate) fn delete(snapshot: &Snapshot, index: usize, reason: DeleteReason) -> Action {
    let claim = &snapshot.cluster.claims[index];
    let (claim, uid) = (claim.name.clone(), claim.uid.clone());
    Action::Cluster(ClusterAction::DeleteClaim { claim, uid, reason })
}

pub(crate) fn update(snapshot: &Snapshot, index: usize, change: ClaimChange) -> Action {
    let claim = &snapshot.cluster.claims[index];
    let (claim, uid) = (claim.name.clone(), claim.uid.clone());
    Action::Cluster(ClusterAction::UpdateClaim { claim, uid, resource_version: None, change })
}

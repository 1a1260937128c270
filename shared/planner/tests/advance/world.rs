//! Worlds of nodes that come and go, as text: one object a line, `kind name key=value flag …`.
//!
//! Times are ages (`5m` ago). What is not said is as in a healthy world: claims are launched an hour ago and have the
//! finalizer, nodes are ready, their pods have been read, and there is the NodePool `default`.

use jiff::{SignedDuration, Timestamp};
use model::affinity::LabelSelector;
use model::claim::{LaunchRecord, NodeClaim, NodeClaimSpec, Notice, NoticeKind};
use model::condition::{Condition, ConditionType, Conditions, Status};
use model::instance_type::{CapacityType, InstanceType, Offering, OfferingKey};
use model::labels::{self, Labels};
use model::memory::{Change, Memory};
use model::name::ObjectName;
use model::node::{Ailment, Health, Node};
use model::node_class::NodeClass;
use model::pod::{DoNotDisrupt, Owner, Phase, Pod};
use model::pool::{Disruption, NodePool, PoolStatus};
use model::price::Price;
use model::requirement::{Requirement, Requirements};
use model::resources::Resources;
use model::snapshot::{
    ClusterState, Instance, InstanceState, PodDisruptionBudget, Scope, Settings, Snapshot,
};
use model::taint::{Effect, Taint, Toleration, TolerationOperator};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The time of every test.
pub(crate) fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().expect("the text is well-formed")
}

/// Reads a world.
pub(crate) fn parse(text: &str) -> Snapshot {
    let mut world = empty();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let (kind, name) =
            (words.next().expect("the text is well-formed"), words.next().unwrap_or(""));
        add(&mut world, kind, &Line { name, words: words.collect() });
    }
    world
}

fn add(world: &mut Snapshot, kind: &str, line: &Line<'_>) {
    let cluster = &mut world.cluster;
    match kind {
        "claim" => cluster.claims.push(Arc::new(claim(line))),
        "node" => {
            if !line.has("unread") {
                cluster.pods_known_on.insert(line.name.into());
            }
            cluster.nodes.push(Arc::new(node(line)));
        }
        "pod" => cluster.pods.push(Arc::new(pod(line))),
        "pdb" => cluster.pod_disruption_budgets.push(Arc::new(budget(line))),
        "instance" => {
            let instances = world.instances.as_mut().expect("the text is well-formed");
            instances.push(Arc::new(instance(line)));
        }
        "instances" => world.instances = None,
        "types" => {
            world.instance_types.insert("class".into(), Arc::new(vec![instance_type()].into()));
        }
        "learned" => {
            let bytes = line.number("bytes").expect("the text is well-formed");
            let images = BTreeMap::from([("ami".into(), bytes), ("old-ami".into(), bytes)]);
            cluster.memory.learned.insert(line.name.into(), images);
        }
        "pools" => cluster.pools.clear(),
        "class" => cluster.node_classes.push(Arc::new(class(line))),
        "launches" => {
            let ended = line.words.iter().map(|word| *word == "came-up").collect();
            cluster.memory.apply(&Change::Launched([(line.name.into(), ended)].into()));
        }
        "no-repair" => world.settings.node_repair = false,
        "unreadable" => cluster.unreadable.push(line.name.into()),
        "cluster" => cluster.cluster_uid = line.name.into(),
        other => panic!("{other} is no kind of this language"),
    }
}

fn empty() -> Snapshot {
    Snapshot {
        settings: Settings {
            cluster_name: "test".into(),
            cluster_uid: "ours".into(),
            nodes_max: 100,
            spot_to_spot: false,
            node_repair: true,
            policies: model::snapshot::Policies::default(),
        },
        instances: Some(vec![]),
        cluster: ClusterState {
            scope: Scope::Going,
            cluster_uid: "ours".into(),
            pods_known_on: BTreeSet::new(),
            pods: vec![],
            nodes: vec![],
            claims: vec![],
            pools: vec![Arc::new(pool())],
            node_classes: vec![],
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

/// The words of a line behind its kind.
struct Line<'a> {
    name: &'a str,
    words: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn has(&self, flag: &str) -> bool {
        self.words.contains(&flag)
    }

    fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.words.iter().filter_map(move |word| word.strip_prefix(key)?.strip_prefix('='))
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.all(key).next()
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.get(key).map(|text| text.parse().expect("the text is well-formed"))
    }

    fn duration(&self, key: &str) -> Option<SignedDuration> {
        self.get(key).map(duration)
    }

    /// A time so long ago; `-` before it is so long from now.
    fn ago(&self, key: &str) -> Option<Timestamp> {
        let text = self.get(key)?;
        Some(match text.strip_prefix('-') {
            Some(ahead) => now() + duration(ahead),
            None => now() - duration(text),
        })
    }

    fn taints(&self, key: &str) -> Vec<Taint> {
        self.all(key).map(|key| Taint::new(key, Effect::NoSchedule)).collect()
    }
}

fn duration(text: &str) -> SignedDuration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: i64 = number.parse().expect("the text is well-formed");
    SignedDuration::from_secs(match unit {
        "s" => number,
        "m" => number * 60,
        "h" => number * 3600,
        other => panic!("{other} is no unit of time"),
    })
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

fn class(line: &Line<'_>) -> NodeClass {
    let open = line.all("open").map(|kind| json!({"type": kind, "status": "False"}));
    let open: Vec<_> = open.collect();
    let class = json!({
        "name": line.name, "uid": line.name, "ready": line.has("ready"),
        "deleting": line.has("deleting"), "template": {"status": {"conditions": open}},
    });
    serde_json::from_value(class).expect("the text is well-formed")
}

fn offering() -> OfferingKey {
    OfferingKey {
        instance_type: "m5.large".into(),
        zone: "zone-a".into(),
        capacity_type: CapacityType::Spot,
    }
}

fn claim(line: &Line<'_>) -> NodeClaim {
    let created = line.ago("created").unwrap_or(now() - SignedDuration::from_hours(1));
    let mut requests = Resources::default();
    if line.has("gpu") {
        requests.set_units("nvidia.com/gpu", 1);
    }
    NodeClaim {
        name: line.name.into(),
        uid: line.name.into(),
        resource_version: 7,
        created,
        deleting: line.ago("deleting"),
        finalizer: !line.has("bare"),
        labels: claim_labels(line),
        do_not_disrupt: false,
        spec: NodeClaimSpec {
            pool: Some(line.get("pool").unwrap_or("default").into()),
            node_class: "class".into(),
            requirements: Requirements::none(),
            requests,
            taints: line.taints("taint"),
            startup_taints: line.taints("startup"),
            expire_after: line.duration("expire"),
            termination_grace_period: line.duration("tgp"),
            nominated: vec![],
            replaces: vec![],
        },
        stamps: model::stamp::Stamps::default(),
        launch: line.get("token").map(|token| record(line, token)),
        notice: line.get("notice").map(notice),
        replaced_by: vec![],
        termination_deadline: line.ago("deadline"),
        instance: line.get("instance").map(Into::into),
        node: line.get("node").map(Into::into),
        image: None,
        capacity: Resources::cpu_memory(0, line.number("memory").unwrap_or(0)),
        allocatable: Resources::default(),
        conditions: conditions(line, created),
        last_pod_event: None,
    }
}

fn claim_labels(line: &Line<'_>) -> Labels {
    let mut all = Labels::new();
    if line.get("instance").is_some() {
        all.insert(labels::INSTANCE_TYPE.into(), "m5.large".into());
        all.insert(labels::ZONE.into(), "zone-a".into());
        all.insert(labels::CAPACITY_TYPE.into(), "spot".into());
    }
    all
}

fn record(line: &Line<'_>, token: &str) -> LaunchRecord {
    LaunchRecord {
        attempt: 1,
        token: token.into(),
        index: u32::try_from(line.number("index").unwrap_or(0)).expect("the text is well-formed"),
        count: u32::try_from(line.number("count").unwrap_or(1)).expect("the text is well-formed"),
        offering: offering(),
        subnet: "subnet".into(),
        image: "ami".into(),
        at: line.ago("record").unwrap_or(now() - SignedDuration::from_hours(1)),
    }
}

fn notice(kind: &str) -> Notice {
    let kinds = [
        NoticeKind::SpotInterrupted,
        NoticeKind::RebalanceRecommendation,
        NoticeKind::InstanceStopped,
        NoticeKind::InstanceTerminated,
        NoticeKind::ScheduledChange,
        NoticeKind::CapacityReservationInterrupted,
    ];
    let kind = kinds.into_iter().find(|one| one.as_str() == kind).expect("the text is well-formed");
    Notice { kind, at: now() }
}

fn conditions(line: &Line<'_>, created: Timestamp) -> Conditions {
    let mut all = Conditions::default();
    let mut set = |kind: ConditionType, status, reason: &str, message: &str, since| {
        let (reason, message) = (reason.to_owned(), message.to_owned());
        all.set(kind, Condition { status, reason, message, since });
    };
    if line.get("instance").is_some() {
        set(ConditionType::Launched, Status::True, "Launched", "", created);
    }
    if line.has("registered") || line.has("initialized") {
        set(ConditionType::Registered, Status::True, "Registered", "", created);
    }
    if line.has("initialized") {
        set(ConditionType::Initialized, Status::True, "Initialized", "", created);
    }
    if line.has("waits-for-ready") {
        let message = "the node is not ready";
        set(ConditionType::Initialized, Status::Unknown, "NodeNotReady", message, created);
    }
    if line.has("drained") {
        set(ConditionType::Drained, Status::True, "Drained", "", created);
    }
    if let Some(since) = line.ago("terminating") {
        set(ConditionType::InstanceTerminating, Status::True, "InstanceTerminating", "", since);
    }
    all
}

fn node(line: &Line<'_>) -> Node {
    let mut labels: Labels = line
        .all("label")
        .map(|label| label.split_once(':').expect("the text is well-formed"))
        .map(|(key, value)| (key.into(), value.into()))
        .collect();
    let mut taints = line.taints("taint");
    if line.has("closed") {
        taints.push(Taint::new(labels::DISRUPTED_TAINT, Effect::NoSchedule));
        labels.insert(labels::EXCLUDE_FROM_LOAD_BALANCERS.into(), "karpenter".into());
    }
    if line.has("unregistered") {
        taints.push(Taint::new(labels::UNREGISTERED_TAINT, Effect::NoExecute));
    }
    if line.has("pooled") {
        labels.insert(labels::NODEPOOL.into(), "default".into());
    }
    let mut allocatable = Resources::cpu_memory(2000, 4 << 30);
    allocatable.set_units("nvidia.com/gpu", i64::from(line.has("gpu")));
    Node {
        name: line.name.into(),
        uid: line.name.into(),
        resource_version: 3,
        created: line.ago("created").unwrap_or(now() - SignedDuration::from_hours(1)),
        deleting: line.ago("deleting"),
        finalizer: !line.has("bare"),
        labels,
        do_not_disrupt: false,
        taints,
        cordoned: false,
        instance: line.get("instance").map(Into::into),
        capacity: allocatable.clone(),
        allocatable,
        ready: !line.has("not-ready"),
        ailments: line.all("ill").map(ailment).collect(),
    }
}

/// `CONDITION:STATUS:AGE`
fn ailment(text: &str) -> Ailment {
    let parts: Vec<&str> = text.split(':').collect();
    let mut kinds = Health::ALL.into_iter();
    Ailment {
        kind: kinds.find(|kind| kind.as_str() == parts[0]).expect("the text is well-formed"),
        status: if parts[1] == "False" { Status::False } else { Status::Unknown },
        since: now() - duration(parts[2]),
    }
}

fn pod(line: &Line<'_>) -> Pod {
    let owner = |kind: &str| Owner { kind: kind.into(), name: "o".into(), uid: "o".into() };
    let everything = Toleration { operator: TolerationOperator::Exists, ..Toleration::default() };
    let kind = ["DaemonSet", "Node"].into_iter().find(|kind| line.has(kind));
    Pod {
        name: ObjectName::new("ns", line.name),
        uid: line.name.into(),
        resource_version: 1,
        labels: line.get("app").map(|app| ("app".into(), app.into())).into_iter().collect(),
        owner: Some(owner(kind.unwrap_or("ReplicaSet"))),
        created: now(),
        requests: Resources::default(),
        node_selector: Labels::new(),
        node_affinity: vec![],
        preferred_node_affinity: vec![],
        tolerations: line.has("tolerates-all").then_some(everything).into_iter().collect(),
        topology_spread: vec![],
        affinity: model::affinity::PodAffinity::default(),
        anti_affinity: model::affinity::PodAffinity::default(),
        host_ports: vec![],
        volume_claims: vec![],
        resource_claims: false,
        priority: i32::try_from(line.number("priority").unwrap_or(0))
            .expect("the text is well-formed"),
        critical: line.has("critical"),
        deletion_cost: 0,
        do_not_disrupt: line.has("do-not-disrupt").then_some(DoNotDisrupt::Always),
        termination_grace: line.duration("grace").unwrap_or(SignedDuration::from_secs(30)),
        node: line.get("on").map(Into::into),
        nominated_node: None,
        phase: if line.has("ended") { Phase::Succeeded } else { Phase::Running },
        unschedulable_since: None,
        scheduled_at: None,
        started_at: Some(now()),
        deleting: line.ago("deleting"),
    }
}

fn budget(line: &Line<'_>) -> PodDisruptionBudget {
    let app = Requirement::is(line.get("app").expect("the text is well-formed"));
    PodDisruptionBudget {
        name: ObjectName::new("ns", line.name),
        selector: LabelSelector(vec![("app".into(), app)]),
        disruptions_allowed: line.number("allows").expect("the text is well-formed"),
    }
}

fn instance(line: &Line<'_>) -> Instance {
    let states = [
        ("pending", InstanceState::Pending),
        ("shutting-down", InstanceState::ShuttingDown),
        ("terminated", InstanceState::Terminated),
        ("stopped", InstanceState::Stopped),
    ];
    let state = states.into_iter().find(|(word, _)| line.has(word));
    Instance {
        id: line.name.into(),
        state: state.map_or(InstanceState::Running, |(_, state)| state),
        instance_type: "m5.large".into(),
        zone: "zone-a".into(),
        capacity_type: CapacityType::Spot,
        image: "ami".into(),
        launched_at: line.ago("launched").unwrap_or(now() - SignedDuration::from_hours(1)),
        token: line.get("token").unwrap_or(line.name).into(),
        pool: None,
        node_class: None,
        claim: None,
        cluster_uid: line.get("cluster").unwrap_or("ours").into(),
    }
}

fn instance_type() -> InstanceType {
    InstanceType {
        name: "m5.large".into(),
        labels: Labels::from([(labels::INSTANCE_TYPE.into(), "m5.large".into())]),
        capacity: Resources::cpu_memory(2000, 8 << 30),
        allocatable: Resources::cpu_memory(1900, 7 << 30),
        offerings: vec![Offering {
            zone: "zone-a".into(),
            zone_id: Some("use1-az1".into()),
            capacity_type: CapacityType::Spot,
            price: Price::from_micro_dollars(40_000),
            available: true,
        }],
    }
}

//! A small language for snapshots: one object a line, its words in any order after the name.
//!
//! ```text
//! type m5.large 2 8Gi od=96 spot=35 zones=a,b gpu=1 arch=arm64 pods=29 store=80Gi label:family=m5
//! class default not-ready | deleting | zones=a
//! pool default weight=10 class=default label:team=a need:team=In:a,b taint:gpu=yes startup:cni= limit:cpu=8 nodes=3
//!      min:instance-family=2 after=30s|never policy=WhenEmpty budget=10%|1|0@Empty replicas=2 deleting
//! daemon logs 100m 128Mi select:team=a tolerate:gpu port=9100
//! pod web 500m 1Gi x3 on=n1 select:k=v need:k=In:a,b prefer:k=In:a tolerate:gpu port=80 priority=5 gpu=1 owner=Job/j
//!      volume | opted-out | keep | done | of-daemon:logs | label:app=web | ns=other and the words of `neighbours.rs`
//! node n1 m5.large spot pool=default zone=a up=1h disrupted cordoned not-ready deleting going unmanaged no-disrupt
//!      made-for=web-1,web-2 replaces=c-x replaced-by=c-y why=Underutilized quiet=20s still-for=1m
//! claim c1 m5.large age=10s made-for=web-1 record=TOKEN/5s/m5.large/a/spot/0/1 types=m5.large,m5.xlarge launched
//! instance i-1 TOKEN m5.large a spot gone
//! stamp c-n1 and the words of `stamps.rs`, as which `node … drifted=AMIDrift/1h image=ami-old` and `class … hash=7` are too
//! refused m5.large a spot
//! seen n1 16s (a candidate for so long) | same n1 1m (its pods for so long) | moved web 3m (an owner's pods, so long ago)
//! namespace other label:team=a | ignore-preferences | best-effort
//! budget app=web 0 | memory owner count=3 age=5m | launches pool failed came-up | ceiling 3 | spot-to-spot | scope everything | unreadable
//! ```
//!
//! Prices are in thousandths of a dollar. A node `n1` has the claim `c-n1`. All happens at [`now`].

use crate::neighbours;
use crate::stamps;
use jiff::{SignedDuration, Timestamp};
use model::action::ClaimToLaunch;
use model::affinity::LabelSelector;
use model::claim::{LaunchRecord, NodeClaim, NodeClaimSpec, Notice, NoticeKind};
use model::condition::{Condition, ConditionType, Conditions, Status};
use model::instance_type::{CapacityType, InstanceType, Offering, OfferingKey};
use model::labels::{self, Labels};
use model::memory::{Change, Memory, PodsSeen, Unavailable, Unproductive};
use model::name::{NodeName, ObjectName, Text, stable_hash};
use model::node::Node;
use model::node_class::{AmiFamily, Image, Kubelet, NodeClass, Subnet};
use model::plan::Target;
use model::pod::{DoNotDisrupt, HostPort, Owner, Phase, Pod};
use model::pool::{
    Budget, BudgetNodes, ConsolidationPolicy, DisruptionReason, Limits, NodePool, PoolStatus,
};
use model::price::Price;
use model::requirement::{Operator, Requirement, Requirements};
use model::resources::Resources;
use model::snapshot::{
    ClusterState, DaemonSet, Instance, InstanceState, MinValuesPolicy, PodDisruptionBudget,
    Policies, PreferencePolicy, Scope, Settings, Snapshot,
};
use model::taint::{Effect, Taint, Toleration, TolerationOperator};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When all fixtures happen.
pub(crate) fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// One line: its words, `key=value` among them.
pub(crate) struct Line<'a>(pub(crate) Vec<&'a str>);

impl<'a> Line<'a> {
    pub(crate) fn has(&self, word: &str) -> bool {
        self.0.contains(&word)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    pub(crate) fn list(&self, key: &str) -> Vec<&'a str> {
        self.get(key).map_or(vec![], |values| values.split(',').collect())
    }

    fn all(&self, prefix: &str) -> Vec<&'a str> {
        let words = self.0.iter().filter_map(|word| word.strip_prefix(prefix)?.strip_prefix(':'));
        words.collect()
    }

    fn pairs(&self, prefix: &str) -> Labels {
        let pairs =
            self.all(prefix).into_iter().map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.map(|(key, value)| (long(key), value.into())).collect()
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.get(key).map(|n| n.parse().unwrap())
    }

    fn ago(&self, key: &str) -> Option<Timestamp> {
        self.get(key).map(|text| now() - duration(text))
    }

    /// CPU and memory in the third and fourth word, extended resources by name.
    fn resources(&self) -> Resources {
        let mut all = Resources { pods: 1, ..Resources::default() };
        all.set("cpu", self.0[2]).unwrap();
        all.set("memory", self.0[3]).unwrap();
        for (word, name) in
            [("gpu", "nvidia.com/gpu"), ("store", "ephemeral-storage"), ("pods", "pods")]
        {
            if let Some(amount) = self.get(word) {
                all.set(name, amount).unwrap();
            }
        }
        all
    }

    fn requirements(&self, prefix: &str) -> Requirements {
        let mut all = Requirements::none();
        for text in self.all(prefix) {
            let (key, rest) = text.split_once('=').unwrap();
            let (operator, values) = rest.split_once(':').unwrap_or((rest, ""));
            let values: Vec<&str> = values.split(',').filter(|v| !v.is_empty()).collect();
            all.require(&long(key), Requirement::new(self::operator(operator), &values).unwrap());
        }
        all
    }

    fn taints(&self, prefix: &str) -> Vec<Taint> {
        let effect =
            if prefix.ends_with('?') { Effect::PreferNoSchedule } else { Effect::NoSchedule };
        let taint = |(key, value): (Text, Text)| Taint { key, value, effect };
        self.pairs(prefix).into_iter().map(taint).collect()
    }
}

fn operator(name: &str) -> Operator {
    let all = [
        Operator::In,
        Operator::NotIn,
        Operator::Exists,
        Operator::DoesNotExist,
        Operator::Gt,
        Operator::Lt,
        Operator::Gte,
        Operator::Lte,
    ];
    all.into_iter().find(|operator| format!("{operator:?}") == name).unwrap()
}

/// Well-known keys by their last word.
pub(crate) fn long(key: &str) -> Text {
    match key {
        "zone" => labels::ZONE.into(),
        "capacity-type" => labels::CAPACITY_TYPE.into(),
        "arch" => labels::ARCH.into(),
        "type" => labels::INSTANCE_TYPE.into(),
        "nodepool" => labels::NODEPOOL.into(),
        "hostname" => labels::HOSTNAME.into(),
        key if key.starts_with("instance-") => format!("karpenter.k8s.aws/{key}").into(),
        key => key.into(),
    }
}

fn duration(text: &str) -> SignedDuration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: i64 = number.parse().unwrap();
    match unit {
        "s" => SignedDuration::from_secs(number),
        "m" => SignedDuration::from_mins(number),
        "h" => SignedDuration::from_hours(number),
        _ => panic!("{text} is no duration"),
    }
}

/// Reads a fixture. There is always a class `default` with subnets in zones a and b, unless it says otherwise.
pub(crate) fn snapshot(text: &str) -> Snapshot {
    let mut world = Snapshot {
        settings: Settings {
            cluster_name: "test".into(),
            cluster_uid: "cluster".into(),
            nodes_max: 1000,
            spot_to_spot: false,
            node_repair: false,
            policies: Policies::default(),
        },
        instances: Some(vec![]),
        cluster: ClusterState {
            scope: Scope::Pending,
            cluster_uid: "cluster".into(),
            pods_known_on: Default::default(),
            pods: vec![],
            nodes: vec![],
            claims: vec![],
            pools: vec![],
            node_classes: vec![],
            daemon_sets: vec![],
            pod_disruption_budgets: vec![],
            namespaces: BTreeMap::new(),
            persistent_volumes: vec![],
            persistent_volume_claims: vec![],
            storage_classes: vec![],
            csi_nodes: vec![],
            memory: Default::default(),
            unreadable: vec![],
        },
        instance_types: BTreeMap::new(),
    };
    let mut types: Vec<InstanceType> = vec![];
    let lines = text.lines().map(|line| Line(line.split_whitespace().collect()));
    let lines: Vec<Line<'_>> = lines.filter(|line| !line.0.is_empty()).collect();
    for line in lines.iter().filter(|line| line.0[0] == "type") {
        types.push(instance_type(line));
    }
    types.sort_by(|a, b| a.name.cmp(&b.name));
    if !lines.iter().any(|line| line.0[0] == "class") {
        world.cluster.node_classes.push(Arc::new(class(&Line(vec!["class", "default"]))));
    }
    for line in &lines {
        add(&mut world, &types, line);
    }
    let gone = |it: &InstanceType| {
        lines.iter().any(|l| l.0[0] == "type" && *it.name == *l.0[1] && l.has("gone"))
    };
    types.retain(|it| !gone(it));
    for class in &world.cluster.node_classes {
        world.instance_types.insert(class.name.clone(), Arc::new(types.clone().into()));
    }
    stamps::add(&mut world, &lines);
    world.cluster.pods.sort_by(|a, b| a.name.cmp(&b.name));
    world.cluster.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    world.cluster.claims.sort_by(|a, b| a.name.cmp(&b.name));
    world.cluster.pools.sort_by(|a, b| a.name.cmp(&b.name));
    world
}

/// How launches of a pool have ended, the last one last.
fn launches(memory: &mut Memory, line: &Line<'_>) {
    let ended = line.0[2..].iter().map(|word| *word == "came-up").collect();
    memory.apply(&Change::Launched([(line.0[1].into(), ended)].into()));
}

fn add(world: &mut Snapshot, types: &[InstanceType], line: &Line<'_>) {
    let cluster = &mut world.cluster;
    match line.0[0] {
        "type" | "stamp" => {}
        "class" => cluster.node_classes.push(Arc::new(class(line))),
        "pool" => cluster.pools.push(Arc::new(pool(line))),
        "daemon" => {
            let template = Pod { node: None, ..pod(line, line.0[1]) };
            let name = ObjectName::new("default", line.0[1]);
            cluster.daemon_sets.push(Arc::new(DaemonSet { name, template }));
        }
        "pod" => {
            let copies = line.0.iter().find_map(|w| w.strip_prefix('x')?.parse::<usize>().ok());
            match copies {
                None => cluster.pods.push(Arc::new(pod(line, line.0[1]))),
                Some(copies) => cluster.pods.extend(
                    (1..=copies).map(|n| Arc::new(pod(line, &format!("{}-{n}", line.0[1])))),
                ),
            }
        }
        "node" => {
            let (node, claim) = node(line, types);
            if !line.has("unknown") {
                cluster.pods_known_on.insert(node.name.clone());
            }
            cluster.nodes.push(Arc::new(node));
            cluster.claims.extend(claim.map(Arc::new));
        }
        "claim" => cluster.claims.push(Arc::new(claim(line, types))),
        "instance" => world.instances.as_mut().unwrap().push(Arc::new(instance(line))),
        "refused" => cluster.memory.unavailable.push(Unavailable {
            offering: offering(line.0[1], line.0[2], line.0[3]),
            until: now() + SignedDuration::from_mins(2),
        }),
        "budget" => cluster.pod_disruption_budgets.push(Arc::new(budget(line))),
        "launches" => launches(&mut cluster.memory, line),
        "memory" => {
            let count = line.number("count").unwrap().try_into().unwrap();
            let counted = Unproductive { count, last: line.ago("age").unwrap() };
            cluster.memory.unproductive.insert(line.0[1].into(), counted);
        }
        "namespace" => {
            cluster.namespaces.insert(line.0[1].into(), line.pairs("label"));
        }
        "ignore-preferences" => {
            world.settings.policies.preferences = PreferencePolicy::Ignore;
        }
        "best-effort" => world.settings.policies.min_values = MinValuesPolicy::BestEffort,
        "ceiling" => world.settings.nodes_max = line.0[1].parse().unwrap(),
        "spot-to-spot" => world.settings.spot_to_spot = true,
        "scope" if line.has("everything") => cluster.scope = Scope::Everything,
        "scope" => cluster.scope = Scope::Pending,
        "seen" => {
            let since = now() - duration(line.0[2]);
            cluster.memory.candidates.insert(line.0[1].into(), since);
        }
        "moved" => {
            let at = now() - duration(line.0[2]);
            cluster.memory.moved.insert(line.0[1].into(), at);
        }
        "same" => {
            let name = line.0[1];
            let pods = cluster.pods.iter().filter(|pod| pod.node.as_deref() == Some(name));
            let fingerprint = stable_hash(pods.map(|pod| pod.uid.as_bytes()));
            let seen = PodsSeen { fingerprint, since: now() - duration(line.0[2]) };
            cluster.memory.pods_seen.insert(name.into(), seen);
        }
        "unreadable" => cluster.unreadable.push("pod default/odd: no containers".into()),
        "foreign" => cluster.cluster_uid = "other".into(),
        kind => panic!("{kind} is no kind of line"),
    }
}

fn offering(instance_type: &str, zone: &str, capacity_type: &str) -> OfferingKey {
    let capacity_type = CapacityType::parse(capacity_type).unwrap();
    OfferingKey { instance_type: instance_type.into(), zone: zone.into(), capacity_type }
}

fn instance_type(line: &Line<'_>) -> InstanceType {
    let name = line.0[1];
    let zones = if line.get("zones").is_some() { line.list("zones") } else { vec!["a", "b"] };
    let mut offerings = vec![];
    for zone in zones {
        for (word, capacity_type) in [("spot", CapacityType::Spot), ("od", CapacityType::OnDemand)]
        {
            if let Some(price) = line.number(word) {
                offerings.push(Offering {
                    zone: zone.into(),
                    zone_id: None,
                    capacity_type,
                    price: Price::from_micro_dollars(price * 1000),
                    available: true,
                });
            }
        }
    }
    let mut all = line.pairs("label");
    let family = name.split('.').next().unwrap();
    let known = [
        ("type", name),
        ("arch", line.get("arch").unwrap_or("amd64")),
        ("instance-family", family),
    ];
    all.extend(known.map(|(key, value)| (long(key), value.into())));
    let mut capacity = line.resources();
    if capacity.pods == 1 {
        capacity.pods = 110;
    }
    InstanceType {
        name: name.into(),
        labels: all,
        allocatable: capacity.clone(),
        capacity,
        offerings,
    }
}

fn class(line: &Line<'_>) -> NodeClass {
    let zones = if line.get("zones").is_some() { line.list("zones") } else { vec!["a", "b"] };
    let subnet = |zone: &str| Subnet {
        id: format!("subnet-{zone}").into(),
        zone: zone.into(),
        zone_id: None,
        free_addresses: None,
    };
    let image = |arch: &str| Image { id: format!("ami-{arch}").into(), arch: arch.into() };
    NodeClass {
        name: line.0[1].into(),
        uid: line.0[1].into(),
        deleting: line.has("deleting"),
        ready: !line.has("not-ready"),
        ami_family: AmiFamily::AL2023,
        kubelet: Kubelet::default(),
        root_volume_bytes: None,
        instance_store_raid0: false,
        ip_prefix_count: 0,
        subnets: zones.into_iter().filter(|_| !line.has("empty")).map(subnet).collect(),
        images: ["amd64", "arm64"].into_iter().filter(|_| !line.has("empty")).map(image).collect(),
        template: Arc::new(stamps::template(line)),
    }
}

fn pool(line: &Line<'_>) -> NodePool {
    let mut requirements = line.requirements("need");
    for (key, count) in line.pairs("min") {
        let least = Requirement::exists().with_min_values(Some(count.parse().unwrap()));
        requirements.require(&key, least);
    }
    let mut limits = Limits::default();
    for (resource, amount) in line.pairs("limit") {
        let mut one = Resources::default();
        one.set(&resource, &amount).unwrap();
        limits.resources.insert(resource.clone(), one.get(&resource));
    }
    limits.nodes = line.number("nodes").map(|n| n.try_into().unwrap());
    let mut disruption = model::pool::Disruption::default();
    match line.get("after") {
        Some("never") => disruption.consolidate_after = None,
        Some(text) => disruption.consolidate_after = Some(duration(text)),
        None => {}
    }
    match line.get("policy") {
        Some("WhenEmpty") => disruption.policy = ConsolidationPolicy::WhenEmpty,
        Some(_) => disruption.policy = ConsolidationPolicy::Balanced,
        None => {}
    }
    let budgets: Vec<Budget> = line.all("budget").into_iter().map(pool_budget).collect();
    if !budgets.is_empty() {
        disruption.budgets = budgets;
    }
    NodePool {
        name: line.0[1].into(),
        uid: line.0[1].into(),
        deleting: line.has("deleting"),
        weight: line.number("weight").unwrap_or(0).try_into().unwrap(),
        replicas: line.number("replicas").map(|n| n.try_into().unwrap()),
        labels: line.pairs("label"),
        annotations: BTreeMap::new(),
        requirements,
        taints: [line.taints("taint"), line.taints("taint?")].concat(),
        startup_taints: line.taints("startup"),
        node_class: line.get("class").unwrap_or("default").into(),
        expire_after: None,
        termination_grace_period: None,
        limits: (limits != Limits::default()).then_some(limits),
        disruption,
        status: PoolStatus::default(),
    }
}

/// `NODES[@REASON][;SCHEDULE;DURATION]`, where the schedule has `_` for spaces.
fn pool_budget(text: &str) -> Budget {
    let parts: Vec<&str> = text.split(';').collect();
    let (nodes, reason) = parts[0].split_once('@').unwrap_or((parts[0], ""));
    let nodes = match nodes.strip_suffix('%') {
        Some(percent) => BudgetNodes::Percent(percent.parse().unwrap()),
        None => BudgetNodes::Count(nodes.parse().unwrap()),
    };
    let reasons = match reason {
        "" => vec![],
        "Empty" => vec![DisruptionReason::Empty],
        "Drifted" => vec![DisruptionReason::Drifted],
        _ => vec![DisruptionReason::Underutilized],
    };
    Budget {
        nodes,
        reasons,
        schedule: parts.get(1).map(|schedule| schedule.replace('_', " ").into()),
        duration: parts.get(2).map(|text| duration(text)),
    }
}

fn pod(line: &Line<'_>, name: &str) -> Pod {
    let daemon = line.all("of-daemon").first().map(|set| ("DaemonSet", *set));
    let owner = daemon.or_else(|| line.get("owner").map(|owner| owner.split_once('/').unwrap()));
    let node = line.get("on").map(Into::into);
    let tolerate = |key: &str| Toleration {
        key: key.into(),
        operator: TolerationOperator::Exists,
        ..Toleration::default()
    };
    let affinity = line.requirements("need");
    let preferred = line.requirements("prefer");
    let alternatives = line.requirements("or");
    let terms = [affinity, alternatives].into_iter().filter(|term| !term.is_empty());
    let mut node_selector = line.pairs("select");
    let mut node_affinity: Vec<Requirements> = terms.collect();
    if line.has("opted-out") {
        let absent = Requirement::new::<&str>(Operator::DoesNotExist, &[]).unwrap();
        node_affinity = vec![[(labels::NODEPOOL.into(), absent)].into_iter().collect()];
    }
    node_selector.retain(|_, value| !value.is_empty());
    let mut pod = Pod {
        name: ObjectName::new(line.get("ns").unwrap_or("default"), name),
        uid: name.into(),
        resource_version: 1,
        labels: line.pairs("label"),
        owner: owner.map(|(kind, name)| Owner {
            kind: kind.into(),
            name: name.into(),
            uid: name.into(),
        }),
        created: now() - SignedDuration::from_mins(1),
        requests: Resources { pods: 1, ..line.resources() },
        node_selector,
        node_affinity,
        preferred_node_affinity: if preferred.is_empty() { vec![] } else { vec![(1, preferred)] },
        tolerations: line.all("tolerate").into_iter().map(tolerate).collect(),
        topology_spread: vec![],
        affinity: Default::default(),
        anti_affinity: Default::default(),
        host_ports: vec![],
        volume_claims: if line.has("volume") { vec!["data".into()] } else { vec![] },
        resource_claims: false,
        priority: line.number("priority").unwrap_or(0).try_into().unwrap(),
        critical: false,
        deletion_cost: 0,
        do_not_disrupt: line.has("keep").then_some(DoNotDisrupt::Always),
        termination_grace: SignedDuration::from_secs(30),
        scheduled_at: node
            .is_some()
            .then(|| line.ago("bound").unwrap_or(now() - SignedDuration::from_hours(100))),
        phase: if node.is_some() { Phase::Running } else { Phase::Pending },
        unschedulable_since: if node.is_some() { None } else { Some(now()) },
        node,
        nominated_node: None,
        started_at: None,
        deleting: None,
    };
    if let Some(port) = line.get("port") {
        let port =
            HostPort { ip: "0.0.0.0".into(), port: port.parse().unwrap(), protocol: "TCP".into() };
        pod.host_ports.push(port);
    }
    if line.has("done") {
        pod.phase = Phase::Succeeded;
    }
    neighbours::add(line, &mut pod);
    pod
}

fn condition(since: Timestamp, reason: &str) -> Condition {
    Condition { status: Status::True, reason: reason.into(), message: String::new(), since }
}

fn mark_drifted(line: &Line<'_>, conditions: &mut Conditions) {
    if let Some(drifted) = line.get("drifted") {
        let (reason, age) = drifted.split_once('/').unwrap();
        conditions.set(ConditionType::Drifted, condition(now() - duration(age), reason));
    }
}

fn node(line: &Line<'_>, types: &[InstanceType]) -> (Node, Option<NodeClaim>) {
    let name = line.0[1];
    let it = types.iter().find(|it| *it.name == *line.0[2]).unwrap();
    let zone = line.get("zone").unwrap_or("a");
    let capacity_type = if line.has("spot") { "spot" } else { "on-demand" };
    let pool = line.get("pool").unwrap_or("default");
    let up = line.ago("up").unwrap_or(now() - SignedDuration::from_hours(1));
    let mut all = it.labels.clone();
    all.extend(line.pairs("label"));
    all.extend(
        [("zone", zone), ("capacity-type", capacity_type)].map(|(k, v)| (long(k), v.into())),
    );
    if !line.has("unmanaged") {
        all.insert(long("nodepool"), pool.into());
        all.insert(labels::EC2NODECLASS.into(), "default".into());
    }
    let mut conditions = Conditions::default();
    for kind in [ConditionType::Launched, ConditionType::Registered] {
        conditions.set(kind, condition(up, "Ok"));
    }
    if !line.has("coming-up") {
        conditions.set(ConditionType::Initialized, condition(up, "Ok"));
        all.insert(labels::INITIALIZED.into(), "true".into());
    }
    if let Some(why) = line.get("why") {
        conditions.set(ConditionType::DisruptionReason, condition(now(), why));
    }
    mark_drifted(line, &mut conditions);
    let mut taints = line.taints("taint");
    if line.has("disrupted") {
        taints.push(Taint::new(labels::DISRUPTED_TAINT, Effect::NoSchedule));
    }
    if line.has("not-ready") {
        taints.push(Taint::new("node.kubernetes.io/not-ready", Effect::NoSchedule));
    }
    let claim = NodeClaim {
        instance: Some(format!("i-{name}").into()),
        node: Some(name.into()),
        labels: all.clone(),
        capacity: it.capacity.clone(),
        allocatable: it.allocatable.clone(),
        conditions,
        last_pod_event: line.ago("quiet"),
        image: line.get("image").map(Into::into),
        do_not_disrupt: line.has("no-disrupt"),
        deleting: line.has("going").then(now),
        name: format!("c-{name}").into(),
        uid: format!("c-{name}").into(),
        created: up - SignedDuration::from_mins(1),
        ..claim(line, types)
    };
    let node = Node {
        name: name.into(),
        uid: name.into(),
        resource_version: 1,
        created: up,
        deleting: line.has("deleting").then(now),
        finalizer: true,
        labels: all,
        do_not_disrupt: false,
        taints,
        cordoned: line.has("cordoned"),
        instance: Some(format!("i-{name}").into()),
        capacity: it.capacity.clone(),
        allocatable: it.allocatable.clone(),
        ready: !line.has("not-ready"),
        ailments: Vec::new(),
    };
    (node, (!line.has("unmanaged")).then_some(claim))
}

/// A claim without an instance, unless the line says `launched`.
fn claim(line: &Line<'_>, types: &[InstanceType]) -> NodeClaim {
    let pool = line.get("pool").unwrap_or("default");
    let mut requirements = Requirements::none();
    let named = if line.get("types").is_some() { line.list("types") } else { vec![line.0[2]] };
    requirements.require(labels::INSTANCE_TYPE, Requirement::one_of(named));
    let mut nominated: Vec<u32> = line.list("made-for").into_iter().map(short_id).collect();
    nominated.sort_unstable();
    let it = types.iter().find(|it| *it.name == *line.0[2]).filter(|_| line.has("launched"));
    let mut all: Labels = [(labels::NODEPOOL.into(), pool.into())].into_iter().collect();
    all.extend(it.map(|it| it.labels.clone()).unwrap_or_default());
    let created = line.ago("age").unwrap_or(now() - SignedDuration::from_secs(10));
    let mut conditions = Conditions::default();
    if it.is_some() {
        conditions.set(ConditionType::Launched, condition(created, "Ok"));
    }
    NodeClaim {
        name: line.0[1].into(),
        uid: line.0[1].into(),
        resource_version: 1,
        created,
        deleting: line.has("deleting").then(now),
        finalizer: true,
        labels: all,
        do_not_disrupt: false,
        spec: NodeClaimSpec {
            pool: Some(pool.into()),
            node_class: "default".into(),
            requirements,
            requests: Resources::default(),
            taints: line.taints("taint"),
            startup_taints: line.taints("startup"),
            expire_after: None,
            termination_grace_period: line.get("tgp").map(duration),
            nominated,
            replaces: line.list("replaces").into_iter().map(Into::into).collect(),
        },
        stamps: Default::default(),
        launch: line.get("record").map(record),
        notice: line
            .has("noticed")
            .then(|| Notice { kind: NoticeKind::SpotInterrupted, at: now() }),
        replaced_by: line.list("replaced-by").into_iter().map(Into::into).collect(),
        termination_deadline: None,
        instance: it.map(|_| format!("i-{}", line.0[1]).into()),
        node: None,
        image: None,
        capacity: it.map(|it| it.capacity.clone()).unwrap_or_default(),
        allocatable: it.map(|it| it.allocatable.clone()).unwrap_or_default(),
        conditions,
        last_pod_event: None,
    }
}

/// The short id of the pod of this name in a fixture.
fn short_id(name: &str) -> u32 {
    pod(&Line(vec!["pod", name, "0", "0"]), name).short_id()
}

/// `TOKEN/AGE/TYPE/ZONE/CAPACITY-TYPE/INDEX/COUNT`
fn record(text: &str) -> LaunchRecord {
    let parts: Vec<&str> = text.split('/').collect();
    LaunchRecord {
        attempt: 1,
        token: parts[0].into(),
        index: parts[5].parse().unwrap(),
        count: parts[6].parse().unwrap(),
        offering: offering(parts[2], parts[3], parts[4]),
        subnet: format!("subnet-{}", parts[3]).as_str().into(),
        image: "ami-amd64".into(),
        at: now() - duration(parts[1]),
    }
}

fn instance(line: &Line<'_>) -> Instance {
    Instance {
        id: line.0[1].into(),
        state: if line.has("gone") { InstanceState::Terminated } else { InstanceState::Running },
        instance_type: line.0[3].into(),
        zone: line.0[4].into(),
        capacity_type: CapacityType::parse(line.0[5]).unwrap(),
        image: "ami-amd64".into(),
        launched_at: now(),
        token: line.0[2].into(),
        pool: Some("default".into()),
        node_class: Some("default".into()),
        claim: None,
        cluster_uid: "cluster".into(),
    }
}

fn budget(line: &Line<'_>) -> PodDisruptionBudget {
    let (key, value) = line.0[1].split_once('=').unwrap();
    PodDisruptionBudget {
        name: ObjectName::new("default", value),
        selector: LabelSelector(vec![(key.into(), Requirement::is(value))]),
        disruptions_allowed: line.0[2].parse().unwrap(),
    }
}

/// Checks what `provision` plans, and that it plans the same for shuffled input.
#[track_caller]
pub(crate) fn check_provision(text: &str, expected: expect_test::Expect) {
    check(text, planner::provision::provision, expected);
}

/// Checks what `disrupt` plans for a view of everything.
#[track_caller]
pub(crate) fn check_disrupt(text: &str, expected: expect_test::Expect) {
    check(&format!("scope everything\n{text}"), planner::disrupt::disrupt, expected);
}

#[track_caller]
fn check(
    text: &str,
    decide: fn(&Snapshot, Timestamp) -> model::plan::Plan,
    expected: expect_test::Expect,
) {
    let world = snapshot(text);
    let plan = decide(&world, now());
    expected.assert_eq(&plan.to_string());
    let mut shuffled = world;
    shuffled.cluster.pods.reverse();
    shuffled.cluster.pools.reverse();
    shuffled.cluster.daemon_sets.reverse();
    assert_eq!(plan, decide(&shuffled, now()));
}

/// The world once a proposal has been carried out: nodes gone, new ones up, as their first choice, and pods where they go.
pub(crate) fn carry_out(world: &mut Snapshot, proposal: &planner::disrupt::proposal::Proposal) {
    let cluster = &mut world.cluster;
    let is_gone = |node: &NodeName| proposal.removed.contains(node);
    cluster.nodes.retain(|node| !is_gone(&node.name));
    cluster.claims.retain(|claim| !claim.node.as_ref().is_some_and(is_gone));
    cluster.pods.retain(|pod| pod.is_reschedulable() || !pod.node.as_ref().is_some_and(is_gone));
    let up = now() - SignedDuration::from_hours(1);
    for launch in &proposal.launches {
        let choice = &launch.choices[0];
        for claim in &launch.claims {
            let ClaimToLaunch::New(new) = claim else { panic!("only new claims replace") };
            let mut all = choice.labels.clone();
            all.insert(labels::INITIALIZED.into(), "true".into());
            let mut conditions = Conditions::default();
            let kinds =
                [ConditionType::Launched, ConditionType::Registered, ConditionType::Initialized];
            for kind in kinds {
                conditions.set(kind, condition(up, "Ok"));
            }
            let name = new.name.to_string();
            let instance = Some(format!("i-{name}").into());
            cluster.claims.push(Arc::new(NodeClaim {
                name: new.name.clone(),
                uid: name.as_str().into(),
                labels: all.clone(),
                spec: new.spec.clone(),
                instance: instance.clone(),
                node: Some(name.as_str().into()),
                capacity: choice.capacity.clone(),
                allocatable: choice.allocatable.clone(),
                conditions,
                created: up,
                ..blank_claim()
            }));
            cluster.nodes.push(Arc::new(Node {
                name: name.as_str().into(),
                uid: name.as_str().into(),
                resource_version: 1,
                created: up,
                deleting: None,
                finalizer: true,
                labels: all,
                do_not_disrupt: false,
                taints: new.spec.taints.clone(),
                cordoned: false,
                ailments: Vec::new(),
                instance,
                capacity: choice.capacity.clone(),
                allocatable: choice.allocatable.clone(),
                ready: true,
            }));
        }
    }
    for pod in &mut cluster.pods {
        let Some(moved) = proposal.moves.iter().find(|placed| placed.pod == pod.name) else {
            continue;
        };
        let node = match &moved.on {
            Target::Node(node) => node.clone(),
            Target::Claim(claim) => claim.as_str().into(),
        };
        Arc::make_mut(pod).node = Some(node);
    }
    cluster.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    cluster.claims.sort_by(|a, b| a.name.cmp(&b.name));
}

/// A claim of which nothing is known.
fn blank_claim() -> NodeClaim {
    claim(&Line(vec!["claim", "blank", "none"]), &[])
}

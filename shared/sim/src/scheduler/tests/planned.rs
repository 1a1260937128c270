//! Every pod is bound where the plan said that it would fit.

use super::board;
use crate::scheduler::predicates::refusal;
use crate::scheduler::ties::Ties;
use crate::store::Store;
use crate::world::tests::fixture::{instance_type, node_class, pool};
use jiff::{SignedDuration, Timestamp};
use model::action::{Choice, ClaimToLaunch};
use model::labels::Labels;
use model::name::{ClaimName, NodeName, ObjectName};
use model::node::Node;
use model::plan::{Plan, Target};
use model::pod::Pod;
use model::pool::NodePool;
use model::snapshot::{ClusterState, DaemonSet, Policies, Scope, Settings, Snapshot};
use model::taint::{Effect, Taint};
use planner::provision::provision;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Orders that are tried. Where pods have several spreads, one order may end where each waits for another.
const ORDERS_MAX: u64 = 50;

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

/// Something that a pod asks for, as a field of the workload language; `P` stands for the name of any class.
fn any_field() -> impl Strategy<Value = &'static str> {
    select(vec![
        "nodeSelector: {topology.kubernetes.io/zone: us-east-1a}",
        "nodeSelector: {team: a}",
        "nodeAffinity: [{key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}]",
        "nodeAffinity: [{key: zone, operator: In, values: [us-east-1b], weight: 7}]",
        "tolerations: [{key: team, operator: Exists}]",
        "hostPorts: [80]",
        "priority: 5",
        "topologySpreadConstraints: [{topologyKey: zone}]",
        "topologySpreadConstraints: [{topologyKey: zone, maxSkew: 2}, {topologyKey: hostname}]",
        "topologySpreadConstraints: [{topologyKey: hostname, maxSkew: 2}]",
        "topologySpreadConstraints: [{topologyKey: zone, minDomains: 3}]",
        "topologySpreadConstraints: [{topologyKey: zone, nodeTaintsPolicy: Honor}]",
        "topologySpreadConstraints: [{topologyKey: zone, nodeAffinityPolicy: Ignore}]",
        "topologySpreadConstraints: [{topologyKey: karpenter.sh/capacity-type}]",
        "topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]",
        "podAffinity: [{topologyKey: zone, with: P}]",
        "podAffinity: [{topologyKey: hostname, with: P}]",
        "podAffinity: [{topologyKey: zone, with: self}]",
        "podAffinity: [{topologyKey: hostname, with: self}]",
        "podAffinity: [{topologyKey: hostname, with: P, weight: 9}]",
        "podAntiAffinity: [{topologyKey: zone, with: P}]",
        "podAntiAffinity: [{topologyKey: hostname, with: P}]",
        "podAntiAffinity: [{topologyKey: zone, with: self}]",
        "podAntiAffinity: [{topologyKey: hostname, with: self}]",
        "podAntiAffinity: [{topologyKey: zone, with: P, weight: 9}]",
    ])
}

/// Classes of pods: how many, and a line for each in the workload language.
fn any_pods() -> impl Strategy<Value = Vec<(usize, String)>> {
    let cpu = select(vec!["100m", "500m", "900m", "1700m", "3"]);
    let fields = prop::collection::vec((any_field(), 0..5_usize), 0..3);
    let class = (1..7_usize, cpu, fields);
    prop::collection::vec(class, 1..6).prop_map(|classes| {
        let count = classes.len();
        let lines = classes.into_iter().enumerate().map(|(number, (pods, cpu, asked))| {
            let mut fields: BTreeMap<&str, String> = BTreeMap::new();
            for (field, whom) in asked {
                let (key, value) = field.split_once(": ").unwrap();
                let value = value.replace("with: P", &format!("with: p{}", whom % count));
                fields.insert(key, value);
            }
            let fields: Vec<String> = fields.iter().map(|(k, v)| format!("{k}: {v}")).collect();
            let line = format!("p{number}: {{cpu: {cpu}, memory: 100Mi, {}}}", fields.join(", "));
            (pods, line.replace(", }", "}"))
        });
        lines.collect()
    })
}

/// A world without nodes in which these pods wait; the second pool is for those who tolerate its taint.
fn world(classes: &[(usize, String)], daemon: bool) -> Snapshot {
    let lines: Vec<&str> = classes.iter().map(|(_, line)| &**line).collect();
    let templates = board::templates(&lines.join("\n"));
    let mut pods = Vec::new();
    for (number, (count, _)) in classes.iter().enumerate() {
        let template = &templates[&format!("p{number}")];
        for replica in 0..*count {
            let name = format!("p{number}-{replica}");
            pods.push(Arc::new(Pod {
                uid: format!("uid-of-{name}").into(),
                name: ObjectName::new("default", name),
                created: now() - SignedDuration::from_secs(9),
                unschedulable_since: Some(now() - SignedDuration::from_secs(8)),
                ..template.clone()
            }));
        }
    }
    let team = NodePool {
        name: "team".into(),
        uid: "team-uid".into(),
        labels: Labels::from([("team".into(), "a".into())]),
        taints: vec![Taint::new("team", Effect::NoSchedule)],
        ..pool()
    };
    let logs = board::templates("logs: {cpu: 100m, tolerations: [{operator: Exists}]}");
    let logs =
        DaemonSet { name: ObjectName::new("default", "logs"), template: logs["logs"].clone() };
    let zones = ["us-east-1a", "us-east-1b", "us-east-1c"];
    let types = vec![instance_type("m5.large", 2, &zones), instance_type("m5.xlarge", 4, &zones)];
    let cluster = ClusterState {
        pods,
        pools: vec![Arc::new(pool()), Arc::new(team)],
        node_classes: vec![Arc::new(node_class(&zones))],
        daemon_sets: daemon.then(|| Arc::new(logs)).into_iter().collect(),
        namespaces: BTreeMap::from([("default".into(), Labels::new())]),
        ..crate::observe::state(&Store::empty(), Scope::Pending, now())
    };
    let settings = Settings {
        cluster_name: "test".into(),
        cluster_uid: "cluster-uid".into(),
        nodes_max: 100,
        spot_to_spot: false,
        node_repair: false,
        policies: Policies::default(),
    };
    let instance_types = BTreeMap::from([("default".into(), Arc::new(types.into()))]);
    Snapshot { settings, instances: Some(vec![]), cluster, instance_types }
}

/// The nodes of a plan's launches, each as one of the choices, with their daemons.
fn launched(world: &Snapshot, plan: &Plan, which: usize) -> (Store, BTreeMap<ClaimName, NodeName>) {
    let mut store = Store::empty();
    store.neighbours.enter_namespace(&"default".into());
    let mut nodes = BTreeMap::new();
    for launch in plan.launches() {
        for claim in &launch.claims {
            let ClaimToLaunch::New(claim) = claim else { continue };
            let choice = &launch.choices[(which * nodes.len()) % launch.choices.len()];
            let name: NodeName = format!("node-{}", nodes.len()).into();
            store.enter_node(node(&name, choice, &claim.spec.taints));
            nodes.insert(claim.name.clone(), name.clone());
            for set in &world.cluster.daemon_sets {
                let mut pod = set.template.clone();
                pod.name.name = format!("logs-{name}").into();
                store.put(pod, &name);
            }
        }
    }
    (store, nodes)
}

fn node(name: &NodeName, choice: &Choice, taints: &[Taint]) -> Node {
    let mut node = board::node(name, "cpu=1");
    node.labels.extend(choice.labels.clone());
    node.taints = taints.to_vec();
    node.capacity = choice.capacity.clone();
    node.allocatable = choice.allocatable.clone();
    node
}

/// Binds one pod after the other to its node, whichever can be bound next in this order. Returns those that cannot.
fn bind(store: &mut Store, mut left: Vec<(Arc<Pod>, NodeName)>) -> Vec<String> {
    loop {
        let before = left.len();
        left.retain(|(pod, node)| {
            let ties = Ties::of(store, pod);
            let refused = refusal(store, &store.nodes[node], pod, &ties).is_some();
            if !refused {
                store.put(Pod::clone(pod), node);
            }
            refused
        });
        if left.len() == before {
            break;
        }
    }
    let mut why = Vec::new();
    for (pod, node) in &left {
        let ties = Ties::of(store, pod);
        let refused = refusal(store, &store.nodes[node], pod, &ties);
        why.extend(refused.map(|why| format!("{} on {node}: {why}", pod.name)));
    }
    why
}

/// Who would not be bound, in the best of some orders.
fn left_waiting(world: &Snapshot, plan: &Plan, which: usize) -> Vec<String> {
    let by_name: BTreeMap<&ObjectName, &Arc<Pod>> =
        world.cluster.pods.iter().map(|pod| (&pod.name, pod)).collect();
    let mut least = Vec::new();
    for seed in 0..ORDERS_MAX {
        let (mut store, nodes) = launched(world, plan, which);
        let places = plan.placements.iter().map(|placement| {
            let Target::Claim(claim) = &placement.on else { panic!("there are no nodes") };
            (Arc::clone(by_name[&placement.pod]), nodes[claim].clone())
        });
        let mut order: Vec<(Arc<Pod>, NodeName)> = places.collect();
        if 0 < seed {
            fastrand::Rng::with_seed(seed).shuffle(&mut order);
        }
        let left = bind(&mut store, order);
        if left.is_empty() {
            return left;
        }
        if least.is_empty() || left.len() < least.len() {
            least = left;
        }
    }
    least
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pod_is_bound_where_the_plan_said_it_would_fit(
        classes in any_pods(),
        daemon in any::<bool>(),
        which in 0..4_usize,
    ) {
        let world = world(&classes, daemon);
        let plan = provision(&world, now());
        let left = left_waiting(&world, &plan, which);
        prop_assert!(left.is_empty(), "{left:#?}\n{plan}");
    }
}

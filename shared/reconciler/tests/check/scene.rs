//! Pods and their neighbours in words. A line each:
//!
//! ```text
//! namespace NAME LABELS
//! node NAME [going] [taint:KEY] LABELS        a node
//! flying NAME [going] [for:POD+POD] LABELS    a claim with an instance and without a node, made for these pods
//! new NAME [taint:KEY] LABELS | LABELS        a claim that the plan launches, and the ways it may be launched
//! later NAME KEY=VALUE+VALUE                  a claim that the plan creates and someone else launches
//! daemon NAME port:NUMBER
//! pv NAME [driver:NAME] [deleting] [on-node] LABELS | LABELS   a volume, and the nodes that reach it
//! pvc NAME [pv:NAME] [class:NAME] [deleting]
//! class NAME [default] [immediate] [driver:NAME] LABELS | LABELS
//! csinode NAME DRIVER=COUNT
//! pod NAME on NODE ASKS                       a pod that runs
//! pod NAME to NODE-OR-CLAIM ASKS              a pod that the plan places
//! ```
//!
//! What a pod asks and has: labels (`app=web`), `spread:KEY/SELECTOR/MORE`, `with:…` and `apart:…` (affinity and
//! anti-affinity), `nodes:KEY=VALUE` (a node selector), `tolerates:KEY`, `port:NUMBER`, `mounts:CLAIM`, `ending`, and
//! `from:NODE` of a pod that moves. A selector is `*` (all pods), `-`
//! (none) or `app=web+db,v=1`. More are `max:2`, `min:3`, `keys:a+b`, `taints`, `anywhere` and `soft` of a spread, `in:ns+ns`,
//! `of:SELECTOR` (of namespaces), `keys:…` and `unlike:…` of the others. The key `host` is that of the node's name.

use crate::world::{choice, empty, healthy_claim, healthy_node, now, pod, spec};
use model::action::{Action, ClaimToLaunch, ClusterAction, Launch, NewClaim};
use model::affinity::{
    LabelSelector, NodeInclusionPolicy, PodAffinityTerm, TopologySpread, WhenUnsatisfiable,
};
use model::labels::{self, Labels};
use model::name::{ObjectName, Text};
use model::plan::{Placement, Plan, Target};
use model::pod::{HostPort, Pod};
use model::requirement::{Requirement, Requirements};
use model::resources::Resources;
use model::snapshot::{DaemonSet, Scope, Snapshot};
use model::taint::{Effect, Taint, Toleration, TolerationOperator};
use model::volume::{
    CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass, VolumeBindingMode,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The world and the plan that a text describes.
pub(crate) fn scene(text: &str) -> (Snapshot, Plan) {
    let (mut snapshot, mut plan) = (empty(Scope::Everything), Plan::default());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kind, name, rest @ ..] = &words[..] else { panic!("too short: {line}") };
        match *kind {
            "namespace" => {
                snapshot.cluster.namespaces.insert((*name).into(), labels_of(rest));
            }
            "node" | "flying" => enter_present(&mut snapshot, (kind, name), rest),
            "new" => plan.actions.push(launch(name, rest)),
            "later" => plan.actions.push(later(name, rest)),
            "daemon" => {
                let mut template = neighbour(name, rest);
                template.name.namespace = "kube-system".into();
                let name = template.name.clone();
                snapshot.cluster.daemon_sets.push(Arc::new(DaemonSet { name, template }));
            }
            "pv" | "pvc" | "class" | "csinode" => enter_storage(&mut snapshot, (kind, name), rest),
            "pod" => enter_pod((&mut snapshot, &mut plan), name, rest),
            _ => panic!("what is {kind}?"),
        }
    }
    snapshot.cluster.pods.sort_by(|a, b| a.name.cmp(&b.name));
    (snapshot, plan)
}

fn enter_pod((snapshot, plan): (&mut Snapshot, &mut Plan), name: &str, rest: &[&str]) {
    let [how, place, asks @ ..] = rest else { panic!("where is pod {name}?") };
    let mut pod = neighbour(name, asks);
    if *how == "on" {
        pod.node = Some((*place).into());
    } else {
        let is_node = snapshot.cluster.nodes.iter().any(|node| &*node.name == *place);
        let on =
            if is_node { Target::Node((*place).into()) } else { Target::Claim((*place).into()) };
        plan.placements.push(Placement { pod: pod.name.clone(), on });
        pod.unschedulable_since = Some(now());
        pod.node = asks.iter().find_map(|ask| ask.strip_prefix("from:")).map(Into::into);
    }
    snapshot.cluster.pods.push(Arc::new(pod));
}

fn enter_present(snapshot: &mut Snapshot, (kind, name): (&str, &str), rest: &[&str]) {
    let room = Resources { pods: 110, ..Resources::cpu_memory(64_000, 1 << 40) };
    let going = rest.contains(&"going").then(now);
    if kind == "node" {
        let mut node = healthy_node(name, name);
        node.labels.extend(labels_of(rest));
        node.taints = taints_of(rest);
        (node.allocatable, node.deleting) = (room, going);
        snapshot.cluster.nodes.push(Arc::new(node));
        return;
    }
    let mut claim = healthy_claim(name, "", name);
    claim.conditions = model::condition::Conditions::default();
    (claim.node, claim.deleting, claim.allocatable) = (None, going, room);
    claim.labels = labels_of(rest);
    claim.spec.taints = taints_of(rest);
    let pods = rest.iter().find_map(|word| word.strip_prefix("for:"));
    let pods = pods.into_iter().flat_map(|pods| pods.split('+'));
    claim.spec.nominated = pods.map(|name| neighbour(name, &[]).short_id()).collect();
    snapshot.cluster.claims.push(Arc::new(claim));
}

fn enter_storage(snapshot: &mut Snapshot, (kind, name): (&str, &str), rest: &[&str]) {
    let cluster = &mut snapshot.cluster;
    let after = |prefix: &str| rest.iter().find_map(|word| word.strip_prefix(prefix));
    let has = |word: &str| rest.contains(&word);
    let terms =
        rest.split(|word| *word == "|").map(|term| Requirements::from_labels(&labels_of(term)));
    let terms: Vec<Requirements> = terms.filter(|term| !term.is_empty()).collect();
    match kind {
        "pv" => cluster.persistent_volumes.push(Arc::new(PersistentVolume {
            name: name.into(),
            node_affinity: terms,
            driver: after("driver:").map(Into::into),
            is_on_node: has("on-node"),
            deleting: has("deleting"),
        })),
        "pvc" => cluster.persistent_volume_claims.push(Arc::new(PersistentVolumeClaim {
            name: ObjectName::new("ns", name),
            storage_class: after("class:").map(Into::into),
            volume: after("pv:").map(Into::into),
            deleting: has("deleting"),
        })),
        "class" => cluster.storage_classes.push(Arc::new(StorageClass {
            name: name.into(),
            created: now(),
            provisioner: after("driver:").unwrap_or("driver").into(),
            allowed_topologies: terms,
            binding: if has("immediate") {
                VolumeBindingMode::Immediate
            } else {
                VolumeBindingMode::WaitForFirstConsumer
            },
            is_default: has("default"),
        })),
        _ => {
            let counts = rest.iter().filter_map(|word| word.split_once('='));
            let drivers = counts.map(|(driver, count)| (driver.into(), count.parse().ok()));
            let node = CsiNode { name: name.into(), drivers: drivers.collect() };
            cluster.csi_nodes.push(Arc::new(node));
        }
    }
}

fn new_claim(name: &str, rest: &[&str]) -> NewClaim {
    let mut spec = spec();
    spec.taints = taints_of(rest);
    NewClaim {
        name: name.into(),
        pool_uid: None,
        labels: Labels::new(),
        annotations: BTreeMap::new(),
        spec,
    }
}

fn launch(name: &str, rest: &[&str]) -> Action {
    let ways = rest.split(|word| *word == "|").map(|way| {
        let mut choice = choice("type", 64_000);
        choice.allocatable = Resources { pods: 110, ..Resources::cpu_memory(64_000, 1 << 40) };
        choice.labels = labels_of(way);
        choice
    });
    Action::Launch(Launch {
        claims: vec![ClaimToLaunch::New(new_claim(name, rest))],
        pool: Some("default".into()),
        node_class: "class".into(),
        taints: vec![],
        choices: ways.collect(),
        replay: None,
    })
}

fn later(name: &str, rest: &[&str]) -> Action {
    let mut new = new_claim(name, rest);
    for (key, values) in rest.iter().filter_map(|word| word.split_once('=')) {
        new.spec.requirements.require(key, Requirement::one_of(values.split('+')));
    }
    Action::Cluster(ClusterAction::CreateClaim(new))
}

fn taints_of(words: &[&str]) -> Vec<Taint> {
    let keys = words.iter().filter_map(|word| word.strip_prefix("taint:"));
    keys.map(|key| Taint::new(key, Effect::NoSchedule)).collect()
}

fn labels_of(words: &[&str]) -> Labels {
    let pairs = words.iter().filter(|word| !word.contains(':')).filter_map(|w| w.split_once('='));
    pairs.map(|(key, value)| (key_of(key), value.into())).collect()
}

fn key_of(key: &str) -> Text {
    if key == "host" { labels::HOSTNAME.into() } else { key.into() }
}

fn keys_of(keys: &str) -> Vec<Text> {
    keys.split('+').map(Into::into).collect()
}

fn selector_of(text: &str) -> Option<LabelSelector> {
    let pairs = || text.split(',').filter_map(|pair| pair.split_once('='));
    let one = |(key, values): (&str, &str)| (key.into(), Requirement::one_of(values.split('+')));
    (text != "-").then(|| LabelSelector(pairs().map(one).collect()))
}

/// A pod with what these words say of it.
fn neighbour(name: &str, words: &[&str]) -> Pod {
    let mut pod = pod(name, None);
    if let Some((namespace, name)) = name.split_once('/') {
        pod.name = ObjectName::new(namespace, name);
    }
    pod.requests = Resources { pods: 1, ..Resources::default() };
    pod.labels = labels_of(words);
    pod.deleting = words.contains(&"ending").then(now);
    for (what, how) in words.iter().filter_map(|word| word.split_once(':')) {
        match what {
            "spread" => pod.topology_spread.push(spread_of(how)),
            "with" => pod.affinity.required.push(term_of(how)),
            "apart" => pod.anti_affinity.required.push(term_of(how)),
            "nodes" => pod.node_selector.extend(labels_of(&[how])),
            "tolerates" => pod.tolerations.push(Toleration {
                key: how.into(),
                operator: TolerationOperator::Exists,
                ..Toleration::default()
            }),
            "port" => pod.host_ports.push(HostPort {
                ip: "0.0.0.0".into(),
                port: how.parse().expect("a port is a number"),
                protocol: "TCP".into(),
            }),
            "mounts" => pod.volume_claims.push(how.into()),
            "from" => {}
            _ => panic!("what is {what}:{how}?"),
        }
    }
    pod
}

fn spread_of(text: &str) -> TopologySpread {
    let parts: Vec<&str> = text.split('/').collect();
    let after = |prefix: &str| parts.iter().find_map(|part| part.strip_prefix(prefix));
    let number =
        |prefix: &str| after(prefix).map(|text| text.parse::<i32>().expect("it is a number"));
    let has = |word: &str| parts.contains(&word);
    let policy = |is_honored: bool| {
        if is_honored { NodeInclusionPolicy::Honor } else { NodeInclusionPolicy::Ignore }
    };
    TopologySpread {
        max_skew: number("max:").unwrap_or(1),
        topology_key: key_of(parts[0]),
        when_unsatisfiable: if has("soft") {
            WhenUnsatisfiable::ScheduleAnyway
        } else {
            WhenUnsatisfiable::DoNotSchedule
        },
        selector: selector_of(parts[1]).expect("a spread selects pods"),
        min_domains: number("min:"),
        node_affinity_policy: policy(!has("anywhere")),
        node_taints_policy: policy(has("taints")),
        match_label_keys: after("keys:").map(keys_of).unwrap_or_default(),
    }
}

fn term_of(text: &str) -> PodAffinityTerm {
    let parts: Vec<&str> = text.split('/').collect();
    let after = |prefix: &str| parts.iter().find_map(|part| part.strip_prefix(prefix));
    let keys = |prefix: &str| after(prefix).map(keys_of).unwrap_or_default();
    PodAffinityTerm {
        topology_key: key_of(parts[0]),
        selector: selector_of(parts[1]),
        namespaces: keys("in:"),
        namespace_selector: after("of:").and_then(selector_of),
        match_label_keys: keys("keys:"),
        mismatch_label_keys: keys("unlike:"),
    }
}

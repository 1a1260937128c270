//! A cluster in a few lines: nodes with who is on them, and pods in the workload language.

use crate::file;
use crate::record::PodEnd;
use crate::scheduler::neighbours::Step;
use crate::scheduler::predicates::refusal;
use crate::scheduler::scores::best;
use crate::scheduler::ties::Ties;
use crate::store::{NodeEntry, PodEntry, Store};
use crate::workload::{Event, Workload};
use jiff::Timestamp;
use model::labels::{self, Labels};
use model::name::{NodeName, ObjectName};
use model::node::Node;
use model::pod::Pod;
use model::resources::Resources;
use model::taint::{Effect, Taint};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;
use std::sync::Arc;

/// Pods of a file in the workload language, by name; each is an item `name: pod` here, `namespace/name: pod` elsewhere.
pub(super) fn templates(pods: &str) -> BTreeMap<String, Pod> {
    let mut text = "title: t\nitems:\n".to_owned();
    for line in pods.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, pod) = line.split_once(": ").expect("a line is `name: pod`");
        let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
        let item = format!("name: {name}, namespace: {namespace}, replicas: 1, pod: {pod}");
        writeln!(text, "  - deployment: {{{item}}}").unwrap();
    }
    let zones = ["us-east-1a", "us-east-1b", "us-east-1c"].map(Into::into);
    let Workload { events, .. } = file::parse(text.as_bytes(), "pods", &zones).unwrap();
    let created = events.into_iter().filter_map(|(_, event)| match event {
        Event::Create { template, .. } => Some((template.name.name.to_string(), *template)),
        _ => None,
    });
    created.collect()
}

/// A node: `cpu=4 zone=a` are its CPU and labels, `taint=key:Effect` is a taint, `cordoned` is what it says.
pub(super) fn node(name: &str, words: &str) -> Node {
    let mut labels = Labels::from([(labels::HOSTNAME.into(), name.into())]);
    let (mut cpu, mut taints, mut cordoned) = (4, Vec::new(), false);
    for word in words.split_whitespace() {
        match word.split_once('=') {
            None => cordoned = word == "cordoned",
            Some(("cpu", cores)) => cpu = cores.parse().unwrap(),
            Some(("taint", taint)) => {
                let (key, effect) = taint.split_once(':').unwrap();
                taints.push(Taint::new(key, effect_of(effect)));
            }
            Some((key, value)) => {
                let key = if key == "zone" { labels::ZONE } else { key };
                labels.insert(key.into(), value.into());
            }
        }
    }
    let room = Resources { pods: 20, ..Resources::cpu_memory(cpu * 1000, 1 << 40) };
    Node {
        name: name.into(),
        uid: name.into(),
        resource_version: 1,
        created: Timestamp::UNIX_EPOCH,
        deleting: None,
        finalizer: true,
        labels,
        do_not_disrupt: false,
        taints,
        cordoned,
        instance: None,
        capacity: room.clone(),
        allocatable: room,
        ready: true,
        ailments: vec![],
    }
}

fn effect_of(text: &str) -> Effect {
    let all = [Effect::NoSchedule, Effect::NoExecute, Effect::PreferNoSchedule];
    all.into_iter().find(|effect| format!("{effect:?}") == text).expect("an effect")
}

impl Store {
    /// A cluster without anything.
    pub(super) fn empty() -> Self {
        Self::new(1, "cluster-uid".into())
    }

    pub(super) fn enter_node(&mut self, node: Node) {
        let entry = NodeEntry {
            free: node.allocatable.clone(),
            pods: BTreeSet::new(),
            owner: None,
            initialized: None,
            daemons: BTreeSet::new(),
            lost: false,
            goes: false,
            node: Arc::new(node),
        };
        self.nodes.insert(entry.node.name.clone(), entry);
    }

    /// Puts a pod onto a node, whatever the scheduler thinks of it.
    pub(super) fn put(&mut self, mut pod: Pod, node: &NodeName) {
        self.neighbours.enter_namespace(&pod.name.namespace);
        self.neighbours.note(&pod, node, Step::Comes);
        pod.node = Some(node.clone());
        let entry = self.nodes.get_mut(node).expect("the node is there");
        entry.free.subtract(&pod.requests);
        entry.pods.insert(pod.name.clone());
        let entry = PodEntry {
            number: self.next_version(),
            record: None,
            replica: None,
            daemon: None,
            guards: Rc::new([]),
            counted: false,
            lost: false,
            end: PodEnd::Lost,
            pod: Arc::new(pod),
        };
        self.pods.insert(entry.pod.name.clone(), entry);
    }
}

/// A cluster of lines such as `n1 zone=a: web web api!`, the `!` of a pod that is being deleted.
pub(super) fn cluster(nodes: &str, templates: &BTreeMap<String, Pod>) -> Store {
    let mut store = Store::empty();
    let lines = || nodes.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines() {
        let head = line.split_once(": ").map_or(line, |(head, _)| head);
        let (name, words) = head.split_once(' ').unwrap();
        store.enter_node(node(name, words));
    }
    for template in templates.values() {
        store.neighbours.enter_namespace(&template.name.namespace);
    }
    let mut made = 0;
    for line in lines() {
        let (node, _) = line.split_once(' ').unwrap();
        let pods = line.split_once(": ").map_or("", |(_, pods)| pods);
        for word in pods.split_whitespace() {
            let name = word.trim_end_matches('!');
            let mut pod = templates[name].clone();
            pod.name = ObjectName::new(pod.name.namespace, format!("{name}-{made}"));
            pod.deleting = word.ends_with('!').then_some(Timestamp::MAX);
            store.put(pod, &node.into());
            made += 1;
        }
    }
    store
}

/// What each node says to a pod of this name, and where it goes.
pub(super) fn verdicts(nodes: &str, pods: &str, name: &str) -> String {
    let templates = templates(pods);
    let mut store = cluster(nodes, &templates);
    let pod = &templates[name];
    let ties = Ties::of(&mut store, pod);
    let mut text = String::new();
    let mut admitted = Vec::new();
    for (node, entry) in &store.nodes {
        match refusal(&store, entry, pod, &ties) {
            Some(why) => writeln!(text, "{node} no: {why}").unwrap(),
            None => admitted.push(entry),
        }
    }
    let best = best(pod, &ties, &admitted).map_or("nowhere".to_owned(), |node| node.to_string());
    let admitted: Vec<&str> = admitted.iter().map(|entry| entry.node.name.as_str()).collect();
    write!(text, "of [{}] to {best}", admitted.join(" ")).unwrap();
    text
}

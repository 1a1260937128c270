//! What a pod and its neighbours are to each other at one moment, by the rules of kube-scheduler's plugins PodTopologySpread
//! and InterPodAffinity (Kubernetes documentation, "Pod Topology Spread Constraints" and "Assigning Pods to Nodes").

use crate::scheduler::neighbours::Meant;
use crate::scheduler::predicates::Refusal;
use crate::store::{NodeEntry, Store};
use model::affinity::{NodeInclusionPolicy, TopologySpread, WhenUnsatisfiable};
use model::labels::Labels;
use model::name::{NodeName, Text};
use model::pod::Pod;
use model::taint::first_untolerated;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A label of nodes and a value of it.
pub(crate) type Domain = (Text, Text);

/// What a pod asks of its neighbours, and they of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ties {
    spreads: Vec<Spread>,
    together: Option<Together>,
    /// Domains that it must not be in.
    apart: BTreeSet<Domain>,
    pub(crate) wishes: Wishes,
}

/// What it would like.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// Spreads that may be broken.
    pub(crate) spreads: Vec<Spread>,
    /// What its preferred pod affinity and anti-affinity make of domains, in weight for each pod there.
    pub(crate) pull: BTreeMap<Domain, i64>,
}

/// A spread constraint and how many pods each eligible domain has.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    pub(crate) key: Text,
    pub(crate) max_skew: i64,
    pub(crate) counts: BTreeMap<Text, i64>,
    min_domains: usize,
    /// One if the pod is counted itself.
    own: i64,
}

/// All terms of required pod affinity; pods count that all of them mean.
#[derive(Clone, Debug)]
struct Together {
    /// The label of each term, and the domains that have a pod.
    domains: BTreeMap<Text, BTreeSet<Text>>,
    /// Nobody is meant anywhere, but the pod itself: it may be the first.
    begins: bool,
}

/// Whether a pod asks anything of its neighbours.
pub(crate) fn has_ties(pod: &Pod) -> bool {
    !pod.topology_spread.is_empty() || !pod.affinity.is_empty() || !pod.anti_affinity.is_empty()
}

impl Ties {
    /// Those of a pod that waits.
    pub(crate) fn of(store: &mut Store, pod: &Pod) -> Self {
        if !has_ties(pod) && !store.neighbours.has_keepers() {
            return Self::default();
        }
        Self {
            spreads: spreads(store, pod, WhenUnsatisfiable::DoNotSchedule),
            together: together(store, pod),
            apart: apart(store, pod),
            wishes: Wishes {
                spreads: spreads(store, pod, WhenUnsatisfiable::ScheduleAnyway),
                pull: pull(store, pod),
            },
        }
    }

    /// Whether it matters to the pod where others are.
    pub(crate) fn are_none(&self) -> bool {
        self.spreads.is_empty() && self.together.is_none() && self.apart.is_empty()
    }

    /// Why a node with these labels would not do.
    pub(crate) fn refusal(&self, labels: &Labels) -> Option<Refusal> {
        if self.spreads.iter().any(|spread| !spread.admits(labels)) {
            return Some(Refusal::Spread);
        }
        if self.together.as_ref().is_some_and(|together| !together.admits(labels)) {
            return Some(Refusal::Affinity);
        }
        let keeps_away = |(key, value): &Domain| labels.get(key) == Some(value);
        self.apart.iter().any(keeps_away).then_some(Refusal::AntiAffinity)
    }

    /// The same with a node of these labels beside those that are there.
    pub(crate) fn with_node(mut self, labels: &Labels) -> Self {
        for spread in &mut self.spreads {
            if let Some(domain) = labels.get(&spread.key) {
                spread.counts.entry(Arc::clone(domain)).or_default();
            }
        }
        self
    }

    /// The labels of nodes that are looked at.
    pub(crate) fn keys(&self) -> BTreeSet<&Text> {
        let spreads = self.spreads.iter().map(|spread| &spread.key);
        let together = self.together.iter().flat_map(|together| together.domains.keys());
        spreads.chain(together).chain(self.apart.iter().map(|(key, _)| key)).collect()
    }
}

impl Spread {
    fn admits(&self, labels: &Labels) -> bool {
        let Some(domain) = labels.get(&self.key) else { return false };
        let there = self.counts.get(domain).copied().unwrap_or(0);
        there + self.own - self.least() <= self.max_skew
    }

    /// The pods of the emptiest domain. Without any domain nothing is uneven.
    fn least(&self) -> i64 {
        if self.counts.len() < self.min_domains {
            return 0;
        }
        self.counts.values().copied().min().unwrap_or(i64::MAX)
    }
}

impl Together {
    fn admits(&self, labels: &Labels) -> bool {
        let mut terms = self.domains.iter().map(|(key, domains)| (labels.get(key), domains));
        if self.begins {
            return terms.all(|(domain, _)| domain.is_some());
        }
        terms.all(|(domain, domains)| domain.is_some_and(|domain| domains.contains(domain)))
    }
}

fn number(store: &mut Store, selection: Vec<Meant>) -> usize {
    let pods = store.pods.values().map(|entry| &*entry.pod);
    store.neighbours.number(selection, pods)
}

/// The spreads of one kind. A node counts that has the labels of all of them, and that each one's policies admit.
fn spreads(store: &mut Store, pod: &Pod, kind: WhenUnsatisfiable) -> Vec<Spread> {
    let asked = pod.topology_spread.iter().filter(|spread| spread.when_unsatisfiable == kind);
    let asked: Vec<(&TopologySpread, usize, bool)> = asked
        .map(|spread| {
            let meant = Meant::by_spread(pod, spread);
            let own = meant.means(pod, &store.neighbours.namespaces);
            (spread, number(store, vec![meant]), own)
        })
        .collect();
    let mut all: Vec<Spread> = asked
        .iter()
        .map(|(spread, _, own)| Spread {
            key: Arc::clone(&spread.topology_key),
            max_skew: i64::from(spread.max_skew),
            counts: BTreeMap::new(),
            min_domains: spread.min_domains.and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
            own: i64::from(*own),
        })
        .collect();
    if all.is_empty() {
        return all;
    }
    for (name, entry) in &store.nodes {
        let labels = &entry.node.labels;
        if !asked.iter().all(|(spread, ..)| labels.contains_key(&spread.topology_key)) {
            continue;
        }
        for ((spread, number, _), counted) in asked.iter().zip(&mut all) {
            if is_eligible(entry, pod, spread) {
                let there = store.neighbours.on_nodes(*number).get(name);
                let domain = Arc::clone(&labels[&spread.topology_key]);
                *counted.counts.entry(domain).or_default() += there.map_or(0, |c| c.staying);
            }
        }
    }
    all
}

fn is_eligible(entry: &NodeEntry, pod: &Pod, spread: &TopologySpread) -> bool {
    let node = &entry.node;
    let by_affinity = match spread.node_affinity_policy {
        NodeInclusionPolicy::Honor => pod.admits_node_labels(&node.labels),
        NodeInclusionPolicy::Ignore => true,
    };
    by_affinity
        && match spread.node_taints_policy {
            NodeInclusionPolicy::Honor => {
                !node.cordoned && first_untolerated(&node.taints, &pod.tolerations).is_none()
            }
            NodeInclusionPolicy::Ignore => true,
        }
}

fn together(store: &mut Store, pod: &Pod) -> Option<Together> {
    let terms = &pod.affinity.required;
    if terms.is_empty() {
        return None;
    }
    let selection: Vec<Meant> = terms.iter().map(|term| Meant::by_term(pod, term)).collect();
    let is_own = store.neighbours.mean(&selection, pod);
    let number = number(store, selection);
    let mut domains: BTreeMap<Text, BTreeSet<Text>> =
        terms.iter().map(|term| (Arc::clone(&term.topology_key), BTreeSet::new())).collect();
    for (key, found) in &mut domains {
        found.extend(values(store, key, store.neighbours.on_nodes(number).keys()));
    }
    let begins = is_own && domains.values().all(BTreeSet::is_empty);
    Some(Together { domains, begins })
}

fn apart(store: &mut Store, pod: &Pod) -> BTreeSet<Domain> {
    let mut all = BTreeSet::new();
    for term in &pod.anti_affinity.required {
        let number = number(store, vec![Meant::by_term(pod, term)]);
        let found = values(store, &term.topology_key, store.neighbours.on_nodes(number).keys());
        all.extend(found.map(|value| (Arc::clone(&term.topology_key), value)));
    }
    for (key, node) in store.neighbours.keepers_of(pod) {
        all.extend(value(store, key, node).map(|value| (Arc::clone(key), value)));
    }
    all
}

/// The preferred terms. What pods that run prefer of this one is not looked at.
fn pull(store: &mut Store, pod: &Pod) -> BTreeMap<Domain, i64> {
    let mut all = BTreeMap::new();
    for (terms, sign) in [(&pod.affinity.preferred, 1), (&pod.anti_affinity.preferred, -1)] {
        for (weight, term) in terms {
            let number = number(store, vec![Meant::by_term(pod, term)]);
            for (node, there) in store.neighbours.on_nodes(number) {
                let Some(value) = value(store, &term.topology_key, node) else { continue };
                let pull = all.entry((Arc::clone(&term.topology_key), value)).or_default();
                *pull += sign * i64::from(*weight) * there.all;
            }
        }
    }
    all
}

fn values<'s>(
    store: &'s Store,
    key: &'s Text,
    nodes: impl Iterator<Item = &'s NodeName>,
) -> impl Iterator<Item = Text> {
    nodes.filter_map(move |node| value(store, key, node))
}

fn value(store: &Store, key: &Text, node: &NodeName) -> Option<Text> {
    store.nodes.get(node)?.node.labels.get(key).cloned()
}

//! Who is beside whom: how many of the pods that someone's constraints mean are on each node. Kept while pods come and go,
//! so that a look at them costs the number of nodes and not that of pods.

use model::affinity::{PodAffinityTerm, TopologySpread};
use model::labels::Labels;
use model::name::{NodeName, Text};
use model::pod::Pod;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Namespaces with their labels.
pub(crate) type Namespaces = BTreeMap<Text, Labels>;

/// Which pods a constraint of a pod means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Meant {
    /// The namespace of the pod that has the constraint.
    own: Text,
    /// Namespaces and selector; where they are looked for is left empty, so that equal ones are equal.
    term: PodAffinityTerm,
}

/// Pods that all of these mean.
pub(crate) type Selection = Vec<Meant>;

/// Pods of a selection on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// All that have not ended.
    pub(crate) all: i64,
    /// Those that are not being deleted.
    pub(crate) staying: i64,
}

/// What a pod does on its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It has been bound.
    Comes,
    /// It is being deleted.
    Goes,
    /// It has ended, or is out of the API.
    Leaves,
}

/// All that is counted.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    pub(crate) namespaces: Namespaces,
    numbers: BTreeMap<Selection, usize>,
    /// By the number of the selection.
    counts: Vec<BTreeMap<NodeName, Count>>,
    /// Pods that keep others away by a required anti-affinity: whom, over which label of nodes, and where they are.
    keepers: BTreeMap<(Meant, Text), BTreeMap<NodeName, i64>>,
}

impl Meant {
    /// The pods that a spread counts.
    pub(crate) fn by_spread(pod: &Pod, spread: &TopologySpread) -> Self {
        let selector = Some(spread.selector_for(&pod.labels));
        Self::new(pod, PodAffinityTerm { selector, ..nobody() })
    }

    /// The pods that a term of pod affinity or anti-affinity means.
    pub(crate) fn by_term(pod: &Pod, term: &PodAffinityTerm) -> Self {
        let selector = term.selector_for(&pod.labels);
        let namespaces = term.namespaces.clone();
        let namespace_selector = term.namespace_selector.clone();
        Self::new(pod, PodAffinityTerm { selector, namespaces, namespace_selector, ..nobody() })
    }

    /// The pods that any constraint or wish of a pod means.
    pub(crate) fn all_of(pod: &Pod) -> impl Iterator<Item = Self> {
        let spreads = pod.topology_spread.iter().map(|spread| Self::by_spread(pod, spread));
        let both = [&pod.affinity, &pod.anti_affinity].into_iter();
        let terms = both.flat_map(|terms| {
            terms.required.iter().chain(terms.preferred.iter().map(|(_, term)| term))
        });
        spreads.chain(terms.map(|term| Self::by_term(pod, term)))
    }

    fn new(pod: &Pod, term: PodAffinityTerm) -> Self {
        Self { own: Arc::clone(&pod.name.namespace), term }
    }

    /// Whether this pod is meant.
    pub(crate) fn means(&self, pod: &Pod, namespaces: &Namespaces) -> bool {
        let selects = self.term.selector.as_ref().is_some_and(|s| s.selects(&pod.labels));
        let labels_of = |name: &str| namespaces.get(name);
        selects && self.term.reaches(&self.own, &pod.name.namespace, labels_of)
    }
}

fn nobody() -> PodAffinityTerm {
    PodAffinityTerm {
        topology_key: "".into(),
        selector: None,
        namespaces: Vec::new(),
        namespace_selector: None,
        match_label_keys: Vec::new(),
        mismatch_label_keys: Vec::new(),
    }
}

impl Neighbours {
    /// Enters a namespace; Kubernetes gives each the label of its name.
    pub(crate) fn enter_namespace(&mut self, name: &Text) {
        if !self.namespaces.contains_key(name) {
            let label = ("kubernetes.io/metadata.name".into(), Arc::clone(name));
            self.namespaces.insert(Arc::clone(name), Labels::from([label]));
        }
    }

    /// Whether all of a selection mean this pod.
    pub(crate) fn mean(&self, selection: &[Meant], pod: &Pod) -> bool {
        selection.iter().all(|meant| meant.means(pod, &self.namespaces))
    }

    /// The number of a selection. One that is new is counted over all pods, once.
    pub(crate) fn number<'p>(
        &mut self,
        selection: Selection,
        pods: impl Iterator<Item = &'p Pod>,
    ) -> usize {
        if let Some(known) = self.numbers.get(&selection) {
            return *known;
        }
        let mut counts: BTreeMap<NodeName, Count> = BTreeMap::new();
        for pod in pods.filter(|pod| !pod.is_terminal() && self.mean(&selection, pod)) {
            if let Some(node) = &pod.node {
                count(&mut counts, node, coming(pod));
            }
        }
        self.counts.push(counts);
        self.numbers.insert(selection, self.counts.len() - 1);
        self.counts.len() - 1
    }

    /// Follows a pod on its node. Says whether anyone looks at it.
    pub(crate) fn note(&mut self, pod: &Pod, node: &NodeName, step: Step) -> bool {
        let Count { all, staying } = coming(pod);
        let change = match step {
            Step::Comes => Count { all, staying },
            Step::Goes => Count { all: 0, staying: -1 },
            Step::Leaves => Count { all: -all, staying: -staying },
        };
        let mut is_seen = false;
        for (selection, number) in &self.numbers {
            if selection.iter().all(|meant| meant.means(pod, &self.namespaces)) {
                count(&mut self.counts[*number], node, change);
                is_seen = true;
            }
        }
        if step == Step::Goes {
            return is_seen;
        }
        for term in &pod.anti_affinity.required {
            let key = (Meant::by_term(pod, term), Arc::clone(&term.topology_key));
            let nodes = self.keepers.entry(key.clone()).or_default();
            let present = nodes.entry(node.clone()).or_default();
            *present += change.all;
            if *present == 0 {
                nodes.remove(node);
            }
            if nodes.is_empty() {
                self.keepers.remove(&key);
            }
            is_seen = true;
        }
        is_seen
    }

    /// Whether counting anew over all pods comes to the same.
    pub(crate) fn agree_with<'p>(&self, pods: impl Iterator<Item = &'p Pod> + Clone) -> bool {
        let mut anew = Self { namespaces: self.namespaces.clone(), ..Self::default() };
        for (selection, number) in &self.numbers {
            let counted = anew.number(selection.clone(), pods.clone());
            if anew.counts[counted] != self.counts[*number] {
                return false;
            }
        }
        anew.numbers.clear();
        for pod in pods.filter(|pod| !pod.is_terminal()) {
            if let Some(node) = &pod.node {
                anew.note(pod, node, Step::Comes);
            }
        }
        anew.keepers == self.keepers
    }

    /// Where the pods of a selection are.
    pub(crate) fn on_nodes(&self, number: usize) -> &BTreeMap<NodeName, Count> {
        &self.counts[number]
    }

    /// Whether some pod keeps others away.
    pub(crate) fn has_keepers(&self) -> bool {
        !self.keepers.is_empty()
    }

    /// The labels over which others keep this pod away, with the nodes that they are on.
    pub(crate) fn keepers_of<'n>(
        &'n self,
        pod: &'n Pod,
    ) -> impl Iterator<Item = (&'n Text, &'n NodeName)> {
        let of = self.keepers.iter().filter(|((meant, _), _)| meant.means(pod, &self.namespaces));
        of.flat_map(|((_, key), nodes)| nodes.keys().map(move |node| (key, node)))
    }
}

fn coming(pod: &Pod) -> Count {
    Count { all: 1, staying: i64::from(pod.deleting.is_none()) }
}

fn count(counts: &mut BTreeMap<NodeName, Count>, node: &NodeName, change: Count) {
    let present = counts.entry(node.clone()).or_default();
    present.all += change.all;
    present.staying += change.staying;
    if *present == Count::default() {
        counts.remove(node);
    }
}

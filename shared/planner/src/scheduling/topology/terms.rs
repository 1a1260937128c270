//! Selections and terms: what pods say about their neighbours, equal things with one number.

use model::affinity::{LabelSelector, NodeInclusionPolicy, PodAffinityTerm, TopologySpread};
use model::labels::{self, Labels};
use model::name::Text;
use model::pod::Pod;
use model::requirement::Requirements;
use model::snapshot::ClusterState;
use model::taint::Toleration;
use std::collections::{BTreeMap, BTreeSet};

/// The namespaces in which pods are meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Namespaces {
    All,
    These(BTreeSet<Text>),
}

/// The pods of some namespaces that have some labels; no selector selects no pod.
type Part = (Namespaces, Option<LabelSelector>);

/// Which pods are meant: those of all parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Selection(BTreeSet<Part>);

impl Selection {
    fn means(&self, namespace: &str, labels: &Labels) -> bool {
        self.0.iter().all(|(namespaces, selector)| {
            let is_there = match namespaces {
                Namespaces::All => true,
                Namespaces::These(names) => names.contains(namespace),
            };
            is_there && selector.as_ref().is_some_and(|selector| selector.selects(labels))
        })
    }
}

/// Which nodes count for a spread: those that the pod's own constraints admit, as far as its policies honour them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Eligible {
    /// One of these must admit the node's labels; none where the node affinity is ignored.
    alternatives: Option<Vec<Requirements>>,
    /// The node's taints must be tolerated; none where taints are ignored.
    tolerations: Option<Vec<Toleration>>,
}

impl Eligible {
    /// Whether labels are looked at.
    pub(super) fn honors_affinity(&self) -> bool {
        self.alternatives.is_some()
    }

    /// Whether taints are looked at.
    pub(super) fn honors_taints(&self) -> bool {
        self.tolerations.is_some()
    }

    /// Whether a node with these labels and taints counts.
    pub(super) fn admits<'t>(
        &self,
        labels: &Labels,
        mut taints: impl Iterator<Item = &'t model::taint::Taint>,
    ) -> bool {
        let affinity = self.alternatives.as_ref();
        affinity.is_none_or(|all| all.iter().any(|one| one.admits_labels(labels)))
            && self.tolerations.as_ref().is_none_or(|tolerations| {
                taints.all(|taint| !taint.is_hard() || taint.is_tolerated_by(tolerations))
            })
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// No domain has more of the selected pods than the emptiest one and so many.
    Spread { max_skew: i64, min_domains: Option<i64>, eligible: Eligible },
    /// The domain has a selected pod.
    Together,
    /// The domain has none. What is only preferred keeps others away less firmly.
    Apart { preferred: bool },
}

/// One constraint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Term {
    pub(super) rule: Rule,
    /// The node label whose values are the domains.
    pub(super) key: Text,
    /// The number of the selection.
    pub(super) selection: usize,
}

impl Term {
    /// Whether each node is a domain.
    pub(super) fn is_by_node(&self) -> bool {
        &*self.key == labels::HOSTNAME
    }
}

/// Things by number, equal ones once.
#[derive(Clone, Debug)]
pub(super) struct Numbered<T> {
    pub(super) all: Vec<T>,
    numbers: BTreeMap<T, usize>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { all: Vec::new(), numbers: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Numbered<T> {
    pub(super) fn number(&mut self, thing: T) -> usize {
        if let Some(known) = self.numbers.get(&thing) {
            return *known;
        }
        let next = self.all.len();
        self.all.push(thing.clone());
        self.numbers.insert(thing, next);
        next
    }

    pub(super) fn find(&self, thing: &T) -> Option<usize> {
        self.numbers.get(thing).copied()
    }
}

/// All selections and terms of one pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    pub(super) selections: Numbered<Selection>,
    pub(super) numbered: Numbered<Term>,
    /// Selections that ask for one value of a label, by that; they are most.
    by_label: BTreeMap<(Text, Text), Vec<usize>>,
    others: Vec<usize>,
}

impl Terms {
    /// The number of a spread constraint of a pod.
    pub(super) fn spread(&mut self, pod: &Pod, spread: &TopologySpread) -> usize {
        let own = BTreeSet::from([pod.name.namespace.clone()]);
        let selector = Some(spread.selector_for(&pod.labels));
        let selection = self.selection([(Namespaces::These(own), selector)].into());
        let honours = |policy: NodeInclusionPolicy| policy == NodeInclusionPolicy::Honor;
        let eligible = Eligible {
            alternatives: honours(spread.node_affinity_policy).then(|| pod.node_alternatives()),
            tolerations: honours(spread.node_taints_policy).then(|| pod.tolerations.clone()),
        };
        let max_skew = i64::from(spread.max_skew);
        let min_domains = spread.min_domains.map(i64::from);
        let rule = Rule::Spread { max_skew, min_domains, eligible };
        self.numbered.number(Term { rule, key: spread.topology_key.clone(), selection })
    }

    /// The number of a term of pod affinity or anti-affinity.
    pub(super) fn affinity(
        &mut self,
        cluster: &ClusterState,
        pod: &Pod,
        term: &PodAffinityTerm,
        rule: Rule,
    ) -> usize {
        let selection = self.selection([part(cluster, pod, term)].into());
        self.numbered.number(Term { rule, key: term.topology_key.clone(), selection })
    }

    /// The numbers of a pod's required terms of pod affinity. Company is only who all of them mean, as for the scheduler.
    pub(super) fn company(&mut self, cluster: &ClusterState, pod: &Pod) -> Vec<usize> {
        let terms = &pod.affinity.required;
        if terms.is_empty() {
            return Vec::new();
        }
        let parts = terms.iter().map(|term| part(cluster, pod, term)).collect();
        let selection = self.selection(parts);
        let number = |term: &PodAffinityTerm| {
            let key = term.topology_key.clone();
            self.numbered.number(Term { rule: Rule::Together, key, selection })
        };
        terms.iter().map(number).collect()
    }

    /// The number of a running pod's term of anti-affinity, if it was entered.
    pub(super) fn known_apart(
        &self,
        cluster: &ClusterState,
        pod: &Pod,
        term: &PodAffinityTerm,
    ) -> Option<usize> {
        let selection = Selection([part(cluster, pod, term)].into());
        let selection = self.selections.find(&selection)?;
        let rule = Rule::Apart { preferred: false };
        self.numbered.find(&Term { rule, key: term.topology_key.clone(), selection })
    }

    /// A term in words.
    pub(super) fn words(&self, number: usize) -> String {
        let Term { rule, key, .. } = &self.numbered.all[number];
        match rule {
            Rule::Spread { max_skew, .. } => {
                format!("topology spread over {key} (maxSkew {max_skew})")
            }
            Rule::Together => format!("pod affinity over {key}"),
            Rule::Apart { .. } => format!("pod anti-affinity over {key}"),
        }
    }

    fn selection(&mut self, parts: BTreeSet<Part>) -> usize {
        let label = parts.iter().filter_map(|(_, selector)| selector.as_ref()).find_map(one_label);
        let before = self.selections.all.len();
        let number = self.selections.number(Selection(parts));
        if number == before {
            match label {
                Some(label) => self.by_label.entry(label).or_default().push(number),
                None => self.others.push(number),
            }
        }
        number
    }

    /// The selections that mean a pod, in order.
    pub(super) fn that_mean(&self, pod: &Pod) -> Vec<usize> {
        let labels = pod.labels.iter();
        let by_label = labels.flat_map(|(key, value)| {
            self.by_label.get(&(key.clone(), value.clone())).into_iter().flatten()
        });
        let means =
            |number: &usize| self.selections.all[*number].means(&pod.name.namespace, &pod.labels);
        let mut all: Vec<usize> = by_label.chain(&self.others).copied().filter(means).collect();
        all.sort_unstable();
        all
    }
}

/// A label with one value that a selector asks for.
fn one_label(selector: &LabelSelector) -> Option<(Text, Text)> {
    selector.0.iter().find_map(|(key, requirement)| {
        let values = requirement.listed().filter(|_| !requirement.admits_absence())?;
        let one = values.first().filter(|_| values.len() == 1)?;
        Some((key.clone(), one.clone()))
    })
}

fn part(cluster: &ClusterState, pod: &Pod, term: &PodAffinityTerm) -> Part {
    (namespaces_of(cluster, pod, term), term.selector_for(&pod.labels))
}

fn namespaces_of(cluster: &ClusterState, pod: &Pod, term: &PodAffinityTerm) -> Namespaces {
    let mut names: BTreeSet<Text> = term.namespaces.iter().cloned().collect();
    match &term.namespace_selector {
        Some(selector) if selector.0.is_empty() => return Namespaces::All,
        Some(selector) => {
            let selected = cluster.namespaces.iter().filter(|(_, labels)| selector.selects(labels));
            names.extend(selected.map(|(name, _)| name.clone()));
        }
        None if names.is_empty() => {
            names.insert(pod.name.namespace.clone());
        }
        None => {}
    }
    Namespaces::These(names)
}

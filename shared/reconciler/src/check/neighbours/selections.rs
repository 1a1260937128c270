//! Which pods are meant: selectors with the namespaces they reach, equal ones once.

use super::Numbers;
use super::population::Population;
use model::affinity::{LabelSelector, PodAffinityTerm};
use model::labels::Labels;
use model::name::Text;
use model::pod::Pod;
use std::collections::{BTreeMap, BTreeSet};

/// Which pods are meant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Selection<'a> {
    /// The namespaces, of those in which pods are counted.
    namespaces: BTreeSet<&'a str>,
    selector: LabelSelector,
}

/// All selections, by number.
pub(super) struct Selections<'p> {
    numbers: Numbers<Selection<'p>>,
    /// Labels of namespaces.
    labels: &'p BTreeMap<Text, Labels>,
    /// Where pods are counted.
    namespaces: BTreeSet<&'p str>,
    kinds: &'p [&'p Pod],
}

impl<'p> Selections<'p> {
    pub(super) fn of(labels: &'p BTreeMap<Text, Labels>, population: &'p Population<'_>) -> Self {
        let kinds = &population.kinds;
        Self {
            numbers: Numbers::default(),
            labels,
            namespaces: kinds.iter().map(|pod| &*pod.name.namespace).collect(),
            kinds,
        }
    }

    /// The pods of the pod's own namespace that a selector means.
    pub(super) fn own(&mut self, pod: &'p Pod, selector: LabelSelector) -> usize {
        let namespaces = BTreeSet::from([&*pod.name.namespace]);
        self.numbers.number(Selection { namespaces, selector })
    }

    /// The pods that a term of a pod means.
    pub(super) fn term(&mut self, pod: &'p Pod, term: &'p PodAffinityTerm) -> usize {
        let own = &*pod.name.namespace;
        let is_own = term.namespaces.is_empty() && term.namespace_selector.is_none();
        match term.selector_for(&pod.labels) {
            Some(selector) if is_own => self.own(pod, selector),
            Some(selector) => {
                let reached = |other: &&str| term.reaches(own, other, |name| self.labels.get(name));
                let namespaces = self.namespaces.iter().copied().filter(reached).collect();
                self.numbers.number(Selection { namespaces, selector })
            }
            None => {
                let nowhere = BTreeSet::new();
                let selector = LabelSelector::default();
                self.numbers.number(Selection { namespaces: nowhere, selector })
            }
        }
    }

    /// The kinds that each selection means, in order.
    pub(super) fn into_meant(self) -> Vec<Vec<usize>> {
        let mut by_label: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (kind, pod) in self.kinds.iter().enumerate() {
            for (key, value) in &pod.labels {
                by_label.entry((key, value)).or_default().push(kind);
            }
        }
        let meant = |selection: &Selection<'_>| {
            let means = |kind: &usize| {
                let pod = self.kinds[*kind];
                selection.namespaces.contains(&*pod.name.namespace)
                    && selection.selector.selects(&pod.labels)
            };
            match fewest(&selection.selector, &by_label) {
                Some(mut kinds) => {
                    kinds.sort_unstable();
                    kinds.into_iter().filter(means).collect()
                }
                None => (0..self.kinds.len()).filter(means).collect(),
            }
        };
        self.numbers.all.iter().map(meant).collect()
    }
}

/// The kinds that have one of the values that a selector lists for a label, for the label for which they are fewest; none
/// where it lists no values.
fn fewest(
    selector: &LabelSelector,
    by_label: &BTreeMap<(&str, &str), Vec<usize>>,
) -> Option<Vec<usize>> {
    let listed = selector.0.iter().filter_map(|(key, requirement)| {
        let values = requirement.listed().filter(|_| !requirement.admits_absence())?;
        let kinds = values.iter().filter_map(|value| by_label.get(&(&**key, &**value)));
        Some(kinds.map(|kinds| &kinds[..]).collect::<Vec<_>>())
    });
    let count = |lists: &Vec<&[usize]>| lists.iter().map(|kinds| kinds.len()).sum::<usize>();
    listed.min_by_key(count).map(|lists| lists.concat())
}

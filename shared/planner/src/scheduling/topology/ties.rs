//! What pods ask of their neighbours, and what they are to them: pods with the same ties need not be told apart.

use super::Topology;
use super::terms::Rule;
use model::affinity::WhenUnsatisfiable;
use model::pod::Pod;
use model::snapshot::{ClusterState, PreferencePolicy};
use model::taint::Taint;
use std::cmp::Reverse;
use std::sync::Arc;

/// Something that a pod would like, as long as it costs no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// Others that would rather be without it are left alone.
    Others,
    /// A preferred term, by its number, or a spread that may be broken.
    Term(usize),
    /// The preferred node affinity at this place of the pod's list.
    Node(usize),
    /// No node with a `PreferNoSchedule` taint.
    Untainted,
}

/// What pods with the same ties have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ties {
    /// Terms that must hold.
    pub(super) required: Vec<usize>,
    /// What else is wanted, what is given up first first.
    pub(crate) wishes: Vec<Wish>,
    /// The selections that mean these pods.
    pub(super) counted: Vec<usize>,
    /// Terms of anyone that keep these pods away from those that have them.
    repelled: Vec<usize>,
    /// The same of terms that are only preferred.
    disliked: Vec<usize>,
}

impl Ties {
    /// Whether the pods and their neighbours are nothing to each other.
    pub(crate) fn are_none(&self) -> bool {
        self.required.is_empty() && self.wishes.is_empty() && self.is_unseen()
    }

    fn is_unseen(&self) -> bool {
        self.counted.is_empty() && self.repelled.is_empty() && self.disliked.is_empty()
    }
}

/// What pods ask now, some wishes having been given up.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asks {
    pub(super) terms: Vec<usize>,
    /// Terms of anyone that keep them away.
    pub(super) repelled: Vec<usize>,
    /// The number of their ties.
    pub(super) ties: usize,
}

impl Asks {
    /// Whether nothing is asked.
    pub(crate) fn are_none(&self) -> bool {
        self.terms.is_empty()
    }
}

impl Topology {
    /// The terms of the pods that wait and of those that run; nothing is counted yet.
    pub(crate) fn of(
        cluster: &ClusterState,
        pods: &[&Arc<Pod>],
        policy: PreferencePolicy,
    ) -> (Self, Vec<usize>) {
        let mut topology = Self::default();
        let running = cluster.pods.iter().filter(|pod| pod.node.is_some() && !pod.is_terminal());
        for pod in running.filter(|pod| !pod.anti_affinity.required.is_empty()) {
            topology.apart(cluster, pod);
        }
        let no_schedule = |taint: &Taint| taint.effect == model::taint::Effect::PreferNoSchedule;
        let has_soft_taints = cluster.pools.iter().any(|pool| pool.taints.iter().any(no_schedule))
            || cluster.nodes.iter().any(|node| node.taints.iter().any(no_schedule));
        let mut asked: Vec<(Vec<usize>, Vec<Wish>)> = Vec::with_capacity(pods.len());
        for pod in pods {
            let required = topology.required(cluster, pod);
            let mut wishes = Vec::new();
            if policy == PreferencePolicy::Respect {
                wishes = topology.wishes(cluster, pod);
                wishes.extend(has_soft_taints.then_some(Wish::Untainted));
            }
            asked.push((required, wishes));
        }
        topology.of_selection = vec![Vec::new(); topology.terms.selections.all.len()];
        for (number, term) in topology.terms.numbered.all.iter().enumerate() {
            topology.of_selection[term.selection].push(number);
        }
        topology.tallies = vec![super::Tally::default(); topology.terms.numbered.all.len()];
        let ties = pods.iter().zip(asked).map(|(pod, (required, wishes))| {
            let counted = topology.terms.that_mean(pod);
            let meaning = counted.iter().flat_map(|selection| &topology.of_selection[*selection]);
            let is = |term: &&usize, preferred: bool| {
                topology.terms.numbered.all[**term].rule == Rule::Apart { preferred }
            };
            let repelled = meaning.clone().filter(|term| is(term, false)).copied().collect();
            let disliked: Vec<usize> = meaning.filter(|term| is(term, true)).copied().collect();
            let others = (!disliked.is_empty() && policy == PreferencePolicy::Respect)
                .then_some(Wish::Others);
            let wishes = others.into_iter().chain(wishes).collect();
            topology.ties.number(Ties { required, wishes, counted, repelled, disliked })
        });
        let ties = ties.collect();
        (topology, ties)
    }

    fn apart(&mut self, cluster: &ClusterState, pod: &Pod) -> Vec<usize> {
        let terms = pod.anti_affinity.required.iter();
        let rule = Rule::Apart { preferred: false };
        terms.map(|term| self.terms.affinity(cluster, pod, term, rule.clone())).collect()
    }

    fn required(&mut self, cluster: &ClusterState, pod: &Pod) -> Vec<usize> {
        let mut all = self.apart(cluster, pod);
        all.extend(self.terms.company(cluster, pod));
        for spread in &pod.topology_spread {
            if spread.when_unsatisfiable == WhenUnsatisfiable::DoNotSchedule {
                all.push(self.terms.spread(pod, spread));
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A pod's wishes in the order in which Karpenter gives them up: preferred pod affinity, pod anti-affinity and node
    /// affinity, of each the heaviest first, then spreads that may be broken.
    fn wishes(&mut self, cluster: &ClusterState, pod: &Pod) -> Vec<Wish> {
        let mut all = Vec::new();
        for (terms, rule) in [
            (&pod.affinity.preferred, Rule::Together),
            (&pod.anti_affinity.preferred, Rule::Apart { preferred: true }),
        ] {
            let mut terms: Vec<_> = terms.iter().collect();
            terms.sort_by_key(|(weight, _)| Reverse(*weight));
            for (_, term) in terms {
                all.push(Wish::Term(self.terms.affinity(cluster, pod, term, rule.clone())));
            }
        }
        let mut nodes: Vec<usize> = (0..pod.preferred_node_affinity.len()).collect();
        nodes.sort_by_key(|place| Reverse(pod.preferred_node_affinity[*place].0));
        all.extend(nodes.into_iter().map(Wish::Node));
        for spread in &pod.topology_spread {
            if spread.when_unsatisfiable == WhenUnsatisfiable::ScheduleAnyway {
                all.push(Wish::Term(self.terms.spread(pod, spread)));
            }
        }
        all
    }

    /// Ties by their number.
    pub(crate) fn ties(&self, number: usize) -> &Ties {
        &self.ties.all[number]
    }

    /// Whether nothing is asked of neighbours by anyone.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.numbered.all.is_empty()
    }

    /// What pods with these ties ask when so many of their wishes have been given up.
    pub(crate) fn asks(&self, ties: usize, given_up: usize) -> Asks {
        let it = &self.ties.all[ties];
        let wished = it.wishes.iter().skip(given_up).filter_map(|wish| match wish {
            Wish::Term(term) => Some(*term),
            Wish::Node(_) | Wish::Untainted | Wish::Others => None,
        });
        let mut terms: Vec<usize> = it.required.iter().copied().chain(wished).collect();
        terms.sort_unstable();
        terms.dedup();
        let mut repelled = it.repelled.clone();
        if it.wishes.iter().skip(given_up).any(|wish| *wish == Wish::Others) {
            repelled.extend(&it.disliked);
        }
        Asks { terms, repelled, ties }
    }
}

//! Which of the nodes that take a pod is best, by kube-scheduler's default plugins and their weights.
//!
//! Not looked at: what pods that run prefer of the one that comes, and the spread that kube-scheduler wishes for pods that
//! say nothing of one.

use crate::scheduler::ties::{Spread, Ties};
use crate::store::NodeEntry;
use model::labels::Labels;
use model::name::NodeName;
use model::pod::Pod;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The best score of a plugin.
const BEST: i64 = 100;
/// Weights of the plugins TaintToleration, NodeAffinity, PodTopologySpread and InterPodAffinity; that of NodeResourcesFit
/// is 1 (Kubernetes documentation, "Scheduler Configuration").
const TAINTS_WEIGHT: i64 = 3;
const NODE_AFFINITY_WEIGHT: i64 = 2;
const SPREAD_WEIGHT: i64 = 2;
const POD_AFFINITY_WEIGHT: i64 = 2;

/// The best node for a pod; of equally good ones the first by name.
pub(crate) fn best(pod: &Pod, ties: &Ties, nodes: &[&NodeEntry]) -> Option<NodeName> {
    let mut scores: Vec<i64> = nodes.iter().map(|entry| room_left(entry, pod)).collect();
    let wishes = &ties.wishes;
    let disliked: Vec<i64> = nodes.iter().map(|entry| soft_taints(entry, pod)).collect();
    if disliked.iter().any(|count| 0 < *count) {
        let most = disliked.iter().copied().max().unwrap_or(0);
        let of = |count: &i64| BEST - count * BEST / most;
        add(&mut scores, disliked.iter().map(of), TAINTS_WEIGHT);
    }
    if !pod.preferred_node_affinity.is_empty() {
        let kept = nodes.iter().map(|entry| preferred(&entry.node.labels, pod));
        add(&mut scores, share_of_most(&kept.collect::<Vec<i64>>()), NODE_AFFINITY_WEIGHT);
    }
    if !wishes.spreads.is_empty() {
        add(&mut scores, spread(&wishes.spreads, nodes).into_iter(), SPREAD_WEIGHT);
    }
    if !wishes.pull.is_empty() {
        let pull = |labels: &Labels| {
            let domains = wishes.pull.iter();
            let here = domains.filter(|((key, value), _)| labels.get(key) == Some(value));
            here.map(|(_, pull)| pull).sum::<i64>()
        };
        let pulls: Vec<i64> = nodes.iter().map(|entry| pull(&entry.node.labels)).collect();
        let least = pulls.iter().copied().min().unwrap_or(0);
        let above: Vec<i64> = pulls.iter().map(|pull| pull - least).collect();
        add(&mut scores, share_of_most(&above), POD_AFFINITY_WEIGHT);
    }
    let named = nodes.iter().map(|entry| &entry.node.name).zip(scores);
    let best = named.max_by_key(|(name, score)| (*score, Reverse(*name)));
    best.map(|(name, _)| name.clone())
}

fn add(scores: &mut [i64], of_plugin: impl Iterator<Item = i64>, weight: i64) {
    for (score, more) in scores.iter_mut().zip(of_plugin) {
        *score += weight * more;
    }
}

/// Plugins' own scores as shares of the best one.
fn share_of_most(scores: &[i64]) -> impl Iterator<Item = i64> {
    let most = scores.iter().copied().max().unwrap_or(0).max(1);
    scores.iter().map(move |score| score * BEST / most)
}

/// `LeastAllocated`: the share of CPU and memory that would stay free.
fn room_left(entry: &NodeEntry, pod: &Pod) -> i64 {
    let of = |name: &str| {
        let all = entry.node.allocatable.get(name).max(1);
        let left = entry.free.get(name) - pod.requests.get(name);
        i64::try_from(i128::from(left) * i128::from(BEST) / i128::from(all)).unwrap_or(0)
    };
    i64::midpoint(of("cpu"), of("memory"))
}

fn soft_taints(entry: &NodeEntry, pod: &Pod) -> i64 {
    let taints = entry.node.taints.iter();
    let disliked = taints.filter(|t| !t.is_hard() && !t.is_tolerated_by(&pod.tolerations));
    i64::try_from(disliked.count()).unwrap_or(i64::MAX)
}

fn preferred(labels: &Labels, pod: &Pod) -> i64 {
    let terms = pod.preferred_node_affinity.iter();
    let kept = terms.filter(|(_, term)| term.admits_labels(labels));
    kept.map(|(weight, _)| i64::from(*weight)).sum()
}

/// The fewer pods its domains have, the better a node is. A spread over many domains counts for more, so that each node's
/// one pod is heard beside a zone's many; kube-scheduler takes the logarithm for that. A node without the labels is worst.
fn spread(spreads: &[Spread], nodes: &[&NodeEntry]) -> Vec<i64> {
    let weights: Vec<i64> = spreads
        .iter()
        .map(|spread| {
            let values = nodes.iter().filter_map(|entry| entry.node.labels.get(&spread.key));
            i64::from((values.collect::<BTreeSet<_>>().len() + 2).ilog2())
        })
        .collect();
    let crowd = |labels: &Labels| -> Option<i64> {
        let mut sum = 0;
        for (spread, weight) in spreads.iter().zip(&weights) {
            let there = spread.counts.get(labels.get(&spread.key)?).copied().unwrap_or(0);
            sum += there * weight + spread.max_skew - 1;
        }
        Some(sum)
    };
    let crowds: Vec<Option<i64>> = nodes.iter().map(|entry| crowd(&entry.node.labels)).collect();
    let least = crowds.iter().flatten().copied().min().unwrap_or(0);
    let most = crowds.iter().flatten().copied().max().unwrap_or(0);
    let score = |crowd: &Option<i64>| match crowd {
        None => 0,
        Some(_) if most == 0 => BEST,
        Some(crowd) => BEST * (most + least - crowd) / most,
    };
    crowds.iter().map(score).collect()
}

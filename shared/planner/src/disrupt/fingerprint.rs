//! A hash over all that consolidation looks at, so that a search that found nothing is not made again for the same.

use super::budgets::Budgets;
use super::candidates::Candidate;
use crate::scheduling::amounts::whole;
use jiff::Timestamp;
use model::node::Node;
use model::pool::{DisruptionReason, NodePool, PoolStatus};
use model::snapshot::Snapshot;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Takes in what is looked at, word by word.
///
/// It need not be the same in another release: a search is then made once more.
#[derive(Default)]
struct Mixer(FxHasher);

impl Mixer {
    fn word(&mut self, word: u64) {
        self.0.write_u64(word);
    }

    fn text(&mut self, text: &str) {
        self.0.write(text.as_bytes());
        self.0.write_usize(text.len());
    }

    fn number(&mut self, number: i64) {
        self.word(u64::from_ne_bytes(number.to_ne_bytes()));
    }

    fn flags<const N: usize>(&mut self, flags: [bool; N]) {
        self.word(flags.into_iter().fold(1, |all, flag| all << 1 | u64::from(flag)));
    }
}

/// The fingerprint. What depends on time shows in which nodes are candidates, how many of them may go, and which offerings
/// are refused.
pub(super) fn of(
    snapshot: &Snapshot,
    candidates: &[Candidate<'_>],
    budgets: &Budgets,
    now: Timestamp,
) -> u64 {
    let mut hash = Mixer::default();
    let cluster = &snapshot.cluster;
    for candidate in candidates {
        hash.text(&candidate.node.name);
    }
    for node in &cluster.nodes {
        of_node(&mut hash, node);
    }
    // Sums, so that the order of the lists says nothing.
    let of_pods = cluster.pods.iter().filter(|pod| !pod.is_terminal()).map(|pod| {
        let node = pod.node.as_deref().unwrap_or_default();
        hash_of([&pod.uid, node])
    });
    hash.word(of_pods.fold(0, u64::wrapping_add));
    let of_pools = cluster.pools.iter().map(|pool| {
        let left = budgets.left(pool, DisruptionReason::Underutilized);
        // What is told of it follows from the nodes.
        let asked = NodePool { status: PoolStatus::default(), ..NodePool::clone(pool) };
        hash_of([&*format!("{asked:?} {left:?}")])
    });
    hash.word(of_pools.fold(0, u64::wrapping_add));
    let of_daemons = cluster.daemon_sets.iter().map(|daemon_set| {
        hash_of([&*format!("{} {}", daemon_set.name, daemon_set.template.requests)])
    });
    hash.word(of_daemons.fold(0, u64::wrapping_add));
    for claim in &cluster.claims {
        hash.text(&claim.uid);
        hash.flags([claim.is_initialized(), claim.deleting.is_some(), claim.notice.is_some()]);
    }
    for class in &cluster.node_classes {
        hash.text(&class.name);
        hash.flags([class.ready, class.deleting]);
    }
    for refused in cluster.memory.unavailable.iter().filter(|u| now < u.until) {
        hash.text(&refused.offering.to_string());
    }
    hash.number(i64::from(snapshot.settings.nodes_max));
    hash.flags([snapshot.settings.spot_to_spot]);
    for types in snapshot.instance_types.values() {
        hash.word(types.fingerprint());
    }
    hash.0.finish()
}

fn hash_of<const N: usize>(texts: [&str; N]) -> u64 {
    let mut hash = Mixer::default();
    for text in texts {
        hash.text(text);
    }
    hash.0.finish()
}

fn of_node(hash: &mut Mixer, node: &Node) {
    hash.text(&node.uid);
    hash.flags([node.cordoned, node.ready, node.deleting.is_some()]);
    hash.number(whole(node.taints.len()));
    for taint in &node.taints {
        hash.text(&taint.key);
        hash.text(&taint.value);
        hash.number(taint.effect as i64);
    }
    hash.number(whole(node.labels.len()));
    for (key, value) in &node.labels {
        hash.text(key);
        hash.text(value);
    }
    hash.number(node.allocatable.cpu_milli);
    hash.number(node.allocatable.memory_bytes);
}

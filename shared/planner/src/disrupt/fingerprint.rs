//! A hash over all that consolidation looks at, so that a search that found nothing is not made again for the same.

use super::candidates::Candidate;
use jiff::Timestamp;
use model::name::stable_hash;
use model::snapshot::Snapshot;

/// Mixes whole words.
struct Mixer(u64);

impl Mixer {
    /// The multiplier is that of Knuth's MMIX generator; the rotation brings the high bits, which it mixes best, down.
    fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x5851_f42d_4c95_7f2d).rotate_left(23);
    }

    fn text(&mut self, text: &str) {
        self.word(stable_hash([text.as_bytes()]));
    }

    fn number(&mut self, number: i64) {
        self.word(u64::from_ne_bytes(number.to_ne_bytes()));
    }
}

/// The fingerprint. What depends on time shows in which nodes are candidates and which offerings are refused.
pub(super) fn of(snapshot: &Snapshot, candidates: &[Candidate<'_>], now: Timestamp) -> u64 {
    let mut hash = Mixer(0);
    let cluster = &snapshot.cluster;
    for candidate in candidates {
        hash.text(&candidate.node.name);
    }
    for node in &cluster.nodes {
        let taints: Vec<String> = node.taints.iter().map(ToString::to_string).collect();
        hash.text(&node.uid);
        hash.text(&taints.join(" "));
        let flags = (node.cordoned, node.ready, node.is_initialized(), node.deleting.is_some());
        hash.text(&format!("{flags:?}"));
        hash.word(stable_hash(node.labels.iter().flat_map(|(k, v)| [k.as_bytes(), v.as_bytes()])));
        hash.number(node.allocatable.cpu_milli);
        hash.number(node.allocatable.memory_bytes);
    }
    // Sums, so that the order of the lists says nothing.
    let of_pods = cluster.pods.iter().filter(|pod| !pod.is_terminal()).map(|pod| {
        let node = pod.node.as_deref().unwrap_or_default();
        stable_hash([pod.uid.as_bytes(), node.as_bytes()])
    });
    hash.word(of_pods.fold(0, u64::wrapping_add));
    let of_pools = cluster.pools.iter().map(|pool| stable_hash([format!("{pool:?}").as_bytes()]));
    hash.word(of_pools.fold(0, u64::wrapping_add));
    let of_daemons = cluster.daemon_sets.iter().map(|daemon_set| {
        let text = format!("{} {}", daemon_set.name, daemon_set.template.requests);
        stable_hash([text.as_bytes()])
    });
    hash.word(of_daemons.fold(0, u64::wrapping_add));
    for claim in &cluster.claims {
        let flags = (claim.is_initialized(), claim.deleting.is_some(), claim.notice.is_some());
        hash.word(stable_hash([claim.uid.as_bytes(), format!("{flags:?}").as_bytes()]));
    }
    for class in &cluster.node_classes {
        hash.text(&format!("{} {} {}", class.name, class.ready, class.deleting));
    }
    for refused in cluster.memory.unavailable.iter().filter(|u| now < u.until) {
        hash.text(&refused.offering.to_string());
    }
    hash.number(i64::from(snapshot.settings.nodes_max));
    hash.number(i64::from(snapshot.settings.spot_to_spot));
    for types in snapshot.instance_types.values() {
        hash.word(types.fingerprint());
    }
    hash.0
}

//! New claims: their names, labels and specifications.

use super::ranking::Ranking;
use model::action::NewClaim;
use model::claim::NodeClaimSpec;
use model::labels::{self, Labels};
use model::name::{ClaimName, PoolName, Text, Uid, stable_hash};
use model::pod::Pod;
use model::pool::NodePool;
use model::requirement::Requirements;
use model::resources::Resources;
use model::stamp::Stamps;
use model::taint::{Effect, Taint};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Letters and digits of which no name can be made that reads as a word (as Kubernetes does for generated names).
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Eight of 27 characters: 2.8 * 10^11 names, so that even among 10,000 claims a clash is rarer than 1 in 5,000.
const SUFFIX_LENGTH: usize = 8;

/// Node and claim names become label values, which have at most 63 characters.
const NAME_MAX: usize = 63;

/// What a new claim is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'d> {
    /// Its pool.
    pub(crate) pool: &'d NodePool,
    /// Where it can be launched.
    pub(crate) ranking: &'d Ranking<'d>,
    /// Its labels ([`labels_of`]).
    pub(crate) labels: &'d Labels,
    /// The pods that it is made for.
    pub(crate) pods: &'d [&'d Arc<Pod>],
    /// What they and the daemons request.
    pub(crate) requests: &'d Resources,
}

/// The claim of a draft under a name, stamped so that later changes of its pool and class show.
pub(crate) fn new_claim(name: ClaimName, draft: Draft<'_>, replaces: Vec<ClaimName>) -> NewClaim {
    let Draft { pool, ranking, labels, pods, requests } = draft;
    let mut nominated: Vec<u32> = pods.iter().map(|pod| pod.short_id()).collect();
    nominated.sort_unstable();
    let mut annotations = pool.annotations.clone();
    annotations.extend(Stamps::of(pool, Some(ranking.class)).write());
    NewClaim {
        name,
        pool_uid: Some(pool.uid.clone()),
        labels: labels.clone(),
        annotations,
        spec: NodeClaimSpec {
            pool: Some(pool.name.clone()),
            node_class: pool.node_class.clone(),
            requirements: ranking.requirements.clone(),
            requests: requests.clone(),
            taints: pool.taints.clone(),
            startup_taints: pool.startup_taints.clone(),
            expire_after: pool.expire_after,
            termination_grace_period: pool.termination_grace_period,
            nominated,
            replaces,
        },
    }
}

/// The labels that a claim is created with: the pool's, and what its requirements pin of labels that are not the
/// instance's. Where several values are allowed, the node gets the first.
pub(crate) fn labels_of(pool: &NodePool, requirements: &Requirements) -> Labels {
    let mut all = pool.labels.clone();
    for (key, requirement) in requirements.iter() {
        let is_ours = labels::is_well_known(key) || &**key == labels::HOSTNAME;
        if is_ours || requirement.admits_absence() || all.contains_key(key) {
            continue;
        }
        if let Some(value) = requirement.example() {
            all.insert(Text::clone(key), value);
        }
    }
    all.insert(labels::NODEPOOL.into(), pool.name.text());
    all.insert(labels::EC2NODECLASS.into(), pool.node_class.text());
    all
}

/// A name for a claim made for the thing with this uid: the same for whoever makes it (I11), and none that is taken.
pub(crate) fn name_for(pool: &PoolName, anchor: &Uid, taken: &BTreeSet<ClaimName>) -> ClaimName {
    let name = |generation: u32| {
        let generation = generation.to_be_bytes();
        let mut hash = stable_hash([pool.as_bytes(), anchor.as_bytes(), &generation]);
        let mut suffix = String::with_capacity(SUFFIX_LENGTH);
        for _ in 0..SUFFIX_LENGTH {
            let digit = usize::try_from(hash % 27).expect("it is below 27");
            suffix.push(char::from(ALPHABET[digit]));
            hash /= 27;
        }
        let most = NAME_MAX - 1 - SUFFIX_LENGTH;
        let end = (0..=most.min(pool.len())).rev().find(|end| pool.is_char_boundary(*end));
        ClaimName::from(format!("{}-{suffix}", &pool[..end.unwrap_or(0)]))
    };
    let free = (0..u32::MAX).map(name).find(|name| !taken.contains(name));
    free.expect("there are more names than claims")
}

/// The taints that a node starts with.
pub(crate) fn launch_taints(taints: &[Taint], startup_taints: &[Taint]) -> Vec<Taint> {
    let mut all = [taints, startup_taints].concat();
    all.push(Taint::new(labels::UNREGISTERED_TAINT, Effect::NoExecute));
    all
}

//! What joiner remembers between invocations (D6): one small object in the cluster, changed by compare-and-swap.

use crate::instance_type::OfferingKey;
use crate::name::{ImageId, InstanceTypeName, NodeName, PoolName, Uid};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An offering that was refused, until when it is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unavailable {
    /// The offering.
    pub offering: OfferingKey,
    /// Until when.
    pub until: Timestamp,
}

/// The pods seen on a node, and since when they have been the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodsSeen {
    /// A hash over the uids of the pods bound to it.
    pub fingerprint: u64,
    /// Since when it has been the same.
    pub since: Timestamp,
}

/// Nodes that were launched for an owner's pods and did not help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unproductive {
    /// How many.
    pub count: u32,
    /// When the last one was launched.
    pub last: Timestamp,
}

/// The memory in bytes that nodes of an instance type really had, by the image that they ran: what the hypervisor and the
/// kernel keep is not told before a node is up. Of several nodes the least counts.
pub type Learned = BTreeMap<InstanceTypeName, BTreeMap<ImageId, i64>>;

/// So many launches of a pool are remembered (reliability invariant: a window of ten).
const LAUNCHES_KEPT: usize = 10;

/// Too few launches say nothing of a pool: one node of three may have had bad luck.
const LAUNCHES_TOLD_BY: usize = 4;

/// How the launches of a pool have ended of late, from the first one that failed on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Launches(Vec<bool>);

impl Launches {
    /// Whether none of them failed, so that there is nothing to remember.
    fn is_well(&self) -> bool {
        self.0.iter().all(|came_up| *came_up)
    }

    fn note(&mut self, came_up: bool) {
        if came_up && self.0.last() == Some(&true) {
            // Two in a row: whatever it was is over.
            self.0.clear();
            return;
        }
        self.0.push(came_up);
        let surplus = self.0.len().saturating_sub(LAUNCHES_KEPT);
        self.0.drain(..surplus);
    }

    /// How many failed, of how many, if half of them or more did: then nodes are tried one at a time, until two in a row
    /// come up.
    pub fn failing(&self) -> Option<(usize, usize)> {
        let failed = self.0.iter().filter(|came_up| !**came_up).count();
        let is_so = LAUNCHES_TOLD_BY <= self.0.len() && self.0.len() <= failed * 2;
        is_so.then_some((failed, self.0.len()))
    }
}

/// All that is remembered. Losing it costs time, never safety.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// Offerings that were refused.
    pub unavailable: Vec<Unavailable>,
    /// The pods of each node at the last disruption sweep.
    pub pods_seen: BTreeMap<NodeName, PodsSeen>,
    /// Since when a node has been a candidate for disruption.
    pub candidates: BTreeMap<NodeName, Timestamp>,
    /// A hash of the cluster in which consolidation last found nothing to do.
    pub consolidated: Option<u64>,
    /// When pods of an owner, by its uid, were last on a node that was given back: those that came since may be the same.
    pub moved: BTreeMap<Uid, Timestamp>,
    /// Launches that did not help, by the uid of the pods' owner.
    pub unproductive: BTreeMap<Uid, Unproductive>,
    /// How the launches of pools have ended, of those where some failed.
    pub launches: BTreeMap<PoolName, Launches>,
    /// Nodes' real memory.
    pub learned: Learned,
}

/// One change to what is remembered; changes of different kinds do not disturb each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// These offerings are unavailable; those whose time is over at `now` are forgotten.
    Unavailable {
        /// What was refused, until when.
        offerings: Vec<Unavailable>,
        /// The time of the change.
        now: Timestamp,
    },
    /// What a disruption sweep saw; replaces what the last one saw.
    Swept {
        /// The pods of each node.
        pods_seen: BTreeMap<NodeName, PodsSeen>,
        /// Candidates, since when.
        candidates: BTreeMap<NodeName, Timestamp>,
        /// The hash of a cluster in which there is nothing to consolidate.
        consolidated: Option<u64>,
        /// When pods of an owner were last on a node that was given back.
        moved: BTreeMap<Uid, Timestamp>,
    },
    /// Launches that did not help; a count of zero forgets the owner.
    Unproductive(BTreeMap<Uid, Unproductive>),
    /// Launches that have ended, by pool: whether the node came up.
    Launched(BTreeMap<PoolName, Vec<bool>>),
    /// The memory of nodes that came up with other than what is known.
    Learned {
        /// What they had.
        memory: Learned,
        /// The images that anything runs or will run; of others nothing has to be known.
        in_use: BTreeSet<ImageId>,
    },
}

impl Memory {
    /// Whether an offering is to be left alone at this time.
    pub fn is_unavailable(&self, offering: &OfferingKey, now: Timestamp) -> bool {
        self.unavailable.iter().any(|u| now < u.until && u.offering == *offering)
    }

    /// Makes a change. Says whether anything is different.
    pub fn apply(&mut self, change: &Change) -> bool {
        match change {
            Change::Unavailable { offerings, now } => {
                let before = self.unavailable.clone();
                self.unavailable.retain(|u| {
                    *now < u.until && !offerings.iter().any(|new| new.offering == u.offering)
                });
                self.unavailable.extend(offerings.iter().cloned());
                self.unavailable.sort_by(|a, b| a.offering.cmp(&b.offering));
                self.unavailable != before
            }
            Change::Swept { pods_seen, candidates, consolidated, moved } => {
                if self.has_swept(pods_seen, candidates, *consolidated, moved) {
                    return false;
                }
                self.pods_seen.clone_from(pods_seen);
                self.candidates.clone_from(candidates);
                self.consolidated = *consolidated;
                self.moved.clone_from(moved);
                true
            }
            Change::Unproductive(counts) => {
                let before = self.unproductive.clone();
                for (owner, counted) in counts {
                    if counted.count == 0 {
                        self.unproductive.remove(owner);
                    } else {
                        self.unproductive.insert(owner.clone(), *counted);
                    }
                }
                self.unproductive != before
            }
            Change::Launched(ended) => {
                let before = self.launches.clone();
                for (pool, ended) in ended {
                    let known = self.launches.entry(pool.clone()).or_default();
                    for came_up in ended {
                        known.note(*came_up);
                    }
                }
                self.launches.retain(|_, launches| !launches.is_well());
                self.launches != before
            }
            Change::Learned { memory, in_use } => {
                let before = self.learned.clone();
                for (instance_type, images) in memory {
                    let known = self.learned.entry(instance_type.clone()).or_default();
                    for (image, bytes) in images {
                        let least = known.entry(image.clone()).or_insert(*bytes);
                        *least = (*least).min(*bytes);
                    }
                }
                self.learned.retain(|_, images| {
                    images.retain(|image, _| in_use.contains(image));
                    !images.is_empty()
                });
                self.learned != before
            }
        }
    }

    /// Whether this is what the last sweep saw.
    pub fn has_swept(
        &self,
        pods_seen: &BTreeMap<NodeName, PodsSeen>,
        candidates: &BTreeMap<NodeName, Timestamp>,
        consolidated: Option<u64>,
        moved: &BTreeMap<Uid, Timestamp>,
    ) -> bool {
        self.pods_seen == *pods_seen
            && self.candidates == *candidates
            && self.consolidated == consolidated
            && self.moved == *moved
    }
}

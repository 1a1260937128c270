//! What happens to the world from outside: owners of pods come, are scaled and go; capacity is taken away.
//!
//! A workload is plain data on a time line, made from a trace (`workload::trace`) or a file (`workload::file`).

use jiff::SignedDuration;
use model::affinity::LabelSelector;
use model::name::{ObjectName, Zone};
use model::pod::Pod;

/// Everything that will happen, by time.
#[derive(Clone, Debug, Default)]
pub struct Workload {
    /// Where it came from, for the report.
    pub title: String,
    /// What happens, with its distance from the start; sorted by it.
    pub events: Vec<(SignedDuration, Event)>,
    /// PodDisruptionBudgets, there from the start.
    pub budgets: Vec<Budget>,
    /// DaemonSets, there from the start: namespace, name and a pod as the template makes it.
    pub daemon_sets: Vec<Pod>,
}

/// A PodDisruptionBudget's demand.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Namespace and name.
    pub name: ObjectName,
    /// Which pods.
    pub selector: LabelSelector,
    /// How many must stay available, in pods.
    pub min_available: u32,
}

/// How long a pod of an owner runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until its owner is scaled down or deleted (a Deployment).
    Endless,
    /// So long from its start; a lost pod is made anew and starts over (a Job).
    Work(SignedDuration),
    /// So long in all; a lost pod is made anew and runs the rest (a service that ends some time).
    Service(SignedDuration),
}

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// An owner comes: a Deployment or Job with so many pods of one kind. Pods are named `owner-N`, their own `name`
    /// field in the template is the owner's.
    Create {
        /// A pod of it; name, uid, times and state are filled in by the world.
        template: Box<Pod>,
        /// How many at once.
        replicas: u32,
        /// How long each runs.
        lifetime: Lifetime,
        /// When its user gives up on pods that have not started by then, from the creation.
        withdrawn_after: Option<SignedDuration>,
    },
    /// The owner's number of pods changes.
    Scale {
        /// The owner.
        owner: ObjectName,
        /// How many now.
        replicas: u32,
    },
    /// The owner goes with all its pods.
    Delete {
        /// The owner.
        owner: ObjectName,
    },
    /// EC2 takes spot instances back.
    ReclaimSpot {
        /// In this zone only.
        zone: Option<Zone>,
        /// How many of a hundred.
        percent: u32,
        /// Whether it gives its two minutes' notice.
        notice: bool,
    },
    /// A zone has no capacity for a while; with `kill` its instances are lost at once.
    ZoneOutage {
        /// The zone.
        zone: Zone,
        /// For how long.
        duration: SignedDuration,
        /// Whether running instances die.
        kill: bool,
    },
}

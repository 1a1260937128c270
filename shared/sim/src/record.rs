//! What the world writes down while it runs: raw facts, from which `summary` makes the figures.

use jiff::Timestamp;
use model::claim::NoticeKind;
use model::instance_type::OfferingKey;
use model::labels::Labels;
use model::name::{InstanceId, ObjectName};
use model::price::Price;
use model::resources::Resources;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a pod's life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodEnd {
    /// It did its work, or its owner let it go after it had run.
    Completed,
    /// Its owner let it go before it had run.
    Withdrawn,
    /// It was evicted, of our own will or before an interruption.
    Evicted,
    /// Its node went away under it.
    Lost,
}

/// A pod's life. A pod that is made anew after an eviction is another record.
#[derive(Clone, Debug)]
pub struct PodRecord {
    /// Namespace and name.
    pub name: ObjectName,
    /// What it requests (one pod slot counted), shared between pods of an owner.
    pub requests: Arc<Resources>,
    /// Its node selector, shared.
    pub node_selector: Arc<Labels>,
    /// When it was created.
    pub created: Timestamp,
    /// When the launch call for a claim that was made for it, or for the node that it came to run on, was made: the first
    /// of them after its creation. The scheduler may well put another pod onto a node that was made for this one.
    pub launch_called: Option<Timestamp>,
    /// When the scheduler bound it.
    pub bound: Option<Timestamp>,
    /// When it started to run.
    pub started: Option<Timestamp>,
    /// When and how it ended.
    pub ended: Option<(Timestamp, PodEnd)>,
    /// Why it was left out, when it was last looked at.
    pub reason: Option<String>,
}

/// An instance's life.
#[derive(Clone, Debug)]
pub struct InstanceRecord {
    /// Its id.
    pub id: InstanceId,
    /// What was bought.
    pub offering: OfferingKey,
    /// Per hour.
    pub price: Price,
    /// What pods could use of it.
    pub allocatable: Resources,
    /// When EC2 started it.
    pub launched: Timestamp,
    /// When its node joined.
    pub joined: Option<Timestamp>,
    /// When it was terminated, or taken back.
    pub ended: Option<Timestamp>,
    /// The notice that EC2 gave.
    pub interrupted: Option<(Timestamp, NoticeKind)>,
}

/// Everything that was written down.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// When the world began.
    pub start: Timestamp,
    /// When it stopped.
    pub end: Timestamp,
    /// All pods but daemons, in the order of their creation.
    pub pods: Vec<PodRecord>,
    /// All instances, in the order of their launch.
    pub instances: Vec<InstanceRecord>,
    /// Invocations by function.
    pub invocations: BTreeMap<&'static str, u64>,
    /// Virtual milliseconds that invocations took, by function.
    pub billed_millis: BTreeMap<&'static str, u64>,
    /// Calls by kind: `cluster.observe`, `cluster.CreateClaim`, `ec2.RunInstances` …
    pub calls: BTreeMap<String, u64>,
    /// Hints that the forwarder sent.
    pub hints: u64,
    /// Messages that crossed a queue, copies included.
    pub messages: u64,
    /// Messages that ended in the dead-letter queue.
    pub dead_letters: u64,
    /// Evictions.
    pub evictions: u64,
    /// Points at which an invocation waited; a crash may fall on each.
    pub awaits: u64,
    /// Faults, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Invariant checks made.
    pub checks: u64,
    /// Violations: the invariant, the time and what was seen.
    pub violations: Vec<String>,
}

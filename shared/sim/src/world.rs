//! The world: all its parts, what happens in it, and who is told.

use crate::check::Checker;
use crate::ec2::Ec2;
use crate::faults::{Faults, Rate};
use crate::kubelet::{Moment, Paces};
use crate::lambda::{Call, Event, Function, Platform, Source, TaskId};
use crate::owners::Owners;
use crate::pods::PodRef;
use crate::record::Record;
use crate::rng::{Streams, happens, millis};
use crate::scheduler::Scheduler;
use crate::sqs::Queues;
use crate::store::Store;
use crate::timeline::Timeline;
use crate::workload::{self, Workload};
use jiff::{SignedDuration, Timestamp};
use model::hint::Hint;
use model::instance_types::InstanceTypes;
use model::name::{ClaimName, InstanceId, NodeClassName, ObjectName};
use model::snapshot::Settings;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Happening {
    /// An invocation's wait is over.
    Wake(TaskId),
    /// An invocation's environment has started.
    Start(TaskId),
    /// An invocation has run for too long.
    Timeout(TaskId),
    /// The forwarder's watch sees a change.
    Watch(Hint),
    /// The forwarder asked to be woken.
    ForwarderWakes,
    /// A function is invoked.
    Invoke(Box<Call>),
    /// A queue's poller looks for messages.
    Poll(Hint),
    /// A function's schedule.
    Schedule(Function),
    /// The workload goes on.
    Workload,
    /// A user gives up on a replica that has not started.
    Withdraw(ObjectName, u32),
    /// An owner makes a replica's pod anew.
    Replace(ObjectName, u32),
    /// The scheduler looks.
    Place,
    /// A pod's containers start.
    PodStarts(PodRef),
    /// A pod's time is over.
    PodEnds(PodRef),
    /// A pod that was being deleted has gone.
    PodGone(PodRef),
    /// An instance, or the node on it, gets on.
    Machine(InstanceId, Moment),
    /// By now the node of a warned instance has to be cordoned.
    MustBeCordoned(InstanceId),
    /// By now the node of a claim has to have the pods that it was made for.
    MustHaveItsPods(ClaimName),
    /// A minute has passed.
    Minute,
}

/// How far a run has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The workload goes on.
    Load,
    /// All pods have ended; everything is to go.
    Settling {
        /// Since when.
        since: Timestamp,
    },
    /// Everything has gone; nothing may change any more.
    Quiet {
        /// Since when.
        since: Timestamp,
    },
    /// The run is over.
    Over,
}

/// All parts.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) start: Timestamp,
    pub(crate) timeline: Timeline<Happening>,
    pub(crate) streams: Streams,
    pub(crate) faults: Faults,
    pub(crate) paces: Paces,
    pub(crate) settings: Settings,
    pub(crate) types: BTreeMap<NodeClassName, Arc<InstanceTypes>>,
    pub(crate) store: Store,
    pub(crate) owners: Owners,
    pub(crate) scheduler: Scheduler,
    pub(crate) ec2: Ec2,
    pub(crate) queues: Queues,
    pub(crate) platform: Platform,
    pub(crate) checker: Checker,
    pub(crate) record: Record,
    /// When a launch was first begun for a pod, by its short id.
    pub(crate) begun_for: BTreeMap<u32, Timestamp>,
    pub(crate) stage: Stage,
    pub(crate) ahead: VecDeque<(SignedDuration, workload::Event)>,
    /// When the workload, or a pod that ends by itself, last moved.
    pub(crate) moved: Timestamp,
    /// The end of the outage of each kind that was counted last.
    outages: BTreeMap<&'static str, Timestamp>,
}

/// Each function's schedule fires once in so long.
const SCHEDULE: SignedDuration = SignedDuration::from_mins(1);
/// Seconds by which a schedule may be late, in milliseconds.
const SCHEDULE_LATE_MILLIS: i64 = 1_500;

impl World {
    /// A world in which nothing has happened.
    pub(crate) fn new(seed: u64, start: Timestamp, faults: Faults, settings: Settings) -> Self {
        Self {
            seed,
            start,
            timeline: Timeline::new(start),
            streams: Streams::new(seed),
            faults,
            paces: Paces::REAL,
            types: BTreeMap::new(),
            store: Store::new(seed, settings.cluster_uid.clone()),
            settings,
            owners: Owners::default(),
            scheduler: Scheduler::default(),
            ec2: Ec2::new(start),
            queues: Queues::new(),
            platform: Platform::default(),
            checker: Checker::default(),
            begun_for: BTreeMap::new(),
            record: Record { start, end: start, ..Record::default() },
            stage: Stage::Load,
            ahead: VecDeque::new(),
            moved: start,
            outages: BTreeMap::new(),
        }
    }

    /// Sets schedules going and enters the workload.
    pub(crate) fn begin(&mut self, workload: Workload) {
        self.store.furnish(&workload.budgets, workload.daemon_sets);
        self.ahead = workload.events.into();
        self.next_workload();
        if self.faults.namesake {
            self.add_namesake();
        }
        for function in [Function::Provisioning, Function::Lifecycle, Function::Disruption] {
            let offset = millis(&mut self.streams.bridge, 0..=59_999);
            self.after(offset, Happening::Schedule(function));
        }
        self.after(SCHEDULE, Happening::Minute);
    }

    /// The present time.
    pub(crate) fn now(&self) -> Timestamp {
        self.timeline.now()
    }

    /// Enters something that happens after a while.
    pub(crate) fn after(&mut self, delay: SignedDuration, what: Happening) {
        self.timeline.after(delay, what);
    }

    /// Counts a fault.
    pub(crate) fn fault(&mut self, kind: &'static str) {
        *self.record.faults.entry(kind).or_default() += 1;
    }

    /// Counts an outage once, however often it is met.
    pub(crate) fn outage(&mut self, kind: &'static str, end: Timestamp) {
        if self.outages.insert(kind, end) != Some(end) {
            self.fault(kind);
        }
        self.checker.last_outage = self.checker.last_outage.max(Some(end));
    }

    /// Whether a fault of this rate befalls a call; counts it if so.
    pub(crate) fn reply_fault(&mut self, rate: Rate, kind: &'static str) -> bool {
        let is_so = happens(&mut self.streams.replies, rate);
        if is_so {
            self.fault(kind);
        }
        is_so
    }

    /// Counts a call.
    pub(crate) fn count_call(&mut self, kind: &str) {
        match self.record.calls.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                self.record.calls.insert(kind.to_owned(), 1);
            }
        }
    }

    /// Lets something happen that needs no handler.
    pub(crate) fn happen(&mut self, what: Happening) {
        match what {
            Happening::Invoke(call) => self.invoke(*call),
            Happening::Poll(hint) => self.poll(hint),
            Happening::Schedule(function) => self.schedule(function),
            Happening::Workload => self.workload_goes_on(),
            Happening::Withdraw(owner, replica) => self.withdraw(&owner, replica),
            Happening::Replace(owner, replica) => self.make_pod(&owner, replica),
            Happening::Place => self.place_pods(),
            Happening::PodStarts(pod) => self.pod_starts(&pod),
            Happening::PodEnds(pod) => self.pod_ends(&pod),
            Happening::PodGone(pod) => self.pod_gone(&pod),
            Happening::Machine(id, moment) => self.machine_gets_on(&id, moment),
            Happening::MustBeCordoned(id) => self.check_cordoned(&id),
            Happening::MustHaveItsPods(claim) => self.check_has_its_pods(&claim),
            Happening::Minute => self.minute(),
            // These need what is outside of the world: handlers and the forwarder.
            Happening::Wake(_)
            | Happening::Start(_)
            | Happening::Timeout(_)
            | Happening::Watch(_)
            | Happening::ForwarderWakes => {}
        }
    }

    fn schedule(&mut self, function: Function) {
        self.after(SCHEDULE, Happening::Schedule(function));
        let late = millis(&mut self.streams.bridge, 0..=SCHEDULE_LATE_MILLIS);
        let call = || Box::new(Call { function, event: Event::Schedule, source: Source::Schedule });
        if self.fault_happens(self.faults.lost, "lost schedule") {
            return;
        }
        if self.fault_happens(self.faults.doubled, "doubled schedule") {
            let later = late + millis(&mut self.streams.bridge, 0..=5_000);
            self.after(later, Happening::Invoke(call()));
        }
        self.after(late, Happening::Invoke(call()));
    }

    fn minute(&mut self) {
        self.after(SCHEDULE, Happening::Minute);
        self.advance_stage();
        self.sweep_checks();
    }
}

#[cfg(test)]
pub(crate) mod tests;

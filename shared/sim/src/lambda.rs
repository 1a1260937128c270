//! Lambda: functions are invoked, start cold or warm, take time, fail, are killed, and are billed.

use crate::faults::Rate;
use crate::handle::WorldHandle;
use crate::rng::{happens, millis};
use crate::sqs::Receipt;
use crate::world::{Happening, World};
use jiff::{SignedDuration, Timestamp};
use launch::bucket::{Bucket, RUN_CALLS};
use model::name::Text;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

/// The functions that the world invokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Looks at pods that wait, each minute and on hints.
    Provisioning,
    /// Looks at nodes and claims that come and go, each minute and on hints.
    Lifecycle,
    /// Hears EC2's events.
    Interruption,
    /// Looks at the whole cluster each minute.
    Disruption,
}

/// The id of a message.
pub type MessageId = Text;

/// What a function is invoked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Messages of its queue: id and body.
    Messages(Vec<(MessageId, String)>),
    /// Its schedule.
    Schedule,
    /// An event of EventBridge, as JSON.
    EventBridge(String),
}

/// What a function answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Messages to be delivered again.
    pub failed: Vec<MessageId>,
    /// Why the whole invocation failed.
    pub error: Option<String>,
}

/// The future of an invocation.
pub type Invoked = Pin<Box<dyn Future<Output = Response>>>;

/// Introduces the handlers to the world.
pub trait Functions {
    /// Starts an invocation; it may wait for nothing but the world.
    fn invoke(
        &self,
        function: Function,
        event: Event,
        world: WorldHandle,
        now: Timestamp,
    ) -> Invoked;
}

/// The number of an invocation, never used twice.
pub(crate) type TaskId = u64;

/// How many times an asynchronous invocation is tried again after an error, by Lambda's default.
const ASYNC_RETRIES: u32 = 2;
/// Before the first and before the second further try (Lambda developer guide, "Asynchronous invocation").
const ASYNC_RETRY_AFTER: [SignedDuration; 2] =
    [SignedDuration::from_mins(1), SignedDuration::from_mins(2)];
/// Lambda keeps an idle environment for minutes that it does not promise; five to fifteen are seen.
const ENVIRONMENT_KEPT: SignedDuration = SignedDuration::from_mins(8);
/// Start of a Rust function in a new environment, with connections to be made.
const COLD_START_MILLIS: (i64, i64) = (150, 300);
/// Start of an invocation in an environment that is there.
const WARM_START_MILLIS: (i64, i64) = (2, 8);
/// A crash falls on one of an invocation's first so many awaits; later ones are in long launches only.
const CRASH_AWAITS: u32 = 16;

impl Function {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Provisioning, Self::Lifecycle, Self::Interruption, Self::Disruption];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Lifecycle => "lifecycle",
            Self::Interruption => "interruption",
            Self::Disruption => "disruption",
        }
    }

    /// After what time Lambda kills it.
    pub const fn timeout(self) -> SignedDuration {
        match self {
            Self::Provisioning => SignedDuration::from_secs(30),
            Self::Interruption => SignedDuration::from_secs(60),
            Self::Lifecycle | Self::Disruption => SignedDuration::from_secs(120),
        }
    }
}

/// How an invocation came about.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A batch of the function's queue.
    Queue(Vec<Receipt>),
    /// Asynchronously, for so many tries before this one.
    Async(u32),
    /// A schedule, whose next time is the retry.
    Schedule,
}

/// An invocation that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) function: Function,
    pub(crate) event: Event,
    pub(crate) source: Source,
}

/// An invocation under way, and what checks need to know of it.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) call: Call,
    /// When its environment began to start; billing counts from here.
    since: Timestamp,
    environment: usize,
    /// Awaits left until it dies.
    crash_in: Option<u32>,
    /// When it last read the instances.
    pub(crate) described: Option<Timestamp>,
    /// When it last read the cluster; none where that failed.
    pub(crate) observed: Option<Timestamp>,
    /// Instances without a claim that it has terminated.
    pub(crate) orphans_terminated: usize,
}

#[derive(Debug)]
struct Environment {
    function: Function,
    busy: bool,
    idle_since: Timestamp,
    /// The adapter's own limit on `RunInstances`.
    launches: Bucket,
}

/// What Lambda holds.
#[derive(Debug, Default)]
pub(crate) struct Platform {
    pub(crate) invocations: BTreeMap<TaskId, Invocation>,
    environments: Vec<Environment>,
    last_task: TaskId,
    /// Awaits so far.
    awaits: u64,
}

impl Platform {
    /// The function of an invocation that is under way.
    pub(crate) fn function(&self, task: TaskId) -> Option<Function> {
        self.invocations.get(&task).map(|invocation| invocation.call.function)
    }

    /// When this invocation may next call `RunInstances` by the limit that its environment keeps.
    pub(crate) fn launch_turn(&mut self, task: TaskId, now: Timestamp) -> Timestamp {
        match self.invocations.get(&task) {
            Some(invocation) => self.environments[invocation.environment].launches.reserve(1, now),
            None => now,
        }
    }

    /// An invocation that somebody else begins and ends.
    pub(crate) fn admit(&mut self, function: Function, now: Timestamp) -> TaskId {
        let (environment, _) = self.environment(function, now);
        self.last_task += 1;
        let call = Call { function, event: Event::Schedule, source: Source::Schedule };
        let invocation = Invocation {
            call,
            since: now,
            environment,
            crash_in: None,
            described: None,
            observed: None,
            orphans_terminated: 0,
        };
        self.invocations.insert(self.last_task, invocation);
        self.last_task
    }

    fn environment(&mut self, function: Function, now: Timestamp) -> (usize, bool) {
        let warm = self.environments.iter().position(|environment| {
            environment.function == function
                && !environment.busy
                && now.duration_since(environment.idle_since) < ENVIRONMENT_KEPT
        });
        let cold = || self.environments.iter().position(|environment| !environment.busy);
        let fresh = Environment {
            function,
            busy: true,
            idle_since: now,
            launches: Bucket::new(RUN_CALLS, now),
        };
        if let Some(index) = warm {
            self.environments[index].busy = true;
            (index, true)
        } else if let Some(index) = cold() {
            self.environments[index] = fresh;
            (index, false)
        } else {
            self.environments.push(fresh);
            (self.environments.len() - 1, false)
        }
    }
}

impl World {
    /// Begins an invocation: it runs once its environment has started.
    pub(crate) fn invoke(&mut self, call: Call) {
        let now = self.now();
        let (environment, warm) = self.platform.environment(call.function, now);
        let (least, most) = if warm { WARM_START_MILLIS } else { COLD_START_MILLIS };
        let start = millis(&mut self.streams.lambda, least..=most);
        let crashes = happens(&mut self.streams.lambda, self.faults.crashes);
        let crash_in = crashes.then(|| self.streams.lambda.u32(1..=CRASH_AWAITS));
        self.platform.last_task += 1;
        let task = self.platform.last_task;
        let function = call.function;
        *self.record.invocations.entry(function.name()).or_default() += 1;
        // A warm start is not billed; a cold one is (since August 2025).
        let since = if warm { now + start } else { now };
        let invocation = Invocation {
            call,
            since,
            environment,
            crash_in,
            described: None,
            observed: None,
            orphans_terminated: 0,
        };
        self.platform.invocations.insert(task, invocation);
        self.after(start, Happening::Start(task));
        self.after(start + function.timeout(), Happening::Timeout(task));
    }

    /// Counts an await. Says whether the invocation dies there.
    pub(crate) fn dies_at_await(&mut self, task: TaskId) -> bool {
        self.platform.awaits += 1;
        self.record.awaits = self.platform.awaits;
        let chosen = self.faults.crash_at == Some(self.platform.awaits);
        let Some(invocation) = self.platform.invocations.get_mut(&task) else {
            return chosen;
        };
        let drawn = match &mut invocation.crash_in {
            Some(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            None => false,
        };
        chosen || drawn
    }

    /// Ends an invocation with its answer; none where it was killed.
    pub(crate) fn finish(&mut self, task: TaskId, response: Option<Response>) {
        let now = self.now();
        let Some(invocation) = self.platform.invocations.remove(&task) else {
            return;
        };
        let Call { function, event, source } = invocation.call;
        let took = now.duration_since(invocation.since).as_millis();
        let billed = u64::try_from(took).unwrap_or(0).max(1);
        *self.record.billed_millis.entry(function.name()).or_default() += billed;
        let environment = &mut self.platform.environments[invocation.environment];
        environment.busy = false;
        environment.idle_since = now;
        if response.is_none() {
            // A killed environment is not used again.
            environment.idle_since = now - ENVIRONMENT_KEPT;
        }
        let failed = response.as_ref().is_none_or(|response| response.error.is_some());
        match source {
            Source::Queue(receipts) => {
                self.batch_done(function, &receipts, response.filter(|r| r.error.is_none()));
            }
            Source::Async(tries) if failed && tries < ASYNC_RETRIES => {
                let delay = ASYNC_RETRY_AFTER[usize::try_from(tries).unwrap_or(1).min(1)];
                let again = Call { function, event, source: Source::Async(tries + 1) };
                self.after(delay, Happening::Invoke(Box::new(again)));
            }
            Source::Async(_) | Source::Schedule => {}
        }
    }

    /// Invokes asynchronously: at least once.
    pub(crate) fn invoke_async(&mut self, function: Function, event: Event, delay: SignedDuration) {
        let call = Call { function, event, source: Source::Async(0) };
        if self.fault_happens(self.faults.doubled, "doubled event") {
            let later = delay + millis(&mut self.streams.bridge, 50..=20_000);
            self.after(later, Happening::Invoke(Box::new(call.clone())));
        }
        self.after(delay, Happening::Invoke(Box::new(call)));
    }

    /// Whether a fault of this rate happens to an event or message; counts it if so.
    pub(crate) fn fault_happens(&mut self, rate: Rate, kind: &'static str) -> bool {
        let is_so = happens(&mut self.streams.bridge, rate);
        if is_so {
            self.fault(kind);
        }
        is_so
    }
}

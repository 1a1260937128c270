//! A run: what it is given, and the loop that lets one thing happen after the other.

use crate::faults::Faults;
use crate::forwarder::Forwarder;
use crate::handle::WorldHandle;
use crate::lambda::{Functions, Invoked, TaskId};
use crate::record::Record;
use crate::workload::Workload;
use crate::world::{Happening, Stage, World};
use jiff::{SignedDuration, Timestamp};
use model::hint::Hint;
use model::instance_types::InstanceTypes;
use model::name::NodeClassName;
use model::node_class::NodeClass;
use model::pool::NodePool;
use model::snapshot::Settings;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// What a run is given. The same again gives the same run.
pub struct Config<'a> {
    /// All chance comes from it.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Faults,
    /// What happens from outside.
    pub workload: Workload,
    /// The NodePools.
    pub pools: Vec<NodePool>,
    /// The EC2NodeClasses.
    pub node_classes: Vec<NodeClass>,
    /// Instance types as each class would run them, by name.
    pub instance_types: BTreeMap<NodeClassName, Arc<InstanceTypes>>,
    /// What is given at deployment.
    pub settings: Settings,
    /// When it begins.
    pub start: Timestamp,
    /// Ends the run after so many virtual hours in any case, without the checks of its end.
    pub max_hours: Option<u64>,
    /// Told how far it is, once a virtual hour.
    pub progress: Option<&'a mut dyn FnMut(Progress)>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The virtual time.
    pub now: Timestamp,
    /// Virtual time since the start.
    pub passed: SignedDuration,
    /// From the start to the workload's last event.
    pub load: SignedDuration,
    /// Pods that wait for a node.
    pub pods_waiting: usize,
    /// Pods on nodes, daemons counted.
    pub pods_bound: usize,
    /// Nodes.
    pub nodes: usize,
}

/// How often a caller hears of the progress.
const PROGRESS_EVERY: SignedDuration = SignedDuration::from_hours(1);

struct Runtime<F, W> {
    world: Rc<RefCell<World>>,
    tasks: BTreeMap<TaskId, Invoked>,
    functions: F,
    forwarder: W,
    forwarder_wakes: Option<Timestamp>,
}

/// Runs the world until the workload is over and everything has gone, until an invariant breaks, or until the time is
/// up, and gives back what was written down.
pub fn run(config: Config<'_>, functions: impl Functions, forwarder: impl Forwarder) -> Record {
    let Config { seed, faults, workload, pools, node_classes, .. } = config;
    let load = workload.events.last().map_or(SignedDuration::ZERO, |(distance, _)| *distance);
    let mut world = World::new(seed, config.start, faults, config.settings);
    world.types = config.instance_types;
    world.store.pools = pools.into_iter().map(Arc::new).collect();
    world.store.node_classes = node_classes.into_iter().map(Arc::new).collect();
    world.begin(workload);
    let most = config.max_hours.and_then(|hours| i64::try_from(hours).ok());
    let end = most.map(|hours| config.start + SignedDuration::from_hours(hours));
    let mut runtime = Runtime {
        world: Rc::new(RefCell::new(world)),
        tasks: BTreeMap::new(),
        functions,
        forwarder,
        forwarder_wakes: None,
    };
    let mut progress = config.progress;
    let mut told = config.start;
    while runtime.step() {
        let now = runtime.world.borrow().now();
        if end.is_some_and(|end| end <= now) {
            break;
        }
        if let Some(tell) = &mut progress
            && told + PROGRESS_EVERY <= now
        {
            told = now;
            tell(runtime.world.borrow().progress(load));
        }
    }
    runtime.tasks.clear();
    let mut world = runtime.world.borrow_mut();
    let now = world.now();
    let mut record = std::mem::take(&mut world.record);
    record.end = now;
    record
}

impl<F: Functions, W: Forwarder> Runtime<F, W> {
    /// Lets one thing happen. Says whether the run goes on.
    fn step(&mut self) -> bool {
        let Some(what) = self.world.borrow_mut().timeline.next() else {
            return false;
        };
        match what {
            Happening::Wake(task) => self.wake(task),
            Happening::Start(task) => self.start(task),
            Happening::Timeout(task) => self.time_out(task),
            Happening::Watch(hint) => self.watch(hint),
            Happening::ForwarderWakes => self.wake_forwarder(),
            other => self.world.borrow_mut().happen(other),
        }
        self.world.borrow().goes_on()
    }

    fn start(&mut self, task: TaskId) {
        let world = self.world.borrow();
        let now = world.now();
        let call = world.platform.invocations.get(&task).map(|invocation| &invocation.call);
        let Some((function, event)) = call.map(|call| (call.function, call.event.clone())) else {
            return;
        };
        drop(world);
        let handle = WorldHandle::new(&self.world, task);
        self.tasks.insert(task, self.functions.invoke(function, event, handle, now));
        self.poll(task);
    }

    fn wake(&mut self, task: TaskId) {
        if !self.tasks.contains_key(&task) {
            return;
        }
        if self.world.borrow_mut().dies_at_await(task) {
            self.world.borrow_mut().fault("crash");
            self.tasks.remove(&task);
            self.world.borrow_mut().finish(task, None);
        } else {
            self.poll(task);
        }
    }

    fn poll(&mut self, task: TaskId) {
        let Some(future) = self.tasks.get_mut(&task) else { return };
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(response) = future.as_mut().poll(&mut context) {
            self.tasks.remove(&task);
            self.world.borrow_mut().finish(task, Some(response));
        }
    }

    fn time_out(&mut self, task: TaskId) {
        if self.tasks.remove(&task).is_some() {
            let mut world = self.world.borrow_mut();
            world.fault("timeout");
            world.finish(task, None);
        }
    }

    fn watch(&mut self, hint: Hint) {
        let mut world = self.world.borrow_mut();
        if world.forwarder_sees(hint) {
            self.forwarder.changed(hint, world.now());
            drop(world);
            self.arm_forwarder();
        }
    }

    fn wake_forwarder(&mut self) {
        let now = self.world.borrow().now();
        if self.forwarder_wakes != Some(now) {
            return;
        }
        self.forwarder_wakes = None;
        for hint in self.forwarder.due(now) {
            self.world.borrow_mut().send_hint(hint);
        }
        self.arm_forwarder();
    }

    fn arm_forwarder(&mut self) {
        let mut world = self.world.borrow_mut();
        let Some(next) = self.forwarder.next_wake().map(|next| next.max(world.now())) else {
            return;
        };
        if self.forwarder_wakes.is_none_or(|armed| next < armed) {
            self.forwarder_wakes = Some(next);
            world.timeline.at(next, Happening::ForwarderWakes);
        }
    }
}

impl World {
    fn goes_on(&self) -> bool {
        self.stage != Stage::Over && self.record.violations.is_empty()
    }

    fn progress(&self, load: SignedDuration) -> Progress {
        Progress {
            now: self.now(),
            passed: self.now().duration_since(self.start),
            load,
            pods_waiting: self.store.waiting.len(),
            pods_bound: self.store.pods.len() - self.store.waiting.len(),
            nodes: self.store.nodes.len(),
        }
    }
}

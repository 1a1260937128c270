//! What an invocation holds of the world: the two ports. Every call waits on both sides of its effect, so that others
//! come between, and a crash can fall between the effect and its answer.

use crate::claims::call_name;
use crate::lambda::TaskId;
use crate::rng::millis;
use crate::world::{Happening, World};
use jiff::Timestamp;
use model::action::{CloudAction, ClusterAction};
use model::outcome::Outcome;
use model::snapshot::{ClusterState, Scope};
use reconciler::ports::{Cloud, CloudQuery, CloudState, Cluster, ObserveError};
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Time that passes before or after a call's effect, in milliseconds.
type Span = (i64, i64);

/// Half of a call to the Kubernetes API.
const API: Span = (5, 40);
/// To EC2's front door.
const EC2_ARRIVES: Span = (20, 60);
/// `RunInstances` from there on.
const EC2_RUNS: Span = (1_180, 1_940);
/// `TerminateInstances` from there on.
const EC2_TERMINATES: Span = (180, 440);
/// `DescribeInstances` from there on.
const EC2_DESCRIBES: Span = (80, 340);

/// An invocation's access to the world. It implements both ports.
#[derive(Clone)]
pub struct WorldHandle {
    world: Rc<RefCell<World>>,
    task: TaskId,
    identity: Rc<str>,
}

impl WorldHandle {
    pub(crate) fn new(world: &Rc<RefCell<World>>, task: TaskId) -> Self {
        let function = world.borrow().platform.function(task);
        let name = function.map_or("nobody", crate::lambda::Function::name);
        Self { world: Rc::clone(world), task, identity: format!("{name}-{task}").into() }
    }

    /// Who this invocation is, as the holder of a lease.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    fn waits(&self, (least, most): Span) -> Wait {
        let mut world = self.world.borrow_mut();
        let span = millis(&mut world.streams.latency, least..=most);
        let until = world.now() + span;
        drop(world);
        self.waits_until(until)
    }

    fn waits_until(&self, until: Timestamp) -> Wait {
        Wait { world: Rc::clone(&self.world), task: self.task, until, entered: false }
    }
}

/// The one thing that an invocation can wait for: that virtual time passes.
struct Wait {
    world: Rc<RefCell<World>>,
    task: TaskId,
    until: Timestamp,
    entered: bool,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let (until, task) = (self.until, self.task);
        if !self.entered {
            self.entered = true;
            self.world.borrow_mut().timeline.at(until, Happening::Wake(task));
            return Poll::Pending;
        }
        if until <= self.world.borrow().now() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Cluster for WorldHandle {
    async fn observe(&self, scope: Scope) -> Result<ClusterState, ObserveError> {
        self.world.borrow_mut().count_call("cluster.observe");
        self.waits(API).await;
        let state = self.world.borrow_mut().observe_cluster(self.task, scope);
        self.waits(API).await;
        state
    }

    async fn apply(&self, action: &ClusterAction) -> Outcome {
        self.world.borrow_mut().count_call(call_name(action));
        self.waits(API).await;
        let outcome = self.world.borrow_mut().apply_cluster(self.task, action);
        self.waits(API).await;
        outcome
    }
}

impl Cloud for WorldHandle {
    async fn observe(&self, query: CloudQuery<'_>) -> Result<CloudState, ObserveError> {
        match query {
            CloudQuery::Instances => {
                self.world.borrow_mut().count_call("ec2.DescribeInstances");
                self.waits(EC2_ARRIVES).await;
                let instances = self.world.borrow_mut().describe_instances(self.task);
                self.waits(EC2_DESCRIBES).await;
                Ok(CloudState { instances: instances?, ..CloudState::default() })
            }
            // Its machines have what their types promise: there is nothing to learn.
            CloudQuery::InstanceTypes { classes, learned: _ } => {
                let world = self.world.borrow();
                let of = |name| world.types.get(name).map(Arc::clone);
                let types =
                    classes.iter().filter_map(|class| Some((class.name.clone(), of(&class.name)?)));
                Ok(CloudState { instance_types: types.collect(), ..CloudState::default() })
            }
        }
    }

    async fn apply(&self, action: &CloudAction) -> Outcome {
        match action {
            CloudAction::RunInstances(run) => {
                let now = self.world.borrow().now();
                let turn = self.world.borrow_mut().platform.launch_turn(self.task, now);
                if now < turn {
                    self.waits_until(turn).await;
                }
                let called = self.world.borrow().now();
                self.world.borrow_mut().count_call("ec2.RunInstances");
                self.waits(EC2_ARRIVES).await;
                let outcome = self.world.borrow_mut().run_instances(self.task, run, called);
                self.waits(EC2_RUNS).await;
                outcome
            }
            CloudAction::TerminateInstances { instances } => {
                self.world.borrow_mut().count_call("ec2.TerminateInstances");
                self.waits(EC2_ARRIVES).await;
                let outcome = self.world.borrow_mut().terminate_instances(self.task, instances);
                self.waits(EC2_TERMINATES).await;
                outcome
            }
        }
    }
}

//! EC2 by itself, beside a cluster that is not of this world: the same tokens, buckets, capacity and faults, at a time that
//! its owner tells. What kubelets and EventBridge would do comes back as events.
//!
//! The checks of invariants compare EC2 with the world's own cluster, which is empty here; they say nothing.

use crate::faults::Faults;
use crate::handle::WorldHandle;
use crate::kubelet::{Moment, Paces};
use crate::lambda::{Event, Function};
use crate::world::{Happening, World};
use jiff::{SignedDuration, Timestamp};
use model::instance_types::InstanceTypes;
use model::labels::Labels;
use model::name::{InstanceId, NodeName, Zone};
use model::node_class::NodeClass;
use model::resources::Resources;
use model::snapshot::{Instance, Settings};
use model::taint::Taint;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// What the world outside has to hear of.
#[derive(Clone, Debug)]
pub enum Occurrence {
    /// The kubelet of an instance registers.
    Joins(Box<Booted>),
    /// An instance that had joined shuts down, and its kubelet with it.
    Leaves(InstanceId),
    /// EventBridge delivers an event of EC2's, as JSON.
    Announced(String),
}

/// An instance whose kubelet comes up.
#[derive(Clone, Debug)]
pub struct Booted {
    /// As EC2 shows it.
    pub instance: Instance,
    /// The name of its node.
    pub node: NodeName,
    /// The labels that its user data gives the kubelet.
    pub labels: Labels,
    /// The taints that its user data gives the kubelet.
    pub taints: Vec<Taint>,
    /// What it has.
    pub capacity: Resources,
    /// What it leaves to pods.
    pub allocatable: Resources,
}

/// An account with no instances but those that are launched through its handles.
#[derive(Clone)]
pub struct Account {
    world: Rc<RefCell<World>>,
    /// Instances that have joined and not left.
    joined: Rc<RefCell<BTreeSet<InstanceId>>>,
}

impl Account {
    /// An empty account. The seed decides ids, delays, and which faults come.
    pub fn new(seed: u64, start: Timestamp, settings: Settings, paces: Paces) -> Self {
        let mut world = World::new(seed, start, Faults::none(), settings);
        world.paces = paces;
        Self { world: Rc::new(RefCell::new(world)), joined: Rc::default() }
    }

    /// From now on so much goes wrong.
    pub fn set_faults(&self, faults: Faults) {
        self.world.borrow_mut().faults = faults;
    }

    /// Makes launch templates of these classes, with what each instance type would be under them.
    pub fn set_classes(
        &self,
        classes: impl IntoIterator<Item = (Arc<NodeClass>, Arc<InstanceTypes>)>,
    ) {
        let mut world = self.world.borrow_mut();
        let named = classes.into_iter().map(|(class, types)| {
            let name = class.name.clone();
            (class, (name, types))
        });
        let (classes, types): (Vec<_>, Vec<_>) = named.unzip();
        world.store.node_classes = classes;
        world.types = types.into_iter().collect();
    }

    /// The kubelet of an instance takes so many pods: what its user data says goes before what its type would be given.
    pub fn set_max_pods(&self, id: &InstanceId, pods: i64) {
        if let Some(machine) = self.world.borrow_mut().ec2.living(id) {
            machine.capacity.pods = pods;
            machine.allocatable.pods = pods;
        }
    }

    /// A zone has no capacity for a while.
    pub fn zone_fails(&self, zone: &Zone, duration: SignedDuration) {
        self.world.borrow_mut().zone_fails(zone, duration, false);
    }

    /// EC2 gives notice that it takes a spot instance back in two minutes.
    pub fn interrupt(&self, id: &InstanceId) {
        self.world.borrow_mut().warn(id);
    }

    /// When the calls were made that launched the instances of which EC2 still tells, in order.
    pub fn launch_calls(&self) -> Vec<Timestamp> {
        let world = self.world.borrow();
        let mut calls: Vec<Timestamp> =
            world.ec2.machines.keys().filter_map(|id| world.ec2.launch_called(id)).collect();
        calls.sort_unstable();
        calls
    }

    /// An invocation's access, which implements the port. Its calls wait until [`Self::advance`] has told that their time
    /// has passed, so whoever awaits one has to poll it again after that; no waker is told.
    pub fn handle(&self, function: Function) -> WorldHandle {
        let mut world = self.world.borrow_mut();
        let now = world.now();
        let task = world.platform.admit(function, now);
        drop(world);
        WorldHandle::new(&self.world, task)
    }

    /// Lets everything happen that is due, and says what the world outside has to hear of.
    pub fn advance(&self, now: Timestamp) -> Vec<Occurrence> {
        let mut occurrences = Vec::new();
        let mut world = self.world.borrow_mut();
        while let Some(what) = world.timeline.next_by(now) {
            match what {
                Happening::Machine(id, Moment::Joins) => {
                    if let Some(booted) = world.booted(&id) {
                        self.joined.borrow_mut().insert(id);
                        occurrences.push(Occurrence::Joins(Box::new(booted)));
                    }
                }
                Happening::Machine(id, moment) => world.machine_gets_on(&id, moment),
                Happening::Invoke(call) => {
                    if let Event::EventBridge(event) = call.event {
                        occurrences.push(Occurrence::Announced(event));
                    }
                }
                // The rest is about the world's own cluster, queues and functions, which do nothing here.
                Happening::Wake(_)
                | Happening::Start(_)
                | Happening::Timeout(_)
                | Happening::Watch(_)
                | Happening::ForwarderWakes
                | Happening::Poll(_)
                | Happening::Schedule(_)
                | Happening::Workload
                | Happening::Withdraw(..)
                | Happening::Replace(..)
                | Happening::Place
                | Happening::PodStarts(_)
                | Happening::PodEnds(_)
                | Happening::PodGone(_)
                | Happening::MustBeCordoned(_)
                | Happening::MustHaveItsPods(_)
                | Happening::Minute => {}
            }
        }
        world.record.violations.clear();
        let mut joined = self.joined.borrow_mut();
        let gone: Vec<InstanceId> =
            joined.iter().filter(|id| world.ec2.living(id).is_none()).cloned().collect();
        for id in gone {
            joined.remove(&id);
            occurrences.push(Occurrence::Leaves(id));
        }
        occurrences
    }
}

impl World {
    fn booted(&mut self, id: &InstanceId) -> Option<Booted> {
        let machine = self.ec2.living(id)?;
        Some(Booted {
            instance: Instance::clone(&machine.instance),
            node: machine.address.clone(),
            labels: machine.run.labels.clone(),
            taints: machine.run.taints.clone(),
            capacity: machine.capacity.clone(),
            allocatable: machine.allocatable.clone(),
        })
    }
}

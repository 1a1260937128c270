//! Owners of pods, as the workload makes them: Deployments, Jobs, services. Each replica has a pod, and gets another
//! when that one goes.

use crate::pods::PodRef;
use crate::record::{PodEnd, PodRecord};
use crate::rng::millis;
use crate::store::PodEntry;
use crate::workload::{Event, Lifetime};
use crate::world::{Happening, World};
use jiff::{SignedDuration, Timestamp};
use model::labels::Labels;
use model::name::{ObjectName, Uid};
use model::pod::{Owner as Controller, Phase, Pod};
use model::resources::Resources;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// All owners, by name.
pub(crate) type Owners = BTreeMap<ObjectName, Owner>;

/// An owner.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) template: Pod,
    requests: Arc<Resources>,
    node_selector: Arc<Labels>,
    guards: Rc<[usize]>,
    pub(crate) lifetime: Lifetime,
    withdrawn_after: Option<SignedDuration>,
    pods_made: u32,
    replicas_made: u32,
    pub(crate) replicas: BTreeMap<u32, Replica>,
    /// Whether some instance type could hold a pod of it; worked out when first asked.
    pub(crate) feasible: Option<bool>,
}

/// One of an owner's replicas.
#[derive(Debug, Default)]
pub(crate) struct Replica {
    /// What is left of a service's time.
    left: Option<SignedDuration>,
    /// Its present pod.
    pub(crate) pod: Option<ObjectName>,
    /// Whether a pod of it has run.
    has_run: bool,
    /// When a pod of it was last evicted for no need of EC2's or its own.
    pub(crate) moved: Option<Timestamp>,
}

/// Until a controller has made a new pod, in milliseconds.
const CONTROLLER_MILLIS: (i64, i64) = (20, 100);

impl World {
    /// Enters the workload's next event.
    pub(crate) fn next_workload(&mut self) {
        if let Some((distance, _)) = self.ahead.front() {
            let at = self.start + *distance;
            self.timeline.at(at, Happening::Workload);
        }
    }

    /// Lets all events happen that are due.
    pub(crate) fn workload_goes_on(&mut self) {
        let passed = self.now().duration_since(self.start);
        while let Some((_, event)) = self.ahead.pop_front_if(|(distance, _)| *distance <= passed) {
            self.moved = self.now();
            match event {
                Event::Create { template, replicas, lifetime, withdrawn_after } => {
                    self.create_owner(*template, replicas, (lifetime, withdrawn_after));
                }
                Event::Scale { owner, replicas } => self.scale(&owner, replicas),
                Event::Delete { owner } => self.delete_owner(&owner),
                Event::ReclaimSpot { zone, percent, notice } => {
                    self.reclaim_spot(zone.as_ref(), percent, notice);
                }
                Event::ZoneOutage { zone, duration, kill } => {
                    self.zone_fails(&zone, duration, kill);
                }
            }
        }
        self.next_workload();
    }

    fn create_owner(
        &mut self,
        mut template: Pod,
        replicas: u32,
        (lifetime, withdrawn_after): (Lifetime, Option<SignedDuration>),
    ) {
        let name = template.name.clone();
        if !self.owners.contains_key(&name) {
            self.store.neighbours.enter_namespace(&name.namespace);
            let uid = self.store.next_uid();
            template.owner.get_or_insert_with(|| controller(&name, lifetime, uid));
            let owner = Owner {
                requests: Arc::new(template.requests.clone()),
                node_selector: Arc::new(template.node_selector.clone()),
                guards: self.store.guards(&template),
                template,
                lifetime,
                withdrawn_after,
                pods_made: 0,
                replicas_made: 0,
                replicas: BTreeMap::new(),
                feasible: None,
            };
            self.owners.insert(name.clone(), owner);
        }
        self.add_replicas(&name, replicas);
    }

    fn add_replicas(&mut self, name: &ObjectName, count: u32) {
        for _ in 0..count {
            let Some(owner) = self.owners.get_mut(name) else { return };
            owner.replicas_made += 1;
            let number = owner.replicas_made;
            let left = match owner.lifetime {
                Lifetime::Service(all) => Some(all),
                Lifetime::Endless | Lifetime::Work(_) => None,
            };
            owner.replicas.insert(number, Replica { left, ..Replica::default() });
            let withdrawn_after = owner.withdrawn_after;
            self.make_pod(name, number);
            if let Some(delay) = withdrawn_after {
                self.after(delay, Happening::Withdraw(name.clone(), number));
            }
        }
    }

    fn scale(&mut self, name: &ObjectName, replicas: u32) {
        let Some(owner) = self.owners.get(name) else { return };
        let wanted = usize::try_from(replicas).unwrap_or(usize::MAX);
        let present = owner.replicas.len();
        if present < wanted {
            self.add_replicas(name, u32::try_from(wanted - present).unwrap_or(0));
            return;
        }
        // A ReplicaSet lets go of pods that wait first, then of the youngest.
        let mut order: Vec<(bool, u32)> =
            owner.replicas.iter().map(|(number, replica)| (!replica.has_run, *number)).collect();
        order.sort_unstable();
        for (_, number) in order.into_iter().skip(wanted) {
            self.let_go(name, number);
        }
    }

    /// Deletes an owner with its pods.
    pub(crate) fn delete_owner(&mut self, name: &ObjectName) {
        let Some(owner) = self.owners.get(name) else { return };
        let numbers: Vec<u32> = owner.replicas.keys().copied().collect();
        for number in numbers {
            self.let_go(name, number);
        }
        self.owners.remove(name);
    }

    /// A user gives up on a replica that has never run.
    pub(crate) fn withdraw(&mut self, name: &ObjectName, number: u32) {
        let replica = self.owners.get(name).and_then(|owner| owner.replicas.get(&number));
        if replica.is_some_and(|replica| !replica.has_run) {
            self.let_go(name, number);
        }
    }

    /// Takes a replica away and deletes its pod.
    pub(crate) fn let_go(&mut self, name: &ObjectName, number: u32) {
        let pod = self.release_replica(name, number);
        let Some(entry) = pod.and_then(|pod| self.store.pods.get(&pod)) else { return };
        let end =
            if entry.pod.started_at.is_some() { PodEnd::Completed } else { PodEnd::Withdrawn };
        let (pod, grace) = (entry.pod.name.clone(), entry.pod.termination_grace);
        self.delete_pod(&pod, end, grace);
    }

    /// Takes a replica away; its pod is another matter. An owner whose work is done goes.
    pub(crate) fn release_replica(&mut self, name: &ObjectName, number: u32) -> Option<ObjectName> {
        let owner = self.owners.get_mut(name)?;
        let replica = owner.replicas.remove(&number);
        if owner.replicas.is_empty() && owner.lifetime != Lifetime::Endless {
            self.owners.remove(name);
        }
        replica.and_then(|replica| replica.pod)
    }

    /// Makes a replica's pod, if it has none.
    pub(crate) fn make_pod(&mut self, name: &ObjectName, number: u32) {
        let now = self.now();
        let Some(owner) = self.owners.get_mut(name) else { return };
        let Some(replica) = owner.replicas.get_mut(&number) else { return };
        if replica.pod.is_some() {
            return;
        }
        let pod_name =
            ObjectName::new(name.namespace.clone(), format!("{}-{}", name.name, owner.pods_made));
        owner.pods_made += 1;
        replica.pod = Some(pod_name.clone());
        let pod = Pod {
            name: pod_name.clone(),
            uid: self.store.next_uid(),
            resource_version: self.store.next_version(),
            created: now,
            node: None,
            phase: Phase::Pending,
            unschedulable_since: None,
            scheduled_at: None,
            started_at: None,
            deleting: None,
            ..owner.template.clone()
        };
        let record = PodRecord {
            name: pod_name.clone(),
            requests: Arc::clone(&owner.requests),
            node_selector: Arc::clone(&owner.node_selector),
            created: now,
            launch_called: None,
            bound: None,
            started: None,
            ended: None,
            reason: None,
        };
        let entry = PodEntry {
            pod: Arc::new(pod),
            number: self.store.next_version(),
            record: Some(self.record.pods.len()),
            replica: Some((name.clone(), number)),
            daemon: None,
            guards: Rc::clone(&owner.guards),
            counted: false,
            lost: false,
            end: PodEnd::Lost,
        };
        self.record.pods.push(record);
        self.store.waiting.insert(pod_name.clone());
        self.queue_pod(&entry);
        self.store.pods.insert(pod_name, entry);
    }

    /// A replica's pod has started.
    pub(crate) fn replica_runs(&mut self, name: &ObjectName, number: u32, pod: PodRef) {
        let Some(owner) = self.owners.get_mut(name) else { return };
        let Some(replica) = owner.replicas.get_mut(&number) else { return };
        replica.has_run = true;
        let left = match owner.lifetime {
            Lifetime::Endless => None,
            Lifetime::Work(work) => Some(work),
            Lifetime::Service(_) => replica.left,
        };
        if let Some(left) = left {
            self.moved = self.now();
            self.after(left, Happening::PodEnds(pod));
        }
    }

    /// A replica's pod is going or has gone: after having run for so long another is made.
    pub(crate) fn vacate(&mut self, entry: &PodEntry, ran: SignedDuration) {
        let Some((name, number)) = &entry.replica else { return };
        let Some(owner) = self.owners.get_mut(name) else { return };
        let Some(replica) = owner.replicas.get_mut(number) else { return };
        if replica.pod.as_ref() != Some(&entry.pod.name) {
            return;
        }
        replica.pod = None;
        if let Some(left) = &mut replica.left {
            *left = (*left - ran).max(SignedDuration::from_secs(1));
        }
        let (least, most) = CONTROLLER_MILLIS;
        let delay = millis(&mut self.streams.pods, least..=most);
        self.after(delay, Happening::Replace(name.clone(), *number));
    }
}

fn controller(name: &ObjectName, lifetime: Lifetime, uid: Uid) -> Controller {
    let kind = match lifetime {
        Lifetime::Work(_) => "Job",
        Lifetime::Endless | Lifetime::Service(_) => "ReplicaSet",
    };
    Controller { kind: kind.into(), name: name.name.clone(), uid }
}

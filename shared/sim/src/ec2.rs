//! EC2: launches with zonal client tokens, terminations, request buckets, and what it shows of its instances.

use crate::kubelet::Moment;
use crate::lambda::TaskId;
use crate::record::InstanceRecord;
use crate::rng::millis;
use crate::world::{Happening, World};
use jiff::{SignedDuration, Timestamp};
use launch::bucket::{Bucket, EC2_LOOKS, EC2_RUN_CALLS, EC2_TERMINATE_CALLS};
use model::action::RunInstances;
use model::instance_type::InstanceType;
use model::name::{ClientToken, InstanceId, NodeName, Uid, Zone};
use model::outcome::Outcome;
use model::price::Price;
use model::resources::Resources;
use model::snapshot::{Instance, InstanceState};
use reconciler::ports::ObserveError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An instance and what the world knows of it beside EC2's answer.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) instance: Arc<Instance>,
    pub(crate) run: RunInstances,
    pub(crate) capacity: Resources,
    pub(crate) allocatable: Resources,
    /// Its line in the record.
    pub(crate) record: usize,
    /// The name that its node will have.
    pub(crate) address: NodeName,
    /// Its node, once it has joined.
    pub(crate) node: Option<NodeName>,
    /// Whether EC2 has announced that it takes it back.
    pub(crate) warned: bool,
    launch_called: Timestamp,
    visible: Timestamp,
}

#[derive(Debug)]
struct TokenUse {
    run: RunInstances,
    ids: Vec<InstanceId>,
}

/// All instances of the account.
#[derive(Debug)]
pub(crate) struct Ec2 {
    pub(crate) machines: BTreeMap<InstanceId, Machine>,
    tokens: BTreeMap<(Zone, ClientToken), TokenUse>,
    run_bucket: Bucket,
    terminate_bucket: Bucket,
    describe_bucket: Bucket,
    launched: u32,
    /// Zones that have no capacity, until when.
    pub(crate) zones_out: Vec<(Zone, Timestamp)>,
}

/// EC2 shows a terminated instance for about an hour.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(1);

impl Ec2 {
    /// An account without instances.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            machines: BTreeMap::new(),
            tokens: BTreeMap::new(),
            run_bucket: Bucket::new(EC2_RUN_CALLS, now),
            terminate_bucket: Bucket::new(EC2_TERMINATE_CALLS, now),
            describe_bucket: Bucket::new(EC2_LOOKS, now),
            launched: 0,
            zones_out: Vec::new(),
        }
    }

    /// An instance that has not been terminated.
    pub(crate) fn living(&mut self, id: &InstanceId) -> Option<&mut Machine> {
        self.machines.get_mut(id).filter(|machine| !machine.instance.state.is_gone())
    }

    /// The node that an instance has brought.
    pub(crate) fn node_of(&self, id: &InstanceId) -> Option<NodeName> {
        self.machines.get(id)?.node.clone()
    }

    /// Whether who read the instances at this time saw this one.
    pub(crate) fn was_visible(&self, id: &InstanceId, at: Timestamp) -> bool {
        self.machines.get(id).is_some_and(|machine| machine.visible <= at)
    }

    /// When the call was made that launched an instance.
    pub(crate) fn launch_called(&self, id: &InstanceId) -> Option<Timestamp> {
        self.machines.get(id).map(|machine| machine.launch_called)
    }

    /// Moves an instance from one state to another.
    pub(crate) fn set_state(&mut self, id: &InstanceId, from: InstanceState, to: InstanceState) {
        if let Some(machine) = self.machines.get_mut(id)
            && machine.instance.state == from
        {
            Arc::make_mut(&mut machine.instance).state = to;
        }
    }

    /// EC2 shows an instance no longer.
    pub(crate) fn forget(&mut self, id: &InstanceId) {
        self.machines.remove(id);
    }

    /// Instances of this cluster that live.
    pub(crate) fn ours<'a>(&'a self, cluster: &'a Uid) -> impl Iterator<Item = &'a Machine> {
        self.machines.values().filter(move |machine| {
            machine.instance.cluster_uid == *cluster && !machine.instance.state.is_gone()
        })
    }

    /// The living instances of a call, in the order of their ids.
    pub(crate) fn of_token(&self, zone: &Zone, token: &ClientToken) -> &[InstanceId] {
        self.tokens.get(&(zone.clone(), token.clone())).map_or(&[], |used| &used.ids)
    }

    fn replay(&self, run: &RunInstances) -> Option<Outcome> {
        let key = (run.offering.zone.clone(), run.token.clone());
        let used = self.tokens.get(&key)?;
        let spent = |code: &str| Some(Outcome::TokenSpent { code: code.to_owned() });
        if used.run != *run {
            return spent("IdempotentParameterMismatch");
        }
        let machines = used.ids.iter().map(|id| self.machines.get(id));
        let instances: Option<Vec<Instance>> = machines
            .map(|machine| machine.map(|m| &*m.instance).filter(|i| !i.state.is_gone()).cloned())
            .collect();
        match instances {
            Some(instances) => Some(Outcome::Launched(instances)),
            None => spent("IdempotentInstanceTerminated"),
        }
    }
}

impl World {
    /// Shows an invocation the instances that carry this cluster's tags; new ones may be missing for a while.
    pub(crate) fn describe_instances(
        &mut self,
        task: TaskId,
    ) -> Result<Vec<Arc<Instance>>, ObserveError> {
        let now = self.now();
        if !self.ec2.describe_bucket.take(now)
            || self.reply_fault(self.faults.throttled, "throttled call")
        {
            return Err(ObserveError::Throttled { service: "EC2" });
        }
        let visible = self.ec2.machines.values().filter(|machine| machine.visible <= now);
        let instances = visible.map(|machine| Arc::clone(&machine.instance)).collect();
        if let Some(invocation) = self.platform.invocations.get_mut(&task) {
            invocation.described = Some(now);
        }
        Ok(instances)
    }

    /// Launches instances, all or none, once for each token and zone.
    pub(crate) fn run_instances(
        &mut self,
        task: TaskId,
        run: &RunInstances,
        called: Timestamp,
    ) -> Outcome {
        self.check_launch_call(task);
        let now = self.now();
        if !self.ec2.run_bucket.take(now)
            || self.reply_fault(self.faults.throttled, "throttled call")
        {
            return Outcome::Throttled;
        }
        if let Some(again) = self.ec2.replay(run) {
            return again;
        }
        let (instance_type, price) = match self.resolve(run) {
            Ok(found) => found,
            Err(message) => {
                let code = "InvalidParameterValue".to_owned();
                return Outcome::Denied { code, message };
            }
        };
        if let Some(code) = self.capacity_refusal(&run.offering) {
            return Outcome::Unavailable { code: code.to_owned() };
        }
        let mut ids: Vec<InstanceId> =
            (0..run.count).map(|_| self.launch(run, (&instance_type, price), called)).collect();
        ids.sort();
        let launched = ids.iter().map(|id| Instance::clone(&self.ec2.machines[id].instance));
        let launched = launched.collect();
        let key = (run.offering.zone.clone(), run.token.clone());
        self.ec2.tokens.insert(key, TokenUse { run: run.clone(), ids: ids.clone() });
        self.check_launched(run, &ids);
        if self.reply_fault(self.faults.lost_replies, "lost reply") {
            return Outcome::Unknown { message: "connection reset by peer".to_owned() };
        }
        Outcome::Launched(launched)
    }

    /// The instance type and price of what is asked for, or what is wrong with it.
    fn resolve(&self, run: &RunInstances) -> Result<(InstanceType, Price), String> {
        let key = &run.offering;
        let types = self.types.get(&run.node_class).ok_or("no such launch template")?;
        let instance_type = types
            .iter()
            .find(|t| t.name == key.instance_type)
            .ok_or_else(|| format!("no instance type {}", key.instance_type))?;
        let offering = instance_type
            .offering(&key.zone, key.capacity_type)
            .filter(|offering| offering.available)
            .ok_or_else(|| format!("{key} is not offered"))?;
        let class = self.store.node_classes.iter().find(|class| class.name == run.node_class);
        let class = class.ok_or("no such launch template")?;
        if !class.subnets.iter().any(|s| s.id == run.subnet && s.zone == key.zone) {
            return Err(format!("subnet {} is not in {}", run.subnet, key.zone));
        }
        if !class.has_image(&run.image) {
            return Err(format!("no image {}", run.image));
        }
        Ok((instance_type.clone(), offering.price))
    }

    fn launch(
        &mut self,
        run: &RunInstances,
        (instance_type, price): (&InstanceType, Price),
        called: Timestamp,
    ) -> InstanceId {
        let now = self.now();
        let ids = &mut self.streams.ids;
        let id: InstanceId = format!("i-0{:016x}", ids.u64(0..u64::MAX)).into();
        let lag = millis(ids, 0..=self.faults.describe_lag_millis);
        let instance = Instance {
            id: id.clone(),
            state: InstanceState::Pending,
            instance_type: run.offering.instance_type.clone(),
            zone: run.offering.zone.clone(),
            capacity_type: run.offering.capacity_type,
            image: run.image.clone(),
            launched_at: now,
            token: run.token.clone(),
            pool: run.pool.clone(),
            node_class: Some(run.node_class.clone()),
            claim: run.claim.clone(),
            cluster_uid: self.settings.cluster_uid.clone(),
        };
        let record = InstanceRecord {
            id: id.clone(),
            offering: run.offering.clone(),
            price,
            allocatable: instance_type.allocatable.clone(),
            launched: now,
            joined: None,
            ended: None,
            interrupted: None,
        };
        self.ec2.launched += 1;
        let [_, a, b, c] = self.ec2.launched.to_be_bytes();
        let machine = Machine {
            instance: Arc::new(instance),
            run: run.clone(),
            capacity: instance_type.capacity.clone(),
            allocatable: instance_type.allocatable.clone(),
            record: self.record.instances.len(),
            address: format!("ip-10-{a}-{b}-{c}.ec2.internal").into(),
            node: None,
            warned: false,
            launch_called: called,
            visible: now + lag,
        };
        self.record.instances.push(record);
        self.ec2.machines.insert(id.clone(), machine);
        self.boot(&id);
        self.draw_reclaim(&id);
        id
    }

    /// Terminates instances; those that are gone already count as done.
    pub(crate) fn terminate_instances(&mut self, task: TaskId, ids: &[InstanceId]) -> Outcome {
        let now = self.now();
        if !self.ec2.terminate_bucket.take(now)
            || self.reply_fault(self.faults.throttled, "throttled call")
        {
            return Outcome::Throttled;
        }
        if !ids.iter().all(|id| self.ec2.was_visible(id, now)) {
            return Outcome::NotFound;
        }
        self.check_terminate(task, ids);
        for id in ids {
            self.end_instance(id);
        }
        if self.reply_fault(self.faults.lost_replies, "lost reply") {
            return Outcome::Unknown { message: "connection reset by peer".to_owned() };
        }
        Outcome::Done
    }

    /// An instance shuts down, for whatever reason.
    pub(crate) fn end_instance(&mut self, id: &InstanceId) {
        let now = self.now();
        let Some(machine) = self.ec2.living(id) else { return };
        Arc::make_mut(&mut machine.instance).state = InstanceState::ShuttingDown;
        let record = machine.record;
        if let Some(record) = self.record.instances.get_mut(record) {
            record.ended = Some(now);
        }
        self.kubelet_dies(id);
        self.announce_state(id, "shutting-down");
        let (least, most) = self.paces.terminated_millis;
        let terminated = millis(&mut self.streams.boot, least..=most);
        self.after(terminated, Happening::Machine(id.clone(), Moment::Terminated));
    }

    /// An instance is terminated.
    pub(crate) fn instance_terminated(&mut self, id: &InstanceId) {
        self.ec2.set_state(id, InstanceState::ShuttingDown, InstanceState::Terminated);
        self.announce_state(id, "terminated");
        self.after(FORGOTTEN_AFTER, Happening::Machine(id.clone(), Moment::Forgotten));
    }

    /// Puts an instance of a cluster of the same name among ours, which nobody here may touch (I12).
    pub(crate) fn add_namesake(&mut self) {
        let Some(class) = self.store.node_classes.first().cloned() else { return };
        let Some(first) = self.types.get(&class.name).and_then(|types| types.first()).cloned()
        else {
            return;
        };
        let (Some(offering), Some(image)) = (first.offerings.first(), class.images.first()) else {
            return;
        };
        let Some(subnet) = class.subnet_in(&offering.zone) else { return };
        let run = RunInstances {
            token: "namesake".into(),
            count: 1,
            offering: first.key(offering),
            subnet: subnet.id.clone(),
            image: image.id.clone(),
            pool: None,
            node_class: class.name.clone(),
            claim: None,
            labels: BTreeMap::new(),
            taints: Vec::new(),
        };
        let id: InstanceId = "i-0ffffffffffffffff".into();
        let instance = Instance {
            id: id.clone(),
            state: InstanceState::Running,
            instance_type: first.name.clone(),
            zone: offering.zone.clone(),
            capacity_type: offering.capacity_type,
            image: image.id.clone(),
            launched_at: self.start,
            token: run.token.clone(),
            pool: self.store.pools.first().map(|pool| pool.name.clone()),
            node_class: Some(class.name.clone()),
            claim: None,
            cluster_uid: "00000000-0000-4000-a000-000000000000".into(),
        };
        let machine = Machine {
            instance: Arc::new(instance),
            run,
            capacity: first.capacity.clone(),
            allocatable: first.allocatable.clone(),
            record: usize::MAX,
            address: "ip-172-16-0-1.ec2.internal".into(),
            node: None,
            warned: false,
            launch_called: self.start,
            visible: self.start,
        };
        self.ec2.machines.insert(id, machine);
    }
}

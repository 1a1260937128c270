//! Checks on calls to EC2.

use crate::lambda::{Function, TaskId};
use crate::world::World;
use jiff::SignedDuration;
use model::action::RunInstances;
use model::name::InstanceId;
use model::resources::Resources;

/// What is terminated was seen by the same invocation less than this before (I3).
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(60);
/// Instances launched for one pod that never came to run on any: more in calm weather is a runaway (I7).
const LAUNCHES_PER_POD_MAX: u32 = 3;
/// With faults some instances never join, are taken back or are lost.
const LAUNCHES_PER_POD_MAX_WITH_FAULTS: u32 = 12;
/// Instances without a claim that one sweep may take away, or a twentieth of all (I9).
const ORPHANS_PER_SWEEP: usize = 3;

impl World {
    /// I13: only provisioning launches.
    pub(crate) fn check_launch_call(&mut self, task: TaskId) {
        self.check_right(task, "launch instances", &[Function::Provisioning]);
    }

    /// Checks instances that have just been launched.
    pub(crate) fn check_launched(&mut self, run: &RunInstances, ids: &[InstanceId]) {
        let claims: Vec<_> = self
            .store
            .claims
            .values()
            .filter(|claim| claim.launch.as_ref().is_some_and(|record| record.token == run.token))
            .map(|claim| (claim.uid.clone(), claim.name.clone(), claim.spec.nominated.clone()))
            .collect();
        self.demand("I1", !claims.is_empty() || self.faults.is_hostile(), || {
            format!("{} was launched and no claim says so", ids[0])
        });
        for (uid, name, nominated) in claims {
            self.check_one_instance(&uid, &name, run);
            self.check_productive(&nominated);
        }
        self.check_ceiling();
        self.check_limits(run);
    }

    /// I2: no instance of an earlier attempt lives.
    fn check_one_instance(
        &mut self,
        uid: &model::name::Uid,
        name: &model::name::ClaimName,
        run: &RunInstances,
    ) {
        let intents = self.checker.intents.get(uid).cloned().unwrap_or_default();
        let earlier = intents.iter().filter(|intent| intent.token != run.token);
        let instances = earlier.filter_map(|intent| self.instance_of(intent));
        let instances: Vec<InstanceId> = instances.collect();
        let living = instances.into_iter().find(|id| self.ec2.living(id).is_some());
        self.demand("I2", living.is_none(), || {
            let living = living.as_deref().unwrap_or("");
            format!("a second instance was launched for claim {name} while {living} lives")
        });
    }

    /// I7: launching again and again for the same pods is stopped.
    fn check_productive(&mut self, nominated: &[u32]) {
        let calm = self.faults.is_calm() && self.checker.last_refusal.is_none();
        let most = if calm { LAUNCHES_PER_POD_MAX } else { LAUNCHES_PER_POD_MAX_WITH_FAULTS };
        for id in nominated {
            let count = self.checker.launches_for.entry(*id).or_default();
            *count += 1;
            let count = *count;
            self.demand("I7", count <= most, || {
                format!("{count} instances were launched for a pod that never ran on one")
            });
        }
    }

    /// I8: the cluster does not grow beyond its ceiling.
    fn check_ceiling(&mut self) {
        let count = self.ec2.ours(&self.settings.cluster_uid).count();
        let most = self.settings.nodes_max;
        let holds = u32::try_from(count).is_ok_and(|count| count <= most);
        self.demand("I8", holds, || format!("{count} instances live, {most} are allowed"));
    }

    /// I6: a pool's limits hold.
    fn check_limits(&mut self, run: &RunInstances) {
        let Some(pool) = &run.pool else { return };
        let limits =
            self.store.pools.iter().find(|p| p.name == *pool).and_then(|p| p.limits.clone());
        let Some(limits) = limits.filter(|_| !self.faults.is_hostile()) else { return };
        let mut used = Resources::default();
        let mut nodes = 0;
        for machine in self.ec2.ours(&self.settings.cluster_uid) {
            if machine.run.pool.as_ref() == Some(pool) {
                used.add(&machine.capacity);
                nodes += 1;
            }
        }
        let exceeded = limits.exceeded_by(&used, nodes).map(str::to_owned);
        self.demand("I6", exceeded.is_none(), || {
            format!("pool {pool} has more {} than its limit", exceeded.unwrap_or_default())
        });
    }

    /// Checks instances that an invocation is about to terminate.
    pub(crate) fn check_terminate(&mut self, task: TaskId, ids: &[InstanceId]) {
        let now = self.now();
        self.check_right(task, "terminate instances", &[Function::Lifecycle]);
        self.check_view_age(task, "terminate instances");
        for id in ids {
            let invocation = self.platform.invocations.get(&task);
            let described = invocation.and_then(|invocation| invocation.described);
            let seen = described.is_some_and(|at| {
                now.duration_since(at) <= SEEN_WITHIN && self.ec2.was_visible(id, at)
            });
            self.demand("I3", seen, || format!("{id} is terminated without having been seen"));
            let uid = self.ec2.machines.get(id).map(|machine| machine.instance.cluster_uid.clone());
            let ours = uid.is_none_or(|uid| uid == self.settings.cluster_uid);
            self.demand("I12", ours, || format!("{id} is another cluster's"));
            if self.ec2.living(id).is_some() {
                self.check_may_go(task, id);
            }
        }
    }

    fn check_may_go(&mut self, task: TaskId, id: &InstanceId) {
        let Some(claim) = self.store.claim_of(id).cloned() else {
            let living = self.ec2.ours(&self.settings.cluster_uid).count();
            let most = ORPHANS_PER_SWEEP.max(living.div_ceil(20));
            let Some(invocation) = self.platform.invocations.get_mut(&task) else { return };
            invocation.orphans_terminated += 1;
            let count = invocation.orphans_terminated;
            self.demand("I9", count <= most, || {
                format!("{count} instances without a claim go in one pass, {most} allowed")
            });
            return;
        };
        let going = claim.deleting.is_some();
        self.demand("I3", going, || format!("{id} is terminated, its claim is not going"));
        let now = self.now();
        let is_time = claim.termination_deadline.is_some_and(|at| at <= now);
        let undrained = self.undrained_pod(id).filter(|_| !is_time && claim.notice.is_none());
        self.demand("I15", undrained.is_none(), || {
            let pod = undrained.map(|name| name.to_string()).unwrap_or_default();
            format!("{id} is terminated with {pod} on it")
        });
    }
}

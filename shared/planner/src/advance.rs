//! What becomes of nodes once they are asked for: they join, they live, they are drained, they go. Never launches.
//!
//! Each claim is in exactly one of these states, so each is looked at by exactly one of the modules below: on its way up
//! (`join`), due to go (`retire`, and `repair` where its node is ill), or going (`finish`, which drains).

mod adopt;
pub(crate) mod drain;
mod finish;
mod health;
mod join;
mod orphan;
mod pools;
mod repair;
mod retire;
mod world;

use crate::{guards, interrupt};
use jiff::Timestamp;
use model::action::{Action, CloudAction, ClusterAction};
use model::memory::{Change, Learned};
use model::name::{ImageId, InstanceId};
use model::plan::{LeftOut, Plan};
use model::reason::{Reason, Subject};
use model::snapshot::{ClusterState, Snapshot};
use std::collections::BTreeSet;
use world::World;

/// One call of `TerminateInstances` names at most so many. EC2 takes 1000, but one bad id fails the whole call, and the
/// call's bucket (100, refilled at 5 a second) counts calls.
const INSTANCES_PER_CALL_MAX: usize = 100;

/// One pass evicts at most so many pods: at twenty calls at a time and 20 ms each they take half a second, well within
/// one invocation, and the next pass goes on.
const EVICTIONS_PER_PASS_MAX: usize = 500;

/// Takes every claim, node and instance one step further.
///
/// Nothing is done on a view of another cluster, nor without EC2's list of instances (I10). The most urgent actions come
/// first: notices of interruption, drains of nodes that are about to be lost, other drains, nodes that join.
pub fn advance(snapshot: &Snapshot, now: Timestamp) -> Plan {
    let world = match World::new(snapshot, now) {
        Ok(world) => world,
        Err(why) => {
            let mut plan = Plan::default();
            plan.leave_out(Subject::Cluster, Reason::ViewRefused { why: why.into() });
            guards::tell(&mut plan, snapshot);
            return plan;
        }
    };
    let mut steps = Steps::new(&world);
    if let Some(why) = world.absence_refused.filter(|_| world.misses_instances()) {
        steps.leave_out(Subject::Cluster, Reason::ViewRefused { why: why.into() });
    }
    steps.urgent = interrupt::act_on_notices(snapshot, now);
    let (going, staying): (Vec<_>, Vec<_>) =
        snapshot.cluster.claims.iter().map(|claim| &**claim).partition(|c| c.deleting.is_some());
    let (lost, leaving): (Vec<_>, Vec<_>) =
        going.into_iter().partition(|claim| interrupt::is_about_to_be_lost(claim));
    for claim in lost.into_iter().chain(leaving) {
        finish::finish(&world, claim, &mut steps);
    }
    orphan::clear(&world, &mut steps);
    let census = repair::Census::of(&world);
    for claim in staying {
        if interrupt::notice_to_act_on(claim).is_none()
            && !retire::retire(&world, claim, &mut steps)
            && !repair::repair(&world, &census, claim, &mut steps)
        {
            join::join(&world, claim, &mut steps);
        }
    }
    pools::tell(snapshot, &mut steps);
    steps.remember(snapshot);
    let mut plan = steps.into_plan();
    plan.actions.extend(health::remember(snapshot, &plan));
    guards::tell(&mut plan, snapshot);
    plan
}

/// The images that nodes run, and those that they would run.
fn images_in_use(cluster: &ClusterState) -> BTreeSet<ImageId> {
    let classes = cluster.node_classes.iter();
    let offered = classes.flat_map(|class| {
        let amis = class.template.status.amis.iter().map(|ami| ami.id.clone().into());
        amis.chain(class.images.iter().map(|image| image.id.clone()))
    });
    offered.chain(cluster.claims.iter().filter_map(|claim| claim.runs().cloned())).collect()
}

/// A plan in the making, in its parts.
struct Steps {
    /// What comes before all else.
    urgent: Vec<Action>,
    /// What does not depend on a termination.
    before: Vec<Action>,
    /// The instances to terminate.
    terminate: Vec<InstanceId>,
    /// What follows on the terminations.
    after: Vec<Action>,
    left_out: Vec<LeftOut>,
    /// The memory of nodes that have other than what is known.
    learned: Learned,
    /// What drains may still do in this pass.
    allowance: drain::Allowance,
    /// What may still be condemned in this pass (I9).
    deletions: Deletions,
}

/// How many live instances one pass may condemn, and how many it wanted to.
struct Deletions {
    most: usize,
    wanted: usize,
}

impl Steps {
    fn new(world: &World<'_>) -> Self {
        Self {
            urgent: Vec::new(),
            before: Vec::new(),
            terminate: Vec::new(),
            after: Vec::new(),
            left_out: Vec::new(),
            learned: Learned::new(),
            allowance: drain::Allowance::new(world.snapshot, EVICTIONS_PER_PASS_MAX),
            deletions: Deletions { most: world.deletions_max(), wanted: 0 },
        }
    }

    fn change(&mut self, action: ClusterAction) {
        self.before.push(Action::Cluster(action));
    }

    fn change_after_termination(&mut self, action: ClusterAction) {
        self.after.push(Action::Cluster(action));
    }

    fn leave_out(&mut self, subject: Subject, reason: Reason) {
        self.left_out.push(LeftOut { subject, reasons: vec![reason] });
    }

    /// What was learned, at the end of the plan: nothing depends on it.
    fn remember(&mut self, snapshot: &Snapshot) {
        if self.learned.is_empty() {
            return;
        }
        let memory = std::mem::take(&mut self.learned);
        let change = Change::Learned { memory, in_use: images_in_use(&snapshot.cluster) };
        self.change_after_termination(ClusterAction::Remember(change));
    }

    /// Whether one more live instance may be condemned (I9).
    fn may_condemn(&mut self) -> bool {
        self.deletions.wanted += 1;
        self.deletions.wanted <= self.deletions.most
    }

    fn into_plan(mut self) -> Plan {
        let Deletions { most, wanted } = self.deletions;
        if most < wanted {
            self.leave_out(Subject::Cluster, Reason::DeletionRate { most, wanted });
        }
        let mut actions = self.urgent;
        actions.append(&mut self.before);
        self.terminate.sort();
        self.terminate.dedup();
        for some in self.terminate.chunks(INSTANCES_PER_CALL_MAX) {
            let instances = some.to_vec();
            actions.push(Action::Cloud(CloudAction::TerminateInstances { instances }));
        }
        actions.append(&mut self.after);
        Plan { actions, left_out: self.left_out, ..Plan::default() }
    }
}

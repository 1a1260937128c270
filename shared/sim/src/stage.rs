//! How a run ends: the load ends, faults stop, everything goes, and then nothing changes any more (L3, L6).

use crate::workload::Lifetime;
use crate::world::{Stage, World};
use jiff::SignedDuration;
use model::name::ObjectName;
use model::pool::BudgetNodes;

/// So long after the last event and the last start of a pod that ends by itself, owners of pods that will never end,
/// or never start, are deleted: their user goes home.
const STILL_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// Everything has to be gone so long after the load. Budgets let nodes go a tenth at a time, a pass a minute: some 60
/// passes for a thousand nodes, each with its drains.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(6);
/// What is remembered may still be tidied up for so long.
const TIDY_FOR: SignedDuration = SignedDuration::from_mins(3);
/// Then nothing may change for so long.
const QUIET_FOR: SignedDuration = SignedDuration::from_mins(10);

impl World {
    /// Whether the load, and with it chance's faults, are over.
    pub(crate) fn faults_are_over(&self) -> bool {
        self.stage != Stage::Load
    }

    /// Looks once a minute how far the run is.
    pub(crate) fn advance_stage(&mut self) {
        let now = self.now();
        match self.stage {
            Stage::Load if !self.ahead.is_empty() => {}
            Stage::Load if self.pods_are_over() => {
                self.stage = Stage::Settling { since: now };
                self.faults = self.faults.stopped();
                self.ec2.zones_out.clear();
            }
            Stage::Load => self.send_home(),
            Stage::Settling { since } => self.settle(now.duration_since(since)),
            Stage::Quiet { since } => self.stay_quiet(now.duration_since(since)),
            Stage::Over => {}
        }
    }

    fn pods_are_over(&self) -> bool {
        self.owners.values().all(|owner| owner.replicas.is_empty())
            && self.store.pods.values().all(|entry| entry.daemon.is_some())
    }

    fn send_home(&mut self) {
        let is_still = STILL_AFTER <= self.now().duration_since(self.moved);
        let will_end = |name: &ObjectName| {
            let owner = self.owners.get(name);
            owner.is_some_and(|owner| owner.lifetime != Lifetime::Endless)
        };
        let mut bound = self.store.pods.values().filter(|entry| entry.pod.node.is_some());
        let some_will_end =
            bound.any(|entry| entry.replica.as_ref().is_some_and(|(name, _)| will_end(name)));
        if is_still && !some_will_end {
            let names: Vec<ObjectName> = self.owners.keys().cloned().collect();
            for name in &names {
                self.delete_owner(name);
            }
        }
    }

    fn settle(&mut self, passed: SignedDuration) {
        if !self.can_settle() {
            self.stage = Stage::Over;
        } else if self.left_over().is_none() {
            self.stage = Stage::Quiet { since: self.now() };
        } else if SETTLED_AFTER + self.longest_wait() <= passed
            && let Some(left) = self.left_over()
        {
            self.violate("L3", format!("{left} is left {} h after the load", passed.as_hours()));
        }
    }

    fn stay_quiet(&mut self, passed: SignedDuration) {
        self.count_checks(1);
        if let Some(left) = self.left_over() {
            self.violate("L6", format!("{left} has come although nothing was asked for"));
        } else if passed <= TIDY_FOR {
            self.checker.mutations.clear();
        } else if let Some(change) = self.checker.mutations.first() {
            self.violate("L6", format!("a sweep still changes something: {change}"));
        } else if TIDY_FOR + QUIET_FOR <= passed {
            self.stage = Stage::Over;
        }
    }

    /// Something that should be gone.
    fn left_over(&self) -> Option<String> {
        let instance = self.ec2.ours(&self.settings.cluster_uid).next();
        let instance = instance.map(|machine| format!("instance {}", machine.instance.id));
        let claim = || self.store.claims.keys().next().map(|name| format!("claim {name}"));
        let node = || self.store.nodes.keys().next().map(|name| format!("node {name}"));
        instance.or_else(claim).or_else(node)
    }

    /// Whether the pools let empty nodes go at all.
    fn can_settle(&self) -> bool {
        self.store.pools.iter().all(|pool| {
            let budgets = &pool.disruption.budgets;
            pool.disruption.consolidate_after.is_some()
                && pool.replicas.is_none()
                && budgets.iter().all(|budget| {
                    budget.schedule.is_none()
                        && !matches!(budget.nodes, BudgetNodes::Count(0) | BudgetNodes::Percent(0))
                })
        })
    }

    fn longest_wait(&self) -> SignedDuration {
        let waits = self.store.pools.iter().filter_map(|pool| pool.disruption.consolidate_after);
        waits.max().unwrap_or_default()
    }
}

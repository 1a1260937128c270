//! Checks once a minute over all that is there: orphans, rooms, pods that wait for too long, nodes to be cordoned.

use crate::ec2::Machine;
use crate::scheduler::asks_for_more;
use crate::world::{Happening, World};
use jiff::{SignedDuration, Timestamp};
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::instance_type::InstanceType;
use model::labels::is_well_known;
use model::name::{ClaimName, InstanceId, ObjectName};
use model::pod::Pod;
use model::pool::NodePool;
use model::requirement::Requirements;
use model::resources::Resources;
use model::taint::first_untolerated;
use std::collections::BTreeSet;

/// An instance without a claim has to be gone so soon (L2).
const ORPHAN_MAX: SignedDuration = SignedDuration::from_mins(5);
/// With crashes and outages at every turn.
const ORPHAN_MAX_HOSTILE: SignedDuration = SignedDuration::from_mins(20);
/// From a pod's verdict until a launch for it: a sweep's minute and its work (L1).
const LAUNCH_WITHIN: SignedDuration = SignedDuration::from_secs(75);
/// The same where one pass may fail.
const LAUNCH_WITHIN_WITH_FAULTS: SignedDuration = SignedDuration::from_secs(200);
/// A node that has come up may take its pods so long after.
const JUST_UP: SignedDuration = SignedDuration::from_secs(90);
/// Faults that lie further back than this excuse nothing.
const EXCUSED_FOR: SignedDuration = SignedDuration::from_mins(6);
/// From the delivery of a notice until its node is cordoned (L4).
const CORDONED_WITHIN: SignedDuration = SignedDuration::from_secs(5);
/// The same where an invocation may fail and is tried again after a minute.
const CORDONED_WITHIN_WITH_FAULTS: SignedDuration = SignedDuration::from_secs(70);
/// So many minutes of a pool's size are remembered.
const SIZES_KEPT: usize = 5;

impl World {
    /// All checks of a minute.
    pub(crate) fn sweep_checks(&mut self) {
        self.check_orphans();
        self.check_rooms();
        self.check_waiting();
        self.note_sizes();
    }

    /// I1, L2: every living instance has a claim, or is new, or goes soon.
    fn check_orphans(&mut self) {
        let now = self.now();
        let claims = &self.store.claims;
        let is_meant = |machine: &Machine| {
            let token = &machine.instance.token;
            let mut records = claims.values().filter_map(|claim| claim.launch.as_ref());
            records.any(|record| record.token == *token)
        };
        let orphans: Vec<InstanceId> = self
            .ec2
            .ours(&self.settings.cluster_uid)
            .filter(|machine| {
                !self.store.claim_of.contains_key(&machine.instance.id) && !is_meant(machine)
            })
            .map(|machine| machine.instance.id.clone())
            .collect();
        let most = if self.faults.is_hostile() { ORPHAN_MAX_HOSTILE } else { ORPHAN_MAX };
        self.count_checks(self.ec2.machines.len());
        self.checker.unclaimed.retain(|id, _| orphans.contains(id));
        for id in orphans {
            let since = *self.checker.unclaimed.entry(id.clone()).or_insert(now);
            if most < now.duration_since(since) && !self.is_excused() {
                self.violate("L2", format!("{id} has had no claim since {since}"));
            }
        }
    }

    fn check_rooms(&mut self) {
        self.count_checks(self.store.nodes.len());
        let mut nodes = self.store.nodes.iter();
        let over = nodes.find(|(_, entry)| entry.free.iter().any(|(_, units)| units < 0));
        if let Some((name, entry)) = over {
            let sentence = format!("node {name} has {} left", entry.free);
            self.violate("room", sentence);
        }
    }

    /// L1: a pod that some instance type can hold gets a launch in time.
    fn check_waiting(&mut self) {
        let now = self.now();
        let calm = self.faults.is_calm();
        let within = if calm { LAUNCH_WITHIN } else { LAUNCH_WITHIN_WITH_FAULTS };
        self.count_checks(self.store.waiting.len());
        if self.faults.is_hostile() || self.is_excused() || self.is_full() {
            return;
        }
        let waits = |name: &&ObjectName| self.store.pods[*name].pod.is_provisionable();
        let waiting: Vec<ObjectName> = self.store.waiting.iter().filter(waits).cloned().collect();
        self.checker.covered.retain(|name, _| self.store.waiting.contains(name));
        for name in waiting {
            if self.is_on_its_way(&name) {
                self.checker.covered.insert(name, now);
                continue;
            }
            let since = self.store.pods[&name].pod.unschedulable_since;
            let since = since.max(self.checker.covered.get(&name).copied()).unwrap_or(now);
            if within < now.duration_since(since) && self.is_feasible(&name) {
                self.violate("L1", format!("{name} has waited since {since}, nothing is launched"));
                return;
            }
        }
    }

    /// Whether pods may wait because of what has gone wrong lately.
    fn is_excused(&self) -> bool {
        let now = self.now();
        let lately =
            |at: Option<Timestamp>| at.is_some_and(|at| now.duration_since(at) < EXCUSED_FOR);
        lately(self.checker.last_outage) || lately(self.checker.last_refusal)
    }

    /// Whether a limit may keep pods waiting.
    fn is_full(&self) -> bool {
        let count = self.store.claims.len().max(self.ec2.ours(&self.settings.cluster_uid).count());
        u32::try_from(count).is_ok_and(|count| self.settings.nodes_max <= count)
            || self.store.pools.iter().any(|pool| pool.limits.is_some())
    }

    /// Whether an instance comes, or has just come, that could hold the pod.
    fn is_on_its_way(&self, name: &ObjectName) -> bool {
        let now = self.now();
        let pod = &self.store.pods[name].pod;
        let comes = |claim: &NodeClaim| {
            let is_new = claim
                .conditions
                .true_since(ConditionType::Initialized)
                .is_none_or(|at| now.duration_since(at) < JUST_UP);
            claim.launch.is_some()
                && claim.deleting.is_none()
                && is_new
                && (claim.allocatable.is_zero() || pod.requests.fits(&claim.allocatable))
        };
        self.store.claims.values().any(|claim| comes(claim))
    }

    fn is_feasible(&mut self, name: &ObjectName) -> bool {
        let Some((owner, _)) = self.store.pods[name].replica.clone() else { return false };
        let Some(known) = self.owners.get(&owner) else { return false };
        if let Some(feasible) = known.feasible {
            return feasible;
        }
        let feasible = self.some_type_holds(&known.template);
        if let Some(known) = self.owners.get_mut(&owner) {
            known.feasible = Some(feasible);
        }
        feasible
    }

    /// Whether a pool offers an instance type for a pod, all daemons beside it.
    fn some_type_holds(&self, pod: &Pod) -> bool {
        let mut requests: Resources = pod.requests.clone();
        for set in &self.store.daemon_sets {
            requests.add(&set.template.requests);
        }
        let open = |pool: &NodePool| {
            !pool.deleting
                && pool.replicas.is_none()
                && first_untolerated(&pool.taints, &pod.tolerations).is_none()
        };
        let holds = |pool: &NodePool, alternative: &Requirements| {
            let wanted = pool.node_requirements().intersect(alternative);
            let types = self.types.get(&pool.node_class);
            knows_labels(pool, alternative)
                && wanted.iter().all(|(_, requirement)| !requirement.is_impossible())
                && types
                    .iter()
                    .flat_map(|types| types.iter())
                    .any(|t| holds_on(t, &wanted, &requests))
        };
        let alternatives = pod.node_alternatives();
        !asks_for_more(pod)
            && self.store.pools.iter().any(|pool| {
                open(pool) && alternatives.iter().any(|alternative| holds(pool, alternative))
            })
    }

    /// Looks at a warned instance's node once its notice has been delivered and there was time to act.
    pub(crate) fn demand_cordon(&mut self, id: &InstanceId, delivered_after: SignedDuration) {
        let calm = self.faults.is_calm();
        let within = if calm { CORDONED_WITHIN } else { CORDONED_WITHIN_WITH_FAULTS };
        self.after(delivered_after + within, Happening::MustBeCordoned(id.clone()));
    }

    /// L4: a warned instance's node is cordoned.
    pub(crate) fn check_cordoned(&mut self, id: &InstanceId) {
        if self.faults.is_hostile() || self.is_excused() || self.ec2.living(id).is_none() {
            return;
        }
        let node = self.ec2.node_of(id).and_then(|name| self.store.nodes.get(&name));
        let open = node.is_some_and(|entry| {
            entry.owner.is_some() && !entry.node.is_disrupted() && !entry.node.cordoned
        });
        self.demand("L4", !open, || format!("{id} was warned and its node is not cordoned"));
    }

    fn note_sizes(&mut self) {
        for pool in &self.store.pools {
            let claims = self.store.claims.values();
            let size = claims.filter(|claim| claim.spec.pool.as_ref() == Some(&pool.name)).count();
            let sizes = self.checker.pool_sizes.entry(pool.name.clone()).or_default();
            sizes.push(size);
            if SIZES_KEPT < sizes.len() {
                sizes.remove(0);
            }
        }
        let claims = &self.store.claims;
        let waits: BTreeSet<&ClaimName> =
            claims.values().flat_map(|claim| &claim.replaced_by).collect();
        self.checker.initialized.retain(|name| claims.contains_key(name) || waits.contains(name));
    }

    /// A pod has come to run: what was launched for it helped.
    pub(crate) fn note_productive(&mut self, name: &ObjectName) {
        if let Some(entry) = self.store.pods.get(name) {
            self.checker.launches_for.remove(&entry.pod.short_id());
        }
    }
}

/// Labels that the pod asks for and nobody defines must be allowed to be absent.
fn knows_labels(pool: &NodePool, alternative: &Requirements) -> bool {
    let defined = pool.node_requirements();
    alternative.iter().all(|(key, requirement)| {
        requirement.admits_absence() || is_well_known(key) || defined.get(key).is_some()
    })
}

fn holds_on(instance_type: &InstanceType, wanted: &Requirements, requests: &Resources) -> bool {
    requests.fits(&instance_type.allocatable)
        && instance_type.admitted_by(wanted)
        && instance_type.offerings.iter().any(|o| o.available && o.admitted_by(wanted))
}

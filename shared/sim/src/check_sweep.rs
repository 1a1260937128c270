//! Checks once a minute over all that is there: orphans, rooms, nodes to be cordoned.

use crate::ec2::Machine;
use crate::world::{Happening, World};
use jiff::{SignedDuration, Timestamp};
use model::name::{ClaimName, InstanceId, ObjectName};
use std::collections::BTreeSet;

/// An instance without a claim has to be gone so soon (L2).
const ORPHAN_MAX: SignedDuration = SignedDuration::from_mins(5);
/// With crashes and outages at every turn.
const ORPHAN_MAX_HOSTILE: SignedDuration = SignedDuration::from_mins(20);
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
        let pods = self.store.pods.values().map(|entry| &*entry.pod);
        debug_assert!(self.store.neighbours.agree_with(pods), "pods are counted wrongly");
    }

    /// Whether what has gone wrong lately may be the cause.
    pub(crate) fn is_excused(&self) -> bool {
        let now = self.now();
        let lately =
            |at: Option<Timestamp>| at.is_some_and(|at| now.duration_since(at) < EXCUSED_FOR);
        lately(self.checker.last_outage) || lately(self.checker.last_refusal)
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

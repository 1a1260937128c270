//! Checks on pods that wait: something is launched for each that a new node could take, and a node that has come up takes
//! the pods that it was made for.

use crate::scheduler::predicates::{Refusal, asks_for_more, refusal};
use crate::scheduler::ties::Ties;
use crate::store::NodeEntry;
use crate::world::{Happening, World};
use jiff::SignedDuration;
use model::claim::NodeClaim;
use model::condition::ConditionType;
use model::instance_type::{CapacityType, InstanceType, Offering};
use model::labels::{self, Labels, is_well_known};
use model::name::{ClaimName, ObjectName, Zone};
use model::pod::Pod;
use model::pool::NodePool;
use model::requirement::Requirements;
use model::resources::Resources;
use model::taint::first_untolerated;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// From a pod's verdict until a launch for it: a sweep's minute and its work (L1).
const LAUNCH_WITHIN: SignedDuration = SignedDuration::from_secs(75);
/// The same where one pass may fail.
const LAUNCH_WITHIN_WITH_FAULTS: SignedDuration = SignedDuration::from_secs(200);
/// A node that has come up may take its pods so long after. The scheduler looks within a second.
const JUST_UP: SignedDuration = SignedDuration::from_secs(90);
/// From a node's initialization until the pods that it was made for are bound.
const BOUND_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// How a node of a pool can be bought: the pool's place, zone and capacity type.
type Way = (usize, Zone, CapacityType);

impl World {
    /// L1: a pod that some instance type can hold gets a launch in time.
    pub(crate) fn check_waiting(&mut self) {
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
        let mut kept_away = BTreeMap::new();
        for name in waiting {
            if self.is_on_its_way(&name) || self.is_kept_away(&name, &mut kept_away) {
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

    /// Whether a new node could not take the pod now because of where others are; worked out once for the replicas of an
    /// owner.
    fn is_kept_away(&mut self, name: &ObjectName, known: &mut BTreeMap<ObjectName, bool>) -> bool {
        let entry = &self.store.pods[name];
        let Some((owner, _)) = entry.replica.clone() else { return false };
        let pod = Arc::clone(&entry.pod);
        let ties = Ties::of(&mut self.store, &pod);
        if ties.are_none() {
            return false;
        }
        let would_do = |way: &Way| {
            let labels = self.labels_of(way);
            // What ties ask of labels that differ between instance types is not followed.
            let is_known = ties.keys().into_iter().all(|key| labels.contains_key(key));
            is_known && ties.clone().with_node(&labels).refusal(&labels).is_none()
        };
        *known.entry(owner).or_insert_with(|| !self.ways(&pod).iter().any(would_do))
    }

    fn is_feasible(&mut self, name: &ObjectName) -> bool {
        let Some((owner, _)) = self.store.pods[name].replica.clone() else { return false };
        let Some(known) = self.owners.get(&owner) else { return false };
        if let Some(feasible) = known.feasible {
            return feasible;
        }
        let feasible = !asks_for_more(&known.template) && !self.ways(&known.template).is_empty();
        if let Some(known) = self.owners.get_mut(&owner) {
            known.feasible = Some(feasible);
        }
        feasible
    }

    /// How nodes can be bought that hold a pod, all daemons beside it.
    fn ways(&self, pod: &Pod) -> BTreeSet<Way> {
        let mut requests: Resources = pod.requests.clone();
        for set in &self.store.daemon_sets {
            requests.add(&set.template.requests);
        }
        let open = |pool: &NodePool| {
            !pool.deleting
                && pool.replicas.is_none()
                && first_untolerated(&pool.taints, &pod.tolerations).is_none()
        };
        let mut ways = BTreeSet::new();
        let pools = self.store.pools.iter().enumerate().filter(|(_, pool)| open(pool));
        for (place, pool) in pools {
            for alternative in &pod.node_alternatives() {
                let wanted = pool.node_requirements().intersect(alternative);
                let is_possible = wanted.iter().all(|(_, values)| !values.is_impossible());
                if !is_possible || !knows_labels(pool, alternative) {
                    continue;
                }
                let types = self.types.get(&pool.node_class).into_iter().flat_map(|all| all.iter());
                let bought = types.flat_map(|of| offerings(of, &wanted, &requests));
                ways.extend(bought.map(|o| (place, o.zone.clone(), o.capacity_type)));
            }
        }
        ways
    }

    /// The labels of a node that is bought so, but for those of its instance type.
    fn labels_of(&self, (place, zone, capacity_type): &Way) -> Labels {
        let pool = &self.store.pools[*place];
        let mut all = pool.labels.clone();
        let mut set = |key: &str, value: &str| all.insert(key.into(), value.into());
        set(labels::NODEPOOL, &pool.name);
        set(labels::ZONE, zone);
        set(labels::CAPACITY_TYPE, capacity_type.as_str());
        set(labels::HOSTNAME, "a new node");
        all
    }

    /// A node has come up for its claim: looks at it again when its pods have to be bound.
    pub(crate) fn demand_bound(&mut self, claim: &ClaimName) {
        self.after(BOUND_WITHIN, Happening::MustHaveItsPods(claim.clone()));
    }

    /// A node that is up has the pods that it was made for, if no others have come in their place. Where those that wait are
    /// tied to others, the others may have come first elsewhere.
    pub(crate) fn check_has_its_pods(&mut self, claim: &ClaimName) {
        let Some(claim) = self.store.claims.get(claim).map(Arc::clone) else { return };
        let Some(entry) = self.open_node_of(&claim) else { return };
        let is_meant = |pod: &Pod| claim.spec.nominated.contains(&pod.short_id());
        let mut present = entry.pods.iter().map(|name| &self.store.pods[name]);
        if present.any(|other| other.daemon.is_none() && !is_meant(&other.pod)) {
            return;
        }
        let waiting = self.store.waiting.iter().map(|name| Arc::clone(&self.store.pods[name].pod));
        let waiting: Vec<Arc<Pod>> = waiting.filter(|pod| is_meant(pod)).collect();
        let name = entry.node.name.clone();
        for pod in waiting {
            let ties = Ties::of(&mut self.store, &pod);
            let why = refusal(&self.store, &self.store.nodes[&name], &pod, &ties);
            let is_tied =
                matches!(why, Some(Refusal::Spread | Refusal::Affinity | Refusal::AntiAffinity));
            self.demand("planned", is_tied || asks_for_more(&pod), || {
                let why = why.map_or("nothing".to_owned(), |why| why.to_string());
                format!("{} was meant for {name} and waits; in its way is {why}", pod.name)
            });
        }
    }

    /// The node of a claim, if it takes pods and is to stay.
    fn open_node_of(&self, claim: &NodeClaim) -> Option<&NodeEntry> {
        let entry = self.store.nodes.get(claim.node.as_ref()?)?;
        let stays = !entry.lost && !entry.goes && entry.node.ready && !entry.node.cordoned;
        (stays && claim.replaced_by.is_empty()).then_some(entry)
    }
}

/// Labels that the pod asks for and nobody defines must be allowed to be absent.
fn knows_labels(pool: &NodePool, alternative: &Requirements) -> bool {
    let defined = pool.node_requirements();
    alternative.iter().all(|(key, requirement)| {
        requirement.admits_absence() || is_well_known(key) || defined.get(key).is_some()
    })
}

/// The offerings of a type that holds the requests.
fn offerings<'t>(
    instance_type: &'t InstanceType,
    wanted: &'t Requirements,
    requests: &Resources,
) -> impl Iterator<Item = &'t Offering> {
    let holds = requests.fits(&instance_type.allocatable) && instance_type.admitted_by(wanted);
    let offerings = instance_type.offerings.iter().filter(move |_| holds);
    offerings.filter(|offering| offering.available && offering.admitted_by(wanted))
}

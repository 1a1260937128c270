//! Whether nodes still are what their NodePool and EC2NodeClass ask for, under Karpenter's reasons.
//!
//! What is found is written into the cluster, as the condition `Drifted`; only a later pass, which reads it there, acts on it.

use super::Sweep;
use super::candidates::pool_of;
use super::commands::update;
use crate::scheduling::rooms::is_going;
use jiff::{SignedDuration, Timestamp};
use model::action::ClaimChange;
use model::claim::NodeClaim;
use model::condition::{ConditionType, Status};
use model::instance_types::InstanceTypes;
use model::labels::{Labels, is_well_known};
use model::name::{ClaimName, PoolName, SubnetId};
use model::node_class::NodeClass;
use model::pool::NodePool;
use model::reason::{Reason, Subject};
use model::snapshot::Snapshot;
use model::stamp::{Stamp, Stamps};
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many claims are marked or stamped in one pass at most: after a move from Karpenter every claim is stamped anew. Twenty
/// calls at a time take some 5 ms each, so these are done in about a second, and the next pass goes on.
const CHANGES_MAX: usize = 1000;

/// An instance type that is not among those of the class condemns no node that is younger (Karpenter 1.14): the list may be
/// older than the node.
const TYPE_MISSED_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// The label of an instance that came from a reservation.
const RESERVATION: &str = "karpenter.k8s.aws/capacity-reservation-id";

/// What is to be said of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing.
    Same,
    /// What has been said stays: its stamps are of another form and can no longer be compared.
    Unknown,
    /// Nothing, but its stamps are of another form, or missing: it gets these. So nothing drifts when a cluster moves here from
    /// Karpenter, or when the form of our own hashes changes.
    Restamp(Stamps),
    /// It has drifted, for this reason.
    Drifted(&'static str),
}

/// What a pool's nodes should be.
struct Wanted<'a> {
    pool: &'a NodePool,
    class: Option<&'a NodeClass>,
    types: Option<&'a InstanceTypes>,
    stamps: Stamps,
}

/// A claim that an earlier pass has said to have drifted, and that still has.
#[derive(Clone, Copy)]
pub(super) struct Drifted<'a> {
    pub(super) claim: &'a Arc<NodeClaim>,
    pub(super) pool: &'a Arc<NodePool>,
    pub(super) since: Timestamp,
}

/// Compares claims with what they should be.
struct Judge<'a> {
    snapshot: &'a Snapshot,
    now: Timestamp,
    /// By pool, once it was looked for.
    wanted: BTreeMap<&'a PoolName, Wanted<'a>>,
}

/// The claims that no longer are what their NodePool and EC2NodeClass ask for, with Karpenter's reason, whether or not it
/// stands in the cluster already.
pub fn drifted(snapshot: &Snapshot, now: Timestamp) -> BTreeMap<ClaimName, &'static str> {
    let mut judge = Judge::of(snapshot, now);
    let claims = judged(snapshot);
    let reasons = claims.filter_map(|claim| match judge.judge(claim)? {
        (_, Verdict::Drifted(reason)) => Some((claim.name.clone(), reason)),
        (_, Verdict::Same | Verdict::Unknown | Verdict::Restamp(_)) => None,
    });
    reasons.collect()
}

/// Claims that can have drifted: those that have an instance and are to keep it.
fn judged(snapshot: &Snapshot) -> impl Iterator<Item = &Arc<NodeClaim>> {
    snapshot.cluster.claims.iter().filter(|claim| claim.is_launched() && !is_going(claim))
}

/// Says of every claim whether it has drifted. Returns those of which that was said before, longest ago first.
pub(super) fn mark<'a>(sweep: &mut Sweep<'a, '_>) -> Vec<Drifted<'a>> {
    let mut judge = Judge::of(sweep.snapshot, sweep.now);
    let (mut changes, mut drifted) = (0, Vec::new());
    for claim in judged(sweep.snapshot) {
        let Some((pool, verdict)) = judge.judge(claim) else { continue };
        let since = claim.conditions.true_since(ConditionType::Drifted);
        if let Some(since) = since
            && matches!(verdict, Verdict::Drifted(_) | Verdict::Unknown)
        {
            drifted.push(Drifted { claim, pool, since });
        }
        let Some(change) = change(claim, verdict) else { continue };
        changes += 1;
        if changes <= CHANGES_MAX {
            sweep.push(update(claim, change));
        }
    }
    if CHANGES_MAX < changes {
        sweep.plan.leave_out(Subject::Cluster, Reason::PassFull { most: CHANGES_MAX });
    }
    drifted.sort_by_key(|one| (one.since, &one.claim.name));
    drifted
}

impl<'a> Judge<'a> {
    fn of(snapshot: &'a Snapshot, now: Timestamp) -> Self {
        Self { snapshot, now, wanted: BTreeMap::new() }
    }

    /// A claim's pool and the verdict on it; nothing where it has lost its pool, as it goes with that.
    fn judge(&mut self, claim: &NodeClaim) -> Option<(&'a Arc<NodePool>, Verdict)> {
        let Self { snapshot, now, wanted } = self;
        let pool = pool_of(snapshot, claim)?;
        let wanted = wanted.entry(&pool.name).or_insert_with(|| {
            let class = snapshot.cluster.node_class(&pool.node_class).map(|class| &**class);
            let types = snapshot.instance_types.get(&pool.node_class).map(|types| &**types);
            Wanted { pool, class, types, stamps: Stamps::of(pool, class) }
        });
        Some((pool, wanted.judge(claim, *now)))
    }
}

/// What has to be written for a verdict, if it does not stand there.
fn change(claim: &NodeClaim, verdict: Verdict) -> Option<ClaimChange> {
    let present = claim.conditions.get(ConditionType::Drifted);
    let kind = ConditionType::Drifted;
    match verdict {
        Verdict::Unknown => None,
        Verdict::Restamp(stamps) => Some(ClaimChange::Stamped(stamps)),
        Verdict::Same => present.is_some().then(|| ClaimChange::Condition {
            kind,
            status: None,
            reason: String::new(),
            message: String::new(),
        }),
        Verdict::Drifted(reason) => {
            let is_said = present.is_some_and(|c| c.status == Status::True && c.reason == reason);
            (!is_said).then(|| ClaimChange::Condition {
                kind,
                status: Some(Status::True),
                reason: reason.to_owned(),
                message: reason.to_owned(),
            })
        }
    }
}

impl Wanted<'_> {
    /// Compares a claim with what it should be: the pool first, then what can be had, then the class. What the class selects
    /// is looked at before its hash, since it says better what is wrong.
    fn judge(&self, claim: &NodeClaim, now: Timestamp) -> Verdict {
        let Stamps { pool, class, security_groups } = &claim.stamps;
        let differs = |of_claim: &Option<Stamp>, now: &Option<Stamp>| {
            let both = of_claim.as_ref().zip(now.as_ref());
            both.filter(|(old, now)| old.is_comparable(now)).map(|(old, now)| old.hash != now.hash)
        };
        let (of_pool, of_class) =
            (differs(pool, &self.stamps.pool), differs(class, &self.stamps.class));
        if of_pool == Some(true) {
            return Verdict::Drifted("NodePoolDrifted");
        }
        if breaks_requirements(self.pool, &claim.labels) {
            return Verdict::Drifted("RequirementsDrifted");
        }
        if self.misses_type_of(claim, now) {
            return Verdict::Drifted("InstanceTypeNotFound");
        }
        if let Some(reason) = self.class.and_then(|class| selected_no_more(class, claim)) {
            return Verdict::Drifted(reason);
        }
        if of_class == Some(true) {
            return Verdict::Drifted("NodeClassDrift");
        }
        let groups = &self.stamps.security_groups;
        let lacks_class = of_class.is_none() && self.stamps.class.is_some();
        let lacks_groups = security_groups.is_empty() && !groups.is_empty();
        if of_pool.is_some() && !lacks_class && !lacks_groups {
            return Verdict::Same;
        }
        if claim.conditions.is_true(ConditionType::Drifted) {
            return Verdict::Unknown;
        }
        // Of a class that cannot be seen what is there stays.
        let Stamps { pool, class: new, security_groups: found } = self.stamps.clone();
        let security_groups = if lacks_groups { found } else { security_groups.clone() };
        Verdict::Restamp(Stamps { pool, class: new.or_else(|| class.clone()), security_groups })
    }

    fn misses_type_of(&self, claim: &NodeClaim, now: Timestamp) -> bool {
        let (Some(types), Some(name)) = (self.types, claim.instance_type()) else { return false };
        // A list without anything is no evidence.
        TYPE_MISSED_AFTER <= now.duration_since(claim.created)
            && 0 < types.markets()
            && types.named(&name).is_none()
    }
}

/// Whether a node's labels are not what its pool requires. A label that new nodes would lack as well says nothing: they would
/// drift for ever.
fn breaks_requirements(pool: &NodePool, labels: &Labels) -> bool {
    pool.requirements.iter().any(|(key, requirement)| match labels.get(key) {
        Some(value) => !requirement.admits(value),
        None => {
            !requirement.admits_absence() && !is_well_known(key) && requirement.example().is_some()
        }
    })
}

/// What a claim was launched from and its class selects no more. A class that has found nothing of a kind is not ready, and
/// condemns no node.
fn selected_no_more(class: &NodeClass, claim: &NodeClaim) -> Option<&'static str> {
    let status = &class.template.status;
    let has_images = !class.images.is_empty() || !status.amis.is_empty();
    if has_images && claim.image.as_ref().is_some_and(|image| !class.has_image(image)) {
        return Some("AMIDrift");
    }
    let subnet = claim.launch.as_ref().map(|record| &record.subnet);
    let has_subnet = |id: &SubnetId| class.subnets.iter().any(|subnet| subnet.id == *id);
    if !class.subnets.is_empty() && subnet.is_some_and(|id| !has_subnet(id)) {
        return Some("SubnetDrift");
    }
    let mut groups: Vec<&str> = status.security_groups.iter().map(|group| &*group.id).collect();
    groups.sort_unstable();
    let of_claim = &claim.stamps.security_groups;
    let has_both = !groups.is_empty() && !of_claim.is_empty();
    if has_both && !of_claim.iter().map(|id| &**id).eq(groups) {
        return Some("SecurityGroupDrift");
    }
    // Reservations end, all of a class' perhaps; it is ready without any.
    let reservation = claim.labels.get(RESERVATION).filter(|_| class.ready)?;
    let mut known = status.capacity_reservations.iter();
    (!known.any(|known| known.id == *reservation)).then_some("CapacityReservationDrift")
}

//! Instances whose launch was never written down: found by the token of the call that made them (D4).

use super::world::World;
use model::action::ClaimChange;
use model::claim::NodeClaim;
use model::labels::{self, Labels};
use model::snapshot::Instance;

/// The instance that a claim's record stands for.
///
/// A call's instances belong to its claims by index, in the order of the instances' ids, so all must be in sight: with
/// one missing, the rest would be taken for their neighbours.
pub(super) fn instance_for<'a>(world: &World<'a>, claim: &NodeClaim) -> Option<&'a Instance> {
    let record = claim.launch.as_ref()?;
    let made = world.instances_of(&record.token);
    let all_in_sight = u32::try_from(made.len()) == Ok(record.count);
    let instance = made.get(usize::try_from(record.index).ok()?).copied();
    instance.filter(|instance| all_in_sight && !instance.state.is_gone())
}

/// What is written on a claim that takes an instance for its own; none while its instance type is not in the snapshot.
pub(super) fn launched(
    world: &World<'_>,
    claim: &NodeClaim,
    instance: &Instance,
) -> Option<ClaimChange> {
    let class = &claim.spec.node_class;
    let instance_type = world.snapshot.instance_type(class, &instance.instance_type)?;
    let mut all = instance_type.labels.clone();
    all.extend(labels_of(instance));
    let offering = instance_type.offering(&instance.zone, instance.capacity_type);
    if let Some(zone_id) = offering.and_then(|offering| offering.zone_id.clone()) {
        all.insert(labels::ZONE_ID.into(), zone_id);
    }
    Some(ClaimChange::Launched {
        instance: instance.id.clone(),
        image: instance.image.clone(),
        labels: all,
        capacity: instance_type.capacity.clone(),
        allocatable: instance_type.allocatable.clone(),
    })
}

/// The same for a claim that goes anyway: what its node would have had does not matter any more.
pub(super) fn launched_to_go(claim: &NodeClaim, instance: &Instance) -> ClaimChange {
    ClaimChange::Launched {
        instance: instance.id.clone(),
        image: instance.image.clone(),
        labels: labels_of(instance),
        capacity: claim.capacity.clone(),
        allocatable: claim.allocatable.clone(),
    }
}

fn labels_of(instance: &Instance) -> Labels {
    Labels::from([
        (labels::INSTANCE_TYPE.into(), instance.instance_type.text()),
        (labels::ZONE.into(), instance.zone.text()),
        (labels::CAPACITY_TYPE.into(), instance.capacity_type.as_str().into()),
    ])
}

//! Launches that were begun: instances are adopted, calls repeated to the letter, claims without a call launched (D3, D4).

use super::launches::{LAUNCH_GROUP_MAX, LAUNCHES_PER_PLAN_MAX};
use crate::scheduling::amounts::Columns;
use crate::scheduling::claims::launch_taints;
use crate::scheduling::daemons::Daemons;
use crate::scheduling::pools::usable_class;
use crate::scheduling::profiles::Profiles;
use crate::scheduling::ranking::{Ranking, Subject, node_labels, rank};
use crate::scheduling::stock::{Stock, Survey};
use jiff::{SignedDuration, Timestamp};
use model::action::{
    Action, Choice, ClaimChange, ClaimToLaunch, ClusterAction, DeleteReason, Launch,
};
use model::claim::{LaunchRecord, NodeClaim};
use model::instance_type::OfferingKey;
use model::name::{ClaimName, ClientToken};
use model::plan::Plan;
use model::reason::{Reason, Subject as About};
use model::snapshot::{Instance, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So long whoever wrote a claim or a record is left to go on: RunInstances answers within two seconds, and up to forty
/// launches wait for their turn at two calls a second.
const GRACE: SignedDuration = SignedDuration::from_secs(20);

/// So long a call may be repeated under its token. EC2 keeps tokens for longer, but by then an instance of it, if there
/// was one, has shown itself.
const REPLAY_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// Claims that are launched by one call.
type Group<'a> = Vec<&'a Arc<NodeClaim>>;

/// Carries on what was begun. Returns the claims that are given up.
pub(super) fn resume<'a>(
    snapshot: &'a Snapshot,
    now: Timestamp,
    plan: &mut Plan,
) -> BTreeSet<&'a ClaimName> {
    let mut dropped = BTreeSet::new();
    let mut replays: BTreeMap<&ClientToken, Group<'a>> = BTreeMap::new();
    let mut afresh: Vec<Group<'a>> = Vec::new();
    let claims = snapshot.cluster.claims.iter();
    for claim in claims.filter(|claim| !claim.is_launched() && claim.deleting.is_none()) {
        match next_step(snapshot, claim, now) {
            Step::Adopt(instance) => plan.actions.push(adopt(snapshot, claim, instance)),
            Step::Replay(record) => replays.entry(&record.token).or_default().push(claim),
            Step::Launch => match afresh.iter_mut().find(|group| are_alike(group[0], claim)) {
                Some(group) => group.push(claim),
                None => afresh.push(vec![claim]),
            },
            Step::Wait => {
                let on = "the call that was just begun for it".into();
                plan.leave_out(About::Claim(claim.name.clone()), Reason::Waiting { on });
            }
        }
    }
    let replays = replays.into_values().map(|group| {
        let record = group[0].launch.clone();
        (group, record)
    });
    let chunks = afresh.iter().flat_map(|group| group.chunks(LAUNCH_GROUP_MAX));
    let afresh = chunks.map(|group| (group.to_vec(), None));
    for (group, record) in replays.chain(afresh).collect::<Vec<_>>() {
        if LAUNCHES_PER_PLAN_MAX <= plan.launches().count() {
            let reason = Reason::PassFull { most: LAUNCHES_PER_PLAN_MAX };
            for claim in group {
                plan.leave_out(About::Claim(claim.name.clone()), reason.clone());
            }
            continue;
        }
        match launch(snapshot, &group, record, now) {
            Ok(launch) => plan.actions.push(Action::Launch(launch)),
            Err(reason) => {
                for claim in group {
                    dropped.insert(&claim.name);
                    plan.actions.push(delete(claim, reason));
                }
            }
        }
    }
    dropped
}

/// What comes next for a claim without an instance.
enum Step<'a> {
    Adopt(&'a Instance),
    Replay(&'a LaunchRecord),
    Launch,
    Wait,
}

fn next_step<'a>(snapshot: &'a Snapshot, claim: &'a NodeClaim, now: Timestamp) -> Step<'a> {
    let Some(record) = &claim.launch else {
        // No one else writes records on claims that consolidation made.
        let is_left = claim.is_reserved() || GRACE <= now.duration_since(claim.created);
        return if is_left { Step::Launch } else { Step::Wait };
    };
    let age = now.duration_since(record.at);
    match instance_of(snapshot, record) {
        Some(instance) if instance.state.is_gone() => Step::Launch,
        Some(instance) => Step::Adopt(instance),
        None if age < GRACE => Step::Wait,
        None if age < REPLAY_WITHIN => Step::Replay(record),
        None => Step::Launch,
    }
}

/// The instance that a record stands for: of those with its token, in the order of their ids, the one at its index.
///
/// All of the call's instances must be in sight: with one missing, the rest would be taken for their neighbours.
fn instance_of<'a>(snapshot: &'a Snapshot, record: &LaunchRecord) -> Option<&'a Instance> {
    let all = snapshot.instances.as_ref()?;
    let all = all.iter().map(|instance| &**instance);
    let mut same: Vec<&Instance> = all.filter(|i| i.token == record.token).collect();
    if u32::try_from(same.len()) != Ok(record.count) {
        return None;
    }
    same.sort_by(|a, b| a.id.cmp(&b.id));
    let index = usize::try_from(record.index).ok()?;
    same.get(index).copied()
}

fn adopt(snapshot: &Snapshot, claim: &NodeClaim, instance: &Instance) -> Action {
    let offering = OfferingKey {
        instance_type: instance.instance_type.clone(),
        zone: instance.zone.clone(),
        capacity_type: instance.capacity_type,
    };
    let it = snapshot.instance_type(&claim.spec.node_class, &instance.instance_type);
    let offered = it.and_then(|it| it.offering(&instance.zone, instance.capacity_type));
    let zone_id = offered.and_then(|offering| offering.zone_id.as_ref());
    Action::Cluster(ClusterAction::UpdateClaim {
        claim: claim.name.clone(),
        uid: claim.uid.clone(),
        resource_version: Some(claim.resource_version),
        change: ClaimChange::Launched {
            instance: instance.id.clone(),
            image: instance.image.clone(),
            labels: node_labels(&claim.labels, it, &offering, zone_id),
            capacity: it.map(|it| it.capacity.clone()).unwrap_or_default(),
            allocatable: it.map(|it| it.allocatable.clone()).unwrap_or_default(),
        },
    })
}

fn delete(claim: &NodeClaim, reason: DeleteReason) -> Action {
    let (claim, uid) = (claim.name.clone(), claim.uid.clone());
    Action::Cluster(ClusterAction::DeleteClaim { claim, uid, reason })
}

/// Whether two claims can be launched by one call.
fn are_alike(a: &NodeClaim, b: &NodeClaim) -> bool {
    (&a.spec.pool, &a.spec.node_class, &a.labels, &a.spec.requirements, &a.spec.requests)
        == (&b.spec.pool, &b.spec.node_class, &b.labels, &b.spec.requirements, &b.spec.requests)
        && (&a.spec.taints, &a.spec.startup_taints) == (&b.spec.taints, &b.spec.startup_taints)
}

/// The launch of claims that exist, or why they are given up.
fn launch(
    snapshot: &Snapshot,
    group: &Group<'_>,
    replay: Option<LaunchRecord>,
    now: Timestamp,
) -> Result<Launch, DeleteReason> {
    let claim = group[0];
    let class = usable_class(snapshot, &claim.spec.node_class)
        .map_err(|_| DeleteReason::NodeclassNotReady)?;
    let columns = Columns::of(std::iter::once(&claim.spec.requests));
    let used = columns.row(&claim.spec.requests);
    let survey = Survey::new(snapshot, columns, now);
    let requirements = claim.spec.requirements.clone();
    let stock = Stock::gather(&survey, class, requirements, Daemons::default());
    let profiles = Profiles::of(&stock);
    let profile = profiles.get(0);
    let subject = Subject { stock: &stock, profile, used: &used, labels: &claim.labels };
    let Ranking { mut choices, .. } = rank(subject, |_| true);
    if let Some(record) = &replay {
        // The call is only the same with the labels of what was asked for, refused meanwhile or not.
        if !choices.iter().any(|choice| choice.offering == record.offering) {
            choices.extend(recorded(snapshot, claim, record));
        }
    } else if choices.is_empty() {
        return Err(DeleteReason::InsufficientCapacity);
    }
    let claims = group.iter().map(|claim| ClaimToLaunch::Existing {
        name: claim.name.clone(),
        uid: claim.uid.clone(),
        resource_version: claim.resource_version,
        attempts: claim.launch.as_ref().map_or(0, |record| record.attempt),
    });
    Ok(Launch {
        claims: claims.collect(),
        pool: claim.spec.pool.clone(),
        node_class: claim.spec.node_class.clone(),
        taints: launch_taints(&claim.spec.taints, &claim.spec.startup_taints),
        choices,
        replay,
    })
}

/// What a record asked for, as a choice.
fn recorded(snapshot: &Snapshot, claim: &NodeClaim, record: &LaunchRecord) -> Option<Choice> {
    let OfferingKey { instance_type, zone, capacity_type } = &record.offering;
    let it = snapshot.instance_type(&claim.spec.node_class, instance_type)?;
    let offering = it.offering(zone, *capacity_type)?;
    Some(Choice {
        offering: record.offering.clone(),
        price: offering.price,
        subnet: record.subnet.clone(),
        image: record.image.clone(),
        labels: node_labels(&claim.labels, Some(it), &record.offering, offering.zone_id.as_ref()),
        capacity: it.capacity.clone(),
        allocatable: it.allocatable.clone(),
    })
}

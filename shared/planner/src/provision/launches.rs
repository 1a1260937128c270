//! New nodes: pools in order, bins to claims, claims that are alike to one launch.

use super::opening::{Field, Opening, Queued};
use super::waiting::Waiting;
use crate::scheduling::amounts::whole;
use crate::scheduling::claims::{Draft, labels_of, launch_taints, name_for, new_claim};
use crate::scheduling::classes::Class;
use crate::scheduling::pack::Bin;
use crate::scheduling::ranking::{Ranking, Subject, rank};
use crate::scheduling::stock::Survey;
use crate::scheduling::volumes::without_attachable;
use model::action::{Action, ClaimToLaunch, Launch, NewClaim};
use model::labels::Labels;
use model::name::{ClaimName, ObjectName};
use model::plan::{Plan, Target};
use model::pod::Pod;
use model::reason::Reason;
use model::snapshot::Scope;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Twenty instances in one call: EC2 places all or none of them, and larger groups find less capacity; the claims' write
/// calls before and after are then of the same order as the call itself.
pub(super) const LAUNCH_GROUP_MAX: usize = 20;

/// Forty calls: the bucket of RunInstances holds 5 and refills at 2 a second, so that one pass needs at most 20 s.
pub(super) const LAUNCHES_PER_PLAN_MAX: usize = 40;

/// A bin and its pods, by name.
type Filled<'a> = (Bin, Vec<&'a Arc<Pod>>);

/// What was packed: classes, the pods of each in the order in which bins take them, and pods that are not to come.
type Packed<'p, 'a> = (&'p [Class<'a>], &'p mut [VecDeque<Queued<'a>>], &'p BTreeSet<ObjectName>);

/// Bins that are ranked alike.
struct Group<'a> {
    ranking: Ranking<'a>,
    labels: Labels,
    bins: Vec<Filled<'a>>,
}

/// Launches all that was opened.
pub(super) fn launch<'a>(
    survey: &Survey<'a>,
    mut opening: Opening<'_, 'a>,
    waiting: &mut Waiting<'a>,
    plan: &mut Plan,
) {
    let claims = survey.snapshot.cluster.claims.iter();
    let mut taken: BTreeSet<ClaimName> = claims.map(|claim| claim.name.clone()).collect();
    let mut queues = std::mem::take(&mut opening.queues);
    for field in &mut opening.fields {
        let bins = std::mem::take(&mut field.bins);
        let packed = (&*opening.classes, &mut *queues, &opening.dropped);
        for group in rank_bins(field, bins, packed) {
            for bins in group.bins.chunks(LAUNCH_GROUP_MAX) {
                launch_group(
                    survey,
                    (field, &opening.classes),
                    (&group, bins),
                    (waiting, &mut taken),
                    plan,
                );
            }
        }
    }
}

/// Gives the bins their pods and ranks what each can be launched as, once for bins that are alike.
fn rank_bins<'a>(
    field: &Field<'_, 'a>,
    bins: Vec<Bin>,
    (classes, queues, dropped): Packed<'_, 'a>,
) -> Vec<Group<'a>> {
    let Field { pool, profiles, allowance, .. } = field;
    let bin_count = whole(bins.len()).max(1);
    let mut places: BTreeMap<(usize, usize, Vec<i64>), usize> = BTreeMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for bin in bins {
        let used = bin.used(classes);
        let mut pods = Vec::new();
        for (class, count) in &bin.contents {
            let count = usize::try_from(*count).expect("a count is not negative");
            let taken = queues[*class].drain(..count).map(|(pod, ..)| pod);
            pods.extend(taken.filter(|pod| !dropped.contains(&pod.name)));
        }
        if pods.is_empty() {
            continue;
        }
        pods.sort_by(|a, b| a.name.cmp(&b.name));
        let key = (bin.profile, bin.shape, used);
        if let Some(group) = places.get(&key) {
            groups[*group].bins.push((bin, pods));
            continue;
        }
        let profile = profiles.get(bin.profile);
        let labels = labels_of(pool, &profile.requirements);
        let stock = profiles.stock;
        // Whatever is launched in the end, the limits hold: each node may be larger by its part of what is left.
        let counted = &stock.shapes[bin.shape].instance_type.capacity;
        let ranking = rank(Subject { stock, profile, used: &key.2, labels: &labels }, |other| {
            let other = &stock.shapes[other].instance_type.capacity;
            allowance.limited().all(|resource| {
                let spare = allowance.left_of(resource).unwrap_or(0).max(0) / bin_count;
                other.get(resource) <= counted.get(resource) + spare
            })
        });
        places.insert(key, groups.len());
        groups.push(Group { ranking, labels, bins: vec![(bin, pods)] });
    }
    groups
}

/// Launches bins that are alike, unless the pass is full.
fn launch_group<'a>(
    survey: &Survey<'a>,
    (field, classes): (&Field<'_, 'a>, &[Class<'a>]),
    (group, bins): (&Group<'a>, &[Filled<'a>]),
    (waiting, taken): (&mut Waiting<'a>, &mut BTreeSet<ClaimName>),
    plan: &mut Plan,
) {
    // A view of everything is planned for a person, not carried out in a pass.
    let is_pass = survey.snapshot.cluster.scope != Scope::Everything;
    if is_pass && LAUNCHES_PER_PLAN_MAX <= plan.launches().count() {
        let reason = Reason::PassFull { most: LAUNCHES_PER_PLAN_MAX };
        let pods = bins.iter().flat_map(|(_, pods)| pods);
        waiting.held_back.extend(pods.map(|pod| (*pod, reason.clone())));
        return;
    }
    let Field { pool, profiles, .. } = field;
    let first = group.ranking.choices.first().expect("a bin's own type holds its pods");
    let mut claims: Vec<NewClaim> = Vec::with_capacity(bins.len());
    for (bin, pods) in bins {
        let name = name_for(&pool.name, &pods[0].uid, taken);
        taken.insert(name.clone());
        let target = Target::Claim(name.clone());
        for pod in pods {
            waiting.place(pod, &target);
        }
        let used = survey.columns.resources(&bin.used(classes));
        let class = &profiles.stock.class.name;
        let chosen = survey.snapshot.instance_type(class, &first.offering.instance_type);
        let daemons = chosen.map(|it| profiles.stock.daemons.on(it)).unwrap_or_default();
        let requests = without_attachable(&used.plus(&daemons));
        let (ranking, labels) = (&group.ranking, &group.labels);
        let draft = Draft { pool, ranking, labels, pods, requests: &requests };
        claims.push(new_claim(name, draft, Vec::new()));
        plan.cost.per_hour += first.price;
    }
    claims.sort_by(|a, b| a.name.cmp(&b.name));
    plan.actions.push(Action::Launch(Launch {
        claims: claims.into_iter().map(ClaimToLaunch::New).collect(),
        pool: Some(pool.name.clone()),
        node_class: pool.node_class.clone(),
        taints: launch_taints(&pool.taints, &pool.startup_taints),
        choices: group.ranking.choices.clone(),
        replay: None,
    }));
}

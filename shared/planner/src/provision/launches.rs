//! New nodes: pools in order, bins to claims, claims that are alike to one launch.

use super::Waiting;
use crate::scheduling::amounts::whole;
use crate::scheduling::claims::{Draft, labels_of, launch_taints, name_for, new_claim};
use crate::scheduling::limits::{Allowance, node_count};
use crate::scheduling::pack::{Bin, Demand, Packing, pack};
use crate::scheduling::pools::{entry, in_order, open};
use crate::scheduling::profiles::Profiles;
use crate::scheduling::ranking::{Ranking, Subject, rank};
use crate::scheduling::stock::Survey;
use model::action::{Action, ClaimToLaunch, Launch, NewClaim};
use model::labels::Labels;
use model::name::ClaimName;
use model::plan::{Plan, Target};
use model::pod::Pod;
use model::pool::NodePool;
use model::reason::Reason;
use model::snapshot::Scope;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Twenty instances in one call: EC2 places all or none of them, and larger groups find less capacity; the claims' write
/// calls before and after are then of the same order as the call itself.
pub(super) const LAUNCH_GROUP_MAX: usize = 20;

/// Forty calls: the bucket of RunInstances holds 5 and refills at 2 a second, so that one pass needs at most 20 s.
pub(super) const LAUNCHES_PER_PLAN_MAX: usize = 40;

/// A bin and its pods, by name.
type Filled<'a> = (Bin, Vec<&'a Arc<Pod>>);

/// Bins that are ranked alike.
struct Group<'a> {
    ranking: Ranking,
    labels: Labels,
    bins: Vec<Filled<'a>>,
}

/// Opens nodes for all that still waits.
pub(super) fn open_nodes<'a>(survey: &Survey<'a>, waiting: &mut Waiting<'a>, plan: &mut Plan) {
    let snapshot = survey.snapshot;
    let mut ceiling = i64::from(snapshot.settings.nodes_max) - node_count(snapshot);
    let mut taken: BTreeSet<ClaimName> =
        snapshot.cluster.claims.iter().map(|claim| claim.name.clone()).collect();
    for pool in in_order(snapshot) {
        if waiting.pods.iter().all(std::collections::VecDeque::is_empty) {
            break;
        }
        let stock = match open(survey, pool) {
            Ok(stock) => stock,
            Err(reason) => {
                for reasons in &mut waiting.reasons {
                    reasons.push((*reason).clone());
                }
                continue;
            }
        };
        let mut profiles = Profiles::of(&stock);
        let packing = fill_pool(survey, pool, &mut profiles, waiting, ceiling);
        ceiling = packing.allowance.ceiling();
        let groups = rank_bins(pool, &profiles, packing, waiting);
        for group in groups {
            for bins in group.bins.chunks(LAUNCH_GROUP_MAX) {
                launch(survey, (pool, &profiles), (&group, bins), (waiting, &mut taken), plan);
            }
        }
    }
}

/// Packs what can enter the pool and notes why the rest cannot.
fn fill_pool(
    survey: &Survey<'_>,
    pool: &NodePool,
    profiles: &mut Profiles<'_, '_>,
    waiting: &mut Waiting<'_>,
    ceiling: i64,
) -> Packing {
    let left = waiting.left();
    let mut entries = vec![Vec::new(); left.len()];
    for class in (0..left.len()).filter(|class| 0 < left[*class]) {
        match entry(survey, pool, profiles, &waiting.classes[class]) {
            Ok(profiles) => entries[class] = profiles,
            Err(reason) => waiting.reasons[class].push(*reason),
        }
    }
    let allowance = Allowance::of(survey.snapshot, pool, ceiling);
    let demand = Demand { classes: &waiting.classes, entries: &entries, left };
    let packing = pack(profiles, &demand, &allowance);
    for (class, refusal) in packing.refusals.iter().enumerate() {
        if 0 < packing.left[class] {
            waiting.reasons[class].extend(refusal.clone());
        }
    }
    packing
}

/// Gives the bins their pods and ranks what each can be launched as, once for bins that are alike.
fn rank_bins<'a>(
    pool: &NodePool,
    profiles: &Profiles<'_, '_>,
    packing: Packing,
    waiting: &mut Waiting<'a>,
) -> Vec<Group<'a>> {
    let bin_count = whole(packing.bins.len()).max(1);
    let allowance = packing.allowance;
    let mut places: BTreeMap<(usize, usize, Vec<i64>), usize> = BTreeMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for bin in packing.bins {
        let used = bin.used(&waiting.classes);
        let mut pods = Vec::new();
        for (class, count) in &bin.contents {
            pods.extend(waiting.next(*class, *count));
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
fn launch<'a>(
    survey: &Survey<'a>,
    (pool, profiles): (&NodePool, &Profiles<'_, '_>),
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
    let first = group.ranking.choices.first().expect("a bin's own type holds its pods");
    let mut claims: Vec<NewClaim> = Vec::with_capacity(bins.len());
    for (bin, pods) in bins {
        let name = name_for(&pool.name, &pods[0].uid, taken);
        taken.insert(name.clone());
        let target = Target::Claim(name.clone());
        for pod in pods {
            waiting.place(pod, &target);
        }
        let used = survey.columns.resources(&bin.used(&waiting.classes));
        let class = &profiles.stock.class.name;
        let chosen = survey.snapshot.instance_type(class, &first.offering.instance_type);
        let daemons = chosen.map(|it| profiles.stock.daemons.on(it)).unwrap_or_default();
        let requests = used.plus(&daemons);
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

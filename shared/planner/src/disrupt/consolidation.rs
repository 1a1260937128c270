//! Consolidation: nodes go whose pods cost less elsewhere, on nodes that stay or on new ones.
//!
//! What is found for the first time is remembered; it is begun by a later pass that finds, among such nodes, that it still pays.

use super::Sweep;
use super::candidates::{Candidate, Watched, disruption_totals, pool_of};
use super::commands;
use super::moved::toll;
use super::moves::{Command, Outcome};
use super::search::{Allowed, Search, tenements};
use crate::provision::batch::{Ready, ready, survey};
use crate::provision::rehousing::Ground;
use crate::scheduling::amounts::whole;
use crate::scheduling::classes::{Class, classify};
use crate::scheduling::rooms::{Index, Room, is_leaving, is_reserved};
use crate::scheduling::stock::Survey;
use crate::scheduling::volumes::Storage;
use model::by_name::ByName;
use model::condition::ConditionType;
use model::node::Node;
use model::pod::Pod;
use model::pool::{DisruptionReason, NodePool};
use model::price::Price;
use model::reason::Reason;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What consolidation has come to.
#[derive(Debug, Default)]
pub(super) struct Consolidated {
    /// Commands that were begun, of candidates in the order that was given.
    pub(super) begun: Vec<Command>,
    /// Whether there was something to do, begun or not.
    pub(super) found: bool,
    /// No consolidation of all candidates could save more per hour.
    pub(super) at_most: Price,
}

/// Begins what is worth it.
pub(super) fn consolidate<'a>(
    sweep: &mut Sweep<'a, '_>,
    watched: &Watched<'_>,
    (empty, used): (&[Candidate<'a>], &[Candidate<'a>]),
) -> Consolidated {
    let storage = Storage::of(&sweep.snapshot.cluster);
    let (pods, blocked) = pods_of(&storage, used);
    let displaced: Vec<Ready<'a>> = displaced(sweep, &storage);
    let all: Vec<Ready<'a>> = pods.iter().flatten().chain(&displaced).cloned().collect();
    let survey = survey(sweep.snapshot, &all, storage, sweep.now);
    let rooms = rooms(sweep, &survey, watched, empty);
    let ground = Ground::new(survey);
    let mut batch: Vec<Ready<'a>> = pods.iter().flatten().cloned().collect();
    batch.sort_by(|(a, _), (b, _)| (&a.name, &a.uid).cmp(&(&b.name, &b.uid)));
    let search = Search::new(sweep, &ground, (&batch, &displaced), (used, pods), rooms);
    let at_most = search.cost() - search.values.bound;
    let mut result = Consolidated { at_most, ..Consolidated::default() };
    let eligible: Vec<usize> = (0..used.len()).filter(|at| !blocked.contains_key(at)).collect();
    let is_confirmed = |at: &usize| sweep.is_confirmed(&used[*at].node.name);
    let confirmed: Vec<usize> = eligible.iter().copied().filter(is_confirmed).collect();
    let mut spoken: BTreeSet<usize> = BTreeSet::new();
    let mut tried: Vec<Vec<usize>> = vec![confirmed];
    if tried[0].len() < eligible.len() {
        tried.push(eligible);
    }
    for some in tried {
        let outcome = look(sweep, &search, &some);
        result.found |= !outcome.commands.is_empty();
        for command in outcome.commands {
            spoken.extend(&command.gone);
            if begin(sweep, used, &command) {
                result.begun.push(command);
            }
        }
        if !result.begun.is_empty() {
            break;
        }
    }
    let mut refused = search.refused.into_inner();
    refused.extend(blocked);
    refused.retain(|at, _| !spoken.contains(at));
    let others = (0..used.len()).filter(|at| !spoken.contains(at));
    let others = others.map(|at| (&used[at], refused.remove(&at))).collect();
    say_why(sweep, others, !result.begun.is_empty());
    result
}

/// Says why the other candidates stay.
fn say_why(
    sweep: &mut Sweep<'_, '_>,
    others: Vec<(&Candidate<'_>, Option<Reason>)>,
    has_begun: bool,
) {
    for (candidate, refused) in others {
        let pool = candidate.pool;
        let left = sweep.budgets.left(pool, DisruptionReason::Underutilized);
        // Where no more may go now, what was found before keeps its time until it is its turn.
        if has_begun || left.is_some_and(|(left, _)| left == 0) {
            sweep.keep_candidate(&candidate.node.name);
        }
        let reason = match left {
            Some((0, allowed)) => {
                let (pool, reason) = (pool.name.clone(), DisruptionReason::Underutilized);
                Reason::BudgetUsed { pool, reason, allowed }
            }
            Some(_) | None => refused.unwrap_or_else(|| Reason::Unconsolidatable {
                why: "Can't replace with a cheaper node".into(),
            }),
        };
        sweep.leave_out(&candidate.node.name, reason);
    }
}

/// What is found among some candidates: first what spot nodes are not part of, where spot may not replace spot.
fn look(sweep: &Sweep<'_, '_>, search: &Search<'_, '_>, some: &[usize]) -> Outcome {
    let mut allowed = Allowed::new();
    for at in some {
        let pool = search.used[*at].pool;
        if let Some((left, _)) = sweep.budgets.left(pool, DisruptionReason::Underutilized) {
            allowed.insert(&pool.name, left);
        }
    }
    if sweep.snapshot.settings.spot_to_spot {
        return search.run(some, &allowed, sweep.is_proposal);
    }
    let (spot, others): (Vec<usize>, Vec<usize>) =
        some.iter().partition(|at| search.used[**at].is_spot());
    let outcome = search.run(&others, &allowed, sweep.is_proposal);
    if outcome.commands.is_empty() {
        search.run(&spot, &allowed, sweep.is_proposal)
    } else {
        outcome
    }
}

/// Begins a command if all of its nodes may be disrupted now.
fn begin(sweep: &mut Sweep<'_, '_>, used: &[Candidate<'_>], command: &Command) -> bool {
    let gone: Vec<&Candidate<'_>> = command.gone.iter().map(|at| &used[*at]).collect();
    let deletes = command.launches.is_empty();
    let mut taken: Vec<&NodePool> = Vec::new();
    for candidate in &gone {
        if sweep.may_disrupt(candidate, DisruptionReason::Underutilized, deletes) {
            taken.push(candidate.pool);
        }
    }
    if taken.len() < gone.len() {
        for pool in taken {
            sweep.budgets.give_back(pool);
        }
        return false;
    }
    if deletes {
        for candidate in gone {
            commands::delete(sweep, candidate, DisruptionReason::Underutilized);
        }
    } else {
        let new = command.claims().cloned().collect();
        commands::replace(sweep, &gone, DisruptionReason::Underutilized, new);
    }
    true
}

/// The pods of each candidate with what their volumes ask for, and the candidates that a pod holds.
fn pods_of<'a>(
    storage: &Storage<'_>,
    used: &[Candidate<'a>],
) -> (Vec<Vec<Ready<'a>>>, BTreeMap<usize, Reason>) {
    let (mut pods, mut blocked) = (Vec::with_capacity(used.len()), BTreeMap::new());
    for (at, candidate) in used.iter().enumerate() {
        let ready = |pod: &&'a Arc<Pod>| {
            ready(storage, pod).map_err(|why| format!("Pod {}: {why}", pod.name))
        };
        match candidate.pods.iter().map(ready).collect::<Result<Vec<_>, _>>() {
            Ok(ready) => pods.push(ready),
            Err(why) => {
                blocked.insert(at, Reason::Blocked { why: why.into() });
                pods.push(Vec::new());
            }
        }
    }
    (pods, blocked)
}

/// Pods that will need room before any other moves: those that wait, and those whose nodes go, unless a claim on its way is
/// meant for them.
fn displaced<'a>(sweep: &Sweep<'a, '_>, storage: &Storage<'_>) -> Vec<Ready<'a>> {
    let cluster = &sweep.snapshot.cluster;
    let coming = cluster.claims.iter().filter(|claim| {
        claim.deleting.is_none() && (!claim.is_initialized() || is_reserved(sweep.snapshot, claim))
    });
    let expected: BTreeSet<u32> = coming.flat_map(|claim| &claim.spec.nominated).copied().collect();
    let leaving = cluster.nodes.iter().filter(|node| {
        let claim = sweep.index.claim_of(&node.name).map(|claim| &**claim);
        is_leaving(node, claim)
    });
    let moving = leaving.flat_map(|node| sweep.index.pods_on(&node.name).iter().copied());
    let moving = moving.filter(|pod| pod.is_reschedulable());
    let waiting = cluster.pods.iter().filter(|pod| pod.is_provisionable());
    let homeless = moving.chain(waiting).filter(|pod| !expected.contains(&pod.short_id()));
    homeless.filter_map(|pod| ready(storage, pod).ok()).collect()
}

/// Nodes that pods may move to.
fn rooms<'a>(
    sweep: &Sweep<'a, '_>,
    survey: &Survey<'a>,
    watched: &Watched<'_>,
    empty: &[Candidate<'a>],
) -> Vec<Room<'a>> {
    let going = ByName::new(empty.iter().map(|candidate| (&*candidate.node.name, ())));
    let nodes = sweep.snapshot.cluster.nodes.iter();
    let nodes = nodes.filter(|node| !going.contains(&node.name) && is_open(sweep, watched, node));
    nodes.map(|node| Room::on_node(survey, sweep.index, node)).collect()
}

/// Whether pods may be moved to a node. One whose own pods have just changed is left alone, as Karpenter 1.14 does.
fn is_open(sweep: &Sweep<'_, '_>, watched: &Watched<'_>, node: &Node) -> bool {
    let claim = sweep.index.claim_of(&node.name).map(|claim| &**claim);
    let is_up = claim.map_or(node.pool().is_none(), |claim| {
        claim.is_initialized() && node.is_initialized() && !is_reserved(sweep.snapshot, claim)
    });
    // What is to be renewed would have to be emptied again.
    let is_old = claim.is_some_and(|claim| claim.conditions.is_true(ConditionType::Drifted));
    let pool = claim.and_then(|claim| pool_of(sweep.snapshot, claim));
    is_up
        && !is_old
        && !sweep.begun.contains(&node.name)
        && node.ready
        && !node.cordoned
        && !is_leaving(node, claim)
        && pool.is_none_or(|pool| watched.is_still(&node.name, pool, sweep.now))
}

/// Lets pods that need room have it, where it is at hand. Says how many do not find any.
pub(super) fn give_room(displaced: &[Class<'_>], rooms: &mut [Room<'_>]) -> i64 {
    let mut homeless = 0;
    for class in displaced {
        let mut left = whole(class.pods.len());
        for room in rooms.iter_mut() {
            left -= room.take(class, left);
        }
        homeless += left;
    }
    homeless
}

impl<'s, 'a> Search<'s, 'a> {
    fn new(
        sweep: &Sweep<'a, 's>,
        ground: &'s Ground<'a>,
        (batch, displaced): (&'s [Ready<'a>], &[Ready<'a>]),
        (used, pods): (&'s [Candidate<'a>], Vec<Vec<Ready<'a>>>),
        rooms: Vec<Room<'a>>,
    ) -> Self {
        let (survey, index): (&Survey<'a>, &'s Index<'a>) = (&ground.survey, sweep.index);
        let displaced = classify(displaced.iter().map(|(pod, _)| *pod), &survey.columns);
        let homeless = give_room(&displaced, &mut rooms.clone());
        let place_of = ByName::new(used.iter().map(|one| &*one.node.name).zip(0..));
        let now: Vec<Room<'a>> =
            used.iter().map(|one| Room::on_node(survey, index, one.node)).collect();
        let vacated = used.iter().map(|one| {
            let all = index.pods_on(&one.node.name).iter().copied();
            let staying: Vec<_> = all.filter(|pod| !pod.is_reschedulable()).collect();
            Room::beside(survey, one.node, &staying)
        });
        let others: Vec<&Room<'_>> = rooms
            .iter()
            .filter(|room| room.node.is_none_or(|node| !place_of.contains(node)))
            .collect();
        let values = ground.value(batch, &tenements(used, vacated.collect(), &now), &others);
        let worth = |(pod, _): &Ready<'_>| values.worths.get(&pod.uid).unwrap_or(0);
        let in_micro_dollars = |nano: i64| Price::from_micro_dollars(nano / 1000);
        let own = pods.iter().map(|pods| in_micro_dollars(pods.iter().map(worth).sum()));
        let toll = |ready: &Ready<'_>| toll(ready.0, worth(ready), sweep.now);
        let tolls = pods.iter().map(|pods| in_micro_dollars(pods.iter().map(toll).sum()));
        let (own, tolls) = (own.collect(), tolls.collect());
        let numbered =
            rooms.into_iter().map(|room| (room.node.and_then(|node| place_of.get(node)), room));
        Self {
            ground,
            index,
            used,
            rooms: numbered.collect(),
            pods,
            place_of,
            displaced: (displaced, homeless),
            values,
            own,
            tolls,
            totals: disruption_totals(sweep),
            tried: Cell::new(0),
            refused: RefCell::new(BTreeMap::new()),
        }
    }
}

//! Consolidation: a node goes if its pods fit onto the others, or onto them and one cheaper new node.

use super::Sweep;
use super::candidates::{Candidate, Watched, pool_of};
use super::commands;
use super::replacement::{Market, Replacement};
use crate::scheduling::amounts::Columns;
use crate::scheduling::classes::{Class, classify};
use crate::scheduling::rooms::{Room, is_leaving, is_reserved};
use crate::scheduling::stock::Survey;
use model::affinity::PodAffinityTerm;
use model::by_name::ByName;
use model::condition::ConditionType;
use model::name::NodeName;
use model::node::Node;
use model::pod::Pod;
use model::pool::DisruptionReason;
use model::price::Price;
use model::reason::Reason;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many commands begin in one pass at most. Budgets and the rate of deletions mostly allow fewer; this bounds what a
/// wrong decision costs before the next pass sees its effects.
const COMMANDS_MAX: usize = 10;

/// How many pods of a class.
type Contents = Vec<(usize, i64)>;

/// The nodes that pods could move to, and the pods that could move.
struct Search<'a> {
    classes: Vec<Class<'a>>,
    /// What stands on each candidate.
    contents: Vec<Contents>,
    rooms: Vec<(&'a NodeName, Room<'a>)>,
    /// Which room is that of the candidate itself.
    own: Vec<Option<usize>>,
    /// For each class the rooms that may take some of it, once they were looked for: room only shrinks.
    open_to: Vec<Option<Vec<usize>>>,
    /// Anti-affinity that running pods require, with their namespaces.
    kept_away: Vec<(&'a Arc<Pod>, &'a PodAffinityTerm)>,
}

/// Where a candidate's pods would go.
struct Move {
    /// Into which room, of which class, how many.
    taken: Vec<(usize, usize, i64)>,
    replacement: Option<Replacement>,
    saving: Price,
}

/// Begins what is worth it. Says whether anything was found, begun or not.
pub(super) fn consolidate<'a>(
    sweep: &mut Sweep<'a, '_>,
    watched: &Watched<'_>,
    (empty, used): (&[Candidate<'a>], &[Candidate<'a>]),
) -> bool {
    let columns = Columns::of(used.iter().flat_map(|c| &c.pods).map(|pod| &pod.requests));
    let survey = Survey::new(sweep.snapshot, columns, sweep.now);
    let mut search = Search::new(sweep, &survey, watched, (empty, used));
    let stocks = Market::stocks(&survey);
    let mut market = Market::new(&survey, &stocks, &search.classes);
    let mut promising: Vec<(usize, Price)> = Vec::new();
    for (index, candidate) in used.iter().enumerate() {
        match search.find((index, candidate), &mut market) {
            Ok(found) => {
                search.give_back(&found.taken);
                promising.push((index, found.saving));
            }
            Err(reason) => sweep.leave_out(&candidate.node.name, *reason),
        }
    }
    // The most saved for the least disruption first.
    let worth = |(index, saving): &(usize, Price)| {
        i128::from(saving.micro_dollars()) * 1_000_000 / i128::from(used[*index].disruption)
    };
    promising.sort_by_key(|found| (std::cmp::Reverse(worth(found)), found.0));
    let mut touched: BTreeSet<&NodeName> = BTreeSet::new();
    let mut begun = 0;
    for (index, _) in &promising {
        let candidate = &used[*index];
        let is_free = begun < COMMANDS_MAX && !touched.contains(&candidate.node.name);
        if !is_free {
            // It is looked at again when what was begun is done; until then it stays a candidate.
            sweep.keep_candidate(&candidate.node.name);
            continue;
        }
        let Ok(found) = search.find((*index, candidate), &mut market) else { continue };
        let deletes = found.replacement.is_none();
        if !sweep.may_disrupt(candidate, DisruptionReason::Underutilized, deletes) {
            search.give_back(&found.taken);
            continue;
        }
        begun += 1;
        touched.extend(found.taken.iter().map(|(room, ..)| search.rooms[*room].0));
        search.close(*index);
        match found.replacement {
            None => commands::delete(sweep, candidate, DisruptionReason::Underutilized),
            Some(replacement) => {
                let new = market.claim_for(candidate, &search.classes, replacement);
                commands::replace(sweep, candidate, new);
            }
        }
    }
    !promising.is_empty()
}

impl Sweep<'_, '_> {
    /// Keeps the time since when a node has been worth disrupting.
    fn keep_candidate(&mut self, node: &NodeName) {
        let since = self.snapshot.cluster.memory.candidates.get(node).copied();
        self.candidates.insert(node.clone(), since.unwrap_or(self.now));
    }
}

impl<'a> Search<'a> {
    fn new(
        sweep: &Sweep<'a, '_>,
        survey: &Survey<'a>,
        watched: &Watched<'_>,
        (empty, used): (&[Candidate<'a>], &[Candidate<'a>]),
    ) -> Self {
        let pods = used.iter().flat_map(|candidate| candidate.pods.iter().copied());
        let classes = classify(pods, &survey.columns);
        let by_node = ByName::new(used.iter().map(|one| &*one.node.name).zip(0..));
        let mut contents: Vec<Contents> = vec![Vec::new(); used.len()];
        for (index, class) in classes.iter().enumerate() {
            for pod in &class.pods {
                let Some(candidate) = pod.node.as_deref().and_then(|node| by_node.get(node)) else {
                    continue;
                };
                let on_node: &mut Contents = &mut contents[candidate];
                match on_node.last_mut() {
                    Some((last, count)) if *last == index => *count += 1,
                    Some(_) | None => on_node.push((index, 1)),
                }
            }
        }
        let cluster = &sweep.snapshot.cluster;
        let going = ByName::new(empty.iter().map(|candidate| (&*candidate.node.name, ())));
        let nodes = cluster.nodes.iter().filter(|node| !going.contains(&node.name));
        let open = nodes.filter(|node| is_open(sweep, watched, node));
        let rooms = open.map(|node| (&node.name, Room::on_node(survey, sweep.index, node)));
        let rooms: Vec<(&NodeName, Room<'_>)> = rooms.collect();
        let mut own = vec![None; used.len()];
        for (room, (node, _)) in rooms.iter().enumerate() {
            if let Some(candidate) = by_node.get(node) {
                own[candidate] = Some(room);
            }
        }
        let bound = cluster.pods.iter().filter(|pod| pod.node.is_some() && !pod.is_terminal());
        let mut kept_away: Vec<(&Arc<Pod>, &PodAffinityTerm)> = bound
            .flat_map(|pod| pod.anti_affinity.required.iter().map(move |term| (pod, term)))
            .collect();
        kept_away.sort_by(|(a, _), (b, _)| (&a.node, &a.name).cmp(&(&b.node, &b.name)));
        let open_to = vec![None; classes.len()];
        Self { classes, contents, rooms, own, open_to, kept_away }
    }

    /// Where the candidate's pods could go; the rooms are then taken.
    fn find(
        &mut self,
        (place, candidate): (usize, &Candidate<'a>),
        market: &mut Market<'_, 'a>,
    ) -> Result<Move, Box<Reason>> {
        for (class, _) in &self.contents[place] {
            if let Some(pod) = self.class_kept_away(*class) {
                let why = format!("Pod {} keeps others away by anti-affinity", pod.name);
                return Err(Box::new(Reason::Blocked { why: why.into() }));
            }
        }
        // Before anything is taken: what is taken may be given back.
        for (class, _) in &self.contents[place] {
            self.open_to[*class].get_or_insert_with(|| {
                let may_take =
                    |(_, room): &(&NodeName, Room<'_>)| room.may_take(&self.classes[*class]);
                (0..self.rooms.len()).filter(|index| may_take(&self.rooms[*index])).collect()
            });
        }
        let (mut taken, mut left): (Vec<_>, Contents) = (Vec::new(), Vec::new());
        for (class, count) in self.contents[place].iter().copied() {
            let mut rest = count;
            for index in self.open_to[class].iter().flatten().copied() {
                if rest == 0 {
                    break;
                }
                if self.own[place] != Some(index) {
                    let placed = self.rooms[index].1.take(&self.classes[class], rest);
                    if 0 < placed {
                        taken.push((index, class, placed));
                        rest -= placed;
                    }
                }
            }
            if 0 < rest {
                left.push((class, rest));
            }
        }
        if left.is_empty() {
            return Ok(Move { taken, replacement: None, saving: candidate.price });
        }
        match market.replacement_for(candidate, &self.classes, left) {
            Ok(replacement) => {
                let saving = candidate.price - replacement.price;
                Ok(Move { taken, replacement: Some(replacement), saving })
            }
            Err(reason) => {
                self.give_back(&taken);
                Err(reason)
            }
        }
    }

    /// A running pod whose required anti-affinity selects pods of the class, so that not every place will do.
    fn class_kept_away(&self, class: usize) -> Option<&'a Arc<Pod>> {
        let moving = self.classes[class].pods.iter();
        let meets = |(other, term): &(&Arc<Pod>, &PodAffinityTerm)| {
            let mut moving = moving.clone().filter(|pod| pod.uid != other.uid);
            let selector = term.selector.as_ref();
            selector.is_some_and(|selector| moving.any(|pod| selector.selects(&pod.labels)))
        };
        self.kept_away.iter().find(|one| meets(one)).map(|(pod, _)| *pod)
    }

    fn give_back(&mut self, taken: &[(usize, usize, i64)]) {
        for (room, class, count) in taken.iter().rev() {
            self.rooms[*room].1.give_back(&self.classes[*class], *count);
        }
    }

    /// Nothing more goes to a candidate.
    fn close(&mut self, place: usize) {
        if let Some(room) = self.own[place] {
            self.rooms[room].1.close();
        }
    }
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
        && node.ready
        && !node.cordoned
        && !is_leaving(node, claim)
        && pool.is_none_or(|pool| watched.is_still(&node.name, pool, sweep.now))
}

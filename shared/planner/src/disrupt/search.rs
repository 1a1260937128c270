//! Which nodes are better gone: sets of them are tried, and what would become of their pods is worked out to the end.
//!
//! Every pod has a worth, what it costs at least on the best nodes (`bound`), and a node is looked at the sooner, the more it
//! costs beyond what its pods are worth. Nodes on which other pods could make up for that are kept, as that moves nobody.

use super::candidates::Candidate;
use super::consolidation::give_room;
use super::moves::{Command, Outcome};
use crate::provision::batch::Ready;
use crate::provision::rehousing::{Ground, Tenement, Values};
use crate::scheduling::classes::Class;
use crate::scheduling::rooms::{Index, Room};
use model::by_name::ByName;
use model::name::PoolName;
use model::price::Price;
use model::reason::Reason;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Nodes are kept that are not the best for their price as long as that costs so many in a thousand of what all pods are
/// worth: those first where most pods need not move for it. What is packed afresh loses some twenty.
const KEPT_FOR_PER_MILLE: [i64; 4] = [42, 30, 15, 0];

/// Nodes that cost no more than one in so many above what is proven to be the least are left alone: fresh packings come to
/// a third of that, and the rest buys that pods need not move.
const GOOD_ENOUGH_ONE_IN: i64 = 17;

/// Of so many nodes at most it is tried to leave each where it is, after all.
const LEFT_OUT_MAX: usize = 16;

/// So many nodes at most go together in one pass (Karpenter 1.14 looks at 100).
const NODES_MAX: usize = 100;

/// So many nodes are tried one by one beside the best set: in order of what is to be saved by each, so that those behind
/// them seldom save anything.
const ONE_BY_ONE_MAX: usize = 48;

/// While sets are tried, so many pods are moved in thought, and for each pod that there is so many more: as long as
/// placing them five times.
const PODS_TRIED: usize = 4_000;
const PODS_TRIED_PER_POD: usize = 5;

/// Each set that is tried counts as so many pods more, for setting up.
const PODS_PER_TRY: usize = 20;

/// What a search looks at.
pub(super) struct Search<'s, 'a> {
    pub(super) ground: &'s Ground<'a>,
    pub(super) index: &'s Index<'a>,
    pub(super) used: &'s [Candidate<'a>],
    /// For each candidate its pods, with what their volumes ask for.
    pub(super) pods: Vec<Vec<Ready<'a>>>,
    /// Nodes that pods may move to, and which candidate each is.
    pub(super) rooms: Vec<(Option<usize>, Room<'a>)>,
    /// For each candidate, its place among them.
    pub(super) place_of: ByName<'s, usize>,
    /// Pods that need room whatever is done, and how many of them would not find any.
    pub(super) displaced: (Vec<Class<'a>>, i64),
    pub(super) values: Values<'s>,
    /// For each candidate what its pods are worth.
    pub(super) own: Vec<Price>,
    /// For each candidate what moving its pods must save at least, per hour.
    pub(super) tolls: Vec<Price>,
    /// What `Balanced` compares with.
    pub(super) totals: BTreeMap<&'s PoolName, (Price, i64)>,
    pub(super) tried: Cell<usize>,
    /// Why a candidate did not go, when it was last tried.
    pub(super) refused: RefCell<BTreeMap<usize, Reason>>,
}

/// How many more nodes of each pool may go; pools that are not in it may go as a whole.
pub(super) type Allowed<'p> = BTreeMap<&'p PoolName, usize>;

impl Search<'_, '_> {
    /// What all candidates cost.
    pub(super) fn cost(&self) -> Price {
        self.used.iter().map(|candidate| candidate.price).sum()
    }

    /// Whether so little can be saved that it is left alone.
    fn is_good(&self, cost: Price) -> bool {
        let bound = self.values.bound.micro_dollars();
        cost.micro_dollars() <= bound.saturating_add(bound / GOOD_ENOUGH_ONE_IN)
    }

    /// The best that is found for some of the candidates, within what is allowed.
    pub(super) fn run(&self, eligible: &[usize], allowed: &Allowed<'_>, is_whole: bool) -> Outcome {
        let mut best = Outcome::default();
        let cost = self.cost();
        if self.is_good(cost) {
            return best;
        }
        let order = self.in_order(eligible);
        let most = if is_whole { usize::MAX } else { NODES_MAX };
        let first = self.within(&order, allowed, most);
        let mut seen: BTreeSet<Vec<usize>> = BTreeSet::new();
        let mut attempt = |best: &mut Outcome, mut set: Vec<usize>| {
            set.sort_unstable();
            if set.is_empty() || self.is_tired() || !seen.insert(set.clone()) {
                return;
            }
            let found = self.evaluate(&set);
            if best.gain < found.gain {
                *best = found;
            }
        };
        for part in KEPT_FOR_PER_MILLE {
            let kept = self.kept(&first, part);
            attempt(&mut best, first.iter().copied().filter(|at| !kept.contains(at)).collect());
            if self.is_good(cost - best.saving()) && LEFT_OUT_MAX < best.gone().len() {
                return best;
            }
        }
        let mut size = first.len();
        while 0 < size {
            attempt(&mut best, first[..size].to_vec());
            size /= 2;
        }
        for at in order.iter().take(ONE_BY_ONE_MAX) {
            let mut set = best.gone();
            if set.contains(at) {
                continue;
            }
            set.push(*at);
            if self.within(&set, allowed, most).len() == set.len() {
                attempt(&mut best, set);
            }
        }
        let mut gone = best.gone();
        gone.sort_by_key(|at| (Reverse(self.own[*at]), *at));
        for at in gone.into_iter().take(LEFT_OUT_MAX) {
            let rest = best.gone().into_iter().filter(|other| *other != at);
            attempt(&mut best, rest.collect());
        }
        best
    }

    fn is_tired(&self) -> bool {
        let pods: usize = self.pods.iter().map(Vec::len).sum();
        PODS_TRIED + PODS_TRIED_PER_POD * pods < self.tried.get()
    }

    /// Those that cost little more than what they and others' pods on them can be worth, for what moving theirs disrupts.
    fn kept(&self, some: &[usize], per_mille: i64) -> BTreeSet<usize> {
        let lost = |at: usize| {
            let worth = self.own[at] + self.values.promises[at];
            (self.used[at].price - worth).micro_dollars().max(0)
        };
        let worth: i64 = some.iter().map(|at| self.own[*at].micro_dollars()).sum();
        let mut order: Vec<usize> = some.to_vec();
        order.sort_by_key(|at| {
            let disruption = i128::from(self.used[*at].disruption);
            ((i128::from(lost(*at)) << 20) / disruption, *at)
        });
        let mut left = worth / 1000 * per_mille;
        let may = |at: &usize| {
            left -= lost(*at);
            0 <= left
        };
        order.into_iter().take_while(may).collect()
    }

    /// Those first for whose pods most is paid in vain, for what moving them disrupts.
    fn in_order(&self, eligible: &[usize]) -> Vec<usize> {
        let worth = |at: &usize| {
            let vain = self.used[*at].price - self.own[*at];
            let vain = i128::from(vain.micro_dollars()) << 20;
            (Reverse(vain / i128::from(self.used[*at].disruption)), *at)
        };
        let mut order = eligible.to_vec();
        order.sort_by_key(worth);
        order
    }

    /// The first of these, as many as are allowed of each pool.
    fn within(&self, order: &[usize], allowed: &Allowed<'_>, most: usize) -> Vec<usize> {
        let mut left = allowed.clone();
        let may = |at: &&usize| match left.get_mut(&self.used[**at].pool.name) {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        };
        order.iter().filter(may).take(most).copied().collect()
    }

    /// What would become of the pods of these nodes, and what of it pays.
    fn evaluate(&self, set: &[usize]) -> Outcome {
        let mut batch: Vec<Ready<'_>> = set.iter().flat_map(|at| self.pods[*at].clone()).collect();
        batch.sort_by(|(a, _), (b, _)| (&a.name, &a.uid).cmp(&(&b.name, &b.uid)));
        self.tried.set(self.tried.get() + batch.len() + PODS_PER_TRY);
        let stays = |own: &Option<usize>| own.is_none_or(|own| set.binary_search(&own).is_err());
        let rooms = self.rooms.iter().filter(|(own, _)| stays(own));
        let mut rooms: Vec<Room<'_>> = rooms.map(|(_, room)| room.clone()).collect();
        let (displaced, homeless) = &self.displaced;
        if *homeless < give_room(displaced, &mut rooms) {
            return Outcome::default();
        }
        let worths = &self.values.worths;
        let mut rehousing = self.ground.rehouse(self.index, &batch, rooms, worths);
        let commands: Vec<Command> = self.commands(set, &mut rehousing);
        Outcome::of(commands, &self.tolls)
    }
}

/// What each candidate with its room is to the proof of a bound.
pub(super) fn tenements<'r, 'a>(
    used: &[Candidate<'a>],
    vacated: Vec<Room<'a>>,
    rooms: &'r [Room<'a>],
) -> Vec<Tenement<'r, 'a>> {
    let all = used.iter().zip(vacated).zip(rooms);
    all.map(|((one, vacated), room)| Tenement { room, vacated, price: one.price }).collect()
}

//! What the pods of a plan must cost at least, and what each is worth while they are packed.

use super::opening::Field;
use super::waiting::Waiting;
use crate::bound::{Bits, Column, Problem, Proof, Room, Row, prove};
use crate::scheduling::amounts::fits;
use crate::scheduling::classes::Class;
use crate::scheduling::pools::entry;
use crate::scheduling::stock::Survey;
use crate::scheduling::topology::Role;
use model::price::Price;
use std::collections::BTreeMap;

/// Nodes of one type and price that a pool can launch.
struct Kind {
    field: usize,
    shape: usize,
    price: Price,
    /// Zones and capacity types at this price, a bit each.
    markets: u128,
    /// What one counts against each limit.
    uses: Vec<(usize, i64)>,
}

/// Which nodes pods can have: of each pool, the profiles under which they enter.
pub(super) type Entries = Vec<Vec<usize>>;

/// Pods that a bound cannot tell apart.
pub(super) struct Crowd<'c> {
    pub(super) requests: &'c [i64],
    pub(super) entries: Entries,
    pub(super) roles: &'c [Role],
    pub(super) count: i64,
}

/// A room that is there, what is free in it, and which crowds it admits.
pub(super) struct Free {
    pub(super) free: Vec<i64>,
    pub(super) crowds: Vec<bool>,
}

/// Nodes that are there and may stay at their price, or be launched again.
pub(super) struct Standing {
    /// What one leaves to pods.
    pub(super) room: Vec<i64>,
    pub(super) price: Price,
    /// The crowds that it admits.
    pub(super) crowds: Bits,
}

/// All kinds of nodes that the pools can launch.
pub(super) struct Market {
    kinds: Vec<Kind>,
    limits: Vec<i64>,
    width: usize,
}

impl Market {
    pub(super) fn of(survey: &Survey<'_>, fields: &[Field<'_, '_>]) -> Self {
        let mut market =
            Self { kinds: Vec::new(), limits: Vec::new(), width: survey.columns.width() };
        for (place, field) in fields.iter().enumerate() {
            let first = market.limits.len();
            let limited: Vec<&str> = field.before.limited().collect();
            let left = |resource: &&str| field.before.left_of(resource).unwrap_or(0).max(0);
            market.limits.extend(limited.iter().map(left));
            let nodes = field.before.nodes_left();
            market.limits.extend(nodes);
            let stock = field.profiles.stock;
            for (shape, it) in stock.shapes.iter().enumerate() {
                let capacity = &it.instance_type.capacity;
                let each = (first..).zip(&limited).map(|(at, name)| (at, capacity.get(name)));
                let each = each.filter(|(_, units)| 0 < *units);
                let uses: Vec<(usize, i64)> =
                    each.chain(nodes.map(|_| (first + limited.len(), 1))).collect();
                let mut by_price: BTreeMap<Price, u128> = BTreeMap::new();
                for offer in stock.offers(shape) {
                    *by_price.entry(offer.price).or_default() |= 1 << offer.market;
                }
                market.kinds.extend(by_price.into_iter().map(|(price, markets)| Kind {
                    field: place,
                    shape,
                    price,
                    markets,
                    uses: uses.clone(),
                }));
            }
        }
        market
    }

    /// The same as if nothing were limited.
    pub(super) fn without_limits(mut self) -> Self {
        self.limits.clear();
        for kind in &mut self.kinds {
            kind.uses.clear();
        }
        self
    }

    /// Proves a bound for all these pods, on new nodes, in rooms that cost nothing, and on nodes that stand at a price.
    pub(super) fn prove(
        &self,
        fields: &[Field<'_, '_>],
        crowds: &[Crowd<'_>],
        (rooms, standing): (&[Free], &[Standing]),
    ) -> Proof {
        let columns = self.kinds.iter().map(|kind| Column {
            room: fields[kind.field].profiles.stock.room(kind.shape),
            price: kind.price,
            uses: &kind.uses,
        });
        let standing_columns = standing.iter().map(|Standing { room, price, .. }| Column {
            room,
            price: *price,
            uses: &[],
        });
        let mut profiles: BTreeMap<(&Entries, Bits), usize> = BTreeMap::new();
        let mut groups: BTreeMap<usize, (usize, i64)> = BTreeMap::new();
        let mut of_rows: Vec<(usize, Vec<usize>)> = Vec::with_capacity(crowds.len());
        for (at, crowd) in crowds.iter().enumerate() {
            let next = profiles.len();
            let stays: Bits = standing.iter().map(|it| it.crowds.contains(at)).collect();
            let profile = *profiles.entry((&crowd.entries, stays)).or_insert(next);
            let capped = crowd.roles.iter().filter(|role| role.has && role.is_meant);
            let in_groups = capped.map(|role| {
                let next = groups.len();
                groups.entry(role.term).or_insert((next, role.most)).0
            });
            of_rows.push((profile, in_groups.collect()));
        }
        let mut bits: Vec<Bits> = vec![Bits::default(); profiles.len()];
        let mut stays: Vec<Bits> = vec![Bits::default(); profiles.len()];
        for ((entries, of_standing), at) in profiles {
            bits[at] = self.kinds.iter().map(|kind| is_open(fields, kind, entries)).collect();
            stays[at] = of_standing;
        }
        let of_profile: Vec<usize> = of_rows.iter().map(|(profile, _)| *profile).collect();
        let is_needed = self.needed(fields, crowds, (&of_profile, &bits));
        for (bits, stays) in bits.iter_mut().zip(&stays) {
            let open = is_needed.iter().enumerate();
            let open = open.map(|(kind, needed)| *needed && bits.contains(kind));
            *bits = open.chain((0..standing.len()).map(|at| stays.contains(at))).collect();
        }
        let mut caps = vec![1; groups.len()];
        for (at, most) in groups.into_values() {
            caps[at] = most.max(1);
        }
        let rows = crowds.iter().zip(&of_rows).map(|(crowd, (profile, groups))| Row {
            requests: crowd.requests,
            count: crowd.count,
            profile: *profile,
            groups,
        });
        let problem = Problem {
            width: self.width,
            rows: rows.collect(),
            columns: columns.chain(standing_columns).collect(),
            profiles: bits,
            groups: caps,
            limits: self.limits.clone(),
            rooms: rooms
                .iter()
                .map(|room| Room { free: &room.free, rows: room.crowds.iter().copied().collect() })
                .collect(),
        };
        prove(&problem)
    }
}

impl Market {
    /// Which kinds are opened at all: exotic ones only for pods that no other kind holds.
    fn needed(
        &self,
        fields: &[Field<'_, '_>],
        crowds: &[Crowd<'_>],
        (of_profile, bits): (&[usize], &[Bits]),
    ) -> Vec<bool> {
        let is_exotic =
            |kind: &Kind| fields[kind.field].profiles.stock.shapes[kind.shape].is_exotic;
        let holds = |at: usize, crowd: usize| {
            let kind = &self.kinds[at];
            bits[of_profile[crowd]].contains(at)
                && fits(crowds[crowd].requests, fields[kind.field].profiles.stock.room(kind.shape))
        };
        let (exotic, ordinary): (Vec<usize>, Vec<usize>) =
            (0..self.kinds.len()).partition(|kind| is_exotic(&self.kinds[*kind]));
        let mut needed = vec![true; self.kinds.len()];
        if !exotic.is_empty() {
            let lacks = |crowd: &usize| !ordinary.iter().any(|kind| holds(*kind, *crowd));
            let lacking: Vec<usize> = (0..crowds.len()).filter(lacks).collect();
            for kind in exotic {
                needed[kind] = lacking.iter().any(|crowd| holds(kind, *crowd));
            }
        }
        needed
    }
}

/// Whether nodes of a kind can have pods with these entries.
fn is_open(fields: &[Field<'_, '_>], kind: &Kind, entries: &Entries) -> bool {
    let Some(entered) = entries.get(kind.field) else { return false };
    entered.iter().any(|profile| {
        let profile = fields[kind.field].profiles.get(*profile);
        profile.price(kind.shape).is_some() && profile.markets & kind.markets != 0
    })
}

/// Under which profiles a class enters each pool: the heaviest that takes it, and while pools are limited the next too.
pub(super) fn entries_of(
    survey: &Survey<'_>,
    fields: &mut [Field<'_, '_>],
    class: &Class<'_>,
) -> Entries {
    let mut all: Entries = Vec::with_capacity(fields.len());
    let mut is_settled = false;
    for field in fields {
        let entered = if is_settled {
            Vec::new()
        } else {
            entry(survey, field.pool, &mut field.profiles, class).unwrap_or_default()
        };
        is_settled |= !entered.is_empty() && !field.before.is_limited();
        all.push(entered);
    }
    all
}

/// What pods must cost, and for which question that is the answer.
pub(super) struct Appraisal {
    /// What the new nodes of a plan cost at least: no other way to place the same pods costs less, as long as it keeps the
    /// wishes that this one keeps. Spreads and affinity over labels are not looked at.
    pub(super) bound: Price,
    /// What a pod of each class is worth, in nano-dollars an hour; nothing where no new node holds it.
    pub(super) worths: Vec<i64>,
    /// How many pods of each class there were, and how many wishes each had given up.
    asked: (Vec<i64>, Vec<usize>),
    /// What a pod of each class is worth in the proof of the bound.
    proven: Vec<i64>,
}

/// A bound that lost no more than this part of itself, in percent, because pods are looked at no longer, is good enough.
const LOSS: i64 = 1;

/// Of pods' worths when there are rooms, this part of four is what they are worth with the rooms, which says what they
/// lack most; the rest what they would be worth without, which tells pods apart that rooms have enough of.
const WITH_ROOMS: i64 = 3;

/// Appraises so many pods of each class, with the wishes that they still have.
pub(super) fn appraise(
    survey: &Survey<'_>,
    fields: &mut [Field<'_, '_>],
    waiting: &Waiting<'_>,
    counts: Vec<i64>,
) -> Appraisal {
    let market = Market::of(survey, fields);
    let (crowds, samples) = crowds_of(survey, fields, waiting, &counts);
    let before: Vec<_> = waiting.before.iter().collect();
    let mut rooms = if crowds.is_empty() { vec![] } else { frees_of(waiting, &before, &samples) };
    rooms.retain(|room| room.crowds.contains(&true));
    let Proof { bound, worths: mut of_crowds } = market.prove(fields, &crowds, (&rooms, &[]));
    let of_classes = |of_crowds: &[i64]| of_classes(of_crowds, &samples, counts.len());
    let proven = of_classes(&of_crowds);
    if !rooms.is_empty() {
        let without = market.prove(fields, &crowds, (&[], &[])).worths;
        for (worth, without) in of_crowds.iter_mut().zip(without) {
            *worth = (*worth * WITH_ROOMS + without * (4 - WITH_ROOMS)) / 4;
        }
    }
    for (worth, crowd) in of_crowds.iter_mut().zip(&crowds) {
        let has_nodes = crowd.entries.iter().any(|profiles| !profiles.is_empty());
        *worth = if has_nodes { (*worth).max(1) } else { 0 };
    }
    let worths = of_classes(&of_crowds);
    Appraisal { bound, worths, asked: (counts, waiting.given_up.clone()), proven }
}

impl Appraisal {
    /// The bound for the pods that were placed in the end.
    pub(super) fn of_placed(
        self,
        survey: &Survey<'_>,
        fields: &mut [Field<'_, '_>],
        waiting: &Waiting<'_>,
    ) -> Price {
        let placed = waiting.placed();
        let (counts, given_up) = &self.asked;
        let is_same = |class: &usize| given_up[*class] == waiting.given_up[*class];
        // What the proof says of the others it says without the pods that have no place, or that ask for less by now.
        let lost = (0..counts.len()).map(|class| {
            let kept = if is_same(&class) { placed[class].min(counts[class]) } else { 0 };
            i128::from(self.proven[class]) * i128::from(counts[class] - kept)
        });
        let lost = i64::try_from((lost.sum::<i128>() + 999) / 1000).unwrap_or(i64::MAX);
        let bound = self.bound.micro_dollars();
        // It says nothing of those that no node held before they asked for less.
        let is_known = |class: usize| counts[class] == 0 || 0 < self.proven[class];
        let mut changed = (0..counts.len()).filter(|class| !is_same(class));
        if changed.all(is_known) && lost <= bound / 100 * LOSS {
            return Price::from_micro_dollars(bound - lost);
        }
        appraise(survey, fields, waiting, placed).bound
    }
}

/// Pods that a bound cannot tell apart, so many of each class, and the classes of each crowd.
pub(super) fn crowds_of<'c>(
    survey: &Survey<'_>,
    fields: &mut [Field<'_, '_>],
    waiting: &'c Waiting<'_>,
    counts: &[i64],
) -> (Vec<Crowd<'c>>, Vec<Vec<usize>>) {
    let mut crowds: Vec<Crowd<'_>> = Vec::new();
    let mut samples: Vec<Vec<usize>> = Vec::new();
    let mut known: BTreeMap<(&[i64], Entries, &[Role]), usize> = BTreeMap::new();
    for class in (0..waiting.classes.len()).filter(|class| 0 < counts[*class]) {
        let it = &waiting.classes[class];
        let entries = entries_of(survey, fields, it);
        let key = (&*it.requests, entries.clone(), &*it.roles);
        let at = *known.entry(key).or_insert(crowds.len());
        if at == crowds.len() {
            crowds.push(Crowd { requests: &it.requests, entries, roles: &it.roles, count: 0 });
            samples.push(Vec::new());
        }
        crowds[at].count += counts[class];
        samples[at].push(class);
    }
    (crowds, samples)
}

/// What is known of each crowd for each of its classes; nothing for classes that are in none.
pub(super) fn of_classes(of_crowds: &[i64], crowds: &[Vec<usize>], classes: usize) -> Vec<i64> {
    let mut all = vec![0; classes];
    for (classes, it) in crowds.iter().zip(of_crowds) {
        for class in classes {
            all[*class] = *it;
        }
    }
    all
}

/// What is free in rooms, and whether one of the classes of each crowd may go there.
pub(super) fn frees_of(
    waiting: &Waiting<'_>,
    rooms: &[&crate::scheduling::rooms::Room<'_>],
    crowds: &[Vec<usize>],
) -> Vec<Free> {
    let admitted = waiting.admitted(rooms);
    let free = rooms.iter().zip(admitted).map(|(room, admitted)| {
        let may_go = |crowd: &Vec<usize>| crowd.iter().any(|class| admitted.contains(*class));
        Free { free: room.free().to_vec(), crowds: crowds.iter().map(may_go).collect() }
    });
    free.collect()
}

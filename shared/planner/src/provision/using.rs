//! Who goes into what is free on nodes and claims.

use super::existing::{Existing, Kind};
use super::waiting::Waiting;
use crate::bound::Bits;
use crate::fill::{Row, Space, fill_spaces};
use crate::scheduling::amounts::whole;
use crate::scheduling::rooms::Room;
use crate::scheduling::topology::Lot;
use model::plan::{Placement, Target};
use std::collections::VecDeque;

/// Pods that only a node that is there can take are worth so many times what the others are.
const NOWHERE_ELSE: i64 = 100;

impl Waiting<'_> {
    /// For each room the classes of which it can take a pod now.
    pub(super) fn admitted(&self, rooms: &[&Room<'_>]) -> Vec<Bits> {
        let gates = self.gates.iter().max().map_or(0, |gate| gate + 1);
        let mut samples = vec![0; gates];
        for (class, gate) in self.gates.iter().enumerate() {
            samples[*gate] = class;
        }
        let of_room = |room: &&Room<'_>| -> Bits {
            let is_open = |class: &usize| room.admits(&self.classes[*class]);
            let open: Vec<bool> = samples.iter().map(is_open).collect();
            let takes = |(class, gate): (&_, &usize)| open[*gate] && room.has_space_for(class);
            self.classes.iter().zip(&self.gates).map(takes).collect()
        };
        rooms.iter().map(of_room).collect()
    }

    /// Fills what is free if all that waits goes there; else leaves it as it is.
    pub(super) fn use_rooms_for_all(&mut self, rooms: &mut [Existing<'_>]) {
        let before = (self.pods.clone(), self.in_rooms.clone(), self.placements.len());
        let kept: Vec<Room<'_>> = rooms.iter().map(|existing| existing.room.clone()).collect();
        self.use_rooms(rooms);
        if self.pods.iter().all(VecDeque::is_empty) {
            return;
        }
        (self.pods, self.in_rooms) = (before.0, before.1);
        self.placements.truncate(before.2);
        for (existing, room) in rooms.iter_mut().zip(kept) {
            existing.room = room;
        }
    }

    /// Fills what is free so that the new nodes for the rest cost least, the more important pods first. Pods that are
    /// something to their neighbours go before the others, as they have less choice.
    pub(super) fn use_rooms_by_worth(&mut self, rooms: &mut [Existing<'_>]) {
        for class in 0..self.classes.len() {
            if !self.topology.ties(self.ties[class]).are_none() {
                self.use_all_rooms_for(class, rooms);
            }
        }
        let untied = |class: &usize| {
            self.topology.ties(self.ties[*class]).are_none() && !self.pods[*class].is_empty()
        };
        let untied: Vec<usize> = (0..self.classes.len()).filter(untied).collect();
        let priority = |class: &usize| self.classes[*class].sample.priority;
        let tiers: Vec<Vec<usize>> =
            untied.chunk_by(|a, b| priority(a) == priority(b)).map(<[usize]>::to_vec).collect();
        for tier in tiers {
            self.use_rooms_for_tier(&tier, rooms);
        }
    }

    fn use_rooms_for_tier(&mut self, tier: &[usize], rooms: &mut [Existing<'_>]) {
        let open: Vec<usize> =
            (0..rooms.len()).filter(|at| rooms[*at].kind == Kind::Open).collect();
        let of_room: Vec<&Room<'_>> = open.iter().map(|at| &rooms[*at].room).collect();
        let of_tier = |all: Bits| -> Bits { tier.iter().map(|c| all.contains(*c)).collect() };
        let admitted = self.admitted(&of_room).into_iter().map(of_tier);
        let spaces = of_room.iter().zip(admitted);
        let spaces: Vec<Space<'_>> =
            spaces.map(|(room, admits)| Space { free: room.free(), admits }).collect();
        let most = tier.iter().map(|class| self.worths[*class]).max().unwrap_or(0).max(1);
        let row = |class: &usize| Row {
            requests: &self.classes[*class].requests,
            count: whole(self.pods[*class].len()),
            worth: match self.worths[*class] {
                0 => most.saturating_mul(NOWHERE_ELSE),
                worth => worth,
            },
            roles: &[],
            is_alone: self.classes[*class].is_alone_on_a_node(),
            entry: 0,
        };
        let filled = fill_spaces(tier.iter().map(row).collect(), &spaces);
        for (at, contents) in open.into_iter().zip(filled) {
            for (row, count) in contents {
                let class = tier[row];
                let count = rooms[at].room.take(&self.classes[class], count);
                self.place_in(&rooms[at].room.target, class, count);
            }
        }
    }

    /// Fills what is free on nodes and claims.
    pub(super) fn use_rooms(&mut self, rooms: &mut [Existing<'_>]) {
        for class in 0..self.classes.len() {
            self.use_all_rooms_for(class, rooms);
        }
    }

    fn use_all_rooms_for(&mut self, class: usize, rooms: &mut [Existing<'_>]) {
        // What a spread allows in one place may depend on what went to another.
        while self.use_rooms_for(class, rooms) && !self.asks[class].are_none() {}
    }

    fn use_rooms_for(&mut self, class: usize, rooms: &mut [Existing<'_>]) -> bool {
        let is_tied = !self.topology.ties(self.ties[class]).are_none();
        let mut placed = false;
        for existing in rooms.iter_mut().filter(|existing| existing.kind == Kind::Open) {
            let mut most = whole(self.pods[class].len());
            if most == 0 {
                return false;
            }
            let room = &mut existing.room;
            if is_tied && room.may_take(&self.classes[class]) {
                let all = most;
                let place = room.place();
                most = self.topology.most_at(&self.asks[class], &place, &room.local, most);
                // Pods that must all be beside the first are not begun where they do not all fit.
                if self.topology.begins_on_node(&self.asks[class]) {
                    most = if room.holds(&self.classes[class], all) { most } else { 0 };
                }
            }
            let count = room.take(&self.classes[class], most);
            if count == 0 {
                continue;
            }
            placed = true;
            self.count(class, count, existing);
            self.place_in(&existing.room.target, class, count);
        }
        placed
    }

    /// Gives the next so many pods of a class their place in a room that has taken them.
    fn place_in(&mut self, target: &Target, class: usize, count: i64) {
        self.in_rooms[class] += count;
        for pod in self.next(class, count) {
            self.place(pod, target);
        }
    }

    /// Fills what is free on nodes and claims in the domains of a lot.
    pub(super) fn use_rooms_of(&mut self, lot: &mut Lot, rooms: &mut [Existing<'_>]) {
        let asks = &self.asks[lot.class];
        for Existing { room, .. } in rooms.iter_mut().filter(|room| room.kind == Kind::Open) {
            if lot.count == 0 {
                return;
            }
            if !lot.pins.admits_labels(room.place().labels) {
                continue;
            }
            let most = self.topology.most_beside(asks, &room.local, lot.count);
            let count = room.take(&self.classes[lot.class], most);
            if count == 0 {
                continue;
            }
            self.topology.count_beside(asks, count, &mut room.local);
            lot.count -= count;
            let target = room.target.clone();
            let pods = self.pods[lot.class].drain(..usize::try_from(count).expect("it is counted"));
            let placed = pods.map(|pod| Placement { pod: pod.name.clone(), on: target.clone() });
            self.placements.extend(placed);
        }
    }
}

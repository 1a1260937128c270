//! One node, filled with as much worth as a few simple ways can find.

use super::float;
use super::frame::{Frame, Stand};
use super::neighbours::Neighbours;
use crate::scheduling::amounts::{fits, times};
use std::cmp::Ordering;

/// So many of the rows that give most for the room they take are looked at when a node is filled in balance.
const BALANCED_ROWS: usize = 192;

/// A node in balance takes a part of what fits of one row before it looks again which row is best.
const PORTION: i64 = 2;

/// Filling in balance gains a tenth at most, as a rule.
const NEAR: f64 = 0.9;

/// A resource of which more than this part is used is scarce and becomes dearer.
const SCARCE: f64 = 0.97;

/// Pods on one node.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Index into the frame's kinds.
    pub(super) kind: usize,
    /// Rows and how many pods of each.
    pub(super) contents: Vec<(usize, i64)>,
    /// What they are worth.
    pub(super) worth: f64,
}

impl Node {
    /// Writes down pods of a row that was not, unless it leads and is the first.
    fn add(&mut self, row: usize, count: i64, lead: Option<usize>) {
        match self.contents.first_mut().filter(|_| lead == Some(row)) {
            Some((_, present)) => *present += count,
            None => self.contents.push((row, count)),
        }
    }
}

/// A row of which pods may still come onto a node.
#[derive(Clone, Copy)]
struct Open {
    row: usize,
    left: i64,
    placed: i64,
}

/// Fills nodes, one at a time.
pub(super) struct Filler<'f, 't> {
    pub(super) frame: &'f Frame<'t>,
    /// How many pods of each row are to be placed.
    pub(super) left: Vec<i64>,
    /// What a pod of each row is worth now.
    pub(super) worths: Vec<f64>,
    /// For each kind, what a unit of each resource is held to be worth, so that a whole node is worth 1.
    pub(super) weights: Vec<Vec<f64>>,
    /// How many rows were looked at.
    pub(super) effort: u64,
    free: Vec<i64>,
    neighbours: Neighbours,
    /// Rows, those first that are worth most for the room they take, as far as they are in order.
    order: Vec<(f64, usize)>,
    /// How many of them are in order.
    ordered: usize,
    open: Vec<Open>,
    scales: Vec<f64>,
}

impl<'f, 't> Filler<'f, 't> {
    /// With all pods to be placed.
    pub(super) fn new(frame: &'f Frame<'t>, worths: Vec<f64>) -> Self {
        let even = |stand: &Stand| -> Vec<f64> {
            stand.room.iter().map(|room| 1.0 / float((*room).max(1))).collect()
        };
        Self {
            frame,
            left: frame.counts.clone(),
            worths,
            weights: frame.kinds.iter().map(even).collect(),
            effort: 0,
            free: vec![0; frame.measures],
            neighbours: Neighbours::new(frame.terms),
            order: Vec::new(),
            ordered: 0,
            open: Vec::new(),
            scales: vec![0.0; frame.measures],
        }
    }

    /// The best filling that is found, with at least one pod of the lead if there is one. The slowest way is tried only
    /// where the others come near to a worth that is to be beaten.
    pub(super) fn fill(&mut self, kind: usize, lead: Option<usize>, beaten: f64) -> Node {
        let better = |a: Node, b: Node| if a.worth < b.worth { b } else { a };
        let first = self.greedy(kind, lead);
        self.reweigh(kind);
        let second = self.greedy(kind, lead);
        self.reweigh(kind);
        let best = better(first, second);
        if best.worth < NEAR * beaten { best } else { better(best, self.balanced(kind, lead)) }
    }

    /// What a node of a kind can hold, led by nobody.
    pub(super) fn free_fill(&mut self, kind: usize) -> f64 {
        let first = self.greedy(kind, None);
        self.reweigh(kind);
        first.worth.max(self.greedy(kind, None).worth)
    }

    /// Begins a node.
    fn begin(&mut self, kind: usize, lead: Option<usize>) -> Node {
        self.free.copy_from_slice(&self.frame.kinds[kind].room);
        self.neighbours.clear();
        let mut node = Node { kind, ..Node::default() };
        if let Some(lead) = lead {
            self.put(&mut node, lead, 1);
            node.contents.push((lead, 1));
        }
        node
    }

    fn put(&mut self, node: &mut Node, row: usize, count: i64) {
        for (free, each) in self.free.iter_mut().zip(self.frame.requests(row)) {
            *free -= each * count;
        }
        self.neighbours.add(self.frame.roles[row], count);
        node.worth += self.worths[row] * float(count);
    }

    /// How many pods of a row may be added to a node that has one of them if it leads.
    fn remaining(&self, row: usize, lead: Option<usize>) -> i64 {
        self.left[row].min(self.frame.most[row]) - i64::from(lead == Some(row))
    }

    /// Orders the rows by what they are worth for the room they take, or the best of them where they are many: most nodes
    /// are full before the others' turn comes.
    fn sort(&mut self, kind: usize) {
        let stand = &self.frame.kinds[kind];
        self.order.clear();
        for row in stand.fits.iter().copied() {
            if self.left[row] == 0 {
                continue;
            }
            let pairs = self.frame.amounts(row).iter().zip(&self.weights[kind]);
            let room: f64 = pairs.map(|(each, weight)| each * weight).sum();
            self.order.push((self.worths[row] / room.max(f64::MIN_POSITIVE), row));
        }
        self.effort += stand.fits.len() as u64;
        self.ordered = self.order.len();
        if 2 * BALANCED_ROWS < self.order.len() {
            self.ordered = BALANCED_ROWS;
            self.order.select_nth_unstable_by(self.ordered, dearer);
        }
        self.order[..self.ordered].sort_unstable_by(dearer);
    }

    /// As many as fit of one row after the other, the best ones first.
    fn greedy(&mut self, kind: usize, lead: Option<usize>) -> Node {
        self.sort(kind);
        let mut node = self.begin(kind, lead);
        let mut at = 0;
        while at < self.order.len() && !self.frame.is_full(&self.free) {
            if at == self.ordered {
                self.order[at..].sort_unstable_by(dearer);
                self.ordered = self.order.len();
            }
            at += self.greedy_until_put(&mut node, at, lead);
        }
        node
    }

    /// Goes through the rows that are in order from a place on until one has pods that fit. Returns how many were seen.
    fn greedy_until_put(&mut self, node: &mut Node, from: usize, lead: Option<usize>) -> usize {
        for at in from..self.ordered {
            let (_, row) = self.order[at];
            let requests = self.frame.requests(row);
            if !fits(requests, &self.free) {
                continue;
            }
            let count = times(requests, &self.free, self.remaining(row, lead));
            let count = self.neighbours.most(self.frame.roles[row], count);
            if 0 < count {
                self.put(node, row, count);
                node.add(row, count, lead);
                return at + 1 - from;
            }
        }
        self.ordered - from
    }

    /// Holds resources that ran out to be dearer, and what was left over cheaper.
    fn reweigh(&mut self, kind: usize) {
        let room = &self.frame.kinds[kind].room;
        let weights = &mut self.weights[kind];
        let mut sum = 0.0;
        for ((weight, room), free) in weights.iter_mut().zip(room).zip(&self.free) {
            let used = 1.0 - float((*free).max(0)) / float((*room).max(1));
            *weight *= if SCARCE < used { 1.3 } else { 0.8 * (0.5 + used) };
            sum += *weight * float((*room).max(0));
        }
        for (weight, room) in weights.iter_mut().zip(room) {
            *weight = (*weight / sum).max(1e-3 / float((*room).max(1)));
        }
    }

    /// Filled so that all resources run out together: what comes next is worth most for its shares of what is still
    /// free. Looks at the rows as they were ordered last.
    fn balanced(&mut self, kind: usize, lead: Option<usize>) -> Node {
        let mut node = self.begin(kind, lead);
        let mut open = std::mem::take(&mut self.open);
        open.clear();
        let rows = self.order.iter().take(BALANCED_ROWS).map(|(_, row)| *row);
        let waiting = rows.map(|row| Open { row, left: self.remaining(row, lead), placed: 0 });
        open.extend(waiting.filter(|row| 0 < row.left));
        while let Some(best) = self.next(&mut node, &mut open, lead) {
            let Open { row, left, .. } = open[best];
            let fitting = times(self.frame.requests(row), &self.free, left);
            let portion = (fitting / PORTION).max(1);
            let count = self.neighbours.most(self.frame.roles[row], portion);
            self.put(&mut node, row, count);
            open[best].placed += count;
            open[best].left -= count;
        }
        self.open = open;
        node
    }

    /// The place of the row of which a pod is worth most for its shares of what is free. Rows of which no pod may come
    /// any more leave, and what was placed of them is written down.
    fn next(
        &mut self,
        node: &mut Node,
        open: &mut Vec<Open>,
        lead: Option<usize>,
    ) -> Option<usize> {
        self.effort += open.len() as u64;
        for (scale, free) in self.scales.iter_mut().zip(&self.free) {
            *scale = 1.0 / float((*free).max(1));
        }
        let mut best: Option<(f64, usize)> = None;
        let mut at = 0;
        while let Some(Open { row, left, placed }) = open.get(at).copied() {
            let share = self
                .share(row)
                .filter(|_| 0 < left && 0 < self.neighbours.most(self.frame.roles[row], 1));
            let Some(share) = share else {
                open.swap_remove(at);
                if 0 < placed {
                    node.add(row, placed, lead);
                }
                continue;
            };
            let value = self.worths[row] / share.max(f64::MIN_POSITIVE);
            let is_better = best.is_none_or(|(most, known)| {
                most < value || (most <= value && row < open[known].row)
            });
            if is_better {
                best = Some((value, at));
            }
            at += 1;
        }
        best.map(|(_, at)| at)
    }

    /// The sum of a pod's shares of what is free; none if it does not fit.
    fn share(&self, row: usize) -> Option<f64> {
        let mut share = 0.0;
        let requests = self.frame.requests(row).iter().zip(self.frame.amounts(row));
        for (((each, amount), free), scale) in requests.zip(&self.free).zip(&self.scales) {
            if free < each && 0 < *each {
                return None;
            }
            share += amount * scale;
        }
        Some(share)
    }
}

/// The order of rows: what is worth more for its room first.
fn dearer((a, row): &(f64, usize), (b, other): &(f64, usize)) -> Ordering {
    b.total_cmp(a).then(row.cmp(other))
}

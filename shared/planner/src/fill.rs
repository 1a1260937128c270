//! Which nodes to open for pods, and what goes onto each, so that all costs least.
//!
//! One node after another: the pods that are worth most lead; the kinds of nodes that promise most are filled with
//! them and then with what is worth most for the room it takes; of these the one with the most worth for its cost is
//! opened, as often as there are pods for it. When all is packed, pods that ended on wasteful nodes are held to be worth
//! more than they were, as they are harder to place than it seemed, and all is packed anew; the best packing is kept.
//! That is value correction, as in cutting stock (Belov and Scheithauer 2007). How much is tried is counted in rows looked at.
#![expect(
    clippy::float_arithmetic,
    reason = "worths only say what is tried first; what is packed is counted in integers"
)]

mod filler;
mod frame;
mod neighbours;
mod packer;
mod ranking;
#[cfg(test)]
mod tests;

use crate::bound::Bits;
use crate::scheduling::topology::Role;
use filler::Filler;
use frame::Frame;
use packer::{Packed, Packer};

/// After so many packings the next ones rarely gain a tenth of a percent, on the problems that were looked at.
const PASSES_MAX: usize = 12;

/// After so many packings in a row that did not cost less than the best one no more are made.
const IDLE_MAX: usize = 4;

/// So many rows are looked at before the last packing is begun, and so many more for each pod: some 10 ns each on a core
/// of 2023, so that 2,000 pods are tried for 50 ms at most.
const EFFORT: u64 = 2_000_000;
const EFFORT_PER_POD: u64 = 700;
const EFFORT_MAX: u64 = 20_000_000;

/// A packing that costs so little more than its pods are worth is good enough: seldom could half of that be saved.
const GOOD_ENOUGH: f64 = 0.02;

/// By such a part of what a node wastes its pods' worths are corrected.
const CORRECTION: f64 = 0.5;

/// What costs at most so much more is held to cost the same, and fewer nodes are taken.
const TIE: f64 = 0.005;

/// What is to be packed, and onto what.
#[derive(Clone, Debug)]
pub(crate) struct Task<'t> {
    /// The pods.
    pub(crate) rows: Vec<Row<'t>>,
    /// The nodes that can be opened.
    pub(crate) kinds: Vec<Kind<'t>>,
    /// How much of each limit all nodes together may use.
    pub(crate) limits: Vec<i64>,
}

/// Pods that are alike.
#[derive(Clone, Debug)]
pub(crate) struct Row<'t> {
    /// What one asks for.
    pub(crate) requests: &'t [i64],
    /// How many are to be placed.
    pub(crate) count: i64,
    /// What one is worth at first, in nano-dollars an hour.
    pub(crate) worth: i64,
    /// What they are to terms over nodes.
    pub(crate) roles: &'t [Role],
    /// Whether two of them cannot be on one node.
    pub(crate) is_alone: bool,
    /// Which kinds they may go on: the number of a way to enter.
    pub(crate) entry: usize,
}

/// Nodes that are alike.
#[derive(Clone, Debug)]
pub(crate) struct Kind<'t> {
    /// What one leaves to pods.
    pub(crate) room: &'t [i64],
    /// Per hour, in micro-dollars, or what else is to be saved.
    pub(crate) cost: i64,
    /// What one uses of each limit.
    pub(crate) uses: Vec<i64>,
    /// Whether it is only opened for pods that nothing else holds.
    pub(crate) is_exotic: bool,
    /// The ways to enter that it admits.
    pub(crate) admits: Bits,
}

/// Nodes that were opened, all filled alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Index into the kinds.
    pub(crate) kind: usize,
    /// Rows and how many pods of each are on one.
    pub(crate) contents: Vec<(usize, i64)>,
    /// How many nodes.
    pub(crate) times: i64,
}

/// What may really be on a node of a kind, of what is proposed: the first row's pods at least, or nothing.
pub(crate) type Accept<'a> = &'a mut dyn FnMut(usize, &[(usize, i64)]) -> Vec<(usize, i64)>;

/// Opens nodes for as many of the pods as limits and kinds allow.
pub(crate) fn fill(task: &Task<'_>, accept: Accept<'_>) -> Vec<Opened> {
    let frame = Frame::new(task);
    let worths = task.rows.iter().map(|row| float(row.worth.max(1))).collect();
    let mut packer = Packer::new(&frame, worths);
    let pods: i64 = frame.counts.iter().sum();
    let more = EFFORT_PER_POD.saturating_mul(pods.unsigned_abs());
    let enough = EFFORT.saturating_add(more).min(EFFORT_MAX);
    let mut best: Option<Packed> = None;
    let mut idle = 0;
    for _ in 0..PASSES_MAX {
        let effort = packer.effort();
        let next = packer.pack(accept);
        let is_cheaper = best.as_ref().is_none_or(|best| next.cost < best.cost);
        idle = if is_cheaper { 0 } else { idle + 1 };
        let is_good = next.left == 0 && float(next.cost) <= (1.0 + GOOD_ENOUGH) * next.worth;
        packer.correct(&next.nodes);
        let first = best.is_none();
        best = Some(match best {
            Some(best) => best.better(next),
            None => next,
        });
        let after = packer.effort() + (packer.effort() - effort);
        let is_over = (enough < after && !first) || enough < packer.effort();
        if is_good || is_over || idle == IDLE_MAX {
            break;
        }
    }
    let nodes = best.map(|best| best.nodes).unwrap_or_default();
    let opened = nodes.into_iter().map(|(node, times)| Opened {
        kind: frame.kinds[node.kind].index,
        contents: node.contents,
        times,
    });
    opened.collect()
}

/// Room that is there and costs nothing.
#[derive(Clone, Debug)]
pub(crate) struct Space<'t> {
    /// What is free.
    pub(crate) free: &'t [i64],
    /// The rows whose pods may come.
    pub(crate) admits: Bits,
}

/// What the pods of each space can be worth at most, in nano-dollars an hour, if each had its choice of all.
pub(crate) fn promises(rows: Vec<Row<'_>>, spaces: &[Space<'_>]) -> Vec<i64> {
    let worths = rows.iter().map(|row| float(row.worth.max(1))).collect();
    let frame = Frame::of_spaces(rows, spaces);
    let mut filler = Filler::new(&frame, worths);
    (0..spaces.len()).map(|space| whole(filler.fluid(space))).collect()
}

/// Fills what is there with what is worth most. Says for each space which rows come there and how many pods of each.
pub(crate) fn fill_spaces(rows: Vec<Row<'_>>, spaces: &[Space<'_>]) -> Vec<Vec<(usize, i64)>> {
    let worths = rows.iter().map(|row| float(row.worth.max(1))).collect();
    let frame = Frame::of_spaces(rows, spaces);
    let mut filler = Filler::new(&frame, worths);
    let mut contents = vec![Vec::new(); spaces.len()];
    for space in frame.uneven_first() {
        if 0.0 < filler.fluid(space) {
            let node = filler.fill(space, None, 0.0);
            for (row, count) in &node.contents {
                filler.left[*row] -= count;
            }
            contents[space] = node.contents;
        }
    }
    contents
}

impl Packed {
    /// The better of two packings: fewer pods left out, then the lower cost, and of about the same the fewer nodes.
    fn better(self, other: Self) -> Self {
        if self.left != other.left {
            return if self.left < other.left { self } else { other };
        }
        let (mine, theirs) = (float(self.cost), float(other.cost));
        let is_tie = (mine - theirs).abs() <= TIE / 2.0 * mine.min(theirs);
        let takes_other = if is_tie {
            (other.count, other.cost) < (self.count, self.cost)
        } else {
            theirs < mine
        };
        if takes_other { other } else { self }
    }
}

/// The whole part.
#[expect(clippy::cast_possible_truncation, reason = "a cast to an integer stops at its ends")]
fn whole(number: f64) -> i64 {
    number as i64
}

/// The number itself up to 2⁵³, the nearest float beyond.
#[expect(clippy::cast_precision_loss, reason = "it is only compared")]
fn float(number: i64) -> f64 {
    number as f64
}

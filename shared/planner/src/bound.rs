//! What no packing can cost less than, proved by prices, and what a pod of each class is worth.
//!
//! Let every pod have a worth, such that what is on one node is never worth more than the node costs. Then all pods
//! together are worth no more than any packing of them costs, whatever it looks like. To know this of a kind of nodes
//! without trying all ways to fill it, we put *weights* on its resources, and on its places for pods of a group of which
//! it takes only so many: its whole room by these weights comes to no more than its price, and a pod is worth no more
//! than what it takes of that room. A pod's worth is the least that the columns it fits on allow. Then:
//!
//! * A *limit* gets a price per unit. A node may be worth its own price and that of what it uses of limits; in return
//!   the price of the whole limit is taken off the bound, since a packing uses no more than that.
//! * A *room* that is there costs nothing, so the most that the pods on it can be worth is taken off.
//! * The *room of a column* counts only as far as pods can use it: no more than all pods ask for that may enter, and
//!   rounded down to what divides all their requests, as sums of requests are multiples of that too.
//! * A column that does not hold even one pod of a class says nothing about that class.
//! * A column whose room is no larger, price for price, than that of another one which holds all the classes it holds
//!   needs no weights: those of the other one prove it as well.
//!
//! Any weights prove a bound. Good ones solve the dual of the linear programme that buys nodes in fractions, see `search`.
//! They are sought in floats; `proof` only trusts sums and products of numbers that are not negative, lowers or raises
//! each by far more than their rounding, and rounds to whole nano-dollars.
#![expect(
    clippy::float_arithmetic,
    reason = "weights are sought in floats; what is claimed is rounded"
)]

mod bits;
mod build;
mod bundles;
mod dense;
mod field;
mod gauge;
mod halls;
mod interior;
mod normal;
mod program;
mod proof;
mod search;
mod simplex;
#[cfg(test)]
mod tests;
mod weigh;

pub(crate) use bits::Bits;
pub(crate) use simplex::cover;

use model::price::Price;

/// What is to be packed, and what onto.
#[derive(Clone, Debug)]
pub(crate) struct Problem<'p> {
    /// How many resources a vector has.
    pub(crate) width: usize,
    /// The classes of pods.
    pub(crate) rows: Vec<Row<'p>>,
    /// The kinds of nodes that can be opened, any number of each.
    pub(crate) columns: Vec<Column<'p>>,
    /// For each profile, the columns that its pods may go on.
    pub(crate) profiles: Vec<Bits>,
    /// For each group, how many of its pods may be on one node: at least 1.
    pub(crate) groups: Vec<i64>,
    /// How much of each limit all new nodes together may use.
    pub(crate) limits: Vec<i64>,
    /// What is free on nodes that are there.
    pub(crate) rooms: Vec<Room<'p>>,
}

/// Pods that are alike.
#[derive(Clone, Debug)]
pub(crate) struct Row<'p> {
    /// What one asks for; nothing negative.
    pub(crate) requests: &'p [i64],
    /// How many there are.
    pub(crate) count: i64,
    /// Index into the profiles.
    pub(crate) profile: usize,
    /// Indices into the groups.
    pub(crate) groups: &'p [usize],
}

/// Nodes that are alike.
#[derive(Clone, Debug)]
pub(crate) struct Column<'p> {
    /// What one leaves to pods. Less than nothing is nothing: it still takes pods that do not ask for it.
    pub(crate) room: &'p [i64],
    /// Per hour; not negative.
    pub(crate) price: Price,
    /// Indices into the limits, each at most once, and how much one node uses.
    pub(crate) uses: &'p [(usize, i64)],
}

/// A node that is there and costs nothing more.
#[derive(Clone, Debug)]
pub(crate) struct Room<'p> {
    /// What is free on it.
    pub(crate) free: &'p [i64],
    /// The rows whose pods may go there.
    pub(crate) rows: Bits,
}

/// A bound, and the worths that prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// Per hour: no packing of all pods costs less. Rows that no column holds count as if they were not there. Where the
    /// limits do not let all pods in there is no such packing, and the number means nothing.
    pub(crate) bound: Price,
    /// For each row, what one pod is worth in nano-dollars per hour: nothing where no column holds it.
    pub(crate) worths: Vec<i64>,
}

/// Bounds the cost of every packing from below.
pub(crate) fn prove(problem: &Problem<'_>) -> Proof {
    let field = field::Field::new(problem);
    let found = search::search(&field);
    proof::proof(problem, &field, &found)
}

/// The number itself up to 2⁵³, the nearest float beyond.
#[expect(
    clippy::cast_precision_loss,
    reason = "off by 2⁻⁵³ of itself at most; the proof's margin is wider"
)]
fn float(number: i64) -> f64 {
    number as f64
}

/// A number of things.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2⁵³ of anything")]
fn count(number: usize) -> f64 {
    number as f64
}

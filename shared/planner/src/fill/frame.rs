//! The task in numbers to reckon with: the resources that someone asks for, and the kinds of nodes that matter.

use super::{Kind, Row, Space, Task, float};
use crate::scheduling::amounts::fits;
use crate::scheduling::topology::Role;

/// Rows and kinds.
pub(super) struct Frame<'t> {
    /// How many resources count.
    pub(super) measures: usize,
    /// What rows ask for, one row after the other.
    requests: Vec<i64>,
    /// The same as floats.
    amounts: Vec<f64>,
    /// The least that a pod asks for of each resource.
    least: Vec<i64>,
    /// How many pods each row has.
    pub(super) counts: Vec<i64>,
    /// How many pods of each row may be on one node, as far as they themselves are concerned.
    pub(super) most: Vec<i64>,
    /// What each row is to terms over nodes.
    pub(super) roles: Vec<&'t [Role]>,
    /// Whether a term bounds how many pods of a row are on one node.
    pub(super) is_capped: Vec<bool>,
    /// One more than the largest number of a term.
    pub(super) terms: usize,
    /// The kinds that no other one makes superfluous.
    pub(super) kinds: Vec<Stand>,
    /// How much there is of each limit.
    pub(super) limits: Vec<i64>,
}

/// A kind of nodes.
pub(super) struct Stand {
    /// Its index in the task.
    pub(super) index: usize,
    /// What one leaves to pods.
    pub(super) room: Vec<i64>,
    /// What one costs.
    pub(super) cost: f64,
    /// The same.
    pub(super) price: i64,
    /// What one uses of each limit.
    pub(super) uses: Vec<i64>,
    /// The rows of which it holds at least one pod, ascending.
    pub(super) fits: Vec<usize>,
    /// Of these, the ones that may lead: all, but for exotic kinds those that nothing else holds.
    pub(super) leads: Vec<bool>,
}

impl<'t> Frame<'t> {
    /// Takes the task apart.
    pub(super) fn new(task: &Task<'t>) -> Self {
        let (mut frame, asked) = Self::of_rows(task);
        let rows = &task.rows;
        let mut stands: Vec<Stand> =
            front(task, &asked).into_iter().map(|kind| frame.stand(task, kind, &asked)).collect();
        let mut has_ordinary = vec![false; rows.len()];
        for stand in stands.iter().filter(|stand| !task.kinds[stand.index].is_exotic) {
            for row in &stand.fits {
                has_ordinary[*row] = true;
            }
        }
        for stand in &mut stands {
            let is_exotic = task.kinds[stand.index].is_exotic;
            stand.leads = has_ordinary.iter().map(|ordinary| !(is_exotic && *ordinary)).collect();
        }
        stands.retain(|stand| stand.fits.iter().any(|row| stand.leads[*row]));
        frame.kinds = stands;
        frame
    }

    /// Only spaces that are there, each as a kind.
    pub(super) fn of_spaces(rows: Vec<Row<'t>>, spaces: &[Space<'_>]) -> Self {
        let (mut frame, asked) =
            Self::of_rows(&Task { rows, kinds: Vec::new(), limits: Vec::new() });
        let stand = |(index, space): (usize, &Space<'_>)| {
            let room: Vec<i64> = asked.iter().map(|k| space.free[*k]).collect();
            let fits = frame.fits(&room, |row| space.admits.contains(row));
            let (leads, uses) = (Vec::new(), Vec::new());
            Stand { index, room, cost: 0.0, price: 0, uses, fits, leads }
        };
        let stands = spaces.iter().enumerate().map(stand).collect();
        frame.kinds = stands;
        frame
    }

    /// The kinds, the most uneven ones first: those of whose resources one is much scarcer than another. What goes there
    /// matters most, while there is a choice of pods.
    pub(super) fn uneven_first(&self) -> Vec<usize> {
        let asked = |k: usize| {
            let rows = (0..self.rows()).map(|row| float(self.requests(row)[k] * self.counts[row]));
            rows.sum::<f64>().max(1.0)
        };
        let totals: Vec<f64> = (0..self.measures).map(asked).collect();
        let evenness = |stand: &Stand| {
            let pairs = stand.room.iter().zip(&totals);
            let shares = pairs.map(|(room, all)| float((*room).max(0)) / all);
            let ends = |(least, most): (f64, f64), share: f64| (least.min(share), most.max(share));
            let (least, most) = shares.fold((f64::INFINITY, 0.0), ends);
            least / most.max(f64::MIN_POSITIVE)
        };
        let kinds = self.kinds.iter().enumerate();
        let mut order: Vec<(f64, usize)> =
            kinds.map(|(kind, stand)| (evenness(stand), kind)).collect();
        order.sort_by(|(a, one), (b, other)| a.total_cmp(b).then(one.cmp(other)));
        order.into_iter().map(|(_, kind)| kind).collect()
    }

    /// The rows, and which resources some of them ask for.
    fn of_rows(task: &Task<'t>) -> (Self, Vec<usize>) {
        let rows = &task.rows;
        let width = rows.first().map_or(0, |row| row.requests.len());
        let is_asked = |k: &usize| rows.iter().any(|row| 0 < row.requests[*k]);
        let asked: Vec<usize> = (0..width).filter(is_asked).collect();
        let of_row = |row: &Row<'_>| asked.iter().map(|k| row.requests[*k]).collect::<Vec<_>>();
        let has_cap = |row: &Row<'_>| row.roles.iter().any(|role| role.has);
        let terms = rows.iter().flat_map(|row| row.roles).map(|role| role.term + 1);
        let requests: Vec<i64> = rows.iter().flat_map(of_row).collect();
        let least = |k: &usize| rows.iter().map(|row| row.requests[*k]).min().unwrap_or(0);
        let frame = Self {
            measures: asked.len(),
            amounts: requests.iter().map(|each| float(*each)).collect(),
            least: asked.iter().map(least).collect(),
            requests,
            counts: rows.iter().map(|row| row.count).collect(),
            most: rows.iter().map(|row| if row.is_alone { 1 } else { i64::MAX }).collect(),
            roles: rows.iter().map(|row| row.roles).collect(),
            is_capped: rows.iter().map(has_cap).collect(),
            terms: terms.max().unwrap_or(0),
            kinds: Vec::new(),
            limits: task.limits.clone(),
        };
        (frame, asked)
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.counts.len()
    }

    /// What a pod of a row asks for.
    pub(super) fn requests(&self, row: usize) -> &[i64] {
        &self.requests[row * self.measures..][..self.measures]
    }

    /// The same as floats.
    pub(super) fn amounts(&self, row: usize) -> &[f64] {
        &self.amounts[row * self.measures..][..self.measures]
    }

    /// Whether so little is free that no pod fits.
    pub(super) fn is_full(&self, free: &[i64]) -> bool {
        self.least.iter().zip(free).any(|(least, free)| 0 < *least && free < least)
    }

    fn stand(&self, task: &Task<'_>, index: usize, asked: &[usize]) -> Stand {
        let kind = &task.kinds[index];
        let room: Vec<i64> = asked.iter().map(|k| kind.room[*k]).collect();
        let fits = self.fits(&room, |row| kind.admits.contains(task.rows[row].entry));
        let (cost, uses) = (float(kind.cost), kind.uses.clone());
        Stand { index, room, cost, price: kind.cost, uses, fits, leads: Vec::new() }
    }

    /// The rows that may enter and fit.
    fn fits(&self, room: &[i64], enters: impl Fn(usize) -> bool) -> Vec<usize> {
        let holds = |row: &usize| enters(*row) && fits(self.requests(*row), room);
        (0..self.rows()).filter(holds).collect()
    }
}

/// The kinds for each other of which there is one that is as large, admits as many, costs no more and uses no more of any
/// limit. Room for more than all pods together ask for does not count.
fn front(task: &Task<'_>, asked: &[usize]) -> Vec<usize> {
    let total = |k: &usize| {
        let all = task.rows.iter().map(|row| row.requests[*k].saturating_mul(row.count));
        all.fold(0, i64::saturating_add)
    };
    let totals: Vec<i64> = asked.iter().map(total).collect();
    let usable = |kind: &Kind<'_>| -> Vec<i64> {
        asked.iter().zip(&totals).map(|(k, total)| kind.room[*k].min(*total)).collect()
    };
    let mut order: Vec<usize> = (0..task.kinds.len()).collect();
    order.retain(|kind| {
        let mut uses = task.kinds[*kind].uses.iter().zip(&task.limits);
        uses.all(|(uses, limit)| *uses == 0 || uses <= limit)
    });
    order.sort_by_key(|kind| (task.kinds[*kind].cost, *kind));
    let mut front: Vec<(usize, Vec<i64>)> = Vec::new();
    for kind in order {
        let (mine, room) = (&task.kinds[kind], usable(&task.kinds[kind]));
        let covers = |(other, theirs): &(usize, Vec<i64>)| {
            room.iter().zip(theirs).all(|(mine, theirs)| mine <= theirs)
                && is_as_good(&task.kinds[*other], mine)
        };
        // The dearer ones are the larger ones, so they are looked at first.
        if !front.iter().rev().any(covers) {
            front.push((kind, room));
        }
    }
    front.into_iter().map(|(kind, _)| kind).collect()
}

/// Whether one kind, which is as large and costs no more, does all that another one does.
fn is_as_good(one: &Kind<'_>, other: &Kind<'_>) -> bool {
    one.is_exotic == other.is_exotic
        && one.uses.iter().zip(&other.uses).all(|(mine, theirs)| mine <= theirs)
        && other.admits.is_within(&one.admits)
}

//! The problem in numbers to reckon with: the columns that matter, and what a pod costs by itself.

use super::{Bits, Column, Problem, Row, float};
use model::price::Price;
use std::collections::BTreeMap;

/// Rows, columns and rooms.
pub(super) struct Field {
    /// For each resource that some pod asks for, in units of its own, what a pod of each row asks for.
    pub(super) requests: Vec<Vec<f64>>,
    /// How many pods each row has; none where no column holds one.
    pub(super) counts: Vec<f64>,
    /// The groups that have more pods than one node takes.
    pub(super) groups: Vec<Group>,
    /// For each row, which of these groups it is in.
    pub(super) groups_of: Vec<Vec<usize>>,
    /// How much there is of each limit.
    pub(super) limits: Vec<f64>,
    /// The columns that are not superfluous.
    pub(super) kinds: Vec<Kind>,
    /// The rooms, as columns without a price.
    pub(super) rooms: Vec<Kind>,
    /// For each row what a pod costs by itself; none where no column holds it.
    pub(super) alone: Vec<Option<Alone>>,
}

/// Pods of which a node takes only so many.
pub(super) struct Group {
    /// At most so many on one node.
    pub(super) most: f64,
    /// The rows in it.
    pub(super) rows: Vec<usize>,
    /// How many pods they have.
    pub(super) count: f64,
}

/// A kind of nodes.
pub(super) struct Kind {
    /// Micro-dollars per hour.
    pub(super) price: f64,
    /// How much of each resource pods can use.
    pub(super) caps: Vec<f64>,
    /// How much a node uses of which limits.
    pub(super) uses: Vec<(usize, f64)>,
    /// The rows that have pods, may enter, and of which it holds at least one pod.
    pub(super) fits: Bits,
}

/// What a pod costs, in micro-dollars per hour, if nodes are filled with its like.
#[derive(Clone, Copy)]
pub(super) struct Alone {
    /// The least share of a node, at its price.
    pub(super) cost: f64,
    /// The kind of nodes for which that is so.
    pub(super) kind: usize,
    /// The price of the cheapest whole node that holds one.
    pub(super) node: f64,
}

impl Group {
    /// How many nodes its pods need.
    pub(super) fn nodes(&self) -> f64 {
        self.count / self.most
    }
}

impl Kind {
    /// How many nodes these amounts fill, by the resource of which they take most.
    pub(super) fn share(&self, amounts: impl Iterator<Item = f64>) -> f64 {
        let share = |(amount, cap): (f64, &f64)| if 0.0 < amount { amount / cap } else { 0.0 };
        amounts.zip(&self.caps).map(share).fold(0.0, f64::max)
    }

    /// What its price and what it uses of limits, at these prices of limits, come to.
    pub(super) fn budget(&self, limits: &[f64]) -> f64 {
        self.price + self.uses.iter().map(|(limit, each)| limits[*limit] * each).sum::<f64>()
    }
}

impl Field {
    /// Takes the problem apart.
    pub(super) fn new(problem: &Problem<'_>) -> Self {
        let counts = counts(problem);
        let scale = Scale::new(problem, &counts);
        let (groups, groups_of) = groups(problem, &counts);
        let of_rows = |k: &usize, unit: &i64| {
            problem.rows.iter().map(|row| float(row.requests[*k]) / float(*unit)).collect()
        };
        let mut field = Self {
            requests: scale.asked.iter().zip(&scale.units).map(|(k, u)| of_rows(k, u)).collect(),
            counts: counts.iter().map(|count| float(*count)).collect(),
            groups,
            groups_of,
            limits: problem.limits.iter().map(|limit| float((*limit).max(0))).collect(),
            kinds: vec![],
            rooms: vec![],
            alone: vec![],
        };
        let drafts = field.drafts(problem, &scale);
        field.kinds = field.kept(problem, drafts);
        let all = scale.total_of(&problem.profiles.iter().map(|_| true).collect());
        let rooms = problem.rooms.iter().map(|room| Kind {
            price: 0.0,
            caps: scale.caps(room.free, &all),
            uses: vec![],
            fits: field.fits(&scale.amounts(room.free), |row| room.rows.contains(row)),
        });
        field.rooms = rooms.collect();
        field.alone = field.alone();
        field
    }

    /// How much all pods together ask for of a resource.
    pub(super) fn total(&self, resource: usize) -> f64 {
        self.requests[resource].iter().zip(&self.counts).map(|(each, pods)| each * pods).sum()
    }

    /// What all pods of a row cost by themselves.
    pub(super) fn cost(&self, row: usize) -> f64 {
        self.counts[row] * self.alone[row].map_or(0.0, |alone| alone.cost)
    }

    /// What a pod of a row asks for.
    pub(super) fn requests_of(&self, row: usize) -> impl Iterator<Item = f64> {
        self.requests.iter().map(move |requests| requests[row])
    }

    /// The rows that may enter and fit.
    fn fits(&self, room: &[f64], enters: impl Fn(usize) -> bool) -> Bits {
        let fits = |row: &usize| self.requests.iter().zip(room).all(|(r, cap)| r[*row] <= *cap);
        (0..self.counts.len())
            .map(|row| 0.0 < self.counts[row] && enters(row) && fits(&row))
            .collect()
    }

    /// The columns that someone may enter, those first that would hold everything at the least price.
    fn drafts(&self, problem: &Problem<'_>, scale: &Scale) -> Vec<Draft> {
        let totals: Vec<f64> = (0..self.requests.len()).map(|k| self.total(k)).collect();
        let mut by_entering: BTreeMap<Bits, (Vec<Total>, Option<Price>)> = BTreeMap::new();
        let mut open = Vec::new();
        for (index, column) in problem.columns.iter().enumerate() {
            let entering: Bits = problem.profiles.iter().map(|p| p.contains(index)).collect();
            if entering.is_empty() || is_barred(problem, column) {
                continue;
            }
            let (total, whole) = (by_entering.entry(entering.clone()))
                .or_insert_with(|| (scale.total_of(&entering), None));
            let is_whole = column.uses.is_empty() && scale.holds(column.room, total);
            if is_whole && whole.is_none_or(|known| column.price < known) {
                *whole = Some(column.price);
            }
            open.push((column, entering, is_whole));
        }
        let mut drafts = Vec::new();
        for (column, entering, is_whole) in open {
            let (total, whole) = &by_entering[&entering];
            // Of columns of which one node holds all that may enter, as on most when few pods wait, the cheapest is enough.
            if is_whole && whole.is_some_and(|whole| whole < column.price) {
                continue;
            }
            let kind = Kind {
                price: float(column.price.micro_dollars()),
                caps: scale.caps(column.room, total),
                uses: column.uses.iter().map(|(limit, each)| (*limit, float(*each))).collect(),
                fits: Bits::default(),
            };
            let blend = kind.price * kind.share(totals.iter().copied());
            drafts.push(Draft { blend, entering, room: scale.amounts(column.room), kind });
        }
        let order = |draft: &Draft| (draft.blend, draft.kind.price);
        drafts.sort_by(|a, b| {
            let ((blend, price), (other, also)) = (order(a), order(b));
            blend.total_cmp(&other).then(price.total_cmp(&also))
        });
        drafts
    }

    /// The columns that no other one makes superfluous.
    fn kept(&self, problem: &Problem<'_>, drafts: Vec<Draft>) -> Vec<Kind> {
        let is_grouped = !self.groups.is_empty();
        let mut kept: Vec<Draft> = Vec::new();
        let mut enters = vec![false; problem.profiles.len()];
        for mut draft in drafts {
            let is_within = |other: &Draft| {
                draft.entering.is_within(&other.entering)
                    && draft.room.iter().zip(&other.room).all(|(mine, theirs)| mine <= theirs)
            };
            // The cheap test first: fewer may enter a smaller room.
            let cheaper = |other: &&Draft| other.kind.is_cheaper(&draft.kind, is_grouped);
            if kept.iter().filter(cheaper).any(is_within) {
                continue;
            }
            for (profile, enters) in enters.iter_mut().enumerate() {
                *enters = draft.entering.contains(profile);
            }
            let fits = self.fits(&draft.room, |row| enters[problem.rows[row].profile]);
            if fits.is_empty()
                || kept.iter().filter(cheaper).any(|other| fits.is_within(&other.kind.fits))
            {
                continue;
            }
            draft.kind.fits = fits;
            kept.push(draft);
        }
        kept.into_iter().map(|draft| draft.kind).collect()
    }

    fn alone(&self) -> Vec<Option<Alone>> {
        let mut alone: Vec<Option<Alone>> = vec![None; self.counts.len()];
        for (index, kind) in self.kinds.iter().enumerate() {
            for row in kind.fits.iter() {
                let cost = kind.share(self.requests_of(row)) * kind.price;
                let new = Alone { cost, kind: index, node: kind.price };
                let it = alone[row].get_or_insert(new);
                if cost < it.cost {
                    (it.cost, it.kind) = (cost, index);
                }
                it.node = it.node.min(kind.price);
            }
        }
        alone
    }
}

/// A column that may turn out superfluous.
struct Draft {
    /// What it would cost to buy all that pods ask for of it.
    blend: f64,
    /// The profiles that may enter.
    entering: Bits,
    /// What one leaves to pods, whether they can use it or not.
    room: Vec<f64>,
    kind: Kind,
}

impl Kind {
    /// Whether as many parts of this one as are needed to have all of the other one cost no more, and use no more of any
    /// limit. Where groups count, that may not be less than a whole one.
    fn is_cheaper(&self, other: &Self, is_grouped: bool) -> bool {
        let is_less = |mine: f64, theirs: f64| {
            (!is_grouped || mine <= theirs)
                && self
                    .caps
                    .iter()
                    .zip(&other.caps)
                    .all(|(cap, small)| small * mine <= theirs * cap)
        };
        let uses_less = |(limit, each): &(usize, f64)| {
            let other = other.uses.iter().find(|(other, _)| other == limit);
            is_less(*each, other.map_or(0.0, |(_, each)| *each))
        };
        is_less(self.price, other.price) && self.uses.iter().all(uses_less)
    }
}

/// How amounts are measured.
struct Scale {
    /// The resources that some pod asks for.
    asked: Vec<usize>,
    /// For each of them a power of two near the largest request, so that nothing is rounded.
    units: Vec<i64>,
    /// For each profile, what its pods can use of one node.
    totals: Vec<Vec<Total>>,
}

/// What some pods can use of a resource on one node.
#[derive(Clone, Copy, Default)]
struct Total {
    /// Not more than this.
    amount: i64,
    /// And a multiple of this.
    divisor: i64,
}

impl Scale {
    fn new(problem: &Problem<'_>, counts: &[i64]) -> Self {
        let rows = || problem.rows.iter().zip(counts).filter(|(_, count)| 0 < **count);
        let largest = |k: usize| rows().map(|(row, _)| row.requests[k]).max().unwrap_or(0);
        let asked: Vec<usize> = (0..problem.width).filter(|k| 0 < largest(*k)).collect();
        let units = asked.iter().map(|k| 1 << largest(*k).ilog2()).collect();
        let mut totals = vec![vec![Total::default(); asked.len()]; problem.profiles.len()];
        for (row, count) in rows() {
            let caps = row.groups.iter().map(|group| problem.groups[*group]);
            let pods = caps.fold(*count, i64::min);
            for (total, k) in totals[row.profile].iter_mut().zip(&asked) {
                let each = row.requests[*k];
                total.add(Total { amount: each.saturating_mul(pods), divisor: each });
            }
        }
        Self { asked, units, totals }
    }

    /// What the pods of these profiles can use of one node.
    fn total_of(&self, profiles: &Bits) -> Vec<Total> {
        let mut sums = vec![Total::default(); self.asked.len()];
        for profile in profiles.iter() {
            for (sum, total) in sums.iter_mut().zip(&self.totals[profile]) {
                sum.add(*total);
            }
        }
        sums
    }

    /// Whether a vector has all that pods can use of one node.
    fn holds(&self, vector: &[i64], totals: &[Total]) -> bool {
        self.asked.iter().zip(totals).all(|(k, total)| total.amount <= vector[*k])
    }

    /// What is asked for of a vector, in units.
    fn amounts(&self, vector: &[i64]) -> Vec<f64> {
        let asked = self.asked.iter().zip(&self.units);
        asked.map(|(k, unit)| float(vector[*k].max(0)) / float(*unit)).collect()
    }

    /// What can be used of a vector, in units.
    fn caps(&self, vector: &[i64], totals: &[Total]) -> Vec<f64> {
        let asked = self.asked.iter().zip(&self.units).zip(totals);
        asked
            .map(|((k, unit), total)| {
                let most = vector[*k].max(0).min(total.amount);
                float(most - most % total.divisor.max(1)) / float(*unit)
            })
            .collect()
    }
}

impl Total {
    fn add(&mut self, more: Self) {
        self.amount = self.amount.saturating_add(more.amount);
        let (mut divisor, mut rest) = (self.divisor, more.divisor);
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        self.divisor = divisor;
    }
}

/// How many pods of each row are to be placed: none where no column holds one.
fn counts(problem: &Problem<'_>) -> Vec<i64> {
    let open: Vec<bool> = problem.columns.iter().map(|c| !is_barred(problem, c)).collect();
    let is_held = |row: &Row<'_>| {
        let fits = |room: &[i64]| row.requests.iter().zip(room).all(|(r, cap)| *r == 0 || r <= cap);
        let profile = &problem.profiles[row.profile];
        let mut entered = profile.iter().filter(|column| open[*column]);
        entered.any(|column| fits(problem.columns[column].room))
    };
    problem.rows.iter().map(|row| if is_held(row) { row.count.max(0) } else { 0 }).collect()
}

/// Whether a node uses more of a limit than there is: it is in no packing.
fn is_barred(problem: &Problem<'_>, column: &Column<'_>) -> bool {
    column.uses.iter().any(|(limit, each)| problem.limits[*limit].max(0) < *each)
}

/// The groups with more pods than one node takes, and for each row those it is in.
fn groups(problem: &Problem<'_>, counts: &[i64]) -> (Vec<Group>, Vec<Vec<usize>>) {
    let mut groups: Vec<Group> = (problem.groups.iter())
        .map(|most| Group { most: float(*most), rows: vec![], count: 0.0 })
        .collect();
    for (index, count) in counts.iter().enumerate().filter(|(_, count)| 0 < **count) {
        for group in problem.rows[index].groups {
            groups[*group].rows.push(index);
            groups[*group].count += float(*count);
        }
    }
    groups.retain(|group| group.most < group.count);
    let mut groups_of = vec![vec![]; problem.rows.len()];
    for (index, group) in groups.iter().enumerate() {
        for row in &group.rows {
            groups_of[*row].push(index);
        }
    }
    (groups, groups_of)
}

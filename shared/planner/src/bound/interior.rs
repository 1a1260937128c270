//! Solves the linear programme by a primal-dual interior-point method (Mehrotra's predictor and corrector).
//!
//! All amounts lie in one vector: for each stall the parts of its rows, the unused parts of its measures, and its nodes;
//! then the parts of rows that are left out, and the unused parts of limits. What is left of each amount's
//! inequality of the dual, its slack, lies in another vector at the same place: of two at one place, one is zero at the
//! optimum. The slack of a measure's or limit's unused part is what the measure or limit is worth. The slacks are
//! worked out of the worths in every step, so the dual is always kept to.

use super::count;
use super::dense::{add, dot};
use super::normal::{Normal, Span};
use super::program::{Measure, Program, Solution, Stall};

/// How many steps at most for one programme. Ten to fifteen are usual, thirty occur where many groups bind.
const STEPS_MAX: usize = 60;
/// How far to go towards the nearest edge: near to it, not onto it.
const STRIDE: f64 = 0.995;
/// How much of a row may be missing at the end.
const MISSING: f64 = 1e-4;

/// A point between the edges, and what is needed to go on from it.
pub(super) struct Interior<'p> {
    program: &'p Program,
    spans: Vec<Span>,
    /// Where the left-out parts of rows begin, and the unused parts of limits.
    left: usize,
    unused: usize,
    normal: Normal<'p>,
    point: Point,
    steps: usize,
}

/// Amounts, slacks, and what the rows are worth; or changes of them.
#[derive(Clone)]
struct Point {
    amounts: Vec<f64>,
    slacks: Vec<f64>,
    worths: Vec<f64>,
}

/// What is missing from each equation of the amounts.
struct Residual {
    /// Of rows, then of limits.
    outer: Vec<f64>,
    /// Of measures.
    inner: Vec<f64>,
}

impl<'p> Interior<'p> {
    /// Somewhere to start from.
    pub(super) fn new(program: &'p Program) -> Self {
        let mut spans = Vec::with_capacity(program.stalls.len());
        let (mut at, mut first) = (0, 0);
        for stall in &program.stalls {
            let measures = at + stall.rows.len();
            let span = Span { rows: at, measures, nodes: measures + stall.measures.len(), first };
            (at, first) = (span.nodes + 1, first + stall.measures.len());
            spans.push(span);
        }
        let unused = at + program.most.len();
        let numbers = vec![0.0; unused + program.limits];
        let point =
            Point { amounts: numbers.clone(), slacks: numbers, worths: program.most.clone() };
        let normal = Normal::new(program, &spans);
        let mut interior = Self { program, spans, left: at, unused, normal, point, steps: 0 };
        interior.start();
        interior
    }

    /// Goes on until the value of the programme is known to such a part of itself.
    pub(super) fn solve(&mut self, gap: f64) {
        while self.steps < STEPS_MAX {
            let residual = self.residual();
            let (cost, value) = self.values();
            let is_complete = residual.outer.iter().all(|missing| missing.abs() <= MISSING);
            if (cost - value).abs() <= gap * cost.abs() && is_complete {
                break;
            }
            let next = self.next(&residual);
            // Where rounding has eaten the system up, the last point is as good as any.
            if !next.amounts.iter().chain(&next.slacks).all(|number| number.is_finite()) {
                self.steps = STEPS_MAX;
                break;
            }
            self.point = next;
            self.steps += 1;
        }
    }

    /// What was found so far.
    pub(super) fn solution(&self) -> Solution {
        let Point { amounts, slacks, .. } = &self.point;
        let values = |span: &Span| slacks[span.measures..span.nodes].to_vec();
        Solution {
            values: self.spans.iter().map(values).collect(),
            limits: slacks[self.unused..].to_vec(),
            nodes: self.spans.iter().map(|span| amounts[span.nodes]).collect(),
            parts: self.spans.iter().map(|s| amounts[s.rows..s.measures].to_vec()).collect(),
            value: self.values().1,
        }
    }

    fn stalls(&self) -> impl Iterator<Item = (Span, &'p Stall)> + use<'p, '_> {
        self.spans.iter().copied().zip(&self.program.stalls)
    }

    /// Spreads rows evenly, opens nodes enough for that, and lets everything be worth so little that all slacks are open.
    fn start(&mut self) {
        let program = self.program;
        let mut choices = vec![0.1; program.most.len()];
        let mut alone = program.most.clone();
        for stall in &program.stalls {
            for (n, row) in stall.rows.iter().enumerate() {
                let fill = stall.measures.iter().map(|m| m.of(n)).fold(0.0, f64::max);
                choices[*row] += 1.0;
                if 0.0 < stall.price {
                    alone[*row] = alone[*row].min(fill * stall.price);
                }
            }
        }
        let mut point = self.point.clone();
        let of_limits = 0.1 * alone.iter().sum::<f64>() / count(program.limits.max(1));
        point.slacks[self.unused..].fill(of_limits);
        point.amounts[self.unused..].fill(1.0);
        for (span, stall) in self.stalls() {
            let each = 0.9 * self.budget(stall, &point.slacks) / count(stall.measures.len().max(1));
            point.slacks[span.measures..span.nodes].fill(each);
            for (n, row) in stall.rows.iter().enumerate() {
                point.amounts[span.rows + n] = 1.0 / choices[*row];
                let worth: f64 = stall.measures.iter().map(|m| each * m.of(n)).sum();
                point.worths[*row] = point.worths[*row].min(worth);
            }
            let (parts, rest) = point.amounts.split_at_mut(span.measures);
            let load = |measure: &Measure| measure.dot(&parts[span.rows..]);
            let nodes = 1.2 * stall.measures.iter().map(load).fold(0.0, f64::max) + 1e-6;
            for (unused, measure) in rest.iter_mut().zip(&stall.measures) {
                *unused = nodes - load(measure);
            }
            rest[stall.measures.len()] = nodes;
            for (limit, each) in &stall.uses {
                point.amounts[self.unused + limit] -= each * nodes;
            }
        }
        for unused in &mut point.amounts[self.unused..] {
            *unused = unused.max(0.1);
        }
        for (row, worth) in point.worths.iter_mut().enumerate() {
            *worth *= 0.8;
            point.amounts[self.left + row] = 0.1 / choices[row];
        }
        self.refresh(&mut point);
        self.point = point;
    }

    /// What all that a node holds may be worth.
    fn budget(&self, stall: &Stall, slacks: &[f64]) -> f64 {
        let limits = stall.uses.iter().map(|(limit, each)| each * slacks[self.unused + limit]);
        stall.price + limits.sum::<f64>()
    }

    /// Works out the slacks that follow from what rows, measures and limits are worth.
    fn refresh(&self, point: &mut Point) {
        for (span, stall) in self.stalls() {
            let budget = self.budget(stall, &point.slacks);
            let (before, rest) = point.slacks.split_at_mut(span.measures);
            let (values, nodes) = rest.split_at_mut(stall.measures.len());
            let of_rows = &mut before[span.rows..];
            for (slack, row) in of_rows.iter_mut().zip(&stall.rows) {
                *slack = -point.worths[*row];
            }
            for (value, measure) in values.iter().zip(&stall.measures) {
                measure.add(of_rows, *value);
            }
            nodes[0] = budget - values.iter().sum::<f64>();
        }
        let left = &mut point.slacks[self.left..self.unused];
        for ((slack, most), worth) in left.iter_mut().zip(&self.program.most).zip(&point.worths) {
            *slack = most - worth;
        }
    }

    fn residual(&self) -> Residual {
        let amounts = &self.point.amounts;
        let rows = self.program.most.len();
        let mut outer: Vec<f64> = amounts[self.left..].iter().map(|there| 1.0 - there).collect();
        let mut inner = Vec::new();
        for (span, stall) in self.stalls() {
            let (parts, nodes) = (&amounts[span.rows..span.measures], amounts[span.nodes]);
            for (row, part) in stall.rows.iter().zip(parts) {
                outer[*row] -= part;
            }
            for (limit, each) in &stall.uses {
                outer[rows + limit] -= each * nodes;
            }
            for (unused, measure) in amounts[span.measures..].iter().zip(&stall.measures) {
                inner.push(measure.dot(parts) + unused - nodes);
            }
        }
        Residual { outer, inner }
    }

    /// What the nodes and the rows left out cost, and what all rows are worth less the limits.
    fn values(&self) -> (f64, f64) {
        let Point { amounts, slacks, worths } = &self.point;
        let nodes: f64 = self.stalls().map(|(s, stall)| stall.price * amounts[s.nodes]).sum();
        let limits: f64 = slacks[self.unused..].iter().sum();
        (
            nodes + dot(&self.program.most, &amounts[self.left..]),
            worths.iter().sum::<f64>() - limits,
        )
    }

    fn next(&mut self, residual: &Residual) -> Point {
        let Point { amounts, slacks, .. } = &self.point;
        let ratios: Vec<f64> = amounts.iter().zip(slacks).map(|(a, s)| a / s).collect();
        self.normal.factor(&ratios);
        let aims: Vec<f64> = amounts.iter().zip(slacks).map(|(a, s)| -a * s).collect();
        let ahead = self.direction(residual, &aims);
        let by = reach(amounts, &ahead.amounts);
        let slacks_by = reach(slacks, &ahead.slacks);
        let changes = || ahead.amounts.iter().zip(&ahead.slacks);
        let after: f64 = (amounts.iter().zip(slacks).zip(changes()))
            .map(|((a, s), (da, ds))| (a + by * da) * (s + slacks_by * ds))
            .sum();
        let total = dot(amounts, slacks);
        let centre = (after / total).powi(3).clamp(1e-6, 1.0) * total / count(amounts.len());
        let corrected = aims.iter().zip(changes()).map(|(aim, (da, ds))| aim + centre - da * ds);
        let ahead = self.direction(residual, &corrected.collect::<Vec<f64>>());
        let by = STRIDE * reach(amounts, &ahead.amounts);
        let slacks_by = STRIDE * reach(slacks, &ahead.slacks);
        let mut next = self.point.clone();
        add(&mut next.amounts, by, &ahead.amounts);
        add(&mut next.slacks, slacks_by, &ahead.slacks);
        add(&mut next.worths, slacks_by, &ahead.worths);
        self.refresh(&mut next);
        next
    }

    /// The change that would, if all were linear, mend the residual and bring the products of amounts and slacks to
    /// where they are plus these aims.
    fn direction(&self, residual: &Residual, aims: &[f64]) -> Point {
        let Point { amounts, slacks, .. } = &self.point;
        let rows = self.program.most.len();
        let shares: Vec<f64> = aims.iter().zip(slacks).map(|(aim, slack)| aim / slack).collect();
        let mut outer: Vec<f64> =
            residual.outer.iter().zip(&shares[self.left..]).map(|(r, share)| r - share).collect();
        for limit in &mut outer[rows..] {
            *limit = -*limit;
        }
        let mut inner = residual.inner.clone();
        for (span, stall) in self.stalls() {
            let (of_rows, of_nodes) = (&shares[span.rows..span.measures], shares[span.nodes]);
            for (row, share) in stall.rows.iter().zip(of_rows) {
                outer[*row] -= share;
            }
            for (limit, each) in &stall.uses {
                outer[rows + limit] += each * of_nodes;
            }
            let numbers = inner[span.first..].iter_mut().zip(&shares[span.measures..]);
            for ((number, share), measure) in numbers.zip(&stall.measures) {
                *number += measure.dot(of_rows) + share - of_nodes;
            }
        }
        self.normal.solve(&mut outer, &mut inner);
        let change = self.slack_changes(&outer, &inner);
        let amounts = (shares.iter().zip(amounts).zip(slacks.iter().zip(&change)))
            .map(|((share, amount), (slack, change))| share - amount * change / slack)
            .collect();
        outer.truncate(rows);
        Point { amounts, slacks: change, worths: outer }
    }

    /// How the slacks change when the worths do so.
    fn slack_changes(&self, outer: &[f64], inner: &[f64]) -> Vec<f64> {
        let (worths, limits) = outer.split_at(self.program.most.len());
        let mut changes = vec![0.0; self.point.slacks.len()];
        changes[self.unused..].copy_from_slice(limits);
        for (slack, worth) in changes[self.left..].iter_mut().zip(worths) {
            *slack = -worth;
        }
        for (span, stall) in self.stalls() {
            let values = &inner[span.first..][..stall.measures.len()];
            changes[span.measures..span.nodes].copy_from_slice(values);
            let of_rows = &mut changes[span.rows..span.measures];
            for (slack, row) in of_rows.iter_mut().zip(&stall.rows) {
                *slack = -worths[*row];
            }
            for (value, measure) in values.iter().zip(&stall.measures) {
                measure.add(of_rows, *value);
            }
            let budget: f64 = stall.uses.iter().map(|(limit, each)| each * limits[*limit]).sum();
            changes[span.nodes] = budget - values.iter().sum::<f64>();
        }
        changes
    }
}

/// How far to go in a direction, at most once, until a number is zero.
fn reach(numbers: &[f64], direction: &[f64]) -> f64 {
    numbers.iter().zip(direction).fold(1.0, |reach, (number, by)| {
        if number + reach * by < 0.0 { -number / by } else { reach }
    })
}

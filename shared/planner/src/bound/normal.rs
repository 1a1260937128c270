//! The symmetric system that every step of the interior-point method solves.
//!
//! Its unknowns are the changes of what rows and limits are worth (outer) and of what measures are worth (inner). The
//! measures of one stall meet those of no other, so each stall's are eliminated by a small factor of their own, those of
//! which one row takes something (most groups) one by one without even that. What remains is a dense system of rows and
//! limits, small because rows were bundled.

use super::dense::{
    TINY, add, add_rows, backward_lower, dot, factor_lower, factor_upper, forward_lower,
    solve_upper,
};
use super::program::{Program, Stall};

/// Where the numbers of a stall lie in a vector of amounts: its rows, its measures, its nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) rows: usize,
    pub(super) measures: usize,
    pub(super) nodes: usize,
    /// Its first measure among those of all stalls.
    pub(super) first: usize,
}

/// The system and its factors.
pub(super) struct Normal<'p> {
    program: &'p Program,
    parts: Vec<Part>,
    /// Of rows and limits, upper.
    factor: Vec<f64>,
    /// How many rows and limits.
    size: usize,
}

/// What one stall adds.
struct Part {
    span: Span,
    /// Rows and limits it touches, ascending; limits come after all rows.
    outer: Vec<usize>,
    /// Measures of one row only.
    lone: Vec<Lone>,
    /// The other measures.
    dense: Vec<usize>,
    /// Of each lone measure.
    pivots: Vec<Pivot>,
    /// What is left of the rows' ratios when lone measures are eliminated, and how the rows meet the nodes by then.
    rows: Vec<Meeting>,
    /// Of the dense measures, lower.
    factor: Vec<f64>,
    /// How each dense measure, and at the end the nodes, meet the outer unknowns, divided by the factor.
    spikes: Vec<f64>,
    /// How the nodes meet the dense measures, divided by the factor.
    tips: Vec<f64>,
    /// The factor of the nodes.
    root: f64,
}

/// A measure of which one row of the stall takes something, and no other.
#[derive(Clone, Copy)]
struct Lone {
    measure: usize,
    row: usize,
    weight: f64,
}

/// How a lone measure is eliminated.
#[derive(Clone, Copy, Default)]
struct Pivot {
    /// By what its equation is divided.
    by: f64,
    /// How it meets what its row lacks, and the nodes.
    row: f64,
    nodes: f64,
}

/// A row in a stall.
#[derive(Clone, Copy, Default)]
struct Meeting {
    ratio: f64,
    nodes: f64,
}

impl<'p> Normal<'p> {
    pub(super) fn new(program: &'p Program, spans: &[Span]) -> Self {
        let size = program.most.len() + program.limits;
        let part = |(stall, span): (&Stall, &Span)| Part::new(program.most.len(), stall, *span);
        let parts = program.stalls.iter().zip(spans).map(part).collect();
        Self { program, parts, factor: vec![0.0; size * size], size }
    }

    /// Prepares for these ratios of amounts to slacks.
    pub(super) fn factor(&mut self, ratios: &[f64]) {
        self.factor.fill(0.0);
        let outer = &ratios[ratios.len() - self.size..];
        for (index, ratio) in outer.iter().enumerate() {
            self.factor[index * self.size + index] = *ratio;
        }
        for (part, stall) in self.parts.iter_mut().zip(&self.program.stalls) {
            let (matrix, size) = (&mut self.factor, self.size);
            part.eliminate(stall, &ratios[part.span.rows..=part.span.nodes]);
            for (row, meeting) in stall.rows.iter().zip(&part.rows) {
                matrix[row * size + row] += meeting.ratio;
            }
            part.subtract((matrix, size));
        }
        factor_upper(&mut self.factor, self.size);
    }

    /// Solves in place.
    pub(super) fn solve(&self, outer: &mut [f64], inner: &mut [f64]) {
        let mut of_nodes = Vec::with_capacity(self.parts.len());
        for (part, stall) in self.parts.iter().zip(&self.program.stalls) {
            let inner = &mut inner[part.span.first..][..stall.measures.len()];
            of_nodes.push(part.forward(stall, outer, inner));
        }
        solve_upper(&self.factor, outer);
        for ((part, stall), nodes) in self.parts.iter().zip(&self.program.stalls).zip(of_nodes) {
            let inner = &mut inner[part.span.first..][..stall.measures.len()];
            part.backward(stall, (outer, nodes), inner);
        }
    }
}

impl Part {
    fn new(all_rows: usize, stall: &Stall, span: Span) -> Self {
        let limits = stall.uses.iter().map(|(limit, _)| all_rows + limit);
        let outer: Vec<usize> = stall.rows.iter().copied().chain(limits).collect();
        let (mut lone, mut dense) = (Vec::new(), Vec::new());
        for (number, measure) in stall.measures.iter().enumerate() {
            match measure.lone() {
                Some((row, weight)) => lone.push(Lone { measure: number, row, weight }),
                None => dense.push(number),
            }
        }
        let (width, size) = (outer.len(), dense.len());
        Self {
            span,
            outer,
            pivots: vec![Pivot::default(); lone.len()],
            rows: vec![Meeting::default(); stall.rows.len()],
            factor: vec![0.0; size * size],
            spikes: vec![0.0; (size + 1) * width],
            tips: vec![0.0; size],
            root: 0.0,
            lone,
            dense,
        }
    }

    /// Eliminates the measures and the nodes.
    ///
    /// The nodes, which all measures and limits share, have an unknown of their own here, so that measures of one row are
    /// nothing to each other. Its place on the diagonal is below zero.
    fn eliminate(&mut self, stall: &Stall, ratios: &[f64]) {
        let (of_rows, rest) = ratios.split_at(stall.rows.len());
        let (of_measures, of_nodes) = rest.split_at(stall.measures.len());
        let mut root = -1.0 / of_nodes[0].max(TINY);
        for (meeting, ratio) in self.rows.iter_mut().zip(of_rows) {
            *meeting = Meeting { ratio: *ratio, nodes: 0.0 };
        }
        for (pivot, Lone { measure, row, weight }) in self.pivots.iter_mut().zip(&self.lone) {
            let meeting = &mut self.rows[*row];
            let at_row = meeting.ratio * weight;
            let at_nodes = meeting.nodes * weight - 1.0;
            let by = at_row * weight + of_measures[*measure];
            // As one product, so that what is left of a ratio is never below zero.
            meeting.ratio *= of_measures[*measure] / by;
            meeting.nodes -= at_row / by * at_nodes;
            root -= at_nodes / by * at_nodes;
            *pivot = Pivot { by, row: at_row, nodes: at_nodes };
        }
        let (size, width) = (self.dense.len(), self.outer.len());
        for (a, measure) in self.dense.iter().enumerate() {
            let spike = &mut self.spikes[a * width..][..width];
            spike.fill(0.0);
            let (reach, weights) = stall.measures[*measure].reach();
            let meetings = weights.iter().zip(&self.rows[reach.clone()]);
            for (number, (weight, meeting)) in spike[reach].iter_mut().zip(meetings.clone()) {
                *number = -weight * meeting.ratio;
            }
            for (b, other) in self.dense.iter().enumerate().skip(a) {
                self.factor[b * size + a] = -stall.measures[*other].dot(spike);
            }
            self.factor[a * size + a] += of_measures[*measure];
            let meets = meetings.map(|(weight, meeting)| weight * meeting.nodes);
            self.tips[a] = meets.sum::<f64>() - 1.0;
        }
        let limits = stall.uses.iter().map(|(_, each)| *each);
        let of_nodes = self.rows.iter().map(|meeting| -meeting.nodes).chain(limits);
        for (number, meets) in self.spikes[size * width..].iter_mut().zip(of_nodes) {
            *number = meets;
        }
        factor_lower(&mut self.factor, size);
        forward_lower(&self.factor, &mut self.tips);
        for a in 0..size {
            let factors = &self.factor[a * size..];
            let (done, rest) = self.spikes.split_at_mut(a * width);
            let spike = &mut rest[..width];
            for (other, factor) in done.chunks_exact(width.max(1)).zip(factors) {
                add(spike, -factor, other);
            }
            for number in spike {
                *number /= factors[a];
            }
        }
        self.root = (dot(&self.tips, &self.tips) - root).max(TINY).sqrt();
        let (done, last) = self.spikes.split_at_mut(size * width);
        for (other, tip) in done.chunks_exact(width.max(1)).zip(&self.tips) {
            add(last, -tip, other);
        }
        for number in last {
            *number /= self.root;
        }
    }

    /// Takes off what went into the dense measures, and adds what went into the nodes.
    fn subtract(&self, (matrix, size): (&mut [f64], usize)) {
        let width = self.outer.len();
        let (Some(first), Some(last)) = (self.outer.first(), self.outer.last()) else { return };
        let is_run = last - first + 1 == width;
        let mut factors = vec![0.0; self.dense.len() + 1];
        let mut buffer = vec![0.0; width];
        for (a, index) in self.outer.iter().enumerate() {
            for (factor, spike) in factors.iter_mut().zip(self.spikes.chunks_exact(width)) {
                *factor = -spike[a];
            }
            factors[self.dense.len()] *= -1.0;
            let row = &mut matrix[index * size..][..size];
            if is_run {
                add_rows(&mut row[*index..=*last], &factors, (&self.spikes, width, a));
                continue;
            }
            let buffer = &mut buffer[a..];
            buffer.fill(0.0);
            add_rows(buffer, &factors, (&self.spikes, width, a));
            for (other, number) in self.outer[a..].iter().zip(buffer) {
                row[*other] += *number;
            }
        }
    }

    /// Eliminates the inner unknowns from the right side. Returns that of the nodes.
    fn forward(&self, stall: &Stall, outer: &mut [f64], inner: &mut [f64]) -> f64 {
        let mut nodes = 0.0;
        let mut lacking = vec![0.0; self.rows.len()];
        for (pivot, Lone { measure, row, weight }) in self.pivots.iter().zip(&self.lone) {
            // An earlier one of the same row has its part in what the row lacks.
            inner[*measure] -= lacking[*row] * weight;
            let by = inner[*measure] / pivot.by;
            lacking[*row] += pivot.row * by;
            nodes -= pivot.nodes * by;
        }
        let of_dense = |measure: &usize| inner[*measure] - stall.measures[*measure].dot(&lacking);
        let mut dense: Vec<f64> = self.dense.iter().map(of_dense).collect();
        forward_lower(&self.factor, &mut dense);
        nodes = (nodes - dot(&self.tips, &dense)) / self.root;
        let width = self.outer.len();
        let mut buffer = vec![0.0; width];
        let factors: Vec<f64> = dense.iter().map(|number| -number).chain([nodes]).collect();
        add_rows(&mut buffer, &factors, (&self.spikes, width, 0));
        add(&mut buffer, 1.0, &lacking);
        for (index, number) in self.outer.iter().zip(&buffer) {
            outer[*index] += number;
        }
        for (measure, number) in self.dense.iter().zip(dense) {
            inner[*measure] = number;
        }
        nodes
    }

    /// Finds the inner unknowns from the outer ones.
    fn backward(&self, stall: &Stall, (outer, nodes): (&[f64], f64), inner: &mut [f64]) {
        let here: Vec<f64> = self.outer.iter().map(|index| outer[*index]).collect();
        let mut spikes = self.spikes.chunks_exact(here.len().max(1));
        let mut dense: Vec<f64> = (self.dense.iter().zip(&mut spikes))
            .map(|(measure, spike)| inner[*measure] - dot(spike, &here))
            .collect();
        let nodes = (spikes.next().map_or(0.0, |spike| dot(spike, &here)) - nodes) / self.root;
        add(&mut dense, -nodes, &self.tips);
        backward_lower(&self.factor, &mut dense);
        let mut lacking: Vec<f64> = here[..self.rows.len()].iter().map(|row| -row).collect();
        for (measure, number) in self.dense.iter().zip(dense) {
            stall.measures[*measure].add(&mut lacking, number);
            inner[*measure] = number;
        }
        for (pivot, Lone { measure, row, weight }) in self.pivots.iter().zip(&self.lone).rev() {
            let rest = inner[*measure] - pivot.row * lacking[*row] - pivot.nodes * nodes;
            inner[*measure] = rest / pivot.by;
            lacking[*row] += inner[*measure] * weight;
        }
    }
}

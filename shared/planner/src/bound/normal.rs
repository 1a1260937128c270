//! The symmetric system that every step of the interior-point method solves.
//!
//! Its unknowns are the changes of what rows and limits are worth (outer) and of what measures are worth (inner). The
//! measures of one stall meet those of no other, so each stall's are eliminated by a small factor of their own, and
//! what remains is a dense system of rows and limits, small because rows were bundled.

use super::dense::{
    add, add_rows, backward_lower, dot, factor_lower, factor_upper, forward_lower, solve_upper,
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
    /// Of its measures, lower.
    factor: Vec<f64>,
    /// How each measure meets the outer unknowns, divided by the factor.
    spikes: Vec<f64>,
}

impl<'p> Normal<'p> {
    pub(super) fn new(program: &'p Program, spans: &[Span]) -> Self {
        let size = program.most.len() + program.limits;
        let part = |(stall, span): (&Stall, &Span)| {
            let limits = stall.uses.iter().map(|(limit, _)| program.most.len() + limit);
            let outer: Vec<usize> = stall.rows.iter().copied().chain(limits).collect();
            let spikes = vec![0.0; stall.measures * outer.len()];
            Part { span: *span, outer, factor: vec![0.0; stall.measures * stall.measures], spikes }
        };
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
            part.eliminate(stall, &ratios[part.span.rows..=part.span.nodes]);
            part.diagonal(stall, ratios, (&mut self.factor, self.size));
            part.subtract((&mut self.factor, self.size));
        }
        factor_upper(&mut self.factor, self.size);
    }

    /// Solves in place.
    pub(super) fn solve(&self, outer: &mut [f64], inner: &mut [f64]) {
        let mut buffer = Vec::new();
        for part in &self.parts {
            let inner = part.inner(inner);
            forward_lower(&part.factor, inner);
            buffer.clear();
            buffer.resize(part.outer.len(), 0.0);
            add_rows(&mut buffer, inner, (&part.spikes, part.outer.len(), 0));
            for (index, number) in part.outer.iter().zip(&buffer) {
                outer[*index] -= number;
            }
        }
        solve_upper(&self.factor, outer);
        for part in &self.parts {
            buffer.clear();
            buffer.extend(part.outer.iter().map(|index| outer[*index]));
            let inner = part.inner(inner);
            for (number, spike) in
                inner.iter_mut().zip(part.spikes.chunks_exact(buffer.len().max(1)))
            {
                *number -= dot(spike, &buffer);
            }
            backward_lower(&part.factor, inner);
        }
    }
}

impl Part {
    fn inner<'i>(&self, inner: &'i mut [f64]) -> &'i mut [f64] {
        &mut inner[self.span.first..][..self.span.nodes - self.span.measures]
    }

    /// Factors the measures, and brings their columns into terms of the factor.
    fn eliminate(&mut self, stall: &Stall, ratios: &[f64]) {
        let (rows, measures, width) = (stall.rows.len(), stall.measures, self.outer.len());
        let of_nodes = ratios[rows + measures];
        for (a, spike) in self.spikes.chunks_exact_mut(width.max(1)).enumerate() {
            for ((number, weight), ratio) in spike.iter_mut().zip(stall.weights(a)).zip(ratios) {
                *number = -weight * ratio;
            }
            for (number, (_, each)) in spike[rows..].iter_mut().zip(&stall.uses) {
                *number = -of_nodes * each;
            }
            for b in a..measures {
                self.factor[b * measures + a] = of_nodes - dot(&spike[..rows], stall.weights(b));
            }
            self.factor[a * measures + a] += ratios[rows + a];
        }
        factor_lower(&mut self.factor, measures);
        for a in 0..measures {
            let factors = &self.factor[a * measures..];
            let (done, rest) = self.spikes.split_at_mut(a * width);
            let spike = &mut rest[..width];
            for (other, factor) in done.chunks_exact(width.max(1)).zip(factors) {
                add(spike, -factor, other);
            }
            for number in spike {
                *number /= factors[a];
            }
        }
    }

    /// Adds what the stall's rows and nodes contribute by themselves.
    fn diagonal(&self, stall: &Stall, ratios: &[f64], (matrix, size): (&mut [f64], usize)) {
        for (row, ratio) in stall.rows.iter().zip(&ratios[self.span.rows..]) {
            matrix[row * size + row] += ratio;
        }
        let limits = &self.outer[stall.rows.len()..];
        for (a, (_, each)) in limits.iter().zip(&stall.uses) {
            for (b, (_, other)) in limits.iter().zip(&stall.uses) {
                matrix[a * size + b] += ratios[self.span.nodes] * each * other;
            }
        }
    }

    /// Takes off what went into the measures.
    fn subtract(&self, (matrix, size): (&mut [f64], usize)) {
        let width = self.outer.len();
        let (Some(first), Some(last)) = (self.outer.first(), self.outer.last()) else { return };
        let is_run = last - first + 1 == width;
        let mut factors = vec![0.0; self.spikes.len() / width];
        let mut buffer = vec![0.0; width];
        for (a, index) in self.outer.iter().enumerate() {
            for (factor, spike) in factors.iter_mut().zip(self.spikes.chunks_exact(width)) {
                *factor = -spike[a];
            }
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
}

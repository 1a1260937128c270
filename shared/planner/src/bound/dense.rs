//! Sums over slices, written so that the compiler can do several at once in an order that is always the same.

/// The sum of products; the second slice may be longer.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (fours, rest) = a.as_chunks::<4>();
    let (others, _) = b[..a.len()].as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (a, b) in fours.iter().zip(others) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f64 = rest.iter().zip(&b[fours.len() * 4..]).map(|(a, b)| a * b).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Adds so many times the second slice to the first.
pub(super) fn add(to: &mut [f64], times: f64, what: &[f64]) {
    for (number, other) in to.iter_mut().zip(what) {
        *number += times * other;
    }
}

/// Adds multiples of several rows of a matrix, `from` its column `start`.
pub(super) fn add_rows(
    to: &mut [f64],
    factors: &[f64],
    (rows, width, start): (&[f64], usize, usize),
) {
    let row = |n: usize| &rows[n * width + start..][..width - start];
    let (fours, rest) = factors.as_chunks::<4>();
    for (n, [fa, fb, fc, fd]) in fours.iter().enumerate() {
        let [a, b, c, d] = [0, 1, 2, 3].map(|k| row(4 * n + k));
        for ((((number, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *number += (fa * a + fb * b) + (fc * c + fd * d);
        }
    }
    for (n, factor) in rest.iter().enumerate() {
        add(to, *factor, row(4 * fours.len() + n));
    }
}

/// The lower triangular factor of a small matrix, in its place; what lies above the diagonal is left alone.
pub(super) fn factor_lower(matrix: &mut [f64], size: usize) {
    for a in 0..size {
        for b in 0..=a {
            let done = dot(&matrix[a * size..][..b], &matrix[b * size..][..b]);
            let rest = matrix[a * size + b] - done;
            matrix[a * size + b] =
                if a == b { rest.max(TINY).sqrt() } else { rest / matrix[b * size + b] };
        }
    }
}

/// Solves with the lower factor.
pub(super) fn forward_lower(matrix: &[f64], numbers: &mut [f64]) {
    let size = numbers.len();
    for a in 0..size {
        let done = dot(&matrix[a * size..][..a], numbers);
        numbers[a] = (numbers[a] - done) / matrix[a * size + a];
    }
}

/// Solves with the lower factor, turned over.
pub(super) fn backward_lower(matrix: &[f64], numbers: &mut [f64]) {
    let size = numbers.len();
    for a in (0..size).rev() {
        numbers[a] /= matrix[a * size + a];
        let (before, rest) = numbers.split_at_mut(a);
        add(before, -rest[0], &matrix[a * size..]);
    }
}

/// The upper triangular factor of a matrix of which the upper half is given, in its place.
pub(super) fn factor_upper(matrix: &mut [f64], size: usize) {
    for k in 0..size {
        let (above, below) = matrix.split_at_mut((k + 1) * size);
        let row = &mut above[k * size..];
        let by = 1.0 / row[k].max(TINY).sqrt();
        for number in &mut row[k..] {
            *number *= by;
        }
        for (target, i) in below.chunks_exact_mut(size).zip(k + 1..) {
            if row[i] != 0.0 {
                add(&mut target[i..], -row[i], &row[i..]);
            }
        }
    }
}

/// Solves with the upper factor and itself turned over.
pub(super) fn solve_upper(matrix: &[f64], numbers: &mut [f64]) {
    let size = numbers.len();
    for k in 0..size {
        let row = &matrix[k * size..][..size];
        numbers[k] /= row[k];
        let (done, rest) = numbers.split_at_mut(k + 1);
        add(rest, -done[k], &row[k + 1..]);
    }
    for k in (0..size).rev() {
        let row = &matrix[k * size..][..size];
        numbers[k] = (numbers[k] - dot(&row[k + 1..], &numbers[k + 1..])) / row[k];
    }
}

/// Stands for what should be above zero and is not, after rounding.
pub(super) const TINY: f64 = 1e-300;

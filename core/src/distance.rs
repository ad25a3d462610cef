//! Inner products and distances between devices' weights.
//!
//! Everything that needs distances (coalitions, the map) works on one [`Gram`] matrix, made in one blocked pass over
//! the weights, so that N devices cost N²/2 inner products and not one pass over two models for every question.

use constellation_kernels::each_width;
use constellation_kernels::linalg::{self, LANES, lanes};

use crate::config::{DistanceKind, LayerScale};
use crate::params::{ParamSpec, Params};

/// Values of a block: its part of a few rows stays in the innermost cache.
const BLOCK: usize = 2_048;

/// Inner products of N vectors with each other, relative to the vectors' mean, as `[N, N]` in f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Gram {
    n: usize,
    products: Vec<f64>,
}

impl Gram {
    /// Inner products of vectors of the same length.
    ///
    /// The mean is taken off first. Distances do not change, and the products are as small as they can be, so that
    /// single precision inside a block does not drown the small distances of devices with a common start.
    #[must_use]
    pub fn of(vectors: &[&[f32]]) -> Self {
        Self {
            n: vectors.len(),
            products: products(vectors),
        }
    }

    /// Number of vectors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Inner product of two vectors, relative to the mean of all.
    #[must_use]
    pub fn product(&self, i: usize, j: usize) -> f64 {
        self.products[i * self.n + j]
    }

    /// Squared Euclidean distance of two vectors.
    #[must_use]
    pub fn squared_distance(&self, i: usize, j: usize) -> f64 {
        (self.product(i, i) + self.product(j, j) - 2.0 * self.product(i, j)).max(0.0)
    }

    /// Squared Euclidean distance of a vector to the mean of some, which must not be none.
    #[must_use]
    pub fn squared_distance_to_mean(&self, i: usize, members: &[usize]) -> f64 {
        let count = members.len() as f64;
        let across: f64 = members.iter().map(|&m| self.product(i, m)).sum();
        let within: f64 = members
            .iter()
            .flat_map(|&a| members.iter().map(move |&b| self.product(a, b)))
            .sum();
        (self.product(i, i) - 2.0 * across / count + within / (count * count)).max(0.0)
    }
}

each_width! {
    /// Inner products of all pairs of vectors, less the vectors' mean.
    fn products(vectors: &[&[f32]]) -> Vec<f64> {
        blocked_products(vectors)
    }
}

/// [`products`], compiled for the vector width of its caller.
#[inline(always)]
fn blocked_products(vectors: &[&[f32]]) -> Vec<f64> {
    let n = vectors.len();
    let len = vectors.first().map_or(0, |v| v.len());
    let mut products = vec![0.0; n * n];
    let mut block = vec![0.0; n * BLOCK];
    for start in (0..len).step_by(BLOCK) {
        let end = (start + BLOCK).min(len);
        let width = (end - start).next_multiple_of(LANES);
        center(vectors, start..end, &mut block, width);
        let row = |i: usize| lanes(&block[i * width..(i + 1) * width]);
        for i in 0..n {
            let mut j = 0;
            while j + linalg::ROWS <= i + 1 {
                let rows = [row(j), row(j + 1), row(j + 2), row(j + 3)];
                let columns = (0..width / LANES)
                    .map(|l| [&rows[0][l], &rows[1][l], &rows[2][l], &rows[3][l]]);
                let sums: [f32; linalg::ROWS] = linalg::lane_products(columns.zip(row(i)));
                for (k, sum) in sums.into_iter().enumerate() {
                    products[i * n + j + k] += f64::from(sum);
                }
                j += linalg::ROWS;
            }
            while j <= i {
                let [sum] = linalg::lane_products(row(j).iter().map(|l| [l]).zip(row(i)));
                products[i * n + j] += f64::from(sum);
                j += 1;
            }
        }
    }
    for i in 0..n {
        for j in 0..i {
            products[j * n + i] = products[i * n + j];
        }
    }
    products
}

/// Copies a range of every vector, less the vectors' mean there, into rows of `width`, padded with zeros.
#[inline(always)]
fn center(vectors: &[&[f32]], range: core::ops::Range<usize>, block: &mut [f32], width: usize) {
    let share = 1.0 / vectors.len() as f64;
    let used = range.len();
    for (at, from) in range.enumerate() {
        let mean = (vectors.iter().map(|v| f64::from(v[from])).sum::<f64>() * share) as f32;
        for (i, vector) in vectors.iter().enumerate() {
            block[i * width + at] = vector[from] - mean;
        }
    }
    for row in block.chunks_exact_mut(width).take(vectors.len()) {
        row[used..].fill(0.0);
    }
}

/// What the distance of devices is taken between, one vector a device.
///
/// `starts` are the models the devices started from.
#[must_use]
pub fn features(
    kind: DistanceKind,
    scale: LayerScale,
    weights: &[&Params],
    starts: &[&Params],
) -> Vec<Vec<f32>> {
    let mut vectors: Vec<Vec<f32>> = match kind {
        DistanceKind::Weights => weights.iter().map(|w| w.values().to_vec()).collect(),
        DistanceKind::Deltas | DistanceKind::UnitDeltas => weights
            .iter()
            .zip(starts)
            .map(|(w, start)| delta(w, start))
            .collect(),
    };
    if let (LayerScale::ByNorm, Some(first)) = (scale, weights.first()) {
        scale_layers(&mut vectors, first.spec());
    }
    if kind == DistanceKind::UnitDeltas {
        for vector in &mut vectors {
            normalize(vector);
        }
    }
    vectors
}

/// Weights less the model they started from.
#[must_use]
pub fn delta(weights: &Params, start: &Params) -> Vec<f32> {
    weights
        .values()
        .iter()
        .zip(start.values())
        .map(|(w, s)| w - s)
        .collect()
}

/// Scales a vector to length 1; a zero vector stays.
pub fn normalize(vector: &mut [f32]) {
    let length = norm(vector);
    if length > 0.0 {
        for v in vector {
            *v = (f64::from(*v) / length) as f32;
        }
    }
}

/// Euclidean length.
#[must_use]
pub fn norm(vector: &[f32]) -> f64 {
    libm::sqrt(vector.iter().map(|v| f64::from(*v) * f64::from(*v)).sum())
}

/// Divides every tensor by the root mean square of its norm over the devices.
fn scale_layers(vectors: &mut [Vec<f32>], spec: &ParamSpec) {
    for tensor in spec.tensors() {
        let squares: f64 = vectors
            .iter()
            .map(|v| norm(tensor.of(v)))
            .map(|n| n * n)
            .sum();
        let scale = libm::sqrt(squares / vectors.len() as f64);
        if scale > 0.0 {
            for vector in vectors.iter_mut() {
                for v in &mut vector[tensor.offset..tensor.offset + tensor.len] {
                    *v = (f64::from(*v) / scale) as f32;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Lengths around the block's and the lanes', so that every remainder is met.
        #[test]
        fn distances_are_the_naive_ones(
            n in 1_usize..12,
            len in prop_oneof![1_usize..20, BLOCK - 3..BLOCK + 12],
            seed: u32,
        ) {
            let mut stream = crate::rng::Stream::new(seed, crate::rng::Purpose::Shuffle, 0, 0);
            // All near 1,000: without centering, f32 products would lose the distances.
            let vectors: Vec<Vec<f32>> =
                (0..n).map(|_| (0..len).map(|_| 1_000.0 + stream.uniform() as f32).collect()).collect();
            let rows: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
            let gram = Gram::of(&rows);
            let close = |found: f64, naive: f64| (found - naive).abs() < 1e-4 * (1.0 + naive);
            for i in 0..n {
                for j in 0..n {
                    let naive: f64 =
                        rows[i].iter().zip(rows[j]).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
                    prop_assert!(close(gram.squared_distance(i, j), naive));
                }
                let members: Vec<usize> = (0..=n / 2).collect();
                let naive: f64 = (0..len).map(|d| {
                    let mean = members.iter().map(|&m| f64::from(rows[m][d])).sum::<f64>() / members.len() as f64;
                    (f64::from(rows[i][d]) - mean).powi(2)
                }).sum();
                prop_assert!(close(gram.squared_distance_to_mean(i, &members), naive));
            }
        }
    }

    #[test]
    fn features_are_what_they_are_called() {
        let spec = Arc::new(ParamSpec::new([
            ("a".to_owned(), vec![1]),
            ("b".to_owned(), vec![2]),
        ]));
        let params = |v: [f32; 3]| Params::try_new(v.to_vec(), &spec).unwrap();
        let (start, w, other) = (
            params([1.0, 1.0, 1.0]),
            params([1.0, 4.0, 5.0]),
            params([3.0, 1.0, 1.0]),
        );
        let of = |kind, scale| features(kind, scale, &[&w, &other], &[&start, &start]);
        assert_eq!(
            of(DistanceKind::Weights, LayerScale::Raw)[0],
            [1.0, 4.0, 5.0]
        );
        assert_eq!(
            of(DistanceKind::Deltas, LayerScale::Raw)[0],
            [0.0, 3.0, 4.0]
        );
        assert_eq!(
            of(DistanceKind::UnitDeltas, LayerScale::Raw)[0],
            [0.0, 0.6, 0.8]
        );
        // Root mean square norms of the deltas: a: √(4/2), b: √(25/2).
        let scaled = of(DistanceKind::Deltas, LayerScale::ByNorm);
        assert!((norm(&scaled[0]) - 2.0_f64.sqrt()).abs() < 1e-6);
        assert!((norm(&scaled[1]) - 2.0_f64.sqrt()).abs() < 1e-6);
    }
}

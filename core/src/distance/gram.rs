//! Inner products of all pairs of vectors, in one pass that reads each vector once.
//!
//! Vectors are taken sixteen at a time, a block of their values after the other, as a *panel*: for each of the block's
//! values the sixteen vectors' side by side. The products of two panels are then a product of matrices. Only products
//! of panels with themselves and with later ones are worked out, which is half of them.
//!
//! Within a block products are summed in order in f32, with fused multiplication and addition, and blocks in f64: the
//! same bits on every server, whatever the width of its vectors and the number of its cores. (A machine without that
//! instruction gets them slowly.) WebAssembly has no such instruction, and a browser's bits are its own.

use core::ops::Range;

use constellation_kernels::each_width;

use super::Vectors;
use crate::aggregate::mean_of_columns;
use crate::parallel;

/// Vectors of a panel: one register of AVX-512, two of AVX2.
const WIDTH: usize = 16;

/// Values of a block. Two panels fit the innermost cache.
const DEPTH: usize = 192;

/// Vectors, and values, that are turned at once where a panel is made.
const SIDE: usize = 8;

/// Sums that all spans together hold at most, where vectors are not too many for it.
const SUMS: usize = 1 << 22;

/// `[value][vector]`
type Panel = [[f32; WIDTH]; DEPTH];

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
    pub fn of<V: Vectors + ?Sized>(vectors: &V) -> Self {
        Self {
            n: vectors.count(),
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
        self.to_mean(i, members, self.within(members))
    }

    /// Squared Euclidean distances of vectors to their mean.
    pub fn squared_distances_to_mean(&self, members: &[usize]) -> impl Iterator<Item = f64> {
        let within = self.within(members);
        members
            .iter()
            .map(move |&i| self.to_mean(i, members, within))
    }

    /// Sum of the products of some vectors with each other.
    fn within(&self, members: &[usize]) -> f64 {
        members
            .iter()
            .flat_map(|&a| members.iter().map(move |&b| self.product(a, b)))
            .sum()
    }

    fn to_mean(&self, i: usize, members: &[usize], within: f64) -> f64 {
        let count = members.len() as f64;
        let across: f64 = members.iter().map(|&m| self.product(i, m)).sum();
        (self.product(i, i) - 2.0 * across / count + within / (count * count)).max(0.0)
    }
}

/// Inner products of all pairs of vectors, less the vectors' mean.
fn products<V: Vectors + ?Sized>(vectors: &V) -> Vec<f64> {
    let n = vectors.count();
    let panels = n.div_ceil(WIDTH);
    let len = vectors.dimension();
    // A span of the vectors' values is one core's work, and has its own sums: for each panel the products with all
    // vectors, of which only those with the panel's own and with later ones are filled in.
    let spans = (SUMS / (n * n).max(1)).clamp(2, 8);
    let span = len.div_ceil(spans).next_multiple_of(DEPTH);
    let mut sums = vec![[0.0; WIDTH]; spans * panels * n];
    parallel::each_chunk(&mut sums, (panels * n).max(1), |number, sums| {
        let values = number * span..len.min((number + 1) * span);
        add_span(vectors, values, sums);
    });
    let product = |i: usize, j: usize| {
        let (i, j) = (i.max(j), i.min(j));
        let spans = sums.chunks(panels * n);
        spans.map(|sums| sums[j / WIDTH * n + i][j % WIDTH]).sum()
    };
    (0..n * n).map(|at| product(at / n, at % n)).collect()
}

/// Adds the products over a range of the vectors' values.
fn add_span<V: Vectors + ?Sized>(vectors: &V, values: Range<usize>, sums: &mut [[f64; WIDTH]]) {
    let n = vectors.count();
    let weights = vec![1.0; n];
    let mut rooms = vec![[0.0; DEPTH]; n];
    let mut panels = vec![[[0.0; WIDTH]; DEPTH]; n.div_ceil(WIDTH)];
    let mut mean = [0.0; DEPTH];
    for from in values.clone().step_by(DEPTH) {
        let mean = &mut mean[..DEPTH.min(values.end - from)];
        let rooms = rooms.iter_mut().map(|room| &mut room[..mean.len()]);
        let parts: Vec<&[f32]> = (0..)
            .zip(rooms)
            .map(|(vector, room)| vectors.part(vector, from, room))
            .collect();
        mean_of_columns(&parts, &weights, 0, mean);
        for (panel, parts) in panels.iter_mut().zip(parts.chunks(WIDTH)) {
            fill(panel, parts, mean);
        }
        for (p, sums) in sums.chunks_mut(n).enumerate() {
            let sums = sums[p * WIDTH..].chunks_mut(WIDTH);
            for (other, sums) in panels[p..].iter().zip(sums) {
                add_products(&panels[p], other, sums);
            }
        }
    }
}

each_width! {
    /// Makes a panel of a block of vectors from the `from`-th value on, less their mean. Values behind the mean's end
    /// become zero; vectors that there are none for stay zero.
    fn fill(panel: &mut Panel, vectors: &[&[f32]], mean: &[f32]) {
        let mut centered = [[[0.0; SIDE]; DEPTH / SIDE]; SIDE];
        for (part, vectors) in vectors.chunks(SIDE).enumerate() {
            for (centered, vector) in centered.iter_mut().zip(vectors) {
                let (centered, padding) = centered.as_flattened_mut().split_at_mut(mean.len());
                for ((value, v), m) in centered.iter_mut().zip(*vector).zip(mean) {
                    *value = v - m;
                }
                padding.fill(0.0);
            }
            for (k, rows) in panel.as_chunks_mut::<SIDE>().0.iter_mut().enumerate() {
                let square: [[f32; SIDE]; SIDE] = core::array::from_fn(|v| centered[v][k]);
                for x in 0..SIDE {
                    for v in 0..SIDE {
                        rows[x][part * SIDE + v] = square[v][x];
                    }
                }
            }
        }
    }
}

/// Adds the products of one panel's vectors with those of another, of which there are as many as `sums`.
#[cfg_attr(
    not(target_arch = "wasm32"),
    multiversion::multiversion(targets("x86_64+avx2+avx512f+fma", "x86_64+avx2+fma"))
)]
fn add_products(one: &Panel, other: &Panel, sums: &mut [[f64; WIDTH]]) {
    #[cfg(target_arch = "wasm32")]
    let many_registers = false;
    #[cfg(not(target_arch = "wasm32"))]
    let many_registers = multiversion::target::target_cfg_f!(target_feature = "avx512f");
    // As many sums at once as keep the processor busy and have a register. Of seven or eight the compiler for AVX-512 would
    // take columns for its vectors, gather them from memory value by value, and be thirty times slower.
    if many_registers {
        add_products_of::<10>(one, other, 0, sums);
        add_products_of::<6>(one, other, 10, sums);
    } else {
        add_products_of::<6>(one, other, 0, sums);
        add_products_of::<6>(one, other, 6, sums);
        add_products_of::<4>(one, other, 12, sums);
    }
}

/// The same, for R of the other's vectors from the `first` on.
#[inline(always)]
fn add_products_of<const R: usize>(
    one: &Panel,
    other: &Panel,
    first: usize,
    sums: &mut [[f64; WIDTH]],
) {
    let Some(sums) = sums.get_mut(first..) else {
        return;
    };
    let mut products = [[0.0_f32; WIDTH]; R];
    for (few, all) in other.iter().zip(one) {
        let few = &few[first..][..R];
        // Loops and no iterators: the compiler makes vectors of these.
        for r in 0..R {
            for l in 0..WIDTH {
                products[r][l] = add_product(few[r], all[l], products[r][l]);
            }
        }
    }
    let products = products.as_flattened();
    for (sum, product) in sums.as_flattened_mut().iter_mut().zip(products) {
        *sum += f64::from(*product);
    }
}

/// `a * b + sum`.
#[inline(always)]
fn add_product(a: f32, b: f32, sum: f32) -> f32 {
    if cfg!(target_arch = "wasm32") {
        a * b + sum
    } else {
        a.mul_add(b, sum)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Numbers and lengths around those of panels, blocks and spans, so that every remainder is met.
        #[test]
        fn distances_are_the_naive_ones(
            n in prop_oneof![1_usize..12, WIDTH - 1..2 * WIDTH + 3],
            len in prop_oneof![1_usize..20, DEPTH - 3..DEPTH + 12, 3 * DEPTH - 1..3 * DEPTH + 2],
            seed: u32,
        ) {
            let mut stream = crate::rng::Stream::new(seed, crate::rng::Purpose::Shuffle, 0, 0);
            // All near 1,000: without centering, f32 products would lose the distances.
            let vectors: Vec<Vec<f32>> =
                (0..n).map(|_| (0..len).map(|_| 1_000.0 + stream.uniform() as f32).collect()).collect();
            let rows: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
            let gram = Gram::of(&vectors);
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

    #[cfg(feature = "parallel")]
    #[test]
    fn the_number_of_threads_does_not_matter() {
        let mut stream = crate::rng::Stream::new(3, crate::rng::Purpose::Shuffle, 0, 0);
        let values: Vec<f32> = (0..40 * 5_000).map(|_| stream.uniform() as f32).collect();
        let vectors: Vec<&[f32]> = values.chunks(5_000).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| Gram::of(&vectors))
        };
        assert_eq!(with(1), with(3));
    }
}

//! Products of matrices that give the same bits natively and in wasm.
//!
//! Every output value is a sum over the inner index *in order*, with separate multiplication and addition. Eight
//! outputs are computed side by side, so the compiler can use vectors of any width without changing a bit; Rust never
//! fuses a multiplication with an addition by itself.
//!
//! The right factor lies in *panels*: eight columns at a time, row after row, so that the innermost loop reads it from
//! front to back. [`LANES`] is eight because two 128-bit registers (wasm) or one 256-bit register (AVX) hold eight
//! f32.
//!
//! Natively, what computes long is compiled for several vector widths, one of which is picked at run time:
//! [`each_width!`](crate::each_width). Everything it calls must be inlined into it, or it stays as narrow as the oldest processor.

use crate::vector::{Vector, Wide};

/// Columns of a panel.
pub const LANES: usize = 8;

/// Eight values side by side.
pub(crate) type Lane = [f32; LANES];

/// Lanes that a tile is wide where it can be: one 512-bit register (AVX-512) or two of 256 bits for each row. WebAssembly
/// has no registers for more than one. Outputs are the same whatever the width.
pub(crate) const WIDE: usize = if cfg!(target_arch = "wasm32") { 1 } else { 2 };

/// Number of panels that `columns` need.
pub(crate) const fn panels(columns: usize) -> usize {
    columns.div_ceil(LANES)
}

/// Sees a slice, whose length is a multiple of [`LANES`], as lanes.
#[inline(always)]
pub(crate) fn lanes(values: &[f32]) -> &[Lane] {
    let (lanes, rest) = values.as_chunks();
    debug_assert!(rest.is_empty());
    lanes
}

/// Sees a slice, whose length is a multiple of [`LANES`], as lanes.
#[inline(always)]
pub(crate) fn lanes_mut(values: &mut [f32]) -> &mut [Lane] {
    let (lanes, rest) = values.as_chunks_mut();
    debug_assert!(rest.is_empty());
    lanes
}

/// The sum of a lane's values, always in the same order.
#[inline(always)]
pub(crate) fn sum(lane: Lane) -> f32 {
    ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]))
}

/// N values from the `at`-th on.
#[inline(always)]
pub(crate) fn chunk<T, const N: usize>(values: &[T], at: usize) -> &[T; N] {
    values[at..].first_chunk().expect("as many values are left")
}

/// From each row of `stride` values the N from the `at`-th on.
#[inline(always)]
pub(crate) fn column<T, const N: usize>(
    values: &[T],
    stride: usize,
    at: usize,
) -> impl ExactSizeIterator<Item = &[T; N]> + Clone {
    // Once for all rows, so that the loop over them has no branch for it.
    assert!(at <= stride && N <= stride - at, "a column beyond its row");
    values.chunks_exact(stride).map(move |row| chunk(row, at))
}

/// How many fives and fours `count` is the sum of, with as many fives as possible; if it is no such sum, as many fours
/// as fit, and what is left.
///
/// Tiles of either height have all their sums in registers; lower ones would wait for their own sums.
#[inline(always)]
pub(crate) const fn fives_fours_rest(count: usize) -> (usize, usize, usize) {
    let fours = (5 - count % 5) % 5;
    if 4 * fours <= count {
        ((count - 4 * fours) / 5, fours, 0)
    } else {
        (0, count / 4, count % 4)
    }
}

/// The first N values. One by one, since WebAssembly has an instruction for copies that is slow where few are copied.
#[inline(always)]
pub(crate) fn copied<const N: usize>(values: &[f32]) -> [f32; N] {
    let values = &values[..N];
    core::array::from_fn(|i| values[i])
}

/// Sees lanes in memory as lanes in registers.
#[inline(always)]
fn read<const P: usize>(lanes: &[Lane; P]) -> [Wide; P] {
    lanes.each_ref().map(Wide::of)
}

/// Sees lanes in registers as lanes in memory.
#[inline(always)]
fn written<const P: usize>(lanes: [Wide; P]) -> [Lane; P] {
    lanes.map(Wide::values)
}

/// `acc[i] += rows[i] · right`: R rows of the left factor times P lanes of the right one.
#[inline(always)]
fn rows_tile<'r, const R: usize, const P: usize>(
    rows: [&[f32]; R],
    right: impl ExactSizeIterator<Item = &'r [Lane; P]>,
    acc: &mut [[Wide; P]; R],
) {
    // As long as `right`, so that the compiler sees that no index is beyond a row.
    let depth = right.len();
    let rows = rows.map(|row| &row[..depth]);
    for (k, w) in (0..depth).zip(right) {
        add_scaled_all(acc, &rows.map(|row| row[k]), read(w));
    }
}

/// Some columns of a matrix of lanes: those from the `at`-th on in each row of `stride` lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns<L> {
    /// The whole matrix.
    pub(crate) lanes: L,
    /// Lanes of one of its rows.
    pub(crate) stride: usize,
    /// The first column.
    pub(crate) at: usize,
}

/// Rows times P columns of lanes: to each of the P columns of `out` it adds, in its `i`-th row, `x[i] · right`, for `count`
/// rows of `x`, one every `stride` values. The product is as deep as `right` has rows.
// The one place where a browser's build has it.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(crate) fn add_rows_times_lanes<const P: usize>(
    x: &[f32],
    (count, stride): (usize, usize),
    right: Columns<&[Lane]>,
    out: Columns<&mut [Lane]>,
) {
    let right = column::<_, P>(right.lanes, right.stride, right.at);
    let Columns {
        lanes: out,
        stride: out_stride,
        at: out_at,
    } = out;
    /// R rows from row `i` on.
    macro_rules! tile {
        ($i:expr, $($row:literal)*) => {{
            let i = $i;
            let rows = [$(&x[(i + $row) * stride..]),*];
            let places = [$((i + $row) * out_stride + out_at),*];
            let mut acc = places.map(|at| read(chunk::<_, P>(out, at)));
            rows_tile(rows, right.clone(), &mut acc);
            for (sums, at) in acc.into_iter().zip(places) {
                for (lane, sum) in out[at..].iter_mut().zip(sums) {
                    *lane = sum.values();
                }
            }
        }};
    }
    let (fives, fours, rest) = fives_fours_rest(count);
    for i in 0..fives {
        tile!(i * 5, 0 1 2 3 4);
    }
    for i in 0..fours {
        tile!(fives * 5 + i * 4, 0 1 2 3);
    }
    for i in 0..rest {
        tile!(fours * 4 + i, 0);
    }
}

/// Adds the products of K values with P vectors, in the order of the pairs.
#[inline(always)]
pub(crate) fn add_outer_products<'x, 'y, V: Vector, const K: usize, const P: usize>(
    acc: &mut [[V; P]; K],
    pairs: impl Iterator<Item = (&'x [f32; K], [&'y V::Values; P])>,
) {
    for (x, values) in pairs {
        add_scaled_all(acc, x, values.map(V::of));
    }
}

#[inline(always)]
fn add_scaled_all<V: Vector, const K: usize, const P: usize>(
    acc: &mut [[V; P]; K],
    x: &[f32; K],
    w: [V; P],
) {
    for i in 0..K {
        for p in 0..P {
            acc[i][p] = acc[i][p].plus_scaled(x[i], w[p]);
        }
    }
}

/// K columns of `x` from the `first` on, which holds rows of `stride` values, times P columns of lanes: for each of them
/// the sum over rows `b` of `x[b][i] * y[b]`, `y` giving P lanes for each row.
#[inline(always)]
pub(crate) fn columns_times_lanes<'y, const K: usize, const P: usize>(
    x: &[f32],
    stride: usize,
    first: usize,
    y: impl Iterator<Item = &'y [Lane; P]>,
) -> [[Lane; P]; K] {
    let mut acc = [[Wide::splat(0.0); P]; K];
    let y = y.map(<[Lane; P]>::each_ref);
    add_outer_products(&mut acc, column(x, stride, first).zip(y));
    acc.map(written)
}

/// Products of lanes, `Σ a[p] * b[p]`, for R columns of lanes at once; who wants inner products adds up each lane.
#[inline(always)]
pub(crate) fn lane_products<'a, const R: usize>(
    pairs: impl Iterator<Item = ([&'a Lane; R], &'a Lane)>,
) -> [Lane; R] {
    let mut acc = [Wide::splat(0.0); R];
    for (a, b) in pairs {
        let b = Wide::of(b);
        for i in 0..R {
            acc[i] = acc[i].plus_product(Wide::of(a[i]), b);
        }
    }
    acc.map(Wide::values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values that f32 adds and multiplies exactly, so that any order must give the same.
    fn exact(len: usize) -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec((-8_i8..8).prop_map(f32::from), len)
    }

    fn matrix() -> impl Strategy<Value = (usize, usize, Vec<f32>, Vec<f32>)> {
        (1_usize..12, 1_usize..20)
            .prop_flat_map(|(m, k)| (Just(m), Just(k), exact(m * k), exact(k * 2 * LANES)))
    }

    proptest! {
        #[test]
        fn rows_times_lanes_are_the_naive_product((m, k, x, w) in matrix()) {
            let mut found: Vec<Lane> = (0..m * 3).map(|i| [i as f32; LANES]).collect();
            let right = Columns { lanes: lanes(&w), stride: 2, at: 0 };
            let out = Columns { lanes: found.as_mut_slice(), stride: 3, at: 1 };
            add_rows_times_lanes::<2>(&x, (m, k), right, out);
            for (i, found) in found.chunks_exact(3).enumerate() {
                prop_assert_eq!(found[0], [(i * 3) as f32; LANES]);
                for p in 0..2 {
                    for (l, found) in found[p + 1].iter().enumerate() {
                        let naive: f32 = (0..k).map(|j| x[i * k + j] * w[(j * 2 + p) * LANES + l]).sum();
                        prop_assert_eq!(*found, (i * 3 + p + 1) as f32 + naive);
                    }
                }
            }
        }

        #[test]
        fn columns_times_lanes_is_the_naive_product((k, n, x, _) in matrix(), y in exact(12 * 2 * LANES)) {
            const K: usize = 3;
            let y = lanes(&y).as_chunks::<2>().0;
            for first in 0..(n + 1).saturating_sub(K) {
                let found = columns_times_lanes::<K, 2>(&x, n, first, y.iter());
                for i in 0..K {
                    for (l, found) in found[i].as_flattened().iter().enumerate() {
                        let value = |b: usize| x[b * n + first + i] * y[b].as_flattened()[l];
                        prop_assert_eq!(*found, (0..k).map(value).sum::<f32>());
                    }
                }
            }
        }

        #[test]
        fn fives_fours_and_a_rest_make_the_whole(count in 0_usize..1000) {
            let (fives, fours, rest) = fives_fours_rest(count);
            prop_assert_eq!(5 * fives + 4 * fours + rest, count);
            prop_assert!(rest < 4 && (rest == 0 || count < 12));
        }

        #[test]
        fn lane_products_are_the_naive_ones(a in exact(5 * LANES), b in exact(5 * LANES)) {
            let [found] = lane_products(lanes(&a).iter().map(|a| [a]).zip(lanes(&b))).map(sum);
            let naive: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            prop_assert_eq!(found, naive);
        }
    }

    #[test]
    fn sums_run_over_the_inner_index_in_order() {
        // 1e8 swallows a 1 that comes after it, not one that comes before -1e8 has cancelled it.
        let x = [1e8, 1.0, -1e8, 1.0];
        let mut sum = [[0.0; LANES]];
        let right = Columns {
            lanes: [[1.0; LANES]; 4].as_slice(),
            stride: 1,
            at: 0,
        };
        let out = Columns {
            lanes: sum.as_mut_slice(),
            stride: 1,
            at: 0,
        };
        add_rows_times_lanes::<1>(&x, (1, 4), right, out);
        assert_eq!(sum, [[1.0; LANES]]);
    }
}

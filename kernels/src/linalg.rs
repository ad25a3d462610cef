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

/// Columns of a panel.
pub const LANES: usize = 8;

/// Eight values side by side.
pub type Lane = [f32; LANES];

/// Rows of the left factor that a tile covers.
pub const ROWS: usize = 4;

/// Columns of the left factor that a tile covers. Not a power of two: the compiler would take columns for its vectors,
/// and not lanes.
const COLUMNS: usize = 5;

/// Lanes that a tile is wide where it can be: one 512-bit register (AVX-512) or two of 256 bits for each row. WebAssembly
/// has no registers for more than one. Outputs are the same whatever the width.
pub const WIDE: usize = if cfg!(target_arch = "wasm32") { 1 } else { 2 };

/// Number of panels that `columns` need.
#[must_use]
pub const fn panels(columns: usize) -> usize {
    columns.div_ceil(LANES)
}

/// Sees a slice, whose length is a multiple of [`LANES`], as lanes.
#[must_use]
#[inline(always)]
pub fn lanes(values: &[f32]) -> &[Lane] {
    let (lanes, rest) = values.as_chunks();
    debug_assert!(rest.is_empty());
    lanes
}

/// Sees a slice, whose length is a multiple of [`LANES`], as lanes.
#[must_use]
#[inline(always)]
pub fn lanes_mut(values: &mut [f32]) -> &mut [Lane] {
    let (lanes, rest) = values.as_chunks_mut();
    debug_assert!(rest.is_empty());
    lanes
}

/// The sum of a lane's values, always in the same order.
#[must_use]
#[inline(always)]
pub fn sum(lane: Lane) -> f32 {
    ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]))
}

/// Sees lanes as groups of P; those that make no whole group are left out.
#[must_use]
#[inline(always)]
pub fn groups<const P: usize>(lanes: &[Lane]) -> &[[Lane; P]] {
    lanes.as_chunks().0
}

/// The first N values. One by one, since WebAssembly has an instruction for copies that is slow where few are copied.
#[must_use]
#[inline(always)]
pub fn copied<const N: usize>(values: &[f32]) -> [f32; N] {
    let values = &values[..N];
    core::array::from_fn(|i| values[i])
}

/// `acc[i] += x * w` for every value.
#[inline(always)]
fn add_scaled<const P: usize>(acc: &mut [Lane; P], x: f32, w: &[Lane; P]) {
    for p in 0..P {
        acc[p] = core::array::from_fn(|l| acc[p][l] + x * w[p][l]);
    }
}

/// `acc[i] + rows[i] · right`: R rows of the left factor times P lanes of the right one. Each row has `depth` values.
#[inline(always)]
fn rows_tile<'r, const R: usize, const P: usize>(
    rows: [&[f32]; R],
    depth: usize,
    right: impl Iterator<Item = &'r [Lane; P]>,
    mut acc: [[Lane; P]; R],
) -> [[Lane; P]; R] {
    let rows = rows.map(|row| &row[..depth]);
    for (k, w) in (0..depth).zip(right) {
        for i in 0..R {
            add_scaled(&mut acc[i], rows[i][k], w);
        }
    }
    acc
}

/// Rows times P columns of lanes.
///
/// For every row `i` of `x`, which holds rows of `stride` values whose first `depth` count, calls `store(i, sum)` with
/// `start(i) + x[i] · right`, `right` giving P lanes for each of the `depth` values.
#[inline(always)]
pub fn rows_times_lanes<'r, const P: usize>(
    x: &[f32],
    stride: usize,
    depth: usize,
    right: &(impl Iterator<Item = &'r [Lane; P]> + Clone),
    start: impl Fn(usize) -> [Lane; P],
    mut store: impl FnMut(usize, [Lane; P]),
) {
    /// R rows from row `i` on.
    macro_rules! tile {
        ($i:expr, $($row:literal)*) => {{
            let i = $i;
            let rows = [$(&x[(i + $row) * stride..][..depth]),*];
            let sums = rows_tile(rows, depth, right.clone(), [$(start(i + $row)),*]);
            for (j, sum) in sums.into_iter().enumerate() {
                store(i + j, sum);
            }
        }};
    }
    let count = x.len() / stride;
    let whole = count / ROWS * ROWS;
    for i in (0..whole).step_by(ROWS) {
        tile!(i, 0 1 2 3);
    }
    match count - whole {
        3 => tile!(whole, 0 1 2),
        2 => tile!(whole, 0 1),
        1 => tile!(whole, 0),
        _ => {}
    }
}

/// Products of K values with P lanes, each summed over the pairs in order.
#[inline(always)]
pub fn outer_products<'x, 'y, const K: usize, const P: usize>(
    pairs: impl Iterator<Item = (&'x [f32; K], &'y [Lane; P])>,
) -> [[Lane; P]; K] {
    let mut acc = [[[0.0; LANES]; P]; K];
    for (x, lanes) in pairs {
        for i in 0..K {
            add_scaled(&mut acc[i], x[i], lanes);
        }
    }
    acc
}

/// Columns times P columns of lanes: for every column `i < columns` of `x`, which holds rows of `stride` values, calls
/// `store(i, sum)` with the sum over rows `b` of `x[b][i] * y[b]`, `y` giving P lanes for each row.
#[inline(always)]
pub fn columns_times_lanes<'y, const P: usize>(
    x: &[f32],
    stride: usize,
    columns: usize,
    y: &(impl Iterator<Item = &'y [Lane; P]> + Clone),
    mut store: impl FnMut(usize, [Lane; P]),
) {
    let whole = columns / COLUMNS * COLUMNS;
    for i in (0..whole).step_by(COLUMNS) {
        let rows = x.chunks_exact(stride);
        let rows = rows.map_while(|row| row[i..].first_chunk::<COLUMNS>());
        for (j, sum) in outer_products(rows.zip(y.clone())).into_iter().enumerate() {
            store(i + j, sum);
        }
    }
    for i in whole..columns {
        let rows = x.chunks_exact(stride);
        let rows = rows.map_while(|row| row[i..].first_chunk::<1>());
        let [sum] = outer_products(rows.zip(y.clone()));
        store(i, sum);
    }
}

/// Inner products of lanes: `sum(Σ a[p] * b[p])`, lane by lane, for R columns of lanes at once.
#[inline(always)]
pub fn lane_products<'a, const R: usize>(
    pairs: impl Iterator<Item = ([&'a Lane; R], &'a Lane)>,
) -> [f32; R] {
    unsummed_lane_products(pairs).map(sum)
}

/// The same before each lane's values are added up.
#[inline(always)]
pub fn unsummed_lane_products<'a, const R: usize>(
    pairs: impl Iterator<Item = ([&'a Lane; R], &'a Lane)>,
) -> [Lane; R] {
    let mut acc = [[0.0; LANES]; R];
    for (a, b) in pairs {
        for i in 0..R {
            for l in 0..LANES {
                acc[i][l] += a[i][l] * b[l];
            }
        }
    }
    acc
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
        fn rows_times_lanes_is_the_naive_product((m, k, x, w) in matrix()) {
            let w = groups::<2>(lanes(&w));
            let mut found = vec![[[f32::NAN; LANES]; 2]; m];
            let start = |i: usize| [[i as f32; LANES]; 2];
            rows_times_lanes(&x, k, k, &w.iter(), start, |i, sum| found[i] = sum);
            for i in 0..m {
                for (l, found) in found[i].as_flattened().iter().enumerate() {
                    let naive: f32 = (0..k).map(|j| x[i * k + j] * w[j].as_flattened()[l]).sum();
                    prop_assert_eq!(*found, i as f32 + naive);
                }
            }
        }

        #[test]
        fn columns_times_lanes_is_the_naive_product((k, n, x, _) in matrix(), y in exact(12 * 2 * LANES)) {
            let y = groups::<2>(lanes(&y));
            let mut found = vec![[[f32::NAN; LANES]; 2]; n];
            columns_times_lanes(&x, n, n, &y.iter(), |i, sum| found[i] = sum);
            for i in 0..n {
                for (l, found) in found[i].as_flattened().iter().enumerate() {
                    let naive: f32 = (0..k).map(|b| x[b * n + i] * y[b].as_flattened()[l]).sum();
                    prop_assert_eq!(*found, naive);
                }
            }
        }

        #[test]
        fn lane_products_are_the_naive_ones(a in exact(5 * LANES), b in exact(5 * LANES)) {
            let [found] = lane_products(lanes(&a).iter().map(|a| [a]).zip(lanes(&b)));
            let naive: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            prop_assert_eq!(found, naive);
        }
    }

    #[test]
    fn sums_run_over_the_inner_index_in_order() {
        // 1e8 swallows a 1 that comes after it, not one that comes before -1e8 has cancelled it.
        let x = [1e8, 1.0, -1e8, 1.0];
        let w = [[[1.0; LANES]]; 4];
        let start = |_| [[0.0; LANES]];
        rows_times_lanes(&x, 4, 4, &w.iter(), start, |_, sum| {
            assert_eq!(sum, [[1.0; LANES]]);
        });
    }
}

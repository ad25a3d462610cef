//! Products of matrices that give the same bits natively and in wasm.
//!
//! Every output value is a sum over the inner index *in order*, with separate multiplication and addition. Eight
//! outputs are computed side by side, so the compiler can use vectors of any width without changing a bit; Rust never
//! fuses a multiplication with an addition by itself.
//!
//! The right factor lies in *panels*: eight columns at a time, row after row, so that the innermost loop reads it from
//! front to back. [`LANES`] is eight because two 128-bit registers (wasm) or one 256-bit register (AVX) hold eight
//! f32.

/// Columns of a panel.
pub const LANES: usize = 8;

/// Eight values side by side.
pub type Lane = [f32; LANES];

/// Rows of the left factor that a tile covers: with two registers a row, eight accumulators stay in registers.
pub const ROWS: usize = 4;

/// Number of panels that `columns` need.
#[must_use]
pub const fn panels(columns: usize) -> usize {
    columns.div_ceil(LANES)
}

/// Sees a slice, whose length is a multiple of [`LANES`], as lanes.
#[must_use]
pub fn lanes(values: &[f32]) -> &[Lane] {
    let (lanes, rest) = values.as_chunks();
    debug_assert!(rest.is_empty());
    lanes
}

/// Sees a slice, whose length is a multiple of [`LANES`], as lanes.
#[must_use]
pub fn lanes_mut(values: &mut [f32]) -> &mut [Lane] {
    let (lanes, rest) = values.as_chunks_mut();
    debug_assert!(rest.is_empty());
    lanes
}

/// The sum of a lane's values, always in the same order.
#[must_use]
#[inline]
pub fn sum(lane: Lane) -> f32 {
    ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]))
}

/// `acc[i] += x * w` for every value.
#[inline(always)]
fn add_scaled(acc: &mut Lane, x: f32, w: &Lane) {
    for (a, w) in acc.iter_mut().zip(w) {
        *a += x * w;
    }
}

/// `acc[i] + rows[i] · panel`: R rows of the left factor times one panel. Each row is as long as the panel.
#[inline(always)]
fn rows_tile<const R: usize>(rows: [&[f32]; R], panel: &[Lane], mut acc: [Lane; R]) -> [Lane; R] {
    let rows = rows.map(|row| &row[..panel.len()]);
    for (k, w) in panel.iter().enumerate() {
        for i in 0..R {
            add_scaled(&mut acc[i], rows[i][k], w);
        }
    }
    acc
}

/// Rows times one panel.
///
/// For every row `i` of `x`, which holds rows of `stride` values whose first `panel.len()` count, calls `store(i, sum)`
/// with `start(i) + x[i] · panel`.
#[inline(always)]
pub fn rows_times_panel(
    x: &[f32],
    stride: usize,
    panel: &[Lane],
    start: impl Fn(usize) -> Lane,
    mut store: impl FnMut(usize, Lane),
) {
    let count = x.len() / stride;
    let row = |i: usize| &x[i * stride..(i + 1) * stride];
    let mut i = 0;
    while i + ROWS <= count {
        let rows = [row(i), row(i + 1), row(i + 2), row(i + 3)];
        let sums = rows_tile(
            rows,
            panel,
            [start(i), start(i + 1), start(i + 2), start(i + 3)],
        );
        for (j, sum) in sums.into_iter().enumerate() {
            store(i + j, sum);
        }
        i += ROWS;
    }
    while i < count {
        let [sum] = rows_tile([row(i)], panel, [start(i)]);
        store(i, sum);
        i += 1;
    }
}

/// Columns times one column of lanes: for every column `i < columns` of `x`, which holds rows of `stride` values, calls
/// `store(i, sum)` with the sum over rows `b` of `x[b][i] * y[b]`, `y` giving one lane for each row.
#[inline(always)]
pub fn columns_times_lanes<'y>(
    x: &[f32],
    stride: usize,
    columns: usize,
    y: &(impl Iterator<Item = &'y Lane> + Clone),
    mut store: impl FnMut(usize, Lane),
) {
    let mut i = 0;
    while i + ROWS <= columns {
        let mut acc = [[0.0; LANES]; ROWS];
        for (row, lane) in x.chunks_exact(stride).zip(y.clone()) {
            let Some(x) = row[i..].first_chunk::<ROWS>() else {
                break;
            };
            for (acc, x) in acc.iter_mut().zip(x) {
                add_scaled(acc, *x, lane);
            }
        }
        for (j, sum) in acc.into_iter().enumerate() {
            store(i + j, sum);
        }
        i += ROWS;
    }
    while i < columns {
        let mut acc = [0.0; LANES];
        for (row, lane) in x.chunks_exact(stride).zip(y.clone()) {
            add_scaled(&mut acc, row[i], lane);
        }
        store(i, acc);
        i += 1;
    }
}

/// Inner products of lanes: `sum(Σ a[p] * b[p])`, lane by lane, for R columns of lanes at once.
#[inline(always)]
pub fn lane_products<'a, const R: usize>(
    pairs: impl Iterator<Item = ([&'a Lane; R], &'a Lane)>,
) -> [f32; R] {
    let mut acc = [[0.0; LANES]; R];
    for (a, b) in pairs {
        for i in 0..R {
            for l in 0..LANES {
                acc[i][l] += a[i][l] * b[l];
            }
        }
    }
    acc.map(sum)
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
            .prop_flat_map(|(m, k)| (Just(m), Just(k), exact(m * k), exact(k * LANES)))
    }

    proptest! {
        #[test]
        fn rows_times_panel_is_the_naive_product((m, k, x, w) in matrix()) {
            let mut found = vec![[f32::NAN; LANES]; m];
            rows_times_panel(&x, k, lanes(&w), |i| [i as f32; LANES], |i, sum| found[i] = sum);
            for i in 0..m {
                for l in 0..LANES {
                    let naive: f32 = i as f32 + (0..k).map(|j| x[i * k + j] * w[j * LANES + l]).sum::<f32>();
                    prop_assert_eq!(found[i][l], naive);
                }
            }
        }

        #[test]
        fn columns_times_lanes_is_the_naive_product((k, n, x, _) in matrix(), y in exact(12 * LANES)) {
            let mut found = vec![[f32::NAN; LANES]; n];
            columns_times_lanes(&x, n, n, &lanes(&y).iter(), |i, sum| found[i] = sum);
            for i in 0..n {
                for l in 0..LANES {
                    let naive: f32 = (0..k).map(|b| x[b * n + i] * y[b * LANES + l]).sum();
                    prop_assert_eq!(found[i][l], naive);
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
        let w = [[1.0; LANES]; 4];
        rows_times_panel(
            &x,
            4,
            &w,
            |_| [0.0; LANES],
            |_, sum| assert_eq!(sum, [1.0; LANES]),
        );
    }
}

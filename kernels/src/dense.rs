//! A dense layer: `y = x · Wᵀ + b`.

use crate::chain::Weighted;
use crate::descent::Target;
use crate::linalg::{self, Columns, LANES, Lane, WIDE, lanes, lanes_mut, panels};

/// A dense layer. Packed weights: for each panel of eight outputs the panel `[inputs]` of lanes, then the bias as one
/// lane a panel.
#[derive(Clone, Copy, Debug)]
pub struct Dense {
    /// Values of one input.
    pub inputs: usize,
    /// Values of one output.
    pub outputs: usize,
}

impl Dense {
    #[inline(always)]
    fn panels(self) -> usize {
        panels(self.outputs)
    }

    /// Packed weights and bias, as lanes.
    #[inline(always)]
    fn split(self, packed: &[f32]) -> (&[Lane], &[Lane]) {
        lanes(packed).split_at(self.panels() * self.inputs)
    }

    /// `x` is `[batch, input_stride]`, `y` is `[batch, panels * 8]`.
    #[inline(always)]
    pub(crate) fn forward(self, packed: &[f32], x: &[f32], input_stride: usize, y: &mut [f32]) {
        let (weights, bias) = self.split(packed);
        let count = self.panels();
        let y = lanes_mut(y);
        for y in y.chunks_exact_mut(count) {
            for (y, bias) in y.iter_mut().zip(bias) {
                *y = *bias;
            }
        }
        for (p, panel) in weights.chunks_exact(self.inputs).enumerate() {
            linalg::add_rows_times_lanes::<1>(
                x,
                (y.len() / count, input_stride),
                Columns {
                    lanes: panel,
                    stride: 1,
                    at: 0,
                },
                Columns {
                    lanes: y,
                    stride: count,
                    at: p,
                },
            );
        }
    }

    /// `slope` is the loss by `y`; puts the loss by the weights where it belongs.
    #[inline(always)]
    pub(crate) fn backward(
        self,
        x: &[f32],
        input_stride: usize,
        slope: &[f32],
        target: &mut Target<'_>,
    ) {
        let slope = lanes(slope);
        let wide = self.panels() / WIDE * WIDE;
        for p in (0..wide).step_by(WIDE) {
            self.weights_by::<WIDE>(x, input_stride, slope, p, target);
        }
        for p in wide..self.panels() {
            self.weights_by::<1>(x, input_stride, slope, p, target);
        }
        for p in 0..self.panels() {
            let mut sum = [0.0; LANES];
            for row in slope.chunks_exact(self.panels()) {
                sum = core::array::from_fn(|l| sum[l] + row[p][l]);
            }
            target.put(self.panels() * self.inputs + p, sum);
        }
    }

    /// The loss by the weights in P panels from the `p`-th on.
    #[inline(always)]
    fn weights_by<const P: usize>(
        self,
        x: &[f32],
        input_stride: usize,
        slope: &[Lane],
        p: usize,
        target: &mut Target<'_>,
    ) {
        let (fives, _, rest) = if P == 1 {
            linalg::fives_fours_rest(self.inputs)
        } else {
            // Of five columns of 16 sums the compiler does not make five vectors, of four it does.
            (0, self.inputs / 4, self.inputs % 4)
        };
        for at in (0..5 * fives).step_by(5) {
            self.weights_of::<5, P>(x, input_stride, at, slope, p, target);
        }
        for at in (5 * fives..self.inputs - rest).step_by(4) {
            self.weights_of::<4, P>(x, input_stride, at, slope, p, target);
        }
        for at in self.inputs - rest..self.inputs {
            self.weights_of::<1, P>(x, input_stride, at, slope, p, target);
        }
    }

    /// The same for K inputs from the `at`-th on.
    #[inline(always)]
    fn weights_of<const K: usize, const P: usize>(
        self,
        x: &[f32],
        input_stride: usize,
        at: usize,
        slope: &[Lane],
        p: usize,
        target: &mut Target<'_>,
    ) {
        let slopes = linalg::column::<_, P>(slope, self.panels(), p);
        let sums = linalg::columns_times_lanes::<K, P>(x, input_stride, at, slopes);
        for (i, sums) in sums.into_iter().enumerate() {
            for (panel, sum) in sums.into_iter().enumerate() {
                target.put((p + panel) * self.inputs + at + i, sum);
            }
        }
    }

    /// `below[b][i] = slope[b] · W[.., i]`. The padding behind the last input stays as it is, zero.
    #[inline(always)]
    pub(crate) fn slope_by_input(
        self,
        packed: &[f32],
        slope: &[f32],
        below: &mut [f32],
        stride: usize,
    ) {
        let (weights, _) = self.split(packed);
        let slope = lanes(slope);
        let count = self.panels();
        let (fives, fours, rest) = linalg::fives_fours_rest(slope.len() / count);
        let (fives, others) = (5 * fives, 4 * fours);
        let (slope_fives, slope) = slope.split_at(fives * count);
        let (slope_fours, slope_rest) = slope.split_at(others * count);
        let (below_fives, below) = below.split_at_mut(fives * stride);
        let (below_fours, below_rest) = below.split_at_mut(others * stride);
        self.slopes_by_input::<5>(weights, slope_fives, below_fives, stride);
        self.slopes_by_input::<4>(weights, slope_fours, below_fours, stride);
        if rest > 0 {
            self.slopes_by_input::<1>(weights, slope_rest, below_rest, stride);
        }
    }

    /// The same, B examples at a time.
    #[inline(always)]
    fn slopes_by_input<const B: usize>(
        self,
        weights: &[Lane],
        slope: &[Lane],
        below: &mut [f32],
        stride: usize,
    ) {
        // Summed in a loop of their own: together with the products the compiler would not keep to lanes.
        const AT_ONCE: usize = 32;
        let mut products = [[[0.0; LANES]; B]; AT_ONCE];
        let count = self.panels();
        for (slope, below) in slope
            .chunks_exact(B * count)
            .zip(below.chunks_exact_mut(B * stride))
        {
            let rows: [&[Lane]; B] = core::array::from_fn(|b| &slope[b * count..][..count]);
            for first in (0..self.inputs).step_by(AT_ONCE) {
                let products = &mut products[..AT_ONCE.min(self.inputs - first)];
                for (i, products) in products.iter_mut().enumerate() {
                    let column = weights
                        .chunks_exact(self.inputs)
                        .map(|panel| &panel[first + i]);
                    let slopes = (0..count).map(|p| rows.map(|row| &row[p]));
                    *products = linalg::lane_products(slopes.zip(column));
                }
                for (i, products) in products.iter().enumerate() {
                    for (b, product) in products.iter().enumerate() {
                        below[b * stride + first + i] = linalg::sum(*product);
                    }
                }
            }
        }
    }
}

impl Weighted for Dense {
    fn shapes(&self) -> [Vec<usize>; 2] {
        [vec![self.outputs, self.inputs], vec![self.outputs]]
    }

    fn fan_in(&self) -> usize {
        self.inputs
    }

    fn packed_len(&self) -> usize {
        self.panels() * (self.inputs + 1) * LANES
    }

    fn pack(&self, weight: &[f32], bias: &[f32], packed: &mut [f32]) {
        let (panels, packed_bias) = lanes_mut(packed).split_at_mut(self.panels() * self.inputs);
        for (o, row) in weight.chunks_exact(self.inputs).enumerate() {
            let panel = &mut panels[o / LANES * self.inputs..][..self.inputs];
            for (lane, w) in panel.iter_mut().zip(row) {
                lane[o % LANES] = *w;
            }
        }
        packed_bias.as_flattened_mut()[..self.outputs].copy_from_slice(bias);
    }

    fn unpack(&self, packed: &[f32], weight: &mut [f32], bias: &mut [f32]) {
        let (panels, packed_bias) = self.split(packed);
        for (o, row) in weight.chunks_exact_mut(self.inputs).enumerate() {
            let panel = &panels[o / LANES * self.inputs..][..self.inputs];
            for (w, lane) in row.iter_mut().zip(panel) {
                *w = lane[o % LANES];
            }
        }
        bias.copy_from_slice(&packed_bias.as_flattened()[..self.outputs]);
    }
}

#[cfg(test)]
mod tests;

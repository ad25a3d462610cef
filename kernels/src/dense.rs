//! A dense layer: `y = x · Wᵀ + b`.

use crate::chain::Weighted;
use crate::linalg::{self, LANES, Lane, WIDE, lanes, lanes_mut, panels};

/// Examples whose slopes are worked out at once: as many as have their sums in registers, and no power of two.
const BATCH: usize = 5;

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
        for (p, (panel, bias)) in weights.chunks_exact(self.inputs).zip(bias).enumerate() {
            let panel = linalg::groups(panel).iter();
            linalg::rows_times_lanes(
                x,
                input_stride,
                self.inputs,
                &panel,
                |_| [*bias],
                |row, [sum]| y[row * count + p] = sum,
            );
        }
    }

    /// `slope` is the loss by `y`; overwrites `gradient` and the slope by `x`.
    #[inline(always)]
    pub(crate) fn backward(
        self,
        packed: &[f32],
        x: &[f32],
        input_stride: usize,
        slope: &[f32],
        gradient: &mut [f32],
        slope_below: Option<&mut [f32]>,
    ) {
        let count = self.panels();
        let slope = lanes(slope);
        let (weight_gradient, bias_gradient) =
            lanes_mut(gradient).split_at_mut(count * self.inputs);
        let wide = count / WIDE * WIDE;
        for p in (0..wide).step_by(WIDE) {
            self.weights_by::<WIDE>(x, input_stride, slope, p, weight_gradient);
        }
        for p in wide..count {
            self.weights_by::<1>(x, input_stride, slope, p, weight_gradient);
        }
        bias_gradient.fill([0.0; LANES]);
        for row in slope.chunks_exact(count) {
            for (b, s) in bias_gradient
                .as_flattened_mut()
                .iter_mut()
                .zip(row.as_flattened())
            {
                *b += s;
            }
        }
        if let Some(below) = slope_below {
            self.slope_by_input(packed, slope, below, input_stride);
        }
    }

    /// The loss by the weights of P panels from the `p`-th on.
    #[inline(always)]
    fn weights_by<const P: usize>(
        self,
        x: &[f32],
        input_stride: usize,
        slope: &[Lane],
        p: usize,
        gradient: &mut [Lane],
    ) {
        let rows = slope.chunks_exact(self.panels());
        let column = rows.map_while(|row| row[p..].first_chunk::<P>());
        let panels = &mut gradient[p * self.inputs..][..P * self.inputs];
        linalg::columns_times_lanes(x, input_stride, self.inputs, &column, |i, sums| {
            for (panel, sum) in panels.chunks_exact_mut(self.inputs).zip(sums) {
                panel[i] = sum;
            }
        });
    }

    /// `below[b][i] = slope[b] · W[.., i]`. The padding behind the last input stays as it is, zero.
    #[inline(always)]
    fn slope_by_input(self, packed: &[f32], slope: &[Lane], below: &mut [f32], stride: usize) {
        let (weights, _) = self.split(packed);
        let rows = BATCH * self.panels();
        let blocks = slope.chunks_exact(rows);
        let rest = blocks.remainder().chunks_exact(self.panels());
        let (below_blocks, below_rest) = below.split_at_mut(blocks.len() * BATCH * stride);
        for (slope, below) in blocks.zip(below_blocks.chunks_exact_mut(BATCH * stride)) {
            self.slopes_by_input::<BATCH>(weights, slope, below, stride);
        }
        for (slope, below) in rest.zip(below_rest.chunks_exact_mut(stride)) {
            self.slopes_by_input::<1>(weights, slope, below, stride);
        }
    }

    /// The same for B examples.
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
        let rows: [&[Lane]; B] = core::array::from_fn(|b| &slope[b * count..][..count]);
        for first in (0..self.inputs).step_by(AT_ONCE) {
            let products = &mut products[..AT_ONCE.min(self.inputs - first)];
            for (i, products) in products.iter_mut().enumerate() {
                let column = weights[first + i..].iter().step_by(self.inputs);
                let slopes = (0..count).map(|p| rows.map(|row| &row[p]));
                *products = linalg::unsummed_lane_products(slopes.zip(column));
            }
            for (i, products) in products.iter().enumerate() {
                for (b, product) in products.iter().enumerate() {
                    below[b * stride + first + i] = linalg::sum(*product);
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

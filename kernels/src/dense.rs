//! A dense layer: `y = x · Wᵀ + b`.

use crate::chain::Weighted;
use crate::linalg::{self, LANES, Lane, WIDE, lanes, lanes_mut, panels};

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
        const BATCH: usize = 4;
        let (weights, _) = self.split(packed);
        let count = self.panels();
        let columns = |i: usize| weights[i..].iter().step_by(self.inputs);
        let (blocks, rest) = slope.split_at(slope.len() / (BATCH * count) * BATCH * count);
        let (below_blocks, below_rest) = below.split_at_mut(blocks.len() / count * stride);
        for (slope, below) in blocks
            .chunks_exact(BATCH * count)
            .zip(below_blocks.chunks_exact_mut(BATCH * stride))
        {
            for i in 0..self.inputs {
                let rows = (0..count).map(|p| {
                    [
                        &slope[p],
                        &slope[count + p],
                        &slope[2 * count + p],
                        &slope[3 * count + p],
                    ]
                });
                let sums: [f32; BATCH] = linalg::lane_products(rows.zip(columns(i)));
                for (b, sum) in sums.into_iter().enumerate() {
                    below[b * stride + i] = sum;
                }
            }
        }
        for (slope, below) in rest
            .chunks_exact(count)
            .zip(below_rest.chunks_exact_mut(stride))
        {
            for (i, below) in below[..self.inputs].iter_mut().enumerate() {
                [*below] = linalg::lane_products(slope.iter().map(|s| [s]).zip(columns(i)));
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

//! A convolution of 5×5 without padding, as a product of the filters with the image's patches.

use super::Weighted;
use crate::linalg::{self, LANES, Lane, lanes, lanes_mut};

/// Side of a filter.
const SIDE: usize = 5;

/// A convolution over square images. Its outputs' side is a multiple of eight, so that eight neighbours of a row make
/// a lane. Packed weights: filters `[filters, channels * 25]`, then the bias, padded to eight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conv {
    pub(super) channels: usize,
    pub(super) filters: usize,
    /// Side of the input images.
    pub(super) side: usize,
}

impl Conv {
    fn output_side(self) -> usize {
        self.side - SIDE + 1
    }

    /// Values of a patch.
    fn depth(self) -> usize {
        self.channels * SIDE * SIDE
    }

    /// Lanes of one output channel.
    fn lanes_per_filter(self) -> usize {
        self.output_side() * self.output_side() / LANES
    }

    fn inputs(self) -> usize {
        self.channels * self.side * self.side
    }

    pub(super) fn outputs(self) -> usize {
        self.filters * self.output_side() * self.output_side()
    }

    /// Length of the buffer for the patches of one image.
    pub(super) fn patches_len(self) -> usize {
        self.lanes_per_filter() * self.depth() * LANES
    }

    fn weights_len(self) -> usize {
        self.filters * self.depth()
    }

    /// Start in the image of the eight neighbours that the `lane`-th lane of the output needs for patch value `k`.
    fn source(self, lane: usize, k: usize) -> usize {
        let at = lane * LANES;
        let (row, column) = (at / self.output_side(), at % self.output_side());
        let (channel, dy, dx) = (k / (SIDE * SIDE), k / SIDE % SIDE, k % SIDE);
        (channel * self.side + row + dy) * self.side + column + dx
    }

    /// Patches of one image in panels: for each lane of the output, `depth` lanes.
    fn gather(self, image: &[f32], patches: &mut [Lane]) {
        for (lane, panel) in patches.chunks_exact_mut(self.depth()).enumerate() {
            for (k, patch) in panel.iter_mut().enumerate() {
                let from = self.source(lane, k);
                patch.copy_from_slice(&image[from..from + LANES]);
            }
        }
    }

    /// `x` is `[batch, inputs]`, `y` is `[batch, filters, side, side]`.
    pub(super) fn forward(self, packed: &[f32], x: &[f32], y: &mut [f32], patches: &mut [f32]) {
        let (weights, bias) = packed.split_at(self.weights_len());
        let patches = lanes_mut(&mut patches[..self.patches_len()]);
        let per_filter = self.lanes_per_filter();
        let stride = self.inputs().next_multiple_of(LANES);
        for (image, y) in x
            .chunks_exact(stride)
            .zip(y.chunks_exact_mut(self.outputs()))
        {
            self.gather(image, patches);
            let y = lanes_mut(y);
            for (p, panel) in patches.chunks_exact(self.depth()).enumerate() {
                let store = |filter: usize, sum: Lane| y[filter * per_filter + p] = sum;
                linalg::rows_times_panel(
                    weights,
                    self.depth(),
                    panel,
                    |filter| [bias[filter]; LANES],
                    store,
                );
            }
        }
    }

    /// `slope` is the loss by `y`; overwrites `gradient` and the slope by `x`.
    pub(super) fn backward(
        self,
        packed: &[f32],
        x: &[f32],
        slope: &[f32],
        gradient: &mut [f32],
        mut slope_below: Option<&mut [f32]>,
        patches: &mut [f32],
    ) {
        let patches = lanes_mut(&mut patches[..self.patches_len()]);
        let stride = self.inputs().next_multiple_of(LANES);
        gradient.fill(0.0);
        let images = x
            .chunks_exact(stride)
            .zip(slope.chunks_exact(self.outputs()));
        for (b, (image, slope)) in images.enumerate() {
            self.gather(image, patches);
            let slope = lanes(slope);
            self.add_gradient(patches, slope, gradient);
            if let Some(below) = slope_below.as_deref_mut() {
                self.slope_by_image(packed, slope, &mut below[b * stride..(b + 1) * stride]);
            }
        }
    }

    /// Adds one image's part: for each filter and patch value the product of slopes and patches over all places.
    fn add_gradient(self, patches: &[Lane], slope: &[Lane], gradient: &mut [f32]) {
        const PATCH_VALUES: usize = 5;
        let (weights, bias) = gradient.split_at_mut(self.weights_len());
        let depth = self.depth();
        let filters = slope.chunks_exact(self.lanes_per_filter());
        for ((slope, weights), bias) in filters.zip(weights.chunks_exact_mut(depth)).zip(bias) {
            for (k, weights) in (0..depth)
                .step_by(PATCH_VALUES)
                .zip(weights.chunks_exact_mut(PATCH_VALUES))
            {
                let rows = patches.chunks_exact(depth).map(|panel| {
                    let panel = &panel[k..k + PATCH_VALUES];
                    [&panel[0], &panel[1], &panel[2], &panel[3], &panel[4]]
                });
                let sums: [f32; PATCH_VALUES] = linalg::lane_products(rows.zip(slope));
                for (w, sum) in weights.iter_mut().zip(sums) {
                    *w += sum;
                }
            }
            let mut acc = [0.0; LANES];
            for lane in slope {
                for (a, s) in acc.iter_mut().zip(lane) {
                    *a += s;
                }
            }
            *bias += linalg::sum(acc);
        }
    }

    /// Loss by the pixels of one image: every place adds its patch's slope where the patch came from.
    fn slope_by_image(self, packed: &[f32], slope: &[Lane], below: &mut [f32]) {
        below.fill(0.0);
        let weights = &packed[..self.weights_len()];
        let per_filter = self.lanes_per_filter();
        for lane in 0..per_filter {
            let column = slope[lane..].iter().step_by(per_filter);
            linalg::columns_times_lanes(weights, self.depth(), self.depth(), &column, |k, sum| {
                let to = self.source(lane, k);
                for (pixel, s) in below[to..to + LANES].iter_mut().zip(sum) {
                    *pixel += s;
                }
            });
        }
    }
}

impl Weighted for Conv {
    fn shapes(&self) -> [Vec<usize>; 2] {
        [
            vec![self.filters, self.channels, SIDE, SIDE],
            vec![self.filters],
        ]
    }

    fn fan_in(&self) -> usize {
        self.depth()
    }

    fn packed_len(&self) -> usize {
        (self.weights_len() + self.filters).next_multiple_of(LANES)
    }

    fn pack(&self, weight: &[f32], bias: &[f32], packed: &mut [f32]) {
        let (weights, packed_bias) = packed.split_at_mut(self.weights_len());
        weights.copy_from_slice(weight);
        packed_bias[..self.filters].copy_from_slice(bias);
    }

    fn unpack(&self, packed: &[f32], weight: &mut [f32], bias: &mut [f32]) {
        let (weights, packed_bias) = packed.split_at(self.weights_len());
        weight.copy_from_slice(weights);
        bias.copy_from_slice(&packed_bias[..self.filters]);
    }
}

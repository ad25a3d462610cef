//! A convolution of 5×5 without padding, as a product of the filters with the image's patches.

use crate::chain::Weighted;
use crate::linalg::{self, LANES, Lane, WIDE, lanes, lanes_mut, panels};

/// Side of a filter.
const SIDE: usize = 5;

/// A convolution over square images. Its outputs' side is a multiple of eight, so that eight neighbours of a row make
/// a lane. Packed weights: filters `[filters, channels * 25]`, then the bias, padded to eight.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// Channels of an input image.
    pub channels: usize,
    /// Channels of an output image.
    pub filters: usize,
    /// Side of the input images.
    pub side: usize,
}

impl Conv {
    #[inline(always)]
    fn output_side(self) -> usize {
        self.side - SIDE + 1
    }

    /// Values of a patch.
    #[inline(always)]
    fn depth(self) -> usize {
        self.channels * SIDE * SIDE
    }

    /// Lanes of one output channel.
    #[inline(always)]
    fn lanes_per_filter(self) -> usize {
        self.output_side() * self.output_side() / LANES
    }

    #[inline(always)]
    fn inputs(self) -> usize {
        self.channels * self.side * self.side
    }

    /// Values of one output.
    #[must_use]
    #[inline(always)]
    pub fn outputs(self) -> usize {
        self.filters * self.output_side() * self.output_side()
    }

    /// Length of the buffer for patches, and behind those of [`Self::forward`] for the bias.
    #[inline(always)]
    pub(crate) fn patches_len(self) -> usize {
        let forward = (self.depth() + self.filters) * WIDE * LANES;
        forward.max(self.patches_by_place_len())
    }

    #[inline(always)]
    fn patches_by_place_len(self) -> usize {
        self.lanes_per_filter() * LANES * self.patch_lanes() * LANES
    }

    #[inline(always)]
    fn weights_len(self) -> usize {
        self.filters * self.depth()
    }

    /// Start in the image of the eight neighbours that the `lane`-th lane of the output needs for patch value `k`.
    #[inline(always)]
    fn source(self, lane: usize, k: usize) -> usize {
        let at = lane * LANES;
        let (row, column) = (at / self.output_side(), at % self.output_side());
        let (channel, dy, dx) = (k / (SIDE * SIDE), k / SIDE % SIDE, k % SIDE);
        (channel * self.side + row + dy) * self.side + column + dx
    }

    /// Patches of one image for [`Self::forward`]: `depth` times WIDE lanes, for the `group`-th WIDE lanes of the output.
    #[inline(always)]
    fn gather(self, image: &[f32], group: usize, patches: &mut [[Lane; WIDE]]) {
        for l in 0..WIDE {
            let origin = self.source(group * WIDE + l, 0);
            let rows = patches.chunks_exact_mut(SIDE).enumerate();
            for (row, patches) in rows {
                let (channel, dy) = (row / SIDE, row % SIDE);
                let from = origin + (channel * self.side + dy) * self.side;
                let pixels = &image[from..from + SIDE - 1 + LANES];
                for (dx, patch) in patches.iter_mut().enumerate() {
                    patch[l] = linalg::copied(&pixels[dx..]);
                }
            }
        }
    }

    /// Lanes of a patch in [`Self::backward`]: whole groups, and one more, as rows an even number of cache lines apart
    /// would push each other out of the cache.
    #[inline(always)]
    fn patch_lanes(self) -> usize {
        panels(self.depth()).next_multiple_of(WIDE) | 1
    }

    /// Patches of one image for [`Self::backward`]: for each place of the output its patch, padded with whatever was
    /// there.
    #[inline(always)]
    fn gather_by_place(self, image: &[f32], patches: &mut [f32]) {
        let side = self.output_side();
        let places = patches.chunks_exact_mut(self.patch_lanes() * LANES);
        for (place, patch) in places.enumerate() {
            let origin = place / side * self.side + place % side;
            let rows = patch.as_chunks_mut::<SIDE>().0.iter_mut();
            for (row, patch) in rows.take(self.channels * SIDE).enumerate() {
                let (channel, dy) = (row / SIDE, row % SIDE);
                let from = origin + (channel * self.side + dy) * self.side;
                *patch = linalg::copied(&image[from..]);
            }
        }
    }

    /// `x` is `[batch, inputs]`, `y` is `[batch, filters, side, side]`.
    #[inline(always)]
    pub(crate) fn forward(self, packed: &[f32], x: &[f32], y: &mut [f32], patches: &mut [f32]) {
        let (weights, bias) = packed.split_at(self.weights_len());
        let per_filter = self.lanes_per_filter();
        let len = (self.depth() + self.filters) * WIDE * LANES;
        let (patches, _) = lanes_mut(&mut patches[..len]).as_chunks_mut();
        let (patches, start) = patches.split_at_mut(self.depth());
        // As lanes in memory: of one number eight times over the compiler would make vectors across the filters.
        for (start, bias) in start.iter_mut().zip(bias) {
            *start = [[*bias; LANES]; WIDE];
        }
        let stride = self.inputs().next_multiple_of(LANES);
        for (image, y) in x
            .chunks_exact(stride)
            .zip(y.chunks_exact_mut(self.outputs()))
        {
            let y = lanes_mut(y);
            for group in 0..per_filter / WIDE {
                // Group by group, so that patches stay in the nearest cache.
                self.gather(image, group, patches);
                linalg::rows_times_lanes(
                    weights,
                    self.depth(),
                    self.depth(),
                    &patches.iter(),
                    |filter| start[filter],
                    |filter, sums| {
                        let at = filter * per_filter + group * WIDE;
                        for (y, sum) in y[at..][..WIDE].iter_mut().zip(sums) {
                            *y = sum;
                        }
                    },
                );
            }
        }
    }

    /// `slope` is the loss by `y`; overwrites `gradient` and the slope by `x`.
    #[inline(always)]
    pub(crate) fn backward(
        self,
        packed: &[f32],
        x: &[f32],
        slope: &[f32],
        gradient: &mut [f32],
        mut slope_below: Option<&mut [f32]>,
        patches: &mut [f32],
    ) {
        let patches = &mut patches[..self.patches_by_place_len()];
        let stride = self.inputs().next_multiple_of(LANES);
        gradient.fill(0.0);
        let images = x
            .chunks_exact(stride)
            .zip(slope.chunks_exact(self.outputs()));
        for (b, (image, slope)) in images.enumerate() {
            self.gather_by_place(image, patches);
            self.add_gradient(lanes(patches), slope, gradient);
            let slope = lanes(slope);
            if let Some(below) = slope_below.as_deref_mut() {
                self.slope_by_image(packed, slope, &mut below[b * stride..(b + 1) * stride]);
            }
        }
    }

    /// Adds one image's part: for each filter and patch value the product of slopes and patches over all places, summed
    /// in the places' order.
    #[inline(always)]
    fn add_gradient(self, patches: &[Lane], slope: &[f32], gradient: &mut [f32]) {
        let (weights, bias) = gradient.split_at_mut(self.weights_len());
        let (depth, places) = (self.depth(), self.lanes_per_filter() * LANES);
        for group in (0..panels(depth)).step_by(WIDE) {
            let patches = patches[group..].chunks(self.patch_lanes());
            let patches = patches.map_while(|patch| patch.first_chunk::<WIDE>());
            let at = group * LANES;
            let used = (depth - at).min(WIDE * LANES);
            linalg::rows_times_lanes(
                slope,
                places,
                places,
                &patches,
                |_| [[0.0; LANES]; WIDE],
                |filter, sums| {
                    let weights = &mut weights[filter * depth + at..][..used];
                    for (w, sum) in weights.iter_mut().zip(sums.as_flattened()) {
                        *w += sum;
                    }
                },
            );
        }
        for (bias, slope) in bias.iter_mut().zip(slope.chunks_exact(places)) {
            let mut acc = [0.0; LANES];
            for lane in lanes(slope) {
                for (a, s) in acc.iter_mut().zip(lane) {
                    *a += s;
                }
            }
            *bias += linalg::sum(acc);
        }
    }

    /// Loss by the pixels of one image: every place adds its patch's slope where the patch came from.
    ///
    /// A pixel gets its parts in the order of the places, as a lower row of a filter meets it from a higher place.
    #[inline(always)]
    fn slope_by_image(self, packed: &[f32], slope: &[Lane], below: &mut [f32]) {
        below.fill(0.0);
        let weights = &packed[..self.weights_len()];
        let (depth, per_filter) = (self.depth(), self.lanes_per_filter());
        for channel in 0..self.channels {
            for dy in (0..SIDE).rev() {
                let k = (channel * SIDE + dy) * SIDE;
                for lane in (0..per_filter).step_by(WIDE) {
                    let filters = weights.chunks_exact(depth);
                    let filters = filters.map_while(|filter| filter[k..].first_chunk::<SIDE>());
                    let slopes = slope.chunks_exact(per_filter);
                    let slopes = slopes.map_while(|slopes| slopes[lane..].first_chunk::<WIDE>());
                    let sums = linalg::outer_products(filters.zip(slopes));
                    for l in 0..WIDE {
                        let from = self.source(lane + l, k);
                        let pixels = &mut below[from..from + SIDE - 1 + LANES];
                        for (dx, sum) in sums.iter().enumerate() {
                            for (pixel, s) in pixels[dx..dx + LANES].iter_mut().zip(sum[l]) {
                                *pixel += s;
                            }
                        }
                    }
                }
            }
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

//! A convolution of 5×5 without padding, as products of the filters with the image's patches.

use crate::chain::Weighted;
use crate::linalg::{self, LANES, Lane, WIDE, lanes, lanes_mut};
use crate::vector::{Half, Vector, Wide};

/// Side of a filter.
const SIDE: usize = 5;

/// Pixels of a row that a lane of the output comes from.
const REACH: usize = LANES + SIDE - 1;

/// A lane between as many zeros as let it be read shifted by up to a filter's side.
const SHIFTS: usize = REACH + SIDE - 1;

/// A convolution over square images. Its outputs' side is a multiple of eight, so that eight neighbours of a row make
/// a lane, and its filters are fives and fours, as every number from 12 on is. Packed weights: filters `[filters, channels * 25]`, then the bias, padded to eight.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// Channels of an input image.
    pub channels: usize,
    /// Channels of an output image.
    pub filters: usize,
    /// Side of the input images.
    pub side: usize,
}

/// What convolutions need besides their inputs and outputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    floats: Vec<f32>,
}

impl Work {
    /// Makes it large enough for one more convolution.
    pub(crate) fn grow(&mut self, conv: Conv) {
        let places = conv.lanes_per_filter() * LANES;
        let turned = (places + conv.depth()) * conv.filters.next_multiple_of(LANES / 2);
        let turned = turned + places * SIDE;
        let sums = conv.lanes_per_filter() * SIDE * SHIFTS;
        let forward = conv.depth() * (WIDE * LANES + conv.filters);
        let floats = self.floats.len().max(forward).max(turned).max(sums);
        self.floats.resize(floats, 0.0);
    }
}

/// From rows of `len` values to blocks of F rows in which the values with the same number are neighbours.
#[inline(always)]
fn side_by_side<const F: usize>(rows: &[f32], len: usize, blocks: &mut [f32]) {
    let blocks = blocks.chunks_exact_mut(F * len);
    for (rows, block) in rows.chunks_exact(F * len).zip(blocks) {
        for (i, row) in rows.chunks_exact(len).enumerate() {
            for (value, group) in row.iter().zip(block.as_chunks_mut::<F>().0) {
                group[i] = *value;
            }
        }
    }
}

/// From rows of `len` values, a multiple of four, to rows of eight or at last four values side by side: eight rows as lanes,
/// then the next ones. Where there are no such rows, it is as if the last one came again.
#[inline(always)]
fn turn(rows: &[f32], len: usize, turned: &mut [f32]) {
    const SQUARE: usize = 4;
    let last = rows.len() / len - 1;
    for (at, turned) in turned.chunks_mut(LANES * len).enumerate() {
        let stride = turned.len() / len;
        for side in (0..stride).step_by(SQUARE) {
            let rows: [&[[f32; SQUARE]]; SQUARE] = core::array::from_fn(|i| {
                let start = (at * LANES + side + i).min(last) * len;
                rows[start..start + len].as_chunks().0
            });
            for (at, turned) in turned.chunks_exact_mut(SQUARE * stride).enumerate() {
                let columns = Half::turned(rows.map(|row| Half::of(&row[at])));
                for (i, column) in columns.into_iter().enumerate() {
                    let turned = turned[i * stride + side..].first_chunk_mut();
                    *turned.expect("a multiple of four") = column.values();
                }
            }
        }
    }
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

    /// `x` is `[batch, inputs]`, `y` is `[batch, filters, side, side]`.
    #[inline(always)]
    pub(crate) fn forward(self, packed: &[f32], x: &[f32], y: &mut [f32], work: &mut Work) {
        let (weights, bias) = packed.split_at(self.weights_len());
        let (fives, fours, rest) = linalg::fives_fours_rest(self.filters);
        assert_eq!(rest, 0, "filters are fives and fours");
        let (patches, turned) = work.floats.split_at_mut(self.depth() * WIDE * LANES);
        let patches = lanes_mut(patches).as_chunks_mut().0;
        // Weights of five or four filters side by side.
        let (in_fives, in_fours) = turned.split_at_mut(5 * fives * self.depth());
        let (for_fives, for_fours) = weights.split_at(in_fives.len());
        let in_fours = &mut in_fours[..for_fours.len()];
        side_by_side::<5>(for_fives, self.depth(), in_fives);
        side_by_side::<4>(for_fours, self.depth(), in_fours);
        let stride = self.inputs().next_multiple_of(LANES);
        let images = x.chunks_exact(stride);
        for (image, y) in images.zip(y.chunks_exact_mut(self.outputs())) {
            let y = lanes_mut(y);
            for lane in (0..self.lanes_per_filter()).step_by(WIDE) {
                // A few places at a time, so that patches stay in the nearest cache.
                self.gather(image, lane, patches);
                let weights = in_fives.chunks_exact(5 * self.depth());
                for (i, weights) in weights.enumerate() {
                    self.filters_at::<5>(weights, bias, patches, (5 * i, lane), y);
                }
                let weights = in_fours.chunks_exact(4 * self.depth());
                for (i, weights) in weights.enumerate() {
                    let at = 5 * fives + 4 * i;
                    self.filters_at::<4>(weights, bias, patches, (at, lane), y);
                }
            }
            debug_assert_eq!(5 * fives + 4 * fours, self.filters);
        }
    }

    /// Patches at WIDE lanes of places from the `lane`-th on.
    #[inline(always)]
    fn gather(self, image: &[f32], lane: usize, patches: &mut [[Lane; WIDE]]) {
        for l in 0..WIDE {
            let origin = self.source(lane + l, 0);
            let rows = patches.chunks_exact_mut(SIDE).enumerate();
            for (row, patches) in rows {
                let (channel, dy) = (row / SIDE, row % SIDE);
                let from = origin + (channel * self.side + dy) * self.side;
                let pixels: &[f32; REACH] = linalg::chunk(image, from);
                for (dx, patch) in patches.iter_mut().enumerate() {
                    patch[l] = Wide::of(linalg::chunk(pixels, dx)).values();
                }
            }
        }
    }

    /// F filters from the `filter`-th on, at WIDE lanes of places from the `lane`-th on.
    #[inline(always)]
    fn filters_at<const F: usize>(
        self,
        weights: &[f32],
        bias: &[f32],
        patches: &[[Lane; WIDE]],
        (filter, lane): (usize, usize),
        y: &mut [Lane],
    ) {
        let bias: &[f32; F] = linalg::chunk(bias, filter);
        let mut acc = bias.map(|bias| [Wide::splat(bias); WIDE]);
        let patches = patches.iter().map(<[_; WIDE]>::each_ref);
        linalg::add_outer_products(&mut acc, weights.as_chunks().0.iter().zip(patches));
        for (f, sums) in acc.into_iter().enumerate() {
            let at = (filter + f) * self.lanes_per_filter() + lane;
            for (y, sum) in y[at..][..WIDE].iter_mut().zip(sums) {
                *y = sum.values();
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
        slope_below: Option<&mut [f32]>,
        work: &mut Work,
    ) {
        let scratch = work.floats.as_mut_slice();
        let stride = self.inputs().next_multiple_of(LANES);
        // Half a lane, if the last filters need no more.
        let row = self.filters.next_multiple_of(LANES / 2);
        let images = x
            .chunks_exact(stride)
            .zip(slope.chunks_exact(self.outputs()));
        gradient.fill(0.0);
        let (weights, bias) = gradient.split_at_mut(self.weights_len());
        let places = self.lanes_per_filter() * LANES;
        let (sums, across) = scratch.split_at_mut(self.depth() * row);
        let (across, pixels) = across.split_at_mut(places * row);
        let pixels = &mut pixels[..places * SIDE];
        sums.fill(0.0);
        for (image, slope) in images.clone() {
            turn(slope, places, across);
            self.add_gradient(image, across, sums, pixels.as_chunks_mut().0);
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
        let weights = weights.chunks_mut(LANES * self.depth());
        for (weights, sums) in weights.zip(sums.chunks(LANES * self.depth())) {
            let stride = sums.len() / self.depth();
            for (filter, weights) in weights.chunks_exact_mut(self.depth()).enumerate() {
                for (w, sum) in weights
                    .iter_mut()
                    .zip(sums[filter..].iter().step_by(stride))
                {
                    *w = *sum;
                }
            }
        }
        if let Some(below) = slope_below {
            let sums = &mut scratch.as_chunks_mut().0[..self.lanes_per_filter() * SIDE];
            for ((_, slope), below) in images.zip(below.chunks_exact_mut(stride)) {
                self.slope_by_image(packed, lanes(slope), below, sums);
            }
        }
    }

    /// Adds one image's part to `sums`: for each patch value and filter the product of pixels and slopes over all places,
    /// summed in the places' order. `across` has the slopes, and `sums` the patch values, eight filters side by side.
    #[inline(always)]
    fn add_gradient(
        self,
        image: &[f32],
        across: &[f32],
        sums: &mut [f32],
        pixels: &mut [[f32; SIDE]],
    ) {
        for row in 0..self.channels * SIDE {
            // One loop over all places is faster than loops over short rows.
            let (channel, dy) = (row / SIDE, row % SIDE);
            let image = image[(channel * self.side + dy) * self.side..].chunks_exact(self.side);
            for (pixels, image) in pixels.chunks_exact_mut(self.output_side()).zip(image) {
                for (pixels, image) in pixels.iter_mut().zip(image.windows(SIDE)) {
                    *pixels = *linalg::chunk(image, 0);
                }
            }
            let sums = sums.chunks_mut(LANES * self.depth());
            for (sums, across) in sums.zip(across.chunks(LANES * pixels.len())) {
                if sums.len() == LANES * self.depth() {
                    let sums = &mut lanes_mut(sums)[row * SIDE..][..SIDE];
                    add_products::<Wide>(pixels, lanes(across), sums);
                } else {
                    let sums = &mut sums.as_chunks_mut().0[row * SIDE..][..SIDE];
                    add_products::<Half>(pixels, across.as_chunks().0, sums);
                }
            }
        }
    }

    /// Loss by the pixels of one image: every place adds its patch's slope where the patch came from.
    ///
    /// A pixel gets its parts in the order of the places, as a lower row of a filter meets it from a higher place.
    #[inline(always)]
    fn slope_by_image(
        self,
        packed: &[f32],
        slope: &[Lane],
        below: &mut [f32],
        sums: &mut [[f32; SHIFTS]],
    ) {
        below.fill(0.0);
        sums.fill([0.0; SHIFTS]);
        let weights = &packed[..self.weights_len()];
        let (depth, per_filter) = (self.depth(), self.lanes_per_filter());
        for channel in 0..self.channels {
            for dy in (0..SIDE).rev() {
                let k = (channel * SIDE + dy) * SIDE;
                for lane in (0..per_filter).step_by(WIDE) {
                    let filters = linalg::column::<_, SIDE>(weights, depth, k);
                    let slopes = linalg::column::<_, WIDE>(slope, per_filter, lane);
                    let mut products = [[Wide::splat(0.0); WIDE]; SIDE];
                    let slopes = slopes.map(<[_; WIDE]>::each_ref);
                    linalg::add_outer_products(&mut products, filters.zip(slopes));
                    for (dx, products) in products.iter().enumerate() {
                        for (l, product) in products.iter().enumerate() {
                            let sum = &mut sums[(lane + l) * SIDE + dx];
                            for (s, p) in sum[SIDE - 1..].iter_mut().zip(product.values()) {
                                *s = p;
                            }
                        }
                    }
                }
                // Only now: a processor waits where it reads what it has just written in other pieces.
                for (lane, sums) in sums.as_chunks::<SIDE>().0.iter().enumerate() {
                    let from = self.source(lane, k);
                    let pixels = &mut below[from..from + REACH];
                    let mut row = linalg::copied::<REACH>(pixels);
                    for (dx, sum) in sums.iter().enumerate() {
                        let shifted: &[f32; REACH] = linalg::chunk(sum, SIDE - 1 - dx);
                        row = core::array::from_fn(|i| row[i] + shifted[i]);
                    }
                    for (pixel, sum) in pixels.iter_mut().zip(row) {
                        *pixel = sum;
                    }
                }
            }
        }
    }
}

/// Adds to the sum of each of a row's pixels its products with slopes.
#[inline(always)]
fn add_products<V: Vector>(pixels: &[[f32; SIDE]], slopes: &[V::Values], sums: &mut [V::Values]) {
    let mut acc = [[V::splat(0.0)]; SIDE];
    let slopes = slopes.iter().map(|slope| [slope]);
    linalg::add_outer_products(&mut acc, pixels.iter().zip(slopes));
    for (sum, [acc]) in sums.iter_mut().zip(acc) {
        *sum = V::of(sum).plus(acc).values();
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

#[cfg(test)]
mod tests;

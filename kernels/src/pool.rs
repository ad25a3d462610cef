//! The largest of every 2×2 pixels.
//!
//! Chosen with masks of bits: browsers make branches of a choice between two floating-point numbers, and nobody could
//! predict these.

/// A max-pool over square images with an even side.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool {
    /// Channels of an image.
    pub channels: usize,
    /// Side of the input images.
    pub side: usize,
}

impl MaxPool {
    /// Values of one output.
    #[must_use]
    pub fn outputs(self) -> usize {
        self.channels * (self.side / 2) * (self.side / 2)
    }

    /// `x` is `[batch, channels, side, side]`, `y` is `[batch, channels, side / 2, side / 2]`.
    #[inline(always)]
    pub(crate) fn forward(self, x: &[f32], y: &mut [f32]) {
        for (x, y) in self.row_pairs(x).zip(y.chunks_exact_mut(self.side / 2)) {
            let (upper, lower) = x.split_at(self.side);
            for ((a, b), y) in upper
                .as_chunks::<2>()
                .0
                .iter()
                .zip(lower.as_chunks::<2>().0)
                .zip(y)
            {
                *y = larger(larger(a[0], a[1]), larger(b[0], b[1]));
            }
        }
    }

    /// The slope goes to the first of the largest pixels.
    #[inline(always)]
    pub(crate) fn backward(self, x: &[f32], slope: &[f32], below: &mut [f32]) {
        let pairs = below.chunks_exact_mut(2 * self.side).zip(self.row_pairs(x));
        for ((below, x), slope) in pairs.zip(slope.chunks_exact(self.side / 2)) {
            let (upper, lower) = x.split_at(self.side);
            let (below_upper, below_lower) = below.split_at_mut(self.side);
            let squares = upper.as_chunks::<2>().0.iter();
            let squares = squares.zip(lower.as_chunks::<2>().0);
            let below = below_upper.as_chunks_mut::<2>().0.iter_mut();
            let below = below.zip(below_lower.as_chunks_mut::<2>().0);
            for (((a, b), (below_a, below_b)), s) in squares.zip(below).zip(slope) {
                let ([first, second], [third, fourth]) = (*a, *b);
                let [second_first, third_first, fourth_first] =
                    [second, third, fourth].map(|one| above(one, first));
                let (third_second, fourth_second) = (above(third, second), above(fourth, second));
                let fourth_third = above(fourth, third);
                let given = |mask: u32| f32::from_bits(s.to_bits() & mask);
                *below_a = [
                    given(!(second_first | third_first | fourth_first)),
                    given(second_first & !(third_second | fourth_second)),
                ];
                *below_b = [
                    given(third_first & third_second & !fourth_third),
                    given(fourth_first & fourth_second & fourth_third),
                ];
            }
        }
    }

    #[inline(always)]
    fn row_pairs(self, x: &[f32]) -> impl Iterator<Item = &[f32]> {
        x.chunks_exact(2 * self.side)
    }
}

/// All ones if `a` is larger than `b`.
#[inline(always)]
fn above(a: f32, b: f32) -> u32 {
    u32::from(a > b).wrapping_neg()
}

/// Of two equal ones the first.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    let mask = above(b, a);
    f32::from_bits(b.to_bits() & mask | a.to_bits() & !mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Pixels of few values, so that many squares have several largest ones.
        #[test]
        fn the_slope_goes_to_the_first_of_the_largest(
            x in prop::collection::vec((0_u8..3).prop_map(f32::from), 2 * 36),
        ) {
            let pool = MaxPool { channels: 2, side: 6 };
            let slope: Vec<f32> = (1..=pool.outputs()).map(|i| i as f32).collect();
            let mut below = vec![f32::NAN; x.len()];
            pool.backward(&x, &slope, &mut below);
            let mut y = vec![f32::NAN; slope.len()];
            pool.forward(&x, &mut y);
            let mut expected = vec![0.0; x.len()];
            for (i, slope) in slope.iter().enumerate() {
                let corner = i / 9 * 36 + i % 9 / 3 * 12 + i % 3 * 2;
                let square = [corner, corner + 1, corner + 6, corner + 7];
                let largest = square.iter().map(|&at| x[at]).fold(f32::MIN, f32::max);
                prop_assert_eq!(y[i], largest);
                let first = square.into_iter().find(|&at| x[at] == largest);
                expected[first.unwrap()] = *slope;
            }
            prop_assert_eq!(below, expected);
        }
    }
}

//! The largest of every 2×2 pixels.
//!
//! Chosen with masks of bits: browsers make branches of a choice between two floating-point numbers, and nobody could
//! predict these.

use crate::vector::{Half, Vector};

/// A max-pool over square images whose side is a multiple of eight.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool {
    /// Channels of an image.
    pub channels: usize,
    /// Side of the input images.
    pub side: usize,
}

/// Pixels of four squares: those in the upper left, upper right, lower left and lower right.
type Squares = [Half; 4];

impl MaxPool {
    /// Values of one output.
    #[must_use]
    pub fn outputs(self) -> usize {
        self.channels * (self.side / 2) * (self.side / 2)
    }

    /// `x` is `[batch, channels, side, side]`, `y` is `[batch, channels, side / 2, side / 2]`.
    #[inline(always)]
    pub(crate) fn forward(self, x: &[f32], y: &mut [f32]) {
        let pairs = x.chunks_exact(2 * self.side);
        for (x, y) in pairs.zip(y.chunks_exact_mut(self.side / 2)) {
            let (upper, lower) = x.split_at(self.side);
            let lower = lower.as_chunks().0.as_chunks().0;
            let rows = upper.as_chunks().0.as_chunks().0.iter().zip(lower);
            for ((upper, lower), y) in rows.zip(y.as_chunks_mut().0) {
                let [first, second, third, fourth] = squares(upper, lower);
                *y = first.larger(second).larger(third.larger(fourth)).values();
            }
        }
    }

    /// Puts the slope by `x` in its place: the slope of each square goes to the first of its largest pixels.
    #[inline(always)]
    pub(crate) fn backward(self, x: &mut [f32], slope: &[f32]) {
        let pairs = x.chunks_exact_mut(2 * self.side);
        for (x, slope) in pairs.zip(slope.chunks_exact(self.side / 2)) {
            let (upper, lower) = x.split_at_mut(self.side);
            let lower = lower.as_chunks_mut().0.as_chunks_mut().0;
            let rows = upper.as_chunks_mut().0.as_chunks_mut().0.iter_mut();
            let slopes = slope.as_chunks().0.iter().map(Half::of);
            for ((upper, lower), slope) in rows.zip(lower).zip(slopes) {
                let [first, second, third, fourth] = given(squares(upper, lower), slope);
                *upper = Half::woven(first, second).map(Half::values);
                *lower = Half::woven(third, fourth).map(Half::values);
            }
        }
    }
}

/// Four squares next to each other in two rows.
#[inline(always)]
fn squares(upper: &[[f32; 4]; 2], lower: &[[f32; 4]; 2]) -> Squares {
    let pixels = |row: &[[f32; 4]; 2]| {
        let [left, right] = row.each_ref().map(Half::of);
        Half::even_odd(left, right)
    };
    let ([first, second], [third, fourth]) = (pixels(upper), pixels(lower));
    [first, second, third, fourth]
}

/// What each pixel gets of its square's slope: everything, if it is the first of the largest.
#[inline(always)]
fn given([first, second, third, fourth]: Squares, slope: Half) -> Squares {
    let second_first = second.above(first);
    let third_first = third.above(first);
    let third_second = third.above(second);
    let fourth_first = fourth.above(first);
    let fourth_second = fourth.above(second);
    let fourth_third = fourth.above(third);
    [
        slope
            .and_not(second_first)
            .and_not(third_first)
            .and_not(fourth_first),
        slope
            .and(second_first)
            .and_not(third_second)
            .and_not(fourth_second),
        slope
            .and(third_first)
            .and(third_second)
            .and_not(fourth_third),
        slope.and(fourth_first).and(fourth_second).and(fourth_third),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Pixels of few values, so that many squares have several largest ones.
        #[test]
        fn the_slope_goes_to_the_first_of_the_largest(
            x in prop::collection::vec((0_u8..3).prop_map(f32::from), 2 * 64),
        ) {
            let pool = MaxPool { channels: 2, side: 8 };
            let slope: Vec<f32> = (1..=pool.outputs()).map(|i| i as f32).collect();
            let mut below = x.clone();
            pool.backward(&mut below, &slope);
            let mut y = vec![f32::NAN; slope.len()];
            pool.forward(&x, &mut y);
            let mut expected = vec![0.0; x.len()];
            for (i, slope) in slope.iter().enumerate() {
                let corner = i / 16 * 64 + i % 16 / 4 * 16 + i % 4 * 2;
                let square = [corner, corner + 1, corner + 8, corner + 9];
                let largest = square.iter().map(|&at| x[at]).fold(f32::MIN, f32::max);
                prop_assert_eq!(y[i], largest);
                let first = square.into_iter().find(|&at| x[at] == largest);
                expected[first.unwrap()] = *slope;
            }
            prop_assert_eq!(below, expected);
        }
    }
}

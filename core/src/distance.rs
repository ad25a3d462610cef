//! Inner products and distances between devices' weights.
//!
//! Everything that needs distances (coalitions, the map) works on one [`Gram`] matrix, made in one blocked pass over
//! the weights, so that N devices cost N²/2 inner products and not one pass over two models for every question.

mod gram;
mod vectors;

use constellation_kernels::each_width;
use constellation_kernels::linalg::LANES;

pub use self::gram::Gram;
pub use self::vectors::{Vectors, features, unit};
use crate::params::Params;

/// Weights less the model they started from.
#[must_use]
pub fn delta(weights: &Params, start: &Params) -> Vec<f32> {
    weights
        .values()
        .iter()
        .zip(start.values())
        .map(|(w, s)| w - s)
        .collect()
}

/// Scales a vector to length 1; a zero vector stays.
pub fn normalize(vector: &mut [f32]) {
    let length = norm(vector);
    if length > 0.0 {
        for v in vector {
            *v = (f64::from(*v) / length) as f32;
        }
    }
}

/// Euclidean length.
#[must_use]
pub fn norm(vector: &[f32]) -> f64 {
    libm::sqrt(sum_of_squares(vector))
}

each_width! {
    /// Eight sums side by side, and then these in order.
    fn sum_of_squares(vector: &[f32]) -> f64 {
        let mut sums = [0.0; LANES];
        let (lanes, rest) = vector.as_chunks::<LANES>();
        for lane in lanes {
            for l in 0..LANES {
                sums[l] += f64::from(lane[l]) * f64::from(lane[l]);
            }
        }
        for (sum, v) in sums.iter_mut().zip(rest) {
            *sum += f64::from(*v) * f64::from(*v);
        }
        sums.iter().sum()
    }
}

//! Inner products and distances between devices' weights.
//!
//! Everything that needs distances (coalitions, the map) works on one [`Gram`] matrix, made in one blocked pass over
//! the weights, so that N devices cost N²/2 inner products and not one pass over two models for every question.

mod gram;

use constellation_kernels::each_width;
use constellation_kernels::linalg::LANES;

pub use self::gram::Gram;
use crate::config::{DistanceKind, LayerScale};
use crate::params::{ParamSpec, Params};

/// What the distance of devices is taken between, one vector a device.
///
/// `starts` are the models the devices started from.
#[must_use]
pub fn features(
    kind: DistanceKind,
    scale: LayerScale,
    weights: &[&Params],
    starts: &[&Params],
) -> Vec<Vec<f32>> {
    let mut vectors: Vec<Vec<f32>> = match kind {
        DistanceKind::Weights => weights.iter().map(|w| w.values().to_vec()).collect(),
        DistanceKind::Deltas | DistanceKind::UnitDeltas => weights
            .iter()
            .zip(starts)
            .map(|(w, start)| delta(w, start))
            .collect(),
    };
    if let (LayerScale::ByNorm, Some(first)) = (scale, weights.first()) {
        scale_layers(&mut vectors, first.spec());
    }
    if kind == DistanceKind::UnitDeltas {
        for vector in &mut vectors {
            normalize(vector);
        }
    }
    vectors
}

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

/// Divides every tensor by the root mean square of its norm over the devices.
fn scale_layers(vectors: &mut [Vec<f32>], spec: &ParamSpec) {
    for tensor in spec.tensors() {
        let squares: f64 = vectors
            .iter()
            .map(|v| norm(tensor.of(v)))
            .map(|n| n * n)
            .sum();
        let scale = libm::sqrt(squares / vectors.len() as f64);
        if scale > 0.0 {
            for vector in vectors.iter_mut() {
                for v in &mut vector[tensor.offset..tensor.offset + tensor.len] {
                    *v = (f64::from(*v) / scale) as f32;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn features_are_what_they_are_called() {
        let spec = Arc::new(ParamSpec::new([
            ("a".to_owned(), vec![1]),
            ("b".to_owned(), vec![2]),
        ]));
        let params = |v: [f32; 3]| Params::try_new(v.to_vec(), &spec).unwrap();
        let (start, w, other) = (
            params([1.0, 1.0, 1.0]),
            params([1.0, 4.0, 5.0]),
            params([3.0, 1.0, 1.0]),
        );
        let of = |kind, scale| features(kind, scale, &[&w, &other], &[&start, &start]);
        assert_eq!(
            of(DistanceKind::Weights, LayerScale::Raw)[0],
            [1.0, 4.0, 5.0]
        );
        assert_eq!(
            of(DistanceKind::Deltas, LayerScale::Raw)[0],
            [0.0, 3.0, 4.0]
        );
        assert_eq!(
            of(DistanceKind::UnitDeltas, LayerScale::Raw)[0],
            [0.0, 0.6, 0.8]
        );
        // Root mean square norms of the deltas: a: √(4/2), b: √(25/2).
        let scaled = of(DistanceKind::Deltas, LayerScale::ByNorm);
        assert!((norm(&scaled[0]) - 2.0_f64.sqrt()).abs() < 1e-6);
        assert!((norm(&scaled[1]) - 2.0_f64.sqrt()).abs() < 1e-6);
    }
}

//! Means of models: one pass over each, sums in f64, in the order given. Rules that bear bad models are in [`robust`].

mod exact;
pub mod robust;

use constellation_kernels::each_width;
use constellation_kernels::linalg::LANES;

use crate::parallel;
use crate::params::Params;

pub use exact::{ExactSum, TooLarge};

/// Columns whose sums stay in the innermost cache while the models go by.
pub(crate) const COLUMNS: usize = 2_048;

/// Weighted mean of models of the same shape; `None` of no models or if no weight is positive. Weights must not be
/// negative.
#[must_use]
pub fn weighted_mean<'a>(models: impl Iterator<Item = (&'a Params, f64)>) -> Option<Params> {
    let (rows, weights): (Vec<&Params>, Vec<f64>) = models.unzip();
    let spec = rows
        .first()
        .filter(|_| weights.iter().sum::<f64>() > 0.0)?
        .spec();
    let rows: Vec<&[f32]> = rows.iter().map(|model| model.values()).collect();
    let mut mean = vec![0.0; spec.len()];
    parallel::each_chunk(&mut mean, COLUMNS, |number, mean| {
        mean_of_columns(&rows, &weights, number * COLUMNS, mean);
    });
    // A mean of finite values lies between them.
    Params::try_new(mean, spec).ok()
}

each_width! {
    /// The weighted mean of some columns of vectors, from the `first` on: as many as `mean` has, which may be at most
    /// [`COLUMNS`].
    pub(crate) fn mean_of_columns(vectors: &[&[f32]], weights: &[f64], first: usize, mean: &mut [f32]) {
        const AT_ONCE: usize = 4;
        let mut sums = [0.0; COLUMNS];
        let sums = &mut sums[..mean.len()];
        // Several at a time, so that sums are read and written less often; the order stays.
        let (vectors, last) = vectors.as_chunks::<AT_ONCE>();
        let (first_weights, last_weights) = weights.split_at(weights.len() - last.len());
        for (vectors, weights) in vectors.iter().zip(first_weights.as_chunks::<AT_ONCE>().0) {
            let vectors = vectors.map(|vector| &vector[first..][..sums.len()]);
            for (at, sum) in sums.iter_mut().enumerate() {
                for (vector, weight) in vectors.iter().zip(weights) {
                    *sum += weight * f64::from(vector[at]);
                }
            }
        }
        for (vector, weight) in last.iter().zip(last_weights) {
            for (sum, value) in sums.iter_mut().zip(&vector[first..]) {
                *sum += weight * f64::from(*value);
            }
        }
        let total: f64 = weights.iter().sum();
        for (mean, sum) in mean.iter_mut().zip(sums) {
            *mean = (*sum / total) as f32;
        }
    }
}

/// Plain mean of models of the same shape: a barycenter. `None` of no models.
#[must_use]
pub fn mean<'a>(models: impl Iterator<Item = &'a Params>) -> Option<Params> {
    weighted_mean(models.map(|model| (model, 1.0)))
}

/// Squared Euclidean distance of two models.
#[must_use]
pub fn squared_distance(a: &Params, b: &Params) -> f64 {
    sum_of_squares(a.values(), b.values())
}

each_width! {
    /// The sum of the squares of `a - b`: eight sums side by side, and then these in order.
    fn sum_of_squares(a: &[f32], b: &[f32]) -> f64 {
        let mut sums = [0.0; LANES];
        let (a, last_of_a) = a.as_chunks::<LANES>();
        let (b, last_of_b) = b.as_chunks::<LANES>();
        for (a, b) in a.iter().zip(b) {
            for l in 0..LANES {
                let difference = f64::from(a[l]) - f64::from(b[l]);
                sums[l] += difference * difference;
            }
        }
        for ((sum, a), b) in sums.iter_mut().zip(last_of_a).zip(last_of_b) {
            let difference = f64::from(*a) - f64::from(*b);
            *sum += difference * difference;
        }
        sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::params::ParamSpec;

    fn params(values: &[f32]) -> Params {
        let spec = Arc::new(ParamSpec::new([("w".to_owned(), vec![values.len()])]));
        Params::try_new(values.to_vec(), &spec).unwrap()
    }

    #[test]
    fn means_by_hand() {
        let (a, b) = (params(&[1.0, 2.0]), params(&[5.0, -2.0]));
        assert_eq!(mean([&a, &b].into_iter()).unwrap().values(), [3.0, 0.0]);
        assert_eq!(
            weighted_mean([(&a, 3.0), (&b, 1.0)].into_iter())
                .unwrap()
                .values(),
            [2.0, 1.0]
        );
        assert_eq!(squared_distance(&a, &b), 32.0);
    }

    #[test]
    fn there_is_no_mean_of_nothing() {
        assert_eq!(mean(core::iter::empty()), None);
        assert_eq!(weighted_mean([(&params(&[1.0]), 0.0)].into_iter()), None);
    }

    proptest! {
        #[test]
        fn a_barycenter_is_nearest_to_its_members(
            points in prop::collection::vec(prop::collection::vec(-10.0_f32..10.0, 4), 1..8),
            step in prop::collection::vec(-1.0_f32..1.0, 4),
        ) {
            let points: Vec<Params> = points.iter().map(|p| params(p)).collect();
            let center = mean(points.iter()).unwrap();
            let moved: Vec<f32> = center.values().iter().zip(&step).map(|(c, s)| c + s).collect();
            let total = |to: &Params| points.iter().map(|p| squared_distance(p, to)).sum::<f64>();
            prop_assert!(total(&center) <= total(&params(&moved)) + 1e-4);
        }

        #[test]
        fn equal_sizes_make_the_mean_of_barycenters_the_mean(
            points in prop::collection::vec(-10.0_f32..10.0, 12),
        ) {
            let points: Vec<Params> = points.iter().map(|p| params(&[*p])).collect();
            let barycenters: Vec<Params> = points.chunks(3).map(|c| mean(c.iter()).unwrap()).collect();
            let (global, plain) = (mean(barycenters.iter()).unwrap(), mean(points.iter()).unwrap());
            prop_assert!((global.values()[0] - plain.values()[0]).abs() < 1e-5);
        }
    }
}

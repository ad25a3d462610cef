//! Means of models: one pass over each, sums in f64, in the order given.

use constellation_kernels::each_width;

use crate::params::Params;

/// Weighted mean of models of the same shape; `None` of no models or if no weight is positive. Weights must not be
/// negative.
#[must_use]
pub fn weighted_mean<'a>(models: impl Iterator<Item = (&'a Params, f64)>) -> Option<Params> {
    let mut sums: Vec<f64> = Vec::new();
    let mut total = 0.0;
    let mut spec = None;
    for (model, weight) in models {
        sums.resize(model.values().len(), 0.0);
        add_scaled(&mut sums, weight, model.values());
        total += weight;
        spec.get_or_insert(model.spec());
    }
    let spec = spec.filter(|_| total > 0.0)?;
    let values = sums.into_iter().map(|sum| (sum / total) as f32).collect();
    // A mean of finite values lies between them.
    Params::try_new(values, spec).ok()
}

each_width! {
    /// `sums[i] += weight * values[i]` for every value.
    fn add_scaled(sums: &mut [f64], weight: f64, values: &[f32]) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += weight * f64::from(*value);
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
    a.values()
        .iter()
        .zip(b.values())
        .map(|(a, b)| f64::from(*a) - f64::from(*b))
        .map(|d| d * d)
        .sum()
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

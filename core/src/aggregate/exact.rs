//! Sums of models to which models are added as they arrive, in any order, with the same result.

use std::sync::Arc;

use thiserror::Error;

use crate::config::limits;
use crate::params::{ParamSpec, Params};

/// Sums are whole multiples of 2⁻⁴⁰, and adding those is exact.
const UNIT: f64 = 1.0 / (1_u64 << 40) as f64;

/// A sum of models, in 8 bytes a value however many are added.
#[derive(Clone, Debug)]
pub struct ExactSum {
    spec: Arc<ParamSpec>,
    sums: Vec<i64>,
    count: u32,
}

/// A model with a value that no sum has room for. Training that has got there has diverged.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("a weight is {value}, and may be -{most} to {most} where weights are added up as they arrive", most = ExactSum::LARGEST)]
pub struct TooLarge {
    /// The first such value.
    pub value: f32,
}

impl ExactSum {
    /// Largest magnitude of a value: so many devices as a room takes can all have it.
    pub const LARGEST: f32 = 2_048.0;

    /// A sum of no models.
    #[must_use]
    pub fn new(spec: &Arc<ParamSpec>) -> Self {
        Self {
            spec: Arc::clone(spec),
            sums: vec![0; spec.len()],
            count: 0,
        }
    }

    /// Whether a model can be added.
    ///
    /// # Errors
    /// It has a value beyond [`Self::LARGEST`].
    pub fn check(model: &Params) -> Result<(), TooLarge> {
        let large = |value: &&f32| value.abs() > Self::LARGEST;
        match model.values().iter().find(large) {
            Some(&value) => Err(TooLarge { value }),
            None => Ok(()),
        }
    }

    /// Adds a model that has been checked, of the sum's shape; at most [`limits::DEVICES`] of them.
    pub fn add(&mut self, model: &Params) {
        debug_assert!(self.count < limits::DEVICES && Self::check(model).is_ok());
        for (sum, value) in self.sums.iter_mut().zip(model.values()) {
            *sum += (f64::from(*value) / UNIT) as i64;
        }
        self.count += 1;
    }

    /// Number of models that were added.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Their mean; none of no models.
    #[must_use]
    pub fn mean(&self) -> Option<Params> {
        let part = UNIT / f64::from(self.count);
        let mean = self.sums.iter().map(|sum| (*sum as f64 * part) as f32);
        // Of no models every part is NaN.
        Params::try_new(mean.collect(), &self.spec).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec(len: usize) -> Arc<ParamSpec> {
        Arc::new(ParamSpec::new([("w".to_owned(), vec![len])]))
    }

    fn params(values: &[f32]) -> Params {
        Params::try_new(values.to_vec(), &spec(values.len())).unwrap()
    }

    fn sum<'a>(models: impl IntoIterator<Item = &'a Params>) -> ExactSum {
        let mut models = models.into_iter().peekable();
        let mut sum = ExactSum::new(models.peek().unwrap().spec());
        models.for_each(|model| sum.add(model));
        sum
    }

    #[test]
    fn means_by_hand() {
        let (a, b) = (params(&[1.0, 2.0]), params(&[5.0, -2.5]));
        assert_eq!(sum([&a, &b]).mean().unwrap().values(), [3.0, -0.25]);
        assert_eq!(ExactSum::new(&spec(2)).mean(), None);
    }

    #[test]
    fn as_many_as_a_room_takes_fit_and_nothing_larger() {
        let largest = params(&[ExactSum::LARGEST, -ExactSum::LARGEST]);
        assert_eq!(ExactSum::check(&largest), Ok(()));
        let all = sum(core::iter::repeat_n(&largest, limits::DEVICES as usize));
        assert_eq!(all.mean().unwrap(), largest);
        let value = ExactSum::LARGEST.next_up();
        assert_eq!(
            ExactSum::check(&params(&[0.0, value])),
            Err(TooLarge { value })
        );
    }

    proptest! {
        /// 1 and numbers far below it: in f64, let alone in f32, sums of these hang on the order.
        #[test]
        fn the_order_of_arrival_changes_nothing(
            values in prop::collection::vec(prop_oneof![-1e3_f32..1e3, -1e-6_f32..1e-6], 2..40),
            turn in 1_usize..40,
        ) {
            let mut models: Vec<Params> = values.iter().map(|v| params(&[*v])).collect();
            let before = sum(&models).mean().unwrap();
            let len = models.len();
            models.rotate_left(turn % len);
            models.swap(0, len - 1);
            prop_assert_eq!(&sum(&models).mean().unwrap(), &before);
            let plain = values.iter().map(|v| f64::from(*v)).sum::<f64>() / len as f64;
            prop_assert!((f64::from(before.values()[0]) - plain).abs() < 1e-4);
        }
    }
}

//! Sketches: where a device's training went, in a kilobyte, before anybody asks for its weights.
//!
//! Every number of a delta is added to one of a sketch's 1,024 numbers, or taken from it, as lots say that are drawn for
//! its place (the count sketch of Charikar, Chen and Farach-Colton 2002, as a projection in Weinberger et al. 2009); then
//! they are scaled such that each fits a byte. Only their direction counts. The cosine of two sketches is that of the
//! deltas on average, with a standard deviation of about 1/32. Everybody in a run draws the same lots, so directions can
//! be compared with each other and added up, and coalitions form from them as they do from the deltas.

use crate::rng::{Purpose, Stream};

/// Numbers of a sketch.
pub const NUMBERS: usize = 1_024;

/// A sketch, as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch(Vec<i8>);

impl Sketch {
    /// Of the way from `start` to `values`, in a run of this seed. Of a way that is not finite there is none, as of no way
    /// at all: all numbers are 0.
    #[must_use]
    pub fn of_delta(values: &[f32], start: &[f32], seed: u32) -> Self {
        let sums = sums(values, start, seed);
        let largest = sums.iter().fold(0.0_f64, |most, sum| most.max(sum.abs()));
        if largest == 0.0 || !sums.iter().all(|sum| sum.is_finite()) {
            return Self(vec![0; NUMBERS]);
        }
        let scale = f64::from(i8::MAX) / largest;
        let numbers = sums.iter().map(|sum| libm::round(sum * scale) as i8);
        Self(numbers.collect())
    }

    /// One that has been sent; `None` unless there are [`NUMBERS`].
    #[must_use]
    pub fn try_new(numbers: Vec<i8>) -> Option<Self> {
        (numbers.len() == NUMBERS).then_some(Self(numbers))
    }

    /// Its numbers.
    #[must_use]
    pub fn numbers(&self) -> &[i8] {
        &self.0
    }

    /// A vector of length 1, or of nothing but zeros: nobody counts for more by saying more.
    #[must_use]
    pub fn direction(&self) -> Vec<f32> {
        direction(self.0.iter().map(|number| f64::from(*number)))
    }
}

/// The direction of the way from `start` to `values`, as a sketch of it would have it, but for the rounding.
#[must_use]
pub fn direction_of(values: &[f32], start: &[f32], seed: u32) -> Vec<f32> {
    direction(sums(values, start, seed).iter().copied())
}

/// The cosine of the angle between two directions.
#[must_use]
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
    products.sum()
}

fn sums(values: &[f32], start: &[f32], seed: u32) -> Vec<f64> {
    let mut lots = Stream::new(seed, Purpose::Sketch, 0, 0);
    let mut sums = vec![0.0; NUMBERS];
    for (value, start) in values.iter().zip(start) {
        let (lot, step) = (lots.bits(), f64::from(*value) - f64::from(*start));
        sums[lot as usize % NUMBERS] += if lot >> 31 == 0 { step } else { -step };
    }
    sums
}

fn direction(numbers: impl Iterator<Item = f64> + Clone) -> Vec<f32> {
    let length = libm::sqrt(numbers.clone().map(|number| number * number).sum());
    let length = if length > 0.0 { length } else { 1.0 };
    numbers.map(|number| (number / length) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distance::norm;

    fn noise(number: u32) -> Vec<f32> {
        let mut stream = Stream::new(number, Purpose::Trouble, 0, 0);
        (0..20_000).map(|_| stream.normal() as f32).collect()
    }

    fn sketch(delta: &[f32], seed: u32) -> Vec<f32> {
        Sketch::of_delta(delta, &vec![0.0; delta.len()], seed).direction()
    }

    #[test]
    fn a_sketch_is_of_the_direction_and_not_of_the_length() {
        let (to, start) = (noise(1), noise(2));
        let found = Sketch::of_delta(&to, &start, 7);
        assert_eq!(found.numbers().len(), NUMBERS);
        assert!(found.numbers().iter().any(|n| n.unsigned_abs() == 127));
        assert!((norm(&found.direction()) - 1.0).abs() < 1e-6);
        let along = |times: f32| -> Vec<f32> {
            let pairs = to.iter().zip(&start);
            pairs.map(|(t, s)| s + times * (t - s)).collect()
        };
        let near = |other: &[f32]| cosine(&found.direction(), &direction_of(other, &start, 7));
        assert!(near(&along(4.0)) > 0.999);
        assert!(near(&along(-1.0)) < -0.999);
        let still = Sketch::of_delta(&start, &start, 7).direction();
        assert!(still.iter().all(|number| *number == 0.0));
    }

    /// Over many runs' lots the error has the mean and the deviation that the module says.
    #[test]
    fn angles_stay_on_average() {
        let (a, b) = (noise(1), noise(2));
        let between: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        let runs = 100;
        let error = |seed| cosine(&sketch(&a, seed), &sketch(&between, seed)) - 0.5_f64.sqrt();
        let errors: Vec<f64> = (0..runs).map(error).collect();
        let mean = errors.iter().sum::<f64>() / f64::from(runs);
        let square = errors.iter().map(|e| e * e).sum::<f64>() / f64::from(runs);
        assert!(mean.abs() < 0.01, "{mean}");
        assert!(square.sqrt() < 1.0 / 32.0, "{}", square.sqrt());
    }

    #[test]
    fn whoever_says_more_counts_no_more() {
        let with = |number: i8| {
            let mut numbers = vec![0; NUMBERS];
            (numbers[3], numbers[900]) = (-number, number);
            Sketch::try_new(numbers).unwrap().direction()
        };
        assert_eq!(with(127), with(1));
        assert!((norm(&with(127)) - 1.0).abs() < 1e-6);
        assert_eq!(with(0), vec![0.0; NUMBERS]);
        assert_eq!(Sketch::try_new(vec![1; NUMBERS - 1]), None);
    }

    #[test]
    fn of_training_that_has_diverged_there_is_nothing() {
        for value in [f32::NAN, f32::INFINITY] {
            assert!(sketch(&[1.0, value], 1).iter().all(|number| *number == 0.0));
        }
    }
}

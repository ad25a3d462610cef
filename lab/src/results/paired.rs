//! Differences between two arms, seed by seed: both saw the same devices, data and seeds, so what a seed does to both
//! of them cancels.

use super::ArmSummary;

/// Which of the two views of accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A label-balanced sample of the test set.
    Balanced,
    /// The devices' own held-out examples.
    Own,
}

/// What a difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The first arm is better, by at least two standard errors.
    Better,
    /// The first arm is worse, by at least two standard errors.
    Worse,
    /// Smaller than two standard errors: no difference within the spread.
    WithinSpread,
    /// One seed alone has no spread to hold the difference against.
    OneSeed,
}

/// Differences over the seeds that two arms have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Mean of first minus second, a fraction of 1.
    pub mean: f64,
    /// Standard deviation of the differences, with n - 1; 0 of one seed.
    pub sd: f64,
    /// Number of seeds in common.
    pub n: usize,
}

impl Paired {
    /// Standard error of the mean; none of one seed.
    pub fn standard_error(&self) -> Option<f64> {
        (self.n > 1).then(|| self.sd / root(self.n))
    }

    /// What the difference says: a rule of thumb of two standard errors, no test.
    pub fn reading(&self) -> Reading {
        match self.standard_error() {
            None => Reading::OneSeed,
            Some(error) if self.mean.abs() <= 2.0 * error || self.mean == 0.0 => {
                Reading::WithinSpread
            }
            Some(_) if self.mean > 0.0 => Reading::Better,
            Some(_) => Reading::Worse,
        }
    }
}

/// `a` minus `b`, over the seeds that both have in this view; none where they share no seed.
pub fn paired(a: &ArmSummary, b: &ArmSummary, side: Side) -> Option<Paired> {
    let (a, b) = match side {
        Side::Balanced => (&a.accuracy_by_seed, &b.accuracy_by_seed),
        Side::Own => (&a.own_accuracy_by_seed, &b.own_accuracy_by_seed),
    };
    let differences: Vec<f64> = a
        .iter()
        .filter_map(|(seed, a)| Some(a - b.get(seed)?))
        .filter(|difference| difference.is_finite())
        .collect();
    let (mean, sd) = super::summary::mean_and_sd(&differences)?;
    Some(Paired {
        mean,
        sd,
        n: differences.len(),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a number of seeds is far below 2^52"
)]
fn root(n: usize) -> f64 {
    (n as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(by_seed: &[(u32, f64)]) -> ArmSummary {
        ArmSummary {
            accuracy_by_seed: by_seed.iter().copied().collect(),
            own_accuracy_by_seed: by_seed.iter().map(|&(seed, a)| (seed, a / 2.0)).collect(),
            ..ArmSummary::default()
        }
    }

    #[test]
    fn differences_are_taken_seed_by_seed() {
        // Common seeds 1, 2, 3: differences 0.25, 0.5, 0.75; mean 0.5, sd 0.25, error 0.25 / sqrt(3).
        let a = arm(&[(1, 0.5), (2, 0.75), (3, 1.0), (9, 0.0)]);
        let b = arm(&[(1, 0.25), (2, 0.25), (3, 0.25), (8, 1.0)]);
        let difference = paired(&a, &b, Side::Balanced).unwrap();
        assert_eq!((difference.mean, difference.n), (0.5, 3));
        assert!((difference.sd - 0.25).abs() < 1e-15);
        assert!((difference.standard_error().unwrap() - 0.144_337_567).abs() < 1e-9);
        assert_eq!(difference.reading(), Reading::Better);
        assert_eq!(
            paired(&b, &a, Side::Own).unwrap(),
            Paired {
                mean: -0.25,
                sd: difference.sd / 2.0,
                n: 3
            }
        );
        assert_eq!(paired(&b, &a, Side::Own).unwrap().reading(), Reading::Worse);
    }

    #[test]
    fn two_standard_errors_are_the_border() {
        let n = 4;
        let at = |mean| Paired { mean, sd: 0.5, n }.reading();
        assert_eq!(at(0.5), Reading::WithinSpread);
        assert_eq!(at(0.51), Reading::Better);
        assert_eq!(at(-0.51), Reading::Worse);
        let equal = Paired {
            mean: 0.0,
            sd: 0.0,
            n,
        };
        assert_eq!(equal.reading(), Reading::WithinSpread);
    }

    #[test]
    fn one_seed_has_no_spread_and_no_common_seed_no_difference() {
        let one = paired(&arm(&[(1, 0.5)]), &arm(&[(1, 0.25)]), Side::Balanced).unwrap();
        assert_eq!((one.mean, one.sd, one.n), (0.25, 0.0, 1));
        assert_eq!(one.standard_error(), None);
        assert_eq!(one.reading(), Reading::OneSeed);
        assert_eq!(
            paired(&arm(&[(1, 0.5)]), &arm(&[(2, 0.25)]), Side::Balanced),
            None
        );
    }
}

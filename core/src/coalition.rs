//! Coalitions: which devices' weights are close.
//!
//! A formation [`Method`] works on a [`Gram`] matrix alone and gives [`Formed`] coalitions of indices into it. What the
//! indices stand for, and what becomes of a formation from round to round, is for [`crate::strategy`] to know.

mod agglomerative;
mod bounded_confidence;
mod identity;
pub mod label_agreement;
mod paper_like;

use core::fmt;

use crate::config::Metric;
use crate::distance::Gram;
use crate::rng::Stream;

pub use agglomerative::{Agglomerative, Until};
pub use bounded_confidence::BoundedConfidence;
pub use identity::keep_ids;
pub use paper_like::{form, form_from};

/// A way to form coalitions. What it draws by lot, it draws from `stream`.
pub trait Method: fmt::Debug + Send + Sync {
    /// Coalitions of the devices of `gram`: none of no devices, else at least one.
    fn form(&self, gram: &Gram, stream: &mut Stream) -> Formed;

    /// Whether it wants the inner products of vectors scaled to length 1, because it goes by angles.
    fn by_angle(&self) -> bool {
        false
    }
}

/// Coalitions of the devices 0..n of one formation.
#[derive(Clone, Debug, PartialEq)]
pub struct Formed {
    /// Members of each coalition, in order. No coalition is empty, and every device is in one.
    pub members: Vec<Vec<usize>>,
    /// The member of each coalition that is nearest to its barycenter.
    pub centers: Vec<usize>,
    /// Passes of assignment and new centers that were needed.
    pub iterations: u32,
    /// Sum of the squared distances of all devices to their barycenters.
    pub within: f64,
}

impl Formed {
    /// Coalitions of these members, each of at least one.
    fn of(gram: &Gram, members: Vec<Vec<usize>>, iterations: u32) -> Self {
        let centers = members
            .iter()
            .map(|coalition| center(gram, coalition))
            .collect();
        let within = members
            .iter()
            .flat_map(|coalition| gram.squared_distances_to_mean(coalition))
            .sum();
        Self {
            members,
            centers,
            iterations,
            within,
        }
    }
}

/// The member nearest to the barycenter, ties to the lower index. Members must not be none.
fn center(gram: &Gram, members: &[usize]) -> usize {
    let at = least(gram.squared_distances_to_mean(members));
    members[at.unwrap_or_default()]
}

/// Index of the least value, the first of equals.
fn least(values: impl Iterator<Item = f64>) -> Option<usize> {
    values
        .enumerate()
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(i, _)| i)
}

impl Metric {
    /// A distance from a squared Euclidean one. That of two vectors of length 1 is 2 − 2 cos.
    fn of(self, squared: f64) -> f64 {
        match self {
            Self::Euclidean => libm::sqrt(squared),
            Self::Cosine => squared / 2.0,
        }
    }
}

/// Median of the distances of all pairs; the mean of the two in the middle where there are two. None of fewer than two
/// vectors.
fn median_distance(gram: &Gram, metric: Metric) -> Option<f64> {
    let pairs = (0..gram.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let mut distances: Vec<f64> = pairs
        .map(|(i, j)| metric.of(gram.squared_distance(i, j)))
        .collect();
    distances.sort_unstable_by(f64::total_cmp);
    let middle = distances.len() / 2;
    let high = *distances.get(middle)?;
    Some(if distances.len().is_multiple_of(2) {
        f64::midpoint(distances[middle - 1], high)
    } else {
        high
    })
}

#[cfg(test)]
pub(crate) fn on_a_line(places: &[f32]) -> Gram {
    let points: Vec<[f32; 1]> = places.iter().map(|p| [*p]).collect();
    Gram::of(&points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let median = |places: &[f32]| median_distance(&on_a_line(places), Metric::Euclidean);
        assert_eq!(median(&[5.0]), None);
        assert_eq!(median(&[5.0, 7.0]), Some(2.0));
        // 1, 4, 5 and 1, 2, 3, 5, 7, 8.
        assert_eq!(median(&[0.0, 1.0, 5.0]), Some(4.0));
        assert_eq!(median(&[0.0, 1.0, 3.0, 8.0]), Some(4.0));
        // Halves of the squares of 1, 4 and 5.
        assert_eq!(
            median_distance(&on_a_line(&[0.0, 1.0, 5.0]), Metric::Cosine),
            Some(8.0)
        );
    }
}

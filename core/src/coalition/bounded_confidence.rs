//! Bounded confidence: Hegselmann and Krause, "Opinion Dynamics and Bounded Confidence: Models, Analysis and Simulation"
//! (Journal of Artificial Societies and Social Simulation 5(3), 2002), on devices' weights instead of opinions.
//!
//! That it can form coalitions of federated learning is the idea of the newest work of the authors of
//! [`super::paper_like`] (arXiv 2609.19695), of which only the abstract is known to us: everything else here is a
//! reading of ours.
//!
//! Every device begins with its vector as its opinion. All opinions move at once, each to the mean of all that are
//! within a radius of it, itself among them, again and again until none moves. Devices whose opinions end together are a
//! coalition; how many there are comes out by itself.
//!
//! An opinion is always a mean of vectors, so the inner products of opinions follow from those of the vectors, and no
//! vector is looked at.

use std::collections::BTreeMap;

use super::{Formed, Method, median_distance};
use crate::config::Metric;
use crate::distance::Gram;
use crate::rng::Stream;

/// Coalitions of devices whose opinions end together.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundedConfidence {
    /// Distance of two opinions. With [`Metric::Cosine`] vectors must have length 1; opinions, which are means of them,
    /// are shorter, and their distance is half the squared Euclidean one, which for vectors of length 1 is 1 − cos.
    pub metric: Metric,
    /// The radius, as a fraction of the vectors' median distance.
    pub confidence: f64,
    /// Times that opinions move at most; those that have not met by then stay apart.
    pub max_iterations: u32,
}

impl Method for BoundedConfidence {
    fn form(&self, gram: &Gram, _: &mut Stream) -> Formed {
        let median = median_distance(gram, self.metric).unwrap_or_default();
        let radius = self.confidence * median;
        let mut opinions = Opinions::of(gram);
        let mut iterations = 0;
        while iterations < self.max_iterations
            && let Some(moved) = opinions.moved(self.metric, radius)
        {
            opinions = moved;
            iterations += 1;
        }
        let mut members = opinions.holders;
        members.sort_unstable();
        Formed::of(gram, members, iterations)
    }

    fn by_angle(&self) -> bool {
        self.metric == Metric::Cosine
    }
}

/// Different opinions.
struct Opinions {
    /// Who has each, in order; at least one device.
    holders: Vec<Vec<usize>>,
    /// Inner products of opinions, row by row.
    products: Vec<f64>,
}

impl Opinions {
    /// Every device has its own.
    fn of(gram: &Gram) -> Self {
        let n = gram.len();
        let cells = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        Self {
            holders: (0..n).map(|i| vec![i]).collect(),
            products: cells.map(|(i, j)| gram.product(i, j)).collect(),
        }
    }

    fn product(&self, a: usize, b: usize) -> f64 {
        self.products[a * self.holders.len() + b]
    }

    /// The opinions within the radius of one.
    fn near(&self, a: usize, metric: Metric, radius: f64) -> Vec<usize> {
        let within = |b: usize| {
            let squared = self.product(a, a) + self.product(b, b) - 2.0 * self.product(a, b);
            a == b || metric.of(squared.max(0.0)) <= radius
        };
        (0..self.holders.len()).filter(|&b| within(b)).collect()
    }

    /// The opinions after all have moved once; `None` if none moves. Those with the same opinions around them meet.
    fn moved(&self, metric: Metric, radius: f64) -> Option<Self> {
        let mut holders: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for (a, devices) in self.holders.iter().enumerate() {
            let near = self.near(a, metric, radius);
            holders.entry(near).or_default().extend(devices);
        }
        if holders.keys().all(|near| near.len() == 1) {
            return None;
        }
        // What an opinion of before counts in one of now.
        let shares: Vec<Vec<(usize, f64)>> = holders
            .keys()
            .map(|near| {
                let count = |&b: &usize| self.holders[b].len() as f64;
                let total: f64 = near.iter().map(count).sum();
                near.iter().map(|b| (*b, count(b) / total)).collect()
            })
            .collect();
        let mut products = Vec::with_capacity(shares.len() * shares.len());
        for new in &shares {
            let with_before: Vec<f64> = (0..self.holders.len())
                .map(|b| {
                    new.iter()
                        .map(|(a, share)| share * self.product(*a, b))
                        .sum()
                })
                .collect();
            products.extend(shares.iter().map(|other| -> f64 {
                other.iter().map(|(b, share)| share * with_before[*b]).sum()
            }));
        }
        let mut holders: Vec<Vec<usize>> = holders.into_values().collect();
        for devices in &mut holders {
            devices.sort_unstable();
        }
        Some(Self { holders, products })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::on_a_line;
    use super::*;
    use crate::rng::Purpose;

    fn form(gram: &Gram, metric: Metric, confidence: f64, max_iterations: u32) -> Formed {
        let method = BoundedConfidence {
            metric,
            confidence,
            max_iterations,
        };
        method.form(gram, &mut Stream::new(1, Purpose::Centers, 0, 0))
    }

    #[test]
    fn opinions_move_to_the_mean_of_those_near() {
        // The median distance is 8.5. Within 1.2: 0, 1, 2 go to 0.5, 1, 1.5 and then to 1; 10 and 11 to 10.5.
        let gram = on_a_line(&[0.0, 1.0, 2.0, 10.0, 11.0]);
        let formed = form(&gram, Metric::Euclidean, 1.2 / 8.5, 100);
        assert_eq!(formed.members, [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!(formed.centers, [1, 3]);
        assert_eq!(formed.iterations, 2);
        assert!((formed.within - 2.5).abs() < 1e-6);
        let alone = form(&gram, Metric::Euclidean, 0.9 / 8.5, 100);
        assert_eq!((alone.members.len(), alone.iterations), (5, 0));
        let stopped = form(&gram, Metric::Euclidean, 1.2 / 8.5, 1);
        assert_eq!(stopped.members, [vec![0], vec![1], vec![2], vec![3, 4]]);
    }

    /// 0, 0, 0, 1 and 2 are, within 1.01, then ¼ three times, 0.6 and 1.5; then 0.3375, 0.57 and 1.05.
    #[test]
    fn an_opinion_counts_as_often_as_it_is_held() {
        let opinions = Opinions::of(&on_a_line(&[0.0, 0.0, 0.0, 1.0, 2.0]));
        let once = opinions.moved(Metric::Euclidean, 1.01).unwrap();
        assert_eq!(once.holders, [vec![0, 1, 2], vec![3], vec![4]]);
        let twice = once.moved(Metric::Euclidean, 1.01).unwrap();
        let squared = twice.product(0, 0) + twice.product(2, 2) - 2.0 * twice.product(0, 2);
        assert!((squared - 0.7125_f64.powi(2)).abs() < 1e-6, "{squared}");
    }

    /// The median distance is 2. Within 1.2, 0 to 5 go to ½, 1, 2, 3, 4, 4½, and in three more steps to 1.44 (twice),
    /// 1.82, 3.18 and 3.56 (twice), where the middle is too wide.
    #[test]
    fn a_chain_parts_in_the_middle() {
        let gram = on_a_line(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let formed = form(&gram, Metric::Euclidean, 0.6, 100);
        assert_eq!(formed.members, [vec![0, 1, 2], vec![3, 4, 5]]);
        assert_eq!(formed.iterations, 5);
    }

    #[test]
    fn angles_count_with_cosine() {
        // 1 − cos: 0.2 between the first two, 0.4 between the last two, at the median 1.3.
        let vectors: [[f32; 2]; 4] = [[1.0, 0.0], [0.8, 0.6], [-0.6, 0.8], [-1.0, 0.0]];
        let gram = Gram::of(&vectors[..]);
        let by_angle = form(&gram, Metric::Cosine, 0.4, 100);
        assert_eq!(by_angle.members, [vec![0, 1], vec![2, 3]]);
        // Euclidean distances 0.63 and 0.89, at the median 1.60.
        let by_length = form(&gram, Metric::Euclidean, 0.4, 100);
        assert_eq!(by_length.members, [vec![0, 1], vec![2], vec![3]]);
    }

    #[test]
    fn few_devices_and_equal_ones_form_coalitions() {
        let all = |places: &[f32]| form(&on_a_line(places), Metric::Euclidean, 0.5, 100).members;
        assert_eq!(all(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(all(&[3.0]), [vec![0]]);
        assert_eq!(all(&[3.0, 3.0, 3.0]), [vec![0, 1, 2]]);
        assert_eq!(all(&[3.0, 4.0]), [vec![0], vec![1]]);
    }

    proptest! {
        #[test]
        fn every_device_is_in_one_coalition(
            places in prop::collection::vec(-5.0_f32..5.0, 1..25), confidence in 0.01_f64..3.0, steps in 1_u32..50,
        ) {
            let formed = form(&on_a_line(&places), Metric::Euclidean, confidence, steps);
            let mut all = formed.members.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..places.len()).collect::<Vec<_>>());
        }
    }
}

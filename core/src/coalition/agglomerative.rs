//! Agglomerative hierarchical clustering: every device begins as a cluster of its own, and the two nearest clusters
//! become one, again and again. Distances between clusters are brought up to date after Lance and Williams, "A General
//! Theory of Classificatory Sorting Strategies" (The Computer Journal, 1967).

use super::{Formed, Method, median_distance};
use crate::config::{Linkage, Metric};
use crate::distance::Gram;
use crate::rng::Stream;

/// Coalitions by merging the nearest.
#[derive(Clone, Debug, PartialEq)]
pub struct Agglomerative {
    /// Distance of two devices. With [`Metric::Cosine`] vectors must have length 1.
    pub metric: Metric,
    /// Distance of two clusters.
    pub linkage: Linkage,
    /// When to stop.
    pub until: Until,
}

/// When merging stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Until {
    /// When the nearest clusters are farther apart than this fraction of the devices' median distance.
    Apart(f64),
    /// When so many clusters are left.
    Count(usize),
}

impl Method for Agglomerative {
    fn form(&self, gram: &Gram, _: &mut Stream) -> Formed {
        let n = gram.len();
        let limit = match self.until {
            Until::Apart(share) => share * median_distance(gram, self.metric).unwrap_or_default(),
            Until::Count(_) => f64::INFINITY,
        };
        let least = match self.until {
            Until::Apart(_) => 1,
            Until::Count(count) => count.max(1),
        };
        let mut distances: Vec<Vec<f64>> = (0..n)
            .map(|i| {
                let to = |j| self.metric.of(gram.squared_distance(i, j));
                (0..n).map(to).collect()
            })
            .collect();
        let mut members: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
        let mut left: Vec<usize> = (0..n).collect();
        let mut merges = 0;
        while left.len() > least
            && let Some((a, b)) =
                nearest(&distances, &left).filter(|&(a, b)| distances[a][b] <= limit)
        {
            left.retain(|&cluster| cluster != b);
            let sizes = (members[a].len() as f64, members[b].len() as f64);
            for &c in left.iter().filter(|&&c| c != a) {
                let merged = self.linkage.of(sizes, distances[a][c], distances[b][c]);
                distances[a][c] = merged;
                distances[c][a] = merged;
            }
            let joining = std::mem::take(&mut members[b]);
            members[a].extend(joining);
            members[a].sort_unstable();
            merges += 1;
        }
        members.retain(|cluster| !cluster.is_empty());
        Formed::of(gram, members, merges)
    }

    fn by_angle(&self) -> bool {
        self.metric == Metric::Cosine
    }
}

/// The two nearest clusters, the first of equals.
fn nearest(distances: &[Vec<f64>], left: &[usize]) -> Option<(usize, usize)> {
    let pairs = left
        .iter()
        .enumerate()
        .flat_map(|(at, &a)| left[at + 1..].iter().map(move |&b| (a, b)));
    pairs.min_by(|&(a, b), &(c, d)| distances[a][b].total_cmp(&distances[c][d]))
}

impl Linkage {
    /// Distance to the union of two clusters of these sizes, from the distances to each.
    fn of(self, (m, n): (f64, f64), to_first: f64, to_second: f64) -> f64 {
        match self {
            Self::Single => to_first.min(to_second),
            Self::Average => (m * to_first + n * to_second) / (m + n),
            Self::Complete => to_first.max(to_second),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::on_a_line;
    use super::*;
    use crate::rng::Purpose;

    fn form(gram: &Gram, metric: Metric, linkage: Linkage, until: Until) -> Formed {
        let method = Agglomerative {
            metric,
            linkage,
            until,
        };
        method.form(gram, &mut Stream::new(1, Purpose::Centers, 0, 0))
    }

    fn on(places: &[f32], linkage: Linkage, until: Until) -> Vec<Vec<usize>> {
        form(&on_a_line(places), Metric::Euclidean, linkage, until).members
    }

    /// 0 and 1 merge, then 5 and 6.5. Then 2.9 is 1.9, 2.4 or 2.9 from {0, 1} and 2.1, 2.85 or 3.6 from {5, 6.5}; and
    /// the two pairs are 4, 5.25 or 6.5 apart.
    #[test]
    fn linkages_measure_differently() {
        let places = [0.0, 1.0, 2.9, 5.0, 6.5];
        let formed = form(
            &on_a_line(&places),
            Metric::Euclidean,
            Linkage::Average,
            Until::Count(2),
        );
        assert_eq!(formed.members, [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!((formed.centers, formed.iterations), (vec![1, 3], 3));
        // The median distance is 3.25: (2.9 + 3.6) / 2 of 1, 1.5, 1.9, 2.1, 2.9, 3.6, 4, 5, 5.5, 6.5.
        let up_to = |linkage, limit: f64| on(&places, linkage, Until::Apart(limit / 3.25)).len();
        for (linkage, third, last) in [
            (Linkage::Single, 1.9, 2.1),
            (
                Linkage::Average,
                2.4,
                (5.0 + 6.5 + 4.0 + 5.5 + 2.1 + 3.6) / 6.0,
            ),
            (Linkage::Complete, 2.9, 6.5),
        ] {
            assert_eq!(up_to(linkage, third - 0.01), 3, "{linkage:?}");
            assert_eq!(up_to(linkage, third + 0.01), 2, "{linkage:?}");
            assert_eq!(up_to(linkage, last - 0.01), 2, "{linkage:?}");
            assert_eq!(up_to(linkage, last + 0.01), 1, "{linkage:?}");
        }
    }

    #[test]
    fn the_first_of_equals_merge() {
        assert_eq!(
            on(&[0.0, 1.0, 2.0], Linkage::Complete, Until::Count(2)),
            [vec![0, 1], vec![2]]
        );
    }

    #[test]
    fn angles_count_with_cosine() {
        // 1 − cos: 0.2 between the first two, 0.4 between the last two, at the median 1.3.
        let vectors: [[f32; 2]; 4] = [[1.0, 0.0], [0.8, 0.6], [-0.6, 0.8], [-1.0, 0.0]];
        let gram = Gram::of(&vectors[..]);
        let apart = |metric| form(&gram, metric, Linkage::Average, Until::Apart(0.4)).members;
        assert_eq!(apart(Metric::Cosine), [vec![0, 1], vec![2, 3]]);
        assert_eq!(apart(Metric::Euclidean), [vec![0, 1], vec![2], vec![3]]);
    }

    #[test]
    fn there_are_never_more_clusters_than_devices() {
        let linkage = Linkage::Average;
        assert_eq!(on(&[], linkage, Until::Count(2)), Vec::<Vec<usize>>::new());
        assert_eq!(
            on(&[], linkage, Until::Apart(1.0)),
            Vec::<Vec<usize>>::new()
        );
        assert_eq!(on(&[4.0], linkage, Until::Apart(1.0)), [vec![0]]);
        assert_eq!(on(&[4.0, 4.0], linkage, Until::Apart(1.0)), [vec![0, 1]]);
        assert_eq!(on(&[4.0, 4.0], linkage, Until::Count(3)).len(), 2);
    }

    proptest! {
        #[test]
        fn every_device_is_in_one_cluster_and_there_are_as_many_as_asked_for(
            places in prop::collection::vec(-5.0_f32..5.0, 1..25), count in 1_usize..30,
            linkage in prop_oneof![Just(Linkage::Single), Just(Linkage::Average), Just(Linkage::Complete)],
        ) {
            let members = on(&places, linkage, Until::Count(count));
            prop_assert_eq!(members.len(), count.min(places.len()));
            let mut all = members.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..places.len()).collect::<Vec<_>>());
        }
    }
}

//! Coalition formation after El Hanjri et al., "Efficient Collaborations through Weight-Driven Coalition Dynamics in
//! Federated Learning Systems" (arXiv 2401.12356). Reconstructed: from the abstract and a commentary, not from the
//! authors' algorithm box. Every choice that the text leaves open is an option of
//! [`Formation`](crate::config::Formation).
//!
//! K distinct devices are centers. Every device goes to the nearest center; each coalition's new center is its member
//! nearest to its barycenter; and so on until nothing changes.

use super::{Formed, Method, center, least};
use crate::config::{FirstCenters, Formation};
use crate::distance::Gram;
use crate::rng::Stream;

impl Method for Formation {
    fn form(&self, gram: &Gram, stream: &mut Stream) -> Formed {
        form(gram, self, stream)
    }
}

/// Forms up to `options.k` coalitions. Draws first centers from `stream` as often as `options.restarts` says, and
/// keeps the coalitions with the least squared distance to their barycenters, the first of equals.
///
/// Gives no coalition of no devices, else at least one.
#[must_use]
pub fn form(gram: &Gram, options: &Formation, stream: &mut Stream) -> Formed {
    let attempt = |stream: &mut Stream| {
        let centers = first_centers(gram, options, stream);
        settle(gram, centers, options)
    };
    let mut best = attempt(stream);
    for _ in 1..options.restarts {
        let next = attempt(stream);
        if next.within < best.within {
            best = next;
        }
    }
    best
}

/// Forms coalitions from first centers that are given: distinct indices into `gram`, at least one where it has devices.
/// `options.k`, `options.first_centers` and `options.restarts` do not count.
///
/// # Panics
/// A center is no device of `gram`.
#[must_use]
pub fn form_from(gram: &Gram, centers: &[usize], options: &Formation) -> Formed {
    assert!(
        centers.iter().all(|&center| center < gram.len()),
        "centers are devices"
    );
    settle(gram, centers.to_vec(), options)
}

fn first_centers(gram: &Gram, options: &Formation, stream: &mut Stream) -> Vec<usize> {
    let n = gram.len();
    let k = (options.k as usize).min(n);
    let mut centers = Vec::with_capacity(k);
    match options.first_centers {
        FirstCenters::Random => {
            let mut devices: Vec<usize> = (0..n).collect();
            stream.shuffle(&mut devices);
            centers.extend(devices.into_iter().take(k));
        }
        FirstCenters::KMeansPlusPlus => {
            // Squared distance to the nearest center so far; at first all the same.
            let mut nearest = vec![1.0; n];
            while centers.len() < k {
                let center = draw(&nearest, &centers, stream);
                centers.push(center);
                for (i, d) in nearest.iter_mut().enumerate() {
                    let to_new = gram.squared_distance(i, center);
                    *d = if centers.len() == 1 {
                        to_new
                    } else {
                        d.min(to_new)
                    };
                }
            }
        }
    }
    centers
}

/// Draws a device that is not yet a center, with probability in proportion to its share.
fn draw(shares: &[f64], centers: &[usize], stream: &mut Stream) -> usize {
    let free = || (0..shares.len()).filter(|i| !centers.contains(i));
    let total: f64 = free().map(|i| shares[i]).sum();
    let mut left = stream.uniform() * total;
    let mut last = 0;
    for i in free() {
        last = i;
        left -= shares[i];
        if left < 0.0 {
            break;
        }
    }
    last
}

fn settle(gram: &Gram, mut centers: Vec<usize>, options: &Formation) -> Formed {
    let mut members = Vec::new();
    let mut iterations = 0;
    while iterations < options.max_iterations {
        iterations += 1;
        let assigned = assign(gram, &centers);
        let settled = assigned == members;
        members = assigned;
        if settled {
            break;
        }
        centers = members
            .iter()
            .map(|coalition| center(gram, coalition))
            .collect();
    }
    dissolve_small(gram, &mut members, options.min_size as usize);
    Formed::of(gram, members, iterations)
}

/// Every device goes to the nearest center, ties to the lower coalition. A coalition can be empty only where two
/// centers are at the same point; it is dropped.
fn assign(gram: &Gram, centers: &[usize]) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); centers.len()];
    for i in 0..gram.len() {
        let nearest = least(
            centers
                .iter()
                .map(|&center| gram.squared_distance(i, center)),
        );
        if let Some(coalition) = nearest {
            members[coalition].push(i);
        }
    }
    members.retain(|coalition| !coalition.is_empty());
    members
}

/// Dissolves the smallest coalition below `min_size` (the first of equals), whose members go to the nearest of the
/// other barycenters, until none is too small or only one is left.
fn dissolve_small(gram: &Gram, members: &mut Vec<Vec<usize>>, min_size: usize) {
    while members.len() > 1 {
        let smallest = (0..members.len())
            .min_by_key(|&c| members[c].len())
            .filter(|&c| members[c].len() < min_size);
        let Some(smallest) = smallest else { return };
        let homeless = members.remove(smallest);
        let barycenters = members.clone();
        for i in homeless {
            let nearest = least(
                barycenters
                    .iter()
                    .map(|coalition| gram.squared_distance_to_mean(i, coalition)),
            );
            members[nearest.unwrap_or_default()].push(i);
        }
        for coalition in members.iter_mut() {
            coalition.sort_unstable();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::on_a_line;
    use super::*;
    use crate::rng::Purpose;

    fn options(k: u32) -> Formation {
        Formation {
            k,
            ..Formation::default()
        }
    }

    fn stream(seed: u32) -> Stream {
        Stream::new(seed, Purpose::Centers, 0, 0)
    }

    #[test]
    fn settles_by_hand() {
        // Centers 0 and 1: {0}, {1, 10, 11, 14}. Barycenter of the second 9: center 10. Then {0, 1}, {10, 11, 14}:
        // barycenters 0.5 and 35/3: centers 0 (the lower of equals) and 11, and nothing changes any more.
        let gram = on_a_line(&[0.0, 1.0, 10.0, 11.0, 14.0]);
        let formed = settle(&gram, vec![0, 1], &options(2));
        assert_eq!(formed.members, [vec![0, 1], vec![2, 3, 4]]);
        assert_eq!(formed.centers, [0, 3]);
        assert_eq!(formed.iterations, 3);
        // 2 * 0.25 and (5/3)² + (2/3)² + (7/3)².
        assert!(
            (formed.within - (0.5 + 78.0 / 9.0)).abs() < 1e-5,
            "{}",
            formed.within
        );
    }

    #[test]
    fn given_centers_decide_where_it_ends() {
        // Centers 10 and 14: {0, 2, 10, 11}, {14}. Barycenter of the first 5.75: center 2. Then {0, 2}, {10, 11, 14}:
        // the second's barycenter 35/3, center 11, and nothing changes any more.
        let gram = on_a_line(&[0.0, 2.0, 10.0, 11.0, 14.0]);
        let formed = form_from(&gram, &[2, 4], &options(2));
        assert_eq!(formed.members, [vec![0, 1], vec![2, 3, 4]]);
        assert_eq!(formed.centers[1], 3);
        assert_eq!(formed.iterations, 3);
        // The number of coalitions is the number of centers, whatever k is.
        let three = form_from(&gram, &[0, 2, 4], &options(2));
        assert_eq!(three.members, [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(three.iterations, 2);
    }

    #[test]
    fn iterations_have_a_limit() {
        let gram = on_a_line(&[0.0, 1.0, 10.0, 11.0, 14.0]);
        let formed = settle(
            &gram,
            vec![0, 1],
            &Formation {
                max_iterations: 1,
                ..options(2)
            },
        );
        assert_eq!(formed.members, [vec![0], vec![1, 2, 3, 4]]);
    }

    #[test]
    fn small_coalitions_join_the_nearest() {
        let gram = on_a_line(&[0.0, 1.0, 4.0, 10.0, 11.0]);
        let formed = settle(
            &gram,
            vec![0, 2, 3],
            &Formation {
                min_size: 2,
                ..options(3)
            },
        );
        assert_eq!(formed.members, [vec![0, 1, 2], vec![3, 4]]);
        let one = settle(
            &gram,
            vec![0, 2, 3],
            &Formation {
                min_size: 9,
                ..options(3)
            },
        );
        assert_eq!(one.members, [vec![0, 1, 2, 3, 4]]);
    }

    #[test]
    fn ties_go_to_the_lower_coalition() {
        assert_eq!(
            assign(&on_a_line(&[0.0, 1.0, 2.0]), &[0, 2]),
            [vec![0, 1], vec![2]]
        );
        assert_eq!(
            assign(&on_a_line(&[5.0, 5.0, 9.0]), &[0, 1, 2]),
            [vec![0, 1], vec![2]]
        );
    }

    #[test]
    fn restarts_find_what_one_start_misses() {
        let gram = on_a_line(&[0.0, 0.1, 0.2, 50.0, 50.1, 100.0, 100.1]);
        let within = |restarts, seed| {
            form(
                &gram,
                &Formation {
                    restarts,
                    ..options(3)
                },
                &mut stream(seed),
            )
            .within
        };
        let once: Vec<f64> = (0..20).map(|seed| within(1, seed)).collect();
        assert!(
            once.iter().any(|w| *w > 100.0),
            "some start must miss for the test to mean anything: {once:?}"
        );
        assert!((0..20).all(|seed| within(20, seed) < 1.0));
    }

    #[test]
    fn far_devices_are_likelier_centers_with_k_means_plus_plus() {
        let gram = on_a_line(&[0.0, 0.1, 0.2, 50.0, 50.1, 100.0, 100.1]);
        let options = Formation {
            first_centers: FirstCenters::KMeansPlusPlus,
            ..options(3)
        };
        assert!((0..20).all(|seed| form(&gram, &options, &mut stream(seed)).within < 1.0));
    }

    proptest! {
        #[test]
        fn every_device_is_in_one_coalition_and_none_is_empty(
            places in prop::collection::vec(-5.0_f32..5.0, 1..25),
            k in 1_u32..8, min_size in 1_u32..5, seed: u32, plus_plus: bool,
        ) {
            let first_centers = if plus_plus { FirstCenters::KMeansPlusPlus } else { FirstCenters::Random };
            let options = Formation { min_size, restarts: 3, first_centers, ..options(k) };
            let formed = form(&on_a_line(&places), &options, &mut stream(seed));
            let mut all: Vec<usize> = formed.members.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..places.len()).collect::<Vec<_>>());
            prop_assert!(formed.members.iter().all(|m| !m.is_empty()));
            prop_assert!(formed.members.len() <= k as usize);
            prop_assert!(formed.members.len() == 1 || formed.members.iter().all(|m| m.len() >= min_size as usize));
            for (center, members) in formed.centers.iter().zip(&formed.members) {
                prop_assert!(members.contains(center));
            }
        }

        #[test]
        fn the_order_of_devices_does_not_matter_where_groups_are_plain(
            order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(), seed: u32,
        ) {
            let place = |i: usize| (i % 3) as f32 * 100.0 + i as f32 * 0.1;
            let gram = on_a_line(&order.iter().map(|&i| place(i)).collect::<Vec<_>>());
            let formed = form(&gram, &Formation { restarts: 30, ..options(3) }, &mut stream(seed));
            for members in &formed.members {
                let group = order[members[0]] % 3;
                prop_assert!(members.iter().all(|&m| order[m] % 3 == group));
            }
        }
    }

    #[test]
    fn no_devices_form_no_coalition() {
        let formed = form(
            &Gram::of(&Vec::<Vec<f32>>::new()),
            &options(3),
            &mut stream(1),
        );
        assert_eq!((formed.members.len(), formed.within), (0, 0.0));
    }
}

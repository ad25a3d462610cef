//! How far the devices' weights are from each other after a round.

use crate::config::limits;
use crate::distance::{Gram, delta, norm};
use crate::ids::{DeviceId, Round, RunId};
use crate::strategy::{Coalition, RoundSketches, RoundUpdates, coalition_of};
use crate::view::Distances;

/// What is to be seen of a closed round's devices: where their weights are, or, where these have gone into a sum as they
/// arrived, in which direction they went.
#[derive(Debug)]
pub(super) enum Seen {
    Updates(RoundUpdates),
    Sketches(RoundSketches),
}

impl Seen {
    /// The devices, with their numbers of examples.
    pub(super) fn devices(&self) -> Vec<(DeviceId, u32)> {
        match self {
            Self::Updates(round) => {
                let updates = round.updates.iter();
                updates.map(|u| (u.device, u.examples)).collect()
            }
            Self::Sketches(round) => {
                let sketches = round.sketches.iter();
                sketches.map(|s| (s.device, s.examples)).collect()
            }
        }
    }

    /// Inner products of what is known of them.
    pub(super) fn gram(&self) -> &Gram {
        match self {
            Self::Updates(round) => round.weights_gram(),
            Self::Sketches(round) => round.sketches_gram(),
        }
    }

    fn round(&self) -> Round {
        match self {
            Self::Updates(round) => round.round,
            Self::Sketches(round) => round.round,
        }
    }

    /// How far the device of this number is from its coalition's barycenter, or its sketch from the mean of the members'.
    fn to_barycenter(&self, number: usize, coalitions: &[Coalition]) -> Option<f32> {
        Some(match self {
            Self::Updates(round) => {
                let update = &round.updates[number];
                let coalition = coalition_of(coalitions, update.device)?;
                norm(&delta(&update.weights, &coalition.barycenter)) as f32
            }
            Self::Sketches(round) => {
                let coalition = coalition_of(coalitions, round.sketches[number].device)?;
                let members = round.numbers_of(&coalition.members);
                let squared = self.gram().squared_distance_to_mean(number, &members);
                libm::sqrt(squared.max(0.0)) as f32
            }
        })
    }
}

/// Distances of a round's devices; none where there are too many of them.
pub(super) fn distances(run: RunId, seen: &Seen, coalitions: &[Coalition]) -> Distances {
    let mut kept = Distances {
        run,
        round: seen.round(),
        ..Distances::default()
    };
    let devices = seen.devices();
    let n = devices.len();
    if n > limits::DISTANCES {
        return kept;
    }
    let gram = seen.gram();
    let between = |i: usize, j: usize| libm::sqrt(gram.squared_distance(i, j)) as f32;
    kept.devices = devices.into_iter().map(|(device, _)| device).collect();
    kept.distances = (0..n)
        .map(|i| (0..n).map(|j| between(i, j)).collect())
        .collect();
    kept.to_barycenter = (0..n)
        .map(|number| seen.to_barycenter(number, coalitions))
        .collect();
    kept
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ids::CoalitionId;
    use crate::strategy::Shares;
    use crate::strategy::testing::{model, round};

    #[test]
    fn distances_are_between_the_weights_and_to_the_barycenters() {
        let round = round(3, &[(1, &[0.0, 0.0]), (1, &[6.0, 8.0]), (1, &[1.0, 0.0])]);
        let coalition = Coalition {
            id: CoalitionId(0),
            members: BTreeSet::from([DeviceId(1), DeviceId(2)]),
            center: DeviceId(1),
            barycenter: model(&[3.0, 4.0]),
            spread: 5.0,
            weight: 1.0,
            shares: Shares::new(),
        };
        let kept = distances(RunId(2), &Seen::Updates(round), &[coalition]);
        assert_eq!((kept.run, kept.round.0), (RunId(2), 3));
        assert_eq!(kept.devices, [1, 2, 3].map(DeviceId));
        let far = 89.0_f32.sqrt();
        let expected = [[0.0, 10.0, 1.0], [10.0, 0.0, far], [1.0, far, 0.0]];
        for (row, wanted) in kept.distances.iter().zip(expected) {
            for (found, wanted) in row.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-3, "{found} for {wanted}");
            }
        }
        assert_eq!(kept.to_barycenter, [Some(5.0), Some(5.0), None]);
    }

    #[test]
    fn so_many_devices_have_distances_and_not_one_more() {
        let updates = vec![(1, [0.0].as_slice()); limits::DISTANCES + 1];
        let full = distances(RunId(1), &Seen::Updates(round(1, &updates[1..])), &[]);
        assert_eq!(full.distances.len(), limits::DISTANCES);
        let over = distances(RunId(1), &Seen::Updates(round(1, &updates)), &[]);
        assert_eq!(over.devices, []);
        assert_eq!(over.distances, Vec::<Vec<f32>>::new());
        assert_eq!(over.round.0, 1);
    }
}

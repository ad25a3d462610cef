//! How far the devices' weights are from each other after a round.

use crate::config::limits;
use crate::distance::{delta, norm};
use crate::ids::RunId;
use crate::strategy::{Coalition, RoundUpdates, coalition_of};
use crate::view::Distances;

/// Distances of a round's weights; none where there are too many devices.
pub(super) fn distances(run: RunId, round: &RoundUpdates, coalitions: &[Coalition]) -> Distances {
    let mut kept = Distances {
        run,
        round: round.round,
        ..Distances::default()
    };
    let n = round.updates.len();
    if n > limits::DISTANCES {
        return kept;
    }
    let gram = round.weights_gram();
    let between = |i: usize, j: usize| libm::sqrt(gram.squared_distance(i, j)) as f32;
    kept.devices = round.updates.iter().map(|update| update.device).collect();
    kept.distances = (0..n)
        .map(|i| (0..n).map(|j| between(i, j)).collect())
        .collect();
    kept.to_barycenter = round
        .updates
        .iter()
        .map(|update| {
            let coalition = coalition_of(coalitions, update.device)?;
            Some(norm(&delta(&update.weights, &coalition.barycenter)) as f32)
        })
        .collect();
    kept
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ids::{CoalitionId, DeviceId};
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
        let kept = distances(RunId(2), &round, &[coalition]);
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
        let full = distances(RunId(1), &round(1, &updates[1..]), &[]);
        assert_eq!(full.distances.len(), limits::DISTANCES);
        let over = distances(RunId(1), &round(1, &updates), &[]);
        assert_eq!(over.devices, []);
        assert_eq!(over.distances, Vec::<Vec<f32>>::new());
        assert_eq!(over.round.0, 1);
    }
}

//! One global model from coalitions: the mean of their barycenters. Paper-like (reconstructed) from El Hanjri et al.
//! (arXiv 2401.12356); see [`crate::coalition`].

use std::sync::Arc;

use super::{ArmState, RoundUpdates, Start, Strategy, grouping};
use crate::config::Formation;
use crate::ids::DeviceId;

/// One model: the mean of the barycenters. With coalitions of the same size it is the plain mean of all weights; with
/// unequal ones a lone device has as much weight as a crowd, unless `weighting` says otherwise.
#[derive(Debug)]
pub(super) struct CoalitionGlobal {
    pub(super) formation: Formation,
}

impl Strategy for CoalitionGlobal {
    fn start(&self, state: &ArmState, _: DeviceId) -> Start {
        Start::Model(Arc::clone(&state.global))
    }

    fn next(&self, state: &ArmState, round: &RoundUpdates) -> ArmState {
        grouping::regroup(&self.formation, state, round)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{members, model, round};
    use super::*;
    use crate::config::{FirstCenters, Weighting};

    fn global(weighting: Weighting) -> f32 {
        let formation = Formation {
            k: 2,
            first_centers: FirstCenters::KMeansPlusPlus,
            restarts: 20,
            weighting,
            ..Formation::default()
        };
        let strategy = CoalitionGlobal { formation };
        let updates = round(
            1,
            &[(100, &[1.0]), (100, &[2.0]), (100, &[3.0]), (600, &[100.0])],
        );
        let next = strategy.next(&ArmState::new(model(&[0.0])), &updates);
        assert_eq!(members(&next), [vec![1, 2, 3], vec![4]]);
        let crowd = next.coalition_of(DeviceId(1)).unwrap();
        assert_eq!(crowd.center, DeviceId(2));
        assert!((crowd.spread - (2.0_f64 / 3.0).sqrt()).abs() < 1e-6);
        next.global.values()[0]
    }

    #[test]
    fn a_lone_device_counts_as_the_weighting_says() {
        assert_eq!(global(Weighting::Coalitions), 51.0);
        assert_eq!(global(Weighting::Size), 26.5);
        assert!((global(Weighting::Examples) - (300.0 * 2.0 + 600.0 * 100.0) / 900.0).abs() < 1e-4);
    }
}

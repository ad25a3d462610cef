//! One model per coalition: its barycenter. Where devices' right answers differ, no single model can serve them all.
//! The coalitions are those of [`crate::coalition`]; the warm-up is this project's own.

use std::sync::Arc;

use super::{ArmState, RoundUpdates, Start, Strategy, grouping};
use crate::config::Formation;
use crate::ids::DeviceId;

/// Each device starts from its coalition's barycenter; during the warm-up, and before it has a coalition, from the
/// global model.
#[derive(Debug)]
pub(super) struct CoalitionModels {
    pub(super) formation: Formation,
}

impl Strategy for CoalitionModels {
    fn start(&self, state: &ArmState, device: DeviceId) -> Start {
        let own = if state.grouping.rounds() < self.formation.warm_up {
            None
        } else {
            state.coalition_of(device)
        };
        Start::Model(Arc::clone(
            own.map_or(&state.global, |coalition| &coalition.barycenter),
        ))
    }

    fn next(&self, state: &ArmState, round: &RoundUpdates) -> ArmState {
        grouping::regroup(&self.formation, state, round)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{members, model, round};
    use super::*;

    fn strategy(warm_up: u32) -> CoalitionModels {
        CoalitionModels {
            formation: Formation {
                k: 2,
                warm_up,
                ..Formation::with_warm_up()
            },
        }
    }

    fn start(strategy: &CoalitionModels, state: &ArmState, device: u32) -> Vec<f32> {
        match strategy.start(state, DeviceId(device)) {
            Start::Own => Vec::new(),
            Start::Model(params) => params.values().to_vec(),
        }
    }

    #[test]
    fn the_warm_up_starts_everybody_from_the_global_model() {
        let strategy = strategy(2);
        let state = ArmState::new(model(&[0.0, 0.0]));
        let updates: [(u32, &[f32]); 4] = [
            (1, &[2.0, 0.0]),
            (1, &[0.0, 4.0]),
            (1, &[4.0, 0.0]),
            (1, &[0.0, 2.0]),
        ];
        let first = strategy.next(&state, &round(1, &updates));
        assert_eq!(members(&first), [vec![1, 3], vec![2, 4]]);
        assert_eq!(start(&strategy, &first, 1), [1.5, 1.5]);
        let second = strategy.next(&first, &round(2, &updates));
        assert_eq!(start(&strategy, &second, 1), [3.0, 0.0]);
        assert_eq!(start(&strategy, &second, 2), [0.0, 3.0]);
        assert_eq!(
            start(&strategy, &second, 9),
            [1.5, 1.5],
            "a newcomer starts from the global model"
        );
    }

    #[test]
    fn a_newcomer_goes_where_its_first_delta_points() {
        let strategy = strategy(1);
        let state = ArmState::new(model(&[0.0, 0.0]));
        let first = strategy.next(&state, &round(1, &[(1, &[4.0, 0.0]), (1, &[0.0, 1.0])]));
        // Device 3 starts from the global model, [2, 0.5], and goes up: towards device 2's barycenter, although that
        // of device 1 is as near.
        let mut second = round(2, &[(1, &[4.0, 0.0]), (1, &[0.0, 1.0]), (1, &[1.8, 0.6])]);
        second.updates[2].start = Arc::clone(&first.global);
        let second = strategy.next(&first, &second);
        assert_eq!(members(&second), [vec![1], vec![2, 3]]);
    }
}

//! Federated averaging: McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data"
//! (AISTATS 2017).

use std::sync::Arc;

use super::{ArmState, RoundUpdates, Start, Strategy};
use crate::aggregate::weighted_mean;
use crate::ids::DeviceId;

/// One model: the mean of all weights by number of examples.
#[derive(Debug)]
pub(super) struct FedAvg;

impl Strategy for FedAvg {
    fn start(&self, state: &ArmState, _: DeviceId) -> Start {
        Start::Model(Arc::clone(&state.global))
    }

    fn next(&self, state: &ArmState, round: &RoundUpdates) -> ArmState {
        let models = round
            .updates
            .iter()
            .map(|update| (&update.weights, f64::from(update.examples)));
        let global = weighted_mean(models).map_or_else(|| Arc::clone(&state.global), Arc::new);
        ArmState {
            global,
            ..state.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{model, round};
    use super::*;

    #[test]
    fn examples_are_weights() {
        let next = FedAvg.next(
            &ArmState::new(model(&[9.0])),
            &round(1, &[(100, &[1.0]), (300, &[5.0])]),
        );
        assert_eq!(next.global.values(), [4.0]);
    }

    #[test]
    fn devices_without_examples_change_nothing() {
        let next = FedAvg.next(&ArmState::new(model(&[9.0])), &round(1, &[(0, &[1.0])]));
        assert_eq!(next.global.values(), [9.0]);
    }
}

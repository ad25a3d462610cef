//! Federated averaging: McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data"
//! (AISTATS 2017).

use std::sync::Arc;

use super::{RoundUpdates, Shares, Strategy, shares_by_examples};
use crate::aggregate::weighted_mean;
use crate::ids::DeviceId;
use crate::params::Params;
use crate::wire::{Start, Task};

/// One model: the mean of all weights by number of examples.
#[derive(Debug)]
pub(super) struct FedAvg {
    global: Arc<Params>,
    shares: Shares,
}

impl FedAvg {
    pub(super) fn new(initial: Arc<Params>) -> Self {
        Self {
            global: initial,
            shares: Shares::new(),
        }
    }
}

impl Strategy for FedAvg {
    fn task(&self, _: DeviceId) -> Task {
        Start::Model(Arc::clone(&self.global)).into()
    }

    fn close(&mut self, round: &RoundUpdates) {
        let models = round
            .updates
            .iter()
            .map(|update| (&update.weights, f64::from(update.examples)));
        if let Some(mean) = weighted_mean(models) {
            self.global = Arc::new(mean);
            self.shares = shares_by_examples(round.updates.iter());
        }
    }

    fn global(&self) -> &Arc<Params> {
        &self.global
    }

    fn global_shares(&self) -> Shares {
        self.shares.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{model, round};
    use super::*;

    #[test]
    fn examples_are_weights() {
        let mut strategy = FedAvg::new(model(&[9.0]));
        strategy.close(&round(1, &[(100, &[1.0]), (300, &[5.0])]));
        assert_eq!(strategy.global().values(), [4.0]);
    }

    #[test]
    fn devices_without_examples_change_nothing() {
        let mut strategy = FedAvg::new(model(&[9.0]));
        strategy.close(&round(1, &[(0, &[1.0])]));
        assert_eq!(strategy.global().values(), [9.0]);
    }
}

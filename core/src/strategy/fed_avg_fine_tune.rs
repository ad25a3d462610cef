//! Federated averaging with local fine-tuning: Yu, Bagdasaryan and Shmatikov, "Salvaging Federated Learning by Local
//! Adaptation" (arXiv 2002.04758, 2020). The baseline that every personalised method has to beat.

use std::sync::Arc;

use super::{FedAvg, RoundUpdates, Shares, Strategy};
use crate::ids::DeviceId;
use crate::params::Params;
use crate::wire::{Serves, Task};

/// One model, as in [`FedAvg`]. It does not serve a device as it is, but after one round's training on the device's own
/// examples, which is the training that the round asks for anyway.
#[derive(Debug)]
pub(super) struct FedAvgFineTune {
    average: FedAvg,
}

impl FedAvgFineTune {
    pub(super) fn new(initial: Arc<Params>) -> Self {
        Self {
            average: FedAvg::new(initial),
        }
    }
}

impl Strategy for FedAvgFineTune {
    fn task(&self, device: DeviceId) -> Task {
        Task {
            serves: Serves::Tuned,
            ..self.average.task(device)
        }
    }

    fn close(&mut self, round: &RoundUpdates) {
        self.average.close(round);
    }

    fn global(&self) -> &Arc<Params> {
        self.average.global()
    }

    fn global_shares(&self) -> Shares {
        self.average.global_shares()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{model, round, start};
    use super::*;

    #[test]
    fn devices_train_the_mean_before_it_serves_them() {
        let mut strategy = FedAvgFineTune::new(model(&[9.0]));
        strategy.close(&round(1, &[(100, &[1.0]), (300, &[5.0])]));
        assert_eq!(start(&strategy, 1), [4.0]);
        assert_eq!(strategy.task(DeviceId(1)).serves, Serves::Tuned);
    }
}

//! FedProx: Li, Sahu, Zaheer, Sanjabi, Talwalkar and Smith, "Federated Optimization in Heterogeneous Networks" (MLSys
//! 2020).

use std::sync::Arc;

use super::{FedAvg, RoundUpdates, Shares, Strategy};
use crate::ids::DeviceId;
use crate::params::Params;
use crate::wire::Task;

/// One model, as in [`FedAvg`]. While a device trains, `mu / 2` times the squared distance to the model that it started
/// from is added to its loss, so that devices with different data drift less far apart.
#[derive(Debug)]
pub(super) struct FedProx {
    average: FedAvg,
    mu: f64,
}

impl FedProx {
    pub(super) fn new(mu: f64, initial: Arc<Params>) -> Self {
        Self {
            average: FedAvg::new(initial),
            mu,
        }
    }
}

impl Strategy for FedProx {
    fn task(&self, device: DeviceId) -> Task {
        Task {
            proximal: self.mu,
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
    use crate::wire::Serves;

    #[test]
    fn devices_are_pulled_towards_the_mean() {
        let mut strategy = FedProx::new(0.5, model(&[9.0]));
        strategy.close(&round(1, &[(100, &[1.0]), (300, &[5.0])]));
        let task = strategy.task(DeviceId(1));
        assert_eq!(start(&strategy, 1), [4.0]);
        assert_eq!((task.proximal, task.serves), (0.5, Serves::Received));
    }
}

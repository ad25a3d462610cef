//! One model per coalition: its barycenter. Where devices' right answers differ, no single model can serve them all.
//! The coalitions are those of [`crate::coalition`]; the warm-up is this project's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Coalition, Grouping, RoundSketches, RoundUpdates, Shares, Strategy};
use crate::config::Formation;
use crate::ids::{CoalitionId, DeviceId};
use crate::params::Params;
use crate::view::SetAside;
use crate::wire::{Start, Task};

/// Each device starts from its coalition's barycenter; during the warm-up, and before it has a coalition, from the
/// global model.
#[derive(Debug)]
pub(super) struct CoalitionModels {
    grouping: Grouping,
}

impl CoalitionModels {
    pub(super) fn new(formation: Formation, initial: Arc<Params>) -> Self {
        Self {
            grouping: Grouping::new(formation, initial),
        }
    }
}

impl Strategy for CoalitionModels {
    fn task(&self, device: DeviceId) -> Task {
        Task {
            sketch: self.grouping.asks_for_sketches(),
            ..Task::from(Start::Model(Arc::clone(self.grouping.model_of(device))))
        }
    }

    fn close(&mut self, round: &RoundUpdates) {
        self.grouping.close(round);
    }

    fn form(&mut self, round: &RoundSketches) -> BTreeMap<DeviceId, CoalitionId> {
        self.grouping.form(round)
    }

    fn add(&mut self, device: DeviceId, weights: &Params) {
        self.grouping.add(device, weights);
    }

    fn settle(&mut self) {
        self.grouping.settle();
    }

    fn global(&self) -> &Arc<Params> {
        self.grouping.global()
    }

    fn global_shares(&self) -> Shares {
        self.grouping.global_shares()
    }

    fn set_aside(&self) -> Vec<SetAside> {
        self.grouping.set_aside()
    }

    fn coalitions(&self) -> &[Coalition] {
        self.grouping.coalitions()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{members, model, round, start};
    use super::*;

    fn strategy(warm_up: u32) -> CoalitionModels {
        let formation = Formation {
            k: 2,
            warm_up,
            ..Formation::with_warm_up()
        };
        CoalitionModels::new(formation, model(&[0.0, 0.0]))
    }

    #[test]
    fn the_warm_up_starts_everybody_from_the_global_model() {
        let mut strategy = strategy(2);
        let updates: [(u32, &[f32]); 4] = [
            (1, &[2.0, 0.0]),
            (1, &[0.0, 4.0]),
            (1, &[4.0, 0.0]),
            (1, &[0.0, 2.0]),
        ];
        strategy.close(&round(1, &updates));
        assert_eq!(members(strategy.coalitions()), [vec![1, 3], vec![2, 4]]);
        assert_eq!(start(&strategy, 1), [1.5, 1.5]);
        strategy.close(&round(2, &updates));
        assert_eq!(start(&strategy, 1), [3.0, 0.0]);
        assert_eq!(start(&strategy, 2), [0.0, 3.0]);
        assert_eq!(
            start(&strategy, 9),
            [1.5, 1.5],
            "a newcomer starts from the global model"
        );
    }

    #[test]
    fn a_newcomer_goes_where_its_first_delta_points() {
        let mut strategy = strategy(1);
        strategy.close(&round(1, &[(1, &[4.0, 0.0]), (1, &[0.0, 1.0])]));
        // Device 3 starts from the global model, [2, 0.5], and goes up: towards device 2's barycenter, although that
        // of device 1 is as near.
        let mut second = round(2, &[(1, &[4.0, 0.0]), (1, &[0.0, 1.0]), (1, &[1.8, 0.6])]);
        second.updates[2].start = Arc::clone(strategy.global());
        strategy.close(&second);
        assert_eq!(members(strategy.coalitions()), [vec![1], vec![2, 3]]);
    }
}

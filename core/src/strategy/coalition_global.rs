//! One global model from coalitions: the mean of their barycenters. Paper-like (reconstructed) from El Hanjri et al.
//! (arXiv 2401.12356); see [`crate::coalition`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Coalition, Grouping, RoundSketches, RoundUpdates, Shares, Strategy};
use crate::config::Formation;
use crate::ids::{CoalitionId, DeviceId};
use crate::params::Params;
use crate::view::SetAside;
use crate::wire::{Start, Task};

/// One model: the mean of the barycenters. With coalitions of the same size it is the plain mean of all weights; with
/// unequal ones a lone device has as much weight as a crowd, unless `weighting` says otherwise.
#[derive(Debug)]
pub(super) struct CoalitionGlobal {
    grouping: Grouping,
}

impl CoalitionGlobal {
    pub(super) fn new(formation: Formation, initial: Arc<Params>) -> Self {
        Self {
            grouping: Grouping::new(formation, initial),
        }
    }
}

impl Strategy for CoalitionGlobal {
    fn task(&self, _: DeviceId) -> Task {
        Task {
            sketch: self.grouping.asks_for_sketches(),
            ..Task::from(Start::Model(Arc::clone(self.grouping.global())))
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
    use super::super::coalition_of;
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
        let mut strategy = CoalitionGlobal::new(formation, model(&[0.0]));
        let updates = round(
            1,
            &[(100, &[1.0]), (100, &[2.0]), (100, &[3.0]), (600, &[100.0])],
        );
        strategy.close(&updates);
        assert_eq!(members(strategy.coalitions()), [vec![1, 2, 3], vec![4]]);
        let crowd = coalition_of(strategy.coalitions(), DeviceId(1)).unwrap();
        assert_eq!(crowd.center, DeviceId(2));
        assert!((crowd.spread - (2.0_f64 / 3.0).sqrt()).abs() < 1e-6);
        strategy.global().values()[0]
    }

    #[test]
    fn a_lone_device_counts_as_the_weighting_says() {
        assert_eq!(global(Weighting::Coalitions), 51.0);
        assert_eq!(global(Weighting::Size), 26.5);
        assert!((global(Weighting::Examples) - (300.0 * 2.0 + 600.0 * 100.0) / 900.0).abs() < 1e-4);
    }
}

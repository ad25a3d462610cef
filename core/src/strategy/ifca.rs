//! The Iterative Federated Clustering Algorithm: Ghosh, Chung, Yin and Ramchandran, "An Efficient Framework for
//! Clustered Federated Learning" (NeurIPS 2020), in its form that averages models.

use std::sync::Arc;

use super::clusters::Clusters;
use super::{Coalition, RoundUpdates, Strategy};
use crate::ids::DeviceId;
use crate::params::Params;
use crate::wire::{Start, Task};

/// K models, each begun at random by itself. All of them travel to every device, which trains the one with the least
/// loss on its training examples and says which. A cluster's model is the mean of what its devices sent, by number of
/// examples; one that nobody chose stays as it is.
#[derive(Debug)]
pub(super) struct Ifca {
    clusters: Clusters,
}

impl Ifca {
    /// `models`, at least one, are the initial ones.
    pub(super) fn new(models: Vec<Arc<Params>>) -> Self {
        let global = Arc::clone(&models[0]);
        Self {
            clusters: Clusters::new(models, global),
        }
    }
}

impl Strategy for Ifca {
    fn task(&self, _: DeviceId) -> Task {
        Start::BestOf(self.clusters.models().to_vec()).into()
    }

    fn close(&mut self, round: &RoundUpdates) {
        let picked = round.updates.iter().map(|update| update.report.picked);
        let indices: Vec<Option<usize>> = picked.map(|p| p.map(|p| p as usize)).collect();
        self.clusters.close(round, &indices);
    }

    fn global(&self) -> &Arc<Params> {
        self.clusters.global()
    }

    fn coalitions(&self) -> &[Coalition] {
        self.clusters.coalitions()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{members, model, round};
    use super::*;

    fn models(strategy: &Ifca) -> Vec<f32> {
        match strategy.task(DeviceId(1)).start {
            Start::BestOf(models) => models.iter().map(|m| m.values()[0]).collect(),
            other => panic!("devices choose: {other:?}"),
        }
    }

    fn close(strategy: &mut Ifca, number: u32, updates: &[(u32, f32, Option<u32>)]) {
        let weights: Vec<[f32; 1]> = updates.iter().map(|(_, w, _)| [*w]).collect();
        let plain: Vec<(u32, &[f32])> = updates
            .iter()
            .zip(&weights)
            .map(|((examples, _, _), w)| (*examples, &w[..]))
            .collect();
        let mut round = round(number, &plain);
        for (update, (_, _, picked)) in round.updates.iter_mut().zip(updates) {
            update.report.picked = *picked;
        }
        for device in 1..=5 {
            round.in_room.insert(DeviceId(device), None);
        }
        strategy.close(&round);
    }

    #[test]
    fn devices_say_whose_model_they_trained() {
        let mut strategy = Ifca::new(vec![model(&[-1.0]), model(&[0.0]), model(&[1.0])]);
        assert_eq!(models(&strategy), [-1.0, 0.0, 1.0]);
        close(
            &mut strategy,
            1,
            &[
                (1, 4.0, Some(2)),
                (3, 8.0, Some(2)),
                (1, -5.0, Some(0)),
                (9, 99.0, Some(3)),
                (9, 99.0, None),
            ],
        );
        assert_eq!(
            models(&strategy),
            [-5.0, 0.0, 7.0],
            "nobody chose the second"
        );
        assert_eq!(members(strategy.coalitions()), [vec![1, 2], vec![3]]);
        assert_eq!(strategy.global().values(), [(28.0 - 5.0) / 5.0]);
        // Devices 2 and 3 stay away; device 1 changes its mind.
        close(&mut strategy, 2, &[(1, 2.0, Some(1))]);
        assert_eq!(models(&strategy), [-5.0, 2.0, 7.0]);
        assert_eq!(members(strategy.coalitions()), [vec![1], vec![2], vec![3]]);
    }
}

//! Multi-center federated learning, federated stochastic expectation maximisation (FeSEM): Xie, Long, Shen, Zhou, Wang,
//! Jiang and Zhang, "Multi-Center Federated Learning" (arXiv 2005.01026, 2020; World Wide Web 2023).

use std::sync::Arc;

use super::clusters::Clusters;
use super::{Coalition, RoundUpdates, Strategy};
use crate::aggregate::squared_distance;
use crate::coalition::form;
use crate::config::{FirstCenters, Formation};
use crate::ids::DeviceId;
use crate::params::Params;
use crate::rng::{Purpose, Stream};
use crate::wire::{Start, Task};

/// K centers in the space of weights. A device belongs to the center that its weights are nearest to and starts from
/// it; a center becomes the mean of its devices' weights, by number of examples.
///
/// The first round starts everybody from the same model, and its weights, grouped with k-means++ centers and restarts,
/// give the first centers: as many as K, or as there are devices.
#[derive(Debug)]
pub(super) struct Fesem {
    k: u32,
    clusters: Clusters,
    /// Whether the centers have been found.
    begun: bool,
}

/// Groupings tried for the first centers.
const RESTARTS: u32 = 20;

impl Fesem {
    pub(super) fn new(k: u32, initial: Arc<Params>) -> Self {
        Self {
            k,
            clusters: Clusters::new(vec![Arc::clone(&initial)], initial),
            begun: false,
        }
    }

    fn first_assignment(&mut self, round: &RoundUpdates) -> Vec<Option<usize>> {
        let options = Formation {
            k: self.k,
            first_centers: FirstCenters::KMeansPlusPlus,
            restarts: RESTARTS,
            ..Formation::default()
        };
        let mut stream = Stream::new(round.seed, Purpose::Centers, round.round.0, 0);
        let formed = form(round.weights_gram(), &options, &mut stream);
        let mut indices = vec![None; round.updates.len()];
        for (at, members) in formed.members.iter().enumerate() {
            for &device in members {
                indices[device] = Some(at);
            }
        }
        let global = Arc::clone(self.clusters.global());
        let models = vec![Arc::clone(&global); formed.members.len()];
        self.clusters = Clusters::new(models, global);
        self.begun = true;
        indices
    }

    fn nearest(&self, weights: &Params) -> Option<usize> {
        let distances = self
            .clusters
            .models()
            .iter()
            .map(|center| squared_distance(weights, center));
        distances
            .enumerate()
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(at, _)| at)
    }
}

impl Strategy for Fesem {
    fn task(&self, device: DeviceId) -> Task {
        Start::Model(Arc::clone(self.clusters.model_of(device))).into()
    }

    fn close(&mut self, round: &RoundUpdates) {
        let indices = if self.begun {
            let updates = round.updates.iter();
            updates.map(|u| self.nearest(&u.weights)).collect()
        } else {
            self.first_assignment(round)
        };
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
    use super::super::testing::{members, model, round, start};
    use super::*;

    #[test]
    fn devices_go_to_the_nearest_center() {
        let mut strategy = Fesem::new(2, model(&[5.0]));
        assert_eq!(start(&strategy, 1), [5.0]);
        strategy.close(&round(
            1,
            &[(1, &[0.0]), (3, &[4.0]), (1, &[20.0]), (1, &[22.0])],
        ));
        assert_eq!(members(strategy.coalitions()), [vec![1, 2], vec![3, 4]]);
        assert_eq!(start(&strategy, 1), [3.0]);
        assert_eq!(start(&strategy, 3), [21.0]);
        let global = (3.0 * 4.0 + 21.0 * 2.0) / 6.0;
        assert_eq!(start(&strategy, 9), [global]);
        // Centers 3 and 21: device 3 comes over with 11, device 5 is new.
        let updates: [(u32, &[f32]); 5] = [
            (1, &[1.0]),
            (1, &[3.0]),
            (2, &[11.0]),
            (1, &[23.0]),
            (1, &[13.0]),
        ];
        strategy.close(&round(2, &updates));
        assert_eq!(members(strategy.coalitions()), [vec![1, 2, 3], vec![4, 5]]);
        assert_eq!(start(&strategy, 3), [26.0 / 4.0]);
        assert_eq!(start(&strategy, 5), [18.0]);
    }

    #[test]
    fn a_center_without_devices_stays() {
        let mut strategy = Fesem::new(2, model(&[5.0]));
        strategy.close(&round(1, &[(1, &[0.0]), (1, &[20.0])]));
        strategy.close(&round(2, &[(1, &[1.0]), (1, &[2.0])]));
        assert_eq!(members(strategy.coalitions()), [vec![1, 2]]);
        strategy.close(&round(3, &[(1, &[1.0]), (1, &[19.0])]));
        assert_eq!(members(strategy.coalitions()), [vec![1], vec![2]]);
    }
}

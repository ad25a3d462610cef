//! FL+HC: Briggs, Fan and Andras, "Federated Learning with Hierarchical Clustering of Local Updates to Improve Training
//! on Non-IID Data" (IJCNN 2020).

use std::sync::Arc;

use super::grouping::{named, update_features};
use super::{Coalition, FedAvg, Federations, RoundUpdates, Shares, Strategy};
use crate::coalition::{Agglomerative, Method, Until};
use crate::config::{DistanceKind, FlHcOptions, LayerScale, Metric};
use crate::distance::Gram;
use crate::ids::DeviceId;
use crate::params::Params;
use crate::rng::{Purpose, Stream};
use crate::wire::{Start, Task};

/// Some rounds of federated averaging; then the deltas of all devices are clustered, once, and every cluster is a
/// federation of its own from there on.
///
/// The paper's devices are all there when it clusters. Here one that was not joins a cluster by its first update.
#[derive(Debug)]
pub(super) struct FlHc {
    options: FlHcOptions,
    average: FedAvg,
    /// Without coalitions until devices have been clustered.
    federations: Federations,
    /// Rounds closed so far.
    rounds: u32,
}

impl FlHc {
    pub(super) fn new(options: FlHcOptions, initial: Arc<Params>) -> Self {
        Self {
            options,
            average: FedAvg::new(Arc::clone(&initial)),
            federations: Federations::new(initial),
            rounds: 0,
        }
    }

    fn is_clustered(&self) -> bool {
        !self.federations.coalitions().is_empty()
    }
}

impl Strategy for FlHc {
    fn task(&self, device: DeviceId) -> Task {
        let model = if self.is_clustered() {
            self.federations.model_of(device)
        } else {
            self.average.global()
        };
        Start::Model(Arc::clone(model)).into()
    }

    fn close(&mut self, round: &RoundUpdates) {
        self.rounds += 1;
        if self.rounds <= self.options.rounds_before {
            self.average.close(round);
            return;
        }
        let members = if self.is_clustered() {
            self.federations.members(round)
        } else {
            let options = &self.options;
            let method = Agglomerative {
                metric: options.metric,
                linkage: options.linkage,
                until: options.k.map_or(Until::Apart(options.threshold), |k| {
                    Until::Count(k as usize)
                }),
            };
            let kind = match options.metric {
                Metric::Euclidean => DistanceKind::Deltas,
                Metric::Cosine => DistanceKind::UnitDeltas,
            };
            let vectors = update_features(kind, LayerScale::Raw, round);
            let mut stream = Stream::new(round.seed, Purpose::Centers, round.round.0, 0);
            let devices: Vec<DeviceId> = round.updates.iter().map(|u| u.device).collect();
            let formed = method.form(&Gram::of(vectors.as_ref()), &mut stream);
            named(&formed, &devices, &Vec::new())
        };
        self.federations.close(round, members);
    }

    fn global(&self) -> &Arc<Params> {
        if self.is_clustered() {
            self.federations.global()
        } else {
            self.average.global()
        }
    }

    fn global_shares(&self) -> Shares {
        if self.is_clustered() {
            self.federations.global_shares()
        } else {
            self.average.global_shares()
        }
    }

    fn coalitions(&self) -> &[Coalition] {
        self.federations.coalitions()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{members, model, round, start};
    use super::*;

    const UPDATES: [(u32, &[f32]); 4] = [
        (1, &[2.0, 0.0]),
        (3, &[4.0, 0.0]),
        (1, &[0.0, 9.0]),
        (1, &[0.0, 7.0]),
    ];

    fn strategy(options: FlHcOptions) -> FlHc {
        FlHc::new(options, model(&[0.0, 0.0]))
    }

    #[test]
    fn after_some_rounds_every_cluster_is_a_federation() {
        let mut strategy = strategy(FlHcOptions {
            rounds_before: 1,
            ..FlHcOptions::default()
        });
        strategy.close(&round(1, &UPDATES));
        assert_eq!(members(strategy.coalitions()), Vec::<Vec<u32>>::new());
        let mean = [14.0 / 6.0, 16.0 / 6.0];
        assert_eq!(start(&strategy, 1), mean);
        assert_eq!(strategy.global().values(), mean);
        strategy.close(&round(2, &UPDATES));
        assert_eq!(members(strategy.coalitions()), [vec![1, 2], vec![3, 4]]);
        assert_eq!(start(&strategy, 1), [3.5, 0.0]);
        assert_eq!(start(&strategy, 3), [0.0, 8.0]);
        // Device 1 now looks like the others, but stays; device 5 is new and goes up.
        let updates: [(u32, &[f32]); 5] = [
            (1, &[0.0, 8.0]),
            (3, &[4.0, 0.0]),
            (1, &[0.0, 9.0]),
            (1, &[0.0, 7.0]),
            (2, &[0.0, 10.0]),
        ];
        strategy.close(&round(3, &updates));
        assert_eq!(members(strategy.coalitions()), [vec![1, 2], vec![3, 4, 5]]);
        assert_eq!(start(&strategy, 1), [3.0, 2.0]);
        assert_eq!(start(&strategy, 5), [0.0, 9.0]);
    }

    #[test]
    fn deltas_count_and_not_weights() {
        let mut strategy = strategy(FlHcOptions {
            rounds_before: 0,
            k: Some(2),
            ..FlHcOptions::default()
        });
        let mut first = round(1, &UPDATES);
        for (update, from) in
            first
                .updates
                .iter_mut()
                .zip([[0.0, 0.0], [4.0, -2.0], [-2.0, 9.0], [0.0, 5.0]])
        {
            update.start = model(&from);
        }
        // Right, up, right, up.
        strategy.close(&first);
        assert_eq!(members(strategy.coalitions()), [vec![1, 3], vec![2, 4]]);
    }

    #[test]
    fn the_metric_is_an_option() {
        // By length the short delta of device 3 belongs to the first two.
        let updates: [(u32, &[f32]); 4] = [
            (1, &[2.0, 0.0]),
            (1, &[3.0, 0.0]),
            (1, &[0.0, 1.0]),
            (1, &[0.0, 9.0]),
        ];
        let found = |metric| {
            let mut strategy = strategy(FlHcOptions {
                rounds_before: 0,
                metric,
                k: Some(2),
                ..FlHcOptions::default()
            });
            strategy.close(&round(1, &updates));
            members(strategy.coalitions())
        };
        assert_eq!(found(Metric::Euclidean), [vec![1, 2, 3], vec![4]]);
        assert_eq!(found(Metric::Cosine), [vec![1, 2], vec![3, 4]]);
    }
}

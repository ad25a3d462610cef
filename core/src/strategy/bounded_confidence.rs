//! One model per coalition, with coalitions by bounded confidence: see [`crate::coalition::BoundedConfidence`] for the
//! method and its sources.

use std::sync::Arc;

use super::{Coalition, Grouping, RoundUpdates, Strategy};
use crate::coalition;
use crate::config::{BoundedConfidenceOptions, DistanceKind, Formation, Weighting};
use crate::ids::DeviceId;
use crate::params::Params;
use crate::wire::{Start, Task};

/// Each device starts from its coalition's barycenter; during the warm-up, and before it has a coalition, from the
/// global model, which is the mean of the barycenters by number of members.
///
/// Opinions begin at the means of the warm-up's unit-length deltas; where there is no warm-up, and where coalitions form
/// anew after it, at the weights.
#[derive(Debug)]
pub(super) struct BoundedConfidence {
    grouping: Grouping,
}

impl BoundedConfidence {
    pub(super) fn new(options: &BoundedConfidenceOptions, initial: Arc<Params>) -> Self {
        let on_deltas = options.warm_up > 0 && options.reform_every.is_none();
        let formation = Formation {
            distance: if on_deltas {
                DistanceKind::UnitDeltas
            } else {
                DistanceKind::Weights
            },
            weighting: Weighting::Size,
            warm_up: options.warm_up,
            reform_every: options.reform_every,
            ..Formation::default()
        };
        let method = coalition::BoundedConfidence {
            metric: options.metric,
            confidence: options.radius(),
            max_iterations: options.max_iterations,
        };
        Self {
            grouping: Grouping::with_method(formation, Box::new(method), initial),
        }
    }
}

impl Strategy for BoundedConfidence {
    fn task(&self, device: DeviceId) -> Task {
        Start::Model(Arc::clone(self.grouping.model_of(device))).into()
    }

    fn close(&mut self, round: &RoundUpdates) {
        self.grouping.close(round);
    }

    fn global(&self) -> &Arc<Params> {
        self.grouping.global()
    }

    fn coalitions(&self) -> &[Coalition] {
        self.grouping.coalitions()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{members, model, round, start};
    use super::*;
    use crate::config::Metric;

    fn strategy(metric: Metric, warm_up: u32) -> BoundedConfidence {
        let options = BoundedConfidenceOptions {
            metric,
            confidence: Some(0.5),
            warm_up,
            ..BoundedConfidenceOptions::default()
        };
        BoundedConfidence::new(&options, model(&[0.0, 0.0]))
    }

    const UPDATES: [(u32, &[f32]); 5] = [
        (1, &[2.0, 0.0]),
        (1, &[9.0, 1.0]),
        (1, &[0.0, 2.0]),
        (1, &[1.0, 7.0]),
        (1, &[3.0, 0.0]),
    ];

    /// By length devices 1, 3 and 5 are near to each other; by angle 1, 2 and 5, and 3 and 4.
    #[test]
    fn opinions_begin_at_the_weights_or_at_their_directions() {
        let mut by_length = strategy(Metric::Euclidean, 0);
        by_length.close(&round(1, &UPDATES));
        assert_eq!(
            members(by_length.coalitions()),
            [vec![1, 3, 5], vec![2], vec![4]]
        );
        let mut by_angle = strategy(Metric::Cosine, 0);
        by_angle.close(&round(1, &UPDATES));
        assert_eq!(members(by_angle.coalitions()), [vec![1, 2, 5], vec![3, 4]]);
        assert_eq!(start(&by_angle, 3), [0.5, 4.5]);
        assert_eq!(start(&by_angle, 9), [3.0, 2.0]);
    }

    #[test]
    fn the_radius_left_out_is_the_same_for_both_metrics() {
        let radius = |metric, confidence| {
            BoundedConfidenceOptions {
                metric,
                confidence,
                ..BoundedConfidenceOptions::default()
            }
            .radius()
        };
        let (length, angle) = (
            radius(Metric::Euclidean, None),
            radius(Metric::Cosine, None),
        );
        // 1 − cos is half the square of a length.
        assert!((angle - length * length).abs() < 1e-12);
        assert_eq!(radius(Metric::Cosine, Some(0.3)), 0.3);
    }

    #[test]
    fn in_the_warm_up_directions_decide() {
        let mut strategy = strategy(Metric::Euclidean, 2);
        strategy.close(&round(1, &UPDATES));
        assert_eq!(start(&strategy, 3), start(&strategy, 1));
        strategy.close(&round(2, &UPDATES));
        assert_eq!(members(strategy.coalitions()), [vec![1, 2, 5], vec![3, 4]]);
        assert_eq!(start(&strategy, 3), [0.5, 4.5]);
    }
}

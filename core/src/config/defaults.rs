//! The default of every value: a room needs no configuration.

use super::{
    Aggregation, ArmConfig, DataConfig, DistanceKind, Encodings, FirstCenters, Formation,
    GroupKind, Groups, LayerScale, OursOptions, PacingConfig, Partition, Resting, Rule, RunConfig,
    SlowDevices, StrategyConfig, TrainingConfig, Weighting,
};
use crate::data::DatasetName;
use crate::model::ModelConfig;

/// FedProx's pull: one of those that its authors try, and a gentle one.
pub(super) fn mu() -> f64 {
    0.01
}

/// Clusters of methods that must be told their number: as many as the default run has hidden groups.
pub(super) fn clusters() -> u32 {
    4
}

impl Default for RunConfig {
    /// The default run of a room: four hidden rotation groups that plain averaging cannot serve.
    fn default() -> Self {
        let arm = |strategy| ArmConfig {
            name: String::new(),
            strategy,
        };
        Self {
            seed: 7,
            rounds: 30,
            model: ModelConfig::default(),
            data: DataConfig::default(),
            training: TrainingConfig::default(),
            pacing: PacingConfig::default(),
            arms: vec![
                arm(StrategyConfig::LocalOnly {}),
                arm(StrategyConfig::FedAvg {}),
                arm(StrategyConfig::CoalitionGlobal {
                    formation: Formation::default(),
                }),
                arm(StrategyConfig::CoalitionModels {
                    formation: Formation::with_warm_up(),
                }),
            ],
            encodings: Encodings::default(),
        }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            dataset: DatasetName::MnistSmall,
            partition: Partition::Dirichlet { alpha: 0.5 },
            groups: Some(Groups::equal(4, GroupKind::Rotation)),
            examples: 400,
            spread: 0.0,
            held_out: 100,
            validation: 0,
            balanced_per_label: 50,
            table: None,
        }
    }
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 2,
            batch: 20,
            learning_rate: 0.05,
            momentum: 0.0,
            weight_decay: 0.0,
        }
    }
}

impl Default for PacingConfig {
    fn default() -> Self {
        Self {
            min_devices: 2,
            start_at: None,
            deadline_ms: 30_000,
            pace_ms: 1_000,
            participation: None,
            slow_devices: SlowDevices::default(),
        }
    }
}

impl Default for Formation {
    fn default() -> Self {
        Self {
            k: 4,
            first_centers: FirstCenters::Random,
            distance: DistanceKind::Weights,
            layers: LayerScale::Raw,
            weighting: Weighting::Coalitions,
            warm_up: 0,
            reform_every: Some(1),
            freeze_after: None,
            min_size: 1,
            restarts: 1,
            max_iterations: 20,
            sketches: None,
            barycenters: None,
            global: None,
            full_vote: None,
        }
    }
}

impl Default for Aggregation {
    fn default() -> Self {
        Self {
            rule: Rule::GeometricMedian,
            bad: 0.2,
        }
    }
}

impl Default for Resting {
    fn default() -> Self {
        Self {
            after: 3,
            share: 0.5,
        }
    }
}

impl Default for OursOptions {
    fn default() -> Self {
        Self {
            warm_up: 6,
            agreement: 0.78,
            trial: 6,
            judge_every: 10,
        }
    }
}

impl Formation {
    /// The default where every coalition has its own model: coalitions form on three rounds of deltas and then stay.
    #[must_use]
    pub fn with_warm_up() -> Self {
        Self {
            first_centers: FirstCenters::KMeansPlusPlus,
            distance: DistanceKind::UnitDeltas,
            warm_up: 3,
            reform_every: None,
            restarts: 20,
            ..Self::default()
        }
    }
}

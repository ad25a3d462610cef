//! What a run is made of: raw configuration as people write it, and the checked form that everything else takes.
//!
//! [`RunConfig`] has a default for every field, so `{}` is a whole configuration.
//! [`RunConfig::check`] is the only way to a [`CheckedConfig`].

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::data::DatasetName;
use crate::model::ModelConfig;

/// Everything a run can be repeated from, together with who took part in each round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// Source of all randomness of the run.
    pub seed: u32,
    /// Number of rounds, 1 to [`limits::ROUNDS`].
    pub rounds: u32,
    /// The model every arm trains.
    pub model: ModelConfig,
    /// Which examples a device has.
    pub data: DataConfig,
    /// What a device does in a round.
    pub training: TrainingConfig,
    /// When a round opens and closes.
    pub pacing: PacingConfig,
    /// The strategies that are compared, 1 to [`limits::ARMS`].
    pub arms: Vec<ArmConfig>,
}

/// Data set, partition and hidden groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Where the examples come from.
    pub dataset: DatasetName,
    /// How labels are spread over devices.
    pub partition: Partition,
    /// Hidden groups of devices whose right answers differ; `null` for none.
    pub groups: Option<Groups>,
    /// Training examples per device.
    pub examples: u32,
    /// Held-out examples per device, with the device's own mix of labels, on top of `examples`.
    pub held_out: u32,
    /// Test examples per label in the balanced view.
    pub balanced_per_label: u32,
}

/// How labels are spread over devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Partition {
    /// Every device has every label equally often.
    Iid {},
    /// Each device draws its mix of labels from a symmetric Dirichlet distribution (Hsu et al. 2019).
    Dirichlet {
        /// Concentration: small values give devices few labels each.
        alpha: f64,
    },
    /// Each device has examples of just a few labels (McMahan et al. 2017).
    Shards {
        /// Number of different labels a device has.
        labels_per_device: u32,
    },
}

/// Hidden groups with a known right answer: slot `s` belongs to group `s mod count`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Number of groups.
    pub count: u32,
    /// What sets the groups apart.
    pub kind: GroupKind,
}

/// What sets hidden groups apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// Group g sees every image turned by g quarter turns (2 groups: half turns).
    Rotation,
    /// Group 0 keeps its labels; every other group has all labels swapped in pairs of its own, drawn from the seed.
    LabelSwap,
}

/// What a device does in a round: plain SGD over its examples, shuffled by seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// Passes over the device's examples.
    pub epochs: u32,
    /// Examples per step.
    pub batch: u32,
    /// Step size.
    pub learning_rate: f64,
    /// Classical momentum, 0 for none.
    pub momentum: f64,
    /// L2 penalty added to the gradient, 0 for none.
    pub weight_decay: f64,
}

/// When a run starts, and a round opens and closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct PacingConfig {
    /// A round opens when at least so many devices are connected, and its deadline closes it only with so many updates.
    pub min_devices: u32,
    /// The run starts by itself when so many devices are connected; `null` waits for the desk.
    pub start_at: Option<u32>,
    /// Longest time a round waits for its cohort, in milliseconds.
    pub deadline_ms: u32,
    /// Least time from one round's opening to the next one's, in milliseconds, so that people can watch.
    pub pace_ms: u32,
}

/// One arm: a strategy with its own models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct ArmConfig {
    /// Name of the arm; left out, the strategy's.
    #[serde(default)]
    pub name: String,
    /// What turns a round's updates into the next round's models.
    pub strategy: StrategyConfig,
}

/// What turns a round's updates into the next round's models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StrategyConfig {
    /// Every device goes on from its own weights, which never leave it.
    LocalOnly {},
    /// One model: the mean of all weights by number of examples.
    FedAvg {},
    /// One model: the mean of the coalitions' barycenters.
    CoalitionGlobal {
        /// How coalitions form.
        #[serde(default)]
        formation: Formation,
    },
    /// One model per coalition: its barycenter.
    CoalitionModels {
        /// How coalitions form.
        #[serde(default = "Formation::with_warm_up")]
        formation: Formation,
    },
}

/// How coalitions form. The default is the paper-like reconstruction: K random centers, Euclidean distance between
/// weights, formed anew every round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct Formation {
    /// Number of coalitions asked for; fewer where there are fewer devices.
    pub k: u32,
    /// How the first centers are chosen.
    pub first_centers: FirstCenters,
    /// Between what the distance is taken.
    pub distance: DistanceKind,
    /// Whether layers count as they are or each by its own norm.
    pub layers: LayerScale,
    /// What each coalition counts in the global model.
    pub weighting: Weighting,
    /// For so many rounds every device starts from the global model while coalitions form on the unit-length deltas
    /// added up so far.
    pub warm_up: u32,
    /// Coalitions form anew every so many rounds; `null` keeps the first ones (those at the end of the warm-up).
    pub reform_every: Option<u32>,
    /// Coalitions stay as they are once so many formations in a row gave the same; `null` never.
    pub freeze_after: Option<u32>,
    /// Smaller coalitions are dissolved and their members join the nearest one.
    pub min_size: u32,
    /// Formations tried with different first centers; the one with the least distance within coalitions is kept.
    pub restarts: u32,
    /// Passes of assignment and new centers before a formation that does not settle is taken as it is.
    pub max_iterations: u32,
}

/// How the first centers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum FirstCenters {
    /// Distinct devices, each as likely as the other.
    Random,
    /// k-means++ (Arthur and Vassilvitskii 2007): far from the centers chosen so far, by squared distance.
    KMeansPlusPlus,
}

/// Between what the distance of two devices is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum DistanceKind {
    /// Weights.
    Weights,
    /// Weights minus the model the device started from.
    Deltas,
    /// Deltas scaled to length 1.
    UnitDeltas,
}

/// Whether layers count as they are or each by its own norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum LayerScale {
    /// As they are: layers with large numbers decide.
    Raw,
    /// Each tensor divided by the root mean square, over the devices, of its norm.
    ByNorm,
}

/// What each coalition counts in the global model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// Every coalition the same: a lone device counts as much as a crowd.
    Coalitions,
    /// By number of members.
    Size,
    /// By number of the members' examples.
    Examples,
}

/// Largest accepted values. Each has a test one past it.
pub mod limits {
    /// Rounds of a run.
    pub const ROUNDS: u32 = 100_000;
    /// Arms of a run.
    pub const ARMS: usize = 8;
    /// Bytes of an arm's name.
    pub const ARM_NAME: usize = 40;
    /// Training, or held-out, examples of a device.
    pub const EXAMPLES: u32 = 20_000;
    /// Test examples per label in the balanced view.
    pub const BALANCED_PER_LABEL: u32 = 1_000;
    /// Epochs of a round.
    pub const EPOCHS: u32 = 100;
    /// Examples of a step.
    pub const BATCH: u32 = 1_024;
    /// Deadline and pace, in milliseconds: one hour.
    pub const WAIT_MS: u32 = 3_600_000;
    /// Coalitions asked for.
    pub const COALITIONS: u32 = 1_000;
    /// Restarts of a formation.
    pub const RESTARTS: u32 = 1_000;
    /// Passes of a formation.
    pub const ITERATIONS: u32 = 10_000;
    /// Hidden layers, and units in one.
    pub const HIDDEN_LAYERS: usize = 8;
    /// Units of a hidden layer.
    pub const HIDDEN_UNITS: u32 = 4_096;
    /// Devices of a room.
    pub const DEVICES: u32 = 2_000;
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
        }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            dataset: DatasetName::MnistSmall,
            partition: Partition::Dirichlet { alpha: 0.5 },
            groups: Some(Groups {
                count: 4,
                kind: GroupKind::Rotation,
            }),
            examples: 400,
            held_out: 100,
            balanced_per_label: 50,
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

impl StrategyConfig {
    /// The strategy's name, as in the configuration.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LocalOnly {} => "local_only",
            Self::FedAvg {} => "fed_avg",
            Self::CoalitionGlobal { .. } => "coalition_global",
            Self::CoalitionModels { .. } => "coalition_models",
        }
    }

    /// Whether devices send their weights for it.
    #[must_use]
    pub fn uploads(&self) -> bool {
        !matches!(self, Self::LocalOnly {})
    }

    fn formation(&self) -> Option<&Formation> {
        match self {
            Self::CoalitionGlobal { formation } | Self::CoalitionModels { formation } => {
                Some(formation)
            }
            Self::LocalOnly {} | Self::FedAvg {} => None,
        }
    }
}

/// A configuration that cannot be run, and what would be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field} is {value}; allowed: {allowed}")]
pub struct ConfigError {
    /// Path of the field, as in `training.batch`.
    pub field: String,
    /// What it says.
    pub value: String,
    /// What it may say.
    pub allowed: String,
}

/// A configuration that has been checked. Reads as a [`RunConfig`]; cannot be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedConfig(RunConfig);

impl Deref for CheckedConfig {
    type Target = RunConfig;

    fn deref(&self) -> &RunConfig {
        &self.0
    }
}

impl CheckedConfig {
    /// The same run with another seed, which needs no new check.
    #[must_use]
    pub fn with_seed(&self, seed: u32) -> Self {
        Self(RunConfig {
            seed,
            ..self.0.clone()
        })
    }
}

impl RunConfig {
    /// Checks every value and fills in the arms' names.
    ///
    /// # Errors
    /// The first value that is out of range, with what is allowed.
    pub fn check(mut self) -> Result<CheckedConfig, ConfigError> {
        range("rounds", self.rounds, 1, limits::ROUNDS)?;
        self.model.check(self.data.dataset)?;
        self.data.check()?;
        self.training.check()?;
        self.pacing.check()?;
        check_arms(&mut self.arms)?;
        Ok(CheckedConfig(self))
    }
}

impl DataConfig {
    fn check(&self) -> Result<(), ConfigError> {
        range("data.examples", self.examples, 1, limits::EXAMPLES)?;
        range("data.held_out", self.held_out, 1, limits::EXAMPLES)?;
        range(
            "data.balanced_per_label",
            self.balanced_per_label,
            1,
            limits::BALANCED_PER_LABEL,
        )?;
        let classes = self.dataset.classes();
        match self.partition {
            Partition::Iid {} => {}
            Partition::Dirichlet { alpha } => {
                require(
                    alpha.is_finite() && (0.001..=1e6).contains(&alpha),
                    "data.partition.alpha",
                    alpha,
                    "0.001 to 1000000",
                )?;
            }
            Partition::Shards { labels_per_device } => {
                range(
                    "data.partition.labels_per_device",
                    labels_per_device,
                    1,
                    classes,
                )?;
            }
        }
        match self.groups {
            None => Ok(()),
            Some(Groups {
                count,
                kind: GroupKind::Rotation,
            }) => require(
                matches!(count, 1 | 2 | 4),
                "data.groups.count",
                count,
                "1, 2 or 4 for rotation",
            ),
            Some(Groups {
                count,
                kind: GroupKind::LabelSwap,
            }) => range("data.groups.count", count, 1, classes),
        }
    }
}

impl TrainingConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        range("training.epochs", self.epochs, 1, limits::EPOCHS)?;
        range("training.batch", self.batch, 1, limits::BATCH)?;
        let rate = self.learning_rate;
        require(
            rate.is_finite() && rate > 0.0 && rate <= 10.0,
            "training.learning_rate",
            rate,
            "above 0, up to 10",
        )?;
        require(
            (0.0..1.0).contains(&self.momentum),
            "training.momentum",
            self.momentum,
            "0 to below 1",
        )?;
        require(
            (0.0..=1.0).contains(&self.weight_decay),
            "training.weight_decay",
            self.weight_decay,
            "0 to 1",
        )
    }
}

impl PacingConfig {
    fn check(&self) -> Result<(), ConfigError> {
        range("pacing.min_devices", self.min_devices, 1, limits::DEVICES)?;
        if let Some(start_at) = self.start_at {
            range(
                "pacing.start_at",
                start_at,
                self.min_devices,
                limits::DEVICES,
            )?;
        }
        range("pacing.deadline_ms", self.deadline_ms, 100, limits::WAIT_MS)?;
        range("pacing.pace_ms", self.pace_ms, 0, limits::WAIT_MS)
    }
}

fn check_arms(arms: &mut [ArmConfig]) -> Result<(), ConfigError> {
    require(
        (1..=limits::ARMS).contains(&arms.len()),
        "arms",
        format!("a list of {}", arms.len()),
        "1 to 8 arms",
    )?;
    let mut names = BTreeSet::new();
    for (i, arm) in arms.iter_mut().enumerate() {
        if arm.name.is_empty() {
            arm.name = arm.strategy.kind().to_owned();
        }
        let plain = arm
            .name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        require(
            plain && arm.name.len() <= limits::ARM_NAME,
            &format!("arms[{i}].name"),
            format!("{:?}", arm.name),
            "up to 40 letters, digits, _ and -",
        )?;
        require(
            names.insert(arm.name.clone()),
            &format!("arms[{i}].name"),
            format!("{:?}", arm.name),
            "a name of its own",
        )?;
        if let Some(formation) = arm.strategy.formation() {
            formation.check(&format!("arms[{i}].strategy.formation"))?;
        }
    }
    Ok(())
}

impl Formation {
    fn check(&self, path: &str) -> Result<(), ConfigError> {
        range(&format!("{path}.k"), self.k, 1, limits::COALITIONS)?;
        range(&format!("{path}.warm_up"), self.warm_up, 0, limits::ROUNDS)?;
        if let Some(rounds) = self.reform_every {
            range(&format!("{path}.reform_every"), rounds, 1, limits::ROUNDS)?;
        }
        if let Some(formations) = self.freeze_after {
            range(
                &format!("{path}.freeze_after"),
                formations,
                1,
                limits::ROUNDS,
            )?;
        }
        range(
            &format!("{path}.min_size"),
            self.min_size,
            1,
            limits::DEVICES,
        )?;
        range(
            &format!("{path}.restarts"),
            self.restarts,
            1,
            limits::RESTARTS,
        )?;
        range(
            &format!("{path}.max_iterations"),
            self.max_iterations,
            1,
            limits::ITERATIONS,
        )
    }
}

pub(crate) fn range(field: &str, value: u32, least: u32, most: u32) -> Result<(), ConfigError> {
    require(
        (least..=most).contains(&value),
        field,
        value,
        format!("{least} to {most}"),
    )
}

pub(crate) fn require(
    ok: bool,
    field: &str,
    value: impl Display,
    allowed: impl Into<String>,
) -> Result<(), ConfigError> {
    if ok {
        Ok(())
    } else {
        Err(ConfigError {
            field: field.to_owned(),
            value: value.to_string(),
            allowed: allowed.into(),
        })
    }
}

#[cfg(test)]
mod tests;

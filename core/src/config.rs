//! What a run is made of: raw configuration as people write it, and the checked form that everything else takes.
//!
//! [`RunConfig`] has a default for every field, so `{}` is a whole configuration.
//! [`RunConfig::check`] is the only way to a [`CheckedConfig`].

mod check;
mod defaults;
pub mod limits;

use serde::{Deserialize, Serialize};

use crate::data::DatasetName;
use crate::model::ModelConfig;

pub use check::{CheckedConfig, ConfigError};
pub(crate) use check::{range, require};

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
    /// Each device has the examples of one person: slot `s` those of person `s` modulo the number of people, in the
    /// order of their numbers. Only for `watch`, whose 10 people are known.
    Person {},
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
    /// One model until groups show, then one per group, tried before it is trusted; see [`crate::strategy`].
    Ours(OursOptions),
}

/// Options of this project's own strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct OursOptions {
    /// Rounds of the one model before coalitions are looked for.
    pub warm_up: u32,
    /// Cosine of two devices' output rows from which on they agree about a label.
    pub agreement: f64,
    /// Rounds in which coalitions are tried against the one model.
    pub trial: u32,
    /// After the trial devices judge all models every so many rounds.
    pub judge_every: u32,
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
    /// By number of members whose updates arrived.
    Size,
    /// By number of the members' examples.
    Examples,
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
            Self::Ours(_) => "ours",
        }
    }

    /// Whether devices send their weights for it.
    #[must_use]
    pub fn uploads(&self) -> bool {
        !matches!(self, Self::LocalOnly {})
    }

    /// Whether devices may be asked to train a second model for it.
    #[must_use]
    pub fn trains_beside(&self) -> bool {
        matches!(self, Self::Ours(_))
    }

    fn formation(&self) -> Option<&Formation> {
        match self {
            Self::CoalitionGlobal { formation } | Self::CoalitionModels { formation } => {
                Some(formation)
            }
            Self::LocalOnly {} | Self::FedAvg {} | Self::Ours(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;

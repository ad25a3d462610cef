//! What a run is made of: raw configuration as people write it, and the checked form that everything else takes.
//!
//! [`RunConfig`] has a default for every field, so `{}` is a whole configuration.
//! [`RunConfig::check`] is the only way to a [`CheckedConfig`].

mod aggregation;
mod check;
mod defaults;
mod formation;
pub mod limits;
mod methods;

use serde::{Deserialize, Serialize};

use crate::data::{DatasetName, Shape, TableConfig};
use crate::encoding::Encoding;
use crate::ids::Slot;
use crate::model::ModelConfig;
use crate::rng::{Purpose, Stream};

pub use aggregation::{Aggregation, Rule};
pub use check::{CheckedConfig, ConfigError};
pub(crate) use check::{range, require};
pub use formation::{
    DistanceKind, FirstCenters, Formation, LayerScale, Resting, Sketches, Weighting,
};
pub use methods::{BoundedConfidenceOptions, CflOptions, FlHcOptions, Linkage, Metric};

/// Everything a run can be repeated from, together with who took part in each round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// How models cross the wire.
    pub encodings: Encodings,
}

/// How models cross the wire. A device that does not say that it knows an encoding gets, and sends, plain weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Encodings {
    /// From devices to the room.
    pub up: Encoding,
    /// From the room to devices.
    pub down: Encoding,
}

/// Data set, partition and hidden groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Devices' numbers of training examples are spread around `examples` with this standard deviation of their
    /// logarithm; with 0 all have as many.
    pub spread: f64,
    /// Held-out examples per device, with the device's own mix of labels, on top of `examples`.
    pub held_out: u32,
    /// Examples by which a device chooses between models, with its own mix of labels, on top of the others.
    pub validation: u32,
    /// Test examples per label in the balanced view.
    pub balanced_per_label: u32,
    /// What a row holds, where every device brings a table of its own; left out where there is a data set.
    ///
    /// `dataset`, `partition`, `spread` and `balanced_per_label` are for data sets alone. Of a device's rows so many parts
    /// are for training, held out and for validation as `examples`, `held_out` and `validation` stand to each other. There
    /// are no rows that all devices have in common, so both views measure a device on its own held-out rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub table: Option<TableConfig>,
}

/// How labels are spread over devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

/// Hidden groups with a known right answer: slot `s` belongs to group `s mod count`, unless there are `sizes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Number of groups.
    pub count: u32,
    /// What sets the groups apart.
    pub kind: GroupKind,
    /// Devices of each group: the first slots are of group 0, the next of group 1; slots past the last start over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<u32>>,
    /// For `label_swap`: every group, the first one too, swaps just so many pairs of labels, those of one group after
    /// those of the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<u32>,
}

/// What sets hidden groups apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

impl TrainingConfig {
    /// Mini-batches that a device with so many examples trains on in a round, when its plan is halved so many times. One
    /// at least, where there are examples.
    #[must_use]
    pub fn steps(&self, examples: u32, halvings: u32) -> u32 {
        let whole = examples.div_ceil(self.batch) * self.epochs;
        whole.div_ceil(1 << halvings.min(limits::HALVINGS))
    }
}

/// When a run starts, and a round opens and closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Who is asked in a training round; left out, everybody who is connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub participation: Option<Participation>,
    /// What devices are asked for that are not done in time.
    pub slow_devices: SlowDevices,
}

/// What devices are asked for that are not done when a round's deadline comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SlowDevices {
    /// Half of the steps in their next round, as often as it takes, and twice as many again once they have time.
    #[default]
    ShorterPlan,
    /// The same as everybody else.
    FullPlan,
}

/// A part of the devices in each training round (McMahan et al. 2017). The closing evaluation asks everybody.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Participation {
    /// Part of the connected devices that is asked, above 0, up to 1; rounded up to whole devices, and never fewer than
    /// `min_devices`.
    pub fraction: f64,
    /// The most that are asked, at least `min_devices`; left out, as many as that part is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub max_devices: Option<u32>,
    /// Which of them.
    pub order: Order,
}

/// Which devices are asked, where not all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Each as likely as the other, drawn anew for every round.
    Random,
    /// Those that said they train the most examples per second; equal ones are drawn.
    CapableFirst,
}

/// One arm: a strategy with its own models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StrategyConfig {
    /// Every device goes on from its own weights, which never leave it.
    LocalOnly {},
    /// One model: the mean of all weights by number of examples.
    FedAvg {},
    /// `fed_avg`, whose model every device trains for one round's local training before it serves it.
    FedAvgFineTune {},
    /// `fed_avg`, with a pull towards the model that a device starts from.
    FedProx {
        /// Half of it times the squared distance to the start is added to the loss.
        #[serde(default = "defaults::mu")]
        mu: f64,
    },
    /// One model, which a few bad ones among the devices' weights cannot pull far.
    RobustAverage(Aggregation),
    /// One model; every device's gradient is corrected by how the others' gradients differ from its own.
    Scaffold {},
    /// One model per hidden group, which no other strategy knows: the ceiling.
    OracleGroups {},
    /// One model per cluster; a device chooses the one with the least loss on its training examples.
    Ifca {
        /// Number of models, which all travel to every device.
        #[serde(default = "defaults::clusters")]
        k: u32,
    },
    /// One model per center; a device belongs to the center that its weights are nearest to.
    Fesem {
        /// Number of centers.
        #[serde(default = "defaults::clusters")]
        k: u32,
    },
    /// One model per cluster; clusters split in two when their members no longer agree.
    Cfl(CflOptions),
    /// One model per cluster, found once by hierarchical clustering.
    FlHc(FlHcOptions),
    /// One model per coalition; devices are together whose opinions end together.
    BoundedConfidence(BoundedConfidenceOptions),
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

impl ArmConfig {
    /// The arm's name: its own, or its strategy's.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.name.is_empty() {
            self.strategy.kind()
        } else {
            &self.name
        }
    }
}

impl Groups {
    /// As many groups of the same size.
    #[must_use]
    pub fn equal(count: u32, kind: GroupKind) -> Self {
        Self {
            count,
            kind,
            sizes: None,
            pairs: None,
        }
    }

    /// The group of a slot.
    #[must_use]
    pub fn of(&self, slot: Slot) -> u32 {
        let Some(sizes) = &self.sizes else {
            return slot.0 % self.count.max(1);
        };
        let mut left = slot.0 % sizes.iter().sum::<u32>().max(1);
        let holds = sizes.iter().position(|&size| {
            let here = left < size;
            left = left.saturating_sub(size);
            here
        });
        holds.unwrap_or_default() as u32
    }
}

impl DataConfig {
    /// Number of training examples of a slot.
    #[must_use]
    pub fn examples_of(&self, seed: u32, slot: Slot) -> u32 {
        if self.spread == 0.0 {
            return self.examples;
        }
        let mut stream = Stream::new(seed, Purpose::Quantity, slot.0, 0);
        let factor = libm::exp(self.spread * stream.normal());
        let least = limits::LEAST_SPREAD.min(self.examples);
        (libm::round(f64::from(self.examples) * factor) as u32).clamp(least, limits::EXAMPLES)
    }

    /// What a model takes and gives.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match &self.table {
            Some(table) => table.shape(),
            None => self.dataset.shape(),
        }
    }

    /// Most training examples that any slot may have.
    #[must_use]
    pub fn most_examples(&self) -> u32 {
        if self.spread == 0.0 && self.table.is_none() {
            self.examples
        } else {
            limits::EXAMPLES
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
            Self::FedAvgFineTune {} => "fed_avg_fine_tune",
            Self::FedProx { .. } => "fed_prox",
            Self::RobustAverage(_) => "robust_average",
            Self::Scaffold {} => "scaffold",
            Self::OracleGroups {} => "oracle_groups",
            Self::Ifca { .. } => "ifca",
            Self::Fesem { .. } => "fesem",
            Self::Cfl(_) => "cfl",
            Self::FlHc(_) => "fl_hc",
            Self::BoundedConfidence(_) => "bounded_confidence",
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

    /// How its coalitions form from sketches, if they do.
    #[must_use]
    pub fn sketches(&self) -> Option<Sketches> {
        match self {
            Self::CoalitionGlobal { formation } | Self::CoalitionModels { formation } => {
                formation.sketches
            }
            _ => None,
        }
    }

    /// Whether every device starts from the same model of the room.
    #[must_use]
    pub fn has_one_model(&self) -> bool {
        matches!(
            self,
            Self::FedAvg {}
                | Self::FedAvgFineTune {}
                | Self::FedProx { .. }
                | Self::RobustAverage(_)
                | Self::Scaffold { .. }
                | Self::CoalitionGlobal { .. }
        )
    }

    /// Whether devices may be asked to train a second model for it.
    #[must_use]
    pub fn trains_beside(&self) -> bool {
        matches!(self, Self::Ours(_))
    }
}

#[cfg(test)]
mod tests;

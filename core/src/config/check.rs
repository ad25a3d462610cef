//! The checks of a configuration, and the checked form.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    ArmConfig, DataConfig, Encodings, GroupKind, Groups, OursOptions, PacingConfig, Participation,
    Partition, RunConfig, StrategyConfig, TrainingConfig, limits,
};
use crate::data::{DatasetName, TRAIN_OF_FIVE};
use crate::decimal::Shown;
use crate::encoding::{Encoding, MOST_SHARE};

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "RunConfig", try_from = "RunConfig")]
pub struct CheckedConfig(RunConfig);

impl From<CheckedConfig> for RunConfig {
    fn from(config: CheckedConfig) -> Self {
        config.0
    }
}

impl TryFrom<RunConfig> for CheckedConfig {
    type Error = ConfigError;

    fn try_from(config: RunConfig) -> Result<Self, ConfigError> {
        config.check()
    }
}

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
        self.data.check_table()?;
        self.model.check(self.data.shape())?;
        self.data.check()?;
        self.training.check()?;
        self.pacing.check()?;
        check_arms(&mut self.arms)?;
        self.encodings.check()?;
        Ok(CheckedConfig(self))
    }
}

impl DataConfig {
    /// Checks that so many devices all have training examples of their own, when the data set has `pool` training
    /// images, four fifths of which are for training. With a spread devices have `examples` in the middle, not each.
    ///
    /// # Errors
    /// `data.examples`, if they would be given out more than once.
    pub fn check_for_devices(&self, devices: u32, pool: usize) -> Result<(), ConfigError> {
        let most = (pool * TRAIN_OF_FIVE / 5) / devices.max(1) as usize;
        require(
            self.examples as usize <= most,
            "data.examples",
            self.examples,
            format!("up to {most} with {devices} devices"),
        )
    }

    /// Before anything that follows from the table's shape.
    fn check_table(&self) -> Result<(), ConfigError> {
        let Some(table) = &self.table else {
            return Ok(());
        };
        table.check()?;
        require(
            self.groups.is_none(),
            "data.groups",
            "there",
            "none where devices bring tables of their own",
        )
    }

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
            Partition::Person {} => require(
                self.dataset == DatasetName::Watch,
                "data.partition.kind",
                "person",
                "iid, dirichlet or shards; person is for watch",
            )?,
        }
        between("data.spread", self.spread, 0.0, 2.0)?;
        range("data.validation", self.validation, 0, limits::EXAMPLES)?;
        self.groups
            .as_ref()
            .map_or(Ok(()), |g| g.check(self.dataset))
    }
}

impl Groups {
    fn check(&self, dataset: DatasetName) -> Result<(), ConfigError> {
        let classes = dataset.classes();
        match self.kind {
            GroupKind::Rotation => {
                require(
                    dataset.image().is_some(),
                    "data.groups.kind",
                    "rotation",
                    "label_swap; rotation is for images",
                )?;
                require(
                    matches!(self.count, 1 | 2 | 4),
                    "data.groups.count",
                    self.count,
                    "1, 2 or 4 for rotation",
                )?;
                let pairs = self.pairs.unwrap_or_default();
                require(
                    self.pairs.is_none(),
                    "data.groups.pairs",
                    pairs,
                    "nothing for rotation, which swaps no labels",
                )?;
            }
            GroupKind::LabelSwap => {
                range("data.groups.count", self.count, 1, classes)?;
                if let Some(pairs) = self.pairs {
                    // Every group has pairs of its own.
                    let most = classes * (classes - 1) / 2 / self.count;
                    range("data.groups.pairs", pairs, 1, most.min(classes / 2))?;
                }
            }
        }
        let Some(sizes) = &self.sizes else {
            return Ok(());
        };
        require(
            sizes.len() == self.count as usize,
            "data.groups.sizes",
            format!("a list of {}", sizes.len()),
            format!("one size for each of the {} groups", self.count),
        )?;
        for &size in sizes {
            range("data.groups.sizes", size, 1, limits::DEVICES)?;
        }
        Ok(())
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
            Shown(rate),
            "above 0, up to 10",
        )?;
        require(
            (0.0..1.0).contains(&self.momentum),
            "training.momentum",
            Shown(self.momentum),
            "0 to below 1",
        )?;
        require(
            (0.0..=1.0).contains(&self.weight_decay),
            "training.weight_decay",
            Shown(self.weight_decay),
            "0 to 1",
        )
    }
}

impl Encodings {
    fn check(&self) -> Result<(), ConfigError> {
        for (way, encoding) in [("up", self.up), ("down", self.down)] {
            if let Encoding::TopK { share } = encoding {
                require(
                    share > 0.0 && share <= MOST_SHARE,
                    &format!("encodings.{way}.share"),
                    share,
                    format!("above 0, up to {MOST_SHARE}"),
                )?;
            }
        }
        Ok(())
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
        range("pacing.pace_ms", self.pace_ms, 0, limits::WAIT_MS)?;
        if let Some(Participation {
            fraction,
            max_devices,
            ..
        }) = self.participation
        {
            require(
                fraction > 0.0 && fraction <= 1.0,
                "pacing.participation.fraction",
                fraction,
                "above 0, up to 1",
            )?;
            if let Some(max_devices) = max_devices {
                range(
                    "pacing.participation.max_devices",
                    max_devices,
                    self.min_devices,
                    limits::DEVICES,
                )?;
            }
        }
        Ok(())
    }
}

fn check_arms(arms: &mut [ArmConfig]) -> Result<(), ConfigError> {
    require(
        (1..=limits::ARMS).contains(&arms.len()),
        "arms",
        format!("a list of {}", arms.len()),
        format!("1 to {} arms", limits::ARMS),
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
        arm.strategy.check(&format!("arms[{i}].strategy"))?;
    }
    Ok(())
}

impl OursOptions {
    fn check(&self, path: &str) -> Result<(), ConfigError> {
        range(&format!("{path}.warm_up"), self.warm_up, 1, limits::ROUNDS)?;
        require(
            (-1.0..=1.0).contains(&self.agreement),
            &format!("{path}.agreement"),
            self.agreement,
            "-1 to 1",
        )?;
        range(&format!("{path}.trial"), self.trial, 1, limits::ROUNDS)?;
        range(
            &format!("{path}.judge_every"),
            self.judge_every,
            1,
            limits::ROUNDS,
        )
    }
}

impl StrategyConfig {
    fn check(&self, path: &str) -> Result<(), ConfigError> {
        match self {
            Self::LocalOnly {}
            | Self::FedAvg {}
            | Self::FedAvgFineTune {}
            | Self::Scaffold {}
            | Self::OracleGroups {} => Ok(()),
            Self::Ifca { k } => range(&format!("{path}.k"), *k, 1, limits::MODELS),
            Self::Fesem { k } => range(&format!("{path}.k"), *k, 1, limits::COALITIONS),
            Self::FedProx { mu } => between(&format!("{path}.mu"), *mu, 0.0, 10.0),
            Self::RobustAverage(options) => options.check(path),
            Self::Cfl(options) => options.check(path),
            Self::FlHc(options) => options.check(path),
            Self::BoundedConfidence(options) => options.check(path),
            Self::Ours(options) => options.check(path),
            Self::CoalitionGlobal { formation } | Self::CoalitionModels { formation } => {
                formation.check(&format!("{path}.formation"))
            }
        }
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

/// Not NaN, and within both ends.
pub(super) fn between(field: &str, value: f64, least: f64, most: f64) -> Result<(), ConfigError> {
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

//! Options of single strategies.

use serde::{Deserialize, Serialize};

use super::check::{between, range};
use super::{ConfigError, limits};

/// How far apart two devices are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Length of the difference of their vectors.
    Euclidean,
    /// 1 less the cosine of the angle between their vectors.
    Cosine,
}

/// How far apart two clusters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Linkage {
    /// As far as their two nearest members.
    Single,
    /// As far as their members on average.
    Average,
    /// As far as their two farthest members.
    Complete,
}

/// Coalitions by bounded confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BoundedConfidenceOptions {
    /// Distance of two opinions.
    pub metric: Metric,
    /// How near an opinion must be to count, as a fraction of the devices' median distance; `null` for what
    /// [`Self::radius`] says.
    pub confidence: Option<f64>,
    /// For so many rounds every device starts from the global model while coalitions form on the unit-length deltas
    /// added up so far.
    pub warm_up: u32,
    /// Coalitions form anew, on weights, every so many rounds; `null` keeps the first ones (those at the end of the
    /// warm-up).
    pub reform_every: Option<u32>,
    /// Times that opinions move before those that have not met stay apart.
    pub max_iterations: u32,
}

/// Clustered federated learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CflOptions {
    /// Rounds before the first split.
    pub warm_up: u32,
    /// A cluster may split when the length of its members' mean delta is below this fraction of the longest of them.
    pub split_below: f64,
    /// A cluster splits only if √((1 − cosine) / 2) of the most similar two members of different parts is above this;
    /// 0 for no such condition.
    pub gamma: f64,
    /// A cluster splits only into parts of at least so many members.
    pub min_size: u32,
    /// How a cluster is split in two.
    pub linkage: Linkage,
}

/// Federated learning with hierarchical clustering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct FlHcOptions {
    /// Rounds of plain averaging; the deltas of the round after them are clustered.
    pub rounds_before: u32,
    /// Distance of two deltas.
    pub metric: Metric,
    /// Distance of two clusters.
    pub linkage: Linkage,
    /// Clusters farther apart than this fraction of the devices' median distance are not merged.
    pub threshold: f64,
    /// Number of clusters, in place of `threshold`.
    pub k: Option<u32>,
}

impl Default for BoundedConfidenceOptions {
    fn default() -> Self {
        Self {
            metric: Metric::Euclidean,
            confidence: None,
            warm_up: 3,
            reform_every: None,
            max_iterations: 100,
        }
    }
}

impl Default for CflOptions {
    fn default() -> Self {
        Self {
            warm_up: 3,
            split_below: 0.4,
            gamma: 0.0,
            min_size: 2,
            linkage: Linkage::Single,
        }
    }
}

impl Default for FlHcOptions {
    fn default() -> Self {
        Self {
            rounds_before: 3,
            metric: Metric::Cosine,
            linkage: Linkage::Average,
            threshold: 0.9,
            k: None,
        }
    }
}

impl BoundedConfidenceOptions {
    /// `confidence`, or what suits the metric: 1 / √2, and its square for cosine, which grows with the square of a
    /// length. Far below all devices stay alone, a little above all are one.
    #[must_use]
    pub fn radius(&self) -> f64 {
        self.confidence.unwrap_or(match self.metric {
            Metric::Euclidean => core::f64::consts::FRAC_1_SQRT_2,
            Metric::Cosine => 0.5,
        })
    }

    pub(super) fn check(&self, path: &str) -> Result<(), ConfigError> {
        if let Some(confidence) = self.confidence {
            between(&format!("{path}.confidence"), confidence, 0.01, 10.0)?;
        }
        range(&format!("{path}.warm_up"), self.warm_up, 0, limits::ROUNDS)?;
        if let Some(rounds) = self.reform_every {
            range(&format!("{path}.reform_every"), rounds, 1, limits::ROUNDS)?;
        }
        range(
            &format!("{path}.max_iterations"),
            self.max_iterations,
            1,
            limits::ITERATIONS,
        )
    }
}

impl CflOptions {
    pub(super) fn check(&self, path: &str) -> Result<(), ConfigError> {
        range(&format!("{path}.warm_up"), self.warm_up, 0, limits::ROUNDS)?;
        between(&format!("{path}.split_below"), self.split_below, 0.0, 1.0)?;
        between(&format!("{path}.gamma"), self.gamma, 0.0, 1.0)?;
        range(
            &format!("{path}.min_size"),
            self.min_size,
            1,
            limits::DEVICES,
        )
    }
}

impl FlHcOptions {
    pub(super) fn check(&self, path: &str) -> Result<(), ConfigError> {
        range(
            &format!("{path}.rounds_before"),
            self.rounds_before,
            0,
            limits::ROUNDS,
        )?;
        between(&format!("{path}.threshold"), self.threshold, 0.01, 10.0)?;
        match self.k {
            Some(k) => range(&format!("{path}.k"), k, 1, limits::COALITIONS),
            None => Ok(()),
        }
    }
}

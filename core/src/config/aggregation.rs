//! Rules by which models become one although some may be bad.

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::check::require;

/// How models become one although some may be bad; see [`crate::aggregate::robust`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Aggregation {
    /// The rule.
    pub rule: Rule,
    /// Part of the models that may be bad, from 0 to below ½: `trimmed_mean` leaves out as many at each end, `multi_krum`
    /// as many in all; the other rules do not ask.
    pub bad: f64,
}

/// A rule by which models become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The mean, in which steps longer than the median step are shortened to its length (Sun et al. 2019).
    NormClipping,
    /// Of every weight the median (Yin et al. 2018).
    Median,
    /// Of every weight the mean without the smallest and the largest (Yin et al. 2018).
    TrimmedMean,
    /// The point with the least sum of distances to all models (Pillutla et al. 2022).
    GeometricMedian,
    /// The mean of the models that are nearest to their neighbours (Blanchard et al. 2017).
    MultiKrum,
}

impl Aggregation {
    pub(super) fn check(&self, path: &str) -> Result<(), ConfigError> {
        require(
            (0.0..0.5).contains(&self.bad),
            &format!("{path}.bad"),
            self.bad,
            "0 to below 0.5",
        )
    }
}

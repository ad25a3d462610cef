//! How coalitions form.

use serde::{Deserialize, Serialize};

use super::check::{range, require};
use super::{Aggregation, ConfigError, limits};

/// How coalitions form. The default is the paper-like reconstruction: K random centers, Euclidean distance between
/// weights, formed anew every round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Left out, coalitions form from the weights that devices send; else from sketches that they send first, so that
    /// weights can be added up by coalition as they arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub sketches: Option<Sketches>,
    /// How a coalition's barycenter comes of its members' weights; left out, it is their mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub barycenters: Option<Aggregation>,
    /// How the global model comes of the barycenters; left out, it is their mean, as `weighting` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub global: Option<Aggregation>,
    /// Coalitions of fewer members count in the global model only by how many of so many they have; left out, a lone
    /// device's counts in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub full_vote: Option<u32>,
}

/// How coalitions form from [sketches](crate::sketch).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Sketches {
    /// Left out, every device sends its weights every round.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub resting: Option<Resting>,
}

/// Once coalitions stand still, a part of each sends weights in turn, and the others send their sketches alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Resting {
    /// Rounds, after the warm-up, in which no device has changed its coalition.
    pub after: u32,
    /// Part of a coalition's members that sends weights in a round, above 0, up to 1; rounded up to whole devices.
    pub share: f64,
}

/// How the first centers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// Every coalition the same: a lone device counts as much as a crowd.
    Coalitions,
    /// By number of members whose updates arrived.
    Size,
    /// By number of the members' examples.
    Examples,
}

impl Formation {
    pub(super) fn check(&self, path: &str) -> Result<(), ConfigError> {
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
        )?;
        for (name, aggregation) in [("barycenters", self.barycenters), ("global", self.global)] {
            if let Some(aggregation) = aggregation {
                aggregation.check(&format!("{path}.{name}"))?;
            }
        }
        if let Some(members) = self.full_vote {
            range(&format!("{path}.full_vote"), members, 1, limits::DEVICES)?;
        }
        self.sketches
            .map_or(Ok(()), |sketches| self.check_sketches(sketches, path))
    }

    /// A sketch says nothing of lengths and of layers, and of weights that are added up as they arrive only the mean is
    /// left.
    fn check_sketches(&self, sketches: Sketches, path: &str) -> Result<(), ConfigError> {
        let distance = match self.distance {
            DistanceKind::Weights => "weights",
            DistanceKind::Deltas => "deltas",
            DistanceKind::UnitDeltas => "unit_deltas",
        };
        require(
            self.distance == DistanceKind::UnitDeltas,
            &format!("{path}.distance"),
            distance,
            "unit_deltas where coalitions form from sketches",
        )?;
        require(
            self.layers == LayerScale::Raw,
            &format!("{path}.layers"),
            "by_norm",
            "raw where coalitions form from sketches",
        )?;
        if let Some(Resting { after, share }) = sketches.resting {
            let path = format!("{path}.sketches.resting");
            range(&format!("{path}.after"), after, 1, limits::ROUNDS)?;
            require(
                share > 0.0 && share <= 1.0,
                &format!("{path}.share"),
                share,
                "above 0, up to 1",
            )?;
        }
        require(
            self.barycenters.is_none(),
            &format!("{path}.barycenters"),
            "a rule",
            "left out where coalitions form from sketches",
        )
    }
}

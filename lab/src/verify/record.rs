//! The lines of a record, as far as they say what is needed to compute it again.

use std::collections::BTreeSet;

use constellation_core::attack::Mischief;
use constellation_core::config::RunConfig;
use constellation_core::coordinator::ShorterPlan;
use constellation_core::encoding::Kind;
use constellation_core::ids::{DeviceId, Round, Slot};
use serde::Deserialize;

use crate::conditions::{Conditions, Unusable};
use crate::experiment::DEVICES;

/// A line of a record, as far as it is needed.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Line {
    Experiment {
        experiment: ExperimentLine,
    },
    RunConfigured {
        config: Box<RunConfig>,
    },
    Joined {
        device: DeviceId,
        slot: Slot,
        #[serde(default)]
        encodings: BTreeSet<Kind>,
    },
    Left {
        device: DeviceId,
    },
    RoundOpened {
        round: Round,
        cohort: Vec<DeviceId>,
        #[serde(default)]
        shorter_plans: Vec<ShorterPlan>,
    },
    Sketched {
        round: Round,
        device: DeviceId,
        report: ReportLine,
    },
    CoalitionsFormed {
        missing: Vec<DeviceId>,
    },
    Accepted {
        round: Round,
        device: DeviceId,
        report: ReportLine,
    },
    /// The cohorts say who was there.
    Connected {},
    Disconnected {},
    Refused {},
    RoundClosed {
        round: Round,
        fingerprint: String,
        missing: Vec<DeviceId>,
    },
    RunFinished {},
    LinesDropped {
        count: u64,
    },
}

/// Nothing goes wrong in a room's run, as far as its record says.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ExperimentLine {
    pub(super) devices: u32,
    pub(super) conditions: Conditions,
}

impl ExperimentLine {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.devices > DEVICES {
            return Err(format!("it has {} devices", self.devices));
        }
        self.conditions.check().map_err(|unusable| {
            let Unusable {
                field,
                value,
                allowed,
            } = unusable;
            format!("conditions.{field} is {value}; allowed: {allowed}")
        })
    }
}

#[derive(Deserialize)]
pub(super) struct ReportLine {
    #[serde(default)]
    pub(super) own_data: u32,
    #[serde(default)]
    pub(super) mischief: Option<Mischief>,
}

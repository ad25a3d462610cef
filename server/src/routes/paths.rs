//! The parts of addresses that stand for something.

use constellation_core::ids::{DeviceId, Round};
use serde::Deserialize;
use utoipa::IntoParams;

/// `/api/rooms/{room}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfRoom {
    /// The room's code.
    pub(super) room: String,
}

/// `/api/rooms/{room}/devices/{device}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfDevice {
    /// The room's code.
    pub(super) room: String,
    /// The device's number.
    pub(super) device: DeviceId,
}

/// `/api/rooms/{room}/rounds/{round}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfRound {
    /// The room's code.
    pub(super) room: String,
    /// The round under way.
    pub(super) round: Round,
}

/// `/api/rooms/{room}/arms/{arm}…`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfArm {
    /// The room's code.
    pub(super) room: String,
    /// The arm's name.
    pub(super) arm: String,
}

/// `/api/rooms/{room}/arms/{arm}/models/{model}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfModel {
    /// The room's code.
    pub(super) room: String,
    /// The arm's name.
    pub(super) arm: String,
    /// `global`, or a coalition's number.
    #[param(pattern = "^(global|[0-9]+)$")]
    pub(super) model: String,
}

/// `/api/rooms/{room}/desk/{command}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfDesk {
    /// The room's code.
    pub(super) room: String,
    /// What is to be done.
    #[param(pattern = "^(start|pause|step|lock|unlock|reset|remove|configure|mischief)$")]
    pub(super) command: String,
}

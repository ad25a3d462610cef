//! Everything a room refuses: one variant, one stable code, one sentence.

use std::borrow::Cow;

use thiserror::Error;

use crate::aggregate::TooLarge;
use crate::config::ConfigError;
use crate::ids::{DeviceId, Round};
use crate::params::ParamsError;
use crate::view::Phase;
use crate::wire::WireError;

/// A refusal's code, from a [`Rejection`], from the driver, or from a journal.
pub type Code = Cow<'static, str>;

/// Code of [`WireError::OtherReference`], after which a device does its round once more.
pub(crate) const OTHER_REFERENCE: &str = "other_reference";

/// A refusal. Counters change, and a device whose update could not be read is no longer waited for; nothing else.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Rejection {
    /// The room has as many devices as it takes.
    #[error("the room is full: it takes {0} devices")]
    RoomFull(u32),
    /// The desk has locked the room.
    #[error("the room is locked: ask whoever has its desk to unlock it, then join again")]
    RoomLocked,
    /// The device says that it trains so many examples per second.
    #[error("profile.capability is {0}; allowed: a number of examples per second, 0 or more")]
    Capability(f64),
    /// No such device in the room.
    #[error("device {0} is not in this room")]
    UnknownDevice(DeviceId),
    /// The update is for a round that is closed, or of an earlier run.
    #[error("round {sent} is closed; the room is at round {current}")]
    Stale {
        /// The update's round.
        sent: Round,
        /// The room's.
        current: Round,
    },
    /// The update is for a round that has not been opened.
    #[error("round {sent} has not been opened; the room is at round {current}")]
    FutureRound {
        /// The update's round.
        sent: Round,
        /// The room's.
        current: Round,
    },
    /// The address names one round, the body another.
    #[error("the address says round {address}, the update says round {body}")]
    RoundMismatch {
        /// The address's round.
        address: Round,
        /// The body's.
        body: Round,
    },
    /// The device is not in the round's cohort.
    #[error("device {device} is not asked in round {round}; it waits for one that asks it")]
    NotInCohort {
        /// The device.
        device: DeviceId,
        /// The round.
        round: Round,
    },
    /// An update without weights where weights were asked for, or the other way round.
    #[error("{0}")]
    WrongKind(&'static str),
    /// The round's coalitions have formed without the device's sketches.
    #[error(
        "round {0} takes no more sketches: its coalitions have formed; wait for the next round"
    )]
    SketchesClosed(Round),
    /// The weights are for other coalitions than those that the device was asked to send them for.
    #[error("the coalitions of the update are not those that \"send_weights\" named in round {0}")]
    WrongCoalition(Round),
    /// Weights beyond what the coalition's sum has room for.
    #[error("arm \"{arm}\": {source}")]
    TooLarge {
        /// The arm.
        arm: String,
        /// The weight.
        source: TooLarge,
    },
    /// The update's body is not one of this run.
    #[error(transparent)]
    Update(#[from] WireError),
    /// The configuration cannot be run.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The desk asked for something that the phase does not allow.
    #[error("cannot {command} while the room is {phase:?}")]
    WrongPhase {
        /// What was asked for.
        command: &'static str,
        /// What the room is doing.
        phase: Phase,
    },
}

impl Rejection {
    /// The refusal's code. Codes never change their meaning.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::RoomFull(_) => "room_full",
            Self::RoomLocked => "room_locked",
            Self::Capability(_) => "wrong_fields",
            Self::UnknownDevice(_) => "unknown_device",
            Self::Stale { .. } | Self::SketchesClosed(_) => "stale",
            Self::FutureRound { .. } => "future_round",
            Self::RoundMismatch { .. } => "round_mismatch",
            Self::NotInCohort { .. } => "not_in_cohort",
            Self::WrongKind(_) => "wrong_kind",
            Self::WrongCoalition(_) => "wrong_coalition",
            Self::TooLarge { .. } => "too_large",
            Self::Update(error) => match error {
                WireError::Format(_) => "bad_file",
                WireError::Metadata { .. } => "bad_metadata",
                WireError::MissingTensor(_) => "missing_tensor",
                WireError::UnknownTensor(_) => "unknown_tensor",
                WireError::WrongType { .. } => "wrong_type",
                WireError::OtherRun { .. } => "stale",
                WireError::WrongShape { .. } => "wrong_shape",
                WireError::Values {
                    source: ParamsError::NonFinite { .. },
                    ..
                } => "non_finite",
                WireError::Values {
                    source: ParamsError::Length { .. },
                    ..
                } => "wrong_length",
                WireError::Index(_) => "bad_delta",
                WireError::OtherReference { .. } => OTHER_REFERENCE,
                WireError::Report(_) => "bad_report",
            },
            Self::Config(_) => "bad_config",
            Self::WrongPhase { .. } => "wrong_phase",
        }
    }
}

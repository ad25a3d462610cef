//! What goes into a coordinator and what comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::{CheckedConfig, RunConfig};
use crate::encoding::Kind;
use crate::ids::{DeviceId, Round, RunId, Slot};
use crate::rejection::{Code, Rejection};
use crate::view::CoalitionView;
use crate::wire::{Alone, Configured, Farewell, Report, RoundOpened, SendWeights, Update};

/// What happens to a room. Of serde's forms all but updates have one; see [`crate::journal`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A device that was not in the room before joins it.
    Joined {
        /// Its number, never used in this room before.
        device: DeviceId,
        /// What its user calls it.
        name: String,
        /// What it says of itself.
        profile: Profile,
    },
    /// A device of the room has opened its socket.
    Connected(DeviceId),
    /// A connected device has read the table that its user brought. Others have their data at once.
    Ready {
        /// Which device.
        device: DeviceId,
        /// The run that the table is for.
        run: RunId,
    },
    /// A device has not got the models that its round's deltas are to be added to.
    SendInFull {
        /// Which device.
        device: DeviceId,
        /// The run that it is in.
        run: RunId,
    },
    /// A device's socket is closed. The device may come back.
    Disconnected(DeviceId),
    /// A device leaves for good.
    Left(DeviceId),
    /// A device's update, decoded and checked against the run's models.
    #[serde(skip)]
    Update {
        /// Who sent it.
        device: DeviceId,
        /// Bytes of the post's body.
        bytes: u64,
        /// What it says.
        update: Box<Update>,
    },
    /// The driver refused an update of a device before it could become an input.
    Refused {
        /// Whose it was.
        device: DeviceId,
        /// The refusal's code.
        code: Code,
    },
    /// The driver refused a message of a device that is no update.
    MessageRefused {
        /// Whose it was.
        device: DeviceId,
        /// The refusal's code.
        code: Code,
    },
    /// The driver refused something that it knows of no device: a wrong token, a body that is no JSON.
    StrangerRefused {
        /// The refusal's code.
        code: Code,
    },
    /// A model message has been handed to a device's socket.
    Sent {
        /// To whom.
        device: DeviceId,
        /// Bytes of the frame.
        bytes: u64,
        /// What the frame would weigh with one arm alone.
        alone: Arc<Alone>,
    },
    /// The desk wants something.
    Desk(Command),
    /// Time has passed: [`super::Coordinator::next_deadline`] is reached.
    Tick,
}

impl Input {
    /// Whether a run begins with it, which takes nothing over from the one before but the room's [`super::Roster`].
    #[must_use]
    pub fn begins_run(&self) -> bool {
        matches!(self, Self::Desk(Command::Reset(_) | Command::Configure(_)))
    }
}

/// What a device says of itself when it joins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Examples per second that it trains; 0 if it does not say. Finite, and not below 0.
    pub capability: f64,
    /// Encodings that it can read and write.
    pub encodings: BTreeSet<Kind>,
}

impl Profile {
    /// What [`crate::device::Device`] can do, of unknown capability.
    #[must_use]
    pub fn of_ours() -> Self {
        Self {
            capability: 0.0,
            encodings: Kind::ALL.into(),
        }
    }
}

/// What the desk can want.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Begin, or go on after a pause.
    Start,
    /// Open no further round.
    Pause,
    /// Open one round, then pause.
    Step,
    /// Begin the run anew, with another seed where one is given.
    Reset(Option<u32>),
    /// Put a device out for good.
    Remove(DeviceId),
    /// Let nobody new in; who is in the room stays, and may come back.
    Lock,
    /// Let devices join again.
    Unlock,
    /// Begin a run with another configuration.
    Configure(Box<CheckedConfig>),
    /// Allow devices to be difficult, or forbid it.
    Mischief {
        /// Whether they may.
        allowed: bool,
    },
}

/// What came of an input, and what the driver must do now, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// For whoever caused the input.
    pub answer: Result<Answer, Rejection>,
    /// For everybody else.
    pub effects: Vec<Effect>,
}

/// An input's success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Done,
    /// The device has joined and has this slot.
    Joined(Slot),
    /// The update is counted.
    Accepted,
    /// The update had been counted before.
    Duplicate,
}

/// Something the driver must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a device a message over its socket. Nothing comes of it if the socket is gone.
    Send {
        /// To whom.
        device: DeviceId,
        /// What.
        message: Message,
    },
    /// The view has changed.
    Publish,
    /// Add to the run's record.
    Record(Event),
}

/// A message to a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The run it is part of. JSON text.
    Configured(Box<Configured>),
    /// A round with its models. Devices that start from the same models share one, so that it is encoded once.
    RoundOpened(Arc<RoundOpened>),
    /// Its coalitions have formed, and the room wants its weights, or that it rests. JSON text.
    SendWeights(SendWeights),
    /// The run is over. JSON text.
    RunFinished,
    /// It is out of the room. JSON text; the driver closes the socket after it.
    Farewell(Farewell),
}

/// A line of the run's record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run begins; what came before belongs to another.
    RunConfigured {
        /// Counts the room's runs.
        run: RunId,
        /// Everything it can be repeated from.
        config: Box<RunConfig>,
    },
    /// A device joined, or was in the room already when the run began.
    Joined {
        /// Its number.
        device: DeviceId,
        /// Its index in the partition.
        slot: Slot,
        /// Encodings that it can read and write.
        #[serde(skip_serializing_if = "BTreeSet::is_empty")]
        encodings: BTreeSet<Kind>,
    },
    /// A device opened its socket, for the first time or again.
    Connected {
        /// Its number.
        device: DeviceId,
    },
    /// A device lost its socket. It may come back.
    Disconnected {
        /// Its number.
        device: DeviceId,
    },
    /// A device left for good, and its socket with it.
    Left {
        /// Its number.
        device: DeviceId,
        /// Whether it left or was removed.
        #[serde(flatten)]
        reason: Farewell,
    },
    /// A round opened.
    RoundOpened {
        /// The round.
        round: Round,
        /// Who is asked.
        cohort: Vec<DeviceId>,
        /// Those of them who get shorter plans, since they were late before.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        shorter_plans: Vec<ShorterPlan>,
    },
    /// The sketches of an update were counted: its first part.
    Sketched {
        /// The round.
        round: Round,
        /// Whose.
        device: DeviceId,
        /// Their bytes.
        bytes: u64,
        /// What it measured.
        report: Report,
    },
    /// A round's coalitions have formed from its sketches, and weights are asked for.
    CoalitionsFormed {
        /// The round.
        round: Round,
        /// Who was asked and had no sketches in time.
        missing: Vec<DeviceId>,
        /// Who is to send no weights in this round.
        resting: Vec<DeviceId>,
    },
    /// An update was counted.
    Accepted {
        /// The round.
        round: Round,
        /// Whose.
        device: DeviceId,
        /// Its bytes.
        bytes: u64,
        /// What it measured.
        report: Report,
    },
    /// Something was refused.
    Refused {
        /// Whose it was.
        device: DeviceId,
        /// Why.
        code: Code,
    },
    /// A round closed.
    RoundClosed {
        /// The round.
        round: Round,
        /// Hash of all models so far.
        fingerprint: String,
        /// Who was asked and did not answer in time.
        missing: Vec<DeviceId>,
        /// Coalitions by arm.
        coalitions: BTreeMap<String, Vec<CoalitionView>>,
    },
    /// The run is over.
    RunFinished,
}

/// A device trains on fewer batches in a round than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShorterPlan {
    /// Its number.
    pub device: DeviceId,
    /// How often its steps are halved.
    pub halvings: u32,
}

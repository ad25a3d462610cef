//! What happens to a room as bytes, so that a driver can keep it and tell the room again.
//!
//! A coordinator decides by its inputs and their times alone. One that begins with the [`Roster`] of a run's beginning
//! and is driven through all entries since has the models of the first one, to the bit, and waits for the same devices.
//!
//! What is refused is not kept, so that nobody can fill a disk with it, and neither are the counters that it changes: see
//! [`Entry`].
//!
//! An entry is the length of a JSON header as four bytes, little-endian, the header, and, for an update, the file that
//! the device posted, without what deltas in it stand for.
//!
//! [`Roster`]: crate::coordinator::Roster

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::coordinator::{Answer, Input};
use crate::ids::{DeviceId, RunId};
use crate::rejection::Rejection;
use crate::wire::{Models, Update, WireError};

/// An entry that cannot be read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// It ends before its header does.
    #[error("an entry of the journal is cut off after {0} bytes")]
    CutOff(usize),
    /// The header is none of ours.
    #[error("the header of an entry of the journal cannot be read: {0}")]
    Header(#[from] serde_json::Error),
    /// An update is none of a run of this shape.
    #[error("an update in the journal cannot be read: {0}")]
    Update(#[from] WireError),
}

/// The header.
#[derive(Debug, Serialize, Deserialize)]
struct Header<I> {
    at_ms: u64,
    #[serde(flatten)]
    what: What<I>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What<I> {
    /// The update follows the header.
    Update { device: DeviceId, bytes: u64 },
    /// Whatever else happens.
    Input(I),
}

/// An input that a room is about to be given, as it will be kept if the room takes it.
#[derive(Debug)]
pub struct Entry {
    at_ms: u64,
    bytes: Vec<u8>,
    /// Whose update it is.
    device: Option<DeviceId>,
    /// The run that it comes to.
    run: RunId,
    /// Whether it depends on the answer what is kept of it.
    may_be_refused: bool,
}

impl Entry {
    /// Whether anybody may cause as many such inputs as they like, of which most come to nothing. Time must not pass with
    /// one that is not kept: what is due by then ([`crate::coordinator::Coordinator::next_deadline`]) has to be a
    /// [`Input::Tick`] of its own before.
    #[must_use]
    pub fn may_be_refused(input: &Input) -> bool {
        matches!(
            input,
            Input::Joined { .. }
                | Input::Update { .. }
                | Input::StrangerRefused { .. }
                | Input::MessageRefused { .. }
        )
    }

    /// Of an input that a room of this run is given at a time.
    #[must_use]
    pub fn of(at_ms: u64, input: &Input, run: RunId) -> Self {
        Self {
            at_ms,
            bytes: encode(at_ms, input),
            device: match input {
                Input::Update { device, .. } => Some(*device),
                _ => None,
            },
            run,
            may_be_refused: Self::may_be_refused(input),
        }
    }

    /// What is to be kept once the room has answered: the input, if it was taken; else a short one that does the same to
    /// the round, if a refusal does anything to it.
    #[must_use]
    pub fn answered(self, answer: &Result<Answer, Rejection>) -> Option<Vec<u8>> {
        if !self.may_be_refused {
            return Some(self.bytes);
        }
        match (answer, self.device) {
            (Ok(Answer::Joined(_) | Answer::Accepted), _) => Some(self.bytes),
            (
                Err(
                    rejection @ (Rejection::Update(WireError::Values { .. })
                    | Rejection::TooLarge { .. }),
                ),
                Some(device),
            ) => {
                let code = rejection.code().into();
                Some(encode(self.at_ms, &Input::Refused { device, code }))
            }
            (Err(Rejection::Update(WireError::OtherReference { .. })), Some(device)) => {
                let run = self.run;
                Some(encode(self.at_ms, &Input::SendInFull { device, run }))
            }
            _ => None,
        }
    }
}

/// An input and when it came.
fn encode(at_ms: u64, input: &Input) -> Vec<u8> {
    let (what, body) = match input {
        Input::Update {
            device,
            bytes,
            update,
        } => {
            let (device, bytes) = (*device, *bytes);
            (What::Update { device, bytes }, update.encode())
        }
        other => (What::Input(other), Vec::new()),
    };
    let header = Header { at_ms, what };
    let header = serde_json::to_vec(&header).expect("inputs have string keys");
    let len = u32::try_from(header.len()).expect("a header is short");
    [&len.to_le_bytes()[..], &header, &body].concat()
}

/// Reads an entry, of a room whose run's models have this shape by now.
///
/// # Errors
/// If it is none, or of another room or another version.
pub fn decode(entry: &[u8], models: &Models) -> Result<(u64, Input), JournalError> {
    let cut_off = || JournalError::CutOff(entry.len());
    let (len, rest) = entry.split_first_chunk().ok_or_else(cut_off)?;
    let (header, body) = rest
        .split_at_checked(u32::from_le_bytes(*len) as usize)
        .ok_or_else(cut_off)?;
    let Header { at_ms, what } = serde_json::from_slice(header)?;
    let input = match what {
        What::Input(input) => input,
        What::Update { device, bytes } => {
            let update = Box::new(Update::decode(body, models)?);
            Input::Update {
                device,
                bytes,
                update,
            }
        }
    };
    Ok((at_ms, input))
}

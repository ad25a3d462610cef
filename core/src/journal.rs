//! What happens to a room as bytes, so that a driver can keep it and tell the room again.
//!
//! A coordinator decides by its inputs and their times alone. One that begins with the [`Roster`] of a run's beginning
//! and is driven through all entries since is where the first one was, to the bit.
//!
//! An entry is the length of a JSON header as four bytes, little-endian, the header, and, for an update, the file that
//! the device posted, without what deltas in it stand for.
//!
//! [`Roster`]: crate::coordinator::Roster

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::by_name::ByName;
use crate::coordinator::Input;
use crate::ids::{DeviceId, Round, RunId};
use crate::wire::{Models, Report, Update, WireError};

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

/// An input and when it came.
#[must_use]
pub fn encode(at_ms: u64, input: &Input) -> Vec<u8> {
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
            let update = match Update::decode(body, models) {
                // It came when its run was just over. That it is refused for that does not depend on the rest of it.
                Err(WireError::OtherRun { sent, .. }) => nothing_of(sent),
                decoded => decoded?,
            };
            Input::Update {
                device,
                bytes,
                update: Box::new(update),
            }
        }
    };
    Ok((at_ms, input))
}

fn nothing_of(run: RunId) -> Update {
    Update {
        run,
        round: Round(0),
        report: Report {
            examples: 0,
            own_data: 0,
            mischief: None,
            arms: ByName::new(),
        },
        weights: ByName::new(),
        deltas: ByName::new(),
        sketches: ByName::new(),
        coalitions: Vec::new(),
    }
}

//! Where rooms are kept, so that they outlive the process.
//!
//! Of a room are kept: who may do what, the roster of its current run's beginning, and a journal of what has happened
//! since, from which its coordinator is driven again to where it was. Nothing is acknowledged before it is kept.

mod disk;

use std::collections::BTreeMap;
use std::fmt::Debug;

use constellation_core::config::CheckedConfig;
use constellation_core::coordinator::Roster;
use constellation_core::ids::DeviceId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::rooms::Lifetime;
use crate::token::{RoomCode, TokenHash};

pub(crate) use disk::Disk;

/// Why something could not be kept, or found again.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has the file.
    #[error(
        "another server uses it; stop that one, or choose another folder with --data-dir, or none with --ephemeral"
    )]
    InUse,
    /// A later version of this program wrote it.
    #[error(
        "a newer version of this program has written it (format {found}; this one reads {known}); use that version, or \
         another folder with --data-dir"
    )]
    Newer {
        /// The file's format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// What is in it makes no sense.
    #[error(
        "it is damaged: {0}; move it away to begin with an empty one, or put a backup in its place"
    )]
    Damaged(String),
    /// The disk is full, the file cannot be written, or the like.
    #[error(
        "it cannot be written or read: {0}; nothing that was acknowledged is lost, and a start of the server finds it"
    )]
    Failed(String),
}

/// A room as it is kept, but for its journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredRoom {
    /// Whose tokens open the desk.
    pub(crate) desks: Vec<TokenHash>,
    /// What it was created for.
    pub(crate) lifetime: Lifetime,
    /// The configuration that it was created with.
    pub(crate) created_with: CheckedConfig,
    /// Number of the next device.
    pub(crate) next_device: u32,
    /// The beginning of the current run.
    pub(crate) roster: Roster,
}

/// What has happened in a room since it was kept last. All of it is kept, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The room at the beginning of a run, if one has begun: the journal before it goes.
    pub(crate) begun: Option<StoredRoom>,
    /// Further entries of the journal.
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) joined: Vec<(DeviceId, TokenHash)>,
    pub(crate) left: Vec<DeviceId>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            begun,
            entries,
            joined,
            left,
        } = self;
        begun.is_none() && entries.is_empty() && joined.is_empty() && left.is_empty()
    }
}

/// Keeps rooms. Calls return when what they say is safe.
pub(crate) trait Store: Debug + Send + Sync {
    /// All rooms that are kept.
    fn rooms(&self) -> Result<BTreeMap<RoomCode, StoredRoom>, StoreError>;

    /// Tokens of a room's devices.
    fn devices(&self, room: RoomCode) -> Result<BTreeMap<DeviceId, TokenHash>, StoreError>;

    /// Reads a room's journal from its beginning, entry by entry.
    fn journal(
        &self,
        room: RoomCode,
        read: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Keeps a room that is new, or whose owner has changed something about it.
    fn put(&self, room: RoomCode, stored: &StoredRoom) -> Result<(), StoreError>;

    /// Keeps what has happened in a room.
    fn add(&self, room: RoomCode, batch: &Batch) -> Result<(), StoreError>;

    /// Forgets a room.
    fn remove(&self, room: RoomCode) -> Result<(), StoreError>;
}

//! What has happened in a room and is not safe yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use constellation_core::coordinator::{Answer, Coordinator, Input};
use constellation_core::ids::DeviceId;
use constellation_core::journal::Entry;
use constellation_core::rejection::Rejection;

use crate::store::{Batch, Store, StoreError, StoredRoom};
use crate::token::{RoomCode, TokenHash};

/// A room's end of the store.
#[derive(Debug)]
pub(super) struct Keeping {
    store: Arc<dyn Store>,
    code: RoomCode,
    /// The room as it was kept last.
    stored: StoredRoom,
    batch: Batch,
}

impl Keeping {
    pub(super) fn new(store: Arc<dyn Store>, code: RoomCode, stored: StoredRoom) -> Self {
        Self {
            store,
            code,
            stored,
            batch: Batch::default(),
        }
    }

    /// An input that the coordinator is about to be given; [`Keeping::keep`] wants to know what it answers.
    pub(super) fn entry(
        &mut self,
        room: &Coordinator,
        next_device: u32,
        at_ms: u64,
        input: &Input,
    ) -> Entry {
        if input.begins_run() {
            // Nothing of the run before is needed any more.
            self.batch.entries.clear();
            self.stored.next_device = next_device;
            self.stored.roster = room.roster();
            self.batch.begun = Some(self.stored.clone());
        }
        Entry::of(at_ms, input, room.models().run)
    }

    /// Keeps what matters of an input.
    pub(super) fn keep(&mut self, entry: Entry, answer: &Result<Answer, Rejection>) {
        self.batch.entries.extend(entry.answered(answer));
    }

    pub(super) fn joined(&mut self, device: DeviceId, token: TokenHash) {
        self.batch.joined.push((device, token));
    }

    pub(super) fn left(&mut self, device: DeviceId) {
        self.batch.left.push(device);
    }

    /// Returns when everything so far is safe, and says how long that took, if there was anything.
    pub(super) fn commit(&mut self) -> Result<Option<Duration>, StoreError> {
        if self.batch.is_empty() {
            return Ok(None);
        }
        let began = Instant::now();
        self.store.add(self.code, &self.batch)?;
        self.batch = Batch::default();
        Ok(Some(began.elapsed()))
    }

    /// The room is over.
    pub(super) fn forget(&self) -> Result<(), StoreError> {
        self.store.remove(self.code)
    }
}

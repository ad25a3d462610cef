//! A run in virtual time, recorded as boards would see it.

use constellation_core::coordinator::Coordinator;
use constellation_core::recording::Recording;

/// Bytes that frames may take; past it the recording becomes coarser.
const LIMIT: usize = 32 * 1024 * 1024;

/// The recording of a run under way.
#[derive(Debug)]
pub(super) struct Filming {
    recording: Recording,
    /// Counts the views.
    seq: u32,
    now_ms: u64,
}

impl Default for Filming {
    fn default() -> Self {
        Self {
            recording: Recording::new(LIMIT, 0),
            seq: 0,
            now_ms: 0,
        }
    }
}

impl Filming {
    /// Keeps a frame if there is something new to see.
    pub(super) fn look(&mut self, now_ms: u64, room: &Coordinator) {
        self.now_ms = now_ms;
        let moment = room.moment();
        if self.recording.awaits(&moment) {
            self.seq += 1;
            let view = room.view("", self.seq);
            let distances = |arm: &str| room.distances(arm);
            self.recording.keep(now_ms, moment, view, distances);
        }
    }

    /// The recording's text.
    pub(super) fn end(&self, room: &Coordinator) -> String {
        let view = room.view("", self.seq + 1);
        let distances = |arm: &str| room.distances(arm);
        self.recording.export(self.now_ms, &view, distances)
    }
}

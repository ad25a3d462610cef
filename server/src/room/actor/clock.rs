//! A room's time.

use std::time::Duration;

use tokio::time::Instant;

/// Milliseconds since a room was created, but for those in which its server did not run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    since_ms: u64,
    /// When it was that late; `None` if it stands still.
    since: Option<Instant>,
}

impl Clock {
    /// Runs on from so many milliseconds.
    pub(super) fn from(now_ms: u64) -> Self {
        Self {
            since_ms: now_ms,
            since: Some(Instant::now()),
        }
    }

    /// Stands still.
    pub(super) fn stopped(now_ms: u64) -> Self {
        Self {
            since_ms: now_ms,
            since: None,
        }
    }

    pub(super) fn now_ms(&self) -> u64 {
        let passed = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        let passed = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        self.since_ms.saturating_add(passed)
    }

    /// When it will be that late; in the past if it is later already.
    pub(super) fn at(&self, ms: u64) -> Instant {
        let since = self.since.unwrap_or_else(Instant::now);
        since + Duration::from_millis(ms.saturating_sub(self.since_ms))
    }
}

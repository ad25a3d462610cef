//! Counters for whoever runs the server, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Counts since the server started.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    devices: AtomicI64,
    boards: AtomicI64,
    accepted: AtomicU64,
    duplicate: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    rounds: Took,
    commits: Took,
    /// Locked for the time of one addition.
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

/// How often something was done, and how long that took in all.
#[derive(Debug, Default)]
struct Took {
    times: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Took {
    fn add(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.times.fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }
}

/// What is so now, and not counted.
#[derive(Debug, Default)]
pub(crate) struct Present {
    pub(crate) rooms: usize,
    /// Requests that wait for their rooms.
    pub(crate) waiting: usize,
    /// Devices by state.
    pub(crate) devices: BTreeMap<&'static str, u64>,
}

/// What is connected as long as this lives.
#[derive(Debug)]
pub(crate) struct Connected<'a>(&'a AtomicI64);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Metrics {
    pub(crate) fn device(&self) -> Connected<'_> {
        Self::connected(&self.devices)
    }

    pub(crate) fn board(&self) -> Connected<'_> {
        Self::connected(&self.boards)
    }

    fn connected(gauge: &AtomicI64) -> Connected<'_> {
        gauge.fetch_add(1, Relaxed);
        Connected(gauge)
    }

    pub(crate) fn accepted(&self, bytes: u64) {
        self.accepted.fetch_add(1, Relaxed);
        self.bytes_up.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn duplicate(&self, bytes: u64) {
        self.duplicate.fetch_add(1, Relaxed);
        self.bytes_up.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn sent(&self, bytes: u64) {
        self.bytes_down.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn refused(&self, code: &'static str) {
        *self
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(code)
            .or_default() += 1;
    }

    /// A round was closed, which took so long to compute.
    pub(crate) fn round(&self, time: Duration) {
        self.rounds.add(time);
    }

    /// What happened in a room was kept, which took so long.
    pub(crate) fn commit(&self, time: Duration) {
        self.commits.add(time);
    }

    /// The text that Prometheus reads.
    pub(crate) fn render(&self, present: &Present) -> String {
        let Present {
            rooms,
            waiting,
            devices: by_state,
        } = present;
        let mut text = String::new();
        for (name, help, took) in [
            (
                "constellation_round_close_seconds",
                "Closed rounds, and the time that coalitions and models took.",
                &self.rounds,
            ),
            (
                "constellation_store_commit_seconds",
                "Times that a room was kept, and how long that took.",
                &self.commits,
            ),
        ] {
            let times = took.times.load(Relaxed);
            let seconds = took.nanoseconds.load(Relaxed) as f64 / 1e9;
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "# HELP {name} {help}\n# TYPE {name} summary\n{name}_sum {seconds}\n{name}_count {times}"
            );
        }
        let mut family = |name: &str, kind: &str, help: &str, rows: &[(String, i128)]| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in rows {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let one = |value: i128| [(String::new(), value)];
        let count = |counter: &AtomicU64| i128::from(counter.load(Relaxed));
        family(
            "constellation_rooms",
            "gauge",
            "Rooms.",
            &one(*rooms as i128),
        );
        family(
            "constellation_room_queue",
            "gauge",
            "Requests that wait for their rooms.",
            &one(*waiting as i128),
        );
        let by_state: Vec<_> = by_state
            .iter()
            .map(|(state, &n)| (format!("{{state=\"{state}\"}}"), i128::from(n)))
            .collect();
        family(
            "constellation_devices",
            "gauge",
            "Devices of all rooms, by what they are doing.",
            &by_state,
        );
        let devices = i128::from(self.devices.load(Relaxed));
        family(
            "constellation_devices_connected",
            "gauge",
            "Devices with an open socket.",
            &one(devices),
        );
        let boards = i128::from(self.boards.load(Relaxed));
        family(
            "constellation_boards_connected",
            "gauge",
            "Boards with an open socket.",
            &one(boards),
        );
        let updates = [("accepted", &self.accepted), ("duplicate", &self.duplicate)]
            .map(|(result, counter)| (format!("{{result=\"{result}\"}}"), count(counter)));
        family(
            "constellation_updates_total",
            "counter",
            "Updates that were taken, by result.",
            &updates,
        );
        let refused: Vec<_> = self
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(code, &n)| (format!("{{code=\"{code}\"}}"), i128::from(n)))
            .collect();
        family(
            "constellation_refusals_total",
            "counter",
            "Refusals, by code.",
            &refused,
        );
        let bytes = [("up", &self.bytes_up), ("down", &self.bytes_down)]
            .map(|(direction, counter)| (format!("{{direction=\"{direction}\"}}"), count(counter)));
        family(
            "constellation_model_bytes_total",
            "counter",
            "Bytes of model messages, by direction.",
            &bytes,
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_counted() {
        let metrics = Metrics::default();
        let device = metrics.device();
        metrics.accepted(10);
        metrics.duplicate(10);
        metrics.sent(7);
        metrics.refused("non_finite");
        metrics.refused("non_finite");
        metrics.round(Duration::from_millis(1_500));
        metrics.round(Duration::from_millis(500));
        metrics.commit(Duration::from_millis(250));
        let present = Present {
            rooms: 3,
            waiting: 4,
            devices: BTreeMap::from([("training", 2)]),
        };
        let text = metrics.render(&present);
        for line in [
            "constellation_rooms 3",
            "constellation_devices_connected 1",
            "constellation_room_queue 4",
            "constellation_devices{state=\"training\"} 2",
            "constellation_round_close_seconds_sum 2",
            "constellation_round_close_seconds_count 2",
            "constellation_store_commit_seconds_sum 0.25",
            "constellation_updates_total{result=\"accepted\"} 1",
            "constellation_refusals_total{code=\"non_finite\"} 2",
            "constellation_model_bytes_total{direction=\"up\"} 20",
            "constellation_model_bytes_total{direction=\"down\"} 7",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in:\n{text}"
            );
        }
        drop(device);
        assert!(
            metrics
                .render(&Present::default())
                .contains("constellation_devices_connected 0")
        );
    }
}

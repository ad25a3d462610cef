//! Counters for whoever runs the server, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Counts since the server started.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    devices: AtomicI64,
    boards: AtomicI64,
    accepted: AtomicU64,
    duplicate: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    /// Locked for the time of one addition.
    refused: Mutex<BTreeMap<&'static str, u64>>,
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

    /// The text that Prometheus reads.
    pub(crate) fn render(&self, rooms: usize) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, rows: &[(String, i128)]| {
            // Writing to a string cannot fail.
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
            &one(rooms as i128),
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
        let text = metrics.render(3);
        for line in [
            "constellation_rooms 3",
            "constellation_devices_connected 1",
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
                .render(3)
                .contains("constellation_devices_connected 0")
        );
    }
}

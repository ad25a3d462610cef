//! A run's record: one line of JSON per event.

use std::collections::VecDeque;

use constellation_core::coordinator::Event;
use serde::Serialize;

/// The lines of the current run, of bounded size.
#[derive(Debug)]
pub(super) struct Record {
    /// What the run is: kept whatever else goes.
    first: Option<String>,
    lines: VecDeque<String>,
    bytes: usize,
    limit: usize,
    dropped: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    /// Milliseconds since the room was created.
    time_ms: u64,
    #[serde(flatten)]
    event: &'a Event,
}

impl Record {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            first: None,
            lines: VecDeque::new(),
            bytes: 0,
            limit,
            dropped: 0,
        }
    }

    pub(super) fn push(&mut self, time_ms: u64, event: &Event) {
        let line =
            serde_json::to_string(&Line { time_ms, event }).expect("events have string keys");
        if matches!(event, Event::RunConfigured { .. }) {
            *self = Self {
                first: Some(line),
                ..Self::new(self.limit)
            };
            return;
        }
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > self.limit {
            let Some(oldest) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
            self.dropped += 1;
        }
    }

    /// All lines. Says so if some are missing.
    pub(super) fn export(&self) -> String {
        let dropped = (self.dropped > 0)
            .then(|| format!(r#"{{"event":"lines_dropped","count":{}}}"#, self.dropped));
        let mut text = String::with_capacity(self.bytes + self.lines.len() + 4_096);
        for line in self.first.iter().chain(&dropped).chain(&self.lines) {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use constellation_core::config::RunConfig;
    use constellation_core::ids::{DeviceId, RunId};
    use constellation_core::wire::Farewell;

    use super::*;

    fn left(device: u32) -> Event {
        Event::Left {
            device: DeviceId(device),
            reason: Farewell::Left,
        }
    }

    fn configured(run: u32) -> Event {
        Event::RunConfigured {
            run: RunId(run),
            config: Box::new(RunConfig::default()),
        }
    }

    #[test]
    fn a_new_run_begins_a_new_record() {
        let mut record = Record::new(10_000);
        record.push(0, &configured(1));
        record.push(5, &left(1));
        record.push(9, &configured(2));
        record.push(12, &left(2));
        let text = record.export();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with(r#"{"time_ms":9,"event":"run_configured","run":2"#),
            "{text}"
        );
        assert_eq!(
            lines[1..],
            [r#"{"time_ms":12,"event":"left","device":2,"reason":"left"}"#]
        );
    }

    #[test]
    fn past_the_limit_the_oldest_lines_go_and_the_export_says_so() {
        let line = r#"{"time_ms":1,"event":"left","device":1,"reason":"left"}"#;
        let mut record = Record::new(2 * line.len());
        record.push(0, &configured(1));
        record.push(1, &left(1));
        record.push(1, &left(2));
        assert_eq!(record.export().lines().count(), 3);
        record.push(1, &left(3));
        let text = record.export();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                r#"{"event":"lines_dropped","count":1}"#,
                r#"{"time_ms":1,"event":"left","device":2,"reason":"left"}"#,
                r#"{"time_ms":1,"event":"left","device":3,"reason":"left"}"#
            ]
        );
    }
}

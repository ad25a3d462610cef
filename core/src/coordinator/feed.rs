//! What a board tells of devices: who came and went, was late, was refused.

use std::collections::{BTreeSet, VecDeque};

use super::Event;
use crate::ids::{DeviceId, Round};
use crate::view::{FeedEntry, FeedEvent};
use crate::wire::Farewell;

/// Entries that are kept.
pub(super) const KEPT: usize = 24;

/// The last of what the run's record says of devices.
#[derive(Debug, Default)]
pub(super) struct Feed {
    /// The newest comes first.
    entries: VecDeque<FeedEntry>,
    /// Counts the entries, so that none is mistaken for another.
    numbered: u32,
    round: Round,
    present: BTreeSet<DeviceId>,
    /// Those of them whose connection is lost.
    away: BTreeSet<DeviceId>,
    /// Who was refused something since the round was opened: it is not told twice that nothing of them counts.
    refused: BTreeSet<DeviceId>,
}

impl Feed {
    /// Without entries; the next one's number follows this one.
    pub(super) fn from_number(numbered: u32) -> Self {
        Self {
            numbered,
            ..Self::default()
        }
    }

    /// Takes a device of the room without telling of it.
    pub(super) fn seat(&mut self, device: DeviceId, away: bool) {
        self.present.insert(device);
        if away {
            self.away.insert(device);
        }
    }

    /// Number of the last entry.
    pub(super) fn last_number(&self) -> u32 {
        self.numbered
    }

    /// Whether a device's connection was lost.
    pub(super) fn is_away(&self, device: DeviceId) -> bool {
        self.away.contains(&device)
    }

    /// Takes a line of the record.
    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::RunConfigured { .. } => {
                self.entries.clear();
                self.refused.clear();
                self.round = Round(0);
            }
            // A new run's record says again who is here.
            Event::Joined { device, .. } => {
                if self.present.insert(*device) {
                    self.tell(*device, FeedEvent::Joined, None);
                }
            }
            Event::Connected { device } => {
                if self.away.remove(device) {
                    self.tell(*device, FeedEvent::Back, None);
                }
            }
            Event::Disconnected { device } => {
                self.away.insert(*device);
                self.tell(*device, FeedEvent::Away, None);
            }
            Event::Left { device, reason } => {
                self.present.remove(device);
                self.away.remove(device);
                let event = match reason {
                    Farewell::Removed => FeedEvent::Removed,
                    _ => FeedEvent::Left,
                };
                self.tell(*device, event, None);
            }
            Event::Refused { device, code } => {
                self.refused.insert(*device);
                self.tell(*device, FeedEvent::Refused, Some(code));
            }
            Event::RoundOpened { round, .. } => {
                self.round = *round;
                self.refused.clear();
            }
            Event::RoundClosed { missing, .. } => {
                for device in missing {
                    let told = self.away.contains(device) || self.refused.contains(device);
                    if self.present.contains(device) && !told {
                        self.tell(*device, FeedEvent::Late, None);
                    }
                }
            }
            // Who had no sketches in time is missing when the round closes, too.
            Event::Sketched { .. }
            | Event::CoalitionsFormed { .. }
            | Event::Accepted { .. }
            | Event::RunFinished => {}
        }
    }

    /// The newest first.
    pub(super) fn view(&self) -> Vec<FeedEntry> {
        self.entries.iter().cloned().collect()
    }

    /// The same again is counted and not told again.
    fn tell(&mut self, device: DeviceId, event: FeedEvent, code: Option<&str>) {
        if let Some(newest) = self.entries.front_mut()
            && (
                newest.device,
                newest.event,
                newest.code.as_deref(),
                newest.round,
            ) == (device, event, code, self.round)
        {
            newest.count = newest.count.saturating_add(1);
            return;
        }
        self.numbered = self.numbered.wrapping_add(1);
        self.entries.push_front(FeedEntry {
            number: self.numbered,
            round: self.round,
            device,
            event,
            code: code.map(str::to_owned),
            count: 1,
        });
        self.entries.truncate(KEPT);
    }
}

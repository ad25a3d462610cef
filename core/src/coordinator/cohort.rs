//! Who is asked in a training round, where not everybody is.

use super::{Coordinator, DeviceId};
use crate::config::{Order, PacingConfig, Participation};
use crate::ids::Round;
use crate::rng::{Purpose, Stream};

/// How far a product may lie above a whole number and still be meant as it: 0.07 of 100 devices are 7.
const ROUNDING: f64 = 1e-9;

impl Coordinator {
    /// The connected devices that have data, in device order.
    pub(super) fn present(&self) -> Vec<DeviceId> {
        self.members
            .iter()
            .filter(|(_, member)| member.is_present())
            .map(|(id, _)| *id)
            .collect()
    }

    /// The devices that a training round asks, in device order.
    pub(super) fn cohort(&self, round: Round) -> Vec<DeviceId> {
        let mut devices = self.present();
        let pacing = &self.run.config.pacing;
        let Some(participation) = pacing.participation else {
            return devices;
        };
        let size = size(pacing, participation, devices.len());
        // Opened again after nobody answered, a round asks others: those it had may never answer.
        let opening = self.run.unanswered;
        Stream::new(self.run.config.seed, Purpose::Cohort, round.0, opening).shuffle(&mut devices);
        if participation.order == Order::CapableFirst && opening == 0 {
            // Stable, so that equal ones stay in the order drawn.
            devices.sort_by(|a, b| {
                let capability = |device| self.members[device].profile.capability;
                capability(b).total_cmp(&capability(a))
            });
        }
        devices.truncate(size);
        devices.sort_unstable();
        devices
    }
}

/// How many of so many connected devices are asked.
fn size(pacing: &PacingConfig, participation: Participation, connected: usize) -> usize {
    let part = (participation.fraction * connected as f64 - ROUNDING).ceil() as usize;
    let most = participation.max_devices.unwrap_or(u32::MAX) as usize;
    part.max(pacing.min_devices as usize)
        .min(most)
        .min(connected)
}

//! Devices that are not done in time get shorter plans: fewer mini-batches, so that what they learn counts.

use super::Member;
use crate::config::{PacingConfig, SlowDevices, limits};

/// A plan grows again when its training took no more than this part of the deadline: one over this. Twice as many steps
/// take up to twice as long, and what is left is for a device that is not always as fast.
const EASE: u64 = 3;

impl Member {
    /// Fits the plan of the rounds to come to how long the last one took, in ms; `None` if the round went on without it.
    pub(super) fn fit_plan(&mut self, took_ms: Option<u64>, pacing: &PacingConfig) {
        if pacing.slow_devices == SlowDevices::FullPlan {
            return;
        }
        let deadline_ms = u64::from(pacing.deadline_ms);
        match took_ms {
            Some(took_ms) if took_ms.saturating_mul(EASE) <= deadline_ms => {
                self.halvings = self.halvings.saturating_sub(1);
            }
            Some(took_ms) if took_ms <= deadline_ms => {}
            Some(_) | None => self.halvings = limits::HALVINGS.min(self.halvings + 1),
        }
    }
}

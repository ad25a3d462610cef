//! What comes out of a round: sent, sent late, or kept.

use std::sync::Arc;

use super::Effect;
use crate::attack::Mischief;
use crate::ids::Round;
use crate::view::{Activity, DeviceView};

/// An update, kept until the room has it: it may ask again.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) round: Round,
    pub(super) body: Arc<[u8]>,
    pub(super) mischief: Option<Mischief>,
}

impl Posted {
    /// Sends it, unless the device is silent.
    pub(super) fn send(&self, view: &mut DeviceView) -> Vec<Effect> {
        if self.mischief == Some(Mischief::Silence) {
            view.activity = Activity::Waiting;
            return Vec::new();
        }
        view.bytes_up += self.body.len() as u64;
        view.activity = Activity::Sending;
        vec![Effect::Post {
            round: self.round,
            body: Arc::clone(&self.body),
            after_ms: match self.mischief {
                Some(Mischief::Slowness) => Mischief::SLOWNESS_MS,
                _ => 0,
            },
        }]
    }
}

//! What comes out of a round: sent, sent late, sent when it is asked for, or kept.

use std::sync::Arc;

use super::finished::Finished;
use super::owed::Owed;
use super::{Effect, Part};
use crate::attack::Mischief;
use crate::ids::Round;
use crate::view::{Activity, DeviceView};
use crate::wire::ArmCoalition;

/// What was sent last, kept until the room has it: it may ask again.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) round: Round,
    part: Part,
    body: Arc<[u8]>,
    mischief: Option<Mischief>,
    /// What is to be sent when the room has heard of the sketches, as far as it asks for it.
    unsent: Option<Box<Finished>>,
}

impl Posted {
    /// The sketches of a round's work, if they go first, or all of it.
    pub(super) fn of(finished: Finished, owed: &mut Owed) -> Self {
        let (round, mischief) = (finished.round, finished.mischief);
        let first = finished.asks_for_sketches();
        let whole = if first {
            None
        } else {
            finished.weights(&[], owed)
        };
        let (part, body, unsent) = if let Some(body) = whole {
            (Part::Weights, body, None)
        } else {
            let sketches = finished.sketches();
            (Part::Sketches, sketches, Some(Box::new(finished)))
        };
        Self {
            round,
            part,
            body: body.into(),
            mischief,
            unsent,
        }
    }

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
            part: self.part,
            body: Arc::clone(&self.body),
            after_ms: match self.mischief {
                Some(Mischief::Slowness) => Mischief::SLOWNESS_MS,
                _ => 0,
            },
        }]
    }

    /// Sends the weights that the room asks for after the sketches, if there are any and they have not been sent.
    pub(super) fn send_weights(
        &mut self,
        coalitions: &[ArmCoalition],
        owed: &mut Owed,
        view: &mut DeviceView,
    ) -> Vec<Effect> {
        let body = self.unsent.take().and_then(|f| f.weights(coalitions, owed));
        let Some(body) = body else {
            return Vec::new();
        };
        (self.part, self.body) = (Part::Weights, body.into());
        self.send(view)
    }

    /// Whether nothing is left to be done once the room has this part of this round.
    pub(super) fn ends_with(&self, round: Round, part: Part) -> bool {
        (self.round, self.part) == (round, part) && self.unsent.is_none()
    }
}

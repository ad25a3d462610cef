//! What a coordinator wants done, done.

use std::sync::Arc;

use axum::body::Bytes;
use constellation_core::coordinator::{Answer, Effect, Event, Input, Message, Outcome};
use constellation_core::ids::DeviceId;
use constellation_core::journal::Entry;
use constellation_core::recording::Recording;
use constellation_core::rejection::Rejection;
use constellation_core::wire::{Alone, Farewell, RoomNews, RoundOpened};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::{Actor, Waiting};
use crate::blocking::blocking;
use crate::room::Ending;
use crate::room::seats::Delivery;
use crate::socket::Message as Frame;
use crate::store::StoreError;

/// A message that several devices may share.
#[derive(Clone)]
struct Encoded {
    message: Arc<RoundOpened>,
    bytes: Bytes,
    alone: Arc<Alone>,
}

impl Actor {
    /// Gives the coordinator an input. What comes of it waits for [`Actor::settle`].
    pub(super) fn take(&mut self, input: Input) -> Result<Answer, Rejection> {
        if self.keeping.is_some() && Entry::may_be_refused(&input) && self.is_due() {
            self.take(Input::Tick).ok();
        }
        let (now, next_device) = (self.clock.now_ms(), self.next_device);
        let keeping = self.keeping.as_mut();
        let entry = keeping.map(|k| k.entry(&self.coordinator, next_device, now, &input));
        let answer = self.give(now, input);
        if let (Some(keeping), Some(entry)) = (&mut self.keeping, entry) {
            keeping.keep(entry, &answer);
        }
        answer
    }

    /// Whether the coordinator wants to be woken by now.
    fn is_due(&self) -> bool {
        let now = self.clock.now_ms();
        self.coordinator
            .next_deadline()
            .is_some_and(|due| due <= now)
    }

    /// Gives the coordinator an input that has been kept, or need not be.
    pub(super) fn give(&mut self, now: u64, input: Input) -> Result<Answer, Rejection> {
        let began = Instant::now();
        let Outcome { answer, effects } = if self.coordinator.may_take_long(&input) {
            blocking(|| self.coordinator.handle(now, input))
        } else {
            self.coordinator.handle(now, input)
        };
        for effect in effects {
            if effect == Effect::Publish {
                self.dirty = true;
                continue;
            }
            if matches!(effect, Effect::Record(Event::RoundClosed { .. })) {
                self.metrics.round(began.elapsed());
            }
            if let (Effect::Record(Event::Left { device, .. }), Some(keeping)) =
                (&effect, &mut self.keeping)
            {
                keeping.left(*device);
            }
            self.effects.push(effect);
        }
        answer
    }

    /// Has what has happened kept, and then lets it be known.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        self.share_models();
        while !(self.answers.is_empty() && self.effects.is_empty()) {
            self.commit()?;
            let effects = std::mem::take(&mut self.effects);
            let inputs = self.perform(effects);
            if std::mem::take(&mut self.publish_now) && self.dirty {
                self.publish();
            }
            for Waiting(give) in self.answers.drain(..) {
                give();
            }
            for input in inputs {
                self.take(input).ok();
            }
        }
        self.watch();
        Ok(())
    }

    /// Has everything so far kept.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        if let Some(keeping) = &mut self.keeping
            && let Some(took) = blocking(|| keeping.commit())?
        {
            self.metrics.commit(took);
        }
        Ok(())
    }

    /// Tells everybody who decodes updates the shape of the run's models.
    pub(super) fn share_models(&self) {
        if !Arc::ptr_eq(self.coordinator.models(), &self.models.borrow()) {
            self.models
                .send_replace(Arc::clone(self.coordinator.models()));
        }
    }

    /// Does what the coordinator says; what comes of it are further inputs.
    fn perform(&mut self, effects: Vec<Effect>) -> Vec<Input> {
        let mut inputs = Vec::new();
        // Devices that share a message share its bytes. The cache holds the messages, so no address comes up twice.
        let mut encoded: Vec<Encoded> = Vec::new();
        let mut gone = Vec::new();
        for effect in effects {
            match effect {
                Effect::Publish => self.dirty = true,
                Effect::Record(event) => {
                    self.note(&event);
                    if let Event::Left { device, .. } = event {
                        gone.push(device);
                    }
                }
                Effect::Send { device, message } => match message {
                    Message::Configured(configured) => {
                        self.send_news(device, &RoomNews::Configured(configured), &mut inputs)
                    }
                    Message::SendWeights(wanted) => {
                        self.send_news(device, &RoomNews::SendWeights(wanted), &mut inputs)
                    }
                    Message::RunFinished => {
                        self.send_news(device, &RoomNews::RunFinished, &mut inputs)
                    }
                    Message::Farewell(farewell) => {
                        self.seats.end(device, Ending::Farewell(farewell))
                    }
                    Message::RoundOpened(round) => {
                        let known = encoded
                            .iter()
                            .find(|known| Arc::ptr_eq(&known.message, &round));
                        let known = known.cloned().unwrap_or_else(|| {
                            let spec = Arc::clone(&self.coordinator.models().spec);
                            let new = Encoded {
                                bytes: Bytes::from(blocking(|| round.encode())),
                                alone: Arc::new(round.alone(&spec)),
                                message: round,
                            };
                            encoded.push(new.clone());
                            new
                        });
                        let bytes = known.bytes.len() as u64;
                        if self.send(device, Frame::Binary(known.bytes), &mut inputs) {
                            self.metrics.sent(bytes);
                            inputs.push(Input::Sent {
                                device,
                                bytes,
                                alone: known.alone,
                            });
                        }
                    }
                },
            }
        }
        for device in gone {
            // A device that left without a farewell has no socket that could need one.
            self.seats.end(device, Ending::Farewell(Farewell::Left));
            self.seats.remove(device);
        }
        inputs
    }

    fn send_news(&mut self, device: DeviceId, news: &RoomNews, inputs: &mut Vec<Input>) {
        let text = serde_json::to_string(news).expect("news have string keys");
        self.send(device, Frame::text(text), inputs);
    }

    /// Whether the message is on its way.
    fn send(&mut self, device: DeviceId, frame: Frame, inputs: &mut Vec<Input>) -> bool {
        match self.seats.send(device, frame) {
            Delivery::Queued => true,
            Delivery::Absent => false,
            Delivery::TooSlow => {
                warn!(
                    device.id = device.0,
                    "device disconnected: too many messages wait for it"
                );
                inputs.push(Input::Disconnected(device));
                false
            }
        }
    }

    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::RunConfigured { run, .. } => {
                info!(run = run.0, "run configured");
                self.recording = Recording::new(self.limits.recording, self.clock.now_ms());
            }
            Event::RoundOpened {
                round,
                cohort,
                shorter_plans,
            } => debug!(
                round = round.0,
                devices = cohort.len(),
                shorter_plans = shorter_plans.len(),
                "round opened"
            ),
            Event::CoalitionsFormed {
                round,
                missing,
                resting,
            } => debug!(
                round = round.0,
                missing = missing.len(),
                resting = resting.len(),
                "coalitions formed"
            ),
            Event::RoundClosed { round, missing, .. } => {
                info!(round = round.0, missing = missing.len(), "round closed");
            }
            Event::RunFinished => info!("run finished"),
            Event::Joined { .. }
            | Event::Connected { .. }
            | Event::Disconnected { .. }
            | Event::Left { .. }
            | Event::Sketched { .. }
            | Event::Accepted { .. }
            | Event::Refused { .. } => {}
        }
        self.record.push(self.clock.now_ms(), event);
    }
}

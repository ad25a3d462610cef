//! A round's work, done: what can be sent of it, all at once or in two parts.

use std::sync::Arc;

use super::owed::Owed;
use crate::attack::Mischief;
use crate::encoding::Encoding;
use crate::ids::{Round, RunId, Slot};
use crate::params::{ParamSpec, Params};
use crate::rng::{Purpose, Stream};
use crate::sketch::Sketch;
use crate::wire::{ArmCoalition, Carried, Report, Update};

/// What a device has trained in a round, and what it says of it.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) run: RunId,
    pub(super) round: Round,
    pub(super) seed: u32,
    pub(super) slot: Slot,
    pub(super) spec: Arc<ParamSpec>,
    /// How weights are to be sent.
    pub(super) encoding: Encoding,
    pub(super) mischief: Option<Mischief>,
    pub(super) report: Report,
    pub(super) models: Vec<Trained>,
}

/// A model that was trained for the room.
#[derive(Debug)]
pub(super) struct Trained {
    /// The name under which it is sent.
    pub(super) name: String,
    /// What it was trained from.
    pub(super) start: Option<Arc<Params>>,
    /// As training left them, or what the device sends instead.
    pub(super) values: Vec<f32>,
    /// Whether its sketch is sent first, and its weights when they are asked for.
    pub(super) sketch: bool,
}

impl Finished {
    /// Whether sketches go first.
    pub(super) fn asks_for_sketches(&self) -> bool {
        self.models.iter().any(|model| model.sketch)
    }

    /// The update's first part.
    pub(super) fn sketches(&self) -> Vec<u8> {
        let mut sketches = Vec::with_capacity(self.models.len());
        for model in self.models.iter().filter(|model| model.sketch) {
            let start = model.start.as_ref().map_or(&[][..], |start| start.values());
            let sketch = Sketch::of_delta(&model.values, start, self.seed);
            sketches.push((&model.name, sketch));
        }
        let mut models = Vec::with_capacity(sketches.len());
        for (name, sketch) in &sketches {
            models.push(((*name).clone(), Carried::Sketch(sketch)));
        }
        Update::encode_models(self.run, self.round, &self.report, &[], &models)
    }

    /// The update, or what is left of it after the sketches: of the arms that sent some, those that `coalitions` names.
    /// `owed` is what earlier deltas have lost. `None` if there is nothing left to send.
    pub(super) fn weights(&self, coalitions: &[ArmCoalition], owed: &mut Owed) -> Option<Vec<u8>> {
        let Self {
            seed, round, slot, ..
        } = *self;
        let mut rotations = Stream::new(seed, Purpose::Rotation, round.0, slot.0);
        let mut sent = Vec::with_capacity(self.models.len());
        for model in &self.models {
            let Trained { name, start, .. } = model;
            // Drawn whether it is needed or not, so that what is sent of one arm does not change another.
            let rotation = rotations.bits();
            if !model.sketch || coalitions.iter().any(|wanted| wanted.arm == *name) {
                let start = start.as_ref();
                let delta = owed.encode(name, start, &model.values, self.encoding, rotation);
                sent.push((model, delta));
            }
        }
        if sent.is_empty() && self.asks_for_sketches() {
            return None;
        }
        let mut models = Vec::with_capacity(sent.len());
        for (model, delta) in &sent {
            let weights = || Carried::Weights(&self.spec, &model.values);
            let carried = delta.as_ref().map_or_else(weights, Carried::Delta);
            models.push((model.name.clone(), carried));
        }
        let body = Update::encode_models(self.run, round, &self.report, coalitions, &models);
        Some(body)
    }
}

//! The attackers of one run: what they learn from, and what they send instead of what they learned.

use std::collections::BTreeSet;
use std::sync::Arc;

use constellation_core::data::Dataset;
use constellation_core::ids::Slot;
use constellation_core::params::Params;
use constellation_core::rng::{Purpose, Stream};
use constellation_core::wire::{Report, RoundOpened, Start, Update, beside};

use crate::conditions::{Attack, Attackers, Conditions};

/// The attackers of one run.
#[derive(Debug)]
pub(crate) struct Attacks {
    attackers: Option<Attackers>,
    slots: BTreeSet<Slot>,
    seed: u32,
    dataset: Arc<Dataset>,
    /// What attackers learn from who flip labels.
    flipped: Option<Arc<Dataset>>,
}

impl Attacks {
    /// Those of a run with this seed and so many devices.
    pub(crate) fn new(
        conditions: &Conditions,
        seed: u32,
        devices: u32,
        dataset: &Arc<Dataset>,
    ) -> Self {
        let flips = |attackers: &Attackers| attackers.kind == Attack::LabelFlip;
        let flipped = conditions.attackers.filter(flips);
        Self {
            attackers: conditions.attackers,
            slots: conditions.attacking(seed, devices),
            seed,
            dataset: Arc::clone(dataset),
            flipped: flipped.map(|_| Arc::new(dataset.with_flipped_labels())),
        }
    }

    /// What the device of a slot learns from.
    pub(crate) fn dataset_of(&self, slot: Slot) -> &Arc<Dataset> {
        let flipped = self.flipped.as_ref().filter(|_| self.slots.contains(&slot));
        flipped.unwrap_or(&self.dataset)
    }

    /// Makes an honest update that answers `message` into what the device of a slot sends.
    pub(crate) fn poison(&self, slot: Slot, message: &RoundOpened, update: &mut Update) {
        let Some(attackers) = self.attackers.filter(|_| self.slots.contains(&slot)) else {
            return;
        };
        let number = STREAMS + slot.0;
        let mut stream = Stream::new(self.seed, Purpose::Trouble, message.round.0, number);
        for (name, weights) in &mut update.weights {
            let start = started_from(message, &update.report, name);
            *weights = attackers.poison(start, weights, &mut stream);
        }
    }
}

/// Streams of what attackers send lie behind those of what happens to devices.
const STREAMS: u32 = 1 << 20;

/// The model that training began with whose weights travel under a name.
fn started_from<'a>(message: &'a RoundOpened, report: &Report, name: &str) -> Option<&'a Params> {
    message.arms.iter().find_map(|plan| {
        let task = &plan.task;
        if name == beside(&plan.name) {
            return task.beside.as_deref();
        }
        match &task.start {
            _ if name != plan.name => None,
            Start::Own => None,
            Start::Model(model) => Some(&**model),
            Start::BestOf(models) => {
                let picked = report.arms.get(name)?.picked?;
                models.get(picked as usize).map(|model| &**model)
            }
        }
    })
}

//! The attackers of one run: who they are, and what they learn from.

use std::collections::BTreeSet;
use std::sync::Arc;

use constellation_core::attack::{Attack, Attacker};
use constellation_core::data::Dataset;
use constellation_core::ids::Slot;
use constellation_core::wire::{RoundOpened, Update};

use crate::conditions::{Attackers, Conditions};

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

    /// Whether the device of a slot attacks.
    pub(crate) fn is_attacker(&self, slot: Slot) -> bool {
        self.attackers.is_some() && self.slots.contains(&slot)
    }

    /// Makes an honest update that answers `message` into what the device of a slot sends.
    pub(crate) fn poison(&self, slot: Slot, message: &RoundOpened, update: &mut Update) {
        if let Some(Attackers { kind, strength, .. }) =
            self.attackers.filter(|_| self.is_attacker(slot))
        {
            let attacker = Attacker { kind, strength };
            let plans: Vec<_> = message.arms.iter().collect();
            attacker.poison(self.seed, slot, &plans, update);
        }
    }
}

//! Attackers: what they send instead of what they learned, and what a device may be asked to do in a classroom.
//!
//! The laboratory's attackers and a tab whose user is being difficult do the same: an honest round's work, and then
//! something else with what comes out. Who does it and when is not decided here.

use serde::{Deserialize, Serialize};

use crate::ids::{Round, Slot};
use crate::params::Params;
use crate::rng::{Purpose, Stream};
use crate::wire::{ArmPlan, Update};

/// What an attacker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attack {
    /// Trains on wrong labels: label l is called last − l.
    LabelFlip,
    /// Sends the honest step in the opposite direction.
    SignFlip,
    /// Sends `strength` times the honest step.
    Scaled,
    /// Adds Gaussian noise to its weights.
    Noise,
    /// Sends Gaussian weights.
    Random,
}

/// An attack and how strong it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attacker {
    /// What it does.
    pub kind: Attack,
    /// For `scaled`, how many times the honest step; for `noise` and `random`, the standard deviation of each weight.
    pub strength: f64,
}

/// How a device is difficult, because its user wants it to be and the desk allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mischief {
    /// It trains on wrong labels: label l is called last − l.
    LabelFlip,
    /// It sends the honest step in the opposite direction.
    SignFlip,
    /// It adds Gaussian noise to the weights that it sends, with a standard deviation of [`Mischief::NOISE`].
    Noise,
    /// It trains, and sends nothing.
    Silence,
    /// It sends what it learned [`Mischief::SLOWNESS_MS`] late.
    Slowness,
}

impl Mischief {
    /// Standard deviation of the noise on each weight: many times as large as an honest step.
    pub const NOISE: f64 = 1.0;
    /// By how much a slow device is late, in milliseconds. Its worker goes on listening meanwhile.
    pub const SLOWNESS_MS: u32 = 6_000;

    /// What it makes of the weights that it sends, if that is something else than it learned.
    #[must_use]
    pub fn attacker(self) -> Option<Attacker> {
        let (kind, strength) = match self {
            Self::SignFlip => (Attack::SignFlip, 1.0),
            Self::Noise => (Attack::Noise, Self::NOISE),
            Self::LabelFlip | Self::Silence | Self::Slowness => return None,
        };
        Some(Attacker { kind, strength })
    }
}

/// What an attacker calls a label.
#[must_use]
pub fn flipped(label: u8, classes: u8) -> u8 {
    classes - 1 - label
}

/// Streams of what attackers send lie behind those of what happens to devices.
const STREAMS: u32 = 1 << 20;

impl Attacker {
    /// Makes an honest update that answers `plans` into what the device of a slot sends.
    pub fn poison(&self, seed: u32, slot: Slot, plans: &[&ArmPlan], update: &mut Update) {
        let Round(round) = update.round;
        let mut stream = Stream::new(seed, Purpose::Trouble, round, STREAMS + slot.0);
        for (name, weights) in &mut update.weights {
            let picked = update.report.arms.get(name).and_then(|arm| arm.picked);
            let start = started_from(plans, picked, name);
            *weights = self.poisoned(start, weights, &mut stream);
        }
    }

    /// What is sent instead of `weights`, trained from `start`; without one, steps count from zeros. Flipped labels are
    /// no matter of weights.
    fn poisoned(&self, start: Option<&Params>, weights: &Params, stream: &mut Stream) -> Params {
        let start = start.map(Params::values);
        let step = |factor: f64| {
            let zero = vec![0.0; weights.values().len()];
            let start = start.unwrap_or(&zero);
            let pairs = start.iter().zip(weights.values());
            pairs
                .map(|(s, w)| (f64::from(*s) + factor * (f64::from(*w) - f64::from(*s))) as f32)
                .collect::<Vec<f32>>()
        };
        let mut noise = |from: f32| (f64::from(from) + self.strength * stream.normal()) as f32;
        let values = match self.kind {
            Attack::LabelFlip => return weights.clone(),
            Attack::SignFlip => step(-1.0),
            Attack::Scaled => step(self.strength),
            Attack::Noise => weights.values().iter().map(|w| noise(*w)).collect(),
            Attack::Random => weights.values().iter().map(|_| noise(0.0)).collect(),
        };
        // Weights beyond all bounds would be refused; the attacker sends its honest ones then.
        Params::try_new(values, weights.spec()).unwrap_or_else(|_| weights.clone())
    }
}

/// The model that training began with whose weights travel under a name.
fn started_from<'a>(plans: &[&'a ArmPlan], picked: Option<u32>, name: &str) -> Option<&'a Params> {
    let start = |plan: &&'a ArmPlan| plan.task.start_of(&plan.name, picked, name);
    plans.iter().find_map(start).map(|start| &**start)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::params::ParamSpec;

    fn params(values: &[f32]) -> Params {
        let spec = Arc::new(ParamSpec::new([("w".to_owned(), vec![values.len()])]));
        Params::try_new(values.to_vec(), &spec).unwrap()
    }

    #[test]
    fn poison_by_hand() {
        let (start, weights) = (params(&[1.0, 2.0]), params(&[2.0, 0.0]));
        let poison = |kind, strength| {
            let mut stream = Stream::new(1, Purpose::Trouble, 1, 1);
            Attacker { kind, strength }
                .poisoned(Some(&start), &weights, &mut stream)
                .values()
                .to_vec()
        };
        assert_eq!(poison(Attack::SignFlip, 0.0), [0.0, 4.0]);
        assert_eq!(poison(Attack::Scaled, 3.0), [4.0, -4.0]);
        assert_eq!(poison(Attack::Noise, 0.0), [2.0, 0.0]);
        assert_eq!(poison(Attack::Random, 0.0), [0.0, 0.0]);
        assert_eq!(poison(Attack::LabelFlip, 9.0), [2.0, 0.0]);
        assert_ne!(poison(Attack::Noise, 1.0), poison(Attack::Random, 1.0));
    }

    #[test]
    fn only_some_mischief_is_a_matter_of_what_is_sent() {
        let kind = |mischief: Mischief| mischief.attacker().map(|attacker| attacker.kind);
        assert_eq!(kind(Mischief::SignFlip), Some(Attack::SignFlip));
        assert_eq!(kind(Mischief::Noise), Some(Attack::Noise));
        for other in [Mischief::LabelFlip, Mischief::Silence, Mischief::Slowness] {
            assert_eq!(other.attacker(), None);
        }
        assert_eq!([flipped(0, 10), flipped(7, 10)], [9, 2]);
    }
}

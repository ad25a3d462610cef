//! What goes wrong in a run, on purpose: slow devices, lost and late updates, devices that fail and return, attackers.
//!
//! Everything is drawn by seed, round and slot, so that a run with trouble can be repeated like any other.

use std::collections::BTreeSet;

pub use constellation_core::attack::{Attack, Mischief};
use constellation_core::ids::{Round, Slot};
use constellation_core::rng::{Purpose, Stream};
use serde::{Deserialize, Serialize};

/// What goes wrong in a run. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Devices that take longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
    /// Fraction of updates that never arrive.
    pub lost: f64,
    /// Updates that arrive late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
    /// Devices that lose their connection in the middle of a round, and come back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing: Option<Failing>,
    /// Devices that send something else than what they learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attackers: Option<Attackers>,
    /// Devices that are difficult as a tab is whose user wants it so, and say so in their reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difficult: Option<Difficult>,
}

/// Devices that take longer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// Fraction of the devices.
    pub fraction: f64,
    /// How many times as long they take as the others, who take [`ROUND_MS`] for a whole plan, half for half of one.
    pub factor: f64,
}

/// Updates that arrive late.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// Fraction of the updates.
    pub rate: f64,
    /// By how much, in milliseconds.
    pub delay_ms: u32,
}

/// Devices that lose their connection in the middle of a round, and come back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failing {
    /// Chance of a device to fail in a round.
    pub rate: f64,
    /// Rounds that it stays away, the one in which it fails not counted.
    pub rounds: u32,
}

/// Devices that send something else than what they learned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attackers {
    /// Fraction of the devices, rounded to the nearest number.
    pub fraction: f64,
    /// What they do.
    pub kind: Attack,
    /// For `scaled`, how many times the honest step; for `noise` and `random`, the standard deviation of each weight.
    #[serde(default = "default_strength")]
    pub strength: f64,
}

/// Devices that are difficult as a tab is whose user wants it so, and say so in their reports.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difficult {
    /// Fraction of the devices, rounded to the nearest number.
    pub fraction: f64,
    /// What they do.
    pub how: Mischief,
    /// The round in which they begin.
    #[serde(default = "first_round")]
    pub from: u32,
}

fn first_round() -> u32 {
    1
}

fn default_strength() -> f64 {
    10.0
}

/// Virtual time that an ordinary device takes for a round with a whole plan.
pub const ROUND_MS: u64 = 1_000;

/// What happens to one device in one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its update arrives.
    Arrives {
        /// Virtual milliseconds that a whole plan takes it.
        work_ms: u64,
        /// And those that its update is on the way.
        delay_ms: u64,
    },
    /// Its update never arrives.
    Lost,
    /// It loses its connection, and is away for so many rounds more.
    Fails {
        /// Rounds.
        rounds: u32,
    },
}

/// A value out of its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Unusable {
    /// Path of the field below `conditions`.
    pub field: &'static str,
    /// What it says.
    pub value: f64,
    /// What it may say.
    pub allowed: &'static str,
}

impl Conditions {
    /// # Errors
    /// The first value that is out of range.
    pub fn check(&self) -> Result<(), Unusable> {
        let rate = |field, value: f64| {
            let ok = (0.0..=1.0).contains(&value);
            ok.then_some(()).ok_or(Unusable {
                field,
                value,
                allowed: "0 to 1",
            })
        };
        rate("lost", self.lost)?;
        if let Some(slow) = self.slow {
            rate("slow.fraction", slow.fraction)?;
            if !(1.0..=1e6).contains(&slow.factor) {
                return Err(Unusable {
                    field: "slow.factor",
                    value: slow.factor,
                    allowed: "1 to 1000000",
                });
            }
        }
        if let Some(late) = self.late {
            rate("late.rate", late.rate)?;
        }
        if let Some(failing) = self.failing {
            rate("failing.rate", failing.rate)?;
        }
        if let Some(difficult) = self.difficult {
            rate("difficult.fraction", difficult.fraction)?;
        }
        if let Some(attackers) = self.attackers {
            rate("attackers.fraction", attackers.fraction)?;
            if !(attackers.strength.is_finite() && attackers.strength >= 0.0) {
                return Err(Unusable {
                    field: "attackers.strength",
                    value: attackers.strength,
                    allowed: "0 or more",
                });
            }
        }
        Ok(())
    }

    /// The slots of the attackers among so many devices.
    #[must_use]
    pub fn attacking(&self, seed: u32, devices: u32) -> BTreeSet<Slot> {
        let fraction = self.attackers.map_or(0.0, |attackers| attackers.fraction);
        let slots = chosen(seed, Lot::Attackers, fraction, devices);
        slots.into_iter().map(Slot).collect()
    }

    /// The slots of the devices that are difficult sooner or later, among so many.
    #[must_use]
    pub fn difficult(&self, seed: u32, devices: u32) -> BTreeSet<Slot> {
        let fraction = self.difficult.map_or(0.0, |difficult| difficult.fraction);
        let slots = chosen(seed, Lot::Difficult, fraction, devices);
        slots.into_iter().map(Slot).collect()
    }

    /// How the devices of [`Conditions::difficult`] are difficult in a round.
    #[must_use]
    pub fn mischief(&self, round: Round) -> Option<Mischief> {
        let difficult = self.difficult.filter(|d| round.0 >= d.from)?;
        Some(difficult.how)
    }

    /// What happens to a slot's update of a round, among so many devices.
    #[must_use]
    pub fn fate(&self, seed: u32, round: Round, slot: Slot, devices: u32) -> Fate {
        let mut stream = Stream::new(seed, Purpose::Trouble, round.0, FATES + slot.0);
        // Every number is drawn whether it is needed or not, so that one kind of trouble does not change another.
        let [fails, lost, late] = [stream.uniform(), stream.uniform(), stream.uniform()];
        if let Some(failing) = self.failing.filter(|failing| fails < failing.rate) {
            return Fate::Fails {
                rounds: failing.rounds,
            };
        }
        if lost < self.lost {
            return Fate::Lost;
        }
        let slow = self
            .slow
            .filter(|slow| chosen(seed, Lot::Slow, slow.fraction, devices).contains(&slot.0));
        let takes = slow.map_or(1.0, |slow| slow.factor) * ROUND_MS as f64;
        let delay = self
            .late
            .filter(|l| late < l.rate)
            .map_or(0, |l| l.delay_ms);
        Fate::Arrives {
            work_ms: takes as u64,
            delay_ms: u64::from(delay),
        }
    }
}

/// Streams of [`Purpose::Trouble`]: the lots of a run have round 0 and small numbers, fates come after.
const FATES: u32 = 16;

#[derive(Clone, Copy)]
enum Lot {
    Attackers = 0,
    Slow = 1,
    Difficult = 2,
}

/// Slots that the lot falls on.
fn chosen(seed: u32, lot: Lot, fraction: f64, devices: u32) -> Vec<u32> {
    let mut slots: Vec<u32> = (0..devices).collect();
    Stream::new(seed, Purpose::Trouble, 0, lot as u32).shuffle(&mut slots);
    slots.truncate((fraction * f64::from(devices)).round() as usize);
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_attack_as_asked_for_and_always_the_same() {
        let conditions = Conditions {
            attackers: Some(Attackers {
                fraction: 0.3,
                kind: Attack::SignFlip,
                strength: 1.0,
            }),
            ..Conditions::default()
        };
        let who = |seed| conditions.attacking(seed, 10);
        assert_eq!(who(1).len(), 3);
        assert_eq!(who(1), who(1));
        assert!((2..9).any(|seed| who(seed) != who(1)));
    }

    #[test]
    fn rates_are_rates() {
        let conditions = Conditions {
            lost: 0.25,
            late: Some(Late {
                rate: 0.5,
                delay_ms: 7_000,
            }),
            ..Conditions::default()
        };
        let fates: Vec<Fate> = (0..1_000)
            .map(|i| conditions.fate(7, Round(i / 50), Slot(i % 50), 50))
            .collect();
        let count = |fate| fates.iter().filter(|f| **f == fate).count();
        assert!((200..300).contains(&count(Fate::Lost)));
        let late = count(Fate::Arrives {
            work_ms: ROUND_MS,
            delay_ms: 7_000,
        });
        assert!((325..425).contains(&late), "{late}");
        assert!(conditions.check().is_ok());
        let unusable = Conditions {
            lost: 1.5,
            ..conditions
        }
        .check()
        .unwrap_err();
        assert_eq!((unusable.field, unusable.allowed), ("lost", "0 to 1"));
    }
}

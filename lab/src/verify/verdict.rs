//! What came of computing a run again, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use constellation_core::ids::{DeviceId, Round};

/// What came of a recorded run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunVerdict {
    /// The run's seed.
    pub seed: u32,
    /// Rounds whose fingerprints are the same, from the first on.
    pub same: u32,
    /// What ended the comparison.
    pub end: End,
}

/// What ended a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The record did.
    Record,
    /// A fingerprint that is another one.
    Differs {
        /// The round.
        round: Round,
        /// What the record says.
        recorded: String,
        /// What came out.
        found: String,
        /// Devices that had not answered in time in this round or before.
        missed: BTreeSet<DeviceId>,
    },
    /// A round that does not go as the record says, and how.
    Otherwise {
        /// The round.
        round: Round,
        /// How.
        what: String,
    },
    /// Devices that trained on data of their own.
    OwnData {
        /// The rounds, and the devices in each.
        rounds: BTreeMap<Round, Vec<DeviceId>>,
        /// The last round of the record.
        last: Round,
    },
    /// The record itself says that it is not enough.
    Insufficient(String),
}

impl RunVerdict {
    /// Whether every round of the record came out the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.end == End::Record
    }
}

impl fmt::Display for RunVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, same, end } = self;
        match end {
            End::Record if *same == 0 => write!(f, "seed {seed}: no round was closed"),
            End::Record => write!(f, "seed {seed}: all {same} rounds are the same"),
            End::Differs {
                round,
                recorded,
                found,
                missed,
            } => {
                write!(
                    f,
                    "seed {seed}: round {round} is the first that differs\n  recorded   {recorded}\n  recomputed {found}"
                )?;
                if !missed.is_empty() {
                    write!(
                        f,
                        "\n  devices that had not answered in time: {}; a record does not say what they trained",
                        listed(missed.iter())
                    )?;
                }
                Ok(())
            }
            End::Otherwise { round, what } => {
                write!(f, "seed {seed}: round {round} goes otherwise: {what}")
            }
            End::OwnData { rounds, last } => {
                write!(f, "seed {seed}: ")?;
                match same {
                    0 => {}
                    1 => write!(f, "round 1 is the same; ")?,
                    _ => write!(f, "rounds 1 to {same} are the same; ")?,
                }
                let from = rounds.keys().next().copied().unwrap_or_default();
                write!(
                    f,
                    "{} cannot be recomputed: devices trained on data of their own, which are in no record ({}), \
                     and every round goes on from the one before",
                    named(from, *last),
                    by_round(rounds)
                )
            }
            End::Insufficient(reason) => {
                write!(f, "seed {seed}: cannot be recomputed: {reason}")
            }
        }
    }
}

pub(super) fn listed<'a>(devices: impl Iterator<Item = &'a DeviceId>) -> String {
    let all: Vec<String> = devices.map(ToString::to_string).collect();
    all.join(", ")
}

fn named(from: Round, to: Round) -> String {
    if from == to {
        format!("round {from}")
    } else {
        format!("rounds {from} to {to}")
    }
}

/// The devices of each round, rounds with the same ones together.
fn by_round(rounds: &BTreeMap<Round, Vec<DeviceId>>) -> String {
    let mut spans: Vec<(Round, Round, &Vec<DeviceId>)> = Vec::new();
    for (&round, devices) in rounds {
        match spans.last_mut() {
            Some((_, to, same)) if to.next() == round && *same == devices => *to = round,
            _ => spans.push((round, round, devices)),
        }
    }
    let spans = spans.into_iter().map(|(from, to, devices)| {
        let word = if devices.len() == 1 {
            "device"
        } else {
            "devices"
        };
        let devices = listed(devices.iter());
        format!("{}: {word} {devices}", named(from, to))
    });
    Vec::from_iter(spans).join("; ")
}

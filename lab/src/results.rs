//! What a run says of its arms: one row per arm and round, and a summary over seeds.
//!
//! Accuracies are fractions of 1, over the devices that reported; `own` ones on the devices' own held-out examples,
//! the others in the balanced view where there is one. Bytes are those of safetensors files that carry this arm alone.
//!
//! An accuracy of a view that the data does not have is not a number here, `null` in JSON and an empty cell in CSV.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

mod csv;
mod paired;
mod summary;

pub use csv::{CsvError, csv_lines, read_rounds_csv, rounds_csv};
pub use paired::{Paired, Reading, Side, paired};

/// The levels of accuracy that `rounds_to` knows, in percent.
pub const LEVELS: [u32; 7] = [50, 60, 70, 80, 90, 95, 98];

/// A level's name in `rounds_to`: "0.5" of 50, "0.95" of 95.
pub fn level_name(percent: u32) -> String {
    format!("{}", f64::from(percent) / 100.0)
}

/// One arm after one round of one seed: a line of `rounds.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundRow {
    /// The run's seed.
    pub seed: u32,
    /// The round whose models were measured, from 1.
    pub round: u32,
    /// The arm's name.
    pub arm: String,
    /// Mean over devices, balanced view.
    #[serde(deserialize_with = "number_or_none")]
    pub accuracy_mean: f64,
    /// The worst device.
    #[serde(deserialize_with = "number_or_none")]
    pub accuracy_worst: f64,
    /// Mean of the worst tenth of the devices, at least one.
    #[serde(deserialize_with = "number_or_none")]
    pub accuracy_worst_tenth: f64,
    /// The worst hidden group's mean; the worst device where there are no groups.
    #[serde(deserialize_with = "number_or_none")]
    pub accuracy_worst_group: f64,
    /// Mean over devices, own examples.
    #[serde(deserialize_with = "number_or_none")]
    pub own_mean: f64,
    /// The worst device.
    #[serde(deserialize_with = "number_or_none")]
    pub own_worst: f64,
    /// Mean of the worst tenth of the devices, at least one.
    #[serde(deserialize_with = "number_or_none")]
    pub own_worst_tenth: f64,
    /// The worst hidden group's mean; the worst device where there are no groups.
    #[serde(deserialize_with = "number_or_none")]
    pub own_worst_group: f64,
    /// Adjusted Rand index of honest devices' coalitions with hidden groups; none without groups, or where no coalitions
    /// form.
    pub agreement: Option<f64>,
    /// Number of coalitions.
    pub n_coalitions: u32,
    /// Bytes from devices in this round.
    pub bytes_up: u64,
    /// Bytes to devices in this round.
    pub bytes_down: u64,
    /// Seconds that devices spent on this arm in this round, added up over devices. Not repeatable.
    pub train_seconds: f64,
    /// Seconds that the server's strategy took to close this round. Not repeatable.
    pub server_seconds: f64,
}

/// A run in numbers: `summary.json`. Means are over seeds, at the last round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The experiment's name.
    pub experiment: String,
    /// The seeds that were run.
    pub seeds: Vec<u32>,
    /// The run's fingerprint; of several seeds, the hash of theirs in that order.
    pub fingerprint: String,
    /// Fingerprint by seed.
    pub fingerprints: BTreeMap<u32, String>,
    /// Number of devices.
    pub devices: u32,
    /// Number of rounds.
    pub rounds: u32,
    /// One per arm.
    pub arms: BTreeMap<String, ArmSummary>,
}

/// One arm in numbers. Means are over seeds, at the last round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArmSummary {
    /// Mean over devices, balanced view.
    #[serde(deserialize_with = "number_or_none")]
    pub accuracy_mean: f64,
    /// Standard deviation of that over seeds, with n - 1; 0 of one seed.
    #[serde(deserialize_with = "number_or_none")]
    pub accuracy_sd: f64,
    /// Mean over devices, own examples.
    #[serde(deserialize_with = "number_or_none")]
    pub own_accuracy_mean: f64,
    /// Standard deviation of that over seeds, with n - 1; 0 of one seed.
    #[serde(deserialize_with = "number_or_none")]
    pub own_accuracy_sd: f64,
    /// The worst device, balanced view.
    #[serde(deserialize_with = "number_or_none")]
    pub worst_device: f64,
    /// Mean of the worst tenth of the devices, balanced view.
    #[serde(deserialize_with = "number_or_none")]
    pub worst_tenth: f64,
    /// The worst hidden group, balanced view.
    #[serde(deserialize_with = "number_or_none")]
    pub worst_group: f64,
    /// The worst device, own examples.
    #[serde(deserialize_with = "number_or_none")]
    pub own_worst_device: f64,
    /// The worst hidden group, own examples.
    #[serde(deserialize_with = "number_or_none")]
    pub own_worst_group: f64,
    /// Mean size of the step in accuracy from one round to the next, after the first third of the rounds;
    /// not a number where that leaves no step.
    #[serde(deserialize_with = "number_or_none")]
    pub jitter: f64,
    /// Adjusted Rand index of honest devices' coalitions with hidden groups.
    pub agreement: Option<f64>,
    /// Number of coalitions; 0 where none form.
    pub n_coalitions: f64,
    /// Bytes from devices in the whole run.
    pub bytes_up: f64,
    /// Bytes to devices in the whole run.
    pub bytes_down: f64,
    /// First round whose mean accuracy reached the level, as a mean over the seeds that all reached it; none where one
    /// did not. The levels are "0.5", "0.6", "0.7", "0.8", "0.9", "0.95", "0.98".
    pub rounds_to: BTreeMap<String, Option<f64>>,
    /// Seconds that devices spent, added up over devices and rounds. Not repeatable.
    pub train_seconds: f64,
    /// Seconds that the server's strategy took. Not repeatable.
    pub server_seconds: f64,
    /// Mean accuracy by seed, balanced view: what paired differences are taken of.
    pub accuracy_by_seed: BTreeMap<u32, f64>,
    /// The same on own examples.
    pub own_accuracy_by_seed: BTreeMap<u32, f64>,
}

/// `null` is how JSON says that a number is missing.
fn number_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

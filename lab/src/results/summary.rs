//! From rows to a summary.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{ArmSummary, LEVELS, RoundRow, Summary, level_name};

impl Summary {
    /// The summary of a run's rows.
    ///
    /// Of every seed the last round that has a row counts as its last. Seeds are in ascending order; one that has a
    /// fingerprint or a row is one that was run.
    pub fn of(
        experiment: &str,
        devices: u32,
        rounds: u32,
        fingerprints: BTreeMap<u32, String>,
        rows: &[RoundRow],
    ) -> Self {
        let mut by_arm: BTreeMap<&str, BTreeMap<u32, BTreeMap<u32, &RoundRow>>> = BTreeMap::new();
        for row in rows {
            let seeds = by_arm.entry(&row.arm).or_default();
            seeds.entry(row.seed).or_default().insert(row.round, row);
        }
        let seeds: BTreeSet<u32> = rows
            .iter()
            .map(|row| row.seed)
            .chain(fingerprints.keys().copied())
            .collect();
        Self {
            experiment: experiment.to_owned(),
            seeds: seeds.into_iter().collect(),
            fingerprint: fingerprint_of(&fingerprints),
            fingerprints,
            devices,
            rounds,
            arms: by_arm
                .into_iter()
                .map(|(arm, seeds)| (arm.to_owned(), arm_summary(rounds, &seeds)))
                .collect(),
        }
    }
}

/// Of one seed its own; of several the SHA-256, in hex, of their texts in the order of seeds, joined by line feeds.
fn fingerprint_of(fingerprints: &BTreeMap<u32, String>) -> String {
    let texts: Vec<&str> = fingerprints.values().map(String::as_str).collect();
    match texts[..] {
        [] => String::new(),
        [one] => one.to_owned(),
        _ => {
            let mut hex = String::new();
            for byte in Sha256::digest(texts.join("\n")) {
                let _ = write!(hex, "{byte:02x}");
            }
            hex
        }
    }
}

fn arm_summary(rounds: u32, seeds: &BTreeMap<u32, BTreeMap<u32, &RoundRow>>) -> ArmSummary {
    let last: BTreeMap<u32, &RoundRow> = seeds
        .iter()
        .filter_map(|(&seed, rows)| Some((seed, *rows.values().next_back()?)))
        .collect();
    let at_end = |value: fn(&RoundRow) -> f64| -> Vec<f64> {
        last.values()
            .map(|row| value(row))
            .filter(|value| value.is_finite())
            .collect()
    };
    let (accuracy_mean, accuracy_sd) = number(&at_end(|row| row.accuracy_mean));
    let (own_accuracy_mean, own_accuracy_sd) = number(&at_end(|row| row.own_mean));
    let over_run = |value: fn(&RoundRow) -> f64| -> f64 {
        let sums: Vec<f64> = seeds
            .values()
            .map(|rows| rows.values().map(|row| value(row)).sum())
            .collect();
        mean(&sums).unwrap_or(0.0)
    };
    let jitters: Vec<f64> = seeds
        .values()
        .filter_map(|rows| jitter(rounds, rows))
        .collect();
    let agreements: Vec<f64> = last.values().filter_map(|row| row.agreement).collect();
    ArmSummary {
        accuracy_mean,
        accuracy_sd,
        own_accuracy_mean,
        own_accuracy_sd,
        worst_device: number(&at_end(|row| row.accuracy_worst)).0,
        worst_tenth: number(&at_end(|row| row.accuracy_worst_tenth)).0,
        worst_group: number(&at_end(|row| row.accuracy_worst_group)).0,
        own_worst_device: number(&at_end(|row| row.own_worst)).0,
        own_worst_group: number(&at_end(|row| row.own_worst_group)).0,
        jitter: number(&jitters).0,
        agreement: mean(&agreements),
        n_coalitions: mean(&at_end(|row| f64::from(row.n_coalitions))).unwrap_or(0.0),
        bytes_up: over_run(|row| count(row.bytes_up)),
        bytes_down: over_run(|row| count(row.bytes_down)),
        rounds_to: LEVELS
            .iter()
            .map(|&percent| (level_name(percent), rounds_to(percent, seeds)))
            .collect(),
        train_seconds: over_run(|row| row.train_seconds),
        server_seconds: over_run(|row| row.server_seconds),
        accuracy_by_seed: by_seed(&last, |row| row.accuracy_mean),
        own_accuracy_by_seed: by_seed(&last, |row| row.own_mean),
    }
}

fn by_seed(last: &BTreeMap<u32, &RoundRow>, value: fn(&RoundRow) -> f64) -> BTreeMap<u32, f64> {
    last.iter()
        .map(|(&seed, row)| (seed, value(row)))
        .filter(|(_, value)| value.is_finite())
        .collect()
}

/// Mean size of the steps between neighbouring rounds that both lie after the first third; none where there are none.
fn jitter(rounds: u32, rows: &BTreeMap<u32, &RoundRow>) -> Option<f64> {
    let late: Vec<(u32, f64)> = rows
        .range(rounds / 3 + 1..)
        .map(|(&round, row)| (round, row.accuracy_mean))
        .collect();
    let steps: Vec<f64> = late
        .windows(2)
        .filter(|pair| pair[1].0 == pair[0].0 + 1)
        .map(|pair| (pair[1].1 - pair[0].1).abs())
        .filter(|step| step.is_finite())
        .collect();
    mean(&steps)
}

/// Mean over seeds of the first round that reached the level; none unless all did.
fn rounds_to(percent: u32, seeds: &BTreeMap<u32, BTreeMap<u32, &RoundRow>>) -> Option<f64> {
    let level = f64::from(percent) / 100.0;
    let firsts: Option<Vec<f64>> = seeds
        .values()
        .map(|rows| {
            let first = rows.values().find(|row| row.accuracy_mean >= level)?;
            Some(f64::from(first.round))
        })
        .collect();
    mean(&firsts?)
}

/// Mean and standard deviation with n - 1; not numbers where there are none.
fn number(values: &[f64]) -> (f64, f64) {
    mean_and_sd(values).unwrap_or((f64::NAN, f64::NAN))
}

/// Mean and standard deviation with n - 1, which is 0 of one value; none of no value.
pub(super) fn mean_and_sd(values: &[f64]) -> Option<(f64, f64)> {
    let mean = mean(values)?;
    if values.len() == 1 {
        return Some((mean, 0.0));
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a number of seeds is far below 2^52"
    )]
    let freedom = (values.len() - 1) as f64;
    Some((mean, (squares / freedom).sqrt()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a number of rows is far below 2^52"
)]
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 9 petabytes")]
fn count(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of arm "a" whose other numbers follow from its accuracy.
    fn row(seed: u32, round: u32, accuracy: f64) -> RoundRow {
        RoundRow {
            seed,
            round,
            arm: "a".into(),
            accuracy_mean: accuracy,
            accuracy_worst: accuracy - 0.25,
            accuracy_worst_tenth: accuracy - 0.125,
            accuracy_worst_group: accuracy - 0.0625,
            own_mean: accuracy / 2.0,
            own_worst: accuracy / 4.0,
            own_worst_tenth: accuracy / 4.0,
            own_worst_group: accuracy / 8.0,
            agreement: (seed == 1).then_some(0.5),
            n_coalitions: seed,
            bytes_up: 100,
            bytes_down: 10 * u64::from(seed),
            train_seconds: 2.0,
            server_seconds: 0.5,
        }
    }

    fn of(rounds: u32, rows: &[RoundRow]) -> ArmSummary {
        Summary::of("e", 4, rounds, BTreeMap::new(), rows).arms["a"].clone()
    }

    #[test]
    fn numbers_are_of_the_last_round_and_means_over_seeds() {
        // Last rounds 0.5, 0.75 and 1.0: mean 0.75, sd sqrt((0.0625 + 0 + 0.0625) / 2) = 0.25.
        let rows = [
            row(1, 2, 0.5),
            row(1, 1, 0.25),
            row(2, 1, 0.25),
            row(2, 2, 0.75),
            row(3, 1, 0.25),
            row(3, 2, 1.0),
        ];
        let arm = of(2, &rows);
        assert_eq!((arm.accuracy_mean, arm.accuracy_sd), (0.75, 0.25));
        assert_eq!((arm.own_accuracy_mean, arm.own_accuracy_sd), (0.375, 0.125));
        assert_eq!(arm.worst_device, 0.5);
        assert_eq!(arm.worst_tenth, 0.625);
        assert_eq!(arm.worst_group, 0.6875);
        assert_eq!(arm.own_worst_device, 0.1875);
        assert_eq!(arm.own_worst_group, 0.09375);
        assert_eq!(arm.agreement, Some(0.5));
        assert_eq!(arm.n_coalitions, 2.0);
        assert_eq!((arm.bytes_up, arm.bytes_down), (200.0, 40.0));
        assert_eq!((arm.train_seconds, arm.server_seconds), (4.0, 1.0));
        assert_eq!(
            arm.accuracy_by_seed,
            BTreeMap::from([(1, 0.5), (2, 0.75), (3, 1.0)])
        );
        assert_eq!(arm.own_accuracy_by_seed[&3], 0.5);
    }

    #[test]
    fn jitter_begins_after_the_first_third() {
        // Of 6 rounds the first 2 do not count: steps of 0.125, 0.25 and 0 between rounds 3, 4, 5 and 6.
        let accuracies = [0.0, 1.0, 0.5, 0.625, 0.375, 0.375];
        let rows: Vec<RoundRow> = (1..)
            .zip(accuracies)
            .map(|(round, a)| row(1, round, a))
            .collect();
        assert_eq!(of(6, &rows).jitter, 0.125);
        // A second seed that stands still halves it.
        let still = (1..=6).map(|round| row(2, round, 0.5));
        let both: Vec<RoundRow> = rows.into_iter().chain(still).collect();
        assert_eq!(of(6, &both).jitter, 0.0625);
        assert!(of(1, &[row(1, 1, 0.5)]).jitter.is_nan());
    }

    #[test]
    fn a_level_is_reached_when_every_seed_has_reached_it() {
        let rows = [
            row(1, 1, 0.5),
            row(1, 2, 0.7),
            row(1, 3, 0.6),
            row(2, 1, 0.4),
            row(2, 2, 0.55),
            row(2, 3, 0.65),
        ];
        let arm = of(3, &rows);
        assert_eq!(arm.rounds_to["0.5"], Some(1.5));
        assert_eq!(arm.rounds_to["0.6"], Some(2.5));
        assert_eq!(arm.rounds_to["0.7"], None);
        let names: Vec<&str> = arm.rounds_to.keys().map(String::as_str).collect();
        assert_eq!(names, ["0.5", "0.6", "0.7", "0.8", "0.9", "0.95", "0.98"]);
    }

    #[test]
    fn several_seeds_have_the_hash_of_their_fingerprints() {
        let of = |fingerprints| Summary::of("e", 4, 2, fingerprints, &[row(5, 1, 0.5)]);
        assert_eq!(of(BTreeMap::new()).fingerprint, "");
        let one = of(BTreeMap::from([(5, "abc".into())]));
        assert_eq!(one.fingerprint, "abc");
        assert_eq!(one.seeds, [5]);
        // printf 'abc\nxyz' | sha256sum
        let two = of(BTreeMap::from([(9, "xyz".into()), (5, "abc".into())]));
        assert_eq!(two.seeds, [5, 9]);
        assert_eq!(
            two.fingerprint,
            "042f01ade2c5988edbe230efc3f48fdcdbbe493931de8cae8bd02156802b77cd"
        );
    }

    #[test]
    fn a_view_that_is_not_there_is_null_in_json_and_reads_back() {
        let rows = [RoundRow {
            accuracy_mean: f64::NAN,
            ..row(1, 1, 0.5)
        }];
        let summary = Summary::of("e", 4, 1, BTreeMap::new(), &rows);
        let arm = &summary.arms["a"];
        assert!(arm.accuracy_mean.is_nan() && arm.accuracy_by_seed.is_empty());
        let json = serde_json::to_string(&summary).unwrap();
        assert!(json.contains("\"accuracy_mean\":null"));
        let again: Summary = serde_json::from_str(&json).unwrap();
        assert!(again.arms["a"].accuracy_mean.is_nan());
        assert_eq!(again.arms["a"].own_accuracy_mean, 0.25);
    }
}

//! Invented runs for tests, with the shape of real ones.

use std::collections::BTreeMap;

use crate::results::{RoundRow, Summary};

/// An arm as invented: name, accuracy it tends to in both views, rounds it needs, coalitions at the end.
type Arm = (&'static str, f64, f64, f64, u32);

const GROUPED: [Arm; 8] = [
    ("local_only", 0.576, 0.90, 2.0, 0),
    ("fed_avg", 0.585, 0.67, 5.0, 0),
    ("fed_avg_tuned", 0.70, 0.88, 4.0, 0),
    ("coalition_global", 0.58, 0.665, 5.0, 4),
    ("coalition_models", 0.79, 0.90, 4.5, 4),
    ("ifca", 0.76, 0.89, 5.0, 3),
    ("ours", 0.815, 0.915, 4.0, 4),
    ("oracle_groups", 0.817, 0.915, 3.8, 4),
];

/// Three seeds, 20 devices, 30 rounds, hidden groups.
pub(super) fn grouped() -> (Summary, Vec<RoundRow>) {
    run("groups-rotation", &[1, 2, 3], 20, 30, &GROUPED, 0.0)
}

/// The same with all arms a little worse.
pub(super) fn grouped_worse() -> (Summary, Vec<RoundRow>) {
    run("groups-swap", &[1, 2, 3], 20, 30, &GROUPED, -0.06)
}

/// One seed, ten rounds, six devices, no balanced view, no groups: a person's own recordings.
pub(super) fn one_seed() -> (Summary, Vec<RoundRow>) {
    let (_, mut rows) = run("watch", &[7], 6, 10, &GROUPED[..5], 0.02);
    for row in &mut rows {
        row.accuracy_mean = f64::NAN;
        row.accuracy_worst = f64::NAN;
        row.accuracy_worst_tenth = f64::NAN;
        row.accuracy_worst_group = f64::NAN;
        row.agreement = None;
    }
    let fingerprints = BTreeMap::from([(7, "9f2c".repeat(16))]);
    (Summary::of("watch", 6, 10, fingerprints, &rows), rows)
}

/// Sixteen arms with names of all lengths.
pub(super) fn sixteen() -> (Summary, Vec<RoundRow>) {
    let names = [
        "bounded_confidence_cosine",
        "bounded_confidence",
        "cfl",
        "fl_hc",
        "fesem",
        "scaffold",
        "fed_prox",
        "ours_frozen",
    ];
    let mut arms = GROUPED.to_vec();
    for (index, name) in (0u32..).zip(names) {
        let accuracy = 0.6 + 0.027 * f64::from(index);
        arms.push((name, accuracy, accuracy + 0.08, 5.0, 2 + index % 4));
    }
    run("all-methods", &[1, 2, 3], 40, 50, &arms, 0.0)
}

/// A run whose curves rise to the arms' accuracies, with noise that depends on nothing but its place.
fn run(
    name: &str,
    seeds: &[u32],
    devices: u32,
    rounds: u32,
    arms: &[Arm],
    shift: f64,
) -> (Summary, Vec<RoundRow>) {
    let mut rows = Vec::new();
    for &seed in seeds {
        for round in 1..=rounds {
            for (index, &(arm, balanced, own, slowness, coalitions)) in (0u32..).zip(arms) {
                let rise = 1.0 - (-f64::from(round) / slowness).exp();
                let noise = 0.012 * wave(seed, round, index) + 0.008 * wave(seed, 0, index);
                let accuracy = 0.1 + (balanced + shift - 0.1) * rise + noise;
                let own_mean = 0.2 + (own + shift - 0.2) * rise + noise;
                let alone = arm == "local_only";
                let forming = round.min(6) * coalitions / 6;
                rows.push(RoundRow {
                    seed,
                    round,
                    arm: arm.into(),
                    accuracy_mean: accuracy,
                    accuracy_worst: accuracy - 0.09,
                    accuracy_worst_tenth: accuracy - 0.075,
                    accuracy_worst_group: accuracy - 0.04,
                    own_mean,
                    own_worst: own_mean - 0.11,
                    own_worst_tenth: own_mean - 0.09,
                    own_worst_group: own_mean - 0.03,
                    agreement: (coalitions > 0).then(|| {
                        let top = if arm == "coalition_global" { 0.6 } else { 1.0 };
                        (top * f64::from(round.min(8)) / 8.0 + noise).min(1.0)
                    }),
                    n_coalitions: if coalitions > 0 {
                        forming.max(1) + u32::from(round == 4 && seed == 2)
                    } else {
                        0
                    },
                    bytes_up: if alone {
                        0
                    } else {
                        u64::from(devices) * 203_560
                    },
                    bytes_down: if alone {
                        0
                    } else {
                        u64::from(devices) * 203_560 * if arm == "ifca" { 4 } else { 1 }
                    },
                    train_seconds: 0.8,
                    server_seconds: 0.003,
                });
            }
        }
    }
    let fingerprints = seeds
        .iter()
        .map(|&seed| (seed, format!("{seed:064x}")))
        .collect();
    (
        Summary::of(name, devices, rounds, fingerprints, &rows),
        rows,
    )
}

/// Between -1 and 1, without any pattern that matters.
fn wave(a: u32, b: u32, c: u32) -> f64 {
    let mixed = a.wrapping_mul(2_654_435_761) ^ b.wrapping_mul(40_503) ^ c.wrapping_mul(97_931);
    f64::from(mixed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) >> 16) / 32_768.0 - 1.0
}

//! What to measure next: rules from a run's numbers, in the words of someone who has read no paper.

use super::arms::{curve, is_oracle};
use super::findings::{main_side, score};
use super::text::{bytes, percent};
use crate::results::{ArmSummary, Reading, RoundRow, Side, Summary, paired};

/// Fewer seeds than this say little about chance.
const SEEDS: usize = 3;
/// A worst group this far below the mean lags, as a fraction of 1.
const LAG: f64 = 0.03;
/// A worst device this far below the mean stands out, as a fraction of 1.
const WORST: f64 = 0.08;
/// A gain over the last fifth of the rounds above which a curve still rises, as a fraction of 1.
const RISE: f64 = 0.01;
/// A curve has settled once it is this near to the level of its end, as a fraction of 1.
const SETTLED: f64 = 0.01;
/// Steps from round to round above this are unrest, as a fraction of 1.
const UNREST: f64 = 0.02;
/// Bytes to and from one device in a whole run that a mobile connection feels.
const HEAVY: f64 = 50e6;
/// Agreement below this means that hidden groups were not found.
const FOUND: f64 = 0.8;

/// The arms that a decision is between.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    pub(super) summary: &'a Summary,
    pub(super) rows: &'a [RoundRow],
    pub(super) side: Side,
    /// The best arm that groups devices.
    pub(super) grouping: Option<(&'a str, &'a ArmSummary)>,
    /// The best arm that does not.
    pub(super) simple: Option<(&'a str, &'a ArmSummary)>,
}

impl<'a> Choice<'a> {
    pub(super) fn of(summary: &'a Summary, rows: &'a [RoundRow]) -> Self {
        let side = main_side(summary);
        let best = |groups: bool| {
            summary
                .arms
                .iter()
                .filter(|(name, arm)| !is_oracle(name) && (arm.n_coalitions > 0.0) == groups)
                .map(|(name, arm)| (name.as_str(), arm))
                .filter(|(_, arm)| score(arm, side).0.is_finite())
                .max_by(|a, b| score(a.1, side).0.total_cmp(&score(b.1, side).0))
        };
        Self {
            summary,
            rows,
            side,
            grouping: best(true),
            simple: best(false),
        }
    }

    /// The better of the two, grouping if nothing is between them.
    pub(super) fn best(&self) -> Option<(&'a str, &'a ArmSummary)> {
        let mean = |of: Option<(&str, &ArmSummary)>| of.map(|(_, arm)| score(arm, self.side).0);
        if mean(self.grouping) >= mean(self.simple) {
            self.grouping
        } else {
            self.simple
        }
    }

    /// What the difference between the two says.
    pub(super) fn reading(&self) -> Option<Reading> {
        let (_, grouping) = self.grouping?;
        let (_, simple) = self.simple?;
        Some(paired(grouping, simple, self.side)?.reading())
    }

    /// Mean accuracy over seeds by round.
    fn curve(&self, name: &str) -> Vec<(u32, f64)> {
        let points = curve(self.rows, name, |row| match self.side {
            Side::Balanced => row.accuracy_mean,
            Side::Own => row.own_mean,
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a round's number, from a u32"
        )]
        let places = points
            .iter()
            .filter(|point| point.mean.is_finite())
            .map(|point| (point.x as u32, point.mean));
        places.collect()
    }

    /// The first round within a point of the mean of the last fifth of the rounds.
    pub(super) fn settled(&self, name: &str) -> Option<u32> {
        let curve = self.curve(name);
        let late = &curve[curve.len() - curve.len().div_ceil(5)..];
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number of rounds is far below 2^52"
        )]
        let end = late.iter().map(|(_, mean)| mean).sum::<f64>() / late.len() as f64;
        let first = curve.iter().find(|(_, mean)| *mean >= end - SETTLED)?;
        Some(first.0)
    }

    /// How much the arm gained over the last fifth of its rounds.
    fn gain(&self, name: &str) -> Option<f64> {
        let curve = self.curve(name);
        let fifth = (curve.len() / 5).max(1);
        let before = curve.len().checked_sub(fifth + 1)?;
        Some(curve.last()?.1 - curve[before].1)
    }
}

/// Advice, the most pressing first; each begins with what to do, in bold.
pub(super) fn advice(choice: &Choice) -> Vec<String> {
    let Some((name, arm)) = choice.best() else {
        return vec!["<b>Run it.</b> There are no numbers yet.".into()];
    };
    let rules = [
        more_seeds(choice),
        groups_not_worth_it(choice),
        lone_devices(choice),
        groups_not_found(choice),
        worst_group(choice, arm),
        worst_device(choice, arm),
        run_longer(choice, name),
        stop_earlier(choice, name, arm),
        heavy_traffic(choice, arm),
        unrest(arm),
    ];
    let mut advice: Vec<String> = rules.into_iter().flatten().collect();
    if advice.is_empty() {
        advice.push(
            "<b>Try it on the real devices.</b> Nothing in these numbers asks for another experiment first.".into(),
        );
    }
    advice
}

fn more_seeds(choice: &Choice) -> Option<String> {
    let seeds = choice.summary.seeds.len();
    (seeds < SEEDS).then(|| {
        format!(
            "<b>Repeat it with at least {SEEDS} seeds.</b> A seed fixes everything that is left to chance; this run has \
             {seeds}, so nobody can say how much of a difference is luck."
        )
    })
}

fn groups_not_worth_it(choice: &Choice) -> Option<String> {
    match choice.reading()? {
        Reading::WithinSpread => Some(
            "<b>Do not group for now.</b> The difference is within what chance does between repetitions; the simpler \
             method is as good. Group only if you know of devices whose right answers differ."
                .into(),
        ),
        Reading::Worse => Some(
            "<b>Do not group these devices.</b> Every group learns from fewer examples, and here nothing is gained in \
             return. More examples per device may change that: measure it."
                .into(),
        ),
        Reading::Better | Reading::OneSeed => None,
    }
}

fn lone_devices(choice: &Choice) -> Option<String> {
    let (name, arm) = choice.grouping?;
    // With more than half as many coalitions as devices, at least one has a single member.
    let devices = f64::from(choice.summary.devices);
    let lone = arm.n_coalitions > 1.0 && 2.0 * arm.n_coalitions > devices;
    lone.then(|| {
        let common = if name.contains("global") {
            " In a common model that counts every coalition alike, its weight is that of a whole coalition: compare \
             with <code>weighting = size</code>."
        } else {
            ""
        };
        format!(
            "<b>Ask for larger coalitions,</b> the groups of devices that share a model. There are {:.0} for {devices} devices, so at least one is in a \
             coalition of its own and learns from nobody.{common}",
            arm.n_coalitions
        )
    })
}

fn groups_not_found(choice: &Choice) -> Option<String> {
    let agreement = choice.grouping?.1.agreement?;
    (agreement < FOUND).then(|| {
        format!(
            "<b>Wait longer before grouping.</b> The coalitions agree only partly with the groups that the data really \
             has (agreement {agreement:.2}; 1 is the same, 0 is chance). More rounds or more examples before \
             coalitions form make groups easier to see."
        )
    })
}

fn worst_group(choice: &Choice, arm: &ArmSummary) -> Option<String> {
    let (mean, group, device) = match choice.side {
        Side::Balanced => (arm.accuracy_mean, arm.worst_group, arm.worst_device),
        Side::Own => (
            arm.own_accuracy_mean,
            arm.own_worst_group,
            arm.own_worst_device,
        ),
    };
    // Without groups the worst device stands in for the worst group.
    (group > device && mean - group > LAG).then(|| {
        format!(
            "<b>Look at the group that lags.</b> Its devices reach {}\u{202f}% where all reach {}\u{202f}% on average. \
             Count its devices and examples; it may need more of both.",
            percent(group),
            percent(mean)
        )
    })
}

fn worst_device(choice: &Choice, arm: &ArmSummary) -> Option<String> {
    let (mean, device) = match choice.side {
        Side::Balanced => (arm.accuracy_mean, arm.worst_device),
        Side::Own => (arm.own_accuracy_mean, arm.own_worst_device),
    };
    (mean - device > WORST).then(|| {
        format!(
            "<b>Look at the worst device.</b> It reaches {}\u{202f}%, {} points below the mean. Check its labels and \
             number of examples before it goes into the pilot.",
            percent(device),
            percent(mean - device)
        )
    })
}

fn run_longer(choice: &Choice, name: &str) -> Option<String> {
    let gain = choice.gain(name)?;
    (gain > RISE).then(|| {
        format!(
            "<b>Run longer.</b> The curve still rises: {} points over the last fifth of the rounds.",
            percent(gain)
        )
    })
}

fn stop_earlier(choice: &Choice, name: &str, arm: &ArmSummary) -> Option<String> {
    let settled = choice.settled(name)?;
    let rounds = choice.summary.rounds;
    let early =
        10 * u64::from(settled) <= 7 * u64::from(rounds) && arm.bytes_up + arm.bytes_down > 0.0;
    early.then(|| {
        let saved = 1.0 - f64::from(settled) / f64::from(rounds);
        format!(
            "<b>Stop earlier.</b> After round {settled} of {rounds} less than a point is gained: stopping there saves \
             {:.0}\u{202f}% of the traffic.",
            100.0 * saved
        )
    })
}

fn heavy_traffic(choice: &Choice, arm: &ArmSummary) -> Option<String> {
    let each = (arm.bytes_up + arm.bytes_down) / f64::from(choice.summary.devices.max(1));
    (each > HEAVY).then(|| {
        format!(
            "<b>Send less.</b> Every device sends and receives {} in all: try more training per round and fewer rounds, \
             or a smaller model.",
            bytes(each)
        )
    })
}

fn unrest(arm: &ArmSummary) -> Option<String> {
    (arm.jitter > UNREST).then(|| {
        format!(
            "<b>Train more gently.</b> Accuracy still jumps by {} points from round to round: try a lower learning rate (smaller steps in training), \
             so that it matters less in which round you stop.",
            percent(arm.jitter)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    fn told(summary: &Summary, rows: &[RoundRow]) -> String {
        advice(&Choice::of(summary, rows)).join("\n")
    }

    #[test]
    fn a_good_run_asks_for_little() {
        let (summary, rows) = fixtures::grouped();
        let choice = Choice::of(&summary, &rows);
        assert_eq!(choice.grouping.unwrap().0, "ours");
        assert_eq!(choice.simple.unwrap().0, "fed_avg_tuned");
        assert_eq!(choice.reading(), Some(Reading::Better));
        let told = told(&summary, &rows);
        for missing in [
            "seeds",
            "Do not group",
            "larger coalitions",
            "Run longer",
            "Wait longer",
        ] {
            assert!(!told.contains(missing), "{told}");
        }
        assert!(
            told.contains("worst device") && told.contains("group that lags"),
            "{told}"
        );
    }

    #[test]
    fn every_rule_speaks_when_its_numbers_call() {
        let (summary, rows) = fixtures::one_seed();
        assert!(told(&summary, &rows).contains("at least 3 seeds"));
        // Four coalitions for six devices.
        let lone = Summary {
            devices: 6,
            ..summary
        };
        assert!(told(&lone, &rows).contains("coalition of its own"));

        let (mut summary, rows) = fixtures::grouped();
        let simple = summary.arms["fed_avg_tuned"].clone();
        let ours = summary.arms.get_mut("ours").unwrap();
        ours.agreement = Some(0.5);
        ours.jitter = 0.03;
        // Down: 20 devices, 30 rounds, 203,560 bytes; 66.1 MB a device in all.
        ours.bytes_up = 20.0 * 60e6;
        let text = told(&summary, &rows);
        for said in ["Wait longer", "Train more gently", "66.1\u{202f}MB"] {
            assert!(text.contains(said), "{said}: {text}");
        }
        for (name, arm) in &mut summary.arms {
            if arm.n_coalitions > 0.0 {
                *arm = ArmSummary {
                    n_coalitions: 4.0,
                    ..simple.clone()
                };
                if name == "ours" {
                    arm.accuracy_mean += 1e-6;
                }
            }
        }
        assert!(told(&summary, &rows).contains("Do not group for now"));
        for arm in summary
            .arms
            .values_mut()
            .filter(|arm| arm.n_coalitions > 0.0)
        {
            arm.accuracy_mean -= 0.1;
            arm.accuracy_by_seed
                .values_mut()
                .for_each(|value| *value -= 0.1);
        }
        assert!(told(&summary, &rows).contains("Do not group these devices"));
    }

    #[test]
    fn a_rising_curve_runs_longer_and_a_settled_one_stops_earlier() {
        let (_, rows) = fixtures::grouped();
        let until = |last: u32| -> Vec<RoundRow> {
            rows.iter()
                .filter(|row| row.round <= last)
                .cloned()
                .collect()
        };
        let short = until(8);
        let summary = Summary::of("e", 20, 8, Default::default(), &short);
        assert!(told(&summary, &short).contains("Run longer"));
        assert!(!told(&summary, &short).contains("Stop earlier"));

        // 0.1, 0.5, then 0.8 for eight rounds: settled from round 3 on.
        let mut flat: Vec<RoundRow> = until(10)
            .into_iter()
            .filter(|row| row.arm == "ours")
            .collect();
        for row in &mut flat {
            row.accuracy_mean = [0.1, 0.5]
                .get(row.round as usize - 1)
                .copied()
                .unwrap_or(0.8);
        }
        let summary = Summary::of("e", 20, 10, Default::default(), &flat);
        assert_eq!(Choice::of(&summary, &flat).settled("ours"), Some(3));
        let text = told(&summary, &flat);
        assert!(
            text.contains("After round 3 of 10") && text.contains("saves 70\u{202f}%"),
            "{text}"
        );
        assert!(!text.contains("Run longer"));
    }

    #[test]
    fn nothing_measured_is_said() {
        let summary = Summary::of("e", 0, 0, Default::default(), &[]);
        assert_eq!(advice(&Choice::of(&summary, &[])).len(), 1);
    }
}

//! What the numbers say, in sentences. A difference smaller than two standard errors is called none.

use super::arms::{has_balanced, is_oracle};
use super::html::escape;
use super::text::{counted, percent, points};
use crate::results::{ArmSummary, Paired, Reading, Side, Summary, paired};

/// Mean over seeds and its standard deviation, in one view.
pub(super) fn score(arm: &ArmSummary, side: Side) -> (f64, f64) {
    match side {
        Side::Balanced => (arm.accuracy_mean, arm.accuracy_sd),
        Side::Own => (arm.own_accuracy_mean, arm.own_accuracy_sd),
    }
}

/// The view that conclusions are drawn in: balanced where there is one.
pub(super) fn main_side(summary: &Summary) -> Side {
    if has_balanced(summary) {
        Side::Balanced
    } else {
        Side::Own
    }
}

/// The arm with the highest mean that is not told anything in advance.
pub(super) fn best(summary: &Summary, side: Side) -> Option<(&str, &ArmSummary)> {
    summary
        .arms
        .iter()
        .filter(|(name, arm)| !is_oracle(name) && score(arm, side).0.is_finite())
        .max_by(|(a_name, a), (b_name, b)| {
            let order = score(a, side).0.total_cmp(&score(b, side).0);
            // Of equals the first by name.
            order.then_with(|| b_name.cmp(a_name))
        })
        .map(|(name, arm)| (name.as_str(), arm))
}

/// "23.9 ± 0.8 points above `name`" and the like; `name` is HTML.
pub(super) fn against(difference: Paired, name: &str) -> String {
    let size = points(difference.mean.abs());
    let size = size.trim_start_matches('+');
    let sd = percent(difference.sd);
    let direction = if difference.mean < 0.0 {
        "below"
    } else {
        "above"
    };
    match difference.reading() {
        Reading::WithinSpread => format!(
            "no difference from {name} within the spread ({} ± {sd} points)",
            points(difference.mean)
        ),
        Reading::OneSeed => format!("{size} points {direction} {name}"),
        Reading::Better | Reading::Worse => {
            format!("<b>{size} ± {sd} points</b> {direction} {name}")
        }
    }
}

/// The sentence at the head of a report on one view, as HTML.
pub(super) fn headline(summary: &Summary, side: Side) -> String {
    let view = match side {
        Side::Balanced => "In the balanced view",
        Side::Own => "On the devices' own examples",
    };
    let Some((name, arm)) = best(summary, side) else {
        return format!("{view} there are no numbers.");
    };
    let (mean, sd) = score(arm, side);
    let seeds = summary.seeds.len();
    let spread = if seeds > 1 {
        format!(" ± {}", percent(sd))
    } else {
        String::new()
    };
    let mut comparisons = Vec::new();
    for other in ["fed_avg", "local_only"] {
        if other == name {
            continue;
        }
        let other_arm = summary.arms.get(other);
        if let Some(difference) = other_arm.and_then(|other| paired(arm, other, side)) {
            comparisons.push(against(difference, &format!("<b>{other}</b>")));
        }
    }
    let mut sentence = format!(
        "{view}, <b>{}</b> reaches <b>{}{spread}\u{202f}%</b> after {}",
        escape(name),
        percent(mean),
        counted(summary.rounds as usize, "round")
    );
    if !comparisons.is_empty() {
        sentence += &format!(": {}", comparisons.join(" and "));
    }
    sentence += ".";
    let equals = as_good(summary, side, name, arm);
    if !equals.is_empty() {
        sentence += &format!(
            " Not to be told apart from it within the spread: {}.",
            equals.join(", ")
        );
    }
    for (oracle, oracle_arm) in summary.arms.iter().filter(|(name, _)| is_oracle(name)) {
        if let Some(difference) = paired(oracle_arm, arm, side) {
            sentence += &format!(
                " {}, which is told the groups, reaches {}\u{202f}%: {}.",
                escape(oracle),
                percent(score(oracle_arm, side).0),
                against(difference, &escape(name))
            );
        }
    }
    sentence
}

/// Arms whose difference from the best is within the spread, but for those the headline names anyway.
fn as_good(summary: &Summary, side: Side, best: &str, best_arm: &ArmSummary) -> Vec<String> {
    summary
        .arms
        .iter()
        .filter(|(name, _)| {
            !is_oracle(name) && !matches!(name.as_str(), "fed_avg" | "local_only") && *name != best
        })
        .filter(|(_, arm)| {
            paired(best_arm, arm, side)
                .is_some_and(|difference| difference.reading() == Reading::WithinSpread)
        })
        .map(|(name, _)| escape(name))
        .collect()
}

/// What the numbers after "±" are, for the foot of a table.
pub(super) fn about_spread<'a>(runs: impl IntoIterator<Item = &'a Summary>) -> String {
    let seeds: Vec<usize> = runs.into_iter().map(|run| run.seeds.len()).collect();
    let least = seeds.iter().copied().min().unwrap_or(0);
    let most = seeds.iter().copied().max().unwrap_or(0);
    match most {
        0 | 1 => {
            "One seed: there is no spread, so a difference of a few points may be chance.".into()
        }
        _ => format!(
            "Means over {} seeds; ± is the standard deviation between seeds. Differences are taken seed by seed; \
             one smaller than two standard errors counts as no difference. That is a rule of thumb, no test{}.",
            if least == most {
                most.to_string()
            } else {
                format!("{least} to {most}")
            },
            if least < 5 {
                ", and with so few seeds a weak one"
            } else {
                ""
            }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn summary(arms: &[(&str, &[f64])]) -> Summary {
        let arms: BTreeMap<String, ArmSummary> = arms
            .iter()
            .map(|(name, values)| {
                let by_seed: BTreeMap<u32, f64> = (1..).zip(values.iter().copied()).collect();
                #[expect(clippy::cast_precision_loss, reason = "three seeds")]
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let arm = ArmSummary {
                    accuracy_mean: mean,
                    accuracy_sd: 0.01,
                    accuracy_by_seed: by_seed,
                    own_accuracy_mean: f64::NAN,
                    ..ArmSummary::default()
                };
                ((*name).to_owned(), arm)
            })
            .collect();
        let seeds = 1..=u32::try_from(arms.values().next().map_or(0, |a| a.accuracy_by_seed.len()))
            .unwrap();
        Summary {
            experiment: "e".into(),
            seeds: seeds.collect(),
            fingerprint: String::new(),
            fingerprints: BTreeMap::new(),
            devices: 4,
            rounds: 30,
            arms,
        }
    }

    #[test]
    fn the_headline_states_a_clear_difference_with_its_spread() {
        // Differences 0.25, 0.25, 0.28: mean 0.26, sd sqrt(2 * 0.01^2 + 0.02^2) / sqrt(2) = 0.0173.
        let summary = summary(&[
            ("ours", &[0.8, 0.8, 0.83]),
            ("fed_avg", &[0.55, 0.55, 0.55]),
            ("oracle_groups", &[0.8, 0.82, 0.81]),
        ]);
        let text = headline(&summary, Side::Balanced);
        assert!(
            text.contains("<b>ours</b> reaches <b>81.0 ± 1.0\u{202f}%</b> after 30 rounds"),
            "{text}"
        );
        assert!(
            text.contains("<b>26.0 ± 1.7 points</b> above <b>fed_avg</b>"),
            "{text}"
        );
        assert!(
            text.contains("oracle_groups, which is told the groups, reaches 81.0\u{202f}%: no difference from ours within the spread (0.0 ± 2.0 points)."),
            "{text}"
        );
    }

    #[test]
    fn the_headline_calls_a_small_difference_none() {
        let summary = summary(&[
            ("ours", &[0.8, 0.7, 0.9]),
            ("fed_avg", &[0.7, 0.8, 0.8]),
            ("cfl", &[0.78, 0.72, 0.8]),
        ]);
        let text = headline(&summary, Side::Balanced);
        assert!(
            text.contains(
                "no difference from <b>fed_avg</b> within the spread (+3.3 ± 11.5 points)"
            ),
            "{text}"
        );
        assert!(
            text.contains("Not to be told apart from it within the spread: cfl."),
            "{text}"
        );
    }

    #[test]
    fn one_seed_has_no_spread_and_a_missing_view_no_numbers() {
        let summary = summary(&[("a<b", &[0.8]), ("fed_avg", &[0.7])]);
        let text = headline(&summary, Side::Balanced);
        assert!(
            text.contains("<b>a&lt;b</b> reaches <b>80.0\u{202f}%</b>"),
            "{text}"
        );
        assert!(text.contains("10.0 points above <b>fed_avg</b>"), "{text}");
        assert!(!text.contains('±'));
        assert_eq!(
            headline(&summary, Side::Own),
            "On the devices' own examples there are no numbers."
        );
    }

    #[test]
    fn the_oracle_is_never_the_best() {
        let summary = summary(&[
            ("oracle_groups", &[0.9]),
            ("cfl", &[0.8]),
            ("alone", &[0.8]),
        ]);
        assert_eq!(best(&summary, Side::Balanced).unwrap().0, "alone");
        assert_eq!(main_side(&summary), Side::Balanced);
    }
}

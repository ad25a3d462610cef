//! One model from several of which some may be bad: sent by a broken device, or by one that wants to do harm.
//!
//! - Norm clipping: Sun et al., "Can You Really Backdoor Federated Learning?" (arXiv 1911.07963, 2019), with the median
//!   length of the steps as the bound.
//! - Median and trimmed mean of every weight: Yin et al., "Byzantine-Robust Distributed Learning: Towards Optimal
//!   Statistical Rates" (ICML 2018).
//! - Geometric median: Pillutla, Kakade and Harchaoui, "Robust Aggregation for Federated Learning" (IEEE Transactions on
//!   Signal Processing, 2022), by their smoothed Weiszfeld algorithm.
//! - Multi-Krum: Blanchard et al., "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent" (NeurIPS 2017).
//!
//! Numbers of examples play no part where models are devices': they are what devices say of themselves.

use super::{COLUMNS, squared_distance, weighted_mean};
use crate::config::{Aggregation, Rule};
use crate::distance::Gram;
use crate::parallel;
use crate::params::Params;

/// One of the models that become one.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What it went out from: its step is the way from there.
    pub start: &'a Params,
    /// The model.
    pub model: &'a Params,
    /// What it counts in a mean; not below 0. Rules that rank models, by the weight or whole, let all count the same.
    pub weight: f64,
}

/// What has become of models.
#[derive(Clone, Debug, PartialEq)]
pub struct Combined {
    /// The one model.
    pub model: Params,
    /// What each counts in it, as fractions of 1, in the order given. Where steps were shortened, the rest of 1 is their
    /// starts'.
    pub shares: Vec<f64>,
}

/// Makes models of the same shape one; `None` of none.
#[must_use]
pub fn combine(aggregation: &Aggregation, entries: &[Entry<'_>]) -> Option<Combined> {
    let bad = (aggregation.bad * entries.len() as f64) as usize;
    match aggregation.rule {
        Rule::NormClipping => norm_clipping(entries),
        // All but the one or two in the middle.
        Rule::Median => by_values(entries, entries.len().saturating_sub(1) / 2),
        Rule::TrimmedMean => by_values(entries, bad),
        Rule::GeometricMedian => geometric_median(entries),
        Rule::MultiKrum => multi_krum(entries, bad),
    }
}

/// The mean by weights, by which no rule is needed.
#[must_use]
pub fn mean(entries: &[Entry<'_>]) -> Option<Combined> {
    let weights: Vec<f64> = entries.iter().map(|entry| entry.weight).collect();
    mean_by(entries, &weights)
}

fn mean_by(entries: &[Entry<'_>], counts: &[f64]) -> Option<Combined> {
    let total: f64 = counts.iter().sum();
    let models = entries.iter().map(|entry| entry.model);
    Some(Combined {
        model: weighted_mean(models.zip(counts.iter().copied()))?,
        shares: counts.iter().map(|count| count / total).collect(),
    })
}

fn norm_clipping(entries: &[Entry<'_>]) -> Option<Combined> {
    let lengths = distances(entries, |entry| entry.start);
    let bound = median(&lengths)?;
    let kept: Vec<f64> = lengths
        .iter()
        .map(|length| if *length > bound { bound / length } else { 1.0 })
        .collect();
    let total: f64 = entries.iter().map(|entry| entry.weight).sum();
    let parts = entries.iter().zip(&kept).flat_map(|(entry, kept)| {
        [
            (entry.model, entry.weight * kept),
            (entry.start, entry.weight * (1.0 - kept)),
        ]
    });
    let shares = entries.iter().zip(&kept);
    Some(Combined {
        model: weighted_mean(parts.filter(|(_, weight)| *weight > 0.0))?,
        shares: shares.map(|(e, kept)| e.weight * kept / total).collect(),
    })
}

/// Some weights of the one model, and how many of them each model gave.
struct Columns {
    values: Vec<f32>,
    given: Vec<f64>,
}

/// Of every weight the mean without the `cut` smallest and the `cut` largest.
fn by_values(entries: &[Entry<'_>], cut: usize) -> Option<Combined> {
    let rows: Vec<&[f32]> = entries.iter().map(|entry| entry.model.values()).collect();
    let (spec, kept) = (entries.first()?.model.spec(), cut..rows.len() - cut);
    let mut columns: Vec<Columns> = (0..spec.len().div_ceil(COLUMNS))
        .map(|number| Columns {
            values: vec![0.0; COLUMNS.min(spec.len() - number * COLUMNS)],
            given: vec![0.0; rows.len()],
        })
        .collect();
    parallel::each_chunk(&mut columns, 1, |number, columns| {
        let Columns { values, given } = &mut columns[0];
        let mut column: Vec<(f32, usize)> = Vec::with_capacity(rows.len());
        for (at, value) in (number * COLUMNS..).zip(values) {
            column.clear();
            column.extend(rows.iter().enumerate().map(|(row, model)| (model[at], row)));
            column.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
            let sum: f64 = column[kept.clone()]
                .iter()
                .map(|(v, _)| f64::from(*v))
                .sum();
            *value = (sum / kept.len() as f64) as f32;
            // Where models agree on a weight, none of them is more at an end than the others.
            let mut rank = 0;
            for equal in column.chunk_by(|(a, _), (b, _)| a == b) {
                let end = rank + equal.len();
                let inside = end.min(kept.end).saturating_sub(rank.max(kept.start));
                for (_, row) in equal {
                    given[*row] += inside as f64 / equal.len() as f64;
                }
                rank = end;
            }
        }
    });
    let all = (spec.len() * kept.len()) as f64;
    let share = |row: usize| columns.iter().map(|part| part.given[row]).sum::<f64>() / all;
    let shares = (0..rows.len()).map(share).collect();
    let values = columns.into_iter().flat_map(|part| part.values).collect();
    // A mean of finite values lies between them.
    let model = Params::try_new(values, spec).ok()?;
    Some(Combined { model, shares })
}

/// Passes after which the point is taken as it is.
const PASSES: usize = 100;
/// The point is near enough when a pass brings it nearer to the models by no more than this part.
const SETTLED: f64 = 1e-6;
/// Smallest distance that is told from none, as a part of the median distance: so that no model counts infinitely.
const SMALLEST: f64 = 1e-3;

fn geometric_median(entries: &[Entry<'_>]) -> Option<Combined> {
    let weights: Vec<f64> = entries.iter().map(|entry| entry.weight).collect();
    let mut found = mean(entries)?;
    let mut before = f64::MAX;
    for _ in 0..PASSES {
        let distances = distances(entries, |_| &found.model);
        let far: f64 = weights.iter().zip(&distances).map(|(w, d)| w * d).sum();
        let least = SMALLEST * median(&distances)?;
        // No distance at all is left where more than half of the models are this point.
        if least == 0.0 || before - far <= SETTLED * before {
            break;
        }
        before = far;
        let counts = weights.iter().zip(&distances);
        let counts: Vec<f64> = counts.map(|(w, d)| w / d.max(least)).collect();
        found = mean_by(entries, &counts)?;
    }
    Some(found)
}

/// The mean of all but `bad` models, those that are farthest from their nearest neighbours.
fn multi_krum(entries: &[Entry<'_>], bad: usize) -> Option<Combined> {
    let count = entries.len();
    let gram = Gram::of(&entries.iter().map(|entry| entry.model).collect::<Vec<_>>());
    // The authors ask for more than 2 · bad + 2 models; of fewer there is one neighbour to be near to.
    let neighbours = count.saturating_sub(bad + 2).max(1);
    let mut scores: Vec<(f64, usize)> = (0..count)
        .map(|own| {
            let others = (0..count).filter(|other| *other != own);
            let mut far: Vec<f64> = others
                .map(|other| gram.squared_distance(own, other))
                .collect();
            far.sort_unstable_by(f64::total_cmp);
            (far.iter().take(neighbours).sum(), own)
        })
        .collect();
    // Ties to the first, which are in device order.
    scores.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut counts = vec![0.0; count];
    for (_, chosen) in scores.iter().take(count - bad) {
        counts[*chosen] = 1.0;
    }
    mean_by(entries, &counts)
}

/// How far each model is from a point of its own.
fn distances<'a, 'p>(
    entries: &[Entry<'a>],
    point: impl Fn(&Entry<'a>) -> &'p Params + Send + Sync,
) -> Vec<f64> {
    let mut distances = vec![0.0; entries.len()];
    parallel::each_chunk(&mut distances, 1, |number, distance| {
        let entry = &entries[number];
        distance[0] = libm::sqrt(squared_distance(entry.model, point(entry)));
    });
    distances
}

/// The value in the middle, or the mean of the two.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (upper, lower) = (sorted.len() / 2, sorted.len().checked_sub(1)? / 2);
    Some(f64::midpoint(sorted[lower], sorted[upper]))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::params::ParamSpec;

    const RULES: [Rule; 5] = [
        Rule::NormClipping,
        Rule::Median,
        Rule::TrimmedMean,
        Rule::GeometricMedian,
        Rule::MultiKrum,
    ];

    fn params(values: &[f32]) -> Params {
        let spec = Arc::new(ParamSpec::new([("w".to_owned(), vec![values.len()])]));
        Params::try_new(values.to_vec(), &spec).unwrap()
    }

    /// Of models that all started from zeros.
    fn of(rule: Rule, bad: f64, models: &[Params]) -> Combined {
        let start = params(&vec![0.0; models[0].values().len()]);
        let entry = |model| Entry {
            start: &start,
            model,
            weight: 1.0,
        };
        let entries: Vec<Entry<'_>> = models.iter().map(entry).collect();
        combine(&Aggregation { rule, bad }, &entries).unwrap()
    }

    fn on_a_line(rule: Rule, bad: f64, places: &[f32]) -> (f32, Vec<f64>) {
        let models: Vec<Params> = places.iter().map(|place| params(&[*place])).collect();
        let Combined { model, shares } = of(rule, bad, &models);
        (model.values()[0], shares)
    }

    #[test]
    fn long_steps_are_shortened() {
        // Lengths 1, 2, 3, 20; the bound is 2.5.
        let (place, shares) = on_a_line(Rule::NormClipping, 0.0, &[1.0, 2.0, 3.0, -20.0]);
        assert_eq!(place, (1.0 + 2.0 + 2.5 - 2.5) / 4.0);
        assert_eq!(shares, [0.25, 0.25, 0.25 * 2.5 / 3.0, 0.25 * 2.5 / 20.0]);
    }

    #[test]
    fn weights_count_where_a_rule_takes_a_mean() {
        let (start, models) = (params(&[0.0]), [params(&[1.0]), params(&[-1.0])]);
        let entries = [1.0, 3.0].map(|weight| Entry {
            start: &start,
            model: &models[usize::from(weight > 1.0)],
            weight,
        });
        let place = |rule| {
            let combined = combine(&Aggregation { rule, bad: 0.0 }, &entries).unwrap();
            combined.model.values()[0]
        };
        assert_eq!(place(Rule::NormClipping), -0.5);
        assert!(place(Rule::GeometricMedian) < -0.99, "three are at -1");
        assert_eq!(place(Rule::Median), 0.0);
    }

    #[test]
    fn ends_are_left_out_weight_by_weight() {
        let places = [1.0, 2.0, 9.0, 4.0, -50.0];
        assert_eq!(
            on_a_line(Rule::Median, 0.0, &places),
            (2.0, vec![0.0, 1.0, 0.0, 0.0, 0.0])
        );
        let third = 1.0 / 3.0;
        assert_eq!(
            on_a_line(Rule::TrimmedMean, 0.2, &places),
            (
                (1.0_f32 + 2.0 + 4.0) / 3.0,
                vec![third, third, 0.0, third, 0.0]
            )
        );
        assert_eq!(on_a_line(Rule::Median, 0.0, &[1.0, 5.0, 2.0, 80.0]).0, 3.5);
        let both = of(
            Rule::Median,
            0.0,
            &[
                params(&[0.0, 5.0]),
                params(&[1.0, 6.0]),
                params(&[2.0, -9.0]),
            ],
        );
        assert_eq!(both.model.values(), [1.0, 5.0]);
        assert_eq!(both.shares, [0.5, 0.5, 0.0]);
    }

    #[test]
    fn who_agrees_shares_what_counts() {
        let (place, shares) = on_a_line(Rule::Median, 0.0, &[7.0, 7.0, 7.0, -9.0]);
        assert_eq!(place, 7.0);
        let third = 1.0 / 3.0;
        assert_eq!(shares, [third, third, third, 0.0]);
    }

    #[test]
    fn the_geometric_median_stays_with_the_many() {
        let (place, shares) = on_a_line(Rule::GeometricMedian, 0.0, &[0.0, 1.0, 2.0, 3.0, 1_000.0]);
        assert!((1.5..2.5).contains(&place), "{place}");
        assert!(shares[4] < 0.02, "{shares:?}");
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // A triangle of which every corner is as far from the middle.
        let corner = |turn: f64| params(&[libm::cos(turn) as f32, libm::sin(turn) as f32]);
        let corners = [0.0, 2.0, 4.0].map(|part| corner(part * core::f64::consts::PI / 3.0));
        let middle = of(Rule::GeometricMedian, 0.0, &corners).model;
        assert!(middle.values().iter().all(|v| v.abs() < 1e-6), "{middle:?}");
    }

    #[test]
    fn krum_leaves_out_who_has_no_near_neighbours() {
        let places = [0.0, 40.0, 0.5, 1.0, -60.0, 1.5, 2.0];
        let (place, shares) = on_a_line(Rule::MultiKrum, 0.3, &places);
        assert_eq!(place, 1.0);
        let fifth = 0.2;
        assert_eq!(shares, [fifth, 0.0, fifth, fifth, 0.0, fifth, fifth]);
        assert_eq!(on_a_line(Rule::MultiKrum, 0.4, &[3.0]).0, 3.0);
        assert_eq!(on_a_line(Rule::MultiKrum, 0.4, &[3.0, 5.0]).0, 4.0);
    }

    #[test]
    fn of_nothing_comes_nothing() {
        for rule in RULES {
            assert_eq!(combine(&Aggregation { rule, bad: 0.2 }, &[]), None);
        }
    }

    proptest! {
        /// A fifth of the models anywhere: what comes out stays within what the honest ones say, or little beyond.
        #[test]
        fn a_few_cannot_pull_the_model_far(
            honest in prop::collection::vec(-1.0_f32..1.0, 8),
            bad in prop::collection::vec(-1e6_f32..1e6, 2),
        ) {
            let places: Vec<f32> = honest.iter().chain(&bad).copied().collect();
            for rule in RULES {
                let (place, shares) = on_a_line(rule, 0.2, &places);
                prop_assert!(place.abs() <= 2.0, "{rule:?}: {place}");
                prop_assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{rule:?}: {shares:?}");
            }
        }

        #[test]
        fn models_that_are_the_same_stay_what_they_are(value in -9.0_f32..9.0, count in 1_usize..9) {
            for rule in RULES {
                let (place, shares) = on_a_line(rule, 0.3, &vec![value; count]);
                prop_assert!((place - value).abs() < 1e-5, "{rule:?}: {place}");
                prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{rule:?}: {shares:?}");
            }
        }
    }
}

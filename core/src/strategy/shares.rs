//! What each device's update counts in the models that a round leaves.

use std::collections::BTreeMap;

use super::{ArmUpdate, Coalition};
use crate::ids::DeviceId;

/// What devices' updates count in a mean, as fractions of 1. Devices that count nothing may be left out.
pub type Shares = BTreeMap<DeviceId, f64>;

/// Counts as parts of their sum.
pub(super) fn shares_of(counts: impl Iterator<Item = (DeviceId, f64)>) -> Shares {
    let counts: Vec<(DeviceId, f64)> = counts.collect();
    let total: f64 = counts.iter().map(|(_, count)| count).sum();
    let mut shares = Shares::new();
    if total > 0.0 {
        for (device, count) in counts {
            *shares.entry(device).or_default() += count / total;
        }
    }
    shares
}

/// What each update counts in a mean by number of examples.
pub(super) fn shares_by_examples<'a>(updates: impl Iterator<Item = &'a ArmUpdate>) -> Shares {
    shares_of(updates.map(|update| (update.device, f64::from(update.examples))))
}

/// What each update counts in the mean of the coalitions' barycenters by their weights. A coalition that kept the model
/// of an earlier round counts for those who made it.
pub(super) fn shares_of_coalitions(coalitions: &[Coalition]) -> Shares {
    let counted = coalitions.iter().flat_map(|coalition| {
        let of_each = coalition.shares.iter();
        of_each.map(|(device, share)| (*device, share * coalition.weight))
    });
    shares_of(counted)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{model, round};
    use super::super::{Beginning, RoundUpdates, Strategy, strategy};
    use super::*;
    use crate::config::{StrategyConfig, TrainingConfig};

    const KINDS: [&str; 16] = [
        r#"{"kind":"fed_avg"}"#,
        r#"{"kind":"fed_avg_fine_tune"}"#,
        r#"{"kind":"fed_prox","mu":0.1}"#,
        r#"{"kind":"scaffold"}"#,
        r#"{"kind":"oracle_groups"}"#,
        r#"{"kind":"ifca","k":2}"#,
        r#"{"kind":"fesem","k":2}"#,
        r#"{"kind":"cfl"}"#,
        r#"{"kind":"fl_hc"}"#,
        r#"{"kind":"bounded_confidence"}"#,
        r#"{"kind":"coalition_global","formation":{"k":2}}"#,
        r#"{"kind":"coalition_global","formation":{"k":2,"weighting":"size"}}"#,
        r#"{"kind":"coalition_global","formation":{"k":2,"weighting":"examples"}}"#,
        r#"{"kind":"coalition_models","formation":{"k":2}}"#,
        r#"{"kind":"coalition_models","formation":{"k":2,"warm_up":2}}"#,
        r#"{"kind":"local_only"}"#,
    ];

    fn made(kind: &str) -> Box<dyn Strategy> {
        let config: StrategyConfig = serde_json::from_str(kind).unwrap();
        let training = TrainingConfig::default();
        let beginning = Beginning {
            initial: model(&[0.0]),
            another: &|number| model(&[number as f32]),
            training: &training,
        };
        strategy(&config, &beginning)
    }

    /// Four devices, of which the last one is far from the others and has few examples.
    fn updates(number: u32) -> RoundUpdates {
        let mut round = round(
            number,
            &[(10, &[1.0]), (30, &[2.0]), (20, &[3.0]), (5, &[-40.0])],
        );
        for update in &mut round.updates {
            update.start = Arc::new(update.weights.clone());
            update.report.picked = Some(u32::from(update.device == DeviceId(4)));
        }
        round
    }

    fn mean(shares: &Shares, round: &RoundUpdates) -> f64 {
        let of = |update: &ArmUpdate| {
            let share = shares.get(&update.device).copied().unwrap_or(0.0);
            share * f64::from(update.weights.values()[0])
        };
        round.updates.iter().map(of).sum()
    }

    #[test]
    fn models_are_the_means_that_the_shares_say() {
        for kind in KINDS {
            let mut strategy = made(kind);
            for number in 1..=3 {
                let round = updates(number);
                strategy.close(&round);
                let shares = strategy.global_shares();
                if kind.contains("local_only") {
                    assert!(shares.is_empty(), "nobody sends anything");
                    continue;
                }
                let close = |shares: &Shares, model: f32| {
                    let (found, sum) = (mean(shares, &round), shares.values().sum::<f64>());
                    assert!((found - f64::from(model)).abs() < 1e-5, "{kind}: {found}");
                    assert!((sum - 1.0).abs() < 1e-12, "{kind}: {shares:?}");
                };
                close(&shares, strategy.global().values()[0]);
                for coalition in strategy.coalitions() {
                    close(&coalition.shares, coalition.barycenter.values()[0]);
                }
            }
        }
    }

    #[test]
    fn a_lone_device_counts_as_much_as_a_crowd_unless_coalitions_count_by_size() {
        let counts = |weighting: &str| {
            let mut strategy = made(&format!(
                r#"{{"kind":"coalition_global","formation":{{"k":2,"restarts":20,"weighting":"{weighting}"}}}}"#
            ));
            strategy.close(&updates(1));
            strategy.global_shares()[&DeviceId(4)]
        };
        assert_eq!(counts("coalitions"), 0.5);
        assert_eq!(counts("size"), 0.25);
        assert_eq!(counts("examples"), 5.0 / 65.0);
    }

    #[test]
    fn a_coalition_that_kept_its_model_counts_for_those_who_made_it() {
        let mut strategy = made(
            r#"{"kind":"coalition_global","formation":{"k":2,"restarts":20,"reform_every":null}}"#,
        );
        strategy.close(&updates(1));
        let mut without = updates(2);
        without.updates.pop();
        strategy.close(&without);
        assert_eq!(strategy.global_shares()[&DeviceId(4)], 0.5);
    }
}

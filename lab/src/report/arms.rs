//! Arms in pictures: their order, how each looks, its curve over rounds.

use std::collections::{BTreeMap, BTreeSet};

use super::plot::{Axis, LineChart, Point, Series, Style, Ticks};
use crate::results::{ArmSummary, RoundRow, Summary};

/// The arms in the order in which rows first name them, then those that only the summary knows.
pub(super) fn in_order(summary: &Summary, rows: &[RoundRow]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for row in rows {
        if summary.arms.contains_key(&row.arm) && seen.insert(&row.arm) {
            names.push(row.arm.clone());
        }
    }
    let rest = sorted(summary.arms.keys());
    names.extend(rest.into_iter().filter(|name| !seen.contains(name)));
    names
}

/// The order without rows: what needs no coalitions first, ours and the oracle last, the rest by name.
pub(super) fn sorted<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().cloned().collect();
    let rank = |name: &str| match name {
        "local_only" => 0,
        "fed_avg" => 1,
        _ if name.starts_with("fed_") || name == "scaffold" => 2,
        _ if name.starts_with("ours") => 4,
        _ if is_oracle(name) => 5,
        _ => 3,
    };
    names.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    names.dedup();
    names
}

/// Whether the arm is told what others must find out.
pub(super) fn is_oracle(name: &str) -> bool {
    name.starts_with("oracle")
}

/// Whether the arm is FedAvg whose model every device trains on before it uses it.
pub(super) fn is_tuned(name: &str) -> bool {
    name.starts_with("fed_avg") && name.contains("tun")
}

/// How each arm of a page looks.
pub(super) struct Styles(BTreeMap<String, Style>);

impl Styles {
    /// Well-known arms look the same on every page; the others take what is free, in order.
    pub(super) fn of(names: &[String]) -> Self {
        let mut styles = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for name in names {
            let own = match name.as_str() {
                "ours" => 0,
                "fed_avg" => 1,
                "oracle_groups" => 2,
                "local_only" => 7,
                _ => continue,
            };
            taken.insert(own);
            styles.insert(name.clone(), Style(own));
        }
        // The middle hues first, so that a page with few arms keeps away from those of well-known ones.
        let free = [3, 4, 5, 6, 2, 0, 1, 7].into_iter().chain(8..);
        let mut free = free.filter(|index| !taken.contains(index));
        for name in names {
            if !styles.contains_key(name)
                && let Some(index) = free.next()
            {
                styles.insert(name.clone(), Style(index));
            }
        }
        Self(styles)
    }

    /// How the arm looks.
    pub(super) fn arm(&self, name: &str) -> Style {
        self.0.get(name).copied().unwrap_or(Style(7))
    }

    /// The arms with their styles.
    pub(super) fn legend(&self, names: &[String]) -> Vec<(String, Style)> {
        names
            .iter()
            .map(|name| (name.clone(), self.arm(name)))
            .collect()
    }
}

/// What the arm is, in half a sentence that needs no previous knowledge; the name itself where it is not known.
pub(super) fn plainly(name: &str) -> String {
    let plain = match name {
        "local_only" => "every device alone",
        "fed_avg" => "plain averaging (FedAvg)",
        "fed_prox" => "averaging with a leash to the common model (FedProx)",
        "robust_average" => "averaging that bears bad devices",
        "scaffold" => "averaging with corrected directions (SCAFFOLD)",
        "coalition_global" => "coalitions, one common model",
        "coalition_models" => "coalitions, one model each",
        "bounded_confidence" => "grouping by nearness alone (bounded confidence)",
        "ifca" => "devices choose among models (IFCA)",
        "cfl" => "groups split where updates disagree (CFL)",
        "fl_hc" => "groups formed once, by a tree (FL+HC)",
        "fesem" => "several centers (FeSEM)",
        "oracle_groups" => "groups told in advance (the ceiling)",
        "ours" => "our grouping",
        _ if is_tuned(name) => "averaging plus tuning on each device",
        _ => return name.to_owned(),
    };
    plain.to_owned()
}

/// One number of an arm over rounds: mean, lowest and highest of the seeds that have it.
pub(super) fn curve(rows: &[RoundRow], arm: &str, value: impl Fn(&RoundRow) -> f64) -> Vec<Point> {
    let mut by_round: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.arm == arm) {
        by_round.entry(row.round).or_default().push(value(row));
    }
    by_round
        .into_iter()
        .map(|(round, values)| point(f64::from(round), &values))
        .collect()
}

/// A place of a line from the values of seeds; a gap where none is a number.
pub(super) fn point(x: f64, values: &[f64]) -> Point {
    let values: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a number of seeds is far below 2^52"
    )]
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Point {
        x,
        mean,
        low: values.iter().copied().fold(f64::NAN, f64::min),
        high: values.iter().copied().fold(f64::NAN, f64::max),
    }
}

/// What a chart over rounds is of.
pub(super) struct Shown<'a> {
    pub(super) title: &'a str,
    pub(super) axis: Axis,
    pub(super) value: fn(&RoundRow) -> f64,
    /// The arm to stress, if any.
    pub(super) strong: Option<&'a str>,
}

/// A chart over rounds with one line per arm; arms without a single number are left out.
pub(super) fn chart(
    shown: &Shown,
    rows: &[RoundRow],
    names: &[String],
    styles: &Styles,
) -> LineChart {
    let scale = if shown.axis == Axis::Percent {
        100.0
    } else {
        1.0
    };
    let series: Vec<Series> = names
        .iter()
        .map(|name| Series {
            name: name.clone(),
            style: styles.arm(name),
            strong: shown.strong == Some(name.as_str()),
            points: curve(rows, name, |row| scale * (shown.value)(row)),
        })
        .filter(|series| series.points.iter().any(|point| point.mean.is_finite()))
        .collect();
    LineChart {
        title: shown.title.to_owned(),
        description: ends(&series, shown.axis),
        bottom: "round".to_owned(),
        ticks: Ticks::Rounds,
        axis: shown.axis,
        series,
    }
}

/// Where each line begins and ends, in words.
fn ends(series: &[Series], axis: Axis) -> String {
    let unit = if axis == Axis::Percent { " %" } else { "" };
    let words: Vec<String> = series
        .iter()
        .filter_map(|series| {
            let mut points = series.points.iter().filter(|point| point.mean.is_finite());
            let first = points.next()?;
            let last = points.next_back().unwrap_or(first);
            let digits = if axis == Axis::Percent { 1 } else { 2 };
            Some(format!(
                "{} from {:.digits$}{unit} in round {} to {:.digits$}{unit} in round {}",
                series.name, first.mean, first.x, last.mean, last.x
            ))
        })
        .collect();
    format!("{}.", words.join("; "))
}

/// Whether any arm has a number in the balanced view.
pub(super) fn has_balanced(summary: &Summary) -> bool {
    let mut arms = summary.arms.values();
    arms.any(|arm: &ArmSummary| arm.accuracy_mean.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn baselines_come_first_and_the_oracle_last() {
        assert_eq!(
            sorted(&names(&[
                "oracle_groups",
                "cfl",
                "ours",
                "fed_prox",
                "fed_avg",
                "local_only",
                "ifca"
            ])),
            names(&[
                "local_only",
                "fed_avg",
                "fed_prox",
                "cfl",
                "ifca",
                "ours",
                "oracle_groups"
            ])
        );
    }

    #[test]
    fn sixteen_arms_look_different_and_well_known_ones_as_always() {
        let mut arms: Vec<String> = (0..14).map(|index| format!("arm_{index}")).collect();
        arms.extend(names(&["fed_avg", "local_only"]));
        let styles = Styles::of(&arms);
        let different: BTreeSet<usize> = arms.iter().map(|name| styles.arm(name).0).collect();
        assert_eq!(different.len(), 16);
        assert!(different.iter().all(|&index| index < 16));
        assert_eq!(styles.arm("fed_avg"), Style(1));
        assert_eq!(styles.arm("arm_0"), Style(3));
    }

    #[test]
    fn a_point_is_the_mean_between_lowest_and_highest_seed() {
        let place = point(3.0, &[0.5, f64::NAN, 1.0]);
        assert_eq!((place.mean, place.low, place.high), (0.75, 0.5, 1.0));
        assert!(point(3.0, &[f64::NAN]).mean.is_nan());
    }
}

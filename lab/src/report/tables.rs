//! Tables of arms: as HTML, Markdown, and text for a terminal.

use super::arms::{has_balanced, in_order, sorted};
use super::findings::{best, main_side, score};
use super::html::{Table, escape};
use super::text::{
    counted, difference, megabytes, percent, percent_with_sd, points, short, two_decimals,
};
use crate::results::{ArmSummary, LEVELS, RoundRow, Side, Summary, level_name, paired};

/// The arms of a run with everything the summary knows of them.
pub(super) fn arms_table(
    summary: &Summary,
    names: &[String],
    key: impl Fn(&str) -> String,
) -> Table {
    let seeds = summary.seeds.len();
    let levels = levels_shown(summary);
    let balanced = has_balanced(summary);
    let mut groups = vec![(String::new(), 1)];
    let mut head = vec!["arm"];
    if balanced {
        groups.push(("balanced, %".to_owned(), 4));
        head.extend(["mean", "worst device", "worst tenth", "worst group"]);
    }
    groups.push(("own examples, %".to_owned(), 3));
    head.extend(["mean", "worst device", "worst group"]);
    groups.push(("over the rounds".to_owned(), 3));
    head.extend(["jitter", "agreement", "coalitions"]);
    groups.push(("MB in all".to_owned(), 2));
    head.extend(["up", "down"]);
    let mut head: Vec<String> = head.into_iter().map(str::to_owned).collect();
    if !levels.is_empty() {
        groups.push(("round that reached".to_owned(), levels.len()));
        head.extend(levels.iter().map(|level| format!("{level}\u{202f}%")));
    }
    let rows = names
        .iter()
        .filter_map(|name| Some((name, summary.arms.get(name)?)))
        .map(|(name, arm)| {
            let mut row = vec![format!("{}{}", key(name), escape(name))];
            if balanced {
                row.extend([
                    percent_with_sd(arm.accuracy_mean, arm.accuracy_sd, seeds),
                    percent(arm.worst_device),
                    percent(arm.worst_tenth),
                    percent(arm.worst_group),
                ]);
            }
            row.extend([
                percent_with_sd(arm.own_accuracy_mean, arm.own_accuracy_sd, seeds),
                percent(arm.own_worst_device),
                percent(arm.own_worst_group),
                percent(arm.jitter),
                two_decimals(arm.agreement),
                coalitions(arm),
                megabytes(arm.bytes_up),
                megabytes(arm.bytes_down),
            ]);
            row.extend(levels.iter().map(|&level| round_of(arm, level)));
            row
        })
        .collect();
    let best = best(summary, main_side(summary)).map(|(name, _)| name);
    Table {
        groups,
        head,
        rows,
        best: names.iter().position(|name| Some(name.as_str()) == best),
        ..Table::default()
    }
}

/// The highest three levels that any arm reached.
fn levels_shown(summary: &Summary) -> Vec<u32> {
    let reached = |level: &u32| {
        summary
            .arms
            .values()
            .any(|arm| reached(arm, *level).is_some())
    };
    let levels: Vec<u32> = LEVELS.into_iter().filter(reached).collect();
    levels[levels.len().saturating_sub(3)..].to_vec()
}

fn reached(arm: &ArmSummary, percent: u32) -> Option<f64> {
    arm.rounds_to.get(&level_name(percent)).copied().flatten()
}

fn round_of(arm: &ArmSummary, percent: u32) -> String {
    short(reached(arm, percent).unwrap_or(f64::NAN))
}

fn coalitions(arm: &ArmSummary) -> String {
    if arm.n_coalitions == 0.0 {
        short(f64::NAN)
    } else {
        short(arm.n_coalitions)
    }
}

/// The arms of a run as a Markdown table, for documents: accuracies in percent, means over seeds with the standard
/// deviation.
pub fn markdown_table(summary: &Summary) -> String {
    let seeds = summary.seeds.len();
    let mut table = String::from(
        "| arm | balanced | worst device | worst tenth | worst group | own | own, worst device | own, worst group | \
         jitter | agreement | coalitions | MB up | MB down |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for name in sorted(summary.arms.keys()) {
        let arm = &summary.arms[&name];
        let cells = [
            format!("`{}`", name.replace('|', "\\|")),
            percent_with_sd(arm.accuracy_mean, arm.accuracy_sd, seeds),
            percent(arm.worst_device),
            percent(arm.worst_tenth),
            percent(arm.worst_group),
            percent_with_sd(arm.own_accuracy_mean, arm.own_accuracy_sd, seeds),
            percent(arm.own_worst_device),
            percent(arm.own_worst_group),
            percent(arm.jitter),
            two_decimals(arm.agreement),
            coalitions(arm),
            megabytes(arm.bytes_up),
            megabytes(arm.bytes_down),
        ];
        table += &format!("| {} |\n", cells.join(" | "));
    }
    table
}

/// A run as text for a terminal: every arm's accuracy in both views, its worst group, coalitions and traffic, and how it
/// differs from `fed_avg` seed by seed.
pub fn run_table(label: &str, summary: &Summary, rows: &[RoundRow]) -> String {
    arms_of(label, summary, rows) + "\n" + LEGEND
}

/// Runs one below the other as text for a terminal; then how arms of the same name differ from the first run.
pub fn compare_table(runs: &[(String, Summary, Vec<RoundRow>)]) -> String {
    let mut text = String::new();
    for (label, summary, rows) in runs {
        text += &arms_of(label, summary, rows);
        text.push('\n');
    }
    if let [(first, reference, _), others @ ..] = runs
        && !others.is_empty()
    {
        text += &format!("minus {first}, seed by seed, in points:\n");
        let mut lines = vec![["arm", "balanced", "own"].map(str::to_owned).to_vec()];
        for (label, summary, rows) in others {
            for name in in_order(summary, rows) {
                let Some(old) = reference.arms.get(&name) else {
                    continue;
                };
                let new = &summary.arms[&name];
                lines.push(vec![
                    format!("{label} {name}"),
                    difference(paired(new, old, Side::Balanced)),
                    difference(paired(new, old, Side::Own)),
                ]);
            }
        }
        text += &aligned(&lines);
        text.push('\n');
    }
    text + LEGEND
}

const LEGEND: &str = "Accuracies in percent, differences in points; ± is the standard deviation over seeds; \
(in brackets) no difference within two standard errors.\n";

fn arms_of(label: &str, summary: &Summary, rows: &[RoundRow]) -> String {
    let mut head = format!(
        "{}, {}, seeds {}",
        counted(summary.devices as usize, "device"),
        counted(summary.rounds as usize, "round"),
        listed(&summary.seeds)
    );
    if label != summary.experiment {
        head = format!("{}, {head}", summary.experiment);
    }
    let side = main_side(summary);
    let baseline = summary.arms.get("fed_avg");
    let mut lines = vec![
        [
            "arm",
            "balanced",
            "own",
            "worst group",
            "coalitions",
            "MB",
            "minus fed_avg",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for name in in_order(summary, rows) {
        let arm = &summary.arms[&name];
        let versus = match baseline {
            Some(baseline) if name != "fed_avg" => difference(paired(arm, baseline, side)),
            _ => String::new(),
        };
        let cell = |side| {
            let (mean, sd) = score(arm, side);
            percent_with_sd(mean, sd, summary.seeds.len())
        };
        lines.push(vec![
            name.clone(),
            cell(Side::Balanced),
            cell(Side::Own),
            percent(match side {
                Side::Balanced => arm.worst_group,
                Side::Own => arm.own_worst_group,
            }),
            coalitions(arm),
            megabytes(arm.bytes_up + arm.bytes_down),
            versus,
        ]);
    }
    format!("{label}: {head}\n{}", aligned(&lines))
}

/// "7", "1, 2, 3".
pub(super) fn listed(seeds: &[u32]) -> String {
    let seeds: Vec<String> = seeds.iter().map(u32::to_string).collect();
    seeds.join(", ")
}

/// Columns of equal width, the first to the left and the others to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        text += &format!("  {}\n", cells.join("  ").trim_end());
    }
    text
}

/// How far apart the best and worst of some values are, in points; none of fewer than two.
pub(super) fn range(values: &[f64]) -> Option<String> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (values.len() > 1).then(|| points(high - low).trim_start_matches('+').to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{grouped, one_seed};
    use super::*;

    #[test]
    fn markdown_has_a_line_per_arm_and_a_dash_for_what_is_missing() {
        let (summary, _) = grouped();
        let table = markdown_table(&summary);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 2 + summary.arms.len());
        let cells = |line: &str| line.matches('|').count();
        assert!(lines.iter().all(|line| cells(line) == cells(lines[0])));
        assert!(lines[2].starts_with("| `local_only` | "));
        assert!(lines[2].ends_with("| – | – | 0 | 0 |"), "{}", lines[2]);
        assert!(lines[2].contains(" ± "));
    }

    #[test]
    fn a_terminal_gets_aligned_columns() {
        let (summary, rows) = grouped();
        let (other, other_rows) = one_seed();
        let text = compare_table(&[
            ("first".into(), summary, rows),
            ("second".into(), other, other_rows),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        let end = |line: &str| line.find("balanced").unwrap() + "balanced".len();
        let column = lines[1].chars().take(end(lines[1])).count();
        let number: String = lines[2].chars().take(column).collect();
        assert!(
            number.ends_with(|letter: char| letter.is_ascii_digit()),
            "{text}"
        );
        let (alone, alone_rows) = grouped();
        assert!(
            text.starts_with(
                run_table("first", &alone, &alone_rows)
                    .split("\n\n")
                    .next()
                    .unwrap()
            )
        );
        assert!(text.contains("minus first, seed by seed"));
        assert!(text.contains("second fed_avg"));
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn the_range_of_a_few_values() {
        assert_eq!(range(&[0.5, 0.75, 0.6]).unwrap(), "25.0");
        assert_eq!(range(&[0.5]), None);
    }
}

//! Several runs in one report.

use super::arms::{Styles, curve, has_balanced, in_order, sorted};
use super::findings::{about_spread, headline, main_side, score};
use super::html::{Table, escape, page, unbroken};
use super::page::round_table;
use super::plot::{Axis, Cell, HeatMap, LineChart, Series, Style, Ticks, figure, legend};
use super::tables::listed;
use super::text::{difference, percent, percent_with_sd, points};
use crate::results::{ArmSummary, RoundRow, Side, Summary, paired};

/// A run with its label.
type Run = (String, Summary, Vec<RoundRow>);

/// The most arms that get a picture of their own.
const PICTURES: usize = 6;

/// Several runs as one page: every arm in every run, differences seed by seed between runs and within each, and curves
/// of the most telling arms with one line per run.
pub fn compare_report(runs: &[Run]) -> String {
    let names = names_of(runs);
    let styles = Styles::of(&names);
    let title = match runs {
        [] => "No runs".to_owned(),
        [(label, ..)] => label.clone(),
        [(first, ..), (second, ..)] => format!("{first} and {second}"),
        _ => format!("{} runs compared", runs.len()),
    };
    let mut body = format!(
        "<header><b>Constellation</b><span>laboratory</span><span>comparison</span></header>\n<h1>{}</h1>\n",
        escape(&title)
    );
    body += "<section>";
    for (label, summary, _) in runs {
        body += &format!(
            "<h3>{} <span class=\"note\">{} · {} devices · {} rounds · seeds {}</span></h3><p>{}</p>\n",
            escape(label),
            escape(&summary.experiment),
            summary.devices,
            summary.rounds,
            listed(&summary.seeds),
            unbroken(&headline(summary, main_side(summary)))
        );
    }
    body += &format!(
        "<p class=\"note\">{}</p></section>\n",
        about_spread(runs.iter().map(|(_, summary, _)| summary))
    );
    let key = |name: &str| styles.arm(name).key() + &escape(name);
    body += &format!(
        "<section><h2>Every arm in every run</h2>{}</section>\n",
        all_arms(runs, &names, key).html()
    );
    body += &between_runs(runs, &names);
    body += &within_runs(runs, &names, "fed_avg", key);
    body += &within_runs(runs, &names, "oracle_groups", key);
    body += &pictures(runs, &names);
    page(&format!("{title} – laboratory"), "", &body)
}

/// All arms, in the order of the first run, then those of the others.
fn names_of(runs: &[Run]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, summary, rows) in runs {
        for name in in_order(summary, rows) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn all_arms(runs: &[Run], names: &[String], key: impl Fn(&str) -> String) -> Table {
    let mut groups = vec![(String::new(), 1)];
    let mut head = vec!["arm".to_owned()];
    for (label, ..) in runs {
        groups.push((escape(label), 3));
        head.extend(["balanced", "own", "worst group"].map(str::to_owned));
    }
    let rows = names
        .iter()
        .map(|name| {
            let mut row = vec![key(name)];
            for (_, summary, _) in runs {
                let seeds = summary.seeds.len();
                match summary.arms.get(name) {
                    Some(arm) => row.extend([
                        percent_with_sd(arm.accuracy_mean, arm.accuracy_sd, seeds),
                        percent_with_sd(arm.own_accuracy_mean, arm.own_accuracy_sd, seeds),
                        percent(arm.worst_group),
                    ]),
                    None => row.extend(std::iter::repeat_n(percent(f64::NAN), 3)),
                }
            }
            row
        })
        .collect();
    Table {
        caption: "Percent at the last round; worst group in the balanced view.".into(),
        groups,
        head,
        rows,
        best: None,
    }
}

const SIDES: [(Side, &str); 2] = [(Side::Balanced, "balanced"), (Side::Own, "own examples")];

const BRACKETS: &str = "<p class=\"note\">Points; ± is the standard deviation of the differences over the seeds in \
common. <b>(In brackets)</b>: no difference within two standard errors. A dash: no seed in common, or no such \
numbers.</p>";

/// Arms of the same name in other runs, minus the first run.
fn between_runs(runs: &[Run], names: &[String]) -> String {
    let [(first, reference, _), others @ ..] = runs else {
        return String::new();
    };
    let shared: Vec<&String> = names
        .iter()
        .filter(|name| {
            reference.arms.contains_key(*name)
                && others
                    .iter()
                    .any(|(_, summary, _)| summary.arms.contains_key(*name))
        })
        .collect();
    if shared.is_empty() {
        return String::new();
    }
    let mut head = vec!["arm".to_owned()];
    let mut groups = vec![(String::new(), 1)];
    for (label, ..) in others {
        groups.push((format!("{} minus {}", escape(label), escape(first)), 2));
        head.extend(SIDES.map(|(_, side)| side.to_owned()));
    }
    let rows = shared
        .iter()
        .map(|name| {
            let mut row = vec![escape(name)];
            for (_, summary, _) in others {
                row.extend(SIDES.map(|(side, _)| {
                    let both = summary.arms.get(*name).zip(reference.arms.get(*name));
                    difference(both.and_then(|(new, old)| paired(new, old, side)))
                }));
            }
            row
        })
        .collect();
    let table = Table {
        groups,
        head,
        rows,
        ..Table::default()
    };
    format!(
        "<section><h2>Between runs, seed by seed</h2>{}{BRACKETS}</section>\n",
        table.html()
    )
}

/// Every arm of every run minus one arm of the same run: a picture of one view and the table of both.
fn within_runs(
    runs: &[Run],
    names: &[String],
    baseline: &str,
    key: impl Fn(&str) -> String,
) -> String {
    let with: Vec<(&String, &Summary, &ArmSummary)> = runs
        .iter()
        .filter_map(|(label, summary, _)| Some((label, summary, summary.arms.get(baseline)?)))
        .collect();
    let others: Vec<&String> = names.iter().filter(|name| *name != baseline).collect();
    if with.is_empty() || others.is_empty() {
        return String::new();
    }
    let versus = |name: &str, summary: &Summary, reference: &ArmSummary, side: Side| {
        paired(summary.arms.get(name)?, reference, side)
    };
    let mut html = String::from("<div class=\"pair\">");
    for (side, view) in SIDES {
        let cells: Vec<Vec<Cell>> = others
            .iter()
            .map(|name| {
                with.iter()
                    .map(|(_, summary, reference)| {
                        let paired = versus(name, summary, reference, side);
                        let value = paired.map_or(f64::NAN, |paired| paired.mean);
                        Cell {
                            value,
                            text: points(value),
                        }
                    })
                    .collect()
            })
            .collect();
        if cells.iter().flatten().all(|cell| !cell.value.is_finite()) {
            continue;
        }
        let title = format!("Minus {baseline}, {view}");
        let map = HeatMap {
            title: title.clone(),
            description: format!(
                "Each arm minus {baseline} of the same run, in points; the table has the spread."
            ),
            left: String::new(),
            bottom: "run".into(),
            rows: others.iter().map(|name| (*name).clone()).collect(),
            columns: with.iter().map(|(label, ..)| (*label).clone()).collect(),
            cells,
            signed: true,
        };
        let note = "points, mean over seeds; blue is better, red worse";
        html += &format!(
            "<section>{}</section>\n",
            figure(&title, note, |size| map.svg(size), "")
        );
    }
    let mut groups = vec![(String::new(), 1)];
    let mut head = vec!["arm".to_owned()];
    for (label, ..) in &with {
        groups.push((escape(label), 2));
        head.extend(SIDES.map(|(_, side)| side.to_owned()));
    }
    let rows = others
        .iter()
        .map(|name| {
            let mut row = vec![key(name)];
            for (_, summary, reference) in &with {
                row.extend(
                    SIDES.map(|(side, _)| difference(versus(name, summary, reference, side))),
                );
            }
            row
        })
        .collect();
    let table = Table {
        groups,
        head,
        rows,
        ..Table::default()
    };
    html + &format!(
        "</div>\n<section><h2>Minus {baseline}, seed by seed</h2>{}{BRACKETS}</section>\n",
        table.html()
    )
}

/// Small pictures, one per arm, with one line per run.
fn pictures(runs: &[Run], names: &[String]) -> String {
    let side = match runs.iter().all(|(_, summary, _)| has_balanced(summary)) {
        true => Side::Balanced,
        false => Side::Own,
    };
    let value: fn(&RoundRow) -> f64 = match side {
        Side::Balanced => |row| row.accuracy_mean,
        Side::Own => |row| row.own_mean,
    };
    let mut html = String::new();
    for name in chosen(runs, names, side) {
        let series: Vec<Series> = runs
            .iter()
            .enumerate()
            .map(|(index, (label, _, rows))| Series {
                name: label.clone(),
                style: Style(index),
                strong: false,
                points: curve(rows, &name, |row| 100.0 * value(row)),
            })
            .filter(|series| series.points.iter().any(|point| point.mean.is_finite()))
            .collect();
        let chart = LineChart {
            title: format!("{name} over the rounds, by run"),
            description: format!("{} runs; the table has the numbers.", series.len()),
            bottom: "round".into(),
            ticks: Ticks::Rounds,
            axis: Axis::Percent,
            series,
        };
        let table = round_table(&chart).folded("Numbers by round");
        html += &figure(&name, "", |size| chart.svg(size), &table);
    }
    if html.is_empty() {
        return html;
    }
    let view = match side {
        Side::Balanced => "Balanced accuracy",
        Side::Own => "Accuracy on own examples",
    };
    let entries: Vec<(String, Style)> = runs
        .iter()
        .enumerate()
        .map(|(index, (label, ..))| (label.clone(), Style(index)))
        .collect();
    format!(
        "<section><h2>{view} over the rounds, arm by arm</h2>\
         <p class=\"note\">Percent; line: mean over seeds, band: lowest to highest seed. Each picture has its own scale.</p>\
         {}<div class=\"three\">{html}</div></section>\n",
        legend(&entries)
    )
}

/// The arms with a picture: the well-known first, then what most runs have.
fn chosen(runs: &[Run], names: &[String], side: Side) -> Vec<String> {
    let count = |name: &String| {
        let has = |summary: &Summary| {
            let arm = summary.arms.get(name);
            arm.is_some_and(|arm| score(arm, side).0.is_finite())
        };
        runs.iter().filter(|(_, summary, _)| has(summary)).count()
    };
    let known = [
        "ours",
        "fed_avg",
        "oracle_groups",
        "coalition_models",
        "local_only",
    ];
    let rank = |name: &String| {
        known
            .iter()
            .position(|known| known == name)
            .unwrap_or(known.len())
    };
    let mut names = sorted(names);
    names.retain(|name| count(name) > 0);
    names.sort_by_key(|name| (rank(name), usize::MAX - count(name)));
    names.truncate(PICTURES);
    names
}

#[cfg(test)]
mod tests {
    use super::super::{check::assert_page, fixtures};
    use super::*;

    fn runs() -> Vec<Run> {
        let (first, first_rows) = fixtures::grouped();
        let (second, second_rows) = fixtures::grouped_worse();
        vec![
            ("rotation".into(), first, first_rows),
            ("label swap".into(), second, second_rows),
        ]
    }

    #[test]
    fn two_runs_are_compared_arm_by_arm_and_seed_by_seed() {
        let html = compare_report(&runs());
        assert_page("compare", &html);
        assert!(html.contains("label swap minus rotation"));
        // The second run is the first minus six points, times how far curves have risen, in every seed alike.
        let between = html.split("Between runs").nth(1).unwrap();
        let ours = between.split("<th scope=\"row\">ours</th>").nth(1).unwrap();
        assert!(
            ours.starts_with("<td class=\"gap\">−6.0 ± 0.0</td><td>−6.0 ± 0.0</td>"),
            "{ours:.90}"
        );
        assert!(html.contains("<h2>Minus fed_avg, seed by seed</h2>"));
        assert!(html.contains("<h2>Minus oracle_groups, seed by seed</h2>"));
        // Two heat maps against each of two baselines, and one picture for each of six arms.
        assert_eq!(html.matches("<svg class=\"plot wide").count(), 4 + PICTURES);
    }

    #[test]
    fn runs_that_share_little_are_compared_where_they_can_be() {
        let mut runs = runs();
        let (watch, watch_rows) = fixtures::one_seed();
        runs.push(("<watch>".into(), watch, watch_rows));
        let html = compare_report(&runs);
        assert_page("compare-three", &html);
        assert!(html.contains("&lt;watch&gt; minus rotation"));
        assert_page("compare-one", &compare_report(&runs[2..]));
        assert_page("compare-none", &compare_report(&[]));
    }
}

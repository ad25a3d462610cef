//! How results depend on one or two parameters.

use super::arms::{Styles, point, sorted};
use super::findings::{about_spread, main_side, score};
use super::html::{Table, escape, page};
use super::page::masthead;
use super::plot::{Axis, Cell, HeatMap, LineChart, Series, Ticks, figure, legend};
use super::tables::range;
use super::text::{megabytes, percent, percent_with_sd, two_decimals};
use crate::results::{ArmSummary, Side, Summary};

/// One setting of the swept parameters and what came out.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPoint {
    /// The parameters' values, in the order of their names.
    pub values: Vec<String>,
    /// The run's summary.
    pub summary: Summary,
}

/// A sweep as a Markdown table, for a terminal or a document: a row per point, and of every arm the accuracies in both
/// views, balanced first, in percent, the agreement of its coalitions with the hidden groups, and, where the points
/// differ in them, the megabytes that crossed the wire both ways.
pub fn sweep_table(names: &[String], points: &[SweepPoint]) -> String {
    let arms = points
        .first()
        .map(|point| sorted(point.summary.arms.keys()));
    let arms = arms.unwrap_or_default();
    let short = |name: &String| name.rsplit('.').next().unwrap_or_default().to_owned();
    let mut head: Vec<String> = names.iter().map(short).collect();
    head.extend(arms.iter().map(|arm| format!("`{arm}`")));
    let costs_differ = arms.iter().any(|name| costs_differ(points, name));
    let columns = "---:|".repeat(head.len());
    let mut table = format!("| {} |\n|{columns}\n", head.join(" | "));
    for SweepPoint { values, summary } in points {
        let found = arms.iter().map(|name| {
            summary.arms.get(name).map_or_else(String::new, |arm| {
                let both = [arm.accuracy_mean, arm.own_accuracy_mean].map(percent);
                let agreement = arm.agreement.map_or_else(String::new, |agreement| {
                    format!(" ({})", two_decimals(Some(agreement)))
                });
                let cost = if costs_differ {
                    format!(", {} MB", megabytes(arm.bytes_up + arm.bytes_down))
                } else {
                    String::new()
                };
                both.join(" / ") + &agreement + &cost
            })
        });
        let cells: Vec<String> = values.iter().cloned().chain(found).collect();
        table += &format!("| {} |\n", cells.join(" | "));
    }
    table
}

/// Whether an arm takes less than half of the bytes at one point of what it takes at another.
fn costs_differ(points: &[SweepPoint], arm: &str) -> bool {
    let arms = points
        .iter()
        .filter_map(|point| point.summary.arms.get(arm));
    let costs: Vec<f64> = arms.map(|arm| arm.bytes_up + arm.bytes_down).collect();
    let most = costs.iter().copied().fold(0.0, f64::max);
    costs.iter().any(|cost| *cost < most / 2.0)
}

/// A sweep as a page: curves over one parameter, or a heat map per arm over two; both views; and the table.
///
/// Values stand in the order in which points first name them, evenly spaced.
pub fn sweep_report(parameters: &[String], points: &[SweepPoint]) -> String {
    let names = sorted(points.iter().flat_map(|point| point.summary.arms.keys()));
    let styles = Styles::of(&names);
    let title = format!("How results depend on {}", parameters.join(" and "));
    let mut body = points
        .first()
        .map_or_else(String::new, |point| masthead(&point.summary));
    body += &format!("<h1>{}</h1>\n<section>", escape(&title));
    for name in &names {
        body += &format!("<p>{}</p>\n", finding(name, parameters, points));
    }
    body += &format!(
        "<p class=\"note\">{}</p></section>\n",
        about_spread(points.iter().map(|point| &point.summary))
    );
    body += &match parameters {
        [first, second] => heat_maps([first, second], points, &names),
        _ => curves(parameters, points, &names, &styles),
    };
    body += &table(parameters, points, &names, &styles);
    page(&title, "", &body)
}

/// The values of the parameter at `index`, in the order of the points.
fn values(points: &[SweepPoint], index: usize) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for value in points.iter().filter_map(|point| point.values.get(index)) {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    values
}

/// Where an arm is best, and what the worst setting costs.
fn finding(name: &str, parameters: &[String], points: &[SweepPoint]) -> String {
    let side = points
        .first()
        .map_or(Side::Balanced, |point| main_side(&point.summary));
    let scored: Vec<(&SweepPoint, &ArmSummary, f64)> = points
        .iter()
        .filter_map(|point| {
            let arm = point.summary.arms.get(name)?;
            Some((point, arm, score(arm, side).0))
        })
        .filter(|(_, _, score)| score.is_finite())
        .collect();
    let Some((point, arm, _)) = scored.iter().max_by(|a, b| a.2.total_cmp(&b.2)) else {
        return format!("<b>{}</b>: no numbers.", escape(name));
    };
    let setting: Vec<String> = parameters
        .iter()
        .zip(&point.values)
        .map(|(parameter, value)| format!("{} = {}", escape(parameter), escape(value)))
        .collect();
    let (mean, sd) = score(arm, side);
    let all: Vec<f64> = scored.iter().map(|(_, _, score)| *score).collect();
    let cost = range(&all).map_or_else(String::new, |range| {
        format!("; between the best setting and the worst lie {range} points")
    });
    format!(
        "<b>{}</b> is best at {}: {}\u{202f}%{cost}.",
        escape(name),
        setting.join(", "),
        percent_with_sd(mean, sd, point.summary.seeds.len())
    )
}

fn by_seed(arm: &ArmSummary, side: Side) -> Vec<f64> {
    let values = match side {
        Side::Balanced => &arm.accuracy_by_seed,
        Side::Own => &arm.own_accuracy_by_seed,
    };
    values.values().map(|value| 100.0 * value).collect()
}

const SIDES: [(Side, &str); 2] = [
    (Side::Balanced, "Balanced accuracy"),
    (Side::Own, "Accuracy on own examples"),
];

fn curves(
    parameters: &[String],
    points: &[SweepPoint],
    names: &[String],
    styles: &Styles,
) -> String {
    let bottom = parameters.join(", ");
    let values: Vec<String> = points.iter().map(|point| point.values.join(", ")).collect();
    let mut html = String::from("<div class=\"pair\">");
    for (side, title) in SIDES {
        let series: Vec<Series> = names
            .iter()
            .map(|name| Series {
                name: name.clone(),
                style: styles.arm(name),
                strong: name == "ours",
                points: (0u32..)
                    .zip(points)
                    .map(|(index, at)| {
                        let arm = at.summary.arms.get(name);
                        let values = arm.map_or_else(Vec::new, |arm| by_seed(arm, side));
                        point(f64::from(index), &values)
                    })
                    .collect(),
            })
            .filter(|series| series.points.iter().any(|point| point.mean.is_finite()))
            .collect();
        if series.is_empty() {
            continue;
        }
        let chart = LineChart {
            title: format!("{title} over {bottom}"),
            description: format!(
                "One line per arm over {} settings; the table below has the numbers.",
                points.len()
            ),
            bottom: bottom.clone(),
            ticks: Ticks::Named(values.clone()),
            axis: Axis::Percent,
            series,
        };
        let note = "percent at the last round; line: mean over seeds, band: lowest to highest seed";
        html += &format!(
            "<section>{}</section>\n",
            figure(
                title,
                note,
                |size| chart.svg(size),
                &legend(&styles.legend(names))
            )
        );
    }
    html + "</div>\n"
}

fn heat_maps(parameters: [&String; 2], points: &[SweepPoint], names: &[String]) -> String {
    let (rows, columns) = (values(points, 0), values(points, 1));
    let mut html = String::new();
    for name in names {
        let mut maps = String::new();
        for (side, title) in SIDES {
            let cells: Vec<Vec<Cell>> = rows
                .iter()
                .map(|row| {
                    columns
                        .iter()
                        .map(|column| cell(points, [row, column], name, side))
                        .collect()
                })
                .collect();
            if cells.iter().flatten().all(|cell| !cell.value.is_finite()) {
                continue;
            }
            let map = HeatMap {
                title: format!(
                    "{name}: {title} over {} and {}",
                    parameters[0], parameters[1]
                ),
                description:
                    "One cell per setting with the accuracy in percent; stronger is higher.".into(),
                left: parameters[0].clone(),
                bottom: parameters[1].clone(),
                rows: rows.clone(),
                columns: columns.clone(),
                cells,
                signed: false,
            };
            maps += &format!(
                "<section>{}</section>\n",
                figure(
                    &format!("{name}: {title}"),
                    "percent, mean over seeds",
                    |size| map.svg(size),
                    ""
                )
            );
        }
        html += &format!("<div class=\"pair\">{maps}</div>\n");
    }
    html
}

fn cell(points: &[SweepPoint], values: [&String; 2], name: &str, side: Side) -> Cell {
    let at = points.iter().find(|point| point.values.iter().eq(values));
    let arm = at.and_then(|point| point.summary.arms.get(name));
    let value = arm.map_or(f64::NAN, |arm| score(arm, side).0);
    Cell {
        value,
        text: percent(value),
    }
}

fn table(
    parameters: &[String],
    points: &[SweepPoint],
    names: &[String],
    styles: &Styles,
) -> String {
    let mut groups = vec![(String::new(), parameters.len().max(1))];
    let mut head: Vec<String> = parameters.iter().map(|name| escape(name)).collect();
    for name in names {
        groups.push((styles.arm(name).key() + &escape(name), 3));
        head.extend(["balanced", "own", "worst group"].map(str::to_owned));
    }
    let rows = points
        .iter()
        .map(|point| {
            let mut row: Vec<String> = point.values.iter().map(|value| escape(value)).collect();
            let seeds = point.summary.seeds.len();
            for name in names {
                match point.summary.arms.get(name) {
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
    let table = Table {
        caption: "Percent at the last round; worst group in the balanced view.".into(),
        groups,
        head,
        rows,
        best: None,
    };
    format!("<section><h2>All settings</h2>{}</section>\n", table.html())
}

#[cfg(test)]
mod tests {
    use super::super::{check::assert_page, fixtures};
    use super::*;

    fn at(values: &[&str], shift: f64) -> SweepPoint {
        let (mut summary, _) = fixtures::grouped();
        summary
            .arms
            .retain(|name, _| ["ours", "fed_avg", "coalition_models"].contains(&name.as_str()));
        for (name, arm) in &mut summary.arms {
            let shift = if name == "fed_avg" {
                shift / 5.0
            } else {
                shift
            };
            arm.accuracy_mean += shift;
            arm.own_accuracy_mean += shift / 2.0;
            arm.accuracy_by_seed
                .values_mut()
                .for_each(|value| *value += shift);
            arm.own_accuracy_by_seed
                .values_mut()
                .for_each(|value| *value += shift / 2.0);
        }
        SweepPoint {
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            summary,
        }
    }

    #[test]
    fn a_sweep_is_a_table_with_a_row_per_point() {
        let points = [at(&["0.1", "50"], -0.2), at(&["0.1", "100"], 0.0)];
        let names = ["run.data.partition.alpha", "run.data.examples"].map(str::to_owned);
        let table = sweep_table(&names, &points);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[0],
            "| alpha | examples | `fed_avg` | `coalition_models` | `ours` |"
        );
        let ours = &points[1].summary.arms["ours"];
        let [balanced, own] = [ours.accuracy_mean, ours.own_accuracy_mean].map(percent);
        let agreement = two_decimals(ours.agreement);
        assert!(lines[3].starts_with("| 0.1 | 100 | "), "{table}");
        assert!(
            lines[3].ends_with(&format!("| {balanced} / {own} ({agreement}) |")),
            "{table}"
        );
    }

    #[test]
    fn megabytes_stand_where_points_differ_in_them() {
        let mut points = [at(&["f32"], 0.0), at(&["int8"], 0.0)];
        let last = |points: &[SweepPoint]| {
            let table = sweep_table(&["run.encodings.up.kind".to_owned()], points);
            table.lines().last().unwrap().to_owned()
        };
        assert!(!last(&points).contains("MB"));
        let fed_avg = points[1].summary.arms.get_mut("fed_avg").unwrap();
        (fed_avg.bytes_up, fed_avg.bytes_down) = (1e6, 2e6);
        let row = last(&points);
        let [_, first, ..] = row.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{row}");
        };
        assert!(first.ends_with(", 3.0 MB"), "{row}");
        assert_eq!(row.matches("MB").count(), 3);
    }

    #[test]
    fn one_parameter_makes_curves() {
        let points = [
            at(&["2"], -0.2),
            at(&["3"], -0.08),
            at(&["4"], 0.0),
            at(&["5"], -0.01),
            at(&["6"], -0.03),
        ];
        let html = sweep_report(&["K".into()], &points);
        assert_page("sweep-one", &html);
        assert!(html.contains("<b>ours</b> is best at K = 4: "));
        assert!(html.contains("between the best setting and the worst lie 20.0 points"));
        assert!(html.contains("between the best setting and the worst lie 4.0 points"));
        assert_eq!(html.matches("<svg class=\"plot wide").count(), 2);
    }

    #[test]
    fn two_parameters_make_a_heat_map_per_arm_and_view() {
        let mut points = Vec::new();
        for (row, alpha) in ["0.1", "0.3", "1"].into_iter().enumerate() {
            for (column, epochs) in ["1", "2", "4", "8"].into_iter().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "below 5")]
                let shift = -0.05 * (2 - row) as f64 - 0.03 * (2.0 - column as f64).abs();
                points.push(at(&[alpha, epochs], shift));
            }
        }
        // A setting that was not run stays empty.
        points.remove(5);
        let html = sweep_report(&["alpha".into(), "epochs".into()], &points);
        assert_page("sweep-two", &html);
        assert_eq!(html.matches("<svg class=\"plot wide").count(), 6);
        assert!(html.contains("<b>ours</b> is best at alpha = 1, epochs = 4: "));
        assert_eq!(html.matches(">–</text>").count(), 12);
    }

    #[test]
    fn no_points_are_a_page_too() {
        assert_page("sweep-empty", &sweep_report(&["K".into()], &[]));
    }
}

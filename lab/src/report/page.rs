//! The report of one run.

use super::arms::{Shown, Styles, chart, has_balanced, in_order};
use super::findings::{about_spread, best, headline, main_side};
use super::html::{Table, escape, page, unbroken};
use super::plot::{Axis, Bar, BarChart, LineChart, figure, legend};
use super::tables::{arms_table, listed};
use super::text::{bytes, counted, short, two_decimals};
use crate::results::{RoundRow, Side, Summary};

/// One run as a page: what came out, the arms in numbers and curves, the traffic, and how to repeat it.
///
/// `about` is what the experiment says of itself, `experiment_toml` the text of its file. The page needs no server, no
/// script and no other file.
pub fn run_report(
    summary: &Summary,
    rows: &[RoundRow],
    about: &str,
    experiment_toml: &str,
) -> String {
    let names = in_order(summary, rows);
    let styles = Styles::of(&names);
    let key = |name: &str| styles.arm(name).key();
    let mut body = masthead(summary);
    body += &format!("<h1>{}</h1>\n", escape(&summary.experiment));
    if !about.is_empty() {
        body += &format!(
            "<p class=\"note\" style=\"margin-left:.2rem\">{}</p>\n",
            escape(about)
        );
    }
    body += "<section>";
    if names.is_empty() {
        body += "<p class=\"lead\">Nothing is measured yet.</p>\n";
    }
    for side in sides(summary) {
        body += &format!(
            "<p class=\"lead\">{}</p>\n",
            unbroken(&headline(summary, side))
        );
    }
    body += &format!(
        "<p class=\"note\">{}</p></section>\n",
        about_spread([summary])
    );
    body += &format!(
        "<section class=\"dense\"><h2>The arms after the last round</h2>\n{}{}</section>\n",
        arms_table(summary, &names, key).html(),
        words(has_balanced(summary))
    );
    body += &format!(
        "<div class=\"pair\">{}{}{}</div>\n",
        accuracy_charts(summary, rows, &names, &styles),
        coalition_charts(summary, rows, &names, &styles),
        traffic(summary, &names, &styles)
    );
    body += &repeat(summary, experiment_toml);
    page(&format!("{} – laboratory", summary.experiment), "", &body)
}

/// What the words over the columns mean.
fn words(balanced: bool) -> String {
    let views = if balanced {
        "<b>Balanced</b>: a label-balanced sample of the test set, seen the way the device's group sees it. \
         <b>Worst tenth</b>: the mean of the worst tenth of the devices. "
    } else {
        ""
    };
    format!(
        "<p class=\"note\">{views}<b>Own</b>: the device's own held-out examples, with its own mix of labels. \
         <b>Worst group</b>: the hidden group with the lowest mean; without groups, the worst device. <b>Jitter</b>: mean step from round to round after the first third, in points. <b>Agreement</b>: adjusted \
         Rand index of coalitions with the hidden groups; 1 is the same, 0 is chance. <b>MB</b>: as the models would \
         cross the wire.</p>"
    )
}

/// The line above the heading of a page about a run.
pub(super) fn masthead(summary: &Summary) -> String {
    format!(
        "<header><b>Constellation</b><span>laboratory</span><span>{}</span><span>{}</span><span>{} {}</span></header>\n",
        counted(summary.devices as usize, "device"),
        counted(summary.rounds as usize, "round"),
        if summary.seeds.len() == 1 {
            "seed"
        } else {
            "seeds"
        },
        listed(&summary.seeds)
    )
}

/// The views that the run has numbers in.
fn sides(summary: &Summary) -> Vec<Side> {
    let own = summary
        .arms
        .values()
        .any(|arm| arm.own_accuracy_mean.is_finite());
    let mut sides = Vec::new();
    if has_balanced(summary) {
        sides.push(Side::Balanced);
    }
    if own {
        sides.push(Side::Own);
    }
    sides
}

fn accuracy_charts(
    summary: &Summary,
    rows: &[RoundRow],
    names: &[String],
    styles: &Styles,
) -> String {
    let strong = best(summary, main_side(summary)).map(|(name, _)| name);
    let band = if summary.seeds.len() > 1 {
        "percent; line: mean over seeds, band: lowest to highest seed"
    } else {
        "percent; one seed"
    };
    sides(summary)
        .into_iter()
        .map(|side| {
            let (title, value): (_, fn(&RoundRow) -> f64) = match side {
                Side::Balanced => ("Balanced accuracy, mean over devices", |row| {
                    row.accuracy_mean
                }),
                Side::Own => ("Accuracy on own examples, mean over devices", |row| {
                    row.own_mean
                }),
            };
            let shown = Shown {
                title,
                axis: Axis::Percent,
                value,
                strong,
            };
            let chart = chart(&shown, rows, names, styles);
            section(title, band, &chart)
        })
        .collect()
}

fn coalition_charts(
    summary: &Summary,
    rows: &[RoundRow],
    names: &[String],
    styles: &Styles,
) -> String {
    // Arms without coalitions have nothing to say here.
    let forms = |name: &String| {
        rows.iter()
            .any(|row| row.arm == *name && row.n_coalitions > 0)
    };
    let forming: Vec<String> = names.iter().filter(|name| forms(name)).cloned().collect();
    let number_note = if summary.seeds.len() > 1 {
        "mean over seeds, band: lowest to highest seed"
    } else {
        "one seed"
    };
    let agreement = Shown {
        title: "Agreement of coalitions with the hidden groups",
        axis: Axis::Index,
        value: |row| row.agreement.unwrap_or(f64::NAN),
        strong: None,
    };
    let number = Shown {
        title: "Number of coalitions",
        axis: Axis::Count,
        value: |row| f64::from(row.n_coalitions),
        strong: None,
    };
    [
        (
            agreement,
            "adjusted Rand index: 1 is the same partition, 0 is chance",
        ),
        (number, number_note),
    ]
    .into_iter()
    .filter_map(|(shown, note)| {
        let chart = chart(&shown, rows, &forming, styles);
        (!chart.series.is_empty()).then(|| section(shown.title, note, &chart))
    })
    .collect()
}

fn section(title: &str, note: &str, chart: &LineChart) -> String {
    let entries: Vec<_> = chart
        .series
        .iter()
        .map(|series| (series.name.clone(), series.style))
        .collect();
    let below = legend(&entries) + &round_table(chart).folded("Numbers by round");
    format!(
        "<section>{}</section>\n",
        figure(title, note, |size| chart.svg(size), &below)
    )
}

/// The numbers of a chart over rounds: all rounds, or about fifty of them.
pub(super) fn round_table(chart: &LineChart) -> Table {
    let mut rounds: Vec<f64> = Vec::new();
    for series in &chart.series {
        rounds.extend(series.points.iter().map(|point| point.x));
    }
    rounds.sort_by(f64::total_cmp);
    rounds.dedup();
    let every = rounds.len().div_ceil(50).max(1);
    let last = rounds.len().saturating_sub(1);
    let rows = rounds
        .iter()
        .enumerate()
        .filter(|(index, _)| (last - index).is_multiple_of(every))
        .map(|(_, &round)| {
            let mut row = vec![round.to_string()];
            row.extend(chart.series.iter().map(|series| {
                let point = series.points.iter().find(|point| point.x == round);
                let value = point.map_or(f64::NAN, |point| point.mean);
                match chart.axis {
                    Axis::Percent => super::text::percent(value / 100.0),
                    Axis::Count => short(value),
                    Axis::Index => two_decimals(Some(value)),
                }
            }));
            row
        })
        .collect();
    let names = chart.series.iter().map(|series| escape(&series.name));
    Table {
        head: std::iter::once("round".to_owned()).chain(names).collect(),
        rows,
        ..Table::default()
    }
}

fn traffic(summary: &Summary, names: &[String], styles: &Styles) -> String {
    let arms = || {
        names
            .iter()
            .filter_map(|name| Some((name, summary.arms.get(name)?)))
    };
    let largest = arms().max_by(|a, b| {
        let total = |arm: &crate::results::ArmSummary| arm.bytes_up + arm.bytes_down;
        total(a.1).total_cmp(&total(b.1))
    });
    let chart = BarChart {
        title: "Traffic of the whole run, by arm".into(),
        description: largest.map_or_else(String::new, |(name, arm)| {
            format!(
                "The most is sent by {name}: {} up and {} down.",
                bytes(arm.bytes_up),
                bytes(arm.bytes_down)
            )
        }),
        bars: arms()
            .map(|(name, arm)| Bar {
                name: name.clone(),
                style: styles.arm(name),
                up: arm.bytes_up,
                down: arm.bytes_down,
            })
            .collect(),
    };
    let device_rounds = f64::from(summary.devices.max(1)) * f64::from(summary.rounds.max(1));
    let rows = arms()
        .map(|(name, arm)| {
            vec![
                escape(name),
                bytes(arm.bytes_up),
                bytes(arm.bytes_down),
                bytes((arm.bytes_up + arm.bytes_down) / device_rounds),
                seconds(arm.train_seconds),
                seconds(arm.server_seconds),
            ]
        })
        .collect();
    let table = Table {
        head: [
            "arm",
            "up",
            "down",
            "a device and round",
            "training, all devices",
            "server",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows,
        ..Table::default()
    };
    let picture = figure(
        "Traffic of the whole run",
        "safetensors files as they would cross the wire; filled: from devices, open: to devices; mean over seeds",
        |size| chart.svg(size),
        "",
    );
    format!(
        "<section>{picture}</section>\n<section class=\"rest\"><h2>Traffic and time</h2>{}\
         <p class=\"note\">Seconds are this machine's and the only numbers here that a second run does not repeat.</p>\
         </section>\n",
        table.html()
    )
}

fn seconds(value: f64) -> String {
    match value {
        value if !value.is_finite() => short(value),
        value if value < 10.0 => format!("{value:.2}\u{202f}s"),
        value if value < 600.0 => format!("{value:.0}\u{202f}s"),
        value => format!("{:.0}\u{202f}min", value / 60.0),
    }
}

fn repeat(summary: &Summary, experiment_toml: &str) -> String {
    let file = file_name(&summary.experiment);
    let mut html = format!(
        "<section><h2>How to repeat it</h2>\n<p>Save the text below as <code>{file}</code> and run</p>\n\
         <pre>lab run {file}</pre>\n\
         <p>The same file gives the same fingerprint, whatever the machine and the number of threads:</p>\n\
         <p><code>{}</code></p>\n",
        escape(&summary.fingerprint)
    );
    if summary.fingerprints.len() > 1 {
        let rows = summary
            .fingerprints
            .iter()
            .map(|(seed, print)| vec![seed.to_string(), format!("<code>{}</code>", escape(print))])
            .collect();
        html += &Table {
            head: vec!["seed".into(), "fingerprint".into()],
            rows,
            ..Table::default()
        }
        .folded("Fingerprint of each seed");
    }
    if !experiment_toml.is_empty() {
        html += &format!("<pre>{}</pre>\n", escape(experiment_toml.trim_end()));
    }
    html + "</section>\n"
}

/// A name that any file system takes.
fn file_name(experiment: &str) -> String {
    let safe = |letter: char| {
        if letter.is_alphanumeric() || letter == '-' || letter == '_' {
            letter
        } else {
            '-'
        }
    };
    format!("{}.toml", experiment.chars().map(safe).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::{check::assert_page, fixtures};
    use super::*;

    const TOML: &str = "name = \"groups\" # <20 devices>\nrounds = 30\n";

    #[test]
    fn a_run_becomes_a_whole_page() {
        let (summary, rows) = fixtures::grouped();
        let html = run_report(&summary, &rows, "20 devices & 4 hidden groups.", TOML);
        assert_page("run", &html);
        for name in summary.arms.keys() {
            assert!(html.contains(&format!("</svg>{name}</th>")), "{name}");
        }
        assert!(html.contains("20 devices &amp; 4 hidden groups."));
        assert!(html.contains("# &lt;20 devices&gt;"));
        assert!(html.contains(&summary.fingerprint));
        assert!(html.contains("lab run groups-rotation.toml"));
        // Balanced, own, agreement, coalitions, traffic: each wide and slim.
        assert_eq!(html.matches("<svg class=\"plot").count(), 10);
        // fed_avg and local_only form no coalitions and have no line there.
        let steps = html.split("<h2>Number of coalitions").nth(1).unwrap();
        let steps = steps.split("</figure>").next().unwrap();
        assert!(!steps.contains("local_only") && steps.contains("ifca"));
    }

    #[test]
    fn a_run_without_balanced_view_groups_or_spread_is_told_as_it_is() {
        let (summary, rows) = fixtures::one_seed();
        let html = run_report(&summary, &rows, "", "");
        assert_page("run-one-seed", &html);
        assert!(
            !html.contains("In the balanced view,")
                && html.contains("On the devices' own examples,")
        );
        assert!(!html.contains("<h2>Agreement"));
        assert!(html.contains("One seed: there is no spread"));
        assert!(!html.contains(">balanced, %<") && html.contains(">own examples, %<"));
    }

    #[test]
    fn an_empty_run_and_sixteen_arms_are_pages_too() {
        let empty = Summary::of("nothing yet", 0, 0, Default::default(), &[]);
        assert_page("run-empty", &run_report(&empty, &[], "", ""));
        let (summary, rows) = fixtures::sixteen();
        assert_page(
            "run-sixteen",
            &run_report(&summary, &rows, "All methods.", TOML),
        );
    }
}

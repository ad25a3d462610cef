//! One page for someone who must decide whether a pilot is worth it.

use super::advice::{Choice, advice};
use super::arms::{Shown, Styles, chart, is_oracle, is_tuned, plainly};
use super::findings::{against, score};
use super::html::{Table, escape, page, unbroken};
use super::plot::{Axis, Size, figure_of, legend};
use super::text::{bytes, counted, percent, percent_with_sd, points};
use crate::results::{ArmSummary, Reading, RoundRow, Side, Summary, paired};

/// The most pieces of advice on the page; the most pressing come first.
const ADVICE: usize = 4;

const NEEDED: &str = "<p class=\"note\"><b>Rounds needed</b>: the first round within a point of the level that the \
method has in the end. <b>Traffic</b>: model weights sent and received in all rounds.</p>";

/// One sheet of A4.
const STYLE: &str = "body{max-width:54rem}.tiles{grid-template-columns:repeat(auto-fit,minmax(7.6rem,1fr))}
table{width:100%}tbody th{white-space:normal;min-width:8rem}
@media print{@page{size:A4;margin:13mm}body{line-height:1.32}.tiles small{display:none}ol.next li{margin:.15rem 0}section{margin-top:.5rem}h1{font-size:15pt}.lead{font-size:11pt}
.tiles{grid-template-columns:repeat(auto-fit,minmax(6rem,1fr))}.tiles strong{font-size:17pt}.pilot .plot{max-height:52mm}
svg.wide{display:block!important}svg.slim{display:none!important}.scroll{overflow:visible}th,td{padding:.16rem .4rem}}";

/// A run as one page that a manager can read: what was compared, which accuracy for which traffic after how many rounds,
/// and what to measure next. It prints on one sheet.
pub fn pilot_report(summary: &Summary, rows: &[RoundRow]) -> String {
    let choice = Choice::of(summary, rows);
    let names = shown(&choice);
    let styles = Styles::of(&names);
    let mut body = format!(
        "<header><b>Constellation</b><span>pilot report on <b>{}</b></span></header>\n",
        escape(&summary.experiment)
    );
    body += &format!("<h1>{}</h1>\n", verdict(&choice));
    body += &format!(
        "<section>{}{}</section>\n",
        differences(&choice, &names),
        compared(&choice)
    );
    body += &format!(
        "<section>{}{}{NEEDED}</section>\n",
        tiles(&choice, &names, &styles),
        numbers(&choice, &names).html()
    );
    let (title, value): (_, fn(&RoundRow) -> f64) = match choice.side {
        Side::Balanced => ("Accuracy round by round", |row| row.accuracy_mean),
        Side::Own => (
            "Accuracy on each device's own examples, round by round",
            |row| row.own_mean,
        ),
    };
    let shown = Shown {
        title,
        axis: Axis::Percent,
        value,
        strong: choice.best().map(|(name, _)| name),
    };
    let mut chart = chart(&shown, rows, &names, &styles);
    for series in &mut chart.series {
        series.name = short_name(&series.name);
    }
    let entries: Vec<_> = names
        .iter()
        .map(|name| (plainly(name), styles.arm(name)))
        .collect();
    let note = if summary.seeds.len() > 1 {
        "percent; line: mean over repetitions, band: lowest to highest repetition"
    } else {
        "percent; a single repetition"
    };
    body += &format!(
        "<section class=\"pilot\">{}</section>\n",
        figure_of(
            Size::Broad,
            title,
            note,
            |size| chart.svg(size),
            &legend(&entries)
        )
    );
    let next: String = advice(&choice)
        .into_iter()
        .take(ADVICE)
        .map(|advice| format!("<li>{advice}</li>\n"))
        .collect();
    body += &format!(
        "<section><h2>What to measure next</h2><ol class=\"next\">{next}</ol>\
         <p class=\"note\">Fingerprint, by which this run can be checked: <code>{}</code></p></section>\n",
        escape(
            summary
                .fingerprint
                .get(..16)
                .unwrap_or(&summary.fingerprint)
        )
    );
    page(
        &format!("{} – pilot report", summary.experiment),
        STYLE,
        &body,
    )
}

/// The arms that a decision needs: the best that groups, the best that does not, the two baselines, the ceiling.
fn shown(choice: &Choice) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let best = choice
        .grouping
        .into_iter()
        .chain(choice.simple)
        .map(|(name, _)| name);
    let oracle = choice
        .summary
        .arms
        .keys()
        .map(String::as_str)
        .find(|name| is_oracle(name));
    for name in best.chain(["fed_avg", "local_only"]).chain(oracle) {
        let known = choice.summary.arms.contains_key(name);
        if known && !names.iter().any(|have| have == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The heading: whether grouping pays.
fn verdict(choice: &Choice) -> String {
    let (Some((_, grouping)), Some((simple_name, simple))) = (choice.grouping, choice.simple)
    else {
        return format!(
            "What {} learn together",
            counted(choice.summary.devices as usize, "device")
        );
    };
    let Some(difference) = paired(grouping, simple, choice.side) else {
        return "Grouping and plain methods were not run on the same seeds".to_owned();
    };
    let size = points(difference.mean.abs());
    let size = size.trim_start_matches('+');
    let other = escape(&plainly(simple_name));
    match difference.reading() {
        Reading::Better => format!("Grouping devices pays: {size} points more than {other}"),
        Reading::Worse => format!("Grouping devices does not pay: {size} points less than {other}"),
        Reading::WithinSpread => {
            "Grouping devices makes no difference within the spread".to_owned()
        }
        Reading::OneSeed if difference.mean < 0.0 => {
            format!("In one repetition grouping devices loses {size} points against {other}")
        }
        Reading::OneSeed => {
            format!("In one repetition grouping devices gains {size} points over {other}")
        }
    }
}

/// How the best method stands against the others, with the spread.
fn differences(choice: &Choice, names: &[String]) -> String {
    let Some((best, arm)) = choice.best() else {
        return String::new();
    };
    let others: Vec<String> = names
        .iter()
        .filter(|name| *name != best)
        .filter_map(|name| {
            let difference = paired(arm, &choice.summary.arms[name], choice.side)?;
            Some(against(difference, &escape(&plainly(name))))
        })
        .collect();
    if others.is_empty() {
        return String::new();
    }
    format!(
        "<p class=\"lead\">{}: {}.</p>\n",
        escape(&capital(&plainly(best))),
        unbroken(&others.join("; "))
    )
}

/// What was compared, in plain words.
fn compared(choice: &Choice) -> String {
    let summary = choice.summary;
    let what = match choice.side {
        Side::Balanced => {
            "<b>Accuracy</b> is the share of right answers on a sample in which every kind of example is equally \
             frequent, also those that a device rarely sees itself. <b>Own</b> accuracy is that on the device's own \
             examples, which it did not train on."
        }
        Side::Own => {
            "<b>Accuracy</b> is the share of right answers on the device's own examples, which it did not train on."
        }
    };
    let repeats = match summary.seeds.len() {
        1 => "once, so chance cannot be told from effect".to_owned(),
        seeds => format!("{seeds} times with other random numbers, to see what chance does (±)"),
    };
    format!(
        "<p>{} trained a small model on data that never left them. In each of {} they sent its weights, the \
         numbers it has learned, and got better ones back; what differs is how weights are combined: one average for all, a model for each group of \
         similar devices, or none at all. Every method saw the same devices, data and rounds, and all was run {repeats}.</p>\
         <p class=\"note\">{what}</p>",
        capital(&counted(summary.devices as usize, "device")),
        counted(summary.rounds as usize, "round")
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

fn tiles(choice: &Choice, names: &[String], styles: &Styles) -> String {
    let mut html = String::from("<div class=\"tiles\">");
    for name in names {
        let arm = &choice.summary.arms[name];
        let (mean, sd) = score(arm, choice.side);
        let spread = if choice.summary.seeds.len() > 1 && sd.is_finite() {
            format!(" <small>± {} between repetitions</small>", percent(sd))
        } else {
            String::new()
        };
        html += &format!(
            "<div class=\"{}\"><strong>{}\u{202f}%</strong><span>{}</span>{spread}</div>",
            styles.arm(name).class(),
            percent(mean),
            escape(&plainly(name))
        );
    }
    html + "</div>\n"
}

fn numbers(choice: &Choice, names: &[String]) -> Table {
    let balanced = choice.side == Side::Balanced;
    let devices = f64::from(choice.summary.devices.max(1));
    let mut head = vec!["method".to_owned()];
    if balanced {
        head.push("accuracy, %".into());
    }
    head.extend(
        [
            "own, %",
            "worst device",
            "worst group",
            "rounds needed",
            "traffic per device",
        ]
        .map(str::to_owned),
    );
    let rows = names
        .iter()
        .map(|name| {
            let arm: &ArmSummary = &choice.summary.arms[name];
            let seeds = choice.summary.seeds.len();
            let mut row = vec![escape(&plainly(name))];
            if balanced {
                row.push(percent_with_sd(arm.accuracy_mean, arm.accuracy_sd, seeds));
            }
            let (device, group) = if balanced {
                (arm.worst_device, arm.worst_group)
            } else {
                (arm.own_worst_device, arm.own_worst_group)
            };
            row.extend([
                percent_with_sd(arm.own_accuracy_mean, arm.own_accuracy_sd, seeds),
                percent(device),
                percent(group),
                choice
                    .settled(name)
                    .map_or_else(|| percent(f64::NAN), |round| round.to_string()),
                bytes((arm.bytes_up + arm.bytes_down) / devices),
            ]);
            row
        })
        .collect();
    let best = choice.best().map(|(name, _)| name);
    Table {
        head,
        rows,
        best: names.iter().position(|name| Some(name.as_str()) == best),
        ..Table::default()
    }
}

/// A name for the end of a line: short, without brackets.
fn short_name(name: &str) -> String {
    match name {
        "local_only" => "alone".to_owned(),
        "fed_avg" => "plain averaging".to_owned(),
        _ if is_tuned(name) => "averaging, tuned".to_owned(),
        "oracle_groups" => "groups told".to_owned(),
        "ours" => "our grouping".to_owned(),
        _ => name.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check::assert_page, fixtures};
    use super::*;

    #[test]
    fn the_verdict_stands_at_the_top() {
        let (summary, rows) = fixtures::grouped();
        let html = pilot_report(&summary, &rows);
        assert_page("pilot", &html);
        assert!(html.contains("<h1>Grouping devices pays: "));
        assert!(html.contains(" points more than averaging plus tuning on each device</h1>"));
        assert!(html.contains("20 devices trained a small model"));
        let lead = html.split("<p class=\"lead\">").nth(1).unwrap();
        let lead = lead.split("</p>").next().unwrap();
        assert!(
            lead.starts_with("Our grouping: <b>11.9\u{a0}±\u{a0}"),
            "{lead}"
        );
        assert!(
            lead.contains("points</b> above plain averaging (FedAvg); "),
            "{lead}"
        );
        assert!(
            lead.contains("points</b> above every device alone; "),
            "{lead}"
        );
        assert!(
            lead.contains(
                "no difference from groups told in advance (the ceiling) within the spread"
            ),
            "{lead}"
        );
        let tiles = html.split("class=\"tiles\"").nth(1).unwrap();
        let tiles = tiles.split("class=\"scroll\"").next().unwrap();
        assert_eq!(tiles.matches("<strong>").count(), 5);
        assert_eq!(html.matches("<svg class=\"plot wide").count(), 1);
        let advice = html.matches("<li><b>").count();
        assert!((1..=ADVICE).contains(&advice));
    }

    #[test]
    fn a_crowded_page_keeps_to_its_most_pressing_advice() {
        let (mut summary, rows) = fixtures::grouped();
        summary.experiment =
            "a name that is as long as a name can be before it wraps into another line".into();
        for arm in summary.arms.values_mut() {
            arm.jitter = 0.04;
            arm.agreement = Some(0.4);
            arm.n_coalitions = if arm.n_coalitions > 0.0 { 12.0 } else { 0.0 };
        }
        let html = pilot_report(&summary, &rows);
        assert_page("pilot-crowded", &html);
        assert_eq!(html.matches("<li><b>").count(), ADVICE);
        assert!(html.contains("coalition of its own") && !html.contains("Train more gently"));
    }

    #[test]
    fn no_difference_is_called_none_and_one_seed_no_proof() {
        let (mut summary, rows) = fixtures::grouped();
        let simple = summary.arms["fed_avg_tuned"].clone();
        for arm in summary
            .arms
            .values_mut()
            .filter(|arm| arm.n_coalitions > 0.0)
        {
            *arm = ArmSummary {
                n_coalitions: 4.0,
                ..simple.clone()
            };
        }
        let html = pilot_report(&summary, &rows);
        assert!(html.contains("<h1>Grouping devices makes no difference within the spread</h1>"));

        let (summary, rows) = fixtures::one_seed();
        let html = pilot_report(&summary, &rows);
        assert_page("pilot-one-seed", &html);
        assert!(html.contains("<h1>In one repetition grouping devices "));
        assert!(html.contains("Repeat it with at least 3 seeds."));
    }

    #[test]
    fn a_run_without_coalitions_or_without_anything_is_a_page_too() {
        let (mut summary, rows) = fixtures::grouped();
        summary
            .arms
            .retain(|name, _| ["fed_avg", "local_only"].contains(&name.as_str()));
        let html = pilot_report(&summary, &rows);
        assert_page("pilot-plain", &html);
        assert!(html.contains("<h1>What 20 devices learn together</h1>"));
        let empty = Summary::of("e", 0, 0, Default::default(), &[]);
        assert_page("pilot-empty", &pilot_report(&empty, &[]));
    }
}

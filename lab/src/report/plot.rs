//! Pictures as SVG text, for a page that defines the colours `--h0` to `--h7` and the classes used here.
//!
//! Every picture is drawn twice, wide with names at the ends of its lines and slim for a phone; the page shows one.

use std::fmt::Write;

use super::html::escape;

mod bars;
mod heat;
mod lines;

pub use bars::{Bar, BarChart};
pub use heat::{Cell, HeatMap};
pub use lines::{Axis, LineChart, Point, Series, Ticks};

/// Number of hues; each has a marker of its own.
const HUES: usize = 8;
/// Dashes of the first 8 styles, the next 8, and so on.
const DASHES: [Option<&str>; 3] = [None, Some("7 4"), Some("2 4")];

/// How one arm or run looks in every picture of a page: hue, marker and dash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style(pub usize);

impl Style {
    /// The class that sets `--k` to the hue.
    pub fn class(self) -> String {
        format!("k{}", self.0 % HUES)
    }

    /// The dash of the line as an attribute, or nothing.
    fn dash(self) -> String {
        match DASHES[self.0 / HUES % DASHES.len()] {
            Some(dash) => format!(" stroke-dasharray=\"{dash}\""),
            None => String::new(),
        }
    }

    /// The marker at (x, y) with radius r; hollow where the line is dashed. `inside` is its content, for example a title.
    fn marker(self, x: f64, y: f64, r: f64, inside: &str) -> String {
        let class = if (self.0 / HUES).is_multiple_of(DASHES.len()) {
            "mark"
        } else {
            "mark hollow"
        };
        let polygon = |corners: &[(f64, f64)]| {
            let points: Vec<String> = corners
                .iter()
                .map(|(dx, dy)| format!("{},{}", round(x + r * dx), round(y + r * dy)))
                .collect();
            format!(
                "<polygon class=\"{class}\" points=\"{}\">{inside}</polygon>",
                points.join(" ")
            )
        };
        match self.0 % HUES {
            0 => format!(
                "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\">{inside}</circle>",
                round(x),
                round(y),
                round(r)
            ),
            1 => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            2 => polygon(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
            3 => polygon(&[(0.0, -1.3), (1.1, 0.0), (0.0, 1.3), (-1.1, 0.0)]),
            4 => polygon(&[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)]),
            5 => polygon(&[(1.2, 0.0), (-0.8, 1.1), (-0.8, -1.1)]),
            6 => polygon(&[
                (-0.6, -1.1),
                (0.6, -1.1),
                (1.2, 0.0),
                (0.6, 1.1),
                (-0.6, 1.1),
                (-1.2, 0.0),
            ]),
            _ => polygon(&[
                (-0.4, -1.1),
                (0.4, -1.1),
                (0.4, -0.4),
                (1.1, -0.4),
                (1.1, 0.4),
                (0.4, 0.4),
                (0.4, 1.1),
                (-0.4, 1.1),
                (-0.4, 0.4),
                (-1.1, 0.4),
                (-1.1, -0.4),
                (-0.4, -0.4),
            ]),
        }
    }

    /// The marker alone, to stand before a name in a table.
    pub(super) fn key(self) -> String {
        format!(
            "<svg class=\"key {}\" viewBox=\"0 0 14 14\" aria-hidden=\"true\">{}</svg>",
            self.class(),
            self.marker(7.0, 7.0, 4.8, "")
        )
    }

    /// The sample of line and marker for a legend.
    fn sample(self) -> String {
        format!(
            "<svg viewBox=\"0 0 36 14\" class=\"{}\" aria-hidden=\"true\"><path class=\"curve\" d=\"M1 7H35\"{}/>{}</svg>",
            self.class(),
            self.dash(),
            self.marker(18.0, 7.0, 4.5, "")
        )
    }
}

/// A list of what the styles mean.
pub fn legend(entries: &[(String, Style)]) -> String {
    let mut html = String::from("<ul class=\"legend\">");
    for (name, style) in entries {
        let _ = write!(html, "<li>{}{}</li>", style.sample(), escape(name));
    }
    html + "</ul>\n"
}

/// How large a picture is drawn, in units of its view box, which are about pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Alone across a screen or a sheet of paper.
    Broad,
    /// Beside others on a screen.
    Wide,
    /// On a phone.
    Slim,
}

impl Size {
    fn width(self) -> f64 {
        match self {
            Self::Broad => 820.0,
            Self::Wide => 560.0,
            Self::Slim => 340.0,
        }
    }
}

/// A picture with its heading, to stand beside others, and slim for a phone. `below` is HTML: legend, table.
pub(super) fn figure(
    heading: &str,
    note: &str,
    draw: impl Fn(Size) -> String,
    below: &str,
) -> String {
    figure_of(Size::Wide, heading, note, draw, below)
}

/// The same in another size than [`Size::Wide`].
pub(super) fn figure_of(
    size: Size,
    heading: &str,
    note: &str,
    draw: impl Fn(Size) -> String,
    below: &str,
) -> String {
    format!(
        "<figure><figcaption><h2>{}</h2><span>{}</span></figcaption>\n{}{}{below}</figure>\n",
        escape(heading),
        escape(note),
        draw(size),
        draw(Size::Slim)
    )
}

/// The start of a picture: its element, title and description.
fn open(size: Size, height: f64, title: &str, description: &str) -> String {
    format!(
        "<svg class=\"plot {}\" viewBox=\"0 0 {} {}\" role=\"img\"><title>{}</title><desc>{}</desc>\n",
        match size {
            Size::Broad | Size::Wide => "wide",
            Size::Slim => "slim",
        },
        size.width(),
        round(height),
        escape(title),
        escape(description)
    )
}

fn text(x: f64, y: f64, class: &str, anchor: &str, size: f64, content: &str) -> String {
    format!(
        "<text x=\"{}\" y=\"{}\" class=\"{class}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{}</text>",
        round(x),
        round(y),
        escape(content)
    )
}

/// To a tenth of a unit: what the eye can see, in few letters.
fn round(value: f64) -> f64 {
    let value = (value * 10.0).round() / 10.0;
    if value == 0.0 { 0.0 } else { value }
}

/// A name in at most `letters` letters.
fn shortened(name: &str, letters: usize) -> String {
    if name.chars().count() <= letters {
        return name.to_owned();
    }
    let start: String = name.chars().take(letters.saturating_sub(1)).collect();
    format!("{start}…")
}

/// Steps of 1, 2 or 5 times a power of ten, at most `most` of them within [low, high], ends included where they fall on
/// a step.
fn nice_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    if !(low.is_finite() && high.is_finite()) || high <= low {
        return vec![low];
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of ticks")]
    let wish = (high - low) / most.max(2) as f64;
    let power = 10f64.powf(wish.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= wish * 0.999)
        .unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    let mut ticks = Vec::new();
    let mut index = first;
    while index <= last {
        // Plus 0, so that no tick is "-0".
        ticks.push(index * step + 0.0);
        index += 1.0;
    }
    ticks
}

/// Places in [low, high] for labels of the given height that would like to stand at `wishes`: in the order of the
/// wishes, none nearer to another than its height, and as near to the wishes as that allows.
///
/// Less its share of the height, a place may be anything that does not fall behind the one before it: that is a
/// regression of the wishes to an ascending sequence, solved by pooling neighbours that are out of order (Ayer et al.
/// 1955).
#[expect(clippy::cast_precision_loss, reason = "a few dozen labels")]
fn spread(wishes: &[f64], height: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by(|&a, &b| wishes[a].total_cmp(&wishes[b]).then(a.cmp(&b)));
    // Each pool: the sum of its members' wishes and their number.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    let mean = |pool: &(f64, usize)| pool.0 / pool.1 as f64;
    for (rank, &index) in order.iter().enumerate() {
        let mut pool = (wishes[index] - height * rank as f64, 1);
        while let Some(before) = pools.pop_if(|before| mean(before) > mean(&pool)) {
            pool = (before.0 + pool.0, before.1 + pool.1);
        }
        pools.push(pool);
    }
    let last = wishes.len().saturating_sub(1) as f64;
    let starts = pools.iter().flat_map(|pool| {
        let start = mean(pool).min(high - height * last).max(low);
        std::iter::repeat_n(start, pool.1)
    });
    let mut places = vec![0.0; wishes.len()];
    for (rank, (&index, start)) in order.iter().zip(starts).enumerate() {
        places[index] = start + height * rank as f64;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(
            nice_ticks(0.0, 100.0, 5),
            [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        );
        assert_eq!(
            nice_ticks(1.0, 30.0, 6),
            [5.0, 10.0, 15.0, 20.0, 25.0, 30.0]
        );
        assert_eq!(nice_ticks(3.0, 3.0, 5), [3.0]);
        assert!(nice_ticks(-0.02, 1.0, 5)[0].is_sign_positive());
        assert_eq!(nice_ticks(f64::NAN, 1.0, 5).len(), 1);
        let small = nice_ticks(0.94, 0.97, 4);
        assert_eq!(small.len(), 4);
        assert!((small[0] - 0.94).abs() < 1e-12 && (small[3] - 0.97).abs() < 1e-12);
    }

    #[test]
    fn labels_keep_their_order_and_do_not_overlap() {
        // Three that wish for the same place at the lower edge, one alone.
        let places = spread(&[99.0, 100.0, 98.0, 20.0], 12.0, 0.0, 100.0);
        assert_eq!(places, [88.0, 100.0, 76.0, 20.0]);
        // Three in the middle stand around the place they wish for.
        let middle = spread(&[50.0, 50.0, 50.0], 10.0, 0.0, 100.0);
        assert_eq!(middle, [40.0, 50.0, 60.0]);
        assert!(spread(&[], 10.0, 0.0, 100.0).is_empty());
        assert_eq!(spread(&[50.0, 58.0], 10.0, 0.0, 100.0), [49.0, 59.0]);
        let free = spread(&[10.0, 50.0], 12.0, 0.0, 100.0);
        assert_eq!(free, [10.0, 50.0]);
    }

    #[test]
    fn sixteen_styles_differ_without_colour() {
        let looks: std::collections::BTreeSet<String> = (0..16)
            .map(|index| {
                let style = Style(index);
                style.marker(0.0, 0.0, 4.0, "") + &style.dash()
            })
            .collect();
        assert_eq!(looks.len(), 16);
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(shortened("coalition_models", 20), "coalition_models");
        assert_eq!(shortened("coalition_models", 6), "coali…");
    }
}

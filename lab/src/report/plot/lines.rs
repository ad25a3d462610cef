//! Lines over rounds or over a parameter, with a band from the lowest to the highest seed.

use std::fmt::Write;

use super::{Size, Style, nice_ticks, open, round, shortened, spread, text};

/// Height of a label at the end of a line.
const LABEL: f64 = 14.0;

/// One place of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where along the bottom.
    pub x: f64,
    /// The mean over seeds; not a number leaves a gap.
    pub mean: f64,
    /// The lowest seed.
    pub low: f64,
    /// The highest seed.
    pub high: f64,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// How it looks.
    pub style: Style,
    /// Whether it is drawn thicker, above the others.
    pub strong: bool,
    /// Its places, from left to right.
    pub points: Vec<Point>,
}

/// The scale at the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Percent: points are in percent, and the scale stays within 0 to 100.
    Percent,
    /// Counts from 0 upwards, drawn as steps.
    Count,
    /// An index that is 1 at best.
    Index,
}

/// The scale at the bottom.
#[derive(Clone, Debug)]
pub enum Ticks {
    /// Round numbers between the ends.
    Rounds,
    /// Named places 0, 1, 2 and so on.
    Named(Vec<String>),
}

/// A chart of lines.
#[derive(Clone, Debug)]
pub struct LineChart {
    /// What it shows, for those who do not see it.
    pub title: String,
    /// What can be seen in it.
    pub description: String,
    /// What lies along the bottom.
    pub bottom: String,
    /// The scale at the bottom.
    pub ticks: Ticks,
    /// The scale at the left.
    pub axis: Axis,
    /// The lines.
    pub series: Vec<Series>,
}

/// From numbers to places in the picture.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Frame {
    fn x(&self, x: f64) -> f64 {
        let width = (self.x.1 - self.x.0).max(f64::MIN_POSITIVE);
        self.left + (x - self.x.0) / width * (self.right - self.left)
    }

    fn y(&self, y: f64) -> f64 {
        let height = (self.y.1 - self.y.0).max(f64::MIN_POSITIVE);
        self.bottom - (y - self.y.0) / height * (self.bottom - self.top)
    }
}

impl LineChart {
    /// The picture.
    pub fn svg(&self, size: Size) -> String {
        let labels = size != Size::Slim;
        let names = self.series.iter().map(|series| series.name.chars().count());
        let letters = names.max().unwrap_or(0).min(22);
        #[expect(clippy::cast_precision_loss, reason = "a few dozen lines and letters")]
        let (label_width, label_height) = if labels {
            (
                letters as f64 * 6.4 + 52.0,
                self.series.len() as f64 * LABEL + 50.0,
            )
        } else {
            (12.0, 0.0)
        };
        let height = label_height.max(if labels { 310.0 } else { 240.0 });
        let (x, y) = self.ranges();
        let frame = Frame {
            left: 34.0,
            right: size.width() - label_width,
            top: 10.0,
            bottom: height - 38.0,
            x,
            y,
        };
        let mut svg = open(size, height, &self.title, &self.description);
        self.draw_scales(&frame, height, &mut svg);
        for strong in [false, true] {
            for series in self.series.iter().filter(|series| series.strong == strong) {
                self.draw_line(series, &frame, &mut svg);
            }
        }
        if labels {
            self.draw_labels(&frame, &mut svg);
        }
        svg + "</svg>\n"
    }

    /// Lowest and highest number along the bottom and at the left, with air.
    fn ranges(&self) -> ((f64, f64), (f64, f64)) {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let mut x = (f64::INFINITY, f64::NEG_INFINITY);
        let mut y = (f64::INFINITY, f64::NEG_INFINITY);
        for point in points() {
            x = (x.0.min(point.x), x.1.max(point.x));
            for value in [point.mean, point.low, point.high] {
                if value.is_finite() {
                    y = (y.0.min(value), y.1.max(value));
                }
            }
        }
        if x.0 >= x.1 {
            let middle = if x.0.is_finite() { x.0 } else { 0.0 };
            x = (middle - 0.5, middle + 0.5);
        }
        if !y.0.is_finite() {
            y = (0.0, 1.0);
        }
        let y = match self.axis {
            Axis::Percent => {
                let air = (0.05 * (y.1 - y.0)).max(0.5);
                ((y.0 - air).max(0.0), (y.1 + air).min(100.0))
            }
            Axis::Count => (0.0, y.1.max(1.0) * 1.08),
            Axis::Index => (y.0.min(0.0) - 0.02, 1.02),
        };
        (x, y)
    }

    fn draw_scales(&self, frame: &Frame, height: f64, svg: &mut String) {
        for tick in nice_ticks(frame.y.0, frame.y.1, 6) {
            if self.axis == Axis::Count && tick.fract() != 0.0 {
                continue;
            }
            let y = frame.y(tick);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{} {}H{}\"/>",
                frame.left,
                round(y),
                round(frame.right)
            );
            let label = format!("{}", (tick * 100.0).round() / 100.0).replace('-', "−");
            *svg += &text(frame.left - 6.0, y + 4.0, "quiet", "end", 11.0, &label);
        }
        let ticks: Vec<(f64, String)> = match &self.ticks {
            Ticks::Rounds => {
                let mut ticks = nice_ticks(frame.x.0, frame.x.1, 6);
                ticks.retain(|tick| tick.fract() == 0.0);
                ticks
                    .into_iter()
                    .map(|tick| (tick, tick.to_string()))
                    .collect()
            }
            Ticks::Named(names) => (0u32..)
                .zip(names)
                .map(|(index, name)| (f64::from(index), shortened(name, 10)))
                .collect(),
        };
        for (tick, label) in ticks {
            let x = frame.x(tick);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{} {}v4\"/>",
                round(x),
                frame.bottom
            );
            *svg += &text(x, frame.bottom + 16.0, "quiet", "middle", 11.0, &label);
        }
        let middle = f64::midpoint(frame.left, frame.right);
        *svg += &text(middle, height - 5.0, "quiet", "middle", 11.0, &self.bottom);
        svg.push('\n');
    }

    fn draw_line(&self, series: &Series, frame: &Frame, svg: &mut String) {
        let _ = write!(svg, "<g class=\"{}\">", series.style.class());
        for part in series.points.split(|point| !point.mean.is_finite()) {
            *svg += &self.band(part, frame);
            if part.len() > 1 {
                let _ = write!(
                    svg,
                    "<path class=\"curve{}\" d=\"M{}\"{}/>",
                    if series.strong { " strong" } else { "" },
                    self.trace(part.iter().map(|point| (point.x, point.mean)), frame),
                    series.style.dash()
                );
            }
        }
        let seen: Vec<&Point> = series
            .points
            .iter()
            .filter(|point| point.mean.is_finite())
            .collect();
        let every = match self.ticks {
            Ticks::Rounds => seen.len().div_ceil(6).max(1),
            Ticks::Named(_) => 1,
        };
        for (index, point) in seen.iter().enumerate() {
            // Counted from the end, so that every line ends with its marker.
            if (seen.len() - 1 - index).is_multiple_of(every) {
                let radius = if series.strong { 4.0 } else { 3.2 };
                let told = format!(
                    "<title>{}, {}: {}</title>",
                    super::escape(&series.name),
                    self.place(point.x),
                    self.value(point.mean)
                );
                *svg += &series
                    .style
                    .marker(frame.x(point.x), frame.y(point.mean), radius, &told);
            }
        }
        *svg += "</g>\n";
    }

    /// The area between the lowest and the highest seed, where they differ.
    fn band(&self, part: &[Point], frame: &Frame) -> String {
        let wide = |point: &Point| point.low.is_finite() && point.high > point.low;
        if part.len() < 2 || !part.iter().any(wide) {
            return String::new();
        }
        let above = self.trace(part.iter().map(|point| (point.x, point.high)), frame);
        let below = part.iter().rev().map(|point| (point.x, point.low));
        let below = match self.axis {
            // Steps back: down where the step up was.
            Axis::Count => self.steps_back(part, frame),
            Axis::Percent | Axis::Index => self.trace(below, frame),
        };
        format!("<path class=\"band\" d=\"M{above}L{below}Z\"/>")
    }

    fn trace(&self, places: impl Iterator<Item = (f64, f64)>, frame: &Frame) -> String {
        let mut path = String::new();
        for (x, y) in places {
            let (x, y) = (round(frame.x(x)), round(frame.y(y)));
            let _ = match (path.is_empty(), self.axis) {
                (true, _) => write!(path, "{x} {y}"),
                (false, Axis::Count) => write!(path, "H{x}V{y}"),
                (false, Axis::Percent | Axis::Index) => write!(path, "L{x} {y}"),
            };
        }
        path
    }

    fn steps_back(&self, part: &[Point], frame: &Frame) -> String {
        let mut path = String::new();
        for point in part.iter().rev() {
            let (x, y) = (round(frame.x(point.x)), round(frame.y(point.low)));
            let _ = if path.is_empty() {
                write!(path, "{x} {y}")
            } else {
                write!(path, "V{y}H{x}")
            };
        }
        path
    }

    fn draw_labels(&self, frame: &Frame, svg: &mut String) {
        let ends: Vec<(&Series, Point)> = self
            .series
            .iter()
            .filter_map(|series| {
                let last = series.points.iter().rfind(|point| point.mean.is_finite())?;
                Some((series, *last))
            })
            .collect();
        let wishes: Vec<f64> = ends.iter().map(|(_, point)| frame.y(point.mean)).collect();
        let places = spread(&wishes, LABEL, frame.top + 2.0, frame.bottom);
        for ((series, point), place) in ends.iter().zip(places) {
            let (x, y) = (frame.x(point.x), frame.y(point.mean));
            let weight = if series.strong {
                "name strong-name"
            } else {
                "name"
            };
            let _ = write!(
                svg,
                "<path class=\"leader {}\" d=\"M{} {}L{} {}\"/>",
                series.style.class(),
                round(x + 5.0),
                round(y),
                round(frame.right + 15.0),
                round(place)
            );
            let label = format!("{} {}", self.value(point.mean), shortened(&series.name, 22));
            *svg += &text(
                frame.right + 18.0,
                place + 4.0,
                weight,
                "start",
                11.5,
                &label,
            );
        }
    }

    fn place(&self, x: f64) -> String {
        match &self.ticks {
            Ticks::Rounds => format!("round {x}"),
            Ticks::Named(names) => (0u32..)
                .zip(names)
                .find(|(index, _)| f64::from(*index) == x)
                .map_or_else(String::new, |(_, name)| {
                    super::escape(&format!("{} {name}", self.bottom))
                }),
        }
    }

    fn value(&self, value: f64) -> String {
        match self.axis {
            Axis::Percent => format!("{value:.1}"),
            Axis::Count => super::super::text::short(value),
            Axis::Index => super::super::text::two_decimals(Some(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(axis: Axis, values: &[f64]) -> LineChart {
        let points = (1u32..)
            .zip(values)
            .map(|(round, &mean)| Point {
                x: f64::from(round),
                mean,
                low: mean - 1.0,
                high: mean + 1.0,
            })
            .collect();
        LineChart {
            title: "t".into(),
            description: "d".into(),
            bottom: "round".into(),
            ticks: Ticks::Rounds,
            axis,
            series: vec![Series {
                name: "a<b".into(),
                style: Style(0),
                strong: true,
                points,
            }],
        }
    }

    #[test]
    fn a_gap_breaks_the_line_and_nothing_becomes_nan() {
        let svg = chart(Axis::Percent, &[50.0, 60.0, f64::NAN, 70.0, 80.0]).svg(Size::Wide);
        assert_eq!(svg.matches("<path class=\"curve").count(), 2);
        assert_eq!(svg.matches("<path class=\"band").count(), 2);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert!(svg.contains(">80.0 a&lt;b</text>"));
        assert!(svg.contains("<title>a&lt;b, round 5: 80.0</title>"));
    }

    #[test]
    fn counts_are_steps_from_zero() {
        let svg = chart(Axis::Count, &[1.0, 4.0, 4.0]).svg(Size::Slim);
        let curve = svg.split("class=\"curve strong\" d=\"").nth(1).unwrap();
        let curve = curve.split('"').next().unwrap();
        assert!(curve.contains('H') && curve.contains('V') && !curve.contains('L'));
        assert!(svg.contains(">0</text>"));
        assert!(
            !svg.contains("a&lt;b</text>"),
            "a slim picture has no names"
        );
    }

    #[test]
    fn an_empty_chart_and_one_round_are_drawn_too() {
        for values in [&[][..], &[50.0], &[f64::NAN]] {
            for axis in [Axis::Percent, Axis::Count, Axis::Index] {
                let svg = chart(axis, values).svg(Size::Wide);
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
    }
}

//! Bars from the left: two for each arm, what went up and what came down.

use std::fmt::Write;

use super::{Size, Style, open, round, shortened, text};
use crate::report::text::bytes;

/// One arm's bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The arm's name.
    pub name: String,
    /// How it looks.
    pub style: Style,
    /// Bytes from devices.
    pub up: f64,
    /// Bytes to devices.
    pub down: f64,
}

/// A chart of traffic.
#[derive(Clone, Debug)]
pub struct BarChart {
    /// What it shows, for those who do not see it.
    pub title: String,
    /// What can be seen in it.
    pub description: String,
    /// The arms.
    pub bars: Vec<Bar>,
}

impl BarChart {
    /// The picture: a filled bar for up, an open one for down.
    #[expect(clippy::cast_precision_loss, reason = "a few dozen bars")]
    pub fn svg(&self, size: Size) -> String {
        let most = if size == Size::Slim { 16 } else { 22 };
        let letters = self.bars.iter().map(|bar| bar.name.chars().count()).max();
        let left = letters.unwrap_or(0).min(most) as f64 * 6.6 + 14.0;
        let right = size.width() - 78.0;
        let height = 30.0 * self.bars.len() as f64 + 6.0;
        let all = self.bars.iter().flat_map(|bar| [bar.up, bar.down]);
        let largest = all.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let mut svg = open(size, height, &self.title, &self.description);
        for (index, bar) in self.bars.iter().enumerate() {
            let y = 30.0 * index as f64 + 4.0;
            let _ = write!(svg, "<g class=\"{}\">", bar.style.class());
            svg += &text(
                left - 8.0,
                y + 14.0,
                "name",
                "end",
                11.5,
                &shortened(&bar.name, most),
            );
            for (row, (value, class, arrow)) in [(bar.up, "bar", "↑"), (bar.down, "bar open", "↓")]
                .into_iter()
                .enumerate()
            {
                let y = y + 12.0 * row as f64;
                let width = if largest > 0.0 && value.is_finite() {
                    value / largest * (right - left)
                } else {
                    0.0
                };
                let _ = write!(
                    svg,
                    "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"9\" rx=\"2\"/>",
                    round(left),
                    round(y),
                    round(width)
                );
                let label = format!("{arrow} {}", bytes(value));
                svg += &text(left + width + 6.0, y + 8.5, "quiet", "start", 10.5, &label);
            }
            svg += "</g>\n";
        }
        svg + "</svg>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_fills_the_picture_and_nothing_is_nothing() {
        let chart = BarChart {
            title: "t".into(),
            description: "d".into(),
            bars: vec![
                Bar {
                    name: "a".into(),
                    style: Style(0),
                    up: 2e6,
                    down: 1e6,
                },
                Bar {
                    name: "alone".into(),
                    style: Style(7),
                    up: 0.0,
                    down: f64::NAN,
                },
            ],
        };
        let svg = chart.svg(Size::Wide);
        // From 47 (5 letters of 6.6 and 14) to 560 - 78.
        assert!(svg.contains("width=\"435\"") && svg.contains("width=\"217.5\""));
        assert_eq!(svg.matches("width=\"0\"").count(), 2);
        assert!(svg.contains("↑ 2.0\u{202f}MB") && svg.contains("↓ –"));
        assert!(!svg.contains("NaN"));
    }
}

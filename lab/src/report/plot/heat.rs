//! Numbers over two parameters, or differences of arms over runs, as coloured cells with the number in each.

use std::fmt::Write;

use super::{Size, open, round, shortened, text};

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// What decides the colour; not a number leaves the cell empty.
    pub value: f64,
    /// What is written in it.
    pub text: String,
}

/// A heat map.
#[derive(Clone, Debug)]
pub struct HeatMap {
    /// What it shows, for those who do not see it.
    pub title: String,
    /// What can be seen in it.
    pub description: String,
    /// What goes down the left.
    pub left: String,
    /// What goes along the bottom.
    pub bottom: String,
    /// Names of the rows, from the top.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// `cells[row][column]`.
    pub cells: Vec<Vec<Cell>>,
    /// Whether 0 is the middle, with another colour below it; otherwise colours go from the lowest to the highest value.
    pub signed: bool,
}

impl HeatMap {
    /// The picture.
    #[expect(clippy::cast_precision_loss, reason = "a few dozen rows and columns")]
    pub fn svg(&self, size: Size) -> String {
        let names = self.rows.iter().chain([&self.left]);
        let letters = names.map(|name| name.chars().count()).max();
        let most = if size == Size::Slim { 14 } else { 22 };
        let left = letters.unwrap_or(0).min(most) as f64 * 6.6 + 14.0;
        let top = if self.left.is_empty() { 4.0 } else { 20.0 };
        let row_height = 30.0;
        let height = top + row_height * self.rows.len() as f64 + 38.0;
        let width = (size.width() - left - 4.0) / self.columns.len().max(1) as f64;
        let width = width.min(170.0);
        let letters = ((width - 4.0) / 6.2).max(3.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 3 and 20"
        )]
        let letters = letters as usize;
        let mut svg = open(size, height, &self.title, &self.description);
        if !self.left.is_empty() {
            svg += &text(
                left - 8.0,
                13.0,
                "quiet",
                "end",
                11.0,
                &shortened(&self.left, most),
            );
        }
        for (row, (name, cells)) in self.rows.iter().zip(&self.cells).enumerate() {
            let y = top + row_height * row as f64;
            svg += &text(
                left - 8.0,
                y + 19.0,
                "name",
                "end",
                11.5,
                &shortened(name, most),
            );
            for (column, cell) in cells.iter().enumerate() {
                let x = left + width * column as f64;
                let (class, opacity) = self.colour(cell.value);
                let _ = write!(
                    svg,
                    "<rect class=\"cell {class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{row_height}\" rx=\"4\" \
                     fill-opacity=\"{opacity:.2}\"/>",
                    round(x),
                    round(y),
                    round(width)
                );
                let middle = x + width / 2.0;
                svg += &text(
                    middle,
                    y + 19.0,
                    "name",
                    "middle",
                    11.5,
                    &shortened(&cell.text, letters),
                );
            }
            svg.push('\n');
        }
        let below = top + row_height * self.rows.len() as f64;
        for (column, name) in self.columns.iter().enumerate() {
            let x = left + width * (column as f64 + 0.5);
            svg += &text(
                x,
                below + 15.0,
                "quiet",
                "middle",
                11.0,
                &shortened(name, letters),
            );
        }
        let middle = left + width * self.columns.len() as f64 / 2.0;
        svg += &text(middle, height - 5.0, "quiet", "middle", 11.0, &self.bottom);
        svg + "</svg>\n"
    }

    /// Class and opacity of a value: up to 0.6, so that the number in the cell stays legible.
    fn colour(&self, value: f64) -> (&'static str, f64) {
        if !value.is_finite() {
            return ("up", 0.0);
        }
        let values = || {
            let cells = self.cells.iter().flatten();
            cells
                .map(|cell| cell.value)
                .filter(|value| value.is_finite())
        };
        if self.signed {
            let largest = values().fold(0.0, |largest: f64, value| largest.max(value.abs()));
            let class = if value < 0.0 { "down" } else { "up" };
            (class, share(value.abs(), 0.0, largest))
        } else {
            let low = values().fold(f64::INFINITY, f64::min);
            let high = values().fold(f64::NEG_INFINITY, f64::max);
            ("up", 0.06 + 0.9 * share(value, low, high))
        }
    }
}

fn share(value: f64, low: f64, high: f64) -> f64 {
    if high > low {
        0.6 * (value - low) / (high - low)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(signed: bool, values: &[f64]) -> HeatMap {
        HeatMap {
            title: "t".into(),
            description: "d".into(),
            left: "K".into(),
            bottom: "rate".into(),
            rows: vec!["2".into()],
            columns: values.iter().map(f64::to_string).collect(),
            cells: vec![
                values
                    .iter()
                    .map(|&value| Cell {
                        value,
                        text: super::super::super::text::points(value),
                    })
                    .collect(),
            ],
            signed,
        }
    }

    #[test]
    fn signs_have_colours_of_their_own_and_the_largest_is_the_strongest() {
        let svg = map(true, &[-0.2, 0.0, 0.1, f64::NAN]).svg(Size::Wide);
        let fills: Vec<&str> = svg
            .split("class=\"cell ")
            .skip(1)
            .map(|rest| rest.split(' ').next().unwrap().trim_end_matches('"'))
            .collect();
        assert_eq!(fills, ["down", "up", "up", "up"]);
        assert_eq!(svg.matches("fill-opacity=\"0.60\"").count(), 1);
        assert_eq!(svg.matches("fill-opacity=\"0.00\"").count(), 2);
        assert!(svg.contains(">−20.0</text>") && svg.contains(">–</text>"));
        // The columns are named after the numbers here: one of them is "NaN".
        assert_eq!(svg.matches("NaN").count(), 1);
    }

    #[test]
    fn equal_values_have_equal_colours() {
        let svg = map(false, &[0.5, 0.5]).svg(Size::Slim);
        assert_eq!(svg.matches("fill-opacity=\"0.06\"").count(), 2);
    }
}

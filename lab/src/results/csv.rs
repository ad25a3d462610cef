//! `rounds.csv`: a header line with the names of [`RoundRow`]'s fields, then one line per row.
//!
//! Numbers are the shortest text that reads back as the same bits. A cell with a comma or a quote is quoted (RFC 4180).

use std::fmt::{Display, Write};
use std::str::FromStr;

use super::RoundRow;

/// Names of the columns, in order.
const COLUMNS: [&str; 17] = [
    "seed",
    "round",
    "arm",
    "accuracy_mean",
    "accuracy_worst",
    "accuracy_worst_tenth",
    "accuracy_worst_group",
    "own_mean",
    "own_worst",
    "own_worst_tenth",
    "own_worst_group",
    "agreement",
    "n_coalitions",
    "bytes_up",
    "bytes_down",
    "train_seconds",
    "server_seconds",
];

/// Why a text is not a `rounds.csv`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// The first line does not name the columns.
    #[error("line 1 is not the header: it must be {expected}")]
    Header {
        /// What the first line must be.
        expected: String,
    },
    /// A line has too few or too many cells.
    #[error("line {line} has {found} cells; there are {} columns", COLUMNS.len())]
    Cells {
        /// The line, from 1.
        line: usize,
        /// Its number of cells.
        found: usize,
    },
    /// A cell cannot be read.
    #[error("line {line}: {column} is {found:?}, which is not a number of its kind")]
    Cell {
        /// The line, from 1.
        line: usize,
        /// The column's name.
        column: &'static str,
        /// What the cell holds.
        found: String,
    },
}

/// The rows as text, header first, in the order given.
pub fn rounds_csv(rows: &[RoundRow]) -> String {
    COLUMNS.join(",") + "\n" + &csv_lines(rows)
}

/// The rows as lines to add, in the order given.
pub fn csv_lines(rows: &[RoundRow]) -> String {
    let mut text = String::new();
    for row in rows {
        let cells = [
            row.seed.to_string(),
            row.round.to_string(),
            quoted(&row.arm),
            number(row.accuracy_mean),
            number(row.accuracy_worst),
            number(row.accuracy_worst_tenth),
            number(row.accuracy_worst_group),
            number(row.own_mean),
            number(row.own_worst),
            number(row.own_worst_tenth),
            number(row.own_worst_group),
            row.agreement.map(number).unwrap_or_default(),
            row.n_coalitions.to_string(),
            row.bytes_up.to_string(),
            row.bytes_down.to_string(),
            number(row.train_seconds),
            number(row.server_seconds),
        ];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// The rows of a `rounds.csv`.
///
/// # Errors
///
/// When the header is another, or a line cannot be read: the error names the line.
pub fn read_rounds_csv(text: &str) -> Result<Vec<RoundRow>, CsvError> {
    let mut lines = text.lines();
    let expected = COLUMNS.join(",");
    if lines.next() != Some(expected.as_str()) {
        return Err(CsvError::Header { expected });
    }
    lines
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .map(|(index, line)| row(index + 2, line))
        .collect()
}

fn row(line: usize, text: &str) -> Result<RoundRow, CsvError> {
    let cells = split(text);
    if cells.len() != COLUMNS.len() {
        return Err(CsvError::Cells {
            line,
            found: cells.len(),
        });
    }
    let cells = Cells { line, cells };
    Ok(RoundRow {
        seed: cells.read(0)?,
        round: cells.read(1)?,
        arm: cells.cells[2].clone(),
        accuracy_mean: cells.accuracy(3)?,
        accuracy_worst: cells.accuracy(4)?,
        accuracy_worst_tenth: cells.accuracy(5)?,
        accuracy_worst_group: cells.accuracy(6)?,
        own_mean: cells.accuracy(7)?,
        own_worst: cells.accuracy(8)?,
        own_worst_tenth: cells.accuracy(9)?,
        own_worst_group: cells.accuracy(10)?,
        agreement: cells.optional(11)?,
        n_coalitions: cells.read(12)?,
        bytes_up: cells.read(13)?,
        bytes_down: cells.read(14)?,
        train_seconds: cells.read(15)?,
        server_seconds: cells.read(16)?,
    })
}

/// One line's cells.
struct Cells {
    line: usize,
    cells: Vec<String>,
}

impl Cells {
    fn read<T: FromStr>(&self, index: usize) -> Result<T, CsvError> {
        self.cells[index].parse().map_err(|_| CsvError::Cell {
            line: self.line,
            column: COLUMNS[index],
            found: self.cells[index].clone(),
        })
    }

    fn optional(&self, index: usize) -> Result<Option<f64>, CsvError> {
        match self.cells[index].as_str() {
            "" => Ok(None),
            _ => self.read(index).map(Some),
        }
    }

    fn accuracy(&self, index: usize) -> Result<f64, CsvError> {
        Ok(self.optional(index)?.unwrap_or(f64::NAN))
    }
}

fn number(value: f64) -> String {
    if value.is_finite() {
        value.to_string()
    } else {
        String::new()
    }
}

fn quoted(text: &(impl Display + ?Sized)) -> String {
    let text = text.to_string();
    if !text.contains([',', '"']) {
        return text;
    }
    let mut cell = String::new();
    let _ = write!(cell, "\"{}\"", text.replace('"', "\"\""));
    cell
}

fn split(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut inside = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let cell = cells.len() - 1;
        match letter {
            '"' if inside && letters.peek() == Some(&'"') => {
                letters.next();
                cells[cell].push('"');
            }
            '"' => inside = !inside,
            ',' if !inside => cells.push(String::new()),
            _ => cells[cell].push(letter),
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> RoundRow {
        RoundRow {
            seed: 7,
            round: 1,
            arm: "ours, \"frozen\"".into(),
            accuracy_mean: 0.1 + 0.2,
            accuracy_worst: 1.0 / 3.0,
            accuracy_worst_tenth: 0.25,
            accuracy_worst_group: 0.5,
            own_mean: f64::MIN_POSITIVE,
            own_worst: 0.0,
            own_worst_tenth: 1.0,
            own_worst_group: 0.75,
            agreement: None,
            n_coalitions: 3,
            bytes_up: u64::MAX,
            bytes_down: 0,
            train_seconds: 1.5,
            server_seconds: 0.001,
        }
    }

    #[test]
    fn every_bit_comes_back() {
        let rows = vec![
            example(),
            RoundRow {
                arm: "fed_avg".into(),
                agreement: Some(-0.0625),
                ..example()
            },
        ];
        assert_eq!(read_rounds_csv(&rounds_csv(&rows)), Ok(rows));
    }

    #[test]
    fn what_is_missing_is_an_empty_cell() {
        let row = RoundRow {
            arm: "alone".into(),
            accuracy_mean: f64::NAN,
            ..example()
        };
        let text = rounds_csv(&[row]);
        let line = text.lines().nth(1).unwrap();
        assert!(line.starts_with("7,1,alone,,0.3333333333333333,0.25,0.5,"));
        assert!(line.contains(",0.75,,3,18446744073709551615,0,1.5,0.001"));
        assert!(read_rounds_csv(&text).unwrap()[0].accuracy_mean.is_nan());
    }

    #[test]
    fn an_error_names_the_line() {
        let good = rounds_csv(&[example(), example()]);
        let bad = good.replacen("\n7,1", "\n7,one", 1);
        let error = read_rounds_csv(&bad).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2: round is \"one\", which is not a number of its kind"
        );
        let short = format!("{good}7,2\n");
        let error = read_rounds_csv(&short).unwrap_err();
        assert_eq!(error, CsvError::Cells { line: 4, found: 2 });
        assert_eq!(
            error.to_string(),
            "line 4 has 2 cells; there are 17 columns"
        );
        assert!(matches!(
            read_rounds_csv("a,b\n"),
            Err(CsvError::Header { .. })
        ));
    }
}

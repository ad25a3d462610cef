//! A device's own table: rows of numbers with a label each, read from a CSV file.
//!
//! The room declares which columns count, how each is scaled, and what the labels are called ([`TableConfig`]); a file
//! fits or is refused with the row and the reason. Scaling is declared too, and not taken from the rows: every device
//! must scale the same way, and none may learn anything about another's rows from it.
//!
//! The file is UTF-8, its first row names the columns, in any order; columns that the room did not declare are passed
//! over. Fields are separated by commas and quoted as RFC 4180 says; rows end in LF or CRLF, blank ones are passed over.
//!
//! The reader is our own: `csv-core` takes a quote that never closes for a field up to the end of the file, and does not
//! say on which row a record began once it has passed over blank ones. The row is what a person needs.

mod limits;
mod rows;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Examples, Shape};
use crate::config::{ConfigError, require};
use crate::decimal;
use rows::Rows;

/// What the rows of every device's table hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TableConfig {
    /// Name of the column that holds the labels.
    pub label: String,
    /// The labels, as the file spells them: the first is label 0.
    pub labels: Vec<String>,
    /// The columns of numbers, in the order the model takes them.
    pub columns: Vec<Column>,
}

/// A column of numbers: the model takes `(value − mean) / sd`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name in the file's first row.
    pub name: String,
    /// Mean that is expected over all devices, in the file's unit.
    pub mean: f64,
    /// Standard deviation that is expected over all devices, in the file's unit.
    pub sd: f64,
}

/// A file that does not fit. Rows count from 1, which is the one with the names.
#[derive(Clone, Debug, PartialEq, Error, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TableError {
    /// Nobody asked for one, or there is one already.
    #[error("this device needs no table now")]
    Unwanted,
    /// Too many bytes.
    #[error("the file has {found} bytes; at most {most} fit")]
    Bytes {
        /// Its bytes.
        found: usize,
        /// What would fit.
        most: usize,
    },
    /// Bytes that are no UTF-8.
    #[error("row {row}: this is no UTF-8 text; save the file as CSV in UTF-8")]
    Encoding {
        /// Where.
        row: usize,
    },
    /// No rows at all.
    #[error("the file is empty; its first row should name the columns")]
    Empty,
    /// Semicolons between the names.
    #[error("row 1: fields are separated by semicolons; save the file with commas")]
    Semicolons,
    /// A declared column that is not there.
    #[error("row 1: there is no column “{column}”, which this room needs")]
    Missing {
        /// Its name.
        column: String,
    },
    /// A declared column that is there more than once.
    #[error("row 1: there is more than one column “{column}”")]
    Twice {
        /// Its name.
        column: String,
    },
    /// A quote that does not close, or closes before the field's end.
    #[error("row {row}: a quote does not close at the end of its field")]
    Quote {
        /// Where.
        row: usize,
    },
    /// More or fewer fields than names.
    #[error("row {row}: it has {found} fields, and row 1 has {expected}")]
    Fields {
        /// Where.
        row: usize,
        /// Its fields.
        found: usize,
        /// Those of the first row.
        expected: usize,
    },
    /// A field that is no number.
    #[error("row {row}, column “{column}”: “{found}” is no number such as -1.5")]
    Number {
        /// Where.
        row: usize,
        /// Where.
        column: String,
        /// What stands there.
        found: String,
    },
    /// A number too far from what was declared for training to go well.
    #[error("row {row}, column “{column}”: {found} is not within {least} to {most}")]
    Far {
        /// Where.
        row: usize,
        /// Where.
        column: String,
        /// The number.
        found: f64,
        /// What would fit.
        least: f64,
        /// What would fit.
        most: f64,
    },
    /// A label that the room does not have.
    #[error("row {row}, column “{column}”: “{found}” is none of the labels {labels}")]
    Label {
        /// Where.
        row: usize,
        /// Name of the label column.
        column: String,
        /// What stands there.
        found: String,
        /// What would fit.
        labels: String,
    },
    /// Too few rows to learn from and be measured on.
    #[error("there are {found} rows below the names; at least {least} are needed")]
    TooFew {
        /// Its rows.
        found: usize,
        /// What would fit.
        least: usize,
    },
    /// Too many rows.
    #[error("row {row}: at most {most} rows below the names fit")]
    TooMany {
        /// The first one too many.
        row: usize,
        /// What would fit.
        most: usize,
    },
}

impl TableConfig {
    /// What a model of such rows takes and gives.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape {
            inputs: self.columns.len() as u32,
            classes: self.labels.len() as u32,
            image: None,
        }
    }

    /// Checks the declaration.
    ///
    /// # Errors
    /// The first field that cannot be, and what it could be.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (columns, labels) = (self.columns.len(), self.labels.len());
        require(
            (1..=limits::COLUMNS).contains(&columns),
            "data.table.columns",
            format!("a list of {columns}"),
            format!("a list of 1 to {}", limits::COLUMNS),
        )?;
        require(
            (2..=limits::LABELS).contains(&labels),
            "data.table.labels",
            format!("a list of {labels}"),
            format!("a list of 2 to {}", limits::LABELS),
        )?;
        names("data.table.labels", &self.labels)?;
        let named = self.columns.iter().map(|column| &column.name);
        names("data.table.columns", named.chain([&self.label]))?;
        for Column { mean, sd, .. } in &self.columns {
            require(
                mean.abs() <= limits::MEAN,
                "data.table.columns.mean",
                mean,
                format!("{} to {}", -limits::MEAN, limits::MEAN),
            )?;
            require(
                (limits::LEAST_SD..=limits::SD).contains(sd),
                "data.table.columns.sd",
                sd,
                format!("{} to {}", limits::LEAST_SD, limits::SD),
            )?;
        }
        Ok(())
    }

    /// Reads a file of such rows: all of them, in their order, scaled.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn read(&self, file: &[u8]) -> Result<Examples, TableError> {
        if file.len() > limits::BYTES {
            return Err(TableError::Bytes {
                found: file.len(),
                most: limits::BYTES,
            });
        }
        let text = core::str::from_utf8(file).map_err(|error| {
            let row = file[..error.valid_up_to()]
                .split(|&byte| byte == b'\n')
                .count();
            TableError::Encoding { row }
        })?;
        let mut rows = Rows::new(text);
        let (_, header) = rows.next().ok_or(TableError::Empty)??;
        let label_at = place(&header, &self.label)?;
        let columns = self.columns.iter().map(|column| {
            let at = place(&header, &column.name)?;
            Ok((column, at))
        });
        let columns: Vec<(&Column, usize)> = columns.collect::<Result<_, _>>()?;
        let mut examples = Examples::new(columns.len());
        for row in rows {
            let (row, fields) = row?;
            if examples.len() == limits::ROWS {
                return Err(TableError::TooMany {
                    row,
                    most: limits::ROWS,
                });
            }
            if fields.len() != header.len() {
                return Err(TableError::Fields {
                    row,
                    found: fields.len(),
                    expected: header.len(),
                });
            }
            let values = columns
                .iter()
                .map(|(column, at)| column.scaled(&fields[*at], row));
            let values: Vec<f32> = values.collect::<Result<_, _>>()?;
            examples.push(values, self.numbered(&fields[label_at], row)?);
        }
        if examples.len() < limits::LEAST_ROWS {
            return Err(TableError::TooFew {
                found: examples.len(),
                least: limits::LEAST_ROWS,
            });
        }
        Ok(examples)
    }

    fn listed_labels(&self) -> String {
        let mut listed = String::new();
        for label in &self.labels {
            if !listed.is_empty() {
                listed.push_str(", ");
            }
            listed.push_str(label);
        }
        listed
    }

    /// The number of a label.
    fn numbered(&self, field: &str, row: usize) -> Result<u8, TableError> {
        let found = self.labels.iter().position(|label| label == field);
        let label = found.and_then(|label| u8::try_from(label).ok());
        label.ok_or_else(|| TableError::Label {
            row,
            column: self.label.clone(),
            found: shortened(field),
            labels: self.listed_labels(),
        })
    }
}

impl Column {
    fn scaled(&self, field: &str, row: usize) -> Result<f32, TableError> {
        let number = decimal::parse(field);
        let found = number.ok_or_else(|| TableError::Number {
            row,
            column: self.name.clone(),
            found: shortened(field),
        })?;
        let reach = limits::FAR * self.sd;
        let (least, most) = (self.mean - reach, self.mean + reach);
        if !(least..=most).contains(&found) {
            return Err(TableError::Far {
                row,
                column: self.name.clone(),
                found,
                least,
                most,
            });
        }
        Ok(((found - self.mean) / self.sd) as f32)
    }
}

/// Deals rows out to three parts that stand to each other as `parts` do: for training, held out, for validation. Each
/// takes its rows evenly over those of a label, in their order. The first two have a row at least, the third if it asks
/// for some.
pub(super) fn deal(rows: &Examples, parts: [u32; 3]) -> [Examples; 3] {
    let count = rows.len();
    let asked = parts.map(|part| part as usize);
    let share = |part: usize, most: usize| {
        let part = count * asked[part] / asked.iter().sum::<usize>().max(1);
        part.clamp(1, most.max(1))
    };
    let held_out = share(1, count.saturating_sub(2));
    let validation = if asked[2] == 0 {
        0
    } else {
        share(2, count.saturating_sub(held_out + 1))
    };
    let labels = rows.labels();
    let order = (0..=u8::MAX).flat_map(|label| (0..count).filter(move |&row| labels[row] == label));
    let mut dealt = [(); 3].map(|()| Examples::new(rows.stride()));
    // Of the rows that are not held out, the validation part takes its own in the same way.
    let mut kept = 0;
    for (nth, row) in order.enumerate() {
        let part = if takes(nth, held_out, count) {
            1
        } else {
            kept += 1;
            2 * usize::from(takes(kept - 1, validation, count - held_out))
        };
        dealt[part].push(rows.x(row).iter().copied(), labels[row]);
    }
    dealt
}

/// Whether the `nth` of `count`, from 0, is one of `some` that are spread evenly over them.
fn takes(nth: usize, some: usize, count: usize) -> bool {
    (nth + 1) * some / count > nth * some / count
}

/// Where in the first row a column is.
fn place(header: &[String], column: &str) -> Result<usize, TableError> {
    let mut places = (0..header.len()).filter(|&at| header[at] == column);
    let column = column.to_owned();
    match (places.next(), places.next()) {
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => Err(TableError::Twice { column }),
        (None, _) if header.len() == 1 && header[0].bytes().any(|byte| byte == b';') => {
            Err(TableError::Semicolons)
        }
        (None, _) => Err(TableError::Missing { column }),
    }
}

/// Whether names can be told apart, and found in a file.
fn names<'a>(
    field: &'static str,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<(), ConfigError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        require(
            (1..=limits::NAME).contains(&name.len())
                && name.trim() == name
                && !name.contains(|c: char| c.is_control() || "|=".contains(c)),
            field,
            format!("“{}”", shortened(name)),
            format!(
                "a name of 1 to {} bytes without spaces around it, and without | and =",
                limits::NAME
            ),
        )?;
        require(
            seen.insert(name),
            field,
            format!("“{name}” twice"),
            "a different name for each",
        )?;
    }
    Ok(())
}

/// As much of a field as a sentence can show.
fn shortened(field: &str) -> String {
    field.chars().take(limits::SHOWN).collect()
}

#[cfg(test)]
mod tests;

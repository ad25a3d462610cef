//! Largest and smallest tables. Each has a test at it and one past it.

/// Bytes of a file.
pub(super) const BYTES: usize = 8_000_000;
/// Rows of a file, its first one aside.
pub(super) const ROWS: usize = 20_000;
/// Fewest rows of a file, its first one aside: some to learn from, some to be measured on, some to choose by.
pub(super) const LEAST_ROWS: usize = 10;
/// Columns of numbers.
pub(super) const COLUMNS: usize = 512;
/// Labels.
pub(super) const LABELS: usize = 64;
/// Bytes of a column's or label's name.
pub(super) const NAME: usize = 40;
/// A column's mean, above or below 0.
pub(super) const MEAN: f64 = 1e9;
/// A column's standard deviation.
pub(super) const SD: f64 = 1e9;
/// The same, least.
pub(super) const LEAST_SD: f64 = 1e-9;
/// A number may be so many standard deviations away from the mean.
pub(super) const FAR: f64 = 1_000.0;
/// Characters of a field that a sentence shows.
pub(super) const SHOWN: usize = 40;

//! Reports: pages that open from disk, without a server, scripts or anything from elsewhere.
//!
//! Every picture is SVG written as text, in the colours of the page around it, light or dark.
//! No picture tells arms apart by colour alone, and beside each there is a table.

mod advice;
mod arms;
mod compare;
mod findings;
mod html;
mod page;
mod pilot;
pub mod plot;
mod sweep;
mod tables;
mod text;

pub use compare::compare_report;
pub use page::run_report;
pub use pilot::pilot_report;
pub use sweep::{SweepPoint, sweep_report, sweep_table};
pub use tables::{compare_table, markdown_table, run_table};

#[cfg(test)]
mod check;
#[cfg(test)]
mod fixtures;

//! A recorded run computed again: the same coordinator and devices, asked and answering as the record says.
//!
//! A record says who was asked in a round and whose updates were counted. Everything else follows from the
//! configuration and the seed, so the fingerprints must come out the same. What a record does not say is whether a
//! device that did not answer in time trained all the same, which matters where a device goes on from weights of its
//! own: it is taken to have trained, unless the experiment's conditions say that it failed. Attackers attack again, and devices whose reports say
//! that they were difficult are difficult again in the same way.

mod record;
mod replay;
mod verdict;

use std::sync::Arc;

use constellation_core::config::{ConfigError, DataConfig};
use constellation_core::data::Dataset;
use thiserror::Error;

use crate::data::DataError;

use record::{ExperimentLine, Line};
use replay::{Replay, replayed};
pub use verdict::{End, RunVerdict};

/// A record that cannot be replayed.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// A line is none of a record.
    #[error("line {line} cannot be read: {reason}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no run.
    #[error("there is no run in it: no line with the event \"run_configured\"")]
    NoRun,
    /// A run's configuration is out of range.
    #[error("line {line}: the configuration cannot be run: {source}")]
    Config {
        /// The line's number, from 1.
        line: usize,
        /// What is out of range.
        source: ConfigError,
    },
    /// A data set cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// Replays every run of a record. `load` gets a run's data.
///
/// # Errors
/// A line that cannot be read, a configuration out of range, data that are missing.
pub fn verify(
    text: &str,
    mut load: impl FnMut(&DataConfig) -> Result<Arc<Dataset>, DataError>,
) -> Result<Vec<RunVerdict>, VerifyError> {
    let mut experiment = Arc::new(ExperimentLine::default());
    let mut runs: Vec<Replay> = Vec::new();
    let mut verdicts = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let bad = |reason: String| VerifyError::Line {
            line: number + 1,
            reason,
        };
        match serde_json::from_str(line).map_err(|error| bad(error.to_string()))? {
            Line::Experiment { experiment: found } => {
                found.check().map_err(bad)?;
                experiment = Arc::new(found);
            }
            Line::RunConfigured { config } => {
                verdicts.extend(runs.pop().map(Replay::end));
                let config = replayed(*config).map_err(|source| VerifyError::Config {
                    line: number + 1,
                    source,
                })?;
                let dataset = load(&config.data)?;
                runs.push(Replay::new(config, &dataset, Arc::clone(&experiment)));
            }
            line => match runs.last_mut() {
                Some(run) => run.line(line),
                None => return Err(bad("no run has been configured before it".to_owned())),
            },
        }
    }
    verdicts.extend(runs.pop().map(Replay::end));
    if verdicts.is_empty() {
        return Err(VerifyError::NoRun);
    }
    Ok(verdicts)
}

#[cfg(test)]
mod tests;

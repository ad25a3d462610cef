//! An experiment from its file to its folder: one run a seed, a report at the end.

mod filming;
mod progress;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use constellation_core::config::ConfigError;
use constellation_core::coordinator::Event;
use constellation_core::data::Dataset;
use constellation_core::view::Phase;
use thiserror::Error;

use crate::data::{DataError, load};
use crate::experiment::{Experiment, ExperimentError};
use crate::folder::{Finished, Folder, FolderError, IfThere};
use crate::measure::Measure;
use crate::report::run_report;
use crate::results::{RoundRow, Summary};
use crate::simulate::{self, Happening, Setup};

use filming::Filming;
use progress::Progress;

/// How to run an experiment.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that the run leaves.
    pub out: PathBuf,
    /// What to do if there is one.
    pub if_there: IfThere,
    /// The folder with the data sets.
    pub data: PathBuf,
    /// Threads that devices train on; all cores if 0. The result does not depend on it.
    pub threads: usize,
}

/// An experiment that did not come to its end.
#[derive(Debug, Error)]
pub enum RunError {
    /// The file.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// A value of the run.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The threads.
    #[error("cannot start the threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A seed did not get to its last round.
    #[error(
        "seed {seed} stopped after round {closed}: no update arrives any more that the room can take"
    )]
    Stopped {
        /// The seed.
        seed: u32,
        /// The last round that was closed.
        closed: u32,
    },
    /// A resumed seed did not come out as before.
    #[error(
        "round {round} of seed {seed} came out otherwise than before the interruption: \
         fingerprint {found}, recorded {recorded}"
    )]
    Otherwise {
        /// The seed.
        seed: u32,
        /// The round.
        round: u32,
        /// As it is now.
        found: String,
        /// As it was.
        recorded: String,
    },
}

/// Runs an experiment whose file reads `text`, and leaves its folder.
///
/// # Errors
/// Whatever is in the way; what was written before stays.
pub fn run(text: &str, options: &Options) -> Result<(Summary, Vec<RoundRow>), RunError> {
    let experiment = Experiment::parse(text)?;
    let dataset = Arc::new(load(&options.data, experiment.run.data.dataset)?);
    let supply = &dataset.train;
    experiment.check_supply(text, supply.labels().len(), supply.people())?;
    let (mut folder, finished) = Folder::open(&options.out, &experiment, text, options.if_there)?;
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()?;
    let mut progress = Progress::new(&experiment);
    let Finished {
        mut fingerprints,
        mut rows,
        interrupted,
    } = finished;
    for &seed in &experiment.seeds {
        if fingerprints.contains_key(&seed) {
            progress.skip_seed();
            continue;
        }
        let mut one = OneSeed {
            experiment: &experiment,
            dataset: &dataset,
            folder: &mut folder,
            rows: &mut rows,
            interrupted: &interrupted,
            progress: &mut progress,
        };
        let fingerprint = threads.install(|| one.run(seed))?;
        fingerprints.insert(seed, fingerprint);
    }
    progress.end();
    let summary = Summary::of(
        &experiment.name,
        experiment.devices,
        experiment.run.rounds,
        fingerprints,
        &rows,
    );
    let report = run_report(&summary, &rows, &experiment.about, text);
    folder.summary(&summary, &report)?;
    Ok((summary, rows))
}

struct OneSeed<'a> {
    experiment: &'a Experiment,
    dataset: &'a Arc<Dataset>,
    folder: &'a mut Folder,
    rows: &'a mut Vec<RoundRow>,
    interrupted: &'a [(u32, u32, String)],
    progress: &'a mut Progress,
}

impl OneSeed<'_> {
    /// Runs a seed; gives its fingerprint.
    fn run(&mut self, seed: u32) -> Result<String, RunError> {
        let setup = Setup {
            config: self.experiment.run_of(seed)?,
            devices: self.experiment.devices,
            conditions: self.experiment.conditions.clone(),
            dataset: Arc::clone(self.dataset),
        };
        let begin = Event::RunConfigured {
            run: constellation_core::ids::RunId(1),
            config: Box::new((*setup.config).clone()),
        };
        self.folder.event(0, &begin)?;
        let mut measure = Measure::new(&setup.config, &setup.conditions, setup.devices);
        let mut filming = (self.experiment.seeds.first() == Some(&seed)).then(Filming::default);
        let (mut failed, mut last) = (None, Vec::new());
        let coordinator = simulate::run(&setup, |time_ms, happening| {
            if failed.is_none() {
                failed = self.observe(seed, time_ms, happening).err();
            }
            if let (Some(filming), Happening::Settled { room }) = (&mut filming, happening) {
                filming.look(time_ms, room);
            }
            let rows = measure.observe(happening);
            if let Happening::Event(Event::RunFinished) = happening {
                last = rows;
            } else if !rows.is_empty() && failed.is_none() {
                failed = self.folder.rows(&rows).err().map(RunError::from);
                self.rows.extend(rows);
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let view = coordinator.view("", 0);
        if view.phase != Phase::Finished {
            let closed = view.traffic.rounds;
            return Err(RunError::Stopped { seed, closed });
        }
        self.folder.models(seed, &coordinator)?;
        if let Some(filming) = filming {
            self.folder.recording(&filming.end(&coordinator))?;
        }
        self.folder.rows(&last)?;
        self.rows.extend(last);
        Ok(view.fingerprint)
    }

    fn observe(
        &mut self,
        seed: u32,
        time_ms: u64,
        happening: Happening<'_>,
    ) -> Result<(), RunError> {
        let Happening::Event(event) = happening else {
            return Ok(());
        };
        self.folder.event(time_ms, event)?;
        if let Event::RoundClosed {
            round, fingerprint, ..
        } = event
        {
            self.progress.closed(seed, round.0);
            let known = self.interrupted.iter();
            let recorded = known.filter(|(s, r, _)| (*s, *r) == (seed, round.0));
            for (_, _, recorded) in recorded {
                if recorded != fingerprint {
                    return Err(RunError::Otherwise {
                        seed,
                        round: round.0,
                        found: fingerprint.clone(),
                        recorded: recorded.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// The folder of an experiment where none is named.
#[must_use]
pub fn default_out(experiment: &Experiment) -> PathBuf {
    Path::new("runs").join(&experiment.name)
}

#[cfg(test)]
mod tests;

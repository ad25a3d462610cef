//! The folder that a run leaves: its record, its recording, its rows, its summary, its report, its models.
//!
//! Lines are written as they happen and flushed, so an interrupted run leaves a readable folder. Files that are made
//! anew are written beside and moved into place.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use constellation_core::coordinator::{Coordinator, Event};
use constellation_core::model::Network;
use constellation_core::params::Params;
use constellation_core::wire::safetensors::Builder;
use serde::Serialize;
use thiserror::Error;

use crate::experiment::{Experiment, ExperimentError};
use crate::results::{CsvError, RoundRow, Summary, csv_lines, read_rounds_csv, rounds_csv};

/// A folder that cannot be used, or a file in it.
#[derive(Debug, Error)]
pub enum FolderError {
    /// It is there and not empty.
    #[error(
        "{0} is not empty: go on with --resume, begin anew with --overwrite, or name another folder with --out"
    )]
    NotEmpty(PathBuf),
    /// A file cannot be read or written. What was written before is still there.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {source}")]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CsvError,
    },
    /// The experiment file is not what it should be.
    #[error("{path}: {source}")]
    Experiment {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ExperimentError,
    },
    /// It holds another experiment than the one to go on with.
    #[error("{0} holds another experiment; name another folder with --out")]
    OtherExperiment(PathBuf),
    /// It holds no summary: its run was never finished.
    #[error("{0} has no summary.json: the run was not finished; go on with lab run --resume")]
    Unfinished(PathBuf),
}

/// What to do with a folder that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfThere {
    /// Leave it alone.
    Refuse,
    /// Go on where its run was interrupted.
    Resume,
    /// Empty it of what an earlier run left.
    Overwrite,
}

/// The folder of a run.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    record: BufWriter<File>,
}

/// What a folder holds of seeds that are finished, and of the one that was interrupted.
#[derive(Debug, Default)]
pub struct Finished {
    /// Fingerprint by finished seed.
    pub fingerprints: std::collections::BTreeMap<u32, String>,
    /// Rows of the finished seeds.
    pub rows: Vec<RoundRow>,
    /// Fingerprints of the interrupted seed's rounds.
    pub interrupted: Vec<(u32, u32, String)>,
}

/// A line of `run.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    time_ms: u64,
    #[serde(flatten)]
    event: &'a Event,
}

#[derive(Serialize)]
struct FirstLine<'a> {
    event: &'static str,
    experiment: &'a Experiment,
}

const EXPERIMENT: &str = "experiment.toml";
const RECORD: &str = "run.jsonl";
const RECORDING: &str = "run.replay.jsonl";
const ROWS: &str = "rounds.csv";
const SUMMARY: &str = "summary.json";
const REPORT: &str = "report.html";
const MODELS: &str = "models";

impl Folder {
    /// Opens the folder of an experiment, whose file reads `text`, and says what is done already.
    ///
    /// # Errors
    /// It cannot be written, or there is something in it that is in the way.
    pub fn open(
        path: &Path,
        experiment: &Experiment,
        text: &str,
        if_there: IfThere,
    ) -> Result<(Self, Finished), FolderError> {
        make_folder(path)?;
        let record = path.join(RECORD);
        let mut finished = Finished::default();
        let mut kept = first_line(experiment);
        if !is_empty(path)? {
            match if_there {
                IfThere::Refuse => return Err(FolderError::NotEmpty(path.to_owned())),
                IfThere::Resume if !record.exists() => {}
                IfThere::Resume => {
                    if read(&path.join(EXPERIMENT))? != text {
                        return Err(FolderError::OtherExperiment(path.to_owned()));
                    }
                    (finished, kept) = resume(path, &kept)?;
                }
                IfThere::Overwrite => remove_run(path)?,
            }
        }
        write(&path.join(EXPERIMENT), text.as_bytes())?;
        // What was interrupted is computed again; what is finished stays.
        write(&record, kept.as_bytes())?;
        let file = File::options()
            .append(true)
            .open(&record)
            .map_err(|source| io_error("write", &record, source))?;
        let folder = Self {
            path: path.to_owned(),
            record: BufWriter::new(file),
        };
        let rows = rounds_csv(&finished.rows);
        write(&folder.path.join(ROWS), rows.as_bytes())?;
        Ok((folder, finished))
    }

    /// Adds a line to the record.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn event(&mut self, time_ms: u64, event: &Event) -> Result<(), FolderError> {
        let line = serde_json::to_string(&Line { time_ms, event }).unwrap_or_default();
        writeln!(self.record, "{line}")
            .and_then(|()| self.record.flush())
            .map_err(|source| io_error("write", &self.path.join(RECORD), source))
    }

    /// Adds the rows of a round, in one piece. Those of the last round say that the seed is finished, so they come after
    /// everything else of it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn rows(&self, rows: &[RoundRow]) -> Result<(), FolderError> {
        let path = self.path.join(ROWS);
        File::options()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(csv_lines(rows).as_bytes()))
            .map_err(|source| io_error("write", &path, source))
    }

    /// Writes the models of a finished seed: each arm's global model, and its coalitions'.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn models(&self, seed: u32, coordinator: &Coordinator) -> Result<(), FolderError> {
        let folder = self.path.join(MODELS).join(format!("seed-{seed}"));
        make_folder(&folder)?;
        let view = coordinator.view("", 0);
        let network = Network::new(&view.config.model, view.config.data.shape());
        for arm in &view.arms {
            let coalitions = arm.coalitions.iter().map(|coalition| Some(coalition.id));
            for id in [None].into_iter().chain(coalitions) {
                if let Some(model) = coordinator.model(&arm.name, id) {
                    let of = id.map_or_else(String::new, |id| format!("-coalition-{id}"));
                    let file = |kind| folder.join(format!("{}{of}.{kind}", arm.name));
                    write(&file("safetensors"), &safetensors(&model))?;
                    let onnx = network.onnx(&model, &[("arm", &arm.name)]);
                    write(&file("onnx"), &onnx)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the recording of a finished seed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn recording(&self, text: &str) -> Result<(), FolderError> {
        write(&self.path.join(RECORDING), text.as_bytes())
    }

    /// Writes the summary and the report.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn summary(&self, summary: &Summary, report: &str) -> Result<(), FolderError> {
        let json = serde_json::to_string_pretty(summary).unwrap_or_default();
        write(&self.path.join(SUMMARY), json.as_bytes())?;
        write(&self.path.join(REPORT), report.as_bytes())
    }
}

/// A finished run's summary and rows.
///
/// # Errors
/// The folder is no folder of a finished run.
pub fn read_finished(path: &Path) -> Result<(Summary, Vec<RoundRow>), FolderError> {
    let file = path.join(SUMMARY);
    if !file.exists() {
        return Err(FolderError::Unfinished(path.to_owned()));
    }
    let summary = serde_json::from_str(&read(&file)?)
        .map_err(|error| io_error("read", &file, io::Error::other(error)))?;
    Ok((summary, rows_of(path)?))
}

/// Reads what a run left before it was interrupted; gives the record's lines that stay.
fn resume(path: &Path, first_line: &str) -> Result<(Finished, String), FolderError> {
    let mut finished = Finished::default();
    let mut kept = first_line.to_owned();
    let rows = if path.join(ROWS).exists() {
        rows_of(path)?
    } else {
        Vec::new()
    };
    let (mut seed, mut lines, mut rounds) = (0, String::new(), Vec::new());
    let mut has_rows = false;
    for line in read(&path.join(RECORD))?.lines().skip(1) {
        // The last line may be cut.
        let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else {
            break;
        };
        match event["event"].as_str() {
            Some("run_configured") => {
                let config = &event["config"];
                seed = config["seed"].as_u64().unwrap_or_default() as u32;
                let last = config["rounds"].as_u64().unwrap_or_default() as u32;
                let arms = config["arms"].as_array().map_or(0, Vec::len);
                // A seed is finished once the rows of its last round are written.
                let of_last = rows
                    .iter()
                    .filter(|row| (row.seed, row.round) == (seed, last));
                has_rows = of_last.count() == arms;
                (lines, rounds) = (String::new(), Vec::new());
            }
            Some("round_closed") => {
                let round = event["round"].as_u64().unwrap_or_default() as u32;
                let fingerprint = event["fingerprint"].as_str().unwrap_or_default();
                rounds.push((seed, round, fingerprint.to_owned()));
            }
            _ => {}
        }
        lines.push_str(line);
        lines.push('\n');
        if event["event"] == "run_finished" && has_rows {
            kept.push_str(&lines);
            lines.clear();
            let last = rounds.pop().map(|(_, _, fingerprint)| fingerprint);
            finished.fingerprints.insert(seed, last.unwrap_or_default());
            rounds.clear();
        }
    }
    finished.interrupted = rounds;
    finished.rows = rows
        .into_iter()
        .filter(|row| finished.fingerprints.contains_key(&row.seed))
        .collect();
    Ok((finished, kept))
}

fn rows_of(path: &Path) -> Result<Vec<RoundRow>, FolderError> {
    let path = path.join(ROWS);
    let text = read(&path)?;
    // The last line may be cut.
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    read_rounds_csv(whole).map_err(|source| FolderError::Csv { path, source })
}

fn first_line(experiment: &Experiment) -> String {
    let line = FirstLine {
        event: "experiment",
        experiment,
    };
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

fn safetensors(model: &Params) -> Vec<u8> {
    let mut file = Builder::new();
    for tensor in model.spec().tensors() {
        file.tensor(&tensor.name, &tensor.shape, tensor.of(model.values()));
    }
    file.finish()
}

fn make_folder(path: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(path).map_err(|source| io_error("make the folder", path, source))
}

fn is_empty(folder: &Path) -> Result<bool, FolderError> {
    let mut entries = fs::read_dir(folder).map_err(|source| io_error("read", folder, source))?;
    Ok(entries.next().is_none())
}

/// Removes what an earlier run left, so that an interrupted run has no summary of another one beside it; and nothing
/// else.
fn remove_run(folder: &Path) -> Result<(), FolderError> {
    let gone = |path: &Path, removed: io::Result<()>| match removed {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(io_error("remove", path, source))
        }
        _ => Ok(()),
    };
    for name in [SUMMARY, REPORT, ROWS, RECORDING, RECORD, EXPERIMENT] {
        let path = folder.join(name);
        gone(&path, fs::remove_file(&path))?;
    }
    let models = folder.join(MODELS);
    gone(&models, fs::remove_dir_all(&models))
}

fn read(path: &Path) -> Result<String, FolderError> {
    fs::read_to_string(path).map_err(|source| io_error("read", path, source))
}

/// Writes beside, then moves into place: a full disk leaves the file as it was.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|source| io_error("write", path, source))
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> FolderError {
    FolderError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

//! The messages and their encodings.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::safetensors::{self, FormatError, Tensors};
use crate::config::{RunConfig, TrainingConfig};
use crate::ids::{CoalitionId, DeviceId, Round, RunId, Slot};
use crate::params::{ParamSpec, Params, ParamsError};

/// A control message from the room to a device: JSON text over the device's socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum RoomNews {
    /// A run that the device is part of; the first message after the socket opened, and again after a reset.
    Configured(Box<Configured>),
    /// The run is over. The device stays and waits for the next.
    RunFinished,
    /// The device is out of the room for good.
    Farewell(Farewell),
    /// Something the device said over its socket was refused.
    Refused {
        /// The refusal's code.
        code: String,
        /// What is wrong, as a sentence.
        detail: String,
    },
}

/// What a device needs to know to compute its own examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configured {
    /// Version of the protocol, [`super::PROTOCOL`].
    pub protocol: u32,
    /// The run.
    pub run: RunId,
    /// The device's number.
    pub device: DeviceId,
    /// Its index in the partition.
    pub slot: Slot,
    /// The run's configuration.
    pub config: RunConfig,
}

/// Why a device is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Farewell {
    /// The desk removed it.
    Removed,
    /// It said that it leaves.
    Left,
    /// The server stops; the device may come back with its identity when the server does.
    ServerStops,
    /// Another connection with the same identity took over.
    Replaced,
}

/// A control message from a device to the room: JSON text over the device's socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case", deny_unknown_fields)]
pub enum DeviceNews {
    /// The first message of a socket, within a few seconds: who this is.
    Hello {
        /// The device's token.
        token: String,
    },
    /// "I am alive", every few seconds.
    Heartbeat,
    /// The device leaves the room for good and gives its slot back.
    Leave,
}

/// A round opens for a device: one binary frame, a safetensors file with `round_opened` in its metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundOpened {
    /// The run.
    pub run: RunId,
    /// The round. One past the run's last round asks for the closing evaluation.
    pub round: Round,
    /// What to train; `None` asks to evaluate only.
    pub training: Option<TrainingConfig>,
    /// One per arm, in the order of the configuration.
    pub arms: Vec<ArmPlan>,
}

/// What a device does for one arm of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmPlan {
    /// The arm's name.
    pub name: String,
    /// The coalition the device is in, if any.
    pub coalition: Option<CoalitionId>,
    /// Where it starts from.
    pub start: Start,
}

/// Where a device starts a round from.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// From its own weights, which stay with it; the run's initial model the first time.
    Own,
    /// From a model of the room.
    Model(Arc<Params>),
}

/// What a device sends for a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: Round,
    /// What the device measured.
    pub report: Report,
    /// Its weights by arm, for every arm that uploads; empty for an evaluation.
    pub weights: BTreeMap<String, Params>,
}

/// What a device measured in a round. Accuracies are fractions of 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Number of training examples.
    pub examples: u32,
    /// One per arm.
    pub arms: BTreeMap<String, ArmReport>,
}

/// What a device measured for one arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmReport {
    /// The received model on the balanced sample, where there is one.
    pub balanced_before: Option<f64>,
    /// The received model on the device's own held-out examples.
    pub own_before: Option<f64>,
    /// The trained model on the device's own held-out examples; absent for an evaluation.
    pub own_after: Option<f64>,
    /// Mean loss over the last epoch; absent for an evaluation.
    pub loss: Option<f64>,
}

/// The models of a run as far as the wire must know them: which arms upload, and the shape of what they upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Models {
    /// Names and shapes of a model's tensors.
    pub spec: Arc<ParamSpec>,
    /// Names of all arms.
    pub arms: Vec<String>,
    /// Names of the arms for which weights are sent.
    pub uploading: Vec<String>,
}

/// A file that is not a message of this protocol.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum WireError {
    /// Not a safetensors file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The metadata lack the message, or it does not parse.
    #[error("the metadata entry \"{entry}\" does not fit: {detail}")]
    Metadata {
        /// The entry.
        entry: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A tensor that should be there is not.
    #[error("the tensor \"{0}\" is missing")]
    MissingTensor(String),
    /// A tensor that should not be there is.
    #[error("the tensor \"{0}\" is not one of this run's")]
    UnknownTensor(String),
    /// A tensor is not f32.
    #[error("the tensor \"{name}\" is {dtype}, and must be F32")]
    WrongType {
        /// The tensor.
        name: String,
        /// Its type.
        dtype: String,
    },
    /// A tensor has another shape than the model's.
    #[error("the tensor \"{name}\" has shape {found:?}, and must have {expected:?}")]
    WrongShape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The model's.
        expected: Vec<usize>,
    },
    /// The values are no parameters.
    #[error("arm \"{arm}\": {source}")]
    Values {
        /// The arm.
        arm: String,
        /// What is wrong with them.
        source: ParamsError,
    },
    /// A number of the report is out of its range.
    #[error("the report's {0}")]
    Report(String),
}

/// The JSON in the metadata of a `round_opened` file.
#[derive(Serialize, Deserialize)]
struct RoundHeader {
    run: RunId,
    round: Round,
    training: Option<TrainingConfig>,
    arms: Vec<ArmHeader>,
}

#[derive(Serialize, Deserialize)]
struct ArmHeader {
    name: String,
    coalition: Option<CoalitionId>,
    start: StartHeader,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StartHeader {
    Own,
    Model,
}

/// The JSON in the metadata of an `update` file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateHeader {
    run: RunId,
    round: Round,
    report: Report,
}

const MESSAGE: &str = "message";
const PLAN: &str = "plan";
const UPDATE: &str = "update";
const ROUND_OPENED: &str = "round_opened";

impl RoundOpened {
    /// Whether two messages of the same round say the same, seen from what they share and not from every number.
    #[must_use]
    pub(crate) fn same_models(&self, other: &Self) -> bool {
        let same = |(a, b): (&ArmPlan, &ArmPlan)| {
            let same_start = match (&a.start, &b.start) {
                (Start::Own, Start::Own) => true,
                (Start::Model(a), Start::Model(b)) => Arc::ptr_eq(a, b),
                (Start::Own, Start::Model(_)) | (Start::Model(_), Start::Own) => false,
            };
            same_start && a.coalition == b.coalition
        };
        self.arms.len() == other.arms.len() && self.arms.iter().zip(&other.arms).all(same)
    }

    /// The binary frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let header = RoundHeader {
            run: self.run,
            round: self.round,
            training: self.training.clone(),
            arms: self
                .arms
                .iter()
                .map(|arm| ArmHeader {
                    name: arm.name.clone(),
                    coalition: arm.coalition,
                    start: match arm.start {
                        Start::Own => StartHeader::Own,
                        Start::Model(_) => StartHeader::Model,
                    },
                })
                .collect(),
        };
        let models = self.arms.iter().filter_map(|arm| match &arm.start {
            Start::Own => None,
            Start::Model(params) => Some((arm.name.as_str(), &**params.spec(), params.values())),
        });
        encode(ROUND_OPENED, PLAN, &header, models)
    }

    /// Reads a binary frame whose models have the shape `spec`.
    ///
    /// # Errors
    /// Whatever makes it no such frame.
    pub fn decode(bytes: &[u8], spec: &Arc<ParamSpec>) -> Result<Self, WireError> {
        let file = Tensors::parse(bytes)?;
        let header: RoundHeader = metadata(&file, ROUND_OPENED, PLAN)?;
        let carried: Vec<&str> = header
            .arms
            .iter()
            .filter(|arm| matches!(arm.start, StartHeader::Model))
            .map(|arm| arm.name.as_str())
            .collect();
        if let Some(training) = &header.training {
            training.check().map_err(|error| WireError::Metadata {
                entry: PLAN,
                detail: error.to_string(),
            })?;
        }
        let mut models = read_models(&file, spec, &carried)?;
        let arms = header
            .arms
            .into_iter()
            .map(|arm| {
                let start = models
                    .remove(&arm.name)
                    .map_or(Start::Own, |params| Start::Model(Arc::new(params)));
                ArmPlan {
                    name: arm.name,
                    coalition: arm.coalition,
                    start,
                }
            })
            .collect();
        Ok(Self {
            run: header.run,
            round: header.round,
            training: header.training,
            arms,
        })
    }
}

impl Update {
    /// The body of the post.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let weights = self
            .weights
            .iter()
            .map(|(arm, params)| (arm.as_str(), &**params.spec(), params.values()));
        Self::encode_values(self.run, self.round, &self.report, weights)
    }

    /// The body of the post, from values as training left them. Values that are not finite are sent as they are, so
    /// that the room hears of training that diverged, and refuses it.
    pub(crate) fn encode_values<'a>(
        run: RunId,
        round: Round,
        report: &Report,
        weights: impl Iterator<Item = (&'a str, &'a ParamSpec, &'a [f32])>,
    ) -> Vec<u8> {
        encode(
            UPDATE,
            UPDATE,
            &UpdateHeader {
                run,
                round,
                report: report.clone(),
            },
            weights,
        )
    }

    /// Reads the body of a post. An update without tensors is an evaluation's; one with any must have them for every
    /// uploading arm.
    ///
    /// # Errors
    /// Whatever makes it no update of a run with these models.
    pub fn decode(bytes: &[u8], models: &Models) -> Result<Self, WireError> {
        let file = Tensors::parse(bytes)?;
        let header: UpdateHeader = metadata(&file, UPDATE, UPDATE)?;
        check_report(&header.report, models)?;
        let arms: Vec<&str> = if file.is_empty() {
            Vec::new()
        } else {
            models.uploading.iter().map(String::as_str).collect()
        };
        let weights = read_models(&file, &models.spec, &arms)?;
        Ok(Self {
            run: header.run,
            round: header.round,
            report: header.report,
            weights,
        })
    }
}

impl Models {
    /// Longest body an update of this run can have: all tensors and the largest header a file may have.
    #[must_use]
    pub fn longest_update(&self) -> usize {
        self.uploading.len() * self.spec.len() * size_of::<f32>() + safetensors::limits::HEADER + 8
    }
}

fn check_report(report: &Report, models: &Models) -> Result<(), WireError> {
    for name in &models.arms {
        if !report.arms.contains_key(name) {
            return Err(WireError::Report(format!("arm \"{name}\" is missing")));
        }
    }
    for (name, arm) in &report.arms {
        if !models.arms.contains(name) {
            return Err(WireError::Report(format!(
                "arm \"{name}\" is not one of this run's"
            )));
        }
        for (field, value) in [
            ("balanced_before", arm.balanced_before),
            ("own_before", arm.own_before),
            ("own_after", arm.own_after),
        ] {
            if let Some(value) = value
                && !(0.0..=1.0).contains(&value)
            {
                return Err(WireError::Report(format!(
                    "{name}.{field} is {value}, and must be 0 to 1"
                )));
            }
        }
    }
    if report.examples > crate::config::limits::EXAMPLES {
        let most = crate::config::limits::EXAMPLES;
        return Err(WireError::Report(format!(
            "examples is {}, and may be up to {most}",
            report.examples
        )));
    }
    Ok(())
}

fn encode<'a, H: Serialize>(
    message: &str,
    entry: &str,
    header: &H,
    models: impl Iterator<Item = (&'a str, &'a ParamSpec, &'a [f32])>,
) -> Vec<u8> {
    let json = serde_json::to_string(header).expect("headers have string keys and finite numbers");
    let mut file = safetensors::Builder::new();
    file.metadata(MESSAGE, message);
    file.metadata(entry, &json);
    for (arm, spec, values) in models {
        for tensor in spec.tensors() {
            file.tensor(
                &format!("{arm}/{}", tensor.name),
                &tensor.shape,
                tensor.of(values),
            );
        }
    }
    file.finish()
}

fn metadata<H: for<'a> Deserialize<'a>>(
    file: &Tensors<'_>,
    message: &str,
    entry: &'static str,
) -> Result<H, WireError> {
    match file.metadata(MESSAGE) {
        Some(found) if found == message => {}
        found => {
            let detail = format!("it is {found:?}, and must be {message:?}");
            return Err(WireError::Metadata {
                entry: MESSAGE,
                detail,
            });
        }
    }
    let json = file.metadata(entry).ok_or_else(|| WireError::Metadata {
        entry,
        detail: "it is missing".to_owned(),
    })?;
    serde_json::from_str(json).map_err(|error| WireError::Metadata {
        entry,
        detail: error.to_string(),
    })
}

/// Reads one model per arm; every tensor of the file must belong to one of them.
fn read_models(
    file: &Tensors<'_>,
    spec: &Arc<ParamSpec>,
    arms: &[&str],
) -> Result<BTreeMap<String, Params>, WireError> {
    if let Some(name) = file.names().find(|name| !belongs(name, spec, arms)) {
        return Err(WireError::UnknownTensor(name.to_owned()));
    }
    let mut models = BTreeMap::new();
    for &arm in arms {
        let mut values = Vec::with_capacity(spec.len());
        for tensor in spec.tensors() {
            let name = format!("{arm}/{}", tensor.name);
            let found = file
                .get(&name)
                .ok_or_else(|| WireError::MissingTensor(name.clone()))?;
            if found.dtype != "F32" {
                return Err(WireError::WrongType {
                    name,
                    dtype: found.dtype.to_owned(),
                });
            }
            if found.shape != tensor.shape {
                return Err(WireError::WrongShape {
                    name,
                    found: found.shape.to_vec(),
                    expected: tensor.shape.clone(),
                });
            }
            found.read_f32(&mut values);
        }
        let params = Params::try_new(values, spec).map_err(|source| WireError::Values {
            arm: arm.to_owned(),
            source,
        })?;
        models.insert(arm.to_owned(), params);
    }
    Ok(models)
}

fn belongs(name: &str, spec: &ParamSpec, arms: &[&str]) -> bool {
    name.split_once('/').is_some_and(|(arm, tensor)| {
        arms.contains(&arm) && spec.tensors().iter().any(|t| t.name == tensor)
    })
}

#[cfg(test)]
mod tests;

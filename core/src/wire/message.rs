//! The messages, one enum per direction, and what can be wrong with them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::codec::is_default;
use super::delta::{Delta, Encoded};
use super::safetensors::FormatError;
use crate::attack::Mischief;
use crate::by_name::ByName;
use crate::config::{RunConfig, TrainingConfig};
use crate::encoding::{Encoding, ModelHash};
use crate::ids::{CoalitionId, DeviceId, Round, RunId, Slot};
use crate::json::Write;
use crate::params::{ParamSpec, Params, ParamsError};
use crate::sketch::Sketch;

/// A control message from the room to a device: JSON text over the device's socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum RoomNews {
    /// A run that the device is part of; the first message after the socket opened, and again after a reset, or when the
    /// desk allows mischief or forbids it.
    Configured(Box<Configured>),
    /// The coalitions of a round have formed, and the device is to send weights.
    SendWeights(SendWeights),
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
    /// Whether the desk allows devices to be difficult.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mischief: bool,
}

/// What a device is to send after its sketches. Weights of arms that ask for no sketches are always among it; a device
/// that has nothing to send rests until the next round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendWeights {
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: Round,
    /// The coalitions that weights are for: of the arms that ask for sketches, those whose weights are wanted.
    pub coalitions: Vec<ArmCoalition>,
}

/// Weights of an arm are for a coalition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmCoalition {
    /// The arm's name.
    pub arm: String,
    /// The coalition whose barycenter they become a part of.
    pub coalition: CoalitionId,
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
    ServerStops {
        /// When it should try, in milliseconds from now. Each device is told another time, so that they do not come all
        /// at once.
        #[serde(default)]
        retry_after_ms: u32,
    },
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
    /// In a run whose devices bring tables of their own: it has read one, and takes part from now on. Said once after
    /// every `configured`.
    Ready {
        /// The run that it was told.
        run: RunId,
    },
    /// It has not got the models that the round's deltas are to be added to, and asks for the round without deltas.
    SendInFull {
        /// The round's run.
        run: RunId,
    },
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
    /// How often the device's steps are halved, since it was late before; see
    /// [`TrainingConfig::steps`].
    pub halvings: u32,
    /// One per arm, in the order of the configuration.
    pub arms: Vec<ArmPlan>,
    /// How the device is to send what it trained.
    pub upload: Encoding,
    /// Those of the arms' models that travel as deltas, by the names that their tensors begin with. Empty once read.
    pub deltas: ByName<Arc<Encoded>>,
}

/// What a device does for one arm of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmPlan {
    /// The arm's name.
    pub name: String,
    /// The coalition the device is in, if any.
    pub coalition: Option<CoalitionId>,
    /// What it does.
    pub task: Task,
}

/// Training from a model, and which model serves the device meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Where the device starts from.
    pub start: Start,
    /// Pull towards the start: half of this times the squared distance is added to the loss. 0 for none.
    pub proximal: f64,
    /// Added to every gradient, in the shape of the model.
    pub correction: Option<Arc<Params>>,
    /// A second model, trained in the same way and sent back beside the first.
    pub beside: Option<Arc<Params>>,
    /// Models whose loss on its training examples the device reports, every label counting alike.
    pub judge: Vec<Arc<Params>>,
    /// Which model serves the device, and is measured.
    pub serves: Serves,
    /// Whether the device sends a sketch first, and weights when it is asked for them.
    pub sketch: bool,
}

/// Where a device starts a round from.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// From its own weights, which stay with it; the run's initial model the first time.
    Own,
    /// From a model of the room.
    Model(Arc<Params>),
    /// From the one of these models, at least one, that has the least loss on its training examples; it says which.
    BestOf(Vec<Arc<Params>>),
}

/// Which model serves a device until the next round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Serves {
    /// The one it starts from.
    #[default]
    Received,
    /// The one it starts from, after this round's training.
    Tuned,
    /// The one it starts from, unless the one beside it or the device's own of the round before is better on the
    /// validation part by more than chance; see [`Validation::choice`].
    Chosen,
    /// The one of these that is best on the validation part, if only by chance: for devices that have shown together
    /// what none of them could show alone.
    Best,
}

impl Serves {
    /// Whether the device's validation part decides.
    #[must_use]
    pub fn by_validation(self) -> bool {
        matches!(self, Self::Chosen | Self::Best)
    }
}

impl From<Start> for Task {
    /// Plain training, served by the model that it starts from.
    fn from(start: Start) -> Self {
        Self {
            start,
            proximal: 0.0,
            correction: None,
            beside: None,
            judge: Vec::new(),
            serves: Serves::Received,
            sketch: false,
        }
    }
}

/// What a device sends for a round. Where arms ask for sketches it comes in two parts: the sketches, and the weights
/// that [`RoomNews::SendWeights`] asks for. Both have the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: Round,
    /// What the device measured.
    pub report: Report,
    /// Its weights by arm, for every arm that uploads, and those of a second model under [`beside`]; empty for an
    /// evaluation.
    pub weights: ByName<Params>,
    /// Deltas in place of weights, by the same names; see [`Update::resolve`].
    pub deltas: ByName<Delta>,
    /// Sketches by arm, for every arm that asks for one; empty where weights are.
    pub sketches: ByName<Sketch>,
    /// What [`SendWeights`] said, repeated with the weights that it asked for.
    pub coalitions: Vec<ArmCoalition>,
}

impl Update {
    /// Whether it has neither weights nor sketches, as an evaluation's.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        !self.has_weights() && self.sketches.is_empty()
    }

    /// Whether it has weights, or what stands for them.
    #[must_use]
    pub fn has_weights(&self) -> bool {
        !(self.weights.is_empty() && self.deltas.is_empty())
    }
}

/// What a device measured in a round. Accuracies are fractions of 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Number of training examples.
    pub examples: u32,
    /// How many of them are the device's own, and no part of the run's data set: nobody can recompute what was learned
    /// from them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub own_data: u32,
    /// How often its steps were halved, as the round said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub halvings: u32,
    /// How the device was difficult in this round. It says so itself, for a classroom to see; real attackers do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mischief: Option<Mischief>,
    /// One per arm.
    pub arms: ByName<ArmReport>,
}

/// What a device measured for one arm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmReport {
    /// The model that serves the device on the balanced sample, where there is one.
    pub balanced_before: Option<f64>,
    /// The model that serves the device on its own held-out examples.
    pub own_before: Option<f64>,
    /// The trained model on the device's own held-out examples; absent for an evaluation.
    pub own_after: Option<f64>,
    /// Mean loss over the last epoch; absent for an evaluation.
    pub loss: Option<f64>,
    /// Which of several models it started from, where it had the choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picked: Option<u32>,
    /// Mean losses of the models it was asked to judge, in nats, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<f64>,
    /// How its models did on its validation part, where it has one and chooses by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
}

/// Right answers on a device's validation part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Examples of the validation part.
    pub examples: u32,
    /// Right answers of the model that the device starts from.
    pub received: u32,
    /// Those of the model beside it, where there is one.
    pub beside: Option<u32>,
    /// Those of the device's own weights of the round before, once it has some.
    pub own: Option<u32>,
}

/// A model that a device may choose to be served by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The one it starts from.
    Received,
    /// The one beside it.
    Beside,
    /// The device's own weights of the round before.
    Own,
}

impl Validation {
    /// Standard errors by which another model must be better than the received one.
    const BEYOND_CHANCE: f64 = 3.0;

    /// The received model, unless another one has more right answers than chance explains; then the best of those. Of
    /// [`Serves::Best`], chance is no question.
    ///
    /// The mix of labels on a device is not what its group knows, so a model is not left for a few examples' sake.
    #[must_use]
    pub fn choice(&self, serves: Serves) -> Choice {
        let mut best = (Choice::Received, self.received);
        for (choice, right) in [(Choice::Beside, self.beside), (Choice::Own, self.own)] {
            if let Some(right) = right
                && right > best.1
                && (serves == Serves::Best || self.beyond_chance(right))
            {
                best = (choice, right);
            }
        }
        best.0
    }

    /// Whether so many right answers are more than those of the received model by
    /// [`Self::BEYOND_CHANCE`] standard errors of a difference of two proportions, each with one right and one wrong
    /// answer added (Agresti and Caffo 2000), so that small parts do not look certain.
    fn beyond_chance(&self, right: u32) -> bool {
        let n = f64::from(self.examples) + 2.0;
        let share = |right: u32| (f64::from(right) + 1.0) / n;
        let (a, b) = (share(right), share(self.received));
        a - b > Self::BEYOND_CHANCE * ((a * (1.0 - a) + b * (1.0 - b)) / n).sqrt()
    }
}

impl RoundOpened {
    /// One in which models travel as plain weights, both ways.
    #[must_use]
    pub fn new(
        run: RunId,
        round: Round,
        training: Option<TrainingConfig>,
        arms: Vec<ArmPlan>,
    ) -> Self {
        Self {
            run,
            round,
            training,
            halvings: 0,
            arms,
            upload: Encoding::default(),
            deltas: ByName::new(),
        }
    }

    /// The same with one arm alone: what it would be if nothing were compared.
    #[cfg(test)]
    pub(crate) fn only(&self, arm: &str) -> Self {
        Self {
            arms: self
                .arms
                .iter()
                .filter(|plan| plan.name == arm)
                .cloned()
                .collect(),
            ..self.clone()
        }
    }
}

impl Update {
    /// The same with one arm alone: what it would be if nothing were compared.
    #[cfg(test)]
    pub(crate) fn only(&self, arm: &str) -> Self {
        let of_arm = |name: &str| name == arm || name == beside(arm);
        Self {
            weights: self
                .weights
                .iter()
                .filter(|(name, _)| of_arm(name))
                .map(|(name, weights)| (name.clone(), weights.clone()))
                .collect(),
            deltas: self
                .deltas
                .iter()
                .filter(|(name, _)| of_arm(name))
                .map(|(name, delta)| (name.clone(), delta.clone()))
                .collect(),
            report: Report {
                examples: self.report.examples,
                own_data: self.report.own_data,
                halvings: self.report.halvings,
                mischief: self.report.mischief,
                arms: self
                    .report
                    .arms
                    .iter()
                    .filter(|(name, _)| *name == arm)
                    .map(|(name, report)| (name.clone(), report.clone()))
                    .collect(),
            },
            sketches: self
                .sketches
                .iter()
                .filter(|(name, _)| *name == arm)
                .map(|(name, sketch)| (name.clone(), sketch.clone()))
                .collect(),
            coalitions: self
                .coalitions
                .iter()
                .filter(|wanted| wanted.arm == arm)
                .cloned()
                .collect(),
            ..*self
        }
    }
}

/// Name under which the model beside an arm's own travels. Names of arms have no colon.
#[must_use]
pub fn beside(arm: &str) -> String {
    format!("{arm}:beside")
}

/// The models of a run as far as the wire must know them: which arms upload, and the shape of what they upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Models {
    /// The run.
    pub run: RunId,
    /// Training examples of a device: more, nobody may say it has, but for the few that people teach it.
    pub examples: u32,
    /// Names and shapes of a model's tensors.
    pub spec: Arc<ParamSpec>,
    /// Names of all arms.
    pub arms: Vec<String>,
    /// Names of the arms for which weights are sent.
    pub uploading: Vec<String>,
    /// Names under which a second model of an arm may be sent.
    pub beside: Vec<String>,
    /// Those of the uploading arms that ask for sketches.
    pub sketching: Vec<String>,
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
    /// The update is of another run of the room: it was reset while the update was under way.
    #[error("the update is of run {sent}; the room is at run {current}")]
    OtherRun {
        /// The update's run.
        sent: RunId,
        /// The room's.
        current: RunId,
    },
    /// A tensor that should be there is not.
    #[error("the tensor \"{0}\" is missing")]
    MissingTensor(String),
    /// A tensor that should not be there is.
    #[error("the tensor \"{0}\" is not one of this run's")]
    UnknownTensor(String),
    /// A tensor has other numbers than it should.
    #[error("the tensor \"{name}\" is {dtype}, and must be {expected}")]
    WrongType {
        /// The tensor.
        name: String,
        /// Its type.
        dtype: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A tensor has another shape than the model's.
    #[error(
        "the tensor \"{name}\" has shape {}, and must have {}",
        listed(found),
        listed(expected)
    )]
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
    /// A delta points outside the model.
    #[error("the delta of \"{0}\" has an index that the model has not")]
    Index(String),
    /// A delta is to be added to a model that the receiver has not got.
    #[error("\"{model}\" is a delta to the model {reference}, which is not the one that is here")]
    OtherReference {
        /// What travels as a delta.
        model: String,
        /// What it is to be added to.
        reference: ModelHash,
    },
    /// A number of the report is out of its range.
    #[error("the report's {0}")]
    Report(String),
}

/// A shape as it is written: `[2, 3]`.
fn listed(shape: &[usize]) -> String {
    let mut out = String::from("[");
    for (i, size) in shape.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        size.write(&mut out);
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validation(received: u32, beside: Option<u32>, own: Option<u32>) -> Validation {
        Validation {
            examples: 50,
            received,
            beside,
            own,
        }
    }

    #[test]
    fn a_model_is_left_for_another_beyond_chance() {
        let chosen =
            |received, beside, own| validation(received, beside, own).choice(Serves::Chosen);
        assert_eq!(
            chosen(25, Some(38), Some(36)),
            Choice::Received,
            "2.7 errors"
        );
        assert_eq!(chosen(25, Some(40), Some(36)), Choice::Beside, "3.2 errors");
        assert_eq!(chosen(25, Some(40), Some(41)), Choice::Own);
        assert_eq!(chosen(25, None, None), Choice::Received);
    }

    #[test]
    fn the_best_may_be_so_by_chance() {
        let best = |received, beside, own| validation(received, beside, own).choice(Serves::Best);
        assert_eq!(best(25, Some(25), Some(25)), Choice::Received);
        assert_eq!(best(25, Some(26), Some(26)), Choice::Beside);
        assert_eq!(best(25, Some(26), Some(27)), Choice::Own);
    }
}

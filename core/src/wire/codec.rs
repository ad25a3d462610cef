//! Encoding and decoding of the messages that carry weights.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::message::{
    ArmPlan, Models, Report, RoundOpened, Serves, Start, Task, Update, WireError, beside,
};
use super::safetensors::{self, Tensors};
use crate::config::{RunConfig, TrainingConfig, limits};
use crate::ids::{CoalitionId, Round, RunId};
use crate::json::{self, Read};
use crate::params::{ParamSpec, Params};

/// The JSON in the metadata of a `round_opened` file.
#[derive(Serialize, Deserialize)]
pub(super) struct RoundHeader {
    pub(super) run: RunId,
    pub(super) round: Round,
    pub(super) training: Option<TrainingConfig>,
    pub(super) arms: Vec<ArmHeader>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ArmHeader {
    pub(super) name: String,
    pub(super) coalition: Option<CoalitionId>,
    pub(super) start: StartHeader,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) proximal: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) correction: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) beside: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) judge: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) serves: Serves,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StartHeader {
    Own,
    Model,
    BestOf(u32),
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The JSON in the metadata of an `update` file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateHeader {
    pub(super) run: RunId,
    pub(super) round: Round,
    pub(super) report: Report,
}

const MESSAGE: &str = "message";
pub(super) const PLAN: &str = "plan";
pub(super) const UPDATE: &str = "update";
pub(super) const ROUND_OPENED: &str = "round_opened";

impl RoundOpened {
    /// Whether two messages of the same round say the same, seen from what they share and not from every number.
    #[must_use]
    pub(crate) fn same_models(&self, other: &Self) -> bool {
        let same = |(a, b): (&ArmPlan, &ArmPlan)| {
            let pointers = |arm: &ArmPlan| {
                arm.task
                    .models(&arm.name)
                    .map(|(_, model)| Arc::as_ptr(model))
                    .collect::<Vec<_>>()
            };
            a.coalition == b.coalition
                && core::mem::discriminant(&a.task.start) == core::mem::discriminant(&b.task.start)
                && a.task.serves == b.task.serves
                && pointers(a) == pointers(b)
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
            arms: self.arms.iter().map(ArmHeader::of).collect(),
        };
        let models = self
            .arms
            .iter()
            .flat_map(|arm| arm.task.models(&arm.name))
            .map(|(name, params)| (name, &**params.spec(), params.values()));
        encode(ROUND_OPENED, PLAN, &header.to_json(), models)
    }

    /// Reads a binary frame whose models have the shape `spec`.
    ///
    /// # Errors
    /// Whatever makes it no such frame.
    pub fn decode(bytes: &[u8], spec: &Arc<ParamSpec>) -> Result<Self, WireError> {
        let file = Tensors::parse(bytes)?;
        let misfit = |detail: String| WireError::Metadata {
            entry: PLAN,
            detail,
        };
        let plan = json::parse(metadata(&file, ROUND_OPENED, PLAN)?);
        let header = plan.and_then(|plan| RoundHeader::read(&plan));
        let header = header.map_err(|error| misfit(error.to_string()))?;
        if let Some(training) = &header.training {
            let checked = training.check();
            checked.map_err(|error| misfit(error.to_string()))?;
        }
        let carried: Vec<String> = header.arms.iter().flat_map(ArmHeader::carries).collect();
        let carried: Vec<&str> = carried.iter().map(String::as_str).collect();
        let mut models = read_models(&file, spec, &carried)?;
        let arms = header
            .arms
            .into_iter()
            .map(|arm| arm.plan(&mut models))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            run: header.run,
            round: header.round,
            training: header.training,
            arms,
        })
    }
}

impl Task {
    /// The models that travel with the task, by the name that their tensors begin with. Those of the start come first.
    pub(crate) fn models<'a>(
        &'a self,
        arm: &'a str,
    ) -> impl Iterator<Item = (String, &'a Arc<Params>)> {
        let (one, several) = match &self.start {
            Start::Own => (None, &[][..]),
            Start::Model(model) => (Some(model), &[][..]),
            Start::BestOf(models) => (None, models.as_slice()),
        };
        let several = (0..).zip(several);
        one.map(|model| (arm.to_owned(), model))
            .into_iter()
            .chain(several.map(|(i, model)| (candidate(arm, i), model)))
            .chain(self.correction.iter().map(|c| (correction(arm), c)))
            .chain(self.beside.iter().map(|model| (beside(arm), model)))
            .chain(
                (0..)
                    .zip(&self.judge)
                    .map(|(i, model)| (judged(arm, i), model)),
            )
    }
}

fn candidate(arm: &str, index: u32) -> String {
    format!("{arm}:{index}")
}

fn judged(arm: &str, index: u32) -> String {
    format!("{arm}:judge-{index}")
}

fn correction(arm: &str) -> String {
    format!("{arm}:correction")
}

impl RoundHeader {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("headers have string keys and finite numbers")
    }
}

impl ArmHeader {
    pub(super) fn of(arm: &ArmPlan) -> Self {
        let task = &arm.task;
        Self {
            name: arm.name.clone(),
            coalition: arm.coalition,
            start: match &task.start {
                Start::Own => StartHeader::Own,
                Start::Model(_) => StartHeader::Model,
                Start::BestOf(models) => StartHeader::BestOf(models.len() as u32),
            },
            proximal: task.proximal,
            correction: task.correction.is_some(),
            beside: task.beside.is_some(),
            judge: task.judge.len() as u32,
            serves: task.serves,
        }
    }

    /// Names of the models that must be in the file.
    fn carries(&self) -> Vec<String> {
        let mut names = match self.start {
            StartHeader::Own => Vec::new(),
            StartHeader::Model => vec![self.name.clone()],
            // A count without end would be refused for its first missing tensor anyway.
            StartHeader::BestOf(count) => (0..count.min(limits::CANDIDATES))
                .map(|i| candidate(&self.name, i))
                .collect(),
        };
        names.extend(self.correction.then(|| correction(&self.name)));
        names.extend(self.beside.then(|| beside(&self.name)));
        names.extend((0..self.judge.min(limits::CANDIDATES)).map(|i| judged(&self.name, i)));
        names
    }

    /// The plan, with its models out of those that the file carries.
    fn plan(self, models: &mut BTreeMap<String, Params>) -> Result<ArmPlan, WireError> {
        let misfit = |detail: &str| WireError::Metadata {
            entry: PLAN,
            detail: format!("arm \"{}\": {detail}", self.name),
        };
        let mut take = |name: &str| models.remove(name).map(Arc::new);
        let start = match self.start {
            StartHeader::Own => Start::Own,
            StartHeader::Model => {
                Start::Model(take(&self.name).ok_or_else(|| misfit("it comes twice"))?)
            }
            StartHeader::BestOf(count) => {
                let candidates: Vec<_> = (0..count)
                    .map_while(|i| take(&candidate(&self.name, i)))
                    .collect();
                if candidates.is_empty() || candidates.len() != count as usize {
                    return Err(misfit("best_of must be 1 to 64"));
                }
                Start::BestOf(candidates)
            }
        };
        if !(self.proximal.is_finite() && self.proximal >= 0.0) {
            return Err(misfit("proximal must not be negative"));
        }
        Ok(ArmPlan {
            coalition: self.coalition,
            task: Task {
                start,
                proximal: self.proximal,
                correction: take(&correction(&self.name)),
                beside: take(&beside(&self.name)),
                judge: (0..self.judge)
                    .map_while(|i| take(&judged(&self.name, i)))
                    .collect(),
                serves: self.serves,
            },
            name: self.name,
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
            .map(|(name, params)| (name.clone(), &**params.spec(), params.values()));
        Self::encode_values(self.run, self.round, &self.report, weights)
    }

    /// The body of the post, from values as training left them. Values that are not finite are sent as they are, so
    /// that the room hears of training that diverged, and refuses it.
    pub(crate) fn encode_values<'a>(
        run: RunId,
        round: Round,
        report: &Report,
        weights: impl Iterator<Item = (String, &'a ParamSpec, &'a [f32])>,
    ) -> Vec<u8> {
        encode(
            UPDATE,
            UPDATE,
            &UpdateHeader {
                run,
                round,
                report: report.clone(),
            }
            .to_json(),
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
        let header = metadata(&file, UPDATE, UPDATE)?;
        let header: UpdateHeader =
            serde_json::from_str(header).map_err(|error| WireError::Metadata {
                entry: UPDATE,
                detail: error.to_string(),
            })?;
        if header.run != models.run {
            let (sent, current) = (header.run, models.run);
            return Err(WireError::OtherRun { sent, current });
        }
        check_report(&header.report, models)?;
        let sent: Vec<&str> = if file.is_empty() {
            Vec::new()
        } else {
            let has = |name: &&String| {
                file.names()
                    .any(|tensor| belongs(tensor, &models.spec, &[name.as_str()]))
            };
            let beside = models.beside.iter().filter(has);
            models
                .uploading
                .iter()
                .chain(beside)
                .map(String::as_str)
                .collect()
        };
        let weights = read_models(&file, &models.spec, &sent)?;
        Ok(Self {
            run: header.run,
            round: header.round,
            report: header.report,
            weights,
        })
    }
}

impl Models {
    /// The models of a run whose arms have their names.
    #[must_use]
    pub fn new(run: RunId, config: &RunConfig, spec: &Arc<ParamSpec>) -> Self {
        let uploading = config.arms.iter().filter(|arm| arm.strategy.uploads());
        let with_beside = config
            .arms
            .iter()
            .filter(|arm| arm.strategy.trains_beside());
        Self {
            run,
            examples: config.data.most_examples(),
            spec: Arc::clone(spec),
            arms: config.arms.iter().map(|arm| arm.name.clone()).collect(),
            uploading: uploading.map(|arm| arm.name.clone()).collect(),
            beside: with_beside.map(|arm| beside(&arm.name)).collect(),
        }
    }

    /// Longest body an update of this run can have: all tensors and the largest header a file may have.
    #[must_use]
    pub fn longest_update(&self) -> usize {
        (self.uploading.len() + self.beside.len()) * self.spec.len() * size_of::<f32>()
            + safetensors::limits::HEADER
            + 8
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
        if arm.losses.len() > limits::CANDIDATES as usize {
            return Err(WireError::Report(format!(
                "{name}.losses has {} entries, and must have up to {}",
                arm.losses.len(),
                limits::CANDIDATES
            )));
        }
        if let Some(validation) = arm.validation {
            let right = [Some(validation.received), validation.beside, validation.own];
            let most = validation.examples;
            if most > limits::EXAMPLES || right.into_iter().flatten().any(|right| right > most) {
                return Err(WireError::Report(format!(
                    "{name}.validation has more right answers than its {most} examples, or more than {} of those",
                    limits::EXAMPLES
                )));
            }
        }
    }
    let most = models.examples + report.own_data.min(limits::TAUGHT);
    if !(1..=most).contains(&report.examples) {
        let found = report.examples;
        return Err(WireError::Report(format!(
            "examples is {found}, and must be 1 to {most}"
        )));
    }
    if report.own_data > report.examples {
        return Err(WireError::Report(format!(
            "own_data is {}, and must be up to {}, the number of examples",
            report.own_data, report.examples
        )));
    }
    Ok(())
}

fn encode<'a>(
    message: &str,
    entry: &str,
    header: &str,
    models: impl Iterator<Item = (String, &'a ParamSpec, &'a [f32])>,
) -> Vec<u8> {
    let mut file = safetensors::Builder::new();
    file.metadata(MESSAGE, message);
    file.metadata(entry, header);
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

/// Length of what [`encode`] would give.
pub(super) fn encoded_len<'a>(
    message: &str,
    entry: &str,
    header: &str,
    models: impl IntoIterator<Item = (String, &'a ParamSpec)>,
) -> u64 {
    let mut file = safetensors::Builder::new();
    file.metadata(MESSAGE, message);
    file.metadata(entry, header);
    for (arm, spec) in models {
        for tensor in spec.tensors() {
            file.place(&format!("{arm}/{}", tensor.name), &tensor.shape);
        }
    }
    file.len() as u64
}

/// The JSON of a message.
fn metadata<'a>(
    file: &'a Tensors<'_>,
    message: &str,
    entry: &'static str,
) -> Result<&'a str, WireError> {
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
    file.metadata(entry).ok_or_else(|| WireError::Metadata {
        entry,
        detail: "it is missing".to_owned(),
    })
}

/// Reads one model per name; every tensor of the file must belong to one of them.
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

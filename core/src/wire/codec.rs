//! Encoding and decoding of the messages that carry weights.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::buffer::Buffer;
use super::carried::{
    Carried, belongs, delta_headers, encode, metadata, read_models, read_sketches, sketch_name,
};
use super::delta::DeltaHeader;
use super::message::{
    ArmCoalition, ArmPlan, Models, Report, RoundOpened, Serves, Start, Task, Update, WireError,
    beside,
};
use super::safetensors::{self, Tensors};
use crate::by_name::ByName;
use crate::config::{RunConfig, TrainingConfig, limits};
use crate::encoding::{Encoding, ModelHash};
use crate::ids::{CoalitionId, Round, RunId};
use crate::json::{self, JsonError, Read};
use crate::params::{ParamSpec, Params};

/// The JSON in the metadata of a `round_opened` file.
#[derive(Serialize, Deserialize)]
pub(super) struct RoundHeader {
    pub(super) run: RunId,
    pub(super) round: Round,
    pub(super) training: Option<TrainingConfig>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) halvings: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) upload: Encoding,
    pub(super) arms: Vec<ArmHeader>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) deltas: Vec<DeltaHeader>,
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
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) sketch: bool,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) coalitions: Vec<ArmCoalition>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) deltas: Vec<DeltaHeader>,
}

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
                && a.task.sketch == b.task.sketch
                && pointers(a) == pointers(b)
        };
        let same_delta = |((a, delta), (b, other)): ((&String, _), (&String, _))| {
            a == b && Arc::ptr_eq(delta, other)
        };
        self.arms.len() == other.arms.len()
            && self.arms.iter().zip(&other.arms).all(same)
            && self.halvings == other.halvings
            && self.upload == other.upload
            && self.deltas.len() == other.deltas.len()
            && self.deltas.iter().zip(&other.deltas).all(same_delta)
    }

    /// The binary frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let models = self.arms.iter().flat_map(|arm| self.carried(arm));
        encode(
            ROUND_OPENED,
            PLAN,
            &self.header(&self.arms).to_json(),
            &models.collect::<Vec<_>>(),
        )
    }

    /// The header of a frame about some of the arms.
    pub(super) fn header(&self, arms: &[ArmPlan]) -> RoundHeader {
        let names = arms.iter().flat_map(|arm| arm.task.models(&arm.name));
        let delta = |name: &String| Some(self.deltas.get(name)?.header(name));
        RoundHeader {
            run: self.run,
            round: self.round,
            training: self.training.clone(),
            halvings: self.halvings,
            upload: self.upload,
            arms: arms.iter().map(ArmHeader::of).collect(),
            deltas: names.filter_map(|(name, _)| delta(&name)).collect(),
        }
    }

    /// The models of an arm, as they travel.
    pub(super) fn carried<'a>(
        &'a self,
        arm: &'a ArmPlan,
    ) -> impl Iterator<Item = (String, Carried<'a>)> {
        arm.task.models(&arm.name).map(|(name, params)| {
            let carried = match self.deltas.get(&name) {
                Some(encoded) => Carried::Delta(encoded),
                None => Carried::Weights(params.spec(), params.values()),
            };
            (name, carried)
        })
    }

    /// Reads a binary frame whose models have the shape `spec`, and none of which is a delta.
    ///
    /// # Errors
    /// Whatever makes it no such frame.
    pub fn decode(bytes: &[u8], spec: &Arc<ParamSpec>) -> Result<Self, WireError> {
        Self::decode_with(bytes, spec, |_, _| None)
    }

    /// Reads a binary frame whose models have the shape `spec`. `reference` finds the model that a delta is to be added
    /// to, by the name of what travels as a delta and by that model's hash.
    ///
    /// # Errors
    /// Whatever makes it no such frame, and [`WireError::OtherReference`] if such a model is not there.
    pub fn decode_with(
        bytes: &[u8],
        spec: &Arc<ParamSpec>,
        mut reference: impl FnMut(&str, ModelHash) -> Option<Arc<Params>>,
    ) -> Result<Self, WireError> {
        let file = Tensors::parse(bytes)?;
        let misfit = |detail: String| WireError::Metadata {
            entry: PLAN,
            detail,
        };
        let plan = json::parse(metadata(&file, ROUND_OPENED, PLAN)?);
        let header = plan.and_then(|plan| RoundHeader::read(&plan).ok_or(JsonError::Misfit));
        let header = header.map_err(|error| misfit(error.to_string()))?;
        if let Some(training) = &header.training {
            let checked = training.check();
            checked.map_err(|error| misfit(error.to_string()))?;
        }
        let carried: Vec<String> = header.arms.iter().flat_map(ArmHeader::carries).collect();
        let carried: Vec<&str> = carried.iter().map(String::as_str).collect();
        let read = read_models(&file, None, spec, &carried, PLAN, &header.deltas)?;
        let mut models = read.weights;
        for (name, delta) in read.deltas {
            let hash = delta.encoded.reference;
            let start = reference(&name, hash).ok_or_else(|| WireError::OtherReference {
                model: name.clone(),
                reference: hash,
            })?;
            let model = start.plus(delta.values.values());
            let model = model.map_err(|source| WireError::Values {
                arm: name.clone(),
                source,
            })?;
            models.insert(name, model);
        }
        let arms = header
            .arms
            .into_iter()
            .map(|arm| arm.plan(&mut models))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            run: header.run,
            round: header.round,
            training: header.training,
            halvings: header.halvings,
            arms,
            upload: header.upload,
            deltas: ByName::new(),
        })
    }

    /// The model of this message that training of what an update calls `name` began with; `report` says which of several
    /// it was.
    #[must_use]
    pub fn start_of(&self, name: &str, report: &Report) -> Option<&Arc<Params>> {
        let of_arm = |arm: &ArmPlan| name == arm.name || name == beside(&arm.name);
        let arm = self.arms.iter().find(|arm| of_arm(arm))?;
        let picked = report.arms.get(&arm.name).and_then(|arm| arm.picked);
        arm.task.start_of(&arm.name, picked, name)
    }
}

impl Task {
    /// The model that training of `name` begins with: the arm's own, of several the one `picked`, or the one beside it.
    pub(crate) fn start_of(
        &self,
        arm: &str,
        picked: Option<u32>,
        name: &str,
    ) -> Option<&Arc<Params>> {
        match &self.start {
            _ if name != arm => self.beside.as_ref().filter(|_| name == beside(arm)),
            Start::Own => None,
            Start::Model(model) => Some(model),
            Start::BestOf(models) => models.get(picked? as usize),
        }
    }

    /// The same with other models, by the names of the ones that travel.
    pub(crate) fn with_models(
        &self,
        arm: &str,
        mut model: impl FnMut(&str, &Arc<Params>) -> Arc<Params>,
    ) -> Self {
        Self {
            start: match &self.start {
                Start::Own => Start::Own,
                Start::Model(start) => Start::Model(model(arm, start)),
                Start::BestOf(models) => {
                    let models = (0..).zip(models);
                    Start::BestOf(models.map(|(i, m)| model(&candidate(arm, i), m)).collect())
                }
            },
            correction: self.correction.as_ref().map(|m| model(&correction(arm), m)),
            beside: self.beside.as_ref().map(|m| model(&beside(arm), m)),
            judge: (0..)
                .zip(&self.judge)
                .map(|(i, m)| model(&judged(arm, i), m))
                .collect(),
            ..*self
        }
    }

    /// Whether what travels under a name is trained, so that the next model of that name grows out of it.
    pub(crate) fn trains(&self, arm: &str, name: &str) -> bool {
        let candidates = match &self.start {
            Start::BestOf(models) => models.len() as u32,
            Start::Own | Start::Model(_) => 0,
        };
        name == arm || name == beside(arm) || (0..candidates).any(|i| name == candidate(arm, i))
    }

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

/// Name under which a model travels that a device may start from.
pub(crate) fn candidate(arm: &str, index: u32) -> String {
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
            sketch: task.sketch,
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
    fn plan(self, models: &mut ByName<Params>) -> Result<ArmPlan, WireError> {
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
                sketch: self.sketch,
            },
            name: self.name,
        })
    }
}

impl Update {
    /// The body of the post.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let weights = self.weights.iter().map(|(name, params)| {
            let weights = Carried::Weights(params.spec(), params.values());
            (name.clone(), weights)
        });
        let deltas = self.deltas.iter();
        let deltas = deltas.map(|(name, delta)| (name.clone(), Carried::Delta(&delta.encoded)));
        let sketches = self
            .sketches
            .iter()
            .map(|(name, sketch)| (name.clone(), Carried::Sketch(sketch)));
        let models: Vec<_> = weights.chain(deltas).chain(sketches).collect();
        Self::encode_models(
            self.run,
            self.round,
            &self.report,
            &self.coalitions,
            &models,
        )
    }

    /// The body of the post, from values as training left them. Values that are not finite are sent as they are, so
    /// that the room hears of training that diverged, and refuses it.
    pub(crate) fn encode_models(
        run: RunId,
        round: Round,
        report: &Report,
        coalitions: &[ArmCoalition],
        models: &[(String, Carried<'_>)],
    ) -> Vec<u8> {
        let header = UpdateHeader {
            run,
            round,
            report: report.clone(),
            coalitions: coalitions.to_vec(),
            deltas: delta_headers(models),
        };
        encode(UPDATE, UPDATE, &header.to_json(), models)
    }

    /// Puts weights in the place of deltas; `start` finds the model that training of a name began with.
    ///
    /// # Errors
    /// A delta to another model than that, or weights that are not finite. The update is as it was then.
    pub fn resolve<'a>(
        &mut self,
        start: impl Fn(&str, &Report) -> Option<&'a Arc<Params>>,
    ) -> Result<(), WireError> {
        let mut resolved = Vec::with_capacity(self.deltas.len());
        for (name, delta) in &self.deltas {
            let reference = delta.encoded.reference;
            let start = start(name, &self.report).filter(|start| ModelHash::of(start) == reference);
            let start = start.ok_or_else(|| WireError::OtherReference {
                model: name.clone(),
                reference,
            })?;
            let weights = start.plus(delta.values.values());
            let weights = weights.map_err(|source| WireError::Values {
                arm: name.clone(),
                source,
            })?;
            resolved.push((name.clone(), weights));
        }
        self.deltas.clear();
        self.weights.extend(resolved);
        Ok(())
    }

    /// Reads the body of a post. An update without tensors is an evaluation's; one with any must have them for every
    /// uploading arm.
    ///
    /// # Errors
    /// Whatever makes it no update of a run with these models.
    pub fn decode(bytes: &[u8], models: &Models) -> Result<Self, WireError> {
        Self::decode_buffer(bytes.into(), models)
    }

    /// The same of bytes that may stay where they are, and whose weights do.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_buffer(body: Buffer, models: &Models) -> Result<Self, WireError> {
        let (words, len) = body.into_shared();
        let file = Tensors::parse(&bytemuck::cast_slice(&words)[..len])?;
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
        let mut update = Self {
            run: header.run,
            round: header.round,
            report: header.report,
            weights: ByName::new(),
            deltas: ByName::new(),
            sketches: ByName::new(),
            coalitions: header.coalitions,
        };
        if models
            .sketching
            .iter()
            .any(|arm| file.get(&sketch_name(arm)).is_some())
        {
            update.sketches = read_sketches(&file, models)?;
            return Ok(update);
        }
        check_coalitions(&update.coalitions, models)?;
        let is_delta = |name: &str| header.deltas.iter().any(|delta| delta.model == name);
        let is_bare = file.is_empty() && header.deltas.is_empty() && update.coalitions.is_empty();
        let sent: Vec<&str> = if is_bare {
            Vec::new()
        } else {
            let has = |name: &&String| {
                let mut tensors = file.names();
                is_delta(name)
                    || tensors.any(|tensor| belongs(tensor, &models.spec, &[name.as_str()], &[]))
            };
            let asked_for = |name: &&String| {
                !models.sketching.contains(name)
                    || update.coalitions.iter().any(|wanted| wanted.arm == **name)
            };
            let uploading = models.uploading.iter().filter(asked_for);
            let beside = models.beside.iter().filter(has);
            uploading.chain(beside).map(String::as_str).collect()
        };
        let words = Some(&words);
        let read = read_models(&file, words, &models.spec, &sent, UPDATE, &header.deltas)?;
        update.weights = read.weights;
        update.deltas = read.deltas.into_iter().collect();
        Ok(update)
    }
}

/// Only weights of arms that ask for sketches are for a coalition, and for one each.
fn check_coalitions(coalitions: &[ArmCoalition], models: &Models) -> Result<(), WireError> {
    for (i, ArmCoalition { arm, .. }) in coalitions.iter().enumerate() {
        let twice = coalitions[..i].iter().any(|other| other.arm == *arm);
        if twice || !models.sketching.contains(arm) {
            return Err(WireError::Metadata {
                entry: UPDATE,
                detail: format!(
                    "\"{arm}\" is no arm that asks for sketches, or has two coalitions"
                ),
            });
        }
    }
    Ok(())
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
            sketching: config
                .arms
                .iter()
                .filter(|arm| arm.strategy.sketches().is_some())
                .map(|arm| arm.name.clone())
                .collect(),
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
    if report.halvings > limits::HALVINGS {
        return Err(WireError::Report(format!(
            "halvings is {}, and must be 0 to {}",
            report.halvings,
            limits::HALVINGS
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

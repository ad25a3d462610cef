//! A device's logic: what it does with what the room sends, training in slices, its update.
//!
//! The driver hands in messages and data, does what the effects say, and calls [`Device::work`] as long as
//! [`Device::has_work`], looking up in between. Nothing here knows of sockets, time or threads.

mod arm_work;
mod drawing;
mod finished;
mod guessing;
mod job;
mod owed;
mod posted;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attack::Mischief;
use crate::by_name::ByName;
use crate::data::{Dataset, DatasetName, Examples, LocalData, TableConfig, TableError};
use crate::encoding::ModelHash;
use crate::ids::{Round, RunId};
use crate::model::Network;
use crate::params::Params;
use crate::rejection::OTHER_REFERENCE;
use crate::view::{Activity, DeviceArm, DeviceView, Samples};
use crate::wire::{Configured, Farewell, RoomNews, RoundOpened, SendWeights, WireError};

pub use drawing::DrawingError;
use drawing::Taught;
use guessing::Guessing;
use job::{Done, Job};
use owed::Owed;
use posted::Posted;

/// What happens to a device.
#[derive(Debug)]
pub enum Input {
    /// A control message of the room.
    News(RoomNews),
    /// A binary frame of the room: a round opens.
    Round(Vec<u8>),
    /// The data set that [`Effect::LoadData`] asked for.
    Data(DatasetName, Arc<Dataset>),
    /// What the room said of an update.
    Answer(PostAnswer),
    /// The connection to the room is lost.
    Disconnected,
}

/// What is posted of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The sketches that go first, where a round's arms ask for some.
    Sketches,
    /// All of it, or what the room asks for after the sketches.
    Weights,
}

/// What the room said of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostAnswer {
    /// This part of the round's is counted, now or before.
    Accepted(Round, Part),
    /// It is not, and why.
    Refused(Refusal),
}

/// A refusal as the device's user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Refusal {
    /// The stable code.
    pub code: String,
    /// The sentence.
    pub detail: String,
}

/// Something the driver must do.
#[derive(Debug)]
pub enum Effect {
    /// Get a data set and hand it in as [`Input::Data`].
    LoadData(DatasetName),
    /// Post an update, and hand in what the room says as [`Input::Answer`]. Try again while the room cannot be
    /// reached; give up when the connection is lost, because the room asks again.
    Post {
        /// The round, for the address.
        round: Round,
        /// What of it, for the answer.
        part: Part,
        /// The body.
        body: Arc<[u8]>,
        /// Milliseconds to wait first.
        after_ms: u32,
    },
    /// Ask the user for a table, and hand it to [`Device::read_table`].
    AskForTable(Box<TableConfig>),
    /// Tell the room that the device has read its table: [`crate::wire::DeviceNews::Ready`].
    Ready(RunId),
    /// Ask the room for its round without deltas: [`crate::wire::DeviceNews::SendInFull`].
    SendInFull(RunId),
    /// Some of the device's own examples, for its page; only where they are images.
    Show(Samples),
    /// The room refused something, or sent something that cannot be read.
    Refused(Refusal),
    /// The room has said farewell.
    Left(Farewell),
}

/// Images shown on the device's page.
const SHOWN: usize = 16;

/// A device's state machine.
#[derive(Debug, Default)]
pub struct Device {
    run: Option<RunState>,
    /// Kept over resets, which seldom change it.
    dataset: Option<(DatasetName, Arc<Dataset>)>,
    /// The rows that its user brought, kept over resets, and what they were read for.
    table: Option<(TableConfig, Examples)>,
    /// What its user taught it, kept over resets.
    taught: Vec<Taught>,
    /// Whether it keeps models to guess with.
    guesses: Guesses,
    /// How its user wants it to be difficult, from the next round on.
    mischief: Option<Mischief>,
    view: DeviceView,
}

/// Whether a device keeps models to guess with. A thousand devices in one process have no use and no room for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Guesses {
    #[default]
    No,
    Yes,
}

/// Everything about the run that the device is part of.
#[derive(Debug)]
struct RunState {
    configured: Configured,
    network: Arc<Network>,
    data: Option<Arc<LocalData>>,
    /// A round that came before the data did.
    early: Option<Vec<u8>>,
    job: Option<Box<Job>>,
    /// The device's own weights, for arms that keep some.
    own: ByName<Arc<Params>>,
    /// The models it received last, by name, which the room's deltas are added to; none if models come as they are.
    received: ByName<Arc<Params>>,
    /// What it still owes the room of its own deltas.
    owed: Owed,
    /// What it guesses with, if it does.
    guessing: Option<Guessing>,
    /// The last update, kept until the room has it: it may ask again.
    posted: Option<Posted>,
    /// What the room wants of a round that is not worked out yet, and whose sketches it has.
    wanted: Option<SendWeights>,
}

impl Device {
    /// A device that has heard nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for a device that somebody draws on: it keeps the models it received last, to guess with.
    #[must_use]
    pub fn guessing() -> Self {
        Self {
            guesses: Guesses::Yes,
            ..Self::default()
        }
    }

    /// What its page shows.
    #[must_use]
    pub fn view(&self) -> &DeviceView {
        &self.view
    }

    /// The run it is part of.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        self.run.as_ref().map(|run| run.configured.run)
    }

    /// Whether [`Device::work`] would do something.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.job.is_some())
    }

    /// Index of the arm that [`Device::work`] would work on, in the order of the configuration.
    #[must_use]
    pub fn arm_in_work(&self) -> Option<usize> {
        Some(self.run.as_ref()?.job.as_ref()?.arms_done())
    }

    /// Takes an input.
    pub fn handle(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::News(RoomNews::Configured(configured)) => self.configured(*configured),
            Input::News(RoomNews::SendWeights(wanted)) => self.send_weights(wanted),
            Input::News(RoomNews::RunFinished) => {
                self.view.activity = Activity::Finished;
                Vec::new()
            }
            Input::News(RoomNews::Farewell(farewell)) => vec![Effect::Left(farewell)],
            Input::News(RoomNews::Refused { code, detail }) => {
                vec![Effect::Refused(Refusal { code, detail })]
            }
            Input::Round(frame) => self.round(frame),
            Input::Data(name, dataset) => {
                self.dataset = Some((name, dataset));
                self.prepare_data()
            }
            Input::Answer(answer) => {
                if self.view.activity == Activity::Sending {
                    self.view.activity = Activity::Waiting;
                }
                match answer {
                    PostAnswer::Accepted(round, part) => {
                        self.view.updates_accepted += u32::from(part == Part::Weights);
                        if let Some(run) = &mut self.run {
                            run.posted.take_if(|posted| posted.ends_with(round, part));
                        }
                        Vec::new()
                    }
                    PostAnswer::Refused(refusal) => {
                        if refusal.code == OTHER_REFERENCE
                            && let Some(run) = &mut self.run
                        {
                            // The room sends its round once more, and the device does its work once more.
                            run.posted = None;
                        }
                        vec![Effect::Refused(refusal)]
                    }
                }
            }
            Input::Disconnected => {
                self.view.activity = Activity::Connecting;
                Vec::new()
            }
        }
    }

    /// Takes the table that [`Effect::AskForTable`] asked for. A file that does not fit changes nothing.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn read_table(&mut self, file: &[u8]) -> Result<Vec<Effect>, TableError> {
        let run = self.run.as_ref().filter(|run| run.data.is_none());
        let Some(table) = run.and_then(|run| run.configured.config.data.table.clone()) else {
            return Err(TableError::Unwanted);
        };
        let rows = table.read(file)?;
        self.table = Some((table, rows));
        Ok(self.prepare_data())
    }

    /// Does a slice of the round's work: one mini-batch of training, or one of evaluation. A few milliseconds.
    pub fn work(&mut self) -> Vec<Effect> {
        let Some(run) = &mut self.run else {
            return Vec::new();
        };
        let Some(mut job) = run.job.take() else {
            return Vec::new();
        };
        job.work();
        self.view.progress = job.progress();
        self.view.activity = if job.is_training() {
            Activity::Training
        } else {
            Activity::Evaluating
        };
        for (arm, found) in self.view.arms.iter_mut().zip(job.reports()) {
            arm.balanced_before = found.balanced_before;
            arm.own_before = found.own_before;
            arm.own_after = found.own_after;
            arm.loss = found.loss;
        }
        if !job.is_done() {
            run.job = Some(job);
            return Vec::new();
        }
        if let Some(guessing) = &mut run.guessing {
            let arms = &run.configured.config.arms;
            guessing.trained(arms, job.done(), run.network.spec());
            self.view.models += 1;
        }
        let Done { finished, own } = job.finish();
        run.own.extend(own);
        let posted = run.posted.insert(Posted::of(finished, &mut run.owed));
        match run.wanted.take_if(|wanted| wanted.round == posted.round) {
            Some(SendWeights { coalitions, .. }) => {
                posted.send_weights(&coalitions, &mut run.owed, &mut self.view)
            }
            None => posted.send(&mut self.view),
        }
    }

    /// Sends what the room wants after the sketches, now or, in a tab that was loaded again, when it is trained.
    fn send_weights(&mut self, wanted: SendWeights) -> Vec<Effect> {
        let Some(run) = &mut self.run else {
            return Vec::new();
        };
        let posted = run.posted.as_mut().filter(|p| p.round == wanted.round);
        if wanted.run != run.configured.run {
            Vec::new()
        } else if let Some(posted) = posted {
            posted.send_weights(&wanted.coalitions, &mut run.owed, &mut self.view)
        } else {
            run.wanted = Some(wanted);
            Vec::new()
        }
    }

    /// Makes the device difficult from the next round on, or honest again. Honest it stays where the desk does not allow
    /// anything else.
    pub fn misbehave(&mut self, mischief: Option<Mischief>) {
        self.mischief = mischief.filter(|_| self.view.mischief_allowed);
        self.view.mischief = self.mischief;
    }

    fn configured(&mut self, configured: Configured) -> Vec<Effect> {
        self.view.mischief_allowed = configured.mischief;
        self.misbehave(self.mischief);
        let config = &configured.config;
        self.view.rounds = config.rounds;
        if let Some(run) = &self.run
            && self.is_in(&configured)
        {
            // The same run after a lost connection: the device goes on with what it has.
            let has_table = config.data.table.is_some();
            if self.view.activity == Activity::Connecting {
                self.view.activity = match &run.data {
                    None if has_table => Activity::Choosing,
                    _ => Activity::Waiting,
                };
            }
            let is_ready = has_table && run.data.is_some();
            return is_ready
                .then_some(Effect::Ready(configured.run))
                .into_iter()
                .collect();
        }
        let models = self.view.models + 1;
        let arms = config.arms.iter().map(|arm| DeviceArm {
            name: arm.name.clone(),
            ..DeviceArm::default()
        });
        self.view = DeviceView {
            activity: Activity::LoadingData,
            rounds: config.rounds,
            arms: arms.collect(),
            models,
            mischief_allowed: configured.mischief,
            mischief: self.mischief,
            ..DeviceView::default()
        };
        self.run = Some(RunState {
            network: Arc::new(Network::new(&config.model, config.data.shape())),
            data: None,
            early: None,
            job: None,
            own: ByName::new(),
            received: ByName::new(),
            owed: Owed::default(),
            guessing: (self.guesses == Guesses::Yes).then(Guessing::default),
            posted: None,
            wanted: None,
            configured,
        });
        self.prepare_data()
    }

    /// Whether it is this run that the device is part of.
    fn is_in(&self, configured: &Configured) -> bool {
        // Field by field, for a copy to compare would be the only copy of a configuration that phones make.
        self.run.as_ref().is_some_and(|run| {
            let known = &run.configured;
            known.protocol == configured.protocol
                && known.run == configured.run
                && known.device == configured.device
                && known.slot == configured.slot
                && known.config == configured.config
        })
    }

    /// Computes the device's own examples, or asks for the data set they come from.
    fn prepare_data(&mut self) -> Vec<Effect> {
        let Some(run) = &mut self.run else {
            return Vec::new();
        };
        if run.data.is_some() {
            return Vec::new();
        }
        let Configured { config, slot, .. } = &run.configured;
        let mut effects = Vec::new();
        let data = if let Some(wanted) = &config.data.table {
            let Some((_, rows)) = self.table.as_ref().filter(|(table, _)| table == wanted) else {
                self.view.activity = Activity::Choosing;
                return vec![Effect::AskForTable(Box::new(wanted.clone()))];
            };
            effects.push(Effect::Ready(run.configured.run));
            LocalData::of_table(&config.data, rows)
        } else {
            let dataset = match &self.dataset {
                Some((name, dataset)) if *name == config.data.dataset => dataset,
                _ => return vec![Effect::LoadData(config.data.dataset)],
            };
            let mut data = LocalData::new(&config.data, config.seed, *slot, dataset);
            effects.extend(samples(&data, config.data.dataset).map(Effect::Show));
            for taught in &self.taught {
                taught.add_to(&mut data, config.data.dataset);
            }
            data
        };
        self.view.activity = Activity::Waiting;
        self.view.group = data.group;
        show_examples(&mut self.view, &data, run.network.classes());
        self.view.models += 1;
        run.data = Some(Arc::new(data));
        if let Some(frame) = run.early.take() {
            effects.extend(self.start_round(&frame));
        }
        effects
    }

    fn round(&mut self, frame: Vec<u8>) -> Vec<Effect> {
        self.view.bytes_down += frame.len() as u64;
        match &mut self.run {
            Some(run) if run.data.is_none() => {
                run.early = Some(frame);
                Vec::new()
            }
            _ => self.start_round(&frame),
        }
    }

    fn start_round(&mut self, frame: &[u8]) -> Vec<Effect> {
        let Some(run) = &mut self.run else {
            return Vec::new();
        };
        let opened = match run.read(frame) {
            Ok(opened) => opened,
            Err(WireError::OtherReference { .. }) => {
                return vec![Effect::SendInFull(run.configured.run)];
            }
            Err(error) => return vec![Effect::Refused(unreadable(&error))],
        };
        if opened.run != run.configured.run {
            return Vec::new();
        }
        run.keep(&opened);
        if let Some(posted) = &run.posted
            && posted.round == opened.round
        {
            // The room asks again: the connection was lost before it heard, or said, that it has the update.
            return posted.send(&mut self.view);
        }
        if run
            .job
            .as_ref()
            .is_some_and(|job| job.round() == opened.round)
        {
            return Vec::new();
        }
        self.view.round = Round(opened.round.0.min(run.configured.config.rounds));
        self.view.progress = 0.0;
        self.view.halvings = opened.halvings;
        self.view.activity = Activity::Evaluating;
        for (arm, plan) in self.view.arms.iter_mut().zip(&opened.arms) {
            arm.coalition = plan.coalition;
        }
        if let Some(guessing) = &mut run.guessing {
            guessing.received(&run.configured.config.arms, &opened.arms);
            self.view.models += 1;
        }
        let config = &run.configured;
        run.job = run.data.as_ref().map(|data| {
            let job = Job::new(
                &run.network,
                opened,
                &run.own,
                data,
                &config.config.training,
                config.config.seed,
                config.slot,
            );
            Box::new(job.difficult(self.mischief))
        });
        Vec::new()
    }
}

impl RunState {
    /// Reads a round; its deltas are added to the models received last, or to the run's initial one.
    fn read(&self, frame: &[u8]) -> Result<RoundOpened, WireError> {
        let mut initial = None;
        let seed = self.configured.config.seed;
        RoundOpened::decode_with(frame, self.network.spec(), |name, hash| {
            let is_meant = |model: &&Arc<Params>| ModelHash::of(model) == hash;
            let received = self.received.get(name).filter(is_meant);
            received
                .or_else(|| {
                    let initial =
                        initial.get_or_insert_with(|| Arc::new(self.network.initial(seed)));
                    Some(&*initial).filter(is_meant)
                })
                .cloned()
        })
    }

    /// Keeps what later deltas are added to.
    fn keep(&mut self, opened: &RoundOpened) {
        if self.configured.config.encodings.down.kind().is_none() {
            return;
        }
        for arm in &opened.arms {
            for (name, model) in arm.task.models(&arm.name) {
                self.received.insert(name, Arc::clone(model));
            }
        }
    }
}

fn unreadable(error: &WireError) -> Refusal {
    Refusal {
        code: "unreadable_round".to_owned(),
        detail: format!("the room sent a round that cannot be read: {error}"),
    }
}

/// Shows how many examples there are.
fn show_examples(view: &mut DeviceView, data: &LocalData, classes: usize) {
    view.examples = data.train.len() as u32;
    view.taught = data.own;
    view.label_histogram = data.label_histogram(classes);
}

/// Some of the device's images; `None` where its examples are none.
fn samples(data: &LocalData, dataset: DatasetName) -> Option<Samples> {
    let (width, height) = dataset.image()?;
    let count = data.train.len().min(SHOWN);
    // Spread over all examples, which lie label by label.
    let picked = || (0..count).map(|i| i * data.train.len() / count);
    let pixels = picked().flat_map(|i| &data.train.x(i)[..(width * height) as usize]);
    Some(Samples {
        dataset,
        quarter_turns: data.view.quarter_turns(),
        called: data.view.labels().to_vec(),
        width,
        height,
        labels: picked().map(|i| data.train.labels()[i]).collect(),
        pixels: pixels.map(|v| (v * 255.0) as u8).collect(),
    })
}

#[cfg(test)]
mod tests;

//! A recorded run computed again: the same coordinator and devices, asked and answering as the record says.
//!
//! A record says who was asked in a round and whose updates were counted. Everything else follows from the
//! configuration and the seed, so the fingerprints must come out the same. What a record does not say is whether a
//! device that did not answer in time trained all the same, which matters where a device goes on from weights of its
//! own: it is taken to have trained, unless the experiment's conditions say that it failed. Attackers attack again, and devices whose reports say
//! that they were difficult are difficult again in the same way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use constellation_core::attack::Mischief;
use constellation_core::config::{
    CheckedConfig, ConfigError, DataConfig, PacingConfig, RunConfig, SlowDevices, limits,
};
use constellation_core::coordinator::{
    Answer, Command, Coordinator, Effect, Event, Input, Message, Profile, ShorterPlan,
};
use constellation_core::data::Dataset;
use constellation_core::device::{self, Device};
use constellation_core::encoding::Kind;
use constellation_core::ids::{DeviceId, Round, Slot};
use constellation_core::wire::{Configured, Models, RoomNews, RoundOpened, Update};
use rayon::prelude::*;
use serde::Deserialize;
use thiserror::Error;

use crate::attack::Attacks;
use crate::conditions::{Conditions, Fate, Unusable};
use crate::data::DataError;
use crate::experiment::DEVICES;

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

/// What came of a recorded run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunVerdict {
    /// The run's seed.
    pub seed: u32,
    /// Rounds whose fingerprints are the same, from the first on.
    pub same: u32,
    /// What ended the comparison.
    pub end: End,
}

/// What ended a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The record did.
    Record,
    /// A fingerprint that is another one.
    Differs {
        /// The round.
        round: Round,
        /// What the record says.
        recorded: String,
        /// What came out.
        found: String,
        /// Devices that had not answered in time in this round or before.
        missed: BTreeSet<DeviceId>,
    },
    /// A round that does not go as the record says, and how.
    Otherwise {
        /// The round.
        round: Round,
        /// How.
        what: String,
    },
    /// Devices that trained on data of their own.
    OwnData {
        /// The rounds, and the devices in each.
        rounds: BTreeMap<Round, Vec<DeviceId>>,
        /// The last round of the record.
        last: Round,
    },
    /// The record itself says that it is not enough.
    Insufficient(String),
}

impl RunVerdict {
    /// Whether every round of the record came out the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.end == End::Record
    }
}

impl fmt::Display for RunVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, same, end } = self;
        match end {
            End::Record if *same == 0 => write!(f, "seed {seed}: no round was closed"),
            End::Record => write!(f, "seed {seed}: all {same} rounds are the same"),
            End::Differs {
                round,
                recorded,
                found,
                missed,
            } => {
                write!(
                    f,
                    "seed {seed}: round {round} is the first that differs\n  recorded   {recorded}\n  recomputed {found}"
                )?;
                if !missed.is_empty() {
                    write!(
                        f,
                        "\n  devices that had not answered in time: {}; a record does not say what they trained",
                        listed(missed.iter())
                    )?;
                }
                Ok(())
            }
            End::Otherwise { round, what } => {
                write!(f, "seed {seed}: round {round} goes otherwise: {what}")
            }
            End::OwnData { rounds, last } => {
                write!(f, "seed {seed}: ")?;
                match same {
                    0 => {}
                    1 => write!(f, "round 1 is the same; ")?,
                    _ => write!(f, "rounds 1 to {same} are the same; ")?,
                }
                let from = rounds.keys().next().copied().unwrap_or_default();
                write!(
                    f,
                    "{} cannot be recomputed: devices trained on data of their own, which are in no record ({}), \
                     and every round goes on from the one before",
                    named(from, *last),
                    by_round(rounds)
                )
            }
            End::Insufficient(reason) => {
                write!(f, "seed {seed}: cannot be recomputed: {reason}")
            }
        }
    }
}

fn listed<'a>(devices: impl Iterator<Item = &'a DeviceId>) -> String {
    let all: Vec<String> = devices.map(ToString::to_string).collect();
    all.join(", ")
}

fn named(from: Round, to: Round) -> String {
    if from == to {
        format!("round {from}")
    } else {
        format!("rounds {from} to {to}")
    }
}

/// The devices of each round, rounds with the same ones together.
fn by_round(rounds: &BTreeMap<Round, Vec<DeviceId>>) -> String {
    let mut spans: Vec<(Round, Round, &Vec<DeviceId>)> = Vec::new();
    for (&round, devices) in rounds {
        match spans.last_mut() {
            Some((_, to, same)) if to.next() == round && *same == devices => *to = round,
            _ => spans.push((round, round, devices)),
        }
    }
    let spans = spans.into_iter().map(|(from, to, devices)| {
        let word = if devices.len() == 1 {
            "device"
        } else {
            "devices"
        };
        let devices = listed(devices.iter());
        format!("{}: {word} {devices}", named(from, to))
    });
    Vec::from_iter(spans).join("; ")
}

/// A line of a record, as far as it is needed.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Experiment {
        experiment: ExperimentLine,
    },
    RunConfigured {
        config: Box<RunConfig>,
    },
    Joined {
        device: DeviceId,
        slot: Slot,
        #[serde(default)]
        encodings: BTreeSet<Kind>,
    },
    Left {
        device: DeviceId,
    },
    RoundOpened {
        round: Round,
        cohort: Vec<DeviceId>,
        #[serde(default)]
        shorter_plans: Vec<ShorterPlan>,
    },
    Sketched {
        round: Round,
        device: DeviceId,
        report: ReportLine,
    },
    CoalitionsFormed {
        missing: Vec<DeviceId>,
    },
    Accepted {
        round: Round,
        device: DeviceId,
        report: ReportLine,
    },
    /// The cohorts say who was there.
    Connected {},
    Disconnected {},
    Refused {},
    RoundClosed {
        round: Round,
        fingerprint: String,
        missing: Vec<DeviceId>,
    },
    RunFinished {},
    LinesDropped {
        count: u64,
    },
}

/// Nothing goes wrong in a room's run, as far as its record says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ExperimentLine {
    devices: u32,
    conditions: Conditions,
}

impl ExperimentLine {
    fn check(&self) -> Result<(), String> {
        if self.devices > DEVICES {
            return Err(format!("it has {} devices", self.devices));
        }
        self.conditions.check().map_err(|unusable| {
            let Unusable {
                field,
                value,
                allowed,
            } = unusable;
            format!("conditions.{field} is {value}; allowed: {allowed}")
        })
    }
}

#[derive(Deserialize)]
struct ReportLine {
    #[serde(default)]
    own_data: u32,
    #[serde(default)]
    mischief: Option<Mischief>,
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

/// The same run, opened and closed by the record alone.
fn replayed(config: RunConfig) -> Result<CheckedConfig, ConfigError> {
    let pacing = PacingConfig {
        min_devices: 1,
        start_at: None,
        deadline_ms: limits::WAIT_MS,
        pace_ms: 0,
        slow_devices: SlowDevices::FullPlan,
        ..RunConfig::default().pacing
    };
    RunConfig { pacing, ..config }.check()
}

/// A run that is being replayed.
struct Replay {
    coordinator: Coordinator,
    attacks: Attacks,
    experiment: Arc<ExperimentLine>,
    devices: BTreeMap<DeviceId, (Slot, Device)>,
    connected: BTreeSet<DeviceId>,
    /// What devices were sent in the open round.
    opened: BTreeMap<DeviceId, Arc<RoundOpened>>,
    /// What they have worked on last.
    worked_on: BTreeMap<DeviceId, Arc<RoundOpened>>,
    /// What they sent when they were asked for weights, after their sketches.
    asked_for: BTreeMap<DeviceId, Posted>,
    /// Of the open round.
    shorter_plans: Vec<ShorterPlan>,
    /// What happened while it was open, to be done once everybody has trained.
    pending: Vec<Pending>,
    /// Cohort and round as the coordinator opened it, and the fingerprint once it closed it.
    own_opening: Option<(Round, Vec<DeviceId>)>,
    own_closing: Option<(Round, String)>,
    now_ms: u64,
    same: u32,
    last: Round,
    missed: BTreeSet<DeviceId>,
    own_data: BTreeMap<Round, Vec<DeviceId>>,
    /// How devices were difficult in the open round.
    mischief: BTreeMap<DeviceId, Mischief>,
    end: Option<End>,
}

enum Pending {
    Sketched(DeviceId),
    /// Coalitions formed without the sketches of these.
    Formed(Vec<DeviceId>),
    Accepted(DeviceId),
    Left(DeviceId),
    Joined(DeviceId, Slot, Profile),
}

impl Replay {
    fn new(config: CheckedConfig, dataset: &Arc<Dataset>, experiment: Arc<ExperimentLine>) -> Self {
        let ExperimentLine {
            devices,
            ref conditions,
        } = *experiment;
        let mut replay = Self {
            attacks: Attacks::new(conditions, config.seed, devices, dataset),
            coordinator: Coordinator::without_maps(config),
            experiment,
            devices: BTreeMap::new(),
            connected: BTreeSet::new(),
            opened: BTreeMap::new(),
            worked_on: BTreeMap::new(),
            asked_for: BTreeMap::new(),
            shorter_plans: Vec::new(),
            pending: Vec::new(),
            own_opening: None,
            own_closing: None,
            now_ms: 0,
            same: 0,
            last: Round(0),
            missed: BTreeSet::new(),
            own_data: BTreeMap::new(),
            mischief: BTreeMap::new(),
            end: None,
        };
        // What devices did although it was forbidden, they do again.
        replay.input(Input::Desk(Command::Mischief { allowed: true }));
        replay
    }

    fn end(self) -> RunVerdict {
        let end = if self.own_data.is_empty() {
            self.end.unwrap_or(End::Record)
        } else {
            End::OwnData {
                rounds: self.own_data,
                last: self.last,
            }
        };
        RunVerdict {
            seed: self.coordinator.config().seed,
            same: self.same,
            end,
        }
    }

    fn line(&mut self, line: Line) {
        if self.end.is_some() {
            return;
        }
        let open = !self.opened.is_empty();
        match line {
            Line::RoundClosed { round, .. } if !self.own_data.is_empty() => self.last = round,
            Line::Accepted {
                round,
                device,
                report,
            }
            | Line::Sketched {
                round,
                device,
                report,
            } if report.own_data > 0 && round.0 <= self.coordinator.config().rounds => {
                self.last = self.last.max(round);
                let devices = self.own_data.entry(round).or_default();
                // With its sketches and its weights it says the same.
                if !devices.contains(&device) {
                    devices.push(device);
                }
            }
            _ if !self.own_data.is_empty() => {}
            Line::Joined {
                device,
                slot,
                encodings,
            } => {
                let profile = Profile {
                    encodings,
                    ..Profile::default()
                };
                if open {
                    self.pending.push(Pending::Joined(device, slot, profile));
                } else {
                    self.join(device, slot, profile);
                }
            }
            Line::Left { device } if open => self.pending.push(Pending::Left(device)),
            Line::Left { device } => self.leave(device),
            Line::RoundOpened {
                round,
                cohort,
                shorter_plans,
            } => self.open(round, &cohort, shorter_plans),
            Line::Accepted {
                round,
                device,
                report,
            } => {
                // The closing evaluation changes no model.
                if round.0 <= self.coordinator.config().rounds {
                    self.mischief
                        .extend(report.mischief.map(|mischief| (device, mischief)));
                    self.pending.push(Pending::Accepted(device));
                }
            }
            Line::Sketched { device, report, .. } => {
                self.mischief
                    .extend(report.mischief.map(|mischief| (device, mischief)));
                self.pending.push(Pending::Sketched(device));
            }
            Line::CoalitionsFormed { missing } => self.pending.push(Pending::Formed(missing)),
            Line::RoundClosed {
                round,
                fingerprint,
                missing,
            } => self.close(round, fingerprint, &missing),
            Line::LinesDropped { count } => {
                let reason =
                    format!("{count} of its lines were dropped when the record grew too long");
                self.end = Some(End::Insufficient(reason));
            }
            Line::Connected {}
            | Line::Disconnected {}
            | Line::Refused {}
            | Line::RunFinished {}
            | Line::Experiment { .. }
            | Line::RunConfigured { .. } => {}
        }
    }

    fn otherwise(&mut self, round: Round, what: String) {
        self.end.get_or_insert(End::Otherwise { round, what });
    }

    /// Lets a device join with its slot: lower ones that are free are taken meanwhile.
    fn join(&mut self, device: DeviceId, slot: Slot, profile: Profile) {
        let taken: BTreeSet<Slot> = self.devices.values().map(|(slot, _)| *slot).collect();
        let free = (0..slot.0).filter(|lower| !taken.contains(&Slot(*lower)));
        // Devices count from 1 upwards, so these numbers are never theirs.
        let fillers: Vec<DeviceId> = free.map(|lower| DeviceId(u32::MAX - lower)).collect();
        for &device in &fillers {
            let name = String::new();
            self.input(Input::Joined {
                device,
                name,
                profile: Profile::default(),
            });
        }
        self.devices.insert(device, (slot, Device::new()));
        let name = String::new();
        let answer = self.input(Input::Joined {
            device,
            name,
            profile,
        });
        if answer != Some(Answer::Joined(slot)) {
            let what = format!("device {device} cannot have slot {slot}, which is taken");
            self.otherwise(self.last.next(), what);
        }
        for filler in fillers {
            self.input(Input::Left(filler));
        }
    }

    fn leave(&mut self, device: DeviceId) {
        self.input(Input::Left(device));
        self.connected.remove(&device);
        self.devices.remove(&device);
    }

    /// Opens a round for the recorded cohort, with the recorded plans.
    fn open(&mut self, round: Round, cohort: &[DeviceId], shorter_plans: Vec<ShorterPlan>) {
        // A round that nobody answered is closed without a line, and opened again.
        self.finish_pending(&BTreeMap::new());
        self.disconnect_all();
        self.now_ms += 2 * u64::from(limits::WAIT_MS);
        self.input(Input::Tick);
        self.input(Input::Desk(Command::Pause));
        for &device in cohort {
            self.connected.insert(device);
            self.input(Input::Connected(device));
            // Whoever was asked had its data.
            let run = self.coordinator.models().run;
            self.input(Input::Ready { device, run });
        }
        self.own_opening = None;
        self.shorter_plans = shorter_plans;
        self.input(Input::Desk(Command::Step));
        match self.own_opening.take() {
            Some((own, asked)) if own == round && asked == cohort => {}
            Some((own, asked)) => self.otherwise(
                round,
                format!(
                    "the record asks devices {}, the room would ask devices {} in round {own}",
                    listed(cohort.iter()),
                    listed(asked.iter())
                ),
            ),
            None => self.otherwise(
                round,
                format!(
                    "the room would not open it for devices {}",
                    listed(cohort.iter())
                ),
            ),
        }
    }

    fn close(&mut self, round: Round, recorded: String, missing: &[DeviceId]) {
        self.last = round;
        let updates = self.train(round, missing);
        self.finish_pending(&updates);
        self.disconnect_all();
        self.opened.clear();
        self.missed.extend(missing);
        match self.own_closing.take() {
            Some((own, found)) if own == round && found == recorded => self.same += 1,
            Some((own, found)) if own == round => {
                let missed = core::mem::take(&mut self.missed);
                self.end.get_or_insert(End::Differs {
                    round,
                    recorded,
                    found,
                    missed,
                });
            }
            _ => self.otherwise(round, "the room would not close it".to_owned()),
        }
    }

    /// Lets all who answered work, and those who are taken to have trained in vain, in parallel.
    fn train(&mut self, round: Round, missing: &[DeviceId]) -> BTreeMap<DeviceId, Posted> {
        let seed = self.coordinator.config().seed;
        let mut work = Vec::new();
        let mischief = core::mem::take(&mut self.mischief);
        for (id, message) in core::mem::take(&mut self.opened) {
            let Some((slot, mut device)) = self.devices.remove(&id) else {
                continue;
            };
            device.misbehave(mischief.get(&id).copied());
            let ExperimentLine {
                devices,
                ref conditions,
            } = *self.experiment;
            let fate = || conditions.fate(seed, round, slot, devices);
            let failed = missing.contains(&id) && matches!(fate(), Fate::Fails { .. });
            if failed {
                // Later deltas may be added to what it was sent.
                device.handle(device::Input::Round(message.encode()));
            }
            self.worked_on.insert(id, Arc::clone(&message));
            work.push((id, slot, device, (!failed).then_some(message)));
        }
        let (models, attacks) = (self.coordinator.models(), &self.attacks);
        let done: Vec<_> = work
            .into_par_iter()
            .map(|(id, slot, mut device, message)| {
                let posted = message.and_then(|message| {
                    let body = work_out(&mut device, &message)?;
                    read(&body, models, attacks, slot, &message)
                });
                (id, slot, device, posted)
            })
            .collect();
        let mut updates = BTreeMap::new();
        for (id, slot, device, posted) in done {
            self.devices.insert(id, (slot, device));
            updates.extend(posted.map(|posted| (id, posted)));
        }
        updates
    }

    /// Does what the record says happened while the round was open. `updates` are what devices sent by themselves.
    fn finish_pending(&mut self, updates: &BTreeMap<DeviceId, Posted>) {
        for pending in core::mem::take(&mut self.pending) {
            match pending {
                Pending::Joined(device, slot, profile) => self.join(device, slot, profile),
                Pending::Left(device) => self.leave(device),
                Pending::Formed(missing) => {
                    for device in missing {
                        self.input(Input::Disconnected(device));
                    }
                }
                Pending::Sketched(device) => self.count(device, updates.get(&device).cloned()),
                Pending::Accepted(device) => {
                    let asked_for = self.asked_for.remove(&device);
                    let update = asked_for.or_else(|| updates.get(&device).cloned());
                    self.count(device, update);
                }
            }
        }
        self.asked_for.clear();
    }

    /// Gives the room an update that it counted.
    fn count(&mut self, device: DeviceId, posted: Option<Posted>) {
        let answer = posted.and_then(|(bytes, update)| {
            self.input(Input::Update {
                device,
                bytes,
                update,
            })
        });
        if answer != Some(Answer::Accepted) {
            let what = format!("device {device} would have no update that counts");
            self.otherwise(self.last, what);
        }
    }

    fn disconnect_all(&mut self) {
        for device in core::mem::take(&mut self.connected) {
            self.input(Input::Disconnected(device));
        }
        self.opened.clear();
    }

    /// Gives the coordinator an input and does what it says. `None` if it refuses.
    fn input(&mut self, input: Input) -> Option<Answer> {
        let outcome = self.coordinator.handle(self.now_ms, input);
        for effect in outcome.effects {
            match effect {
                Effect::Send { device, message } => self.deliver(device, message),
                Effect::Record(Event::RoundOpened { round, cohort, .. }) => {
                    self.own_opening = Some((round, cohort));
                }
                Effect::Record(Event::RoundClosed {
                    round, fingerprint, ..
                }) => self.own_closing = Some((round, fingerprint)),
                Effect::Record(_) | Effect::Publish => {}
            }
        }
        outcome.answer.ok()
    }

    fn deliver(&mut self, id: DeviceId, message: Message) {
        match message {
            Message::RoundOpened(mut message) => {
                // Who was late is for the record to say: here nobody is.
                let mut plans = self.shorter_plans.iter();
                if let Some(plan) = plans.find(|plan| plan.device == id) {
                    Arc::make_mut(&mut message).halvings = plan.halvings;
                }
                self.opened.insert(id, message);
            }
            Message::Configured(configured) => {
                if let Some((slot, device)) = self.devices.get_mut(&id) {
                    configure(device, configured, self.attacks.dataset_of(*slot));
                }
            }
            Message::SendWeights(wanted) => {
                let (Some((slot, device)), Some(opened)) =
                    (self.devices.get_mut(&id), self.worked_on.get(&id))
                else {
                    return;
                };
                let effects = device.handle(device::Input::News(RoomNews::SendWeights(wanted)));
                let posted = posted(effects).and_then(|body| {
                    let models = self.coordinator.models();
                    read(&body, models, &self.attacks, *slot, opened)
                });
                self.asked_for.extend(posted.map(|posted| (id, posted)));
            }
            Message::RunFinished | Message::Farewell(_) => {}
        }
    }
}

/// Bytes of an update's body, and what it says.
type Posted = (u64, Box<Update>);

/// Tells a device its run, and gives it the data set that it asks for.
fn configure(device: &mut Device, configured: Box<Configured>, dataset: &Arc<Dataset>) {
    let news = RoomNews::Configured(configured);
    for effect in device.handle(device::Input::News(news)) {
        if let device::Effect::LoadData(name) = effect {
            device.handle(device::Input::Data(name, Arc::clone(dataset)));
        }
    }
}

/// Gives a device its round and lets it work to the end.
fn work_out(device: &mut Device, message: &RoundOpened) -> Option<Arc<[u8]>> {
    let mut effects = device.handle(device::Input::Round(message.encode()));
    while device.has_work() {
        effects.extend(device.work());
    }
    posted(effects)
}

/// What a device posts, if it does.
fn posted(effects: Vec<device::Effect>) -> Option<Arc<[u8]>> {
    effects.into_iter().find_map(|effect| match effect {
        device::Effect::Post { body, .. } => Some(body),
        _ => None,
    })
}

/// Reads what a device posted, poisoned if it is an attacker's.
fn read(
    body: &[u8],
    models: &Models,
    attacks: &Attacks,
    slot: Slot,
    opened: &RoundOpened,
) -> Option<Posted> {
    let mut update = Update::decode(body, models).ok()?;
    if attacks.is_attacker(slot) {
        update
            .resolve(|name, report| opened.start_of(name, report))
            .ok()?;
        attacks.poison(slot, opened, &mut update);
    }
    Some((body.len() as u64, Box::new(update)))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::path::Path;

    use constellation_core::config::{
        ArmConfig, DistanceKind, Formation, Resting, Sketches, StrategyConfig,
    };
    use constellation_core::encoding::Encoding;
    use constellation_core::ids::RunId;
    use serde_json::json;

    use super::*;
    use crate::conditions::{Attack, Attackers, Failing, Slow};
    use crate::data::load;
    use crate::simulate::{Happening, Setup, run};

    const FEW: u32 = 4;

    fn dataset(config: &DataConfig) -> Result<Arc<Dataset>, DataError> {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
        Ok(Arc::new(load(&data, config.dataset)?))
    }

    fn config(seed: u32) -> CheckedConfig {
        let mut config = RunConfig {
            seed,
            rounds: 4,
            arms: [
                StrategyConfig::LocalOnly {},
                StrategyConfig::FedAvg {},
                StrategyConfig::CoalitionModels {
                    formation: Formation {
                        k: 2,
                        ..Default::default()
                    },
                },
            ]
            .map(|strategy| ArmConfig {
                name: String::new(),
                strategy,
            })
            .into(),
            ..RunConfig::default()
        };
        (config.data.examples, config.data.held_out) = (40, 10);
        config.data.balanced_per_label = 1;
        config.pacing.start_at = Some(FEW);
        config.pacing.min_devices = 1;
        config.pacing.pace_ms = 0;
        config.check().unwrap()
    }

    /// The first line of a run's record.
    fn begun(config: &CheckedConfig) -> String {
        let begin = Event::RunConfigured {
            run: RunId(1),
            config: Box::new((**config).clone()),
        };
        serde_json::to_string(&begin).unwrap()
    }

    /// The record of a run by the simulator in which all goes well.
    fn record(seed: u32) -> String {
        record_under(seed, Conditions::default())
    }

    /// The record of a run by the simulator.
    fn record_under(seed: u32, conditions: Conditions) -> String {
        record_of(config(seed), conditions)
    }

    /// The record of a run by the simulator.
    fn record_of(config: CheckedConfig, conditions: Conditions) -> String {
        let setup = Setup {
            devices: FEW,
            conditions,
            dataset: dataset(&config.data).unwrap(),
            config,
        };
        let mut lines = vec![begun(&setup.config)];
        run(&setup, |_, happening| {
            if let Happening::Event(event) = happening {
                lines.push(serde_json::to_string(event).unwrap());
            }
        });
        lines.join("\n") + "\n"
    }

    fn verdicts(text: &str) -> Vec<String> {
        let verdicts = verify(text, dataset).unwrap();
        verdicts.iter().map(ToString::to_string).collect()
    }

    /// The text with the first hexadecimal digit of a round's fingerprint changed.
    fn tampered(text: &str, round: u32) -> String {
        let line = format!(r#""event":"round_closed","round":{round},"fingerprint":""#);
        let at = text.find(&line).unwrap() + line.len();
        let digit = if &text[at..=at] == "0" { "1" } else { "0" };
        format!("{}{digit}{}", &text[..at], &text[at + 1..])
    }

    /// The run of the other tests, with coalitions that form from sketches, whose members rest as soon as they may.
    fn sketching(seed: u32) -> CheckedConfig {
        let mut config = (*config(seed)).clone();
        // Who sends weights for plain averaging does not rest.
        config.arms.remove(1);
        config.arms[1].strategy = StrategyConfig::CoalitionModels {
            formation: Formation {
                k: 2,
                distance: DistanceKind::UnitDeltas,
                warm_up: 1,
                reform_every: None,
                sketches: Some(Sketches {
                    resting: Some(Resting {
                        after: 1,
                        share: 0.5,
                    }),
                }),
                ..Formation::default()
            },
        };
        config.check().unwrap()
    }

    #[test]
    fn runs_with_sketches_come_out_the_same_in_trouble_too() {
        let failing = Conditions {
            failing: Some(Failing {
                rate: 0.3,
                rounds: 1,
            }),
            attackers: Some(Attackers {
                fraction: 0.25,
                kind: Attack::SignFlip,
                strength: 1.0,
            }),
            ..Conditions::default()
        };
        let experiment = format!(
            r#"{{"event":"experiment","experiment":{{"name":"x","devices":4,"conditions":{}}}}}"#,
            serde_json::to_string(&failing).unwrap()
        );
        let plain = record_of(sketching(3), Conditions::default());
        assert!(plain.contains("coalitions_formed"));
        let rests =
            |line: &&str| line.contains("coalitions_formed") && !line.contains("\"resting\":[]");
        assert!(plain.lines().filter(rests).count() > 0);
        let troubled = record_of(sketching(4), failing);
        let text = format!("{plain}{experiment}\n{troubled}");
        assert_eq!(
            verdicts(&text),
            [
                "seed 3: all 4 rounds are the same",
                "seed 4: all 4 rounds are the same"
            ]
        );
    }

    #[test]
    fn runs_come_out_the_same_and_a_changed_digit_is_named() {
        let experiment = r#"{"event":"experiment","experiment":{"name":"x","devices":4}}"#;
        let (first, second) = (record(3), record(4));
        let text = format!("{experiment}\n{first}{second}");
        assert_eq!(
            verdicts(&text),
            [
                "seed 3: all 4 rounds are the same",
                "seed 4: all 4 rounds are the same"
            ]
        );
        let verdicts = verify(&format!("{first}{}", tampered(&second, 3)), dataset).unwrap();
        assert!(verdicts[0].is_same());
        assert_eq!(verdicts[1].same, 2);
        let End::Differs {
            round,
            recorded,
            found,
            ..
        } = &verdicts[1].end
        else {
            panic!("{}", verdicts[1]);
        };
        assert_eq!(*round, Round(3));
        assert_ne!(recorded[..1], found[..1]);
        assert_eq!(recorded[1..], found[1..]);
    }

    #[test]
    fn who_failed_is_left_out_as_recorded() {
        let failing = Some(Failing {
            rate: 0.3,
            rounds: 1,
        });
        let conditions = Conditions {
            failing,
            ..Conditions::default()
        };
        let text = record_under(5, conditions);
        let missed = text.lines().filter(|line| line.contains("\"missing\":["));
        let some = missed.filter(|line| !line.contains("\"missing\":[]"));
        assert!(some.count() > 0, "somebody must fail: {text}");
        assert_eq!(verdicts(&text), ["seed 5: all 4 rounds are the same"]);
    }

    #[test]
    fn shorter_plans_are_as_recorded() {
        let slow = Slow {
            fraction: 0.25,
            factor: 70.0,
        };
        let conditions = Conditions {
            slow: Some(slow),
            ..Conditions::default()
        };
        let mut config = (*config(8)).clone();
        config.arms.push(ArmConfig {
            name: String::new(),
            strategy: StrategyConfig::Scaffold {},
        });
        let text = record_of(config.check().unwrap(), conditions);
        // Of 70 seconds 35 are too many for the deadline as well, and 17 are not.
        for (round, halvings) in [(2, 1), (3, 2), (4, 2)] {
            let opened = format!(r#""event":"round_opened","round":{round},"#);
            let line = text.lines().find(|line| line.contains(&opened)).unwrap();
            let plan = format!(r#""halvings":{halvings}}}]"#);
            assert!(line.contains(&plan), "{line}");
        }
        assert_eq!(verdicts(&text), ["seed 8: all 4 rounds are the same"]);
        let first = |text: &str| verdicts(text)[0].lines().next().unwrap().to_owned();
        assert_eq!(
            first(&text.replace(r#""halvings":2}]"#, r#""halvings":1}]"#)),
            "seed 8: round 3 is the first that differs"
        );
    }

    #[test]
    fn models_in_fewer_bytes_come_out_the_same() {
        let failing = Failing {
            rate: 0.2,
            rounds: 1,
        };
        let attackers = Attackers {
            fraction: 0.25,
            kind: Attack::SignFlip,
            strength: 1.0,
        };
        let conditions = Conditions {
            failing: Some(failing),
            attackers: Some(attackers),
            ..Conditions::default()
        };
        let experiment = json!({ "name": "x", "devices": FEW, "conditions": conditions });
        let line = json!({ "event": "experiment", "experiment": experiment });
        for encoding in [Encoding::Int8 {}, Encoding::OneBit {}] {
            let mut config = (*config(7)).clone();
            (config.encodings.up, config.encodings.down) = (encoding, encoding);
            let text = record_of(config.check().unwrap(), conditions.clone());
            assert_eq!(
                verdicts(&format!("{line}\n{text}")),
                ["seed 7: all 4 rounds are the same"]
            );
        }
    }

    #[test]
    fn attackers_attack_again() {
        let plain = record(6);
        for kind in [
            Attack::LabelFlip,
            Attack::SignFlip,
            Attack::Scaled,
            Attack::Noise,
            Attack::Random,
        ] {
            let conditions = Conditions {
                attackers: Some(Attackers {
                    fraction: 0.5,
                    kind,
                    strength: 2.0,
                }),
                ..Conditions::default()
            };
            let experiment = serde_json::json!({
                "event": "experiment",
                "experiment": { "name": "x", "devices": FEW, "conditions": conditions },
            });
            let attacked = record_under(6, conditions);
            let text = format!("{experiment}\n{attacked}");
            assert_eq!(
                verdicts(&text),
                ["seed 6: all 4 rounds are the same"],
                "{kind:?}"
            );
            let first = |text: &str| verdicts(text)[0].lines().next().unwrap().to_owned();
            assert_eq!(
                first(&tampered(&text, 2)),
                "seed 6: round 2 is the first that differs",
                "{kind:?}"
            );
            // Without the attacks it is another run, and so it is if there were none.
            for other in [attacked, format!("{experiment}\n{plain}")] {
                assert_eq!(
                    first(&other),
                    "seed 6: round 1 is the first that differs",
                    "{kind:?}"
                );
            }
        }
    }

    #[test]
    fn slots_are_as_recorded() {
        // Devices 1 to 4 with other slots are other devices.
        let text = record(3);
        let swapped = text
            .replace(r#""device":1,"slot":0"#, r#""device":1,"slot":9"#)
            .replace(r#""device":2,"slot":1"#, r#""device":2,"slot":0"#);
        assert!(verdicts(&swapped)[0].starts_with("seed 3: round 1 is the first that differs"));
        let twice = text.replace(r#""device":2,"slot":1"#, r#""device":2,"slot":0"#);
        assert!(verdicts(&twice)[0].contains("cannot have slot 0"));
    }

    /// A room as a server drives it, whose devices answer at once.
    struct Room {
        coordinator: Coordinator,
        devices: BTreeMap<DeviceId, Device>,
        dataset: Arc<Dataset>,
        /// Who trains on data of its own when.
        own_data: BTreeSet<(Round, DeviceId)>,
        /// Who is difficult when, and how.
        mischief: BTreeMap<(Round, DeviceId), Mischief>,
        lines: Vec<String>,
    }

    impl Room {
        fn new(config: CheckedConfig) -> Self {
            Self {
                dataset: dataset(&config.data).unwrap(),
                coordinator: Coordinator::new(config),
                devices: BTreeMap::new(),
                own_data: BTreeSet::new(),
                mischief: BTreeMap::new(),
                lines: Vec::new(),
            }
        }

        fn enter(&mut self, device: DeviceId) {
            self.devices.insert(device, Device::new());
            let name = String::new();
            self.input(Input::Joined {
                device,
                name,
                profile: Profile::of_ours(),
            });
            self.input(Input::Connected(device));
        }

        fn input(&mut self, input: Input) {
            let mut inputs = VecDeque::from([input]);
            while let Some(input) = inputs.pop_front() {
                let outcome = self.coordinator.handle(0, input);
                outcome.answer.unwrap();
                for effect in outcome.effects {
                    match effect {
                        Effect::Record(event) => {
                            self.lines.push(serde_json::to_string(&event).unwrap());
                        }
                        Effect::Send { device, message } => {
                            inputs.extend(self.deliver(device, message));
                        }
                        Effect::Publish => {}
                    }
                }
            }
        }

        fn deliver(&mut self, id: DeviceId, message: Message) -> Option<Input> {
            let device = self.devices.get_mut(&id)?;
            match message {
                Message::Configured(configured) => {
                    configure(device, configured, &self.dataset);
                    None
                }
                Message::SendWeights(wanted) => {
                    let news = RoomNews::SendWeights(wanted);
                    let body = posted(device.handle(device::Input::News(news)))?;
                    let update = Update::decode(&body, self.coordinator.models()).unwrap();
                    Some(Input::Update {
                        device: id,
                        bytes: body.len() as u64,
                        update: Box::new(update),
                    })
                }
                Message::RoundOpened(message) => {
                    device.misbehave(self.mischief.get(&(message.round, id)).copied());
                    let body = work_out(device, &message)?;
                    let mut update = Update::decode(&body, self.coordinator.models()).unwrap();
                    if self.own_data.contains(&(message.round, id)) {
                        update.report.own_data = 3;
                    }
                    Some(Input::Update {
                        device: id,
                        bytes: body.len() as u64,
                        update: Box::new(update),
                    })
                }
                Message::RunFinished | Message::Farewell(_) => None,
            }
        }
    }

    #[test]
    fn rounds_with_own_data_are_named() {
        let record = |own_data: &[(u32, u32)]| {
            let config = config(3);
            let mut room = Room::new(config.clone());
            room.own_data
                .extend(own_data.iter().map(|(r, d)| (Round(*r), DeviceId(*d))));
            for id in (1..=FEW).map(DeviceId) {
                room.enter(id);
            }
            begun(&config) + "\n" + &room.lines.join("\n")
        };
        let why = "devices trained on data of their own, which are in no record";
        let then = "and every round goes on from the one before";
        for (own_data, verdict) in [
            // The closing evaluation changes no model.
            (&[(5, 2)][..], "all 4 rounds are the same".to_owned()),
            (
                &[(4, 1)],
                format!(
                    "rounds 1 to 3 are the same; round 4 cannot be recomputed: {why} (round 4: device 1), {then}"
                ),
            ),
            (
                &[(2, 2), (3, 2), (4, 2), (4, 3)],
                format!(
                    "round 1 is the same; rounds 2 to 4 cannot be recomputed: {why} \
                     (rounds 2 to 3: device 2; round 4: devices 2, 3), {then}"
                ),
            ),
            (
                &[(1, 4)],
                format!("rounds 1 to 4 cannot be recomputed: {why} (round 1: device 4), {then}"),
            ),
        ] {
            assert_eq!(verdicts(&record(own_data)), [format!("seed 3: {verdict}")]);
        }
    }

    /// The record of a room in which devices are difficult, if it is not closed without them.
    fn record_of_mischief(mischief: &[(u32, u32, Mischief)]) -> String {
        let config = config(3);
        let mut room = Room::new(config.clone());
        let mischief = mischief.iter();
        room.mischief
            .extend(mischief.map(|(r, d, how)| ((Round(*r), DeviceId(*d)), *how)));
        room.input(Input::Desk(Command::Mischief { allowed: true }));
        for id in (1..=FEW).map(DeviceId) {
            room.enter(id);
        }
        begun(&config) + "\n" + &room.lines.join("\n")
    }

    #[test]
    fn difficult_devices_are_difficult_again() {
        let text = record_of_mischief(&[
            (1, 1, Mischief::SignFlip),
            (2, 1, Mischief::SignFlip),
            (2, 2, Mischief::LabelFlip),
            (3, 3, Mischief::Noise),
            (4, 4, Mischief::Slowness),
        ]);
        assert_eq!(verdicts(&text), ["seed 3: all 4 rounds are the same"]);
        // A record that keeps one of them quiet is another run's from there on.
        for (quiet, round) in [("sign_flip", 1), ("label_flip", 2), ("noise", 3)] {
            let named = format!(r#","mischief":"{quiet}""#);
            let kept = text.replace(&named, "");
            assert_ne!(kept, text);
            let first = verdicts(&kept)[0].lines().next().unwrap().to_owned();
            let differs = format!("seed 3: round {round} is the first that differs");
            assert_eq!(first, differs, "{quiet}");
        }
    }

    #[test]
    fn a_run_that_was_reset_is_recomputed_from_its_own_record() {
        let mut config = (*config(3)).clone();
        config.pacing.start_at = None;
        let mut room = Room::new(config.check().unwrap());
        for id in (1..=FEW).map(DeviceId) {
            room.enter(id);
        }
        room.input(Input::Desk(Command::Step));
        // Devices and slots no longer go in the same order.
        room.input(Input::Left(DeviceId(1)));
        room.enter(DeviceId(FEW + 1));
        room.input(Input::Desk(Command::Reset(Some(4))));
        room.input(Input::Desk(Command::Start));
        let reset = room
            .lines
            .iter()
            .rposition(|l| l.contains("run_configured"));
        let record = room.lines.split_off(reset.unwrap()).join("\n");
        assert_eq!(verdicts(&record), ["seed 4: all 4 rounds are the same"]);
    }

    #[test]
    fn unreadable_lines_are_named() {
        let error = |text: &str| verify(text, dataset).unwrap_err().to_string();
        assert!(
            error("{\"event\":\"left\",\"device\":1}").starts_with("line 1 cannot be read: no run")
        );
        let experiment = |what: &str| {
            error(&format!(
                r#"{{"event":"experiment","experiment":{{{what}}}}}"#
            ))
        };
        assert!(experiment(r#""devices":4000000000"#).contains("it has 4000000000 devices"));
        assert!(experiment(r#""conditions":{"lost":2}"#).contains("conditions.lost is 2; allowed"));
        let begin = record(3).lines().next().unwrap().to_owned();
        let second = |line: &str| error(&format!("{begin}\n{line}"));
        assert!(second("{").starts_with("line 2 cannot be read: EOF"));
        assert!(second(r#"{"event":"landed"}"#).contains("unknown variant `landed`"));
        assert!(second(r#"{"event":"left"}"#).contains("missing field `device`"));
        assert!(error("").contains("no run"));
    }

    #[test]
    fn a_record_that_is_cut_says_so() {
        let text = record(3);
        let dropped = text.replacen('\n', "\n{\"event\":\"lines_dropped\",\"count\":8}\n", 1);
        assert!(verdicts(&dropped)[0].contains("8 of its lines were dropped"));
    }
}

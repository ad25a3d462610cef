//! A recorded run computed again: the same coordinator and devices, asked and answering as the record says.
//!
//! A record says who was asked in a round and whose updates were counted. Everything else follows from the
//! configuration and the seed, so the fingerprints must come out the same. What a record does not say is whether a
//! device that did not answer in time trained all the same, which matters where a device goes on from weights of its
//! own: it is taken to have trained, unless the experiment's conditions say that it failed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use constellation_core::config::{
    CheckedConfig, ConfigError, DataConfig, PacingConfig, RunConfig, limits,
};
use constellation_core::coordinator::{
    Answer, Command, Coordinator, Effect, Event, Input, Message,
};
use constellation_core::data::Dataset;
use constellation_core::device::{self, Device};
use constellation_core::ids::{DeviceId, Round, Slot};
use constellation_core::wire::{RoomNews, RoundOpened, Update};
use rayon::prelude::*;
use serde::Deserialize;
use thiserror::Error;

use crate::conditions::{Conditions, Fate};
use crate::data::DataError;

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
                if *same > 0 {
                    write!(f, "the first {same} rounds are the same; ")?;
                }
                let of = |(round, devices): (&Round, &Vec<DeviceId>)| {
                    format!("{round} (device {})", listed(devices.iter()))
                };
                let all: Vec<String> = rounds.iter().map(of).collect();
                let from = rounds.keys().next().copied().unwrap_or_default();
                write!(
                    f,
                    "devices trained on data of their own in round {}: rounds {from} to {last} cannot be recomputed",
                    all.join(", ")
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
    },
    Left {
        device: DeviceId,
    },
    RoundOpened {
        round: Round,
        cohort: Vec<DeviceId>,
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

#[derive(Deserialize)]
struct ExperimentLine {
    #[serde(default)]
    devices: u32,
    #[serde(default)]
    conditions: Conditions,
}

#[derive(Deserialize)]
struct ReportLine {
    #[serde(default)]
    own_data: bool,
}

/// Replays every run of a record. `load` gets a run's data.
///
/// # Errors
/// A line that cannot be read, a configuration out of range, data that are missing.
pub fn verify(
    text: &str,
    mut load: impl FnMut(&DataConfig) -> Result<Arc<Dataset>, DataError>,
) -> Result<Vec<RunVerdict>, VerifyError> {
    let mut experiment = None;
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
            Line::Experiment { experiment: found } => experiment = Some(Arc::new(found)),
            Line::RunConfigured { config } => {
                verdicts.extend(runs.pop().map(Replay::end));
                let config = replayed(*config).map_err(|source| VerifyError::Config {
                    line: number + 1,
                    source,
                })?;
                let dataset = load(&config.data)?;
                runs.push(Replay::new(config, dataset, experiment.clone()));
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
        ..RunConfig::default().pacing
    };
    RunConfig { pacing, ..config }.check()
}

/// A run that is being replayed.
struct Replay {
    coordinator: Coordinator,
    dataset: Arc<Dataset>,
    experiment: Option<Arc<ExperimentLine>>,
    devices: BTreeMap<DeviceId, (Slot, Device)>,
    connected: BTreeSet<DeviceId>,
    /// What devices were sent in the open round.
    opened: BTreeMap<DeviceId, Arc<RoundOpened>>,
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
    end: Option<End>,
}

enum Pending {
    Accepted(DeviceId),
    Left(DeviceId),
    Joined(DeviceId, Slot),
}

impl Replay {
    fn new(
        config: CheckedConfig,
        dataset: Arc<Dataset>,
        experiment: Option<Arc<ExperimentLine>>,
    ) -> Self {
        let attacked = experiment
            .as_ref()
            .is_some_and(|experiment| experiment.conditions.attackers.is_some());
        Self {
            coordinator: Coordinator::without_maps(config),
            dataset,
            experiment,
            devices: BTreeMap::new(),
            connected: BTreeSet::new(),
            opened: BTreeMap::new(),
            pending: Vec::new(),
            own_opening: None,
            own_closing: None,
            now_ms: 0,
            same: 0,
            last: Round(0),
            missed: BTreeSet::new(),
            own_data: BTreeMap::new(),
            end: attacked.then(|| {
                End::Insufficient(
                    "attackers sent something else than what they learned; run the experiment again instead"
                        .to_owned(),
                )
            }),
        }
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
            } if report.own_data && round.0 <= self.coordinator.config().rounds => {
                self.last = self.last.max(round);
                self.own_data.entry(round).or_default().push(device);
            }
            _ if !self.own_data.is_empty() => {}
            Line::Joined { device, slot } if open => {
                self.pending.push(Pending::Joined(device, slot));
            }
            Line::Joined { device, slot } => self.join(device, slot),
            Line::Left { device } if open => self.pending.push(Pending::Left(device)),
            Line::Left { device } => self.leave(device),
            Line::RoundOpened { round, cohort } => self.open(round, &cohort),
            Line::Accepted { round, device, .. } => {
                // The closing evaluation changes no model.
                if round.0 <= self.coordinator.config().rounds {
                    self.pending.push(Pending::Accepted(device));
                }
            }
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
    fn join(&mut self, device: DeviceId, slot: Slot) {
        let taken: BTreeSet<Slot> = self.devices.values().map(|(slot, _)| *slot).collect();
        let free = (0..slot.0).filter(|lower| !taken.contains(&Slot(*lower)));
        // Devices count from 1 upwards, so these numbers are never theirs.
        let fillers: Vec<DeviceId> = free.map(|lower| DeviceId(u32::MAX - lower)).collect();
        for &device in &fillers {
            let name = String::new();
            self.input(Input::Joined {
                device,
                name,
                capability: 0.0,
            });
        }
        self.devices.insert(device, (slot, Device::new()));
        let name = String::new();
        let answer = self.input(Input::Joined {
            device,
            name,
            capability: 0.0,
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

    /// Opens a round for the recorded cohort.
    fn open(&mut self, round: Round, cohort: &[DeviceId]) {
        // A round that nobody answered is closed without a line, and opened again.
        self.finish_pending(&BTreeMap::new());
        self.disconnect_all();
        self.now_ms += 2 * u64::from(limits::WAIT_MS);
        self.input(Input::Tick);
        self.input(Input::Desk(Command::Pause));
        for &device in cohort {
            self.connected.insert(device);
            self.input(Input::Connected(device));
        }
        self.own_opening = None;
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
        for (id, message) in core::mem::take(&mut self.opened) {
            let Some((slot, device)) = self.devices.remove(&id) else {
                continue;
            };
            let failed = missing.contains(&id)
                && self.experiment.as_ref().is_some_and(|experiment| {
                    let fate = experiment
                        .conditions
                        .fate(seed, round, slot, experiment.devices);
                    matches!(fate, Fate::Fails { .. })
                });
            work.push((id, slot, device, (!failed).then_some(message)));
        }
        let models = Arc::clone(self.coordinator.models());
        let done: Vec<_> = work
            .into_par_iter()
            .map(|(id, slot, mut device, message)| {
                let body = message.and_then(|message| work_out(&mut device, &message));
                let posted = body.and_then(|body| {
                    let update = Update::decode(&body, &models).ok()?;
                    Some((body.len() as u64, Box::new(update)))
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

    /// Does what the record says happened while the round was open.
    fn finish_pending(&mut self, updates: &BTreeMap<DeviceId, Posted>) {
        for pending in core::mem::take(&mut self.pending) {
            match pending {
                Pending::Joined(device, slot) => self.join(device, slot),
                Pending::Left(device) => self.leave(device),
                Pending::Accepted(device) => {
                    let answer = updates.get(&device).and_then(|(bytes, update)| {
                        self.input(Input::Update {
                            device,
                            bytes: *bytes,
                            update: update.clone(),
                        })
                    });
                    if answer != Some(Answer::Accepted) {
                        let what = format!("device {device} would have no update that counts");
                        self.otherwise(self.last, what);
                    }
                }
            }
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
                Effect::Record(Event::RoundOpened { round, cohort }) => {
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
            Message::RoundOpened(message) => {
                self.opened.insert(id, message);
            }
            Message::Configured(configured) => {
                if let Some((_, device)) = self.devices.get_mut(&id) {
                    let news = RoomNews::Configured(configured);
                    for effect in device.handle(device::Input::News(news)) {
                        if let device::Effect::LoadData(name) = effect {
                            device.handle(device::Input::Data(name, Arc::clone(&self.dataset)));
                        }
                    }
                }
            }
            Message::RunFinished | Message::Farewell(_) => {}
        }
    }
}

/// Bytes of an update's body, and what it says.
type Posted = (u64, Box<Update>);

/// Gives a device its round and lets it work to the end.
fn work_out(device: &mut Device, message: &RoundOpened) -> Option<Arc<[u8]>> {
    let mut effects = device.handle(device::Input::Round(message.encode()));
    while device.has_work() {
        effects.extend(device.work());
    }
    effects.into_iter().find_map(|effect| match effect {
        device::Effect::Post { body, .. } => Some(body),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use constellation_core::config::{ArmConfig, StrategyConfig};
    use constellation_core::ids::RunId;

    use super::*;
    use crate::conditions::Failing;
    use crate::data::load;
    use crate::simulate::{Happening, Setup, run};

    const DEVICES: u32 = 4;

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
                    formation: constellation_core::config::Formation {
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
        config.pacing.start_at = Some(DEVICES);
        config.pacing.min_devices = 1;
        config.pacing.pace_ms = 0;
        config.check().unwrap()
    }

    /// The record of a run by the simulator, in which devices may fail.
    fn record(seed: u32, failing: f64) -> String {
        let setup = Setup {
            config: config(seed),
            devices: DEVICES,
            conditions: Conditions {
                failing: (failing > 0.0).then_some(Failing {
                    rate: failing,
                    rounds: 1,
                }),
                ..Conditions::default()
            },
            dataset: dataset(&config(seed).data).unwrap(),
        };
        let begin = Event::RunConfigured {
            run: RunId(1),
            config: Box::new((*setup.config).clone()),
        };
        let mut lines = vec![serde_json::to_string(&begin).unwrap()];
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

    #[test]
    fn runs_come_out_the_same_and_a_changed_digit_is_named() {
        let experiment = r#"{"event":"experiment","experiment":{"name":"x","devices":4}}"#;
        let (first, second) = (record(3, 0.0), record(4, 0.0));
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
        let text = record(5, 0.3);
        let missed = text.lines().filter(|line| line.contains("\"missing\":["));
        let some = missed.filter(|line| !line.contains("\"missing\":[]"));
        assert!(some.count() > 0, "somebody must fail: {text}");
        assert_eq!(verdicts(&text), ["seed 5: all 4 rounds are the same"]);
    }

    #[test]
    fn slots_are_as_recorded() {
        // Devices 1 to 4 with other slots are other devices.
        let text = record(3, 0.0);
        let swapped = text
            .replace(r#""device":1,"slot":0"#, r#""device":1,"slot":9"#)
            .replace(r#""device":2,"slot":1"#, r#""device":2,"slot":0"#);
        assert!(verdicts(&swapped)[0].starts_with("seed 3: round 1 is the first that differs"));
        let twice = text.replace(r#""device":2,"slot":1"#, r#""device":2,"slot":0"#);
        assert!(verdicts(&twice)[0].contains("cannot have slot 0"));
    }

    #[test]
    fn rounds_with_own_data_are_named() {
        let text = record(3, 0.0);
        let line = r#""event":"accepted","round":3,"device":2,"#;
        let own = text
            .lines()
            .map(|l| {
                if l.contains(line) {
                    l.replace(r#""report":{"#, r#""report":{"own_data":true,"#)
                } else {
                    l.to_owned()
                }
            })
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(
            verdicts(&own),
            [
                "seed 3: the first 2 rounds are the same; devices trained on data of their own in round 3 (device 2): \
                 rounds 3 to 4 cannot be recomputed"
            ]
        );
    }

    #[test]
    fn unreadable_lines_are_named() {
        let error = |text: &str| verify(text, dataset).unwrap_err().to_string();
        assert!(
            error("{\"event\":\"left\",\"device\":1}").starts_with("line 1 cannot be read: no run")
        );
        let begin = record(3, 0.0).lines().next().unwrap().to_owned();
        let second = |line: &str| error(&format!("{begin}\n{line}"));
        assert!(second("{").starts_with("line 2 cannot be read: EOF"));
        assert!(second(r#"{"event":"landed"}"#).contains("unknown variant `landed`"));
        assert!(second(r#"{"event":"left"}"#).contains("missing field `device`"));
        assert!(error("").contains("no run"));
    }

    #[test]
    fn a_record_that_is_cut_says_so() {
        let text = record(3, 0.0);
        let dropped = text.replacen('\n', "\n{\"event\":\"lines_dropped\",\"count\":8}\n", 1);
        assert!(verdicts(&dropped)[0].contains("8 of its lines were dropped"));
    }
}

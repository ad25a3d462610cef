//! A run that happens again as its record says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use constellation_core::attack::Mischief;
use constellation_core::config::{
    CheckedConfig, ConfigError, PacingConfig, RunConfig, SlowDevices, limits,
};
use constellation_core::coordinator::{
    Answer, Command, Coordinator, Effect, Event, Input, Message, Profile, ShorterPlan,
};
use constellation_core::data::Dataset;
use constellation_core::device::{self, Device};
use constellation_core::ids::{DeviceId, Round, Slot};
use constellation_core::wire::{Configured, Models, RoomNews, RoundOpened, Update};
use rayon::prelude::*;

use crate::attack::Attacks;
use crate::conditions::Fate;

use super::record::{ExperimentLine, Line};
use super::verdict::{End, RunVerdict, listed};

/// The same run, opened and closed by the record alone.
pub(super) fn replayed(config: RunConfig) -> Result<CheckedConfig, ConfigError> {
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
pub(super) struct Replay {
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
    pub(super) fn new(
        config: CheckedConfig,
        dataset: &Arc<Dataset>,
        experiment: Arc<ExperimentLine>,
    ) -> Self {
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

    pub(super) fn end(self) -> RunVerdict {
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

    pub(super) fn line(&mut self, line: Line) {
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
pub(super) fn configure(device: &mut Device, configured: Box<Configured>, dataset: &Arc<Dataset>) {
    let news = RoomNews::Configured(configured);
    for effect in device.handle(device::Input::News(news)) {
        if let device::Effect::LoadData(name) = effect {
            device.handle(device::Input::Data(name, Arc::clone(dataset)));
        }
    }
}

/// Gives a device its round and lets it work to the end.
pub(super) fn work_out(device: &mut Device, message: &RoundOpened) -> Option<Arc<[u8]>> {
    let mut effects = device.handle(device::Input::Round(message.encode()));
    while device.has_work() {
        effects.extend(device.work());
    }
    posted(effects)
}

/// What a device posts, if it does.
pub(super) fn posted(effects: Vec<device::Effect>) -> Option<Arc<[u8]>> {
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

//! A room's logic: who is in, when a round opens and closes, what becomes of its updates.
//!
//! A round waits for nobody who is gone: whether it is complete is looked at again after every input.

mod arm;
mod fingerprint;
mod io;
mod round;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use io::{Answer, Command, Effect, Event, Input, Message, Outcome};

use crate::config::{CheckedConfig, limits};
use crate::ids::{CoalitionId, DeviceId, Round, RunId, Slot};
use crate::model::Network;
use crate::params::Params;
use crate::rejection::Rejection;
use crate::view::{DeviceRow, DeviceState, Phase, Traffic, View};
use crate::wire::{Configured, Farewell, Models, PROTOCOL, RoundOpened, Update};

use arm::Arm;
use fingerprint::Fingerprint;
use round::{OpenRound, Participant, Purpose};

/// A room's state machine. Drivers give it inputs with the time in milliseconds, which must not go backwards, do what
/// its effects say, and come back with [`Input::Tick`] at [`Coordinator::next_deadline`].
#[derive(Debug)]
pub struct Coordinator {
    members: BTreeMap<DeviceId, Member>,
    will: Will,
    run: Run,
}

/// A device of the room.
#[derive(Debug)]
struct Member {
    slot: Slot,
    name: String,
    connected: bool,
    state: DeviceState,
    /// The last round it answered in this run.
    answered: Round,
    bytes_up: u64,
    bytes_down: u64,
    refused: u32,
    last_refusal: Option<&'static str>,
}

/// What the desk wants of the rounds to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Will {
    /// None has been asked for yet.
    Gather,
    /// One after the other.
    Go,
    /// One, then none.
    OneRound,
    /// None for now.
    Hold,
}

/// Everything that a reset begins anew.
#[derive(Debug)]
struct Run {
    id: RunId,
    config: CheckedConfig,
    models: Arc<Models>,
    arms: Vec<Arm>,
    stage: Stage,
    /// The last round that was closed; 0 before the first.
    closed: Round,
    fingerprint: Fingerprint,
    traffic: Traffic,
    refusals: BTreeMap<String, u32>,
}

/// What a run is doing.
#[derive(Debug)]
enum Stage {
    /// No round is open; one may open as soon as the desk and the devices are ready.
    Idle,
    /// No round is open, and none may open before this time, in ms.
    Resting(u64),
    /// A round is open.
    Open(OpenRound),
    /// No round will open any more.
    Finished,
}

impl Run {
    fn new(id: RunId, config: CheckedConfig) -> Self {
        let network = Network::new(&config.model, config.data.dataset);
        let initial = Arc::new(network.initial(config.seed));
        let models = Models {
            spec: Arc::clone(network.spec()),
            arms: config.arms.iter().map(|arm| arm.name.clone()).collect(),
            uploading: config
                .arms
                .iter()
                .filter(|a| a.strategy.uploads())
                .map(|arm| arm.name.clone())
                .collect(),
        };
        Self {
            id,
            models: Arc::new(models),
            arms: config
                .arms
                .iter()
                .map(|arm| Arm::new(arm, &initial))
                .collect(),
            stage: Stage::Idle,
            closed: Round(0),
            fingerprint: Fingerprint::default(),
            traffic: Traffic::default(),
            refusals: BTreeMap::new(),
            config,
        }
    }

    fn group_of(&self, slot: Slot) -> Option<u32> {
        self.config
            .data
            .groups
            .as_ref()
            .map(|groups| slot.0 % groups.count)
    }

    /// The round whose updates are awaited, or the last one that is over.
    fn current_round(&self) -> Round {
        match &self.stage {
            Stage::Open(open) => open.round,
            // The closing evaluation counts as a round of its own, and is over.
            Stage::Finished => self.closed.next(),
            Stage::Idle | Stage::Resting(_) => self.closed,
        }
    }
}

/// Effects of one input, in order.
#[derive(Default)]
struct Effects(Vec<Effect>);

impl Effects {
    fn send(&mut self, device: DeviceId, message: Message) {
        self.0.push(Effect::Send { device, message });
    }

    fn record(&mut self, event: Event) {
        self.0.push(Effect::Record(event));
    }
}

impl Coordinator {
    /// A room without devices.
    #[must_use]
    pub fn new(config: CheckedConfig) -> Self {
        Self {
            members: BTreeMap::new(),
            will: Will::Gather,
            run: Run::new(RunId(1), config),
        }
    }

    /// Takes an input. A refused one changes nothing but counters.
    pub fn handle(&mut self, now_ms: u64, input: Input) -> Outcome {
        let mut effects = Effects::default();
        let answer = match input {
            Input::Joined { device, name } => self.joined(device, name, &mut effects),
            Input::Connected(device) => self.connected(device, &mut effects),
            Input::Disconnected(device) => {
                self.disconnected(device);
                Ok(Answer::Done)
            }
            Input::Left(device) => self.left(device, Farewell::Left, &mut effects),
            Input::Update {
                device,
                bytes,
                update,
            } => self.update(device, bytes, *update, &mut effects),
            Input::Refused { device, code } => {
                self.count_refusal(device, code, &mut effects);
                self.wait_no_more(device);
                Ok(Answer::Done)
            }
            Input::MessageRefused { device, code } => {
                self.count_refusal(device, code, &mut effects);
                Ok(Answer::Done)
            }
            Input::Sent { device, bytes } => {
                self.run.traffic.bytes_down += bytes;
                if let Some(member) = self.members.get_mut(&device) {
                    member.bytes_down += bytes;
                }
                Ok(Answer::Done)
            }
            Input::Desk(command) => self.desk(command, &mut effects),
            Input::Tick => Ok(Answer::Done),
        };
        self.advance(now_ms, &mut effects);
        effects.0.push(Effect::Publish);
        Outcome {
            answer,
            effects: effects.0,
        }
    }

    /// When [`Input::Tick`] is due next, in the driver's milliseconds.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        match &self.run.stage {
            Stage::Resting(until) => Some(*until),
            Stage::Open(open) => open.deadline_ms,
            Stage::Idle | Stage::Finished => None,
        }
    }

    /// Shape of the run's models, for decoding updates. Another `Arc` after every change of the run.
    #[must_use]
    pub fn models(&self) -> &Arc<Models> {
        &self.run.models
    }

    /// A published model: the arm's global model, or a coalition's barycenter.
    #[must_use]
    pub fn model(&self, arm: &str, coalition: Option<CoalitionId>) -> Option<Arc<Params>> {
        self.run
            .arms
            .iter()
            .find(|a| a.name() == arm)?
            .model(coalition)
    }

    /// The run's configuration.
    #[must_use]
    pub fn config(&self) -> &CheckedConfig {
        &self.run.config
    }

    /// Number of connected devices.
    #[must_use]
    pub fn connected_devices(&self) -> usize {
        self.members
            .values()
            .filter(|member| member.connected)
            .count()
    }

    /// The view for pages.
    #[must_use]
    pub fn view(&self, room: &str, seq: u32) -> View {
        let run = &self.run;
        let in_room: BTreeSet<DeviceId> = self.members.keys().copied().collect();
        let row = |(&id, member): (&DeviceId, &Member)| DeviceRow {
            id,
            slot: member.slot,
            name: member.name.clone(),
            state: member.state,
            group: run.group_of(member.slot),
            examples: run.config.data.examples,
            bytes_up: member.bytes_up,
            bytes_down: member.bytes_down,
            refused: member.refused,
            last_refusal: member.last_refusal.map(str::to_owned),
        };
        View {
            seq,
            room: room.to_owned(),
            run: run.id,
            phase: self.phase(),
            round: Round(run.current_round().0.min(run.config.rounds)),
            seed: run.config.seed,
            fingerprint: run.fingerprint.to_hex(),
            config: (*run.config).clone(),
            devices: self.members.iter().map(row).collect(),
            arms: run.arms.iter().map(|arm| arm.view(&in_room)).collect(),
            traffic: run.traffic,
            refusals: run.refusals.clone(),
        }
    }

    fn phase(&self) -> Phase {
        match (&self.run.stage, self.will) {
            (
                Stage::Open(OpenRound {
                    purpose: Purpose::Train,
                    ..
                }),
                _,
            ) => Phase::Training,
            (
                Stage::Open(OpenRound {
                    purpose: Purpose::Evaluate,
                    ..
                }),
                _,
            ) => Phase::Evaluating,
            (Stage::Finished, _) => Phase::Finished,
            (_, Will::Gather) => Phase::Lobby,
            (_, Will::Hold) => Phase::Paused,
            (Stage::Resting(_), _) => Phase::Resting,
            (Stage::Idle, _) => Phase::Waiting,
        }
    }

    fn joined(
        &mut self,
        device: DeviceId,
        name: String,
        effects: &mut Effects,
    ) -> Result<Answer, Rejection> {
        if self.members.len() >= limits::DEVICES as usize {
            return Err(Rejection::RoomFull(limits::DEVICES));
        }
        let taken: BTreeSet<Slot> = self.members.values().map(|member| member.slot).collect();
        // One of so many must be free.
        let slot = (0..=limits::DEVICES)
            .map(Slot)
            .find(|slot| !taken.contains(slot))
            .unwrap_or_default();
        let member = Member {
            slot,
            name,
            connected: false,
            state: DeviceState::Away,
            answered: Round(0),
            bytes_up: 0,
            bytes_down: 0,
            refused: 0,
            last_refusal: None,
        };
        self.members.insert(device, member);
        effects.record(Event::Joined { device, slot });
        Ok(Answer::Joined(slot))
    }

    fn connected(&mut self, device: DeviceId, effects: &mut Effects) -> Result<Answer, Rejection> {
        let member = self
            .members
            .get_mut(&device)
            .ok_or(Rejection::UnknownDevice(device))?;
        member.connected = true;
        member.state = DeviceState::Ready;
        let slot = member.slot;
        effects.send(device, configured(&self.run, device, slot));
        match &mut self.run.stage {
            Stage::Finished => effects.send(device, Message::RunFinished),
            // Back in time, or a reloaded tab that was never missed: the round is asked again.
            Stage::Open(open) => match open.cohort.get_mut(&device) {
                Some(
                    participant @ (Participant::Gone | Participant::Awaited | Participant::Refused),
                ) => {
                    *participant = Participant::Awaited;
                    member.state = DeviceState::Training;
                    let message = round_opened(
                        &self.run.arms,
                        self.run.id,
                        &self.run.config,
                        open.round,
                        open.purpose,
                        device,
                    );
                    effects.send(device, Message::RoundOpened(Arc::new(message)));
                }
                Some(Participant::Answered(_)) => member.state = DeviceState::Sent,
                None => {}
            },
            Stage::Idle | Stage::Resting(_) => {}
        }
        Ok(Answer::Done)
    }

    fn disconnected(&mut self, device: DeviceId) {
        if let Some(member) = self.members.get_mut(&device) {
            member.connected = false;
            member.state = DeviceState::Away;
        }
        if let Stage::Open(open) = &mut self.run.stage
            && let Some(participant @ (Participant::Awaited | Participant::Refused)) =
                open.cohort.get_mut(&device)
        {
            *participant = Participant::Gone;
        }
    }

    fn left(
        &mut self,
        device: DeviceId,
        farewell: Farewell,
        effects: &mut Effects,
    ) -> Result<Answer, Rejection> {
        self.members
            .remove(&device)
            .ok_or(Rejection::UnknownDevice(device))?;
        if let Stage::Open(open) = &mut self.run.stage
            && !matches!(open.cohort.get(&device), Some(Participant::Answered(_)))
        {
            open.cohort.remove(&device);
        }
        effects.send(device, Message::Farewell(farewell));
        effects.record(Event::Left { device });
        Ok(Answer::Done)
    }

    fn update(
        &mut self,
        device: DeviceId,
        bytes: u64,
        update: Update,
        effects: &mut Effects,
    ) -> Result<Answer, Rejection> {
        self.run.traffic.bytes_up += bytes;
        if let Some(member) = self.members.get_mut(&device) {
            member.bytes_up += bytes;
        }
        let report = update.report.clone();
        let (round, answer) = match self.accept(device, update) {
            Ok(accepted) => accepted,
            Err(rejection) => {
                self.count_refusal(device, rejection.code(), effects);
                return Err(rejection);
            }
        };
        if answer == Answer::Accepted {
            effects.record(Event::Accepted {
                round,
                device,
                bytes,
                report,
            });
        }
        Ok(answer)
    }

    fn accept(&mut self, device: DeviceId, update: Update) -> Result<(Round, Answer), Rejection> {
        let current = self.run.current_round();
        let member = self
            .members
            .get_mut(&device)
            .ok_or(Rejection::UnknownDevice(device))?;
        let sent = update.round;
        if update.run != self.run.id {
            return Err(Rejection::Stale { sent, current });
        }
        if member.answered == sent && sent > Round(0) {
            return Ok((sent, Answer::Duplicate));
        }
        if sent > current {
            return Err(Rejection::FutureRound { sent, current });
        }
        let open = match &mut self.run.stage {
            Stage::Open(open) if open.round == sent => open,
            _ => return Err(Rejection::Stale { sent, current }),
        };
        let participant = open.cohort.get_mut(&device).ok_or(Rejection::NotInCohort {
            device,
            round: sent,
        })?;
        match (
            open.purpose,
            update.weights.is_empty() && !self.run.models.uploading.is_empty(),
        ) {
            (Purpose::Train, true) => {
                return Err(Rejection::WrongKind(
                    "this round asks for weights, and the update has none",
                ));
            }
            (Purpose::Evaluate, _) if !update.weights.is_empty() => {
                return Err(Rejection::WrongKind(
                    "this round asks for a report only, and the update has weights",
                ));
            }
            _ => {}
        }
        *participant = Participant::Answered(Box::new(update));
        member.answered = sent;
        // The post of a device whose socket is lost may still arrive.
        if member.connected {
            member.state = DeviceState::Sent;
        }
        Ok((sent, Answer::Accepted))
    }

    /// A device whose update could not be read is no longer waited for in this round. A better one may still come.
    fn wait_no_more(&mut self, device: DeviceId) {
        if let Stage::Open(open) = &mut self.run.stage
            && let Some(participant @ Participant::Awaited) = open.cohort.get_mut(&device)
        {
            *participant = Participant::Refused;
            if let Some(member) = self.members.get_mut(&device) {
                member.state = DeviceState::Ready;
            }
        }
    }

    fn count_refusal(&mut self, device: DeviceId, code: &'static str, effects: &mut Effects) {
        let Some(member) = self.members.get_mut(&device) else {
            return;
        };
        member.refused += 1;
        member.last_refusal = Some(code);
        *self.run.refusals.entry(code.to_owned()).or_default() += 1;
        effects.record(Event::Refused { device, code });
    }

    fn desk(&mut self, command: Command, effects: &mut Effects) -> Result<Answer, Rejection> {
        let wrong_phase = |phase, command| Err(Rejection::WrongPhase { command, phase });
        let phase = self.phase();
        match command {
            Command::Start | Command::Step
                if matches!(phase, Phase::Finished | Phase::Evaluating) =>
            {
                return wrong_phase(
                    phase,
                    if command == Command::Start {
                        "start"
                    } else {
                        "step"
                    },
                );
            }
            Command::Pause
                if matches!(phase, Phase::Lobby | Phase::Finished | Phase::Evaluating) =>
            {
                return wrong_phase(phase, "pause");
            }
            Command::Start => self.will = Will::Go,
            Command::Pause => self.will = Will::Hold,
            Command::Step => self.will = Will::OneRound,
            Command::Remove(device) => return self.left(device, Farewell::Removed, effects),
            Command::Reset(seed) => {
                let config = self
                    .run
                    .config
                    .with_seed(seed.unwrap_or(self.run.config.seed));
                self.begin_run(config, effects);
            }
            Command::Configure(config) => self.begin_run(*config, effects),
        }
        Ok(Answer::Done)
    }

    fn begin_run(&mut self, config: CheckedConfig, effects: &mut Effects) {
        let id = RunId(self.run.id.0 + 1);
        self.run = Run::new(id, config);
        self.will = Will::Gather;
        effects.record(Event::RunConfigured {
            run: id,
            config: Box::new((*self.run.config).clone()),
        });
        for (&device, member) in &mut self.members {
            member.answered = Round(0);
            (
                member.bytes_up,
                member.bytes_down,
                member.refused,
                member.last_refusal,
            ) = (0, 0, 0, None);
            if member.connected {
                member.state = DeviceState::Ready;
                effects.send(device, configured(&self.run, device, member.slot));
            }
        }
    }

    /// Opens and closes rounds as far as time, devices and desk allow.
    fn advance(&mut self, now_ms: u64, effects: &mut Effects) {
        loop {
            let connected = self.connected_devices();
            let pacing = &self.run.config.pacing;
            if self.will == Will::Gather
                && pacing
                    .start_at
                    .is_some_and(|enough| connected >= enough as usize)
            {
                self.will = Will::Go;
            }
            let enough = connected >= pacing.min_devices as usize;
            match &mut self.run.stage {
                Stage::Resting(until) if now_ms >= *until => self.run.stage = Stage::Idle,
                Stage::Idle if self.run.closed.0 >= self.run.config.rounds => {
                    self.open(now_ms, Purpose::Evaluate, effects);
                }
                Stage::Idle if enough && matches!(self.will, Will::Go | Will::OneRound) => {
                    self.open(now_ms, Purpose::Train, effects);
                }
                Stage::Open(open) if open.is_complete() => self.close(now_ms, effects),
                Stage::Open(open) if open.deadline_ms.is_none_or(|deadline| now_ms >= deadline) => {
                    let least = if open.purpose == Purpose::Train {
                        pacing.min_devices as usize
                    } else {
                        0
                    };
                    if open.answered() >= least {
                        self.close(now_ms, effects);
                    } else {
                        // What has been accepted is not thrown away; the room waits for the minimum it was told.
                        open.deadline_ms = None;
                        return;
                    }
                }
                Stage::Resting(_) | Stage::Idle | Stage::Open(_) | Stage::Finished => return,
            }
        }
    }

    fn open(&mut self, now_ms: u64, purpose: Purpose, effects: &mut Effects) {
        let run = &mut self.run;
        let round = run.closed.next();
        let cohort: Vec<DeviceId> = self
            .members
            .iter()
            .filter(|(_, member)| member.connected)
            .map(|(id, _)| *id)
            .collect();
        if purpose == Purpose::Train {
            effects.record(Event::RoundOpened {
                round,
                cohort: cohort.clone(),
            });
        }
        // Devices that start from the same models share one message, which is then encoded once.
        let mut messages: Vec<Arc<RoundOpened>> = Vec::new();
        for &device in &cohort {
            let message = round_opened(&run.arms, run.id, &run.config, round, purpose, device);
            let shared = messages
                .iter()
                .find(|known| known.same_models(&message))
                .cloned();
            let shared = shared.unwrap_or_else(|| {
                let message = Arc::new(message);
                messages.push(Arc::clone(&message));
                message
            });
            effects.send(device, Message::RoundOpened(shared));
        }
        for (id, member) in &mut self.members {
            if cohort.contains(id) {
                member.state = DeviceState::Training;
            }
        }
        run.stage = Stage::Open(OpenRound {
            round,
            purpose,
            opened_ms: now_ms,
            deadline_ms: Some(now_ms + u64::from(run.config.pacing.deadline_ms)),
            cohort: cohort
                .into_iter()
                .map(|device| (device, Participant::Awaited))
                .collect(),
        });
    }

    fn close(&mut self, now_ms: u64, effects: &mut Effects) {
        let run = &mut self.run;
        let Stage::Open(open) = core::mem::replace(&mut run.stage, Stage::Idle) else {
            return;
        };
        let (round, next_ms) = (
            open.round,
            open.opened_ms + u64::from(run.config.pacing.pace_ms),
        );
        let (updates, missing) = open.into_updates();
        for (id, member) in &mut self.members {
            if missing.contains(id) && member.connected {
                member.state = DeviceState::Late;
            }
        }
        let groups: BTreeMap<DeviceId, Option<u32>> = self
            .members
            .iter()
            .map(|(id, member)| (*id, run.group_of(member.slot)))
            .collect();
        for arm in &mut run.arms {
            arm.measure(run.closed, &updates, &groups);
        }
        if round.0 > run.config.rounds {
            run.stage = Stage::Finished;
            effects.record(Event::RunFinished);
            for (&device, member) in self
                .members
                .iter_mut()
                .filter(|(_, member)| member.connected)
            {
                member.state = DeviceState::Ready;
                effects.send(device, Message::RunFinished);
            }
            return;
        }
        if updates.is_empty() {
            // Nobody answered: the round is opened again, not faster than rounds may follow each other.
            run.stage = Stage::Resting(next_ms.max(now_ms + RETRY_MS));
            return;
        }
        for arm in &mut run.arms {
            arm.close(run.config.seed, round, &updates, &groups);
        }
        run.closed = round;
        run.traffic.rounds = round.0;
        run.fingerprint.add(round, &run.arms);
        effects.record(Event::RoundClosed {
            round,
            fingerprint: run.fingerprint.to_hex(),
            missing,
            coalitions: run
                .arms
                .iter()
                .map(|arm| (arm.name().to_owned(), arm.coalitions()))
                .collect(),
        });
        if round.0 < run.config.rounds {
            run.stage = Stage::Resting(next_ms);
            if self.will == Will::OneRound {
                self.will = Will::Hold;
            }
        }
    }
}

/// Least time between two openings of a round that nobody answered.
const RETRY_MS: u64 = 1_000;

fn configured(run: &Run, device: DeviceId, slot: Slot) -> Message {
    let config = (*run.config).clone();
    Message::Configured(Box::new(Configured {
        protocol: PROTOCOL,
        run: run.id,
        device,
        slot,
        config,
    }))
}

fn round_opened(
    arms: &[Arm],
    run: RunId,
    config: &CheckedConfig,
    round: Round,
    purpose: Purpose,
    device: DeviceId,
) -> RoundOpened {
    let training = (purpose == Purpose::Train).then(|| config.training.clone());
    RoundOpened {
        run,
        round,
        training,
        arms: arms.iter().map(|arm| arm.plan(device)).collect(),
    }
}

#[cfg(test)]
mod tests;

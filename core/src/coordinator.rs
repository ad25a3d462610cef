//! A room's logic: who is in, when a round opens and closes, what becomes of its updates.
//!
//! A round waits for nobody who is gone: whether it is complete is looked at again after every input.

mod arm;
mod cohort;
mod desk;
mod distances;
mod feed;
mod fingerprint;
mod io;
mod membership;
mod memberships;
mod plans;
mod publishing;
mod roster;
mod round;
mod rounds;
mod sketches;
mod traffic;
mod updates;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use io::{Answer, Command, Effect, Event, Input, Message, Outcome, Profile, ShorterPlan};
pub use roster::Roster;

use crate::attack::Mischief;
use crate::by_name::ByName;
use crate::config::{CheckedConfig, Encodings};
use crate::data::label_counts;
use crate::encoding::{Encoding, ModelHash, Payload};
use crate::ids::{CoalitionId, DeviceId, Round, RunId, Slot};
use crate::model::Network;
use crate::params::Params;
use crate::recording::Moment;
use crate::rejection::Code;
use crate::strategy::Beginning;
use crate::view::{CohortView, DeviceRow, DeviceState, Distances, Memberships, Phase, View};
use crate::wire::{ArmPlan, Configured, Encoded, Farewell, Models, PROTOCOL, RoundOpened};

use arm::Arm;
use feed::Feed;
use fingerprint::Fingerprint;
use publishing::GivenModels;
use round::{OpenRound, Purpose};
use traffic::{RunTraffic, Span};

/// A room's state machine. Drivers give it inputs with the time in milliseconds, which must not go backwards, do what
/// its effects say, and come back with [`Input::Tick`] at [`Coordinator::next_deadline`].
#[derive(Debug)]
pub struct Coordinator {
    members: BTreeMap<DeviceId, Member>,
    will: Will,
    /// The desk lets nobody new in.
    locked: bool,
    run: Run,
    feed: Feed,
    maps: Maps,
    /// Whether the desk allows devices to be difficult.
    mischief: bool,
}

/// Whether distances between devices are measured and drawn, which costs a round N² inner products of whole models
/// for every arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maps {
    Drawn,
    LeftOut,
}

/// A device of the room.
#[derive(Debug)]
struct Member {
    slot: Slot,
    name: String,
    profile: Profile,
    connected: bool,
    /// Whether it can train: at once, or once it has read the table that its user brings.
    has_data: bool,
    state: DeviceState,
    /// The last round it answered in this run.
    answered: Round,
    /// Training examples by its last report in this run.
    examples: Option<u32>,
    /// Its share of the data set by label.
    labels: Vec<u32>,
    bytes_up: u64,
    bytes_down: u64,
    refused: u32,
    last_refusal: Option<Code>,
    /// By its last report in this run.
    mischief: Option<Mischief>,
    /// How often its steps are halved in the next round.
    halvings: u32,
    /// What it was given last in this run.
    given: GivenModels,
    /// Names of those of them that it has on this connection, so that deltas can be added to them.
    has: BTreeSet<String>,
}

impl Member {
    /// Of a run that has not begun, and without a connection.
    fn new(slot: Slot, name: String, profile: Profile, labels: Vec<u32>) -> Self {
        Self {
            slot,
            name,
            profile,
            connected: false,
            has_data: false,
            state: DeviceState::Away,
            answered: Round(0),
            examples: None,
            labels,
            bytes_up: 0,
            bytes_down: 0,
            refused: 0,
            last_refusal: None,
            mischief: None,
            halvings: 0,
            given: GivenModels::new(),
            has: BTreeSet::new(),
        }
    }

    /// Whether a round can ask it.
    fn is_present(&self) -> bool {
        self.connected && self.has_data
    }

    /// Connected, and in no round.
    fn idle_state(&self) -> DeviceState {
        if self.has_data {
            DeviceState::Ready
        } else {
            DeviceState::WithoutData
        }
    }
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
    /// The model that everybody can compute.
    initial: Arc<Params>,
    /// "It is the initial one."
    same_as_initial: Arc<Encoded>,
    models: Arc<Models>,
    arms: Vec<Arm>,
    stage: Stage,
    /// The last round that was closed; 0 before the first.
    closed: Round,
    /// How often the next round has been opened and nobody answered.
    unanswered: u32,
    fingerprint: Fingerprint,
    /// Who takes part in the training round that was opened last.
    cohort: CohortView,
    traffic: RunTraffic,
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
        let network = Network::new(&config.model, config.data.shape());
        let another = |number| Arc::new(network.initial_of(config.seed, number));
        let beginning = Beginning {
            initial: another(0),
            another: &another,
            training: &config.training,
        };
        let models = Models::new(id, &config, network.spec());
        Self {
            id,
            same_as_initial: Arc::new(Encoded {
                reference: ModelHash::of(&beginning.initial),
                payload: Payload::Same,
            }),
            initial: Arc::clone(&beginning.initial),
            models: Arc::new(models),
            arms: config
                .arms
                .iter()
                .map(|arm| Arm::new(id, arm, &beginning))
                .collect(),
            stage: Stage::Idle,
            closed: Round(0),
            unanswered: 0,
            fingerprint: Fingerprint::default(),
            cohort: CohortView::default(),
            traffic: RunTraffic::new(config.arms.len()),
            refusals: BTreeMap::new(),
            config,
        }
    }

    fn labels_of(&self, slot: Slot) -> Vec<u32> {
        label_counts(&self.config.data, self.config.seed, slot)
    }

    fn group_of(&self, slot: Slot) -> Option<u32> {
        self.config
            .data
            .groups
            .as_ref()
            .map(|groups| groups.of(slot))
    }

    /// What bytes that cross the wire now belong to.
    fn span(&self) -> Span {
        match &self.stage {
            Stage::Open(open) if open.purpose == Purpose::Evaluate => Span::Evaluation,
            Stage::Finished => Span::Evaluation,
            Stage::Open(_) | Stage::Idle | Stage::Resting(_) => Span::Round,
        }
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
        Self::from_roster(Roster::empty(config))
    }

    /// A room without devices that nobody looks at: there are no maps, and no distances to ask for.
    #[must_use]
    pub fn without_maps(config: CheckedConfig) -> Self {
        Self {
            maps: Maps::LeftOut,
            ..Self::new(config)
        }
    }

    /// Takes an input. One that it refuses changes nothing but counters.
    pub fn handle(&mut self, now_ms: u64, input: Input) -> Outcome {
        let mut effects = Effects::default();
        let answer = match input {
            Input::Joined {
                device,
                name,
                profile,
            } => self.joined(device, name, profile, &mut effects),
            Input::Connected(device) => self.connected(device, &mut effects),
            Input::Ready { device, run } => {
                self.ready(device, run, &mut effects);
                Ok(Answer::Done)
            }
            Input::SendInFull { device, run } => {
                if run == self.run.id {
                    self.send_in_full(device, &mut effects);
                }
                Ok(Answer::Done)
            }
            Input::Disconnected(device) => {
                self.disconnected(device, &mut effects);
                Ok(Answer::Done)
            }
            Input::Left(device) => self.left(device, Farewell::Left, &mut effects),
            Input::Update {
                device,
                bytes,
                update,
            } => self.update(now_ms, device, bytes, *update, &mut effects),
            Input::Refused { device, code } => {
                self.count_refusal(device, code, &mut effects);
                self.wait_no_more(device);
                Ok(Answer::Done)
            }
            Input::StrangerRefused { code } => {
                *self.run.refusals.entry(code.into_owned()).or_default() += 1;
                Ok(Answer::Done)
            }
            Input::MessageRefused { device, code } => {
                self.count_refusal(device, code, &mut effects);
                Ok(Answer::Done)
            }
            Input::Sent {
                device,
                bytes,
                alone,
            } => {
                self.sent(device, bytes, &alone);
                Ok(Answer::Done)
            }
            Input::Desk(command) => self.desk(command, &mut effects),
            Input::Tick => Ok(Answer::Done),
        };
        self.advance(now_ms, &mut effects);
        for effect in &effects.0 {
            if let Effect::Record(event) = effect {
                self.feed.take(event);
            }
        }
        effects.0.push(Effect::Publish);
        Outcome {
            answer,
            effects: effects.0,
        }
    }

    /// Whether an input may close a round, and so be much work.
    #[must_use]
    pub fn may_take_long(&self, input: &Input) -> bool {
        match input {
            Input::Sent { .. } | Input::MessageRefused { .. } | Input::StrangerRefused { .. } => {
                false
            }
            Input::Update { device, .. } => match &self.run.stage {
                Stage::Open(open) => !open.awaits_others_than(*device),
                Stage::Idle | Stage::Resting(_) | Stage::Finished => false,
            },
            _ => true,
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
        self.arm(arm)?.model(coalition)
    }

    /// Who was in which coalition of an arm in the closed rounds after one; `None` if there is no such arm.
    #[must_use]
    pub fn memberships(&self, arm: &str, after: Round) -> Option<Memberships> {
        Some(Memberships {
            run: self.run.id,
            rounds: self.arm(arm)?.memberships(after),
        })
    }

    /// Distances between the weights of an arm's last closed round; `None` if there is no such arm.
    #[must_use]
    pub fn distances(&self, arm: &str) -> Option<Arc<Distances>> {
        Some(Arc::clone(self.arm(arm)?.distances()))
    }

    /// The run's configuration.
    #[must_use]
    pub fn config(&self) -> &CheckedConfig {
        &self.run.config
    }

    /// What the devices of the room are doing.
    pub fn device_states(&self) -> impl Iterator<Item = DeviceState> {
        self.members.values().map(|member| member.state)
    }

    /// Devices whose sockets are open, as far as the room has heard.
    pub fn with_sockets(&self) -> impl Iterator<Item = DeviceId> {
        let members = self.members.iter();
        members
            .filter(|(_, member)| member.connected)
            .map(|(device, _)| *device)
    }

    /// Number of connected devices that have data.
    #[must_use]
    pub fn connected_devices(&self) -> usize {
        self.members
            .values()
            .filter(|member| member.is_present())
            .count()
    }

    /// The view for pages.
    #[must_use]
    pub fn view(&self, room: &str, seq: u32) -> View {
        let run = &self.run;
        let in_room: BTreeSet<DeviceId> = self.members.keys().copied().collect();
        let share = |slot| run.config.data.examples_of(run.config.seed, slot);
        let row = |(&id, member): (&DeviceId, &Member)| DeviceRow {
            id,
            slot: member.slot,
            name: member.name.clone(),
            state: member.state,
            group: run.group_of(member.slot),
            examples: member.examples.unwrap_or_else(|| share(member.slot)),
            labels: member.labels.clone(),
            bytes_up: member.bytes_up,
            bytes_down: member.bytes_down,
            refused: member.refused,
            last_refusal: member.last_refusal.as_deref().map(str::to_owned),
            mischief: member.mischief,
            halvings: member.halvings,
        };
        View {
            seq,
            room: room.to_owned(),
            run: run.id,
            phase: self.phase(),
            round: Round(run.current_round().0.min(run.config.rounds)),
            locked: self.locked,
            seed: run.config.seed,
            fingerprint: run.fingerprint.to_hex(),
            config: (*run.config).clone(),
            mischief_allowed: self.mischief,
            devices: self.members.iter().map(row).collect(),
            arms: run
                .arms
                .iter()
                .zip(run.traffic.arms())
                .map(|(arm, traffic)| arm.view(&in_room, *traffic))
                .collect(),
            cohort: run.cohort.clone(),
            traffic: run.traffic.view(run.closed.0),
            refusals: run.refusals.clone(),
            feed: self.feed.view(),
        }
    }

    /// What a recording of the room looks at.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let devices = self.members.iter();
        Moment {
            run: self.run.id,
            phase: self.phase(),
            round: self.run.current_round(),
            closed: self.run.closed,
            devices: devices.map(|(&id, m)| (id, m.is_present())).collect(),
        }
    }

    fn arm(&self, name: &str) -> Option<&Arm> {
        self.run.arms.iter().find(|arm| arm.name() == name)
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
}

fn configured(run: &Run, mischief: bool, device: DeviceId, slot: Slot) -> Message {
    let config = (*run.config).clone();
    Message::Configured(Box::new(Configured {
        protocol: PROTOCOL,
        run: run.id,
        device,
        slot,
        config,
        mischief,
    }))
}

/// A round for a device that is to get the models `given` for those of its plans. What it has already comes as deltas.
fn round_opened(
    run: &Run,
    round: Round,
    purpose: Purpose,
    halvings: u32,
    plans: &[ArmPlan],
    member: &mut Member,
    given: GivenModels,
) -> RoundOpened {
    let knows = |encoding: Encoding| {
        let kind = encoding.kind();
        kind.is_some_and(|kind| member.profile.encodings.contains(&kind))
    };
    let Encodings { up, down } = run.config.encodings;
    let mut deltas = ByName::new();
    for (name, given) in given.iter().filter(|_| knows(down)) {
        let before = member.given.get(name).filter(|_| member.has.contains(name));
        let delta = if Arc::ptr_eq(&given.model, &run.initial) {
            Some(&run.same_as_initial)
        } else {
            before.and_then(|before| given.delta_to(&before.model))
        };
        deltas.extend(delta.map(|delta| (name.clone(), Arc::clone(delta))));
    }
    let arms = plans.iter().map(|plan| ArmPlan {
        task: plan.task.with_models(&plan.name, |name, model| {
            Arc::clone(given.get(name).map_or(model, |given| &given.model))
        }),
        name: plan.name.clone(),
        coalition: plan.coalition,
    });
    let message = RoundOpened {
        run: run.id,
        round,
        training: (purpose == Purpose::Train).then(|| run.config.training.clone()),
        halvings,
        arms: arms.collect(),
        upload: if knows(up) { up } else { Encoding::default() },
        deltas,
    };
    member.has.extend(given.keys().cloned());
    member.given.extend(given);
    message
}

#[cfg(test)]
mod tests;

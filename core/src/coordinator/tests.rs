//! A room driven by hand. Every device sends a model of its own, in which one value tells who sent it and in which
//! round, so that a global model shows who is counted in it, and how often.

mod boards;
mod cohort;
mod desk;
mod encodings;
mod feed;
mod fingerprint;
mod kept;
mod methods;
mod mischief;
mod plans;
mod reference;
mod refusals;
mod room;
mod rounds;
mod run;
mod simulation;
mod sketches;
mod table;
mod traffic;

use super::rounds::RETRY_MS;
use super::*;
use kept::Journal;

use crate::config::{
    ArmConfig, DataConfig, Formation, GroupKind, Groups, Order, PacingConfig, Participation,
    RunConfig, SlowDevices, StrategyConfig, limits,
};
use crate::model::ModelConfig;
use crate::rejection::Rejection;
use crate::view::ArmView;
use crate::wire::{ArmReport, Report, SendWeights, Update, WireError};

const DEADLINE_MS: u64 = 5_000;
const PACE_MS: u64 = 1_000;
/// Bytes that every post is said to have.
const POST: u64 = 100;
const AVERAGED: &str = "fed_avg";
const GROUPED: &str = "coalition_models";

/// Three rounds that start with two devices.
fn config() -> RunConfig {
    let arm = |strategy| ArmConfig {
        name: String::new(),
        strategy,
    };
    RunConfig {
        rounds: 3,
        model: ModelConfig::Softmax {},
        data: DataConfig {
            groups: Some(Groups::equal(2, GroupKind::Rotation)),
            ..DataConfig::default()
        },
        pacing: PacingConfig {
            min_devices: 2,
            start_at: None,
            deadline_ms: DEADLINE_MS as u32,
            pace_ms: PACE_MS as u32,
            participation: None,
            slow_devices: SlowDevices::ShorterPlan,
        },
        arms: vec![
            arm(StrategyConfig::LocalOnly {}),
            arm(StrategyConfig::FedAvg {}),
            arm(StrategyConfig::CoalitionModels {
                formation: Formation {
                    k: 2,
                    ..Formation::default()
                },
            }),
        ],
        ..RunConfig::default()
    }
}

/// What marks a device's model: another number in every round of every run.
fn mark(run: RunId, round: Round) -> f32 {
    100.0 * run.0 as f32 + round.0 as f32
}

/// Who is counted in a model that is the plain mean of some devices' models of one round, each once.
fn counted(global: &Params, run: RunId, round: Round) -> Vec<u32> {
    let inside = |(device, value): (usize, &f32)| (*value != 0.0).then_some(device as u32);
    let devices: Vec<u32> = global
        .values()
        .iter()
        .enumerate()
        .filter_map(inside)
        .collect();
    let share = mark(run, round) / devices.len() as f32;
    for &device in &devices {
        let value = global.values()[device as usize];
        assert!(
            (value - share).abs() < share * 1e-6,
            "device {device} counts {value} in round {round}, and each of {devices:?} should count {share}"
        );
    }
    devices
}

struct Room {
    coordinator: Coordinator,
    /// What a driver would have kept.
    journal: Journal,
    now_ms: u64,
    joined: u32,
}

impl Room {
    fn new(config: RunConfig) -> Self {
        Self {
            journal: Journal::new(&Roster::empty(config.clone().check().unwrap())),
            coordinator: Coordinator::new(config.check().unwrap()),
            now_ms: 0,
            joined: 0,
        }
    }

    /// A room whose devices 1 to `devices` are connected, with the first round open.
    fn started(devices: u32, config: RunConfig) -> Self {
        let mut room = Self::new(config);
        for _ in 0..devices {
            room.enter();
        }
        assert_eq!(room.desk(Command::Start).answer, Ok(Answer::Done));
        room
    }

    fn give(&mut self, input: Input) -> Outcome {
        self.journal.give(&mut self.coordinator, self.now_ms, input)
    }

    fn desk(&mut self, command: Command) -> Outcome {
        self.give(Input::Desk(command))
    }

    fn tick_at(&mut self, now_ms: u64) -> Outcome {
        self.now_ms = now_ms;
        self.give(Input::Tick)
    }

    fn join(&mut self) -> Outcome {
        self.join_with(0.0)
    }

    /// A device joins that says it trains so many examples per second.
    fn join_with(&mut self, capability: f64) -> Outcome {
        self.joined += 1;
        self.give(Input::Joined {
            device: DeviceId(self.joined),
            name: format!("phone-{}", self.joined),
            profile: Profile {
                capability,
                ..Profile::default()
            },
        })
    }

    /// Joins and connects a device.
    fn enter(&mut self) -> Outcome {
        self.join();
        self.connect(self.joined)
    }

    fn connect(&mut self, device: u32) -> Outcome {
        self.give(Input::Connected(DeviceId(device)))
    }

    fn disconnect(&mut self, device: u32) -> Outcome {
        self.give(Input::Disconnected(DeviceId(device)))
    }

    fn leave(&mut self, device: u32) -> Outcome {
        self.give(Input::Left(DeviceId(device)))
    }

    fn garbage(&mut self, device: u32) -> Outcome {
        self.give(Input::Refused {
            device: DeviceId(device),
            code: "bad_file".into(),
        })
    }

    /// What a device sends for a round of this run: its mark, and as accuracy a tenth of the round's number, as far as
    /// that goes.
    fn update(&self, device: u32, round: u32) -> Update {
        let models = self.coordinator.models();
        let (run, round) = (self.coordinator.run.id, Round(round));
        let mut values = vec![0.0; models.spec.len()];
        values[device as usize] = mark(run, round);
        let params = Params::try_new(values, &models.spec).unwrap();
        let accuracy = Some((f64::from(round.0) / 10.0).min(1.0));
        let measured = ArmReport {
            balanced_before: accuracy,
            own_before: accuracy,
            ..ArmReport::default()
        };
        let trains = round.0 <= self.coordinator.config().rounds;
        let uploading = models.uploading.iter().filter(|_| trains);
        Update {
            run,
            round,
            report: Report {
                examples: 400,
                own_data: 0,
                halvings: 0,
                mischief: None,
                arms: models
                    .arms
                    .iter()
                    .map(|arm| (arm.clone(), measured.clone()))
                    .collect(),
            },
            deltas: ByName::new(),
            sketches: ByName::new(),
            coalitions: Vec::new(),
            weights: uploading.map(|arm| (arm.clone(), params.clone())).collect(),
        }
    }

    fn post(&mut self, device: u32, update: Update) -> Outcome {
        self.give(Input::Update {
            device: DeviceId(device),
            bytes: POST,
            update: Box::new(update),
        })
    }

    /// A device sends what the open round asks for.
    fn answer(&mut self, device: u32) -> Outcome {
        let round = self.coordinator.run.current_round().0;
        self.post(device, self.update(device, round))
    }

    /// Devices answer the open round, in this order, and all are counted.
    fn all_answer(&mut self, devices: impl IntoIterator<Item = u32>) -> Outcome {
        let outcomes = devices.into_iter().map(|device| {
            let outcome = self.answer(device);
            assert_eq!(outcome.answer, Ok(Answer::Accepted), "device {device}");
            outcome
        });
        outcomes.last().unwrap()
    }

    fn view(&self) -> View {
        self.coordinator.view("K7QF", 0)
    }

    fn phase(&self) -> Phase {
        self.view().phase
    }

    fn round(&self) -> u32 {
        self.view().round.0
    }

    fn state(&self, device: u32) -> DeviceState {
        let devices = self.view().devices;
        devices.iter().find(|row| row.id.0 == device).unwrap().state
    }

    fn arm(&self, name: &str) -> ArmView {
        self.view()
            .arms
            .into_iter()
            .find(|arm| arm.name == name)
            .unwrap()
    }

    /// Who is counted in the global model, which is the mean of a round's updates.
    fn counted(&self, round: u32) -> Vec<u32> {
        let global = self.coordinator.model(AVERAGED, None).unwrap();
        counted(&global, self.coordinator.run.id, Round(round))
    }
}

impl Outcome {
    /// The devices that are told of a round, with what they are told.
    fn asked(&self) -> BTreeMap<u32, Arc<RoundOpened>> {
        let asked = |effect: &Effect| match effect {
            Effect::Send {
                device,
                message: Message::RoundOpened(opened),
            } => Some((device.0, Arc::clone(opened))),
            _ => None,
        };
        self.effects.iter().filter_map(asked).collect()
    }

    fn asked_devices(&self) -> Vec<u32> {
        self.asked().into_keys().collect()
    }

    fn events(&self) -> impl Iterator<Item = &Event> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Record(event) => Some(event),
            _ => None,
        })
    }

    /// What devices are asked to send after their sketches.
    fn wanted(&self) -> BTreeMap<u32, SendWeights> {
        let wanted = |effect: &Effect| match effect {
            Effect::Send {
                device,
                message: Message::SendWeights(wanted),
            } => Some((device.0, wanted.clone())),
            _ => None,
        };
        self.effects.iter().filter_map(wanted).collect()
    }

    /// The round that was closed, and who was missing in it.
    fn closed(&self) -> Option<(u32, Vec<u32>)> {
        self.events().find_map(|event| match event {
            Event::RoundClosed { round, missing, .. } => {
                Some((round.0, missing.iter().map(|device| device.0).collect()))
            }
            _ => None,
        })
    }

    fn rejection(self) -> Rejection {
        self.answer.unwrap_err()
    }
}

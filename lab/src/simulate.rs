//! A whole run in virtual time: one coordinator and its devices, nothing between them but function calls and the codecs
//! of the wire.
//!
//! Devices that got their round at the same moment train in parallel. What they send reaches the coordinator by
//! virtual time and device number, never by which thread was faster, so a run has the same bits on any machine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use constellation_core::config::CheckedConfig;
use constellation_core::coordinator::{
    Answer, Command, Coordinator, Effect, Event, Input, Message, Profile,
};
use constellation_core::data::Dataset;
use constellation_core::device::{self, Device, Part};
use constellation_core::ids::{DeviceId, Slot};
use constellation_core::rejection::Rejection;
use constellation_core::view::{Phase, View};
use constellation_core::wire::{Alone, Models, RoomNews, RoundOpened, Update};
use rayon::prelude::*;

use crate::attack::Attacks;
use crate::conditions::{Conditions, Fate, ROUND_MS};

/// Devices of a run whose maps are drawn and whose distances are measured, at most. With more of them that takes long,
/// and a recording becomes large.
const DRAWN: u32 = 40;

/// What sending takes in virtual time where nothing is trained for it.
const SEND_MS: u64 = ROUND_MS / 10;

/// What to run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The run; it must start by itself when all devices are connected.
    pub config: CheckedConfig,
    /// Number of devices.
    pub devices: u32,
    /// What goes wrong.
    pub conditions: Conditions,
    /// What the devices' examples come from.
    pub dataset: Arc<Dataset>,
}

/// Something that happened in a run.
#[derive(Clone, Copy, Debug)]
pub enum Happening<'a> {
    /// A line of the run's record.
    Event(&'a Event),
    /// Model bytes crossed the wire for one arm: the size of a file that carries it alone.
    Traffic {
        /// The arm's name.
        arm: &'a str,
        /// From a device.
        up: u64,
        /// To a device.
        down: u64,
    },
    /// A device spent time on one arm.
    Trained {
        /// The arm's name.
        arm: &'a str,
        /// Not repeatable.
        time: Duration,
    },
    /// A round was closed.
    Closed {
        /// The room as it is now.
        view: &'a View,
        /// What it took, all arms together. Not repeatable.
        time: Duration,
    },
    /// The room has done all that followed from one thing that happened, and devices have got what it sent them.
    Settled {
        /// The room.
        room: &'a Coordinator,
    },
}

/// Runs a configuration with so many devices, none of which is ever late or lost, and gives the view of every closed
/// round to `watch`. The result is the view of the finished run.
pub fn simulate(
    config: &CheckedConfig,
    devices: u32,
    dataset: &Arc<Dataset>,
    mut watch: impl FnMut(&View),
) -> View {
    let setup = Setup {
        config: config.clone(),
        devices,
        conditions: Conditions::default(),
        dataset: Arc::clone(dataset),
    };
    let coordinator = run(&setup, |_, happening| {
        if let Happening::Closed { view, .. } = happening {
            watch(view);
        }
    });
    coordinator.view("", 0)
}

/// Runs a setup on the threads of the current `rayon` pool, and tells `observe` what happens and when, in virtual
/// milliseconds. The result is the coordinator of the run, with its models; finished, unless no update arrives any
/// more.
pub fn run(setup: &Setup, observe: impl FnMut(u64, Happening<'_>)) -> Coordinator {
    let (seed, devices) = (setup.config.seed, setup.devices);
    let config = setup.config.clone();
    let mut room = Room {
        setup,
        attacks: Attacks::new(&setup.conditions, seed, devices, &setup.dataset),
        difficult: setup.conditions.difficult(seed, devices),
        coordinator: if devices <= DRAWN {
            Coordinator::new(config)
        } else {
            Coordinator::without_maps(config)
        },
        devices: BTreeMap::new(),
        opened: Vec::new(),
        worked_on: BTreeMap::new(),
        queue: BTreeMap::new(),
        queued: 0,
        away: BTreeMap::new(),
        spared: false,
        now_ms: 0,
        observe,
    };
    if setup.conditions.difficult.is_some() {
        room.input(Input::Desk(Command::Mischief { allowed: true }));
    }
    for id in (1..=setup.devices).map(DeviceId) {
        room.devices.insert(id, Device::new());
        room.input(Input::Joined {
            device: id,
            name: format!("device {id}"),
            profile: Profile::of_ours(),
        });
        room.input(Input::Connected(id));
    }
    while room.go_on() {
        room.settled();
    }
    room.coordinator
}

struct Room<'a, O> {
    setup: &'a Setup,
    attacks: Attacks,
    /// Slots of devices that are difficult sooner or later.
    difficult: BTreeSet<Slot>,
    coordinator: Coordinator,
    devices: BTreeMap<DeviceId, Device>,
    /// Round messages that devices have got and not worked on yet.
    opened: Vec<(DeviceId, Arc<RoundOpened>)>,
    /// The last ones that they have worked on.
    worked_on: BTreeMap<DeviceId, Arc<RoundOpened>>,
    /// What is to come, by virtual time and by when it was found out.
    queue: BTreeMap<(u64, u64), Coming>,
    queued: u64,
    /// Devices that have failed, and the round after which each comes back.
    away: BTreeMap<DeviceId, u32>,
    /// Nothing goes wrong until the next round is closed, because the last attempt brought nothing at all.
    spared: bool,
    now_ms: u64,
    observe: O,
}

/// Something that is to come.
enum Coming {
    Arrives(DeviceId, Box<Posted>),
    Fails(DeviceId),
}

/// What a device made of a round, or a part of it. It is decoded, and poisoned, when it arrives: until then there is no copy of the
/// weights but the body, which the device keeps too.
struct Posted {
    message: Arc<RoundOpened>,
    part: Part,
    body: Arc<[u8]>,
    /// By how much the device itself holds it back, in milliseconds.
    after_ms: u64,
    /// Bytes of a file that carries one arm alone, in the order of the arms.
    bytes_by_arm: Vec<u64>,
    time_by_arm: Vec<Duration>,
}

/// A round message on its way.
struct Delivery {
    frame: Arc<[u8]>,
    alone: Arc<Alone>,
}

impl<O: FnMut(u64, Happening<'_>)> Room<'_, O> {
    /// Lets the next thing happen. False once nothing will any more.
    fn go_on(&mut self) -> bool {
        if !self.opened.is_empty() {
            self.train();
            return true;
        }
        let coming = self.queue.first_key_value().map(|(key, _)| key.0);
        let deadline = self.coordinator.next_deadline();
        match (coming, deadline) {
            (Some(coming), deadline) if deadline.is_none_or(|deadline| coming <= deadline) => {
                self.now_ms = self.now_ms.max(coming);
                match self.queue.pop_first() {
                    Some((_, Coming::Arrives(id, posted))) => self.arrive(id, *posted),
                    Some((_, Coming::Fails(id))) => {
                        self.input(Input::Disconnected(id));
                    }
                    None => {}
                }
                true
            }
            (_, Some(deadline)) => {
                self.now_ms = self.now_ms.max(deadline);
                self.input(Input::Tick);
                true
            }
            (_, None) => self.try_again(),
        }
    }

    /// Lets all devices that have got a round work to its end, in parallel.
    fn train(&mut self) {
        let opened = core::mem::take(&mut self.opened);
        let deliveries = self.deliver(&opened);
        let setup = self.setup;
        let models = Arc::clone(self.coordinator.models());
        let mut work = Vec::with_capacity(opened.len());
        for ((id, message), delivery) in opened.into_iter().zip(deliveries) {
            self.worked_on.insert(id, Arc::clone(&message));
            if let Some(mut device) = self.devices.remove(&id) {
                let slot = slot_of(id);
                if self.difficult.contains(&slot) {
                    device.misbehave(setup.conditions.mischief(message.round));
                }
                let seed = setup.config.seed;
                let fate = setup
                    .conditions
                    .fate(seed, message.round, slot, setup.devices);
                // The closing evaluation is no part of the trouble.
                let fate = if message.training.is_some() && !self.spared {
                    fate
                } else {
                    Fate::Arrives {
                        work_ms: ROUND_MS,
                        delay_ms: 0,
                    }
                };
                work.push((id, device, message, delivery, fate));
            }
        }
        let done: Vec<_> = work
            .into_par_iter()
            .map(|(id, mut device, message, delivery, fate)| {
                let round = message.round;
                let posted = match fate {
                    Fate::Fails { .. } => None,
                    Fate::Arrives { .. } | Fate::Lost => {
                        work_out(&mut device, &delivery.frame, message, &models)
                    }
                };
                (id, device, round, fate, posted)
            })
            .collect();
        for (id, device, round, fate, posted) in done {
            self.devices.insert(id, device);
            match (fate, posted) {
                (Fate::Arrives { work_ms, delay_ms }, Some(posted)) => {
                    let work_ms = work_ms >> posted.message.halvings;
                    let after_ms = work_ms + delay_ms + posted.after_ms;
                    self.queue(after_ms, Coming::Arrives(id, Box::new(posted)));
                }
                (Fate::Fails { rounds }, _) => {
                    self.away.insert(id, round.0.saturating_add(rounds));
                    self.queue(ROUND_MS / 2, Coming::Fails(id));
                }
                (Fate::Lost | Fate::Arrives { .. }, _) => {}
            }
        }
    }

    /// Counts the messages' bytes and encodes them, each shared message once.
    fn deliver(&mut self, opened: &[(DeviceId, Arc<RoundOpened>)]) -> Vec<Arc<Delivery>> {
        let mut known: Vec<(*const RoundOpened, Arc<Delivery>)> = Vec::new();
        let mut deliveries = Vec::with_capacity(opened.len());
        for (id, message) in opened {
            let pointer = Arc::as_ptr(message);
            let delivery = known.iter().find(|(p, _)| *p == pointer);
            let delivery = delivery.map_or_else(
                || {
                    let spec = &self.coordinator.models().spec;
                    Arc::new(Delivery {
                        frame: message.encode().into(),
                        alone: Arc::new(message.alone(spec)),
                    })
                },
                |(_, delivery)| Arc::clone(delivery),
            );
            known.push((pointer, Arc::clone(&delivery)));
            for (arm, &down) in message.arms.iter().zip(&delivery.alone.arms) {
                let arm = arm.name.as_str();
                (self.observe)(self.now_ms, Happening::Traffic { arm, up: 0, down });
            }
            self.coordinator.handle(
                self.now_ms,
                Input::Sent {
                    device: *id,
                    bytes: delivery.frame.len() as u64,
                    alone: Arc::clone(&delivery.alone),
                },
            );
            deliveries.push(delivery);
        }
        deliveries
    }

    fn arrive(&mut self, id: DeviceId, posted: Posted) {
        let arms: Vec<String> = self
            .setup
            .config
            .arms
            .iter()
            .map(|arm| arm.name.clone())
            .collect();
        for (arm, (&up, &time)) in arms
            .iter()
            .zip(posted.bytes_by_arm.iter().zip(&posted.time_by_arm))
        {
            (self.observe)(self.now_ms, Happening::Traffic { arm, up, down: 0 });
            (self.observe)(self.now_ms, Happening::Trained { arm, time });
        }
        let Posted {
            message,
            part,
            body,
            ..
        } = posted;
        let answer = match Update::decode(&body, self.coordinator.models()) {
            Ok(mut update) => {
                // An attacker's weights, which no device has encoded, count as they are.
                if self.attacks.is_attacker(slot_of(id)) {
                    // What cannot be resolved is the room's to refuse.
                    let _ = update.resolve(|name, report| message.start_of(name, report));
                    self.attacks.poison(slot_of(id), &message, &mut update);
                }
                self.input(Input::Update {
                    device: id,
                    bytes: body.len() as u64,
                    update: Box::new(update),
                })
            }
            // A run in virtual time has no bad updates but diverged ones, which a room would refuse too.
            Err(error) => {
                let code = Rejection::from(error).code();
                self.input(Input::Refused {
                    device: id,
                    code: code.into(),
                })
            }
        };
        if let (Some(Answer::Accepted | Answer::Duplicate), Some(device)) =
            (answer, self.devices.get_mut(&id))
        {
            let accepted = device::PostAnswer::Accepted(message.round, part);
            device.handle(device::Input::Answer(accepted));
        }
    }

    /// Gives the coordinator an input and does what it says. `None` if it refuses.
    fn input(&mut self, input: Input) -> Option<Answer> {
        let began = Instant::now();
        let outcome = self.coordinator.handle(self.now_ms, input);
        let time = began.elapsed();
        let mut closed = None;
        for effect in outcome.effects {
            match effect {
                Effect::Send { device, message } => self.obey(device, message),
                Effect::Record(event) => {
                    (self.observe)(self.now_ms, Happening::Event(&event));
                    if let Event::RoundClosed { round, .. } = event {
                        closed = Some(round.0);
                    }
                }
                Effect::Publish => {}
            }
        }
        if let Some(round) = closed {
            let view = self.coordinator.view("", 0);
            (self.observe)(self.now_ms, Happening::Closed { view: &view, time });
            self.spared = false;
            self.bring_back(round);
        }
        outcome.answer.ok()
    }

    fn obey(&mut self, id: DeviceId, message: Message) {
        let news = match message {
            Message::Configured(configured) => RoomNews::Configured(configured),
            Message::SendWeights(wanted) => RoomNews::SendWeights(wanted),
            Message::RunFinished => RoomNews::RunFinished,
            Message::Farewell(farewell) => RoomNews::Farewell(farewell),
            Message::RoundOpened(round) => {
                self.opened.retain(|(device, _)| *device != id);
                self.opened.push((id, round));
                return;
            }
        };
        let dataset = self.attacks.dataset_of(slot_of(id));
        let Some(device) = self.devices.get_mut(&id) else {
            return;
        };
        let effects = device.handle(device::Input::News(news));
        for effect in &effects {
            if let device::Effect::LoadData(name) = effect {
                device.handle(device::Input::Data(*name, Arc::clone(dataset)));
            }
        }
        let times = vec![Duration::ZERO; self.setup.config.arms.len()];
        if let Some(message) = self.worked_on.get(&id)
            && let Some(posted) = posted(effects, message, times, self.coordinator.models())
        {
            self.queue(SEND_MS, Coming::Arrives(id, Box::new(posted)));
        }
    }

    /// Connects failed devices whose time it is, after a round. False if there were none.
    fn bring_back(&mut self, round: u32) -> bool {
        let finished = self.coordinator.view("", 0).phase == Phase::Finished;
        let due: BTreeSet<DeviceId> = self
            .away
            .iter()
            .filter(|(_, until)| round >= **until && !finished)
            .map(|(id, _)| *id)
            .collect();
        for &id in &due {
            self.away.remove(&id);
            self.input(Input::Connected(id));
        }
        !due.is_empty()
    }

    /// Where nobody's update has arrived, or all devices have failed, they open new connections and post again, and this
    /// time nothing goes wrong: lots fall for a round once, and would fall the same way for ever. False if that has been
    /// tried, or the run is over.
    fn try_again(&mut self) -> bool {
        if self.spared || self.coordinator.view("", 0).phase == Phase::Finished {
            return false;
        }
        self.spared = true;
        self.away.clear();
        let ids: Vec<DeviceId> = self.devices.keys().copied().collect();
        for &id in &ids {
            self.input(Input::Disconnected(id));
        }
        for id in ids {
            self.input(Input::Connected(id));
        }
        true
    }

    /// Says so once all devices that have got a round work on it.
    fn settled(&mut self) {
        if self.opened.is_empty() {
            let room = &self.coordinator;
            (self.observe)(self.now_ms, Happening::Settled { room });
        }
    }

    fn queue(&mut self, after_ms: u64, coming: Coming) {
        self.queue
            .insert((self.now_ms + after_ms, self.queued), coming);
        self.queued += 1;
    }
}

/// Devices join in order, and none leaves for good.
fn slot_of(id: DeviceId) -> Slot {
    Slot(id.0 - 1)
}

/// Gives a device its round and lets it work to the end.
fn work_out(
    device: &mut Device,
    frame: &[u8],
    message: Arc<RoundOpened>,
    models: &Models,
) -> Option<Posted> {
    let mut effects = device.handle(device::Input::Round(frame.to_vec()));
    let mut time_by_arm = vec![Duration::ZERO; message.arms.len()];
    while let Some(arm) = device.arm_in_work() {
        let began = Instant::now();
        effects.extend(device.work());
        if let Some(time) = time_by_arm.get_mut(arm) {
            *time += began.elapsed();
        }
    }
    posted(effects, &message, time_by_arm, models)
}

/// What a device posts for a round, if it does.
fn posted(
    effects: Vec<device::Effect>,
    message: &Arc<RoundOpened>,
    time_by_arm: Vec<Duration>,
    models: &Models,
) -> Option<Posted> {
    let (part, body, after_ms) = effects.into_iter().find_map(|effect| match effect {
        device::Effect::Post {
            part,
            body,
            after_ms,
            ..
        } => Some((part, body, after_ms.into())),
        _ => None,
    })?;
    let bytes_by_arm = match Update::decode(&body, models) {
        Ok(update) => update.alone(models).arms,
        Err(_) => vec![0; message.arms.len()],
    };
    Some(Posted {
        message: Arc::clone(message),
        part,
        body,
        after_ms,
        bytes_by_arm,
        time_by_arm,
    })
}

#[cfg(test)]
mod tests {
    use constellation_core::config::{
        Encodings, PacingConfig, RunConfig, Sketches, StrategyConfig,
    };
    use constellation_core::encoding::Encoding;
    use constellation_core::golden;

    use super::*;
    use crate::conditions::{Attack, Attackers, Difficult, Failing, Late, Mischief, Slow};

    fn setup(conditions: Conditions) -> Setup {
        let mut config = RunConfig {
            rounds: 4,
            ..RunConfig::default()
        };
        config.data.examples = 20;
        config.data.held_out = 10;
        config.data.balanced_per_label = 1;
        config.pacing = PacingConfig {
            start_at: Some(5),
            pace_ms: 0,
            deadline_ms: 4_000,
            ..config.pacing
        };
        Setup {
            config: config.check().unwrap(),
            devices: 5,
            conditions,
            dataset: Arc::new(golden::dataset()),
        }
    }

    fn trouble() -> Conditions {
        Conditions {
            slow: Some(Slow {
                fraction: 0.2,
                factor: 9.0,
            }),
            lost: 0.1,
            late: Some(Late {
                rate: 0.2,
                delay_ms: 9_000,
            }),
            failing: Some(Failing {
                rate: 0.1,
                rounds: 1,
            }),
            attackers: Some(Attackers {
                fraction: 0.2,
                kind: Attack::Noise,
                strength: 0.1,
            }),
            difficult: Some(Difficult {
                fraction: 0.2,
                how: Mischief::Slowness,
                from: 2,
            }),
        }
    }

    fn fingerprint(setup: &Setup, threads: usize) -> String {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let run = || run(setup, |_, _| {}).view("", 0);
        let view = pool.build().unwrap().install(run);
        assert_eq!(view.phase, Phase::Finished);
        view.fingerprint
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        for conditions in [Conditions::default(), trouble()] {
            let setup = setup(conditions);
            assert_eq!(fingerprint(&setup, 1), fingerprint(&setup, 3));
        }
    }

    /// The same with models in fewer bytes, both ways.
    fn encoded(setup: &Setup, encoding: Encoding) -> Setup {
        let encodings = Encodings {
            up: encoding,
            down: encoding,
        };
        let config = RunConfig {
            encodings,
            ..(*setup.config).clone()
        };
        Setup {
            config: config.check().unwrap(),
            ..setup.clone()
        }
    }

    fn bytes(setup: &Setup) -> u64 {
        let traffic = run(setup, |_, _| {}).view("", 0).traffic;
        traffic.bytes_up + traffic.bytes_down
    }

    #[test]
    fn models_in_fewer_bytes_make_runs_that_end_and_cost_less() {
        let plain = setup(Conditions::default());
        let whole = bytes(&plain);
        for (encoding, times) in [
            (Encoding::F16 {}, 1.9),
            (Encoding::Int8 {}, 3.5),
            (Encoding::TopK { share: 0.01 }, 10.0),
            (Encoding::OneBit {}, 15.0),
        ] {
            let less = bytes(&encoded(&plain, encoding));
            let found = whole as f64 / less as f64;
            assert!(found > times, "{encoding:?}: {found} times fewer bytes");
            let setup = encoded(&setup(trouble()), encoding);
            assert_eq!(fingerprint(&setup, 1), fingerprint(&setup, 2));
        }
    }

    /// The same with coalitions that form from sketches.
    fn sketching(setup: &Setup) -> Setup {
        let mut config = (*setup.config).clone();
        for arm in &mut config.arms {
            if let StrategyConfig::CoalitionModels { formation } = &mut arm.strategy {
                formation.sketches = Some(Sketches::default());
            }
        }
        Setup {
            config: config.check().unwrap(),
            ..setup.clone()
        }
    }

    #[test]
    fn runs_with_sketches_end_and_hang_on_no_number_of_threads() {
        for conditions in [Conditions::default(), trouble()] {
            let setup = sketching(&setup(conditions));
            assert_eq!(fingerprint(&setup, 1), fingerprint(&setup, 3));
        }
    }

    /// The goal is a hundredth of the weights.
    #[test]
    fn sketches_cost_less_than_a_hundredth_of_weights() {
        let mut setup = setup(Conditions::default());
        let mut config = (*setup.config).clone();
        config.arms.retain(|arm| arm.name == "coalition_models");
        setup.config = config.check().unwrap();
        let (plain, sketched) = (bytes(&setup), bytes(&sketching(&setup)));
        assert!(sketched > plain);
        let updates = u64::from(setup.devices * setup.config.rounds);
        let weights = 203_560;
        let more = (sketched - plain) / updates;
        assert!(more < weights / 100, "{more} bytes more an update");
    }

    #[test]
    fn trouble_makes_another_run_that_ends() {
        let [plain, troubled] =
            [Conditions::default(), trouble()].map(|c| fingerprint(&setup(c), 2));
        assert_ne!(plain, troubled);
    }
}

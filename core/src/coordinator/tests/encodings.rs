//! Models that travel as deltas: devices end up with the same models, whatever they were sent.

use super::*;
use crate::encoding::{Encoding, Kind};
use crate::params::ParamSpec;
use crate::wire::{Delta, Encoded};

/// A room in which models travel so both ways.
fn room(encoding: Encoding) -> Room {
    Room::new(config_with(encoding))
}

fn config_with(encoding: Encoding) -> RunConfig {
    RunConfig {
        rounds: 6,
        encodings: Encodings {
            up: encoding,
            down: encoding,
        },
        ..config()
    }
}

/// Joins and connects a device that knows all encodings.
fn enter_knowing(room: &mut Room) -> Outcome {
    room.joined += 1;
    room.give(Input::Joined {
        device: DeviceId(room.joined),
        name: String::new(),
        profile: Profile::of_ours(),
    });
    room.connect(room.joined)
}

/// The other end: what a device has of the models that it was sent.
#[derive(Default)]
struct Tab(BTreeMap<String, Arc<Params>>);

impl Tab {
    /// Reads a frame as a device does, and checks that it has got the models that the room means.
    fn receive(&mut self, message: &RoundOpened, initial: &Arc<Params>) -> usize {
        let frame = message.encode();
        let spec: &Arc<ParamSpec> = initial.spec();
        let read = RoundOpened::decode_with(&frame, spec, |name, hash| {
            let known = self.0.get(name).into_iter().chain([initial]);
            known
                .into_iter()
                .find(|model| ModelHash::of(model) == hash)
                .cloned()
        });
        let read = read.unwrap();
        assert_eq!(read.arms, message.arms);
        for arm in &read.arms {
            for (name, model) in arm.task.models(&arm.name) {
                self.0.insert(name, Arc::clone(model));
            }
        }
        frame.len()
    }
}

/// A device's update as deltas from what it was sent.
fn with_deltas(mut update: Update, message: &RoundOpened, encoding: Encoding) -> Update {
    for (name, weights) in core::mem::take(&mut update.weights) {
        let start = message.start_of(&name, &update.report).unwrap();
        let pairs = weights.values().iter().zip(start.values());
        let delta: Vec<f32> = pairs.map(|(to, from)| to - from).collect();
        let payload = encoding.encode(&delta, 5).unwrap();
        let values = payload.decode(delta.len()).unwrap();
        let encoded = Encoded {
            reference: ModelHash::of(start),
            payload,
        };
        let values = Params::try_new(values, weights.spec()).unwrap();
        update.deltas.insert(name, Delta { encoded, values });
    }
    update
}

#[test]
fn whoever_knows_the_encoding_gets_deltas_and_all_get_the_same_models() {
    for encoding in [
        Encoding::F16 {},
        Encoding::Int8 {},
        Encoding::OneBit {},
        Encoding::TopK { share: 0.01 },
    ] {
        let mut room = room(encoding);
        for _ in 0..3 {
            enter_knowing(&mut room);
        }
        // Device 4 speaks of no encodings.
        room.enter();
        let initial = Arc::clone(&room.coordinator.run.initial);
        let mut tabs: [Tab; 4] = Default::default();
        let mut outcome = room.desk(Command::Start);
        for round in 1..=6 {
            let asked = outcome.asked();
            for (device, message) in &asked {
                let bytes = tabs[*device as usize - 1].receive(message, &initial);
                if *device == 4 {
                    assert_eq!(message.upload, Encoding::F32 {});
                    assert!(message.deltas.is_empty());
                } else {
                    assert_eq!(message.upload, encoding);
                    // Whole they are 63 kB; one of the two may be of a coalition that the device has moved to.
                    let most = if round == 1 { 1_000 } else { 50_000 };
                    assert!(bytes < most, "{encoding:?}, round {round}: {bytes} bytes");
                }
                let averaged = |device: u32| &tabs[device as usize - 1].0[AVERAGED];
                assert_eq!(
                    averaged(*device),
                    averaged(1),
                    "{encoding:?}, round {round}"
                );
            }
            for (device, message) in &asked {
                let update = room.update(*device, round);
                let update = with_deltas(update, message, encoding);
                outcome = room.post(*device, update);
                assert_eq!(outcome.answer, Ok(Answer::Accepted));
            }
            let next = room.coordinator.next_deadline().unwrap();
            outcome = room.tick_at(next);
        }
    }
}

/// Of half-precision deltas that are whole numbers nothing is lost.
#[test]
fn deltas_count_as_the_weights_that_they_stand_for() {
    let mut room = room(Encoding::F16 {});
    enter_knowing(&mut room);
    enter_knowing(&mut room);
    let asked = room.desk(Command::Start).asked();
    for (device, message) in asked {
        let update = with_deltas(room.update(device, 1), &message, Encoding::F16 {});
        room.post(device, update);
    }
    let global = room.coordinator.model(AVERAGED, None).unwrap();
    let initial = &room.coordinator.run.initial;
    for device in [1, 2] {
        let expected = mark(RunId(1), Round(1)) / 2.0;
        let off = global.values()[device] - expected;
        assert!(
            off.abs() < 0.1,
            "{} is not {expected}",
            global.values()[device]
        );
    }
    assert_ne!(global.values()[3], initial.values()[3], "both sent 0 there");
    assert!(global.values()[3].abs() < 1e-3);
}

#[test]
fn who_is_new_or_back_gets_whole_models_and_then_deltas_again() {
    let mut config = config_with(Encoding::Int8 {});
    // The same model for everybody: who gets a delta depends on nobody's coalition.
    config.arms[2].strategy = StrategyConfig::CoalitionGlobal {
        formation: Formation::default(),
    };
    let mut room = Room::new(config);
    for _ in 0..2 {
        enter_knowing(&mut room);
    }
    room.desk(Command::Start);
    room.all_answer([1, 2]);
    let outcome = room.tick_at(room.now_ms + PACE_MS);
    assert_eq!(outcome.asked()[&1].deltas.len(), 2);
    // Device 2's tab is loaded again, and device 3 is new: it is asked from the next round on.
    room.disconnect(2);
    let again = room.connect(2).asked();
    assert!(again[&2].deltas.is_empty());
    assert_eq!(again[&2].arms, outcome.asked()[&2].arms);
    enter_knowing(&mut room);
    room.all_answer([1, 2]);
    let asked = room.tick_at(room.now_ms + PACE_MS).asked();
    let deltas = |device: u32| asked[&device].deltas.len();
    assert_eq!([1, 2, 3].map(deltas), [2, 2, 0]);
    room.all_answer([1, 2, 3]);
    let asked = room.tick_at(room.now_ms + PACE_MS).asked();
    assert_eq!(asked[&3].deltas.len(), 2);
    // Between two rounds, when nothing is sent at once.
    room.all_answer([1, 2, 3]);
    room.disconnect(3);
    room.connect(3);
    let asked = room.tick_at(room.now_ms + PACE_MS).asked();
    let deltas = |device: u32| asked[&device].deltas.len();
    assert_eq!([1, 2, 3].map(deltas), [2, 2, 0]);
}

#[test]
fn whoever_lacks_a_model_is_sent_it_whole() {
    let mut room = room(Encoding::Int8 {});
    for _ in 0..2 {
        enter_knowing(&mut room);
    }
    room.desk(Command::Start);
    room.all_answer([1, 2]);
    let before = room.tick_at(room.now_ms + PACE_MS).asked();
    let ask = |run| Input::SendInFull {
        device: DeviceId(2),
        run: RunId(run),
    };
    assert!(
        room.give(ask(7)).asked().is_empty(),
        "that run is not this one"
    );
    let whole = room.give(ask(1)).asked();
    assert_eq!(whole.keys().collect::<Vec<_>>(), [&2]);
    assert!(whole[&2].deltas.is_empty());
    assert_eq!(whole[&2].arms, before[&2].arms);
}

#[test]
fn a_delta_to_another_model_is_refused_and_the_round_sent_whole() {
    let mut room = room(Encoding::Int8 {});
    for _ in 0..2 {
        enter_knowing(&mut room);
    }
    let asked = room.desk(Command::Start).asked();
    let honest = with_deltas(room.update(1, 1), &asked[&1], Encoding::Int8 {});
    let mut other = honest.clone();
    let delta = other.deltas.get_mut(AVERAGED).unwrap();
    delta.encoded.reference = "0123456789abcdef".to_owned().try_into().unwrap();
    let outcome = room.post(1, other);
    assert_eq!(outcome.asked_devices(), [1]);
    assert_eq!(outcome.rejection().code(), "other_reference");
    assert_eq!(room.state(1), DeviceState::Training, "it is still awaited");
    assert_eq!(room.post(1, honest).answer, Ok(Answer::Accepted));
}

#[test]
fn a_delta_that_leads_to_infinity_is_refused_and_not_waited_for() {
    let mut room = room(Encoding::Int8 {});
    for _ in 0..2 {
        enter_knowing(&mut room);
    }
    let far = |room: &Room, device| {
        let mut update = room.update(device, room.round());
        for weights in update.weights.values_mut() {
            let values = vec![f32::MAX; weights.values().len()];
            *weights = Params::try_new(values, weights.spec()).unwrap();
        }
        update
    };
    room.desk(Command::Start);
    for device in [1, 2] {
        let update = far(&room, device);
        assert_eq!(room.post(device, update).answer, Ok(Answer::Accepted));
    }
    let asked = room.tick_at(room.now_ms + PACE_MS).asked();
    let mut update = room.update(1, 2);
    let start = asked[&1].start_of(AVERAGED, &update.report).unwrap();
    assert_eq!(start.values()[0], f32::MAX);
    for (name, weights) in core::mem::take(&mut update.weights) {
        let start = asked[&1].start_of(&name, &update.report).unwrap();
        let encoded = Encoded {
            reference: ModelHash::of(start),
            payload: Payload::Same,
        };
        let values = vec![f32::MAX; weights.values().len()];
        let values = Params::try_new(values, weights.spec()).unwrap();
        update.deltas.insert(name, Delta { encoded, values });
    }
    assert_eq!(room.post(1, update).rejection().code(), "non_finite");
    assert_eq!(room.state(1), DeviceState::Ready);
}

#[test]
fn only_what_a_device_knows_is_asked_of_it() {
    let mut config = room(Encoding::F32 {}).coordinator.config().clone();
    config = RunConfig {
        encodings: Encodings {
            up: Encoding::OneBit {},
            down: Encoding::Int8 {},
        },
        ..(*config).clone()
    }
    .check()
    .unwrap();
    let mut room = Room::new((*config).clone());
    for kinds in [vec![Kind::OneBit], vec![Kind::Int8, Kind::F16]] {
        room.joined += 1;
        room.give(Input::Joined {
            device: DeviceId(room.joined),
            name: String::new(),
            profile: Profile {
                encodings: kinds.into_iter().collect(),
                ..Profile::default()
            },
        });
        room.connect(room.joined);
    }
    let asked = room.desk(Command::Start).asked();
    assert_eq!(asked[&1].upload, Encoding::OneBit {});
    assert!(asked[&1].deltas.is_empty());
    assert_eq!(asked[&2].upload, Encoding::F32 {});
    assert_eq!(asked[&2].deltas.len(), 2);
}

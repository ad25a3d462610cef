//! Records of the simulator and of rooms, computed again, as they are and tampered with.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use constellation_core::attack::Mischief;
use constellation_core::config::{
    ArmConfig, CheckedConfig, DistanceKind, Formation, Resting, RunConfig, Sketches, StrategyConfig,
};
use constellation_core::coordinator::{
    Command, Coordinator, Effect, Event, Input, Message, Profile,
};
use constellation_core::device::{self, Device};
use constellation_core::encoding::Encoding;
use constellation_core::ids::{DeviceId, Round, RunId};
use constellation_core::wire::{RoomNews, Update};
use serde_json::json;

use super::replay::{configure, posted, work_out};
use super::*;
use crate::conditions::{Attack, Attackers, Conditions, Failing, Slow};
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

//! A run is a list of operations. Random lists are played against the coordinator and against a reference that only
//! counts; a list that fails is printed such that it can be pasted as a plain test, like those at the end.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::reference::Reference;
use super::*;
use Operation::{
    AllAnswer, Babble, Connect, Crash, Disconnect, Future, Garbage, Join, Leave, OldRun, OtherKind,
    Pass, Pause, Post, Remove, Reset, SendAgain, Stale, Start, Step,
};

/// Something that happens to a room. Numbers name a device among all that ever joined, counted from 0 and round and
/// round, so that no number is out of range and some are of devices that have left.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    /// A device joins. Several say the same of what they can do.
    Join,
    Connect(u32),
    Disconnect(u32),
    Leave(u32),
    /// The update that the round asks for, or, where none is open, one for the next.
    Post(u32),
    /// Everyone who is awaited sends its update.
    AllAnswer,
    /// The update that the device sent last, with other numbers; where there is none, one of round 0.
    SendAgain(u32),
    /// An update for the round before.
    Stale(u32),
    /// An update for the round to come.
    Future(u32),
    /// An update of the run before.
    OldRun(u32),
    /// An update with weights where none are asked for, or the other way round.
    OtherKind(u32),
    /// An update that the driver could not decode.
    Garbage(u32),
    /// Another message that the driver could not decode.
    Babble(u32),
    Start,
    Pause,
    Step,
    Reset,
    Remove(u32),
    /// Milliseconds.
    Pass(u32),
    /// The driver's process ends and is started again.
    Crash,
}

/// How many rounds were closed and how many runs finished, over all that was played.
#[derive(Debug, Default)]
struct Played {
    rounds: u32,
    runs: u32,
}

fn play(operations: &[Operation]) -> Played {
    play_with(None, operations)
}

fn play_with(participation: Option<Participation>, operations: &[Operation]) -> Played {
    let mut config = config();
    config.pacing.start_at = Some(3);
    config.pacing.participation = participation;
    let mut room = Room::new(config);
    let mut reference = Reference::new(room.coordinator.config());
    for &operation in operations {
        perform(&mut room, &mut reference, operation);
    }
    Played {
        rounds: reference.rounds_closed,
        runs: reference.runs_finished,
    }
}

fn perform(room: &mut Room, reference: &mut Reference, operation: Operation) {
    let round = room.coordinator.run.current_round().0;
    let named = |n: u32| n % room.joined.max(1) + 1;
    let desk = |command| Input::Desk(command);
    let input = match operation {
        Join => {
            room.joined += 1;
            Input::Joined {
                device: DeviceId(room.joined),
                name: String::new(),
                profile: Profile {
                    capability: f64::from(room.joined * 7 % 5),
                    ..Profile::default()
                },
            }
        }
        Connect(n) => Input::Connected(DeviceId(named(n))),
        Disconnect(n) => Input::Disconnected(DeviceId(named(n))),
        Leave(n) => Input::Left(DeviceId(named(n))),
        Garbage(n) => Input::Refused {
            device: DeviceId(named(n)),
            code: "bad_file".into(),
        },
        Babble(n) => Input::MessageRefused {
            device: DeviceId(named(n)),
            code: "bad_message".into(),
        },
        Start => desk(Command::Start),
        Pause => desk(Command::Pause),
        Step => desk(Command::Step),
        Reset => desk(Command::Reset(None)),
        Remove(n) => desk(Command::Remove(DeviceId(named(n)))),
        Pass(ms) => {
            room.now_ms += u64::from(ms);
            Input::Tick
        }
        Crash => {
            room.crash();
            // What was refused is forgotten, and how often.
            return reference.forget_refusals(room);
        }
        AllAnswer => {
            for device in reference.awaited() {
                perform(room, reference, Post(device - 1));
            }
            return;
        }
        Post(n) => {
            let round = round + u32::from(!reference.is_open());
            post(named(n), room.update(named(n), round))
        }
        SendAgain(n) => {
            let last = reference.last_sent(named(n)).unwrap_or(0);
            let mut again = room.update(named(n), last);
            again.weights = room.update(named(n), 1).weights;
            again
                .weights
                .values_mut()
                .for_each(|params| *params = doubled(params));
            post(named(n), again)
        }
        Stale(n) => post(named(n), room.update(named(n), round.saturating_sub(1))),
        Future(n) => post(named(n), room.update(named(n), round + 1)),
        OldRun(n) => {
            let run = RunId(room.coordinator.run.id.0 - 1);
            post(
                named(n),
                Update {
                    run,
                    ..room.update(named(n), round)
                },
            )
        }
        OtherKind(n) => {
            let mut other_kind = room.update(named(n), round);
            let none = other_kind.weights.is_empty();
            other_kind.weights = room.update(named(n), 1).weights;
            other_kind.weights.retain(|_, _| none);
            post(named(n), other_kind)
        }
    };
    let before = room.view();
    let outcome = room.give(input.clone());
    reference.check(room, &input, &outcome, &before);
}

fn post(device: u32, update: Update) -> Input {
    Input::Update {
        device: DeviceId(device),
        bytes: POST,
        update: Box::new(update),
    }
}

fn doubled(params: &Params) -> Params {
    let values = params.values().iter().map(|value| 2.0 * value).collect();
    Params::try_new(values, params.spec()).unwrap()
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let device = 0_u32..12;
    let operation = prop_oneof![
        4 => Just(Join),
        9 => device.clone().prop_map(Connect),
        4 => device.clone().prop_map(Disconnect),
        1 => device.clone().prop_map(Leave),
        12 => device.clone().prop_map(Post),
        10 => Just(AllAnswer),
        3 => device.clone().prop_map(SendAgain),
        2 => device.clone().prop_map(Stale),
        1 => device.clone().prop_map(Future),
        1 => device.clone().prop_map(OldRun),
        1 => device.clone().prop_map(OtherKind),
        3 => device.clone().prop_map(Garbage),
        1 => device.clone().prop_map(Babble),
        2 => Just(Start),
        1 => Just(Pause),
        1 => Just(Step),
        1 => (0_u32..20).prop_map(|n| if n == 0 { Reset } else { Join }),
        1 => device.prop_map(Remove),
        1 => Just(Crash),
        // From far below the pace to past the deadline, and just on them.
        9 => prop_oneof![0_u32..400, Just(PACE_MS as u32), Just(DEADLINE_MS as u32), 900_u32..6_000].prop_map(Pass),
    ];
    // Most lists begin with a room that has something to do.
    let opening = [Join, Connect(0), Join, Connect(1), Join, Connect(2)];
    (0..=opening.len(), prop::collection::vec(operation, 0..120))
        .prop_map(move |(from, list)| [&opening[from..], &list].concat())
}

fn participations() -> impl Strategy<Value = Option<Participation>> {
    let order = prop_oneof![Just(Order::Random), Just(Order::CapableFirst)];
    let fraction = prop_oneof![Just(0.5), Just(1.0), 0.01_f64..1.0];
    let most = prop::option::of(2_u32..6);
    let part = (fraction, most, order).prop_map(|(fraction, max_devices, order)| Participation {
        fraction,
        max_devices,
        order,
    });
    prop::option::of(part)
}

fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_401),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(seeded(400))]

    #[test]
    fn whatever_happens_no_round_is_stuck_nobody_counted_twice_nothing_lost(
        participation in participations(),
        list in operations(),
    ) {
        play_with(participation, &list);
    }
}

/// Plays random lists until so many rounds are closed; how many lists, and what came of them.
fn play_rounds(rounds: u32) -> (u32, Played) {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut lists, mut total) = (0, Played::default());
    while total.rounds < rounds {
        let mut next =
            |strategy: BoxedStrategy<_>| strategy.new_tree(&mut runner).unwrap().current();
        let (participation, list) = next((participations(), operations()).boxed());
        let played = play_with(participation, &list);
        total.rounds += played.rounds;
        total.runs += played.runs;
        lists += 1;
    }
    (lists, total)
}

/// A simulation that never gets anywhere shows nothing.
#[test]
fn random_lists_get_to_the_end_of_runs() {
    let (lists, total) = play_rounds(300);
    assert!(lists < 400 && total.runs > 30, "{lists} lists: {total:?}");
}

#[test]
#[ignore = "takes eight minutes or more, on demand: cargo nextest run -p constellation-core --run-ignored only a_hundred_thousand"]
fn a_hundred_thousand_rounds() {
    let (lists, total) = play_rounds(100_000);
    println!("{lists} lists: {total:?}");
}

#[test]
fn a_round_goes_on_while_devices_come_back_and_others_send_rubbish() {
    let list = [
        Join,
        Connect(0),
        Join,
        Connect(1),
        Join,
        Connect(2),
        Join,
        Connect(3),
        Post(0),
        SendAgain(0),
        Garbage(1),
        Disconnect(2),
        Connect(2),
        Post(3),
        Post(2),
        Pass(1_000),
        Garbage(0),
        Post(1),
        Disconnect(0),
        Leave(3),
        Post(2),
        Stale(2),
    ];
    assert_eq!(play(&list).rounds, 2);
}

#[test]
fn a_run_is_played_to_its_end_and_again_after_a_reset() {
    let round = [AllAnswer, Pass(1_000)];
    let run = [&round[..], &round, &round, &[AllAnswer, OldRun(0), Reset]].concat();
    let list = [
        &[Join, Connect(0), Join, Connect(1), Join, Connect(2)][..],
        &run,
        &run,
    ]
    .concat();
    let played = play(&list);
    assert_eq!((played.rounds, played.runs), (6, 2));
}

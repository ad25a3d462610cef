//! Rounds that ask a part of the devices.

use super::*;

fn part(fraction: f64, order: Order) -> RunConfig {
    let mut config = config();
    config.rounds = 8;
    config.pacing.participation = Some(Participation {
        fraction,
        max_devices: None,
        order,
    });
    config
}

/// A room with a device for each capability, all connected, with the first round open.
fn room_of(capabilities: &[f64], config: RunConfig) -> (Room, Vec<u32>) {
    let mut room = Room::new(config);
    for &capability in capabilities {
        room.join_with(capability);
        room.connect(room.joined);
    }
    let asked = room.desk(Command::Start).asked_devices();
    (room, asked)
}

/// Plays a run; the cohort of every training round, and of the evaluation at the end.
fn cohorts(capabilities: &[f64], config: RunConfig) -> Vec<Vec<u32>> {
    let rounds = config.rounds;
    let (mut room, asked) = room_of(capabilities, config);
    let mut cohorts = vec![asked];
    for round in 1..=rounds {
        let mut outcome = room.all_answer(cohorts[round as usize - 1].clone());
        if round < rounds {
            outcome = room.tick_at(u64::from(round) * PACE_MS);
        }
        cohorts.push(outcome.asked_devices());
    }
    cohorts
}

#[test]
fn half_of_six_devices_are_three_and_everyone_has_a_turn() {
    let mut cohorts = cohorts(&[0.0; 6], part(0.5, Order::Random));
    assert_eq!(cohorts.pop(), Some(vec![1, 2, 3, 4, 5, 6]), "evaluation");
    assert!(
        cohorts.iter().all(|cohort| cohort.len() == 3),
        "{cohorts:?}"
    );
    let different: BTreeSet<_> = cohorts.iter().collect();
    assert!(different.len() > 4, "{cohorts:?}");
    let had_a_turn: BTreeSet<u32> = cohorts.iter().flatten().copied().collect();
    assert_eq!(had_a_turn.len(), 6, "{cohorts:?}");
}

#[test]
fn no_more_are_asked_than_the_maximum_says() {
    let with = |fraction, most| {
        let mut config = part(fraction, Order::Random);
        config.rounds = 1;
        let participation = config.pacing.participation.as_mut().unwrap();
        participation.max_devices = Some(most);
        cohorts(&[0.0; 6], config).swap_remove(0).len()
    };
    assert_eq!([with(1.0, 2), with(1.0, 5), with(1.0, 6)], [2, 5, 6]);
    assert_eq!([with(1.0, 7), with(0.5, 2), with(0.5, 4)], [6, 2, 3]);
}

#[test]
fn the_seed_decides_who_is_asked() {
    let with_seed = |seed| {
        let config = RunConfig {
            seed,
            ..part(0.5, Order::Random)
        };
        cohorts(&[0.0; 6], config)
    };
    assert_eq!(with_seed(7), with_seed(7));
    assert_ne!(with_seed(7), with_seed(8));
}

#[test]
fn the_most_capable_come_first() {
    let capabilities = [10.0, 0.0, 300.0, 20.5, 20.0, 1e9];
    let cohorts = cohorts(&capabilities, part(0.5, Order::CapableFirst));
    for cohort in &cohorts[..8] {
        assert_eq!(*cohort, [3, 4, 6]);
    }
}

#[test]
fn equally_capable_devices_take_turns() {
    let capabilities = [5.0, 0.0, 9.0, 5.0, -0.0, 5.0];
    let mut cohorts = cohorts(&capabilities, part(0.3, Order::CapableFirst));
    cohorts.pop();
    let mut second: BTreeSet<u32> = BTreeSet::new();
    for cohort in &cohorts {
        assert_eq!(cohort.len(), 2);
        assert!(cohort.contains(&3), "{cohorts:?}");
        second.extend(cohort);
    }
    assert_eq!(second, [1, 3, 4, 6].into(), "{cohorts:?}");
}

#[test]
fn a_round_asks_at_least_the_minimum() {
    let mut config = part(0.01, Order::Random);
    config.pacing.min_devices = 4;
    assert_eq!(room_of(&[0.0; 6], config).1.len(), 4);
}

/// 0.07 · 100 is a little more than 7 in floating point.
#[test]
fn parts_are_rounded_up_but_not_for_a_rounding_error() {
    for (fraction, devices, size) in [(0.07, 100, 7), (0.5, 7, 4), (0.34, 6, 3), (1.0, 5, 5)] {
        let (_, asked) = room_of(&vec![0.0; devices], part(fraction, Order::Random));
        assert_eq!(asked.len(), size, "{fraction} of {devices}");
    }
}

#[test]
fn who_is_not_asked_is_ready_and_its_update_refused() {
    let capabilities = [4.0, 3.0, 2.0, 1.0];
    let (mut room, asked) = room_of(&capabilities, part(0.5, Order::CapableFirst));
    assert_eq!(asked, [1, 2]);
    assert_eq!(room.state(3), DeviceState::Ready);
    assert_eq!(room.answer(3).rejection().code(), "not_in_cohort");
    assert_eq!(room.connect(3).asked_devices(), [] as [u32; 0]);
    // Faster than everybody, but too late for this round.
    room.join_with(9.0);
    assert_eq!(room.connect(5).asked_devices(), [] as [u32; 0]);
    assert_eq!(room.all_answer([1, 2]).closed(), Some((1, vec![])));
    assert_eq!(room.tick_at(PACE_MS).asked_devices(), [1, 2, 5]);
    room.all_answer([1, 5]);
    room.disconnect(2);
    assert_eq!(room.tick_at(2 * PACE_MS).asked_devices(), [1, 5]);
    room.connect(2);
    assert_eq!(room.state(2), DeviceState::Ready);
}

/// It has sent an update before, and shows as ready while others train.
#[test]
fn a_device_that_pauses_for_a_round_is_ready_in_it() {
    let config = RunConfig {
        seed: 8,
        ..part(0.5, Order::Random)
    };
    let (mut room, asked) = room_of(&[0.0; 6], config);
    room.all_answer(asked.clone());
    assert_eq!(room.state(asked[0]), DeviceState::Sent);
    let next = room.tick_at(PACE_MS).asked_devices();
    for device in 1..=6 {
        let expected = if next.contains(&device) {
            DeviceState::Training
        } else {
            DeviceState::Ready
        };
        assert_eq!(room.state(device), expected, "{device} of {next:?}");
    }
    assert_ne!(asked, next);
}

/// Else devices that say they are fast and send rubbish would keep a room from going on for ever.
#[test]
fn a_round_that_nobody_answered_asks_others() {
    for order in [Order::Random, Order::CapableFirst] {
        let (mut room, mut asked) = room_of(&[9.0, 9.0, 1.0, 1.0, 1.0, 1.0], part(0.3, order));
        let bad = asked.clone();
        let mut openings = 1;
        while asked == bad && openings < 20 {
            for &device in &asked {
                room.garbage(device);
            }
            let next = room.coordinator.next_deadline().unwrap();
            asked = room.tick_at(next).asked_devices();
            openings += 1;
        }
        assert_ne!(asked, bad, "{order:?}");
        room.all_answer(asked);
        assert_eq!(room.round(), 1);
        if order == Order::CapableFirst {
            let next = room.coordinator.next_deadline().unwrap();
            assert_eq!(room.tick_at(next).asked_devices(), [1, 2]);
        }
    }
}

#[test]
fn a_capability_is_a_number_that_is_not_negative() {
    let mut room = Room::new(config());
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        let before = room.view();
        let outcome = room.join_with(bad);
        assert_eq!(outcome.effects, [Effect::Publish]);
        assert_eq!(outcome.rejection().code(), "wrong_fields");
        assert_eq!(room.view(), before);
    }
    assert!(room.join_with(0.0).answer.is_ok());
}

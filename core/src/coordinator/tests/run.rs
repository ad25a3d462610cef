//! A run from its first round to its end.

use serde_json::{Value, json};

use super::*;

/// Plays on, each device answering every round, until the run is finished.
fn play_to_the_end(room: &mut Room, devices: &[u32]) {
    while room.phase() != Phase::Finished {
        if room.phase() == Phase::Resting {
            let next = room.coordinator.next_deadline().unwrap();
            room.tick_at(next);
        }
        room.all_answer(devices.iter().copied());
    }
}

#[test]
fn after_the_last_round_its_models_are_measured_and_the_run_is_finished() {
    let mut room = Room::started(2, config());
    for _ in 1..3 {
        room.all_answer([1, 2]);
        room.tick_at(room.now_ms + PACE_MS);
    }
    let outcome = room.all_answer([1, 2]);
    let asked = outcome.asked();
    assert_eq!(outcome.closed(), Some((3, vec![])));
    assert_eq!(asked.keys().copied().collect::<Vec<_>>(), [1, 2]);
    assert_eq!((asked[&1].round, &asked[&1].training), (Round(4), &None));
    assert_eq!((room.phase(), room.round()), (Phase::Evaluating, 3));
    let outcome = room.all_answer([1, 2]);
    assert!(outcome.events().any(|event| *event == Event::RunFinished));
    let told = outcome.effects.iter().filter(|effect| {
        matches!(
            effect,
            Effect::Send {
                message: Message::RunFinished,
                ..
            }
        )
    });
    assert_eq!(told.count(), 2);
    assert_eq!((room.phase(), room.round()), (Phase::Finished, 3));
    assert_eq!(room.view().traffic.rounds, 3);
    // Nothing is closed by the evaluation, so it changes no model.
    assert_eq!(room.counted(3), [1, 2]);
}

#[test]
fn the_record_says_who_trained_on_data_of_its_own() {
    let mut room = Room::started(2, config());
    for (device, own_data, recorded) in [(1, 0, Value::Null), (2, 12, json!(12))] {
        let mut update = room.update(device, 1);
        update.report.own_data = own_data;
        let outcome = room.post(device, update);
        let event = serde_json::to_value(outcome.events().next()).unwrap();
        assert_eq!(event["event"], "accepted");
        assert_eq!(event["report"]["own_data"], recorded);
    }
}

#[test]
fn a_device_has_as_many_examples_as_it_said_last() {
    let mut room = Room::started(2, config());
    let examples = |room: &Room| -> Vec<u32> {
        let rows = room.view().devices;
        rows.iter().map(|device| device.examples).collect()
    };
    let share = room.coordinator.config().data.examples;
    assert_eq!(examples(&room), [share, share]);
    let mut update = room.update(2, 1);
    (update.report.examples, update.report.own_data) = (share + 1, 1);
    room.post(2, update);
    assert_eq!(examples(&room), [share, share + 1]);
    room.desk(Command::Reset(None));
    assert_eq!(examples(&room), [share, share]);
}

/// Devices measure the models of round r when they receive them in round r + 1. The report of round r says r / 10.
#[test]
fn history_has_one_row_per_round_with_what_the_next_round_measured() {
    let mut config = config();
    config.rounds = 4;
    let mut room = Room::started(2, config);
    play_to_the_end(&mut room, &[1, 2]);
    assert_eq!(room.phase(), Phase::Finished);
    for arm in room.view().arms {
        let rows: Vec<_> = arm
            .history
            .iter()
            .map(|row| (row.round.0, row.mean, row.own_worst))
            .collect();
        assert_eq!(
            rows,
            [(1, 0.2, 0.2), (2, 0.3, 0.3), (3, 0.4, 0.4), (4, 0.5, 0.5)],
            "{}",
            arm.name
        );
        assert_eq!(arm.accuracy.unwrap().mean, 0.5);
    }
}

#[test]
fn a_round_that_is_opened_again_adds_no_second_row() {
    let mut room = Room::started(2, config());
    room.all_answer([1, 2]);
    room.tick_at(PACE_MS);
    room.garbage(1);
    room.garbage(2);
    let again = room.coordinator.next_deadline().unwrap();
    assert_eq!(room.tick_at(again).asked_devices(), [1, 2]);
    assert_eq!(room.round(), 2);
    play_to_the_end(&mut room, &[1, 2]);
    let rows: Vec<_> = room
        .arm(AVERAGED)
        .history
        .iter()
        .map(|row| row.round.0)
        .collect();
    assert_eq!(rows, [1, 2, 3]);
}

#[test]
fn the_evaluation_waits_for_its_deadline_at_most() {
    let mut config = config();
    config.rounds = 1;
    let mut room = Room::started(2, config);
    room.all_answer([1, 2]);
    assert_eq!(room.phase(), Phase::Evaluating);
    room.tick_at(DEADLINE_MS - 1);
    assert_eq!(room.phase(), Phase::Evaluating);
    // Nobody has measured anything: there is no accuracy, and none is made up.
    room.tick_at(DEADLINE_MS);
    assert_eq!(room.phase(), Phase::Finished);
    assert_eq!(room.arm(AVERAGED).accuracy, None);
}

#[test]
fn an_evaluation_that_comes_too_late_is_stale() {
    let mut config = config();
    config.rounds = 1;
    let mut room = Room::started(2, config);
    room.all_answer([1, 2]);
    room.all_answer([1]);
    room.tick_at(DEADLINE_MS);
    assert_eq!(room.phase(), Phase::Finished);
    let late = room.update(2, 2);
    assert_eq!(room.post(2, late).rejection().code(), "stale");
}

#[test]
fn a_run_ends_even_if_everybody_goes() {
    let mut config = config();
    config.rounds = 1;
    let mut room = Room::started(2, config);
    room.all_answer([1]);
    room.disconnect(1);
    assert_eq!(room.disconnect(2).closed(), Some((1, vec![2])));
    assert_eq!(room.phase(), Phase::Finished);
}

#[test]
fn who_connects_after_the_end_is_told_so() {
    let mut config = config();
    config.rounds = 1;
    let mut room = Room::started(2, config);
    play_to_the_end(&mut room, &[1, 2]);
    let outcome = room.enter();
    let messages = outcome.effects.iter().filter_map(|effect| match effect {
        Effect::Send { message, .. } => Some(message),
        _ => None,
    });
    let messages: Vec<_> = messages.collect();
    assert!(
        matches!(messages[..], [Message::Configured(_), Message::RunFinished]),
        "{messages:?}"
    );
}

#[test]
fn a_pause_does_not_keep_the_last_round_from_being_measured() {
    let mut config = config();
    config.rounds = 1;
    let mut room = Room::started(2, config);
    room.desk(Command::Pause);
    room.all_answer([1, 2]);
    assert_eq!(room.phase(), Phase::Evaluating);
}

#[test]
fn a_run_without_maps_is_the_same_run() {
    let play = |coordinator| {
        let mut room = Room {
            coordinator,
            ..Room::new(config())
        };
        (0..3).for_each(|_| drop(room.enter()));
        room.desk(Command::Start);
        play_to_the_end(&mut room, &[1, 2, 3]);
        room.view()
    };
    let checked = config().check().unwrap();
    let with = play(Coordinator::new(checked.clone()));
    assert!(with.arms.iter().any(|arm| arm.map.is_some()));
    let mut without = play(Coordinator::without_maps(checked));
    for (arm, with) in without.arms.iter_mut().zip(&with.arms) {
        assert_eq!(arm.map, None);
        arm.map.clone_from(&with.map);
    }
    assert_eq!(without, with);
}

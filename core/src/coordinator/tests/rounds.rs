//! When a round opens and closes, whom it waits for, and who is counted.

use super::*;

#[test]
fn a_round_closes_when_all_have_answered() {
    let mut room = Room::started(3, config());
    assert_eq!((room.phase(), room.round()), (Phase::Training, 1));
    room.all_answer([3, 1]);
    assert_eq!(room.state(1), DeviceState::Sent);
    assert_eq!(room.state(2), DeviceState::Training);
    let outcome = room.all_answer([2]);
    assert_eq!(outcome.closed(), Some((1, vec![])));
    assert_eq!(room.counted(1), [1, 2, 3]);
    assert_eq!(room.phase(), Phase::Resting);
}

#[test]
fn what_is_sent_twice_is_counted_once() {
    let mut room = Room::started(2, config());
    room.all_answer([1]);
    let mut again = room.update(1, 1);
    // Other numbers than the first time: these must not be the ones that count.
    again.weights = room.update(1, 2).weights;
    let outcome = room.post(1, again);
    assert_eq!(outcome.answer, Ok(Answer::Duplicate));
    assert!(outcome.events().next().is_none(), "{outcome:?}");
    room.all_answer([2]);
    assert_eq!(room.counted(1), [1, 2]);
    // The round is closed, and still the answer says that the update has been counted.
    let update = room.update(2, 1);
    assert_eq!(room.post(2, update).answer, Ok(Answer::Duplicate));
    assert_eq!(room.view().refusals, BTreeMap::new());
}

#[test]
fn a_device_that_disconnects_is_not_waited_for() {
    let mut room = Room::started(3, config());
    room.all_answer([1, 2]);
    let outcome = room.disconnect(3);
    assert_eq!(outcome.closed(), Some((1, vec![3])));
    assert_eq!(room.counted(1), [1, 2]);
    assert_eq!(room.state(3), DeviceState::Away);
}

#[test]
fn a_device_that_is_back_in_time_is_asked_again_and_waited_for() {
    let mut room = Room::started(3, config());
    room.all_answer([1]);
    room.disconnect(2);
    let outcome = room.connect(2);
    assert_eq!(outcome.asked_devices(), [2]);
    assert_eq!(outcome.asked()[&2].round, Round(1));
    assert_eq!(room.state(2), DeviceState::Training);
    assert_eq!(room.all_answer([3]).closed(), None);
    assert_eq!(room.all_answer([2]).closed(), Some((1, vec![])));
    assert_eq!(room.counted(1), [1, 2, 3]);
}

/// A reloaded tab whose old connection the room never saw close.
#[test]
fn a_device_that_connects_twice_is_asked_twice_and_counted_once() {
    let mut room = Room::started(2, config());
    assert_eq!(room.connect(1).asked_devices(), [1]);
    room.all_answer([1, 2]);
    assert_eq!(room.counted(1), [1, 2]);
}

#[test]
fn what_a_device_sent_before_its_connection_was_lost_counts() {
    let mut room = Room::started(3, config());
    room.all_answer([1]);
    room.disconnect(1);
    let outcome = room.connect(1);
    assert_eq!(outcome.asked_devices(), [] as [u32; 0]);
    assert_eq!(room.state(1), DeviceState::Sent);
    room.disconnect(1);
    room.all_answer([2, 3]);
    assert_eq!(room.counted(1), [1, 2, 3]);
}

/// Posts do not go over the socket.
#[test]
fn what_a_device_sends_after_its_connection_was_lost_counts_but_it_stays_away() {
    let mut room = Room::started(3, config());
    room.disconnect(1);
    room.all_answer([1]);
    assert_eq!(room.state(1), DeviceState::Away);
    room.all_answer([2, 3]);
    assert_eq!(room.counted(1), [1, 2, 3]);
    assert_eq!(room.state(1), DeviceState::Away);
}

#[test]
fn what_a_device_sent_before_it_left_counts() {
    let mut room = Room::started(3, config());
    room.all_answer([1]);
    room.leave(1);
    room.leave(2);
    assert_eq!(room.all_answer([3]).closed(), Some((1, vec![])));
    assert_eq!(room.counted(1), [1, 3]);
    // It is counted, but no page shows it any more.
    let members: Vec<_> = room
        .arm(GROUPED)
        .coalitions
        .into_iter()
        .flat_map(|c| c.members)
        .collect();
    assert_eq!(members, [DeviceId(3)]);
}

#[test]
fn a_device_whose_update_cannot_be_read_is_not_waited_for_but_may_send_a_better_one() {
    let mut room = Room::started(3, config());
    room.garbage(1);
    assert_eq!(room.state(1), DeviceState::Ready);
    room.all_answer([2]);
    assert_eq!(room.answer(1).answer, Ok(Answer::Accepted));
    // What follows an update that is counted does not take it back.
    room.garbage(1);
    let outcome = room.garbage(3);
    assert_eq!(outcome.closed(), Some((1, vec![3])));
    assert_eq!(room.counted(1), [1, 2]);
    assert_eq!(
        room.view().refusals,
        BTreeMap::from([("bad_file".to_owned(), 3)])
    );
}

#[test]
fn a_device_silent_until_the_deadline_is_late_and_the_round_closes_without_it() {
    let mut room = Room::started(3, config());
    room.all_answer([1, 2]);
    assert_eq!(room.tick_at(DEADLINE_MS - 1).closed(), None);
    let outcome = room.tick_at(DEADLINE_MS);
    assert_eq!(outcome.closed(), Some((1, vec![3])));
    // The pace has long been kept: the next round opens at once, and asks the late device again.
    assert_eq!(outcome.asked_devices(), [1, 2, 3]);
    assert_eq!(room.counted(1), [1, 2]);
    let late = room.update(3, 1);
    assert_eq!(
        room.post(3, late).rejection(),
        Rejection::Stale {
            sent: Round(1),
            current: Round(2)
        }
    );
    room.all_answer([1, 2, 3]);
    assert_eq!(room.counted(2), [1, 2, 3]);
}

#[test]
fn a_late_device_is_shown_as_late_until_the_next_round() {
    let mut config = config();
    config.pacing.pace_ms = 2 * DEADLINE_MS as u32;
    let mut room = Room::started(3, config);
    room.all_answer([1, 2]);
    room.tick_at(DEADLINE_MS);
    assert_eq!(room.phase(), Phase::Resting);
    assert_eq!(room.state(3), DeviceState::Late);
    room.tick_at(2 * DEADLINE_MS);
    assert_eq!(room.state(3), DeviceState::Training);
}

#[test]
fn with_fewer_than_the_minimum_at_the_deadline_the_round_closes_with_the_minimum() {
    let mut room = Room::started(3, config());
    room.all_answer([1]);
    let outcome = room.tick_at(DEADLINE_MS);
    assert_eq!(outcome.closed(), None);
    assert_eq!(room.coordinator.next_deadline(), None);
    assert_eq!(room.tick_at(2 * DEADLINE_MS).closed(), None);
    room.all_answer([2]);
    assert_eq!(
        room.view().traffic.rounds,
        1,
        "closed by the update that makes the minimum"
    );
    assert_eq!(room.counted(1), [1, 2]);
}

#[test]
fn a_round_that_nobody_answered_opens_again_but_not_at_once() {
    let mut config = config();
    config.pacing.pace_ms = 0;
    let mut room = Room::started(2, config);
    room.now_ms = 300;
    room.disconnect(1);
    let outcome = room.disconnect(2);
    assert_eq!(outcome.closed(), None);
    assert_eq!(room.coordinator.next_deadline(), Some(300 + RETRY_MS));
    room.connect(1);
    assert_eq!(room.connect(2).asked_devices(), [] as [u32; 0]);
    assert_eq!(
        room.tick_at(300 + RETRY_MS - 1).asked_devices(),
        [] as [u32; 0]
    );
    let outcome = room.tick_at(300 + RETRY_MS);
    assert_eq!(outcome.asked_devices(), [1, 2]);
    assert_eq!((room.round(), room.view().fingerprint.as_str()), (1, ""));
    room.all_answer([1, 2]);
    assert_eq!(room.counted(1), [1, 2]);
}

#[test]
fn a_round_in_which_everything_was_refused_opens_again_but_not_at_once() {
    let mut room = Room::started(2, config());
    room.now_ms = 700;
    room.garbage(1);
    assert_eq!(room.garbage(2).closed(), None);
    assert_eq!(room.phase(), Phase::Resting);
    assert_eq!(room.coordinator.next_deadline(), Some(700 + RETRY_MS));
    assert_eq!(room.tick_at(700 + RETRY_MS).asked_devices(), [1, 2]);
}

#[test]
fn a_round_whose_cohort_has_left_opens_again_for_those_who_came() {
    let mut room = Room::started(2, config());
    room.enter();
    room.enter();
    room.leave(1);
    room.leave(2);
    assert_eq!(room.phase(), Phase::Resting);
    assert_eq!(room.tick_at(PACE_MS).asked_devices(), [3, 4]);
    assert_eq!(room.round(), 1);
}

#[test]
fn a_newcomer_is_asked_from_the_next_round_on() {
    let mut room = Room::started(2, config());
    assert_eq!(room.enter().asked_devices(), [] as [u32; 0]);
    assert_eq!(room.state(3), DeviceState::Ready);
    assert_eq!(
        room.answer(3).rejection(),
        Rejection::NotInCohort {
            device: DeviceId(3),
            round: Round(1)
        }
    );
    // It does not hold the round up.
    assert_eq!(room.all_answer([1, 2]).closed(), Some((1, vec![])));
    assert_eq!(room.counted(1), [1, 2]);
    assert_eq!(room.tick_at(PACE_MS).asked_devices(), [1, 2, 3]);
    room.all_answer([1, 2, 3]);
    assert_eq!(room.counted(2), [1, 2, 3]);
}

#[test]
fn rounds_keep_the_pace() {
    let mut room = Room::started(2, config());
    room.now_ms = 200;
    room.all_answer([1, 2]);
    assert_eq!(room.tick_at(PACE_MS - 1).asked_devices(), [] as [u32; 0]);
    assert_eq!(room.tick_at(PACE_MS).asked_devices(), [1, 2]);
    assert_eq!(room.round(), 2);
    // A round that took longer than the pace is followed at once.
    room.now_ms = 2 * PACE_MS + 1;
    assert_eq!(room.all_answer([1, 2]).asked_devices(), [1, 2]);
    assert_eq!(room.round(), 3);
}

#[test]
fn without_enough_devices_no_round_opens_until_one_more_comes() {
    let mut room = Room::started(2, config());
    room.all_answer([1, 2]);
    room.disconnect(1);
    room.tick_at(PACE_MS);
    assert_eq!(room.phase(), Phase::Waiting);
    assert_eq!(room.connect(1).asked_devices(), [1, 2]);
}

#[test]
fn the_next_deadline_is_that_of_the_stage() {
    let mut room = Room::new(config());
    let deadline = |room: &Room| room.coordinator.next_deadline();
    assert_eq!(deadline(&room), None, "in the lobby");
    room.enter();
    room.desk(Command::Start);
    assert_eq!(deadline(&room), None, "while devices are too few");
    room.now_ms = 50;
    room.enter();
    assert_eq!(deadline(&room), Some(50 + DEADLINE_MS), "in a round");
    room.all_answer([1, 2]);
    assert_eq!(deadline(&room), Some(50 + PACE_MS), "between rounds");
    room.desk(Command::Pause);
    room.tick_at(50 + PACE_MS);
    assert_eq!(deadline(&room), None, "while paused");
    room.desk(Command::Start);
    for round in 2..=3 {
        room.all_answer([1, 2]);
        let now_ms = deadline(&room).unwrap();
        if round < 3 {
            room.tick_at(now_ms);
        }
    }
    assert_eq!(room.phase(), Phase::Evaluating);
    assert_eq!(
        deadline(&room),
        Some(room.now_ms + DEADLINE_MS),
        "in the evaluation"
    );
    room.all_answer([1, 2]);
    assert_eq!(deadline(&room), None, "after the run");
}

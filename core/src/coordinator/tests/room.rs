//! Who is in the room: slots, numbers, traffic.

use super::*;

#[test]
fn freed_slots_are_given_again_and_device_numbers_never() {
    let mut room = Room::new(config());
    let slots: Vec<_> = (0..3).map(|_| room.join().answer).collect();
    assert_eq!(slots, [0, 1, 2].map(|slot| Ok(Answer::Joined(Slot(slot)))));
    room.leave(2);
    assert_eq!(room.join().answer, Ok(Answer::Joined(Slot(1))));
    assert_eq!(room.join().answer, Ok(Answer::Joined(Slot(3))));
    let rows: Vec<_> = room
        .view()
        .devices
        .iter()
        .map(|row| (row.id.0, row.slot.0))
        .collect();
    assert_eq!(rows, [(1, 0), (3, 2), (4, 1), (5, 3)]);
}

/// The hidden group goes with the slot, so that groups stay equally large when devices come and go.
#[test]
fn the_hidden_group_is_that_of_the_slot() {
    let mut room = Room::new(config());
    for _ in 0..3 {
        room.join();
    }
    room.leave(2);
    room.join();
    let groups: Vec<_> = room
        .view()
        .devices
        .iter()
        .map(|row| (row.id.0, row.group))
        .collect();
    assert_eq!(groups, [(1, Some(0)), (3, Some(0)), (4, Some(1))]);
}

#[test]
fn the_room_takes_so_many_devices_and_not_one_more() {
    let mut room = Room::new(config());
    for _ in 0..limits::DEVICES {
        assert!(room.join().answer.is_ok());
    }
    let before = room.view();
    let outcome = room.join();
    assert_eq!(outcome.effects, [Effect::Publish]);
    assert_eq!(outcome.rejection(), Rejection::RoomFull(limits::DEVICES));
    assert_eq!(room.view(), before);
    room.leave(17);
    assert_eq!(room.join().answer, Ok(Answer::Joined(Slot(16))));
}

#[test]
fn the_record_says_when_devices_come_and_go() {
    let mut room = Room::new(config());
    let device = DeviceId(1);
    let recorded = |outcome: Outcome| outcome.events().cloned().collect::<Vec<_>>();
    let slot = Slot(0);
    let joined = Event::Joined {
        device,
        slot,
        encodings: BTreeSet::new(),
    };
    assert_eq!(recorded(room.join()), [joined]);
    assert_eq!(recorded(room.disconnect(1)), [], "it had no socket");
    // A second socket takes over from the first.
    for _ in 0..2 {
        assert_eq!(recorded(room.connect(1)), [Event::Connected { device }]);
    }
    assert_eq!(
        recorded(room.disconnect(1)),
        [Event::Disconnected { device }]
    );
    assert_eq!(recorded(room.disconnect(1)), [], "it is gone already");
    assert_eq!(recorded(room.connect(1)), [Event::Connected { device }]);
    assert_eq!(
        recorded(room.leave(1)),
        [Event::Left {
            device,
            reason: Farewell::Left
        }]
    );
    for stranger in [room.connect(1), room.disconnect(1)] {
        assert_eq!(recorded(stranger), []);
    }
}

#[test]
fn a_device_is_away_until_it_connects() {
    let mut room = Room::new(config());
    room.join();
    assert_eq!(
        (room.state(1), room.coordinator.connected_devices()),
        (DeviceState::Away, 0)
    );
    let outcome = room.connect(1);
    let Effect::Send {
        message: Message::Configured(configured),
        ..
    } = &outcome.effects[0]
    else {
        panic!("the first thing a device hears is the run: {outcome:?}");
    };
    assert_eq!((configured.device, configured.slot), (DeviceId(1), Slot(0)));
    assert_eq!((configured.run, configured.protocol), (RunId(1), PROTOCOL));
    assert_eq!(configured.config, **room.coordinator.config());
    assert_eq!(
        (room.state(1), room.coordinator.connected_devices()),
        (DeviceState::Ready, 1)
    );
}

#[test]
fn devices_that_start_from_the_same_models_share_a_message() {
    let mut room = Room::started(4, config());
    let outcome = room.connect(1);
    let again = Arc::clone(&outcome.asked()[&1]);
    // Before the first round nobody is in a coalition: all start from the initial model.
    room.all_answer(1..=4);
    let outcome = room.tick_at(PACE_MS);
    let asked = outcome.asked();
    let coalition = |device: u32| asked[&device].arms[2].coalition.unwrap();
    let mut coalitions = BTreeSet::new();
    for (a, b) in [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)] {
        let shared = Arc::ptr_eq(&asked[&a], &asked[&b]);
        assert_eq!(shared, coalition(a) == coalition(b), "devices {a} and {b}");
        coalitions.extend([coalition(a), coalition(b)]);
    }
    assert_eq!(coalitions.len(), 2, "otherwise nothing was shown");
    assert_eq!(again.round, Round(1));
}

#[test]
fn before_the_first_round_all_devices_share_one_message() {
    let mut room = Room::new(config());
    for _ in 0..3 {
        room.enter();
    }
    let asked = room.desk(Command::Start).asked();
    assert!(Arc::ptr_eq(&asked[&1], &asked[&2]) && Arc::ptr_eq(&asked[&1], &asked[&3]));
}

//! What the desk can do, and when.

use super::*;

#[test]
fn start_at_starts_by_itself() {
    let mut config = config();
    config.pacing.start_at = Some(3);
    let mut room = Room::new(config);
    room.enter();
    room.enter();
    room.join();
    assert_eq!(
        room.phase(),
        Phase::Lobby,
        "who is not connected does not count"
    );
    assert_eq!(room.connect(3).asked_devices(), [1, 2, 3]);
    assert_eq!(room.phase(), Phase::Training);
}

#[test]
fn without_start_at_the_room_waits_for_the_desk() {
    let mut room = Room::new(config());
    for _ in 0..5 {
        room.enter();
    }
    assert_eq!(room.phase(), Phase::Lobby);
    assert_eq!(room.desk(Command::Start).asked_devices(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_started_room_waits_for_its_minimum() {
    let mut config = config();
    config.pacing.min_devices = 3;
    let mut room = Room::started(2, config);
    assert_eq!((room.phase(), room.round()), (Phase::Waiting, 0));
    assert_eq!(room.enter().asked_devices(), [1, 2, 3]);
    assert_eq!((room.phase(), room.round()), (Phase::Training, 1));
}

#[test]
fn pause_lets_the_round_finish_and_then_holds() {
    let mut room = Room::started(2, config());
    room.all_answer([1]);
    room.desk(Command::Pause);
    assert_eq!(room.phase(), Phase::Training);
    room.all_answer([2]);
    assert_eq!(room.counted(1), [1, 2]);
    assert_eq!(room.phase(), Phase::Paused);
    assert_eq!(
        room.tick_at(10 * DEADLINE_MS).asked_devices(),
        [] as [u32; 0]
    );
    assert_eq!((room.phase(), room.round()), (Phase::Paused, 1));
    assert_eq!(room.desk(Command::Start).asked_devices(), [1, 2]);
    assert_eq!(room.round(), 2);
}

#[test]
fn a_pause_between_rounds_holds_the_next_one() {
    let mut room = Room::started(2, config());
    room.all_answer([1, 2]);
    room.desk(Command::Pause);
    assert_eq!(room.phase(), Phase::Paused);
    assert_eq!(room.tick_at(PACE_MS).asked_devices(), [] as [u32; 0]);
}

#[test]
fn step_opens_one_round() {
    let mut room = Room::new(config());
    room.enter();
    room.enter();
    assert_eq!(room.desk(Command::Step).asked_devices(), [1, 2]);
    room.all_answer([1, 2]);
    room.tick_at(PACE_MS);
    assert_eq!((room.phase(), room.round()), (Phase::Paused, 1));
    assert_eq!(room.desk(Command::Step).asked_devices(), [1, 2]);
    room.all_answer([1, 2]);
    assert_eq!((room.phase(), room.round()), (Phase::Paused, 2));
}

#[test]
fn a_step_whose_round_nobody_answered_still_gives_one_round() {
    let mut room = Room::new(config());
    room.enter();
    room.enter();
    room.desk(Command::Step);
    room.disconnect(1);
    room.disconnect(2);
    room.connect(1);
    room.connect(2);
    assert_eq!(room.tick_at(PACE_MS).asked_devices(), [1, 2]);
    room.all_answer([1, 2]);
    assert_eq!((room.phase(), room.round()), (Phase::Paused, 1));
}

#[test]
fn reset_counts_the_run_up_and_begins_anew() {
    let mut room = Room::started(2, config());
    let initial = room.coordinator.model(AVERAGED, None);
    room.all_answer([1, 2]);
    room.tick_at(PACE_MS);
    room.garbage(1);
    let models = Arc::clone(room.coordinator.models());
    let of_old_run = room.update(1, 2);
    let outcome = room.desk(Command::Reset(None));
    let told: Vec<_> = outcome.effects.iter().filter(|effect| matches!(effect, Effect::Send { message: Message::Configured(configured), .. } if configured.run == RunId(2))).collect();
    assert_eq!(told.len(), 2, "{outcome:?}");
    assert!(!Arc::ptr_eq(&models, room.coordinator.models()));
    let view = room.view();
    assert_eq!(
        (view.run, view.round, view.phase),
        (RunId(2), Round(0), Phase::Lobby)
    );
    assert_eq!((view.seed, view.fingerprint.as_str()), (7, ""));
    assert_eq!(view.refusals, BTreeMap::new());
    assert!(
        view.devices
            .iter()
            .all(|row| row.refused == 0 && row.last_refusal.is_none())
    );
    assert!(
        view.arms
            .iter()
            .all(|arm| arm.history.is_empty() && arm.coalitions.is_empty() && arm.map.is_none())
    );
    assert_eq!(room.coordinator.model(AVERAGED, None), initial);

    room.desk(Command::Start);
    assert_eq!(
        room.post(1, of_old_run).rejection(),
        Rejection::Update(WireError::OtherRun {
            sent: RunId(1),
            current: RunId(2)
        })
    );
    room.all_answer([1, 2]);
    assert_eq!(room.counted(1), [1, 2]);
}

/// An update of the same round of the run before must be told apart by the run alone.
#[test]
fn an_update_of_the_run_before_is_stale_in_the_same_round() {
    let mut room = Room::started(2, config());
    let of_old_run = room.update(1, 1);
    room.desk(Command::Reset(None));
    room.desk(Command::Start);
    assert_eq!(room.post(1, of_old_run).rejection().code(), "stale");
    room.all_answer([1, 2]);
    assert_eq!(room.counted(1), [1, 2]);
}

#[test]
fn reset_with_a_seed_changes_the_seed_and_the_initial_model() {
    let mut room = Room::started(2, config());
    let initial = room.coordinator.model(AVERAGED, None);
    room.desk(Command::Reset(Some(8)));
    assert_eq!((room.view().seed, room.view().config.seed), (8, 8));
    assert_ne!(room.coordinator.model(AVERAGED, None), initial);
}

#[test]
fn a_reset_room_with_start_at_starts_again_by_itself() {
    let mut config = config();
    config.pacing.start_at = Some(2);
    let mut room = Room::new(config);
    room.enter();
    room.enter();
    let outcome = room.desk(Command::Reset(None));
    assert_eq!(outcome.asked_devices(), [1, 2]);
    assert_eq!(outcome.asked()[&1].run, RunId(2));
}

/// The record of a run that the desk begins starts anew, and must say who has which slot all the same.
#[test]
fn the_record_of_a_run_that_the_desk_begins_says_who_is_in_the_room() {
    let mut room = Room::started(3, config());
    room.leave(1);
    room.disconnect(3);
    room.enter();
    let checked = config().check().unwrap();
    for command in [Command::Reset(None), Command::Configure(Box::new(checked))] {
        let outcome = room.desk(command);
        let mut events = outcome.events();
        assert!(matches!(events.next(), Some(Event::RunConfigured { .. })));
        let joined = [(2, 1), (3, 2), (4, 0)].map(|(device, slot)| Event::Joined {
            device: DeviceId(device),
            slot: Slot(slot),
            encodings: BTreeSet::new(),
        });
        assert_eq!(events.cloned().collect::<Vec<_>>(), joined);
    }
}

#[test]
fn configure_begins_a_run_with_another_configuration() {
    let mut room = Room::started(2, config());
    let mut other = config();
    (other.rounds, other.model) = (1, ModelConfig::Mlp { hidden: vec![3] });
    let checked = other.check().unwrap();
    let outcome = room.desk(Command::Configure(Box::new(checked.clone())));
    assert_eq!(outcome.answer, Ok(Answer::Done));
    assert_eq!(room.coordinator.config(), &checked);
    assert_eq!((room.view().run, room.phase()), (RunId(2), Phase::Lobby));
    assert_eq!(room.coordinator.models().spec.len(), 784 * 3 + 3 + 30 + 10);
    room.desk(Command::Start);
    room.all_answer([1, 2]);
    assert_eq!(room.phase(), Phase::Evaluating);
}

#[test]
fn remove_puts_a_device_out_and_the_round_goes_on_without_it() {
    let mut room = Room::started(3, config());
    room.all_answer([1, 2]);
    let outcome = room.desk(Command::Remove(DeviceId(3)));
    assert_eq!(
        outcome.effects[0],
        Effect::Send {
            device: DeviceId(3),
            message: Message::Farewell(Farewell::Removed)
        }
    );
    assert_eq!(outcome.closed(), Some((1, vec![])));
    assert_eq!(room.view().devices.len(), 2);
    assert_eq!(
        room.connect(3).rejection(),
        Rejection::UnknownDevice(DeviceId(3))
    );
}

#[test]
fn a_locked_room_lets_nobody_new_in_and_everybody_back() {
    let mut room = Room::started(2, config());
    assert_eq!(room.desk(Command::Lock).answer, Ok(Answer::Done));
    let before = room.view();
    assert!(before.locked);
    assert_eq!(room.join().rejection(), Rejection::RoomLocked);
    assert_eq!(room.view().devices, before.devices);
    // Who is in the room loses its connection and comes back to the same round.
    room.disconnect(2);
    assert_eq!(room.connect(2).asked_devices(), [2]);
    room.all_answer([1, 2]);
    assert_eq!(room.counted(1), [1, 2]);
    // Another run of the same people is as closed as the one before.
    room.desk(Command::Reset(None));
    assert_eq!(room.join().rejection(), Rejection::RoomLocked);
    assert_eq!(room.desk(Command::Unlock).answer, Ok(Answer::Done));
    assert!(!room.view().locked);
    assert!(matches!(room.join().answer, Ok(Answer::Joined(_))));
}

#[test]
fn the_desk_is_told_what_the_phase_does_not_allow() {
    let refused = |room: &mut Room, command: Command| {
        let before = room.view();
        let Rejection::WrongPhase { command, phase } = room.desk(command).rejection() else {
            panic!("another rejection than that of the phase");
        };
        assert_eq!(room.view(), before);
        (command, phase)
    };
    let mut room = Room::new(config());
    assert_eq!(refused(&mut room, Command::Pause), ("pause", Phase::Lobby));
    room.enter();
    room.enter();
    room.desk(Command::Start);
    for _ in 0..3 {
        room.all_answer([1, 2]);
        let next = room.coordinator.next_deadline().unwrap();
        if room.phase() == Phase::Resting {
            room.tick_at(next);
        }
    }
    for phase in [Phase::Evaluating, Phase::Finished] {
        assert_eq!(room.phase(), phase);
        assert_eq!(refused(&mut room, Command::Start), ("start", phase));
        assert_eq!(refused(&mut room, Command::Step), ("step", phase));
        assert_eq!(refused(&mut room, Command::Pause), ("pause", phase));
        if phase == Phase::Evaluating {
            room.all_answer([1, 2]);
        }
    }
    assert_eq!(room.desk(Command::Reset(None)).answer, Ok(Answer::Done));
    assert_eq!(room.phase(), Phase::Lobby);
}

//! Every refusal that a coordinator can give, but for those of the room and of the desk, which have tests with them.
//! A refused input changes nothing but counters.

use super::*;

/// Posts an update that must be refused, and checks that it left no trace but in counters.
fn refused(room: &mut Room, device: u32, update: Update) -> Rejection {
    let before = room.view();
    let outcome = room.post(device, update);
    let code = outcome.answer.as_ref().unwrap_err().code();
    let known = before.devices.iter().any(|row| row.id.0 == device);
    let recorded = Effect::Record(Event::Refused {
        device: DeviceId(device),
        code: code.into(),
    });
    let expected: Vec<_> = known
        .then_some(recorded)
        .into_iter()
        .chain([Effect::Publish])
        .collect();
    assert_eq!(outcome.effects, expected);
    let after = room.view();
    let times = |view: &View| view.refusals.get(code).copied().unwrap_or_default();
    assert_eq!(times(&after), times(&before) + u32::from(known));
    if let Some(row) = after.devices.iter().find(|row| row.id.0 == device) {
        assert_eq!(row.last_refusal.as_deref(), Some(code));
    }
    assert_unchanged(&before, &after);
    outcome.rejection()
}

/// Fails where two views differ in more than a refusal may change.
pub(super) fn assert_unchanged(before: &View, after: &View) {
    let without_counters = |view: &View| {
        let mut view = view.clone();
        (view.refusals, view.feed) = (BTreeMap::new(), Vec::new());
        (view.traffic.bytes_up, view.traffic.round_up) = (0, 0);
        let arms = view.arms.iter_mut().map(|arm| &mut arm.traffic);
        for traffic in arms.chain([&mut view.traffic.plain_averaging]) {
            (traffic.bytes_up, traffic.round_up) = (0, 0);
        }
        for row in &mut view.devices {
            (row.bytes_up, row.refused, row.last_refusal) = (0, 0, None);
        }
        view
    };
    assert_eq!((before.phase, before.round), (after.phase, after.round));
    for (before, after) in before.devices.iter().zip(&after.devices) {
        assert_eq!((before.id, before.state), (after.id, after.state));
    }
    // Not `assert_eq`: two whole views are pages long.
    assert!(
        without_counters(before) == without_counters(after),
        "a refusal changed more than counters"
    );
}

#[test]
fn rounds_that_are_over_are_stale() {
    let mut room = Room::started(3, config());
    room.all_answer([1, 2]);
    let late = room.update(3, 1);
    room.tick_at(DEADLINE_MS);
    let stale = Rejection::Stale {
        sent: Round(1),
        current: Round(2),
    };
    assert_eq!(refused(&mut room, 3, late.clone()), stale);
    // That it has answered a later round does not mean that this one was ever counted.
    room.all_answer([3]);
    assert_eq!(refused(&mut room, 3, late), stale);
    let zeroth = room.update(1, 0);
    assert_eq!(
        refused(&mut room, 1, zeroth),
        Rejection::Stale {
            sent: Round(0),
            current: Round(2)
        }
    );
    room.all_answer([1, 2]);
    assert_eq!(room.counted(2), [1, 2, 3]);
}

#[test]
fn updates_of_another_run_are_stale() {
    let mut room = Room::started(2, config());
    for run in [0, 2, u32::MAX] {
        let other = Update {
            run: RunId(run),
            ..room.update(1, 1)
        };
        assert_eq!(refused(&mut room, 1, other).code(), "stale");
    }
}

#[test]
fn rounds_that_have_not_been_opened_are_in_the_future() {
    let mut room = Room::new(config());
    room.enter();
    room.enter();
    let early = room.update(1, 1);
    let future = |sent, current| Rejection::FutureRound {
        sent: Round(sent),
        current: Round(current),
    };
    assert_eq!(refused(&mut room, 1, early), future(1, 0));
    room.desk(Command::Start);
    let early = room.update(1, 2);
    assert_eq!(refused(&mut room, 1, early), future(2, 1));
    let last = room.update(1, u32::MAX);
    assert_eq!(refused(&mut room, 1, last), future(u32::MAX, 1));
    room.all_answer([1, 2]);
    assert_eq!(room.counted(1), [1, 2]);
}

#[test]
fn devices_that_are_not_in_the_room_are_unknown() {
    let mut room = Room::started(3, config());
    room.leave(3);
    for device in [3, 9] {
        let unknown = Rejection::UnknownDevice(DeviceId(device));
        let update = room.update(device, 1);
        assert_eq!(refused(&mut room, device, update), unknown);
        let before = room.view();
        assert_eq!(room.connect(device).rejection(), unknown);
        assert_eq!(room.leave(device).rejection(), unknown);
        assert_eq!(
            room.desk(Command::Remove(DeviceId(device))).rejection(),
            unknown
        );
        // A socket may close after its device has left: nothing to complain about.
        assert_eq!(room.disconnect(device).answer, Ok(Answer::Done));
        assert_eq!(room.garbage(device).effects, [Effect::Publish]);
        assert_eq!(room.view(), before);
    }
}

#[test]
fn devices_out_of_the_cohort_are_not_counted() {
    let mut room = Room::started(2, config());
    room.enter();
    let update = room.update(3, 1);
    let rejection = refused(&mut room, 3, update);
    assert_eq!(
        rejection,
        Rejection::NotInCohort {
            device: DeviceId(3),
            round: Round(1)
        }
    );
    assert_eq!(
        rejection.to_string(),
        "device 3 is not asked in round 1; it waits for one that asks it"
    );
}

#[test]
fn training_wants_weights_and_an_evaluation_none() {
    let mut config = config();
    config.rounds = 1;
    let mut room = Room::started(2, config);
    let with_weights = room.update(1, 1).weights;
    let mut bare = room.update(1, 1);
    bare.weights.clear();
    assert_eq!(refused(&mut room, 1, bare).code(), "wrong_kind");
    room.all_answer([1, 2]);
    let mut laden = room.update(1, 2);
    laden.weights = with_weights;
    assert_eq!(refused(&mut room, 1, laden).code(), "wrong_kind");
    // Neither keeps the device from sending what was asked for.
    room.all_answer([1, 2]);
    assert_eq!(room.phase(), Phase::Finished);
    assert_eq!(room.counted(1), [1, 2]);
}

#[test]
fn where_no_arm_uploads_an_update_has_no_weights() {
    let mut config = config();
    config.arms.truncate(1);
    let mut room = Room::started(2, config);
    assert!(room.update(1, 1).weights.is_empty());
    assert_eq!(room.all_answer([1, 2]).closed(), Some((1, vec![])));
}

/// Unlike an update that cannot be read: the update itself is still on its way.
#[test]
fn a_message_that_cannot_be_read_is_counted_and_the_device_still_waited_for() {
    let mut room = Room::started(2, config());
    let before = room.view();
    room.give(Input::MessageRefused {
        device: DeviceId(1),
        code: "bad_message".into(),
    });
    assert_unchanged(&before, &room.view());
    assert_eq!(
        room.view().refusals,
        BTreeMap::from([("bad_message".to_owned(), 1)])
    );
    assert_eq!(room.all_answer([2]).closed(), None);
    assert_eq!(room.all_answer([1]).closed(), Some((1, vec![])));
}

#[test]
fn a_finished_run_takes_nothing_more() {
    let mut config = config();
    config.rounds = 1;
    let mut room = Room::started(2, config);
    room.all_answer([1, 2]);
    room.all_answer([1]);
    room.tick_at(DEADLINE_MS);
    assert_eq!(room.phase(), Phase::Finished);
    let evaluation = room.update(2, 2);
    assert_eq!(refused(&mut room, 2, evaluation).code(), "stale");
    let beyond = room.update(2, 3);
    assert_eq!(refused(&mut room, 2, beyond).code(), "future_round");
}

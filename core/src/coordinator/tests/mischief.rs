//! Difficult devices: what the room tells them, and what it shows of them.

use super::*;
use crate::attack::Mischief;
use crate::view::{CoalitionView, Influence};

/// Whether devices are told that they may be difficult, by those who are told.
fn told(outcome: &Outcome) -> BTreeMap<u32, bool> {
    let told = |effect: &Effect| match effect {
        Effect::Send {
            device,
            message: Message::Configured(configured),
        } => Some((device.0, configured.mischief)),
        _ => None,
    };
    outcome.effects.iter().filter_map(told).collect()
}

fn allow(room: &mut Room, allowed: bool) -> Outcome {
    room.desk(Command::Mischief { allowed })
}

#[test]
fn the_desk_allows_it_and_forbids_it_and_devices_are_told() {
    let mut room = Room::new(config());
    room.enter();
    assert!(!room.view().mischief_allowed, "it is forbidden at first");
    assert_eq!(told(&room.enter()), BTreeMap::from([(2, false)]));
    room.disconnect(2);
    assert_eq!(told(&allow(&mut room, true)), BTreeMap::from([(1, true)]));
    assert!(room.view().mischief_allowed);
    assert_eq!(told(&room.connect(2)), BTreeMap::from([(2, true)]));
    assert_eq!(told(&room.enter()), BTreeMap::from([(3, true)]));
    // It is the room's, not the run's.
    let again = room.desk(Command::Reset(None));
    assert_eq!(
        told(&again),
        BTreeMap::from([(1, true), (2, true), (3, true)])
    );
    let forbidden = BTreeMap::from([(1, false), (2, false), (3, false)]);
    assert_eq!(told(&allow(&mut room, false)), forbidden);
}

#[test]
fn telling_devices_disturbs_no_round() {
    let mut room = Room::started(2, config());
    room.all_answer([1]);
    assert_eq!(allow(&mut room, true).asked_devices(), [] as [u32; 0]);
    assert_eq!(room.state(1), DeviceState::Sent);
    room.all_answer([2]);
    assert_eq!(room.counted(1), [1, 2]);
}

#[test]
fn who_says_so_is_shown_with_its_weight() {
    let mut room = Room::started(4, config());
    let mut update = room.update(1, 1);
    update.report.mischief = Some(Mischief::SignFlip);
    update.report.examples = 100;
    room.post(1, update);
    let shown = |room: &Room| {
        let devices = room.view().devices;
        let how = devices.into_iter().map(|row| row.mischief);
        how.collect::<Vec<_>>()
    };
    assert_eq!(shown(&room), [Some(Mischief::SignFlip), None, None, None]);
    assert_eq!(room.arm(AVERAGED).influence, [], "the round is open");
    room.all_answer([2, 3, 4]);
    let influence = |coalition, global| Influence {
        device: DeviceId(1),
        coalition,
        global,
    };
    // 100 examples of 1,300.
    let averaged = room.arm(AVERAGED).influence;
    assert_eq!(averaged, [influence(None, 1.0 / 13.0)]);
    let grouped = room.arm(GROUPED);
    let coalitions = &grouped.coalitions;
    let with_it = |c: &&CoalitionView| c.members.contains(&DeviceId(1));
    let together = coalitions.iter().find(with_it).unwrap().members.len() as f64;
    let [found] = grouped.influence[..] else {
        panic!("{:?}", grouped.influence);
    };
    assert_eq!(found.coalition, Some(1.0 / together));
    let global = 1.0 / together / coalitions.len() as f64;
    assert!((found.global - global).abs() < 1e-12, "{found:?}");

    // An honest update, and nothing is said of it any more.
    room.tick_at(PACE_MS);
    room.all_answer([1, 2, 3, 4]);
    assert_eq!(shown(&room), [None; 4]);
    assert_eq!(room.arm(AVERAGED).influence, []);
}

#[test]
fn who_has_left_and_what_was_before_a_reset_is_not_shown() {
    let mut room = Room::started(3, config());
    let mut update = room.update(1, 1);
    update.report.mischief = Some(Mischief::Noise);
    room.post(1, update);
    room.all_answer([2, 3]);
    assert_eq!(room.arm(AVERAGED).influence.len(), 1);
    room.leave(1);
    assert_eq!(room.arm(AVERAGED).influence, []);

    let mut room = Room::started(2, config());
    let mut update = room.update(1, 1);
    update.report.mischief = Some(Mischief::Noise);
    room.post(1, update);
    room.desk(Command::Reset(None));
    assert!(room.view().devices.iter().all(|row| row.mischief.is_none()));
}

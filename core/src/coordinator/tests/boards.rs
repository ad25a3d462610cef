//! What boards read of an arm besides its accuracies: memberships, distances, devices.

use super::*;
use crate::view::{DeviceAccuracy, RoundMemberships};

fn memberships(room: &Room, arm: &str, after: u32) -> Vec<RoundMemberships> {
    room.coordinator
        .memberships(arm, Round(after))
        .unwrap()
        .rounds
}

#[test]
fn memberships_are_those_of_every_closed_round() {
    let mut room = Room::started(3, config());
    assert_eq!(memberships(&room, GROUPED, 0), []);
    let mut seen = Vec::new();
    for round in 1..=3 {
        room.tick_at(u64::from(round) * PACE_MS);
        room.all_answer([1, 2, 3]);
        let arm = room.arm(GROUPED);
        let together: Vec<_> = arm
            .coalitions
            .into_iter()
            .map(|coalition| (coalition.id, coalition.members))
            .collect();
        seen.push((Round(round), arm.agreement, together));
    }
    let kept: Vec<_> = memberships(&room, GROUPED, 0)
        .into_iter()
        .map(|row| {
            let together = row.coalitions.into_iter().map(|c| (c.id, c.members));
            (row.round, row.agreement, together.collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(kept, seen);
    let later = memberships(&room, GROUPED, 2);
    assert_eq!(later.len(), 1);
    assert_eq!(later[0].round, Round(3));
    assert_eq!(memberships(&room, AVERAGED, 0), [], "it has no coalitions");
    assert_eq!(room.coordinator.memberships("none", Round(0)), None);
}

#[test]
fn who_has_left_stays_in_past_memberships() {
    let mut room = Room::started(3, config());
    room.all_answer([1, 2, 3]);
    room.leave(2);
    let members = |coalitions: Vec<Vec<DeviceId>>| -> BTreeSet<u32> {
        coalitions.concat().iter().map(|device| device.0).collect()
    };
    let now = room.arm(GROUPED).coalitions;
    let now = members(now.into_iter().map(|c| c.members).collect());
    let past = memberships(&room, GROUPED, 0).remove(0).coalitions;
    let past = members(past.into_iter().map(|c| c.members).collect());
    assert_eq!((now, past), ([1, 3].into(), [1, 2, 3].into()));
}

#[test]
fn distances_are_those_of_the_last_closed_round() {
    let mut room = Room::started(2, config());
    let before = room.coordinator.distances(AVERAGED).unwrap();
    assert_eq!((before.run, before.round), (RunId(1), Round(0)));
    assert_eq!(before.devices, []);
    room.all_answer([1, 2]);
    room.tick_at(PACE_MS);
    room.all_answer([1, 2]);
    let kept = room.coordinator.distances(AVERAGED).unwrap();
    assert_eq!(kept.round, Round(2));
    assert_eq!(kept.devices, [DeviceId(1), DeviceId(2)]);
    // Each model is its mark in a place of its own.
    let apart = 2.0_f32.sqrt() * mark(RunId(1), Round(2));
    assert!((kept.distances[0][1] - apart).abs() < apart * 1e-5);
    assert_eq!(kept.to_barycenter, [None, None]);
    let alone = room.coordinator.distances("local_only").unwrap();
    assert_eq!(alone.devices, [], "weights of this arm stay on the devices");
    assert_eq!(room.coordinator.distances("none"), None);
}

#[test]
fn a_reset_forgets_memberships_and_distances() {
    let mut room = Room::started(2, config());
    room.all_answer([1, 2]);
    room.desk(Command::Reset(None));
    let kept = room.coordinator.memberships(GROUPED, Round(0)).unwrap();
    assert_eq!((kept.run, kept.rounds), (RunId(2), vec![]));
    let distances = room.coordinator.distances(GROUPED).unwrap();
    assert_eq!((distances.run, distances.round), (RunId(2), Round(0)));
}

/// Devices measure the models of round 1 when they receive them in round 2. The report of round 2 says 0.2.
#[test]
fn every_device_that_measured_has_its_accuracies_until_it_leaves() {
    let mut room = Room::started(3, config());
    room.all_answer([1, 2, 3]);
    assert_eq!(room.arm(GROUPED).devices, [], "nothing is measured yet");
    room.tick_at(PACE_MS);
    let mut silent = room.update(1, 2);
    for report in silent.report.arms.values_mut() {
        report.balanced_before = None;
    }
    room.post(1, silent);
    room.all_answer([2, 3]);
    let of = |device, balanced| DeviceAccuracy {
        device: DeviceId(device),
        balanced,
        own: Some(0.2),
    };
    let measured = [of(1, None), of(2, Some(0.2)), of(3, Some(0.2))];
    assert_eq!(room.arm(GROUPED).devices, measured);
    assert_eq!(room.arm("local_only").devices, measured);
    room.leave(2);
    assert_eq!(room.arm(GROUPED).devices, [measured[0], measured[2]]);
}

fn sent(device: u32) -> Input {
    Input::Sent {
        device: DeviceId(device),
        bytes: 10,
        alone: Arc::default(),
    }
}

#[test]
fn the_cohort_says_who_received_and_who_answered_and_in_which_order() {
    let mut room = Room::started(3, config());
    let cohort = |room: &Room| {
        let cohort = room.view().cohort;
        let numbers = |devices: Vec<DeviceId>| devices.iter().map(|d| d.0).collect::<Vec<_>>();
        (
            cohort.round.0,
            numbers(cohort.asked),
            numbers(cohort.received),
            numbers(cohort.answered),
        )
    };
    assert_eq!(cohort(&room), (1, vec![1, 2, 3], vec![], vec![]));
    for device in [2, 1] {
        room.give(sent(device));
    }
    room.all_answer([2]);
    // It reloads its page, and is told again.
    room.disconnect(1);
    room.connect(1);
    room.give(sent(1));
    assert_eq!(cohort(&room), (1, vec![1, 2, 3], vec![2, 1], vec![2]));
    room.all_answer([1]);
    room.leave(3);
    let closed = (1, vec![1, 2, 3], vec![2, 1], vec![2, 1]);
    assert_eq!(cohort(&room), closed, "whoever left is not taken out");
    room.enter();
    for round in 2..=3_u32 {
        room.tick_at(u64::from(round) * PACE_MS);
        room.all_answer([1, 2, 4]);
    }
    assert_eq!(room.phase(), Phase::Evaluating);
    let last = cohort(&room);
    room.give(sent(4));
    room.all_answer([1, 2]);
    assert_eq!(cohort(&room), last, "the evaluation is no training round");
    assert_eq!(last, (3, vec![1, 2, 4], vec![], vec![1, 2, 4]));
    room.desk(Command::Reset(None));
    assert_eq!(cohort(&room), (0, vec![], vec![], vec![]));
}

//! What crossed the wire, by device, by run, by round and by arm.

use super::*;
use crate::view::{ArmTraffic, Traffic};
use crate::wire::Alone;

fn sent(device: u32, bytes: u64) -> Input {
    Input::Sent {
        device: DeviceId(device),
        bytes,
        alone: Arc::new(Alone {
            arms: vec![1, bytes / 2, bytes / 4],
            plain: bytes / 2,
        }),
    }
}

#[test]
fn traffic_is_counted_by_device_and_by_run() {
    let mut room = Room::started(2, config());
    room.give(sent(1, 1_000));
    room.give(sent(2, 40));
    room.all_answer([1]);
    // Bytes of what is sent twice or refused have crossed the wire as well.
    room.answer(1);
    let stale = room.update(2, 0);
    room.post(2, stale);
    let rows: Vec<_> = room
        .view()
        .devices
        .iter()
        .map(|row| (row.bytes_up, row.bytes_down))
        .collect();
    assert_eq!(rows, [(2 * POST, 1_000), (POST, 40)]);
    room.all_answer([2]);
    let traffic = room.view().traffic;
    let expected = Traffic {
        bytes_up: 4 * POST,
        bytes_down: 1_040,
        round_up: 4 * POST,
        round_down: 1_040,
        rounds: 1,
        ..traffic
    };
    assert_eq!(traffic, expected);
    // A device takes nothing of it along when it leaves; a new run counts from 0.
    room.leave(1);
    assert_eq!(room.view().traffic, expected);
    room.desk(Command::Reset(None));
    assert_eq!(room.view().traffic, Traffic::default());
    assert_eq!(room.view().devices[0].bytes_up, 0);
    assert_eq!(room.arm(AVERAGED).traffic, ArmTraffic::default());
}

#[test]
fn every_arm_costs_what_it_would_cost_alone() {
    let mut room = Room::started(2, config());
    let round = room.update(1, 1).alone(room.coordinator.models());
    room.give(sent(1, 1_000));
    room.give(sent(2, 40));
    room.all_answer([1, 2]);
    let up = |arm: usize| 2 * round.arms[arm];
    let found = |room: &Room| {
        let arms = room.view().arms;
        arms.iter().map(|arm| arm.traffic).collect::<Vec<_>>()
    };
    let expected = [(0, 2), (1, 520), (2, 260)].map(|(arm, down)| ArmTraffic {
        bytes_up: up(arm),
        bytes_down: down,
        round_up: up(arm),
        round_down: down,
    });
    assert_eq!(found(&room), expected);
    assert_eq!(room.view().traffic.plain_averaging, expected[1]);
    assert!(up(0) < up(1), "one sends weights, the other does not");
    assert_eq!(up(1), 2 * round.plain);

    // The next round counts from 0, the run goes on.
    room.tick_at(PACE_MS);
    room.give(sent(1, 400));
    let averaged = found(&room)[1];
    assert_eq!((averaged.round_up, averaged.round_down), (0, 200));
    assert_eq!(averaged.bytes_down, 720);
    assert_eq!(averaged.bytes_up, up(1));
}

#[test]
fn the_closing_evaluation_is_counted_in_the_run_and_not_in_the_last_round() {
    let mut room = Room::started(2, config());
    for round in 1..=3_u32 {
        room.tick_at(u64::from(round) * PACE_MS);
        room.all_answer([1, 2]);
    }
    assert_eq!(room.phase(), Phase::Evaluating);
    let before = room.view().traffic;
    room.give(sent(1, 100));
    room.all_answer([1, 2]);
    assert_eq!(room.phase(), Phase::Finished);
    let after = room.view().traffic;
    assert_eq!(after.bytes_down, before.bytes_down + 100);
    assert_eq!(after.bytes_up, before.bytes_up + 2 * POST);
    assert_eq!(
        (after.round_up, after.round_down),
        (before.round_up, before.round_down)
    );
}

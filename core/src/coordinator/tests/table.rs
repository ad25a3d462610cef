//! Rooms whose devices bring tables: nobody is asked before there is something to train on.

use super::*;
use crate::data::{Column, TableConfig};

fn with_table() -> RunConfig {
    let mut config = config();
    config.data.groups = None;
    config.data.table = Some(TableConfig {
        label: "exercise".to_owned(),
        labels: ["rest", "walk"].map(str::to_owned).into(),
        columns: (0..9)
            .map(|column| Column {
                name: format!("c{column}"),
                mean: 0.0,
                sd: 1.0,
            })
            .collect(),
    });
    config
}

fn ready(room: &mut Room, device: u32) -> Outcome {
    let run = room.coordinator.run.id;
    room.give(Input::Ready {
        device: DeviceId(device),
        run,
    })
}

#[test]
fn a_round_asks_devices_that_have_their_table() {
    let mut room = Room::started(3, with_table());
    assert_eq!(room.state(1), DeviceState::WithoutData);
    assert_eq!(room.phase(), Phase::Waiting);
    assert_eq!(ready(&mut room, 1).asked_devices(), [] as [u32; 0]);
    assert_eq!(room.state(1), DeviceState::Ready);
    // Two are enough, and the third is not waited for.
    assert_eq!(ready(&mut room, 3).asked_devices(), [1, 3]);
    assert_eq!(room.state(2), DeviceState::WithoutData);
    room.all_answer([1, 3]);
    assert_eq!(room.counted(1), [1, 3]);
    assert_eq!(ready(&mut room, 2).asked_devices(), [] as [u32; 0]);
    room.tick_at(PACE_MS);
    room.all_answer([1, 2, 3]);
    assert_eq!(room.counted(2), [1, 2, 3]);
}

#[test]
fn a_tab_that_was_loaded_again_is_asked_once_it_has_its_table() {
    let mut room = Room::new(with_table());
    for device in 1..=3 {
        room.enter();
        ready(&mut room, device);
    }
    assert_eq!(room.desk(Command::Start).asked_devices(), [1, 2, 3]);
    room.all_answer([1]);
    // The room never missed it, but its table is gone.
    assert_eq!(room.connect(3).asked_devices(), [] as [u32; 0]);
    assert_eq!(room.state(3), DeviceState::WithoutData);
    assert_eq!(ready(&mut room, 3).asked_devices(), [3]);
    assert_eq!(room.connect(3).asked_devices(), [] as [u32; 0]);
    room.all_answer([2]);
    assert_eq!(room.round(), 1, "the round is over without it");
    assert_eq!(room.counted(1), [1, 2]);
}

#[test]
fn a_new_run_asks_nobody_before_they_say_so_again() {
    let mut room = Room::started(2, with_table());
    let old = room.coordinator.run.id;
    ready(&mut room, 1);
    ready(&mut room, 2);
    room.desk(Command::Reset(None));
    room.desk(Command::Start);
    assert_eq!(room.state(1), DeviceState::WithoutData);
    for device in [1, 2] {
        // On its way when the room was reset.
        let late = room.give(Input::Ready {
            device: DeviceId(device),
            run: old,
        });
        assert_eq!(late.asked_devices(), [] as [u32; 0]);
    }
    ready(&mut room, 1);
    assert_eq!(ready(&mut room, 2).asked_devices(), [1, 2]);
}

#[test]
fn where_there_is_a_data_set_nobody_has_to_say_so() {
    let mut room = Room::started(2, config());
    assert_eq!(room.state(1), DeviceState::Training);
    assert_eq!(ready(&mut room, 1).asked_devices(), [] as [u32; 0]);
}

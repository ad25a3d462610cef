//! Who gets a shorter plan, and when it is a longer one again.

use super::*;

impl Room {
    /// Lets the deadline of the open round pass, with these devices in time. The next round opens at once.
    fn deadline_passes(&mut self, in_time: impl IntoIterator<Item = u32>) -> Outcome {
        self.all_answer(in_time);
        let outcome = self.tick_at(self.coordinator.next_deadline().unwrap());
        assert!(outcome.closed().is_some() && !outcome.asked().is_empty());
        outcome
    }

    /// These devices answer so many milliseconds after the round opened, and devices 1 and 2 after them. The next round
    /// opens at once.
    fn answers_after(&mut self, ms: u64, devices: impl IntoIterator<Item = u32>) -> Outcome {
        self.now_ms += ms;
        self.all_answer(devices);
        let outcome = self.all_answer([1, 2]);
        assert!(outcome.closed().is_some() && !outcome.asked().is_empty());
        outcome
    }
}

impl Outcome {
    /// How often the steps of a device are halved in the round that opened.
    fn halvings(&self, device: u32) -> u32 {
        self.asked()[&device].halvings
    }
}

fn long() -> RunConfig {
    RunConfig {
        rounds: 20,
        ..config()
    }
}

#[test]
fn whoever_is_late_gets_half_the_steps_in_the_next_round() {
    let mut room = Room::started(3, long());
    let outcome = room.deadline_passes([1, 2]);
    assert_eq!((outcome.halvings(1), outcome.halvings(3)), (0, 1));
    let recorded = outcome.events().find_map(|event| match event {
        Event::RoundOpened { shorter_plans, .. } => Some(shorter_plans.clone()),
        _ => None,
    });
    let plan = ShorterPlan {
        device: DeviceId(3),
        halvings: 1,
    };
    assert_eq!(recorded, Some(vec![plan]));
    assert_eq!(room.view().devices[2].halvings, 1);
}

#[test]
fn plans_are_halved_as_often_as_it_takes_and_no_more_often_than_a_limit() {
    let mut room = Room::started(3, long());
    for round in 1..=limits::HALVINGS + 2 {
        let outcome = room.deadline_passes([1, 2]);
        assert_eq!(outcome.halvings(3), round.min(limits::HALVINGS));
    }
}

#[test]
fn a_plan_grows_again_when_twice_the_steps_would_fit() {
    let mut room = Room::started(3, long());
    room.deadline_passes([1, 2]);
    assert_eq!(room.answers_after(DEADLINE_MS / 3 + 1, [3]).halvings(3), 1);
    assert_eq!(room.answers_after(DEADLINE_MS / 3, [3]).halvings(3), 0);
}

#[test]
fn whoever_makes_the_minimum_after_the_deadline_was_late() {
    let mut room = Room::started(2, long());
    room.all_answer([1]);
    assert!(room.tick_at(DEADLINE_MS).closed().is_none());
    room.now_ms += 1;
    let outcome = room.all_answer([2]);
    assert_eq!((outcome.halvings(1), outcome.halvings(2)), (0, 1));
}

#[test]
fn whoever_is_away_or_sends_rubbish_is_not_slow() {
    let mut room = Room::started(4, long());
    room.disconnect(3);
    room.garbage(4);
    room.all_answer([1, 2]);
    room.connect(3);
    let outcome = room.tick_at(PACE_MS);
    assert_eq!((outcome.halvings(3), outcome.halvings(4)), (0, 0));
}

#[test]
fn a_device_that_comes_back_gets_the_plan_that_it_had() {
    let mut room = Room::started(3, long());
    room.deadline_passes([1, 2]);
    room.disconnect(3);
    assert_eq!(room.connect(3).halvings(3), 1);
}

#[test]
fn devices_with_the_same_plan_share_a_message() {
    let averaging = long().arms.swap_remove(1);
    let config = RunConfig {
        arms: vec![averaging],
        ..long()
    };
    let mut room = Room::started(4, config);
    let asked = room.deadline_passes([1, 2]).asked();
    assert!(Arc::ptr_eq(&asked[&1], &asked[&2]));
    assert!(Arc::ptr_eq(&asked[&3], &asked[&4]));
    assert!(!Arc::ptr_eq(&asked[&1], &asked[&3]));
}

#[test]
fn another_run_begins_with_whole_plans() {
    let mut room = Room::started(3, long());
    room.deadline_passes([1, 2]);
    room.desk(Command::Reset(None));
    assert!(room.view().devices.iter().all(|row| row.halvings == 0));
}

#[test]
fn nobody_gets_a_shorter_plan_where_the_configuration_says_so() {
    let mut config = long();
    config.pacing.slow_devices = SlowDevices::FullPlan;
    let mut room = Room::started(3, config);
    assert_eq!(room.deadline_passes([1, 2]).halvings(3), 0);
}

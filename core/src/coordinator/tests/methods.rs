//! Every method to compare with, in a room whose devices come and go.

use super::*;
use crate::view::CoalitionView;

const METHODS: &str = r#"[
    {"strategy":{"kind":"fed_avg_fine_tune"}},
    {"strategy":{"kind":"fed_prox"}},
    {"strategy":{"kind":"scaffold"}},
    {"strategy":{"kind":"oracle_groups"}},
    {"strategy":{"kind":"ifca","k":3}},
    {"strategy":{"kind":"fesem","k":3}},
    {"strategy":{"kind":"cfl","warm_up":1,"min_size":1,"split_below":1}},
    {"strategy":{"kind":"fl_hc","rounds_before":1,"k":2}},
    {"strategy":{"kind":"bounded_confidence","warm_up":2}},
    {"name":"anew","strategy":{"kind":"bounded_confidence","metric":"cosine","warm_up":0,"reform_every":1}}
]"#;

fn room() -> Room {
    let mut config = config();
    config.rounds = 6;
    config.arms = serde_json::from_str(METHODS).unwrap();
    Room::started(5, config)
}

/// One round in which these devices answer, in this order; the rest are too late.
fn play(room: &mut Room, devices: &[u32]) {
    for &device in devices {
        let round = room.coordinator.run.current_round().0;
        let mut update = room.update(device, round);
        let report = update.report.arms.get_mut("ifca").unwrap();
        // Device 5 means a model that there is not.
        report.picked = Some(if device == 5 { 3 } else { device % 3 });
        assert_eq!(room.post(device, update).answer, Ok(Answer::Accepted));
    }
    if room.phase() == Phase::Training {
        room.tick_at(room.now_ms + DEADLINE_MS);
    }
    if room.phase() == Phase::Resting {
        let next = room.coordinator.next_deadline().unwrap();
        room.tick_at(next);
    }
}

fn check(coalitions: &[CoalitionView], in_room: &[u32], arm: &str) {
    let mut members: Vec<u32> = Vec::new();
    for coalition in coalitions {
        assert!(coalition.members.contains(&coalition.center), "{arm}");
        assert!(coalition.spread.is_finite(), "{arm}");
        members.extend(coalition.members.iter().map(|device| device.0));
    }
    members.sort_unstable();
    assert!(
        members.iter().all(|device| in_room.contains(device)),
        "{arm}"
    );
    assert!(members.is_sorted_by(|a, b| a < b), "{arm}: {members:?}");
}

/// Members of every coalition, by arm.
type Together = BTreeMap<String, Vec<Vec<u32>>>;

/// What is left of the run: who is together, and the fingerprint.
fn run(backwards: bool) -> (Together, String) {
    let mut room = room();
    let order = |devices: &[u32]| {
        let mut devices = devices.to_vec();
        if backwards {
            devices.reverse();
        }
        devices
    };
    play(&mut room, &order(&[1, 2, 3, 4]));
    play(&mut room, &order(&[1, 2, 3, 5]));
    room.enter();
    play(&mut room, &order(&[2, 3, 4]));
    room.leave(1);
    play(&mut room, &order(&[2, 4, 6]));
    play(&mut room, &order(&[3, 6]));
    play(&mut room, &order(&[2, 3, 4, 5, 6]));
    let view = room.view();
    let together = view.arms.iter().map(|arm| {
        check(&arm.coalitions, &[2, 3, 4, 5, 6], &arm.name);
        let members = arm.coalitions.iter();
        let members = members.map(|c| c.members.iter().map(|device| device.0).collect());
        (arm.name.clone(), members.collect())
    });
    (together.collect(), view.fingerprint)
}

#[test]
fn devices_come_and_go() {
    let (together, _) = run(false);
    let of = |name: &str| &together[name];
    for arm in ["fed_avg_fine_tune", "fed_prox", "scaffold"] {
        assert_eq!(*of(arm), Vec::<Vec<u32>>::new(), "{arm}");
    }
    assert_eq!(*of("oracle_groups"), [vec![3, 5], vec![2, 4, 6]]);
    assert_eq!(*of("ifca"), [vec![3, 6], vec![4], vec![2]]);
    for arm in ["fesem", "cfl", "fl_hc", "bounded_confidence", "anew"] {
        let mut members = of(arm).concat();
        members.sort_unstable();
        assert_eq!(members, [2, 3, 4, 5, 6], "{arm}");
    }
    assert!(of("cfl").len() > 1);
    assert_eq!(of("fl_hc").len(), 2);
}

#[test]
fn the_order_in_which_updates_arrive_does_not_matter() {
    assert_eq!(run(false), run(true));
}

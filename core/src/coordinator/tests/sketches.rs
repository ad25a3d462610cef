//! Rounds in two steps: everybody's sketches, then the weights that are asked for, added up as they arrive. Devices with
//! odd numbers all go one way, those with even numbers another.

mod simulation;

use super::*;
use crate::config::{DistanceKind, FirstCenters, Resting, Sketches};
use crate::sketch::{NUMBERS, Sketch};
use crate::wire::ArmCoalition;

fn sketching(resting: Option<Resting>) -> RunConfig {
    let formation = Formation {
        k: 2,
        distance: DistanceKind::UnitDeltas,
        first_centers: FirstCenters::KMeansPlusPlus,
        sketches: Some(Sketches { resting }),
        ..Formation::default()
    };
    RunConfig {
        rounds: 12,
        arms: vec![ArmConfig {
            name: String::new(),
            strategy: StrategyConfig::CoalitionModels { formation },
        }],
        ..config()
    }
}

/// The same beside plain averaging.
fn beside_averaging() -> RunConfig {
    let mut config = sketching(None);
    config.arms.push(ArmConfig {
        name: String::new(),
        strategy: StrategyConfig::FedAvg {},
    });
    config
}

impl Room {
    fn sketch(&self, device: u32, round: u32) -> Update {
        let mut numbers = vec![0; NUMBERS];
        numbers[device as usize % 2] = 50;
        let sketch = Sketch::try_new(numbers).unwrap();
        Update {
            weights: ByName::new(),
            sketches: ByName::from([(GROUPED.to_owned(), sketch)]),
            ..self.update(device, round)
        }
    }

    fn post_sketch(&mut self, device: u32) -> Outcome {
        let round = self.coordinator.run.current_round().0;
        self.post(device, self.sketch(device, round))
    }

    /// Devices send their sketches, and all are counted. Returns what the last one led to.
    fn all_sketch(&mut self, devices: impl IntoIterator<Item = u32>) -> Outcome {
        let outcomes = devices.into_iter().map(|device| {
            let outcome = self.post_sketch(device);
            assert_eq!(outcome.answer, Ok(Answer::Accepted), "device {device}");
            outcome
        });
        outcomes.last().unwrap()
    }

    /// The weights that a device was asked for.
    fn weights(&self, device: u32, wanted: &SendWeights) -> Update {
        let mut update = self.update(device, wanted.round.0);
        update.coalitions.clone_from(&wanted.coalitions);
        let is_wanted = |arm: &String| {
            arm == AVERAGED || wanted.coalitions.iter().any(|other| other.arm == *arm)
        };
        update.weights.retain(|arm, _| is_wanted(arm));
        update
    }

    fn post_weights(&mut self, device: u32, wanted: &BTreeMap<u32, SendWeights>) -> Outcome {
        self.post(device, self.weights(device, &wanted[&device]))
    }

    /// Those who are counted in the barycenters of the coalitions, by id.
    fn counted_in_coalitions(&self, round: u32) -> Vec<Vec<u32>> {
        let coalitions = self.arm(GROUPED).coalitions;
        let run = self.coordinator.run.id;
        let barycenter = |c: &crate::view::CoalitionView| {
            let model = self.coordinator.model(GROUPED, Some(c.id)).unwrap();
            counted(&model, run, Round(round))
        };
        let mut found: Vec<_> = coalitions.iter().map(barycenter).collect();
        found.sort();
        found
    }

    /// Plays a whole round and says who was asked for weights.
    fn play_round(&mut self, devices: core::ops::RangeInclusive<u32>) -> Vec<u32> {
        let wanted = self.all_sketch(devices).wanted();
        let asked = wanted.iter().filter(|(_, w)| !w.coalitions.is_empty());
        let asked: Vec<u32> = asked.map(|(device, _)| *device).collect();
        for &device in &asked {
            assert_eq!(
                self.post_weights(device, &wanted).answer,
                Ok(Answer::Accepted)
            );
        }
        let next = self.coordinator.next_deadline().unwrap();
        self.tick_at(next);
        asked
    }
}

#[test]
fn coalitions_form_before_weights_are_asked_for() {
    let mut room = Room::new(sketching(None));
    for _ in 0..4 {
        room.enter();
    }
    let asked = room.desk(Command::Start).asked();
    assert!(asked.values().all(|message| message.arms[0].task.sketch));
    assert_eq!(
        room.answer(1).rejection(),
        Rejection::WrongKind("this round asks for sketches first, and the update has none")
    );
    assert!(room.all_sketch([2, 1, 3]).wanted().is_empty());
    assert_eq!(room.post_sketch(1).answer, Ok(Answer::Duplicate));
    assert_eq!(room.state(1), DeviceState::Sent);
    let outcome = room.post_sketch(4);
    let wanted = outcome.wanted();
    assert_eq!(outcome.closed(), None);
    assert_eq!(room.state(1), DeviceState::Training);
    let coalition = |device| wanted[&device].coalitions.clone();
    assert_eq!(coalition(1), coalition(3));
    assert_eq!(coalition(2), coalition(4));
    assert_ne!(coalition(1), coalition(2));
    for device in [3, 2, 4] {
        assert_eq!(room.post_weights(device, &wanted).closed(), None);
    }
    assert_eq!(room.post_weights(1, &wanted).closed(), Some((1, vec![])));
    assert_eq!(room.counted_in_coalitions(1), [vec![1, 3], vec![2, 4]]);
    assert_eq!(room.arm(GROUPED).agreement, Some(1.0));
    // Sketches of length 1 at right angles.
    let distances = room.coordinator.distances(GROUPED).unwrap();
    assert!((distances.distances[0][1] - 2.0_f32.sqrt()).abs() < 1e-6);
    assert_eq!(distances.distances[0][2], 0.0);
    assert_eq!(room.post_weights(1, &wanted).answer, Ok(Answer::Duplicate));
}

#[test]
fn the_order_of_arrival_changes_nothing() {
    let fingerprint = |sketches: [u32; 4], weights: [u32; 4]| {
        let mut room = Room::started(4, sketching(None));
        let wanted = room.all_sketch(sketches).wanted();
        for device in weights {
            room.post_weights(device, &wanted);
        }
        assert_eq!(room.view().round.0, 1);
        room.view().fingerprint
    };
    assert_eq!(
        fingerprint([1, 2, 3, 4], [1, 2, 3, 4]),
        fingerprint([3, 1, 4, 2], [4, 2, 1, 3])
    );
}

#[test]
fn what_asks_for_no_sketches_gets_its_weights_with_the_others() {
    let mut room = Room::started(2, beside_averaging());
    let wanted = room.all_sketch([1, 2]).wanted();
    room.post_weights(2, &wanted);
    assert_eq!(room.post_weights(1, &wanted).closed(), Some((1, vec![])));
    assert_eq!(room.counted(1), [1, 2]);
}

#[test]
fn coalitions_form_without_those_who_are_late() {
    let mut room = Room::started(4, sketching(None));
    room.all_sketch([1, 2, 3]);
    let wanted = room.tick_at(DEADLINE_MS).wanted();
    assert_eq!(wanted.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(room.state(4), DeviceState::Late);
    assert_eq!(
        room.post_sketch(4).rejection(),
        Rejection::SketchesClosed(Round(1))
    );
    // The weights have a deadline of their own.
    assert_eq!(room.coordinator.next_deadline(), Some(2 * DEADLINE_MS));
    room.post_weights(1, &wanted);
    room.post_weights(2, &wanted);
    let outcome = room.tick_at(2 * DEADLINE_MS);
    assert_eq!(outcome.closed(), Some((1, vec![3, 4])));
    assert_eq!(room.counted_in_coalitions(1), [vec![1], vec![2]]);
}

#[test]
fn whoever_is_late_with_its_sketches_gets_a_shorter_plan_and_nobody_for_late_weights() {
    let mut room = Room::started(4, sketching(None));
    room.all_sketch([1, 2, 3]);
    let wanted = room.tick_at(DEADLINE_MS).wanted();
    for device in [1, 2] {
        let outcome = room.post_weights(device, &wanted);
        assert_eq!(outcome.answer, Ok(Answer::Accepted), "device {device}");
    }
    let outcome = room.tick_at(2 * DEADLINE_MS);
    assert_eq!(outcome.closed(), Some((1, vec![3, 4])));
    let halvings = |device| outcome.asked()[&device].halvings;
    assert_eq!([1, 2, 3, 4].map(halvings), [0, 0, 0, 1]);
}

#[test]
fn a_device_that_was_lost_before_its_weights_is_asked_again() {
    let mut room = Room::started(3, sketching(None));
    let wanted = room.all_sketch([1, 2, 3]).wanted();
    room.disconnect(3);
    let back = room.connect(3);
    assert_eq!(back.asked_devices(), [3]);
    assert_eq!(back.wanted()[&3], wanted[&3]);
    // A tab that was loaded again has lost its sketches, and sends them once more.
    assert_eq!(room.post_sketch(3).answer, Ok(Answer::Duplicate));
    for device in 1..=3 {
        room.post_weights(device, &wanted);
    }
    assert_eq!(room.counted_in_coalitions(1), [vec![1, 3], vec![2]]);
    // Lost before its sketches, it is asked for these alone.
    room.tick_at(PACE_MS);
    room.disconnect(3);
    let back = room.connect(3);
    assert_eq!((back.asked_devices(), back.wanted().len()), (vec![3], 0));
}

#[test]
fn a_round_in_which_nobody_sends_weights_leaves_no_trace() {
    let mut room = Room::started(2, sketching(None));
    let begun = room.view().fingerprint;
    room.all_sketch([1, 2]);
    for device in [1, 2] {
        room.disconnect(device);
    }
    assert_eq!((room.phase(), room.round()), (Phase::Resting, 0));
    assert_eq!(room.view().fingerprint, begun);
    for device in [1, 2] {
        room.connect(device);
    }
    room.tick_at(RETRY_MS);
    let wanted = room.all_sketch([1, 2]).wanted();
    room.post_weights(1, &wanted);
    room.post_weights(2, &wanted);
    assert_eq!(room.counted_in_coalitions(1), [vec![1], vec![2]]);
}

#[test]
fn members_of_coalitions_that_stand_still_rest_in_turn() {
    let resting = Resting {
        after: 2,
        share: 0.5,
    };
    let mut room = Room::started(8, sketching(Some(resting)));
    let everybody: Vec<u32> = (1..=8).collect();
    // The first coalitions are new, and must stand still for two rounds more.
    for _ in 1..=2 {
        assert_eq!(room.play_round(1..=8), everybody);
    }
    let mut times = BTreeMap::new();
    for round in 3..=8 {
        let asked = room.play_round(1..=8);
        assert_eq!(asked.len(), 4, "half of each coalition in round {round}");
        assert_eq!(asked.iter().filter(|device| **device % 2 == 1).count(), 2);
        let counted: Vec<u32> = room.counted_in_coalitions(round).concat();
        assert_eq!(
            BTreeSet::from_iter(counted),
            asked.iter().copied().collect()
        );
        for device in asked {
            *times.entry(device).or_insert(0) += 1;
        }
    }
    assert_eq!(times.into_values().collect::<Vec<_>>(), [3; 8]);
    // With a newcomer its coalition is another one, so everybody sends again.
    room.enter();
    assert_eq!(room.play_round(1..=8).len(), 4);
    assert_eq!(room.play_round(1..=9).len(), 9);
}

#[test]
fn a_device_that_rests_has_answered() {
    let resting = Resting {
        after: 1,
        share: 0.01,
    };
    let mut room = Room::started(4, sketching(Some(resting)));
    room.play_round(1..=4);
    let wanted = room.all_sketch(1..=4).wanted();
    let rests = |device: &u32| wanted[device].coalitions.is_empty();
    let resting: Vec<u32> = (1..=4).filter(rests).collect();
    assert_eq!(resting.len(), 2, "one of each coalition sends");
    assert_eq!(room.state(resting[0]), DeviceState::Resting);
    assert_eq!(room.view().cohort.resting.len(), 2);
    assert_eq!(room.post_sketch(resting[0]).answer, Ok(Answer::Duplicate));
    // Lost and back, it is asked for nothing more.
    room.disconnect(resting[0]);
    assert!(room.connect(resting[0]).asked().is_empty());
    for device in (1..=4).filter(|device| !rests(device)) {
        room.post_weights(device, &wanted);
    }
    assert_eq!(room.round(), 2);
    // Resting devices' reports count as well.
    room.tick_at(room.now_ms + PACE_MS);
    assert_eq!(room.arm(GROUPED).devices.len(), 4);
}

#[test]
fn weights_are_for_the_coalition_that_was_named_and_not_too_large() {
    let mut room = Room::started(2, sketching(None));
    let wanted = room.all_sketch([1, 2]).wanted();
    let mut elsewhere = room.weights(1, &wanted[&1]);
    elsewhere.coalitions.clone_from(&wanted[&2].coalitions);
    assert_eq!(
        room.post(1, elsewhere).rejection(),
        Rejection::WrongCoalition(Round(1))
    );
    let mut nowhere = room.weights(1, &wanted[&1]);
    nowhere.coalitions = Vec::<ArmCoalition>::new();
    assert_eq!(
        room.post(1, nowhere).rejection(),
        Rejection::WrongCoalition(Round(1))
    );
    let mut large = room.weights(1, &wanted[&1]);
    let value = 2_049.0;
    let weights = large.weights.get_mut(GROUPED).unwrap();
    let values = weights.values().iter().map(|_| value).collect();
    *weights = Params::try_new(values, weights.spec()).unwrap();
    let rejection = room.post(1, large).rejection();
    assert_eq!(rejection.code(), "too_large");
    assert!(rejection.to_string().contains("2049"), "{rejection}");
    // It is no longer waited for, and may do better.
    assert_eq!(room.post_weights(2, &wanted).closed(), Some((1, vec![1])));
}

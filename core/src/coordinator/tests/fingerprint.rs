//! The fingerprint says whether two runs had the same models in every round.

use super::*;

/// What a device sends: numbers so far apart that their sum is another one in another order.
fn update(room: &Room, device: u32, round: u32) -> Update {
    let mut update = room.update(device, round);
    let far_apart = [1.0, 1e30, 1.0, -1e30];
    for params in update.weights.values_mut() {
        let mut values = params.values().to_vec();
        values[100] = far_apart[device as usize];
        values[101] = (device * round) as f32;
        *params = Params::try_new(values, params.spec()).unwrap();
    }
    update
}

/// Plays two rounds of three devices, which answer in these orders; `change` may change what is sent.
fn play(
    config: RunConfig,
    orders: [[u32; 3]; 2],
    change: impl Fn(&mut Update, u32),
) -> [String; 2] {
    let mut room = Room::started(3, config);
    let mut round = 0;
    orders.map(|order| {
        round += 1;
        for device in order {
            let mut update = update(&room, device, round);
            change(&mut update, device);
            assert_eq!(room.post(device, update).answer, Ok(Answer::Accepted));
        }
        room.tick_at(PACE_MS * u64::from(round));
        room.view().fingerprint
    })
}

const IN_ORDER: [[u32; 3]; 2] = [[1, 2, 3]; 2];

fn as_it_is(_: &mut Update, _: u32) {}

#[test]
fn the_same_inputs_give_the_same_fingerprint() {
    let found = play(config(), IN_ORDER, as_it_is);
    assert_eq!(found, play(config(), IN_ORDER, as_it_is));
    assert_ne!(found[0], found[1]);
    assert!(
        found
            .iter()
            .all(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    );
}

#[test]
fn the_order_in_which_updates_arrive_does_not_matter() {
    let expected = play(config(), IN_ORDER, as_it_is);
    let orders = [[1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    for first in orders {
        for second in orders {
            assert_eq!(
                play(config(), [first, second], as_it_is),
                expected,
                "{first:?} {second:?}"
            );
        }
    }
}

#[test]
fn one_changed_value_changes_this_and_every_later_fingerprint() {
    let expected = play(config(), IN_ORDER, as_it_is);
    for changed_round in 1..=2 {
        let found = play(config(), IN_ORDER, |update, device| {
            if update.round.0 == changed_round
                && device == 2
                && let Some(params) = update.weights.get_mut(AVERAGED)
            {
                let mut values = params.values().to_vec();
                values[7_000] += 0.001;
                *params = Params::try_new(values, params.spec()).unwrap();
            }
        });
        assert_eq!(found[0] != expected[0], changed_round == 1);
        assert_ne!(found[1], expected[1]);
    }
}

/// Models that are not averaged but published by coalition count as well.
#[test]
fn every_arm_is_in_the_fingerprint() {
    let expected = play(config(), IN_ORDER, as_it_is);
    let found = play(config(), IN_ORDER, |update, device| {
        if device == 3
            && let Some(params) = update.weights.get_mut(GROUPED)
        {
            let mut values = params.values().to_vec();
            values[7_000] += 0.001;
            *params = Params::try_new(values, params.spec()).unwrap();
        }
    });
    assert_ne!(found[0], expected[0]);
}

/// The seed draws the first centers, so that with enough seeds coalitions, and with them models, must differ.
#[test]
fn another_seed_gives_another_fingerprint() {
    let of_seed = |seed| play(RunConfig { seed, ..config() }, IN_ORDER, as_it_is);
    let found: BTreeSet<_> = (1..=8).map(of_seed).collect();
    assert!(found.len() > 1, "{found:?}");
}

/// What is only measured changes no model.
#[test]
fn reports_are_not_in_the_fingerprint() {
    let found = play(config(), IN_ORDER, |update, _| {
        for report in update.report.arms.values_mut() {
            report.own_before = Some(1.0);
        }
    });
    assert_eq!(found, play(config(), IN_ORDER, as_it_is));
}

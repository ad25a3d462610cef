//! Updates in two parts: sketches first, weights when the room asks for them.

use super::*;
use crate::config::Encodings;
use crate::encoding::Encoding;
use crate::sketch::Sketch;
use crate::wire::ArmCoalition;

/// The round of the other tests, whose arm `fed_avg` asks for a sketch.
fn open(tab: &mut Tab, round: u32) -> Vec<Effect> {
    let mut opened = tab.round(1, round);
    opened.arms[1].task.sketch = true;
    opened.upload = tab.config.encodings.up;
    tab.device.handle(Input::Round(opened.encode()))
}

fn wanted() -> Vec<ArmCoalition> {
    vec![ArmCoalition {
        arm: "fed_avg".to_owned(),
        coalition: CoalitionId(3),
    }]
}

fn ask(tab: &mut Tab, round: u32, coalitions: Vec<ArmCoalition>) -> Vec<Effect> {
    let wanted = SendWeights {
        run: RunId(1),
        round: Round(round),
        coalitions,
    };
    tab.device
        .handle(Input::News(RoomNews::SendWeights(wanted)))
}

fn part_of(effects: &[Effect]) -> Part {
    match effects {
        [Effect::Post { part, .. }] => *part,
        _ => panic!("one post is due: {effects:?}"),
    }
}

fn decode(tab: &Tab, body: &[u8]) -> Update {
    let models = Models {
        sketching: vec!["fed_avg".to_owned()],
        ..tab.models()
    };
    Update::decode(body, &models).unwrap()
}

fn accept(tab: &mut Tab, part: Part) {
    let answer = PostAnswer::Accepted(Round(1), part);
    tab.device.handle(Input::Answer(answer));
}

#[test]
fn sketches_go_first_and_weights_when_they_are_asked_for() {
    let mut plain = Tab::ready(config());
    plain.open(1, 1);
    let plain = plain.update();

    let mut tab = Tab::ready(config());
    open(&mut tab, 1);
    let (_, body) = tab.work();
    let first = decode(&tab, &body);
    assert_eq!((first.has_weights(), first.is_bare()), (false, false));
    assert_eq!(first.report, plain.report);
    let weights = &plain.weights["fed_avg"];
    let start = tab.network.initial(tab.config.seed);
    let expected = Sketch::of_delta(weights.values(), start.values(), tab.config.seed);
    assert_eq!(first.sketches["fed_avg"], expected);
    assert!(body.len() < 1_700, "{} bytes", body.len());

    accept(&mut tab, Part::Sketches);
    assert_eq!(tab.device.view().updates_accepted, 0);
    let effects = ask(&mut tab, 1, wanted());
    assert_eq!(part_of(&effects), Part::Weights);
    let second = decode(&tab, &posted(&effects).1);
    assert_eq!(&second.weights["fed_avg"], weights);
    assert_eq!(second.coalitions, wanted());
    assert!(second.sketches.is_empty());
    // Asked twice, it sends nothing twice.
    assert!(ask(&mut tab, 1, wanted()).is_empty());
    accept(&mut tab, Part::Weights);
    assert_eq!(tab.device.view().updates_accepted, 1);
}

#[test]
fn a_device_that_is_asked_for_nothing_rests() {
    let mut tab = Tab::ready(config());
    open(&mut tab, 1);
    tab.work();
    assert!(ask(&mut tab, 1, Vec::new()).is_empty());
    accept(&mut tab, Part::Sketches);
    assert_eq!(tab.device.view().activity, Activity::Waiting);
    open(&mut tab, 2);
    let (round, body) = tab.work();
    assert_eq!(round, Round(2));
    assert!(!decode(&tab, &body).sketches.is_empty());
}

#[test]
fn what_was_lost_on_its_way_is_sent_again() {
    let mut tab = Tab::ready(config());
    open(&mut tab, 1);
    let (_, sketches) = tab.work();
    tab.device.handle(Input::Disconnected);
    assert_eq!(posted(&open(&mut tab, 1)).1, sketches);
    let (_, weights) = posted(&ask(&mut tab, 1, wanted()));
    tab.device.handle(Input::Disconnected);
    let again = open(&mut tab, 1);
    assert_eq!(
        (part_of(&again), posted(&again).1),
        (Part::Weights, weights)
    );
}

#[test]
fn a_tab_that_was_loaded_again_sends_what_the_room_still_wants() {
    let mut tab = Tab::ready(config());
    open(&mut tab, 1);
    assert!(ask(&mut tab, 1, wanted()).is_empty());
    let (_, body) = tab.work();
    let update = decode(&tab, &body);
    assert!(update.has_weights());
    assert_eq!(update.coalitions, wanted());
    // What was asked of another round or run is of no matter.
    open(&mut tab, 2);
    assert!(ask(&mut tab, 1, wanted()).is_empty());
    let (_, body) = tab.work();
    assert!(!decode(&tab, &body).has_weights());
}

/// What an encoding loses is owed only of what was sent.
#[test]
fn a_round_of_rest_owes_nothing() {
    let second_round = |rests: bool| {
        let up = Encoding::OneBit {};
        let encodings = Encodings {
            up,
            ..Encodings::default()
        };
        let mut tab = Tab::ready(RunConfig {
            encodings,
            ..config()
        });
        open(&mut tab, 1);
        tab.work();
        let first = if rests { Vec::new() } else { wanted() };
        ask(&mut tab, 1, first);
        open(&mut tab, 2);
        tab.work();
        let (_, body) = posted(&ask(&mut tab, 2, wanted()));
        decode(&tab, &body).deltas
    };
    let mut fresh = Tab::ready(RunConfig {
        encodings: Encodings {
            up: Encoding::OneBit {},
            ..Encodings::default()
        },
        ..config()
    });
    open(&mut fresh, 2);
    fresh.work();
    let (_, body) = posted(&ask(&mut fresh, 2, wanted()));
    let unburdened = decode(&fresh, &body).deltas;
    assert!(second_round(true) == unburdened);
    assert!(second_round(false) != unburdened);
}

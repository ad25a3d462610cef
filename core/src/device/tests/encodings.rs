//! Models that come and go as deltas.

use super::*;
use crate::config::Encodings;
use crate::encoding::{Encoding, ModelHash, Payload};
use crate::wire::Encoded;

fn tab(encoding: Encoding) -> Tab {
    Tab::ready(RunConfig {
        encodings: Encodings {
            up: encoding,
            down: encoding,
        },
        ..config()
    })
}

/// The round of the other tests, whose model travels as a delta to one with this hash.
fn with_delta(tab: &Tab, round: u32, reference: ModelHash, payload: Payload) -> RoundOpened {
    let mut opened = tab.round(1, round);
    let encoded = Encoded { reference, payload };
    opened
        .deltas
        .insert("fed_avg".to_owned(), Arc::new(encoded));
    opened.upload = tab.config.encodings.up;
    opened
}

#[test]
fn a_device_knows_the_initial_model_and_sends_deltas_to_it() {
    for encoding in [Encoding::F16 {}, Encoding::OneBit {}] {
        let mut tab = tab(encoding);
        let initial = tab.network.initial(tab.config.seed);
        let hash = ModelHash::of(&initial);
        let opened = with_delta(&tab, 1, hash, Payload::Same);
        assert!(tab.device.handle(Input::Round(opened.encode())).is_empty());
        let update = tab.update();
        assert!(update.weights.is_empty());
        let delta = &update.deltas["fed_avg"];
        assert_eq!(delta.encoded.reference, hash);
        // As plain weights say it.
        let mut plain = Tab::ready(config());
        plain.open(1, 1);
        let weights = plain.update().weights["fed_avg"].values().to_vec();
        let trained = initial.plus(delta.values.values()).unwrap();
        let length = |values: Vec<f32>| values.iter().map(|v| v * v).sum::<f32>().sqrt();
        let minus = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a - b).collect();
        let off = length(minus(trained.values(), &weights));
        let moved = length(minus(&weights, initial.values()));
        let most = if encoding.owes() { 0.9 } else { 0.001 };
        assert!(off < most * moved, "{encoding:?}: {off} of {moved}");
    }
}

#[test]
fn what_cannot_be_added_to_anything_is_asked_for_whole() {
    let mut tab = tab(Encoding::Int8 {});
    let strange = "0123456789abcdef".to_owned().try_into().unwrap();
    let opened = with_delta(&tab, 1, strange, Payload::Same);
    let effects = tab.device.handle(Input::Round(opened.encode()));
    assert!(
        matches!(effects[..], [Effect::SendInFull(RunId(1))]),
        "{effects:?}"
    );
    assert!(!tab.device.has_work());
    // What comes whole is what later deltas are added to.
    let whole = tab.round(1, 1);
    let Start::Model(model) = &whole.arms[1].task.start else {
        panic!("the arm has a model");
    };
    let hash = ModelHash::of(model);
    tab.device.handle(Input::Round(whole.encode()));
    tab.update();
    let next = with_delta(&tab, 2, hash, Payload::Same);
    assert!(tab.device.handle(Input::Round(next.encode())).is_empty());
    assert!(tab.device.has_work());
}

#[test]
fn after_a_refused_delta_the_round_is_done_once_more() {
    let mut tab = tab(Encoding::Int8 {});
    tab.open(1, 1);
    let (round, body) = tab.work();
    let again = tab.open(1, 1);
    assert_eq!(posted(&again), (round, body), "the room may not have it");
    tab.device
        .handle(Input::Answer(PostAnswer::Refused(Refusal {
            code: "other_reference".to_owned(),
            detail: String::new(),
        })));
    assert!(tab.open(1, 1).is_empty());
    assert!(tab.device.has_work());
}

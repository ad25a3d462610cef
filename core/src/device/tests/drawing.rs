//! What a device's models take a drawing for, and learning from drawings.

use super::*;
use crate::config::limits;
use crate::device::DrawingError;
use crate::params::Params;
use crate::wire::safetensors::Tensors;

/// White in one corner: top left, upright.
fn corner() -> Vec<f32> {
    let mut image = vec![0.0; 784];
    image[0] = 1.0;
    image
}

/// A round of these arms, by name, with what each starts from.
fn plans(tab: &Tab, round: u32, arms: &[(&str, Option<u32>, Start)]) -> Vec<u8> {
    let arms = arms.iter().map(|(name, coalition, start)| ArmPlan {
        name: (*name).to_owned(),
        coalition: coalition.map(CoalitionId),
        task: Task::from(start.clone()),
    });
    let opened = RoundOpened {
        arms: arms.collect(),
        ..tab.round(1, round)
    };
    opened.encode()
}

/// A device that guesses, with a softmax model, so that scores can be computed by hand.
fn guessing(strategies: Vec<StrategyConfig>) -> Tab {
    let arms = strategies.into_iter().map(|strategy| ArmConfig {
        name: String::new(),
        strategy,
    });
    let config = RunConfig {
        model: ModelConfig::Softmax {},
        arms: arms.collect(),
        ..config()
    };
    let mut tab = Tab::new((*config.check().unwrap()).clone());
    tab.device = Device::guessing();
    tab.configure(1);
    tab.data();
    tab
}

/// Label `label` has score ln 9 where the pixel is white, every other score is 0: it has half of the probability, the
/// nine others share the rest.
fn sees(tab: &Tab, pixel: usize, label: usize) -> Arc<Params> {
    let mut values = vec![0.0; tab.network.spec().len()];
    values[label * 784 + pixel] = libm::logf(9.0);
    Arc::new(Params::try_new(values, tab.network.spec()).unwrap())
}

#[expect(clippy::unnecessary_wraps, reason = "guesses may be missing")]
fn half_for(label: usize) -> Option<Vec<f32>> {
    Some(
        (0..10)
            .map(|l| if l == label { 50 } else { 6 })
            .map(|p| p as f32)
            .collect(),
    )
}

/// In whole percent, rounded.
fn percent(probabilities: Option<Vec<f32>>) -> Option<Vec<f32>> {
    Some(
        probabilities?
            .iter()
            .map(|p| libm::roundf(p * 100.0))
            .collect(),
    )
}

fn coalition_models() -> StrategyConfig {
    serde_json::from_str(r#"{"kind":"coalition_models"}"#).unwrap()
}

fn coalition_global() -> StrategyConfig {
    serde_json::from_str(r#"{"kind":"coalition_global"}"#).unwrap()
}

/// Where slot 1, of two groups, sees the top left corner: half a turn away.
const TURNED: usize = 783;

#[test]
fn a_drawing_is_seen_by_three_models_as_the_group_sees_images() {
    let mut tab = guessing(vec![
        StrategyConfig::LocalOnly {},
        StrategyConfig::FedAvg {},
        coalition_global(),
        coalition_models(),
    ]);
    let guess = tab.device.guess(&corner()).unwrap();
    assert_eq!(
        (guess.own, guess.coalition, guess.global),
        (None, None, None)
    );
    assert_eq!(guess.seen[TURNED], 255);
    assert_eq!(guess.seen.iter().filter(|&&v| v > 0).count(), 1);

    let model = |label| Start::Model(sees(&tab, TURNED, label));
    let mut arms = vec![
        ("local_only", None, Start::Own),
        ("fed_avg", None, model(3)),
        ("coalition_global", Some(0), model(4)),
        ("coalition_models", None, model(5)),
    ];
    let before = tab.device.view().models;
    tab.device.handle(Input::Round(plans(&tab, 1, &arms)));
    assert!(tab.device.view().models > before, "the page is told of it");
    let guess = tab.device.guess(&corner()).unwrap();
    assert_eq!(percent(guess.global), half_for(3));
    assert_eq!(guess.own, None);
    assert_eq!(
        guess.coalition, None,
        "it is in no coalition with a model yet"
    );

    // The answers of the next round's models, while the device works.
    tab.work();
    let own = tab.device.guess(&corner()).unwrap().own;
    arms[1].2 = Start::Model(sees(&tab, TURNED, 6));
    arms[3] = (
        "coalition_models",
        Some(2),
        Start::Model(sees(&tab, TURNED, 7)),
    );
    tab.device.handle(Input::Round(plans(&tab, 2, &arms)));
    tab.device.work();
    assert!(tab.device.has_work());
    let guess = tab.device.guess(&corner()).unwrap();
    assert_eq!(percent(guess.global), half_for(6));
    assert_eq!(percent(guess.coalition), half_for(7));
    assert!(guess.own.is_some());
    assert_eq!(
        guess.own, own,
        "its own weights change when their training is done"
    );
    // What the models see where nothing is drawn: all labels alike.
    let guess = tab.device.guess(&[0.0; 784]).unwrap();
    assert_eq!(guess.global, Some(vec![0.1; 10]));
}

#[test]
fn its_own_weights_are_those_that_stay_with_it_else_those_it_trained_last() {
    for strategies in [
        vec![StrategyConfig::LocalOnly {}, StrategyConfig::FedAvg {}],
        vec![StrategyConfig::FedAvg {}],
    ] {
        let alone = strategies.len() == 2;
        let mut tab = guessing(strategies);
        let mut arms = vec![("fed_avg", None, Start::Model(sees(&tab, TURNED, 3)))];
        if alone {
            arms.insert(0, ("local_only", None, Start::Own));
        }
        tab.device.handle(Input::Round(plans(&tab, 1, &arms)));
        tab.work();
        let guess = tab.device.guess(&corner()).unwrap();
        // Nothing that the device trains on is white there: plain averaging's trained weights still see a 3 in it.
        let own = guess.own.unwrap();
        let top = (0..10).max_by(|&a, &b| own[a].total_cmp(&own[b])).unwrap();
        assert_eq!(top == 3 && own[3] > 0.4, !alone, "{own:?}");
    }
}

#[test]
fn a_model_picked_among_several_is_known_when_it_is_picked() {
    let ifca = serde_json::from_str(r#"{"kind":"ifca","k":2}"#).unwrap();
    let mut tab = guessing(vec![ifca]);
    // The first one takes everything for a 1 with certainty, and is wrong nine times of ten.
    let mut values = vec![0.0; tab.network.spec().len()];
    values[7840 + 1] = 50.0;
    let wrong = Arc::new(Params::try_new(values, tab.network.spec()).unwrap());
    let models = vec![wrong, sees(&tab, TURNED, 8)];
    let arms = [("ifca", Some(1), Start::BestOf(models))];
    tab.device.handle(Input::Round(plans(&tab, 1, &arms)));
    assert_eq!(tab.device.guess(&corner()).unwrap().coalition, None);
    tab.work();
    let guess = tab.device.guess(&corner()).unwrap();
    assert_eq!(percent(guess.coalition), half_for(8));
}

#[test]
fn devices_that_nobody_draws_on_keep_no_models() {
    let mut tab = Tab::ready(config());
    let before = tab.device.view().models;
    tab.open(1, 1);
    tab.work();
    let guess = tab.device.guess(&corner()).unwrap();
    assert_eq!(
        (guess.own, guess.coalition, guess.global),
        (None, None, None)
    );
    assert_eq!(tab.device.view().models, before);
}

#[test]
fn a_taught_drawing_counts_from_the_next_round_on_and_survives_a_reset() {
    let mut tab = Tab::ready(config());
    let before = tab.device.view().label_histogram.clone();
    tab.open(1, 1);
    tab.device.work();
    tab.device.teach(&corner(), 7).unwrap();
    let view = tab.device.view();
    assert_eq!((view.examples, view.taught), (61, 1));
    assert_eq!(view.label_histogram[7], before[7] + 1);
    let counts = |update: &Update| (update.report.examples, update.report.own_data);
    assert_eq!(counts(&tab.update()), (60, 0), "this round had begun");
    tab.open(1, 2);
    assert_eq!(counts(&tab.update()), (61, 1));

    // A reset, with another seed: other examples, and the taught one with them.
    tab.config.seed += 1;
    tab.configure(2);
    assert_eq!(tab.device.view().taught, 1);
    tab.open(2, 1);
    assert_eq!(counts(&tab.update()), (61, 1));
    // The device sees it as its group sees all images.
    let data = tab.device.run.as_ref().unwrap().data.as_ref().unwrap();
    assert_eq!(data.train.x(60)[TURNED], 1.0);
    assert_eq!(data.train.labels()[60], 7);

    // Drawn digits are no pictures of clothes; they wait for the next run of digits.
    let digits = tab.config.clone();
    tab.config.data.dataset = DatasetName::FashionMnistSmall;
    tab.configure(3);
    let clothes = Input::Data(tab.config.data.dataset, Arc::new(dataset()));
    tab.device.handle(clothes);
    assert_eq!(tab.device.view().taught, 0);
    tab.config = digits;
    tab.configure(4);
    tab.data();
    assert_eq!(tab.device.view().taught, 1);
}

#[test]
fn labels_are_taught_as_the_group_calls_them() {
    let mut swapped = config();
    swapped.data.groups = Some(Groups::equal(2, GroupKind::LabelSwap));
    let mut tab = Tab::new(swapped);
    tab.configure(1);
    let effects = tab.data();
    let [Effect::Show(samples)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(samples.quarter_turns, 0);
    assert_ne!(samples.called[7], 7);
    let before = tab.device.view().label_histogram.clone();
    tab.device.teach(&corner(), 7).unwrap();
    let called = usize::from(samples.called[7]);
    assert_eq!(
        tab.device.view().label_histogram[called],
        before[called] + 1
    );
}

#[test]
fn what_cannot_be_taught_is_refused_with_a_sentence() {
    let refused = |tab: &mut Tab, image: &[f32], label| {
        let refusal = tab.device.teach(image, label).unwrap_err();
        if label < 10 && !matches!(refusal, DrawingError::Full) {
            assert_eq!(tab.device.guess(image), Err(refusal.clone()));
        }
        refusal.to_string()
    };
    let mut tab = Tab::new(config());
    assert_eq!(
        refused(&mut tab, &corner(), 7),
        "the device is not ready yet"
    );
    tab.configure(1);
    assert_eq!(
        refused(&mut tab, &corner(), 7),
        "the device is not ready yet"
    );
    tab.data();
    let size = "the image has 783 pixels, and should have 784";
    assert_eq!(refused(&mut tab, &corner()[1..], 7), size);
    for (value, shown) in [(1.5, "1.5"), (-0.5, "-0.5"), (f32::NAN, "NaN")] {
        let mut image = corner();
        image[30] = value;
        let pixel = format!("pixel 30 is {shown}, and must be 0 to 1");
        // Not equal to itself with a number that is none.
        assert_eq!(tab.device.teach(&image, 7).unwrap_err().to_string(), pixel);
    }
    let label = "the label is 10, and must be below 10";
    assert_eq!(refused(&mut tab, &corner(), 10), label);
    for _ in 0..limits::TAUGHT {
        tab.device.teach(&corner(), 9).unwrap();
    }
    let full = "this device has been taught 100 examples already, and takes no more";
    assert_eq!(refused(&mut tab, &corner(), 9), full);
    let view = tab.device.view();
    assert_eq!((view.examples, view.taught), (160, 100));
    // As many as that the room takes.
    tab.open(1, 1);
    let (_, body) = tab.work();
    let models = Models::new(RunId(1), &tab.config, tab.network.spec());
    let report = Update::decode(&body, &models).unwrap().report;
    assert_eq!((report.examples, report.own_data), (160, 100));
}

/// The text of an update's header without its numbers, and the bytes behind it.
fn parts(body: &[u8]) -> (String, &[u8]) {
    let (length, rest) = body.split_first_chunk::<8>().unwrap();
    let (header, weights) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header = str::from_utf8(header).unwrap();
    let words = header.replace("\\\"own_data\\\":1,", "");
    let number = |c: char| c.is_ascii_digit() || ".-e".contains(c);
    (words.trim_end().replace(number, ""), weights)
}

#[test]
fn nothing_of_a_taught_drawing_leaves_the_device() {
    // A drawing that would be found again: no two pixels alike.
    let image: Vec<f32> = (0..784).map(|i| i as f32 / 784.0).collect();
    let body = |teach: bool| {
        let mut tab = Tab::ready(config());
        if teach {
            tab.device.teach(&image, 7).unwrap();
        }
        tab.open(1, 1);
        let (_, body) = tab.work();
        // The file is its weights and its report, to the last byte.
        let update = tab.decode(&body);
        assert_eq!(*update.encode(), *body);
        assert_eq!(update.weights.keys().collect::<Vec<_>>(), ["fed_avg"]);
        (update, body)
    };
    let ((without, plain), (with, taught)) = (body(false), body(true));
    assert_eq!(with.report.examples, without.report.examples + 1);
    assert_eq!((without.report.own_data, with.report.own_data), (0, 1));
    assert_ne!(with.weights, without.weights, "it has learned from it");

    let ((words, weights), (taught_words, taught_weights)) = (parts(&plain), parts(&taught));
    assert_eq!(words, taught_words);
    assert_eq!(weights.len(), taught_weights.len());
    assert_eq!(
        Tensors::parse(&plain).unwrap().names().collect::<Vec<_>>(),
        Tensors::parse(&taught).unwrap().names().collect::<Vec<_>>()
    );
    // No row of the drawing is in it, whichever way it is turned and written.
    let turned: Vec<f32> = image.iter().rev().copied().collect();
    for image in [&image, &turned] {
        let floats: Vec<u8> = image.iter().flat_map(|v| v.to_le_bytes()).collect();
        let greys: Vec<u8> = image.iter().map(|v| (v * 255.0) as u8).collect();
        for (bytes, row) in [(floats, 16), (greys, 28)] {
            assert!(bytes.chunks_exact(row).all(|row| {
                row.iter().all(|&b| b == 0) || !taught.windows(row.len()).any(|found| found == row)
            }));
        }
    }
}

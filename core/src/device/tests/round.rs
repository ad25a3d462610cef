//! A round on a device, from its models to its update.

use super::*;
use crate::config::TrainingConfig;
use crate::params::ParamsError;
use crate::rejection::Rejection;
use crate::view::SentFile;

#[test]
fn a_round_ends_in_an_update_with_new_weights_and_a_report() {
    let mut tab = Tab::ready(config());
    assert!(tab.open(1, 1).is_empty());
    assert_eq!(tab.device.view().round, Round(1));
    assert_eq!(tab.device.view().arms[1].coalition, Some(CoalitionId(1)));
    let (round, body) = tab.work();
    assert_eq!(round, Round(1));
    let update = tab.decode(&body);
    assert_eq!(
        (update.run, update.round, update.report.examples),
        (RunId(1), Round(1), 60)
    );
    assert_eq!(
        update.weights.keys().collect::<Vec<_>>(),
        ["fed_avg"],
        "own weights stay on the device"
    );
    assert_ne!(
        update.weights["fed_avg"],
        tab.network.initial(tab.config.seed)
    );
    for (arm, report) in &update.report.arms {
        for accuracy in [report.balanced_before, report.own_before, report.own_after] {
            assert!(
                (0.0..=1.0).contains(&accuracy.unwrap()),
                "{arm}: {report:?}"
            );
        }
        assert!(report.loss.unwrap() > 0.0, "{arm}: {report:?}");
    }
    // Both arms start from the initial model and see the examples in the same order.
    assert_eq!(
        update.report.arms["local_only"].clone(),
        update.report.arms["fed_avg"]
    );
    assert_eq!(tab.device.view().activity, Activity::Sending);
    assert_eq!(tab.device.view().bytes_up, body.len() as u64);
    tab.device
        .handle(Input::Answer(PostAnswer::Accepted(Round(1), Part::Weights)));
    assert_eq!(
        (
            tab.device.view().activity,
            tab.device.view().updates_accepted
        ),
        (Activity::Waiting, 1)
    );
}

#[test]
fn a_round_that_comes_before_the_data_is_kept() {
    let mut tab = Tab::new(config());
    tab.configure(1);
    assert!(tab.open(1, 1).is_empty());
    assert!(!tab.device.has_work());
    assert!(matches!(tab.data()[..], [Effect::Show(_)]));
    assert!(tab.device.has_work());
    let (_, early) = tab.work();
    let mut other = Tab::ready(config());
    other.open(1, 1);
    assert_eq!(other.work().1, early);
}

#[test]
fn a_round_asked_again_is_answered_again_without_training() {
    let mut tab = Tab::ready(config());
    tab.open(1, 1);
    let (_, body) = tab.work();
    tab.device.handle(Input::Disconnected);
    assert!(tab.configure(1).is_empty());
    let (round, again) = posted(&tab.open(1, 1));
    assert!(Arc::ptr_eq(&body, &again), "the very same body");
    assert_eq!((round, tab.device.has_work()), (Round(1), false));
    assert_eq!(tab.device.view().bytes_up, 2 * body.len() as u64);
}

#[test]
fn an_update_is_kept_until_the_room_has_it() {
    let mut tab = Tab::ready(config());
    tab.open(1, 1);
    let (_, body) = tab.work();
    let accepted = |round| Input::Answer(PostAnswer::Accepted(Round(round), Part::Weights));
    tab.device.handle(accepted(0));
    assert_eq!(Arc::strong_count(&body), 2, "another round's answer");
    tab.device.handle(accepted(1));
    assert_eq!(Arc::strong_count(&body), 1);
}

#[test]
fn a_round_asked_again_while_it_is_trained_goes_on() {
    let mut tab = Tab::ready(config());
    tab.open(1, 1);
    for _ in 0..5 {
        tab.device.work();
    }
    let progress = tab.device.view().progress;
    assert!(progress > 0.0);
    assert!(tab.open(1, 1).is_empty());
    assert_eq!(tab.device.view().progress, progress);
}

#[test]
fn a_later_round_takes_the_place_of_the_one_in_work() {
    let mut tab = Tab::ready(config());
    tab.open(1, 1);
    tab.device.work();
    tab.open(1, 2);
    assert_eq!(tab.work().0, Round(2));
}

#[test]
fn an_evaluation_measures_and_sends_no_weights() {
    let mut tab = Tab::ready(config());
    tab.open(1, 5);
    let trained = tab.update();
    tab.open(1, 6);
    assert_eq!(
        tab.device.view().round,
        Round(5),
        "rounds are counted to the run's last"
    );
    let (round, body) = tab.work();
    let update = tab.decode(&body);
    assert_eq!((round, update.weights.len()), (Round(6), 0));
    let (own, sent) = (
        update.report.arms["local_only"].clone(),
        update.report.arms["fed_avg"].clone(),
    );
    assert_eq!((sent.own_after, sent.loss), (None, None));
    assert_eq!(
        sent.own_before, trained.report.arms["fed_avg"].own_before,
        "the same model as before"
    );
    assert_eq!(own.own_before, trained.report.arms["local_only"].own_after);
    assert_eq!(tab.device.view().progress, 1.0);
}

#[test]
fn local_only_goes_on_from_its_own_weights() {
    let mut tab = Tab::ready(config());
    let mut learned = std::collections::BTreeMap::new();
    let mut before = None;
    for round in 1..=4 {
        tab.open(1, round);
        let report = tab.update().report.arms["local_only"].clone();
        if before.is_some() {
            assert_eq!(report.own_before, before);
        }
        before = report.own_after;
        learned.insert(round, report.loss.unwrap());
    }
    assert!(learned[&4] < 0.8 * learned[&1], "{learned:?}");
}

#[test]
fn training_that_diverges_is_sent_and_refused_for_what_it_is() {
    let mut config = config();
    config.training = TrainingConfig {
        learning_rate: 10.0,
        momentum: 0.99,
        weight_decay: 1.0,
        epochs: 50,
        ..config.training
    };
    let mut tab = Tab::ready(config);
    tab.open(1, 1);
    let (_, body) = tab.work();
    let error = Update::decode(&body, &tab.models()).unwrap_err();
    assert!(
        matches!(&error, WireError::Values { arm, source: ParamsError::NonFinite { .. } } if arm == "fed_avg"),
        "{error}"
    );
    assert_eq!(Rejection::from(error).code(), "non_finite");
    // Own weights that are no numbers are not kept: the device goes on from those before.
    let mut opened = tab.round(1, 2);
    opened.training = Some(TrainingConfig::default());
    tab.device.handle(Input::Round(opened.encode()));
    let report = tab.update().report.arms["local_only"].clone();
    let mut fresh = Tab::ready(self::config());
    fresh.open(1, 1);
    assert_eq!(
        report.own_before,
        fresh.update().report.arms["local_only"].own_before
    );
    assert!(report.loss.is_some());
}

/// A whole plan is of six steps, 60 examples in batches of 20 twice: a halved one is its first epoch.
#[test]
fn a_shorter_plan_is_the_beginning_of_the_whole_one_and_the_report_says_so() {
    let update = |epochs, halvings| {
        let mut tab = Tab::ready(config());
        tab.config.training.epochs = epochs;
        let mut round = tab.round(1, 1);
        round.halvings = halvings;
        tab.device.handle(Input::Round(round.encode()));
        assert_eq!(tab.device.view().halvings, halvings);
        tab.update()
    };
    let (shorter, one_epoch) = (update(2, 1), update(1, 0));
    assert_eq!(shorter.weights, one_epoch.weights);
    assert_ne!(shorter.weights, update(2, 0).weights);
    assert_eq!((shorter.report.halvings, one_epoch.report.halvings), (1, 0));
    assert_eq!(shorter.report.arms, one_epoch.report.arms);
}

#[test]
fn progress_goes_from_nothing_to_everything_and_never_back() {
    use Activity::{Evaluating, Sending, Training};

    let mut tab = Tab::ready(config());
    tab.open(1, 1);
    let mut seen = vec![tab.device.view().progress];
    let mut activities = Vec::new();
    while tab.device.has_work() {
        tab.device.work();
        seen.push(tab.device.view().progress);
        activities.push(tab.device.view().activity);
    }
    assert_eq!((seen[0], seen.last()), (0.0, Some(&1.0)));
    assert!(seen.is_sorted(), "{seen:?}");
    // Everything is said to be done when it is: at the last slice.
    let done = seen.iter().filter(|progress| **progress >= 1.0).count();
    assert_eq!(done, 1, "{seen:?}");
    activities.dedup();
    assert_eq!(
        activities,
        [
            Evaluating, Training, Evaluating, Training, Evaluating, Sending
        ]
    );
}

/// What a page shows of an update is the update.
#[test]
fn a_sent_file_shows_its_header_and_its_first_numbers() {
    let mut tab = Tab::ready(config());
    tab.open(1, 1);
    let (round, body) = tab.work();
    let sent = SentFile::of(round, &body).unwrap();
    assert_eq!((sent.round, sent.bytes as usize), (Round(1), body.len()));
    let header: serde_json::Value = serde_json::from_str(&sent.header).unwrap();
    assert_eq!(header["__metadata__"]["message"], "update");
    assert_eq!(header["fed_avg/0.weight"]["dtype"], "F32");
    let weights = &tab.decode(&body).weights["fed_avg"];
    let first: Vec<Option<f32>> = weights.values().iter().copied().map(Some).collect();
    assert_eq!(sent.numbers, first[..SentFile::NUMBERS]);
    assert_eq!(SentFile::of(round, &body[..20]), None);
    assert_eq!(SentFile::of(round, b"no"), None);
    // Bytes of a sketch are no numbers to show.
    let header = r#"{"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}}"#;
    let sketch = [
        &(header.len() as u64).to_le_bytes()[..],
        header.as_bytes(),
        &[1; 4],
    ]
    .concat();
    assert_eq!(SentFile::of(round, &sketch).unwrap().numbers, []);
}

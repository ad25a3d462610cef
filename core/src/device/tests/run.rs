//! What a device makes of the room's messages, outside of rounds.

use super::*;

#[test]
fn a_configured_device_asks_for_its_data_and_shows_some() {
    let mut tab = Tab::new(config());
    assert_eq!(tab.device.view().activity, Activity::Connecting);
    let effects = tab.configure(1);
    assert!(
        matches!(effects[..], [Effect::LoadData(DATA)]),
        "{effects:?}"
    );
    assert_eq!(tab.device.view().activity, Activity::LoadingData);
    assert_eq!(tab.device.run(), Some(RunId(1)));
    let effects = tab.data();
    let [Effect::Show(samples)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!((samples.width, samples.height), (28, 28));
    assert_eq!(
        (samples.labels.len(), samples.pixels.len()),
        (SHOWN, SHOWN * 784)
    );
    let view = tab.device.view();
    assert_eq!(
        (view.activity, view.examples, view.group),
        (Activity::Waiting, 60, Some(1))
    );
    assert_eq!(view.label_histogram.iter().sum::<u32>(), 60);
    assert_eq!(view.arms.len(), 2);
    assert!(!tab.device.has_work());
    assert!(tab.device.work().is_empty());
}

#[test]
fn data_of_another_set_are_asked_for_again() {
    let mut tab = Tab::new(config());
    tab.configure(1);
    let effects = tab.device.handle(Input::Data(
        DatasetName::FashionMnistSmall,
        Arc::new(dataset()),
    ));
    assert!(
        matches!(effects[..], [Effect::LoadData(DATA)]),
        "{effects:?}"
    );
}

#[test]
fn a_reconnect_to_the_same_run_changes_nothing() {
    let mut tab = Tab::ready(config());
    tab.open(1, 1);
    tab.work();
    tab.device
        .handle(Input::Answer(PostAnswer::Accepted(Round(1), Part::Weights)));
    let before = tab.device.view().clone();
    tab.device.handle(Input::Disconnected);
    assert_eq!(tab.device.view().activity, Activity::Connecting);
    assert!(tab.configure(1).is_empty());
    assert_eq!(tab.device.view(), &before);
}

#[test]
fn another_run_begins_anew_with_the_data_at_hand() {
    let mut tab = Tab::ready(config());
    tab.open(1, 1);
    let first = tab.update();
    tab.open(1, 2);
    let effects = tab.configure(2);
    assert!(
        matches!(effects[..], [Effect::Show(_)]),
        "nothing to load: {effects:?}"
    );
    assert!(
        !tab.device.has_work(),
        "the round of the run before is dropped"
    );
    assert_eq!(
        (tab.device.run(), tab.device.view().round),
        (Some(RunId(2)), Round(0))
    );
    assert_eq!(
        (
            tab.device.view().bytes_up,
            tab.device.view().updates_accepted
        ),
        (0, 0)
    );
    // A round of the run before is nobody's any more.
    assert!(tab.open(1, 3).is_empty() && !tab.device.has_work());
    tab.open(2, 1);
    let again = tab.update();
    // The same seed: own weights are those of the initial model again, and all numbers the same.
    assert_eq!(
        (again.run, &again.report, &again.weights),
        (RunId(2), &first.report, &first.weights)
    );
}

#[test]
fn a_frame_that_cannot_be_read_is_refused_and_the_next_one_is_not() {
    let mut tab = Tab::ready(config());
    let whole = tab.round(1, 1).encode();
    for frame in [Vec::new(), whole[..whole.len() - 1].to_vec(), vec![0; 400]] {
        let effects = tab.device.handle(Input::Round(frame));
        let [Effect::Refused(refusal)] = &effects[..] else {
            panic!("{effects:?}");
        };
        assert_eq!(refusal.code, "unreadable_round");
        assert!(!tab.device.has_work());
    }
    tab.open(1, 1);
    assert_eq!(tab.work().0, Round(1));
}

#[test]
fn a_round_before_any_run_is_nobody_s() {
    let mut tab = Tab::new(config());
    assert!(tab.open(1, 1).is_empty() && !tab.device.has_work());
}

#[test]
fn what_the_room_says_is_passed_on() {
    let mut tab = Tab::ready(config());
    let effects = tab
        .device
        .handle(Input::News(RoomNews::Farewell(Farewell::Removed)));
    assert!(
        matches!(effects[..], [Effect::Left(Farewell::Removed)]),
        "{effects:?}"
    );
    let refusal = Refusal {
        code: "stale".to_owned(),
        detail: "round 1 is closed".to_owned(),
    };
    let effects = tab
        .device
        .handle(Input::Answer(PostAnswer::Refused(refusal.clone())));
    assert!(
        matches!(&effects[..], [Effect::Refused(found)] if *found == refusal),
        "{effects:?}"
    );
    assert_eq!(tab.device.view().updates_accepted, 0);
    let (code, detail) = (refusal.code.clone(), refusal.detail.clone());
    let effects = tab
        .device
        .handle(Input::News(RoomNews::Refused { code, detail }));
    assert!(
        matches!(&effects[..], [Effect::Refused(found)] if *found == refusal),
        "{effects:?}"
    );
    tab.device.handle(Input::News(RoomNews::RunFinished));
    assert_eq!(tab.device.view().activity, Activity::Finished);
}

//! A device whose user is being difficult, as far as the desk allows it.

use super::*;
use crate::attack::Mischief;

impl Tab {
    /// The room says whether mischief is allowed.
    fn allow(&mut self, mischief: bool) -> Vec<Effect> {
        let configured = Configured {
            mischief,
            ..configured(1, self.config.clone())
        };
        self.device
            .handle(Input::News(RoomNews::Configured(Box::new(configured))))
    }
}

/// A device that does its first round in this way.
fn difficult(mischief: Mischief) -> Tab {
    let mut tab = Tab::ready(config());
    tab.allow(true);
    tab.device.misbehave(Some(mischief));
    tab.open(1, 1);
    tab
}

fn honest() -> Update {
    let mut tab = Tab::ready(config());
    tab.open(1, 1);
    tab.update()
}

fn values(update: &Update) -> &[f32] {
    update.weights["fed_avg"].values()
}

#[test]
fn without_permission_a_device_stays_honest() {
    let mut tab = Tab::ready(config());
    tab.device.misbehave(Some(Mischief::SignFlip));
    assert_eq!(tab.device.view().mischief, None);
    tab.open(1, 1);
    assert_eq!(tab.update(), honest());
}

#[test]
fn permission_alone_changes_nothing() {
    let mut tab = Tab::ready(config());
    assert!(tab.allow(true).is_empty());
    assert!(tab.device.view().mischief_allowed);
    assert_eq!(tab.device.view().examples, 60, "the run goes on");
    tab.open(1, 1);
    assert_eq!(tab.update(), honest());
}

#[test]
fn a_device_says_how_it_is_difficult() {
    for mischief in [
        Mischief::LabelFlip,
        Mischief::SignFlip,
        Mischief::Noise,
        Mischief::Slowness,
    ] {
        let mut tab = difficult(mischief);
        assert_eq!(tab.device.view().mischief, Some(mischief));
        let mut effects = Vec::new();
        while tab.device.has_work() {
            effects.extend(tab.device.work());
        }
        let [Effect::Post { body, after_ms, .. }] = &effects[..] else {
            panic!("{effects:?}");
        };
        let late = if mischief == Mischief::Slowness {
            Mischief::SLOWNESS_MS
        } else {
            0
        };
        assert_eq!(*after_ms, late);
        assert_eq!(tab.decode(body).report.mischief, Some(mischief));
    }
    assert_eq!(honest().report.mischief, None);
}

#[test]
fn a_flipped_sign_goes_as_far_the_other_way() {
    let start = Tab::ready(config());
    let start = start.network.initial(start.config.seed);
    let (plain, flipped) = (honest(), difficult(Mischief::SignFlip).update());
    for ((from, to), back) in start
        .values()
        .iter()
        .zip(values(&plain))
        .zip(values(&flipped))
    {
        assert!((to - from + (back - from)).abs() < 1e-6);
    }
    assert_ne!(values(&plain), values(&flipped));
    assert_eq!(
        plain.report.arms, flipped.report.arms,
        "it has learned the same"
    );
}

#[test]
fn noise_is_as_strong_as_it_says_and_the_same_every_time() {
    let (plain, noisy) = (honest(), difficult(Mischief::Noise).update());
    let squares = values(&plain).iter().zip(values(&noisy));
    let squares: f64 = squares.map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let deviation = (squares / values(&plain).len() as f64).sqrt();
    assert!(
        (deviation / Mischief::NOISE - 1.0).abs() < 0.05,
        "{deviation}"
    );
    assert_eq!(difficult(Mischief::Noise).update(), noisy);
}

#[test]
fn wrong_labels_are_learned_and_what_is_measured_stays_right() {
    let (plain, flipped) = (honest(), difficult(Mischief::LabelFlip).update());
    assert_ne!(values(&plain), values(&flipped));
    let of = |update: &Update| update.report.arms["fed_avg"].clone();
    assert_eq!(of(&plain).balanced_before, of(&flipped).balanced_before);
    assert_eq!(of(&plain).own_before, of(&flipped).own_before);
    assert!(of(&plain).own_after > of(&flipped).own_after);
    // What the device shows of its examples is what it has.
    let tab = difficult(Mischief::LabelFlip);
    assert_eq!(
        tab.device.view().label_histogram,
        Tab::ready(config()).device.view().label_histogram
    );
}

#[test]
fn a_silent_device_works_and_sends_nothing_also_when_it_is_asked_again() {
    let mut tab = difficult(Mischief::Silence);
    while tab.device.has_work() {
        assert!(tab.device.work().is_empty());
    }
    let view = tab.device.view();
    assert_eq!((view.activity, view.bytes_up), (Activity::Waiting, 0));
    assert!(tab.open(1, 1).is_empty());
    assert!(!tab.device.has_work());
    // Own weights have moved on all the same, and the next round is honest again if its user wants it to be.
    tab.device.misbehave(None);
    tab.open(1, 2);
    assert_eq!(tab.update().report.mischief, None);
}

#[test]
fn it_counts_from_the_next_round_on_and_ends_with_the_permission() {
    let mut tab = Tab::ready(config());
    tab.allow(true);
    tab.open(1, 1);
    tab.device.work();
    tab.device.misbehave(Some(Mischief::SignFlip));
    assert_eq!(tab.update(), honest(), "this round had begun");
    tab.device
        .handle(Input::Answer(PostAnswer::Accepted(Round(1), Part::Weights)));
    tab.open(1, 2);
    assert_eq!(tab.update().report.mischief, Some(Mischief::SignFlip));

    // A connection that is lost and comes back changes nothing; the desk's word does.
    tab.device.handle(Input::Disconnected);
    tab.allow(true);
    assert_eq!(tab.device.view().mischief, Some(Mischief::SignFlip));
    tab.allow(false);
    let view = tab.device.view();
    assert_eq!((view.mischief, view.mischief_allowed), (None, false));
    tab.open(1, 3);
    assert_eq!(tab.update().report.mischief, None);
}

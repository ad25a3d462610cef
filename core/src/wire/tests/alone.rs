//! What messages weigh with one arm alone, held against files with one arm.

use super::*;

fn task(start: Start) -> Task {
    Task {
        proximal: 0.5,
        ..Task::from(start)
    }
}

fn round() -> RoundOpened {
    let model = |first| Arc::new(params(first));
    let plan = |name: &str, coalition, task| ArmPlan {
        name: name.to_owned(),
        coalition,
        task,
    };
    let arms = vec![
        plan("local_only", None, Start::Own.into()),
        plan("fed_avg", None, Start::Model(model(0.0)).into()),
        plan(
            "grouped",
            Some(CoalitionId(3)),
            Task {
                correction: Some(model(4.0)),
                beside: Some(model(5.0)),
                judge: vec![model(6.0), model(7.0)],
                ..task(Start::BestOf(vec![model(1.0), model(2.0)]))
            },
        ),
    ];
    let training = Some(TrainingConfig::default());
    RoundOpened::new(RunId(2), Round(12), training, arms)
}

fn files(names: &[String], encode: impl Fn(&str) -> Vec<u8>) -> Vec<u64> {
    names.iter().map(|arm| encode(arm).len() as u64).collect()
}

#[test]
fn a_round_weighs_as_much_as_files_with_one_arm() {
    for training in [Some(TrainingConfig::default()), None] {
        let round = RoundOpened {
            training,
            ..round()
        };
        let alone = round.alone(&spec());
        let expected = files(&models().arms, |arm| round.only(arm).encode());
        assert_eq!(alone.arms, expected);
        assert_eq!(alone.plain, alone.arms[1], "that arm is plain averaging");
    }
}

#[test]
fn an_update_weighs_as_much_as_files_with_one_arm() {
    let mut update = update();
    update.weights.insert(beside("grouped"), params(3.0));
    let alone = update.alone(&models());
    let expected = files(&models().arms, |arm| update.only(arm).encode());
    assert_eq!(alone.arms, expected);
    assert_eq!(alone.plain, alone.arms[1]);
    assert!(alone.arms[0] < alone.arms[1] && alone.arms[1] < alone.arms[2]);
}

#[test]
fn plain_averaging_sends_weights_when_a_device_trains_and_a_report_when_it_does_not() {
    let trained = update().alone(&models()).plain;
    // A run whose weights stay on the devices: they train, and send none.
    let mut update = update();
    update.weights.clear();
    assert_eq!(update.alone(&models()).plain, trained);
    for arm in update.report.arms.values_mut() {
        (arm.own_after, arm.loss) = (None, None);
    }
    let values = 8 * size_of::<f32>() as u64;
    assert!(update.alone(&models()).plain < trained - values);
}

//! Configurations that can be run, and every value that cannot.

mod ranges;

use super::*;

fn read(json: &str) -> RunConfig {
    serde_json::from_str(json).unwrap()
}

#[test]
fn nothing_is_the_default_run() {
    let config = read("{}");
    assert_eq!(config, RunConfig::default());
    let checked = config.check().unwrap();
    let names: Vec<&str> = checked.arms.iter().map(|arm| arm.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "local_only",
            "fed_avg",
            "coalition_global",
            "coalition_models"
        ]
    );
    assert_eq!((checked.seed, checked.rounds), (7, 30));
    assert_eq!(checked.data, DataConfig::default());
}

#[test]
fn a_part_that_is_left_out_has_its_default() {
    let config =
        read(r#"{"training":{"epochs":5},"arms":[{"strategy":{"kind":"coalition_models"}}]}"#);
    assert_eq!(
        config.training,
        TrainingConfig {
            epochs: 5,
            ..TrainingConfig::default()
        }
    );
    // Where every coalition has its own model, coalitions form on the warm-up's deltas unless somebody says otherwise.
    let formation = Formation::with_warm_up();
    assert_eq!(
        config.arms[0].strategy,
        StrategyConfig::CoalitionModels { formation }
    );
}

#[test]
fn unknown_keys_are_refused_by_name() {
    for (json, key) in [
        (r#"{"sede":1}"#, "sede"),
        (r#"{"model":{"kind":"softmax","hidden":[3]}}"#, "hidden"),
        (r#"{"data":{"sampels":1}}"#, "sampels"),
        (
            r#"{"data":{"partition":{"kind":"iid","alpha":1}}}"#,
            "alpha",
        ),
        (
            r#"{"data":{"groups":{"count":2,"kind":"rotation","angle":90}}}"#,
            "angle",
        ),
        (r#"{"training":{"lr":0.1}}"#, "lr"),
        (r#"{"pacing":{"pace":1}}"#, "pace"),
        (
            r#"{"arms":[{"strategy":{"kind":"fed_avg"},"colour":"red"}]}"#,
            "colour",
        ),
        (r#"{"arms":[{"strategy":{"kind":"fed_avg","k":4}}]}"#, "k"),
        (
            r#"{"arms":[{"strategy":{"kind":"coalition_global","formation":{"kk":4}}}]}"#,
            "kk",
        ),
        (r#"{"arms":[{"strategy":{"kind":"fed_prox"}}]}"#, "fed_prox"),
        (r#"{"data":{"dataset":"cifar"}}"#, "cifar"),
    ] {
        let error = serde_json::from_str::<RunConfig>(json)
            .unwrap_err()
            .to_string();
        assert!(error.contains(&format!("`{key}`")), "{json}: {error}");
    }
}

#[test]
fn groups_are_as_many_as_their_kind_allows() {
    let with = |count, kind| {
        let mut config = RunConfig::default();
        config.data.groups = Some(Groups { count, kind });
        config.check()
    };
    for count in 0..=11 {
        let rotation = with(count, GroupKind::Rotation);
        assert_eq!(
            rotation.is_ok(),
            matches!(count, 1 | 2 | 4),
            "{count}: {rotation:?}"
        );
        let swap = with(count, GroupKind::LabelSwap);
        assert_eq!(swap.is_ok(), (1..=10).contains(&count), "{count}: {swap:?}");
    }
    let error = with(3, GroupKind::Rotation).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data.groups.count is 3; allowed: 1, 2 or 4 for rotation"
    );
    assert_eq!(
        with(11, GroupKind::LabelSwap).unwrap_err().allowed,
        "1 to 10"
    );
}

/// The watch's examples are no images, and it is the only data set that knows whose they are.
#[test]
fn the_watch_has_people_and_no_images() {
    let error = |json: &str| read(json).check().unwrap_err().to_string();
    assert_eq!(
        error(r#"{"data":{"dataset":"watch"}}"#),
        "data.groups.kind is rotation; allowed: label_swap; rotation is for images"
    );
    assert_eq!(
        error(r#"{"model":{"kind":"cnn"},"data":{"dataset":"watch","groups":null}}"#),
        "model.kind is cnn; allowed: another model: cnn is for images of 28×28"
    );
    assert_eq!(
        error(r#"{"data":{"dataset":"watch","groups":{"count":8,"kind":"label_swap"}}}"#),
        "data.groups.count is 8; allowed: 1 to 7"
    );
    assert_eq!(
        error(r#"{"data":{"partition":{"kind":"person"}}}"#),
        "data.partition.kind is person; allowed: iid, dirichlet or shards; person is for watch"
    );
    for groups in ["null", r#"{"count":2,"kind":"label_swap"}"#] {
        for partition in ["person", "iid"] {
            let json = format!(
                r#"{{"data":{{"dataset":"watch","partition":{{"kind":"{partition}"}},"groups":{groups}}}}}"#
            );
            assert_eq!(read(&json).check().map(|_| ()), Ok(()), "{json}");
        }
    }
}

fn with_arms(names: &[&str]) -> Result<CheckedConfig, ConfigError> {
    let arm = |name: &&str| ArmConfig {
        name: (*name).to_owned(),
        strategy: StrategyConfig::FedAvg {},
    };
    RunConfig {
        arms: names.iter().map(arm).collect(),
        ..RunConfig::default()
    }
    .check()
}

#[test]
fn a_run_has_one_to_sixteen_arms() {
    let names: Vec<String> = (0..=limits::ARMS).map(|n| format!("arm-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(with_arms(&names[..1]).is_ok());
    assert!(with_arms(&names[..limits::ARMS]).is_ok());
    for wrong in [&names[..0], &names] {
        let error = with_arms(wrong).unwrap_err();
        assert_eq!(
            (error.field.as_str(), error.allowed.as_str()),
            ("arms", "1 to 16 arms")
        );
        assert_eq!(error.value, format!("a list of {}", wrong.len()));
    }
}

#[test]
fn arms_are_named_after_their_strategy_and_each_differently() {
    let checked = with_arms(&["", "other"]).unwrap();
    assert_eq!(
        (checked.arms[0].name.as_str(), checked.arms[1].name.as_str()),
        ("fed_avg", "other")
    );
    for twice in [["", ""], ["", "fed_avg"], ["fed_avg", ""], ["a", "a"]] {
        let error = with_arms(&twice).unwrap_err();
        assert_eq!(
            (error.field.as_str(), error.allowed.as_str()),
            ("arms[1].name", "a name of its own")
        );
    }
}

/// Names are parts of tensor names and of addresses.
#[test]
fn arms_have_short_plain_names() {
    let longest = "n".repeat(limits::ARM_NAME);
    for name in ["a", "Fed-Avg_2", &longest] {
        assert!(with_arms(&[name]).is_ok(), "{name}");
    }
    for name in ["a/b", "a b", "ä", "a.b", "a\n", &format!("{longest}n")] {
        let error = with_arms(&["first", name]).unwrap_err();
        assert_eq!(error.field, "arms[1].name", "{name}");
        assert_eq!(error.allowed, "up to 40 letters, digits, _ and -");
        assert_eq!(error.value, format!("{name:?}"));
    }
}

#[test]
fn a_checked_configuration_comes_back_from_json_as_it_was() {
    for json in [
        "{}",
        r#"{"seed":4294967295,"model":{"kind":"cnn"},"data":{"dataset":"fashion-mnist-small","groups":null,"partition":{"kind":"shards","labels_per_device":2}}}"#,
        r#"{"model":{"kind":"softmax"},"data":{"partition":{"kind":"iid"},"groups":{"count":3,"kind":"label_swap"}},"pacing":{"start_at":4}}"#,
        r#"{"arms":[{"name":"far","strategy":{"kind":"coalition_models","formation":{"first_centers":"k_means_plus_plus","distance":"unit_deltas","layers":"by_norm","weighting":"examples","freeze_after":3}}}]}"#,
    ] {
        let checked = read(json).check().unwrap();
        let text = serde_json::to_string(&*checked).unwrap();
        assert_eq!(read(&text), *checked, "{text}");
        assert_eq!(read(&text).check().as_ref(), Ok(&checked));
    }
}

#[test]
fn another_seed_changes_nothing_else() {
    let checked = RunConfig::default().check().unwrap();
    let other = checked.with_seed(8);
    assert_eq!(other.seed, 8);
    assert_eq!(other.with_seed(checked.seed), checked);
}

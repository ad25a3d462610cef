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
            r#"{"pacing":{"participation":{"fraction":1,"order":"random","part":1}}}"#,
            "part",
        ),
        (r#"{"pacing":{"participation":{"fraction":1}}}"#, "order"),
        (
            r#"{"pacing":{"participation":{"fraction":1,"order":"fastest"}}}"#,
            "fastest",
        ),
        (
            r#"{"arms":[{"strategy":{"kind":"fed_avg"},"colour":"red"}]}"#,
            "colour",
        ),
        (r#"{"arms":[{"strategy":{"kind":"fed_avg","k":4}}]}"#, "k"),
        (
            r#"{"arms":[{"strategy":{"kind":"fed_prox","nu":1}}]}"#,
            "nu",
        ),
        (
            r#"{"arms":[{"strategy":{"kind":"coalition_global","formation":{"kk":4}}}]}"#,
            "kk",
        ),
        (r#"{"arms":[{"strategy":{"kind":"fed_sgd"}}]}"#, "fed_sgd"),
        (r#"{"data":{"dataset":"cifar"}}"#, "cifar"),
        (
            r#"{"arms":[{"strategy":{"kind":"cfl","eps1":0.4}}]}"#,
            "eps1",
        ),
        (
            r#"{"arms":[{"strategy":{"kind":"scaffold","mu":0.4}}]}"#,
            "mu",
        ),
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
        config.data.groups = Some(Groups::equal(count, kind));
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

#[test]
fn devices_share_four_fifths_of_the_training_images() {
    let check = |examples, devices, pool| {
        let data = DataConfig {
            examples,
            ..DataConfig::default()
        };
        data.check_for_devices(devices, pool)
    };
    for (examples, devices, pool) in [(400, 20, 10_000), (8_000, 1, 10_000), (48, 1_000, 60_000)] {
        assert_eq!(check(examples, devices, pool), Ok(()));
        assert!(check(examples + 1, devices, pool).is_err());
    }
    assert_eq!(
        check(400, 100, 10_000).unwrap_err().to_string(),
        "data.examples is 400; allowed: up to 80 with 100 devices"
    );
    // Nobody is a device at all before the first one comes.
    assert_eq!(check(400, 0, 10_000), Ok(()));
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
        error(r#"{"model":{"kind":"cnn_wide"},"data":{"dataset":"watch","groups":null}}"#),
        "model.kind is cnn_wide; allowed: another model: cnn_wide is for images of 28×28"
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
        r#"{"model":{"kind":"softmax"},"data":{"partition":{"kind":"iid"},"groups":{"count":3,"kind":"label_swap"}},"pacing":{"start_at":4,"participation":{"fraction":0.25,"order":"capable_first"}}}"#,
        r#"{"model":{"kind":"softmax"},"data":{"partition":{"kind":"iid"},"groups":{"count":3,"kind":"label_swap","sizes":[3,1,2],"pairs":2}},"pacing":{"start_at":4}}"#,
        r#"{"arms":[{"name":"far","strategy":{"kind":"coalition_models","formation":{"first_centers":"k_means_plus_plus","distance":"unit_deltas","layers":"by_norm","weighting":"examples","freeze_after":3}}}]}"#,
        r#"{"arms":[{"strategy":{"kind":"fed_avg_fine_tune"}},{"strategy":{"kind":"fed_prox"}},{"strategy":{"kind":"scaffold"}},{"strategy":{"kind":"oracle_groups"}},{"strategy":{"kind":"ifca"}},{"strategy":{"kind":"fesem"}},{"strategy":{"kind":"cfl"}},{"strategy":{"kind":"fl_hc"}},{"strategy":{"kind":"bounded_confidence"}}]}"#,
        r#"{"arms":[{"strategy":{"kind":"fed_prox","mu":1}},{"strategy":{"kind":"ifca","k":2}},{"strategy":{"kind":"fesem","k":3}},{"strategy":{"kind":"cfl","warm_up":1,"split_below":0.3,"gamma":0.2,"min_size":1,"linkage":"average"}},{"strategy":{"kind":"fl_hc","rounds_before":1,"metric":"cosine","linkage":"complete","threshold":0.5,"k":3}},{"strategy":{"kind":"bounded_confidence","metric":"cosine","confidence":0.5,"warm_up":0,"reform_every":2,"max_iterations":7}}]}"#,
    ] {
        let checked = read(json).check().unwrap();
        let text = serde_json::to_string(&*checked).unwrap();
        assert_eq!(read(&text), *checked, "{text}");
        assert_eq!(read(&text).check().as_ref(), Ok(&checked));
    }
}

#[test]
fn where_everybody_is_asked_nothing_is_said_of_it() {
    let text = serde_json::to_string(&PacingConfig::default()).unwrap();
    assert_eq!(
        text,
        r#"{"min_devices":2,"start_at":null,"deadline_ms":30000,"pace_ms":1000,"slow_devices":"shorter_plan"}"#
    );
    let everybody = read(r#"{"pacing":{"participation":null}}"#);
    assert_eq!(everybody.pacing, PacingConfig::default());
}

#[test]
fn another_seed_changes_nothing_else() {
    let checked = RunConfig::default().check().unwrap();
    let other = checked.with_seed(8);
    assert_eq!(other.seed, 8);
    assert_eq!(other.with_seed(checked.seed), checked);
}

#[test]
fn groups_of_unequal_size_take_slots_one_after_the_other() {
    let groups = Groups {
        sizes: Some(vec![3, 2, 1, 1]),
        ..Groups::equal(4, GroupKind::Rotation)
    };
    let of: Vec<u32> = (0..9).map(|slot| groups.of(Slot(slot))).collect();
    assert_eq!(of, [0, 0, 0, 1, 1, 2, 3, 0, 0]);
    let with = |sizes: &[u32], pairs| {
        let mut config = RunConfig::default();
        config.data.groups = Some(Groups {
            sizes: Some(sizes.to_vec()),
            pairs,
            ..groups.clone()
        });
        config.check().map_err(|error| (error.field, error.allowed))
    };
    let wrong = |field: &str, allowed: &str| Err((field.to_owned(), allowed.to_owned()));
    assert!(with(&[3, 2, 1, 1], None).is_ok());
    assert_eq!(
        with(&[3, 2], None),
        wrong("data.groups.sizes", "one size for each of the 4 groups")
    );
    assert_eq!(
        with(&[3, 2, 1, 0], None),
        wrong("data.groups.sizes", "1 to 2000")
    );
    assert_eq!(
        with(&[1, 1, 1, 1], Some(1)),
        wrong(
            "data.groups.pairs",
            "nothing for rotation, which swaps no labels"
        )
    );
}

#[test]
fn groups_are_no_more_than_their_pairs_of_labels_allow() {
    let with = |count, pairs| {
        let mut config = RunConfig::default();
        config.data.groups = Some(Groups {
            pairs: Some(pairs),
            ..Groups::equal(count, GroupKind::LabelSwap)
        });
        config.check()
    };
    // Ten labels make 45 pairs.
    for (count, most) in [(1, 5), (9, 5), (10, 4)] {
        for pairs in 0..=6 {
            let checked = with(count, pairs);
            assert_eq!(checked.is_ok(), (1..=most).contains(&pairs), "{checked:?}");
        }
        let error = with(count, most + 1).unwrap_err();
        assert_eq!(error.field, "data.groups.pairs");
        assert_eq!(error.allowed, format!("1 to {most}"));
    }
}

#[test]
fn numbers_of_examples_spread_around_the_middle() {
    let mut data = DataConfig {
        examples: 100,
        ..DataConfig::default()
    };
    assert_eq!(data.examples_of(1, Slot(3)), 100);
    data.spread = 0.5;
    let numbers: Vec<u32> = (0..200).map(|s| data.examples_of(1, Slot(s))).collect();
    let below = numbers.iter().filter(|n| **n < 100).count();
    assert!((70..130).contains(&below), "the median stays: {below}");
    // Two of three within one standard deviation: 61 to 165.
    let near = numbers.iter().filter(|n| (61..=165).contains(*n)).count();
    assert!((115..155).contains(&near), "{near}");
}

/// A configuration whose devices bring their own tables, changed.
fn with_table(change: impl FnOnce(&mut RunConfig)) -> Result<CheckedConfig, ConfigError> {
    let mut config = read(
        r#"{"data":{"groups":null,"table":{"label":"exercise","labels":["rest","walk","jump"],
           "columns":[{"name":"x","mean":0,"sd":1},{"name":"y","mean":10,"sd":2.5}]}}}"#,
    );
    change(&mut config);
    config.check()
}

#[test]
fn a_table_gives_the_model_its_shape() {
    use crate::model::Network;

    let checked = with_table(|_| ()).unwrap();
    let shape = checked.data.shape();
    assert_eq!((shape.inputs, shape.classes, shape.image), (2, 3, None));
    let network = Network::new(&checked.model, shape);
    assert_eq!(network.spec().len(), 2 * 64 + 64 + 64 * 3 + 3);
    assert_eq!(checked.data.most_examples(), limits::EXAMPLES);
    // Without one nothing is said of it, as before there were tables.
    let json = serde_json::to_string(&RunConfig::default()).unwrap();
    assert!(!json.contains("table"), "{json}");
    assert_eq!(read(&serde_json::to_string(&*checked).unwrap()), *checked);
}

#[test]
fn a_table_that_cannot_be_is_refused_with_its_field() {
    let error = |change: fn(&mut RunConfig)| {
        let error = with_table(change).unwrap_err();
        (error.field.clone(), error.to_string())
    };
    let table = |config: &mut RunConfig| config.data.table.take().unwrap();
    assert_eq!(
        error(|config| config.data.groups = Some(Groups::equal(2, GroupKind::LabelSwap))).1,
        "data.groups is there; allowed: none where devices bring tables of their own"
    );
    assert_eq!(
        error(|config| config.model = ModelConfig::Cnn {}).1,
        "model.kind is cnn; allowed: another model: cnn is for images of 28×28"
    );
    assert_eq!(
        error(|config| config.data.table.as_mut().unwrap().labels.truncate(1)).1,
        "data.table.labels is a list of 1; allowed: a list of 2 to 64"
    );
    assert_eq!(
        error(|config| config.data.table.as_mut().unwrap().columns[1].sd = 0.0).0,
        "data.table.columns.sd"
    );
    let mut config = RunConfig::default();
    with_table(|with| config.data.table = Some(table(with))).ok();
    assert_eq!(config.check().unwrap_err().field, "data.groups");
}

#[test]
fn sketches_are_of_unit_deltas_over_all_layers() {
    let with = |formation: &str| {
        let json = format!(
            r#"{{"arms":[{{"strategy":{{"kind":"coalition_models","formation":{formation}}}}}]}}"#
        );
        let config: RunConfig = serde_json::from_str(&json).unwrap();
        config.check().map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(with(r#"{"distance":"unit_deltas","sketches":{}}"#), Ok(()));
    let path = "arms[0].strategy.formation";
    assert_eq!(
        with(r#"{"distance":"weights","sketches":{}}"#),
        Err(format!(
            "{path}.distance is weights; allowed: unit_deltas where coalitions form from sketches"
        ))
    );
    assert_eq!(
        with(r#"{"distance":"unit_deltas","layers":"by_norm","sketches":{}}"#),
        Err(format!(
            "{path}.layers is by_norm; allowed: raw where coalitions form from sketches"
        ))
    );
}

//! Every way in which a file can be wrong, what it is called, and the code that devices get to see.

use super::*;
use crate::config::limits;
use crate::rejection::Rejection;
use crate::wire::safetensors;

fn code(error: &WireError) -> &'static str {
    Rejection::from(error.clone()).code()
}

fn refused(bytes: &[u8]) -> (&'static str, String) {
    let error = Update::decode(bytes, &models()).unwrap_err();
    (code(&error), error.to_string())
}

/// An update whose tensor number `at` is another one.
fn with_tensor(at: usize, tensor: (&str, &[usize], &[f32])) -> Vec<u8> {
    let mut tensors = TENSORS;
    tensors[at] = tensor;
    file(&header(), &tensors)
}

fn with_report(change: impl FnOnce(&mut Report)) -> Vec<u8> {
    let mut update = update();
    change(&mut update.report);
    update.encode()
}

#[test]
fn an_update_without_faults_is_taken() {
    assert!(Update::decode(&file(&header(), &TENSORS), &models()).is_ok());
}

#[test]
fn no_safetensors_file_is_a_bad_file() {
    for bytes in [
        &b""[..],
        b"PK\x03\x04 this is no such file at all",
        &[0; 8],
        &[255; 100],
    ] {
        let (code, _) = refused(bytes);
        assert_eq!(code, "bad_file", "{bytes:?}");
    }
    let mut longer = update().encode();
    longer.push(0);
    assert_eq!(
        refused(&longer),
        ("bad_file", "1 bytes follow the last tensor".to_owned())
    );
}

#[test]
fn a_header_length_that_lies_is_a_bad_file() {
    let bytes = update().encode();
    let told = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    for lie in [
        0,
        1,
        told - 8,
        told - 1,
        told + 1,
        told + 8,
        safetensors::limits::HEADER as u64 + 1,
        u64::MAX,
    ] {
        let mut lying = bytes.clone();
        lying[..8].copy_from_slice(&lie.to_le_bytes());
        assert_eq!(refused(&lying).0, "bad_file", "{lie} instead of {told}");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_a_bad_file() {
    let bytes = update().encode();
    for len in 0..bytes.len() {
        assert_eq!(
            refused(&bytes[..len]).0,
            "bad_file",
            "{len} of {} bytes",
            bytes.len()
        );
    }
}

#[test]
fn metadata_that_do_not_fit_are_named() {
    let round = RoundOpened::new(RunId(2), Round(5), None, Vec::new());
    let (code, text) = refused(&round.encode());
    assert_eq!(code, "bad_metadata");
    assert_eq!(
        text,
        r#"the metadata entry "message" does not fit: it is "round_opened", and must be "update""#
    );
    assert_eq!(refused(&Builder::new().finish()).0, "bad_metadata");
    let mut builder = Builder::new();
    builder.metadata("message", "update");
    let (code, text) = refused(&builder.finish());
    assert_eq!(
        (code, text.as_str()),
        (
            "bad_metadata",
            r#"the metadata entry "update" does not fit: it is missing"#
        )
    );
    for json in [
        "",
        "{}",
        "7",
        r#"{"run":1,"round":1}"#,
        r#"{"run":-1,"round":1,"report":{"examples":1,"arms":{}}}"#,
        r#"{"run":1,"round":4294967296,"report":{"examples":1,"arms":{}}}"#,
        r#"{"run":1,"round":1.5,"report":{"examples":1,"arms":{}}}"#,
        r#"{"run":1,"round":1,"report":{"examples":1,"arms":{"fed_avg":{"loss":1e999}}}}"#,
        r#"{"run":1,"round":1,"report":{"examples":1,"arms":{"fed_avg":{"los":1}}}}"#,
        r#"{"run":1,"round":1,"report":{"examples":1,"arms":{}},"more":1}"#,
    ] {
        assert_eq!(refused(&file(json, &TENSORS)).0, "bad_metadata", "{json}");
    }
}

#[test]
fn tensors_that_are_missing_are_named() {
    for (at, (name, ..)) in TENSORS.iter().enumerate() {
        let mut tensors = TENSORS.to_vec();
        tensors.remove(at);
        let error = Update::decode(&file(&header(), &tensors), &models()).unwrap_err();
        assert_eq!(error, WireError::MissingTensor((*name).to_owned()));
        assert_eq!(code(&error), "missing_tensor");
    }
}

#[test]
fn tensors_of_nobody_are_named() {
    for name in [
        "fed_avg/0.weights",
        "local_only/0.bias",
        "0.bias",
        "/0.bias",
        "fed_avg/",
        "fed_avg/1.bias",
        "",
    ] {
        let mut tensors = TENSORS.to_vec();
        tensors.push((name, BIAS.0, BIAS.1));
        let error = Update::decode(&file(&header(), &tensors), &models()).unwrap_err();
        assert_eq!(error, WireError::UnknownTensor(name.to_owned()));
        assert_eq!(code(&error), "unknown_tensor");
    }
}

#[test]
fn tensors_must_be_f32() {
    // The builder knows no other type, so the header is changed behind its back, to types of the same and of odd sizes.
    let bytes = file(&header(), &TENSORS);
    for dtype in ["I32", "U32", "F8X"] {
        let mut other = bytes.clone();
        let at = bytes
            .windows(3)
            .position(|window| window == b"F32")
            .unwrap();
        other[at..at + 3].copy_from_slice(dtype.as_bytes());
        let error = Update::decode(&other, &models()).unwrap_err();
        assert!(
            matches!(&error, WireError::WrongType { dtype: found, .. } if found == dtype),
            "{error}"
        );
        assert_eq!(code(&error), "wrong_type");
    }
}

#[test]
fn tensors_must_have_the_model_s_shape() {
    let cases: [(&[usize], &[f32]); 5] = [
        (&[3, 2], &[0.0; 6]),
        (&[6], &[0.0; 6]),
        (&[1, 2, 3], &[0.0; 6]),
        (&[2, 2], &[0.0; 4]),
        (&[0], &[]),
    ];
    for (shape, values) in cases {
        let error = Update::decode(
            &with_tensor(2, ("grouped/0.weight", shape, values)),
            &models(),
        )
        .unwrap_err();
        let expected = WireError::WrongShape {
            name: "grouped/0.weight".to_owned(),
            found: shape.to_vec(),
            expected: vec![2, 3],
        };
        assert_eq!(error, expected);
        assert_eq!(code(&error), "wrong_shape");
    }
}

#[test]
fn numbers_must_be_finite() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let bytes = with_tensor(3, ("grouped/0.bias", &[2], &[0.0, bad]));
        assert_eq!(
            refused(&bytes),
            (
                "non_finite",
                r#"arm "grouped": 1 values are not finite, the first is value 1 of tensor "0.bias""#.to_owned()
            )
        );
    }
}

/// The shapes are checked first, so that no file gets this far; the code is there for who builds models otherwise.
#[test]
fn a_wrong_number_of_values_has_a_code_of_its_own() {
    let source = Params::try_new(vec![0.0], &spec()).unwrap_err();
    let error = WireError::Values {
        arm: "fed_avg".to_owned(),
        source,
    };
    assert_eq!(code(&error), "wrong_length");
}

#[test]
fn a_report_must_be_of_all_arms_and_of_no_other() {
    let missing = with_report(|report| report.arms.retain(|arm, _| arm != "grouped"));
    assert_eq!(
        refused(&missing),
        (
            "bad_report",
            r#"the report's arm "grouped" is missing"#.to_owned()
        )
    );
    let more = with_report(|report| {
        report.arms.insert("mine".to_owned(), ArmReport::default());
    });
    assert_eq!(
        refused(&more),
        (
            "bad_report",
            r#"the report's arm "mine" is not one of this run's"#.to_owned()
        )
    );
}

#[test]
fn accuracies_are_fractions_of_1() {
    type Field = fn(&mut ArmReport) -> &mut Option<f64>;

    let fields: [(&str, Field); 3] = [
        ("balanced_before", |arm| &mut arm.balanced_before),
        ("own_before", |arm| &mut arm.own_before),
        ("own_after", |arm| &mut arm.own_after),
    ];
    for (name, field) in fields {
        let with = |value| {
            with_report(|report| *field(report.arms.get_mut("fed_avg").unwrap()) = Some(value))
        };
        for value in [0.0, 1.0] {
            assert!(
                Update::decode(&with(value), &models()).is_ok(),
                "{name} {value}"
            );
        }
        for value in [-1e-9, 1.000_001, 72.5] {
            let (code, text) = refused(&with(value));
            assert_eq!(code, "bad_report");
            assert_eq!(
                text,
                format!("the report's fed_avg.{name} is {value}, and must be 0 to 1")
            );
        }
    }
}

#[test]
fn nobody_has_more_examples_than_the_run_gives() {
    let with = |examples| with_report(|report| report.examples = examples);
    for examples in [1, 400] {
        assert!(Update::decode(&with(examples), &models()).is_ok());
    }
    for examples in [0, 401] {
        let sentence = format!("the report's examples is {examples}, and must be 1 to 400");
        assert_eq!(refused(&with(examples)), ("bad_report", sentence));
    }
}

#[test]
fn nobody_has_more_data_of_its_own_than_examples() {
    let with =
        |own_data| with_report(|report| (report.examples, report.own_data) = (300, own_data));
    assert!(Update::decode(&with(300), &models()).is_ok());
    let sentence = "the report's own_data is 301, and must be up to 300, the number of examples";
    assert_eq!(refused(&with(301)), ("bad_report", sentence.to_owned()));
}

#[test]
fn examples_that_people_teach_come_on_top() {
    let with = |examples, own_data| {
        with_report(|report| (report.examples, report.own_data) = (examples, own_data))
    };
    for (examples, own_data) in [(401, 1), (400 + limits::TAUGHT, limits::TAUGHT), (500, 500)] {
        assert!(Update::decode(&with(examples, own_data), &models()).is_ok());
    }
    for (examples, own_data, most) in [(402, 1, 401), (501, 100, 500), (501, 501, 500)] {
        let sentence = format!("the report's examples is {examples}, and must be 1 to {most}");
        assert_eq!(refused(&with(examples, own_data)), ("bad_report", sentence));
    }
}

#[test]
fn no_plan_is_halved_more_often_than_a_room_does() {
    let with = |halvings| with_report(|report| report.halvings = halvings);
    assert!(Update::decode(&with(limits::HALVINGS), &models()).is_ok());
    let sentence = "the report's halvings is 5, and must be 0 to 4";
    assert_eq!(
        refused(&with(limits::HALVINGS + 1)),
        ("bad_report", sentence.to_owned())
    );
}

#[test]
fn an_update_of_another_run_is_stale_whatever_its_tensors() {
    let mut other = models();
    other.run = RunId(3);
    other.uploading.clear();
    let error = Update::decode(&update().encode(), &other).unwrap_err();
    assert_eq!(code(&error), "stale");
    assert_eq!(
        error.to_string(),
        "the update is of run 2; the room is at run 3"
    );
}

#[test]
fn an_update_has_the_tensors_of_all_uploading_arms_or_none() {
    let none = Update::decode(&file(&header(), &[]), &models()).unwrap();
    assert!(none.weights.is_empty());
    assert_eq!(refused(&file(&header(), &TENSORS[..2])).0, "missing_tensor");
}

#[test]
fn a_round_with_another_model_s_shape_is_refused() {
    let plan = ArmPlan {
        name: "fed_avg".to_owned(),
        coalition: None,
        task: Start::Model(Arc::new(params(1.0))).into(),
    };
    let round = RoundOpened::new(RunId(2), Round(5), None, vec![plan]);
    let other = Arc::new(ParamSpec::new([
        ("0.weight".to_owned(), vec![3, 2]),
        ("0.bias".to_owned(), vec![2]),
    ]));
    let error = RoundOpened::decode(&round.encode(), &other).unwrap_err();
    assert!(matches!(error, WireError::WrongShape { .. }), "{error}");
    let bytes = round.encode();
    for len in 0..bytes.len() {
        assert!(
            RoundOpened::decode(&bytes[..len], &spec()).is_err(),
            "{len}"
        );
    }
    assert!(RoundOpened::decode(&update().encode(), &spec()).is_err());
}

/// The longest update that the configuration's limits allow: its header must fit the wire's.
#[test]
fn the_largest_run_fits_the_wire_s_limits() {
    let mut builder = Builder::new();
    let names: Vec<String> = (0..limits::ARMS)
        .map(|arm| format!("{arm:x<width$}", width = limits::ARM_NAME))
        .collect();
    // Every arm may have a second model.
    let models = names.iter().flat_map(|arm| [arm.clone(), beside(arm)]);
    // Offsets and shapes are written with as many digits as the largest have.
    let digits = "4294967295,4294967295,4294967295,4294967295".len();
    let tensors = 2 * (limits::HIDDEN_LAYERS + 1);
    for arm in models {
        for tensor in 0..tensors {
            builder.tensor(&format!("{arm}/{}.weight", 2 * tensor), &[0, 0], &[]);
        }
    }
    let measured = ArmReport {
        balanced_before: Some(0.1 + 0.2),
        own_before: Some(0.1 + 0.2),
        own_after: Some(0.1 + 0.2),
        loss: Some(0.1 + 0.2),
        picked: Some(limits::CANDIDATES),
        losses: vec![0.1 + 0.2; limits::CANDIDATES as usize],
        validation: Some(Validation {
            examples: limits::EXAMPLES,
            received: limits::EXAMPLES,
            beside: Some(limits::EXAMPLES),
            own: Some(limits::EXAMPLES),
        }),
    };
    let report = Report {
        examples: limits::EXAMPLES,
        own_data: limits::EXAMPLES,
        halvings: limits::HALVINGS,
        mischief: Some(Mischief::LabelFlip),
        arms: names
            .into_iter()
            .map(|name| (name, measured.clone()))
            .collect(),
    };
    builder.metadata(
        "update",
        &serde_json::to_string(&serde_json::to_string(&report).unwrap()).unwrap(),
    );
    let longest = builder.finish().len() + 2 * limits::ARMS * tensors * digits;
    assert!(2 * limits::ARMS * tensors <= safetensors::limits::TENSORS);
    assert!(longest <= safetensors::limits::HEADER, "{longest}");
}

#[test]
fn the_longest_update_has_room_for_every_real_one() {
    let models = models();
    assert_eq!(
        models.longest_update(),
        3 * 8 * 4 + safetensors::limits::HEADER + 8
    );
    assert!(update().encode().len() <= models.longest_update());
}

#[test]
fn a_round_with_a_plan_that_cannot_be_trained_is_refused() {
    let with_batch = |batch| {
        let training = TrainingConfig {
            batch,
            ..TrainingConfig::default()
        };
        let round = RoundOpened::new(RunId(2), Round(5), Some(training), Vec::new());
        RoundOpened::decode(&round.encode(), &spec())
    };
    assert!(with_batch(1).is_ok());
    let error = with_batch(0).unwrap_err();
    assert!(error.to_string().contains("training.batch"), "{error}");
}

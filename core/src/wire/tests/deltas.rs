//! Models that travel as deltas: what is written is read, and whatever does not fit is refused by name.

use super::*;
use crate::encoding::{Encoding, ModelHash, Payload};
use crate::rejection::Rejection;
use crate::wire::safetensors::Numbers;

const ENCODINGS: [Encoding; 4] = [
    Encoding::F16 {},
    Encoding::Int8 {},
    Encoding::OneBit {},
    Encoding::TopK { share: 0.25 },
];

fn encoded(encoding: Encoding, first: f32) -> Encoded {
    Encoded {
        reference: ModelHash::of(&params(9.0)),
        payload: encoding.encode(params(first).values(), 7).unwrap(),
    }
}

fn delta(encoding: Encoding, first: f32) -> Delta {
    let encoded = encoded(encoding, first);
    let values = encoded.payload.decode(8).unwrap();
    Delta {
        values: Params::try_new(values, &spec()).unwrap(),
        encoded,
    }
}

/// The update of the other tests, with a delta in place of one arm's weights.
fn with_delta(delta: Delta) -> Update {
    let mut update = update();
    update.weights.remove("fed_avg");
    update.deltas.insert("fed_avg".to_owned(), delta);
    update
}

/// A round with a model whole and another one as a delta to [`params`]`(9.0)`.
fn round(encoded: Encoded) -> RoundOpened {
    let step = encoded.payload.decode(8).unwrap();
    let model = params(9.0).plus(&step).unwrap();
    let plan = |name: &str, model| ArmPlan {
        name: name.to_owned(),
        coalition: None,
        task: Task::from(Start::Model(Arc::new(model))),
    };
    let arms = vec![plan("fed_avg", model), plan("grouped", params(1.0))];
    let mut round = RoundOpened::new(RunId(2), Round(5), None, arms);
    round.upload = Encoding::Int8 {};
    round.halvings = 2;
    round.deltas.insert("fed_avg".to_owned(), Arc::new(encoded));
    round
}

#[test]
fn updates_come_back_and_other_programs_read_the_file() {
    for encoding in ENCODINGS {
        let update = with_delta(delta(encoding, -3.0));
        let bytes = update.encode();
        assert_eq!(Update::decode(&bytes, &models()), Ok(update.clone()));
        let file = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert!(file.tensor("fed_avg/0.weight").is_err());
        let found: Vec<_> = file
            .names()
            .into_iter()
            .filter(|n| n.starts_with("fed_avg/"))
            .collect();
        assert!(!found.is_empty(), "{encoding:?}");
        let alone = update.alone(&models()).arms[1];
        assert_eq!(alone, update.only("fed_avg").encode().len() as u64);
    }
}

#[test]
fn rounds_come_back_with_the_models_that_deltas_make() {
    let received = |name: &str, hash| {
        let model = Arc::new(params(9.0));
        (name == "fed_avg" && ModelHash::of(&model) == hash).then_some(model)
    };
    let same = Encoded {
        reference: ModelHash::of(&params(9.0)),
        payload: Payload::Same,
    };
    for encoded in ENCODINGS
        .map(|e| encoded(e, -3.0))
        .into_iter()
        .chain([same])
    {
        let round = round(encoded);
        let bytes = round.encode();
        let read = RoundOpened::decode_with(&bytes, &spec(), received).unwrap();
        assert_eq!(read.arms, round.arms);
        assert_eq!((read.upload, read.halvings), (round.upload, 2));
        let alone = round.alone(&spec()).arms[0];
        let mut only = round.only("fed_avg");
        only.deltas.clone_from(&round.deltas);
        assert_eq!(alone, only.encode().len() as u64);
        let error = RoundOpened::decode(&bytes, &spec()).unwrap_err();
        assert!(matches!(error, WireError::OtherReference { model, .. } if model == "fed_avg"));
    }
}

#[test]
fn the_headers_are_those_of_protocol_version_1() {
    let update = with_delta(delta(Encoding::OneBit {}, 1.0)).encode();
    let update = Tensors::parse(&update).unwrap();
    let header = update.metadata("update").unwrap();
    let hash = ModelHash::of(&params(9.0));
    let entry = format!(
        r#""deltas":[{{"model":"fed_avg","encoding":"one_bit","reference":"{hash}","rotation":7}}]}}"#
    );
    assert!(header.ends_with(&entry), "{header}");
    let round = round(encoded(Encoding::Int8 {}, 1.0)).encode();
    let round = Tensors::parse(&round).unwrap();
    let plan = round.metadata("plan").unwrap();
    let entry =
        format!(r#""deltas":[{{"model":"fed_avg","encoding":"int8","reference":"{hash}"}}]}}"#);
    assert!(plan.starts_with(
        r#"{"run":2,"round":5,"training":null,"halvings":2,"upload":{"kind":"int8"},"#
    ));
    assert!(plan.ends_with(&entry), "{plan}");
}

/// An update with these deltas in its header and these tensors beside those of `grouped`.
fn by_hand(deltas: &str, build: impl FnOnce(&mut Builder)) -> Vec<u8> {
    let header = header();
    let header = format!(
        "{},\"deltas\":[{deltas}]}}",
        header.strip_suffix('}').unwrap()
    );
    let mut builder = Builder::new();
    builder.metadata("message", "update");
    builder.metadata("update", &header);
    builder.tensor("grouped/0.weight", WEIGHT.0, WEIGHT.1);
    builder.tensor("grouped/0.bias", BIAS.0, BIAS.1);
    build(&mut builder);
    builder.finish()
}

#[test]
fn deltas_that_do_not_fit_are_refused_by_name() {
    let entry = |model: &str, encoding: &str| {
        format!(r#"{{"model":"{model}","encoding":"{encoding}","reference":"0123456789abcdef"}}"#)
    };
    let int8 = entry("fed_avg", "int8");
    let values = |name, shape: &[usize], builder: &mut Builder| {
        let numbers = vec![1_i8; shape.iter().product()];
        builder.add(name, shape, Numbers::I8(&numbers));
    };
    let scale = |count: usize, builder: &mut Builder| {
        builder.tensor("fed_avg/scale", &[count], &vec![1.0; count]);
    };
    let top = |indices: &[u32], builder: &mut Builder| {
        builder.tensor("fed_avg/top_k", &[1], &[1.0]);
        let numbers = Numbers::U32(indices);
        builder.add("fed_avg/index", &[indices.len()], numbers);
    };
    let good = by_hand(&int8, |b| {
        scale(1, b);
        values("fed_avg/int8", &[8], b);
    });
    assert!(Update::decode(&good, &models()).is_ok());
    let cases: [(&str, Vec<u8>); 11] = [
        ("missing_tensor", by_hand(&int8, |b| scale(1, b))),
        (
            "wrong_shape",
            by_hand(&int8, |b| {
                scale(2, b);
                values("fed_avg/int8", &[8], b);
            }),
        ),
        (
            "wrong_shape",
            by_hand(&int8, |b| {
                scale(1, b);
                values("fed_avg/int8", &[2, 4], b);
            }),
        ),
        (
            "wrong_type",
            by_hand(&int8, |b| {
                scale(1, b);
                b.tensor("fed_avg/int8", &[8], &[1.0; 8]);
            }),
        ),
        (
            "unknown_tensor",
            by_hand(&int8, |b| {
                scale(1, b);
                values("fed_avg/int8", &[8], b);
                b.tensor("fed_avg/0.bias", BIAS.0, BIAS.1);
            }),
        ),
        (
            "non_finite",
            by_hand(&int8, |b| {
                b.tensor("fed_avg/scale", &[1], &[f32::INFINITY]);
                values("fed_avg/int8", &[8], b);
            }),
        ),
        (
            "bad_delta",
            by_hand(&entry("fed_avg", "top_k"), |b| top(&[8], b)),
        ),
        (
            "wrong_shape",
            by_hand(&entry("fed_avg", "top_k"), |b| top(&[1, 2], b)),
        ),
        (
            "bad_metadata",
            by_hand(&entry("local_only", "same"), |_| {}),
        ),
        (
            "bad_metadata",
            by_hand(&format!("{int8},{int8}"), |b| {
                scale(1, b);
                values("fed_avg/int8", &[8], b);
            }),
        ),
        ("bad_metadata", by_hand(&entry("fed_avg", "morse"), |_| {})),
    ];
    for (i, (code, bytes)) in cases.into_iter().enumerate() {
        let error = Update::decode(&bytes, &models()).unwrap_err();
        assert_eq!(
            Rejection::from(error.clone()).code(),
            code,
            "case {i}: {error}"
        );
    }
}

#[test]
fn deltas_become_the_weights_that_they_stand_for() {
    let mut update = with_delta(delta(Encoding::F16 {}, -3.0));
    let start = Arc::new(params(9.0));
    let other = Arc::new(params(8.0));
    let unresolved = update.clone();
    let error = update.resolve(|_, _| Some(&other)).unwrap_err();
    assert!(matches!(error, WireError::OtherReference { model, .. } if model == "fed_avg"));
    assert_eq!(update, unresolved);
    update
        .resolve(|name, _| Some(&start).filter(|_| name == "fed_avg"))
        .unwrap();
    assert!(update.deltas.is_empty());
    let sums: Vec<f32> = (0..8).map(|i| 6.0 + 2.0 * i as f32).collect();
    assert_eq!(update.weights["fed_avg"].values(), sums);
}

//! What is encoded is decoded to the same, by our codec and by the `safetensors` crate.

use proptest::prelude::*;

use super::*;
use crate::config::limits;

fn any_params() -> impl Strategy<Value = Params> {
    prop::collection::vec(-1e30_f32..1e30, 8)
        .prop_map(|values| Params::try_new(values, &spec()).unwrap())
}

fn fraction() -> impl Strategy<Value = Option<f64>> {
    prop::option::of(0.0..=1.0)
}

const MISCHIEF: [Mischief; 5] = [
    Mischief::LabelFlip,
    Mischief::SignFlip,
    Mischief::Noise,
    Mischief::Silence,
    Mischief::Slowness,
];

fn any_report() -> impl Strategy<Value = Report> {
    let arm = (
        fraction(),
        fraction(),
        fraction(),
        prop::option::of(0.0..1e9),
    )
        .prop_map(|(balanced_before, own_before, own_after, loss)| ArmReport {
            balanced_before,
            own_before,
            own_after,
            loss,
            ..ArmReport::default()
        })
        .prop_flat_map(|report| {
            let right = || prop::option::of(0..=50_u32);
            let counted = (right(), right()).prop_map(|(beside, own)| Validation {
                examples: 50,
                received: 20,
                beside,
                own,
            });
            (prop::option::of(any::<u32>()), prop::option::of(counted)).prop_map(
                move |(picked, validation)| ArmReport {
                    picked,
                    losses: Vec::from_iter(picked.map(|_| 0.25)),
                    validation,
                    ..report.clone()
                },
            )
        });
    let examples = (1..=400_u32).prop_flat_map(|examples| (Just(examples), 0..=examples));
    let mischief = prop::option::of(prop::sample::select(MISCHIEF.to_vec()));
    let parts = (
        examples,
        0..=limits::HALVINGS,
        mischief,
        prop::collection::vec(arm, 3),
    );
    parts.prop_map(
        |((examples, own_data), halvings, mischief, reports)| Report {
            examples,
            own_data,
            halvings,
            mischief,
            arms: models().arms.into_iter().zip(reports).collect(),
        },
    )
}

fn any_update() -> impl Strategy<Value = Update> {
    let sent = (any_params(), any_params(), prop::option::of(any_params()));
    let weights = prop::option::of(sent).prop_map(|weights| {
        let names = models().uploading.into_iter().chain([beside("grouped")]);
        let sent = weights
            .into_iter()
            .flat_map(|(a, b, second)| [Some(a), Some(b), second]);
        names
            .zip(sent)
            .filter_map(|(name, weights)| Some((name, weights?)))
            .collect()
    });
    (any::<u32>(), any::<u32>(), any_report(), weights).prop_map(|(run, round, report, weights)| {
        Update {
            run: RunId(run),
            round: Round(round),
            report,
            weights,
            deltas: ByName::new(),
            sketches: ByName::new(),
            coalitions: Vec::new(),
        }
    })
}

fn any_training() -> impl Strategy<Value = Option<TrainingConfig>> {
    prop::option::of(
        (1..100_u32, 1..1_000_u32, 1e-6..10.0, 0.0..1.0, 0.0..1.0).prop_map(
            |(epochs, batch, learning_rate, momentum, weight_decay)| TrainingConfig {
                epochs,
                batch,
                learning_rate,
                momentum,
                weight_decay,
            },
        ),
    )
}

fn any_task() -> impl Strategy<Value = Task> {
    let model = || any_params().prop_map(Arc::new);
    let start = prop_oneof![
        Just(Start::Own),
        model().prop_map(Start::Model),
        prop::collection::vec(model(), 1..4).prop_map(Start::BestOf),
    ];
    let serves = prop_oneof![
        Just(Serves::Received),
        Just(Serves::Tuned),
        Just(Serves::Chosen),
        Just(Serves::Best)
    ];
    let (correction, beside) = (prop::option::of(model()), prop::option::of(model()));
    let judge = prop::collection::vec(model(), 0..3);
    let serves = (serves, any::<bool>());
    (start, 0.0..10.0, correction, beside, judge, serves).prop_map(
        |(start, proximal, correction, beside, judge, (serves, sketch))| Task {
            start,
            proximal,
            correction,
            beside,
            judge,
            serves,
            sketch,
        },
    )
}

fn any_round() -> impl Strategy<Value = RoundOpened> {
    let plan = (prop::option::of(any::<u32>()), any_task());
    let arms = prop::collection::btree_map("[a-zA-Z0-9_-]{1,40}", plan, 0..8).prop_map(|arms| {
        let plan = |(name, (coalition, task)): (String, (Option<u32>, Task))| ArmPlan {
            name,
            coalition: coalition.map(CoalitionId),
            task,
        };
        arms.into_iter().map(plan).collect()
    });
    (any::<u32>(), any::<u32>(), any_training(), arms).prop_map(|(run, round, training, arms)| {
        RoundOpened::new(RunId(run), Round(round), training, arms)
    })
}

proptest! {
    #[test]
    fn an_update_comes_back_as_it_was(update in any_update()) {
        let models = Models { run: update.run, ..models() };
        prop_assert_eq!(Update::decode(&update.encode(), &models), Ok(update));
    }

    /// The header's length decides whether weights may stay where they have arrived.
    #[test]
    fn an_update_is_read_wherever_its_weights_lie(
        update in any_update(),
        padding in 0_usize..8,
        part in 1_usize..50,
    ) {
        let models = Models { run: update.run, ..models() };
        let bytes = update.encode();
        let (header, numbers) = safetensors::parts(&bytes).unwrap();
        let mut buffer = Buffer::default();
        for part in [
            &((header.len() + padding) as u64).to_le_bytes(),
            header.as_bytes(),
            &b"        "[..padding],
        ].into_iter().chain(numbers.chunks(part)) {
            buffer.extend_from_slice(part);
        }
        let arrived = buffer.as_bytes().as_ptr_range();
        let read = Update::decode_buffer(buffer, &models);
        prop_assert_eq!(read.as_ref(), Ok(&update));
        for params in read.unwrap().weights.values() {
            let first = bytemuck::cast_slice::<f32, u8>(params.values()).as_ptr();
            prop_assert_eq!(arrived.contains(&first), padding % 4 == 0);
        }
    }

    #[test]
    fn a_round_comes_back_as_it_was(round in any_round()) {
        prop_assert_eq!(RoundOpened::decode(&round.encode(), &spec()), Ok(round));
    }

    #[test]
    fn the_reference_crate_reads_updates(update in any_update()) {
        let bytes = update.encode();
        let (_, metadata) = ::safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        prop_assert_eq!(&metadata.metadata().as_ref().unwrap()["message"], "update");
        let file = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
        prop_assert_eq!(file.len(), 2 * update.weights.len());
        for (arm, params) in &update.weights {
            let weight = file.tensor(&format!("{arm}/0.weight")).unwrap();
            prop_assert_eq!(weight.shape(), &[2, 3]);
            prop_assert_eq!(weight.data(), bytemuck::cast_slice::<f32, u8>(&params.values()[..6]));
        }
    }
}

/// What a device of somebody else's must send, and all of it: tensors in any order, a report without what it did not
/// measure.
#[test]
fn an_update_written_by_hand_is_read() {
    let header = r#"{"round":5,"run":2,"report":{"arms":{"local_only":{},"fed_avg":{"own_before":1},"grouped":{}},"examples":1}}"#;
    let mut tensors = TENSORS;
    tensors.reverse();
    let read = Update::decode(&file(header, &tensors), &models()).unwrap();
    assert_eq!(
        (read.run, read.round, read.report.examples),
        (RunId(2), Round(5), 1)
    );
    assert_eq!(read.report.arms["fed_avg"].own_before, Some(1.0));
    assert_eq!(read.report.arms["grouped"], ArmReport::default());
    assert_eq!(read.weights["grouped"].values(), [0.0; 8]);
}

#[test]
fn weights_are_read_in_the_model_s_order() {
    let mut file = Builder::new();
    file.metadata("message", "update");
    file.metadata("update", &header());
    for arm in ["fed_avg", "grouped"] {
        file.tensor(&format!("{arm}/0.bias"), &[2], &[7.0, 8.0]);
        let weight = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        file.tensor(&format!("{arm}/0.weight"), &[2, 3], &weight);
    }
    let read = Update::decode(&file.finish(), &models()).unwrap();
    let in_order = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    assert_eq!(read.weights["fed_avg"].values(), in_order);
    assert_eq!(read.weights["grouped"].values(), in_order);
}

#[test]
fn the_headers_are_those_of_protocol_version_1() {
    let bytes = update().encode();
    let file = Tensors::parse(&bytes).unwrap();
    assert_eq!(file.metadata("message"), Some("update"));
    assert_eq!(
        file.metadata("update"),
        Some(concat!(
            r#"{"run":2,"round":5,"report":{"examples":400,"arms":{"#,
            r#""fed_avg":{"balanced_before":0.25,"own_before":0.5,"own_after":0.75,"loss":1.5},"#,
            r#""grouped":{"balanced_before":0.25,"own_before":0.5,"own_after":0.75,"loss":1.5},"#,
            r#""local_only":{"balanced_before":0.25,"own_before":0.5,"own_after":0.75,"loss":1.5}}}}"#
        ))
    );
    let plan = |name: &str, coalition, start| ArmPlan {
        name: name.to_owned(),
        coalition,
        task: Task::from(start),
    };
    let arms = vec![
        plan("local_only", None, Start::Own),
        plan(
            "grouped",
            Some(CoalitionId(3)),
            Start::Model(Arc::new(params(1.0))),
        ),
    ];
    let training = Some(TrainingConfig::default());
    let round = RoundOpened::new(RunId(2), Round(5), training, arms);
    let bytes = round.encode();
    let file = Tensors::parse(&bytes).unwrap();
    assert_eq!(file.metadata("message"), Some("round_opened"));
    assert_eq!(
        file.metadata("plan"),
        Some(concat!(
            r#"{"run":2,"round":5,"#,
            r#""training":{"epochs":2,"batch":20,"learning_rate":0.05,"momentum":0.0,"weight_decay":0.0},"#,
            r#""arms":[{"name":"local_only","coalition":null,"start":"own"},"#,
            r#"{"name":"grouped","coalition":3,"start":"model"}]}"#
        ))
    );
    assert_eq!(
        file.names().collect::<Vec<_>>(),
        ["grouped/0.bias", "grouped/0.weight"]
    );
}

/// Where training diverged, the room is told so.
#[test]
fn values_that_are_not_finite_are_sent_as_they_are() {
    let spec = spec();
    let values = [f32::NAN, f32::INFINITY, -0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let models = [("fed_avg".to_owned(), Carried::Weights(&spec, &values))];
    let bytes = Update::encode_models(RunId(2), Round(5), &report(), &[], &models);
    let mut read = Vec::new();
    Tensors::parse(&bytes)
        .unwrap()
        .get("fed_avg/0.weight")
        .unwrap()
        .read_f32(&mut read);
    assert!(read[0].is_nan());
    assert_eq!(read[1], f32::INFINITY);
    assert!(read[2].is_sign_negative());
}

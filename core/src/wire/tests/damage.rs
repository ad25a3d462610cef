//! Files that were damaged on the way: whatever happens to them, they are refused, or what they say is what was sent.

use proptest::prelude::*;

use super::*;

/// Where the numbers begin. A change there is a change of weights, which nothing but a checksum could tell.
fn numbers_at(bytes: &[u8]) -> usize {
    8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

fn sent_weights(update: &Update) -> Vec<(&String, &[f32])> {
    update
        .weights
        .iter()
        .map(|(arm, params)| (arm, params.values()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damage_outside_of_the_numbers_never_gives_other_weights(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let sent = update();
        let mut bytes = sent.encode();
        let end = numbers_at(&bytes);
        for (at, byte) in damage {
            bytes[at.index(end)] = byte;
        }
        // The report and the round are text in the header: they may come through with another digit, but the weights
        // are those that were sent, or none are taken.
        if let Ok(read) = Update::decode(&bytes, &models()) {
            prop_assert_eq!(sent_weights(&read), sent_weights(&sent));
            prop_assert!(read.report.arms.keys().eq(sent.report.arms.keys()));
        }
    }

    #[test]
    fn damage_in_the_numbers_changes_those_numbers_alone(at: prop::sample::Index, byte: u8) {
        let sent = update();
        let mut bytes = sent.encode();
        let start = numbers_at(&bytes);
        let at = at.index(bytes.len() - start);
        bytes[start + at] = byte;
        match Update::decode(&bytes, &models()) {
            Ok(read) => {
                prop_assert_eq!(&read.report, &sent.report);
                let values = |update: &Update| update.weights.values().flat_map(|p| p.values().to_vec()).collect::<Vec<_>>();
                let (before, after) = (values(&sent), values(&read));
                let changed = before.iter().zip(&after).enumerate().filter(|(_, (a, b))| a.to_bits() != b.to_bits());
                prop_assert!(changed.map(|(i, _)| i).all(|i| i == at / 4));
            }
            Err(error) => prop_assert!(matches!(error, WireError::Values { .. }), "{}", error),
        }
    }

    #[test]
    fn a_damaged_round_never_panics(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
        let model = Start::Model(Arc::new(params(1.0)));
        let plan = ArmPlan { name: "fed_avg".to_owned(), coalition: None, task: model.into() };
        let round = RoundOpened::new(RunId(1), Round(1), None, vec![plan]);
        let mut bytes = round.encode();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = RoundOpened::decode(&bytes, &spec());
    }

    #[test]
    fn bytes_of_any_kind_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Update::decode(&bytes, &models()).is_err());
        prop_assert!(RoundOpened::decode(&bytes, &spec()).is_err());
    }
}

//! Shares of people: a device has what one person recorded.
//!
//! Slot s has the windows of person s modulo the number of people, so that slots past the last person repeat the
//! first ones' shares. Labels are as even as the person's windows allow. Validation windows are those of the held-out
//! parts of recordings that the device's own held-out examples leave; where both ask for more than there are, each
//! gets its proportion.

use super::partition::{Share, balanced, cut, pools, take};
use super::{Dataset, Source};
use crate::config::{DataConfig, Partition};
use crate::ids::Slot;

/// Whose examples a slot has; `None` where slots are nobody in particular.
pub(super) fn of(config: &DataConfig, slot: Slot, source: &Source) -> Option<u32> {
    (config.partition == (Partition::Person {})).then(|| slot.0 % source.people().max(1))
}

/// The share of a slot: up to as many examples as the configuration asks for.
pub(super) fn deal(config: &DataConfig, seed: u32, slot: Slot, dataset: &Dataset) -> Share {
    let person = of(config, slot, &dataset.train);
    let (train_pools, kept_pools): (Vec<_>, Vec<_>) = (0..config.dataset.classes() as usize)
        .map(|class| pools(&dataset.train, class, person, seed).into())
        .unzip();
    let nothing = vec![0; train_pools.len()];
    let (train, _) = pick(&train_pools, &nothing, config.examples_of(seed, slot));
    let kept = kept_pools.iter().map(Vec::len).sum();
    let most = cut(kept, [config.held_out, config.validation]) as u32;
    let (held_out, used) = pick(&kept_pools, &nothing, config.held_out.min(most));
    let (validation, _) = pick(&kept_pools, &used, config.validation);
    Share {
        train,
        held_out,
        validation,
        balanced: balanced(config, &dataset.test, of(config, slot, &dataset.test)),
    }
}

/// Up to `total` examples behind the first `used` of each pool, and how many from each.
fn pick(pools: &[Vec<u32>], used: &[u32], total: u32) -> (Vec<u32>, Vec<u32>) {
    let sizes = pools.iter().zip(used);
    let sizes: Vec<usize> = sizes.map(|(pool, &n)| pool.len() - n as usize).collect();
    let counts = even(&sizes, total);
    let mut picked = Vec::new();
    for ((pool, &start), &count) in pools.iter().zip(used).zip(&counts) {
        take(pool, start, count, &mut picked);
    }
    (picked, counts)
}

/// Up to `total` in all, from each pool as many as from the others or all it has; what is left over goes to the lower
/// labels.
fn even(sizes: &[usize], total: u32) -> Vec<u32> {
    let mut counts = vec![0; sizes.len()];
    let mut left = (total as usize).min(sizes.iter().sum());
    while left > 0 {
        for (count, size) in counts.iter_mut().zip(sizes) {
            if left > 0 && (*count as usize) < *size {
                *count += 1;
                left -= 1;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::watch::files;
    use crate::data::{DatasetName, LocalData};

    /// Three people, each with two recordings of every exercise, numbered 2, 5 and 8.
    fn dataset() -> Dataset {
        let series = |person: u32| (0..14).map(move |n| (3 * person + 2, n % 7, 1_000));
        let (signals, index) = files(&(0..3).flat_map(series).collect::<Vec<_>>());
        Dataset::read_watch(&signals, &index).unwrap()
    }

    fn config(partition: Partition, examples: u32) -> DataConfig {
        DataConfig {
            dataset: DatasetName::Watch,
            partition,
            groups: None,
            examples,
            held_out: 10,
            balanced_per_label: 3,
            ..DataConfig::default()
        }
    }

    fn count(source: &Source, picked: &[u32], label: u8) -> usize {
        let labels = picked.iter().map(|&i| source.labels()[i as usize]);
        labels.filter(|found| *found == label).count()
    }

    #[test]
    fn a_slot_has_one_persons_windows() {
        let data = dataset();
        let config = config(Partition::Person {}, 50);
        for slot in 0..7 {
            let share = Share::deal(&config, 7, Slot(slot), &data);
            let of = |source: &Source, picked: &[u32]| {
                picked
                    .iter()
                    .all(|&i| source.person(i as usize) == slot % 3)
            };
            assert!(of(&data.train, &share.train) && of(&data.train, &share.held_out));
            assert!(of(&data.test, &share.balanced));
            let lengths = [&share.train, &share.held_out, &share.balanced].map(Vec::len);
            assert_eq!(lengths, [50, 10, 21]);
            // 50 of 7 labels: the first has eight.
            assert_eq!(
                [0, 1, 6].map(|l| count(&data.train, &share.train, l)),
                [8, 7, 7]
            );
            assert!((0..7).all(|l| count(&data.test, &share.balanced, l) == 3));
        }
    }

    #[test]
    fn nobody_gets_more_than_a_person_has() {
        let data = dataset();
        // A recording of 1,000 samples has its border at 600: windows begin at 0 to 500.
        let share = Share::deal(&config(Partition::Person {}, 1_000), 7, Slot(1), &data);
        assert_eq!(share.train.len(), 14 * 11);
        let distinct: std::collections::BTreeSet<_> = share.train.iter().collect();
        assert_eq!(distinct.len(), share.train.len());
    }

    #[test]
    fn validation_windows_are_those_that_held_out_ones_leave() {
        let data = dataset();
        let deal = |held_out, validation| {
            let config = DataConfig {
                held_out,
                validation,
                ..config(Partition::Person {}, 50)
            };
            Share::deal(&config, 7, Slot(4), &data)
        };
        // 14 held-out parts of 200 samples, each with three windows.
        for (held_out, validation, lengths) in [
            (10, 0, [10, 0]),
            (10, 20, [10, 20]),
            (28, 14, [28, 14]),
            (60, 30, [28, 14]),
            (1_000, 0, [42, 0]),
            (1, 1_000, [1, 41]),
        ] {
            let share = deal(held_out, validation);
            assert_eq!(
                [&share.held_out, &share.validation].map(Vec::len),
                lengths,
                "{held_out} and {validation}"
            );
            let both = share.held_out.iter().chain(&share.validation);
            let distinct: std::collections::BTreeSet<_> = both.collect();
            assert_eq!(distinct.len(), lengths[0] + lengths[1]);
            assert!(
                share
                    .validation
                    .iter()
                    .all(|&i| data.train.person(i as usize) == 1)
            );
        }
        assert_eq!(deal(10, 20).held_out, deal(10, 0).held_out);
        let labels = |l| count(&data.train, &deal(10, 20).validation, l);
        assert_eq!([0, 1, 2, 5, 6].map(labels), [3, 3, 3, 3, 2]);
    }

    #[test]
    fn only_devices_of_one_person_have_a_balanced_sample_in_common() {
        let data = dataset();
        let balanced =
            |partition, slot| LocalData::new(&config(partition, 14), 7, Slot(slot), &data).balanced;
        let person = || Partition::Person {};
        let [first, other, again] = [0, 1, 3].map(|slot| balanced(person(), slot));
        assert_ne!(first, other);
        assert!(Arc::ptr_eq(&first, &again));
        let everybody = balanced(Partition::Iid {}, 0);
        assert!(!Arc::ptr_eq(&first, &everybody));
        assert!(Arc::ptr_eq(&everybody, &balanced(Partition::Iid {}, 1)));
    }

    #[test]
    fn attackers_learn_the_same_windows_with_wrong_labels() {
        let data = dataset();
        let flipped = data.with_flipped_labels();
        assert_eq!(flipped.test.labels(), data.test.labels());
        let labels = data.train.labels().iter().zip(flipped.train.labels());
        assert!(labels.into_iter().all(|(right, wrong)| right + wrong == 6));
        assert_eq!(flipped.train.people(), 3);
    }

    #[test]
    fn training_and_held_out_windows_keep_to_their_parts_in_every_partition() {
        let data = dataset();
        let Source::Windows(windows) = &data.train else {
            panic!("the watch has windows");
        };
        for partition in [
            Partition::Iid {},
            Partition::Dirichlet { alpha: 0.5 },
            Partition::Shards {
                labels_per_device: 2,
            },
            Partition::Person {},
        ] {
            let config = config(partition, 70);
            for slot in 0..9 {
                let share = Share::deal(&config, 7, Slot(slot), &data);
                assert!(!share.train.is_empty() && !share.held_out.is_empty());
                assert!(
                    share
                        .train
                        .iter()
                        .all(|&i| !windows.is_held_out(i as usize))
                );
                assert!(
                    share
                        .held_out
                        .iter()
                        .all(|&i| windows.is_held_out(i as usize))
                );
            }
        }
    }

    #[test]
    fn the_balanced_view_is_everybodys_unless_a_device_is_one_person() {
        let data = dataset();
        let share = Share::deal(&config(Partition::Iid {}, 70), 7, Slot(4), &data);
        let people = share.balanced.iter().map(|&i| data.test.person(i as usize));
        let people: Vec<u32> = people.collect();
        // Three of a label, each from another recording: the first person's two and the second's first.
        assert_eq!(people[..3], [0, 0, 1]);
        assert_eq!(people.len(), 21);
    }

    #[test]
    fn the_balanced_view_goes_by_the_label_with_fewest_windows() {
        // Test parts of 1,000 samples have three windows, those of 700 have one.
        let (signals, index) = files(&[(1, 0, 1_000), (1, 4, 700)]);
        let data = Dataset::read_watch(&signals, &index).unwrap();
        let share = Share::deal(&config(Partition::Person {}, 70), 7, Slot(0), &data);
        assert_eq!(
            [0, 4].map(|l| count(&data.test, &share.balanced, l)),
            [1, 1]
        );
        assert_eq!(share.balanced.len(), 2);
    }

    #[test]
    fn windows_become_examples() {
        let data = dataset();
        let local = LocalData::new(&config(Partition::Person {}, 14), 7, Slot(0), &data);
        assert_eq!((local.train.len(), local.train.stride()), (14, 304));
        assert_eq!(local.label_histogram(7), [2; 7]);
        assert_eq!(local.train.x(0)[300..], [0.0; 4]);
    }

    #[test]
    fn counts_are_even_as_far_as_they_can_be() {
        assert_eq!(even(&[9, 1, 9], 9), [4, 1, 4]);
        assert_eq!(even(&[9, 1, 9], 8), [4, 1, 3]);
        assert_eq!(even(&[2, 0, 1], 100), [2, 0, 1]);
        assert_eq!(even(&[], 5), [0_u32; 0]);
    }
}

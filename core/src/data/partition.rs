//! Who gets which examples.
//!
//! Every class's examples are put in a random order once per run; four fifths of them are for training, the rest for
//! the held-out parts. Slots are served one after the other: each takes as many of every class as its mix of labels
//! asks for, from where the slot before stopped. A slot computes that from the seed alone, by adding up what the slots
//! before it asked for. A slot's validation examples come behind its held-out ones, and the next slot's held-out ones
//! behind those. No example is given out twice until a class is used up; then its order starts over.
//!
//! Recordings are split in time instead, and a person's windows go to that person's slots alone.

use super::{Dataset, GroupView, Source, person};
use crate::config::{DataConfig, Partition};
use crate::ids::Slot;
use crate::rng::{Purpose, Stream};

/// Indices of the examples of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Training examples, among the data set's training examples.
    pub train: Vec<u32>,
    /// Held-out examples, among the data set's training examples.
    pub held_out: Vec<u32>,
    /// Examples to choose models by, among the data set's training examples; none is held out for the same slot.
    pub validation: Vec<u32>,
    /// Label-balanced sample, among the data set's test examples; the same for every slot, but that of a slot's own
    /// person where slots are people.
    pub balanced: Vec<u32>,
}

/// Of five examples of a class, so many are for training.
pub(crate) const TRAIN_OF_FIVE: usize = 4;

impl Share {
    /// The share of a slot.
    #[must_use]
    pub fn deal(config: &DataConfig, seed: u32, slot: Slot, dataset: &Dataset) -> Self {
        if config.partition == (Partition::Person {}) {
            return person::deal(config, seed, slot, dataset);
        }
        let classes = config.dataset.classes() as usize;
        let [mut train, mut held_out, mut validation] = [Vec::new(), Vec::new(), Vec::new()];
        let before: Vec<Demand> = (0..slot.0)
            .map(|s| Demand::new(config, seed, Slot(s)))
            .collect();
        let own = Demand::new(config, seed, slot);
        for class in 0..classes {
            let [train_pool, held_out_pool] = &pools(&dataset.train, class, None, seed);
            let start = before.iter().map(|demand| demand.train[class]).sum();
            take(train_pool, start, own.train[class], &mut train);
            let kept = |demand: &Demand| demand.held_out[class] + demand.validation[class];
            let start: u32 = before.iter().map(kept).sum();
            let mut window = held_out_pool.clone();
            window.rotate_left(start as usize % held_out_pool.len().max(1));
            let counts = [own.held_out[class], own.validation[class]];
            let (first, second) = window.split_at(cut(window.len(), counts));
            take(first, 0, counts[0], &mut held_out);
            take(second, 0, counts[1], &mut validation);
        }
        Self {
            train,
            held_out,
            validation,
            balanced: balanced(config, &dataset.test, None),
        }
    }
}

/// A slot's training examples by label, as its group calls them. None where the seed alone does not say: of people's
/// recordings and of devices' own tables.
#[must_use]
pub fn label_counts(config: &DataConfig, seed: u32, slot: Slot) -> Vec<u32> {
    if config.table.is_some() || config.partition == (Partition::Person {}) {
        return Vec::new();
    }
    let of_class = Demand::new(config, seed, slot).train;
    let view = GroupView::new(config, seed, slot);
    let mut counts = vec![0; of_class.len()];
    for (label, count) in view.labels().iter().zip(of_class) {
        counts[usize::from(*label)] += count;
    }
    counts
}

/// A class's examples for training and for held-out parts, of everybody or of one person, in the run's random order.
pub(super) fn pools(
    source: &Source,
    class: usize,
    person: Option<u32>,
    seed: u32,
) -> [Vec<u32>; 2] {
    let mut order = indices_of(source, class, person);
    Stream::new(seed, Purpose::Deal, class as u32, 0).shuffle(&mut order);
    match source {
        Source::Images(_) => {
            let held_out = order.split_off(order.len() * TRAIN_OF_FIVE / 5);
            [order, held_out]
        }
        Source::Windows(windows) => {
            let (held_out, train) = order
                .into_iter()
                .partition(|&i| windows.is_held_out(i as usize));
            [train, held_out]
        }
    }
}

/// The first test examples of every class, of everybody or of one person: as many of each as the class has that has
/// fewest, if that is less than asked for.
pub(super) fn balanced(config: &DataConfig, test: &Source, person: Option<u32>) -> Vec<u32> {
    let by_class: Vec<Vec<u32>> = (0..config.dataset.classes() as usize)
        .map(|class| indices_of(test, class, person))
        .filter(|indices| !indices.is_empty())
        .collect();
    let fewest = by_class.iter().map(Vec::len).min().unwrap_or(0);
    let per_label = fewest.min(config.balanced_per_label as usize);
    by_class
        .iter()
        .flat_map(|indices| &indices[..per_label])
        .copied()
        .collect()
}

fn indices_of(source: &Source, class: usize, person: Option<u32>) -> Vec<u32> {
    let labels = source.labels().iter().enumerate();
    labels
        .filter(|(i, label)| {
            usize::from(**label) == class && person.is_none_or(|person| source.person(*i) == person)
        })
        .map(|(i, _)| i as u32)
        .collect()
}

pub(super) fn take(pool: &[u32], start: u32, count: u32, to: &mut Vec<u32>) {
    to.extend(
        pool.iter()
            .cycle()
            .skip(start as usize % pool.len().max(1))
            .take(count as usize),
    );
}

/// How many of `len` examples are for the first of two parts that must not meet: as many as it asks for, or its
/// proportion where the two ask for more than there are.
pub(super) fn cut(len: usize, [first, second]: [u32; 2]) -> usize {
    let (first, both) = (first as usize, (first + second) as usize);
    if both <= len {
        first
    } else {
        // Whoever asks for something gets something.
        (len * first / both).max(first.min(1)).min(len)
    }
}

/// How many examples of each class a slot asks for.
struct Demand {
    train: Vec<u32>,
    held_out: Vec<u32>,
    validation: Vec<u32>,
}

impl Demand {
    fn new(config: &DataConfig, seed: u32, slot: Slot) -> Self {
        let mix = label_mix(
            &config.partition,
            config.dataset.classes() as usize,
            seed,
            slot,
        );
        Self {
            train: counts(&mix, config.examples_of(seed, slot)),
            held_out: counts(&mix, config.held_out),
            validation: counts(&mix, config.validation),
        }
    }
}

/// Fraction of each label in a slot's examples; they add up to 1.
fn label_mix(partition: &Partition, classes: usize, seed: u32, slot: Slot) -> Vec<f64> {
    match *partition {
        // A person's examples are dealt out without a mix; see `person`.
        Partition::Iid {} | Partition::Person {} => vec![1.0 / classes as f64; classes],
        Partition::Dirichlet { alpha } => {
            let mut stream = Stream::new(seed, Purpose::LabelMix, slot.0, 0);
            let draws: Vec<f64> = (0..classes).map(|_| stream.gamma(alpha)).collect();
            let total: f64 = draws.iter().sum();
            if total > 0.0 {
                draws.into_iter().map(|draw| draw / total).collect()
            } else {
                // With a tiny alpha all draws may round to zero; in the limit one label has everything.
                let only = stream.below(classes as u32) as usize;
                (0..classes)
                    .map(|class| f64::from(u8::from(class == only)))
                    .collect()
            }
        }
        Partition::Shards { labels_per_device } => {
            let mut order: Vec<usize> = (0..classes).collect();
            Stream::new(seed, Purpose::LabelMix, 0, 0).shuffle(&mut order);
            let mut mix = vec![0.0; classes];
            for j in 0..labels_per_device as usize {
                mix[order[(slot.index() * labels_per_device as usize + j) % classes]] =
                    1.0 / f64::from(labels_per_device);
            }
            mix
        }
    }
}

/// `total` examples in the proportions of `mix`, by largest remainder, ties to the lower label.
fn counts(mix: &[f64], total: u32) -> Vec<u32> {
    let exact: Vec<f64> = mix.iter().map(|share| share * f64::from(total)).collect();
    let mut counts: Vec<u32> = exact.iter().map(|e| *e as u32).collect();
    let missing = (total - counts.iter().sum::<u32>().min(total)) as usize;
    let mut by_remainder: Vec<usize> = Vec::with_capacity(mix.len());
    for label in 0..mix.len() {
        let is_ahead = |&other: &usize| {
            exact[other]
                .fract()
                .total_cmp(&exact[label].fract())
                .is_ge()
        };
        by_remainder.insert(by_remainder.partition_point(is_ahead), label);
    }
    for &label in by_remainder.iter().cycle().take(missing) {
        counts[label] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::config::{GroupKind, Groups};
    use crate::data::{DatasetName, Images, LocalData};

    /// 100 training and 20 test images a class, in turn.
    fn dataset() -> Dataset {
        let images = |per_class: usize| {
            let count = per_class * 10;
            let mut image_bytes = vec![0, 0, 8, 3];
            for dimension in [count, 28, 28] {
                image_bytes.extend((dimension as u32).to_be_bytes());
            }
            image_bytes.resize(16 + count * 784, 0);
            let mut label_bytes = vec![0, 0, 8, 1];
            label_bytes.extend((count as u32).to_be_bytes());
            label_bytes.extend((0..count).map(|i| (i % 10) as u8));
            Images::read(DatasetName::MnistSmall, &image_bytes, &label_bytes)
                .unwrap()
                .into()
        };
        Dataset::new(images(100), images(20))
    }

    fn partitions() -> impl Strategy<Value = Partition> {
        prop_oneof![
            Just(Partition::Iid {}),
            (0.001_f64..10.0).prop_map(|alpha| Partition::Dirichlet { alpha }),
            (1_u32..=10).prop_map(|labels_per_device| Partition::Shards { labels_per_device }),
        ]
    }

    fn config(partition: Partition, examples: u32) -> DataConfig {
        DataConfig {
            partition,
            examples,
            held_out: examples / 4 + 1,
            balanced_per_label: 5,
            ..DataConfig::default()
        }
    }

    #[test]
    fn labels_are_known_without_the_data() {
        let dataset = Arc::new(dataset());
        let groups = Some(Groups::equal(4, GroupKind::LabelSwap));
        for partition in [
            Partition::Iid {},
            Partition::Dirichlet { alpha: 0.3 },
            Partition::Shards {
                labels_per_device: 3,
            },
        ] {
            let config = DataConfig {
                partition,
                groups: groups.clone(),
                examples: 40,
                held_out: 10,
                ..DataConfig::default()
            };
            for slot in (0..6).map(Slot) {
                let data = LocalData::new(&config, 7, slot, &dataset);
                assert_eq!(label_counts(&config, 7, slot), data.label_histogram(10));
            }
        }
        let config = DataConfig {
            dataset: DatasetName::Watch,
            partition: Partition::Person {},
            groups: None,
            ..DataConfig::default()
        };
        assert!(label_counts(&config, 7, Slot(0)).is_empty());
    }

    proptest! {
        #[test]
        fn every_slot_gets_as_many_as_it_should(partition in partitions(), seed: u32, slot in 0_u32..50, n in 1_u32..300) {
            let config = config(partition, n);
            let share = Share::deal(&config, seed, Slot(slot), &dataset());
            prop_assert_eq!(share.train.len() as u32, n);
            prop_assert_eq!(share.held_out.len() as u32, n / 4 + 1);
            prop_assert_eq!(share.balanced.len(), 50);
        }

        /// Up to ten times as many as there are: a class has 20 examples that are not for training.
        #[test]
        fn the_kept_back_parts_of_a_device_never_meet(
            partition in partitions(), seed: u32, slot in 0_u32..30, held_out in 1_u32..200, validation in 1_u32..200
        ) {
            let data = dataset();
            let plain = DataConfig { held_out, ..config(partition, 20) };
            let config = DataConfig { validation, ..plain.clone() };
            let share = Share::deal(&config, seed, Slot(slot), &data);
            prop_assert_eq!(share.held_out.len() as u32, held_out);
            prop_assert_eq!(share.validation.len() as u32, validation);
            let others: BTreeSet<_> = share.validation.iter().chain(&share.train).collect();
            prop_assert!(share.held_out.iter().all(|i| !others.contains(i)));
            let without = Share::deal(&plain, seed, Slot(slot), &data);
            prop_assert_eq!(without.train, share.train);
            prop_assert_eq!(without.validation.len(), 0);
        }

        #[test]
        fn validation_leaves_a_first_slots_held_out_examples_alone(partition in partitions(), seed: u32) {
            let config = DataConfig { held_out: 9, validation: 9, ..config(partition, 20) };
            let without = DataConfig { validation: 0, ..config.clone() };
            let first = |config| Share::deal(config, seed, Slot(0), &dataset()).held_out;
            prop_assert_eq!(first(&without), first(&config));
        }

        #[test]
        fn training_and_held_out_examples_never_meet(partition in partitions(), seed: u32) {
            let config = config(partition, 100);
            let data = dataset();
            let shares: Vec<_> = (0..12).map(|s| Share::deal(&config, seed, Slot(s), &data)).collect();
            let train: BTreeSet<_> = shares.iter().flat_map(|s| &s.train).collect();
            prop_assert!(shares.iter().flat_map(|s| &s.held_out).all(|i| !train.contains(i)));
        }
    }

    #[test]
    fn no_example_is_given_out_twice_while_they_last() {
        let config = config(Partition::Iid {}, 100);
        let data = dataset();
        // 8 slots × 10 of each class use up the 80 training examples of a class; the ninth starts over.
        let shares: Vec<_> = (0..9)
            .map(|s| Share::deal(&config, 7, Slot(s), &data).train)
            .collect();
        let distinct: BTreeSet<_> = shares[..8].iter().flatten().collect();
        assert_eq!(distinct.len(), 800);
        assert_eq!(shares[8], shares[0]);
    }

    #[test]
    fn the_next_slot_starts_behind_held_out_and_validation_examples() {
        let config = DataConfig {
            held_out: 30,
            validation: 20,
            ..config(Partition::Iid {}, 100)
        };
        let data = dataset();
        // 4 slots × (3 + 2) of each class use up the 20 examples of a class that are not for training.
        let shares: Vec<_> = (0..5)
            .map(|s| Share::deal(&config, 7, Slot(s), &data))
            .collect();
        let parts = shares[..4]
            .iter()
            .flat_map(|s| s.held_out.iter().chain(&s.validation));
        assert_eq!(parts.collect::<BTreeSet<_>>().len(), 200);
        assert_eq!(shares[4].held_out, shares[0].held_out);
        assert_eq!(shares[4].validation, shares[0].validation);
    }

    #[test]
    fn slots_of_different_sizes_follow_each_other() {
        let config = DataConfig {
            spread: 0.5,
            ..config(Partition::Iid {}, 60)
        };
        let data = dataset();
        let shares: Vec<_> = (0..6)
            .map(|s| Share::deal(&config, 7, Slot(s), &data).train)
            .collect();
        for (slot, share) in (0..).zip(&shares) {
            assert_eq!(share.len() as u32, config.examples_of(7, Slot(slot)));
        }
        // Fewer of each class than the 80 there are, so nothing is given out twice.
        let all: usize = shares.iter().map(Vec::len).sum();
        assert!(all < 700, "{all}");
        assert_eq!(shares.iter().flatten().collect::<BTreeSet<_>>().len(), all);
    }

    #[test]
    fn shards_have_as_many_labels_as_asked_for() {
        let config = config(
            Partition::Shards {
                labels_per_device: 2,
            },
            40,
        );
        let data = dataset();
        for slot in 0..10 {
            let share = Share::deal(&config, 7, Slot(slot), &data);
            let labels: BTreeSet<_> = share
                .train
                .iter()
                .map(|&i| data.train.labels()[i as usize])
                .collect();
            assert_eq!(labels.len(), 2);
        }
    }

    #[test]
    fn counts_go_by_largest_remainder() {
        assert_eq!(counts(&[0.5, 0.26, 0.24], 10), [5, 3, 2]);
        assert_eq!(counts(&[1.0 / 3.0; 3], 10), [4, 3, 3]);
        assert_eq!(counts(&[0.0, 1.0], 7), [0, 7]);
    }

    #[test]
    fn small_alphas_concentrate_labels() {
        let largest = |alpha| -> f64 {
            let mixes =
                (0..200).map(|s| label_mix(&Partition::Dirichlet { alpha }, 10, 7, Slot(s)));
            mixes
                .map(|mix| mix.into_iter().fold(0.0, f64::max))
                .sum::<f64>()
                / 200.0
        };
        assert!(largest(0.05) > 0.7);
        assert!(largest(100.0) < 0.15);
    }
}

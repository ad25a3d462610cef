//! Examples: data sets, how they are dealt out to devices, and how a device's group sees them.

mod idx;
mod partition;
mod person;
mod table;
mod transform;
mod watch;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use constellation_kernels::linalg::LANES;
use serde::{Deserialize, Serialize};

#[cfg(feature = "gzip")]
pub use idx::gunzip;
pub use idx::{IdxError, Images};
pub(crate) use partition::TRAIN_OF_FIVE;
pub use partition::{Share, label_counts};
pub use table::{Column, TableConfig, TableError};
pub use transform::GroupView;
pub use watch::{WatchError, Windows};

use crate::attack::flipped;
use crate::config::DataConfig;
use crate::ids::Slot;

/// What a model takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of values of one example.
    pub inputs: u32,
    /// Number of labels, from 0.
    pub classes: u32,
    /// Width and height of an image, in pixels; `None` where examples are no images.
    pub image: Option<(u32, u32)>,
}

/// A data set that ships with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DatasetName {
    /// 10,000 + 2,000 handwritten digits.
    MnistSmall,
    /// 10,000 + 2,000 pictures of clothes.
    FashionMnistSmall,
    /// 60,000 + 10,000 handwritten digits; for the laboratory.
    Mnist,
    /// 2 s of a smartwatch's accelerometer and gyroscope: 10 people, 7 exercises of the shoulder; for the laboratory.
    Watch,
}

impl DatasetName {
    /// The name, as in the configuration and in addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MnistSmall => "mnist-small",
            Self::FashionMnistSmall => "fashion-mnist-small",
            Self::Mnist => "mnist",
            Self::Watch => "watch",
        }
    }

    /// Width and height of an image, in pixels; `None` where examples are no images.
    #[must_use]
    pub fn image(self) -> Option<(u32, u32)> {
        match self {
            Self::MnistSmall | Self::FashionMnistSmall | Self::Mnist => Some((28, 28)),
            Self::Watch => None,
        }
    }

    /// Number of values of one example.
    #[must_use]
    pub fn inputs(self) -> u32 {
        match self {
            Self::MnistSmall | Self::FashionMnistSmall | Self::Mnist => 28 * 28,
            Self::Watch => watch::VALUES as u32,
        }
    }

    /// Number of labels, from 0.
    #[must_use]
    pub fn classes(self) -> u32 {
        match self {
            Self::MnistSmall | Self::FashionMnistSmall | Self::Mnist => 10,
            Self::Watch => 7,
        }
    }

    /// What a model takes and gives.
    #[must_use]
    pub fn shape(self) -> Shape {
        Shape {
            inputs: self.inputs(),
            classes: self.classes(),
            image: self.image(),
        }
    }
}

/// Names of a data set's four IDX files: training images and labels, test images and labels.
pub const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// A data set in memory.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Dealt out to devices.
    pub train: Source,
    /// For the balanced view.
    pub test: Source,
    balanced: BalancedViews,
}

/// Labelled examples of a data set, as they are stored.
#[derive(Clone, Debug)]
pub enum Source {
    /// Images, of nobody in particular.
    Images(Images),
    /// Windows of the watch's recordings.
    Windows(Windows),
}

impl Source {
    /// All labels.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        match self {
            Self::Images(images) => images.labels(),
            Self::Windows(windows) => windows.labels(),
        }
    }

    /// Number of people the examples are of.
    #[must_use]
    pub fn people(&self) -> u32 {
        match self {
            Self::Images(_) => 1,
            Self::Windows(windows) => windows.people(),
        }
    }

    /// Whose example it is, from 0.
    #[must_use]
    pub fn person(&self, i: usize) -> u32 {
        match self {
            Self::Images(_) => 0,
            Self::Windows(windows) => windows.person(i),
        }
    }

    /// The same examples with other labels, each made of the old one and the number of different labels.
    fn relabelled(&self, rename: impl Fn(u8, u8) -> u8) -> Self {
        let classes = self.labels().iter().max().map_or(0, |last| last + 1);
        let rename = |label| rename(label, classes);
        match self {
            Self::Images(images) => Self::Images(images.relabelled(rename)),
            Self::Windows(windows) => Self::Windows(windows.relabelled(rename)),
        }
    }

    /// Number of values of an example.
    fn inputs(&self) -> usize {
        match self {
            Self::Images(images) => images.pixels_per_image(),
            Self::Windows(_) => watch::VALUES,
        }
    }
}

impl From<Images> for Source {
    fn from(images: Images) -> Self {
        Self::Images(images)
    }
}

impl Dataset {
    /// A data set of examples that are dealt out to devices and examples for the balanced view.
    #[must_use]
    pub fn new(train: Source, test: Source) -> Self {
        Self {
            train,
            test,
            balanced: BalancedViews::default(),
        }
    }

    /// Reads the four files of [`FILES`], in that order, unzipped.
    ///
    /// # Errors
    /// The first file that is not what it should be.
    pub fn read(name: DatasetName, files: [&[u8]; 4]) -> Result<Self, IdxError> {
        let [train_images, train_labels, test_images, test_labels] = files;
        let train = Images::read(name, train_images, train_labels)?;
        let test = Images::read(name, test_images, test_labels)?;
        Ok(Self::new(train.into(), test.into()))
    }

    /// Reads the watch's recordings: signals as an unzipped IDX file of i16 `[samples, 6]`, and the index that says,
    /// in the same order, whose each series is, what it shows and how long it is.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read_watch(signals: &[u8], index: &str) -> Result<Self, WatchError> {
        let [train, test] = watch::read(signals, index)?;
        Ok(Self::new(Source::Windows(train), Source::Windows(test)))
    }

    /// The same with wrong labels on the training examples: label l is called last − l. What an attacker learns.
    #[must_use]
    pub fn with_flipped_labels(&self) -> Self {
        let train = self.train.relabelled(flipped);
        Self::new(train, self.test.clone())
    }
}

/// The balanced samples in use, so that a thousand devices of one process do not hold a thousand copies.
#[derive(Debug, Default)]
struct BalancedViews(Mutex<Vec<(BalancedKey, Weak<Examples>)>>);

/// What a balanced sample follows from: examples per label, whose they are where slots are people, the group's view.
type BalancedKey = (u32, Option<u32>, GroupView);

impl BalancedViews {
    fn of(&self, key: BalancedKey, make: impl FnOnce() -> Examples) -> Arc<Examples> {
        // Whoever panicked in here left a list of whole entries.
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        views.retain(|(_, examples)| examples.strong_count() > 0);
        let known = views.iter().find(|(of, _)| *of == key);
        if let Some(examples) = known.and_then(|(_, examples)| examples.upgrade()) {
            return examples;
        }
        let examples = Arc::new(make());
        views.push((key, Arc::downgrade(&examples)));
        examples
    }
}

/// A copy starts with none: its examples may be changed.
impl Clone for BalancedViews {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Examples as training wants them: pixels from 0 to 1 or signals of about unit size, each example padded to a multiple
/// of eight values.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    x: Vec<f32>,
    labels: Vec<u8>,
    stride: usize,
}

impl Examples {
    /// None yet, of so many values each.
    #[must_use]
    pub fn new(values: usize) -> Self {
        Self {
            x: Vec::new(),
            labels: Vec::new(),
            stride: values.next_multiple_of(LANES),
        }
    }

    /// Adds an example. Values past the padding are cut off, missing ones are 0.
    pub fn push(&mut self, values: impl IntoIterator<Item = f32>, label: u8) {
        let end = self.x.len() + self.stride;
        self.x.extend(values.into_iter().take(self.stride));
        self.x.resize(end, 0.0);
        self.labels.push(label);
    }

    /// Number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Values of an example, padding included.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The values of one example.
    #[must_use]
    pub fn x(&self, example: usize) -> &[f32] {
        self.rows(example..example + 1)
    }

    /// The values of several examples, `[count, stride]`.
    #[must_use]
    pub fn rows(&self, range: core::ops::Range<usize>) -> &[f32] {
        &self.x[range.start * self.stride..range.end * self.stride]
    }

    /// The labels.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}

/// One device's data, as its group sees it.
#[derive(Clone, Debug)]
pub struct LocalData {
    /// What it trains on.
    pub train: Examples,
    /// What it is measured on: its own mix of labels.
    pub held_out: Examples,
    /// What it chooses models by: its own mix of labels. May be empty.
    pub validation: Examples,
    /// The same test examples for every device, label by label equally many. Devices of one process that see them the
    /// same way have them in common.
    pub balanced: Arc<Examples>,
    /// The device's hidden group, where there are some.
    pub group: Option<u32>,
    /// How that group sees examples.
    pub view: GroupView,
    /// How many training examples, the last ones, are the device's own and no part of its share.
    pub own: u32,
}

impl LocalData {
    /// The data of a slot: computed from the seed alone, so that nothing about it travels.
    #[must_use]
    pub fn new(config: &DataConfig, seed: u32, slot: Slot, dataset: &Dataset) -> Self {
        let share = Share::deal(config, seed, slot, dataset);
        let group = config.groups.as_ref().map(|groups| groups.of(slot));
        let view = GroupView::new(config, seed, slot);
        let examples = |source: &Source, picked: &[u32]| {
            let mut examples = Examples::new(source.inputs());
            for i in picked.iter().map(|&i| i as usize) {
                let label = view.label(source.labels()[i]);
                match source {
                    Source::Images(images) => {
                        let pixels = view.image(images.image(i), images.width());
                        examples.push(pixels.into_iter().map(|p| f32::from(p) / 255.0), label);
                    }
                    Source::Windows(windows) => examples.push(windows.values(i), label),
                }
            }
            examples
        };
        let person = person::of(config, slot, &dataset.test);
        let key = (config.balanced_per_label, person, view.clone());
        Self {
            train: examples(&dataset.train, &share.train),
            held_out: examples(&dataset.train, &share.held_out),
            validation: examples(&dataset.train, &share.validation),
            balanced: dataset
                .balanced
                .of(key, || examples(&dataset.test, &share.balanced)),
            group,
            view,
            own: 0,
        }
    }

    /// The data of a device that brings its own table, in which the rows of each label are dealt out evenly, in their
    /// order, to the parts in which `config` asks for them. Nobody else has these rows: both views measure on the
    /// held-out ones.
    ///
    /// `rows` are at least three.
    #[must_use]
    pub fn of_table(config: &DataConfig, rows: &Examples) -> Self {
        let parts = [config.examples, config.held_out, config.validation];
        let [train, held_out, validation] = table::deal(rows, parts);
        Self {
            own: train.len() as u32,
            train,
            balanced: Arc::new(held_out.clone()),
            held_out,
            validation,
            group: None,
            view: GroupView::of_nobody(config.shape().classes),
        }
    }

    /// Adds a training example of the device's own: an image, row by row, and its label, both as nobody's group sees
    /// them.
    pub fn teach(&mut self, image: &[f32], width: usize, label: u8) {
        let label = self.view.label(label);
        self.train.push(self.view.image(image, width), label);
        self.own += 1;
    }

    /// The same with wrong labels on the training examples: label l is called last − l. What it is measured on, and
    /// chooses models by, stays right.
    #[must_use]
    pub fn with_flipped_labels(&self, classes: u8) -> Self {
        let mut data = self.clone();
        for label in &mut data.train.labels {
            *label = flipped(*label, classes);
        }
        data
    }

    /// Number of training examples by label.
    #[must_use]
    pub fn label_histogram(&self, classes: usize) -> Vec<u32> {
        let mut counts = vec![0; classes];
        for &label in self.train.labels() {
            counts[usize::from(label)] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{GroupKind, Groups};

    #[test]
    fn devices_with_the_same_view_have_one_balanced_sample() {
        let dataset = crate::golden::dataset();
        let config = |balanced_per_label| DataConfig {
            groups: Some(Groups::equal(2, GroupKind::Rotation)),
            examples: 10,
            held_out: 5,
            balanced_per_label,
            ..DataConfig::default()
        };
        let of =
            |per_label, slot| LocalData::new(&config(per_label), 7, Slot(slot), &dataset).balanced;
        let first = of(2, 0);
        assert!(Arc::ptr_eq(&first, &of(2, 2)));
        // Another group, other examples: neither is taken for the first one's.
        let (turned, fewer) = (of(2, 1), of(1, 0));
        assert_eq!(first.labels(), turned.labels());
        assert_ne!(first, turned);
        assert_eq!((first.len(), fewer.len()), (20, 10));
        let copy = dataset.clone();
        let other = LocalData::new(&config(2), 7, Slot(0), &copy).balanced;
        assert!(!Arc::ptr_eq(&first, &other) && first == other);
        // Nobody holds it any longer: the next one to want it makes it anew.
        drop([first, turned, fewer]);
        assert_eq!(of(2, 0), other);
        assert_eq!(dataset.balanced.0.lock().unwrap().len(), 1);
    }
}

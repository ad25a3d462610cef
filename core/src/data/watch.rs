//! The watch's recordings, cut into windows.
//!
//! A recording is one person doing one exercise with one arm: acceleration (in g) and rate of turn (in rad/s) along
//! three axes, 50 times a second. Source: Burns et al. 2018, arXiv 1802.01489. A window
//! has 2 s of it, every second sample; each begins half a window after the one before.
//!
//! Every recording is split in time, so that windows that share samples never end up on both sides: what lies within
//! its first 60 % is for training, within the next 20 % held out, within the last 20 % for the balanced view. Windows
//! across a border are dropped.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use thiserror::Error;

use super::DatasetName;
use super::idx::{I16, IdxError, parse};

/// Acceleration along x, y, z, and rate of turn around them.
const CHANNELS: usize = 6;
/// Samples a second.
const HZ: u32 = 50;
/// What a stored 1 stands for.
const STEP: f64 = 0.001;
/// Samples that a window spans: 2 s.
const SPAN: usize = 100;
/// From one window's beginning to the next one's, in samples.
const HOP: usize = SPAN / 2;
/// One sample in so many is taken: 25 Hz is enough for arms.
const TAKEN: usize = 2;
/// Values of a window.
pub(super) const VALUES: usize = CHANNELS * (SPAN / TAKEN);

/// From stored numbers to values of about unit size, by channel. 0.71 g and 1.66 rad/s are the standard deviations over
/// all 244,102 samples and the three axes (0.7066 and 1.6635), computed once by adding up values and squares; fixed,
/// so that no device learns anything about another's data from them.
const SCALE: [f32; CHANNELS] = {
    let (acceleration, turn) = (0.001 / 0.71, 0.001 / 1.66);
    [acceleration, acceleration, acceleration, turn, turn, turn]
};

/// Windows of recordings, with their labels and whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// All samples, recording after recording.
    samples: Arc<[[i16; CHANNELS]]>,
    cuts: Vec<Window>,
    labels: Vec<u8>,
    people: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Window {
    /// Its first sample.
    start: usize,
    person: u32,
    part: Part,
    /// Windows of its recording and part that begin before it.
    nth: usize,
    label: u8,
}

/// What a part of a recording is for, in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Train,
    HeldOut,
    Test,
}

/// Files that are no recordings of the watch.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum WatchError {
    /// The signals are no IDX file of i16 in two dimensions.
    #[error("the signals: {0}")]
    Signals(#[from] IdxError),
    /// The index is no JSON, or has no series.
    #[error("the index cannot be read: {0}")]
    Index(String),
    /// The recordings were made otherwise than the windows need.
    #[error(
        "{channels} channels at {hz} Hz in steps of {scale}; there should be 6 at 50 Hz in steps of 0.001"
    )]
    Recording {
        /// Channels of the signals.
        channels: usize,
        /// Samples a second.
        hz: u32,
        /// What a stored 1 stands for.
        scale: f64,
    },
    /// The index speaks of more or fewer samples than there are.
    #[error("the series in the index have {index} samples, and the signals {signals}")]
    Samples {
        /// Sum of the series' lengths.
        index: u64,
        /// Samples in the signals.
        signals: usize,
    },
    /// A label past the last.
    #[error("label {label} of series {series}; labels are below {classes}")]
    Label {
        /// The label.
        label: u8,
        /// Where, from 0.
        series: usize,
        /// Number of labels.
        classes: u32,
    },
}

/// The index: where each recording begins follows from the lengths of those before it.
#[derive(Deserialize)]
struct Index {
    hz: u32,
    scale: f64,
    series: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    subject: u32,
    label: u8,
    len: u32,
}

/// Windows for training and held-out parts, and those for the balanced view.
pub(super) fn read(signals: &[u8], index: &str) -> Result<[Windows; 2], WatchError> {
    let index: Index =
        serde_json::from_str(index).map_err(|error| WatchError::Index(error.to_string()))?;
    let ([count, channels], values) = parse::<2>(I16, signals)?;
    if channels != CHANNELS || index.hz != HZ || index.scale.to_bits() != STEP.to_bits() {
        return Err(WatchError::Recording {
            channels,
            hz: index.hz,
            scale: index.scale,
        });
    }
    let indexed = index
        .series
        .iter()
        .map(|series| u64::from(series.len))
        .sum();
    if indexed != count as u64 {
        return Err(WatchError::Samples {
            index: indexed,
            signals: count,
        });
    }
    let values = values.as_chunks::<2>().0;
    let values: Vec<i16> = values
        .iter()
        .map(|value| i16::from_be_bytes(*value))
        .collect();
    let samples: Arc<[[i16; CHANNELS]]> = values.as_chunks().0.into();

    let classes = DatasetName::Watch.classes();
    let people: BTreeSet<u32> = index.series.iter().map(|series| series.subject).collect();
    let mut windows = Vec::new();
    let mut first = 0;
    for (at, series) in index.series.iter().enumerate() {
        if u32::from(series.label) >= classes {
            return Err(WatchError::Label {
                label: series.label,
                series: at,
                classes,
            });
        }
        let person = people.range(..series.subject).count() as u32;
        windows.extend(cut(first, series.len as usize, person, series.label));
        first += series.len as usize;
    }
    // Whoever takes the first few of a label takes them from as many recordings as there are.
    windows.sort_by_key(|window| window.nth);
    let (test, train) = windows
        .into_iter()
        .partition(|window| window.part == Part::Test);
    Ok([train, test].map(|windows: Vec<Window>| Windows {
        samples: Arc::clone(&samples),
        labels: windows.iter().map(|window| window.label).collect(),
        cuts: windows,
        people: people.len() as u32,
    }))
}

/// The windows of one recording of `len` samples, in the order of time.
fn cut(first: usize, len: usize, person: u32, label: u8) -> impl Iterator<Item = Window> {
    let borders = [len * 3 / 5, len * 4 / 5];
    let mut counts = [0; 3];
    (0..)
        .map(|n| n * HOP)
        .take_while(move |start| start + SPAN <= len)
        .filter_map(move |start| {
            let end = start + SPAN;
            let part = if end <= borders[0] {
                Part::Train
            } else if start >= borders[0] && end <= borders[1] {
                Part::HeldOut
            } else if start >= borders[1] {
                Part::Test
            } else {
                return None;
            };
            let nth = counts[part as usize];
            counts[part as usize] += 1;
            Some(Window {
                start: first + start,
                person,
                part,
                nth,
                label,
            })
        })
}

impl Windows {
    /// The values of one window, channel after channel, each in the order of time; of about unit size.
    pub fn values(&self, i: usize) -> impl Iterator<Item = f32> {
        let start = self.cuts[i].start;
        let samples = &self.samples[start..start + SPAN];
        SCALE.iter().enumerate().flat_map(move |(channel, scale)| {
            let taken = samples.iter().step_by(TAKEN);
            taken.map(move |sample| f32::from(sample[channel]) * scale)
        })
    }

    /// All labels: the exercise.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The same windows with other labels, each made of the old one.
    pub(super) fn relabelled(&self, rename: impl Fn(u8) -> u8) -> Self {
        let renamed = self.cuts.iter().map(|window| Window {
            label: rename(window.label),
            ..window.clone()
        });
        Self {
            labels: self.labels.iter().map(|&l| rename(l)).collect(),
            cuts: renamed.collect(),
            ..self.clone()
        }
    }

    /// Whose window it is: people count from 0, in the order of their numbers in the study.
    #[must_use]
    pub fn person(&self, i: usize) -> u32 {
        self.cuts[i].person
    }

    /// Number of people.
    #[must_use]
    pub fn people(&self) -> u32 {
        self.people
    }

    /// Whether a window lies in a held-out part.
    #[must_use]
    pub fn is_held_out(&self, i: usize) -> bool {
        self.cuts[i].part == Part::HeldOut
    }
}

/// Recordings for tests: of every series subject, label and length; channel c of sample n is 10 n + c.
#[cfg(test)]
pub(super) fn files(series: &[(u32, u8, u32)]) -> (Vec<u8>, String) {
    let count: u32 = series.iter().map(|(_, _, len)| len).sum();
    let mut signals = vec![0, 0, I16.code, 2];
    signals.extend(count.to_be_bytes());
    signals.extend((CHANNELS as u32).to_be_bytes());
    for n in 0..count as u16 {
        signals.extend(
            (0..CHANNELS as u16)
                .flat_map(|c| (10_u16.wrapping_mul(n).wrapping_add(c)).to_be_bytes()),
        );
    }
    let series: Vec<String> = series
        .iter()
        .map(|(subject, label, len)| {
            format!(r#"{{"subject":{subject},"side":"left","label":{label},"len":{len}}}"#)
        })
        .collect();
    let index = format!(
        r#"{{"hz":50,"scale":0.001,"series":[{}]}}"#,
        series.join(",")
    );
    (signals, index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn windows(series: &[(u32, u8, u32)]) -> [Windows; 2] {
        let (signals, index) = files(series);
        read(&signals, &index).unwrap()
    }

    fn starts(windows: &Windows) -> Vec<usize> {
        windows.cuts.iter().map(|window| window.start).collect()
    }

    #[test]
    fn recordings_are_split_in_time() {
        // Borders at 300 and 400; windows from 250 and 350 cross one, and one from 450 would go past the end.
        let [train, test] = windows(&[(3, 5, 500)]);
        assert_eq!(starts(&train), [0, 300, 50, 100, 150, 200]);
        let held_out: Vec<bool> = (0..6).map(|i| train.is_held_out(i)).collect();
        assert_eq!(held_out, [false, true, false, false, false, false]);
        assert_eq!(starts(&test), [400]);
        assert_eq!((train.labels(), test.labels()), (&[5; 6][..], &[5][..]));
    }

    #[test]
    fn people_are_numbered_in_order_and_recordings_come_in_turn() {
        let [train, test] = windows(&[(9, 0, 500), (4, 1, 500), (9, 2, 500)]);
        assert_eq!(train.people(), 2);
        assert_eq!(test.labels(), [0, 1, 2]);
        assert_eq!([0, 1, 2].map(|i| test.person(i)), [1, 0, 1]);
        assert_eq!(starts(&test), [400, 900, 1400]);
        // Every recording's first training and first held-out windows, then every recording's second, and so on.
        assert_eq!(starts(&train)[..8], [0, 300, 500, 800, 1000, 1300, 50, 550]);
    }

    #[test]
    fn values_come_channel_by_channel_at_half_the_rate() {
        let [train, _] = windows(&[(1, 0, 500)]);
        let values: Vec<f32> = train.values(2).collect();
        assert_eq!(values.len(), 300);
        // The window begins at sample 50: 0.500, 0.520, … along x, 0.501, … along y, and turns from 0.503 on.
        let close = |i: usize, expected: f32| assert!((values[i] - expected).abs() < 1e-6, "{i}");
        close(0, 0.500 / 0.71);
        close(1, 0.520 / 0.71);
        close(49, 1.480 / 0.71);
        close(50, 0.501 / 0.71);
        close(150, 0.503 / 1.66);
        close(299, 1.485 / 1.66);
    }

    #[test]
    fn says_what_is_wrong_with_the_files() {
        let (signals, index) = files(&[(1, 0, 300), (2, 6, 100)]);
        let error = |signals: &[u8], index: &str| read(signals, index).unwrap_err().to_string();
        assert_eq!(
            error(&[0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 6], &index),
            "the signals: an IDX file of i16 in 2 dimensions was expected"
        );
        assert_eq!(
            error(&signals[..4811], &index),
            "the signals: the file has 4811 bytes, and its dimensions need 4812"
        );
        assert_eq!(
            error(&signals, &index.replace("300", "299")),
            "the series in the index have 399 samples, and the signals 400"
        );
        assert_eq!(
            error(&signals, &index.replace("\"label\":6", "\"label\":7")),
            "label 7 of series 1; labels are below 7"
        );
        assert_eq!(
            error(&signals, &index.replace("\"hz\":50", "\"hz\":25")),
            "6 channels at 25 Hz in steps of 0.001; there should be 6 at 50 Hz in steps of 0.001"
        );
        let mut narrow = signals;
        (narrow[7], narrow[6], narrow[11]) = (0x20, 0x03, 3);
        assert!(error(&narrow, &index).starts_with("3 channels"));
        assert!(error(&narrow, "{}").starts_with("the index cannot be read: missing field `hz`"));
    }

    proptest! {
        #[test]
        fn parts_never_share_a_sample(lengths in prop::collection::vec(0_u32..1_000, 0..6)) {
            let series: Vec<_> = lengths.iter().map(|&len| (1, 0, len)).collect();
            let [train, test] = windows(&series);
            let all: Vec<&Window> = train.cuts.iter().chain(&test.cuts).collect();
            let total = lengths.iter().sum::<u32>() as usize;
            for a in &all {
                prop_assert!(a.start + SPAN <= total);
                let meets = |b: &&&Window| a.start.abs_diff(b.start) < SPAN;
                prop_assert!(all.iter().filter(meets).all(|b| a.part == b.part));
            }
        }
    }
}

//! The data sets that ship, read from the project's `data` folder.

use std::fs;
use std::path::{Path, PathBuf};

use constellation_core::data::{Dataset, DatasetName, FILES, IdxError, WatchError, gunzip};
use thiserror::Error;

/// A data set that cannot be read.
#[derive(Debug, Error)]
pub enum DataError {
    /// A file cannot be read.
    #[error(
        "cannot read {path}: {source}. The data sets are in the project's folder `data`; name it with --data"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path} is no file of this data set: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        source: IdxError,
    },
    /// The watch's files are not what they should be.
    #[error("{path} has no recordings of the watch: {source}")]
    Watch {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: WatchError,
    },
}

/// The watch's files below its folder.
const WATCH_FILES: [&str; 2] = ["signals-idx2-i16.gz", "index.json"];

/// The folder with the data sets: `data` where the program is run, or that of the project it was built from.
#[must_use]
pub fn folder() -> PathBuf {
    let here = PathBuf::from("data");
    if here.is_dir() {
        here
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("data")
    }
}

/// Reads a data set from its folder below `data`.
///
/// # Errors
/// A file is missing or broken.
pub fn load(data: &Path, name: DatasetName) -> Result<Dataset, DataError> {
    let folder = data.join(name.as_str());
    if name == DatasetName::Watch {
        return load_watch(folder);
    }
    let read = |file: &str| unzipped(folder.join(format!("{file}.gz")));
    let [a, b, c, d] = FILES;
    let (a, b, c, d) = (read(a)?, read(b)?, read(c)?, read(d)?);
    Dataset::read(name, [&a, &b, &c, &d]).map_err(|source| DataError::Format {
        path: folder,
        source,
    })
}

fn load_watch(folder: PathBuf) -> Result<Dataset, DataError> {
    let [signals, index] = WATCH_FILES.map(|file| folder.join(file));
    let signals = unzipped(signals)?;
    let index = fs::read_to_string(&index).map_err(|source| DataError::Read {
        path: index,
        source,
    })?;
    Dataset::read_watch(&signals, &index).map_err(|source| DataError::Watch {
        path: folder,
        source,
    })
}

fn unzipped(path: PathBuf) -> Result<Vec<u8>, DataError> {
    let bytes = fs::read(&path).map_err(|source| DataError::Read {
        path: path.clone(),
        source,
    })?;
    gunzip(&bytes).map_err(|source| DataError::Format { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use constellation_core::config::{DataConfig, Partition};
    use constellation_core::data::{LocalData, TableConfig};
    use constellation_core::ids::Slot;

    fn data() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../data")
    }

    /// Rows of one person: the exercise, and mean and standard deviation of each channel over every two seconds.
    fn rows(person: u32) -> String {
        let folder = data().join("watch");
        let [signals, index] = WATCH_FILES.map(|file| folder.join(file));
        let signals = unzipped(signals).unwrap();
        let index: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(index).unwrap()).unwrap();
        let channels = index["channels"].as_array().unwrap();
        let names = channels.iter().flat_map(|channel| {
            let channel = channel.as_str().unwrap();
            [format!("{channel}_mean"), format!("{channel}_sd")]
        });
        let mut text = format!("exercise,{}\n", names.collect::<Vec<_>>().join(","));
        // Behind the header of an IDX file with two dimensions.
        let mut samples = signals[12..].as_chunks::<12>().0;
        for series in index["series"].as_array().unwrap() {
            let (own, rest) = samples.split_at(series["len"].as_u64().unwrap() as usize);
            samples = rest;
            // People are 1 to 10.
            if series["subject"] != person + 1 {
                continue;
            }
            for window in own.as_chunks::<100>().0 {
                text += EXERCISES[series["label"].as_u64().unwrap() as usize];
                for channel in 0..6 {
                    let at = 2 * channel;
                    let values =
                        window.map(|all| i64::from(i16::from_be_bytes([all[at], all[at + 1]])));
                    let sum: i64 = values.iter().sum();
                    let squares: i64 = values.iter().map(|value| value * value).sum();
                    let mean = sum as f64 / 100.0 * 0.001;
                    let sd = ((100 * squares - sum * sum) as f64 / 10_000.0).sqrt() * 0.001;
                    text += &format!(",{mean:.3},{sd:.3}");
                }
                text += "\n";
            }
        }
        text.replace("-0.000", "0.000")
    }

    /// What the index calls PEN, ABD, FEL, IR, ER, TRAP and ROW.
    const EXERCISES: [&str; 7] = [
        "pendulum",
        "abduction",
        "forward elevation",
        "internal rotation",
        "external rotation",
        "trapezius extension",
        "upright row",
    ];

    /// To write them anew: `UPDATE_SAMPLES=1 cargo test -p constellation-lab examples`.
    #[test]
    fn the_pages_examples_are_the_watch_series_and_fit_the_preset() {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/src");
        let presets = fs::read_to_string(web.join("presets.json")).unwrap();
        let presets: serde_json::Value = serde_json::from_str(&presets).unwrap();
        let table = presets["sensors"]["data"]["table"].clone();
        let table: TableConfig = serde_json::from_value(table).unwrap();
        assert_eq!(table.labels, EXERCISES);
        let mut all = Vec::new();
        for person in 0..10 {
            let path = web.join(format!("samples/watch-{person}.csv"));
            let rows = rows(person);
            if std::env::var_os("UPDATE_SAMPLES").is_some() {
                fs::write(&path, &rows).unwrap();
            }
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == rows, "{} is another file", path.display());
            let examples = table.read(committed.as_bytes()).unwrap();
            all.extend((0..examples.len()).map(|row| examples.x(row).to_vec()));
        }
        // The declared means and standard deviations are those of all rows.
        for column in 0..table.columns.len() {
            let count = all.len() as f32;
            let mean = all.iter().map(|row| row[column]).sum::<f32>() / count;
            let squares = all.iter().map(|row| row[column].powi(2)).sum::<f32>() / count;
            assert!(
                mean.abs() < 0.05 && (0.9..1.1).contains(&squares),
                "{column}: {mean}, {squares}"
            );
        }
    }

    #[test]
    fn the_watch_that_ships_has_ten_people_with_every_exercise() {
        let dataset = load(&data(), DatasetName::Watch).unwrap();
        assert_eq!(dataset.train.people(), 10);
        // Counted by another program: 2,723 windows for training, 688 held out, 706 for the balanced view.
        let lengths = [&dataset.train, &dataset.test].map(|source| source.labels().len());
        assert_eq!(lengths, [2_723 + 688, 706]);
        let config = DataConfig {
            dataset: DatasetName::Watch,
            partition: Partition::Person {},
            groups: None,
            ..DataConfig::default()
        };
        let all = (0..10).map(|slot| LocalData::new(&config, 7, Slot(slot), &dataset));
        let all: Vec<LocalData> = all.collect();
        let trains: Vec<usize> = all.iter().map(|data| data.train.len()).collect();
        assert_eq!(trains, [328, 317, 175, 168, 286, 280, 306, 279, 282, 302]);
        for data in &all {
            assert!(data.label_histogram(7).iter().all(|&count| count >= 22));
            // The label with fewest test windows has 4 or more.
            assert!(data.balanced.len() >= 28 && data.balanced.len().is_multiple_of(7));
        }
        // Values are of about unit size.
        let values = all
            .iter()
            .flat_map(|data| data.train.rows(0..data.train.len()));
        let (count, squares) = values.fold((0_u32, 0.0), |(n, sum), value| {
            (n + 1, sum + f64::from(*value).powi(2))
        });
        assert!((0.8..1.2).contains(&(squares / f64::from(count))));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load(Path::new("nowhere"), DatasetName::Watch).unwrap_err();
        let sentence = error.to_string();
        let path = Path::new("nowhere").join("watch").join(WATCH_FILES[0]);
        assert!(sentence.contains(&path.display().to_string()), "{sentence}");
    }
}

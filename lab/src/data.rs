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
    use constellation_core::data::LocalData;
    use constellation_core::ids::Slot;

    fn data() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../data")
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

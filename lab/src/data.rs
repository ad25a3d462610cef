//! The data sets that ship, read from the project's `data` folder.

use std::fs;
use std::path::{Path, PathBuf};

use constellation_core::data::{Dataset, DatasetName, FILES, IdxError, gunzip};
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
}

/// Reads a data set from its folder below `data`.
///
/// # Errors
/// A file is missing or broken.
pub fn load(data: &Path, name: DatasetName) -> Result<Dataset, DataError> {
    let folder = data.join(name.as_str());
    let read = |file: &str| {
        let path = folder.join(format!("{file}.gz"));
        let bytes = fs::read(&path).map_err(|source| DataError::Read {
            path: path.clone(),
            source,
        })?;
        gunzip(&bytes).map_err(|source| DataError::Format { path, source })
    };
    let [a, b, c, d] = FILES;
    let (a, b, c, d) = (read(a)?, read(b)?, read(c)?, read(d)?);
    Dataset::read(name, [&a, &b, &c, &d]).map_err(|source| DataError::Format {
        path: folder,
        source,
    })
}

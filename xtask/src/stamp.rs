//! Stamp files: what a result was made from, so that it is not made again from the same.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A file that holds a hash of a result's sources.
#[derive(Debug)]
pub(crate) struct Stamp {
    file: PathBuf,
    hash: String,
}

impl Stamp {
    /// Hashes `sources` (files, or folders with everything in them except the folders in `except`).
    pub(crate) fn new(file: PathBuf, sources: &[PathBuf], except: &[PathBuf]) -> Result<Self> {
        let mut files = Vec::new();
        for source in sources {
            collect(source, except, &mut files)?;
        }
        files.sort();
        let mut hasher = DefaultHasher::new();
        for path in &files {
            path.hash(&mut hasher);
            fs::read(path)
                .with_context(|| format!("{} cannot be read", path.display()))?
                .hash(&mut hasher);
        }
        Ok(Self {
            file,
            hash: format!("{:016x}", hasher.finish()),
        })
    }

    /// Whether the result was made from these very sources.
    pub(crate) fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|hash| hash == self.hash)
    }

    /// Notes that the result has been made.
    pub(crate) fn write(&self) -> Result<()> {
        fs::write(&self.file, &self.hash)
            .with_context(|| format!("{} cannot be written", self.file.display()))
    }
}

fn collect(path: &Path, except: &[PathBuf], files: &mut Vec<PathBuf>) -> Result<()> {
    if except.iter().any(|other| other == path) {
        return Ok(());
    }
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    let entries =
        fs::read_dir(path).with_context(|| format!("{} cannot be listed", path.display()))?;
    for entry in entries {
        collect(&entry?.path(), except, files)?;
    }
    Ok(())
}

//! What a tab downloads, gzipped, against how much it may be.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::arithmetic;
use crate::project::{self, Project, say};

/// A page with all its scripts and styles, the device's worker included, in bytes.
const PAGE: usize = 115_000;
/// The device, in bytes. The goal is 90,000.
const DEVICE: usize = 111_000;

/// What the build left, in bytes, gzipped.
struct Sizes {
    /// Pages with all that their heads name.
    pages: Vec<(String, usize)>,
    /// The script of the device's worker.
    worker: usize,
    /// The device.
    device: usize,
    /// Where the device is.
    program: PathBuf,
}

/// Prints the sizes of the built pages and of the device, and fails if one is above what it may be, or if the device has
/// lost its vectors.
pub(crate) fn check(project: &Project) -> Result<()> {
    let Sizes {
        pages,
        worker,
        device,
        program,
    } = Sizes::of(project)?;
    for (name, size) in &pages {
        say(&format!("{name}: {size} bytes gzipped"));
    }
    say(&format!(
        "device: {device} bytes of wasm and {worker} of script gzipped"
    ));
    for (name, size) in &pages {
        let size = size + worker;
        ensure!(
            size <= PAGE,
            "{name} with its worker is {size} bytes gzipped, and may be {PAGE}"
        );
    }
    ensure!(
        device <= DEVICE,
        "the device is {device} bytes of wasm gzipped, and may be {DEVICE}"
    );
    arithmetic::check(&program)
}

/// The sizes of the built pages and of the device, a line each.
pub(crate) fn table(project: &Project) -> Result<String> {
    let Sizes {
        mut pages,
        worker,
        device,
        ..
    } = Sizes::of(project)?;
    pages.push(("a device's worker: script".to_owned(), worker));
    pages.push(("a device's worker: program".to_owned(), device));
    let line = |(name, size): &(String, usize)| format!("{name:28} {size:>8}\n");
    Ok(pages.iter().map(line).collect())
}

impl Sizes {
    fn of(project: &Project) -> Result<Self> {
        let built = project.web().join("dist");
        let mut sizes = Self {
            pages: Vec::new(),
            worker: 0,
            device: 0,
            program: PathBuf::new(),
        };
        for folder in [built.clone(), built.join("assets")] {
            let entries = fs::read_dir(&folder);
            for entry in entries.with_context(|| format!("{} cannot be read", folder.display()))? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                match path.extension().and_then(|extension| extension.to_str()) {
                    Some("html") => sizes.pages.push((name.into_owned(), page(&built, &path)?)),
                    Some("js") if name.starts_with("worker-") => sizes.worker = zipped(&path)?,
                    Some("wasm") => {
                        sizes.device = zipped(&path)?;
                        sizes.program = path;
                    }
                    _ => {}
                }
            }
        }
        sizes.pages.sort();
        ensure!(
            !sizes.pages.is_empty() && sizes.worker > 0 && sizes.device > 0,
            "the build left no pages, no worker or no device in {}",
            built.display()
        );
        Ok(sizes)
    }
}

/// A page and what its head names.
fn page(built: &Path, path: &Path) -> Result<usize> {
    let text = fs::read_to_string(path)?;
    let mut size = zipped(path)?;
    for attribute in ["src=\"/", "href=\"/"] {
        for named in text.split(attribute).skip(1) {
            let file = named.split('"').next().unwrap_or_default();
            size += zipped(&built.join(file))?;
        }
    }
    Ok(size)
}

/// The size of a file as browsers get it.
fn zipped(path: &Path) -> Result<usize> {
    let zipped = project::zipped(path);
    let file = fs::metadata(&zipped).with_context(|| format!("no {}", zipped.display()))?;
    Ok(file.len() as usize)
}

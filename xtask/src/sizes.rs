//! What a tab downloads, gzipped, against how much it may be.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::project::{Project, say};

/// A page with all its scripts and styles, the device's worker included, in bytes.
const PAGE: usize = 120_000;
/// The device, in bytes. The goal is 90,000.
const DEVICE: usize = 168_000;

/// Prints the sizes of the built pages and of the device, and fails if one is above what it may be.
pub(crate) fn check(project: &Project) -> Result<()> {
    let built = project.web().join("dist");
    let mut pages = Vec::new();
    let mut worker = 0;
    let mut device = 0;
    for folder in [built.clone(), built.join("assets")] {
        let entries = fs::read_dir(&folder);
        for entry in entries.with_context(|| format!("{} cannot be read", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("html") => pages.push((name.into_owned(), page(&built, &path)?)),
                Some("js") if name.starts_with("worker-") => worker = zipped(&path)?,
                Some("wasm") => device = zipped(&path)?,
                _ => {}
            }
        }
    }
    pages.sort();
    for (name, size) in &pages {
        say(&format!("{name}: {size} bytes gzipped"));
    }
    say(&format!(
        "device: {device} bytes of wasm and {worker} of script gzipped"
    ));
    ensure!(
        !pages.is_empty() && worker > 0 && device > 0,
        "the build left no pages, no worker or no device in {}",
        built.display()
    );
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
    Ok(())
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

fn zipped(path: &Path) -> Result<usize> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?.len())
}
